//! Chapter 5, the client: the grader plays its server.

use super::*;
use stage::speech::MessageEnd;

pub(super) static CLIENT_NAME: Check =
    Check::lab("05.client-name", Role::Client, "client: connects, and sends its name first")
        .source("L2, question 6: initiates communication by sending its name")
        .read("5.4")
        .steps(|stage| named_client(stage).map(|_| ()));

/// A client that has sent its name. A program may have a name of its own: then the one that
/// is typed here is a malformed line to it, which it does not send.
fn named_client(stage: &Stage) -> Step<(Program, Peer)> {
    let (client, mut server) = stage.client_told("Ada", "the server")?;
    let way = stage.speech(Role::Client);
    if way.awaits_greeting {
        server.send(session::QUESTION)?;
    }
    server.expect_message("the client's name")?;
    if way.awaits_answer {
        server.send(session::GREETING)?;
    }
    Ok((client, server))
}

pub(super) static CLIENT_HOST: Check =
    Check::lab("05.client-host", Role::Client, "client: connects to the host that it is given")
        .source("L2, question 2: specify the server's IP address")
        .read("5.4")
        .mistakes(&[&FIXED_HOST])
        .steps(connects_to_the_given_host);

const NOT_FLUSHED: Diagnosis = Diagnosis {
    id: "not-flushed-05",
    they: "do not flush what they print",
    text: "the answer was printed only when the program ended: on a pipe stdout keeps what is written until it is flushed.",
};

pub(super) static CLIENT_ASKS: Check = Check::lab(
    "05.client-asks",
    Role::Client,
    "client: sends what its user types, and prints the answer",
)
.source("L2, question 6: the client")
.needs(&[&CLIENT_NAME])
.points(2)
.read("5.4")
.mistakes(&[&NOT_FLUSHED, &END_MARK])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    let (request, _) = sum(stage);
    client.types(&request);
    let sent = server.expect_message("the request")?;
    is_sent(&sent, &request)?;
    let answer = answers(stage, &mut server)?;
    client.prints(&answer).probe(&NOT_FLUSHED, || {
        client.types("q");
        client.end_input();
        server.close();
        let late = client.prints(&answer).is_ok();
        late.then(|| "it came when the program had ended".to_string())
    })
});

/// The client has sent what was typed, and nothing else.
fn is_sent(sent: &Message, typed: &str) -> Step {
    if sent.text == typed {
        return Ok(());
    }
    let (expected, got) = (quote(typed.as_bytes()), quote(sent.text.as_bytes()));
    fail(format!("the server gets {expected}"), got).probe(&END_MARK, || {
        let mark = sent.text.strip_prefix(typed)?;
        Some(format!("nobody has typed {}", quote(mark.as_bytes())))
    })
}

/// The grader gives an answer that nobody can guess, as the client speaks.
fn answers(stage: &Stage, server: &mut Peer) -> Step<String> {
    let answer = sum(stage).1.to_string();
    let way = stage.speech(Role::Client);
    if way.ends == MessageEnd::Line || way.wants_lines {
        server.send(format!("{answer}\n"))?;
    } else {
        server.send(&answer)?;
    }
    Ok(answer)
}

const ASKS_ONCE: Diagnosis = Diagnosis {
    id: "asks-once-05",
    they: "ask once, and stop",
    text: "the first answer was printed, and the next request never came: the user says when it is over.",
};

pub(super) static CLIENT_GOES_ON: Check = Check::lab(
    "05.client-goes-on",
    Role::Client,
    "client: asks again and again, on the same connection",
)
.source("L2, question 6: runs in an infinite loop")
.needs(&[&CLIENT_ASKS])
.read("5.4")
.mistakes(&[&ASKS_ONCE])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    (0..3).try_for_each(|_| {
        let asked = exchange(stage, &mut client, &mut server).map(|_| ());
        is_over(asked, &ASKS_ONCE)
            .confirm(&ASKS_ONCE, "it ends", || client.process.wait(quiet()).is_some())
    })
});

/// The user types a request, and the answer is printed. Returns whether the request was a line,
/// and the answer.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Step<(bool, String)> {
    exchange_of(stage, client, server, &sum(stage).0)
}

fn exchange_of(
    stage: &Stage,
    client: &mut Program,
    server: &mut Peer,
    request: &str,
) -> Step<(bool, String)> {
    client.types(request);
    let sent = server.expect_message("the request")?;
    is_sent(&sent, request)?;
    let answer = answers(stage, server)?;
    client.prints(&answer)?;
    Ok((sent.is_line, answer))
}

const DIGITS_ONLY: Diagnosis = Diagnosis {
    id: "digits-only",
    they: "take only digits for a number",
    text: "a number with a point, or with a minus, was refused, and it is one of the lab's own examples: a check for digits alone knows neither.",
};

pub(super) static CLIENT_SENDS: Check = Check::lab(
    "05.client-sends",
    Role::Client,
    "client: sends `4.5 / -6` and other decimals, and numbers below zero",
)
.source("L2, question 6: \"12 + 42\" or \"3.24 - 45\" or \"4.5 / -6\"")
.needs(&[&CLIENT_ASKS])
.read("5.4")
.mistakes(&[&DIGITS_ONLY])
.steps(|stage| {
    for request in ["12 + 42", "4.5 / -6", "3.24 - 45", "-1.5 * 2"] {
        let (mut client, mut server) = named_client(stage)?;
        exchange_of(stage, &mut client, &mut server, request).map(|_| ()).confirm(
            &DIGITS_ONLY,
            "what is typed next, 12 + 42, is sent",
            || exchange_of(stage, &mut client, &mut server, "12 + 42").is_ok(),
        )?;
    }
    Ok(())
});

const SENDS_MALFORMED: Diagnosis = Diagnosis {
    id: "sends-malformed",
    they: "send a malformed line to the server",
    text: "the malformed line was sent: the user's mistake can be told at once, without the network. Look at the numbers and at the operator, not only at how many words there are.",
};

const SILENT_ON_MALFORMED: Diagnosis = Diagnosis {
    id: "silent-on-malformed",
    they: "say nothing to a malformed line",
    text: "the malformed line was dropped, and nobody was told: the user waits for an answer that never comes.",
};

pub(super) static CLIENT_CHECKS: Check = Check::lab(
    "05.client-checks",
    Role::Client,
    "client: warns of a malformed line, and does not send it",
)
.source("L2, question 6: a warning is displayed")
.needs(&[&CLIENT_GOES_ON])
.points(2)
.read("5.4")
.mistakes(&[&SENDS_MALFORMED, &SILENT_ON_MALFORMED])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    let (_, answer) = exchange(stage, &mut client, &mut server)?;
    let prompt = prompt(&client, &answer);
    for line in ["12 +", "hello", "12+42", "3 4", "abc + 1", "1 + x"] {
        let said = said(&client.process.heard());
        client.types(line);
        let warned = |heard: &Heard| (self::said(heard) > said + prompt).then_some(());
        let warning = client.process.wait_for(patience(), warned);
        let sent = server.so_far().to_vec();
        if !sent.is_empty() {
            let expected =
                format!("a warning, and that {} is not sent", quote(line.as_bytes()));
            let got = format!("the server gets {}", quote(&sent));
            let as_typed = find(&sent, line.as_bytes()).map(|_| "as it was typed".to_string());
            return fail(expected, got).probe(&SENDS_MALFORMED, || as_typed);
        }
        if warning.is_none() {
            let expected = format!("a warning of {}", quote(line.as_bytes()));
            let typed = || exchange(stage, &mut client, &mut server).is_ok();
            return fail(expected, "not a word").confirm(
                &SILENT_ON_MALFORMED,
                "it reads on: the next line is sent",
                typed,
            );
        }
    }
    server
        .expect_silence("all of them are malformed")
        .probe(&SENDS_MALFORMED, || Some("it comes from a malformed line".to_string()))?;
    exchange(stage, &mut client, &mut server).map(|_| ())
});

/// How long its prompt is: what it prints behind the line with an answer, once that is all here.
fn prompt(program: &Program, answer: &str) -> usize {
    program.process.wait_for(quiet(), |_| None::<()>);
    let heard = program.process.heard();
    let text = String::from_utf8_lossy(&heard.stdout);
    let behind = text.rsplit(answer).next().unwrap_or_default();
    behind.split_once('\n').map_or(behind.len(), |(_, prompt)| prompt.len())
}

const READ_IS_ANSWER: Diagnosis = Diagnosis {
    id: "read-is-answer",
    they: "take what one read returns for one answer",
    text: "an answer that came in two pieces was printed in two, or the second was taken for the next answer: read until the line's end.",
};

pub(super) static CLIENT_PIECES: Check = Check::lab(
    "05.client-pieces",
    Role::Client,
    "client: an answer that comes in pieces is one answer",
)
.source("L2, question 6: the client")
.needs(&[&CLIENT_GOES_ON])
.read("5.2")
.mistakes(&[&READ_IS_ANSWER])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    let (is_line, _) = exchange(stage, &mut client, &mut server)?;
    speaks_in_lines(stage, Role::Client, is_line)?;
    let (request, answer) = sum(stage);
    client.types(&request);
    server.expect_message("the request")?;
    server.dribble(format!("{answer}\n"))?;
    client
        .prints(answer.to_string())
        .and_then(|()| exchange(stage, &mut client, &mut server).map(|_| ()))
        .probe(&READ_IS_ANSWER, || {
            Some("an answer in one piece had been printed whole".to_string())
        })
});

const Q_NOT_SENT: Diagnosis = Diagnosis {
    id: "q-not-sent",
    they: "keep `q` to themselves",
    text: "the client stopped and the server never got its `q`: the server can only guess what has become of it.",
};

pub(super) static CLIENT_QUITS: Check =
    Check::lab("05.client-quits", Role::Client, "client: forwards `q`, and stops")
        .source("L2, question 6: forwards the \"q\"")
        .needs(&[&CLIENT_NAME])
        .points(2)
        .read("5.4")
        .mistakes(&[&Q_NOT_SENT, &END_MARK])
        .steps(|stage| {
            let (client, server) = named_client(stage)?;
            client.types("q");
            quits(&client, server, &Q_NOT_SENT)
        });

/// The server gets `q`, and the client ends.
fn quits(client: &Program, mut server: Peer, mistake: &'static Diagnosis) -> Step {
    let sent = server.expect_message("`q`");
    is_over(sent.and_then(|sent| is_sent(&sent, "q")), mistake)?;
    server.close();
    client.ends().map(|_| ())
}

pub(super) static CLIENT_RESTS: Check = Check::lab(
    "05.client-rests",
    Role::Client,
    "client: rests, or ends, when its server has gone, and when its input has ended",
)
.source("L2, question 6: the client")
.needs(&[&CLIENT_NAME])
.read("5.5")
.mistakes(&[&SPINS, &END_IGNORED])
.steps(|stage| {
    /// More bytes than a client has to say when its user has gone.
    const FLOOD: usize = 16 << 10;
    let (client, server) = named_client(stage)?;
    server.close();
    rests(&client, "its server has gone")?;
    let (mut client, mut server) = named_client(stage)?;
    client.end_input();
    let _ = server.expect_silence("its user has gone");
    server.ignore_so_far();
    rests(&client, "its input has ended")?;
    let sent = server.so_far().len();
    if sent < FLOOD {
        return Ok(());
    }
    let expected = "the client sends no more when its input has ended";
    fail(expected, format!("it sends {sent} bytes"))
        .probe(&END_IGNORED, || Some("nobody has typed them".to_string()))
});

pub(super) static TOGETHER: Check = Check::lab(
    "05.together",
    Role::Client,
    "its own client and its own server understand each other",
)
.source("L2, question 6: a Client-Server system")
.needs(&[&CLIENT_ASKS])
.points(2)
.read("5.4")
.mistakes(&[&WAIT_FOR_EACH_OTHER])
.steps(|stage| {
    let mut both = Together::begin(stage, Role::Server, "Ada")?;
    both.until_client_speaks()?;
    let (request, result) = sum(stage);
    let before = both.printed().len();
    both.client.types(&request);
    both.until(&format!("the client prints {result}"), |both| {
        let printed = String::from_utf8_lossy(&both.printed()[before..]).into_owned();
        number::is_in(&printed, &request, result)
    })?;
    both.client.types("q");
    both.until("the client ends", |both| both.client.process.heard().exit().is_some())
});

const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed-05",
    they: "say no goodbye when their input ends",
    text: "its input has ended and the server got no `q`: nobody is left who could type it, so the program has to.",
};

pub(super) static CLIENT_INPUT_ENDS: Check = Check::chapter(
    "05.client-input-ends",
    Role::Client,
    "client: the end of its input counts as `q`",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CLIENT_ASKS, &CLIENT_QUITS])
.read("5.5")
.mistakes(&[&INPUT_END_MISSED])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    client.end_input();
    quits(&client, server, &INPUT_END_MISSED)
});

pub(super) static CLIENT_STRICT: Check = Check::chapter(
    "05.client-strict",
    Role::Client,
    "client: sends two plain numbers with an operator between them, no more",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CLIENT_CHECKS])
.read("5.5")
.mistakes(&[&LAX_NUMBERS])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    for line in NO_REQUESTS {
        client.types(line);
        client.complains(&["warning"]).probe(&LAX_NUMBERS, || {
            let sent = quote(server.so_far());
            (sent != quote(b"")).then(|| format!("the server gets {sent}"))
        })?;
    }
    server.expect_silence("all of them are malformed").because(Saw::Something, &LAX_NUMBERS)?;
    exchange(stage, &mut client, &mut server).map(|_| ())
});

const LEAVING_IS_FINE: Diagnosis = Diagnosis {
    id: "leaving-is-fine-05",
    they: "end with 0 when the server goes away",
    text: "a request got no answer and the exit status is 0: a script that calls this program would believe it.",
};

pub(super) static CLIENT_SERVER_LEAVES: Check = Check::manners(
    "05.client-server-leaves",
    Role::Client,
    "client: a server that goes away is one line and exit 1",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CLIENT_ASKS])
.read("5.5")
.mistakes(&[&LEAVING_IS_FINE])
.steps(|stage| {
    let (client, mut server) = named_client(stage)?;
    let (request, _) = sum(stage);
    client.types(&request);
    server.expect_message("the request")?;
    server.close();
    let success = client.ends()?.success();
    client.ends_with(1).confirm(&LEAVING_IS_FINE, "it ended with 0", || success)?;
    client.complains(&["calculator", "cannot read the answer"]).map(|_| ())
});

pub(super) static CLIENT_NAME_OPTION: Check = Check::manners(
    "05.client-name-option",
    Role::Client,
    "client: with --name it does not ask for one",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CLIENT_ASKS])
.read("5.5")
.steps(|stage| {
    let host = stage.host("127.0.0.1")?;
    let mut client = stage.client_with(host.address, "--name Ada", &[])?;
    let mut server = client.connects_to(&host, "the server")?;
    server.expect("Ada\n")?;
    exchange(stage, &mut client, &mut server).map(|_| ())
});
