//! Faults that the chapter's checks do not look for, because they are of our programs alone.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // helpers of tests may fail

use assert_cmd::Command;
use std::{env, net::UdpSocket, thread, time::Duration};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where cargo put an example: beside the folder of this test's own executable.
fn example(name: &str) -> Command {
    let path = env::current_exe().unwrap().parent().unwrap().join("../examples").join(name);
    assert!(path.exists(), "{} is not built: run `cargo build --examples`", path.display());
    Command::new(path)
}

/// A program that has run to its end: what it printed, and what it said about that.
fn outcome(mut program: Command, arguments: &str) -> (String, String) {
    let done = program.args(arguments.split(' ')).timeout(PATIENCE).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(done.stdout), text(done.stderr))
}

/// A server for one request at one of this machine's addresses, and its port. `None` where the
/// machine does not have that address.
fn server_for_one(address: &str) -> Option<u16> {
    let socket = UdpSocket::bind((address, 0)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let (_, client) = socket.recv_from(&mut [0; 64]).unwrap();
        socket.send_to(b"now", client).unwrap();
    });
    Some(port)
}

#[test]
fn a_host_without_an_address_of_its_own_is_this_machine() {
    for (host, address) in [("0.0.0.0", "127.0.0.1"), ("::", "::1")] {
        let Some(port) = server_for_one(address) else { continue };
        let client = Command::new(env!("CARGO_BIN_EXE_udp-datetime"));
        let (printed, said) = outcome(client, &format!("{host} {port} --count 1"));
        assert_eq!(printed, "now\n", "{said}");
    }
}

#[test]
fn retry_client_says_what_a_timeout_is() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let arguments = format!("127.0.0.1 {port} --timeout 0.05");
    let (printed, said) = outcome(example("retry_client"), &arguments);
    assert_eq!(printed, "");
    let tries = "no answer within 50ms\n".repeat(3);
    let expected = format!("{tries}warning: no answer from 127.0.0.1:{port}: asked 3 times\n");
    assert_eq!(said, expected);
}
