//! Chapter 8, the client: the grader plays its server.

use super::*;

pub(super) static CONNECTS: Check = Check::lab(
    "08.connects",
    Role::Client,
    "connects to the host and the port that it is given",
)
.source("L0, 2: your own client, with threads")
.read("8.4")
.mistakes(&[&FIXED_HOST])
.steps(|stage| connects_with(stage, &load(1, 100)));

// -- the client: the grader plays the server

/// The options of a run, as every program of this chapter takes them.
pub(super) fn load(clients: usize, message_bytes: usize) -> String {
    format!("--clients {clients} --message-bytes {message_bytes}")
}

const WRONG_LENGTH: Diagnosis = Diagnosis {
    id: "wrong-length",
    they: "send a message of another length than they were told",
    text: "the message has not the length that --message-bytes said.",
};

const NEVER_ENDS: Diagnosis = Diagnosis {
    id: "never-ends",
    they: "never close their sending side",
    text: "the whole message has come and its end has not: the server reads on, the client waits for the answer, and so both wait. How does the server know that the message is over?",
};

pub(super) static SENDS: Check = Check::lab(
    "08.sends",
    Role::Client,
    "sends a message of the length it is told, and its end: a close, or a length before it",
)
.source("L0, 2: specify a long message ahead of time and send it")
.needs(&[&CONNECTS])
.points(2)
.read("8.4")
.mistakes(&[&WRONG_LENGTH, &NEVER_ENDS])
.steps(|stage| {
    const LENGTH: usize = 2345;
    let (_client, mut server) = one_session(stage, LENGTH)?;
    server.send(NO_WELCOME)?;
    let taken = takes_message(&mut server, LENGTH).because(Saw::Something, &WRONG_LENGTH)?;
    if taken == talk::End::Counted {
        return Ok(()); // it has said how long the message is
    }
    server.expect_closed().because(Saw::Nothing, &NEVER_ENDS)
});

/// A run of one client, and its session.
fn one_session(stage: &Stage, message_bytes: usize) -> Step<(Program, Peer)> {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, &load(1, message_bytes), &[])?;
    let session = client.connects_to(&host, "server")?;
    Ok((client, session))
}

const CUT_MESSAGE: Diagnosis = Diagnosis {
    id: "cut-message",
    they: "send a long message cut off",
    text: "only the beginning of the message came: a buffer of a fixed size holds no message of any size, and one write may take less than it was given.",
};

pub(super) static SENDS_LONG: Check =
    Check::lab("08.sends-long", Role::Client, "sends a message of 4 MB whole")
        .source("L0, 2: specify a long message ahead of time and send it")
        .needs(&[&SENDS])
        .read("8.4")
        .mistakes(&[&CUT_MESSAGE])
        .steps(|stage| {
            const LENGTH: usize = 4_000_000;
            let (_client, mut server) = one_session(stage, LENGTH)?;
            server.send(NO_WELCOME)?;
            let taken = takes_message(&mut server, LENGTH).map(|_| ());
            // Who closes with the intro unread resets the connection, and loses what was sent.
            let end = server.expect_closed();
            let reset = matches!(&end, Err(Halt::Failed(failure)) if failure.saw == Saw::Reset);
            taken.confirm(&CUT_MESSAGE, "the connection was not reset", || !reset)
        });

const INTRO_SKIPPED: Diagnosis = Diagnosis {
    id: "intro-skipped",
    they: "send before the intro has come",
    text: "the message came before the intro was sent: the kernel takes a connection, and bytes too, long before the server has called accept(). Only the intro says that somebody is there.",
};

pub(super) static HEARS_INTRO: Check =
    Check::lab("08.hears-intro", Role::Client, "sends nothing before the intro has come")
        .source("L0, 1(c): both clients get the intro before either enters its message")
        .needs(&[&SENDS])
        .read("8.4")
        .mistakes(&[&INTRO_SKIPPED])
        .steps(|stage| {
            let (_client, mut server) = one_session(stage, 1000)?;
            let silence = server.expect_silence("the intro has not come");
            let sent = !server.so_far().is_empty();
            silence.means(sent, &INTRO_SKIPPED)?;
            serve(server, 1000)
        });

const NOT_AT_ONCE: Diagnosis = Diagnosis {
    id: "not-at-once",
    they: "let their clients come one after another",
    text: "the next client came only after one before it had been served: is a thread joined right after it is started, or are there too few? Start all of them first, then wait for all.",
};

pub(super) static AT_ONCE: Check =
    Check::lab("08.at-once", Role::Client, "connects 40 clients at the same time")
        .source("L0, 2(b): connecting with different numbers of threads")
        .needs(&[&SENDS])
        .points(3)
        .read("8.2")
        .mistakes(&[&NOT_AT_ONCE])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let host = stage.host("127.0.0.1")?;
            let (_client, mut sessions) =
                all_connected(stage, &host, CLIENTS, &load(CLIENTS, 1000))?;
            let together = sessions.len();
            if together < CLIENTS {
                let expected =
                    format!("{CLIENTS} clients connect, before any of them gets its intro");
                return fail(expected, format!("{together} do")).probe(&NOT_AT_ONCE, || {
                    serve(sessions.swap_remove(0), 1000).ok()?;
                    let next = host.accept_within("one more session", patience()).ok()?;
                    next.map(|_| {
                        "when one of them had been served, the next one came".to_string()
                    })
                });
            }
            sessions.into_iter().try_for_each(|session| serve(session, 1000))
        });

/// A run whose clients have all connected, none of which has heard its intro yet.
fn all_connected(
    stage: &Stage,
    host: &Host,
    clients: usize,
    options: &str,
) -> Step<(Program, Vec<Peer>)> {
    let client = stage.client_with(host.address, options, &[])?;
    let mut sessions = vec![client.connects_to(host, "session 1")?];
    while sessions.len() < clients {
        let name = format!("session {}", sessions.len() + 1);
        match host.accept_within(&name, patience())? {
            Some(session) => sessions.push(session),
            None => break,
        }
    }
    Ok((client, sessions))
}

pub(super) static REPORTS: Check =
    Check::lab("08.reports", Role::Client, "says how many sessions were served, and ends")
        .source("L0, 2(c): how many clients have to connect until there are errors?")
        .needs(&[&SENDS])
        .read("8.4")
        .mistakes(&[&CUT_IS_SERVED, &FAILURE_ENDS_RUN])
        .steps(|stage| tells_served(stage, 17, [0, 5], |_| Ok(()), &CUT_IS_SERVED));

/// Two runs of so many clients, in which the first ones come off badly, as many as `failing` says
/// for each run: `fail` plays with these. Expects that the reports say how many were served, in the
/// same place of both: a number that just occurs somewhere says nothing.
fn tells_served(
    stage: &Stage,
    clients: usize,
    failing: [usize; 2],
    fail_with: impl Fn(Peer) -> Step + Sync,
    counted: &'static Diagnosis,
) -> Step {
    let mut reports = Vec::new();
    for failed in failing {
        let (client, _) = play(stage, &load(clients, 1000), &[], |number, session| {
            if number > failed { serve(session, 1000) } else { fail_with(session) }
        })?;
        reports.push((clients - failed, text(&client), client.state()));
    }
    let [(one, first, state), (other, second, _)] = reports.as_slice() else { return Ok(()) };
    let places = |report: &str, wanted: usize, unwanted: usize| -> Vec<String> {
        let of = |number: usize| report.lines().flat_map(move |line| places_of(line, number));
        let elsewhere: Vec<String> = of(unwanted).collect();
        of(wanted).filter(|place| !elsewhere.contains(place)).collect()
    };
    let in_second = places(second, *other, *one);
    if places(first, *one, *other).iter().any(|place| in_second.contains(place)) {
        return Ok(());
    }
    let numbers = |report: &str| numbers(report.as_bytes());
    // The runs in which a session failed say nothing, and the one in which none did, if there was
    // Only the runs in which a session failed say nothing.
    let silent = numbers(second).is_empty() && numbers(first).is_empty() == (*one < clients);
    let says_all = |(served, report): &(usize, &String)| {
        let numbers = numbers(report);
        numbers.contains(&clients) && (*served == clients || !numbers.contains(served))
    };
    let all = [(*one, first), (*other, second)].iter().all(says_all);
    let expected = format!(
        "of {clients} sessions {one} are served in one run, and {other} in another, and its \
         reports say so in the same place"
    );
    fail(expected, format!("{first}and then\n{second}{state}"))
        .means(silent, &FAILURE_ENDS_RUN)
        .means(all, counted)
}

/// What the program has said on both streams.
fn text(client: &Program) -> String {
    let heard = client.process.heard();
    let text = [heard.stdout.as_slice(), b"\n", heard.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// The places in a line at which this number stands: what is around it, and the number of numbers
/// before it.
fn places_of(line: &str, number: usize) -> Vec<String> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let words: String = line.chars().filter(|c| !is_number(*c)).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let runs = line.split(|c| !is_number(c)).filter(|run| run.contains(|c| c != '.'));
    let wanted = number.to_string();
    let found = runs.enumerate().filter(|(_, run)| run.trim_matches('.') == wanted);
    found.map(|(at, _)| format!("{at} {words}")).collect()
}

/// Plays the server until the client ends: each of its connections, numbered from 1, is a
/// thread's, on which `serve` is called. Returns the client, and how serving went. A client that
/// connects again and again is played with for a while.
pub(super) fn play(
    stage: &Stage,
    options: &str,
    before: &[&str],
    serve: impl Fn(usize, Peer) -> Step + Sync,
) -> Step<(Program, Step)> {
    const MOST: usize = 1000;
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, options, before)?;
    let mut next = Some(client.connects_to(&host, "session 1")?);
    let mut until = stage.log.deadline(patience());
    let mut count = 0;
    let served = thread::scope(|scope| {
        let (mut sessions, serve) = (Vec::new(), &serve);
        while !until.is_over() && count < MOST {
            if let Some(peer) = next.take() {
                count += 1;
                let number = count;
                sessions.push(scope.spawn(move || serve(number, peer)));
            } else if client.process.heard().exit().is_some() {
                break;
            }
            if !sessions.iter().all(ScopedJoinHandle::is_finished) {
                until.renew();
            }
            let name = format!("session {}", count + 1);
            next = host.accept_within(&name, Duration::from_millis(50))?;
        }
        sessions.into_iter().try_for_each(|session| {
            session.join().unwrap_or_else(|_| Err(Halt::Grader("a thread panicked".into())))
        })
    });
    client.has_ended(&format!("{count} sessions"))?;
    Ok((client, served))
}

const CUT_IS_SERVED: Diagnosis = Diagnosis {
    id: "cut-is-served",
    they: "count a session without an answer as served",
    text: "the server closed without a word and the session counts as served: where is the answer looked at, and what does a read of 0 bytes mean there?",
};

const FAILURE_ENDS_RUN: Diagnosis = Diagnosis {
    id: "failure-ends-run",
    they: "end the whole run when one session fails",
    text: "there is no report: one session's failure ended the run, and the others were not counted. A failure is a result here.",
};

pub(super) static CUT_OFF: Check = Check::lab(
    "08.cut-off",
    Role::Client,
    "does not count as served a session that was closed without an answer",
)
.source("L0, 2(c): how many clients have to connect until there are errors?")
.needs(&[&REPORTS])
.points(2)
.read("8.5")
.mistakes(&[&CUT_IS_SERVED, &FAILURE_ENDS_RUN])
.steps(|stage| {
    failures(stage, |session| takes_message(session, 1000).map(|_| ()), &CUT_IS_SERVED)
});

/// Of 40 sessions some fail, each behind its intro, and the report says how many were served.
fn failures(
    stage: &Stage,
    fail: impl Fn(&mut Peer) -> Step + Sync,
    counted: &'static Diagnosis,
) -> Step {
    if stage.speech(Role::Client).no_answer {
        return Err(Halt::NotJudged("it reads no answer".to_string()));
    }
    let fail_with = |mut session: Peer| {
        session.send(NO_WELCOME)?;
        let _ = fail(&mut session); // the session may have been given up already
        Ok(())
    };
    tells_served(stage, 40, [11, 7], fail_with, counted)
}

const RESET_IS_SERVED: Diagnosis = Diagnosis {
    id: "reset-is-served",
    they: "count a session that broke as served",
    text: "the connection was reset and the session counts as served: is an error caught and then forgotten?",
};

pub(super) static BROKEN: Check =
    Check::lab("08.broken", Role::Client, "does not count as served a session that was reset")
        .source("L0, 2(c): are there any TCP errors?")
        .needs(&[&REPORTS])
        .points(2)
        .read("8.5")
        .mistakes(&[&RESET_IS_SERVED, &FAILURE_ENDS_RUN])
        .steps(|stage| failures(stage, Peer::abort, &RESET_IS_SERVED));
