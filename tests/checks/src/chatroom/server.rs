//! Chapter 7, the server: who hears of whom, and what is said. The grader plays its clients.

use super::*;
use stage::find;
use std::time::{Duration, Instant};

pub(super) static LISTENS: Check =
    Check::lab("07.listens", Role::Server, "server: listens on its port")
        .source("L2, question 8: the chat room manager")
        .read("7.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

const JOIN_UNHEARD: Diagnosis = Diagnosis {
    id: "join-unheard",
    they: "tell the others of a newcomer, and not the newcomer",
    text: "the newcomer does not hear of its own joining, and who was there before does: was it told to everybody on a list to which the newcomer was added only then?",
};

pub(super) static JOINS: Check =
    Check::lab("07.joins", Role::Server, "server: tells a newcomer that it has joined")
        .source("L2, question 8: Batman has joined")
        .needs(&[&LISTENS])
        .read("7.4")
        .mistakes(&[&JOIN_UNHEARD])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut batman = Member::knock(stage, &server, "Batman")?;
            batman.hears_news("Batman", "has joined").map(|_| ()).confirm(
                &JOIN_UNHEARD,
                "when Robin joined, Batman was told",
                || {
                    Member::knock(stage, &server, "Robin").is_ok()
                        && batman.hears_news("Robin", "has joined").is_ok()
                },
            )
        });

pub(super) static TOLD: Check =
    Check::lab("07.told", Role::Server, "server: tells everybody who is there of a newcomer")
        .source("L2, question 8: the status is broadcast to all connected clients")
        .needs(&[&LISTENS])
        .read("7.4")
        .steps(|stage| {
            let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
            let _joker = Member::knock(stage, &server, "Joker")?;
            batman.hears_news("Joker", "has joined")?;
            robin.hears_news("Joker", "has joined").map(|_| ())
        });

pub(super) static HEARS: Check =
    Check::lab("07.hears", Role::Server, "server: a member's line goes to all others")
        .source("L2, question 8: whatever each user types is broadcast to all clients")
        .needs(&[&LISTENS])
        .points(2)
        .read("7.4")
        .steps(|stage| {
            let (_server, mut members) = room(stage, &["Batman", "Robin", "Joker"])?;
            for _ in 0..2 {
                for speaker in 0..members.len() {
                    let text = format!("{} {}", stage.payload(8), stage.payload(8));
                    let name = members[speaker].name.clone();
                    members[speaker].says(&text)?;
                    let others = members.iter_mut().filter(|member| member.name != name);
                    others
                        .map(|member| member.hears(&name, &text))
                        .collect::<Step<Vec<_>>>()?;
                }
            }
            Ok(())
        });

pub(super) static WHO: Check =
    Check::lab("07.who", Role::Server, "server: says before a line who has said it")
        .source("L2, question 8: along with the sender's name")
        .needs(&[&HEARS])
        .read("7.4")
        .steps(|stage| {
            let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
            let (text, answer) = (stage.payload(16), stage.payload(16));
            batman.says(&text)?;
            robin.hears_from("Batman", &text)?;
            robin.says(&answer)?;
            batman.hears_from("Robin", &answer)
        });

const WRONG_COUNT: Diagnosis = Diagnosis {
    id: "wrong-count-07",
    they: "count the members wrongly",
    text: "the news is right and its number is not: a number kept beside the list of members has to be changed wherever the list is. Can you not ask the list?",
};

pub(super) static COUNTS: Check = Check::lab(
    "07.counts",
    Role::Server,
    "server: says how many are there when somebody joins, and when somebody leaves",
)
.source("L2, question 8: Member count=2")
.needs(&[&TOLD])
.points(2)
.read("7.4")
.mistakes(&[&WRONG_COUNT])
.steps(|stage| {
    let (server, [mut batman]) = room(stage, &["Batman"])?;
    let count = |batman: &mut Member, name: &str, what: &str, count: u64| {
        let news = batman.hears_news(name, what)?;
        let numbers = batman.numbers_of(&news);
        if numbers.contains(&count) {
            return Ok(());
        }
        fail(format!("Batman is told that {count} are there when {name} {what}"), quote(&news))
            .means(!numbers.is_empty(), &WRONG_COUNT)
    };
    let _robin = Member::knock(stage, &server, "Robin")?;
    count(&mut batman, "Robin", "has joined", 2)?;
    let mut joker = Member::knock(stage, &server, "Joker")?;
    count(&mut batman, "Joker", "has joined", 3)?;
    joker.says("quit")?;
    joker.peer.close();
    count(&mut batman, "Joker", "has left", 2)
});

pub(super) static WORDS: Check = Check::chapter(
    "07.words",
    Role::Server,
    "server: `Server: time=… Batman has joined. Member count=1`, and `Batman: hello`",
)
.source("L2, question 8, whose sample the chapter follows to the letter")
.needs(&[&COUNTS, &ONCE, &WHO, &leaving::QUIT])
.read("7.4")
.steps(|stage| {
    let (server, [mut batman]) = room(stage, &["Batman"])?;
    let news = |member: &mut Member, wanted: &str| -> Step {
        let line = member.peer.expect_line(&format!("`Server: time=… {wanted}`"))?;
        let told = line.strip_prefix("Server: time=").and_then(|line| line.split_once(' '));
        if told.is_some_and(|(_, told)| told.trim_end() == wanted) {
            return Ok(());
        }
        fail(format!("`Server: time=… {wanted}`"), quote(line.as_bytes()))
    };
    let mut robin = Member::knock(stage, &server, "Robin")?;
    news(&mut batman, "Robin has joined. Member count=2")?;
    let text = stage.payload(16);
    robin.says(&text)?;
    batman.peer.expect(format!("Robin: {text}\n"))?;
    robin.says("quit")?;
    news(&mut batman, "Robin has left. Member count=1")
});

pub(super) static TIME: Check = Check::chapter(
    "07.time",
    Role::Server,
    "server: news begin with `time=HH.MM`, as it is in this time zone",
)
.source("L2, question 8: Server: time=10.01")
.needs(&[&JOINS])
.read("7.4")
.steps(time);

fn time(stage: &Stage) -> Step {
    // Another hour than the machine's own clock shows, wherever it stands.
    let utc = Zone::UTC.now()?;
    let zone = Zone::find(|moment| moment.hour() != utc.hour())?;
    let server = stage.serve_with(Role::Server, "", &[&format!("env TZ={}", zone.0)])?;
    let before = zone.now()?;
    let mut batman = Member::knock(stage, &server, "Batman")?;
    let text = batman.hears_news("Batman", "has joined")?;
    let after = zone.now()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let said = text.split_once("time=").and_then(|(_, time)| clock(time.get(..5)?));
    let minutes = |moment: Moment| moment.time / 60;
    if said.is_some_and(|said| said == minutes(before) || said == minutes(after)) {
        return Ok(());
    }
    let hm = |moment: Moment| format!("{:02}.{:02}", moment.hour(), moment.time / 60 % 60);
    fail(format!("`time={}` in the news", hm(after)), quote(text.as_bytes()))
}

/// `HH.MM` as minutes since midnight.
fn clock(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once('.')?;
    match (hour.len(), minute.len(), hour.parse().ok()?, minute.parse().ok()?) {
        (2, 2, hour @ 0..24, minute @ 0..60) => Some(hour * 60 + minute),
        _ => None,
    }
}

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
        .steps(|stage| {
            let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
            let [line, answer, end] = [(); 3].map(|()| stage.payload(16));
            batman.says(&line)?;
            robin.hears("Batman", &line)?;
            robin.says(&answer)?;
            let at_batman = batman.hears("Robin", &answer)?;
            batman.says(&end)?;
            let at_robin = robin.hears("Batman", &end)?;
            let times = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches(&line).count();
            // Robin has heard it once already; Batman may hear what it said itself.
            let (own, others) = (times(&at_batman), 1 + times(&at_robin));
            if own > 1 || others > 1 {
                let got = format!("Batman hears it {own} times, and Robin {others} times");
                return fail("each hears the line once at most", got)
                    .because(Saw::Something, &TWICE);
            }
            Ok(())
        });

const LEFT_OUT: Diagnosis = Diagnosis {
    id: "left-out",
    they: "let members miss lines when many talk",
    text: "a member missed a line, or got a mangled one, when ten talked at the same moment: two threads wrote to it, or walked a list that a third one changed.",
};

/// How many are there, and how many of them talk, where many talk at once.
const MEMBERS: usize = 20;
const TALKERS: usize = 10;

/// Their names, of two lengths: none is a part of another.
fn crowd() -> Vec<String> {
    (0..MEMBERS).map(|n| format!("m{n}x")).collect()
}

pub(super) static ALL_HEAR: Check = Check::lab(
    "07.all-hear",
    Role::Server,
    "server: 20 members hear each line of 10 who talk at the same moment",
)
.source("L2, question 8: broadcast to all clients")
.needs(&[&HEARS])
.points(2)
.read("7.3")
.mistakes(&[&LEFT_OUT])
.steps(|stage| {
    const ROUNDS: usize = 20;
    let server = stage.serve(Role::Server)?;
    let mut members = member::fill(stage, &server, &crowd())?;
    members.iter_mut().for_each(|member| member.peer.ignore_so_far());
    for _ in 0..ROUNDS {
        let texts: Vec<String> = (0..TALKERS).map(|_| stage.payload(100)).collect();
        thread::scope(|scope| {
            let talk = |(member, text): (&mut Member, &String)| member.says_quietly(text);
            let talking: Vec<_> = members
                .iter_mut()
                .zip(&texts)
                .map(|pair| scope.spawn(move || talk(pair)))
                .collect();
            talking.into_iter().try_for_each(|talk| talk.join().unwrap_or(Ok(())))
        })?;
        for (n, member) in members.iter_mut().enumerate() {
            let others = (0..TALKERS).filter(|other| *other != n);
            let wanted: Vec<&String> = others.map(|n| &texts[n]).collect();
            member.hears_all(&wanted).because(Saw::Something, &LEFT_OUT)?;
        }
    }
    stage.log.step(format_args!("each hears {ROUNDS} lines of each other member that talks"));
    Ok(())
});

const FREEZES: Diagnosis = Diagnosis {
    id: "freezes",
    they: "freeze when one member does not read",
    text: "one member stopped reading, and from then on nobody hears anything: a write waits for whoever does not read, and everybody waits for that write.",
};

pub(super) static STALLED: Check = Check::lab(
    "07.stalled",
    Role::Server,
    "server: a member who does not read holds nobody up",
)
.source("L2, question 8: whatever each user types is broadcast to all")
.needs(&[&HEARS])
.points(2)
.read("7.2")
.mistakes(&[&FREEZES])
.steps(stalled);

/// Batman talks and Robin reads, line by line, until more was said than the kernels hold for
/// Joker, who reads nothing: Robin sets the pace, and only a standstill is wrong.
fn stalled(stage: &Stage) -> Step {
    /// More than the kernels hold, and how far beyond that a program must have got.
    const MUCH: usize = 16 << 20;
    const BEYOND: u64 = 1 << 20;
    /// What our contract lets wait for a member. No more is said to a room for which one read is a
    /// message: who has thousands of them unread is not what such a room was made for.
    const AT_LEAST: usize = 256 << 10;
    const LONG_ENOUGH: Duration = Duration::from_secs(20);
    let (_server, [mut batman, mut robin, joker]) = room(stage, &["Batman", "Robin", "Joker"])?;
    stage.log.step("Joker reads nothing more");
    let (text, begun) = (stage.payload(900), Instant::now());
    let mut joker = Some(joker);
    let in_lines = member::speaks_in_lines(stage).is_ok();
    // Several lines at a time, and less than may wait for a member.
    let (much, turn) = if in_lines { (MUCH, 32) } else { (AT_LEAST, 1) };
    let message = vec![text.as_str(); turn].join("\n");
    let (mut lines, mut said) = (0, 0);
    while said < much {
        batman.says_quietly(&message)?;
        for _ in 0..turn {
            let heard = robin.hears_quietly("Batman", &text);
            heard.confirm(&FREEZES, "when Joker was gone, Robin heard it", || {
                drop(joker.take());
                robin.hears_quietly("Batman", &text).is_ok()
            })?;
        }
        lines += turn;
        said += message.len();
        if lines % 128 == 0 {
            batman.peer.ignore_so_far(); // its own lines, if the room sends them back
            let held = joker.as_ref().and_then(|joker| joker.peer.held());
            if held.is_none_or(|held| held + BEYOND < said as u64) {
                break;
            }
            if begun.elapsed() > LONG_ENOUGH {
                return Err(Halt::NotJudged(format!(
                    "it passes on {lines} lines in {} s, too few to fill what a kernel holds",
                    LONG_ENOUGH.as_secs()
                )));
            }
        }
    }
    stage.log.step(format_args!("Robin hears {lines} lines, {said} bytes, from Batman"));
    // So little fits into what the kernels hold: then nobody knows what the room does behind it.
    let held = joker.as_ref().and_then(|joker| joker.peer.held());
    if !in_lines && held.is_some_and(|held| held >= said as u64) {
        return Err(Halt::NotJudged(
            "one read is a message for it, and all that can be said so fits into the kernel"
                .to_string(),
        ));
    }
    Ok(())
}

const READ_IS_LINE: Diagnosis = Diagnosis {
    id: "read-is-line",
    they: "take what one read returns for one line",
    text: "one read is not one line: a line came in pieces and was passed on in pieces, or several came together and were passed on as one.",
};

pub(super) static PIECES: Check = Check::chapter(
    "07.pieces",
    Role::Server,
    "server: a line in pieces is one line, three in a packet are three",
)
.source("L2, question 8: the chat room manager")
.needs(&[&WHO])
.read("7.5")
.mistakes(&[&READ_IS_LINE])
.steps(pieces);

fn pieces(stage: &Stage) -> Step {
    member::speaks_in_lines(stage)?;
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let line = stage.payload(8);
    batman.peer.dribble(format!("{line}\n"))?;
    let last = format!("{}\n", &line[7..]);
    robin.hears_from("Batman", &line).confirm(
        &READ_IS_LINE,
        "its last letter came alone",
        || find(robin.peer.so_far(), format!(" {last}").as_bytes()).is_some(),
    )?;
    let lines = [stage.payload(8), stage.payload(8), stage.payload(8)];
    batman.says(&lines.join("\n"))?;
    for line in &lines {
        let heard = robin.hears_from("Batman", line);
        heard.confirm(&READ_IS_LINE, "it came without the name before it", || {
            find(robin.peer.so_far(), line.as_bytes()).is_some()
        })?;
    }
    let mut joker = server.connect("Joker")?;
    joker.send(format!("Joker\n{line}\n"))?;
    robin.hears_from("Joker", &line)
}

const ORDERS_DIFFER: Diagnosis = Diagnosis {
    id: "orders-differ",
    they: "let members hear different things",
    text: "with ten who talk at once somebody missed a line, got a mangled one, or heard them in another order than the rest: two threads wrote to one member, or walked a list that a third one changed.",
};

pub(super) static SAME_ORDER: Check = Check::chapter(
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
    const LINES: usize = 40;
    member::speaks_in_lines(stage)?;
    let server = stage.serve(Role::Server)?;
    let mut members = member::fill(stage, &server, &crowd())?;
    // All stay until the last one has heard all, or waited in vain.
    let heard: Vec<Step<Vec<String>>> = thread::scope(|scope| {
        let listening: Vec<_> = members
            .iter_mut()
            .enumerate()
            .map(|(n, member)| {
                scope.spawn(move || {
                    if n < TALKERS {
                        for line in 0..LINES {
                            member.says_quietly(&format!("{line} {}", "x".repeat(200)))?;
                        }
                    }
                    let own = if n < TALKERS { LINES } else { 0 };
                    let mut heard = Vec::new();
                    while heard.len() < TALKERS * LINES - own {
                        let line = member.peer.expect_line_quietly("what the others say")?;
                        let own = line.starts_with(&format!("{}:", member.name));
                        if line.ends_with("xx") && !own {
                            heard.push(line);
                        }
                    }
                    Ok(heard)
                })
            })
            .collect();
        listening.into_iter().filter_map(|member| member.join().ok()).collect()
    });
    let heard: Step<Vec<_>> = heard.into_iter().collect();
    let heard = heard.because(Saw::Nothing, &ORDERS_DIFFER)?;
    let silent = &heard[MEMBERS - 1];
    for (n, lines) in heard.iter().enumerate() {
        let own = format!("m{n}x: ");
        let expected: Vec<_> = silent.iter().filter(|line| !line.starts_with(&own)).collect();
        if let Some((line, wanted)) = lines.iter().zip(expected).find(|(a, b)| a != b) {
            return fail(
                format!("m{n} hears what m{} hears: {}", MEMBERS - 1, quote(wanted.as_bytes())),
                quote(line.as_bytes()),
            )
            .because(Saw::Something, &ORDERS_DIFFER);
        }
    }
    Ok(())
});
