//! Chapter 5, the exercises of the book.

use crate::check::Check;
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Step, fail, quote},
    peer::Peer,
};

const STILL_A_SESSION: Diagnosis = Diagnosis {
    id: "still-a-session",
    they: "remember a name from one request to the next",
    text: "a request was put down to somebody who had asked before: the name is in the line itself, and there is nothing to remember.",
};

pub(super) static X_STATELESS: Check = Check::exercise(
    "05.x-stateless",
    Role::Server,
    "exercise: each request carries its name, and nothing is remembered",
    "stateless {port}",
)
.source("the book, 5.7; L2, question 7: stateful or stateless")
.read("5.3")
.mistakes(&[&STILL_A_SESSION])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut one = server.connect("a connection")?;
    for (name, request, answer) in
        [("Ada", "12 + 42", "54"), ("Bob", "4.5 / -6", "-0.75"), ("Ada", "1 - 2", "-1")]
    {
        gives(&mut one, &format!("{name} {request}"), answer)?;
        let line = format!("{name}: {request} = {answer}\n");
        let other = if name == "Ada" { "Bob" } else { "Ada" };
        server.program.prints(line).probe(&STILL_A_SESSION, || {
            let heard = server.program.process.heard();
            let text = String::from_utf8_lossy(&heard.stdout).into_owned();
            let line = text.lines().find(|line| line.contains(request))?;
            line.contains(other).then(|| format!("it was printed as {other}'s"))
        })?;
    }
    // Another connection, in the middle of a conversation.
    gives(&mut server.connect("another connection")?, "Ada 2 * 3", "6")?;
    one.send("12 + 42\n")?; // nobody asks
    let line = one.expect_line("an error")?;
    if !line.starts_with("error: ") {
        return fail("`error: …`", quote(line.as_bytes())).confirm(
            &STILL_A_SESSION,
            "the result, and nobody had asked",
            || line == "54",
        );
    }
    Ok(())
});

/// Sends a line, and expects this one back.
fn gives(client: &mut Peer, line: &str, answer: &str) -> Step {
    client.send(format!("{line}\n"))?;
    client.expect(format!("{answer}\n"))
}

const ONE_MEMORY: Diagnosis = Diagnosis {
    id: "one-memory",
    they: "have one memory for all sessions",
    text: "`ans` was another client's result: what a session remembers is born with it, and nobody else's.",
};

pub(super) static X_REMEMBERS: Check = Check::exercise(
    "05.x-remembers",
    Role::Server,
    "exercise: `ans` stands for the last result of this session",
    "remembering {port}",
)
.source("the book, 5.7")
.read("5.3")
.mistakes(&[&ONE_MEMORY])
.steps(remembers);

fn remembers(stage: &Stage) -> Step {
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
    ada.send("ans / 4\n")?;
    let line = ada.expect_line("13.5")?;
    if line != "13.5" {
        return fail("13.5", quote(line.as_bytes())).confirm(
            &ONE_MEMORY,
            "this is a quarter of Bob's result",
            || line == "0.5",
        );
    }
    ada.send("1 / 0\n")?;
    ada.expect_line("an error")?;
    gives(&mut ada, "ans - ans", "0")?;
    gives(&mut bob, "10 * ans", "20")
}

/// A client in a session.
fn join(server: &Server, name: &str) -> Step<Peer> {
    let mut client = server.connect(name)?;
    client.send(format!("{name}\n"))?;
    Ok(client)
}

pub(super) static X_IDLE: Check = Check::exercise(
    "05.x-idle",
    Role::Server,
    "exercise: a session that says nothing for too long ends",
    "remembering {port} --idle 1",
)
.source("the book, 5.7")
.read("5.3")
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut ada = join(&server, "Ada")?;
    gives(&mut ada, "12 + 42", "54")?;
    ada.expect_close()?;
    server.program.prints("Ada: Session ended\n")?;
    gives(&mut join(&server, "Bob")?, "1 + 1", "2")
});
