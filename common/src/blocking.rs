//! Makes waiting visible: `BLOCKING=1` on stderr, `BLOCKING=FILE.json` as a trace.

use crate::{cause, note, printable, trace::Trace};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use std::{env, thread};

/// Makes the call `wait`, which may block, and says afterwards who waited in it and for how
/// long, if the environment asks for that. `call` is the call's name in the field: `accept`,
/// `connect`, `read`, `write`, `recv_from`, `lock`, `sleep` …
///
/// Without `BLOCKING` this costs one atomic load.
pub fn blocking<T>(call: &'static str, wait: impl FnOnce() -> T) -> T {
    static REPORT: OnceLock<Option<Report>> = OnceLock::new();
    let Some(report) = REPORT.get_or_init(asked_for) else { return wait() };
    if let Report::File(trace) = report {
        trace.begin(call);
    }
    let begun = Instant::now();
    let result = wait();
    let waited = readable(begun.elapsed());
    match report {
        Report::Stderr => {
            note(format!("blocking: {} waited {waited} in {call}", thread_name()))
        }
        Report::File(trace) => trace.end(call, &waited),
    }
    result
}

/// Locks what several threads share. Blocks while another thread holds the lock; a lock that is
/// free is no wait, so it is not marked as one. What a panicked thread left is taken as it is.
pub fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    match shared.try_lock() {
        Err(TryLockError::WouldBlock) => blocking("lock", || shared.lock()),
        Err(TryLockError::Poisoned(left)) => Err(left),
        Ok(free) => Ok(free),
    }
    .unwrap_or_else(PoisonError::into_inner)
}

/// Where the waits are told.
enum Report {
    Stderr,
    File(Trace),
}

fn asked_for() -> Option<Report> {
    let file = env::var_os("BLOCKING").filter(|file| !file.is_empty() && file != "0")?;
    if file == "1" {
        return Some(Report::Stderr);
    }
    let name = file.to_string_lossy();
    let failed = |e| note(format_args!("cannot write the trace {name}: {}", cause(&e)));
    Trace::create(&file).map(Report::File).map_err(failed).ok()
}

/// The number in std's `ThreadId(1)`, which the main thread has.
pub fn thread_number() -> String {
    format!("{:?}", thread::current().id()).chars().filter(char::is_ascii_digit).collect()
}

pub fn thread_name() -> String {
    let name = thread::current().name().map(printable);
    name.unwrap_or_else(|| format!("thread {}", thread_number()))
}

/// A time with its unit: `12.3 ms`.
fn readable(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s >= 1.0 => format!("{s:.3} s"),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} us", s * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_unit() {
        let micros = |n| readable(Duration::from_micros(n));
        assert_eq!([micros(7), micros(1500), micros(2_000_000)], ["7 us", "1.5 ms", "2.000 s"]);
    }
}
