//! Where a program is: in which call each of its threads waits, on which ports it listens, what
//! it has said last. It is what a person would ask the kernel when nothing comes.

use crate::{kernel, tree::family};
use std::{collections::BTreeSet, fs, path::Path};

const RUNS: &str = "runs";

/// In which calls the threads of a program and of all that it has started wait, as a clause:
/// `its thread waits in accept`. `None` where the kernel does not tell.
pub fn of(first: u32) -> Option<String> {
    let mut calls: Vec<(String, usize)> = Vec::new();
    for call in family(first).into_iter().filter(|id| !is_scaffold(*id)).flat_map(calls_of) {
        match calls.iter_mut().find(|(known, _)| *known == call) {
            Some((_, count)) => *count += 1,
            None => calls.push((call, 1)),
        }
    }
    match calls.as_slice() {
        [] => None,
        [(call, 1)] => Some(format!("its thread {call}")),
        [(call, count)] => Some(format!("its {count} threads: each {call}")),
        calls => {
            const MOST: usize = 4;
            let threads: usize = calls.iter().map(|(_, count)| count).sum();
            let each = calls.iter().take(MOST).map(|(call, count)| format!("{count} {call}"));
            let each = each.collect::<Vec<_>>().join(", ");
            let more = if calls.len() > MOST { ", …" } else { "" };
            Some(format!("its {threads} threads: {each}{more}"))
        }
    }
}

/// True if one of its threads runs, or waits for a processor.
pub fn wants_to_run(first: u32) -> bool {
    let programs = family(first).into_iter().filter(|id| !is_scaffold(*id));
    programs.flat_map(calls_of).any(|call| call == RUNS)
}

/// The TCP ports on which the program listens, in order.
pub fn listening_ports(first: u32) -> Vec<u16> {
    let held: BTreeSet<u64> = family(first).into_iter().flat_map(sockets).collect();
    let ours = kernel::listeners().filter(|socket| held.contains(&socket.inode));
    ours.map(|socket| socket.local_port).collect::<BTreeSet<_>>().into_iter().collect()
}

/// How many sockets a program holds.
pub fn count_sockets(first: u32) -> usize {
    family(first).into_iter().map(|id| sockets(id).count()).sum()
}

/// The inodes of the sockets that a process holds (proc(5): its descriptors are links, and a
/// socket's reads `socket:[4558784]`).
fn sockets(process: u32) -> impl Iterator<Item = u64> {
    let held = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    held.filter_map(|entry| {
        let link = fs::read_link(entry.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    })
}

/// True for what the grader puts in front of a program: a shell, a wall.
fn is_scaffold(process: u32) -> bool {
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    matches!(name.trim_end(), "sh" | "dash" | "bash" | "bwrap" | "setpriv" | "stdbuf" | "nice")
}

fn calls_of(process: u32) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| call_of(&thread.path())).collect()
}

/// What a thread does: from its state, and from the function of the kernel in which it sleeps.
fn call_of(thread: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(thread.join(file)).unwrap_or_default();
    let stat = read("stat");
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    if state == 'R' {
        return Some(RUNS.to_string());
    }
    let sleeps_in = read("wchan");
    let call = known(sleeps_in.trim())?;
    // A read from a pipe is one from stdin where the call's first argument, the descriptor, is 0.
    let syscall = read("syscall");
    let descriptor = syscall.split_whitespace().nth(1);
    Some(match (call, descriptor) {
        ("waits in read, on a pipe", Some("0x0")) => "waits in read, on its stdin".to_string(),
        ("waits in write, on a pipe", Some("0x1")) => {
            "waits in write, on its stdout".to_string()
        }
        _ => call.to_string(),
    })
}

/// What a program waits for that sleeps in this function of Linux.
fn known(function: &str) -> Option<&'static str> {
    const KNOWN: [(&[&str], &str); 10] = [
        (&["inet_csk_accept"], "waits in accept"),
        (&["inet_wait_for_connect", "inet_stream_connect"], "waits in connect"),
        (&["sk_wait_data", "wait_woken", "tcp_recvmsg"], "waits in read, on a socket"),
        (&["skb_wait_for_more_packets"], "waits in recv_from, for a datagram"),
        (&["sk_stream_wait_memory"], "waits in write, on a socket that nobody reads"),
        (&["pipe_read"], "waits in read, on a pipe"),
        (&["pipe_write"], "waits in write, on a pipe"),
        (&["futex"], "waits for a lock or another thread"),
        (&["poll", "do_select", "sys_select"], "waits for one of several things (poll)"),
        (&["nanosleep"], "sleeps"),
    ];
    let fits = |names: &[&str]| names.iter().any(|name| function.contains(name));
    KNOWN.iter().find(|(names, _)| fits(names)).map(|(_, call)| *call)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::process::{Environment, Process};
    use std::{net::TcpListener, time::Duration};

    #[test]
    fn functions_of_the_kernel_are_calls() {
        assert_eq!(known("inet_csk_accept"), Some("waits in accept"));
        assert_eq!(known("futex_wait_queue"), Some("waits for a lock or another thread"));
        assert_eq!(known("anon_pipe_read"), Some("waits in read, on a pipe"));
        assert_eq!(known("0"), None);
    }

    #[test]
    fn a_program_that_reads_its_input_waits_there() {
        let cat = Process::start("cat", &Environment::default()).unwrap();
        let expected = Some("its thread waits in read, on its stdin".to_string());
        kernel::look_until(Duration::from_secs(20), || of(cat.first()) == expected);
        assert_eq!(of(cat.first()), expected);
    }

    #[test]
    fn the_ports_of_a_program_are_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listening_ports(std::process::id()).contains(&port));
    }
}
