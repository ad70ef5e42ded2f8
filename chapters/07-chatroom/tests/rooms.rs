//! The rooms of this chapter from outside, where no check looks: what a program does whose
//! stderr is not read, how much one member may cost, and the examples.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests may fail

use assert_cmd::Command;
use std::{
    env,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{self, Child, Stdio},
    thread,
    time::Duration,
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// What two kernels and a room keep for a member who does not read, and more.
const MUCH: usize = 48 * 1024 * 1024;

/// Where cargo put a program: beside, or in a folder beside, this test's own executable.
fn path(name: &str) -> PathBuf {
    let folder = env::current_exe().unwrap().parent().unwrap().join("..");
    let name = if name == "chatroom" { name.to_string() } else { format!("examples/{name}") };
    folder.join(name)
}

/// A running room; dropping it ends it.
struct Room {
    program: Child,
    port: u16,
    stderr: BufReader<UnixStream>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.program.kill().unwrap();
        self.program.wait().unwrap();
    }
}

impl Room {
    /// Starts a room, and returns also the end of its stderr into which it writes.
    fn start(name: &str) -> (Room, UnixStream) {
        let (ours, its) = UnixStream::pair().unwrap();
        let stderr = OwnedFd::from(its.try_clone().unwrap());
        let mut command = process::Command::new(path(name));
        command.args((name == "chatroom").then_some("server")).arg("0");
        let program = command.stderr(Stdio::from(stderr)).spawn().unwrap();
        let (mut stderr, mut banner) = (BufReader::new(ours), String::new());
        stderr.read_line(&mut banner).unwrap();
        let port = banner.trim_end().rsplit_once(':').unwrap().1.parse().unwrap();
        (Room { program, port, stderr }, its)
    }

    /// A client that has said its name.
    fn member(&self, name: &str) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        (&stream).write_all(format!("{name}\n").as_bytes()).unwrap();
        BufReader::new(stream)
    }

    /// Members who have heard each other join.
    fn members<const N: usize>(&self, names: [&str; N]) -> [BufReader<TcpStream>; N] {
        let mut members = Vec::new();
        for name in names {
            members.push(self.member(name));
            for member in &mut members {
                until(member, &format!("{name} has joined"));
            }
        }
        members.try_into().unwrap()
    }
}

/// Everything that a member hears until a line that has these words in it.
fn until(member: &mut BufReader<TcpStream>, words: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let mut line = String::new();
        assert!(member.read_line(&mut line).unwrap() > 0, "the room has hung up");
        heard.push(line);
        if heard.last().is_some_and(|line| line.contains(words)) {
            return heard;
        }
    }
}

/// Talks until the listener hears that the silent member has left. Returns all that it heard.
fn talk_until_left(mut talker: &TcpStream, listener: &mut BufReader<TcpStream>) -> Vec<String> {
    let (line, mut heard) = ("x".repeat(4000), Vec::new());
    for said in (0..MUCH).step_by(4000 * 50) {
        let lines: String = (0..50).map(|n| format!("{said} {n} {line}\n")).collect();
        talker.write_all(lines.as_bytes()).unwrap();
        heard.append(&mut until(listener, &format!("{said} 49 ")));
        if heard.iter().any(|line| line.contains("silent has left")) {
            return heard;
        }
    }
    panic!("the room keeps {MUCH} bytes for one member");
}

#[test]
fn a_client_that_cannot_have_its_name_says_so() {
    let mut client = Command::new(path("chatroom"));
    let client = client.args(["127.0.0.1", "1", "--name", "quit"]).assert().code(2);
    let stderr = String::from_utf8_lossy(&client.get_output().stderr).into_owned();
    assert!(stderr.starts_with("chatroom: --name cannot be quit"), "{stderr}");
}

#[test]
fn a_stderr_that_is_not_read_keeps_no_member_out() {
    let (room, its_stderr) = Room::start("chatroom");
    // Full, as after many lines that were not read. The room's own end blocks, as before.
    its_stderr.set_nonblocking(true).unwrap();
    while (&its_stderr).write(&[b'x'; 4096]).is_ok() {}
    while (&its_stderr).write(b"x").is_ok() {}
    its_stderr.set_nonblocking(false).unwrap();
    let [alice, _bob, carol] = room.members(["alice", "bob", "carol"]);
    drop(carol);
    drop((alice, room)); // in this order: members are not waited for
}

#[test]
fn who_asks_for_names_and_never_reads_the_answers_is_hung_up_on() {
    let (room, _its_stderr) = Room::start("chatroom");
    let mut visitor = room.member(":");
    let sent = (0..MUCH / 4096).try_for_each(|_| visitor.get_mut().write_all(&[b'\n'; 4096]));
    let end = sent.unwrap_err().kind();
    assert!(matches!(end, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{end:?}");
}

#[test]
fn what_is_said_before_a_member_leaves_is_its_due() {
    let (room, _its_stderr) = Room::start("chatroom");
    let [mut alice, mut bob, mut carol] = room.members(["alice", "bob", "carol"]);
    let lines = "good night\n".repeat(1000) + "to all\n";
    alice.get_mut().write_all(lines.as_bytes()).unwrap();
    until(&mut carol, "alice: to all");
    bob.get_mut().write_all(b"quit\nand nobody hears this\n").unwrap();
    let mut heard = String::new();
    bob.read_to_string(&mut heard).unwrap(); // a reset would be an error
    assert_eq!(heard.lines().filter(|line| *line == "alice: good night").count(), 1000);
}

#[test]
fn who_does_not_read_is_dropped_and_all_others_hear_it_at_the_same_place() {
    for name in ["chatroom", "queued_room"] {
        let (mut room, its_stderr) = Room::start(name);
        // The silent one is in the middle of the list, however the list is walked.
        let [mut a, talker, _silent, mut z] = room.members(["a", "m", "silent", "z"]);
        let talking = talker.get_ref();
        let [first, last] = thread::scope(|scope| {
            let last = scope.spawn(|| until(&mut z, "silent has left"));
            let mut first = talk_until_left(talking, &mut a);
            let end = first.iter().position(|line| line.contains("silent has left")).unwrap();
            first.truncate(end + 1);
            [first, last.join().unwrap()]
        });
        let said = |lines: Vec<String>| -> Vec<String> {
            lines.into_iter().filter(|line| !line.contains(" has joined")).collect()
        };
        assert!(said(first) == said(last), "{name}: two members heard different things");
        drop(its_stderr);
        let mut line = String::new();
        while !line.contains("it did not read") && name == "chatroom" {
            line.clear();
            assert!(room.stderr.read_line(&mut line).unwrap() > 0, "it is not said");
        }
    }
}

#[test]
fn a_queued_room_keeps_its_own_name() {
    let (room, _its_stderr) = Room::start("queued_room");
    let mut visitor = room.member("Server");
    let mut line = String::new();
    visitor.read_line(&mut line).unwrap();
    assert_eq!(line, "Server: Server is the name of the room itself: try another\n");
}

#[test]
fn a_polling_room_is_a_room_and_waits_for_no_member() {
    let (room, _its_stderr) = Room::start("polling_room");
    let [mut a, talker, _silent, _last] = room.members(["a", "m", "silent", "z"]);
    talk_until_left(talker.get_ref(), &mut a);
}
