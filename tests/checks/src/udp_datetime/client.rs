//! Chapter 4, the client: the grader plays its server.

use super::*;

pub(super) static ASKS: Check = Check::lab(
    "04.asks",
    Role::Client,
    "client: asks the server that it is given for the date or the time",
)
.source("L2, question 3: either \"SEND_DATE\" or \"SEND_TIME\"")
.points(2)
.read("4.4")
.mistakes(&[&FIXED_HOST])
.steps(asks);

pub(super) static PRINTS: Check =
    Check::lab("04.prints", Role::Client, "client: prints the answer")
        .source("L2, question 3: when the client receives a response, it prints it")
        .needs(&[&ASKS])
        .read("4.4")
        .steps(prints);

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "asks-once",
    they: "ask once and end",
    text: "it asked once and ended: the client runs in a loop, as the server does.",
};

pub(super) static ASKS_AGAIN: Check = Check::lab(
    "04.asks-again",
    Role::Client,
    "client: asks again after an answer, and prints that too",
)
.source("L2, question 3: in a loop, multiple such requests")
.needs(&[&PRINTS])
.read("4.4")
.mistakes(&[&ONE_REQUEST])
.steps(asks_again);

fn asks_again(stage: &Stage) -> Step {
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    host.answer_is_printed(stage, &mut client)?;
    let again = host.next(&client);
    let ended = client.process.heard().exit().is_some();
    again.confirm(&ONE_REQUEST, "it had ended", || ended)?;
    if !REQUESTS.contains(&host.request.text().as_str()) {
        return fail("SEND_DATE or SEND_TIME", quote(&host.request.bytes));
    }
    host.answer_is_printed(stage, &mut client)
}

pub(super) static DELAY: Check = Check::lab(
    "04.delay",
    Role::Client,
    "client: waits a random time of 1 to 2 seconds between requests",
)
.source("L2, question 3: varies randomly between 1-2 seconds")
.needs(&[&ASKS])
.points(2)
.read("4.4")
.mistakes(&[&NO_DELAY, &SAME_DELAY])
.steps(pauses::vary);

const NO_TIMEOUT: Diagnosis = Diagnosis {
    id: "hangs-on-loss",
    they: "wait for a lost answer forever",
    text: "one answer was lost, and it waits for it: UDP promises no delivery, and nobody will tell. How long does recv_from wait, and who can bound that?",
};

const LOSS_KILLS: Diagnosis = Diagnosis {
    id: "loss-kills",
    they: "end when an answer is lost",
    text: "one answer was lost, and it ended: the timeout is an error of one request, not of the program.",
};

pub(super) static LOST_REPLY: Check = Check::lab(
    "04.lost-reply",
    Role::Client,
    "client: a lost answer does not stop it: it asks again",
)
.source("L2, question 3: the client runs in a loop; and UDP may lose any datagram")
.needs(&[&PRINTS])
.read("4.5")
.mistakes(&[&NO_TIMEOUT, &LOSS_KILLS])
.steps(|stage| {
    let expected = "it asks again, although the answer was lost".to_string();
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    stage.log.step("the host does not answer");
    // Nobody says how long a client shall wait; most choose 1 to 5 seconds, and pause then for 2
    // at most.
    match host.socket.receive_while(&client, Duration::from_millis(7500))? {
        Some(request) => host.request = request,
        None if client.process.heard().exit().is_none() => {
            return client.missing(expected).because(Saw::Nothing, &NO_TIMEOUT);
        }
        None if asks_again(stage).is_err() => {
            stage.log.step("it never asks again: that is the matter of 04.asks-again");
            return Ok(());
        }
        None => return client.missing(expected).because(Saw::Ended, &LOSS_KILLS),
    }
    host.answer_is_printed(stage, &mut client)
});

pub(super) static RESTS: Check =
    Check::lab("04.client-rests", Role::Client, "client: rests after the end of its input")
        .source("L2, question 3: varies randomly between 1-2 seconds")
        .needs(&[&ASKS])
        .read("4.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let (mut client, _host) = asked(stage, "127.0.0.1", "")?;
            client.end_input();
            rests(&client, "the end of its input")
        });

pub(super) static COUNT: Check = Check::manners(
    "04.count",
    Role::Client,
    "client: --count 3 asks three times; stdout is the answers, exit 0",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&PRINTS])
.read("4.5")
.mistakes(&[&MISCOUNTS])
.steps(count);

const NO_CHOICE: Diagnosis = Diagnosis {
    id: "no-choice",
    they: "always ask for the same",
    text: "of 40 requests not one was different: is it chosen before the loop, or not at all?",
};

pub(super) static BOTH_REQUESTS: Check = Check::manners(
    "04.both-requests",
    Role::Client,
    "client: chooses at random, at each request",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&COUNT])
.read("4.5")
.mistakes(&[&NO_CHOICE])
.steps(|stage| {
    const REQUESTS: usize = 40;
    let options = format!("--count {REQUESTS} --delay 0-0 --timeout 60");
    let (client, mut host) = asked(stage, "127.0.0.1", &options)?;
    let mut dates = 0;
    for n in 1..=REQUESTS {
        dates += usize::from(host.request.text() == "SEND_DATE");
        host.answer(stage)?;
        if n < REQUESTS {
            host.next_at_once(&client)?;
        }
    }
    client.ends_with(0)?;
    if (1..REQUESTS).contains(&dates) {
        return Ok(());
    }
    fail("both requests among 40", format!("{dates} times SEND_DATE")).confirm(
        &NO_CHOICE,
        "all were the same",
        || dates % REQUESTS == 0,
    )
});

const SILENT_LOSS: Diagnosis = Diagnosis {
    id: "silent-loss",
    they: "say nothing about a lost answer",
    text: "an answer was lost and its user does not learn of it.",
};

pub(super) static WARNS: Check = Check::manners(
    "04.warns",
    Role::Client,
    "client: warns of a lost answer after the timeout, exit 0",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&COUNT])
.read("4.5")
.mistakes(&[&SILENT_LOSS])
.steps(|stage| {
    let (client, _host) = asked(stage, "127.0.0.1", "--count 1 --timeout 0.2")?;
    client.ends_with(0)?;
    let warned = client.complains(&["warning", "127.0.0.1"]).map(|_| ());
    warned.confirm(&SILENT_LOSS, "stderr is empty", || client.process.heard().stderr.is_empty())
});

pub(super) static STRANGER: Check = Check::manners(
    "04.stranger",
    Role::Client,
    "client: ignores a datagram from anyone but the server",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&PRINTS])
.read("4.5")
.mistakes(&[&ANYBODY])
.steps(stranger);

const TIMEOUT_ANEW: Diagnosis = Diagnosis {
    id: "timeout-anew",
    they: "start the timeout again with each stranger's datagram",
    text: "a stranger who sends more often than the timeout keeps it waiting: the time is for the request, not for one call of recv_from.",
};

pub(super) static STRANGERS_TIME: Check = Check::manners(
    "04.strangers-time",
    Role::Client,
    "client: strangers who keep sending do not make it wait longer",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&WARNS, &STRANGER])
.read("4.5")
.mistakes(&[&TIMEOUT_ANEW])
.steps(|stage| {
    let (client, host) = asked(stage, "127.0.0.1", "--count 1 --timeout 1")?;
    let stranger = stage.datagrams("a stranger", "127.0.0.1")?;
    let until = Instant::now() + 2 * patience();
    stage.log.step("a stranger sends again and again");
    while Instant::now() < until {
        stranger.send_again("x", host.request.from)?;
        if client.process.wait(Duration::from_millis(50)).is_some() {
            return client.ends_with(0);
        }
    }
    fail("it waits for a second", format!("it still waits after {:?}", 2 * patience())).confirm(
        &TIMEOUT_ANEW,
        "when the stranger was silent, it ended",
        || client.process.wait(patience()).is_some(),
    )
});

const STALE_TAKEN: Diagnosis = Diagnosis {
    id: "stale",
    they: "take a late answer for the next one",
    text: "the answer to the first request came late, and was printed as the second one's: it had arrived before that was asked. What is in the socket when the next request is sent, and on which port does it wait?",
};

pub(super) static STALE: Check = Check::manners(
    "04.stale",
    Role::Client,
    "client: an answer that comes too late is not taken for the next one",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&WARNS])
.read("4.5")
.mistakes(&[&STALE_TAKEN])
.steps(stale);

fn stale(stage: &Stage) -> Step {
    let options = "--count 2 --timeout 1 --delay 0.3-0.3";
    let (client, mut host) = asked(stage, "127.0.0.1", options)?;
    let late = stage.payload(12);
    client.complains(&["warning"])?;
    host.socket.send(&late, host.request.from)?;
    host.next(&client)?;
    let answer = host.answer(stage)?;
    client.ends_with(0)?;
    if find(&client.process.heard().stdout, late.as_bytes()).is_none() {
        return Ok(());
    }
    fail(
        format!("the client prints {answer:?}"),
        format!("{late:?}, which came before it asked"),
    )
    .confirm(&STALE_TAKEN, "the client printed it", || {
        find(&client.process.heard().stdout, late.as_bytes()).is_some()
    })
}

const BAD_ANSWER_KILLS: Diagnosis = Diagnosis {
    id: "bad-answer-kills",
    they: "end at an answer that is no text",
    text: "bytes that are no UTF-8 have ended the client: whoever answers can send anything.",
};

pub(super) static NOT_TEXT: Check = Check::manners(
    "04.not-text",
    Role::Client,
    "client: an answer that is no UTF-8 does not end it",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&COUNT])
.read("4.5")
.mistakes(&[&BAD_ANSWER_KILLS])
.steps(|stage| {
    let options = "--count 2 --delay 0-0 --timeout 60";
    let (mut client, mut host) = asked(stage, "127.0.0.1", options)?;
    host.socket.send(b"\xff\xfe\x80", host.request.from)?;
    host.next(&client).because(Saw::Ended, &BAD_ANSWER_KILLS)?;
    let answer = host.answer(stage)?;
    client.prints(&answer)
});

pub(super) static DELAY_ORDER: Check = Check::manners(
    "04.delay-order",
    Role::Client,
    "client: --delay with MIN over MAX, or no numbers, is wrong usage, exit 2",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.read("4.5")
.steps(|stage| {
    for delay in ["2-1", "1", "a-b", "1-", "-1-2"] {
        let nobody = SocketAddr::from(([127, 0, 0, 1], stage.free_port()?));
        let client = stage.client_with(nobody, &format!("--delay={delay}"), &[])?;
        client.ends_with(2)?;
        client.complains(&["--delay", delay])?;
    }
    Ok(())
});

pub(super) static IPV6: Check =
    Check::manners("04.ipv6", Role::Client, "client: an IPv6 address is a host too")
        .source("our contract: manners, the same for every program")
        .needs(&[&PRINTS])
        .read("4.5")
        .steps(|stage| {
            let Ok(socket) = stage.datagrams("the host", "::1") else {
                return Err(Halt::Lacking("IPv6 loopback"));
            };
            let mut client =
                stage.client_with(socket.address, "--count 1 --timeout 60", &[])?;
            let request = socket.expect_from(&client, "a request")?;
            let host = Host { socket, request };
            let answer = host.answer(stage)?;
            client.prints(&answer)
        });
