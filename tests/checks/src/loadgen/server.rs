//! Chapter 8, the server: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("08.listens", Role::Server, "listens on its port")
        .source("L0, 1: the multithreaded server")
        .read("8.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static INTRO: Check = Check::lab(
    "08.intro",
    Role::Server,
    "speaks first: an intro, before the client has said anything",
)
.source("L0, 1: sending intro message/receiving long message")
.needs(&[&LISTENS])
.read("8.4")
.mistakes(&[&INTRO_MISSING])
.steps(intro);

pub(super) static COUNTS: Check = Check::lab(
    "08.counts",
    Role::Server,
    "answers `received N bytes` when the client has closed its sending side",
)
.source("L0, 1: the multithreaded server")
.needs(&[&INTRO])
.points(2)
.read("8.4")
.mistakes(&[&WAITS_FOR_LINE, &WRONG_COUNT])
.steps(counts);

pub(super) static PIECES: Check =
    Check::lab("08.pieces", Role::Server, "counts a message that comes in pieces as one")
        .source("L0, 1: receiving long message")
        .needs(&[&COUNTS])
        .points(2)
        .read("8.4")
        .mistakes(&[&ONE_READ])
        .steps(pieces);

pub(super) static LONG: Check =
    Check::lab("08.long", Role::Server, "counts a message of 4 MB, whatever its bytes are")
        .source("L0, 1: receiving long message")
        .needs(&[&PIECES])
        .read("8.4")
        .mistakes(&[&LIMITED])
        .steps(long);

pub(super) static CLOSES: Check =
    Check::lab("08.closes", Role::Server, "closes the connection behind its answer")
        .source("L0, 1: the multithreaded server")
        .needs(&[&COUNTS])
        .read("8.3")
        .mistakes(&[&NEVER_CLOSED])
        .steps(closes);

pub(super) static NEXT_CLIENT: Check = Check::lab(
    "08.next-client",
    Role::Server,
    "serves the next client when the first one has left",
)
.source("L0, 1: the multithreaded server")
.needs(&[&COUNTS])
.read("8.4")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let serve = |name| is_served(stage, &mut welcomed(&server, name)?, 100);
    serve("a")?;
    serve("b").and_then(|()| serve("c")).means(true, &ONE_CLIENT)
});

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-08",
    they: "serve clients one after another",
    text: "the second client got its intro only after the first one had left: is the conversation held where accept() should be called again?",
};

pub(super) static SECOND_CLIENT: Check = Check::lab(
    "08.second-client",
    Role::Server,
    "sends a second client its intro while the first one is still there",
)
.source("L0, 1(c): both clients get the intro before either enters its message")
.needs(&[&NEXT_CLIENT])
.points(3)
.read("8.2")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    let mut b = server.connect("b")?;
    b.expect_anything("an intro").map(|_| ()).probe(&ONE_AT_A_TIME, || {
        is_served(stage, &mut a, 100).ok()?;
        let spoke = b.expect_anything("an intro").is_ok();
        spoke.then(|| "when a had been served, b got it".to_string())
    })?;
    is_served(stage, &mut b, 200)
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-08",
    they: "count what other clients have sent",
    text: "a client was told a number that is not its own: is there one counter, or one socket variable, for all threads?",
};

pub(super) static APART: Check = Check::lab(
    "08.apart",
    Role::Server,
    "counts for each of 50 clients what that client has sent",
)
.source("L0, 2(b): 10, 20, 50 … clients")
.needs(&[&SECOND_CLIENT])
.points(2)
.read("8.3")
.mistakes(&[&CROSSED])
.steps(|stage| {
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
});

pub(super) static SURVIVES_RESET: Check = Check::lab(
    "08.survives-reset",
    Role::Server,
    "serves on when one client resets its connection",
)
.source("L0, 2(c): are there any TCP errors?")
.needs(&[&NEXT_CLIENT])
.points(2)
.read("8.5")
.mistakes(&[&RESET_KILLS])
.steps(|stage| {
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
});

const EMPTY_UNANSWERED: Diagnosis = Diagnosis {
    id: "empty-unanswered",
    they: "do not answer an empty message",
    text: "a client that closes its sending side without a word gets no answer: 0 is a number of bytes too.",
};

pub(super) static EMPTY: Check = Check::manners(
    "08.empty",
    Role::Server,
    "a message of no bytes is received too: `received 0 bytes`",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&COUNTS])
.read("8.4")
.mistakes(&[&EMPTY_UNANSWERED])
.steps(empty);

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

pub(super) static CONSTANT_MEMORY: Check =
    Check::manners("08.constant-memory", Role::Server, "counts 40 MB without storing them")
        .source("our contract, 08-loadgen; the lab leaves it open")
        .needs(&[&LONG])
        .read("8.4")
        .mistakes(&[&STORES_ALL])
        .steps(|stage| {
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
        });

pub(super) static DESCRIPTORS: Check = Check::manners(
    "08.descriptors",
    Role::Server,
    "outlives running out of descriptors, and says so",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&SECOND_CLIENT, &CLOSES, &SURVIVES_RESET])
.read("8.5")
.mistakes(&[&DESCRIPTORS_KILL, &BUSY_ACCEPT])
.steps(|stage| {
    let server = stage.serve_with(Role::Server, "", &[FEW_DESCRIPTORS])?;
    outlives_descriptors(stage, &server, |client| {
        client.expect_anything("an intro")?;
        is_served(stage, client, 100)
    })
});
