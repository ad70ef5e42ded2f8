//! Chapter 7, the server: what our contract asks beyond the lab, of what a line may hold and how
//! much of it.

use super::{
    server::{ONCE, PIECES, STALLED, WHO},
    *,
};

const ESCAPES_PASS: Diagnosis = Diagnosis {
    id: "escapes-pass",
    they: "pass control characters on",
    text: "a control character got through: with it a member moves the cursor on everybody's screen, and forges what others have said.",
};

pub(super) static NO_ESCAPES: Check = Check::manners(
    "07.no-escapes",
    Role::Server,
    "server: no control character of a name or a line gets to anybody",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&ONCE, &WHO])
.read("7.5")
.mistakes(&[&ESCAPES_PASS])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.peer.send("a\x1b[2Jb\x07\tc\u{9b}d\r\n")?;
    let is_clean = |robin: &mut Member, line: &str| {
        let got = robin.peer.expect_line(line)?;
        let passes = got.chars().any(|c| c.is_control() && c != '\r');
        let clean = got.contains(line);
        if clean { Ok(()) } else { fail(line, quote(got.as_bytes())) }
            .means(passes, &ESCAPES_PASS)
    };
    is_clean(&mut robin, "Batman: a[2Jbcd")?;
    let mut joker = server.connect("Joker")?;
    joker.send("Jo\x1bke\x07r\r\n")?;
    is_clean(&mut robin, "Joker has joined")
});

const ECHOES: Diagnosis = Diagnosis {
    id: "echoes",
    they: "send a member its own line",
    text: "the speaker got its own line: it has it on its screen already.",
};

pub(super) static OWN_LINE: Check = Check::manners(
    "07.own-line",
    Role::Server,
    "server: nobody hears the line that it has said itself",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&ONCE])
.read("7.5")
.mistakes(&[&ECHOES])
.steps(|stage| {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.is_heard_by(stage, &mut robin)?;
    batman.peer.expect_silence("it has said this itself").because(Saw::Something, &ECHOES)
});

pub(super) static EMPTY_LINE: Check =
    Check::manners("07.empty-line", Role::Server, "server: an empty line is ignored")
        .source("our contract, 07-chatroom; the lab leaves it open")
        .needs(&[&WHO])
        .read("7.5")
        .steps(|stage| {
            let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
            let line = stage.payload(16);
            batman.peer.send(format!("\n\r\n{line}\n"))?;
            robin.peer.expect(format!("Batman: {line}\n"))
        });

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-07",
    they: "pass on a line of any length",
    text: "a line far over the limit was passed on, or ended its sender: whoever sends it chooses how much memory you use, once for every member.",
};

pub(super) static TOO_LONG: Check = Check::manners(
    "07.too-long",
    Role::Server,
    "server: a line over 4 KiB is dropped, its sender told, and it goes on",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&PIECES])
.read("7.5")
.mistakes(&[&NO_LIMIT])
.steps(|stage| {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.says(&"x".repeat(10_000))?;
    let passed_on =
        |robin: &mut Member| stage::find(robin.peer.so_far(), &[b'x'; 5000]).is_some();
    let told = batman.peer.expect_line("that its line is too long");
    let line = told.confirm(&NO_LIMIT, "Robin got the line", || passed_on(&mut robin))?;
    if !line.contains("line too long") {
        return fail("`… line too long`", quote(line.as_bytes()));
    }
    batman.is_heard_by(stage, &mut robin)
});

const WAITS_FOR_EVER: Diagnosis = Diagnosis {
    id: "waits-for-ever",
    they: "store everything for a member who never reads",
    text: "a member reads nothing, and all that is said is stored for it: how much memory is one silent member worth?",
};

pub(super) static DROPPED: Check = Check::manners(
    "07.dropped",
    Role::Server,
    "server: a member who never reads is dropped before it costs 16 MiB",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&STALLED, &PIECES])
.read("7.5")
.mistakes(&[&WAITS_FOR_EVER])
.steps(|stage| {
    /// 16 MiB, and what two kernels hold.
    const BOUND: usize = 32 << 20;
    /// Less than may wait for a member; each time costs some systems' programs 40 ms (Nagle's
    /// algorithm, and an acknowledgement that is kept back).
    const LINES: usize = 48;
    member::speaks_in_lines(stage)?;
    let (_server, [mut batman, mut robin, joker]) = room(stage, &["Batman", "Robin", "Joker"])?;
    stage.log.step("Joker reads nothing more");
    let text = stage.payload(4000);
    let (mut said, mut dropped) = (0, false);
    while said < BOUND && !dropped {
        batman.says_quietly(&[text.as_str(); LINES].join("\n"))?;
        said += LINES * text.len();
        for _ in 0..LINES {
            let heard = robin.hears_quietly("Batman", &text)?;
            dropped = dropped || stage::find(&heard, b"Joker has left").is_some();
        }
        batman.peer.ignore_so_far(); // its own lines, if the room sends them back
    }
    stage.log.step(format_args!("Robin hears {said} bytes from Batman"));
    let held = joker.peer.held();
    if dropped { Ok(()) } else { fail("Joker is dropped", "it is still there") }
        .probe(&WAITS_FOR_EVER, || {
            held.map(|held| format!("of {said} bytes that were said the kernels hold {held}"))
        })
});
