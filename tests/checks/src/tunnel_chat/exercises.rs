//! Chapter 9, the exercises of the book.

use super::through;
use crate::check::Check;
use stage::{
    Role, Stage,
    failure::{Diagnosis, Explain, Saw, Step, fail},
    find,
};
use std::{
    thread,
    time::{Duration, Instant},
};

const COUNTS_ALL: Diagnosis = Diagnosis {
    id: "counts-all-connections",
    they: "add up the bytes of all connections",
    text: "the second connection's numbers are those of both: where does each number live, and when is it born?",
};

pub(super) static X_COUNTS: Check = Check::exercise(
    "09.x-counts",
    Role::Tunnel,
    "exercise: says at the end of each connection how many bytes went each way",
    "counting_tunnel {lport} {host} {port}",
)
.source("the book, 9.7")
.read("9.7")
.mistakes(&[&COUNTS_ALL])
.steps(counts);

fn counts(stage: &Stage) -> Step {
    let host = stage.host("127.0.0.1")?;
    let tunnel = stage.tunnel(host.address)?;
    for (name, there, back) in [("a", 12_345, 678), ("b", 0, 90_123)] {
        let (mut client, mut target) = through(&tunnel, &host, name)?;
        client.send(stage.bytes(there))?;
        client.half_close();
        let took = target.take_until_close().len();
        target.send(stage.bytes(back))?;
        target.half_close();
        let got = client.take_until_close().len();
        if (took, got) != (there, back) {
            return fail(format!("{there} bytes there, {back} back"), format!("{took}, {got}"));
        }
        let words = [there, back].map(|count| format!(" {count} "));
        let said = tunnel.program.complains(&[&words[0], &words[1]]);
        said.confirm(&COUNTS_ALL, "it says the numbers of both connections together", || {
            let (there, back) = (" 12345 ", " 90801 ");
            name == "b" && tunnel.program.complains(&[there, back]).is_ok()
        })?;
    }
    Ok(())
}

const STAYS_OPEN: Diagnosis = Diagnosis {
    id: "stays-open",
    they: "keep a silent connection",
    text: "neither side has said anything for over a second, and the connection is still there: what wakes a read besides bytes and the end?",
};

const LISTENER_IS_IDLE: Diagnosis = Diagnosis {
    id: "listener-is-idle",
    they: "end a connection because one of its sides only listens",
    text: "the target spoke all the time and the client was silent: that is a download, and no idle connection. Both directions must know when either was last used.",
};

pub(super) static X_IDLE: Check = Check::exercise(
    "09.x-idle",
    Role::Tunnel,
    "exercise: ends a connection on which neither side has said anything for a second",
    "idle_tunnel {lport} {host} {port} --idle 1",
)
.source("the book, 9.7")
.read("9.7")
.mistakes(&[&STAYS_OPEN, &LISTENER_IS_IDLE])
.steps(idle);

fn idle(stage: &Stage) -> Step {
    /// The answer is started with `--idle 1`.
    const IDLE: Duration = Duration::from_secs(1);
    let host = stage.host("127.0.0.1")?;
    let tunnel = stage.tunnel(host.address)?;
    let (mut silent, mut its_target) = through(&tunnel, &host, "the silent client")?;
    let (mut client, mut target) = through(&tunnel, &host, "the listener")?;
    let (begun, mut last) = (Instant::now(), Instant::now());
    while begun.elapsed() < IDLE * 3 / 2 {
        let alive = target.send("x").and_then(|()| client.expect("x"));
        if last.elapsed() > IDLE / 2 {
            stage.log.step("this machine is too busy to tell whether that was a second");
            break;
        }
        alive.because(Saw::Closed, &LISTENER_IS_IDLE).because(Saw::Reset, &LISTENER_IS_IDLE)?;
        last = Instant::now();
        thread::sleep(IDLE / 20); // the pace at which it speaks
    }
    silent.expect_close().because(Saw::Nothing, &STAYS_OPEN)?;
    its_target.expect_close().because(Saw::Nothing, &STAYS_OPEN)
}

const NAME_IS_LINE: Diagnosis = Diagnosis {
    id: "name-is-line",
    they: "take the partner's name for something that it said",
    text: "the first line that comes is the name, and was printed as if the partner had said it.",
};

const PIECE_IS_LINE: Diagnosis = Diagnosis {
    id: "piece-is-line",
    they: "put the name in front of every read, not of every line",
    text: "two lines came together, or one in pieces, and the name does not stand in front of each line: one read is not one line.",
};

pub(super) static X_NAMES: Check = Check::exercise(
    "09.x-names",
    Role::Client,
    "exercise: a chat whose lines say who speaks",
    "named_chat {host} {port} --name bob",
)
.source("the book, 9.7")
.read("9.7")
.mistakes(&[&NAME_IS_LINE, &PIECE_IS_LINE])
.steps(|stage| {
    let (mut client, mut partner) = stage.client_and_peer("the partner")?;
    partner.expect("bob\n")?;
    partner.send("alice\n")?;
    let (one, two, three) = (stage.payload(12), stage.payload(12), stage.payload(12));
    partner.send(format!("{one}\n"))?;
    let first = client.prints(format!("alice: {one}\n"));
    let heard = client.process.heard().stdout.clone();
    let as_line = heard.starts_with(b"alice\n") || heard.starts_with(b": alice\n");
    first.means(as_line, &NAME_IS_LINE)?;
    if as_line {
        return fail("the name alone is not printed", "it is").means(as_line, &NAME_IS_LINE);
    }
    partner.send(format!("{two}\n{}", &three[..5]))?;
    partner.settle();
    partner.send(format!("{}\n", &three[5..]))?;
    let rest = client.prints(format!("alice: {two}\nalice: {three}\n"));
    rest.confirm(&PIECE_IS_LINE, "the name stands elsewhere", || {
        let heard = String::from_utf8_lossy(&client.process.heard().stdout).into_owned();
        let words = heard.replace("alice: ", "").replace('\n', "");
        find(words.as_bytes(), format!("{two}{three}").as_bytes()).is_some()
    })?;
    client.types(&one);
    partner.expect(format!("{one}\n"))?;
    client.end_input();
    partner.expect_close()?;
    partner.close();
    client.ends_with(0)
});
