//! The exercises of chapter 5: a calculator that remembers nothing, and one that remembers more.

use crate::check::{Check, Kind};
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    peer::Peer,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "the book, 5.7",
    role: Role::Server,
    needs: &[],
    points: 0,
    kind: Kind::Exercise { answer: "" },
    long: false,
    book: "5.5",
    run: |_| Ok(()),
    diagnoses: &[],
};

pub const STATELESS: Check = Check {
    id: "05.x-stateless",
    title: "exercise: each request carries its name, and nothing is remembered",
    source: "the book, 5.7; L2, question 7: stateful or stateless",
    kind: Kind::Exercise { answer: "stateless {port}" },
    run: stateless,
    diagnoses: &[&STILL_A_SESSION],
    ..SERVER
};

pub const REMEMBERS: Check = Check {
    id: "05.x-remembers",
    title: "exercise: `ans` stands for the last result of this session",
    kind: Kind::Exercise { answer: "remembering {port}" },
    run: remembers,
    diagnoses: &[&ONE_MEMORY],
    ..SERVER
};

pub const IDLE: Check = Check {
    id: "05.x-idle",
    title: "exercise: a session that says nothing for too long ends",
    kind: Kind::Exercise { answer: "remembering {port} --idle 1" },
    book: "5.4",
    run: idle,
    ..SERVER
};

/// Sends a line, and expects this one back.
fn gives(client: &mut Peer, line: &str, answer: &str) -> Outcome {
    client.send(format!("{line}\n"))?;
    client.expect(format!("{answer}\n"))
}

/// A client in a session.
fn join(server: &Server, name: &str) -> Outcome<Peer> {
    let mut client = server.connect(name)?;
    client.send(format!("{name}\n"))?;
    Ok(client)
}

const STILL_A_SESSION: Diagnosis = Diagnosis {
    id: "still-a-session",
    they: "remember a name from one request to the next",
    text: "a request was put down to somebody who had asked before: the name is in the line itself, and there is nothing to remember.",
};

fn stateless(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut one = server.connect("a connection")?;
    for (name, request, answer) in
        [("Ada", "12 + 42", "54"), ("Bob", "4.5 / -6", "-0.75"), ("Ada", "1 - 2", "-1")]
    {
        gives(&mut one, &format!("{name} {request}"), answer)?;
        let line = format!("{name}: {request} = {answer}\n");
        server.program.prints(line).means(true, &STILL_A_SESSION)?;
    }
    // Another connection, in the middle of a conversation.
    gives(&mut server.connect("another connection")?, "Ada 2 * 3", "6")?;
    one.send("12 + 42\n")?; // nobody asks
    let line = one.expect_line("an error")?;
    if !line.starts_with("error: ") {
        return fail("`error: …`", quote(line.as_bytes())).means(true, &STILL_A_SESSION);
    }
    Ok(())
}

const ONE_MEMORY: Diagnosis = Diagnosis {
    id: "one-memory",
    they: "have one memory for all sessions",
    text: "`ans` was another client's result: what a session remembers is born with it, and nobody else's.",
};

fn remembers(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let (mut ada, mut bob) = (join(&server, "Ada")?, join(&server, "Bob")?);
    gives(&mut ada, "12 + 42", "54")?;
    bob.send("ans + 1\n")?;
    let line = bob.expect_line("an error")?;
    if !line.starts_with("error: ") {
        return fail("an error: Bob has no result yet", quote(line.as_bytes()))
            .means(line == "55", &ONE_MEMORY);
    }
    gives(&mut bob, "1 + 1", "2")?;
    gives(&mut ada, "ans / 4", "13.5").means(true, &ONE_MEMORY)?;
    ada.send("1 / 0\n")?;
    ada.expect_line("an error")?;
    gives(&mut ada, "ans - ans", "0")?;
    gives(&mut bob, "10 * ans", "20")
}

fn idle(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut ada = join(&server, "Ada")?;
    gives(&mut ada, "12 + 42", "54")?;
    ada.expect_close()?;
    server.program.prints("Ada: Session ended\n")?;
    gives(&mut join(&server, "Bob")?, "1 + 1", "2")
}
