//! Chapter 2, both sides: the grader plays the client to the server and the server to the
//! client.
//!
//! A program that ends its own messages with `\n` claims that its messages are lines, and must
//! then join and split them. One that sends no line end (one recv, one message) is judged only
//! with whole messages, each in a segment of its own.

use super::{
    exercises, manners,
    shared::{
        EMPTY_READ, FIXED_HOST, ONE_ADDRESS, ONE_CLIENT, RESET_KILLS,
        connects_to_the_given_host,
    },
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail},
    find,
    peer::Peer,
    quiet,
};

/// Chapter 2.
pub static CHAPTER: Chapter = Chapter {
    number: "02",
    name: "one-to-one",
    roles: &[Role::Server, Role::Client],
    checks: CHECKS,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L3, one_to_one.py",
    role: Role::Server,
    needs: &[],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "2.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const CLIENT: Check = Check { role: Role::Client, ..SERVER };
const SERVER_MANNERS: Check = Check {
    source: "our contract, 02-one-to-one; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "2.6",
    ..SERVER
};
const CLIENT_MANNERS: Check = Check { role: Role::Client, ..SERVER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "02.listens",
        title: "server: listens on its port",
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "02.interfaces",
        title: "server: listens on all of the machine's addresses",
        source: "L3, one_to_one.py: \"0.0.0.0\" as the address",
        needs: &["02.listens"],
        run: |stage| {
            let server = stage.serve(Role::Server)?;
            server.connect_to("127.0.0.2", "a").map(|_| ()).means(true, &ONE_ADDRESS)
        },
        diagnoses: &[&ONE_ADDRESS],
        ..SERVER
    },
    Check {
        id: "02.hears-first",
        title: "server: waits for the network first, and prints the client's line",
        source: "L3, one_to_one.py: the server waits for the first message",
        needs: &["02.listens"],
        points: 2,
        run: hears_first,
        diagnoses: &[&SERVER_BEGINS, &NOT_FLUSHED],
        ..SERVER
    },
    Check {
        id: "02.answers",
        title: "server: sends the line that its user types next",
        needs: &["02.hears-first"],
        run: answers,
        ..SERVER
    },
    Check {
        id: "02.takes-turns",
        title: "server: sends one line a turn, although more are typed ahead",
        source: "L3, one_to_one.py: the two alternate",
        needs: &["02.answers"],
        points: 2,
        book: "2.2",
        run: takes_turns,
        diagnoses: &[&NO_TURNS],
        ..SERVER
    },
    Check {
        id: "02.lines",
        title: "server: a line in pieces is one message, two lines in a packet are two",
        source: "L3, dumb_net.py: no assumptions about how much a read returns",
        needs: &["02.takes-turns"],
        points: 2,
        book: "2.6",
        run: server_lines,
        diagnoses: &[&READ_IS_MESSAGE],
        ..SERVER
    },
    Check {
        id: "02.empty-read",
        title: "server: takes the client's close for the end, not for a message",
        source: "L3, one_to_one.py: until you receive an empty buffer",
        needs: &["02.answers"],
        book: "2.6",
        run: empty_read,
        diagnoses: &[&EMPTY_READ],
        ..SERVER
    },
    Check {
        id: "02.next-client",
        title: "server: serves the next client when the first one has left",
        source: "L3, one_to_one.py: go back and accept() another connection",
        needs: &["02.empty-read"],
        points: 2,
        run: next_client,
        diagnoses: &[&ONE_CLIENT],
        ..SERVER
    },
    Check {
        id: "02.waiting-client",
        title: "server: serves the client that waited while the first one talked",
        source: "L3, one_to_one.py, Observations: what does the second client see?",
        needs: &["02.next-client"],
        book: "2.2",
        run: waiting_client,
        diagnoses: &[&WAITING_LOST],
        ..SERVER
    },
    Check {
        id: "02.blank-line",
        title: "server: a blank line typed ends the conversation, and is not sent",
        source: "L3, one_to_one.py: until the user types a blank line",
        needs: &["02.answers"],
        run: server_blank_line,
        diagnoses: &[&BLANK_SENT],
        ..SERVER
    },
    Check {
        id: "02.one-at-a-time",
        title: "server: hears the second client only when the first one has left",
        needs: &["02.waiting-client"],
        run: one_at_a_time,
        diagnoses: &[&TWO_AT_ONCE],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.server-input-ends",
        title: "server: ends at the end of its own input, at its turn, exit 0",
        needs: &["02.answers"],
        run: server_input_ends,
        diagnoses: &[&INPUT_END_MISSED, &LAST_LINE_LOST],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.survives-reset",
        title: "server: a client that resets ends its conversation alone",
        needs: &["02.next-client"],
        run: survives_reset,
        diagnoses: &[&RESET_KILLS],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.not-utf8",
        title: "server: a message that is no UTF-8 ends its conversation alone",
        needs: &["02.survives-reset"],
        run: |stage| bad_message(stage, b"\xff\xfe\n", false),
        diagnoses: &[&BAD_TEXT_KILLS],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.too-long",
        title: "server: a message over 64 KiB ends its conversation alone",
        needs: &["02.survives-reset", "02.lines"],
        run: |stage| bad_message(stage, &[b'x'; 100_000], false),
        diagnoses: &[&NO_LIMIT],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.cut-off",
        title: "server: a message cut off by the close is no message",
        needs: &["02.survives-reset", "02.lines"],
        run: |stage| bad_message(stage, b"half a li", true),
        diagnoses: &[&CUT_IS_MESSAGE],
        ..SERVER_MANNERS
    },
    Check {
        id: "02.begins",
        title: "client: connects, and sends the first line that its user types",
        source: "L3, one_to_one.py: the client begins with its user's line",
        run: begins,
        diagnoses: &[&CLIENT_WAITS],
        ..CLIENT
    },
    Check {
        id: "02.host",
        title: "client: connects to the host that it is given",
        source: "L3, one_to_one.py: do not hard-code the hostname",
        needs: &["02.begins"],
        run: connects_to_the_given_host,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "02.prints",
        title: "client: prints the answer as soon as it has come",
        needs: &["02.begins"],
        run: prints,
        diagnoses: &[&NOT_FLUSHED],
        ..CLIENT
    },
    Check {
        id: "02.client-turns",
        title: "client: sends one line a turn, although more are typed ahead",
        source: "L3, one_to_one.py, Observations: several lines before the server's first",
        needs: &["02.prints"],
        points: 2,
        book: "2.2",
        run: client_turns,
        diagnoses: &[&NO_TURNS],
        ..CLIENT
    },
    Check {
        id: "02.client-lines",
        title: "client: an answer in pieces is one, two in a packet are two",
        source: "L3, dumb_net.py: no assumptions about how much a read returns",
        needs: &["02.client-turns"],
        book: "2.6",
        run: client_lines,
        diagnoses: &[&READ_IS_MESSAGE],
        ..CLIENT
    },
    Check {
        id: "02.client-blank-line",
        title: "client: a blank line typed ends the conversation, and is not sent",
        source: "L3, one_to_one.py: until the user types a blank line",
        needs: &["02.prints"],
        run: client_blank_line,
        diagnoses: &[&BLANK_SENT],
        ..CLIENT
    },
    Check {
        id: "02.client-input-ends",
        title: "client: the end of its input ends it, after the answer that is still to come",
        needs: &["02.prints"],
        run: client_input_ends,
        diagnoses: &[&LAST_LINE_LOST],
        ..CLIENT
    },
    Check {
        id: "02.server-leaves",
        title: "client: ends when the server has closed and it is the network's turn",
        source: "L3, one_to_one.py: when the connection closes, terminate",
        needs: &["02.prints"],
        book: "2.6",
        run: server_leaves,
        diagnoses: &[&LINGERS, &EMPTY_READ],
        ..CLIENT
    },
    Check {
        id: "02.only-the-peer",
        title: "client: stdout holds the peer's lines and nothing else, exit 0",
        needs: &["02.client-input-ends"],
        run: only_the_peer,
        diagnoses: &[&NARRATES],
        ..CLIENT_MANNERS
    },
    manners::refused("02.refused"),
    Check { needs: &["02.host"], ..manners::ipv6("02.ipv6") },
    manners::help("02.help", Role::Server),
    manners::version("02.version", Role::Server),
    manners::usage("02.usage", Role::Server),
    manners::port_zero("02.port-zero", Role::Server),
    Check { needs: &["02.listens"], ..manners::blocking_lines("02.blocking", Role::Server) },
    Check { needs: &["02.blocking"], ..manners::blocking_trace("02.trace", Role::Server) },
    exercises::NUMBERS,
    exercises::PATIENCE,
];

const SERVER_BEGINS: Diagnosis = Diagnosis {
    id: "server-begins",
    they: "let the server's user type first",
    text: "the client's line was read only after the server's user had typed: at the start it is the server that waits for the network.",
};

fn hears_first(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let line = stage.payload(16);
    a.send(format!("{line}\n"))?;
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
}

/// The client speaks, the server prints it: one half of a round.
fn client_speaks(stage: &Stage, server: &mut Server, client: &mut Peer) -> Outcome {
    let line = stage.payload(16);
    client.send(format!("{line}\n"))?;
    server.program.prints(&line)
}

/// The server's user answers, the client gets it. True: the message claims to be a line.
fn server_answers(stage: &Stage, server: &Server, client: &mut Peer) -> Outcome<bool> {
    let line = stage.payload(16);
    server.program.types(&line);
    client.expect(&line)?;
    Ok(client.skip_line_end())
}

fn round(stage: &Stage, server: &mut Server, client: &mut Peer) -> Outcome<bool> {
    client_speaks(stage, server, client)?;
    server_answers(stage, server, client)
}

fn answers(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    round(stage, &mut server, &mut a).map(|_| ())
}

const NO_TURNS: Diagnosis = Diagnosis {
    id: "no-turns",
    they: "send out of turn",
    text: "it sent a second line before the other side had answered the first: after each line sent, a line must be read.",
};

fn takes_turns(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    let (first, second) = (stage.payload(16), stage.payload(16));
    server.program.input(format!("{first}\n{second}\n").as_bytes());
    a.expect(&first)?;
    a.skip_line_end();
    a.expect_silence("it is the client's turn").means(true, &NO_TURNS)?;
    client_speaks(stage, &mut server, &mut a)?;
    a.expect(&second)
}

const READ_IS_MESSAGE: Diagnosis = Diagnosis {
    id: "read-is-message",
    they: "take what one read returns for one message",
    text: "one recv is not one message: TCP keeps the order of the bytes and nothing of how they were sent. Read until the line's end, and keep what stands behind it for the next turn.",
};

fn server_lines(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    if !round(stage, &mut server, &mut a)? {
        stage.log.step("its messages have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let split = stage.payload(8);
    a.dribble(format!("{split}\n"))?;
    server.program.prints(format!("{split}\n")).means(true, &READ_IS_MESSAGE)?;
    server_answers(stage, &server, &mut a).means(true, &READ_IS_MESSAGE)?;
    let (one, two) = (stage.payload(8), stage.payload(8));
    a.send(format!("{one}\n{two}\n"))?;
    server.program.prints(&one)?;
    let early =
        server.program.keeps_back(&two, "it is the second message, and the server's turn");
    early.means(true, &READ_IS_MESSAGE)?;
    server_answers(stage, &server, &mut a)?;
    server.program.prints(&two).means(true, &READ_IS_MESSAGE)
}

fn empty_read(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
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
        .means(true, &EMPTY_READ);
    }
    if server.program.burns_processor() {
        return fail("the server waits in accept()", "it burns a processor")
            .means(true, &EMPTY_READ);
    }
    // That a server has ended is no mistake of this kind.
    let Ok(mut b) = server.connect("b") else { return Ok(()) };
    let line = stage.payload(16);
    b.send(format!("{line}\n"))?;
    // Whoever took it for a message has the next word, and does not listen.
    server.program.prints(&line).probe(&EMPTY_READ, || {
        // The first line is taken by the kernel, which learns from it that nobody is there.
        server.program.input(b"an answer\nto nothing\n");
        let then = server.program.prints(&line).is_ok();
        then.then(|| "it heard b when its user had answered a once more".to_string())
    })
}

fn next_client(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    for name in ["a", "b", "c"] {
        let mut client = server.connect(name).means(name != "a", &ONE_CLIENT)?;
        round(stage, &mut server, &mut client).means(name != "a", &ONE_CLIENT)?;
        client.close();
    }
    Ok(())
}

const WAITING_LOST: Diagnosis = Diagnosis {
    id: "waiting-lost",
    they: "turn away a client that had to wait",
    text: "a client that connected while another one was served is not served afterwards: the kernel keeps it in the listener's queue, as long as the listener stays open.",
};

fn waiting_client(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    let mut b = server.connect("b").means(true, &WAITING_LOST)?;
    let line = stage.payload(16);
    b.send(format!("{line}\n")).means(true, &WAITING_LOST)?;
    a.close();
    server.program.prints(&line).means(true, &WAITING_LOST)?;
    server_answers(stage, &server, &mut b).map(|_| ()).means(true, &WAITING_LOST)
}

const BLANK_SENT: Diagnosis = Diagnosis {
    id: "blank-sent",
    they: "send a blank line instead of ending",
    text: "the blank line went over the network: it is for the program, which should close the connection.",
};

fn server_blank_line(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("");
    let closed = a.expect_close();
    let sent = !a.so_far().is_empty();
    closed.means(sent, &BLANK_SENT)
}

const TWO_AT_ONCE: Diagnosis = Diagnosis {
    id: "two-at-once",
    they: "talk to two clients at once",
    text: "the second client is heard while the first one talks: one terminal cannot keep two conversations apart.",
};

fn one_at_a_time(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    round(stage, &mut server, &mut a)?;
    let mut b = server.connect("b")?;
    let line = stage.payload(16);
    b.send(format!("{line}\n"))?;
    server
        .program
        .keeps_back(&line, "the first client is still there")
        .means(true, &TWO_AT_ONCE)?;
    a.close();
    server.program.prints(&line)
}

const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed",
    they: "go on serving when nobody can type any more",
    text: "the server's own input has ended and it stays: nobody is left who could answer.",
};

fn server_input_ends(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    server.program.end_input();
    server.program.stays("it is the client's turn").means(true, &LAST_LINE_LOST)?;
    a.send(format!("{}\n", stage.payload(16)))?;
    server.program.ends_with(0).means(true, &INPUT_END_MISSED)?;
    a.expect_close()
}

fn survives_reset(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    client_speaks(stage, &mut server, &mut a)?;
    server.program.types("an answer that stays unread");
    a.reset()?;
    let mut b = server.connect("b").means(true, &RESET_KILLS)?;
    client_speaks(stage, &mut server, &mut b).means(true, &RESET_KILLS)
}

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills",
    they: "end when a message is no UTF-8",
    text: "bytes that are no text ended more than their own conversation, or were taken for text.",
};
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

/// Sends what is no message; the conversation must end, with a line on stderr, and the next
/// client be served.
fn bad_message(stage: &Stage, bytes: &[u8], then_close: bool) -> Outcome {
    let means = match bytes {
        [0xff, ..] => &BAD_TEXT_KILLS,
        _ if then_close => &CUT_IS_MESSAGE,
        _ => &NO_LIMIT,
    };
    let mut server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    // The program may close before it has taken all of it.
    let _ = a.send(bytes);
    if then_close {
        a.half_close();
    }
    a.expect_close().means(true, means)?;
    if !server.program.process.heard().stdout.is_empty() {
        return fail("nothing on stdout", "a part of it").means(true, means);
    }
    server.program.complains(&["message"]).means(true, means)?;
    let mut b = server.connect("b").means(true, means)?;
    round(stage, &mut server, &mut b).map(|_| ()).means(true, means)
}

const CLIENT_WAITS: Diagnosis = Diagnosis {
    id: "client-waits",
    they: "let the client wait for the network first",
    text: "it sent its line only after it had been spoken to: at the start it is the client's user who has the turn.",
};

fn begins(stage: &Stage) -> Outcome {
    let (client, mut server) = stage.client_and_peer("server")?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(&line).probe(&CLIENT_WAITS, || {
        let _ = server.send("hello\n");
        server
            .expect(&line)
            .is_ok()
            .then(|| "it did when a line had come from the network".to_string())
    })
}

/// The client's user speaks and the grader answers. True: the client's message claims to be a
/// line.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Outcome<bool> {
    let (line, answer) = (stage.payload(16), stage.payload(16));
    client.types(&line);
    server.expect(&line)?;
    let is_line = server.skip_line_end();
    server.send(format!("{answer}\n"))?;
    client.prints(&answer)?;
    Ok(is_line)
}

const NOT_FLUSHED: Diagnosis = Diagnosis {
    id: "not-flushed",
    they: "do not flush what they print",
    text: "the answer was printed only when the program ended: on a pipe stdout keeps what is written until it is flushed.",
};

fn prints(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(&line)?;
    server.skip_line_end();
    let answer = stage.payload(16);
    server.send(format!("{answer}\n"))?;
    let printed = client.prints(&answer);
    printed.probe(&NOT_FLUSHED, || {
        client.types("");
        client.end_input();
        server.close();
        client.prints(&answer).is_ok().then(|| "it came when the program had ended".to_string())
    })
}

fn client_turns(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let lines = [stage.payload(16), stage.payload(16), stage.payload(16)];
    client.input((lines.join("\n") + "\n").as_bytes());
    for line in &lines {
        server.expect(line)?;
        server.skip_line_end();
        server.expect_silence("it is the server's turn").means(true, &NO_TURNS)?;
        let answer = stage.payload(16);
        server.send(format!("{answer}\n"))?;
        client.prints(&answer)?;
    }
    Ok(())
}

fn client_lines(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    if !exchange(stage, &mut client, &mut server)? {
        stage.log.step("its messages have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let (line, split) = (stage.payload(16), stage.payload(8));
    client.types(&line);
    server.expect(format!("{line}\n"))?;
    server.dribble(format!("{split}\n"))?;
    client.prints(format!("{split}\n")).means(true, &READ_IS_MESSAGE)?;
    let (line, one, two) = (stage.payload(16), stage.payload(8), stage.payload(8));
    client.types(&line);
    server.expect(format!("{line}\n")).means(true, &READ_IS_MESSAGE)?;
    server.send(format!("{one}\n{two}\n"))?;
    client.prints(&one)?;
    client.keeps_back(&two, "it is the client's turn").means(true, &READ_IS_MESSAGE)?;
    client.types(&line);
    client.prints(&two).means(true, &READ_IS_MESSAGE)
}

fn client_blank_line(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    exchange(stage, &mut client, &mut server)?;
    client.types("");
    let closed = server.expect_close();
    let sent = !server.so_far().is_empty();
    closed.means(sent, &BLANK_SENT)?;
    server.close();
    client.ends().map(|_| ())
}

const LAST_LINE_LOST: Diagnosis = Diagnosis {
    id: "last-line-lost",
    they: "leave as soon as their input ends",
    text: "its input ended and it left at once, although the other side had still something to say: the end of the input is met at one's own turn, not before.",
};

fn client_input_ends(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let (line, answer) = (stage.payload(16), stage.payload(16));
    client.types(&line);
    client.end_input();
    server.expect(&line).means(true, &LAST_LINE_LOST)?;
    server.skip_line_end();
    let early = server.expect_silence("the answer to its last line is still to come");
    early.means(true, &LAST_LINE_LOST)?;
    server.send(format!("{answer}\n"))?;
    client.prints(&answer).means(true, &LAST_LINE_LOST)?;
    server.expect_close()?;
    server.close();
    client.ends().map(|_| ())
}

const LINGERS: Diagnosis = Diagnosis {
    id: "lingers",
    they: "stay when the other side has left",
    text: "the server has closed and the client waits for its user: a read of 0 bytes says that nobody is there to be answered.",
};

fn server_leaves(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    exchange(stage, &mut client, &mut server)?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(&line)?;
    server.close();
    let ended = client.ends().map(|_| ());
    let burns = ended.is_err() && client.burns_processor();
    ended.means(burns, &EMPTY_READ).means(true, &LINGERS)
}

const NARRATES: Diagnosis = Diagnosis {
    id: "narrates",
    they: "mix their own words into stdout",
    text: "stdout holds more than what the peer said: a program behind a pipe cannot tell the two apart. Narration belongs on stderr.",
};

fn only_the_peer(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    client.types(&stage.payload(16));
    server.expect_line("the client's message")?;
    let answer = stage.payload(16);
    server.send(format!("{answer}\n"))?;
    client.prints(&answer)?;
    client.end_input();
    server.close();
    client.ends_with(0)?;
    let heard = client.process.heard();
    if heard.stdout == format!("{answer}\n").as_bytes() {
        return Ok(());
    }
    let extra = find(&heard.stdout, answer.as_bytes()).is_some();
    fail(format!("stdout is \"{answer}\\n\""), format!("\"{}\"", heard.stdout.escape_ascii()))
        .means(extra, &NARRATES)
}
