//! Faults that the chapter's checks do not look for, because they are of our programs alone.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests may fail

use std::{
    env,
    fs::OpenOptions,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that is killed when the test ends.
struct Server {
    child: Child,
    stderr: Option<BufReader<ChildStderr>>,
    port: u16,
}

impl Server {
    fn start(program: &Path, arguments: &[&str], stdout: Stdio) -> Server {
        let mut command = Command::new(program);
        command.args(arguments).stdout(stdout).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut banner = String::new();
        stderr.read_line(&mut banner).unwrap();
        let port = banner.trim().rsplit_once(':').unwrap().1.parse().unwrap();
        Server { child, stderr: Some(stderr), port }
    }

    /// What it says on stderr until it ends, which must be soon, and its exit status.
    fn ends(&mut self) -> (String, Option<i32>) {
        let mut stderr = self.stderr.take().unwrap();
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            tell.send(said)
        });
        let said = heard.recv_timeout(PATIENCE).expect("the server goes on");
        (said, self.child.wait().unwrap().code())
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each of the three programs that print what their clients ask.
fn servers() -> [(PathBuf, &'static [&'static str], &'static str); 3] {
    let examples = env::current_exe().unwrap().parent().unwrap().join("../examples");
    [
        (env!("CARGO_BIN_EXE_calculator").into(), &["server", "0"], "Ada\n1 + 1\n"),
        (examples.join("remembering"), &["0"], "Ada\n1 + 1\n"),
        (examples.join("stateless"), &["0"], "Ada 1 + 1\n"),
    ]
}

#[test]
fn a_full_disk_behind_stdout_ends_the_server_and_not_one_client() {
    for (program, arguments, request) in servers() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut server = Server::start(&program, arguments, full.into());
        server.connect().write_all(request.as_bytes()).unwrap();
        let (said, status) = server.ends();
        assert!(said.contains("cannot write to stdout: No space left on device"), "{said}");
        assert_eq!(status, Some(1), "{said}");
    }
}

#[test]
fn a_closed_stdout_ends_the_server_quietly() {
    for (program, arguments, request) in servers() {
        let mut server = Server::start(&program, arguments, Stdio::piped());
        drop(server.child.stdout.take());
        server.connect().write_all(request.as_bytes()).unwrap();
        let (said, status) = server.ends();
        assert!(!said.contains("stdout"), "{said}");
        assert_eq!(status, Some(0), "{said}");
    }
}

#[test]
fn a_request_may_end_as_telnet_ends_it_and_one_that_is_too_long_gets_an_answer() {
    for (program, arguments, request) in servers() {
        let server = Server::start(&program, arguments, Stdio::null());
        let mut client = server.connect();
        client.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
        client.write_all(&[b'1'; 70_000]).unwrap();
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap(); // until the close; a reset would be an error
        assert_eq!(heard, "2\nerror: line too long\n", "{}", program.display());
    }
}
