//! Many clients at the same moment, and what came of them.

use crate::{
    kernel::Kernel,
    session::{self, Outcome, Task},
    step::Step,
};
use common::{Context, Error, blocking, progress};
use std::{
    sync::{
        Arc, Barrier, OnceLock,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// A client's stack, in bytes. It needs little, and a thousand of them are to start: std
/// would set aside 2 MiB for each.
const STACK: usize = 128 * 1024;

/// How often the kernel's counters are read during a burst.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many characters the progress bar is long.
const BAR: usize = 40;

/// Clients that are on their way.
struct Burst {
    /// Each sends one outcome. When the last has done so, nobody holds the channel any more.
    outcomes: Receiver<Outcome>,
    line: Arc<StartLine>,
}

/// Where the clients wait for each other.
struct StartLine {
    barrier: Barrier,
    /// When the first of them left.
    left: OnceLock<Instant>,
}

/// Lets that many clients come at once, `rounds` times.
///
/// # Errors
/// When not all of the threads can be started: fewer clients would be another measurement.
pub fn run(
    clients: usize,
    rounds: u32,
    task: &Arc<Task>,
    kernel: &mut Option<Kernel>,
) -> Result<Step, Error> {
    let mut step = Step::new(clients, clients as u64 * u64::from(rounds));
    for _ in 0..rounds {
        let mut before = kernel.as_mut().and_then(Kernel::read);
        let burst = start(clients, task)?;
        burst.watch(&mut step, |step, at| {
            let now = kernel.as_mut().and_then(Kernel::read);
            step.count(at, before, now);
            before = now;
        });
    }
    progress("");
    Ok(step)
}

/// Starts the threads. The last one to reach the barrier lets all of them go.
fn start(clients: usize, task: &Arc<Task>) -> Result<Burst, Error> {
    let (sender, outcomes) = mpsc::channel();
    let line = Arc::new(StartLine { barrier: Barrier::new(clients), left: OnceLock::new() });
    for number in 1..=clients {
        let (task, line, sender) = (Arc::clone(task), Arc::clone(&line), sender.clone());
        let client = move || {
            blocking("wait", || line.barrier.wait());
            line.left.get_or_init(Instant::now);
            // Fails only when nobody listens any more, and then nobody misses it.
            let _ = sender.send(session::run(&task));
        };
        let thread = thread::Builder::new().name(format!("client {number}")).stack_size(STACK);
        thread.spawn(client).context(format_args!("cannot start {clients} threads"))?;
    }
    Ok(Burst { outcomes, line })
}

impl Burst {
    /// Waits for all outcomes. Calls `look` now and then, with the time so far, and once more
    /// when all is over.
    fn watch(&self, step: &mut Step, mut look: impl FnMut(&mut Step, Duration)) {
        let before = step.time;
        let mut next_look = Instant::now();
        loop {
            let pause = next_look.saturating_duration_since(Instant::now());
            match blocking("recv", || self.outcomes.recv_timeout(pause)) {
                Ok(outcome) => self.add(step, before, outcome),
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.line.left.get().map_or(Duration::ZERO, Instant::elapsed);
                    look(step, before + now);
                    progress(bar(step));
                    next_look = Instant::now() + LOOK_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        look(step, step.time);
    }

    /// Counts one session. `before` is the time that earlier rounds took.
    fn add(&self, step: &mut Step, before: Duration, outcome: Outcome) {
        let left = self.line.left.get().copied().unwrap_or(outcome.begun);
        let begun = before + outcome.begun.saturating_duration_since(left);
        let ended = begun + outcome.whole;
        step.time = step.time.max(ended);
        step.bytes.add_all(begun, &outcome.bytes);
        step.connecting.push(outcome.connecting);
        step.whole.push(outcome.whole);
        match outcome.failure {
            None => step.done += 1,
            Some(failure) => {
                step.failed[failure.kind as usize] += 1;
                step.failures.add(ended, 1);
                step.first_failure.get_or_insert(failure.text);
            }
        }
    }
}

/// How many sessions have ended, drawn.
fn bar(step: &Step) -> String {
    let ended = step.whole.len();
    let full = (ended as u64 * BAR as u64 / step.sessions) as usize;
    let (full, empty) = ("#".repeat(full), "-".repeat(BAR - full));
    format!("{} clients [{full}{empty}] {ended}/{}", step.clients, step.sessions)
}
