//! What a program behind a wall may use. Outside, nothing is counted: it is the user's own.

use crate::{
    cgroup::{Bounds, Cgroup},
    process::Shared,
    tree::{family, signal},
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    sync::{Arc, PoisonError},
    thread,
    time::Duration,
};

/// How much all processes of a program may use together. The wall bounds their number too.
pub const BOUNDS: Bounds = Bounds { memory: 1 << 30, processes: 1500 };

/// How many bytes it may print, beyond what is kept.
const OUTPUT: u64 = 1 << 30;

/// How often that is looked at. The kernel tells nobody: it can only be asked.
const PACE: Duration = Duration::from_millis(100);

/// Ends the program whose wall is the process `id` when it takes more than its share.
pub(crate) fn watch(id: u32, group: Option<Arc<Cgroup>>, heard: Shared) {
    thread::spawn(move || {
        let (state, changed) = &*heard;
        let is_bounded = group.is_some() && crate::cgroup::has_bounds();
        loop {
            let is_too_large = match &group {
                Some(group) if is_bounded => group.was_too_large(),
                _ => memory(id) > BOUNDS.memory,
            };
            let excess = is_too_large.then_some("it used more than 1 GiB of memory");
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut state, _) = changed
                .wait_timeout_while(state, PACE, |heard| heard.exit().is_none())
                .unwrap_or_else(PoisonError::into_inner);
            let flood = (state.dropped > OUTPUT).then_some("it printed more than 1 GiB");
            state.excess = state.excess.or(excess).or(flood);
            if state.exit().is_some() {
                return;
            }
            if state.excess.is_some() {
                group.inspect(|group| group.kill());
                return signal("KILL", [format!("-{id}")]);
            }
        }
    });
}

/// The memory of a process and all that descend from it, in bytes: what can be seen of it from
/// outside. What waits in pipes and sockets cannot.
fn memory(id: u32) -> u64 {
    let family = family(id);
    let sum = |file: &str, name: &str| -> u64 {
        family.iter().map(|id| kibibytes(&format!("/proc/{id}/{file}"), name) * 1024).sum()
    };
    let files = files_in_memory(&family);
    // What a fork shares with its parent is counted for both: cheap, and often enough.
    let most = sum("status", "RssAnon:") + sum("status", "RssShmem:") + files;
    if most <= BOUNDS.memory {
        return most;
    }
    sum("smaps_rollup", "Pss_Anon:") + sum("smaps_rollup", "Pss_Shmem:").max(files)
}

/// The number of a line `NAME: … kB` of a file.
fn kibibytes(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut named = text.lines().filter_map(|line| line.strip_prefix(name));
    named.find_map(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// How many bytes are in files without a name that these processes have open (memfd_create(2)):
/// no process maps them, so they are none's.
fn files_in_memory(family: &[u32]) -> u64 {
    let mut files = BTreeMap::new();
    for id in family {
        for file in fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten().flatten() {
            let is_memory =
                |to: std::path::PathBuf| to.to_string_lossy().starts_with("/memfd:");
            if fs::read_link(file.path()).is_ok_and(is_memory) {
                if let Ok(meta) = fs::metadata(file.path()) {
                    files.insert((meta.dev(), meta.ino()), meta.blocks() * 512);
                }
            }
        }
    }
    files.values().sum()
}
