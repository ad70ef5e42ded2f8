//! Chapter 5, both sides: the grader plays the clients of the server, and the server of the
//! client.
//!
//! Replies are compared as numbers, and any reply that is no number counts as an error. A
//! program that ends its own messages with `\n` claims that its messages are lines, and must
//! then join and split them; one that does not is judged only with whole messages.

use super::{
    manners, session_exercises,
    shared::{FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    kernel, patience,
    peer::{Message, Peer},
    process::Heard,
    quiet,
};
use std::{env, fs, path::Path, process, thread, time::Duration};

/// Chapter 5.
pub static CHAPTER: Chapter = Chapter {
    number: "05",
    name: "calculator",
    roles: &[Role::Server, Role::Client],
    checks: CHECKS,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L2, question 6: the server",
    role: Role::Server,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "5.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const CLIENT: Check =
    Check { source: "L2, question 6: the client", role: Role::Client, ..SERVER };
const SERVER_MANNERS: Check = Check {
    source: "our contract, 05-calculator; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "5.6",
    ..SERVER
};
const CLIENT_MANNERS: Check = Check { role: Role::Client, ..SERVER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "05.listens",
        title: "server: listens on its port",
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "05.answers",
        title: "server: takes the first line for a name, and answers the second",
        source: "L2, question 6: initiates communication by sending its name",
        needs: &["05.listens"],
        points: 2,
        run: answers,
        diagnoses: &[&NAME_IS_REQUEST],
        ..SERVER
    },
    Check {
        id: "05.goes-on",
        title: "server: answers one request after another in one session",
        source: "L2, question 6: runs an infinite loop",
        needs: &["05.answers"],
        run: goes_on,
        diagnoses: &[&ONE_REQUEST],
        ..SERVER
    },
    Check {
        id: "05.calculates",
        title: "server: adds, subtracts, multiplies and divides",
        source: "L2, question 6: the arithmetic operation",
        needs: &["05.goes-on"],
        points: 2,
        run: calculates,
        ..SERVER
    },
    Check {
        id: "05.decimals",
        title: "server: takes and gives decimals, and numbers below zero",
        source: "L2, question 6: \"4.5 / -6\"",
        needs: &["05.calculates"],
        points: 2,
        run: decimals,
        diagnoses: &[&INTEGERS],
        ..SERVER
    },
    Check {
        id: "05.by-zero",
        title: "server: a division by zero is one reply, and the session goes on",
        source: "L2, question 6: keeps waiting for requests",
        needs: &["05.goes-on"],
        points: 2,
        book: "5.6",
        run: by_zero,
        diagnoses: &[&ZERO_KILLS],
        ..SERVER
    },
    Check {
        id: "05.malformed",
        title: "server: a malformed request is one reply, and the session goes on",
        source: "L2, question 6: keeps waiting for requests",
        needs: &["05.goes-on"],
        book: "5.6",
        run: malformed,
        diagnoses: &[&MALFORMED_KILLS],
        ..SERVER
    },
    Check {
        id: "05.runs-nothing",
        title: "server: calculates a request, and never runs it as a program",
        source: "L2, question 6: two numbers and a simple arithmetic operation",
        needs: &["05.answers"],
        points: 2,
        book: "5.6",
        run: runs_nothing,
        diagnoses: &[&EVALUATES],
        ..SERVER
    },
    Check {
        id: "05.pieces",
        title: "server: a request that comes in pieces is one request",
        needs: &["05.goes-on"],
        book: "5.2",
        run: pieces,
        diagnoses: &[&READ_IS_REQUEST],
        ..SERVER
    },
    Check {
        id: "05.coalesced",
        title: "server: a name and two requests in one packet get two replies, in order",
        needs: &["05.goes-on"],
        book: "5.6",
        run: coalesced,
        diagnoses: &[&REST_LOST],
        ..SERVER
    },
    Check {
        id: "05.shows",
        title: "server: prints each request that it receives",
        source: "L2, question 6: the server prints the received message",
        needs: &["05.answers"],
        run: shows,
        ..SERVER
    },
    Check {
        id: "05.quit",
        title: "server: `q` ends the session, and it prints `Session ended`",
        source: "L2, question 6: ends the communication session",
        needs: &["05.answers"],
        points: 2,
        run: quit,
        diagnoses: &[&STAYS_OPEN],
        ..SERVER
    },
    Check {
        id: "05.second-client",
        title: "server: serves a second client while the first one is silent",
        source: "L2, question 8, and our contract: chapter 3 has taught it",
        needs: &["05.answers"],
        points: 2,
        book: "5.4",
        run: second_client,
        diagnoses: &[&ONE_AT_A_TIME],
        ..SERVER
    },
    Check {
        id: "05.vanishes",
        title: "server: a client that vanishes without a `q` costs nobody else anything",
        source: "L2, question 8: the same service for each connection",
        needs: &["05.second-client"],
        book: "5.6",
        run: vanishes,
        diagnoses: &[&VANISHING_KILLS],
        ..SERVER
    },
    Check {
        id: "05.many-clients",
        title: "server: gives each of 20 clients who ask at once its own answers",
        source: "L2, question 8: the same service for each connection",
        needs: &["05.goes-on", "05.vanishes"],
        book: "5.4",
        run: many_clients,
        diagnoses: &[&CROSSED],
        ..SERVER
    },
    Check {
        id: "05.own-name",
        title: "server: prints `NAME: 12 + 42 = 54`, each client under its own name",
        needs: &["05.goes-on", "05.second-client", "05.shows"],
        book: "5.5",
        run: own_name,
        diagnoses: &[&NAME_SHARED],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.end-noted",
        title: "server: prints `NAME: Session ended`, also of a client that vanished",
        needs: &["05.quit", "05.vanishes"],
        book: "5.5",
        run: end_noted,
        diagnoses: &[&END_MISSED],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.reset",
        title: "server: a client that resets ends its session alone",
        needs: &["05.vanishes"],
        run: reset,
        diagnoses: &[&RESET_KILLS],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.exact",
        title: "server: a reply is the number alone, or `error: …`, in one line",
        needs: &["05.decimals", "05.by-zero", "05.malformed"],
        run: exact,
        ..SERVER_MANNERS
    },
    Check {
        id: "05.strict",
        title: "server: refuses what is no two plain numbers with an operator between them",
        needs: &["05.malformed"],
        run: strict,
        diagnoses: &[&LAX_NUMBERS],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.overflow",
        title: "server: a result that is too large is an error",
        needs: &["05.calculates"],
        run: overflow,
        ..SERVER_MANNERS
    },
    Check {
        id: "05.not-utf8",
        title: "server: a request that is no UTF-8 is malformed, and the session goes on",
        needs: &["05.malformed"],
        run: not_utf8,
        diagnoses: &[&BAD_TEXT_KILLS],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.too-long",
        title: "server: a line over 64 KiB gets `error: line too long`, and the close",
        needs: &["05.vanishes", "05.pieces"],
        run: too_long,
        diagnoses: &[&NO_LIMIT],
        ..SERVER_MANNERS
    },
    Check {
        id: "05.deaf",
        title: "server: a client that never reads its answers holds up itself alone",
        needs: &["05.many-clients"],
        book: "5.4",
        run: deaf,
        ..SERVER_MANNERS
    },
    Check {
        id: "05.client-name",
        title: "client: connects, and sends its name first",
        source: "L2, question 6: initiates communication by sending its name",
        run: |stage| named_client(stage).map(|_| ()),
        ..CLIENT
    },
    Check {
        id: "05.client-host",
        title: "client: connects to the host that it is given",
        source: "L2, question 2: specify the server's IP address",
        needs: &["05.client-name"],
        run: connects_to_the_given_host,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "05.client-asks",
        title: "client: sends what its user types, and prints the answer",
        needs: &["05.client-name"],
        points: 2,
        run: client_asks,
        diagnoses: &[&NOT_FLUSHED],
        ..CLIENT
    },
    Check {
        id: "05.client-goes-on",
        title: "client: asks again and again, on the same connection",
        source: "L2, question 6: runs in an infinite loop",
        needs: &["05.client-asks"],
        run: client_goes_on,
        diagnoses: &[&ASKS_ONCE],
        ..CLIENT
    },
    Check {
        id: "05.client-checks",
        title: "client: warns of a malformed line, and does not send it",
        source: "L2, question 6: a warning is displayed",
        needs: &["05.client-goes-on"],
        points: 2,
        run: client_checks,
        diagnoses: &[&SENDS_MALFORMED, &SILENT_ON_MALFORMED],
        ..CLIENT
    },
    Check {
        id: "05.client-pieces",
        title: "client: an answer that comes in pieces is one answer",
        needs: &["05.client-goes-on"],
        book: "5.2",
        run: client_pieces,
        diagnoses: &[&READ_IS_ANSWER],
        ..CLIENT
    },
    Check {
        id: "05.client-quits",
        title: "client: forwards `q`, and stops",
        source: "L2, question 6: forwards the \"q\"",
        needs: &["05.client-asks"],
        points: 2,
        run: client_quits,
        diagnoses: &[&Q_NOT_SENT],
        ..CLIENT
    },
    Check {
        id: "05.client-input-ends",
        title: "client: the end of its input counts as `q`, exit 0",
        needs: &["05.client-quits"],
        run: client_input_ends,
        diagnoses: &[&INPUT_END_MISSED],
        ..CLIENT_MANNERS
    },
    Check {
        id: "05.client-strict",
        title: "client: sends two plain numbers with an operator between them, no more",
        needs: &["05.client-checks"],
        run: client_strict,
        diagnoses: &[&LAX_NUMBERS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "05.client-server-leaves",
        title: "client: a server that goes away is one line and exit 1",
        needs: &["05.client-asks"],
        run: client_server_leaves,
        diagnoses: &[&LEAVING_IS_FINE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "05.client-name-option",
        title: "client: with --name it does not ask for one",
        needs: &["05.client-asks"],
        run: client_name_option,
        ..CLIENT_MANNERS
    },
    Check { needs: &["05.client-host"], ..manners::refused("05.refused") },
    Check { needs: &["05.client-host"], ..manners::ipv6("05.ipv6") },
    manners::help("05.help", Role::Server),
    manners::version("05.version", Role::Server),
    manners::usage("05.usage", Role::Server),
    manners::port_zero("05.port-zero", Role::Server),
    Check { needs: &["05.listens"], ..manners::blocking_lines("05.blocking", Role::Server) },
    Check { needs: &["05.listens"], ..manners::blocking_trace("05.trace", Role::Server) },
    session_exercises::STATELESS,
    session_exercises::REMEMBERS,
    session_exercises::IDLE,
];

/// Connects a client, who says its name: a message of its own, read before the next one.
fn join(server: &Server, name: &str) -> Outcome<Peer> {
    let mut client = server.connect(name)?;
    client.send(format!("{name}\n"))?;
    // A thread has to start first. A client whom nobody accepts is not waited for so long.
    let waits = || kernel::queued(server.port).is_some_and(|waiting| waiting > 0);
    (1..=8).any(|look| client.settle() || (look >= 3 && waits()));
    Ok(client)
}

/// A server, and a client in a session.
fn session(stage: &Stage) -> Outcome<(Server, Peer)> {
    let server = stage.serve(Role::Server)?;
    let client = join(&server, "Ada")?;
    Ok((server, client))
}

/// Sends a request, whole, and returns the reply.
fn ask(client: &mut Peer, request: &str) -> Outcome<Message> {
    client.send(format!("{request}\n"))?;
    client.expect_message(&format!("the reply to {request}"))
}

/// Sends a request, and expects this number.
fn gives(client: &mut Peer, request: &str, expected: f64) -> Outcome<Message> {
    let reply = ask(client, request)?;
    is_number(&reply, expected)?;
    Ok(reply)
}

/// Sends a request, and expects a reply that is no number.
fn gives_error(client: &mut Peer, request: &str) -> Outcome {
    let reply = ask(client, request)?;
    match number(&reply.text) {
        Some(_) => fail(format!("an error as the reply to {request}"), shown(&reply)),
        None => Ok(()),
    }
}

fn is_number(reply: &Message, expected: f64) -> Outcome {
    match number(&reply.text) {
        Some(n) if is_close(n, expected) => Ok(()),
        _ => fail(format!("{expected}, as a number"), shown(reply)),
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

fn shown(reply: &Message) -> String {
    quote(reply.text.as_bytes())
}

/// A sum of two numbers that nobody can guess, and its result.
fn sum(stage: &Stage) -> (String, f64) {
    let small = || u32::from(stage.bytes(1)[0]) + 10;
    let (a, b) = (small() * 1000, small());
    (format!("{a} + {b}"), f64::from(a + b))
}

const NAME_IS_REQUEST: Diagnosis = Diagnosis {
    id: "name-is-request",
    they: "answer the name as if it were a request",
    text: "the first line got a reply: it is the client's name, and a request comes only behind it. From here on every answer is one too early.",
};

fn answers(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    ada.expect_silence("the first line is a name, which gets no reply")
        .means(!ada.so_far().is_empty(), &NAME_IS_REQUEST)?;
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result).map(|_| ())
}

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "one-request-05",
    they: "answer one request in a session",
    text: "the first request is answered and the second is not: a session is a loop, which ends when the client says so.",
};

fn goes_on(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for n in 0..4 {
        let (request, result) = sum(stage);
        gives(&mut ada, &request, result).means(n > 0, &ONE_REQUEST)?;
    }
    Ok(())
}

fn calculates(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    let digits = || f64::from(stage.bytes(1)[0] % 90 + 10);
    let (a, b) = (digits(), digits());
    for (request, result) in [
        (format!("{a} + {b}"), a + b),
        (format!("{a} - {b}"), a - b),
        (format!("{a} * {b}"), a * b),
        (format!("{} / {b}", a * b), a),
    ] {
        gives(&mut ada, &request, result)?;
    }
    Ok(())
}

const INTEGERS: Diagnosis = Diagnosis {
    id: "integers",
    they: "calculate with whole numbers",
    text: "what stands behind the point is lost, or not understood: a number here may have decimals. Which type holds them, and which one did you choose?",
};

fn decimals(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for (request, result) in
        [("7 / 2", 3.5), ("4.5 / -6", -0.75), ("3.24 - 45", -41.76), ("-1.5 * -4", 6.0)]
    {
        gives(&mut ada, request, result).means(true, &INTEGERS)?;
    }
    Ok(())
}

const ZERO_KILLS: Diagnosis = Diagnosis {
    id: "zero-kills",
    they: "end a session over a division by zero",
    text: "a division by zero ended the session, or the server: it is a request like any other, and its answer is that there is none.",
};

fn by_zero(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    outlives(stage, &mut ada, "1 / 0").means(true, &ZERO_KILLS)
}

/// A request that has no result gets one reply, and the next one is answered.
fn outlives(stage: &Stage, client: &mut Peer, request: &str) -> Outcome {
    gives_error(client, request)?;
    let (next, result) = sum(stage);
    gives(client, &next, result).map(|_| ())
}

const MALFORMED_KILLS: Diagnosis = Diagnosis {
    id: "malformed-kills",
    they: "end a session over a malformed request",
    text: "a malformed request ended the session, or got no reply: whoever writes to a server need not be your own client.",
};

fn malformed(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for request in ["12 +", "hello", "twelve + 1", "+"] {
        outlives(stage, &mut ada, request).means(true, &MALFORMED_KILLS)?;
    }
    Ok(())
}

const EVALUATES: Diagnosis = Diagnosis {
    id: "evaluates",
    they: "run a request as a program",
    text: "a request made a folder on the server's machine: it was run as code. Take the line apart, and calculate with two numbers: eval() and a shell do whatever a stranger writes.",
};

/// Requests that make a folder where they are run: by Python, by JavaScript, by a shell.
fn programs(folder: &Path) -> [String; 4] {
    let folder = folder.display();
    [
        format!("1 + __import__('os').mkdir('{folder}')"),
        format!("__import__('os').mkdir('{folder}')"),
        format!("1 + require('fs').mkdirSync('{folder}')"),
        format!("1 + $(mkdir '{folder}')"),
    ]
}

fn runs_nothing(stage: &Stage) -> Outcome {
    let canary = env::temp_dir().join(format!("canary-{}-{}", process::id(), stage.payload(8)));
    for program in programs(&canary) {
        let (_server, mut client) = session(stage)?;
        client.send(format!("{program}\n"))?;
        // Whatever it answers, or that it gives up on this client, is not the question here.
        let _ = client.expect_message("a reply");
        if fs::remove_dir(&canary).is_ok() {
            return fail(
                "nothing on the server's machine has changed",
                "there is a new folder",
            )
            .means(true, &EVALUATES);
        }
    }
    Ok(())
}

const READ_IS_REQUEST: Diagnosis = Diagnosis {
    id: "read-is-request",
    they: "take what one read returns for one request",
    text: "half a request was answered before its other half had come: one recv is not one message. Where does your protocol say that a request ends?",
};

fn pieces(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    if !gives(&mut ada, &request, result)?.is_line {
        stage.log.step("its replies have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let (request, result) = sum(stage);
    let (first, rest) = request.split_at(request.len() / 2);
    ada.dribble(first)?;
    ada.expect_silence("half a request is none").means(true, &READ_IS_REQUEST)?;
    ada.dribble(format!("{rest}\n"))?;
    let reply = ada.expect_message("the reply").means(true, &READ_IS_REQUEST)?;
    is_number(&reply, result).means(true, &READ_IS_REQUEST)
}

const REST_LOST: Diagnosis = Diagnosis {
    id: "rest-lost",
    they: "lose what comes in the same packet behind a line",
    text: "what stood behind a line in the same packet was lost, or taken for a part of it: one read can bring several lines. Keep what is left for the next turn.",
};

fn coalesced(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    let (one, two) = (sum(stage), sum(stage));
    if !gives(&mut ada, &one.0, one.1)?.is_line {
        stage.log.step("its replies have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let server = stage.serve(Role::Server)?;
    let mut bob = server.connect("Bob")?;
    bob.send(format!("Bob\n{}\n{}\n", one.0, two.0))?;
    for result in [one.1, two.1] {
        let reply = bob.expect_message("the reply").means(true, &REST_LOST)?;
        is_number(&reply, result).means(true, &REST_LOST)?;
    }
    Ok(())
}

fn shows(stage: &Stage) -> Outcome {
    let (mut server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result)?;
    server.program.prints(&request)
}

const STAYS_OPEN: Diagnosis = Diagnosis {
    id: "stays-open-05",
    they: "do not end the session at `q`",
    text: "the session goes on behind `q`: the client waits for the end of it, and a thread of yours for a client that is done.",
};

fn quit(stage: &Stage) -> Outcome {
    let (mut server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result)?;
    ada.send("q\n")?;
    // A word of goodbye is nobody's loss.
    ada.take_until_close();
    ada.expect_closed().means(true, &STAYS_OPEN)?;
    ada.close();
    server.program.prints("Session ended")
}

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-05",
    they: "serve clients one after another",
    text: "the second client is answered only when the first one has left: who waits for the one hears nothing of the other. What did chapter 3 do about that?",
};

fn second_client(stage: &Stage) -> Outcome {
    let (server, ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ()).probe(&ONE_AT_A_TIME, || {
        ada.close();
        let late = bob.expect_message("the reply").is_ok();
        late.then(|| "the reply came when the first client had left".to_string())
    })
}

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-05",
    they: "mix clients up",
    text: "with many clients at once some got no answer, or another's: what is one client's own must not lie where all threads write.",
};

fn many_clients(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 20;
    let server = stage.serve(Role::Server)?;
    // One after the other, because the queue of a listen(5) is short; they ask at once.
    let clients: Outcome<Vec<Peer>> =
        (0..CLIENTS).map(|n| join(&server, &format!("client{n}"))).collect();
    thread::scope(|scope| {
        let asking: Vec<_> = clients?
            .into_iter()
            .map(|mut client| {
                let requests = [sum(stage), sum(stage)];
                scope.spawn(move || {
                    requests.iter().try_for_each(|(request, result)| {
                        gives(&mut client, request, *result).map(|_| ())
                    })
                })
            })
            .collect();
        asking.into_iter().try_for_each(|client| match client.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
    .means(true, &CROSSED)
}

const VANISHING_KILLS: Diagnosis = Diagnosis {
    id: "vanishing-kills",
    they: "end when a client goes without a `q`",
    text: "a client closed without a `q`, and the server was no server any more: a read of 0 bytes is an end too. It comes whether the client is polite or not.",
};

fn vanishes(stage: &Stage) -> Outcome {
    let (server, ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    ada.close();
    server.connect("one that says nothing").means(true, &VANISHING_KILLS)?.close();
    for client in [&mut bob, &mut join(&server, "Eve").means(true, &VANISHING_KILLS)?] {
        let (request, result) = sum(stage);
        gives(client, &request, result).means(true, &VANISHING_KILLS)?;
    }
    if server.program.burns_processor() {
        return fail("the server waits", "it burns a processor").means(true, &VANISHING_KILLS);
    }
    Ok(())
}

const NAME_SHARED: Diagnosis = Diagnosis {
    id: "name-shared",
    they: "keep one name for all clients",
    text: "one client's request was printed under another's name: the name is the session's, so it belongs where nobody but the session's own thread can reach it.",
};

fn own_name(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut clients = Vec::new();
    for name in ["Ada", "Bob"] {
        clients.push((name, join(&server, name)?));
    }
    let mut program = server.program;
    for _ in 0..2 {
        for (name, client) in &mut clients {
            let (request, result) = sum(stage);
            gives(client, &request, result)?;
            let line = format!("{name}: {request} = {result}\n");
            program.prints(line).probe(&NAME_SHARED, || {
                let other = if *name == "Ada" { "Bob" } else { "Ada" };
                let line = format!("{other}: {request}");
                let printed = program.prints_within(Duration::ZERO, line).is_ok();
                printed.then(|| format!("it was printed as {other}'s"))
            })?;
        }
    }
    Ok(())
}

const END_MISSED: Diagnosis = Diagnosis {
    id: "end-missed",
    they: "note no end of a session without a `q`",
    text: "a client vanished, and the server has not said so: a session ends in more ways than by its `q`, and each must lead to the same line.",
};

fn end_noted(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut ada = join(&server, "Ada")?;
    ada.send("q\n")?;
    server.program.prints("Ada: Session ended\n")?;
    join(&server, "Bob")?.close();
    server.program.prints("Bob: Session ended\n").means(true, &END_MISSED)?;
    let mut eve = join(&server, "Eve")?;
    eve.send("1 + 1\n")?;
    eve.reset()?;
    server.program.prints("Eve: Session ended\n").means(true, &END_MISSED)
}

fn reset(stage: &Stage) -> Outcome {
    let (server, mut ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    ada.send("1 + 1\n")?;
    ada.reset()?;
    server.program.stays("one client of two has reset").means(true, &RESET_KILLS)?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).means(true, &RESET_KILLS)?;
    let mut eve = join(&server, "Eve").means(true, &RESET_KILLS)?;
    gives(&mut eve, &request, result).map(|_| ()).means(true, &RESET_KILLS)
}

fn exact(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for (request, line) in [
        ("12 + 42", "54\n"),
        ("4.5 / -6", "-0.75\n"),
        ("0.1 + 0.2", "0.3\n"),
        ("0 * -5", "0\n"),
    ] {
        ada.send(format!("{request}\n"))?;
        ada.expect(line)?;
    }
    for request in ["1 / 0", "12 +"] {
        ada.send(format!("{request}\n"))?;
        let line = ada.expect_line("an error")?;
        if !line.starts_with("error: ") {
            return fail("`error: …`", quote(line.as_bytes()));
        }
    }
    Ok(())
}

const LAX_NUMBERS: Diagnosis = Diagnosis {
    id: "lax-numbers",
    they: "take for a number whatever their language takes for one",
    text: "`inf`, `1e5` or a line of four words passed for a request: a library's parser reads more than your protocol has. Say yourself what a number is.",
};

/// What a library's parser may take, and the protocol does not have.
const NO_REQUESTS: [&str; 6] = ["inf + 1", "1e5 + 2", "+5 + 1", "1 + 2 3", "12+42", "0x10 + 1"];

fn strict(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    NO_REQUESTS
        .iter()
        .try_for_each(|request| gives_error(&mut ada, request).means(true, &LAX_NUMBERS))
}

fn overflow(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    let huge = "9".repeat(300);
    outlives(stage, &mut ada, &format!("{huge} * {huge}"))
}

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills-05",
    they: "end a session over bytes that are no UTF-8",
    text: "a request that is no UTF-8 ended the session: it is malformed, no more. Decoding can fail, and what it throws must not leave the loop.",
};

fn not_utf8(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    ada.send(b"1 + \xff\xfe\n")?;
    let reply = ada.expect_message("an error").means(true, &BAD_TEXT_KILLS)?;
    if number(&reply.text).is_some() {
        return fail("an error", shown(&reply)).means(true, &BAD_TEXT_KILLS);
    }
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result).map(|_| ()).means(true, &BAD_TEXT_KILLS)
}

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-05",
    they: "store a line without end",
    text: "a line without an end was read on and on: whoever sends it chooses how much memory you use. Set a limit, say so, and close.",
};

fn too_long(stage: &Stage) -> Outcome {
    let (server, mut ada) = session(stage)?;
    // The program may close before it has taken all of it.
    let _ = ada.send([b'1'; 100_000]);
    ada.expect("error: line too long\n").means(true, &NO_LIMIT)?;
    ada.expect_close().means(true, &NO_LIMIT)?;
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ())
}

fn deaf(stage: &Stage) -> Outcome {
    let (server, mut ada) = session(stage)?;
    // Long answers, so that a few of them fill what the kernel holds for her. Who answers 1e300
    // has not filled it yet.
    let request = format!("{} + 1\n", "9".repeat(300));
    ada.send_until_stuck_within(patience(), request.as_bytes());
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ())
}

/// A client that has sent its name. A program may have a name of its own: then the one that
/// is typed here is a malformed line to it, which it does not send.
fn named_client(stage: &Stage) -> Outcome<(Program, Peer)> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types("Ada");
    server.expect_message("the client's name")?;
    Ok((client, server))
}

/// The user types a request, the grader gives an answer that nobody can guess, and it is
/// printed. Returns what the client sent.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Outcome<Message> {
    let (request, _) = sum(stage);
    client.types(&request);
    let sent = server.expect_message("the request")?;
    if sent.text != request {
        return fail(
            format!("the server gets {}", quote(request.as_bytes())),
            quote(sent.text.as_bytes()),
        );
    }
    let (_, answer) = sum(stage);
    server.send(format!("{answer}\n"))?;
    client.prints(answer.to_string())?;
    Ok(sent)
}

const NOT_FLUSHED: Diagnosis = Diagnosis {
    id: "not-flushed-05",
    they: "do not flush what they print",
    text: "the answer was printed only when the program ended: on a pipe stdout keeps what is written until it is flushed.",
};

fn client_asks(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    let (request, _) = sum(stage);
    client.types(&request);
    server.expect(&request)?;
    server.skip_line_end();
    let (_, answer) = sum(stage);
    server.send(format!("{answer}\n"))?;
    client.prints(answer.to_string()).probe(&NOT_FLUSHED, || {
        client.types("q");
        client.end_input();
        server.close();
        let late = client.prints(answer.to_string()).is_ok();
        late.then(|| "it came when the program had ended".to_string())
    })
}

const ASKS_ONCE: Diagnosis = Diagnosis {
    id: "asks-once-05",
    they: "ask once, and stop",
    text: "the first answer was printed, and the next request never came: the user says when it is over.",
};

fn client_goes_on(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    for n in 0..4 {
        exchange(stage, &mut client, &mut server).means(n > 0, &ASKS_ONCE)?;
    }
    Ok(())
}

const SENDS_MALFORMED: Diagnosis = Diagnosis {
    id: "sends-malformed",
    they: "send a malformed line to the server",
    text: "the malformed line was sent: the user's mistake can be told at once, without the network.",
};
const SILENT_ON_MALFORMED: Diagnosis = Diagnosis {
    id: "silent-on-malformed",
    they: "say nothing to a malformed line",
    text: "the malformed line was dropped, and nobody was told: the user waits for an answer that never comes.",
};

fn client_checks(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    let prompt = prompt(&client);
    for line in ["12 +", "hello"] {
        let said = said(&client.process.heard());
        client.types(line);
        server
            .expect_silence("the line is malformed")
            .means(!server.so_far().is_empty(), &SENDS_MALFORMED)?;
        let warned = |heard: &Heard| (self::said(heard) > said + prompt).then_some(());
        if client.process.wait_for(patience(), warned).is_none() {
            return fail("a warning", "not a word").means(true, &SILENT_ON_MALFORMED);
        }
    }
    exchange(stage, &mut client, &mut server).map(|_| ())
}

/// How much it has said, on both streams.
fn said(heard: &Heard) -> usize {
    heard.stdout.len() + heard.stderr.len()
}

/// How long its prompt is: what it prints behind an answer, once that is all here.
fn prompt(program: &Program) -> usize {
    let behind = |heard: &Heard| {
        heard.stdout.iter().rev().take_while(|byte| !byte.is_ascii_digit()).count()
    };
    program.process.wait_for(quiet(), |_| None::<()>);
    behind(&program.process.heard())
}

const READ_IS_ANSWER: Diagnosis = Diagnosis {
    id: "read-is-answer",
    they: "take what one read returns for one answer",
    text: "an answer that came in two pieces was printed in two, or the second was taken for the next answer: read until the line's end.",
};

fn client_pieces(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    if !exchange(stage, &mut client, &mut server)?.is_line {
        stage.log.step("its requests have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let (request, answer) = sum(stage);
    client.types(&request);
    server.expect_message("the request")?;
    server.dribble(format!("{answer}\n"))?;
    client.prints(answer.to_string()).means(true, &READ_IS_ANSWER)?;
    exchange(stage, &mut client, &mut server).map(|_| ()).means(true, &READ_IS_ANSWER)
}

const Q_NOT_SENT: Diagnosis = Diagnosis {
    id: "q-not-sent",
    they: "keep `q` to themselves",
    text: "the client stopped and the server never got its `q`: the server can only guess what has become of it.",
};

fn client_quits(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    client.types("q");
    quits(&client, server, &Q_NOT_SENT)
}

/// The server gets `q`, and the client ends.
fn quits(client: &Program, mut server: Peer, means: &'static Diagnosis) -> Outcome {
    server.expect("q").means(true, means)?;
    server.close();
    client.ends().map(|_| ())
}

const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed-05",
    they: "say no goodbye when their input ends",
    text: "its input has ended and the server got no `q`: nobody is left who could type it, so the program has to.",
};

fn client_input_ends(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    client.end_input();
    quits(&client, server, &INPUT_END_MISSED)?;
    client.ends_with(0)
}

fn client_strict(stage: &Stage) -> Outcome {
    let (mut client, mut server) = named_client(stage)?;
    for line in NO_REQUESTS {
        client.types(line);
        client.complains(&["warning"]).means(true, &LAX_NUMBERS)?;
    }
    server.expect_silence("all of them are malformed").means(true, &LAX_NUMBERS)?;
    exchange(stage, &mut client, &mut server).map(|_| ())
}

const LEAVING_IS_FINE: Diagnosis = Diagnosis {
    id: "leaving-is-fine-05",
    they: "end with 0 when the server goes away",
    text: "a request got no answer and the exit status is 0: a script that calls this program would believe it.",
};

fn client_server_leaves(stage: &Stage) -> Outcome {
    let (client, mut server) = named_client(stage)?;
    let (request, _) = sum(stage);
    client.types(&request);
    server.expect_message("the request")?;
    server.close();
    let success = client.ends()?.success();
    client.ends_with(1).means(success, &LEAVING_IS_FINE)?;
    client.complains(&["calculator", "cannot read the answer"]).map(|_| ())
}

fn client_name_option(stage: &Stage) -> Outcome {
    let host = stage.host("127.0.0.1")?;
    let mut client = stage.client_with(host.address, "--name Ada", &[])?;
    let mut server = client.connects_to(&host, "the server")?;
    server.expect("Ada\n")?;
    exchange(stage, &mut client, &mut server).map(|_| ())
}
