//! Chapter 8, the client: what our contract asks of its measurements beyond the lab.

use super::{
    client::{BROKEN, CUT_OFF, HEARS_INTRO, REPORTS},
    *,
};

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
    fail("all 17 are served, exit status 0", client.state())
        .because(Saw::Something, &ONE_READ_ANSWER)
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

fn csv(stage: &Stage) -> Step {
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
    serve: impl Fn(usize, Peer) -> Step + Sync,
) -> Step<Vec<Row>> {
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
    fn rows(&self) -> Step<Vec<Row>> {
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
            return fail(expected, format!("{before} are done"))
                .because(Saw::Something, &STEPS_OVERLAP);
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

fn rounds(stage: &Stage) -> Step {
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
            counted(&file.rows()?[0], &[("refused", 5)]).because(Saw::Something, &WRONG_KIND)
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
            counted(&rows[0], &[("done", 6), ("reset", 3)]).because(Saw::Something, &WRONG_KIND)
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
    let rows = rows.because(Saw::Running, &NO_TIMEOUT)?;
    counted(&rows[0], &[("timed_out", 3)]).because(Saw::Something, &WRONG_KIND)
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
    counted
        .because(Saw::Running, &TIMEOUT_STARTS_AGAIN)
        .because(Saw::Something, &TIMEOUT_STARTS_AGAIN)
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
        .because(Saw::Something, &WRONG_KIND)
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
                .because(Saw::Something, &WRONG_KIND)
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

fn clock(stage: &Stage) -> Step {
    let (row, waited) = through_a_full_queue(stage)?;
    let least = waited.as_secs_f64() * 1e3;
    for (column, means) in
        [("connect_max_ms", &LATE_CLOCK), ("session_max_ms", &CONNECT_UNTIMED)]
    {
        if number(&row, column) < least {
            let expected = format!("{column} is at least {least:.0}, for so long it waited");
            return fail(expected, &row[column]).because(Saw::Something, means);
        }
    }
    Ok(())
}

/// A run of one client that finds the listener's queue full: its request is dropped, and sent
/// again by its kernel. Returns what it reports, and how long it had to wait at least.
fn through_a_full_queue(stage: &Stage) -> Step<(Row, Duration)> {
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
fn waits_for_connect(stage: &Stage, client: &Program, port: u16) -> Step<Instant> {
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

fn percentiles(stage: &Stage) -> Step {
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
                .because(Saw::Something, &AVERAGED);
        }
        let least = slow().as_secs_f64() * 1e3;
        if times == "session" && p95 < least {
            return fail(format!("session: p95 is at least {least:.0} ms"), got)
                .because(Saw::Something, &AVERAGED);
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

fn svg(stage: &Stage) -> Step {
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
            return fail("no connection is made", "one is")
                .because(Saw::Something, &WRITES_LATE);
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

fn exit(stage: &Stage) -> Step {
    let (served, _) = play(stage, &load(5, 1000), &[], |_, session| serve(session, 1000))?;
    served.ends_with(0)?;
    let (failed, _) = play(stage, &load(5, 1000), &[], |number, mut session| {
        if number != 3 {
            return serve(session, 1000);
        }
        session.send(NO_WELCOME)?;
        takes_message(&mut session, 1000).map(|_| ()) // and closes without an answer
    })?;
    failed.ends_with(1)?;
    failed.complains(&["loadgen: ", "wrong answer"]).map(|_| ())
}
