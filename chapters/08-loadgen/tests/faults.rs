//! Faults that this program and its examples once had and that no check asks other programs
//! about.
#![cfg(target_os = "linux")] // /proc
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may fail

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Output, Stdio},
    time::Duration,
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

fn loadgen(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen")).args(words).output().unwrap()
}

/// Cargo puts an example beside the folder of this test's own executable.
fn example(name: &str) -> Command {
    let folder = env::current_exe().unwrap().parent().unwrap().join("../examples");
    Command::new(folder.join(name))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    env::temp_dir().join(format!("loadgen-{}-{name}", process::id()))
}

#[test]
fn one_file_for_the_table_and_the_graph_is_wrong_usage() {
    let (folder, name) = (env::temp_dir(), file("both"));
    let again =
        format!("{}/./{}", folder.display(), name.file_name().unwrap().to_str().unwrap());
    let words = ["127.0.0.1", "1", "--csv", name.to_str().unwrap(), "--svg", &again];
    let done = loadgen(&words);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).starts_with("loadgen: --csv and --svg must be two files\n"));
    assert!(!name.exists());
    let done = loadgen(&["127.0.0.1", "1", "--csv", ""]); // one file, of no name
    assert!(text(&done.stderr).starts_with("loadgen: cannot write : "));
}

#[test]
fn a_host_that_is_not_found_costs_no_file_its_content() {
    let csv = file("kept");
    fs::write(&csv, "old").unwrap();
    let host = "x".repeat(300); // no name is as long, so no name server is asked
    let done = loadgen(&[&host, "1", "--csv", csv.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&csv).unwrap(), "old");
    fs::remove_file(csv).unwrap();
}

#[test]
fn sessions_that_were_refused_have_no_percentiles() {
    let csv = file("refused");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (port, csv_name) = (nobody.to_string(), csv.to_str().unwrap());
    loadgen(&["127.0.0.1", &port, "--clients", "5", "--csv", csv_name]);
    let table = fs::read_to_string(&csv).unwrap();
    assert!(table.contains("\n5,0,5,0,0,0,0,-,-,-,-,-,-,-,-,0,"), "{table}");
    fs::remove_file(csv).unwrap();
}

#[test]
fn arrivals_counts_those_who_waited_in_vain_and_says_so_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap(); // which never accepts
    let port = listener.local_addr().unwrap().port().to_string();
    let words = ["127.0.0.1", &port, "--rate", "100", "--clients", "3", "--timeout", "0.5"];
    let done = example("arrivals").args(words).output().unwrap();
    let (said, noted) = (text(&done.stdout), text(&done.stderr));
    let p50 = said.strip_prefix("0 of 3 served; since due, ms: p50 ").unwrap();
    let p50: f64 = p50.split(',').next().unwrap().parse().unwrap();
    assert!(p50 >= 500.0, "{said}");
    assert!(noted.starts_with("a session failed: timed out\n"), "{noted}");
}

/// A server, which is gone with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn limited_turns_clients_away_without_a_thread_for_each() {
    let mut limited = example("limited");
    let limited = limited.args(["0", "--limit", "1"]).stderr(Stdio::piped());
    let mut server = Server(limited.spawn().unwrap());
    let mut stderr = BufReader::new(server.0.stderr.take().unwrap());
    let mut banner = String::new();
    stderr.read_line(&mut banner).unwrap();
    let port = banner.trim_end().rsplit_once(':').unwrap().1.parse().unwrap();
    let first_line = |_| {
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = String::new();
        BufReader::new(&client).read_line(&mut line).unwrap();
        (line, client) // none of them closes
    };
    let clients: Vec<_> = (0..40).map(first_line).collect();
    let served = clients.iter().filter(|(line, _)| !line.starts_with("error: ")).count();
    assert_eq!(served, 1);
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
    let threads: usize = threads.trim().parse().unwrap();
    assert!(threads <= 3, "{threads} threads: one accepts, one closes, one serves");
}
