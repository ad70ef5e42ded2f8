//! Chapter 2, the server: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("02.listens", Role::Server, "server: listens on its port")
        .source("L3, one_to_one.py")
        .read("2.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static INTERFACES: Check = Check::lab(
    "02.interfaces",
    Role::Server,
    "server: listens on all of the machine's addresses",
)
.source("L3, one_to_one.py: \"0.0.0.0\" as the address")
.needs(&[&LISTENS])
.read("2.4")
.mistakes(&[&ONE_ADDRESS])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let reached = server.connect_to("127.0.0.2", "a").map(|_| ());
    reached.confirm(&ONE_ADDRESS, "127.0.0.1 is answered", || server.connect("b").is_ok())
});

const SERVER_BEGINS: Diagnosis = Diagnosis {
    id: "server-begins",
    they: "let the server's user type first",
    text: "the client's line was read only after the server's user had typed: at the start it is the server that waits for the network.",
};

pub(super) static HEARS_FIRST: Check = Check::lab(
    "02.hears-first",
    Role::Server,
    "server: waits for the network first, and prints the client's line",
)
.source("L3, one_to_one.py: the server waits for the first message")
.needs(&[&LISTENS])
.points(2)
.read("2.4")
.mistakes(&[&SERVER_BEGINS, &NOT_FLUSHED])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let line = stage.payload(16);
    say(stage, Role::Server, &mut a, &line)?;
    let heard = server.program.prints(&line);
    let heard = heard.probe(&SERVER_BEGINS, || {
        let unread = !a.is_read();
        server.program.types("an answer");
        (unread && server.program.prints(&line).is_ok())
            .then(|| "it was read when the server's user had typed a line".to_string())
    });
    heard.probe(&NOT_FLUSHED, || {
        server.program.end_input();
        a.close();
        server.program.prints(&line).is_ok().then(|| "it came when all was over".to_string())
    })
});

pub(super) static ANSWERS: Check =
    Check::lab("02.answers", Role::Server, "server: sends the line that its user types next")
        .source("L3, one_to_one.py")
        .needs(&[&HEARS_FIRST])
        .read("2.4")
        .steps(|stage| {
            let mut server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            round(stage, &mut server, &mut a)?;
            round(stage, &mut server, &mut a)
        });

fn round(stage: &Stage, server: &mut Server, client: &mut Peer) -> Step {
    client_speaks(stage, server, client)?;
    server_answers(stage, server, client)
}

/// The client speaks, the server prints it: one half of a round.
fn client_speaks(stage: &Stage, server: &mut Server, client: &mut Peer) -> Step {
    let line = stage.payload(16);
    say(stage, Role::Server, client, &line)?;
    server.program.prints(&line)
}

/// The server's user answers, the client gets it.
fn server_answers(stage: &Stage, server: &Server, client: &mut Peer) -> Step {
    let line = format!("{} {}", stage.payload(8), stage.payload(8));
    server.program.types(&line);
    client.expect(&line)?;
    client.skip_line_end();
    Ok(())
}

pub(super) static TAKES_TURNS: Check = Check::lab(
    "02.takes-turns",
    Role::Server,
    "server: sends one line a turn, although more are typed ahead",
)
.source("L3, one_to_one.py: the two alternate")
.needs(&[&ANSWERS])
.points(2)
.read("2.2")
.mistakes(&[&NO_TURNS])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    let (first, second) = (stage.payload(16), stage.payload(16));
    server.program.input(format!("{first}\n{second}\n").as_bytes());
    a.expect(&first)?;
    a.skip_line_end();
    a.expect_silence("it is the client's turn").because(Saw::Something, &NO_TURNS)?;
    client_speaks(stage, &mut server, &mut a)?;
    a.expect(&second)
});

pub(super) static LINES: Check = Check::lab(
    "02.lines",
    Role::Server,
    "server: a line in pieces is one message, two lines in a packet are two",
)
.source("L3, dumb_net.py: no assumptions about how much a read returns")
.needs(&[&ANSWERS])
.points(2)
.read("2.5")
.mistakes(&[&READ_IS_MESSAGE])
.steps(|stage| {
    speaks_in_lines(stage, Role::Server)?;
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    let split = stage.payload(8);
    a.dribble(format!("{split}\n"))?;
    server
        .program
        .prints(format!("{split}\n"))
        .because(Saw::Nothing, &READ_IS_MESSAGE)
        .because(Saw::Ended, &READ_IS_MESSAGE)?;
    server_answers(stage, &server, &mut a).because(Saw::Something, &READ_IS_MESSAGE)?;
    let (one, two) = (stage.payload(8), stage.payload(8));
    a.send(format!("{one}\n{two}\n"))?;
    server.program.prints(&one)?;
    let early =
        server.program.keeps_back(&two, "it is the second message, and the server's turn");
    early.because(Saw::Something, &READ_IS_MESSAGE)?;
    server_answers(stage, &server, &mut a)?;
    server.program.prints(&two).because(Saw::Nothing, &READ_IS_MESSAGE)
});

pub(super) static EMPTY_READ: Check = Check::lab(
    "02.empty-read",
    Role::Server,
    "server: takes the client's close for the end, not for a message",
)
.source("L3, one_to_one.py: until you receive an empty buffer")
.needs(&[&HEARS_FIRST])
.read("2.5")
.mistakes(&[&END_IGNORED])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("an answer");
    a.take(1);
    let before = server.program.process.heard().stdout.len();
    a.close();
    // A loop over empty reads floods stdout with blank lines, or burns the processor.
    let flood =
        |heard: &stage::process::Heard| (heard.stdout.len() > before + 200).then_some(());
    if server.program.process.wait_for(quiet(), flood).is_some() {
        return fail(
            "the server goes back to accept()",
            "it prints one blank line after another",
        )
        .because(Saw::Something, &END_IGNORED);
    }
    if server.program.burns_processor() {
        return fail("the server waits in accept()", "it burns a processor")
            .because(Saw::Something, &END_IGNORED);
    }
    // That a server has ended is no mistake of this kind.
    let Ok(mut b) = server.connect("b") else { return Ok(()) };
    let line = stage.payload(16);
    say(stage, Role::Server, &mut b, &line)?;
    // Whoever took it for a message has the next word, and does not listen.
    server.program.prints(&line).probe(&END_IGNORED, || {
        // The first line is taken by the kernel, which learns from it that nobody is there.
        server.program.input(b"an answer\nto nothing\n");
        let then = server.program.prints(&line).is_ok();
        then.then(|| "it heard b when its user had answered a once more".to_string())
    })
});

pub(super) static NEXT_CLIENT: Check = Check::lab(
    "02.next-client",
    Role::Server,
    "server: serves the next client when the first one has left",
)
.source("L3, one_to_one.py: go back and accept() another connection")
.needs(&[&EMPTY_READ, &ANSWERS])
.points(2)
.read("2.4")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut served = |name| {
        let mut client = server.connect(name)?;
        round(stage, &mut server, &mut client).map(|()| client.close())
    };
    served("a")?;
    for name in ["b", "c"] {
        served(name)
            .because(Saw::Nothing, &ONE_CLIENT)
            .because(Saw::Ended, &ONE_CLIENT)
            .because(Saw::Closed, &ONE_CLIENT)
            .because(Saw::Reset, &ONE_CLIENT)?;
    }
    Ok(())
});

const WAITING_LOST: Diagnosis = Diagnosis {
    id: "waiting-lost",
    they: "turn away a client that had to wait",
    text: "a client that connected while another one was served is not served afterwards: the kernel keeps it in the listener's queue, as long as the listener stays open.",
};

pub(super) static WAITING_CLIENT: Check = Check::lab(
    "02.waiting-client",
    Role::Server,
    "server: serves the client that waited while the first one talked",
)
.source("L3, one_to_one.py, Observations: what does the second client see?")
.needs(&[&NEXT_CLIENT])
.read("2.2")
.mistakes(&[&WAITING_LOST])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    let line = stage.payload(16);
    let waits = || -> Step {
        let mut b = server.connect("b")?;
        say(stage, Role::Server, &mut b, &line)?;
        a.close();
        server.program.prints(&line)?;
        server_answers(stage, &server, &mut b)
    };
    waits()
        .because(Saw::Nothing, &WAITING_LOST)
        .because(Saw::Closed, &WAITING_LOST)
        .because(Saw::Reset, &WAITING_LOST)
});

pub(super) static BLANK_LINE: Check = Check::lab(
    "02.blank-line",
    Role::Server,
    "server: a blank line typed ends the conversation, and is not sent",
)
.source("L3, one_to_one.py: until the user types a blank line")
.needs(&[&ANSWERS])
.read("2.4")
.mistakes(&[&BLANK_SENT])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("");
    let closed = a.expect_close();
    let sent = !a.so_far().is_empty();
    closed.confirm(&BLANK_SENT, "bytes came instead", || sent)
});

const BLANK_ENDS_ALL: Diagnosis = Diagnosis {
    id: "blank-ends-all",
    they: "end the whole server at a blank line",
    text: "the blank line ended the server, and it is only the conversation that has to end: go back to accept().",
};

pub(super) static AFTER_BLANK: Check = Check::lab(
    "02.after-blank",
    Role::Server,
    "server: serves the next client after its own user's blank line",
)
.source("L3, one_to_one.py: go back and accept() another connection")
.needs(&[&NEXT_CLIENT])
.read("2.4")
.mistakes(&[&BLANK_ENDS_ALL])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("");
    a.take_until_close();
    a.close();
    let mut next = || {
        let mut b = server.connect("b")?;
        client_speaks(stage, &mut server, &mut b)
    };
    let result = next();
    result.confirm(&BLANK_ENDS_ALL, "the server has ended", || {
        server.program.process.wait(quiet()).is_some()
    })
});

pub(super) static SPLIT_LETTER: Check = Check::lab(
    "02.split-letter",
    Role::Server,
    "server: prints a letter of two bytes that arrive in two pieces",
)
.source("L3, dumb_net.py: no assumptions about how much a read returns")
.needs(&[&LINES])
.read("2.5")
.mistakes(&[&DECODES_PIECES])
.steps(|stage| {
    speaks_in_lines(stage, Role::Server)?;
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let word = stage.payload(8);
    let line = format!("{word}\u{e9}{word}");
    let (begin, end) = line.as_bytes().split_at(word.len() + 1);
    a.send(begin)?;
    a.settle();
    // A program that has stumbled over the first piece may have closed.
    let _ = a.send([end, b"\n"].concat());
    server.program.prints(&line).confirm(&DECODES_PIECES, "in one piece it is printed", || {
        stage.serve(Role::Server).is_ok_and(|mut fresh| {
            fresh.connect("b").is_ok_and(|mut b| {
                b.send(format!("{line}\n")).is_ok() && fresh.program.prints(&line).is_ok()
            })
        })
    })
});

pub(super) static RESTS: Check =
    Check::lab("02.rests", Role::Server, "server: rests after a client's close")
        .source("L3, one_to_one.py: until you receive an empty buffer")
        .needs(&[&LISTENS])
        .read("2.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            say(stage, Role::Server, &mut a, &stage.payload(16))?;
            server.program.types("an answer");
            a.take(1);
            a.close();
            rests(&server.program, "a has left")
        });

const TWO_AT_ONCE: Diagnosis = Diagnosis {
    id: "two-at-once",
    they: "talk to two clients at once",
    text: "the second client is heard while the first one talks: one terminal cannot keep two conversations apart.",
};

pub(super) static ONE_AT_A_TIME: Check = Check::manners(
    "02.one-at-a-time",
    Role::Server,
    "server: hears the second client only when the first one has left",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&WAITING_CLIENT])
.read("2.5")
.mistakes(&[&TWO_AT_ONCE])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    let mut b = server.connect("b")?;
    let line = stage.payload(16);
    say(stage, Role::Server, &mut b, &line)?;
    server
        .program
        .keeps_back(&line, "the first client is still there")
        .because(Saw::Something, &TWO_AT_ONCE)?;
    a.close();
    server.program.prints(&line)
});

const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed",
    they: "go on serving when nobody can type any more",
    text: "the server's own input has ended and it stays: nobody is left who could answer.",
};

pub(super) static SERVER_INPUT_ENDS: Check = Check::manners(
    "02.server-input-ends",
    Role::Server,
    "server: ends at the end of its own input, at its turn, exit 0",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&ANSWERS])
.read("2.5")
.mistakes(&[&INPUT_END_MISSED, &LAST_LINE_LOST])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    server.program.end_input();
    server.program.stays("it is the client's turn").because(Saw::Ended, &LAST_LINE_LOST)?;
    a.send(format!("{}\n", stage.payload(16)))?;
    server.program.ends_with(0).because(Saw::Running, &INPUT_END_MISSED)?;
    a.expect_close()
});

pub(super) static SURVIVES_RESET: Check = Check::manners(
    "02.survives-reset",
    Role::Server,
    "server: a client that resets ends its conversation alone",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&NEXT_CLIENT])
.read("2.5")
.mistakes(&[&RESET_KILLS])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("an answer that stays unread");
    a.reset()?;
    let mut next = || {
        let mut b = server.connect("b")?;
        client_speaks(stage, &mut server, &mut b)
    };
    let result = next();
    result.confirm(&RESET_KILLS, "the server has ended", || {
        server.program.process.wait(quiet()).is_some()
    })
});

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills",
    they: "end when a message is no UTF-8",
    text: "bytes that are no text ended more than their own conversation, or were taken for text.",
};

pub(super) static NOT_UTF8: Check = Check::manners(
    "02.not-utf8",
    Role::Server,
    "server: a message that is no UTF-8 ends its conversation alone",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&SURVIVES_RESET])
.read("2.5")
.mistakes(&[&BAD_TEXT_KILLS])
.steps(|stage| bad_message(stage, b"\xff\xfe\n", false));

/// Sends what is no message; the conversation must end, with a line on stderr, and the next
/// client be served.
fn bad_message(stage: &Stage, bytes: &[u8], then_close: bool) -> Step {
    let means = match bytes {
        [0xff, ..] => &BAD_TEXT_KILLS,
        _ if then_close => &CUT_IS_MESSAGE,
        _ => &NO_LIMIT,
    };
    let mut server = stage.serve(Role::Server)?;
    let mut ends_alone = || {
        let mut a = server.connect("a")?;
        // The program may close before it has taken all of it.
        let _ = a.send(bytes);
        if then_close {
            a.half_close();
        }
        a.expect_close()?;
        if !server.program.process.heard().stdout.is_empty() {
            return fail("nothing on stdout", "a part of it");
        }
        server.program.complains(&["message"])?;
        let mut b = server.connect("b")?;
        round(stage, &mut server, &mut b)
    };
    let result = ends_alone();
    result.confirm(means, "a server that gets none of it talks on", || {
        stage.serve(Role::Server).is_ok_and(|mut fresh| {
            fresh.connect("c").is_ok_and(|mut c| round(stage, &mut fresh, &mut c).is_ok())
        })
    })
}

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit",
    they: "store a line without end",
    text: "a line without an end was read on and on: whoever sends it chooses how much memory you use. Set a limit, and end the conversation there.",
};

const CUT_IS_MESSAGE: Diagnosis = Diagnosis {
    id: "cut-is-message",
    they: "take a line that was cut off for a message",
    text: "the connection closed in the middle of a line, and the half line was printed: nobody can tell what was to follow.",
};

pub(super) static TOO_LONG: Check = Check::manners(
    "02.too-long",
    Role::Server,
    "server: a message over 64 KiB ends its conversation alone",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&SURVIVES_RESET, &LINES])
.read("2.5")
.mistakes(&[&NO_LIMIT])
.steps(|stage| bad_message(stage, &[b'x'; 100_000], false));

pub(super) static CUT_OFF: Check = Check::manners(
    "02.cut-off",
    Role::Server,
    "server: a message cut off by the close is no message",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&SURVIVES_RESET, &LINES])
.read("2.5")
.mistakes(&[&CUT_IS_MESSAGE])
.steps(|stage| bad_message(stage, b"half a li", true));
