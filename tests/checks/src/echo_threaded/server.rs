//! Chapter 3, the server: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("03.listens", Role::Server, "listens on its port")
        .source("L3, echo_server.py")
        .read("3.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static INTERFACES: Check =
    Check::lab("03.interfaces", Role::Server, "listens on all of the machine's addresses")
        .source("L3: \"0.0.0.0\" as the address")
        .needs(&[&LISTENS])
        .read("3.4")
        .mistakes(&[&ONE_ADDRESS])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            server.connect_to("127.0.0.2", "a").map(|_| ()).means(true, &ONE_ADDRESS)
        });

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

pub(super) static ECHOES: Check =
    Check::lab("03.echoes", Role::Server, "sends a line back, exactly")
        .source("L3, echo_server.py: exactly what was sent")
        .needs(&[&LISTENS])
        .points(2)
        .read("3.4")
        .mistakes(&[&NEWLINE_LOST, &NEWLINE_ADDED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            let line = stage.payload(16);
            a.send(format!("{line}\n"))?;
            let result = a.expect(format!("{line}\n"));
            let lost = a.so_far() == line.as_bytes();
            result.means(lost, &NEWLINE_LOST)?;
            a.expect_no_bytes("the echo is complete")
                .means(a.so_far().first() == Some(&b'\n'), &NEWLINE_ADDED)
        });

const ONE_MESSAGE: Diagnosis = Diagnosis {
    id: "one-message",
    they: "echo one message and no more",
    text: "the first message came back and the second did not: is there a loop around read and write, until a read of 0 bytes?",
};

pub(super) static GOES_ON: Check =
    Check::lab("03.goes-on", Role::Server, "echoes as often as the client speaks")
        .source("L3, echo_server.py")
        .needs(&[&ECHOES])
        .read("3.4")
        .mistakes(&[&ONE_MESSAGE])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            say(stage, &mut a)?;
            (0..4).try_for_each(|_| say(stage, &mut a)).means(true, &ONE_MESSAGE)
        });

/// Says something new and expects it back.
fn say(stage: &Stage, client: &mut Peer) -> Outcome {
    let line = format!("{}\n", stage.payload(16));
    client.send(&line)?;
    client.expect(&line)
}

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "waits-for-line",
    they: "wait for a whole line",
    text: "half a line was not echoed until the rest came: read returns what is there, a reader of lines waits for the \\n.",
};

pub(super) static HALF_LINE: Check =
    Check::lab("03.half-line", Role::Server, "echoes a piece of a line at once")
        .source("L3, echo_server.py: anything that it was sent")
        .needs(&[&ECHOES])
        .read("3.5")
        .mistakes(&[&WAITS_FOR_LINE])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            let (half, rest) = (stage.payload(8), stage.payload(8));
            a.send(&half)?;
            a.expect(&half).probe(&WAITS_FOR_LINE, || {
                let _ = a.send(format!("{rest}\n"));
                let all = format!("{half}{rest}\n");
                a.expect(&all).is_ok().then(|| "it came when the line was ended".to_string())
            })
        });

pub(super) static BYTES: Check =
    Check::lab("03.bytes", Role::Server, "echoes every byte as it came, text or not")
        .source("L3, echo_server.py: exactly what was sent")
        .needs(&[&HALF_LINE])
        .read("3.4")
        .mistakes(&[&AS_TEXT])
        .steps(bytes);

fn bytes(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let bytes: Vec<u8> = (0..=255).collect();
    a.send(&bytes)?;
    a.expect(&bytes).means(true, &AS_TEXT)
}

/// Lines of text, so that a program which cannot do more is judged elsewhere.
fn text(stage: &Stage, length: usize) -> Vec<u8> {
    let mut text = stage.payload(length).into_bytes();
    text.chunks_mut(80).for_each(|line| line[line.len() - 1] = b'\n');
    text
}

const SHORT_SEND: Diagnosis = Diagnosis {
    id: "short-send",
    they: "lose bytes when much is sent",
    text: "a part of what was sent never came back: write may take less than it was given, and returns how much. write_all goes on until everything is handed over.",
};

pub(super) static MEGABYTE: Check = Check::lab(
    "03.megabyte",
    Role::Server,
    "echoes 4 MB to a client that reads while it sends",
)
.source("L3, echo_server.py")
.needs(&[&GOES_ON])
.points(2)
.read("3.4")
.mistakes(&[&SHORT_SEND])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let bytes = text(stage, 4_000_000);
    let got = a.exchange(&bytes)?;
    if got == bytes {
        return Ok(());
    }
    let (expected, got) = difference(&bytes, &got);
    fail(format!("a gets back {expected}"), got).means(true, &SHORT_SEND)
});

pub(super) static NEXT_CLIENT: Check = Check::lab(
    "03.next-client",
    Role::Server,
    "serves the next client when the first one has left",
)
.source("L3, echo_server.py: many clients")
.needs(&[&ECHOES])
.read("3.4")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    for name in ["a", "b", "c"] {
        let mut client = server.connect(name).means(name != "a", &ONE_CLIENT)?;
        say(stage, &mut client).means(name != "a", &ONE_CLIENT)?;
        client.close();
    }
    Ok(())
});

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time",
    they: "serve clients one after another",
    text: "the second client was answered only after the first one left: clients are served one after another. Is the thread joined right after it is started, or is there none?",
};

pub(super) static SECOND_CLIENT: Check = Check::lab(
    "03.second-client",
    Role::Server,
    "serves a second client while the first one is still there",
)
.source("L3, echo_server.py: many clients at once")
.needs(&[&NEXT_CLIENT])
.points(3)
.read("3.2")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
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
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed",
    they: "send one client what another one said",
    text: "a client got bytes that are not its own, or lost some: is there one buffer or one socket variable for all threads? Each must own its own.",
};

pub(super) static APART: Check =
    Check::lab("03.apart", Role::Server, "keeps 40 clients apart who all talk at once")
        .source("L3, echo_server.py")
        .needs(&[&SECOND_CLIENT, &GOES_ON])
        .points(2)
        .read("3.3")
        .mistakes(&[&CROSSED])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let server = stage.serve(Role::Server)?;
            let mut clients = server.connect_in_turn(CLIENTS)?;
            // Each speaks on a thread of its own, so that they really do at the same time.
            let talk =
                |client: &mut Peer| -> Outcome { (0..10).try_for_each(|_| say(stage, client)) };
            let results: Vec<Outcome> = thread::scope(|scope| {
                let talking: Vec<_> = clients
                    .iter_mut()
                    .map(|client| scope.spawn(move || talk(client)))
                    .collect();
                talking
                    .into_iter()
                    .map(|talk| {
                        talk.join()
                            .unwrap_or_else(|_| Err(Stop::Grader("a thread panicked".into())))
                    })
                    .collect()
            });
            results.into_iter().collect::<Outcome>().means(true, &CROSSED)
        });

const OWED_LOST: Diagnosis = Diagnosis {
    id: "owed-lost",
    they: "close before all is sent",
    text: "the client closed its sending side and did not get everything back: the end of what it says is not the end of what you owe.",
};

pub(super) static OWED: Check = Check::lab(
    "03.owed",
    Role::Server,
    "sends all that is owed when the client closes its sending side",
)
.source("L3, dumb_net.py: the end of the data is an empty read")
.needs(&[&MEGABYTE])
.points(2)
.read("3.5")
.mistakes(&[&OWED_LOST])
.steps(owed);

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

pub(super) static CLOSES: Check =
    Check::lab("03.closes", Role::Server, "closes the connection when the client has")
        .source("L3, echo_server.py: sock.close() before the worker returns")
        .needs(&[&GOES_ON])
        .read("3.3")
        .mistakes(&[&NEVER_CLOSED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            say(stage, &mut a)?;
            a.half_close();
            a.expect_close().means(true, &NEVER_CLOSED)
        });

pub(super) static RESET: Check =
    Check::lab("03.reset", Role::Server, "serves on when one client resets its connection")
        .source("L3, echo_server.py")
        .needs(&[&NEXT_CLIENT])
        .points(2)
        .read("3.5")
        .mistakes(&[&RESET_KILLS])
        .steps(reset);

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

pub(super) static SILENT_READER: Check = Check::lab(
    "03.silent-reader",
    Role::Server,
    "serves on while one client sends and never reads",
)
.source("L3, echo_server.py: as soon as a thread blocks, another thread can run")
.needs(&[&APART])
.read("3.5")
.mistakes(&[&STALLED])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut stalled = server.connect("the silent reader")?;
    stalled.send_until_stuck(&stage.bytes(64 * 1024));
    let mut b = server.connect("b").means(true, &STALLED)?;
    (0..3).try_for_each(|_| say(stage, &mut b)).means(true, &STALLED)
});

pub(super) static DESCRIPTORS: Check = Check::manners(
    "03.descriptors",
    Role::Server,
    "outlives running out of descriptors, and says so",
)
.source("our contract, 03-echo-threaded; the lab leaves it open")
.needs(&[&SECOND_CLIENT, &CLOSES])
.read("3.5")
.mistakes(&[&DESCRIPTORS_KILL, &BUSY_ACCEPT])
.steps(|stage| {
    let server = stage.serve_with(Role::Server, "", &[FEW_DESCRIPTORS])?;
    outlives_descriptors(stage, &server, |client| say(stage, client))
});
