//! The waits as a file in the trace-event format, which Perfetto and `chrome://tracing` open:
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>. The file
//! is one JSON array, in which the last `]` may be missing.

use crate::blocking::{thread_name, thread_number};
use std::io::{self, Seek, Write};
use std::{cell::Cell, ffi::OsStr, fs::File, process, sync::Mutex, time::Instant};

/// What the kernel adds to a file at once; every larger page is a multiple.
const PAGE: u64 = 4096;

/// A trace file that is being written.
pub struct Trace {
    start: Instant,
    /// Held only while an event is written.
    file: Mutex<File>,
}

impl Trace {
    /// Begins the array with an event of its own, so that every later one begins with a comma.
    pub fn create(path: &OsStr) -> io::Result<Trace> {
        let (mut file, pid) = (File::create(path)?, process::id());
        let args = r#""args":{"labels":"waits"}"#;
        write!(file, r#"[{{"name":"process_labels","ph":"M","pid":{pid},{args}}}"#)?;
        Ok(Trace { start: Instant::now(), file: Mutex::new(file) })
    }

    /// The event is written before the wait: the trace of a program that was stopped shows the
    /// calls in which it was waiting.
    pub fn begin(&self, call: &str) {
        self.write("B", call, "");
    }

    /// `waited` is the time, with its unit.
    pub fn end(&self, call: &str, waited: &str) {
        self.write("E", call, &format!(r#","args":{{"waited":"{waited}"}}"#));
    }

    /// A trace that cannot be written must not disturb what it traces.
    fn write(&self, phase: &str, call: &str, rest: &str) {
        let ts = self.start.elapsed().as_micros();
        let who = format!(r#""pid":{},"tid":{}"#, process::id(), thread_number());
        let event = format!(r#"{{"name":"{call}","ph":"{phase}","ts":{ts},{who}{rest}}}"#);
        let text = format!("{},\n{event}", new_thread(&who));
        if let Ok(mut file) = self.file.lock() {
            // not reported: it would be an event
            let at = file.stream_position().unwrap_or(0);
            let _ = file.write_all(on_one_page(at, &text).as_bytes()); // not reported: the same
        }
    }
}

/// The event that gives this thread its name, once for each thread.
fn new_thread(who: &str) -> String {
    thread_local!(static NAMED: Cell<bool> = const { Cell::new(false) });
    if NAMED.replace(true) {
        return String::new();
    }
    let args = format!(r#""args":{{"name":"{}"}}"#, thread_name().replace(['"', '\\'], "'"));
    format!(",\n{{\"name\":\"thread_name\",\"ph\":\"M\",{who},{args}}}")
}

/// The text, with spaces in front where it would cross the end of a page of the file: a viewer
/// that reads the file while it grows may find it to end there, after half an event.
fn on_one_page(at: u64, text: &str) -> String {
    let room = (PAGE - at % PAGE) as usize;
    let pad = if text.len() > room { room } else { 0 };
    format!("{:pad$}{text}", "")
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
}
