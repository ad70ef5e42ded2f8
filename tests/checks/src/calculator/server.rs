//! Chapter 5, the server: the grader plays its clients.

use super::{
    sessions::{VANISHES, shows},
    *,
};

pub(super) static LISTENS: Check =
    Check::lab("05.listens", Role::Server, "server: listens on its port")
        .source("L2, question 6: the server")
        .read("5.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

const NAME_IS_REQUEST: Diagnosis = Diagnosis {
    id: "name-is-request",
    they: "answer the name as if it were a request",
    text: "the first line got a reply: it is the client's name, and a request comes only behind it. From here on every answer is one too early.",
};

pub(super) static NAME: Check = Check::lab(
    "05.name",
    Role::Server,
    "server: takes the first line for a name, and for no request",
)
.source("L2, question 6: initiates communication by sending its name")
.needs(&[&LISTENS])
.read("5.4")
.mistakes(&[&NAME_IS_REQUEST])
.steps(|stage| {
    let (server, mut ada) = session(stage)?;
    if !stage.is_outside() {
        return ada
            .peer
            .expect_silence("the first line is a name, which gets no reply")
            .probe(&NAME_IS_REQUEST, || calculated_name(stage, &server));
    }
    if !ada.way.answers_name {
        return Ok(());
    }
    // What it answers may be a greeting.
    let seen = calculated_name(stage, &server);
    seen.map_or(Ok(()), |seen| {
        fail("the first line is a name, and no request", "it was answered")
            .probe(&NAME_IS_REQUEST, || Some(seen))
    })
});

pub(super) static ANSWERS: Check =
    Check::lab("05.answers", Role::Server, "server: answers what comes after the name")
        .source("L2, question 6: sends it back as a string")
        .needs(&[&LISTENS])
        .read("5.4")
        .mistakes(&[&NEVER_FLUSHED, &AT_THE_END])
        .steps(answers);

fn answers(stage: &Stage) -> Step {
    let (_server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    let given = ada.gives(&request, result).map(|_| ());
    let silent = matches!(&given, Err(Halt::Failed(failure)) if failure.saw == Saw::Nothing);
    given
        .probe(&NEVER_FLUSHED, || silent.then(|| comes_with_more(&mut ada, &request))?)
        .confirm(&AT_THE_END, "when she had closed its sending side, it came", || {
            silent && ada.peer.so_far().is_empty() && {
                ada.peer.half_close();
                let text = ada.hears_more(patience()).unwrap_or_default();
                number::is_in(&text, &request, result)
            }
        })
}

/// The name is a sum, and its result comes back.
fn calculated_name(stage: &Stage, server: &Server) -> Option<String> {
    let (name, result) = sum(stage);
    let mut client = Client::early(stage, server, &name).ok()?;
    let text = match client.way.answers_name {
        // What came to the name has been read: it is asked again, in lines or as it is.
        true => {
            let mut again = Client::connect(stage, server, &name).ok()?;
            again.says(&name).ok()?;
            std::iter::from_fn(|| again.hears_more(quiet())).take(3).collect()
        }
        false => client.hears_more(patience()).unwrap_or_default(),
    };
    let answered = number::is_in(&text, &name, result);
    answered.then(|| format!("a client with the name {name} was told {result}"))
}

/// Nothing has come back; some of it comes when much more is asked for.
fn comes_with_more(client: &mut Client, request: &str) -> Option<String> {
    const MORE: usize = 8000;
    let requests = client.message(request).repeat(MORE);
    if !client.peer.so_far().is_empty() || client.peer.send_quietly(requests).is_err() {
        return None;
    }
    let came = !client.peer.take(1).is_empty();
    came.then(|| format!("when {MORE} more requests had been sent, replies came"))
}

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "one-request-05",
    they: "answer one request in a session",
    text: "the first request is answered and the second is not: a session is a loop, which ends when the client says so.",
};

pub(super) static GOES_ON: Check = Check::lab(
    "05.goes-on",
    Role::Server,
    "server: answers one request after another in one session",
)
.source("L2, question 6: runs an infinite loop")
.needs(&[&ANSWERS])
.read("5.4")
.mistakes(&[&ONE_REQUEST])
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    ada.gives(&request, result)?;
    (0..3).try_for_each(|_| {
        let (request, result) = sum(stage);
        is_over(ada.gives(&request, result).map(|_| ()), &ONE_REQUEST)
    })
});

pub(super) static CALCULATES: Check = Check::lab(
    "05.calculates",
    Role::Server,
    "server: adds, subtracts, multiplies and divides",
)
.source("L2, question 6: the arithmetic operation")
.needs(&[&ANSWERS])
.points(2)
.read("5.4")
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let digits = || f64::from(stage.bytes(1)[0] % 90 + 10);
    let (a, b) = (digits(), digits());
    let mut ada = Client::join(stage, &server, "Ada")?;
    for (request, result) in [
        (format!("{a} + {b}"), a + b),
        (format!("{a} - {b}"), a - b),
        (format!("{a} * {b}"), a * b),
        (format!("{} / {b}", a * b), a),
    ] {
        asks_on(stage, &server, &mut ada, &request, result)?;
    }
    Ok(())
});

/// Asks in this session, or in a new one if this one has ended: whether a session goes on, another
/// check asks.
fn asks_on(
    stage: &Stage,
    server: &Server,
    client: &mut Client,
    request: &str,
    result: f64,
) -> Step {
    let first = client.gives(request, result).map(|_| ());
    let Err(Halt::Failed(failure)) = first else { return first };
    if failure.saw == Saw::Something {
        return Err(Halt::Failed(failure));
    }
    stage.log.step("a new client asks the same");
    *client = Client::join(stage, server, "Eve")?;
    client.gives(request, result).map(|_| ())
}

const INTEGERS: Diagnosis = Diagnosis {
    id: "integers",
    they: "calculate with whole numbers",
    text: "what stands behind the point is lost, or not understood: a number here may have decimals. Which type holds them, and which one did you choose?",
};

pub(super) static DECIMALS: Check = Check::lab(
    "05.decimals",
    Role::Server,
    "server: takes and gives decimals, and numbers below zero",
)
.source("L2, question 6: \"4.5 / -6\"")
.needs(&[&ANSWERS])
.points(2)
.read("5.4")
.mistakes(&[&INTEGERS])
.steps(decimals);

fn decimals(stage: &Stage) -> Step {
    let server = stage.serve(Role::Server)?;
    let mut ada = Client::join(stage, &server, "Ada")?;
    // Each with the same of whole numbers, whose answer tells whether it is the decimals.
    for (request, result, whole, of_whole) in [
        ("7 / 2", 3.5, "8 / 2", 4.0),
        ("4.5 / -6", -0.75, "6 / -6", -1.0),
        ("3.24 - 45", -41.76, "3 - 45", -42.0),
        ("-1.5 * -4", 6.0, "-2 * -4", 8.0),
    ] {
        asks_on(stage, &server, &mut ada, request, result).probe(&INTEGERS, || {
            let of_whole = calculates(stage, &server, whole, of_whole).is_ok();
            of_whole.then(|| format!("the answer to {whole} is right"))
        })?;
    }
    Ok(())
}

const ZERO_KILLS: Diagnosis = Diagnosis {
    id: "zero-kills",
    they: "end a session over a division by zero",
    text: "a division by zero ended the session, or the server: it is a request like any other, and its answer is that there is none.",
};

pub(super) static BY_ZERO: Check = Check::lab(
    "05.by-zero",
    Role::Server,
    "server: a division by zero is one reply, and the session goes on",
)
.source("L2, question 6: keeps waiting for requests")
.needs(&[&GOES_ON])
.points(2)
.read("5.5")
.mistakes(&[&ZERO_KILLS])
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    is_over(outlives(stage, &mut ada, "1 / 0"), &ZERO_KILLS)
});

const MALFORMED_KILLS: Diagnosis = Diagnosis {
    id: "malformed-kills",
    they: "end a session over a malformed request",
    text: "a malformed request ended the session, or got no reply: whoever writes to a server need not be your own client.",
};

pub(super) static MALFORMED: Check = Check::lab(
    "05.malformed",
    Role::Server,
    "server: a malformed request is one reply, and the session goes on",
)
.source("L2, question 6: keeps waiting for requests")
.needs(&[&GOES_ON])
.read("5.5")
.mistakes(&[&MALFORMED_KILLS])
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    ["12 +", "hello", "twelve + 1", "+"]
        .iter()
        .try_for_each(|request| is_over(outlives(stage, &mut ada, request), &MALFORMED_KILLS))
});

const EVALUATES: Diagnosis = Diagnosis {
    id: "evaluates",
    they: "run a request as a program",
    text: "a request made a folder on the server's machine: it was run as code. Take the line apart, and calculate with two numbers: eval() and a shell do whatever a stranger writes.",
};

pub(super) static RUNS_NOTHING: Check = Check::lab(
    "05.runs-nothing",
    Role::Server,
    "server: calculates a request, and never runs it as a program",
)
.source("L2, question 6: two numbers and a simple arithmetic operation")
.needs(&[&ANSWERS])
.points(2)
.read("5.5")
.mistakes(&[&EVALUATES])
.steps(|stage| {
    let canary = env::temp_dir().join(format!("canary-{}-{}", process::id(), stage.payload(8)));
    for program in programs(&canary) {
        let (_server, mut client) = session(stage)?;
        // Whatever it answers, or that it gives up on this client, is not the question here.
        let _ = client.asks(&program);
        if fs::remove_dir(&canary).is_ok() {
            let made = || Some(format!("{} made it", quote(program.as_bytes())));
            return fail("the server's machine is as it was", "there is a new folder")
                .probe(&EVALUATES, made);
        }
    }
    Ok(())
});

/// Requests that make a folder where they are run: by Python, by JavaScript, by a shell.
fn programs(folder: &Path) -> [String; 4] {
    let folder = folder.display();
    [
        format!("1 + __import__('os').mkdir('{folder}')"),
        format!("__import__('os').mkdir('{folder}')"),
        format!("1 + require('fs').mkdirSync('{folder}')"),
        format!("1 + $(mkdir '{folder}')"),
    ]
}

const READ_IS_REQUEST: Diagnosis = Diagnosis {
    id: "read-is-request",
    they: "take what one read returns for one request",
    text: "half a request was answered before its other half had come, or for itself: one recv is not one message. Where does your protocol say that a request ends?",
};

pub(super) static PIECES: Check = Check::lab(
    "05.pieces",
    Role::Server,
    "server: a request that comes in pieces is one request",
)
.source("L2, question 6: the server")
.needs(&[&ANSWERS])
.read("5.2")
.mistakes(&[&READ_IS_REQUEST])
.steps(|stage| {
    answers_in_lines(stage)?;
    let (server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    let (first, rest) = request.split_at(request.len() / 2);
    ada.peer.dribble(first)?;
    ada.peer
        .expect_silence("half a request is none")
        .probe(&READ_IS_REQUEST, || Some("only half of it had been sent".to_string()))?;
    ada.peer.dribble(ada.message(rest))?;
    let reply = ada.peer.expect_message("the reply");
    let reply = reply.and_then(|reply| ada.is_number(reply, &request, result));
    reply.map(|_| ()).confirm(&READ_IS_REQUEST, "in one piece it is answered", || {
        calculates(stage, &server, &request, result).is_ok()
    })
});

/// Stops a check that can only be tried where replies are lines.
fn answers_in_lines(stage: &Stage) -> Step {
    let (_server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    let reply = ada.gives(&request, result)?;
    speaks_in_lines(stage, Role::Server, reply.is_line)
}

const REST_LOST: Diagnosis = Diagnosis {
    id: "rest-lost",
    they: "lose what comes in the same packet behind a line",
    text: "what stood behind a line in the same packet was lost, or taken for a part of it: one read can bring several lines. Keep what is left for the next turn.",
};

pub(super) static COALESCED: Check = Check::lab(
    "05.coalesced",
    Role::Server,
    "server: a name and two requests in one packet get two replies, in order",
)
.source("L2, question 6: the server")
.needs(&[&GOES_ON])
.read("5.5")
.mistakes(&[&REST_LOST])
.steps(|stage| {
    answers_in_lines(stage)?;
    let server = stage.serve(Role::Server)?;
    let mut bob = Client::connect(stage, &server, "Bob")?;
    let sums = [sum(stage), sum(stage)];
    bob.peer.send(format!("Bob\n{}\n{}\n", sums[0].0, sums[1].0))?;
    let apart = || -> Step {
        let mut eve = Client::join(stage, &server, "Eve")?;
        sums.iter().try_for_each(|(request, result)| eve.gives(request, *result).map(|_| ()))
    };
    for (request, result) in &sums {
        let reply = bob.peer.expect_message("the reply");
        reply.and_then(|reply| bob.is_number(reply, request, *result)).map(|_| ()).confirm(
            &REST_LOST,
            "each in a packet of its own, both are answered",
            || apart().is_ok(),
        )?;
    }
    Ok(())
});

pub(super) static SHOWS: Check =
    Check::lab("05.shows", Role::Server, "server: prints each request that it receives")
        .source("L2, question 6: the server prints the received message")
        .needs(&[&ANSWERS])
        .read("5.4")
        .steps(|stage| {
            let (server, mut ada) = session(stage)?;
            let (request, result) = sum(stage);
            ada.gives(&request, result)?;
            shows(stage, &server.program, &request)
        });

pub(super) static EXACT: Check = Check::chapter(
    "05.exact",
    Role::Server,
    "server: a reply is the number alone, or `error: …`, in one line",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&DECIMALS, &BY_ZERO, &MALFORMED])
.read("5.5")
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    for (request, line) in [
        ("12 + 42", "54\n"),
        ("4.5 / -6", "-0.75\n"),
        ("0.1 + 0.2", "0.30000000000000004\n"),
        ("0 * -5", "0\n"),
    ] {
        ada.says(request)?;
        ada.peer.expect(line)?;
    }
    for request in ["1 / 0", "12 +"] {
        ada.says(request)?;
        let line = ada.peer.expect_line("an error")?;
        if !line.starts_with("error: ") {
            return fail("`error: …`", quote(line.as_bytes()));
        }
    }
    Ok(())
});

pub(super) static STRICT: Check = Check::chapter(
    "05.strict",
    Role::Server,
    "server: refuses what is no two plain numbers with an operator between them",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&MALFORMED])
.read("5.5")
.mistakes(&[&LAX_NUMBERS])
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    NO_REQUESTS.iter().try_for_each(|request| {
        let result = ada.gives_error(request);
        result.because(Saw::Something, &LAX_NUMBERS)
    })
});

pub(super) static OVERFLOW: Check = Check::manners(
    "05.overflow",
    Role::Server,
    "server: a result that is too large is an error",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&GOES_ON])
.read("5.5")
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    let huge = "9".repeat(300);
    outlives(stage, &mut ada, &format!("{huge} * {huge}"))
});

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills-05",
    they: "end a session over bytes that are no UTF-8",
    text: "a request that is no UTF-8 ended the session: it is malformed, no more. Decoding can fail, and what it throws must not leave the loop.",
};

pub(super) static NOT_UTF8: Check = Check::manners(
    "05.not-utf8",
    Role::Server,
    "server: a request that is no UTF-8 is malformed, and the session goes on",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&MALFORMED])
.read("5.5")
.mistakes(&[&BAD_TEXT_KILLS])
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    ada.peer.send(b"1 + \xff\xfe\n")?;
    let reply = ada.peer.expect_message("an error");
    let lasts = reply.and_then(|reply| {
        if number::claimed(&reply.text, "").is_some() {
            return fail("an error", shown(&reply));
        }
        let (request, result) = sum(stage);
        ada.gives(&request, result).map(|_| ())
    });
    is_over(lasts, &BAD_TEXT_KILLS)
});

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-05",
    they: "store a line without end",
    text: "a line without an end was read on and on: whoever sends it chooses how much memory you use. Set a limit, say so, and close.",
};

pub(super) static TOO_LONG: Check = Check::manners(
    "05.too-long",
    Role::Server,
    "server: a line over 64 KiB gets `error: line too long`, and the close",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&VANISHES, &PIECES])
.read("5.5")
.mistakes(&[&NO_LIMIT])
.steps(|stage| {
    let (server, mut ada) = session(stage)?;
    // The program may close before it has taken all of it.
    let _ = ada.peer.send([b'1'; 100_000]);
    let reads_on =
        |ada: &Client| ada.peer.is_read().then(|| "it has read all of it".to_string());
    ada.peer.expect("error: line too long\n").probe(&NO_LIMIT, || reads_on(&ada))?;
    ada.peer.expect_close().probe(&NO_LIMIT, || reads_on(&ada))?;
    let (request, result) = sum(stage);
    calculates(stage, &server, &request, result).map(|_| ())
});
