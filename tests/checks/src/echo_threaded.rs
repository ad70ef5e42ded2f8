//! Chapter 3, a server: the grader plays its clients, one or many.

use super::{
    exercises, manners,
    shared::{
        AS_TEXT, BUSY_ACCEPT, DESCRIPTORS_KILL, FEW_DESCRIPTORS, ONE_ADDRESS, ONE_CLIENT,
        RESET_KILLS, outlives_descriptors,
    },
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Role, Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, difference, fail},
    peer::Peer,
};
use std::thread;

/// Chapter 3.
pub static CHAPTER: Chapter =
    Chapter { number: "03", name: "echo-threaded", roles: &[Role::Server], checks: CHECKS };

const ASKED: Check = Check {
    id: "",
    title: "",
    source: "L3, echo_server.py",
    role: Role::Server,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "3.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const MANNERS: Check = Check {
    source: "our contract, 03-echo-threaded; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "3.6",
    ..ASKED
};

const CHECKS: &[Check] = &[
    Check {
        id: "03.listens",
        title: "listens on its port",
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..ASKED
    },
    Check {
        id: "03.interfaces",
        title: "listens on all of the machine's addresses",
        source: "L3: \"0.0.0.0\" as the address",
        needs: &["03.listens"],
        run: |stage| {
            let server = stage.serve(Role::Server)?;
            server.connect_to("127.0.0.2", "a").map(|_| ()).means(true, &ONE_ADDRESS)
        },
        diagnoses: &[&ONE_ADDRESS],
        ..ASKED
    },
    Check {
        id: "03.echoes",
        title: "sends a line back, exactly",
        source: "L3, echo_server.py: exactly what was sent",
        needs: &["03.listens"],
        points: 2,
        run: echoes,
        diagnoses: &[&NEWLINE_LOST, &NEWLINE_ADDED],
        ..ASKED
    },
    Check {
        id: "03.goes-on",
        title: "echoes as often as the client speaks",
        needs: &["03.echoes"],
        run: goes_on,
        diagnoses: &[&ONE_MESSAGE],
        ..ASKED
    },
    Check {
        id: "03.half-line",
        title: "echoes a piece of a line at once",
        source: "L3, echo_server.py: anything that it was sent",
        needs: &["03.echoes"],
        book: "3.6",
        run: half_line,
        diagnoses: &[&WAITS_FOR_LINE],
        ..ASKED
    },
    Check {
        id: "03.bytes",
        title: "echoes every byte as it came, text or not",
        source: "L3, echo_server.py: exactly what was sent",
        needs: &["03.half-line"],
        run: bytes,
        diagnoses: &[&AS_TEXT],
        ..ASKED
    },
    Check {
        id: "03.megabyte",
        title: "echoes 4 MB to a client that reads while it sends",
        needs: &["03.goes-on"],
        points: 2,
        run: megabyte,
        diagnoses: &[&SHORT_SEND],
        ..ASKED
    },
    Check {
        id: "03.next-client",
        title: "serves the next client when the first one has left",
        source: "L3, echo_server.py: many clients",
        needs: &["03.echoes"],
        run: next_client,
        diagnoses: &[&ONE_CLIENT],
        ..ASKED
    },
    Check {
        id: "03.second-client",
        title: "serves a second client while the first one is still there",
        source: "L3, echo_server.py: many clients at once",
        needs: &["03.next-client"],
        points: 3,
        book: "3.2",
        run: second_client,
        diagnoses: &[&ONE_AT_A_TIME],
        ..ASKED
    },
    Check {
        id: "03.apart",
        title: "keeps 40 clients apart who all talk at once",
        needs: &["03.second-client", "03.goes-on"],
        points: 2,
        book: "3.5",
        run: apart,
        diagnoses: &[&CROSSED],
        ..ASKED
    },
    Check {
        id: "03.owed",
        title: "sends all that is owed when the client closes its sending side",
        source: "L3, dumb_net.py: the end of the data is an empty read",
        needs: &["03.megabyte"],
        points: 2,
        book: "3.6",
        run: owed,
        diagnoses: &[&OWED_LOST],
        ..ASKED
    },
    Check {
        id: "03.closes",
        title: "closes the connection when the client has",
        source: "L3, echo_server.py: sock.close() before the worker returns",
        needs: &["03.goes-on"],
        book: "3.5",
        run: closes,
        diagnoses: &[&NEVER_CLOSED],
        ..ASKED
    },
    Check {
        id: "03.reset",
        title: "serves on when one client resets its connection",
        needs: &["03.next-client"],
        points: 2,
        book: "3.6",
        run: reset,
        diagnoses: &[&RESET_KILLS],
        ..ASKED
    },
    Check {
        id: "03.silent-reader",
        title: "serves on while one client sends and never reads",
        source: "L3, echo_server.py: as soon as a thread blocks, another thread can run",
        needs: &["03.apart"],
        book: "3.6",
        run: silent_reader,
        diagnoses: &[&STALLED],
        ..ASKED
    },
    Check {
        id: "03.descriptors",
        title: "outlives running out of descriptors, and says so",
        needs: &["03.second-client", "03.closes"],
        run: descriptors,
        diagnoses: &[&DESCRIPTORS_KILL, &BUSY_ACCEPT],
        ..MANNERS
    },
    manners::help("03.help", Role::Server),
    manners::version("03.version", Role::Server),
    manners::usage("03.usage", Role::Server),
    manners::port_zero("03.port-zero", Role::Server),
    Check { needs: &["03.listens"], ..manners::blocking_lines("03.blocking", Role::Server) },
    Check { needs: &["03.blocking"], ..manners::blocking_trace("03.trace", Role::Server) },
    exercises::REPLY,
    exercises::FILES,
    exercises::POLLING,
];

const NEWLINE_LOST: Diagnosis = Diagnosis {
    id: "newline-lost",
    they: "strip the line's end",
    text: "the line came back without its \\n: an echo does not know what a line is.",
};
const NEWLINE_ADDED: Diagnosis = Diagnosis {
    id: "newline-added",
    they: "add a line end of their own",
    text: "a line end came back that was never sent: println and its relatives add one. Write the bytes that were read, and nothing else.",
};

fn echoes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let line = stage.payload(16);
    a.send(format!("{line}\n"))?;
    let result = a.expect(format!("{line}\n"));
    let lost = a.so_far() == line.as_bytes();
    result.means(lost, &NEWLINE_LOST)?;
    a.expect_no_bytes("the echo is complete")
        .means(a.so_far().first() == Some(&b'\n'), &NEWLINE_ADDED)
}

/// Says something new and expects it back.
fn say(stage: &Stage, client: &mut Peer) -> Outcome {
    let line = format!("{}\n", stage.payload(16));
    client.send(&line)?;
    client.expect(&line)
}

const ONE_MESSAGE: Diagnosis = Diagnosis {
    id: "one-message",
    they: "echo one message and no more",
    text: "the first message came back and the second did not: is there a loop around read and write, until a read of 0 bytes?",
};

fn goes_on(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    say(stage, &mut a)?;
    (0..4).try_for_each(|_| say(stage, &mut a)).means(true, &ONE_MESSAGE)
}

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "waits-for-line",
    they: "wait for a whole line",
    text: "half a line was not echoed until the rest came: read returns what is there, a reader of lines waits for the \\n.",
};

fn half_line(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let (half, rest) = (stage.payload(8), stage.payload(8));
    a.send(&half)?;
    a.expect(&half).probe(&WAITS_FOR_LINE, || {
        let _ = a.send(format!("{rest}\n"));
        let all = format!("{half}{rest}\n");
        a.expect(&all).is_ok().then(|| "it came when the line was ended".to_string())
    })
}

fn bytes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let bytes: Vec<u8> = (0..=255).collect();
    a.send(&bytes)?;
    a.expect(&bytes).means(true, &AS_TEXT)
}

const SHORT_SEND: Diagnosis = Diagnosis {
    id: "short-send",
    they: "lose bytes when much is sent",
    text: "a part of what was sent never came back: write may take less than it was given, and returns how much. write_all goes on until everything is handed over.",
};

/// Lines of text, so that a program which cannot do more is judged elsewhere.
fn text(stage: &Stage, length: usize) -> Vec<u8> {
    let mut text = stage.payload(length).into_bytes();
    text.chunks_mut(80).for_each(|line| line[line.len() - 1] = b'\n');
    text
}

fn megabyte(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let bytes = text(stage, 4_000_000);
    let got = a.exchange(&bytes)?;
    if got == bytes {
        return Ok(());
    }
    let (expected, got) = difference(&bytes, &got);
    fail(format!("a gets back {expected}"), got).means(true, &SHORT_SEND)
}

fn next_client(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    for name in ["a", "b", "c"] {
        let mut client = server.connect(name).means(name != "a", &ONE_CLIENT)?;
        say(stage, &mut client).means(name != "a", &ONE_CLIENT)?;
        client.close();
    }
    Ok(())
}

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time",
    they: "serve clients one after another",
    text: "the second client was answered only after the first one left: clients are served one after another. Is the thread joined right after it is started, or is there none?",
};

fn second_client(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    say(stage, &mut a)?;
    let mut b = server.connect("b")?;
    let line = format!("{}\n", stage.payload(16));
    b.send(&line)?;
    b.expect(&line).probe(&ONE_AT_A_TIME, || {
        a.close();
        b.expect(&line).is_ok().then(|| "when a had left, b was answered".to_string())
    })
}

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed",
    they: "send one client what another one said",
    text: "a client got bytes that are not its own, or lost some: is there one buffer or one socket variable for all threads? Each must own its own.",
};

fn apart(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 40;
    let server = stage.serve(Role::Server)?;
    let mut clients = server.connect_in_turn(CLIENTS)?;
    // Each speaks on a thread of its own, so that they really do at the same time.
    let talk = |client: &mut Peer| -> Outcome { (0..10).try_for_each(|_| say(stage, client)) };
    let results: Vec<Outcome> = thread::scope(|scope| {
        let talking: Vec<_> =
            clients.iter_mut().map(|client| scope.spawn(move || talk(client))).collect();
        talking
            .into_iter()
            .map(|talk| {
                talk.join().unwrap_or_else(|_| Err(Stop::Grader("a thread panicked".into())))
            })
            .collect()
    });
    results.into_iter().collect::<Outcome>().means(true, &CROSSED)
}

const OWED_LOST: Diagnosis = Diagnosis {
    id: "owed-lost",
    they: "close before all is sent",
    text: "the client closed its sending side and did not get everything back: the end of what it says is not the end of what you owe.",
};

fn owed(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let block = text(stage, 64 * 1024);
    // Until both sides' buffers are full: now nobody can have sent back everything.
    let sent = a.send_until_stuck(&block);
    a.half_close();
    let got = a.take(sent);
    let owed = block.repeat(sent.div_ceil(block.len()));
    if got == owed[..sent] {
        return Ok(());
    }
    let (expected, got) = difference(&owed[..sent], &got);
    fail(format!("a gets back {expected}"), got).means(true, &OWED_LOST)
}

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed",
    they: "never close a connection",
    text: "the client has left and its connection is still open on the server's side: each costs a descriptor, until none is left. Who owns the socket, and when does that end?",
};

fn closes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    say(stage, &mut a)?;
    a.half_close();
    a.expect_close().means(true, &NEVER_CLOSED)
}

fn reset(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.send(format!("{}\n", stage.payload(16)))?;
    a.reset()?;
    // Whether a read or a write notices the reset, and when: the next ones shall find a server.
    let serves = |name| {
        let mut client = server.connect(name)?;
        say(stage, &mut client)
    };
    serves("b").means(true, &RESET_KILLS)?;
    server.program.stays("others are there").means(true, &RESET_KILLS)?;
    serves("c").means(true, &RESET_KILLS)
}

const STALLED: Diagnosis = Diagnosis {
    id: "stalled",
    they: "are stopped by one client who does not read",
    text: "one client sends and does not read, and the others wait: somebody holds something shared (a lock, the only thread) while it waits in a write.",
};

fn silent_reader(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut stalled = server.connect("the silent reader")?;
    stalled.send_until_stuck(&stage.bytes(64 * 1024));
    let mut b = server.connect("b").means(true, &STALLED)?;
    (0..3).try_for_each(|_| say(stage, &mut b)).means(true, &STALLED)
}

fn descriptors(stage: &Stage) -> Outcome {
    let server = stage.serve_with(Role::Server, "", &[FEW_DESCRIPTORS])?;
    outlives_descriptors(stage, &server, |client| say(stage, client))
}
