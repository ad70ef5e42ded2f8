#!/bin/sh
# make hosts: the labs' "different computers" on one machine, and the sessions of HOSTS.md on
# them. Three network namespaces, each a host with its own interfaces and addresses:
#
#     laptop1 (10.77.1.2) ---- eth1 login eth2 ---- (10.77.2.2) laptop2
#
# The laptops reach the login host, which forwards nothing: they cannot reach each other.
# An sshd runs on the login host, with keys made for this run. All of it goes at the end.
set -eu
cd "$(dirname "$0")/../.."

left_out() { echo "hosts: left out: $1"; exit 0; }
command -v ip > /dev/null || left_out 'no ip here (Debian: iproute2)'
[ "$(id -u)" = 0 ] || left_out 'only root can make network namespaces'

LAB=$(mktemp -d)
TAG=plain$$
export LAB TAG
cleanup() {
    [ ! -s "$LAB/sshd.pid" ] || kill "$(cat "$LAB/sshd.pid")" 2> /dev/null || true
    for host in laptop1 login laptop2; do ip netns del "$TAG-$host" 2> /dev/null || true; done
    rm -rf "$LAB"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

ip netns add "$TAG-login" 2> "$LAB/why" || left_out "no namespaces here: $(cat "$LAB/why")"
for n in 1 2; do
    ip netns add "$TAG-laptop$n"
    ip link add "p$n-$$" type veth peer name "q$n-$$"
    ip link set "p$n-$$" netns "$TAG-laptop$n" name eth0
    ip link set "q$n-$$" netns "$TAG-login" name "eth$n"
    ip -n "$TAG-laptop$n" addr add "10.77.$n.2/24" dev eth0
    ip -n "$TAG-login" addr add "10.77.$n.1/24" dev "eth$n"
    ip -n "$TAG-laptop$n" link set eth0 up
    ip -n "$TAG-login" link set "eth$n" up
done
for host in laptop1 login laptop2; do ip -n "$TAG-$host" link set lo up; done

# `on laptop1 COMMAND` is what a terminal on that host would be.
mkdir "$LAB/bin"
cat > "$LAB/bin/on" << EOF
#!/bin/sh
host=\$1; shift
exec ip netns exec "$TAG-\$host" "\$@"
EOF
chmod +x "$LAB/bin/on"
PATH="$LAB/bin:$PATH"

# The login host's sshd, and an ssh that knows it.
if command -v sshd > /dev/null || [ -x /usr/sbin/sshd ]; then
    ssh-keygen -q -t ed25519 -N '' -f "$LAB/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$LAB/user_key"
    cp "$LAB/user_key.pub" "$LAB/authorized_keys"
    cat > "$LAB/sshd_config" << EOF
Port 22
HostKey $LAB/host_key
AuthorizedKeysFile $LAB/authorized_keys
PidFile $LAB/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
EOF
    cat > "$LAB/bin/ssh" << EOF
#!/bin/sh
exec $(command -v ssh) -F none -i "$LAB/user_key" -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile="$LAB/known_hosts" -o LogLevel=ERROR "\$@"
EOF
    chmod +x "$LAB/bin/ssh"
    mkdir -p /run/sshd
    on login "$(command -v sshd || echo /usr/sbin/sshd)" -f "$LAB/sshd_config" -E "$LAB/sshd_log"
else
    echo 'hosts: left out: what needs ssh, there is no sshd here (Debian: openssh-server)'
fi

cargo run -q -p book --bin book -- sessions --book tests/interop/HOSTS.md

# Loss, delay and disorder, where the kernel has them; the sessions are true either way.
for n in 1 2; do
    on login tc qdisc add dev "eth$n" root netem delay 5ms 2ms reorder 25% loss 10% 2> "$LAB/why" \
        || { [ "$n" = 2 ] || echo "hosts: left out: loss, delay and disorder by netem: $(cat "$LAB/why")"; }
done
cargo run -q -p book --bin book -- sessions --book tests/interop/LOSSY.md
