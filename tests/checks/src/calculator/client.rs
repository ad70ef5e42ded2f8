//! Chapter 5, the client: the grader plays its server.

use super::*;

pub(super) static CLIENT_NAME: Check =
    Check::lab("05.client-name", Role::Client, "client: connects, and sends its name first")
        .source("L2, question 6: initiates communication by sending its name")
        .read("5.4")
        .steps(|stage| named_client(stage).map(|_| ()));

/// A client that has sent its name. A program may have a name of its own: then the one that
/// is typed here is a malformed line to it, which it does not send.
fn named_client(stage: &Stage) -> Outcome<(Program, Peer)> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types("Ada");
    server.expect_message("the client's name")?;
    Ok((client, server))
}

pub(super) static CLIENT_HOST: Check =
    Check::lab("05.client-host", Role::Client, "client: connects to the host that it is given")
        .source("L2, question 2: specify the server's IP address")
        .needs(&[&CLIENT_NAME])
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
.mistakes(&[&NOT_FLUSHED])
.steps(|stage| {
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
});

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
    for n in 0..4 {
        exchange(stage, &mut client, &mut server).means(n > 0, &ASKS_ONCE)?;
    }
    Ok(())
});

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
});

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
});

const Q_NOT_SENT: Diagnosis = Diagnosis {
    id: "q-not-sent",
    they: "keep `q` to themselves",
    text: "the client stopped and the server never got its `q`: the server can only guess what has become of it.",
};

pub(super) static CLIENT_QUITS: Check =
    Check::lab("05.client-quits", Role::Client, "client: forwards `q`, and stops")
        .source("L2, question 6: forwards the \"q\"")
        .needs(&[&CLIENT_ASKS])
        .points(2)
        .read("5.4")
        .mistakes(&[&Q_NOT_SENT])
        .steps(|stage| {
            let (mut client, mut server) = named_client(stage)?;
            exchange(stage, &mut client, &mut server)?;
            client.types("q");
            quits(&client, server, &Q_NOT_SENT)
        });

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

pub(super) static CLIENT_INPUT_ENDS: Check = Check::manners(
    "05.client-input-ends",
    Role::Client,
    "client: the end of its input counts as `q`, exit 0",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CLIENT_QUITS])
.read("5.5")
.mistakes(&[&INPUT_END_MISSED])
.steps(|stage| {
    let (mut client, mut server) = named_client(stage)?;
    exchange(stage, &mut client, &mut server)?;
    client.end_input();
    quits(&client, server, &INPUT_END_MISSED)?;
    client.ends_with(0)
});

pub(super) static CLIENT_STRICT: Check = Check::manners(
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
        client.complains(&["warning"]).means(true, &LAX_NUMBERS)?;
    }
    server.expect_silence("all of them are malformed").means(true, &LAX_NUMBERS)?;
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
    client.ends_with(1).means(success, &LEAVING_IS_FINE)?;
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
