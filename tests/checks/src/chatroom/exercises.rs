//! Chapter 7, the exercises of the book.

use crate::check::Check;
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Step, fail, quote},
    peer::Peer,
};

const OVERHEARD: Diagnosis = Diagnosis {
    id: "overheard",
    they: "let others hear a private line",
    text: "somebody else heard what was said to one member: whom does the line go to, and who walks the list?",
};

pub(super) static X_PRIVATE: Check = Check::exercise(
    "07.x-private",
    Role::Server,
    "exercise: `/msg NAME text` is heard by one member alone",
    "queued_room {port}",
)
.source("the book, 7.7")
.read("7.3")
.mistakes(&[&OVERHEARD])
.steps(private);

fn private(stage: &Stage) -> Step {
    let server = stage.serve(Role::Server)?;
    let mut members = room(&server, ["Batman", "Robin", "Joker"])?;
    let (secret, open) = (stage.payload(16), stage.payload(16));
    members[0].send(format!("/msg Robin {secret}\n{open}\n"))?;
    hears(&mut members[1], |line| line.contains(&secret), "the private line")?;
    let line = hears(&mut members[2], |line| !line.starts_with("Server"), "the open line")?;
    if !line.contains(&open) {
        return fail("Joker hears the open line alone", quote(line.as_bytes()))
            .means(line.contains(&secret), &OVERHEARD);
    }
    hears(&mut members[1], |line| line.contains(&open), "the open line").map(|_| ())
}

/// Members who have heard each other join. News are not what these checks are about.
fn room<const N: usize>(server: &Server, names: [&str; N]) -> Step<Vec<Peer>> {
    let mut members: Vec<Peer> = Vec::new();
    for name in names {
        let mut member = server.connect(name)?;
        member.send(format!("{name}\n"))?;
        members.push(member);
        for member in &mut members {
            hears(member, |line| line.contains(&format!("{name} has joined")), name)?;
        }
    }
    Ok(members)
}

/// Reads up to a line that fits, and returns it.
fn hears(member: &mut Peer, fits: impl Fn(&str) -> bool, what: &str) -> Step<String> {
    loop {
        let line = member.expect_line(what)?;
        if fits(&line) {
            return Ok(line);
        }
    }
}

const NO_BOUND: Diagnosis = Diagnosis {
    id: "no-bound",
    they: "remember everything that was ever said",
    text: "the newcomer heard more than ten lines: what is kept for ever grows for ever.",
};

pub(super) static X_HISTORY: Check = Check::exercise(
    "07.x-history",
    Role::Server,
    "exercise: who joins hears first the last ten lines that were said",
    "queued_room {port}",
)
.source("the book, 7.7")
.read("7.3")
.mistakes(&[&NO_BOUND])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut members = room(&server, ["Batman", "Robin"])?;
    let said: Vec<String> = (0..12).map(|_| stage.payload(8)).collect();
    members[0].send(said.join("\n") + "\n")?;
    hears(&mut members[1], |line| line.contains(&said[11]), "the last line")?;
    let mut joker = server.connect("Joker")?;
    joker.send("Joker\n")?;
    let mut heard = Vec::new();
    loop {
        let line = joker.expect_line("the last ten lines, and then that Joker has joined")?;
        if line.contains("Joker has joined") {
            break;
        }
        heard.extend(line.strip_prefix("Batman: ").map(String::from));
    }
    if heard == said[2..] {
        return Ok(());
    }
    fail(format!("the last ten of {said:?}"), format!("{heard:?}"))
        .means(heard.len() > 10, &NO_BOUND)
});

fn who(stage: &Stage) -> Step {
    let server = stage.serve(Role::Server)?;
    let mut members = room(&server, ["Batman", "Robin", "Joker"])?;
    members[1].send("quit\n")?;
    members[1].take_until_close();
    let asker = &mut members[0];
    hears(asker, |line| line.contains("Robin has left"), "that Robin has left")?;
    asker.send("/who\n")?;
    let line = hears(asker, |line| line.contains("Joker"), "the names")?;
    if line.contains("Batman") && !line.contains("Robin") {
        return Ok(());
    }
    fail("Batman and Joker, in one line", quote(line.as_bytes()))
}

pub(super) static X_WHO: Check = Check::exercise(
    "07.x-who",
    Role::Server,
    "exercise: `/who` is answered with the names of all who are there",
    "queued_room {port}",
)
.source("the book, 7.7")
.read("7.3")
.steps(who);
