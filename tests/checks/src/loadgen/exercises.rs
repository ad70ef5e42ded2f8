//! Chapter 8, the exercises of the book.

use crate::check::Check;
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Saw, Step, fail},
    kernel, patience,
    peer::Peer,
};
use std::time::Instant;

const POOL_GROWS: Diagnosis = Diagnosis {
    id: "pool-grows",
    they: "serve more clients than they have threads",
    text: "the fifth client was served beside the four: is a thread started for each one? Here the four wait in accept() themselves.",
};

const POOL_SHRINKS: Diagnosis = Diagnosis {
    id: "pool-shrinks",
    they: "lose a thread with every client that breaks off",
    text: "four clients broke off and fewer than four are served now: a thread that ends because of its client is missing from then on.",
};

pub(super) static X_POOL: Check = Check::exercise(
    "08.x-pool",
    Role::Server,
    "exercise: 4 threads wait in accept() together, and serve 4 clients at once",
    "accept_pool {port} --threads 4",
)
.source("the book, 8.7")
.read("8.7")
.mistakes(&[&POOL_GROWS, &POOL_SHRINKS])
.steps(pool);

fn pool(stage: &Stage) -> Step {
    const THREADS: [&str; 4] = ["a", "b", "c", "d"];
    let server = stage.serve(Role::Server)?;
    for name in THREADS {
        let mut rude = server.connect(name)?;
        rude.send(stage.payload(100))?;
        rude.reset()?; // over its intro
    }
    let welcomed: Step<Vec<Peer>> =
        THREADS.iter().map(|name| welcomed(&server, name)).collect();
    let mut clients = welcomed.because(Saw::Nothing, &POOL_SHRINKS)?;
    let mut e = server.connect("e")?;
    e.expect_silence("all four threads are busy").because(Saw::Something, &POOL_GROWS)?;
    is_served(stage, clients.remove(2))?;
    e.expect_anything("an intro, when c has left")?;
    clients.push(e);
    clients.into_iter().try_for_each(|client| is_served(stage, client))
}

fn welcomed(server: &Server, name: &str) -> Step<Peer> {
    let mut client = server.connect(name)?;
    client.expect_anything("an intro")?;
    Ok(client)
}

/// One client's message, its count, and the close.
fn is_served(stage: &Stage, mut client: Peer) -> Step {
    client.send(stage.payload(700))?;
    client.half_close();
    client.expect_among("received 700 bytes").map(|_| ())
}

const TAKES_ALL: Diagnosis = Diagnosis {
    id: "takes-all",
    they: "take in more clients than they have room for",
    text: "the sixth client got its intro: how many are there when it comes, and who knows that number?",
};

const LETS_WAIT: Diagnosis = Diagnosis {
    id: "lets-wait",
    they: "let a client wait whom they have no room for",
    text: "the sixth client hears nothing: it may wait for a minute without knowing why. Take it from the queue, tell it, close.",
};

const PLACE_LOST: Diagnosis = Diagnosis {
    id: "place-lost",
    they: "do not give a place to the next one when a client has left",
    text: "a client has left, and the next one is turned away still: who counts down, and does that happen too when a session ends in an error?",
};

pub(super) static X_LIMIT: Check = Check::exercise(
    "08.x-limit",
    Role::Server,
    "exercise: tells the 6th client that there is room for 5, and closes",
    "limited {port} --limit 5",
)
.source("the book, 8.7")
.read("8.7")
.mistakes(&[&TAKES_ALL, &LETS_WAIT, &PLACE_LOST])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let rude = server.connect("a")?;
    let welcomed: Step<Vec<Peer>> =
        ["b", "c", "d", "e"].iter().map(|name| welcomed(&server, name)).collect();
    let clients = welcomed?;
    for name in ["f", "g"] {
        let mut refused = server.connect(name)?;
        // It does not wait for the intro: what it has sent must not cost it the reason.
        refused.send(stage.payload(5000))?;
        let line = refused.expect_line("the reason").because(Saw::Nothing, &LETS_WAIT)?;
        if !line.starts_with("error: ") {
            return fail("a line `error: …`", line).because(Saw::Something, &TAKES_ALL);
        }
        refused.expect_close()?;
    }
    rude.reset()?; // over its intro: its session ends in an error
    // The server may need a moment to notice.
    let found_place = || {
        let Ok(mut next) = server.connect("h") else { return false };
        let words = next.expect_anything("an intro").unwrap_or_default();
        !words.starts_with(b"error: ") && is_served(stage, next).is_ok()
    };
    if !kernel::look_until(stage.log.deadline(patience()), found_place) {
        return fail("when a has left, there is room for h", "there is none")
            .because(Saw::Something, &PLACE_LOST);
    }
    clients.into_iter().try_for_each(|client| is_served(stage, client))
});

const CLOSED_LOOP: Diagnosis = Diagnosis {
    id: "closed-loop",
    they: "wait for an answer before the next client comes",
    text: "nobody was served, and so nobody else came: a slow server chooses its own load then, and the measurement never sees the queue. People come when they come.",
};

const ALL_AT_ONCE: Diagnosis = Diagnosis {
    id: "all-at-once",
    they: "let all of them come at the same moment",
    text: "twenty clients came within less time than at that pace: each has a moment at which it is due.",
};

pub(super) static X_ARRIVALS: Check = Check::exercise(
    "08.x-arrivals",
    Role::Client,
    "exercise: a client comes every 25 ms, however long the others take",
    "arrivals {host} {port} --rate 40 --clients 20 --message-bytes 1000",
)
.source("the book, 8.7")
.read("8.7")
.mistakes(&[&CLOSED_LOOP, &ALL_AT_ONCE])
.steps(|stage| {
    const CLIENTS: usize = 20;
    let host = stage.host("127.0.0.1")?;
    let client = stage.client(&host)?;
    let mut sessions = vec![client.connects_to(&host, "session 1")?];
    let begun = Instant::now();
    while sessions.len() < CLIENTS {
        let name = format!("session {}", sessions.len() + 1);
        match host.accept_within(&name, patience())? {
            Some(session) => sessions.push(session),
            None => {
                let expected = format!("{CLIENTS} come, though none is served");
                return fail(expected, format!("{} do", sessions.len()))
                    .because(Saw::Something, &CLOSED_LOOP);
            }
        }
    }
    let took = begun.elapsed();
    for session in &mut sessions {
        session.send("hello\n")?;
        session.take_until_close();
        session.send("received 1000 bytes\n")?;
    }
    drop(sessions);
    client.ends_with(0)?;
    // 19 times 25 ms; half of it, because a busy machine may have kept us from seeing the first.
    if took.as_millis() < 19 * 25 / 2 {
        let got = format!("they come within {:.3} s", took.as_secs_f64());
        return fail("the last comes 0.475 s behind the first", got)
            .because(Saw::Something, &ALL_AT_ONCE);
    }
    Ok(())
});
