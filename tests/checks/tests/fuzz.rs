//! What no protocol allows, against every server: random bytes, a line that never ends, a length
//! of FFFFFFFF. It does not panic, it does not grow, and the others are served.
//!
//! 16 MB of each by default, and 200 MB with `ZOO=all`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic)] // all of it is a test

use checks::{
    check::{self, Chapter},
    libtest_like,
    workspace::{self, Programs},
};
use stage::{Role, Server, Stage, Subject, failure::Step, patience};
use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    sync::OnceLock,
    thread,
    time::Duration,
};

/// How much more memory a server may have needed at any moment, in KiB: less than half of what
/// it was sent.
const GROWTH: u64 = 6 * 1024;

/// How many bytes an fuzzer sends.
fn much() -> usize {
    if libtest_like::all_are_wanted() { 200_000_000 } else { 16_000_000 }
}

/// What an fuzzer sends: a name for it, the first bytes, and what then is sent until it is much.
type Abuse = (&'static str, &'static [u8], Block);

const ABUSES: &[Abuse] = &[
    ("random bytes", b"", Block::Random),
    ("a line without an end", b"", Block::Letters),
    ("a length of FFFFFFFF", &[0xff; 4], Block::Letters),
    ("a name, then a line without an end", b"Mallory\n", Block::Letters),
];

#[derive(Clone, Copy)]
enum Block {
    Random,
    Letters,
}

/// Whom the server serves while it is abused.
#[derive(Clone, Copy, PartialEq)]
enum Meanwhile {
    Others,
    Nobody,
}

fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| workspace::build().unwrap())
}

fn subject(chapter: &Chapter) -> Subject {
    let program = programs().get(chapter.name).unwrap().display().to_string();
    Subject::program(&stage::process::shell_word(&program), chapter.roles)
}

/// Abuses a server that `start` has started; `ask` is served before, afterwards, and, where
/// `meanwhile` says so, meanwhile.
fn abused(
    chapter: &str,
    meanwhile: Meanwhile,
    start: impl Fn(&Stage) -> Step<Server>,
    ask: impl Fn(&Stage, &mut Server) -> Step,
) {
    let subject = subject(check::chapter(chapter).unwrap());
    for (n, (what, first, block)) in ABUSES.iter().enumerate() {
        let stage = Stage::new(&subject, n as u64, "fuzz");
        let mut server = start(&stage).unwrap();
        ask(&stage, &mut server).unwrap();
        let block = match block {
            Block::Random => stage.bytes(64 * 1024),
            Block::Letters => vec![b'x'; 64 * 1024],
        };
        let (before, address) = (peak(&server), server.address());
        thread::scope(|scope| {
            let fuzzer = scope.spawn(|| fuzz(TcpStream::connect(address)?, first, &block));
            if meanwhile == Meanwhile::Others {
                for _ in 0..3 {
                    ask(&stage, &mut server).unwrap();
                }
            }
            // That the server hangs up, at whatever moment, is its good right.
            let _ = fuzzer.join().unwrap();
        });
        ask(&stage, &mut server).unwrap();
        let (grown, heard) = (peak(&server) - before, server.program.process.heard());
        assert!(heard.exit().is_none(), "{chapter}: {what}: the server has ended");
        let stderr = String::from_utf8_lossy(&heard.stderr);
        assert!(!stderr.contains("panicked"), "{chapter}: {what}: {stderr}");
        assert!(grown < GROWTH, "{chapter}: {what}: it has grown by {grown} KiB");
    }
}

/// Sends, and reads what comes back, so that the server is not held up.
fn fuzz(mut stream: TcpStream, first: &[u8], block: &[u8]) -> io::Result<()> {
    stream.set_write_timeout(Some(patience()))?;
    let mut back = stream.try_clone()?;
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while back.read(&mut buffer).is_ok_and(|length| length > 0) {}
    });
    let sent = stream
        .write_all(first)
        .and_then(|()| (0..much() / block.len()).try_for_each(|_| stream.write_all(block)));
    let _ = stream.shutdown(std::net::Shutdown::Both);
    let _ = reader.join();
    sent
}

/// The most memory that a server has needed so far, in KiB (proc(5)).
fn peak(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.program.process.id()));
    let status = status.unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn serve(stage: &Stage) -> Step<Server> {
    stage.serve(Role::Server)
}

#[test]
fn one_to_one() {
    abused("02", Meanwhile::Nobody, serve, |stage, server| {
        let (mut client, line) = (server.connect("a client")?, stage.payload(8));
        client.send(format!("{line}\n"))?;
        // If the one before was polite enough to say a line, it is still the user's turn.
        server.program.types("bye");
        client.expect("bye\n").or_else(|_| {
            server.program.types("bye");
            client.expect("bye\n")
        })
    });
}

#[test]
fn echo_threaded() {
    abused("03", Meanwhile::Others, serve, |stage, server| {
        let (mut client, line) = (server.connect("a client")?, stage.payload(8));
        client.send(&line)?;
        client.expect(&line)
    });
}

#[test]
fn calculator() {
    abused("05", Meanwhile::Others, serve, |stage, server| {
        let mut client = server.connect("a client")?;
        client.send(format!("{}\n12 + 42\n", stage.payload(8)))?;
        client.expect_among("54\n").map(|_| ())
    });
}

#[test]
fn encoder() {
    let start = |stage: &Stage| stage.serve_with(Role::Encoder, "--multi-threaded", &[]);
    abused("06", Meanwhile::Others, start, |_, server| {
        let mut client = server.connect("a client")?;
        client.send(b"\0\0\0\x02co")?;
        client.expect(b"\0\0\0\x1101100011 01101111")
    });
}

#[test]
fn decoder() {
    let start = |stage: &Stage| stage.serve_with(Role::Decoder, "--multi-threaded", &[]);
    abused("06", Meanwhile::Others, start, |_, server| {
        let mut client = server.connect("a client")?;
        client.send(b"\0\0\0\x1101100011 01101111")?;
        client.expect(b"\0\0\0\x02co")
    });
}

#[test]
fn chatroom() {
    abused("07", Meanwhile::Others, serve, |stage, server| {
        let (mut member, name) = (server.connect("a member")?, stage.payload(8));
        member.send(format!("{name}\n"))?;
        member.expect_among(format!("{name} has joined")).map(|_| ())
    });
}

#[test]
fn loadgen() {
    abused("08", Meanwhile::Others, serve, |stage, server| {
        let mut client = server.connect("a client")?;
        client.expect_line("an intro")?;
        client.send(stage.payload(1000))?;
        client.half_close();
        client.expect("received 1000 bytes\n")
    });
}

/// The chat is for one, and ends with it.
#[test]
fn chat() {
    let subject = subject(check::chapter("09").unwrap());
    for (what, first, _) in ABUSES {
        let stage = Stage::new(&subject, 0, "fuzz");
        let server = serve(&stage).unwrap();
        let before = peak(&server);
        let _ = fuzz(TcpStream::connect(server.address()).unwrap(), first, &[b'x'; 64 * 1024]);
        assert!(peak(&server) - before < GROWTH, "{what}");
        let heard = server.program.process.heard();
        assert!(!String::from_utf8_lossy(&heard.stderr).contains("panicked"), "{what}");
    }
}

/// What a tunnel forwards is none of its business: all of it arrives.
#[test]
fn tunnel() {
    let echo = subject(check::chapter("03").unwrap());
    let stage = Stage::new(&echo, 0, "fuzz");
    let target = stage.serve(Role::Server).unwrap();
    let start = |stage: &Stage| stage.tunnel(target.address());
    abused("09", Meanwhile::Others, start, |stage, server| {
        let (mut client, line) = (server.connect("a client")?, stage.payload(8));
        client.send(&line)?;
        client.expect(&line)
    });
}

#[test]
fn udp_datetime() {
    const USUAL: usize = 1400; // bytes in a datagram that passes any network
    let subject = subject(check::chapter("04").unwrap());
    let stage = Stage::new(&subject, 0, "fuzz");
    let server = stage.serve_datagrams(&[]).unwrap();
    let (fuzzer, client) = (
        stage.datagrams("the fuzzer", "127.0.0.1").unwrap(),
        stage.datagrams("a client", "127.0.0.1").unwrap(),
    );
    let before = peak(&server);
    for n in 0..much() / USUAL {
        let length = n * 37 % USUAL;
        fuzzer.send_again(stage.bytes(length), server.address()).unwrap();
        if n % 5000 == 0 {
            client.send("SEND_DATE", server.address()).unwrap();
        }
    }
    // Some were lost in the crowd, as datagrams are.
    client.send("SEND_DATE", server.address()).unwrap();
    let answer = client.receive(Duration::from_secs(3)).unwrap();
    assert!(answer.is_some_and(|answer| answer.text().starts_with("20")));
    assert!(server.program.process.heard().exit().is_none());
    assert!(peak(&server) - before < GROWTH);
}
