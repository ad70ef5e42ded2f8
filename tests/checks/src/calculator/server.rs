//! Chapter 5, the server: the grader plays its clients.

use super::*;

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

pub(super) static ANSWERS: Check = Check::lab(
    "05.answers",
    Role::Server,
    "server: takes the first line for a name, and answers the second",
)
.source("L2, question 6: initiates communication by sending its name")
.needs(&[&LISTENS])
.points(2)
.read("5.4")
.mistakes(&[&NAME_IS_REQUEST])
.steps(answers);

fn answers(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    ada.expect_silence("the first line is a name, which gets no reply")
        .means(!ada.so_far().is_empty(), &NAME_IS_REQUEST)?;
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result).map(|_| ())
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
    for n in 0..4 {
        let (request, result) = sum(stage);
        gives(&mut ada, &request, result).means(n > 0, &ONE_REQUEST)?;
    }
    Ok(())
});

pub(super) static CALCULATES: Check = Check::lab(
    "05.calculates",
    Role::Server,
    "server: adds, subtracts, multiplies and divides",
)
.source("L2, question 6: the arithmetic operation")
.needs(&[&GOES_ON])
.points(2)
.read("5.4")
.steps(|stage| {
    let (_server, mut ada) = session(stage)?;
    let digits = || f64::from(stage.bytes(1)[0] % 90 + 10);
    let (a, b) = (digits(), digits());
    for (request, result) in [
        (format!("{a} + {b}"), a + b),
        (format!("{a} - {b}"), a - b),
        (format!("{a} * {b}"), a * b),
        (format!("{} / {b}", a * b), a),
    ] {
        gives(&mut ada, &request, result)?;
    }
    Ok(())
});

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
.needs(&[&CALCULATES])
.points(2)
.read("5.4")
.mistakes(&[&INTEGERS])
.steps(decimals);

fn decimals(stage: &Stage) -> Outcome {
    let (_server, mut ada) = session(stage)?;
    for (request, result) in
        [("7 / 2", 3.5), ("4.5 / -6", -0.75), ("3.24 - 45", -41.76), ("-1.5 * -4", 6.0)]
    {
        gives(&mut ada, request, result).means(true, &INTEGERS)?;
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
    outlives(stage, &mut ada, "1 / 0").means(true, &ZERO_KILLS)
});

pub(super) static MALFORMED: Check = Check::lab(
    "05.malformed",
    Role::Server,
    "server: a malformed request is one reply, and the session goes on",
)
.source("L2, question 6: keeps waiting for requests")
.needs(&[&GOES_ON])
.read("5.5")
.mistakes(&[&MALFORMED_KILLS])
.steps(malformed);

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
        client.send(format!("{program}\n"))?;
        // Whatever it answers, or that it gives up on this client, is not the question here.
        let _ = client.expect_message("a reply");
        if fs::remove_dir(&canary).is_ok() {
            return fail(
                "nothing on the server's machine has changed",
                "there is a new folder",
            )
            .means(true, &EVALUATES);
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

pub(super) static PIECES: Check = Check::lab(
    "05.pieces",
    Role::Server,
    "server: a request that comes in pieces is one request",
)
.source("L2, question 6: the server")
.needs(&[&GOES_ON])
.read("5.2")
.mistakes(&[&READ_IS_REQUEST])
.steps(pieces);

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
    let (_server, mut ada) = session(stage)?;
    let (one, two) = (sum(stage), sum(stage));
    if !gives(&mut ada, &one.0, one.1)?.is_line {
        stage.log.step("its replies have no line end: it is judged with whole messages only");
        return Ok(());
    }
    let server = stage.serve(Role::Server)?;
    let mut bob = server.connect("Bob")?;
    bob.send(format!("Bob\n{}\n{}\n", one.0, two.0))?;
    for result in [one.1, two.1] {
        let reply = bob.expect_message("the reply").means(true, &REST_LOST)?;
        is_number(&reply, result).means(true, &REST_LOST)?;
    }
    Ok(())
});

pub(super) static SHOWS: Check =
    Check::lab("05.shows", Role::Server, "server: prints each request that it receives")
        .source("L2, question 6: the server prints the received message")
        .needs(&[&ANSWERS])
        .read("5.4")
        .steps(|stage| {
            let (mut server, mut ada) = session(stage)?;
            let (request, result) = sum(stage);
            gives(&mut ada, &request, result)?;
            server.program.prints(&request)
        });

const STAYS_OPEN: Diagnosis = Diagnosis {
    id: "stays-open-05",
    they: "do not end the session at `q`",
    text: "the session goes on behind `q`: the client waits for the end of it, and a thread of yours for a client that is done.",
};

pub(super) static QUIT: Check = Check::lab(
    "05.quit",
    Role::Server,
    "server: `q` ends the session, and it prints `Session ended`",
)
.source("L2, question 6: ends the communication session")
.needs(&[&ANSWERS])
.points(2)
.read("5.4")
.mistakes(&[&STAYS_OPEN])
.steps(|stage| {
    let (mut server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result)?;
    ada.send("q\n")?;
    // A word of goodbye is nobody's loss.
    ada.take_until_close();
    ada.expect_closed().means(true, &STAYS_OPEN)?;
    ada.close();
    server.program.prints("Session ended")
});

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time-05",
    they: "serve clients one after another",
    text: "the second client is answered only when the first one has left: who waits for the one hears nothing of the other. What did chapter 3 do about that?",
};

pub(super) static SECOND_CLIENT: Check = Check::lab(
    "05.second-client",
    Role::Server,
    "server: serves a second client while the first one is silent",
)
.source("L2, question 8, and our contract: chapter 3 has taught it")
.needs(&[&ANSWERS])
.points(2)
.read("5.3")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
    let (server, ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ()).probe(&ONE_AT_A_TIME, || {
        ada.close();
        let late = bob.expect_message("the reply").is_ok();
        late.then(|| "the reply came when the first client had left".to_string())
    })
});

const VANISHING_KILLS: Diagnosis = Diagnosis {
    id: "vanishing-kills",
    they: "end when a client goes without a `q`",
    text: "a client closed without a `q`, and the server was no server any more: a read of 0 bytes is an end too. It comes whether the client is polite or not.",
};

pub(super) static VANISHES: Check = Check::lab(
    "05.vanishes",
    Role::Server,
    "server: a client that vanishes without a `q` costs nobody else anything",
)
.source("L2, question 8: the same service for each connection")
.needs(&[&SECOND_CLIENT])
.read("5.5")
.mistakes(&[&VANISHING_KILLS])
.steps(|stage| {
    let (server, ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    ada.close();
    server.connect("one that says nothing").means(true, &VANISHING_KILLS)?.close();
    for client in [&mut bob, &mut join(&server, "Eve").means(true, &VANISHING_KILLS)?] {
        let (request, result) = sum(stage);
        gives(client, &request, result).means(true, &VANISHING_KILLS)?;
    }
    if server.program.burns_processor() {
        return fail("the server waits", "it burns a processor").means(true, &VANISHING_KILLS);
    }
    Ok(())
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-05",
    they: "mix clients up",
    text: "with many clients at once some got no answer, or another's: what is one client's own must not lie where all threads write.",
};

pub(super) static MANY_CLIENTS: Check = Check::lab(
    "05.many-clients",
    Role::Server,
    "server: gives each of 20 clients who ask at once its own answers",
)
.source("L2, question 8: the same service for each connection")
.needs(&[&GOES_ON, &VANISHES])
.read("5.3")
.mistakes(&[&CROSSED])
.steps(|stage| {
    const CLIENTS: usize = 20;
    let server = stage.serve(Role::Server)?;
    // One after the other, because the queue of a listen(5) is short; they ask at once.
    let clients: Outcome<Vec<Peer>> =
        (0..CLIENTS).map(|n| join(&server, &format!("client{n}"))).collect();
    thread::scope(|scope| {
        let asking: Vec<_> = clients?
            .into_iter()
            .map(|mut client| {
                let requests = [sum(stage), sum(stage)];
                scope.spawn(move || {
                    requests.iter().try_for_each(|(request, result)| {
                        gives(&mut client, request, *result).map(|_| ())
                    })
                })
            })
            .collect();
        asking.into_iter().try_for_each(|client| match client.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
    .means(true, &CROSSED)
});

const NAME_SHARED: Diagnosis = Diagnosis {
    id: "name-shared",
    they: "keep one name for all clients",
    text: "one client's request was printed under another's name: the name is the session's, so it belongs where nobody but the session's own thread can reach it.",
};

pub(super) static OWN_NAME: Check = Check::manners(
    "05.own-name",
    Role::Server,
    "server: prints `NAME: 12 + 42 = 54`, each client under its own name",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&GOES_ON, &SECOND_CLIENT, &SHOWS])
.read("5.3")
.mistakes(&[&NAME_SHARED])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut clients = Vec::new();
    for name in ["Ada", "Bob"] {
        clients.push((name, join(&server, name)?));
    }
    let mut program = server.program;
    for _ in 0..2 {
        for (name, client) in &mut clients {
            let (request, result) = sum(stage);
            gives(client, &request, result)?;
            let line = format!("{name}: {request} = {result}\n");
            program.prints(line).probe(&NAME_SHARED, || {
                let other = if *name == "Ada" { "Bob" } else { "Ada" };
                let line = format!("{other}: {request}");
                let printed = program.prints_within(Duration::ZERO, line).is_ok();
                printed.then(|| format!("it was printed as {other}'s"))
            })?;
        }
    }
    Ok(())
});

const END_MISSED: Diagnosis = Diagnosis {
    id: "end-missed",
    they: "note no end of a session without a `q`",
    text: "a client vanished, and the server has not said so: a session ends in more ways than by its `q`, and each must lead to the same line.",
};

pub(super) static END_NOTED: Check = Check::manners(
    "05.end-noted",
    Role::Server,
    "server: prints `NAME: Session ended`, also of a client that vanished",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&QUIT, &VANISHES])
.read("5.3")
.mistakes(&[&END_MISSED])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut ada = join(&server, "Ada")?;
    ada.send("q\n")?;
    server.program.prints("Ada: Session ended\n")?;
    join(&server, "Bob")?.close();
    server.program.prints("Bob: Session ended\n").means(true, &END_MISSED)?;
    let mut eve = join(&server, "Eve")?;
    eve.send("1 + 1\n")?;
    eve.reset()?;
    server.program.prints("Eve: Session ended\n").means(true, &END_MISSED)
});

fn reset(stage: &Stage) -> Outcome {
    let (server, mut ada) = session(stage)?;
    let mut bob = join(&server, "Bob")?;
    ada.send("1 + 1\n")?;
    ada.reset()?;
    server.program.stays("one client of two has reset").means(true, &RESET_KILLS)?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).means(true, &RESET_KILLS)?;
    let mut eve = join(&server, "Eve").means(true, &RESET_KILLS)?;
    gives(&mut eve, &request, result).map(|_| ()).means(true, &RESET_KILLS)
}

pub(super) static RESET: Check = Check::manners(
    "05.reset",
    Role::Server,
    "server: a client that resets ends its session alone",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&VANISHES])
.read("5.5")
.mistakes(&[&RESET_KILLS])
.steps(reset);

pub(super) static EXACT: Check = Check::manners(
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
        ada.send(format!("{request}\n"))?;
        ada.expect(line)?;
    }
    for request in ["1 / 0", "12 +"] {
        ada.send(format!("{request}\n"))?;
        let line = ada.expect_line("an error")?;
        if !line.starts_with("error: ") {
            return fail("`error: …`", quote(line.as_bytes()));
        }
    }
    Ok(())
});

pub(super) static STRICT: Check = Check::manners(
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
    NO_REQUESTS
        .iter()
        .try_for_each(|request| gives_error(&mut ada, request).means(true, &LAX_NUMBERS))
});

pub(super) static OVERFLOW: Check = Check::manners(
    "05.overflow",
    Role::Server,
    "server: a result that is too large is an error",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&CALCULATES])
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
    ada.send(b"1 + \xff\xfe\n")?;
    let reply = ada.expect_message("an error").means(true, &BAD_TEXT_KILLS)?;
    if number(&reply.text).is_some() {
        return fail("an error", shown(&reply)).means(true, &BAD_TEXT_KILLS);
    }
    let (request, result) = sum(stage);
    gives(&mut ada, &request, result).map(|_| ()).means(true, &BAD_TEXT_KILLS)
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
    let _ = ada.send([b'1'; 100_000]);
    ada.expect("error: line too long\n").means(true, &NO_LIMIT)?;
    ada.expect_close().means(true, &NO_LIMIT)?;
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ())
});

pub(super) static DEAF: Check = Check::manners(
    "05.deaf",
    Role::Server,
    "server: a client that never reads its answers holds up itself alone",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&MANY_CLIENTS])
.read("5.3")
.steps(|stage| {
    let (server, mut ada) = session(stage)?;
    // Long answers, so that a few of them fill what the kernel holds for her. Who answers 1e300
    // has not filled it yet.
    let request = format!("{} + 1\n", "9".repeat(300));
    ada.send_until_stuck_within(patience(), request.as_bytes());
    let mut bob = join(&server, "Bob")?;
    let (request, result) = sum(stage);
    gives(&mut bob, &request, result).map(|_| ())
});
