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

const CALLS_LATE: Diagnosis = Diagnosis {
    id: "calls-late",
    they: "call the target only when the client has spoken",
    text: "the target was called only when the client had said something: a client that waits for the target's greeting waits in vain. Connect as soon as a client has come.",
};

pub(super) static TUNNEL_CALLS: Check = Check::lab(
    "09.tunnel-calls",
    Role::Tunnel,
    "the tunnel connects to its target when a client has come",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_LISTENS])
.read("9.4")
.mistakes(&[&CALLS_LATE])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let mut client = tunnel.connect("the client")?;
    if host.accept_within("the target", patience())?.is_some() {
        return Ok(());
    }
    let expected = format!("the tunnel connects to {}", host.address);
    fail(expected, format!("it does not; {}", tunnel.program.state())).confirm(
        &CALLS_LATE,
        "it did when the client had spoken",
        || {
            let _ = client.send("hello\n");
            matches!(host.accept_within("the target", patience()), Ok(Some(_)))
        },
    )
});

pub(super) static TUNNEL_CONNECTS: Check =
    Check::lab(
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
        let mut client = tunnel.connect("the client")?;
        client.send("hello\n")?; // whether it waits for this another check asks
        if given.accept_within("the target", patience())?.is_some() {
            return Ok(());
        }
        fail(format!("the tunnel connects to {}", given.address), tunnel.program.state())
            .confirm(&FIXED_HOST, "it connected to 127.0.0.1", || usual.accept().is_ok())
    });

pub(super) static TUNNEL_THERE: Check =
    Check::lab("09.tunnel-there", Role::Tunnel, "what a client says comes out at the target")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_CALLS])
        .read("9.4")
        .steps(|stage| {
            let (_tunnel, _host, mut client, mut target) = connected(stage)?;
            gets_through(stage, &mut client, &mut target)
        });

pub(super) static TUNNEL_EARLY: Check = Check::lab(
    "09.tunnel-early",
    Role::Tunnel,
    "a piece goes on at once, whatever is still to come",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_THERE])
.points(2)
.read("9.4")
.mistakes(&[&LINE_BY_LINE, &NEVER_FLUSHED, &STORED, &WHOLE_BUFFER])
.steps(|stage| {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let words = stage.payload(16);
    client.send(&words)?;
    target
        .expect(&words)
        .confirm(&LINE_BY_LINE, "it came when the line was ended", || {
            client.send("\n").is_ok() && target.expect(&words).is_ok()
        })
        .confirm(&NEVER_FLUSHED, "it came when 256 KiB more had been sent", || {
            let _ = client.send_quietly(stage.lines(MORE));
            target.expect(&words).is_ok()
        })
        .confirm(&STORED, "it came when the client had closed its sending side", || {
            client.half_close();
            target.expect(&words).is_ok()
        })?;
    target.expect_no_bytes("no more was sent").probe(&WHOLE_BUFFER, || {
        let behind = target.so_far().len();
        (behind > 2).then(|| format!("{behind} bytes more than were sent"))
    })
});

pub(super) static TUNNEL_BACK: Check =
    Check::lab("09.tunnel-back", Role::Tunnel, "what the target answers comes back, at once")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_CALLS])
        .read("9.4")
        .mistakes(&[&NEVER_FLUSHED, &STORED, &ONE_AFTER_THE_OTHER])
        .steps(back);

const ONE_AFTER_THE_OTHER: Diagnosis = Diagnosis {
    id: "one-after-the-other",
    they: "pass on the answer only when the client has closed its sending side",
    text: "nothing came back until the client had closed its sending side: first one direction is passed on to its end, then the other. A client that waits for an answer does not close. Each direction needs a thread of its own.",
};

fn back(stage: &Stage) -> Step {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let line = format!("{}\n", stage.payload(16));
    client.send(&line)?; // whether and when it arrives other checks ask
    let words = format!("{}\n", stage.payload(16));
    target.send(&words)?;
    client
        .expect(&words)
        .confirm(&NEVER_FLUSHED, "it came when 256 KiB more had been answered", || {
            let _ = target.send_quietly(stage.lines(MORE));
            client.expect(&words).is_ok()
        })
        .confirm(&STORED, "it came when the target had closed its sending side", || {
            target.half_close();
            client.expect(&words).is_ok()
        })
        .confirm(&ONE_AFTER_THE_OTHER, "it came when the client had closed its own", || {
            client.half_close();
            client.expect(&words).is_ok()
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
.needs(&[&TUNNEL_THERE])
.read("9.4")
.mistakes(&[&ONE_SESSION])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let passed_on = |name| {
        let (mut client, mut target) = through(&tunnel, &host, name)?;
        gets_through(stage, &mut client, &mut target)?;
        client.close();
        target.close();
        Ok(())
    };
    passed_on("a")?;
    for name in ["b", "c"] {
        passed_on(name)
            .because(Saw::Nothing, &ONE_SESSION)
            .because(Saw::Closed, &ONE_SESSION)
            .because(Saw::Reset, &ONE_SESSION)?;
    }
    Ok(())
});

const LOCK_STEP: Diagnosis = Diagnosis {
    id: "lock-step",
    they: "pass on one direction at a time",
    text: "one side spoke out of turn and was heard only when the other had spoken too: a question, then an answer, is only one way to talk. Both directions must be read at the same time.",
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
    let out_of_turn = |from: &mut Peer, to: &mut Peer| {
        let line = format!("{}\n", stage.payload(16));
        from.send(&line)?;
        to.expect_among(&line).map(|_| ()).probe(&LOCK_STEP, || {
            to.send("hello\n").ok()?;
            let came = to.expect_among(&line).is_ok();
            came.then(|| format!("it came when {} had spoken", to.name()))
        })
    };
    (0..3).try_for_each(|_| out_of_turn(&mut target, &mut client))?;
    (0..3).try_for_each(|_| out_of_turn(&mut client, &mut target))?;
    (0..3).try_for_each(|_| out_of_turn(&mut target, &mut client))
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
    // The line end is for a program that reads lines, which is judged elsewhere.
    let bytes: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
    let ascii = stage.payload(bytes.len()).into_bytes();
    let both_ways = |bytes: &[u8]| {
        let (_tunnel, _host, mut client, mut target) = connected(stage)?;
        let line = [bytes, b"\n"].concat();
        client.send(&line)?;
        target.expect(&line)?;
        target.send(&line)?;
        client.expect(&line)
    };
    both_ways(&bytes).confirm(&AS_TEXT, "as many letters of ASCII come through", || {
        both_ways(&ascii).is_ok()
    })
});

pub(super) static TUNNEL_END: Check =
    Check::lab("09.tunnel-end", Role::Tunnel, "the end of a direction is passed on, each way")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_BOTH_WAYS])
        .points(2)
        .read("9.3")
        .mistakes(&[&END_SWALLOWED])
        .steps(|stage| {
            let ends_at = |mut from: Peer, mut to: Peer| {
                from.send(format!("{}\n", stage.payload(16)))?;
                from.half_close();
                to.take_until_close(); // other checks ask whether it is right
                to.expect_closed().because(Saw::Nothing, &END_SWALLOWED)
            };
            let (_tunnel, _host, client, target) = connected(stage)?;
            ends_at(client, target)?;
            let (_tunnel, _host, client, target) = connected(stage)?;
            ends_at(target, client)
        });

pub(super) static TUNNEL_REPLY: Check = Check::lab(
    "09.tunnel-reply",
    Role::Tunnel,
    "a direction that ends leaves the other one alone",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_BACK])
.points(2)
.read("9.3")
.mistakes(&[&BOTH_CLOSED])
.steps(|stage| {
    let goes_on = |mut first: Peer, mut last: Peer| {
        first.send(format!("{}\n", stage.payload(16)))?;
        let _ = last.take(17); // other checks ask whether it is right
        first.half_close();
        // Time enough for a tunnel that closes too much.
        let _ = last.expect_no_bytes("the other side has said its last word");
        (0..2)
            .try_for_each(|_| passes(stage, &mut last, &mut first))
            .because(Saw::Closed, &BOTH_CLOSED)
            .because(Saw::Reset, &BOTH_CLOSED)
    };
    let (_tunnel, _host, client, target) = connected(stage)?;
    goes_on(client, target)?;
    let (_tunnel, _host, client, target) = connected(stage)?;
    goes_on(target, client)
});

pub(super) static TUNNEL_RESTS: Check = Check::lab(
    "09.tunnel-rests",
    Role::Tunnel,
    "the tunnel rests when one direction has ended, and when both have",
)
.source("L0, 3(c): each connection to it gets forwarded to the target")
.needs(&[&TUNNEL_CALLS])
.read("9.3")
.mistakes(&[&SPINS])
.steps(|stage| {
    let (tunnel, _host, mut client, mut target) = connected(stage)?;
    client.send(format!("{}\n", stage.payload(16)))?;
    let _ = target.take(17);
    client.half_close();
    client.settle();
    rests(&tunnel.program, "the client's end")?;
    target.half_close();
    target.settle();
    rests(&tunnel.program, "the target's end")?;
    client.close();
    target.close();
    rests(&tunnel.program, "the close of both")
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
.needs(&[&TUNNEL_BACK])
.points(2)
.read("9.5")
.mistakes(&[&ONE_DIRECTION])
.steps(stuck);

/// Sends until the tunnel takes no more, also not a moment later: one that has not had a
/// processor meanwhile may only seem stuck. Returns how many bytes were taken.
fn clog(stage: &Stage, client: &mut Peer) -> usize {
    let block = stage.lines(64 * 1024);
    let mut sent = 0;
    while sent < STORED_BY_KERNELS {
        match client.send_until_stuck(&block) {
            0 => break,
            taken => sent += taken,
        }
    }
    sent
}

/// More than the kernels store on the way: a tunnel that takes it stores it itself, and is not
/// stuck.
const STORED_BY_KERNELS: usize = 32_000_000;

fn stuck(stage: &Stage) -> Step {
    let (_tunnel, _host, mut client, mut target) = connected(stage)?;
    let mut sent = 0;
    // Several times, because the kernels find room for a little more once in a while.
    for _ in 0..4 {
        if sent < STORED_BY_KERNELS {
            sent += clog(stage, &mut client);
        }
        let line = format!("{}\n", stage.payload(16));
        target.send(&line)?;
        let came = "when the target had read, it came";
        client.expect_among(&line).map(|_| ()).confirm(&ONE_DIRECTION, came, || {
            target.take(sent);
            client.expect_among(&line).is_ok()
        })?;
    }
    Ok(())
}

pub(super) static TUNNEL_MUCH: Check =
    Check::lab("09.tunnel-much", Role::Tunnel, "8 MB go each way at the same time")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_BOTH_WAYS])
        .read("9.4")
        .mistakes(&[&LOST_ON_THE_WAY])
        .steps(|stage| {
            let (_tunnel, _host, mut client, mut target) = connected(stage)?;
            let (out, back) = (stage.lines(8_000_000), stage.lines(8_000_000));
            let (at_client, at_target) = thread::scope(|scope| {
                let target = scope.spawn(|| target.exchange(&back));
                let at_client = client.exchange(&out);
                let panicked = |_| Err(Halt::Grader("a thread panicked".into()));
                (at_client, target.join().unwrap_or_else(panicked))
            });
            all_came("the target gets", &out, &at_target?)?;
            all_came("the client gets", &back, &at_client?)
        });

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-09",
    they: "pass on one connection after another",
    text: "the second connection went through only when the first one was over: who calls accept() while a connection lasts?",
};

pub(super) static TUNNEL_SECOND: Check = Check::lab(
    "09.tunnel-second",
    Role::Tunnel,
    "a second connection goes through while the first one is still there",
)
.source("L0, 3(c): every time one connects to it")
.needs(&[&TUNNEL_THERE])
.read("9.2")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let first = through(&tunnel, &host, "a")?;
    beside(stage, &tunnel, &host, first, &ONE_AT_A_TIME)
});

/// Another connection goes through beside the first one; if it does only when that one is over,
/// that is what the diagnosis means.
fn beside(
    stage: &Stage,
    tunnel: &Server,
    host: &Host,
    first: (Peer, Peer),
    diagnosis: &'static Diagnosis,
) -> Step {
    const THEN: &str = "when the first connection was over, it did";
    let mut client = tunnel.connect("b")?;
    let Some(mut target) = host.accept_within("b's target", patience())? else {
        let got = format!("it does not; {}", tunnel.program.state());
        return fail("the tunnel connects to the target for b", got).confirm(
            diagnosis,
            THEN,
            || {
                drop(first);
                matches!(host.accept_within("b's target", patience()), Ok(Some(_)))
            },
        );
    };
    gets_through(stage, &mut client, &mut target).confirm(diagnosis, THEN, || {
        drop(first);
        target.expect_anything("what b has said").is_ok()
    })
}

const STUCK_STOPS_ALL: Diagnosis = Diagnosis {
    id: "stuck-stops-all",
    they: "let one connection that is stuck hold up all others",
    text: "one client sends and its target does not read, and the next client waits: the program's only thread stands in a write. Either each connection has threads of its own, or nothing is written to a socket that has no room.",
};

pub(super) static TUNNEL_STALLED: Check = Check::lab(
    "09.tunnel-stalled",
    Role::Tunnel,
    "a connection that is stuck does not hold up another one",
)
.source("L0, 3(c): every time one connects to it")
.needs(&[&TUNNEL_SECOND])
.read("9.5")
.mistakes(&[&STUCK_STOPS_ALL])
.steps(|stage| {
    let (tunnel, host) = tunnel(stage)?;
    let mut first = through(&tunnel, &host, "a")?;
    clog(stage, &mut first.0);
    beside(stage, &tunnel, &host, first, &STUCK_STOPS_ALL)
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-09",
    they: "mix up connections",
    text: "a client was answered with what was meant for another one: is there one socket variable for all threads? Each must own its own.",
};

pub(super) static TUNNEL_APART: Check =
    Check::lab("09.tunnel-apart", Role::Tunnel, "keeps 40 connections apart")
        .source("L0, 3(c): every time one connects to it")
        .needs(&[&TUNNEL_SECOND, &TUNNEL_BACK])
        .read("9.4")
        .mistakes(&[&CROSSED, &FEW_AT_ONCE])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let (tunnel, host) = tunnel(stage)?;
            // One comes after another, and all stay: a listen(5) would drop many that come together.
            let mut pairs = Vec::new();
            for n in 1..=CLIENTS {
                let client = tunnel.connect(&format!("client {n}"))?;
                match host.accept_within(&format!("target {n}"), patience())? {
                    Some(target) => pairs.push((client, target)),
                    None => return too_few(&tunnel, &host, pairs),
                }
            }
            let said: Vec<[String; 2]> =
                pairs.iter().map(|_| [(); 2].map(|()| stage.payload(12) + "\n")).collect();
            for ((client, target), [there, back]) in pairs.iter_mut().zip(&said) {
                client.send(there)?;
                target.send(back)?;
            }
            for ((client, target), [there, back]) in pairs.iter_mut().zip(&said).rev() {
                for (peer, words) in [(target, there), (client, back)] {
                    peer.expect(words).probe(&CROSSED, || {
                        let got = peer.so_far();
                        let others = said.iter().flatten().filter(|other| *other != words);
                        let crossed =
                            others.filter(|other| find(got, other.as_bytes()).is_some());
                        (crossed.count() > 0).then(|| "others' words came".to_string())
                    })?;
                }
            }
            Ok(())
        });

/// So many connections went through, and the next one does not.
fn too_few(tunnel: &Server, host: &Host, pairs: Vec<(Peer, Peer)>) -> Step {
    let served = pairs.len();
    let expected = format!("the tunnel connects to the target for client {}", served + 1);
    fail(expected, format!("it does not; {}", tunnel.program.state())).probe(
        &FEW_AT_ONCE,
        || {
            drop(pairs);
            host.accept_within("the target", patience()).ok()??;
            Some(format!("{served} were passed on; when they were over, this one was too"))
        },
    )
}

pub(super) static TUNNEL_RESET: Check =
    Check::lab("09.tunnel-reset", Role::Tunnel, "goes on when one side resets its connection")
        .source("L0, 3(c): each connection to it gets forwarded to the target")
        .needs(&[&TUNNEL_NEXT, &TUNNEL_BOTH_WAYS])
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
.needs(&[&TUNNEL_THERE])
.points(2)
.read("9.5")
.mistakes(&[&DOWN_KILLS, &DOWN_HANGS])
.steps(down);

fn down(stage: &Stage) -> Step {
    let address = stage.host("127.0.0.1")?.address; // nobody listens there any more
    let tunnel = stage.tunnel(address)?;
    const OVER: &str = "the tunnel is no longer there";
    for name in ["a", "b"] {
        let client = tunnel.connect(name);
        let mut client = client.confirm(&DOWN_KILLS, OVER, || is_over(&tunnel))?;
        client.expect_close().because(Saw::Nothing, &DOWN_HANGS)?;
    }
    let host = stage.host_at(address)?;
    through(&tunnel, &host, "c")
        .and_then(|(mut client, mut target)| gets_through(stage, &mut client, &mut target))
        .confirm(&DOWN_KILLS, OVER, || is_over(&tunnel))
}
