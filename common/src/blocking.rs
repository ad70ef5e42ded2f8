//! Makes waiting visible: `BLOCKING=1` on stderr, `BLOCKING=FILE.json` as a trace.

use crate::{cause, note, printable};
use std::{
    cell::Cell,
    env,
    fs::File,
    io::{self, Seek, Write},
    process,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Makes the call `wait`, which may block, and says afterwards who waited in it and for how
/// long, if the environment asks for that. `call` is the call's name in the field: `accept`,
/// `connect`, `read`, `write`, `recv_from`, `lock`, `sleep` …
///
/// Without `BLOCKING` this costs one atomic load.
pub fn blocking<T>(call: &'static str, wait: impl FnOnce() -> T) -> T {
    static TRACE: OnceLock<Option<Trace>> = OnceLock::new();
    let Some(trace) = TRACE.get_or_init(Trace::from_env) else { return wait() };
    let begun = trace.begin(call);
    let result = wait();
    trace.end(call, begun);
    result
}

/// What the kernel adds to a file at once; every larger page is a multiple.
const PAGE: u64 = 4096;

/// Where the waits are written to.
struct Trace {
    start: Instant,
    /// The trace file, or none for stderr. Held only while an event is written.
    file: Option<Mutex<File>>,
}

impl Trace {
    fn from_env() -> Option<Trace> {
        let target =
            env::var_os("BLOCKING").filter(|target| !target.is_empty() && target != "0")?;
        let start = Instant::now();
        if target == "1" {
            return Some(Trace { start, file: None });
        }
        match File::create(&target).and_then(begin_array) {
            Ok(file) => Some(Trace { start, file: Some(Mutex::new(file)) }),
            Err(e) => {
                note(format!(
                    "cannot write the trace {}: {}",
                    target.to_string_lossy(),
                    cause(&e)
                ));
                None
            }
        }
    }

    /// The event is written before the wait: the trace of a program that was stopped shows
    /// the calls in which it was waiting.
    fn begin(&self, call: &str) -> Instant {
        let begun = Instant::now();
        self.write(&self.event("B", call, begun, ""));
        begun
    }

    fn end(&self, call: &str, begun: Instant) {
        let waited = readable(begun.elapsed());
        if self.file.is_none() {
            note(format!("blocking: {} waited {waited} in {call}", thread_name()));
        }
        let args = format!(r#","args":{{"waited":"{waited}"}}"#);
        self.write(&self.event("E", call, Instant::now(), &args));
    }

    /// An event of the trace-event format's JSON array, in which the last `]` may be missing:
    /// <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.
    fn event(&self, phase: &str, call: &str, at: Instant, rest: &str) -> String {
        let ts = at.duration_since(self.start).as_micros();
        let who = who();
        format!(",\n{{\"name\":\"{call}\",\"ph\":\"{phase}\",\"ts\":{ts},{who}{rest}}}")
    }

    /// A trace that cannot be written must not disturb what it traces.
    fn write(&self, event: &str) {
        if let Some(Ok(mut file)) = self.file.as_ref().map(Mutex::lock) {
            let text = format!("{}{event}", new_thread());
            let at = file.stream_position().unwrap_or(0);
            let _ = file.write_all(on_one_page(at, &text).as_bytes());
        }
    }
}

/// The text, behind spaces where it would cross the end of a page of the file: who reads the
/// file while it grows may find it to end there, and half an event.
fn on_one_page(at: u64, text: &str) -> String {
    let room = (PAGE - at % PAGE) as usize;
    let pad = if text.len() > room { room } else { 0 };
    format!("{:pad$}{text}", "")
}

/// The array's opening and its first event, so that every later one begins with a comma.
fn begin_array(mut file: File) -> io::Result<File> {
    let pid = process::id();
    write!(
        file,
        r#"[{{"name":"process_labels","ph":"M","pid":{pid},"args":{{"labels":"waits"}}}}"#
    )?;
    Ok(file)
}

/// The event that gives this thread its name, once for each thread.
fn new_thread() -> String {
    thread_local!(static NAMED: Cell<bool> = const { Cell::new(false) });
    if NAMED.replace(true) {
        return String::new();
    }
    let name = thread_name().replace(['"', '\\'], "'");
    let who = who();
    format!(
        ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",{who},\"args\":{{\"name\":\"{name}\"}}}}"
    )
}

fn who() -> String {
    format!(r#""pid":{},"tid":{}"#, process::id(), thread_number())
}

/// Threads are numbered from 1 in the order of their first wait; std gives no number.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

fn thread_name() -> String {
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
    fn no_event_crosses_a_page() {
        assert_eq!(on_one_page(PAGE - 3, "abc"), "abc");
        assert_eq!(on_one_page(3 * PAGE - 2, "abc"), "  abc");
        assert_eq!(on_one_page(PAGE, "abc"), "abc");
    }

    #[test]
    fn a_time_has_its_unit() {
        let micros = |n| readable(Duration::from_micros(n));
        assert_eq!([micros(7), micros(1500), micros(2_000_000)], ["7 us", "1.5 ms", "2.000 s"]);
    }
}
