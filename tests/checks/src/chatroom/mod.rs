//! Chapter 7, both sides: the grader plays the members of the room, and the room to a client.
//!
//! What is news is told by its words, whatever time stands before them. Greetings, `Server:`
//! lines of other kinds and an echo of one's own line are skipped: the lab forbids none of them.

mod client;
mod conduct;
mod exercises;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{FIXED_HOST, RESET_KILLS, connects_to_the_given_host},
};
use client::CLIENT_HOST;
use server::LISTENS;
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
    learn: None,
    checks: &[
        &server::LISTENS,
        &server::JOINS,
        &server::TOLD,
        &server::HEARS,
        &server::TIME,
        &server::ONCE,
        &server::QUIT,
        &server::CLOSE,
        &server::RESET,
        &server::NAMELESS,
        &server::NAME_IN_USE,
        &server::AT_ONCE,
        &server::FREED_NAME,
        &server::PIECES,
        &server::SAME_ORDER,
        &server::STALLED,
        &server::NEXT_NAME,
        &server::BAD_NAMES,
        &server::NO_ESCAPES,
        &server::OWN_LINE,
        &server::EMPTY_LINE,
        &server::TOO_LONG,
        &server::DROPPED,
        &client::CLIENT_NAME,
        &client::CLIENT_HOST,
        &client::CLIENT_SHOWS,
        &client::CLIENT_SAYS,
        &client::CLIENT_QUITS,
        &client::CLIENT_ASKS_AGAIN,
        &client::CLIENT_INPUT_ENDS,
        &client::CLIENT_SERVER_LEAVES,
        &client::CLIENT_NAME_OPTION,
        &conduct::REFUSED,
        &conduct::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &conduct::PORT_ZERO,
        &conduct::BLOCKING,
        &conduct::TRACE,
        &exercises::X_PRIVATE,
        &exercises::X_HISTORY,
        &exercises::X_WHO,
    ],
};

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

/// A client that has sent its user's name.
fn member(stage: &Stage) -> Outcome<(Program, Peer)> {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types("Batman");
    server.expect_among("Batman")?;
    server.skip_line_end();
    server.send("Server: time=10.01 Batman has joined. Member count=1\n")?;
    Ok((client, server))
}
