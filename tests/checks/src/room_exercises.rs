//! The exercises of chapter 7: a room with private lines, a memory, and a list of who is there.

use crate::check::{Check, Kind};
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    peer::Peer,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "the book, 7.7",
    role: Role::Server,
    needs: &[],
    points: 0,
    kind: Kind::Exercise { answer: "queued_room {port}" },
    long: false,
    book: "7.5",
    run: |_| Ok(()),
    diagnoses: &[],
};

pub const PRIVATE: Check = Check {
    id: "07.x-private",
    title: "exercise: `/msg NAME text` is heard by one member alone",
    run: private,
    diagnoses: &[&OVERHEARD],
    ..SERVER
};

pub const HISTORY: Check = Check {
    id: "07.x-history",
    title: "exercise: who joins hears first the last ten lines that were said",
    run: history,
    diagnoses: &[&NO_BOUND],
    ..SERVER
};

pub const WHO: Check = Check {
    id: "07.x-who",
    title: "exercise: `/who` is answered with the names of all who are there",
    run: who,
    ..SERVER
};

/// Members who have heard each other join. News are not what these checks are about.
fn room<const N: usize>(server: &Server, names: [&str; N]) -> Outcome<Vec<Peer>> {
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
fn hears(member: &mut Peer, fits: impl Fn(&str) -> bool, what: &str) -> Outcome<String> {
    loop {
        let line = member.expect_line(what)?;
        if fits(&line) {
            return Ok(line);
        }
    }
}

const OVERHEARD: Diagnosis = Diagnosis {
    id: "overheard",
    they: "let others hear a private line",
    text: "somebody else heard what was said to one member: whom does the line go to, and who walks the list?",
};

fn private(stage: &Stage) -> Outcome {
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

const NO_BOUND: Diagnosis = Diagnosis {
    id: "no-bound",
    they: "remember everything that was ever said",
    text: "the newcomer heard more than ten lines: what is kept for ever grows for ever.",
};

fn history(stage: &Stage) -> Outcome {
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
}

fn who(stage: &Stage) -> Outcome {
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
