//! Chapter 7, both sides: the grader plays the members of the room, and the room to a client.
//!
//! What is news is told by its words, whatever time stands before them. Greetings, `Server:`
//! lines of other kinds and an echo of one's own line are skipped: the lab forbids none of them.

use super::{
    manners, room_exercises,
    shared::{FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    peer::Peer,
    quiet,
    zone::{Moment, Zone},
};
use std::thread;

/// Chapter 7.
pub static CHAPTER: Chapter = Chapter {
    number: "07",
    name: "chatroom",
    roles: &[Role::Server, Role::Client],
    checks: CHECKS,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L2, question 8: the chat room manager",
    role: Role::Server,
    needs: &["07.hears"],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "7.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const CLIENT: Check = Check {
    source: "L2, question 8: the chat window",
    role: Role::Client,
    needs: &["07.client-name"],
    ..SERVER
};
const SERVER_MANNERS: Check = Check {
    source: "our contract, 07-chatroom; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "7.6",
    ..SERVER
};
const CLIENT_MANNERS: Check =
    Check { role: Role::Client, needs: &["07.client-name"], ..SERVER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "07.listens",
        title: "server: listens on its port",
        needs: &[],
        run: |stage| stage.serve(Role::Server).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "07.joins",
        title: "server: tells a newcomer that it has joined, and how many are there",
        source: "L2, question 8: Batman has joined. Member count=1",
        needs: &["07.listens"],
        points: 2,
        run: |stage| room(stage, &["Batman"]).map(|_| ()),
        diagnoses: &[&JOIN_UNHEARD],
        ..SERVER
    },
    Check {
        id: "07.told",
        title: "server: tells everybody who is there of a newcomer",
        source: "L2, question 8: the status is broadcast to all connected clients",
        needs: &["07.joins"],
        run: |stage| room(stage, &["Batman", "Robin", "Joker"]).map(|_| ()),
        diagnoses: &[&WRONG_COUNT],
        ..SERVER
    },
    Check {
        id: "07.hears",
        title: "server: a member's line goes to all others, with the name before it",
        source: "L2, question 8: whatever each user types is broadcast",
        needs: &["07.told"],
        points: 2,
        run: hears,
        ..SERVER
    },
    Check {
        id: "07.time",
        title: "server: news begin with the time, as it is in this time zone",
        source: "L2, question 8: Server: time=10.01",
        run: time,
        ..SERVER
    },
    Check {
        id: "07.once",
        title: "server: nobody gets a line twice",
        run: once,
        diagnoses: &[&TWICE],
        ..SERVER
    },
    Check {
        id: "07.quit",
        title: "server: `quit` is told to the others, and ends the connection",
        source: "L2, question 8: Batman has left. Member count=1",
        points: 2,
        run: quit,
        diagnoses: &[&WRONG_COUNT],
        ..SERVER
    },
    Check {
        id: "07.close",
        title: "server: a connection that closes is a member that has left",
        source: "L2, question 8: any interesting event",
        run: |stage| leaves(stage, Leaving::Closes),
        diagnoses: &[&LEAVING_UNSEEN],
        ..SERVER
    },
    Check {
        id: "07.reset",
        title: "server: a connection that breaks is a member that has left",
        source: "L2, question 8: any interesting event",
        needs: &["07.close"],
        book: "7.6",
        run: |stage| leaves(stage, Leaving::Resets),
        diagnoses: &[&LEAVING_UNSEEN, &RESET_KILLS],
        ..SERVER
    },
    Check {
        id: "07.nameless",
        title: "server: who goes before giving a name was never there",
        run: nameless,
        diagnoses: &[&NAMELESS_KILLS],
        ..SERVER
    },
    Check {
        id: "07.name-in-use",
        title: "server: does not let two members have one name",
        source: "L2, question 8: each client needs to have a unique name",
        points: 2,
        run: name_in_use,
        diagnoses: &[&NAME_TWICE],
        ..SERVER
    },
    Check {
        id: "07.at-once",
        title: "server: of 50 who ask for one name at once, one gets it",
        source: "L2, question 8: each client needs to have a unique name",
        needs: &["07.name-in-use"],
        points: 2,
        book: "7.5",
        run: at_once,
        diagnoses: &[&NAME_RACE],
        ..SERVER
    },
    Check {
        id: "07.freed-name",
        title: "server: a name is free again when its member has left",
        needs: &["07.name-in-use", "07.close"],
        run: freed_name,
        diagnoses: &[&NAME_KEPT],
        ..SERVER
    },
    Check {
        id: "07.pieces",
        title: "server: a line in pieces is one line, three in a packet are three",
        needs: &["07.once"],
        book: "7.6",
        run: pieces,
        diagnoses: &[&READ_IS_LINE],
        ..SERVER
    },
    Check {
        id: "07.same-order",
        title: "server: 20 members hear 10 who talk at once, all the same, in one order",
        source: "L2, question 8: broadcast to all clients",
        needs: &["07.pieces"],
        points: 2,
        book: "7.5",
        run: same_order,
        diagnoses: &[&ORDERS_DIFFER],
        ..SERVER
    },
    Check {
        id: "07.stalled",
        title: "server: a member who does not read holds nobody up",
        source: "L2, question 8: whatever each user types is broadcast to all",
        needs: &["07.pieces"],
        points: 2,
        book: "7.2",
        run: stalled,
        diagnoses: &[&FREEZES],
        ..SERVER
    },
    Check {
        id: "07.next-name",
        title: "server: says why a name is refused, and takes the next line for one",
        needs: &["07.name-in-use"],
        run: next_name,
        ..SERVER_MANNERS
    },
    Check {
        id: "07.bad-names",
        title: "server: refuses a name that is empty, too long, or could pass for another line",
        needs: &["07.next-name"],
        run: bad_names,
        diagnoses: &[&ANY_NAME],
        ..SERVER_MANNERS
    },
    Check {
        id: "07.no-escapes",
        title: "server: no control character of a name or a line gets to anybody",
        needs: &["07.once"],
        run: no_escapes,
        diagnoses: &[&ESCAPES_PASS],
        ..SERVER_MANNERS
    },
    Check {
        id: "07.own-line",
        title: "server: nobody hears the line that it has said itself",
        needs: &["07.once"],
        run: own_line,
        diagnoses: &[&ECHOES],
        ..SERVER_MANNERS
    },
    Check {
        id: "07.empty-line",
        title: "server: an empty line is ignored",
        run: empty_line,
        ..SERVER_MANNERS
    },
    Check {
        id: "07.too-long",
        title: "server: a line over 4 KiB is dropped, its sender told, and it goes on",
        needs: &["07.pieces"],
        run: too_long,
        diagnoses: &[&NO_LIMIT],
        ..SERVER_MANNERS
    },
    Check {
        id: "07.dropped",
        title: "server: a member who never reads is dropped before it costs 16 MiB",
        needs: &["07.stalled"],
        run: dropped,
        diagnoses: &[&WAITS_FOR_EVER],
        ..SERVER_MANNERS
    },
    Check {
        id: "07.client-name",
        title: "client: connects, and sends the name that its user types",
        source: "L2, question 8: the user is requested for a \"login name\"",
        needs: &[],
        run: |stage| member(stage).map(|_| ()),
        ..CLIENT
    },
    Check {
        id: "07.client-host",
        title: "client: connects to the host that it is given",
        source: "L2, question 2: specify the server's IP address",
        run: connects_to_the_given_host,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "07.client-shows",
        title: "client: shows what others say while its user types nothing",
        source: "L2, question 8: displays the messages sent by the server",
        points: 2,
        book: "7.4",
        run: client_shows,
        diagnoses: &[&WAITS_FOR_USER],
        ..CLIENT
    },
    Check {
        id: "07.client-says",
        title: "client: sends what is typed while nothing comes",
        source: "L2, question 8: takes user input",
        points: 2,
        book: "7.4",
        run: client_says,
        diagnoses: &[&WAITS_FOR_ROOM],
        ..CLIENT
    },
    Check {
        id: "07.client-quits",
        title: "client: `quit` tells the server, and ends it",
        source: "L2, question 8: the sample's `quit`",
        needs: &["07.client-says"],
        run: |stage| client_leaves(stage, |client| client.types("quit")),
        diagnoses: &[&QUIT_IGNORED],
        ..CLIENT
    },
    Check {
        id: "07.client-asks-again",
        title: "client: a name that is taken does not end it; the next one is sent",
        needs: &["07.client-shows"],
        run: client_asks_again,
        ..CLIENT_MANNERS
    },
    Check {
        id: "07.client-input-ends",
        title: "client: the end of its input counts as `quit`, exit 0",
        needs: &["07.client-quits"],
        run: client_input_ends,
        diagnoses: &[&QUIT_IGNORED],
        ..CLIENT_MANNERS
    },
    Check {
        id: "07.client-server-leaves",
        title: "client: ends when the server goes away, exit 1, and says so",
        needs: &["07.client-shows", "07.client-quits"],
        run: client_server_leaves,
        diagnoses: &[&LINGERS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "07.client-name-option",
        title: "client: with --name it does not ask for one",
        needs: &["07.client-says"],
        run: client_name_option,
        ..CLIENT_MANNERS
    },
    Check { needs: &["07.client-host"], ..manners::refused("07.refused") },
    Check { needs: &["07.client-host"], ..manners::ipv6("07.ipv6") },
    manners::help("07.help", Role::Server),
    manners::version("07.version", Role::Server),
    manners::usage("07.usage", Role::Server),
    manners::port_zero("07.port-zero", Role::Server),
    Check { needs: &["07.listens"], ..manners::blocking_lines("07.blocking", Role::Server) },
    Check { needs: &["07.listens"], ..manners::blocking_trace("07.trace", Role::Server) },
    room_exercises::PRIVATE,
    room_exercises::HISTORY,
    room_exercises::WHO,
];

/// A member of the room, played by the grader.
struct Member {
    name: String,
    peer: Peer,
}

impl Member {
    /// Connects, and sends a name; what comes of it is still to be heard.
    fn knock(server: &Server, name: &str) -> Outcome<Member> {
        let mut peer = server.connect(name)?;
        peer.send(format!("{name}\n"))?;
        Ok(Member { name: name.to_string(), peer })
    }

    fn says(&mut self, text: &str) -> Outcome {
        self.peer.send(format!("{text}\n"))
    }

    /// The next line that is for everybody: `Batman: hi`, or news without their time (`Batman
    /// has joined. Member count=1`).
    fn next(&mut self, what: &str) -> Outcome<String> {
        loop {
            let line = self.peer.expect_line(what)?;
            let line = line.trim_end();
            match news(line) {
                Some(news) => return Ok(news.to_string()),
                None if line.starts_with("Server") => {}
                None if line.starts_with(&format!("{}: ", self.name)) => {}
                None if line.contains(": ") => return Ok(line.to_string()),
                None => {} // a greeting
            }
        }
    }

    /// Expects this line next.
    fn hears(&mut self, line: &str) -> Outcome {
        let got = self.next(&format!("`{line}`"))?;
        if got == line {
            return Ok(());
        }
        fail(format!("{} hears {}", self.name, quote(line.as_bytes())), quote(got.as_bytes()))
    }

    /// Says something that nobody can guess, and expects that the other hears it next.
    fn is_heard_by(&mut self, stage: &Stage, other: &mut Member) -> Outcome {
        let text = stage.payload(16);
        self.says(&text)?;
        other.hears(&format!("{}: {text}", self.name))
    }
}

/// What a line of news says behind its time.
fn news(line: &str) -> Option<&str> {
    let (time, news) = line.strip_prefix("Server: time=")?.split_once(' ')?;
    clock(time)?;
    Some(news)
}

/// `HH.MM` as minutes since midnight.
fn clock(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once('.')?;
    match (hour.len(), minute.len(), hour.parse().ok()?, minute.parse().ok()?) {
        (2, 2, hour @ 0..24, minute @ 0..60) => Some(hour * 60 + minute),
        _ => None,
    }
}

fn joined(name: &str, count: usize) -> String {
    format!("{name} has joined. Member count={count}")
}

fn left(name: &str, count: usize) -> String {
    format!("{name} has left. Member count={count}")
}

const JOIN_UNHEARD: Diagnosis = Diagnosis {
    id: "join-unheard",
    they: "tell the others of a newcomer, and not the newcomer",
    text: "the newcomer does not hear of its own joining: was it told to everybody on a list to which the newcomer was added only then?",
};
const WRONG_COUNT: Diagnosis = Diagnosis {
    id: "wrong-count-07",
    they: "count the members wrongly",
    text: "the news is right and its number is not: a number kept beside the list of members has to be changed wherever the list is. Can you not ask the list?",
};

/// A server, and a room of these members, who have heard each other join, and nothing else.
fn room<const N: usize>(stage: &Stage, names: &[&str; N]) -> Outcome<(Server, [Member; N])> {
    let server = stage.serve(Role::Server)?;
    let members = fill(&server, names)?;
    Ok((server, members))
}

fn fill<const N: usize>(server: &Server, names: &[&str; N]) -> Outcome<[Member; N]> {
    let mut members: Vec<Member> = Vec::new();
    for name in names {
        members.push(Member::knock(server, name)?);
        let line = joined(name, members.len());
        for (n, member) in members.iter_mut().rev().enumerate() {
            hears_news(member, &line).means(n == 0, &JOIN_UNHEARD)?;
        }
    }
    match members.try_into() {
        Ok(members) => Ok(members),
        Err(_) => unreachable!("one for each name"),
    }
}

/// Expects news; if only their number is wrong, that is told.
fn hears_news(member: &mut Member, line: &str) -> Outcome {
    let got = member.next(&format!("`{line}`"))?;
    let words = |line: &str| line.rsplit_once('=').map(|(words, _)| words.to_string());
    if got == line {
        return Ok(());
    }
    fail(format!("{} hears {}", member.name, quote(line.as_bytes())), quote(got.as_bytes()))
        .means(words(&got) == words(line), &WRONG_COUNT)
}

fn hears(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin, mut joker]) =
        room(stage, &["Batman", "Robin", "Joker"])?;
    for _ in 0..2 {
        let text = stage.payload(16);
        batman.says(&text)?;
        robin.hears(&format!("Batman: {text}"))?;
        joker.hears(&format!("Batman: {text}"))?;
        joker.is_heard_by(stage, &mut robin)?;
        let line = batman.next("what Joker said")?;
        if !line.starts_with("Joker: ") {
            return fail("Batman hears Joker", quote(line.as_bytes()));
        }
    }
    Ok(())
}

fn time(stage: &Stage) -> Outcome {
    // Another hour than the machine's own clock shows, wherever it stands.
    let utc = Zone::UTC.now()?;
    let zone = Zone::find(|moment| moment.hour() != utc.hour())?;
    let server = stage.serve_with(Role::Server, "", &[&format!("env TZ={}", zone.0)])?;
    let before = zone.now()?;
    let mut batman = Member::knock(&server, "Batman")?;
    let line = batman.peer.expect_among(" Batman has joined")?;
    let after = zone.now()?;
    let text = String::from_utf8_lossy(&line).into_owned();
    let said = text.rsplit_once("Server: time=").and_then(|(_, time)| clock(time));
    let minutes = |moment: Moment| moment.time / 60;
    if said.is_some_and(|said| said == minutes(before) || said == minutes(after)) {
        return Ok(());
    }
    let hm = |moment: Moment| format!("{:02}.{:02}", moment.hour(), moment.time / 60 % 60);
    fail(format!("`Server: time={} Batman has joined`", hm(after)), quote(text.as_bytes()))
}

const TWICE: Diagnosis = Diagnosis {
    id: "twice",
    they: "send a line twice",
    text: "the same line came twice: it is sent in two places, or somebody stands on the list twice.",
};

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

fn quit(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin, mut joker]) =
        room(stage, &["Batman", "Robin", "Joker"])?;
    batman.says("quit")?;
    hears_news(&mut robin, &left("Batman", 2))?;
    hears_news(&mut joker, &left("Batman", 2))?;
    batman.peer.take_until_close();
    batman.peer.expect_closed()
}

const LEAVING_UNSEEN: Diagnosis = Diagnosis {
    id: "leaving-unseen",
    they: "notice no member that goes without `quit`",
    text: "a member's connection ended without a `quit`, and nobody was told: a read of 0 bytes, or one that fails, is its end too.",
};

/// How a member goes that does not say `quit`.
#[derive(Clone, Copy, PartialEq)]
enum Leaving {
    Closes,
    Resets,
}

fn leaves(stage: &Stage, how: Leaving) -> Outcome {
    let (server, [batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let resets = how == Leaving::Resets;
    if resets {
        robin.says("something that Batman leaves unread")?;
        batman.peer.reset()?;
    } else {
        batman.peer.close();
    }
    let told = hears_news(&mut robin, &left("Batman", 1));
    let ended = || server.program.process.wait(quiet()).map(|_| "it has ended".to_string());
    told.probe(&RESET_KILLS, || ended().filter(|_| resets)).means(true, &LEAVING_UNSEEN)?;
    let mut joker = Member::knock(&server, "Joker").means(resets, &RESET_KILLS)?;
    hears_news(&mut joker, &joined("Joker", 2))
}

const NAMELESS_KILLS: Diagnosis = Diagnosis {
    id: "nameless",
    they: "count who has given no name",
    text: "somebody came and went without giving a name, and the room heard of it, or ended: who has no name yet is no member.",
};

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

fn name_in_use(stage: &Stage) -> Outcome {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let second = Member::knock(&server, "Batman")?;
    second.peer.settle();
    batman.peer.expect_silence("no second Batman may join").means(true, &NAME_TWICE)?;
    robin.peer.expect_silence("no second Batman may join").means(true, &NAME_TWICE)?;
    batman.is_heard_by(stage, &mut robin)
}

const NAME_RACE: Diagnosis = Diagnosis {
    id: "name-race",
    they: "give one name to several who ask at once",
    text: "several who asked at the same moment have the same name: between looking whether it is free and taking it, somebody else looked. Both must be one step.",
};

fn at_once(stage: &Stage) -> Outcome {
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
}

const NAME_KEPT: Diagnosis = Diagnosis {
    id: "name-kept",
    they: "keep the name of a member that has left",
    text: "Batman has left, and his name is still taken: what a member has must go with it, however it goes.",
};

fn freed_name(stage: &Stage) -> Outcome {
    let (server, [batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.peer.close();
    robin.hears(&left("Batman", 1))?;
    let mut batman = Member::knock(&server, "Batman")?;
    hears_news(&mut batman, &joined("Batman", 2)).means(true, &NAME_KEPT)?;
    robin.hears(&joined("Batman", 2))
}

const READ_IS_LINE: Diagnosis = Diagnosis {
    id: "read-is-line",
    they: "take what one read returns for one line",
    text: "one read is not one line: a line came in pieces and was passed on in pieces, or several came together and were passed on as one.",
};

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

fn same_order(stage: &Stage) -> Outcome {
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
}

const FREEZES: Diagnosis = Diagnosis {
    id: "freezes",
    they: "freeze when one member does not read",
    text: "one member stopped reading, and from then on nobody hears anything: a write waits for whoever does not read, and everybody waits for that write.",
};

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

/// More than two kernels hold for one who does not read.
const MUCH: usize = 8 << 20;

fn stalled(stage: &Stage) -> Outcome {
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

fn next_name(stage: &Stage) -> Outcome {
    let (server, [_batman]) = room(stage, &["Batman"])?;
    let mut second = Member::knock(&server, "Batman")?;
    let line = second.peer.expect_line("why the name is refused")?;
    if !line.starts_with("Server: ") {
        return fail("`Server: …`, with the reason", quote(line.as_bytes()));
    }
    second.says("Robin")?;
    second.name = "Robin".to_string();
    hears_news(&mut second, &joined("Robin", 2))
}

const ANY_NAME: Diagnosis = Diagnosis {
    id: "any-name",
    they: "take any text for a name",
    text: "a name that can pass for another line, or for nobody, was taken: what is said in a room is believed by its form, so a name may not look like one.",
};

fn bad_names(stage: &Stage) -> Outcome {
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
}

const ESCAPES_PASS: Diagnosis = Diagnosis {
    id: "escapes-pass",
    they: "pass control characters on",
    text: "a control character got through: with it a member moves the cursor on everybody's screen, and forges what others have said.",
};

fn no_escapes(stage: &Stage) -> Outcome {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.peer.send("a\x1b[2Jb\x07\tc\u{9b}d\r\n")?;
    robin.hears("Batman: a[2Jbcd").means(true, &ESCAPES_PASS)?;
    let mut joker = server.connect("Joker")?;
    joker.send("Jo\x1bke\x07r\r\n")?;
    robin.hears(&joined("Joker", 3)).means(true, &ESCAPES_PASS)
}

const ECHOES: Diagnosis = Diagnosis {
    id: "echoes",
    they: "send a member its own line",
    text: "the speaker got its own line: it has it on its screen already.",
};

fn own_line(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.is_heard_by(stage, &mut robin)?;
    batman.peer.expect_silence("it has said this itself").means(true, &ECHOES)
}

fn empty_line(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let line = stage.payload(16);
    batman.peer.send(format!("\n\r\n{line}\n"))?;
    robin.peer.expect(format!("Batman: {line}\n"))
}

const NO_LIMIT: Diagnosis = Diagnosis {
    id: "no-limit-07",
    they: "pass on a line of any length",
    text: "a line far over the limit was passed on, or ended its sender: whoever sends it chooses how much memory you use, once for every member.",
};

fn too_long(stage: &Stage) -> Outcome {
    let (_server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.says(&"x".repeat(10_000))?;
    let line = batman.peer.expect_line("that its line is too long").means(true, &NO_LIMIT)?;
    if !line.contains("line too long") {
        return fail("`… line too long`", quote(line.as_bytes())).means(true, &NO_LIMIT);
    }
    batman.is_heard_by(stage, &mut robin).means(true, &NO_LIMIT)
}

const WAITS_FOR_EVER: Diagnosis = Diagnosis {
    id: "waits-for-ever",
    they: "store everything for a member who never reads",
    text: "a member reads nothing, and all that is said is stored for it: how much memory is one silent member worth?",
};

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

/// A client that has sent its user's name.
fn member(stage: &Stage) -> Outcome<(Program, Peer)> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types("Batman");
    server.expect_among("Batman")?;
    server.skip_line_end();
    server.send("Server: time=10.01 Batman has joined. Member count=1\n")?;
    Ok((client, server))
}

const WAITS_FOR_USER: Diagnosis = Diagnosis {
    id: "waits-for-user-07",
    they: "show what others say only when their user has typed",
    text: "a line came and was shown only when the user had typed one: whoever waits at the keyboard does not hear the room. Two things to wait for, two threads.",
};

fn client_shows(stage: &Stage) -> Outcome {
    let (mut client, mut server) = member(stage)?;
    for _ in 0..3 {
        let line = format!("Robin: {}", stage.payload(16));
        server.send(format!("{line}\n"))?;
        client.prints(&line).probe(&WAITS_FOR_USER, || {
            (0..4).for_each(|_| client.types("well"));
            let then = client.prints(&line).is_ok();
            then.then(|| "it did when its user had typed something".to_string())
        })?;
    }
    Ok(())
}

const WAITS_FOR_ROOM: Diagnosis = Diagnosis {
    id: "waits-for-room",
    they: "send what is typed only when something has come",
    text: "the second line was sent only when something had come from the room: whoever waits for the room does not hear the keyboard. Two things to wait for, two threads.",
};

fn client_says(stage: &Stage) -> Outcome {
    let (client, mut server) = member(stage)?;
    for _ in 0..3 {
        let line = stage.payload(16);
        client.types(&line);
        server.expect_among(&line).map(|_| ()).probe(&WAITS_FOR_ROOM, || {
            let _ = server.send("Robin: hello\nRobin: hello\n");
            let then = server.expect_among(&line).is_ok();
            then.then(|| "it was when something had come".to_string())
        })?;
    }
    Ok(())
}

const QUIT_IGNORED: Diagnosis = Diagnosis {
    id: "quit-ignored",
    they: "do not end at `quit`, or tell nobody",
    text: "the user has left, and the server does not know, or the program still runs: which of the two threads ends, and what wakes the other?",
};

/// The user leaves: the server is told, or sees the end, and the client ends.
fn client_leaves(stage: &Stage, leave: fn(&mut Program)) -> Outcome {
    let (mut client, mut server) = member(stage)?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect_among(&line)?;
    server.skip_line_end();
    leave(&mut client);
    let told = server.take_through(|got| {
        let text = String::from_utf8_lossy(got).into_owned();
        text.contains("quit").then_some(got.len())
    });
    if told.is_none() {
        server.expect_close().means(true, &QUIT_IGNORED)?;
    }
    server.close();
    client.ends().map(|_| ()).means(true, &QUIT_IGNORED)
}

fn client_asks_again(stage: &Stage) -> Outcome {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    client.types("Batman");
    server.expect("Batman\n")?;
    server.send("Server: this name is in use: try another\n")?;
    client.prints("this name is in use")?;
    client.types("Robin");
    server.expect("Robin\n")
}

fn client_input_ends(stage: &Stage) -> Outcome {
    let (mut client, mut server) = member(stage)?;
    client.end_input();
    server.expect("quit\n").means(true, &QUIT_IGNORED)?;
    server.close();
    client.ends_with(0).means(true, &QUIT_IGNORED)
}

const LINGERS: Diagnosis = Diagnosis {
    id: "lingers-07",
    they: "stay when the server has gone",
    text: "the server has gone and the client waits for its user, or says that all went well: nobody is left who could hear.",
};

fn client_server_leaves(stage: &Stage) -> Outcome {
    let (client, server) = member(stage)?;
    server.close();
    client.ends_with(1).means(true, &LINGERS)?;
    client.complains(&["the server has gone away"]).map(|_| ())
}

fn client_name_option(stage: &Stage) -> Outcome {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, "--name Batman", &[])?;
    let mut server = client.connects_to(&host, "the server")?;
    server.expect("Batman\n")?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(format!("{line}\n"))
}
