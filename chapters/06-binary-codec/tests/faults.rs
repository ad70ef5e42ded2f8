//! Faults that this program once had and that no check asks other programs about.
#![cfg(target_os = "linux")] // /dev/full
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may fail

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, which is gone with this value, and the lines of its stderr.
struct Server(Child, Receiver<String>);

impl Server {
    fn start(command: &mut Command) -> Server {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let (sender, notes) = mpsc::channel();
        let stderr = child.stderr.take().unwrap();
        thread::spawn(move || {
            BufReader::new(stderr).lines().for_each(|l| drop(sender.send(l.unwrap())))
        });
        Server(child, notes)
    }

    /// The next line on stderr. None: the server has ended.
    fn note(&self) -> Option<String> {
        match self.1.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("neither a line on stderr nor the end"),
        }
    }

    fn connect(&self) -> TcpStream {
        let banner = self.note().unwrap();
        let port = banner.rsplit_once(':').unwrap().1.parse().unwrap();
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The last line and the exit status of a server that is asked for something while `stdout` is
/// what it prints to.
fn end_with(stdout: impl Fn() -> Stdio, flags: &[&str]) -> (String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_binary-codec"));
    let mut server = Server::start(command.args(["encoder", "0"]).args(flags).stdout(stdout()));
    drop(server.0.stdout.take());
    let mut client = server.connect();
    client.write_all(b"\0\0\0\x02co").unwrap();
    let last = std::iter::from_fn(|| server.note()).last();
    (last.unwrap(), server.0.wait().unwrap().code())
}

#[test]
fn a_stdout_that_cannot_be_written_ends_the_program_and_not_one_session() {
    for flags in [&[][..], &["--multi-threaded"]] {
        let (last, status) = end_with(|| File::create("/dev/full").unwrap().into(), flags);
        let full = "binary-codec: cannot write to stdout: No space left on device";
        assert_eq!((last.as_str(), status), (full, Some(1)), "{flags:?}");
        // A reader that has gone away is no failure.
        let (last, status) = end_with(Stdio::piped, flags);
        assert!(last.starts_with("connected to ") && status == Some(0), "{last} {status:?}");
    }
}

#[test]
fn an_answer_that_would_be_too_long_is_not_written_first() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_binary-codec"));
    let server = Server::start(command.args(["encoder", "0"]).stdout(Stdio::null()));
    let mut client = server.connect();
    client.write_all(&[0, 16, 0, 0]).unwrap(); // a mebibyte, whose groups would be nine
    client.write_all(&[b'c'; 1 << 20]).unwrap();
    client.read_exact(&mut [0; 56]).unwrap();
    let status = format!("/proc/{}/status", server.0.id());
    let status = std::fs::read_to_string(status).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 10 * 1024, "{kib} KiB");
}

#[test]
fn varint_encoder_sends_no_answer_over_its_limit() {
    // Cargo puts an example beside the folder of this test's own executable.
    let folder = env::current_exe().unwrap().parent().unwrap().join("../examples");
    let mut example = Command::new(folder.join("varint_encoder"));
    let server = Server::start(example.arg("0"));
    let mut client = server.connect();
    // 120,000 letters, whose groups would be 1,079,999 bytes.
    client.write_all(&[0xc0, 0xa9, 0x07]).unwrap();
    client.write_all(&[b'c'; 120_000]).unwrap();
    let mut answer = [0; 53];
    client.read_exact(&mut answer).unwrap();
    let wanted = "\x34error: the answer would be longer than 1048576 bytes";
    assert_eq!(String::from_utf8_lossy(&answer), wanted);
}

#[test]
fn an_ipv6_address_to_listen_on_may_be_in_brackets() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_binary-codec"));
    let server = Server::start(command.args(["encoder", "0", "--bind", "[::1]"]));
    let said = server.note().unwrap(); // that it listens, or that this machine has no IPv6
    assert!(said.contains("on [::1]:"), "{said}");
}
