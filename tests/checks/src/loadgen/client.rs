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
fn load(clients: usize, message_bytes: usize) -> String {
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
    "sends a message of the length it is told, then closes its sending side",
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
    takes_message(&mut server, LENGTH).means(true, &WRONG_LENGTH)?;
    server.expect_closed().means(true, &NEVER_ENDS)
});

/// A run of one client, and its session.
fn one_session(stage: &Stage, message_bytes: usize) -> Outcome<(Program, Peer)> {
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
            takes_message(&mut server, LENGTH).means(true, &CUT_MESSAGE)
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
) -> Outcome<(Program, Vec<Peer>)> {
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
        .needs(&[&AT_ONCE])
        .read("8.4")
        .steps(|stage| {
            let (client, served) =
                play(stage, &load(17, 1000), &[], |_, session| serve(session, 1000))?;
            served?;
            says_served(&client, 17, 17)
        });

/// Plays the server until the client ends: each of its connections, numbered from 1, is a
/// thread's, on which `serve` is called. Returns the client, and how serving went. A client that
/// connects again and again is played with for a while.
fn play(
    stage: &Stage,
    options: &str,
    before: &[&str],
    serve: impl Fn(usize, Peer) -> Outcome + Sync,
) -> Outcome<(Program, Outcome)> {
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
            session.join().unwrap_or_else(|_| Err(Stop::Grader("a thread panicked".into())))
        })
    });
    client.has_ended(&format!("{count} sessions"))?;
    Ok((client, served))
}

/// Expects that a run of `clients` says how many of them were served.
fn says_served(client: &Program, clients: usize, served: usize) -> Outcome {
    if says(client, served) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&client.process.heard().stdout).into_owned();
    fail(
        format!("it says that {served} of {clients} sessions were served"),
        format!("its report has no {served}:\n{text}{}", client.state()),
    )
}

fn exit(stage: &Stage) -> Outcome {
    let (served, _) = play(stage, &load(5, 1000), &[], |_, session| serve(session, 1000))?;
    served.ends_with(0)?;
    let (failed, _) = play(stage, &load(5, 1000), &[], |number, mut session| {
        if number != 3 {
            return serve(session, 1000);
        }
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000) // and closes without an answer
    })?;
    failed.ends_with(1)?;
    failed.complains(&["loadgen: ", "wrong answer"]).map(|_| ())
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
    failures(stage, |mut session| takes_message(&mut session, 1000), &CUT_IS_SERVED)
});

/// Of 40 sessions 11 fail, each with its message sent; 29 were served, and the report says so.
fn failures(
    stage: &Stage,
    fail: impl Fn(Peer) -> Outcome + Sync,
    counted: &'static Diagnosis,
) -> Outcome {
    const CLIENTS: usize = 40;
    const FAILED: usize = 11;
    let (client, _) = play(stage, &load(CLIENTS, 1000), &[], |number, mut session| {
        if number > FAILED {
            return serve(session, 1000);
        }
        session.send(NO_WELCOME)?;
        fail(session)
    })?;
    let (all, some) = (says(&client, CLIENTS), says(&client, CLIENTS - FAILED));
    let silent = words(&client).iter().all(|word| word.parse::<usize>().is_err());
    says_served(&client, CLIENTS, CLIENTS - FAILED)
        .means(silent, &FAILURE_ENDS_RUN)
        .means(all && !some, counted)
}

const RESET_IS_SERVED: Diagnosis = Diagnosis {
    id: "reset-is-served",
    they: "count a session that broke as served",
    text: "the connection was reset and the session counts as served: is an error caught and then forgotten?",
};

pub(super) static BROKEN: Check =
    Check::lab("08.broken", Role::Client, "does not count as served a session that was reset")
        .source("L0, 2(c): are there any TCP errors?")
        .needs(&[&CUT_OFF])
        .points(2)
        .read("8.5")
        .mistakes(&[&RESET_IS_SERVED, &FAILURE_ENDS_RUN])
        .steps(|stage| failures(stage, Peer::reset, &RESET_IS_SERVED));

const ONE_READ_ANSWER: Diagnosis = Diagnosis {
    id: "one-read-answer",
    they: "take what one read returns for the whole answer",
    text: "the answer came in two pieces and the session counts as failed: one read returns what happens to be there. The answer ends where read returns 0.",
};

pub(super) static ANSWER_IN_PIECES: Check = Check::manners(
    "08.answer-in-pieces",
    Role::Client,
    "reads an answer that comes in pieces to its end",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&REPORTS])
.read("8.4")
.mistakes(&[&ONE_READ_ANSWER])
.steps(|stage| {
    let (client, served) = play(stage, &load(17, 1000), &[], |_, mut session| {
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000)?;
        session.send("received 10")?;
        session.settle();
        session.send("00 bytes")
    })?;
    served?;
    let exit = client.process.heard().exit();
    if exit.and_then(|exit| exit.code()) == Some(0) {
        return Ok(());
    }
    fail("all 17 are served, exit status 0", client.state()).means(true, &ONE_READ_ANSWER)
});

pub(super) static CSV: Check = Check::manners(
    "08.csv",
    Role::Client,
    "--csv FILE has a line of names and a row for each number of clients",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&REPORTS])
.read("8.4")
.steps(csv);

fn csv(stage: &Stage) -> Outcome {
    let options = "--clients 3,5 --message-bytes 1000";
    let rows = measured(stage, options, &[], |_, session| serve(session, 1000))?;
    let clients: Vec<&str> = rows.iter().map(|row| row["clients"].as_str()).collect();
    if clients != ["3", "5"] {
        return fail("a row for 3 clients and one for 5", format!("rows for {clients:?}"));
    }
    counted(&rows[0], &[("done", 3)])?;
    counted(&rows[1], &[("done", 5)])
}

/// Plays the server as [`play`] does, and returns what the CSV file says.
fn measured(
    stage: &Stage,
    options: &str,
    before: &[&str],
    serve: impl Fn(usize, Peer) -> Outcome + Sync,
) -> Outcome<Vec<Row>> {
    let file = Output::new("csv");
    let options = format!("{options} {}", file.option("--csv"));
    let (_, served) = play(stage, &options, before, serve)?;
    served?;
    file.rows()
}

/// A file for the client to write, gone when this is dropped.
struct Output(PathBuf);

impl Output {
    fn new(ending: &str) -> Output {
        // A port that is given out once makes a name that is given out once.
        let name = format!("load-{}-{}.{ending}", process::id(), stage::random::fresh());
        Output(env::temp_dir().join(name))
    }

    fn option(&self, name: &str) -> String {
        format!("{name} {}", stage::process::shell_path(&self.0))
    }

    /// The rows of the CSV file.
    fn rows(&self) -> Outcome<Vec<Row>> {
        let text = written(&self.0).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next() != Some(COLUMNS) {
            return fail(format!("the CSV file begins with a line\n{COLUMNS}"), text);
        }
        let row = |line: &str| {
            COLUMNS.split(',').zip(line.split(',').map(String::from)).collect::<Row>()
        };
        let rows: Vec<Row> = lines.map(row).collect();
        if rows.is_empty() || rows.iter().any(|row| row.len() < COLUMNS.split(',').count()) {
            return fail("a row for each number of clients, with all its values", text);
        }
        Ok(rows)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The names of all columns, in their order.
const COLUMNS: &str = "clients,done,refused,reset,timed_out,too_many_files,wrong_answer,\
    connect_p50_ms,connect_p95_ms,connect_p99_ms,connect_max_ms,\
    session_p50_ms,session_p95_ms,session_p99_ms,session_max_ms,\
    bytes_per_s,retransmits,listen_overflows,listen_drops,resets";

const STEPS_OVERLAP: Diagnosis = Diagnosis {
    id: "steps-overlap",
    they: "begin with the next number of clients while the one before still runs",
    text: "clients of the next step came before all of this one were done: what is measured then is neither of the two numbers.",
};

pub(super) static ONE_AFTER_ANOTHER: Check = Check::manners(
    "08.one-after-another",
    Role::Client,
    "takes the next number of clients when the one before is done",
)
.source("L0, 2(b): 10, 20, 50, 100, 200, 500 and 1000")
.needs(&[&CSV])
.read("8.4")
.mistakes(&[&STEPS_OVERLAP])
.steps(|stage| {
    let done = Mutex::new(0);
    let options = "--clients 3,5 --message-bytes 1000";
    let (_, served) = play(stage, options, &[], |number, mut session| {
        // The guard is let go before the first wait.
        let before = done.lock().map_or(0, |done| *done);
        if number > 3 && before < 3 {
            let expected = "the 4th connection comes when the first 3 are done";
            return fail(expected, format!("{before} are done")).means(true, &STEPS_OVERLAP);
        }
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000)?;
        if number <= 3 {
            thread::sleep(quiet()); // a slow answer: time for those who do not wait for it
        }
        if let Ok(mut done) = done.lock() {
            *done += 1;
        }
        session.send("received 1000 bytes\n")
    })?;
    served
});

pub(super) static ROUNDS: Check = Check::manners(
    "08.rounds",
    Role::Client,
    "--rounds N lets each number of clients come N times",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV])
.read("8.4")
.steps(rounds);

fn rounds(stage: &Stage) -> Outcome {
    let options = format!("{} --rounds 3", load(4, 1000));
    let rows = measured(stage, &options, &[], |_, session| serve(session, 1000))?;
    counted(&rows[0], &[("done", 12)])
}

pub(super) static NO_INTRO: Check =
    Check::manners("08.no-intro", Role::Client, "with --no-intro it speaks first")
        .source("our contract, 08-loadgen; the lab leaves it open")
        .needs(&[&CSV])
        .read("8.4")
        .steps(|stage| {
            let options = format!("{} --no-intro", load(3, 1000));
            let rows = measured(stage, &options, &[], |_, mut session| {
                takes_message(&mut session, 1000)?;
                session.send("received 1000 bytes\n")
            })?;
            counted(&rows[0], &[("done", 3)])
        });

const WRONG_KIND: Diagnosis = Diagnosis {
    id: "wrong-kind",
    they: "count a failure as one of another kind",
    text: "the session failed, but it is counted in another column: what does the error say of itself, and what does a read of 0 bytes mean at this point?",
};

pub(super) static KIND_REFUSED: Check =
    Check::manners("08.kind-refused", Role::Client, "counts who found nobody there as refused")
        .source("our contract, 08-loadgen; the lab leaves it open")
        .needs(&[&CSV, &CUT_OFF])
        .read("8.5")
        .mistakes(&[&WRONG_KIND])
        .steps(|stage| {
            let file = Output::new("csv");
            let nobody = SocketAddr::from(([127, 0, 0, 1], stage.free_port()?));
            let options = format!("{} {}", load(5, 1000), file.option("--csv"));
            stage.client_with(nobody, &options, &[])?.ends()?;
            counted(&file.rows()?[0], &[("refused", 5)]).means(true, &WRONG_KIND)
        });

pub(super) static KIND_RESET: Check =
    Check::manners("08.kind-reset", Role::Client, "counts a connection that broke as reset")
        .source("our contract, 08-loadgen; the lab leaves it open")
        .needs(&[&CSV, &BROKEN])
        .read("8.5")
        .mistakes(&[&WRONG_KIND])
        .steps(|stage| {
            let rows = measured(stage, &load(9, 1000), &[], |number, mut session| {
                if number > 3 {
                    return serve(session, 1000);
                }
                session.send(NO_WELCOME)?;
                session.reset()
            })?;
            counted(&rows[0], &[("done", 6), ("reset", 3)]).means(true, &WRONG_KIND)
        });

const NO_TIMEOUT: Diagnosis = Diagnosis {
    id: "no-timeout",
    they: "wait for ever for a server that says nothing",
    text: "one stuck session hangs the whole run: who wakes a read whose server is silent? Each call needs a limit.",
};

pub(super) static KIND_TIMED_OUT: Check = Check::manners(
    "08.kind-timed-out",
    Role::Client,
    "gives up a session that stalls, wherever it does, and counts it as timed out",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV, &CUT_OFF])
.read("8.5")
.mistakes(&[&NO_TIMEOUT, &WRONG_KIND])
.steps(|stage| {
    // The connections stay open, in silence, until the client has ended.
    let open = Mutex::new(Vec::new());
    let options = format!("{} --timeout 0.5", load(3, 8_000_000));
    let rows = measured(stage, &options, &[], |number, mut session| {
        // A step that fails comes too late on a busy machine: the time is up already.
        if number > 1 {
            let _ = session.send(NO_WELCOME); // and reads nothing, so that writing stalls too
        }
        if number > 2 {
            session.take_until_close();
        }
        if let Ok(mut open) = open.lock() {
            open.push(session);
        }
        Ok(())
    });
    let rows = rows.means(true, &NO_TIMEOUT)?;
    counted(&rows[0], &[("timed_out", 3)]).means(true, &WRONG_KIND)
});

const TIMEOUT_STARTS_AGAIN: Diagnosis = Diagnosis {
    id: "timeout-starts-again",
    they: "start the timeout again with every read",
    text: "the server says a byte now and then, and so the session never ends: a timeout of one read is none of the session. How much of its time is left?",
};

pub(super) static WHOLE_TIMEOUT: Check = Check::manners(
    "08.whole-timeout",
    Role::Client,
    "the timeout is for the whole session, however often the server speaks",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&KIND_TIMED_OUT, &ANSWER_IN_PIECES])
.read("8.5")
.mistakes(&[&TIMEOUT_STARTS_AGAIN])
.steps(|stage| {
    let options = format!("{} --timeout 1", load(1, 1000));
    let rows = measured(stage, &options, &[], |_, mut session| {
        let mut until = stage.log.deadline(2 * patience());
        let mut said = session.send(NO_WELCOME);
        while said.is_ok() && !until.is_over() {
            thread::sleep(Duration::from_millis(50)); // the pace at which it speaks
            said = session.send(".");
        }
        Ok(())
    });
    let counted = rows.and_then(|rows| counted(&rows[0], &[("timed_out", 1)]));
    counted.means(true, &TIMEOUT_STARTS_AGAIN)
});

const UNREAD_ANSWER: Diagnosis = Diagnosis {
    id: "unread-answer",
    they: "do not look at what the answer says",
    text: "an answer that is wrong counts as served: a server that loses half of the message looks fast. Compare what it says with what you sent.",
};

pub(super) static KIND_WRONG_ANSWER: Check = Check::manners(
    "08.kind-wrong-answer",
    Role::Client,
    "reads what the answer says: another number, or half of it, is a wrong answer",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV, &CUT_OFF, &HEARS_INTRO])
.read("8.5")
.mistakes(&[&UNREAD_ANSWER, &WRONG_KIND])
.steps(|stage| {
    let rows = measured(stage, &load(9, 1000), &[], |number, mut session| {
        if number == 1 {
            return Ok(()); // closed before the intro
        }
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000)?;
        match number {
            2 => Ok(()), // closed before the answer
            3 => session.send("received 10"),
            4 => session.send("received 999 bytes\n"),
            _ => session.send("received 1000 bytes\n"),
        }
    })?;
    let unread = number(&rows[0], "done") > 5.0;
    counted(&rows[0], &[("done", 5), ("wrong_answer", 4)])
        .means(unread, &UNREAD_ANSWER)
        .means(true, &WRONG_KIND)
});

pub(super) static KIND_FILES: Check =
    Check::manners("08.kind-files", Role::Client, "counts who got no socket as too many files")
        .source("our contract, 08-loadgen; the lab leaves it open")
        .needs(&[&CSV, &CUT_OFF])
        .read("8.5")
        .mistakes(&[&WRONG_KIND])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let last = Mutex::new(Instant::now());
            let since = || last.lock().map_or(Duration::MAX, |last| last.elapsed());
            let rows =
                measured(stage, &load(CLIENTS, 1000), &[FEW_DESCRIPTORS], |_, session| {
                    if let Ok(mut last) = last.lock() {
                        *last = Instant::now();
                    }
                    // All keep their sockets until nobody else gets one.
                    kernel::look_until(patience(), || since() > 2 * quiet());
                    serve(session, 1000)
                })?;
            let failed = number(&rows[0], "too_many_files") as usize;
            let done = CLIENTS - failed.clamp(1, CLIENTS);
            counted(&rows[0], &[("done", done), ("too_many_files", failed.max(1))])
                .means(true, &WRONG_KIND)
        });

const LATE_CLOCK: Diagnosis = Diagnosis {
    id: "late-clock",
    they: "start the clock when they are connected",
    text: "the kernel dropped the connection request and sent it again a second later, and no time in the report shows it: is the clock read before connect, or behind it?",
};

const CONNECT_UNTIMED: Diagnosis = Diagnosis {
    id: "connect-untimed",
    they: "leave connecting out of the session's time",
    text: "connecting is in its own columns, and missing in the whole session's: for whoever waits, it is one time.",
};

pub(super) static CLOCK: Check = Check::manners(
    "08.clock",
    Role::Client,
    "starts the clock before connect: a request that the kernel drops takes its time",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV])
.read("8.2")
.mistakes(&[&LATE_CLOCK, &CONNECT_UNTIMED])
.steps(clock);

fn clock(stage: &Stage) -> Outcome {
    let (row, waited) = through_a_full_queue(stage)?;
    let least = waited.as_secs_f64() * 1e3;
    for (column, means) in
        [("connect_max_ms", &LATE_CLOCK), ("session_max_ms", &CONNECT_UNTIMED)]
    {
        if number(&row, column) < least {
            let expected = format!("{column} is at least {least:.0}, for so long it waited");
            return fail(expected, &row[column]).means(true, means);
        }
    }
    Ok(())
}

/// A run of one client that finds the listener's queue full: its request is dropped, and sent
/// again by its kernel. Returns what it reports, and how long it had to wait at least.
fn through_a_full_queue(stage: &Stage) -> Outcome<(Row, Duration)> {
    let (file, host) = (Output::new("csv"), stage.host("127.0.0.1")?);
    // What closes at once stays in the queue all the same, until somebody accepts it.
    let knock = || TcpStream::connect_timeout(&host.address, Duration::from_millis(50));
    let in_queue = (0..5000).take_while(|_| knock().is_ok()).count();
    stage.log.step(format_args!("{in_queue} connections fill the listener's queue"));
    let options = format!("{} {}", load(1, 1000), file.option("--csv"));
    let client = stage.client_with(host.address, &options, &[])?;
    let begun = waits_for_connect(stage, &client, host.address.port())?;
    client.process.wait_for(quiet(), |heard| heard.is_over().then_some(()));
    let waited = begun.elapsed();
    let mut session = None;
    for number in 0..=in_queue {
        session = host.accept_within(&format!("connection {number}"), patience())?;
    }
    match session {
        Some(session) => serve(session, 1000)?,
        None => return fail("its kernel asks again", client.state()),
    }
    client.ends()?;
    Ok((file.rows()?.swap_remove(0), waited))
}

/// Waits until the client's kernel has asked for a connection; since then it waits.
fn waits_for_connect(stage: &Stage, client: &Program, port: u16) -> Outcome<Instant> {
    let asks = || kernel::tcp().any(|socket| socket.connecting && socket.remote_port == port);
    if kernel::look_until(stage.log.deadline(2 * patience()), asks) {
        return Ok(Instant::now());
    }
    fail("the client asks for a connection", client.state())
}

const AVERAGED: Diagnosis = Diagnosis {
    id: "averaged",
    they: "report averages as percentiles",
    text: "4 of 40 sessions were slow and p95 does not show it: a percentile of all times is none of a mean, and the mean of two rounds' percentiles is one of neither. Put all the times together, sort them, and count.",
};

pub(super) static PERCENTILES: Check = Check::manners(
    "08.percentiles",
    Role::Client,
    "its percentiles are of all sessions: 4 slow ones of 40 are the slowest tenth",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&ROUNDS])
.read("8.2")
.mistakes(&[&AVERAGED])
.steps(percentiles);

fn percentiles(stage: &Stage) -> Outcome {
    // Slow is what takes far longer than the whole first round, on a busy machine too.
    let (begun, first_round) = (OnceLock::new(), Mutex::new(Duration::ZERO));
    let slow = || 3 * quiet() + 5 * first_round.lock().map_or(Duration::ZERO, |time| *time);
    let options = format!("{} --rounds 2 --timeout 60", load(20, 1000));
    let rows = measured(stage, &options, &[], |number, mut session| {
        let begun = begun.get_or_init(Instant::now);
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000)?;
        if let (1..=20, Ok(mut time)) = (number, first_round.lock()) {
            *time = begun.elapsed();
        }
        if number > 36 {
            thread::sleep(slow()); // a slow answer
        }
        session.send("received 1000 bytes\n")
    })?;
    counted(&rows[0], &[("done", 40)])?;
    for times in ["connect", "session"] {
        let of = |percent| number(&rows[0], &format!("{times}_{percent}_ms"));
        let [p50, p95, p99, max] = ["p50", "p95", "p99", "max"].map(of);
        let got = format!("p50={p50} p95={p95} p99={p99} max={max}");
        if !(p50 <= p95 && p95 <= p99 && p99 <= max) {
            return fail(format!("{times}: p50 <= p95 <= p99 <= max"), got)
                .means(true, &AVERAGED);
        }
        let least = slow().as_secs_f64() * 1e3;
        if times == "session" && p95 < least {
            return fail(format!("session: p95 is at least {least:.0} ms"), got)
                .means(true, &AVERAGED);
        }
    }
    Ok(())
}

pub(super) static KERNEL: Check =
    Check::manners("08.kernel", Role::Client, "says what the kernel counted meanwhile")
        .source("L0, 2(d): what sort of TCP errors are they?")
        .needs(&[&CSV])
        .read("8.5")
        .steps(|stage| {
            let (row, _) = through_a_full_queue(stage)?;
            for column in ["retransmits", "listen_overflows", "listen_drops"] {
                if number(&row, column) < 1.0 {
                    return fail(
                        format!("{column} is at least 1: a request was dropped"),
                        &row[column],
                    );
                }
            }
            Ok(())
        });

pub(super) static SVG: Check = Check::manners(
    "08.svg",
    Role::Client,
    "--svg FILE draws a panel for each number of clients",
)
.source("L0, 2(c): the IO graph")
.needs(&[&CSV])
.read("8.1")
.steps(svg);

fn svg(stage: &Stage) -> Outcome {
    let file = Output::new("svg");
    let options = format!("--clients 3,5 --message-bytes 1000 {}", file.option("--svg"));
    let (_, served) = play(stage, &options, &[], |_, session| serve(session, 1000))?;
    served?;
    let text = written(&file.0).unwrap_or_default();
    let panels = ["3 clients", "5 clients"].iter().all(|panel| text.contains(panel));
    if text.starts_with("<svg ") && text.trim_end().ends_with("</svg>") && panels {
        return Ok(());
    }
    fail("an SVG file with a panel for 3 clients and one for 5", text)
}

const WRITES_LATE: Diagnosis = Diagnosis {
    id: "writes-late",
    they: "open their files when the run is over",
    text: "it ran first and found out afterwards that it cannot write what it found: open the file before.",
};

pub(super) static UNWRITABLE: Check = Check::manners(
    "08.unwritable",
    Role::Client,
    "finds out before the run that a file cannot be written",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV])
.read("8.4")
.mistakes(&[&WRITES_LATE])
.steps(|stage| {
    let missing = format!("missing-{}", stage.free_port()?);
    for option in ["--csv", "--svg"] {
        let host = stage.host("127.0.0.1")?;
        let file = Output(env::temp_dir().join(&missing).join("load"));
        let options = format!("{} {}", load(1, 1000), file.option(option));
        let client = stage.client_with(host.address, &options, &[])?;
        if let Some(session) = host.accept_within("server", quiet())? {
            serve(session, 1000)?;
            return fail("no connection is made", "one is").means(true, &WRITES_LATE);
        }
        client.ends_with(1)?;
        client.complains(&["cannot write", &missing])?;
    }
    Ok(())
});

pub(super) static EXIT: Check = Check::manners(
    "08.exit",
    Role::Client,
    "ends with 0 if every session was served, and with 1 if one was not",
)
.source("our contract, 08-loadgen; the lab leaves it open")
.needs(&[&CSV, &CUT_OFF])
.read("8.4")
.steps(exit);
