//! Chapter 4, the server: the grader plays its clients.

use super::*;

const TCP_NOT_UDP: Diagnosis = Diagnosis {
    id: "tcp-not-udp",
    they: "use TCP where UDP is asked",
    text: "the program listens for connections, and the lab asks for datagrams: SOCK_DGRAM or UdpSocket, and neither listen nor accept.",
};

pub(super) static BINDS: Check =
    Check::lab("04.binds", Role::Server, "server: waits for datagrams on its port")
        .source("L2, question 3: a server that uses UDP sockets")
        .read("4.4")
        .mistakes(&[&TCP_NOT_UDP])
        .steps(|stage| {
            let bound = stage.serve_datagrams(&[]).map(|_| ());
            let tcp =
                matches!(&bound, Err(Halt::Failed(f)) if f.got.starts_with("it listens on"));
            bound.confirm(&TCP_NOT_UDP, "that is a listener of TCP", || tcp)
        });

pub(super) static ANSWERS: Check =
    Check::lab("04.answers", Role::Server, "server: sends its answer to whoever has asked")
        .source("L2, question 3: whenever it sees a request, it responds")
        .needs(&[&BINDS])
        .points(2)
        .read("4.4")
        .steps(answers);

pub(super) static DATE: Check = Check::lab(
    "04.date",
    Role::Server,
    "server: answers SEND_DATE with today's date, as it is in this time zone",
)
.source("L2, question 3: the current DATE")
.needs(&[&ANSWERS])
.points(2)
.read("4.4")
.mistakes(&[&DATE_ORDER, &DATE_IN_UTC])
.steps(date);

pub(super) static TIME: Check = Check::lab(
    "04.time",
    Role::Server,
    "server: answers SEND_TIME with the time, as it is in this time zone",
)
.source("L2, question 3: the current TIME in (HH:MM:SS) format")
.needs(&[&ANSWERS])
.points(2)
.read("4.4")
.mistakes(&[&TWELVE_HOURS, &TIME_IN_UTC, &BOTH_AT_ONCE])
.steps(time);

const NO_PADDING: Diagnosis = Diagnosis {
    id: "no-padding",
    they: "write 9:5:30 for 09:05:30",
    text: "a number below ten has one digit here: how does the language write a number with two digits at least?",
};

const FRACTIONS: Diagnosis = Diagnosis {
    id: "fractions",
    they: "give fractions of a second",
    text: "what follows the seconds was not asked for: who reads HH:MM:SS takes eight characters. Which format has no fractions?",
};

pub(super) static TWO_DIGITS: Check = Check::lab(
    "04.two-digits",
    Role::Server,
    "server: gives hours, minutes and seconds two digits each, and no more",
)
.source("L2, question 3: (HH:MM:SS) format")
.needs(&[&ANSWERS])
.read("4.4")
.mistakes(&[&FRACTIONS, &NO_PADDING])
.steps(|stage| {
    // In the early morning the hour shows it, whatever the minute is.
    let zone = Zone::find(|there| (1..=8).contains(&there.hour()))?;
    let server = serve_in(stage, zone)?;
    let answer = ask(&server, &asker(stage, "a")?, "SEND_TIME")?;
    let padded = times(&answer).iter().any(|(_, padded)| *padded);
    let point = |word: &str| {
        let (whole, part) = word.split_once('.').unwrap_or((word, ""));
        part.starts_with(|c: char| c.is_ascii_digit()) && !times(whole).is_empty()
    };
    let fraction = answer.split_whitespace().any(point);
    if padded && !fraction {
        return Ok(());
    }
    let short = !times(&answer).is_empty();
    fail("HH:MM:SS, two digits each", quote(answer.as_bytes()))
        .confirm(&FRACTIONS, "a point and digits follow", || fraction)
        .confirm(&NO_PADDING, "a number below ten has one digit", || short)
});

const ONE_ANSWER: Diagnosis = Diagnosis {
    id: "one-answer",
    they: "answer one request and no more",
    text: "the first request was answered and a later one was not: is there a loop around recv_from?",
};

pub(super) static GOES_ON: Check =
    Check::lab("04.goes-on", Role::Server, "server: answers one request after the other")
        .source("L2, question 3: runs in an infinite loop")
        .needs(&[&ANSWERS])
        .read("4.4")
        .mistakes(&[&ONE_ANSWER])
        .steps(|stage| {
            let server = stage.serve_datagrams(&[])?;
            let a = asker(stage, "a")?;
            ask(&server, &a, "SEND_TIME")?;
            ask(&server, &a, "SEND_DATE")
                .because(Saw::Nothing, &ONE_ANSWER)
                .because(Saw::Ended, &ONE_ANSWER)?;
            ["SEND_TIME", "SEND_TIME", "SEND_DATE"]
                .iter()
                .try_for_each(|request| ask(&server, &a, request).map(|_| ()))
        });

const READ_ONCE: Diagnosis = Diagnosis {
    id: "read-once",
    they: "read the clock once, at the start",
    text: "seconds later the answer is still the same: where is the clock read, before the loop or in it?",
};

const ONE_BEHIND: Diagnosis = Diagnosis {
    id: "one-behind",
    they: "read the clock before they wait for the request",
    text: "the answer is the time at which the request before it was answered: the clock is read, and then the program waits. Read it when the request has arrived.",
};

pub(super) static FRESH: Check =
    Check::lab("04.fresh", Role::Server, "server: gives the time at which it is asked")
        .source("L2, question 3: the current TIME")
        .needs(&[&GOES_ON])
        .read("4.3")
        .mistakes(&[&READ_ONCE, &ONE_BEHIND])
        .steps(|stage| {
            let server = serve_in(stage, Zone::UTC)?;
            let a = asker(stage, "a")?;
            let (first, first_at) = asked_at(&server, &a)?;
            three_seconds_later();
            let (second, second_at) = asked_at(&server, &a)?;
            if told_in(&second, second_at) {
                return Ok(());
            }
            three_seconds_later();
            let (third, _) = asked_at(&server, &a)?;
            fail("the time at which it is asked", quote(second.as_bytes()))
                .confirm(&READ_ONCE, "asked three times, it said the same three times", || {
                    !times(&first).is_empty() && first == second && second == third
                })
                .confirm(&ONE_BEHIND, "that is when the request before was answered", || {
                    told_in(&second, first_at) && told_in(&third, second_at)
                })
        });

/// Asks for the time, and between which moments: from a second before, because a program may ask
/// the kernel for a time that is some milliseconds old (time(2) does).
fn asked_at(server: &Server, asker: &Datagrams) -> Step<(String, (Moment, Moment))> {
    let before = Zone::UTC.now()?;
    let answer = ask(server, asker, "SEND_TIME")?;
    let early = Moment { time: (before.time + 86_399) % 86_400, ..before };
    Ok((answer, (early, Zone::UTC.now()?)))
}

/// True if the answer is a time between these moments, be it on a clock of twelve hours.
fn told_in(answer: &str, (from, to): (Moment, Moment)) -> bool {
    let half_a_day = |m: Moment| Moment { time: (m.time + 43_200) % 86_400, ..m };
    time_between(answer, from, to).is_some()
        || time_between(answer, half_a_day(from), half_a_day(to)).is_some()
}

/// The clock is waited for, not the server.
fn three_seconds_later() {
    let begun = seconds();
    kernel::look_until(2 * patience(), || seconds() >= begun + 3);
}

const FIRST_ASKER: Diagnosis = Diagnosis {
    id: "first-asker",
    they: "send every answer to the first client",
    text: "b has asked, and a got the answer: the address to answer to comes with each request. Where is it kept, and since when?",
};

const CONNECTED: Diagnosis = Diagnosis {
    id: "connected",
    they: "connect their socket to the first client",
    text: "after the first client nobody else is answered, while the first one still is: a UDP socket that is connected hears one peer only. The server needs no connect.",
};

pub(super) static SECOND_ASKER: Check =
    Check::lab("04.second-asker", Role::Server, "server: answers a second client too")
        .source("L2, question 3: whenever it sees a request, it responds")
        .needs(&[&GOES_ON])
        .points(2)
        .read("4.3")
        .mistakes(&[&FIRST_ASKER, &CONNECTED])
        .steps(|stage| {
            let server = stage.serve_datagrams(&[])?;
            let (a, b) = (asker(stage, "a")?, stage.datagrams("b", "127.0.0.2")?);
            ask(&server, &a, "SEND_TIME")?;
            ask(&server, &b, "SEND_TIME")
                .map(|_| ())
                .probe(&FIRST_ASKER, || {
                    a.receive(Duration::ZERO)
                        .ok()?
                        .map(|_| "a got an answer instead".to_string())
                })
                .probe(&CONNECTED, || {
                    let still = ask(&server, &a, "SEND_TIME").is_ok();
                    still.then(|| "a is still answered".to_string())
                })
        });

const SOME_UNANSWERED: Diagnosis = Diagnosis {
    id: "some-unanswered",
    they: "leave some clients unanswered when many ask",
    text: "some of 40 clients got no answer: datagrams wait in the socket's buffer while the server is busy. What does it do between one recv_from and the next?",
};

pub(super) static MANY_ASKERS: Check =
    Check::lab("04.many-askers", Role::Server, "server: answers 40 clients who ask at once")
        .source("L2, question 3: the server")
        .needs(&[&SECOND_ASKER])
        .read("4.3")
        .mistakes(&[&SOME_UNANSWERED])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let server = stage.serve_datagrams(&[])?;
            let askers: Vec<Datagrams> = (1..=CLIENTS)
                .map(|n| asker(stage, &format!("client {n}")))
                .collect::<Step<_>>()?;
            askers.iter().try_for_each(|a| a.send("SEND_TIME", server.address()))?;
            let until = Instant::now() + patience();
            let left = || until.saturating_duration_since(Instant::now());
            let answered =
                askers.iter().filter(|a| matches!(a.receive(left()), Ok(Some(_)))).count();
            if answered == CLIENTS {
                return Ok(());
            }
            fail(format!("{CLIENTS} clients are answered"), format!("{answered} are")).confirm(
                &SOME_UNANSWERED,
                "the others have waited in vain",
                || answered > 0,
            )
        });

const UNKNOWN_KILLS: Diagnosis = Diagnosis {
    id: "unknown-kills",
    they: "end at a request that they do not know",
    text: "a request that it does not know has ended the server: anybody can send it anything. What does the branch for everything else do?",
};

const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills-04",
    they: "end at bytes that are not text",
    text: "bytes that are not UTF-8 have ended the server: decoding can fail, and what it throws must not leave the loop.",
};

const ERRORS_ON: Diagnosis = Diagnosis {
    id: "errors-on",
    they: "answer with an error for the rest of their lives",
    text: "after one request that it does not know the server answers even the right ones with an error: something of that request is still there. What does each request begin with?",
};

pub(super) static GARBAGE: Check =
    Check::lab("04.garbage", Role::Server, "server: no datagram ends it, whatever is in it")
        .source("L2, question 3: runs in an infinite loop")
        .needs(&[&SECOND_ASKER])
        .read("4.5")
        .mistakes(&[&UNKNOWN_KILLS, &BAD_TEXT_KILLS, &ERRORS_ON])
        .steps(|stage| {
            let unknown: [&[u8]; 3] = [b"SEND_MONEY", b"send_date please", &[b'x'; 4000]];
            survives(stage, &unknown, &UNKNOWN_KILLS)?;
            survives(stage, &[b"\xff\xfe\x80", &stage.bytes(8000)], &BAD_TEXT_KILLS)
        });

/// Sends each of these datagrams, and expects that the server still gives the time. A new client
/// asks, so that answers to the datagrams, which may come or not, go elsewhere.
fn survives(stage: &Stage, datagrams: &[&[u8]], ends: &'static Diagnosis) -> Step {
    let server = stage.serve_datagrams(&[])?;
    let stranger = asker(stage, "a stranger")?;
    for datagram in datagrams {
        stranger.send(datagram, server.address())?;
    }
    let client = asker(stage, "a client")?;
    let answer = ask(&server, &client, "SEND_TIME")
        .because(Saw::Ended, ends)
        .confirm(ends, "nothing is bound to its port any more", || {
            !kernel::is_bound_udp(server.port)
        })
        .confirm(ends, "before these datagrams it answers", || {
            let fresh = stage.serve_datagrams(&[]);
            fresh.is_ok_and(|fresh| ask(&fresh, &client, "SEND_TIME").is_ok())
        })?;
    if !times(&answer).is_empty() {
        return Ok(());
    }
    let again = ask(&server, &client, "SEND_TIME").unwrap_or_default();
    fail("the time", quote(answer.as_bytes())).confirm(
        &ERRORS_ON,
        "asked once more, it said the same",
        || again == answer,
    )
}

const EMPTY_IS_END: Diagnosis = Diagnosis {
    id: "empty-is-end",
    they: "take an empty datagram for the end",
    text: "a datagram of 0 bytes came and the server answers no client any more: in TCP 0 bytes are the end, in UDP they are a datagram like any other.",
};

pub(super) static EMPTY: Check =
    Check::lab("04.empty", Role::Server, "server: an empty datagram does not end it")
        .source("L2, question 3: runs in an infinite loop")
        .needs(&[&GARBAGE])
        .read("4.5")
        .mistakes(&[&EMPTY_IS_END])
        .steps(|stage| survives(stage, &[b""], &EMPTY_IS_END));

pub(super) static RESTS: Check =
    Check::lab("04.rests", Role::Server, "server: rests after the end of its input")
        .source("L2, question 3: runs in an infinite loop")
        .needs(&[&BINDS])
        .read("4.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let mut server = stage.serve_datagrams(&[])?;
            ask(&server, &asker(stage, "a")?, "SEND_TIME").ok();
            server.program.end_input();
            rests(&server.program, "the end of its input")
        });

const TALKATIVE: Diagnosis = Diagnosis {
    id: "talkative",
    they: "put more than the date or the time into an answer",
    text: "a person can read it, and a program has to search: one form, and nothing around it.",
};

pub(super) static EXACT_ANSWERS: Check = Check::manners(
    "04.exact-answers",
    Role::Server,
    "server: the answers are 2026-11-20 and HH:MM:SS and nothing more",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&DATE, &TIME, &TWO_DIGITS, &GOES_ON])
.read("4.4")
.mistakes(&[&TALKATIVE])
.steps(|stage| {
    let server = serve_in(stage, Zone::UTC)?;
    let a = asker(stage, "a")?;
    let looks_like = |text: &str, form: &str| {
        text.len() == form.len()
            && text.chars().zip(form.chars()).all(|(c, f)| match f {
                '0' => c.is_ascii_digit(),
                other => c == other,
            })
    };
    for (request, form) in [("SEND_DATE", "0000-00-00"), ("SEND_TIME", "00:00:00")] {
        a.send(request, server.address())?;
        let answer = a.expect("an answer")?;
        if !looks_like(&String::from_utf8_lossy(&answer.bytes), form) {
            return fail(format!("an answer of the form {form}"), quote(&answer.bytes))
                .confirm(&TALKATIVE, "the form is in it, among more", || {
                    answer.bytes.len() > form.len()
                });
        }
    }
    Ok(())
});

const WHITE_SPACE_MATTERS: Diagnosis = Diagnosis {
    id: "white-space",
    they: "do not know a request with a line end behind it",
    text: "the same request with white space around it was not understood: `nc -u` sends a line end with each line.",
};

pub(super) static WHITE_SPACE: Check = Check::manners(
    "04.white-space",
    Role::Server,
    "server: white space around a request is ignored",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&DATE, &GOES_ON])
.read("4.5")
.mistakes(&[&WHITE_SPACE_MATTERS])
.steps(|stage| {
    let server = serve_in(stage, Zone::UTC)?;
    let a = asker(stage, "a")?;
    for request in ["SEND_DATE\n", "  SEND_DATE\r\n"] {
        let plain = || ask(&server, &a, "SEND_DATE").is_ok();
        let said = "without the white space it is answered";
        let answer = ask(&server, &a, request).confirm(&WHITE_SPACE_MATTERS, said, plain)?;
        if !has_date(&answer, Zone::UTC.now()?.date) {
            return fail("the date", quote(answer.as_bytes())).confirm(
                &WHITE_SPACE_MATTERS,
                said,
                plain,
            );
        }
    }
    Ok(())
});

const SILENT_ON_UNKNOWN: Diagnosis = Diagnosis {
    id: "silent-on-unknown",
    they: "leave an unknown request without an answer",
    text: "who has asked wrongly learns nothing, and cannot tell it from a lost datagram.",
};

const REPEATS_REQUEST: Diagnosis = Diagnosis {
    id: "repeats-request",
    they: "send a long request back as an error",
    text: "the answer grows with the request: the sender's address may be forged, and its owner gets all of it without having asked.",
};

pub(super) static UNKNOWN: Check = Check::manners(
    "04.unknown",
    Role::Server,
    "server: any other request gets `error: …`, never longer than 64 bytes",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&GARBAGE, &EMPTY])
.read("4.5")
.mistakes(&[&SILENT_ON_UNKNOWN, &REPEATS_REQUEST])
.steps(unknown);

fn unknown(stage: &Stage) -> Step {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    for request in [b"SEND_MONEY".as_slice(), b"", b"send_date", &[b'x'; 60_000]] {
        a.send(request, server.address())?;
        let answer = a.expect("an error").because(Saw::Nothing, &SILENT_ON_UNKNOWN)?;
        if !answer.bytes.starts_with(b"error: ") || answer.bytes.len() > 64 {
            let expected = "`error: …` in at most 64 bytes";
            let long = answer.bytes.len() > 64;
            return fail(expected, quote(&answer.bytes)).confirm(
                &REPEATS_REQUEST,
                "it is longer than that",
                || long,
            );
        }
    }
    Ok(())
}

const ANSWERS_ERRORS: Diagnosis = Diagnosis {
    id: "answers-errors",
    they: "answer an error with an error",
    text: "two servers of this kind, one of them asked in the other's name, would send each other errors for ever.",
};

pub(super) static ERROR_LOOP: Check = Check::manners(
    "04.error-loop",
    Role::Server,
    "server: a datagram that begins with `error:` gets no answer",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&UNKNOWN])
.read("4.5")
.mistakes(&[&ANSWERS_ERRORS])
.steps(|stage| {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    a.send("error: ask SEND_DATE or SEND_TIME", server.address())?;
    a.expect_silence("an error is no request").because(Saw::Something, &ANSWERS_ERRORS)
});

const OTHER_PORT: Diagnosis = Diagnosis {
    id: "other-port",
    they: "answer from another socket",
    text: "the answer came from another port than the one that was asked: a client that looks at the sender takes it for a stranger's.",
};

pub(super) static ONE_SOCKET: Check = Check::manners(
    "04.one-socket",
    Role::Server,
    "server: answers from the port that was asked",
)
.source("our contract, 04-udp-datetime; the lab leaves it open")
.needs(&[&ANSWERS])
.read("4.3")
.mistakes(&[&OTHER_PORT])
.steps(|stage| {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    a.send("SEND_TIME", server.address())?;
    let answer = a.expect("the time")?;
    if answer.from == server.address() {
        return Ok(());
    }
    fail(format!("an answer from {}", server.address()), format!("one from {}", answer.from))
        .confirm(&OTHER_PORT, "it is another port", || answer.from.port() != server.port)
});

pub(super) static BLOCKING: Check = Check::manners(
    "04.blocking",
    Role::Server,
    "server: BLOCKING=1 says who waited in recv_from for how long",
)
.source("our contract: manners, the same for every program")
.needs(&[&ANSWERS])
.read("0.2")
.steps(|stage| {
    let server = stage.serve_datagrams(&["env BLOCKING=1"])?;
    ask(&server, &asker(stage, "a")?, "SEND_TIME")?;
    let line = server.program.complains(&["main", "recv_from"])?;
    if ["us", "ms", " s"].iter().any(|unit| line.contains(unit)) {
        return Ok(());
    }
    fail("a time with its unit", line)
});
