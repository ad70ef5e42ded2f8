//! Chapter 8, the server: the grader plays its clients.

use super::{talk::is_received, *};

pub(super) static LISTENS: Check =
    Check::lab("08.listens", Role::Server, "listens on its port")
        .source("L0, 1: the multithreaded server")
        .read("8.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

const INTRO_MISSING: Diagnosis = Diagnosis {
    id: "no-intro",
    they: "let the client speak first",
    text: "nothing comes until the client has said something: the server speaks first, right after accept(). Who would otherwise know that it has been taken?",
};

pub(super) static INTRO: Check = Check::lab(
    "08.intro",
    Role::Server,
    "speaks first: an intro, before the client has said anything",
)
.source("L0, 1: sending intro message/receiving long message")
.needs(&[&LISTENS])
.read("8.4")
.mistakes(&[&INTRO_MISSING])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.expect_anything("an intro").map(|_| ()).probe(&INTRO_MISSING, || {
        let _ = a.send("x");
        let spoke = a.expect_anything("an intro").is_ok();
        spoke.then(|| "it spoke when the client had".to_string())
    })
});

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "message-is-line",
    they: "wait for a line's end instead of the message's",
    text: "the message was over and no answer came; with a \\n at its end one does. The message has no mark for its end: that is where read returns 0.",
};

pub(super) static TAKES: Check =
    Check::lab("08.takes", Role::Server, "takes a message to its end, and says so, or closes")
        .source("L0, 1: sending intro message/receiving long message")
        .needs(&[&LISTENS])
        .points(2)
        .read("8.4")
        .mistakes(&[&WAITS_FOR_LINE])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = welcomed(&server, "a")?;
            a.send(message(stage.payload(1500).into_bytes()))?;
            a.half_close();
            let end = match a.expect_anything("an answer, or the end of the connection") {
                // A socket that is closed with bytes unread resets.
                Err(Halt::Failed(failure))
                    if failure.saw == Saw::Closed && stage.is_outside() =>
                {
                    Ok(())
                }
                other => other.map(|_| ()),
            };
            end.probe(&WAITS_FOR_LINE, || {
                let mut b = welcomed(&server, "b").ok()?;
                b.send(format!("{}\n", stage.payload(99))).ok()?;
                b.half_close();
                let answered = b.expect_anything("an answer").is_ok();
                answered.then(|| "a message that is a line was answered".to_string())
            })
        });

const WRONG_COUNT: Diagnosis = Diagnosis {
    id: "wrong-count",
    they: "answer with a wrong number of bytes",
    text: "the number is not that of the bytes that were sent: what is added up, what read returned or the size of the buffer?",
};

pub(super) static COUNTS: Check = Check::chapter(
    "08.counts",
    Role::Server,
    "answers `received N bytes` when the client has closed its sending side",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&TAKES])
.points(2)
.read("8.4")
.mistakes(&[&WRONG_COUNT])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    a.send(message(stage.payload(1500).into_bytes()))?;
    a.half_close();
    let answer = a.expect_among("received 1500 bytes").map(|_| ());
    let counted = find(a.so_far(), b"received ").is_some();
    answer.means(counted, &WRONG_COUNT)
});

const ONE_READ: Diagnosis = Diagnosis {
    id: "one-read-08",
    they: "take what one read returns for the whole message",
    text: "only the first piece was taken: one read returns what happens to be there. The message goes on until read returns 0, or as far as its length says.",
};

pub(super) static PIECES: Check =
    Check::lab("08.pieces", Role::Server, "takes a message that comes in pieces as one")
        .source("L0, 1: receiving long message")
        .needs(&[&TAKES])
        .points(2)
        .read("8.4")
        .mistakes(&[&ONE_READ])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = welcomed(&server, "a")?;
            let message = message(stage.payload(1500).into_bytes());
            let (first, rest) = message.split_at(700);
            a.send(first)?;
            a.settle();
            let early = a.expect_silence("the message is not over");
            // More of an intro is no harm.
            let counted = numbers(a.so_far()).iter().any(|n| [692, 700].contains(n));
            let over =
                matches!(&early, Err(Halt::Failed(failure)) if failure.saw == Saw::Closed);
            if counted || over {
                return early
                    .because(Saw::Closed, &ONE_READ)
                    .because(Saw::Something, &ONE_READ);
            }
            a.ignore_so_far();
            a.send(rest)?;
            a.half_close();
            is_received(stage, &mut a, 1500).because(Saw::Something, &ONE_READ)
        });

const LIMITED: Diagnosis = Diagnosis {
    id: "limited",
    they: "do not take a long message to its end",
    text: "a short message is taken whole and a long one is not: is there a largest size, or do the bytes have to be text?",
};

pub(super) static LONG: Check =
    Check::lab("08.long", Role::Server, "takes a message of 4 MB, whatever its bytes are")
        .source("L0, 1: receiving long message")
        .needs(&[&PIECES])
        .read("8.4")
        .mistakes(&[&LIMITED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = welcomed(&server, "a")?;
            let message = message(stage.bytes(4_000_000));
            let sent = a.send(&message);
            a.half_close();
            let taken = sent.and_then(|()| is_received(stage, &mut a, message.len()));
            taken.confirm(&LIMITED, "a message of 100 bytes is taken", || {
                let short = welcomed(&server, "b");
                short.is_ok_and(|mut b| is_served(stage, &mut b, 100).is_ok())
            })
        });

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed-08",
    they: "never close a connection",
    text: "the answer has come and the connection is still open: the client waits for its end, and each one costs the server a descriptor.",
};

pub(super) static CLOSES: Check =
    Check::lab("08.closes", Role::Server, "closes the connection behind its message")
        .source("L0, 1: the multithreaded server")
        .needs(&[&TAKES])
        .read("8.3")
        .mistakes(&[&NEVER_CLOSED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = welcomed(&server, "a")?;
            is_served(stage, &mut a, 100)?;
            let rest = a.take_until_close();
            if !stage.is_outside() && !rest.trim_ascii().is_empty() {
                return fail("nothing but white space behind the answer", quote(&rest));
            }
            a.expect_closed().because(Saw::Nothing, &NEVER_CLOSED)
        });

pub(super) static NEXT_CLIENT: Check = Check::lab(
    "08.next-client",
    Role::Server,
    "serves the next client when the first one has left",
)
.source("L0, 1: the multithreaded server")
.needs(&[&TAKES])
.read("8.4")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let serve = |name| is_served(stage, &mut welcomed(&server, name)?, 100);
    serve("a")?;
    serve("b")
        .and_then(|()| serve("c"))
        .because(Saw::Nothing, &ONE_CLIENT)
        .because(Saw::Closed, &ONE_CLIENT)
        .because(Saw::Reset, &ONE_CLIENT)
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
.needs(&[&INTRO])
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
    })
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-08",
    they: "count what other clients have sent",
    text: "a client was told a number that is not its own: is there one counter, or one socket variable, for all threads?",
};

pub(super) static APART: Check = Check::lab(
    "08.apart",
    Role::Server,
    "takes from each of 50 clients what that client has sent",
)
.source("L0, 2(b): 10, 20, 50 … clients")
.needs(&[&TAKES, &SECOND_CLIENT])
.points(2)
.read("8.3")
.mistakes(&[&CROSSED])
.steps(|stage| {
    const CLIENTS: usize = 50;
    let server = stage.serve(Role::Server)?;
    // One comes after another, and all stay: a listen(5) would drop many that come together.
    let clients: Step<Vec<Peer>> =
        (1..=CLIENTS).map(|n| welcomed(&server, &format!("client {n}"))).collect();
    let mut clients = clients?;
    let crossed: Step = (|| {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send(message(stage.payload(100 + n).into_bytes()))?;
        }
        for (n, client) in clients.iter_mut().enumerate().rev() {
            client.half_close();
            is_received(stage, client, 100 + n)?;
        }
        Ok(())
    })();
    crossed.because(Saw::Something, &CROSSED)
});

pub(super) static SURVIVES_RESET: Check = Check::lab(
    "08.survives-reset",
    Role::Server,
    "serves on when one client resets its connection",
)
.source("L0, 2(c): are there any TCP errors?")
.needs(&[&TAKES])
.points(2)
.read("8.5")
.mistakes(&[&RESET_KILLS])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    a.send(stage.payload(100))?;
    a.reset()?; // over its intro, which stays unread
    server.program.stays("there will be others").because(Saw::Ended, &RESET_KILLS)?;
    // Whether the reset is noticed by a read or by a write, the next one shall find a server.
    for name in ["b", "c"] {
        let served = welcomed(&server, name);
        served
            .and_then(|mut client| is_served(stage, &mut client, 100))
            .because(Saw::Reset, &RESET_KILLS)
            .because(Saw::Nothing, &RESET_KILLS)?;
    }
    Ok(())
});

pub(super) static RESTS: Check = Check::lab(
    "08.rests",
    Role::Server,
    "rests when its clients have gone, at the end of a message or in the middle of one",
)
.source("L0, 1: the multithreaded server")
.needs(&[&TAKES])
.read("8.4")
.mistakes(&[&END_IGNORED])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let message = message(stage.payload(1500).into_bytes());
    for (name, sent) in [("a", 0), ("b", 700), ("c", 1500)] {
        let mut client = welcomed(&server, name)?;
        if sent > 0 {
            client.send(&message[..sent])?;
            client.settle();
        }
        client.close();
        if server.program.burns_processor() {
            let gone = format!("the server waits when a client has closed after {sent} bytes");
            return fail(gone, "it burns a processor").because(Saw::Something, &END_IGNORED);
        }
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

fn empty(stage: &Stage) -> Step {
    let server = stage.serve(Role::Server)?;
    let mut a = welcomed(&server, "a")?;
    a.half_close();
    a.expect_among("received 0 bytes")
        .map(|_| ())
        .because(Saw::Closed, &EMPTY_UNANSWERED)
        .because(Saw::Nothing, &EMPTY_UNANSWERED)
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
            a.expect_among(format!("received {} bytes", BLOCKS * block.len()))?;
            match peak {
                Some(kib) if kib > 16 * 1024 => {
                    fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                        .because(Saw::Something, &STORES_ALL)
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
