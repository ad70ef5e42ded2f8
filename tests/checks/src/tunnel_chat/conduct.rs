//! Chapter 9, the programs' manners, which cost a submission nothing.

use super::*;
use tunnel::{TUNNEL_DOWN, TUNNEL_END, TUNNEL_LISTENS, TUNNEL_RESET, TUNNEL_STUCK};

pub(super) static REFUSED: Check = manners::refused("09.refused");

pub(super) static IPV6: Check = manners::ipv6("09.ipv6").needs(&[&CONNECTS]);

pub(super) static HELP: Check = manners::help("09.help", Role::Server);

pub(super) static VERSION: Check = manners::version("09.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("09.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("09.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("09.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("09.trace", Role::Server).needs(&[&LISTENS]);

// -- the tunnel's

pub(super) static TUNNEL_SAYS_DOWN: Check = Check::manners(
    "09.tunnel-says-down",
    Role::Tunnel,
    "says on stderr that the target is not there",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&TUNNEL_DOWN])
.read("9.4")
.steps(|stage| {
    let address = stage.host("127.0.0.1")?.address;
    let tunnel = stage.tunnel(address)?;
    tunnel.connect("a")?.expect_close()?;
    tunnel.program.complains(&[&address.to_string(), "Connection refused"]).map(|_| ())
});

const RESET_SWALLOWED: Diagnosis = Diagnosis {
    id: "reset-swallowed",
    they: "let one side wait when the other one has broken off",
    text: "one side has reset its connection, and the other one still waits: the thread that saw the error has ended, and the other direction's thread sleeps on. What wakes it?",
};

pub(super) static TUNNEL_RESET_ENDS: Check = Check::manners(
    "09.tunnel-reset-ends",
    Role::Tunnel,
    "when one side resets, the other side's connection ends too",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&TUNNEL_RESET])
.read("9.5")
.mistakes(&[&RESET_SWALLOWED])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let (client, mut target) = through(&tunnel, &host, "a")?;
    target.send("unread\n")?;
    client.reset()?;
    target.expect_close().because(Saw::Nothing, &RESET_SWALLOWED)?;
    let (mut client, target) = through(&tunnel, &host, "b")?;
    client.send("unread\n")?;
    target.reset()?;
    client.expect_close().because(Saw::Nothing, &RESET_SWALLOWED)
});

pub(super) static TUNNEL_CLOSES: Check = Check::manners(
    "09.tunnel-closes",
    Role::Tunnel,
    "keeps no socket of a connection that is over",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&TUNNEL_END])
.read("9.3")
.mistakes(&[&NEVER_CLOSED])
.steps(closes);

const STORES_ALL: Diagnosis = Diagnosis {
    id: "stores-all-09",
    they: "store without end what the target does not read",
    text: "the target does not read, and the tunnel's memory grows: whoever sends chooses how much you store. Read on only when the last piece has been written.",
};

pub(super) static TUNNEL_MEMORY: Check = Check::manners(
    "09.tunnel-memory",
    Role::Tunnel,
    "holds a sender back while the target does not read, in constant memory",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&TUNNEL_STUCK])
.read("9.5")
.mistakes(&[&STORES_ALL])
.steps(memory);

fn memory(stage: &Stage) -> Step {
    let (tunnel, _host, mut client, _target) = connected(stage)?;
    client.send_until_stuck(&stage.bytes(64 * 1024));
    match tunnel.program.peak_memory() {
        Some(kib) if kib > 16 * 1024 => {
            fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                .because(Saw::Something, &STORES_ALL)
        }
        _ => Ok(()),
    }
}

const FOR_ALL: Diagnosis = Diagnosis {
    id: "for-all",
    they: "open the tunnel to other machines too",
    text: "it listens on 127.0.0.2 too, and so on every address of this machine: whoever can reach it gets through the tunnel, as if they sat here.",
};

pub(super) static TUNNEL_LOOPBACK: Check =
    Check::manners("09.tunnel-loopback", Role::Tunnel, "the tunnel listens on 127.0.0.1 alone")
        .source("our contract, 09-tunnel-chat; the lab leaves it open")
        .needs(&[&TUNNEL_LISTENS])
        .read("9.4")
        .mistakes(&[&FOR_ALL])
        .steps(|stage| {
            let (tunnel, _host) = tunnel(stage)?;
            tunnel.connect("the client")?;
            if tunnel.connect_to("127.0.0.2", "a stranger").is_err() {
                return Ok(());
            }
            fail("127.0.0.2 is refused", "it is connected").because(Saw::Something, &FOR_ALL)
        });
