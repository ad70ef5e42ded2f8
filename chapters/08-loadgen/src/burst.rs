//! Many clients at the same moment, and what came of them.

use crate::{
    kernel::{Counters, Kernel},
    session::{self, Outcome, Task},
    timeline::Timeline,
};
use common::{Attempt, Error, blocking, progress};
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

/// All that is known of one number of clients.
pub struct Step {
    /// How many came at once.
    pub clients: usize,
    /// How many sessions they had in all rounds together.
    pub sessions: u64,
    /// How many of these were served.
    pub done: u64,
    /// How many were not, by [`session::Kind`].
    pub failed: [u64; 5],
    /// What the first one said that was not.
    pub first_failure: Option<String>,
    /// How long connecting took, for every session, failed or not: no average of averages,
    /// and no failure that makes the rest look fast.
    pub connecting: Vec<Duration>,
    /// How long the whole session took, for every session.
    pub whole: Vec<Duration>,
    /// How long all the rounds took.
    pub time: Duration,
    /// What the kernel counted meanwhile.
    pub counters: Option<Counters>,
    /// Bytes over time.
    pub bytes: Timeline,
    /// The kernel's TCP errors over time.
    pub errors: Timeline,
    /// Failed sessions over time.
    pub failures: Timeline,
}

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
        step.watch(&burst, |step, at| {
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
        thread.spawn(client).attempt(format_args!("cannot start {clients} threads"))?;
    }
    Ok(Burst { outcomes, line })
}

impl Step {
    fn new(clients: usize, sessions: u64) -> Step {
        Step {
            clients,
            sessions,
            done: 0,
            failed: [0; 5],
            first_failure: None,
            connecting: Vec::new(),
            whole: Vec::new(),
            time: Duration::ZERO,
            counters: None,
            bytes: Timeline::default(),
            errors: Timeline::default(),
            failures: Timeline::default(),
        }
    }

    /// Waits for all outcomes of a burst. Calls `look` now and then, with the time so far,
    /// and once more when all is over.
    fn watch(&mut self, burst: &Burst, mut look: impl FnMut(&mut Step, Duration)) {
        let before = self.time;
        let mut next_look = Instant::now();
        loop {
            let pause = next_look.saturating_duration_since(Instant::now());
            match blocking("recv", || burst.outcomes.recv_timeout(pause)) {
                Ok(outcome) => self.add(burst, before, outcome),
                Err(RecvTimeoutError::Timeout) => {
                    let now = burst.line.left.get().map_or(Duration::ZERO, Instant::elapsed);
                    look(self, before + now);
                    progress(self.bar());
                    next_look = Instant::now() + LOOK_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        look(self, self.time);
    }

    /// Counts one session. `before` is the time that earlier rounds took.
    fn add(&mut self, burst: &Burst, before: Duration, outcome: Outcome) {
        let left = burst.line.left.get().copied().unwrap_or(outcome.begun);
        let begun = before + outcome.begun.saturating_duration_since(left);
        let ended = begun + outcome.whole;
        self.time = self.time.max(ended);
        self.bytes.add_all(begun, &outcome.bytes);
        self.connecting.push(outcome.connecting);
        self.whole.push(outcome.whole);
        match outcome.failure {
            None => self.done += 1,
            Some(failure) => {
                self.failed[failure.kind as usize] += 1;
                self.failures.add(ended, 1);
                self.first_failure.get_or_insert(failure.text);
            }
        }
    }

    /// Counts what the kernel has counted between two looks at it.
    fn count(&mut self, at: Duration, before: Option<Counters>, now: Option<Counters>) {
        if let (Some(before), Some(now)) = (before, now) {
            let grown = now - before;
            self.errors.add(at, grown.errors());
            *self.counters.get_or_insert_default() += grown;
        }
    }

    fn bar(&self) -> String {
        let ended = self.whole.len();
        let full = (ended as u64 * BAR as u64 / self.sessions) as usize;
        let (full, empty) = ("#".repeat(full), "-".repeat(BAR - full));
        format!("{} clients [{full}{empty}] {ended}/{}", self.clients, self.sessions)
    }
}
