//! What becomes of a program whose stdout takes no more, shown with the example `threads`: four
//! threads that print.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may fail

use checks::stage::kernel::look_until;
use std::{
    env,
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// Cargo puts the examples next to the folder of this test's own executable.
fn threads() -> Command {
    let examples = env::current_exe().unwrap().parent().unwrap().join("../examples");
    let mut threads = Command::new(examples.join("threads"));
    threads.args(["--count", "1", "--pause", "0"]);
    threads
}

#[test]
fn a_full_disk_ends_the_program_with_a_line_that_says_so() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = threads().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let why = "threads: cannot write to stdout: No space left on device\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), why);
}

#[test]
fn a_closed_stdout_ends_it_quietly() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let output = threads().stdout(OwnedFd::from(theirs)).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}

/// One thread waits in `write`, because stdout is full, and the three others wait for that one:
/// the trace shows four waits that have begun and not ended.
#[test]
fn a_thread_that_waits_for_stdout_has_an_open_wait_in_the_trace() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    fill(&mut theirs);
    let trace = env::temp_dir().join(format!("stdout-{}.json", std::process::id()));
    let mut program = threads()
        .env("BLOCKING", &trace)
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    let waits = ["join", "write", "lock", "lock", "lock"];
    let (found, expected) = (until(&trace, &waits), sorted(&waits));
    thread::spawn(move || drop(ours.read_to_end(&mut Vec::new())));
    let ended = program.wait().unwrap();
    fs::remove_file(trace).unwrap();
    assert_eq!(found, expected);
    assert!(ended.success());
}

/// Until it takes nothing more, though it would block then.
fn fill(stdout: &mut UnixStream) {
    stdout.set_nonblocking(true).unwrap();
    loop {
        match stdout.write(&[b'x'; 4096]) {
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => panic!("{e}"),
        }
    }
    stdout.set_nonblocking(false).unwrap();
}

/// The calls that have begun and not ended, as soon as they are these ones, or after a while.
fn until(trace: &Path, calls: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    look_until(Duration::from_secs(20), || {
        found = open(&fs::read_to_string(trace).unwrap_or_default());
        found == sorted(calls)
    });
    found
}

/// Each event is a line: `{"name":"write","ph":"B","ts":12,"pid":1,"tid":2}`.
fn open(trace: &str) -> Vec<String> {
    let mut open: Vec<(&str, &str)> = Vec::new();
    for event in trace.lines() {
        let value = |key| event.split_once(key)?.1.split([',', '"', '}']).next();
        let (Some(call), Some(thread)) = (value("\"name\":\""), value("\"tid\":")) else {
            continue;
        };
        match value("\"ph\":\"") {
            Some("B") => open.push((call, thread)),
            Some("E") => open.retain(|wait| *wait != (call, thread)),
            _ => {}
        }
    }
    sorted(&open.iter().map(|(call, _)| *call).collect::<Vec<_>>())
}

fn sorted(calls: &[&str]) -> Vec<String> {
    let mut calls: Vec<_> = calls.iter().map(|call| call.to_string()).collect();
    calls.sort();
    calls
}
