//! Chapter 2, the client: the grader plays its server.

use super::*;

pub(super) static BEGINS: Check = Check::lab(
    "02.begins",
    Role::Client,
    "client: connects, and sends the first line that its user types",
)
.source("L3, one_to_one.py: the client begins with its user's line")
.read("2.4")
.mistakes(&[&CLIENT_WAITS])
.steps(begins);

pub(super) static HOST: Check =
    Check::lab("02.host", Role::Client, "client: connects to the host that it is given")
        .source("L3, one_to_one.py: do not hard-code the hostname")
        .needs(&[&BEGINS])
        .read("2.4")
        .mistakes(&[&FIXED_HOST])
        .steps(connects_to_the_given_host);

pub(super) static PRINTS: Check =
    Check::lab("02.prints", Role::Client, "client: prints the answer as soon as it has come")
        .source("L3, one_to_one.py")
        .needs(&[&BEGINS])
        .read("2.4")
        .mistakes(&[&END_MARK, &NOT_FLUSHED])
        .steps(prints);

pub(super) static CLIENT_TURNS: Check = Check::lab(
    "02.client-turns",
    Role::Client,
    "client: sends one line a turn, although more are typed ahead",
)
.source("L3, one_to_one.py, Observations: several lines before the server's first")
.needs(&[&PRINTS])
.points(2)
.read("2.2")
.mistakes(&[&NO_TURNS])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let lines = [stage.payload(16), stage.payload(16), stage.payload(16)];
    client.input((lines.join("\n") + "\n").as_bytes());
    for line in &lines {
        server.expect(line)?;
        server.skip_line_end();
        server.expect_silence("it is the server's turn").because(Saw::Something, &NO_TURNS)?;
        let answer = stage.payload(16);
        say(stage, Role::Client, &mut server, &answer)?;
        client.prints(&answer)?;
    }
    Ok(())
});

pub(super) static CLIENT_LINES: Check = Check::lab(
    "02.client-lines",
    Role::Client,
    "client: an answer in pieces is one, two in a packet are two",
)
.source("L3, dumb_net.py: no assumptions about how much a read returns")
.needs(&[&CLIENT_TURNS])
.read("2.5")
.mistakes(&[&READ_IS_MESSAGE])
.steps(|stage| {
    speaks_in_lines(stage, Role::Client)?;
    let (mut client, mut server) = stage.client_and_peer("server")?;
    exchange(stage, &mut client, &mut server)?;
    let (line, split) = (stage.payload(16), stage.payload(8));
    client.types(&line);
    server.expect(format!("{line}\n"))?;
    server.dribble(format!("{split}\n"))?;
    client.prints(format!("{split}\n")).because(Saw::Nothing, &READ_IS_MESSAGE)?;
    let (line, one, two) = (stage.payload(16), stage.payload(8), stage.payload(8));
    client.types(&line);
    server.expect(format!("{line}\n"))?;
    server.send(format!("{one}\n{two}\n"))?;
    client.prints(&one)?;
    client
        .keeps_back(&two, "it is the client's turn")
        .because(Saw::Something, &READ_IS_MESSAGE)?;
    client.types(&line);
    client.prints(&two).because(Saw::Nothing, &READ_IS_MESSAGE)
});

/// The client's user speaks and the grader answers.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Step {
    let (line, answer) = (stage.payload(16), stage.payload(16));
    client.types(&line);
    server.expect(&line)?;
    server.skip_line_end();
    say(stage, Role::Client, server, &answer)?;
    client.prints(&answer)
}

pub(super) static CLIENT_BLANK_LINE: Check = Check::lab(
    "02.client-blank-line",
    Role::Client,
    "client: a blank line typed ends the conversation, and is not sent",
)
.source("L3, one_to_one.py: until the user types a blank line")
.needs(&[&PRINTS])
.read("2.4")
.mistakes(&[&BLANK_SENT])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    exchange(stage, &mut client, &mut server)?;
    client.types("");
    let closed = server.expect_close();
    let sent = !server.so_far().is_empty();
    closed.confirm(&BLANK_SENT, "bytes came instead", || sent)?;
    server.close();
    client.ends().map(|_| ())
});

pub(super) static CLIENT_INPUT_ENDS: Check = Check::lab(
    "02.client-input-ends",
    Role::Client,
    "client: the end of its input ends it, after the answer that is still to come",
)
.source("L3, one_to_one.py")
.needs(&[&PRINTS])
.read("2.4")
.mistakes(&[&LAST_LINE_LOST])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    let (line, answer) = (stage.payload(16), stage.payload(16));
    client.types(&line);
    client.end_input();
    server.expect(&line).because(Saw::Closed, &LAST_LINE_LOST)?;
    server.skip_line_end();
    let early = server.expect_silence("the answer to its last line is still to come");
    early.because(Saw::Closed, &LAST_LINE_LOST)?;
    say(stage, Role::Client, &mut server, &answer)?;
    client.prints(&answer).because(Saw::Ended, &LAST_LINE_LOST)?;
    server.expect_close()?;
    server.close();
    client.ends().map(|_| ())
});

pub(super) static TOGETHER: Check = Check::lab(
    "02.together",
    Role::Client,
    "its own client and its own server understand each other",
)
.source("L3, one_to_one.py: the server and client work the same way")
.needs(&[&PRINTS, &server::HEARS_FIRST, &server::ANSWERS])
.points(2)
.read("2.4")
.mistakes(&[&WAIT_FOR_EACH_OTHER])
.steps(|stage| {
    let lines = [(); 4].map(|()| stage.payload(16));
    let mut both = Together::begin(stage, Role::Server, &lines[0])?;
    both.chats(&lines[0], &lines[1])?;
    both.client.types(&lines[2]);
    both.chats(&lines[2], &lines[3])
});

const LINGERS: Diagnosis = Diagnosis {
    id: "lingers",
    they: "stay when the other side has left",
    text: "the server has closed and the client waits for its user: a read of 0 bytes says that nobody is there to be answered.",
};

pub(super) static SERVER_LEAVES: Check = Check::lab(
    "02.server-leaves",
    Role::Client,
    "client: ends when the server has closed and it is the network's turn",
)
.source("L3, one_to_one.py: when the connection closes, terminate")
.needs(&[&PRINTS])
.read("2.5")
.mistakes(&[&LINGERS, &END_IGNORED])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("server")?;
    exchange(stage, &mut client, &mut server)?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(&line)?;
    server.close();
    let ended = client.ends().map(|_| ());
    ended
        .confirm(&END_IGNORED, "it burns a processor", || client.burns_processor())
        .because(Saw::Running, &LINGERS)
});

pub(super) static CLIENT_SPLIT_LETTER: Check = Check::lab(
    "02.client-split-letter",
    Role::Client,
    "client: prints a letter of two bytes that arrive in two pieces",
)
.source("L3, dumb_net.py: no assumptions about how much a read returns")
.needs(&[&CLIENT_LINES])
.read("2.5")
.mistakes(&[&DECODES_PIECES])
.steps(|stage| {
    speaks_in_lines(stage, Role::Client)?;
    let word = stage.payload(8);
    let answer = format!("{word}\u{e9}{word}");
    let printed = |cut: usize| {
        let (mut client, mut server) = stage.client_and_peer("server")?;
        let line = stage.payload(16);
        client.types(&line);
        server.expect(&line)?;
        server.skip_line_end();
        let (begin, end) = answer.as_bytes().split_at(cut);
        server.send(begin)?;
        server.settle();
        let _ = server.send([end, b"\n"].concat());
        client.prints(&answer)
    };
    let said = "cut after the letter, it is printed";
    printed(word.len() + 1).confirm(&DECODES_PIECES, said, || printed(word.len() + 2).is_ok())
});

pub(super) static CLIENT_RESTS: Check =
    Check::lab("02.client-rests", Role::Client, "client: rests after the server's close")
        .source("L3, one_to_one.py: when the connection closes, terminate")
        .needs(&[&BEGINS])
        .read("2.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let (client, mut server) = stage.client_and_peer("server")?;
            let line = stage.payload(16);
            client.types(&line);
            server.expect(&line)?;
            server.close();
            client.process.wait_for(quiet(), |heard| heard.exit());
            rests(&client, "the server's close")
        });

const NARRATES: Diagnosis = Diagnosis {
    id: "narrates",
    they: "mix their own words into stdout",
    text: "stdout holds more than what the peer said: a program behind a pipe cannot tell the two apart. Narration belongs on stderr.",
};

pub(super) static ONLY_THE_PEER: Check = Check::manners(
    "02.only-the-peer",
    Role::Client,
    "client: stdout holds the peer's lines and nothing else, exit 0",
)
.source("our contract, 02-one-to-one; the lab leaves it open")
.needs(&[&CLIENT_INPUT_ENDS])
.read("2.5")
.mistakes(&[&NARRATES])
.steps(|stage| {
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
        .confirm(&NARRATES, "the answer is in it, and more", || extra)
});
