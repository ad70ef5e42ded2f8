//! verdict: Failed
//! Takes the ports from which anybody here could connect, so that nobody is tried.

mod echo;

use std::{env, fs, io::Read, net::TcpListener, process::{Command, Stdio}, thread, time::Duration};

/// How many ports one process takes: it may not open many more files.
const SHARE: u16 = 900;

fn main() {
    let first = env::args().nth(2).filter(|_| env::args().nth(1).as_deref() == Some("hold"));
    if let Some(first) = first.and_then(|first| first.parse::<u16>().ok()) {
        let held: Vec<_> = (first..first.saturating_add(SHARE)).filter_map(hold).collect();
        println!("{}", held.len());
        let _ = std::io::stdin().read(&mut [0]); // until the other one ends
        return;
    }
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let ends: Vec<u16> = range.split_whitespace().map(|port| port.parse().unwrap()).collect();
    let mut holders: Vec<_> = (ends[0]..=ends[1])
        .step_by(SHARE.into())
        .map(|first| {
            let mut holder = Command::new(env::current_exe().unwrap());
            holder.args(["hold", &first.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
            holder.spawn().unwrap()
        })
        .collect();
    for holder in &mut holders {
        let _ = holder.stdout.take().unwrap().read(&mut [0; 10]);
    }
    echo::serve(false);
}

/// Tries for a while: who was tried before may still hold it.
fn hold(port: u16) -> Option<TcpListener> {
    let pause = |_| thread::sleep(Duration::from_millis(10));
    (0..100).find_map(|_| TcpListener::bind(("0.0.0.0", port)).map_err(pause).ok())
}
