//! Chapter 8, a server and its load: the grader plays a few clients, then the server for many.

use super::{
    load_exercises, manners,
    shared::{
        BUSY_ACCEPT, DESCRIPTORS_KILL, FEW_DESCRIPTORS, FIXED_HOST, ONE_CLIENT, RESET_KILLS,
        connects_with, outlives_descriptors, written,
    },
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, fail},
    find, kernel, patience,
    peer::{Host, Peer},
    quiet,
};
use std::{
    collections::BTreeMap,
    env, fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process,
    sync::{Mutex, OnceLock},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

/// Chapter 8.
pub static CHAPTER: Chapter = Chapter {
    number: "08",
    name: "loadgen",
    roles: &[Role::Server, Role::Client],
    checks: CHECKS,
};

/// What the lab asks of the server.
const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L0, 1: the multithreaded server",
    role: Role::Server,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "8.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
/// What the lab asks of the client.
const CLIENT: Check =
    Check { source: "L0, 2: your own client, with threads", role: Role::Client, ..SERVER };
/// What only the contract asks for.
const SERVER_MANNERS: Check = Check {
    source: "our contract, 08-loadgen; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    ..SERVER
};
const CLIENT_MANNERS: Check = Check { role: Role::Client, ..SERVER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "08.listens",
        title: "listens on its port",
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "08.intro",
        title: "speaks first: an intro, before the client has said anything",
        source: "L0, 1: sending intro message/receiving long message",
        needs: &["08.listens"],
        run: intro,
        diagnoses: &[&NO_INTRO],
        ..SERVER
    },
    Check {
        id: "08.counts",
        title: "answers `received N bytes` when the client has closed its sending side",
        needs: &["08.intro"],
        points: 2,
        run: counts,
        diagnoses: &[&WAITS_FOR_LINE, &WRONG_COUNT],
        ..SERVER
    },
    Check {
        id: "08.pieces",
        title: "counts a message that comes in pieces as one",
        source: "L0, 1: receiving long message",
        needs: &["08.counts"],
        points: 2,
        run: pieces,
        diagnoses: &[&ONE_READ],
        ..SERVER
    },
    Check {
        id: "08.long",
        title: "counts a message of 4 MB, whatever its bytes are",
        source: "L0, 1: receiving long message",
        needs: &["08.pieces"],
        run: long,
        diagnoses: &[&LIMITED],
        ..SERVER
    },
    Check {
        id: "08.closes",
        title: "closes the connection behind its answer",
        needs: &["08.counts"],
        book: "8.5",
        run: closes,
        diagnoses: &[&NEVER_CLOSED],
        ..SERVER
    },
    Check {
        id: "08.next-client",
        title: "serves the next client when the first one has left",
        needs: &["08.counts"],
        run: next_client,
        diagnoses: &[&ONE_CLIENT],
        ..SERVER
    },
    Check {
        id: "08.second-client",
        title: "sends a second client its intro while the first one is still there",
        source: "L0, 1(c): both clients get the intro before either enters its message",
        needs: &["08.next-client"],
        points: 3,
        book: "8.2",
        run: second_client,
        diagnoses: &[&ONE_AT_A_TIME],
        ..SERVER
    },
    Check {
        id: "08.apart",
        title: "counts for each of 50 clients what that client has sent",
        source: "L0, 2(b): 10, 20, 50 … clients",
        needs: &["08.second-client"],
        points: 2,
        book: "8.5",
        run: apart,
        diagnoses: &[&CROSSED],
        ..SERVER
    },
    Check {
        id: "08.survives-reset",
        title: "serves on when one client resets its connection",
        source: "L0, 2(c): are there any TCP errors?",
        needs: &["08.next-client"],
        points: 2,
        book: "8.6",
        run: survives_reset,
        diagnoses: &[&RESET_KILLS],
        ..SERVER
    },
    Check {
        id: "08.empty",
        title: "a message of no bytes is received too: `received 0 bytes`",
        needs: &["08.counts"],
        run: empty,
        diagnoses: &[&EMPTY_UNANSWERED],
        ..SERVER_MANNERS
    },
    Check {
        id: "08.constant-memory",
        title: "counts 40 MB without storing them",
        needs: &["08.long"],
        run: constant_memory,
        diagnoses: &[&STORES_ALL],
        ..SERVER_MANNERS
    },
    Check {
        id: "08.descriptors",
        title: "outlives running out of descriptors, and says so",
        needs: &["08.second-client", "08.closes", "08.survives-reset"],
        book: "8.6",
        run: descriptors,
        diagnoses: &[&DESCRIPTORS_KILL, &BUSY_ACCEPT],
        ..SERVER_MANNERS
    },
    Check {
        id: "08.connects",
        title: "connects to the host and the port that it is given",
        run: |stage| connects_with(stage, &load(1, 100)),
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "08.sends",
        title: "sends a message of the length it is told, then closes its sending side",
        source: "L0, 2: specify a long message ahead of time and send it",
        needs: &["08.connects"],
        points: 2,
        run: sends,
        diagnoses: &[&WRONG_LENGTH, &NEVER_ENDS],
        ..CLIENT
    },
    Check {
        id: "08.sends-long",
        title: "sends a message of 4 MB whole",
        source: "L0, 2: specify a long message ahead of time and send it",
        needs: &["08.sends"],
        run: sends_long,
        diagnoses: &[&CUT_MESSAGE],
        ..CLIENT
    },
    Check {
        id: "08.hears-intro",
        title: "sends nothing before the intro has come",
        source: "L0, 1(c): both clients get the intro before either enters its message",
        needs: &["08.sends"],
        run: hears_intro,
        diagnoses: &[&INTRO_SKIPPED],
        ..CLIENT
    },
    Check {
        id: "08.at-once",
        title: "connects 40 clients at the same time",
        source: "L0, 2(b): connecting with different numbers of threads",
        needs: &["08.sends"],
        points: 3,
        book: "8.2",
        run: at_once,
        diagnoses: &[&NOT_AT_ONCE],
        ..CLIENT
    },
    Check {
        id: "08.reports",
        title: "says how many sessions were served, and ends",
        source: "L0, 2(c): how many clients have to connect until there are errors?",
        needs: &["08.at-once"],
        run: reports,
        diagnoses: &[],
        ..CLIENT
    },
    Check {
        id: "08.cut-off",
        title: "does not count as served a session that was closed without an answer",
        source: "L0, 2(c): how many clients have to connect until there are errors?",
        needs: &["08.reports"],
        points: 2,
        book: "8.6",
        run: cut_off,
        diagnoses: &[&CUT_IS_SERVED, &FAILURE_ENDS_RUN],
        ..CLIENT
    },
    Check {
        id: "08.broken",
        title: "does not count as served a session that was reset",
        source: "L0, 2(c): are there any TCP errors?",
        needs: &["08.cut-off"],
        points: 2,
        book: "8.6",
        run: broken,
        diagnoses: &[&RESET_IS_SERVED, &FAILURE_ENDS_RUN],
        ..CLIENT
    },
    Check {
        id: "08.answer-in-pieces",
        title: "reads an answer that comes in pieces to its end",
        needs: &["08.reports"],
        run: answer_in_pieces,
        diagnoses: &[&ONE_READ_ANSWER],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.csv",
        title: "--csv FILE has a line of names and a row for each number of clients",
        needs: &["08.reports"],
        run: csv,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.one-after-another",
        title: "takes the next number of clients when the one before is done",
        source: "L0, 2(b): 10, 20, 50, 100, 200, 500 and 1000",
        needs: &["08.csv"],
        run: one_after_another,
        diagnoses: &[&STEPS_OVERLAP],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.rounds",
        title: "--rounds N lets each number of clients come N times",
        needs: &["08.csv"],
        run: rounds,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.no-intro",
        title: "with --no-intro it speaks first",
        needs: &["08.csv"],
        run: no_intro,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kind-refused",
        title: "counts who found nobody there as refused",
        needs: &["08.csv", "08.cut-off"],
        book: "8.6",
        run: kind_refused,
        diagnoses: &[&WRONG_KIND],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kind-reset",
        title: "counts a connection that broke as reset",
        needs: &["08.csv", "08.broken"],
        book: "8.6",
        run: kind_reset,
        diagnoses: &[&WRONG_KIND],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kind-timed-out",
        title: "gives up a session that stalls, wherever it does, and counts it as timed out",
        needs: &["08.csv", "08.cut-off"],
        book: "8.6",
        run: kind_timed_out,
        diagnoses: &[&NO_TIMEOUT, &WRONG_KIND],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.whole-timeout",
        title: "the timeout is for the whole session, however often the server speaks",
        needs: &["08.kind-timed-out", "08.answer-in-pieces"],
        book: "8.6",
        run: whole_timeout,
        diagnoses: &[&TIMEOUT_STARTS_AGAIN],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kind-wrong-answer",
        title: "reads what the answer says: another number, or half of it, is a wrong answer",
        needs: &["08.csv", "08.cut-off", "08.hears-intro"],
        book: "8.6",
        run: kind_wrong_answer,
        diagnoses: &[&UNREAD_ANSWER, &WRONG_KIND],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kind-files",
        title: "counts who got no socket as too many files",
        needs: &["08.csv", "08.cut-off"],
        book: "8.6",
        run: kind_files,
        diagnoses: &[&WRONG_KIND],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.clock",
        title: "starts the clock before connect: a request that the kernel drops takes its time",
        needs: &["08.csv"],
        book: "8.2",
        run: clock,
        diagnoses: &[&LATE_CLOCK, &CONNECT_UNTIMED],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.percentiles",
        title: "its percentiles are of all sessions: 4 slow ones of 40 are the slowest tenth",
        needs: &["08.rounds"],
        book: "8.2",
        run: percentiles,
        diagnoses: &[&AVERAGED],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.kernel",
        title: "says what the kernel counted meanwhile",
        source: "L0, 2(d): what sort of TCP errors are they?",
        needs: &["08.csv"],
        book: "8.6",
        run: kernel_counts,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.svg",
        title: "--svg FILE draws a panel for each number of clients",
        source: "L0, 2(c): the IO graph",
        needs: &["08.csv"],
        book: "8.1",
        run: svg,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.unwritable",
        title: "finds out before the run that a file cannot be written",
        needs: &["08.csv"],
        run: unwritable,
        diagnoses: &[&WRITES_LATE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "08.exit",
        title: "ends with 0 if every session was served, and with 1 if one was not",
        needs: &["08.csv", "08.cut-off"],
        run: exit,
        diagnoses: &[],
        ..CLIENT_MANNERS
    },
    Check {
        // The whole sweep is nearly 2000 threads: a few tell as much.
        run: |stage| manners::is_refused(stage, "--clients 3"),
        ..manners::refused("08.refused")
    },
    Check { needs: &["08.connects"], ..manners::ipv6("08.ipv6") },
    manners::help("08.help", Role::Server),
    manners::version("08.version", Role::Server),
    manners::usage("08.usage", Role::Server),
    manners::port_zero("08.port-zero", Role::Server),
    Check { needs: &["08.listens"], ..manners::blocking_lines("08.blocking", Role::Server) },
    Check { needs: &["08.listens"], ..manners::blocking_trace("08.trace", Role::Server) },
    load_exercises::POOL,
    load_exercises::LIMIT,
    load_exercises::ARRIVALS,
];

// -- the server: the grader plays its clients

const NO_INTRO: Diagnosis = Diagnosis {
    id: "no-intro",
    they: "let the client speak first",
    text: "nothing comes until the client has said something: the server speaks first, right after accept(). Who would otherwise know that it has been taken?",
};

fn intro(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.expect_anything("an intro").map(|_| ()).probe(&NO_INTRO, || {
        let _ = a.send("x");
        let spoke = a.expect_anything("an intro").is_ok();
        spoke.then(|| "it spoke when the client had".to_string())
    })
}

/// A client that has heard its intro.
fn welcomed(server: &stage::Server, name: &str) -> Outcome<Peer> {
    let mut client = server.connect(name)?;
    client.expect_anything("an intro")?;
    Ok(client)
}

/// Sends a message of this length, and expects that it is counted.
fn is_served(stage: &Stage, client: &mut Peer, length: usize) -> Outcome {
    client.send(stage.payload(length))?;
    client.half_close();
    is_counted(client, length)
}

/// Expects the answer. What stands before it is the rest of an intro that came in pieces.
fn is_counted(client: &mut Peer, length: usize) -> Outcome {
    client.expect_among(format!("received {length} bytes")).map(|_| ())
}

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "message-is-line",
    they: "wait for a line's end instead of the message's",
    text: "the message was over and no answer came; with a \\n at its end one does. The message has no mark for its end: that is where read returns 0.",
};
const WRONG_COUNT: Diagnosis = Diagnosis {
    id: "wrong-count",
    they: "answer with a wrong number of bytes",
    text: "the number is not that of the bytes that were sent: what is added up, what read returned or the size of the buffer?",
};

fn counts(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let served = is_served(stage, &mut a, 1500);
    let counted = find(a.so_far(), b"received ").is_some();
    served.means(counted, &WRONG_COUNT).probe(&WAITS_FOR_LINE, || {
        let mut b = welcomed(&server, "b").ok()?;
        b.send(format!("{}\n", stage.payload(99))).ok()?;
        b.half_close();
        let answered = b.expect_among("received ").is_ok();
        answered.then(|| "a message that is a line was answered".to_string())
    })
}

const ONE_READ: Diagnosis = Diagnosis {
    id: "one-read-08",
    they: "take what one read returns for the whole message",
    text: "only the first piece was counted: one read returns what happens to be there. The message goes on until read returns 0.",
};

fn pieces(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    a.send(stage.payload(700))?;
    a.settle();
    let early = a.expect_silence("the message is not over");
    // More of an intro is no harm.
    let counted = find(a.so_far(), b"received").is_some();
    if counted || a.send(stage.payload(800)).is_err() {
        return early.means(true, &ONE_READ);
    }
    a.half_close();
    is_counted(&mut a, 1500).means(true, &ONE_READ)
}

const LIMITED: Diagnosis = Diagnosis {
    id: "limited",
    they: "do not count a long message to its end",
    text: "a short message is counted and a long one is not: is there a largest size, or do the bytes have to be text?",
};

fn long(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let message = stage.bytes(4_000_000);
    let sent = a.send(&message);
    a.half_close();
    sent.and_then(|()| is_counted(&mut a, message.len())).means(true, &LIMITED)
}

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed-08",
    they: "never close a connection",
    text: "the answer has come and the connection is still open: the client waits for its end, and each one costs the server a descriptor.",
};

fn closes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    is_served(stage, &mut a, 100)?;
    let rest = a.take_until_close();
    if !rest.trim_ascii().is_empty() {
        return fail("nothing but white space behind the answer", stage::failure::quote(&rest));
    }
    a.expect_closed().means(true, &NEVER_CLOSED)
}

fn next_client(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let serve = |name| is_served(stage, &mut welcomed(&server, name)?, 100);
    serve("a")?;
    serve("b").and_then(|()| serve("c")).means(true, &ONE_CLIENT)
}

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-08",
    they: "serve clients one after another",
    text: "the second client got its intro only after the first one had left: is the conversation held where accept() should be called again?",
};

fn second_client(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let mut b = server.connect("b")?;
    b.expect_anything("an intro").map(|_| ()).probe(&ONE_AT_A_TIME, || {
        is_served(stage, &mut a, 100).ok()?;
        let spoke = b.expect_anything("an intro").is_ok();
        spoke.then(|| "when a had been served, b got it".to_string())
    })?;
    is_served(stage, &mut b, 200)
}

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-08",
    they: "count what other clients have sent",
    text: "a client was told a number that is not its own: is there one counter, or one socket variable, for all threads?",
};

fn apart(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 50;
    let server = stage.serve(Role::Server)?;
    // One comes after another, and all stay: a listen(5) would drop many that come together.
    let clients: Outcome<Vec<Peer>> =
        (1..=CLIENTS).map(|n| welcomed(&server, &format!("client {n}"))).collect();
    let mut clients = clients?;
    let crossed: Outcome = (|| {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(stage.payload(100 + n))?;
        }
        for (n, client) in clients.iter_mut().enumerate().rev() {
            client.half_close();
            is_counted(client, 100 + n)?;
        }
        Ok(())
    })();
    crossed.means(true, &CROSSED)
}

fn survives_reset(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.send(stage.payload(100))?;
    a.reset()?; // over its intro, which stays unread
    server.program.stays("there will be others").means(true, &RESET_KILLS)?;
    // Whether the reset is noticed by a read or by a write, the next one shall find a server.
    for name in ["b", "c"] {
        let served = welcomed(&server, name);
        served
            .and_then(|mut client| is_served(stage, &mut client, 100))
            .means(true, &RESET_KILLS)?;
    }
    Ok(())
}

const EMPTY_UNANSWERED: Diagnosis = Diagnosis {
    id: "empty-unanswered",
    they: "do not answer an empty message",
    text: "a client that closes its sending side without a word gets no answer: 0 is a number of bytes too.",
};

fn empty(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    a.half_close();
    is_counted(&mut a, 0).means(true, &EMPTY_UNANSWERED)
}

const STORES_ALL: Diagnosis = Diagnosis {
    id: "stores-all-08",
    they: "store the whole message to count it",
    text: "its memory grew with the message: the count is wanted, not the bytes. How large must the buffer be?",
};

fn constant_memory(stage: &Stage) -> Outcome {
    const BLOCKS: usize = 40;
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let block = stage.bytes(1_000_000);
    for _ in 0..BLOCKS {
        a.send(&block)?;
    }
    a.settle();
    let peak = server.program.peak_memory();
    a.half_close();
    is_counted(&mut a, BLOCKS * block.len())?;
    match peak {
        Some(kib) if kib > 16 * 1024 => {
            fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                .means(true, &STORES_ALL)
        }
        _ => Ok(()),
    }
}

fn descriptors(stage: &Stage) -> Outcome {
    let server = stage.serve_with(Role::Server, "", &[FEW_DESCRIPTORS])?;
    outlives_descriptors(stage, &server, |client| {
        client.expect_anything("an intro")?;
        is_served(stage, client, 100)
    })
}

// -- the client: the grader plays the server

/// The options of a run, as every program of this chapter takes them.
fn load(clients: usize, message_bytes: usize) -> String {
    format!("--clients {clients} --message-bytes {message_bytes}")
}

/// Plays the server until the client ends: each of its connections, numbered from 1, is a
/// thread's, on which `serve` is called. Returns the client, and how serving went. A client that
/// connects again and again is played with for a while.
fn play(
    stage: &Stage,
    options: &str,
    before: &[&str],
    serve: impl Fn(usize, Peer) -> Outcome + Sync,
) -> Outcome<(Program, Outcome)> {
    const MOST: usize = 1000;
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, options, before)?;
    let mut next = Some(client.connects_to(&host, "session 1")?);
    let mut until = stage.log.deadline(patience());
    let mut count = 0;
    let served = thread::scope(|scope| {
        let (mut sessions, serve) = (Vec::new(), &serve);
        while !until.is_over() && count < MOST {
            if let Some(peer) = next.take() {
                count += 1;
                let number = count;
                sessions.push(scope.spawn(move || serve(number, peer)));
            } else if client.process.heard().exit().is_some() {
                break;
            }
            if !sessions.iter().all(ScopedJoinHandle::is_finished) {
                until.renew();
            }
            let name = format!("session {}", count + 1);
            next = host.accept_within(&name, Duration::from_millis(50))?;
        }
        sessions.into_iter().try_for_each(|session| {
            session.join().unwrap_or_else(|_| Err(Stop::Grader("a thread panicked".into())))
        })
    });
    client.has_ended(&format!("{count} sessions"))?;
    Ok((client, served))
}

const INTRO: &str = "hello\n";

/// A session as it should be, for a message of this length.
fn serve(mut session: Peer, length: usize) -> Outcome {
    session.send(INTRO)?;
    takes_message(&mut session, length)?;
    session.send(format!("received {length} bytes\n"))
}

/// Reads the message to its end.
fn takes_message(session: &mut Peer, length: usize) -> Outcome {
    let got = session.take_until_close().len();
    if got == length {
        return Ok(());
    }
    let (few, many) = (format!("{got} of them, and the end"), format!("{got} bytes"));
    fail(
        format!("{} gets a message of {length} bytes", session.name()),
        if got < length { few } else { many },
    )
}

/// A run of one client, and its session.
fn one_session(stage: &Stage, message_bytes: usize) -> Outcome<(Program, Peer)> {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, &load(1, message_bytes), &[])?;
    let session = client.connects_to(&host, "server")?;
    Ok((client, session))
}

const WRONG_LENGTH: Diagnosis = Diagnosis {
    id: "wrong-length",
    they: "send a message of another length than they were told",
    text: "the message has not the length that --message-bytes said.",
};
const NEVER_ENDS: Diagnosis = Diagnosis {
    id: "never-ends",
    they: "never close their sending side",
    text: "the whole message has come and its end has not: the server reads on, the client waits for the answer, and so both wait. How does the server know that the message is over?",
};

fn sends(stage: &Stage) -> Outcome {
    const LENGTH: usize = 2345;
    let (_client, mut server) = one_session(stage, LENGTH)?;
    server.send(INTRO)?;
    takes_message(&mut server, LENGTH).means(true, &WRONG_LENGTH)?;
    server.expect_closed().means(true, &NEVER_ENDS)
}

const CUT_MESSAGE: Diagnosis = Diagnosis {
    id: "cut-message",
    they: "send a long message cut off",
    text: "only the beginning of the message came: a buffer of a fixed size holds no message of any size, and one write may take less than it was given.",
};

fn sends_long(stage: &Stage) -> Outcome {
    const LENGTH: usize = 4_000_000;
    let (_client, mut server) = one_session(stage, LENGTH)?;
    server.send(INTRO)?;
    takes_message(&mut server, LENGTH).means(true, &CUT_MESSAGE)
}

const INTRO_SKIPPED: Diagnosis = Diagnosis {
    id: "intro-skipped",
    they: "send before the intro has come",
    text: "the message came before the intro was sent: the kernel takes a connection, and bytes too, long before the server has called accept(). Only the intro says that somebody is there.",
};

fn hears_intro(stage: &Stage) -> Outcome {
    let (_client, mut server) = one_session(stage, 1000)?;
    let silence = server.expect_silence("the intro has not come");
    let sent = !server.so_far().is_empty();
    silence.means(sent, &INTRO_SKIPPED)?;
    serve(server, 1000)
}

const NOT_AT_ONCE: Diagnosis = Diagnosis {
    id: "not-at-once",
    they: "let their clients come one after another",
    text: "the next client came only after one before it had been served: is a thread joined right after it is started, or are there too few? Start all of them first, then wait for all.",
};

/// A run whose clients have all connected, none of which has heard its intro yet.
fn all_connected(
    stage: &Stage,
    host: &Host,
    clients: usize,
    options: &str,
) -> Outcome<(Program, Vec<Peer>)> {
    let client = stage.client_with(host.address, options, &[])?;
    let mut sessions = vec![client.connects_to(host, "session 1")?];
    while sessions.len() < clients {
        let name = format!("session {}", sessions.len() + 1);
        match host.accept_within(&name, patience())? {
            Some(session) => sessions.push(session),
            None => break,
        }
    }
    Ok((client, sessions))
}

fn at_once(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 40;
    let host = stage.host("127.0.0.1")?;
    let (_client, mut sessions) = all_connected(stage, &host, CLIENTS, &load(CLIENTS, 1000))?;
    let together = sessions.len();
    if together < CLIENTS {
        let expected = format!("{CLIENTS} clients connect, before any of them gets its intro");
        return fail(expected, format!("{together} do")).probe(&NOT_AT_ONCE, || {
            serve(sessions.swap_remove(0), 1000).ok()?;
            let next = host.accept_within("one more session", patience()).ok()?;
            next.map(|_| "when one of them had been served, the next one came".to_string())
        });
    }
    sessions.into_iter().try_for_each(|session| serve(session, 1000))
}

/// The words of all that the program has said; a number with a decimal point is one.
fn words(client: &Program) -> Vec<String> {
    let heard = client.process.heard();
    let text = [heard.stdout.as_slice(), b"\n", heard.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    words.map(|word| word.trim_end_matches('.').to_string()).collect()
}

/// True if the program has said this number somewhere, as a word of its own.
fn says(client: &Program, number: usize) -> bool {
    words(client).contains(&number.to_string())
}

/// Expects that a run of `clients` says how many of them were served.
fn says_served(client: &Program, clients: usize, served: usize) -> Outcome {
    if says(client, served) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&client.process.heard().stdout).into_owned();
    fail(
        format!("it says that {served} of {clients} sessions were served"),
        format!("its report has no {served}:\n{text}{}", client.state()),
    )
}

fn reports(stage: &Stage) -> Outcome {
    let (client, served) =
        play(stage, &load(17, 1000), &[], |_, session| serve(session, 1000))?;
    served?;
    says_served(&client, 17, 17)
}

const CUT_IS_SERVED: Diagnosis = Diagnosis {
    id: "cut-is-served",
    they: "count a session without an answer as served",
    text: "the server closed without a word and the session counts as served: where is the answer looked at, and what does a read of 0 bytes mean there?",
};
const RESET_IS_SERVED: Diagnosis = Diagnosis {
    id: "reset-is-served",
    they: "count a session that broke as served",
    text: "the connection was reset and the session counts as served: is an error caught and then forgotten?",
};
const FAILURE_ENDS_RUN: Diagnosis = Diagnosis {
    id: "failure-ends-run",
    they: "end the whole run when one session fails",
    text: "there is no report: one session's failure ended the run, and the others were not counted. A failure is a result here.",
};

/// Of 40 sessions 11 fail, each with its message sent; 29 were served, and the report says so.
fn failures(
    stage: &Stage,
    fail: impl Fn(Peer) -> Outcome + Sync,
    counted: &'static Diagnosis,
) -> Outcome {
    const CLIENTS: usize = 40;
    const FAILED: usize = 11;
    let (client, _) = play(stage, &load(CLIENTS, 1000), &[], |number, mut session| {
        if number > FAILED {
            return serve(session, 1000);
        }
        session.send(INTRO)?;
        fail(session)
    })?;
    let (all, some) = (says(&client, CLIENTS), says(&client, CLIENTS - FAILED));
    let silent = words(&client).iter().all(|word| word.parse::<usize>().is_err());
    says_served(&client, CLIENTS, CLIENTS - FAILED)
        .means(silent, &FAILURE_ENDS_RUN)
        .means(all && !some, counted)
}

fn cut_off(stage: &Stage) -> Outcome {
    failures(stage, |mut session| takes_message(&mut session, 1000), &CUT_IS_SERVED)
}

fn broken(stage: &Stage) -> Outcome {
    failures(stage, Peer::reset, &RESET_IS_SERVED)
}

const ONE_READ_ANSWER: Diagnosis = Diagnosis {
    id: "one-read-answer",
    they: "take what one read returns for the whole answer",
    text: "the answer came in two pieces and the session counts as failed: one read returns what happens to be there. The answer ends where read returns 0.",
};

fn answer_in_pieces(stage: &Stage) -> Outcome {
    let (client, served) = play(stage, &load(17, 1000), &[], |_, mut session| {
        session.send(INTRO)?;
        takes_message(&mut session, 1000)?;
        session.send("received 10")?;
        session.settle();
        session.send("00 bytes")
    })?;
    served?;
    let exit = client.process.heard().exit();
    if exit.and_then(|exit| exit.code()) == Some(0) {
        return Ok(());
    }
    fail("all 17 are served, exit status 0", client.state()).means(true, &ONE_READ_ANSWER)
}

// -- what its CSV file says

/// The counts of a row: how many were served, and how many failed how.
const COUNTS: [&str; 6] =
    ["done", "refused", "reset", "timed_out", "too_many_files", "wrong_answer"];

/// The names of all columns, in their order.
const COLUMNS: &str = "clients,done,refused,reset,timed_out,too_many_files,wrong_answer,\
    connect_p50_ms,connect_p95_ms,connect_p99_ms,connect_max_ms,\
    session_p50_ms,session_p95_ms,session_p99_ms,session_max_ms,\
    bytes_per_s,retransmits,listen_overflows,listen_drops,resets";

/// A row's values by their names.
type Row = BTreeMap<&'static str, String>;

/// A file for the client to write, gone when this is dropped.
struct Output(PathBuf);

impl Output {
    fn new(ending: &str) -> Output {
        // A port that is given out once makes a name that is given out once.
        let name = format!("load-{}-{}.{ending}", process::id(), kernel::free_port());
        Output(env::temp_dir().join(name))
    }

    fn option(&self, name: &str) -> String {
        format!("{name} '{}'", self.0.display())
    }

    /// The rows of the CSV file.
    fn rows(&self) -> Outcome<Vec<Row>> {
        let text = written(&self.0).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(COLUMNS) {
            return fail(format!("the CSV file begins with a line\n{COLUMNS}"), text);
        }
        let row = |line: &str| {
            COLUMNS.split(',').zip(line.split(',').map(String::from)).collect::<Row>()
        };
        let rows: Vec<Row> = lines.map(row).collect();
        if rows.is_empty() || rows.iter().any(|row| row.len() < COLUMNS.split(',').count()) {
            return fail("a row for each number of clients, with all its values", text);
        }
        Ok(rows)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Plays the server as [`play`] does, and returns what the CSV file says.
fn measured(
    stage: &Stage,
    options: &str,
    before: &[&str],
    serve: impl Fn(usize, Peer) -> Outcome + Sync,
) -> Outcome<Vec<Row>> {
    let file = Output::new("csv");
    let options = format!("{options} {}", file.option("--csv"));
    let (_, served) = play(stage, &options, before, serve)?;
    served?;
    file.rows()
}

/// A value as a number; what is none is 0.
fn number(row: &Row, name: &str) -> f64 {
    row[name].parse().unwrap_or_default()
}

/// Expects these counts in a row, and 0 for all others.
fn counted(row: &Row, expected: &[(&str, usize)]) -> Outcome {
    let wanted =
        |name| expected.iter().find(|(n, _)| *n == name).map_or(0, |(_, count)| *count);
    let wanted = COUNTS.map(|name| format!("{name}={}", wanted(name))).join(" ");
    let got = COUNTS.map(|name| format!("{name}={}", row[name])).join(" ");
    if got == wanted { Ok(()) } else { fail(format!("a row with {wanted}"), got) }
}

fn csv(stage: &Stage) -> Outcome {
    let options = "--clients 3,5 --message-bytes 1000";
    let rows = measured(stage, options, &[], |_, session| serve(session, 1000))?;
    let clients: Vec<&str> = rows.iter().map(|row| row["clients"].as_str()).collect();
    if clients != ["3", "5"] {
        return fail("a row for 3 clients and one for 5", format!("rows for {clients:?}"));
    }
    counted(&rows[0], &[("done", 3)])?;
    counted(&rows[1], &[("done", 5)])
}

const STEPS_OVERLAP: Diagnosis = Diagnosis {
    id: "steps-overlap",
    they: "begin with the next number of clients while the one before still runs",
    text: "clients of the next step came before all of this one were done: what is measured then is neither of the two numbers.",
};

fn one_after_another(stage: &Stage) -> Outcome {
    let done = Mutex::new(0);
    let options = "--clients 3,5 --message-bytes 1000";
    let (_, served) = play(stage, options, &[], |number, mut session| {
        // The guard is let go before the first wait.
        let before = done.lock().map_or(0, |done| *done);
        if number > 3 && before < 3 {
            let expected = "the 4th connection comes when the first 3 are done";
            return fail(expected, format!("{before} are done")).means(true, &STEPS_OVERLAP);
        }
        session.send(INTRO)?;
        takes_message(&mut session, 1000)?;
        if number <= 3 {
            thread::sleep(quiet()); // a slow answer: time for those who do not wait for it
        }
        if let Ok(mut done) = done.lock() {
            *done += 1;
        }
        session.send("received 1000 bytes\n")
    })?;
    served
}

fn rounds(stage: &Stage) -> Outcome {
    let options = format!("{} --rounds 3", load(4, 1000));
    let rows = measured(stage, &options, &[], |_, session| serve(session, 1000))?;
    counted(&rows[0], &[("done", 12)])
}

fn no_intro(stage: &Stage) -> Outcome {
    let options = format!("{} --no-intro", load(3, 1000));
    let rows = measured(stage, &options, &[], |_, mut session| {
        takes_message(&mut session, 1000)?;
        session.send("received 1000 bytes\n")
    })?;
    counted(&rows[0], &[("done", 3)])
}

const WRONG_KIND: Diagnosis = Diagnosis {
    id: "wrong-kind",
    they: "count a failure as one of another kind",
    text: "the session failed, but it is counted in another column: what does the error say of itself, and what does a read of 0 bytes mean at this point?",
};

fn kind_refused(stage: &Stage) -> Outcome {
    let file = Output::new("csv");
    let nobody = SocketAddr::from(([127, 0, 0, 1], kernel::free_port()));
    let options = format!("{} {}", load(5, 1000), file.option("--csv"));
    stage.client_with(nobody, &options, &[])?.ends()?;
    counted(&file.rows()?[0], &[("refused", 5)]).means(true, &WRONG_KIND)
}

fn kind_reset(stage: &Stage) -> Outcome {
    let rows = measured(stage, &load(9, 1000), &[], |number, mut session| {
        if number > 3 {
            return serve(session, 1000);
        }
        session.send(INTRO)?;
        session.reset()
    })?;
    counted(&rows[0], &[("done", 6), ("reset", 3)]).means(true, &WRONG_KIND)
}

const NO_TIMEOUT: Diagnosis = Diagnosis {
    id: "no-timeout",
    they: "wait for ever for a server that says nothing",
    text: "one stuck session hangs the whole run: who wakes a read whose server is silent? Each call needs a limit.",
};

fn kind_timed_out(stage: &Stage) -> Outcome {
    // The connections stay open, in silence, until the client has ended.
    let open = Mutex::new(Vec::new());
    let options = format!("{} --timeout 0.5", load(3, 8_000_000));
    let rows = measured(stage, &options, &[], |number, mut session| {
        // A step that fails comes too late on a busy machine: the time is up already.
        if number > 1 {
            let _ = session.send(INTRO); // and reads nothing, so that writing stalls too
        }
        if number > 2 {
            session.take_until_close();
        }
        if let Ok(mut open) = open.lock() {
            open.push(session);
        }
        Ok(())
    });
    let rows = rows.means(true, &NO_TIMEOUT)?;
    counted(&rows[0], &[("timed_out", 3)]).means(true, &WRONG_KIND)
}

const TIMEOUT_STARTS_AGAIN: Diagnosis = Diagnosis {
    id: "timeout-starts-again",
    they: "start the timeout again with every read",
    text: "the server says a byte now and then, and so the session never ends: a timeout of one read is none of the session. How much of its time is left?",
};

fn whole_timeout(stage: &Stage) -> Outcome {
    let options = format!("{} --timeout 1", load(1, 1000));
    let rows = measured(stage, &options, &[], |_, mut session| {
        let mut until = stage.log.deadline(2 * patience());
        let mut said = session.send(INTRO);
        while said.is_ok() && !until.is_over() {
            thread::sleep(Duration::from_millis(50)); // the pace at which it speaks
            said = session.send(".");
        }
        Ok(())
    });
    let counted = rows.and_then(|rows| counted(&rows[0], &[("timed_out", 1)]));
    counted.means(true, &TIMEOUT_STARTS_AGAIN)
}

const UNREAD_ANSWER: Diagnosis = Diagnosis {
    id: "unread-answer",
    they: "do not look at what the answer says",
    text: "an answer that is wrong counts as served: a server that loses half of the message looks fast. Compare what it says with what you sent.",
};

fn kind_wrong_answer(stage: &Stage) -> Outcome {
    let rows = measured(stage, &load(9, 1000), &[], |number, mut session| {
        if number == 1 {
            return Ok(()); // closed before the intro
        }
        session.send(INTRO)?;
        takes_message(&mut session, 1000)?;
        match number {
            2 => Ok(()), // closed before the answer
            3 => session.send("received 10"),
            4 => session.send("received 999 bytes\n"),
            _ => session.send("received 1000 bytes\n"),
        }
    })?;
    let unread = number(&rows[0], "done") > 5.0;
    counted(&rows[0], &[("done", 5), ("wrong_answer", 4)])
        .means(unread, &UNREAD_ANSWER)
        .means(true, &WRONG_KIND)
}

fn kind_files(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 40;
    let last = Mutex::new(Instant::now());
    let since = || last.lock().map_or(Duration::MAX, |last| last.elapsed());
    let rows = measured(stage, &load(CLIENTS, 1000), &[FEW_DESCRIPTORS], |_, session| {
        if let Ok(mut last) = last.lock() {
            *last = Instant::now();
        }
        // All keep their sockets until nobody else gets one.
        kernel::look_until(patience(), || since() > 2 * quiet());
        serve(session, 1000)
    })?;
    let failed = number(&rows[0], "too_many_files") as usize;
    let done = CLIENTS - failed.clamp(1, CLIENTS);
    counted(&rows[0], &[("done", done), ("too_many_files", failed.max(1))])
        .means(true, &WRONG_KIND)
}

const LATE_CLOCK: Diagnosis = Diagnosis {
    id: "late-clock",
    they: "start the clock when they are connected",
    text: "the kernel dropped the connection request and sent it again a second later, and no time in the report shows it: is the clock read before connect, or behind it?",
};
const CONNECT_UNTIMED: Diagnosis = Diagnosis {
    id: "connect-untimed",
    they: "leave connecting out of the session's time",
    text: "connecting is in its own columns, and missing in the whole session's: for whoever waits, it is one time.",
};

/// A run of one client that finds the listener's queue full: its request is dropped, and sent
/// again by its kernel. Returns what it reports, and how long it had to wait at least.
fn through_a_full_queue(stage: &Stage) -> Outcome<(Row, Duration)> {
    let (file, host) = (Output::new("csv"), stage.host("127.0.0.1")?);
    // What closes at once stays in the queue all the same, until somebody accepts it.
    let knock = || TcpStream::connect_timeout(&host.address, Duration::from_millis(50));
    let in_queue = (0..5000).take_while(|_| knock().is_ok()).count();
    stage.log.step(format_args!("{in_queue} connections fill the listener's queue"));
    let options = format!("{} {}", load(1, 1000), file.option("--csv"));
    let client = stage.client_with(host.address, &options, &[])?;
    let begun = waits_for_connect(stage, &client, host.address.port())?;
    client.process.wait_for(quiet(), |heard| heard.is_over().then_some(()));
    let waited = begun.elapsed();
    let mut session = None;
    for number in 0..=in_queue {
        session = host.accept_within(&format!("connection {number}"), patience())?;
    }
    match session {
        Some(session) => serve(session, 1000)?,
        None => return fail("its kernel asks again", client.state()),
    }
    client.ends()?;
    Ok((file.rows()?.swap_remove(0), waited))
}

/// Waits until the client's kernel has asked for a connection; since then it waits.
fn waits_for_connect(stage: &Stage, client: &Program, port: u16) -> Outcome<Instant> {
    let asks = || kernel::tcp().any(|socket| socket.connecting && socket.remote_port == port);
    if kernel::look_until(stage.log.deadline(2 * patience()), asks) {
        return Ok(Instant::now());
    }
    fail("the client asks for a connection", client.state())
}

fn clock(stage: &Stage) -> Outcome {
    let (row, waited) = through_a_full_queue(stage)?;
    let least = waited.as_secs_f64() * 1e3;
    for (column, means) in
        [("connect_max_ms", &LATE_CLOCK), ("session_max_ms", &CONNECT_UNTIMED)]
    {
        if number(&row, column) < least {
            let expected = format!("{column} is at least {least:.0}, for so long it waited");
            return fail(expected, &row[column]).means(true, means);
        }
    }
    Ok(())
}

const AVERAGED: Diagnosis = Diagnosis {
    id: "averaged",
    they: "report averages as percentiles",
    text: "4 of 40 sessions were slow and p95 does not show it: a percentile of all times is none of a mean, and the mean of two rounds' percentiles is one of neither. Put all the times together, sort them, and count.",
};

fn percentiles(stage: &Stage) -> Outcome {
    // Slow is what takes far longer than the whole first round, on a busy machine too.
    let (begun, first_round) = (OnceLock::new(), Mutex::new(Duration::ZERO));
    let slow = || 3 * quiet() + 5 * first_round.lock().map_or(Duration::ZERO, |time| *time);
    let options = format!("{} --rounds 2 --timeout 60", load(20, 1000));
    let rows = measured(stage, &options, &[], |number, mut session| {
        let begun = begun.get_or_init(Instant::now);
        session.send(INTRO)?;
        takes_message(&mut session, 1000)?;
        if let (1..=20, Ok(mut time)) = (number, first_round.lock()) {
            *time = begun.elapsed();
        }
        if number > 36 {
            thread::sleep(slow()); // a slow answer
        }
        session.send("received 1000 bytes\n")
    })?;
    counted(&rows[0], &[("done", 40)])?;
    for times in ["connect", "session"] {
        let of = |percent| number(&rows[0], &format!("{times}_{percent}_ms"));
        let [p50, p95, p99, max] = ["p50", "p95", "p99", "max"].map(of);
        let got = format!("p50={p50} p95={p95} p99={p99} max={max}");
        if !(p50 <= p95 && p95 <= p99 && p99 <= max) {
            return fail(format!("{times}: p50 <= p95 <= p99 <= max"), got)
                .means(true, &AVERAGED);
        }
        let least = slow().as_secs_f64() * 1e3;
        if times == "session" && p95 < least {
            return fail(format!("session: p95 is at least {least:.0} ms"), got)
                .means(true, &AVERAGED);
        }
    }
    Ok(())
}

fn kernel_counts(stage: &Stage) -> Outcome {
    let (row, _) = through_a_full_queue(stage)?;
    for column in ["retransmits", "listen_overflows", "listen_drops"] {
        if number(&row, column) < 1.0 {
            return fail(
                format!("{column} is at least 1: a request was dropped"),
                &row[column],
            );
        }
    }
    Ok(())
}

fn svg(stage: &Stage) -> Outcome {
    let file = Output::new("svg");
    let options = format!("--clients 3,5 --message-bytes 1000 {}", file.option("--svg"));
    let (_, served) = play(stage, &options, &[], |_, session| serve(session, 1000))?;
    served?;
    let text = written(&file.0).unwrap_or_default();
    let panels = ["3 clients", "5 clients"].iter().all(|panel| text.contains(panel));
    if text.starts_with("<svg ") && text.trim_end().ends_with("</svg>") && panels {
        return Ok(());
    }
    fail("an SVG file with a panel for 3 clients and one for 5", text)
}

const WRITES_LATE: Diagnosis = Diagnosis {
    id: "writes-late",
    they: "open their files when the run is over",
    text: "it ran first and found out afterwards that it cannot write what it found: open the file before.",
};

fn unwritable(stage: &Stage) -> Outcome {
    let missing = format!("missing-{}", kernel::free_port());
    for option in ["--csv", "--svg"] {
        let host = stage.host("127.0.0.1")?;
        let file = Output(env::temp_dir().join(&missing).join("load"));
        let options = format!("{} {}", load(1, 1000), file.option(option));
        let client = stage.client_with(host.address, &options, &[])?;
        if let Some(session) = host.accept_within("server", quiet())? {
            serve(session, 1000)?;
            return fail("no connection is made", "one is").means(true, &WRITES_LATE);
        }
        client.ends_with(1)?;
        client.complains(&["cannot write", &missing])?;
    }
    Ok(())
}

fn exit(stage: &Stage) -> Outcome {
    let (served, _) = play(stage, &load(5, 1000), &[], |_, session| serve(session, 1000))?;
    served.ends_with(0)?;
    let (failed, _) = play(stage, &load(5, 1000), &[], |number, mut session| {
        if number != 3 {
            return serve(session, 1000);
        }
        session.send(INTRO)?;
        takes_message(&mut session, 1000) // and closes without an answer
    })?;
    failed.ends_with(1)?;
    failed.complains(&["loadgen: ", "wrong answer"]).map(|_| ())
}
