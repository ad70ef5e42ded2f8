//! threads: four threads that print and sleep.
//!
//! ```text
//! $ cargo run --example threads
//! ```
//!
//! Notice the time: forty sleeps of a second are over after ten seconds, because a thread that
//! sleeps keeps no other from running. And notice the order. Within a thread the numbers count
//! up, but between the threads nothing is promised. Run it twice, or with `--pause 0`.

use common::{Context, Error, Program, Seconds, blocking, say};
use std::{
    process::ExitCode,
    thread::{self, JoinHandle},
    time::Duration,
};

const PROGRAM: Program = Program {
    name: "threads",
    usage: "threads [--count N] [--pause SECONDS]",
    example: "cargo run --example threads -- --count 3 --pause 0.5",
};

/// What is printed, with a thread for each word.
const WORDS: [&str; 4] = ["north", "east", "south", "west"];

/// How often each thread prints.
const COUNT: u32 = 10;

/// How long it sleeps before each line.
const PAUSE: Duration = Duration::from_secs(1);

/// What a thread leaves behind for the thread that joins it.
type Outcome = Result<(), Error>;

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let count = args.option("--count", "a number")?.unwrap_or(COUNT);
        let pause = args.option("--pause", "a number of seconds")?;
        args.finish()?;
        run(count, pause.map_or(PAUSE, |Seconds(time)| time))
    })
}

/// Starts all the threads before it waits for any of them. If we joined each one right after its
/// start, it would have no other to run next to.
fn run(count: u32, pause: Duration) -> Outcome {
    let started = WORDS.map(|word| start(word, count, pause));
    // Without this wait they would all be cut short: the process ends when `main` returns.
    started.into_iter().try_for_each(|thread| finish(thread?))
}

/// From `spawn` on two threads run. This one goes on with the next line, and the new one is in
/// the closure, which owns what was moved into it.
fn start(
    word: &'static str,
    count: u32,
    pause: Duration,
) -> Result<JoinHandle<Outcome>, Error> {
    thread::Builder::new()
        .name(word.to_string())
        .spawn(move || sleep_and_print(word, count, pause))
        .context("cannot start a thread")
}

/// What each thread does. The sleep blocks this thread and no other.
fn sleep_and_print(word: &str, count: u32, pause: Duration) -> Outcome {
    for number in 0..count {
        blocking("sleep", || thread::sleep(pause));
        say(&format!("{word} {number}"))?;
    }
    Ok(())
}

/// Blocks until the thread has returned, and passes on what it returned.
fn finish(thread: JoinHandle<Outcome>) -> Outcome {
    blocking("join", || thread.join())
        .unwrap_or_else(|_| Err(Error::failed("a thread broke off", "it panicked")))
}
