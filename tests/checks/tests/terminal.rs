//! The manners that only a terminal shows: a prompt where a program waits for its user, and no
//! escape of a peer's on the screen. `script` of util-linux is what gives a program a terminal.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // all of it is a test

use checks::workspace::{self, Programs};
use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| workspace::build().unwrap())
}

/// A program on a terminal of its own, and what has come to the screen.
struct Terminal {
    script: Child,
    pieces: Receiver<Vec<u8>>,
    screen: String,
}

impl Terminal {
    /// Starts the client of this name.
    fn open(name: &str, port: u16) -> Terminal {
        let program = programs().get(name).unwrap().display().to_string();
        let command = format!("{} 127.0.0.1 {port}", stage::process::shell_word(&program));
        let mut script = Command::new("script");
        script.args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped());
        let mut script = script.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = script.stdout.take().unwrap();
        let (sender, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let _ = sender.send(buffer[..length].to_vec());
            }
        });
        Terminal { script, pieces, screen: String::new() }
    }

    fn type_in(&mut self, text: &str) {
        self.script.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Waits until this is on the screen.
    fn shows(&mut self, text: &str) {
        while !self.screen.contains(text) {
            let piece = self.pieces.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.screen));
            self.screen += &String::from_utf8_lossy(&piece);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill(); // the terminal is gone with it, and hangs up
        let _ = self.script.wait();
    }
}

#[test]
fn a_terminal_shows_a_prompt_and_no_escape_of_a_peer() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("not tried: there is no `script` here");
        return;
    }
    let line = "\x1b[31mred\u{9b}2J end\n";
    let frame = format!("\0\0\0{}{line}", char::from(line.len() as u8));
    for (name, typed, reply, is_text) in [
        ("dumb-net", "hi\n", line, false),
        ("one-to-one", "hi\n", line, true),
        ("calculator", "Ada\n1 + 1\n", line, true),
        ("binary-codec", "hi\n", &frame, true),
        ("chatroom", "Ada\n", line, true),
        ("tunnel-chat", "hi\n", line, false),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut terminal = Terminal::open(name, listener.local_addr().unwrap().port());
        let (mut peer, _) = listener.accept().unwrap();
        terminal.shows("> ");
        terminal.type_in(typed);
        let _ = peer.read(&mut [0; 100]).unwrap();
        peer.write_all(reply.as_bytes()).unwrap();
        terminal.shows("end");
        let escapes = terminal.screen.contains(['\x1b', '\u{9b}']);
        assert_eq!(escapes, !is_text, "{name}: {:?}", terminal.screen);
    }
}
