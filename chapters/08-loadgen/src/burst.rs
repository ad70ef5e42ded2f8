//! Many clients at the same moment, and what came of them.

use crate::{
    kernel::{self, Counters},
    session::{self, Outcome, Task},
};
use common::{Context, Error, blocking, progress};
use std::{
    io,
    sync::{
        Arc, Barrier, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The stack of a client's thread, in bytes. std would set 2 MiB aside for each.
const STACK: usize = 128 * 1024;

/// How often the watcher looks.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(20);

/// Everything that is known about one number of clients.
pub struct Step {
    pub clients: usize,
    pub sessions: Vec<Outcome>,
    /// When the first session began, and how long it was to the end of the last one.
    pub start: Instant,
    pub time: Duration,
    pub samples: Vec<Sample>,
    /// What the kernel counted meanwhile, if it says so.
    pub counted: Option<Counters>,
}

/// How many bytes and TCP errors there had been at some time after the start.
pub struct Sample {
    pub at: Duration,
    pub bytes: u64,
    pub errors: u64,
}

type Client = JoinHandle<Vec<Outcome>>;

/// What the clients share with each other, and with the thread that watches them.
struct Shared {
    task: Arc<Task>,
    /// Where the clients wait for each other before each round.
    barrier: Barrier,
    start: OnceLock<Instant>,
    bytes: AtomicU64,
    ended: AtomicUsize,
}

/// Runs that many clients at once, as often as the task says.
pub fn run(clients: usize, task: &Arc<Task>) -> Result<Step, Error> {
    let shared = Arc::new(Shared {
        task: Arc::clone(task),
        barrier: Barrier::new(clients),
        start: OnceLock::new(),
        bytes: AtomicU64::new(0),
        ended: AtomicUsize::new(0),
    });
    let before = kernel::read();
    let (running, over) = mpsc::channel();
    let client = |number| start(number, &shared, running.clone());
    // Fewer clients would be another measurement. Those that did start wait at the barrier and
    // end with the program; scoped threads would keep us waiting for them.
    let threads = (1..=clients).map(client).collect::<io::Result<Vec<_>>>();
    let threads = threads.context(format_args!("cannot start {clients} threads"))?;
    drop(running);
    let samples = watch(&shared, clients, &over);
    let outcomes = threads.into_iter().map(|client| blocking("join", || client.join()));
    let sessions: Vec<Outcome> = outcomes.flatten().flatten().collect();
    let counted = before.zip(kernel::read()).map(kernel::grown);
    let start = shared.start.get().copied().unwrap_or_else(Instant::now);
    let time = sessions.iter().map(|s| s.begun + s.whole - start).max().unwrap_or_default();
    Ok(Step { clients, sessions, start, time, samples, counted })
}

/// Starts a client, which returns what came of its sessions. It never sends anything on the
/// channel, but it drops its sender when it has ended.
fn start(number: usize, shared: &Arc<Shared>, running: Sender<()>) -> io::Result<Client> {
    let shared = Arc::clone(shared);
    let client = thread::Builder::new().name(format!("client {number}")).stack_size(STACK);
    client.spawn(move || {
        let mut outcomes = Vec::new();
        for _ in 0..shared.task.options.rounds {
            // Blocks until all clients are here. The last one to arrive lets all of them go.
            blocking("wait", || shared.barrier.wait());
            shared.start.get_or_init(Instant::now);
            outcomes.push(session::run(&shared.task, &shared.bytes));
            shared.ended.fetch_add(1, Relaxed);
        }
        drop(running);
        outcomes
    })
}

/// Checks the progress now and then, until all clients have dropped their senders.
fn watch(shared: &Shared, clients: usize, over: &Receiver<()>) -> Vec<Sample> {
    let sessions = clients * shared.task.options.rounds as usize;
    let mut errors = kernel::read().map_or(0, kernel::errors);
    let mut samples = vec![Sample { at: Duration::ZERO, bytes: 0, errors }];
    loop {
        let ended = shared.ended.load(Relaxed);
        let bar = "#".repeat(40 * ended / sessions);
        progress(format_args!("[{bar:-<40}] {ended}/{sessions}"));
        // Blocks until the last client has ended, but no longer than until the next look.
        let waited = blocking("recv", || over.recv_timeout(SAMPLE_EVERY));
        let at = shared.start.get().map_or(Duration::ZERO, Instant::elapsed);
        errors = kernel::read().map_or(errors, kernel::errors); // no descriptor: no news
        samples.push(Sample { at, bytes: shared.bytes.load(Relaxed), errors });
        if waited == Err(RecvTimeoutError::Disconnected) {
            progress("");
            return samples;
        }
    }
}
