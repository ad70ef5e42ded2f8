#!/bin/sh
# make capture CHAPTER=05: plays the chapter's first session in a network of its own and shows
# what was on the wire: the handshake, the text, the goodbye; and the first conversation as
# Wireshark follows it, where there is a tshark.
set -eu
cd "$(dirname "$0")/../.."
section="${1#0}.1"

left_out() { echo "capture: left out: $1"; exit 0; }
command -v tcpdump > /dev/null || left_out 'no tcpdump here (Debian: tcpdump)'
command -v unshare > /dev/null || left_out 'no unshare here (Debian: util-linux)'
# tcpdump changes who it is if it is root, and may not in a namespace of an ordinary user.
alone="unshare -n"
[ "$(id -u)" = 0 ] || alone="unshare -cn --keep-caps"
$alone true 2> /dev/null || left_out 'no network namespaces here'

cargo build -q --workspace --bins --examples
wire=$(mktemp -d)
trap 'rm -rf "$wire"' EXIT
export wire section

$alone sh -euc '
    ip link set lo up
    tcpdump -i lo -U --immediate-mode -w - > "$wire/packets" 2> "$wire/said" &
    tcpdump=$!
    tries=0
    until grep -q "listening on" "$wire/said"; do
        tries=$((tries + 1)); [ $tries -lt 200 ] || { cat "$wire/said"; exit 1; }
        sleep 0.05
    done
    FAST=1 cargo run -q -p book --bin book -- session "$section"
    kill -INT $tcpdump
    wait $tcpdump || true
'
echo
echo 'On the wire (TCP flags: S opens, F ends, P brings text, R resets, . acknowledges):'
# A packet is a line about it, then its bytes: the last LENGTH of them are what a program said.
tcpdump -n -A -r - < "$wire/packets" 2> /dev/null | awk '
    function told(text) {
        if (bytes > 0) { text = substr(packet, length(packet) - bytes, bytes); gsub(/\n/, "\\n", text); gsub(/\r/, "\\r", text) }
        if (about != "") print about "  " text
    }
    /^[0-9][0-9]:[0-9][0-9]:.* IP / {
        told(""); packet = ""; bytes = $NF ~ /^[0-9]+$/ ? $NF : 0
        flags = match($0, /Flags \[[^]]*\]/) ? substr($0, RSTART + 6, RLENGTH - 6) : "UDP"
        if (match($0, /length [0-9]+/)) bytes = substr($0, RSTART + 7, RLENGTH - 7)
        from = $3; to = $5; gsub(/127\.0\.0\.1\./, "", from); gsub(/127\.0\.0\.1\./, "", to)
        about = sprintf("%s  %-5s > %-6s %-5s", substr($1, 7), from, to, flags); next
    }
    { packet = packet $0 "\n" }
    END { told("") }
'

command -v tshark > /dev/null || left_out 'the conversation, there is no tshark here (Debian: tshark)'
transport=tcp
[ "$section" != 4.1 ] || transport=udp
tshark -r "$wire/packets" -q -z "follow,$transport,ascii,0" 2> /dev/null
