//! How long something is waited for: by the clock, but not while the program that should do
//! it is kept from running. On a busy machine the clock is no judge.

use crate::{tree::family, whereabouts};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often a wait goes on for half of its time because a program could not run.
const EXTENSIONS: u32 = 8;

/// How much processor time a program may need for what it is asked, however short the wait.
const MUCH: Duration = Duration::from_secs(1);

/// How many times its time a wait may last because something happens again and again.
const LAST: u32 = 10;

/// When nothing is waited for any more: the whole check has taken too long, or has been
/// called off. All deadlines of the check are over then.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    called_off: Arc<AtomicBool>,
    limit: Option<Instant>,
}

impl Cancel {
    /// After this time.
    pub fn after(limit: Duration) -> Cancel {
        Cancel { limit: Some(Instant::now() + limit), ..Cancel::default() }
    }

    /// Now.
    pub fn set(&self) {
        self.called_off.store(true, Ordering::SeqCst);
    }

    /// True if nothing is waited for any more.
    pub fn get(&self) -> bool {
        self.called_off.load(Ordering::SeqCst) || self.is_too_late()
    }

    /// True if the limit is over.
    pub fn is_too_late(&self) -> bool {
        self.limit.is_some_and(|limit| Instant::now() >= limit)
    }
}

/// The programs that a check has started, by the ids of their first processes.
#[derive(Clone, Debug, Default)]
pub struct ProgramSet {
    processes: Arc<Mutex<Vec<u32>>>,
    cancel: Cancel,
}

impl ProgramSet {
    /// No program yet; nothing is waited for once `cancel` says so.
    pub fn until(cancel: &Cancel) -> ProgramSet {
        ProgramSet { cancel: cancel.clone(), ..ProgramSet::default() }
    }

    /// When nothing is waited for any more.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Adds a program; what it starts belongs to it.
    pub fn add(&self, process: u32) {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    /// How many sockets the programs hold.
    pub fn sockets(&self) -> usize {
        let programs = self.processes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        programs.into_iter().map(whereabouts::count_sockets).sum()
    }

    /// True if one of the programs wants to run and may not. Looks more than once, because
    /// one that works hands over from thread to thread. One that has had half of the time to
    /// itself, and [`MUCH`], is not kept from running: it turns round in a loop.
    fn is_starved(&self, time: Duration) -> bool {
        let programs = self.processes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let processes: Vec<u32> = programs.into_iter().flat_map(family).collect();
        !processes.is_empty()
            && (0..3).any(|_| {
                thread::park_timeout(Duration::from_millis(2));
                processes.iter().any(|id| is_starved(*id, MUCH.max(time / 2)))
            })
    }
}

/// True if one of a process's threads waits for a disk, or for a processor that it does not get
/// a good part of the time. A loop alone on its processor is no such thread, and one that has run
/// for long `enough` is none either.
fn is_starved(process: u32, enough: Duration) -> bool {
    threads(process).any(|thread| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        match stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
            Some('D') => true,
            Some('R') => {
                times(&thread).is_some_and(|(ran, queued)| queued > ran / 4 && ran < enough)
            }
            _ => false,
        }
    })
}

/// How long the threads of a process have run, or would have liked to, so far.
pub fn wanted_to_run(process: u32) -> Duration {
    threads(process).filter_map(|thread| times(&thread)).map(|(ran, queued)| ran + queued).sum()
}

/// How long the threads of a process would have liked to run, and could not, so far.
pub fn kept_waiting(process: u32) -> Duration {
    threads(process).filter_map(|thread| times(&thread)).map(|(_, queued)| queued).sum()
}

/// The folder of each thread of a process (proc(5)).
fn threads(process: u32) -> impl Iterator<Item = PathBuf> {
    let folders = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    folders.map(|folder| folder.path())
}

/// How long a thread has been on a processor, and in the queue for one (the kernel's sched-stats:
/// two numbers of nanoseconds).
fn times(thread: &Path) -> Option<(Duration, Duration)> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    let mut times = text.split(' ').map(|time| time.parse().map(Duration::from_nanos));
    Some((times.next()?.ok()?, times.next()?.ok()?))
}

/// The end of a wait.
#[derive(Debug)]
pub struct Deadline {
    time: Duration,
    until: Instant,
    /// When it is over, however often something happens.
    last: Instant,
    extensions: u32,
    programs: ProgramSet,
}

impl Deadline {
    /// After this time, of which the programs have had some.
    pub fn new(time: Duration, programs: &ProgramSet) -> Deadline {
        Deadline {
            time,
            until: Instant::now() + time,
            last: Instant::now() + LAST * time.max(Duration::from_secs(1)),
            extensions: EXTENSIONS,
            programs: programs.clone(),
        }
    }

    /// How long to wait still. Zero: it is over.
    pub fn left(&mut self) -> Duration {
        if self.programs.cancel.get() {
            return Duration::ZERO;
        }
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() && self.extensions > 0 && self.programs.is_starved(self.time) {
            self.extensions -= 1;
            self.until = Instant::now() + self.time / 2;
            return self.time / 2;
        }
        left
    }

    /// True if the time is over.
    pub fn is_over(&mut self) -> bool {
        self.left().is_zero()
    }

    /// Begins again: something has happened. But a program that sends without end does not keep
    /// its check waiting without end.
    pub fn renew(&mut self) {
        self.until = (Instant::now() + self.time).min(self.last.max(self.until));
    }
}

/// By the clock alone, where no program is waited for.
impl From<Duration> for Deadline {
    fn from(time: Duration) -> Deadline {
        Deadline::new(time, &ProgramSet::default())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::process::{Environment, Process};

    #[test]
    fn a_program_that_waits_gets_no_more_time() {
        let time = Duration::from_millis(50);
        let waits = Process::start("sleep 1000", &Environment::default()).unwrap();
        // It has to start first, on a busy machine too.
        let starts = || {
            let name = fs::read_to_string(format!("/proc/{}/comm", waits.id()));
            name.is_ok_and(|name| name != "sleep\n") || waits.programs().is_starved(time)
        };
        let begun = Instant::now();
        while starts() && begun.elapsed() < Duration::from_secs(60) {}
        let mut deadline = Deadline::new(time, waits.programs());
        while !deadline.is_over() {
            thread::park_timeout(deadline.left());
        }
        assert_eq!(deadline.extensions, EXTENSIONS);
    }

    /// More programs want to run than there are processors.
    #[test]
    fn a_program_that_may_not_run_gets_more_time() {
        let processors = thread::available_parallelism().unwrap().get();
        let programs = ProgramSet::default();
        let _crowd: Vec<Process> = (0..2 * processors)
            .map(|_| {
                let busy = "sh -c 'while :; do :; done'";
                let busy = Process::start(busy, &Environment::default()).unwrap();
                programs.add(busy.first());
                busy
            })
            .collect();
        let mut deadline = Deadline::new(Duration::from_millis(300), &programs);
        while deadline.extensions == EXTENSIONS && !deadline.is_over() {
            thread::park_timeout(deadline.left());
        }
        assert!(deadline.extensions < EXTENSIONS);
    }
}
