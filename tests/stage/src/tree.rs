//! All that a run has started, wherever it has hidden: found by its parents, or by a mark in its
//! environment, and ended.

use crate::{cgroup, shell::SHELL};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// The variable that marks every process of a run, also those that left its process group.
pub(crate) const MARK: &str = "PLAIN_SOCKETS_RUN";

/// Ends what this run has started when the run itself is ended, by Ctrl-C for example: then
/// nothing is dropped any more. A shell waits for the end of a pipe that only we hold open,
/// and kills every process that carries a mark of ours.
pub(crate) fn guard() {
    const SCRIPT: &str = r#"trap "" HUP INT TERM; read -r _
        for group in "$2"*; do
            [ -d "$group" ] && echo 1 > "$group/cgroup.kill"
            for n in 1 2 3 4 5 6 7 8 9; do
                rmdir "$group"/*/ "$group"; [ -d "$group" ] || break; sleep 0.1
            done
        done
        grep -lsF "$1" /proc/[0-9]*/environ |
        while IFS=/ read -r _ _ id _; do kill -s KILL "$id"; done"#;
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.is_none() {
        let mark = format!("{MARK}={}-", std::process::id());
        let mut sh = Command::new(SHELL);
        let groups = cgroup::all().unwrap_or_else(|| PathBuf::from("/nowhere/"));
        sh.args(["-c", SCRIPT, "sh", &mark]).arg(groups).stdin(Stdio::piped());
        *guard = sh.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok();
    }
}

/// The shell that [`guard`] has started.
static GUARD: Mutex<Option<Child>> = Mutex::new(None);

/// What a run does at its end: it waits for its guard, which would be nobody's child otherwise,
/// and stay a zombie where the first process does not look after such.
pub fn finish() {
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut guard) = guard {
        drop(guard.stdin.take());
        let _ = guard.wait();
    }
}

/// Sends a signal to processes (`"12"`) and process groups (`"-12"`); that one is gone already
/// is no error.
pub(crate) fn signal(name: &str, targets: impl IntoIterator<Item = String>) {
    let _ = Command::new(SHELL)
        .args(["-c", r#"kill -s "$@""#, "sh", name, "--"])
        .args(targets)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// A process and all that descend from it.
pub(crate) fn family(id: u32) -> Vec<u32> {
    let mut family = vec![id];
    let mut next = 0;
    while let Some(id) = family.get(next) {
        family.extend(children(*id));
        next += 1;
    }
    family
}

/// The children of a process, whichever of its threads has started them.
pub(crate) fn children(id: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|ids| {
            ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()
        })
        .collect()
}

/// The ids of all processes that carry the mark, wherever they have hidden.
pub(crate) fn marked(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        .filter(|id| {
            File::open(format!("/proc/{id}/environ")).is_ok_and(|all| {
                let mut variables = BufReader::new(all).split(0).map_while(Result::ok);
                variables.any(|variable| variable == wanted)
            })
        })
        .collect()
}
