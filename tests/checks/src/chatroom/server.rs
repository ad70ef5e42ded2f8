//! Chapter 7, the server: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("07.listens", Role::Server, "server: listens on its port")
        .source("L2, question 8: the chat room manager")
        .read("7.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static JOINS: Check = Check::lab(
    "07.joins",
    Role::Server,
    "server: tells a newcomer that it has joined, and how many are there",
)
.source("L2, question 8: Batman has joined. Member count=1")
.needs(&[&LISTENS])
.points(2)
.read("7.4")
.mistakes(&[&JOIN_UNHEARD])
.steps(|stage| room(stage, &["Batman"]).map(|_| ()));

pub(super) static TOLD: Check =
    Check::lab("07.told", Role::Server, "server: tells everybody who is there of a newcomer")
        .source("L2, question 8: the status is broadcast to all connected clients")
        .needs(&[&JOINS])
        .read("7.4")
        .mistakes(&[&WRONG_COUNT])
        .steps(|stage| room(stage, &["Batman", "Robin", "Joker"]).map(|_| ()));

pub(super) static HEARS: Check = Check::lab(
    "07.hears",
    Role::Server,
    "server: a member's line goes to all others, with the name before it",
)
.source("L2, question 8: whatever each user types is broadcast")
.needs(&[&TOLD])
.points(2)
.read("7.4")
.steps(hears);

pub(super) static TIME: Check = Check::lab(
    "07.time",
    Role::Server,
    "server: news begin with the time, as it is in this time zone",
)
.source("L2, question 8: Server: time=10.01")
.needs(&[&HEARS])
.read("7.4")
.steps(time);

const TWICE: Diagnosis = Diagnosis {
    id: "twice",
    they: "send a line twice",
    text: "the same line came twice: it is sent in two places, or somebody stands on the list twice.",
};

pub(super) static ONCE: Check =
    Check::lab("07.once", Role::Server, "server: nobody gets a line twice")
        .source("L2, question 8: the chat room manager")
        .needs(&[&HEARS])
        .read("7.4")
        .mistakes(&[&TWICE])
        .steps(once);

fn once(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let (line, end) = (stage.payload(16), stage.payload(16));
    batman.says(&line)?;
    robin.hears(&format!("Batman: {line}"))?;
    robin.says(&end)?;
    let before = batman.peer.expect_among(&end)?;
    batman.says("end")?;
    robin.hears("Batman: end").means(true, &TWICE)?;
    let echoes = String::from_utf8_lossy(&before).matches(&line).count();
    if echoes > 1 {
        return fail("its own line at most once", format!("{echoes} times"))
            .means(true, &TWICE);
    }
    Ok(())
}

pub(super) static QUIT: Check = Check::lab(
    "07.quit",
    Role::Server,
    "server: `quit` is told to the others, and ends the connection",
)
.source("L2, question 8: Batman has left. Member count=1")
.needs(&[&HEARS])
.points(2)
.read("7.4")
.mistakes(&[&WRONG_COUNT])
.steps(quit);

pub(super) static CLOSE: Check = Check::lab(
    "07.close",
    Role::Server,
    "server: a connection that closes is a member that has left",
)
.source("L2, question 8: any interesting event")
.needs(&[&HEARS])
.read("7.4")
.mistakes(&[&LEAVING_UNSEEN])
.steps(|stage| leaves(stage, Leaving::Closes));

pub(super) static RESET: Check = Check::lab(
    "07.reset",
    Role::Server,
    "server: a connection that breaks is a member that has left",
)
.source("L2, question 8: any interesting event")
.needs(&[&CLOSE])
.read("7.5")
.mistakes(&[&LEAVING_UNSEEN, &RESET_KILLS])
.steps(|stage| leaves(stage, Leaving::Resets));

const NAMELESS_KILLS: Diagnosis = Diagnosis {
    id: "nameless",
    they: "count who has given no name",
    text: "somebody came and went without giving a name, and the room heard of it, or ended: who has no name yet is no member.",
};

pub(super) static NAMELESS: Check = Check::lab(
    "07.nameless",
    Role::Server,
    "server: who goes before giving a name was never there",
)
.source("L2, question 8: the chat room manager")
.needs(&[&HEARS])
.read("7.4")
.mistakes(&[&NAMELESS_KILLS])
.steps(nameless);

fn nameless(stage: &Stage) -> Outcome {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let mut nobody = server.connect("somebody without a name")?;
    nobody.settle();
    nobody.half_close();
    nobody.take_until_close();
    drop(nobody);
    batman.is_heard_by(stage, &mut robin).means(true, &NAMELESS_KILLS)?;
    let mut joker = Member::knock(&server, "Joker").means(true, &NAMELESS_KILLS)?;
    hears_news(&mut joker, &joined("Joker", 3)).means(true, &NAMELESS_KILLS)
}

const NAME_TWICE: Diagnosis = Diagnosis {
    id: "name-twice",
    they: "let two members have one name",
    text: "a second Batman has joined: whose words are whose? The name must be looked for among the members before it is given.",
};

pub(super) static NAME_IN_USE: Check = Check::lab(
    "07.name-in-use",
    Role::Server,
    "server: does not let two members have one name",
)
.source("L2, question 8: each client needs to have a unique name")
.needs(&[&HEARS])
.points(2)
.read("7.4")
.mistakes(&[&NAME_TWICE])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let second = Member::knock(&server, "Batman")?;
    second.peer.settle();
    batman.peer.expect_silence("no second Batman may join").means(true, &NAME_TWICE)?;
    robin.peer.expect_silence("no second Batman may join").means(true, &NAME_TWICE)?;
    batman.is_heard_by(stage, &mut robin)
});

const NAME_RACE: Diagnosis = Diagnosis {
    id: "name-race",
    they: "give one name to several who ask at once",
    text: "several who asked at the same moment have the same name: between looking whether it is free and taking it, somebody else looked. Both must be one step.",
};

pub(super) static AT_ONCE: Check = Check::lab(
    "07.at-once",
    Role::Server,
    "server: of 50 who ask for one name at once, one gets it",
)
.source("L2, question 8: each client needs to have a unique name")
.needs(&[&NAME_IN_USE])
.points(2)
.read("7.3")
.mistakes(&[&NAME_RACE])
.steps(|stage| {
    const ASKING: usize = 50;
    let (server, [mut watcher]) = room(stage, &["Watcher"])?;
    // One after the other, because the queue of a listen(5) is short; they ask at once.
    let peers: Outcome<Vec<Peer>> =
        (0..ASKING).map(|n| server.connect(&format!("client {n}"))).collect();
    let mut peers = peers?;
    thread::scope(|scope| {
        for peer in &mut peers {
            scope.spawn(|| peer.send("Batman\n"));
        }
    });
    peers.iter().for_each(|peer| _ = peer.settle());
    let mut last = Member::knock(&server, "Last")?;
    let news = last.next("the news of its joining")?;
    let mut count = 0;
    loop {
        let line = watcher.next("the news of Last's joining")?;
        if line.starts_with("Last ") {
            break;
        }
        count += usize::from(line.starts_with("Batman has joined"));
    }
    if count == 1 && news.ends_with("=3") {
        return Ok(());
    }
    fail("one Batman", format!("{count}, and {}", quote(news.as_bytes())))
        .means(true, &NAME_RACE)
});

const NAME_KEPT: Diagnosis = Diagnosis {
    id: "name-kept",
    they: "keep the name of a member that has left",
    text: "Batman has left, and his name is still taken: what a member has must go with it, however it goes.",
};

pub(super) static FREED_NAME: Check = Check::lab(
    "07.freed-name",
    Role::Server,
    "server: a name is free again when its member has left",
)
.source("L2, question 8: the chat room manager")
.needs(&[&NAME_IN_USE, &CLOSE])
.read("7.4")
.mistakes(&[&NAME_KEPT])
.steps(|stage| {
    let (server, [batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.peer.close();
    robin.hears(&left("Batman", 1))?;
    let mut batman = Member::knock(&server, "Batman")?;
    hears_news(&mut batman, &joined("Batman", 2)).means(true, &NAME_KEPT)?;
    robin.hears(&joined("Batman", 2))
});

const READ_IS_LINE: Diagnosis = Diagnosis {
    id: "read-is-line",
    they: "take what one read returns for one line",
    text: "one read is not one line: a line came in pieces and was passed on in pieces, or several came together and were passed on as one.",
};

pub(super) static PIECES: Check = Check::lab(
    "07.pieces",
    Role::Server,
    "server: a line in pieces is one line, three in a packet are three",
)
.source("L2, question 8: the chat room manager")
.needs(&[&ONCE])
.read("7.5")
.mistakes(&[&READ_IS_LINE])
.steps(pieces);

fn pieces(stage: &Stage) -> Outcome {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let line = stage.payload(8);
    batman.peer.dribble(format!("{line}\n"))?;
    robin.hears(&format!("Batman: {line}")).means(true, &READ_IS_LINE)?;
    let lines = [stage.payload(8), stage.payload(8), stage.payload(8)];
    batman.says(&lines.join("\n"))?;
    for line in &lines {
        robin.hears(&format!("Batman: {line}")).means(true, &READ_IS_LINE)?;
    }
    let mut joker = server.connect("Joker")?;
    joker.send(format!("Joker\n{line}\n"))?;
    robin.hears(&joined("Joker", 3)).means(true, &READ_IS_LINE)?;
    robin.hears(&format!("Joker: {line}")).means(true, &READ_IS_LINE)
}

const ORDERS_DIFFER: Diagnosis = Diagnosis {
    id: "orders-differ",
    they: "let members hear different things",
    text: "with ten who talk at once somebody missed a line, got a mangled one, or heard them in another order than the rest: two threads wrote to one member, or walked a list that a third one changed.",
};

pub(super) static SAME_ORDER: Check = Check::lab(
    "07.same-order",
    Role::Server,
    "server: 20 members hear 10 who talk at once, all the same, in one order",
)
.source("L2, question 8: broadcast to all clients")
.needs(&[&PIECES])
.points(2)
.read("7.3")
.mistakes(&[&ORDERS_DIFFER])
.steps(|stage| {
    const MEMBERS: usize = 20;
    const TALKERS: usize = 10;
    const LINES: usize = 40;
    let server = stage.serve(Role::Server)?;
    let mut members = Vec::new();
    for n in 0..MEMBERS {
        let mut member = Member::knock(&server, &format!("m{n}"))?;
        let line = joined(&member.name, n + 1);
        hears_news(&mut member, &line)?;
        members.push(member);
    }
    // All stay until the last one has heard all, or waited in vain.
    let heard: Vec<Outcome<Vec<String>>> = thread::scope(|scope| {
        let listening: Vec<_> = members
            .iter_mut()
            .enumerate()
            .map(|(n, member)| {
                scope.spawn(move || {
                    if n < TALKERS {
                        for line in 0..LINES {
                            member.says(&format!("{line} {}", "x".repeat(200)))?;
                        }
                    }
                    let own = if n < TALKERS { LINES } else { 0 };
                    let mut heard = Vec::new();
                    while heard.len() < TALKERS * LINES - own {
                        let line = member.next("what the others say")?;
                        if !line.contains(" has joined. ") {
                            heard.push(line);
                        }
                    }
                    Ok(heard)
                })
            })
            .collect();
        listening.into_iter().filter_map(|member| member.join().ok()).collect()
    });
    let heard: Outcome<Vec<_>> = heard.into_iter().collect();
    let heard = heard.means(true, &ORDERS_DIFFER)?;
    let silent = &heard[MEMBERS - 1];
    for (n, lines) in heard.iter().enumerate() {
        let own = format!("m{n}: ");
        let expected: Vec<_> = silent.iter().filter(|line| !line.starts_with(&own)).collect();
        if let Some((line, wanted)) = lines.iter().zip(expected).find(|(a, b)| a != b) {
            return fail(
                format!("m{n} hears what m{} hears: {}", MEMBERS - 1, quote(wanted.as_bytes())),
                quote(line.as_bytes()),
            )
            .means(true, &ORDERS_DIFFER);
        }
    }
    Ok(())
});

const FREEZES: Diagnosis = Diagnosis {
    id: "freezes",
    they: "freeze when one member does not read",
    text: "one member stopped reading, and from then on nobody hears anything: a write waits for whoever does not read, and everybody waits for that write.",
};

/// More than two kernels hold for one who does not read.
const MUCH: usize = 8 << 20;

pub(super) static STALLED: Check = Check::lab(
    "07.stalled",
    Role::Server,
    "server: a member who does not read holds nobody up",
)
.source("L2, question 8: whatever each user types is broadcast to all")
.needs(&[&PIECES])
.points(2)
.read("7.2")
.mistakes(&[&FREEZES])
.steps(|stage| {
    let (_server, [mut batman, mut robin, _joker]) =
        room(stage, &["Batman", "Robin", "Joker"])?;
    stage.log.step("Joker reads nothing more");
    let said = talk_beside(stage, &mut batman, &mut robin, MUCH, |robin, text| {
        hears_beside(robin, text)?;
        Ok(false)
    })
    .means(true, &FREEZES)?;
    stage.log.step(format_args!("Robin hears {said} bytes from Batman"));
    Ok(())
});

/// One talks and one reads what is said, a few lines at a time, beside one who does not read.
/// Returns how many bytes were said until `enough`, which is asked after each time.
fn talk_beside(
    stage: &Stage,
    talker: &mut Member,
    reader: &mut Member,
    most: usize,
    mut hear: impl FnMut(&mut Member, &str) -> Outcome<bool>,
) -> Outcome<usize> {
    // Less than may wait for a member; each time costs some systems' programs 40 ms (Nagle's
    // algorithm, and an acknowledgement that is kept back).
    const LINES: usize = 48;
    let text = stage.payload(4000);
    let mut said = 0;
    while said < most {
        let lines = [text.as_str(); LINES].join("\n");
        talker.peer.send_quietly(format!("{lines}\n"))?;
        said += lines.len();
        for _ in 0..LINES {
            if hear(reader, &text)? {
                return Ok(said);
            }
        }
        talker.peer.ignore_so_far(); // its own lines, if the room sends them back
    }
    Ok(said)
}

/// Hears the text, whatever news of the silent member come between. True: it was dropped.
fn hears_beside(reader: &mut Member, text: &str) -> Outcome<bool> {
    let mut dropped = false;
    loop {
        let line = reader.peer.expect_line_quietly("what Batman says")?;
        if line.trim_end().strip_prefix("Batman: ") == Some(text) {
            return Ok(dropped);
        }
        dropped = dropped || line.contains("Joker has left");
    }
}

fn dropped(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin, _joker]) =
        room(stage, &["Batman", "Robin", "Joker"])?;
    stage.log.step("Joker reads nothing more");
    // 16 MiB, and what two kernels hold.
    const BOUND: usize = 32 << 20;
    let mut gone = false;
    let said = talk_beside(stage, &mut batman, &mut robin, BOUND, |robin, text| {
        gone = hears_beside(robin, text)?;
        Ok(gone)
    })?;
    stage.log.step(format_args!("Robin hears {said} bytes from Batman"));
    if gone { Ok(()) } else { fail("Joker is dropped", "it is still there") }
        .means(true, &WAITS_FOR_EVER)
}

const WAITS_FOR_EVER: Diagnosis = Diagnosis {
    id: "waits-for-ever",
    they: "store everything for a member who never reads",
    text: "a member reads nothing, and all that is said is stored for it: how much memory is one silent member worth?",
};

pub(super) static NEXT_NAME: Check = Check::manners(
    "07.next-name",
    Role::Server,
    "server: says why a name is refused, and takes the next line for one",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&NAME_IN_USE])
.read("7.5")
.steps(|stage| {
    let (server, [_batman]) = room(stage, &["Batman"])?;
    let mut second = Member::knock(&server, "Batman")?;
    let line = second.peer.expect_line("why the name is refused")?;
    if !line.starts_with("Server: ") {
        return fail("`Server: …`, with the reason", quote(line.as_bytes()));
    }
    second.says("Robin")?;
    second.name = "Robin".to_string();
    hears_news(&mut second, &joined("Robin", 2))
});

const ANY_NAME: Diagnosis = Diagnosis {
    id: "any-name",
    they: "take any text for a name",
    text: "a name that can pass for another line, or for nobody, was taken: what is said in a room is believed by its form, so a name may not look like one.",
};

pub(super) static BAD_NAMES: Check = Check::manners(
    "07.bad-names",
    Role::Server,
    "server: refuses a name that is empty, too long, or could pass for another line",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&NEXT_NAME])
.read("7.5")
.mistakes(&[&ANY_NAME])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut guest = Member { name: "Guest".to_string(), peer: server.connect("a guest")? };
    let long = "x".repeat(33);
    for name in ["", " Batman", "Batman ", "Bat:man", "Server", "\u{200b}Batman", &long] {
        guest.says(name)?;
        let line = guest.peer.expect_line("why the name is refused").means(true, &ANY_NAME)?;
        if !line.starts_with("Server: ") || news(&line).is_some() {
            return fail(
                format!("{} is refused", quote(name.as_bytes())),
                quote(line.as_bytes()),
            )
            .means(true, &ANY_NAME);
        }
    }
    guest.says("Guest")?;
    hears_news(&mut guest, &joined("Guest", 1))
});

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
.needs(&[&ONCE])
.read("7.5")
.mistakes(&[&ESCAPES_PASS])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.peer.send("a\x1b[2Jb\x07\tc\u{9b}d\r\n")?;
    robin.hears("Batman: a[2Jbcd").means(true, &ESCAPES_PASS)?;
    let mut joker = server.connect("Joker")?;
    joker.send("Jo\x1bke\x07r\r\n")?;
    robin.hears(&joined("Joker", 3)).means(true, &ESCAPES_PASS)
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
    batman.peer.expect_silence("it has said this itself").means(true, &ECHOES)
});

pub(super) static EMPTY_LINE: Check =
    Check::manners("07.empty-line", Role::Server, "server: an empty line is ignored")
        .source("our contract, 07-chatroom; the lab leaves it open")
        .needs(&[&HEARS])
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
    let line = batman.peer.expect_line("that its line is too long").means(true, &NO_LIMIT)?;
    if !line.contains("line too long") {
        return fail("`… line too long`", quote(line.as_bytes())).means(true, &NO_LIMIT);
    }
    batman.is_heard_by(stage, &mut robin).means(true, &NO_LIMIT)
});

pub(super) static DROPPED: Check = Check::manners(
    "07.dropped",
    Role::Server,
    "server: a member who never reads is dropped before it costs 16 MiB",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&STALLED])
.read("7.5")
.mistakes(&[&WAITS_FOR_EVER])
.steps(dropped);
