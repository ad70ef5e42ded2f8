//! Chapter 5, the server: how sessions end, and what several of them have to do with each other.

use super::{
    server::{ANSWERS, GOES_ON},
    *,
};

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
    let (server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    ada.gives(&request, result)?;
    ada.says("q")?;
    // A word of goodbye is nobody's loss.
    ada.peer.take_until_close();
    ada.peer.expect_closed().because(Saw::Nothing, &STAYS_OPEN)?;
    ada.peer.close();
    shows(stage, &server.program, "Session ended")
});

/// The program prints this: on stdout, as our contract has it, or anywhere and in capitals or
/// small letters if it comes from outside.
pub(super) fn shows(stage: &Stage, program: &Program, text: &str) -> Step {
    let outside = stage.is_outside();
    let small = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
    let printed = |heard: &Heard| {
        let plainly = find(&heard.stdout, text.as_bytes()).is_some();
        let anywhere = || {
            let wanted = text.to_lowercase();
            [&heard.stdout, &heard.stderr].iter().any(|bytes| small(bytes).contains(&wanted))
        };
        (plainly || outside && anywhere()).then_some(())
    };
    match program.process.wait_for(patience(), printed) {
        Some(()) => {
            stage.log.step(format_args!("the server prints {}", quote(text.as_bytes())));
            Ok(())
        }
        None => program.missing(format!("the server prints {}", quote(text.as_bytes()))),
    }
}

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
    let mut bob = Client::early(stage, &server, "Bob")?;
    let (request, result) = sum(stage);
    bob.gives(&request, result).map(|_| ()).probe(&ONE_AT_A_TIME, || {
        ada.peer.close();
        let found = bob.peer.expect_message("the reply").is_ok();
        bob.peer.close();
        let others =
            || serves(stage, &server).then_some("when both had left, another was served");
        found
            .then_some("the reply came when the first client had left")
            .or_else(others)
            .map(String::from)
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
.needs(&[&ANSWERS])
.read("5.5")
.mistakes(&[&VANISHING_KILLS, &ONE_CLIENT])
.steps(|stage| {
    let (server, ada) = session(stage)?;
    ada.peer.close();
    let next = || -> Step {
        server.connect("one that says nothing")?.close();
        let mut bob = Client::join(stage, &server, "Bob")?;
        let (request, result) = sum(stage);
        bob.gives(&request, result)?;
        bob.peer.close();
        let (request, result) = sum(stage);
        calculates(stage, &server, &request, result).map(|_| ())
    };
    let polite = || -> Option<bool> {
        let (server, mut ada) = session(stage).ok()?;
        ada.says("q").ok()?;
        ada.peer.take_until_close();
        ada.peer.close();
        Some(serves(stage, &server))
    };
    let Err(stop) = next() else { return Ok(()) };
    let serves_after_q = polite();
    Err(stop)
        .confirm(&VANISHING_KILLS, "after a client that said q, the next one is served", || {
            serves_after_q == Some(true)
        })
        .confirm(&ONE_CLIENT, "nor is the next one served after a client that said q", || {
            serves_after_q == Some(false)
        })
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed-05",
    they: "mix clients up",
    text: "a client got another one's answer: what is one client's own must not lie where all threads write.",
};

/// What one of many clients was told, and should have been.
struct Asked {
    client: Client,
    /// What it asked, and the result.
    sums: [(String, f64); 2],
    result: Step,
}

impl Asked {
    fn of(mut client: Client, sums: [(String, f64); 2]) -> Asked {
        let ask =
            |(request, result): &(String, f64)| client.gives(request, *result).map(|_| ());
        let result = sums.iter().try_for_each(ask);
        Asked { client, sums, result }
    }
}

pub(super) static MANY_CLIENTS: Check = Check::lab(
    "05.many-clients",
    Role::Server,
    "server: gives each of 20 clients who ask at once its own answers",
)
.source("L2, question 8: the same service for each connection")
.needs(&[&GOES_ON, &SECOND_CLIENT])
.read("5.3")
.mistakes(&[&CROSSED, &FEW_AT_ONCE])
.steps(|stage| {
    const CLIENTS: u8 = 20;
    let server = stage.serve(Role::Server)?;
    // One after the other, because the queue of a listen(5) is short; they ask at once.
    let name = |n| format!("client {}", char::from(b'a' + n));
    let clients: Step<Vec<Client>> =
        (0..CLIENTS).map(|n| Client::early(stage, &server, &name(n))).collect();
    let mut asked: Vec<Asked> = thread::scope(|scope| {
        let ask = |client| {
            let sums = [sum(stage), sum(stage)];
            scope.spawn(move || Asked::of(client, sums))
        };
        let asking: Vec<_> = clients?.into_iter().map(ask).collect();
        Ok::<_, Halt>(asking.into_iter().filter_map(|client| client.join().ok()).collect())
    })?;
    let Some(at) = asked.iter().position(|one| one.result.is_err()) else { return Ok(()) };
    let mut failed = asked.swap_remove(at);
    let got = match &failed.result {
        Err(Halt::Failed(failure)) => failure.got.clone(),
        _ => String::new(),
    };
    failed
        .result
        .probe(&CROSSED, || {
            let others = asked.iter().flat_map(|one| &one.sums);
            let mut others =
                others.filter(|(request, result)| number::is_in(&got, request, *result));
            others
                .next()
                .map(|(request, _)| format!("this is the answer to another's {request}"))
        })
        .probe(&FEW_AT_ONCE, || {
            let served = asked.iter().filter(|one| one.result.is_ok()).count();
            asked.clear(); // they leave
            let answered = failed.client.peer.expect_message("the reply").is_ok();
            (served > 1 && answered).then(|| {
                format!("{served} clients were served; when they had left, this one was too")
            })
        })
});

const NAME_SHARED: Diagnosis = Diagnosis {
    id: "name-shared",
    they: "keep one name for all clients",
    text: "one client's request was printed under another's name: the name is the session's, so it belongs where nobody but the session's own thread can reach it.",
};

pub(super) static OWN_NAME: Check = Check::lab(
    "05.own-name",
    Role::Server,
    "server: where it prints names, it prints each client's own",
)
.source("L2, question 6: The Server remembers this name")
.needs(&[&SECOND_CLIENT])
.read("5.3")
.mistakes(&[&NAME_SHARED])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let names = [stage.payload(8), stage.payload(8)];
    let mut clients = Vec::new();
    for name in &names {
        clients.push(Client::join(stage, &server, name)?);
    }
    let said = |from: usize| {
        // Whatever it has to print of the last request.
        server.program.process.wait_for(quiet(), |_| None::<()>);
        let heard = server.program.process.heard();
        String::from_utf8_lossy(&heard.stdout[from.min(heard.stdout.len())..]).into_owned()
    };
    said(0);
    for at in [0, 1] {
        let before = server.program.process.heard().stdout.len();
        let (request, result) = sum(stage);
        clients[at].gives(&request, result)?;
        let (own, other) = (&names[at], &names[1 - at]);
        let printed = said(before);
        if !printed.contains(other.as_str()) || printed.contains(own.as_str()) {
            stage.log.step(format_args!("{own}'s request is not printed as {other}'s"));
            continue;
        }
        let expected = format!("{own}'s request is printed as {own}'s, or without a name");
        let other = format!("it was printed with the name of {other}");
        return fail(expected, quote(printed.as_bytes())).probe(&NAME_SHARED, || Some(other));
    }
    Ok(())
});

/// More bytes than a server has to say when a client has left.
const FLOOD: usize = 64 << 10;

pub(super) static RESTS: Check =
    Check::lab("05.rests", Role::Server, "server: rests when a client has left")
        .source("L2, question 6: ends the communication session")
        .needs(&[&LISTENS])
        .read("5.5")
        .mistakes(&[&SPINS, &END_IGNORED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut ada = Client::early(stage, &server, "Ada")?;
            ada.says(&sum(stage).0)?;
            ada.hears_more(quiet());
            ada.peer.half_close();
            ada.peer.settle();
            rests(&server.program, "a client has closed its sending side")?;
            let more = ada.peer.so_far().len();
            if more > FLOOD {
                let got = format!("{more} bytes come");
                return fail("a client that says nothing more hears nothing more", got)
                    .probe(&END_IGNORED, || Some("it had closed its sending side".into()));
            }
            ada.peer.close();
            rests(&server.program, "it has left")?;
            let Ok(mut bob) = Client::early(stage, &server, "Bob") else {
                return Ok(()); // nobody listens any more, which another check asks
            };
            let _ = bob.says("q");
            bob.peer.settle();
            bob.peer.close();
            rests(&server.program, "another has said q, and left")
        });

// -- what the chapter asks for, and no lab

pub(super) static PRINTS: Check = Check::chapter(
    "05.prints",
    Role::Server,
    "server: prints `NAME: 12 + 42 = 54` for each request",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&ANSWERS])
.read("5.4")
.steps(|stage| {
    let (mut server, mut ada) = session(stage)?;
    let (request, result) = sum(stage);
    ada.gives(&request, result)?;
    server.program.prints(format!("Ada: {request} = {result}\n"))
});

const END_MISSED: Diagnosis = Diagnosis {
    id: "end-missed",
    they: "note no end of a session without a `q`",
    text: "a client vanished, and the server has not said so: a session ends in more ways than by its `q`, and each must lead to the same line.",
};

pub(super) static END_NOTED: Check = Check::chapter(
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
    let mut ada = Client::join(stage, &server, "Ada")?;
    ada.says("q")?;
    server.program.prints("Ada: Session ended\n")?;
    Client::join(stage, &server, "Bob")?.peer.close();
    server.program.prints("Bob: Session ended\n").because(Saw::Nothing, &END_MISSED)?;
    let mut eve = Client::join(stage, &server, "Eve")?;
    eve.says("1 + 1")?;
    eve.peer.reset()?;
    server.program.prints("Eve: Session ended\n").because(Saw::Nothing, &END_MISSED)
});

fn reset(stage: &Stage) -> Step {
    let (server, mut ada) = session(stage)?;
    let mut bob = Client::join(stage, &server, "Bob")?;
    ada.says("1 + 1")?;
    ada.peer.reset()?;
    server.program.stays("one client of two has reset").because(Saw::Ended, &RESET_KILLS)?;
    let is_over = || {
        server.program.process.heard().exit().is_some() || !kernel::is_listening(server.port)
    };
    let (request, result) = sum(stage);
    bob.gives(&request, result).confirm(
        &RESET_KILLS,
        "the server is no longer there",
        is_over,
    )?;
    calculates(stage, &server, &request, result).map(|_| ()).confirm(
        &RESET_KILLS,
        "the server is no longer there",
        is_over,
    )
}

pub(super) static RESET: Check = Check::chapter(
    "05.reset",
    Role::Server,
    "server: a client that resets ends its session alone",
)
.source("our contract, 05-calculator; the lab leaves it open")
.needs(&[&SECOND_CLIENT, &VANISHES])
.read("5.5")
.mistakes(&[&RESET_KILLS])
.steps(reset);

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
    let request = ada.message(&format!("{} + 1", "9".repeat(300)));
    ada.peer.send_until_stuck_within(patience(), request.as_bytes());
    let mut bob = Client::join(stage, &server, "Bob")?;
    let (request, result) = sum(stage);
    bob.gives(&request, result).map(|_| ())
});
