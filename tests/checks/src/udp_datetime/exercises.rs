//! Chapter 4, the exercises of the book.

use super::*;

pub(super) static X_UNIX: Check = Check::exercise(
    "04.x-unix",
    Role::Server,
    "exercise: answers SEND_UNIX with the seconds since 1970 too",
    "unix_server {port}",
)
.source("the book, 4.7")
.read("4.7")
.steps(|stage| {
    let server = serve_in(stage, Zone::UTC)?;
    let a = asker(stage, "a")?;
    let before = seconds();
    let answer = ask(&server, &a, "SEND_UNIX")?;
    let expected = before..=seconds();
    if !answer.parse().is_ok_and(|n: u64| expected.contains(&n)) {
        return fail(format!("a number in {expected:?}"), quote(answer.as_bytes()));
    }
    let date = ask(&server, &a, "SEND_DATE")?;
    if has_date(&date, Zone::UTC.now()?.date)
        && !times(&ask(&server, &a, "SEND_TIME")?).is_empty()
    {
        return Ok(());
    }
    fail("the date and the time are still answered", quote(date.as_bytes()))
});

pub(super) static X_TCP: Check = Check::exercise(
    "04.x-tcp",
    Role::Server,
    "exercise: over TCP, answers one line on each connection, and closes it",
    "tcp_datetime {port}",
)
.source("the book, 4.7")
.read("4.7")
.steps(|stage| {
    let server = stage.serve_with(Role::Server, "", &["env TZ=UTC0"])?;
    let mut idle = server.connect("a client that says nothing")?;
    let mut a = server.connect("a")?;
    a.dribble("SEND_DATE\n")?;
    let date = a.expect_line("the date")?;
    a.expect_close()?;
    if !has_date(&date, Zone::UTC.now()?.date) {
        return fail("today's date", quote(date.as_bytes()));
    }
    let mut b = server.connect("b")?;
    b.send("SEND_TIME\n")?;
    let time = b.expect_line("the time")?;
    b.expect_close()?;
    if times(&time).is_empty() {
        return fail("the time", quote(time.as_bytes()));
    }
    idle.expect_silence("it has not asked")
});

pub(super) static X_RETRY: Check = Check::exercise(
    "04.x-retry",
    Role::Client,
    "exercise: asks a lost request again, up to three times in all",
    "retry_client {host} {port} --timeout 1",
)
.source("the book, 4.7")
.read("4.7")
.steps(|stage| {
    let (mut lucky, mut host) = asked(stage, "127.0.0.1", "")?;
    let (unlucky, mut silent) = asked(stage, "127.0.0.1", "")?;
    for (client, host) in [(&lucky, &mut host), (&unlucky, &mut silent)] {
        let first = host.request.text();
        for _ in 0..2 {
            host.next(client)?;
            if host.request.text() != first {
                return fail(format!("{first} again"), quote(&host.request.bytes));
            }
        }
    }
    let answer = host.answer(stage)?;
    lucky.prints(&answer)?;
    unlucky.complains(&["warning"]).map(|_| ())
});
