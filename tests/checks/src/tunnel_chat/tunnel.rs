//! Chapter 9, the tunnel: the grader plays both ends, the client and the target.

use super::*;

pub(super) static TUNNEL_LISTENS: Check =
    Check::lab("09.tunnel-listens", Role::Tunnel, "the tunnel listens on its local port")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .read("9.4")
        .steps(|stage| {
            let host = stage.host("127.0.0.1")?;
            stage.tunnel(host.address).map(|_| ())
        });

pub(super) static TUNNEL_CONNECTS: Check = Check::lab(
    "09.tunnel-connects",
    Role::Tunnel,
    "the tunnel connects to the host and the port that it is given",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_LISTENS])
.read("9.4")
.mistakes(&[&FIXED_HOST])
.steps(|stage| {
    let given = stage.host("127.0.0.2")?;
    let usual = std::net::TcpListener::bind(("127.0.0.1", given.address.port()))?;
    usual.set_nonblocking(true)?;
    let tunnel = stage.tunnel(given.address)?;
    through(&tunnel, &given, "the client").map(|_| ()).probe(&FIXED_HOST, || {
        usual.accept().is_ok().then(|| "it connected to 127.0.0.1".to_string())
    })
});

pub(super) static TUNNEL_THERE: Check =
    Check::lab("09.tunnel-there", Role::Tunnel, "what a client says comes out at the target")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_CONNECTS])
        .read("9.4")
        .steps(there);

const STORED: Diagnosis = Diagnosis {
    id: "stored",
    they: "store all of it before they pass anything on",
    text: "nothing came through until the sender had ended: a stream may never end. Write each piece when it has been read.",
};

pub(super) static TUNNEL_EARLY: Check = Check::lab(
    "09.tunnel-early",
    Role::Tunnel,
    "a piece goes on at once, whatever is still to come",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_THERE])
.points(2)
.read("9.4")
.mistakes(&[&LINE_BY_LINE, &STORED])
.steps(|stage| {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let words = stage.payload(16);
    client.send(&words)?;
    target
        .expect(&words)
        .probe(&LINE_BY_LINE, || {
            client.send("\n").ok()?;
            let came = target.expect(&words).is_ok();
            came.then(|| "it came when the line was ended".to_string())
        })
        .probe(&STORED, || {
            client.half_close();
            let came = target.expect(&words).is_ok();
            came.then(|| "it came when the client had closed its sending side".to_string())
        })
});

pub(super) static TUNNEL_BACK: Check =
    Check::lab("09.tunnel-back", Role::Tunnel, "what the target answers comes back, at once")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_EARLY])
        .read("9.4")
        .mistakes(&[&STORED])
        .steps(back);

fn back(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    passes(stage, &mut client, &mut target)?;
    let words = stage.payload(16);
    target.send(&words)?;
    client.expect(&words).probe(&STORED, || {
        target.half_close();
        let came = client.expect(&words).is_ok();
        came.then(|| "it came when the target had closed its sending side".to_string())
    })
}

const ONE_SESSION: Diagnosis = Diagnosis {
    id: "one-session",
    they: "pass on one connection and no more",
    text: "the first connection went through and the next one does not, although the first is over: is accept() called in a loop, and is the target called anew for each client?",
};

pub(super) static TUNNEL_NEXT: Check = Check::lab(
    "09.tunnel-next",
    Role::Tunnel,
    "a second connection goes through when the first one is over",
)
.source("L0, 3(c): every time one connects to it")
.needs(&[&TUNNEL_BACK])
.read("9.4")
.mistakes(&[&ONE_SESSION])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    for name in ["a", "b", "c"] {
        let (client, target) =
            works(stage, &tunnel, &host, name).means(name != "a", &ONE_SESSION)?;
        client.close();
        target.close();
    }
    Ok(())
});

const LOCK_STEP: Diagnosis = Diagnosis {
    id: "lock-step",
    they: "pass on one direction at a time",
    text: "the target spoke out of turn and was not heard: a question, then an answer, is only one way to talk. Both directions must be read at the same time.",
};

pub(super) static TUNNEL_BOTH_WAYS: Check = Check::lab(
    "09.tunnel-both-ways",
    Role::Tunnel,
    "either side speaks first, and as often as it likes",
)
.source("L0, 3(e): both should be able to send each other messages")
.needs(&[&TUNNEL_BACK])
.points(2)
.read("9.2")
.mistakes(&[&LOCK_STEP])
.steps(|stage| {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let mut talk = || -> Outcome {
        (0..3).try_for_each(|_| passes(stage, &mut target, &mut client))?;
        (0..3).try_for_each(|_| passes(stage, &mut client, &mut target))?;
        (0..3).try_for_each(|_| passes(stage, &mut target, &mut client))
    };
    talk().means(true, &LOCK_STEP)
});

pub(super) static TUNNEL_BYTES: Check = Check::lab(
    "09.tunnel-bytes",
    Role::Tunnel,
    "every byte goes through as it came, text or not",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_BACK])
.read("9.4")
.mistakes(&[&AS_TEXT])
.steps(|stage| {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let bytes: Vec<u8> = (0..=255).collect();
    client.send(&bytes)?;
    target.expect(&bytes).means(true, &AS_TEXT)?;
    target.send(&bytes)?;
    client.expect(&bytes).means(true, &AS_TEXT)
});

pub(super) static TUNNEL_END: Check =
    Check::lab("09.tunnel-end", Role::Tunnel, "the end of a direction is passed on, each way")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_BOTH_WAYS, &TUNNEL_NEXT])
        .points(2)
        .read("9.3")
        .mistakes(&[&END_SWALLOWED])
        .steps(|stage| {
            let (tunnel, host) = tunnel(stage)?;
            let ends_at = |mut from: Peer, mut to: Peer| {
                passes(stage, &mut from, &mut to)?;
                from.half_close();
                to.expect_close().means(true, &END_SWALLOWED)
            };
            let (client, target) = through(&tunnel, &host, "the client")?;
            ends_at(client, target)?;
            let (client, target) = through(&tunnel, &host, "the next client")?;
            ends_at(target, client)
        });

pub(super) static TUNNEL_REPLY: Check = Check::lab(
    "09.tunnel-reply",
    Role::Tunnel,
    "a direction that ends leaves the other one alone",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_BOTH_WAYS, &TUNNEL_NEXT])
.points(2)
.read("9.3")
.mistakes(&[&BOTH_CLOSED])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let goes_on = |mut first: Peer, mut last: Peer| {
        passes(stage, &mut first, &mut last)?;
        first.half_close();
        // Time enough for a tunnel that closes too much.
        let silence = last.expect_no_bytes("the other side has said its last word");
        let mut more = || (0..2).try_for_each(|_| passes(stage, &mut last, &mut first));
        silence.and_then(|()| more()).means(true, &BOTH_CLOSED)
    };
    let (client, target) = through(&tunnel, &host, "the client")?;
    goes_on(client, target)?;
    let (client, target) = through(&tunnel, &host, "the next client")?;
    goes_on(target, client)
});

const ONE_DIRECTION: Diagnosis = Diagnosis {
    id: "one-direction",
    they: "stop one direction while the other one is stuck",
    text: "the target did not read for a while, and what it said did not come through either: when both ends send much at once, neither will ever read. What does your tunnel wait for while a write blocks?",
};

pub(super) static TUNNEL_STUCK: Check = Check::lab(
    "09.tunnel-stuck",
    Role::Tunnel,
    "a direction that is stuck does not hold up the other one",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_BOTH_WAYS])
.points(2)
.read("9.5")
.mistakes(&[&ONE_DIRECTION])
.steps(stuck);

fn stuck(stage: &Stage) -> Outcome {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    client.send_until_stuck(&stage.bytes(64 * 1024));
    let mut answer = || (0..3).try_for_each(|_| passes(stage, &mut target, &mut client));
    answer().means(true, &ONE_DIRECTION)
}

pub(super) static TUNNEL_MUCH: Check =
    Check::lab("09.tunnel-much", Role::Tunnel, "8 MB go each way at the same time")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_STUCK, &TUNNEL_BYTES])
        .read("9.4")
        .mistakes(&[&LOST_ON_THE_WAY])
        .steps(|stage| {
            let (_tunnel, _host, mut client, mut target) = connected(stage)?;
            let (out, back) = (stage.bytes(8_000_000), stage.bytes(8_000_000));
            let (at_client, at_target) = thread::scope(|scope| {
                let target = scope.spawn(|| target.exchange(&back));
                let at_client = client.exchange(&out);
                let panicked = |_| Err(Stop::Grader("a thread panicked".into()));
                (at_client, target.join().unwrap_or_else(panicked))
            });
            equal("the target gets", &out, &at_target?).means(true, &LOST_ON_THE_WAY)?;
            equal("the client gets", &back, &at_client?).means(true, &LOST_ON_THE_WAY)
        });

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-09",
    they: "pass on one connection after another",
    text: "the second connection went through only when the first one was over: who calls accept() while a connection lasts?",
};

pub(super) static TUNNEL_SECOND: Check = Check::lab(
    "09.tunnel-second",
    Role::Tunnel,
    "a second connection goes through beside the first one, though that one is stuck",
)
.source("L0, 3(c): every time one connects to it")
.needs(&[&TUNNEL_NEXT])
.points(2)
.read("9.2")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let (mut a, target) = works(stage, &tunnel, &host, "a")?;
    a.send_until_stuck(&stage.bytes(64 * 1024));
    let mut b = tunnel.connect("b")?;
    if let Some(mut target) = host.accept_within("b's target", patience())? {
        passes(stage, &mut b, &mut target)?;
        return passes(stage, &mut target, &mut b);
    }
    fail("the tunnel connects to the target for b", "it does not").probe(&ONE_AT_A_TIME, || {
        a.close();
        target.close();
        let next = host.accept_within("b's target", patience()).ok()?;
        next.map(|_| "when the first connection was over, it did".to_string())
    })
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-09",
    they: "mix up connections",
    text: "a client was answered with what was meant for another one: is there one socket variable for all threads? Each must own its own.",
};

pub(super) static TUNNEL_APART: Check =
    Check::lab("09.tunnel-apart", Role::Tunnel, "keeps 40 connections apart")
        .source("L0, 3(c): every time one connects to it")
        .needs(&[&TUNNEL_SECOND])
        .read("9.4")
        .mistakes(&[&CROSSED])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let (tunnel, host) = tunnel(stage)?;
            // One comes after another, and all stay: a listen(5) would drop many that come together.
            let pairs: Outcome<Vec<(Peer, Peer)>> = (1..=CLIENTS)
                .map(|n| through(&tunnel, &host, &format!("client {n}")))
                .collect();
            let mut pairs = pairs?;
            let (there, back) = (stage.payload(12), stage.payload(12));
            let mut talk = || -> Outcome {
                for (n, (client, target)) in pairs.iter_mut().enumerate() {
                    client.send(format!("{there} {n}\n"))?;
                    target.send(format!("{back} {n}\n"))?;
                }
                for (n, (client, target)) in pairs.iter_mut().enumerate().rev() {
                    target.expect(format!("{there} {n}\n"))?;
                    client.expect(format!("{back} {n}\n"))?;
                }
                Ok(())
            };
            talk().means(true, &CROSSED)
        });

pub(super) static TUNNEL_RESET: Check =
    Check::lab("09.tunnel-reset", Role::Tunnel, "goes on when one side resets its connection")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_BOTH_WAYS, &TUNNEL_NEXT])
        .read("9.5")
        .mistakes(&[&RESET_KILLS])
        .steps(reset);

const DOWN_KILLS: Diagnosis = Diagnosis {
    id: "down-kills",
    they: "end when the target cannot be reached",
    text: "the target was not there for one client, and since then nobody gets through: that one connection has failed, and no other.",
};

const DOWN_HANGS: Diagnosis = Diagnosis {
    id: "down-hangs",
    they: "let a client hang whose target cannot be reached",
    text: "the target is not there, and the client's connection stays open: it waits for somebody who will never come. Who owns its socket when connecting has failed?",
};

pub(super) static TUNNEL_DOWN: Check = Check::lab(
    "09.tunnel-down",
    Role::Tunnel,
    "a target that is not there costs that one connection, and works when it is",
)
.source("L0, 3(c): the tunnel is built before anybody uses it")
.needs(&[&TUNNEL_NEXT])
.points(2)
.read("9.5")
.mistakes(&[&DOWN_KILLS, &DOWN_HANGS])
.steps(down);

fn down(stage: &Stage) -> Outcome {
    let address = stage.host("127.0.0.1")?.address; // nobody listens there any more
    let tunnel = stage.tunnel(address).means(true, &DOWN_KILLS)?;
    for name in ["a", "b"] {
        let mut client = tunnel.connect(name).means(true, &DOWN_KILLS)?;
        client.expect_close().means(true, &DOWN_HANGS)?;
    }
    let host = stage.host_at(address)?;
    works(stage, &tunnel, &host, "c").map(|_| ()).means(true, &DOWN_KILLS)
}

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
    let (client, mut target) = works(stage, &tunnel, &host, "a")?;
    target.send("unread")?;
    client.reset()?;
    target.expect_close().means(true, &RESET_SWALLOWED)?;
    let (mut client, target) = works(stage, &tunnel, &host, "b")?;
    client.send("unread")?;
    target.reset()?;
    client.expect_close().means(true, &RESET_SWALLOWED)
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

fn memory(stage: &Stage) -> Outcome {
    let (tunnel, _host, mut client, _target) = connected(stage)?;
    client.send_until_stuck(&stage.bytes(64 * 1024));
    match tunnel.program.peak_memory() {
        Some(kib) if kib > 16 * 1024 => {
            fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                .means(true, &STORES_ALL)
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
            fail("127.0.0.2 is refused", "it is connected").means(true, &FOR_ALL)
        });
