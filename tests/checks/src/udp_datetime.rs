//! Chapter 4, both sides: the grader plays the clients of the server, and the server of the
//! client. What time it is, `date` says, in a zone that the check chooses.

use super::{
    manners,
    pauses::{self, NO_DELAY, SAME_DELAY},
    shared::FIXED_HOST,
};
use crate::check::{Chapter, Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    datagrams::{Datagram, Datagrams},
    failure::{Diagnosis, Explain, Outcome, Stop, fail, quote},
    find, kernel, patience, quiet, scaled,
    zone::{Moment, Zone},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Chapter 4.
pub static CHAPTER: Chapter = Chapter {
    number: "04",
    name: "udp-datetime",
    roles: &[Role::Server, Role::Client],
    checks: CHECKS,
};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "L2, question 3: the server",
    role: Role::Server,
    needs: &["04.answers"],
    points: 1,
    kind: Kind::Required,
    long: false,
    book: "4.3",
    run: |_| Ok(()),
    diagnoses: &[],
};
const CLIENT: Check = Check {
    source: "L2, question 3: the client",
    role: Role::Client,
    needs: &["04.asks"],
    ..SERVER
};
const SERVER_MANNERS: Check = Check {
    source: "our contract, 04-udp-datetime; the lab leaves it open",
    points: 0,
    kind: Kind::Manners,
    book: "4.6",
    ..SERVER
};
const CLIENT_MANNERS: Check =
    Check { role: Role::Client, needs: &["04.asks"], ..SERVER_MANNERS };

const CHECKS: &[Check] = &[
    Check {
        id: "04.binds",
        title: "server: waits for datagrams on its port",
        source: "L2, question 3: a server that uses UDP sockets",
        needs: &[],
        run: |stage| stage.serve_datagrams(&[]).map(|_| ()),
        ..SERVER
    },
    Check {
        id: "04.answers",
        title: "server: sends its answer to whoever has asked",
        source: "L2, question 3: whenever it sees a request, it responds",
        needs: &["04.binds"],
        points: 2,
        run: answers,
        ..SERVER
    },
    Check {
        id: "04.date",
        title: "server: answers SEND_DATE with today's date, as it is in this time zone",
        source: "L2, question 3: the current DATE",
        points: 2,
        run: date,
        diagnoses: &[&DATE_ORDER, &DATE_IN_UTC],
        ..SERVER
    },
    Check {
        id: "04.time",
        title: "server: answers SEND_TIME with the time, as it is in this time zone",
        source: "L2, question 3: the current TIME in (HH:MM:SS) format",
        points: 2,
        run: time,
        diagnoses: &[&TWELVE_HOURS, &TIME_IN_UTC, &BOTH_AT_ONCE],
        ..SERVER
    },
    Check {
        id: "04.two-digits",
        title: "server: gives hours, minutes and seconds two digits each",
        source: "L2, question 3: (HH:MM:SS) format",
        run: two_digits,
        diagnoses: &[&NO_PADDING],
        ..SERVER
    },
    Check {
        id: "04.goes-on",
        title: "server: answers one request after the other",
        source: "L2, question 3: runs in an infinite loop",
        run: goes_on,
        diagnoses: &[&ONE_ANSWER],
        ..SERVER
    },
    Check {
        id: "04.fresh",
        title: "server: looks at the clock anew for each request",
        source: "L2, question 3: the current TIME",
        needs: &["04.goes-on"],
        book: "4.5",
        run: fresh,
        diagnoses: &[&READ_ONCE],
        ..SERVER
    },
    Check {
        id: "04.second-asker",
        title: "server: answers a second client too",
        source: "L2, question 3: whenever it sees a request, it responds",
        needs: &["04.goes-on"],
        points: 2,
        book: "4.5",
        run: second_asker,
        diagnoses: &[&FIRST_ASKER, &CONNECTED],
        ..SERVER
    },
    Check {
        id: "04.many-askers",
        title: "server: answers 40 clients who ask at once",
        needs: &["04.second-asker"],
        book: "4.5",
        run: many_askers,
        diagnoses: &[&SOME_UNANSWERED],
        ..SERVER
    },
    Check {
        id: "04.garbage",
        title: "server: no datagram ends it, whatever is in it",
        source: "L2, question 3: runs in an infinite loop",
        needs: &["04.second-asker"],
        book: "4.6",
        run: garbage,
        diagnoses: &[&UNKNOWN_KILLS, &BAD_TEXT_KILLS],
        ..SERVER
    },
    Check {
        id: "04.empty",
        title: "server: an empty datagram does not end it",
        source: "L2, question 3: runs in an infinite loop",
        needs: &["04.garbage"],
        book: "4.6",
        run: |stage| survives(stage, &[b""]).means(true, &EMPTY_IS_END),
        diagnoses: &[&EMPTY_IS_END],
        ..SERVER
    },
    Check {
        id: "04.exact-answers",
        title: "server: the answers are 2026-11-20 and HH:MM:SS and nothing more",
        needs: &["04.date", "04.time", "04.two-digits", "04.goes-on"],
        book: "4.3",
        run: exact_answers,
        diagnoses: &[&TALKATIVE],
        ..SERVER_MANNERS
    },
    Check {
        id: "04.white-space",
        title: "server: white space around a request is ignored",
        needs: &["04.date", "04.goes-on"],
        run: white_space,
        diagnoses: &[&WHITE_SPACE],
        ..SERVER_MANNERS
    },
    Check {
        id: "04.unknown",
        title: "server: any other request gets `error: …`, never longer than 64 bytes",
        needs: &["04.garbage", "04.empty"],
        run: unknown,
        diagnoses: &[&SILENT_ON_UNKNOWN, &REPEATS_REQUEST],
        ..SERVER_MANNERS
    },
    Check {
        id: "04.error-loop",
        title: "server: a datagram that begins with `error:` gets no answer",
        needs: &["04.unknown"],
        run: error_loop,
        diagnoses: &[&ANSWERS_ERRORS],
        ..SERVER_MANNERS
    },
    Check {
        id: "04.one-socket",
        title: "server: answers from the port that was asked",
        book: "4.5",
        run: one_socket,
        diagnoses: &[&OTHER_PORT],
        ..SERVER_MANNERS
    },
    manners::port_zero("04.port-zero", Role::Server),
    Check {
        id: "04.blocking",
        title: "server: BLOCKING=1 says who waited in recv_from for how long",
        source: "our contract: manners, the same for every program",
        book: "0.2",
        run: blocking,
        ..SERVER_MANNERS
    },
    Check {
        id: "04.asks",
        title: "client: asks the server that it is given for the date or the time",
        source: "L2, question 3: either \"SEND_DATE\" or \"SEND_TIME\"",
        needs: &[],
        points: 2,
        run: asks,
        diagnoses: &[&FIXED_HOST],
        ..CLIENT
    },
    Check {
        id: "04.prints",
        title: "client: prints the answer",
        source: "L2, question 3: when the client receives a response, it prints it",
        run: prints,
        ..CLIENT
    },
    Check {
        id: "04.asks-again",
        title: "client: asks again after an answer, and prints that too",
        source: "L2, question 3: in a loop, multiple such requests",
        needs: &["04.prints"],
        run: asks_again,
        diagnoses: &[&ONE_REQUEST],
        ..CLIENT
    },
    Check {
        id: "04.delay",
        title: "client: waits a random time of 1 to 2 seconds between requests",
        source: "L2, question 3: varies randomly between 1-2 seconds",
        points: 2,
        long: true,
        run: pauses::vary,
        diagnoses: &[&NO_DELAY, &SAME_DELAY],
        ..CLIENT
    },
    Check {
        id: "04.lost-reply",
        title: "client: a lost answer does not stop it: it asks again",
        source: "L2, question 3: the client runs in a loop; and UDP may lose any datagram",
        needs: &["04.prints"],
        long: true,
        book: "4.6",
        run: lost_reply,
        diagnoses: &[&NO_TIMEOUT, &LOSS_KILLS],
        ..CLIENT
    },
    Check {
        id: "04.count",
        title: "client: --count 3 asks three times; stdout is the answers, exit 0",
        needs: &["04.prints"],
        run: count,
        diagnoses: &[&MISCOUNTS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.both-requests",
        title: "client: chooses at random, at each request",
        needs: &["04.count"],
        run: both_requests,
        diagnoses: &[&NO_CHOICE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.warns",
        title: "client: warns of a lost answer after the timeout, exit 0",
        needs: &["04.count"],
        run: warns,
        diagnoses: &[&SILENT_LOSS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.stranger",
        title: "client: ignores a datagram from anyone but the server",
        needs: &["04.prints"],
        run: stranger,
        diagnoses: &[&ANYBODY],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.strangers-time",
        title: "client: strangers who keep sending do not make it wait longer",
        needs: &["04.warns", "04.stranger"],
        run: strangers_time,
        diagnoses: &[&TIMEOUT_ANEW],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.stale",
        title: "client: an answer that comes too late is not taken for the next one",
        needs: &["04.warns"],
        run: stale,
        diagnoses: &[&STALE],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.not-text",
        title: "client: an answer that is no UTF-8 does not end it",
        needs: &["04.count"],
        run: not_text,
        diagnoses: &[&BAD_ANSWER_KILLS],
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.delay-order",
        title: "client: --delay with MIN over MAX, or no numbers, is wrong usage, exit 2",
        needs: &[],
        run: delay_order,
        ..CLIENT_MANNERS
    },
    Check {
        id: "04.ipv6",
        title: "client: an IPv6 address is a host too",
        source: "our contract: manners, the same for every program",
        needs: &["04.prints"],
        run: ipv6,
        ..CLIENT_MANNERS
    },
    manners::help("04.help", Role::Server),
    manners::version("04.version", Role::Server),
    manners::usage("04.usage", Role::Server),
    Check {
        id: "04.x-unix",
        title: "exercise: answers SEND_UNIX with the seconds since 1970 too",
        kind: Kind::Exercise { answer: "unix_server {port}" },
        run: exercise_unix,
        ..EXERCISE
    },
    Check {
        id: "04.x-tcp",
        title: "exercise: over TCP, answers one line on each connection, and closes it",
        kind: Kind::Exercise { answer: "tcp_datetime {port}" },
        run: exercise_tcp,
        ..EXERCISE
    },
    Check {
        id: "04.x-retry",
        title: "exercise: asks a lost request again, up to three times in all",
        role: Role::Client,
        kind: Kind::Exercise { answer: "retry_client {host} {port} --timeout 1" },
        run: exercise_retry,
        ..EXERCISE
    },
];

const EXERCISE: Check =
    Check { source: "the book, 4.7", points: 0, book: "4.7", needs: &[], ..SERVER };

/// A client of the server under test.
fn asker(stage: &Stage, name: &str) -> Outcome<Datagrams> {
    stage.datagrams(name, "127.0.0.1")
}

/// Asks, and expects the answer's text.
fn ask(server: &Server, asker: &Datagrams, request: &str) -> Outcome<String> {
    asker.send(request, server.address())?;
    match asker.expect(&format!("the answer to {request}")) {
        Err(Stop::Failed(failure)) => {
            fail(failure.expected, format!("{}; {}", failure.got, server.program.state()))
        }
        answer => answer.map(|datagram| datagram.text()),
    }
}

fn answers(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    ask(&server, &asker(stage, "a")?, "SEND_DATE").map(|_| ())
}

/// The numbers and words of a text, without zeros in front: `2026-03-05` is 2026, 3, 5.
fn words(text: &str) -> Vec<String> {
    let mut apart = String::new();
    for letter in text.to_ascii_lowercase().chars() {
        let after_digit = apart.ends_with(|c: char| c.is_ascii_digit());
        if letter.is_ascii_digit() != after_digit {
            apart.push(' ');
        }
        apart.push(if letter.is_ascii_alphanumeric() { letter } else { ' ' });
    }
    apart.split_whitespace().map(|word| word.trim_start_matches('0').to_string()).collect()
}

/// True if the text holds this date in one of the forms in which dates are written: the year
/// first, the year last with day and month in either order, the month by its name.
fn has_date(text: &str, [year, month, day]: [u32; 3]) -> bool {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let mut words = words(text);
    words.retain(|word| !["st", "nd", "rd", "th", "of"].contains(&word.as_str()));
    let name = MONTHS[(month as usize + 11) % 12];
    let named = |word: &String| word.len() >= 3 && name.starts_with(word.as_str());
    let (y, m, d) = (year.to_string(), month.to_string(), day.to_string());
    let short = (year % 100).to_string();
    let by_name = words
        .windows(2)
        .any(|pair| (named(&pair[0]) && pair[1] == d) || (pair[0] == d && named(&pair[1])));
    let compact = format!("{year}{month:02}{day:02}");
    (by_name && (words.contains(&y) || words.contains(&short)))
        || words.contains(&compact)
        || words.windows(3).any(|three| {
            [[&y, &m, &d], [&d, &m, &y], [&m, &d, &y], [&d, &m, &short], [&m, &d, &short]]
                .iter()
                .any(|form| form.iter().zip(three).all(|(a, b)| *a == b))
        })
}

const DATE_ORDER: Diagnosis = Diagnosis {
    id: "date-order",
    they: "put the parts of the date in an order that nobody uses",
    text: "day, month and year are all there, in an order in which no country writes them: which of the format's letters is the month, and which is the day?",
};
const DATE_IN_UTC: Diagnosis = Diagnosis {
    id: "date-in-utc",
    they: "give the date of UTC, not the local one",
    text: "this is the date in UTC, and here it is another day already, or still: local time depends on the time zone. Where does the program learn which one?",
};

fn date(stage: &Stage) -> Outcome {
    let utc = Zone::UTC.now()?.date;
    // Two dates, so that one of them shows whether day and month stand in the right order.
    for zone in [Zone::find(|there| there.date != utc)?, Zone::UTC] {
        let server = serve_in(stage, zone)?;
        let before = zone.now()?;
        let answer = ask(&server, &asker(stage, "a")?, "SEND_DATE")?;
        let after = zone.now()?;
        if [before, after].iter().any(|now| has_date(&answer, now.date)) {
            continue;
        }
        let [year, month, day] = after.date;
        let (mut said, mut expected) = (words(&answer), after.date.map(|n| n.to_string()));
        said.sort();
        expected.sort();
        return fail(
            format!("the date {year}-{month:02}-{day:02}, in any form that is clear"),
            quote(answer.as_bytes()),
        )
        .means(said == expected, &DATE_ORDER)
        .means(has_date(&answer, utc), &DATE_IN_UTC);
    }
    Ok(())
}

/// Starts the server in a time zone.
fn serve_in(stage: &Stage, zone: Zone) -> Outcome<Server> {
    stage.serve_datagrams(&[&format!("env TZ={}", zone.0)])
}

/// The parts of a text that look like a time, `9:5:30` too: hours, minutes, seconds, and whether
/// each has two digits.
fn times(text: &str) -> Vec<(u32, bool)> {
    let of = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        let parts: Vec<&str> = word.split(':').collect();
        let numbers: Vec<u32> = parts.iter().flat_map(|part| part.parse()).collect();
        match numbers[..] {
            [hour, minute, second] if hour < 24 && minute < 60 && second < 61 => {
                let padded = parts.iter().all(|part| part.len() == 2);
                Some((hour * 3600 + minute * 60 + second, padded))
            }
            _ => None,
        }
    };
    text.split_whitespace().filter_map(of).collect()
}

/// The time in an answer, two digits or not, if there is one between these two moments.
fn time_between(answer: &str, before: Moment, after: Moment) -> Option<(u32, bool)> {
    let since = |time: u32| (time + 86_400 - before.time) % 86_400;
    times(answer).into_iter().find(|(time, _)| since(*time) <= since(after.time))
}

const TWELVE_HOURS: Diagnosis = Diagnosis {
    id: "twelve-hours",
    they: "use a clock of twelve hours",
    text: "minutes and seconds are right, and twelve hours are missing: HH counts to 23. Which letter of the format does that?",
};
const TIME_IN_UTC: Diagnosis = Diagnosis {
    id: "time-in-utc",
    they: "give the time of UTC, not the local one",
    text: "this is the time in UTC: the seconds since 1970 know no time zone. Where does the program learn how far from UTC this machine's clocks are?",
};
const BOTH_AT_ONCE: Diagnosis = Diagnosis {
    id: "both-at-once",
    they: "send date and time whatever was asked",
    text: "the answer holds the date too, and only the time was asked for: does the server look at the request?",
};

fn time(stage: &Stage) -> Outcome {
    // In the afternoon a clock of twelve hours shows something else.
    let zone = Zone::find(|there| (13..=22).contains(&there.hour()))?;
    let (before, utc_before) = (zone.now()?, Zone::UTC.now()?);
    let server = serve_in(stage, zone)?;
    let answer = ask(&server, &asker(stage, "a")?, "SEND_TIME")?;
    let (after, utc_after) = (zone.now()?, Zone::UTC.now()?);
    let is_time = time_between(&answer, before, after).is_some();
    if is_time && !has_date(&answer, after.date) && !has_date(&answer, before.date) {
        return Ok(());
    }
    let half_a_day = |m: Moment| Moment { time: (m.time + 43_200) % 86_400, ..m };
    let twelve = time_between(&answer, half_a_day(before), half_a_day(after));
    let utc = time_between(&answer, utc_before, utc_after);
    let hms = |m: Moment| format!("{:02}:{:02}:{:02}", m.hour(), m.time / 60 % 60, m.time % 60);
    fail(
        format!("the time alone, from {} to {}", hms(before), hms(after)),
        quote(answer.as_bytes()),
    )
    .means(is_time, &BOTH_AT_ONCE)
    .means(twelve.is_some(), &TWELVE_HOURS)
    .means(utc.is_some(), &TIME_IN_UTC)
}

const NO_PADDING: Diagnosis = Diagnosis {
    id: "no-padding",
    they: "write 9:5:30 for 09:05:30",
    text: "a number below ten has one digit here: how does the language write a number with two digits at least?",
};

fn two_digits(stage: &Stage) -> Outcome {
    // In the early morning the hour shows it, whatever the minute is.
    let zone = Zone::find(|there| (1..=8).contains(&there.hour()))?;
    let server = serve_in(stage, zone)?;
    let answer = ask(&server, &asker(stage, "a")?, "SEND_TIME")?;
    if times(&answer).iter().any(|(_, padded)| *padded) {
        return Ok(());
    }
    let short = !times(&answer).is_empty();
    fail("HH:MM:SS, two digits each", quote(answer.as_bytes())).means(short, &NO_PADDING)
}

const ONE_ANSWER: Diagnosis = Diagnosis {
    id: "one-answer",
    they: "answer one request and no more",
    text: "the first request was answered and a later one was not: is there a loop around recv_from?",
};

fn goes_on(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    ask(&server, &a, "SEND_TIME")?;
    ["SEND_DATE", "SEND_TIME", "SEND_TIME", "SEND_DATE"]
        .iter()
        .try_for_each(|request| ask(&server, &a, request).map(|_| ()))
        .means(true, &ONE_ANSWER)
}

const READ_ONCE: Diagnosis = Diagnosis {
    id: "read-once",
    they: "read the clock once, at the start",
    text: "more than a second later the answer is still the same: where is the clock read, before the loop or in it?",
};

fn fresh(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    let first = ask(&server, &a, "SEND_TIME")?;
    // The clock is waited for, not the server. Twice, because a program may ask the kernel for
    // a time that is some milliseconds old (time(2) does).
    for _ in 0..2 {
        let begun = seconds();
        kernel::look_until(patience(), || seconds() > begun);
        if ask(&server, &a, "SEND_TIME")? != first {
            return Ok(());
        }
    }
    fail(format!("another time than {first:?}, a second later"), "the same")
        .means(!times(&first).is_empty(), &READ_ONCE)
}

/// The seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
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

fn second_asker(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let (a, b) = (asker(stage, "a")?, stage.datagrams("b", "127.0.0.2")?);
    ask(&server, &a, "SEND_TIME")?;
    ask(&server, &b, "SEND_TIME")
        .map(|_| ())
        .probe(&FIRST_ASKER, || {
            a.receive(Duration::ZERO).ok()?.map(|_| "a got an answer instead".to_string())
        })
        .probe(&CONNECTED, || {
            let still = ask(&server, &a, "SEND_TIME").is_ok();
            still.then(|| "a is still answered".to_string())
        })
}

const SOME_UNANSWERED: Diagnosis = Diagnosis {
    id: "some-unanswered",
    they: "leave some clients unanswered when many ask",
    text: "some of 40 clients got no answer: datagrams wait in the socket's buffer while the server is busy. What does it do between one recv_from and the next?",
};

fn many_askers(stage: &Stage) -> Outcome {
    const CLIENTS: usize = 40;
    let server = stage.serve_datagrams(&[])?;
    let askers: Vec<Datagrams> =
        (1..=CLIENTS).map(|n| asker(stage, &format!("client {n}"))).collect::<Outcome<_>>()?;
    askers.iter().try_for_each(|a| a.send("SEND_TIME", server.address()))?;
    let until = Instant::now() + patience();
    let left = || until.saturating_duration_since(Instant::now());
    let answered = askers.iter().filter(|a| matches!(a.receive(left()), Ok(Some(_)))).count();
    if answered == CLIENTS {
        return Ok(());
    }
    fail(format!("{CLIENTS} clients are answered"), format!("{answered} are"))
        .means(true, &SOME_UNANSWERED)
}

const EMPTY_IS_END: Diagnosis = Diagnosis {
    id: "empty-is-end",
    they: "take an empty datagram for the end",
    text: "a datagram of 0 bytes came and the server answers nobody any more: in TCP 0 bytes are the end, in UDP they are a datagram like any other.",
};
const UNKNOWN_KILLS: Diagnosis = Diagnosis {
    id: "unknown-kills",
    they: "end at a request that they do not know",
    text: "a request that it does not know has ended the server: anybody can send it anything. What does the branch for everything else do?",
};
const BAD_TEXT_KILLS: Diagnosis = Diagnosis {
    id: "bad-text-kills-04",
    they: "end at bytes that are no text",
    text: "bytes that are no UTF-8 have ended the server: decoding can fail, and what it throws must not leave the loop.",
};

/// Sends each of these datagrams, and expects that the server still answers. A new client asks,
/// so that answers to the datagrams, which may come or not, go elsewhere.
fn survives(stage: &Stage, datagrams: &[&[u8]]) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let stranger = asker(stage, "a stranger")?;
    for datagram in datagrams {
        stranger.send(datagram, server.address())?;
    }
    let result = ask(&server, &asker(stage, "a client")?, "SEND_TIME").map(|_| ());
    match result {
        Err(Stop::Failed(failure)) => fail("the server still answers", failure.got),
        other => other,
    }
}

fn garbage(stage: &Stage) -> Outcome {
    let long = stage.bytes(8000);
    survives(stage, &[b"SEND_MONEY", b"send_date please", &[b'x'; 4000]])
        .means(true, &UNKNOWN_KILLS)?;
    survives(stage, &[b"\xff\xfe\x80", &long]).means(true, &BAD_TEXT_KILLS)
}

const TALKATIVE: Diagnosis = Diagnosis {
    id: "talkative",
    they: "put more than the date or the time into an answer",
    text: "a person can read it, and a program has to search: one form, and nothing around it.",
};

fn exact_answers(stage: &Stage) -> Outcome {
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
                .means(true, &TALKATIVE);
        }
    }
    Ok(())
}

const WHITE_SPACE: Diagnosis = Diagnosis {
    id: "white-space",
    they: "do not know a request with a line end behind it",
    text: "the same request with white space around it was not understood: `nc -u` sends a line end with each line.",
};

fn white_space(stage: &Stage) -> Outcome {
    let server = serve_in(stage, Zone::UTC)?;
    let a = asker(stage, "a")?;
    for request in ["SEND_DATE\n", "  SEND_DATE\r\n"] {
        let answer = ask(&server, &a, request).means(true, &WHITE_SPACE)?;
        if !has_date(&answer, Zone::UTC.now()?.date) {
            return fail("the date", quote(answer.as_bytes())).means(true, &WHITE_SPACE);
        }
    }
    Ok(())
}

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

fn unknown(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    for request in [b"SEND_MONEY".as_slice(), b"", b"send_date", &[b'x'; 60_000]] {
        a.send(request, server.address())?;
        let answer = a.expect("an error").means(true, &SILENT_ON_UNKNOWN)?;
        if !answer.bytes.starts_with(b"error: ") || answer.bytes.len() > 64 {
            let expected = "`error: …` in at most 64 bytes";
            let long = answer.bytes.len() > 64;
            return fail(expected, quote(&answer.bytes)).means(long, &REPEATS_REQUEST);
        }
    }
    Ok(())
}

const ANSWERS_ERRORS: Diagnosis = Diagnosis {
    id: "answers-errors",
    they: "answer an error with an error",
    text: "two servers of this kind, one of them asked in the other's name, would send each other errors for ever.",
};

fn error_loop(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    a.send("error: ask SEND_DATE or SEND_TIME", server.address())?;
    a.expect_silence("an error is no request").means(true, &ANSWERS_ERRORS)
}

const OTHER_PORT: Diagnosis = Diagnosis {
    id: "other-port",
    they: "answer from another socket",
    text: "the answer came from another port than the one that was asked: a client that looks at the sender takes it for a stranger's.",
};

fn one_socket(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&[])?;
    let a = asker(stage, "a")?;
    a.send("SEND_TIME", server.address())?;
    let answer = a.expect("the time")?;
    if answer.from == server.address() {
        return Ok(());
    }
    fail(format!("an answer from {}", server.address()), format!("one from {}", answer.from))
        .means(true, &OTHER_PORT)
}

fn blocking(stage: &Stage) -> Outcome {
    let server = stage.serve_datagrams(&["env BLOCKING=1"])?;
    ask(&server, &asker(stage, "a")?, "SEND_TIME")?;
    let line = server.program.complains(&["main", "recv_from"])?;
    if ["us", "ms", " s"].iter().any(|unit| line.contains(unit)) {
        return Ok(());
    }
    fail("a time with its unit", line)
}

const REQUESTS: [&str; 2] = ["SEND_DATE", "SEND_TIME"];

/// The server that the client under test asks, and what it has been asked last.
pub(super) struct Host {
    pub(super) socket: Datagrams,
    pub(super) request: Datagram,
}

impl Host {
    /// The next request, from the client while it runs.
    fn next(&mut self, client: &Program) -> Outcome {
        self.request = self.socket.expect_from(client, "the next request")?;
        Ok(())
    }

    /// The next request, of a client that was told to make no pause.
    fn next_at_once(&mut self, client: &Program) -> Outcome {
        match self.socket.receive_while(client, patience() / 2)? {
            Some(request) => self.request = request,
            None => return client.missing("the next request comes at once".to_string()),
        }
        Ok(())
    }

    /// Something that could be the answer, and stands nowhere yet.
    fn new_answer(&self, stage: &Stage) -> String {
        let numbers: Vec<u8> = stage.bytes(3).into_iter().map(|byte| byte % 20 + 10).collect();
        if self.request.text() == "SEND_DATE" {
            format!("20{}-{:02}-{}", numbers[0] + 40, numbers[1] % 12 + 1, numbers[2] % 18 + 10)
        } else {
            format!("{:02}:{}:{}", numbers[0] % 24, numbers[1], numbers[2] + 30)
        }
    }

    /// Answers the last request, and expects that the client prints what was said. A client
    /// may give up sooner than a busy machine lets us answer: so its next request is another
    /// chance.
    fn answer_is_printed(&mut self, stage: &Stage, client: &mut Program) -> Outcome {
        match self.answer_once(stage, client) {
            Err(Stop::Failed(_)) if client.process.heard().exit().is_none() => {
                self.answer_once(stage, client)
            }
            outcome => outcome,
        }
    }

    /// Answers, and expects that the client prints it before it asks again.
    fn answer_once(&mut self, stage: &Stage, client: &mut Program) -> Outcome {
        let answer = &self.answer(stage)?;
        let mut until = stage.log.deadline(2 * patience());
        loop {
            let over = client.process.heard().is_over();
            let printed = client.prints_within(Duration::from_millis(20), answer);
            if printed.is_ok() || over || until.is_over() {
                return printed;
            }
            if let Some(request) = self.socket.receive(Duration::ZERO)? {
                self.request = request;
                return client.prints_within(quiet(), answer); // it may still be on its way to us
            }
        }
    }

    /// Answers the last request, and returns what was said.
    pub(super) fn answer(&self, stage: &Stage) -> Outcome<String> {
        let answer = self.new_answer(stage);
        self.socket.send(&answer, self.request.from)?;
        Ok(answer)
    }
}

/// Starts the client with these options, and waits for its first request.
pub(super) fn asked(stage: &Stage, ip: &str, options: &str) -> Outcome<(Program, Host)> {
    let socket = stage.datagrams("the host", ip)?;
    let client = stage.client_with(socket.address, options, &[])?;
    let request = socket.expect_first(&client, "SEND_DATE or SEND_TIME")?;
    Ok((client, Host { socket, request }))
}

fn asks(stage: &Stage) -> Outcome {
    let given = stage.datagrams("the host", "127.0.0.2")?;
    let usual = std::net::UdpSocket::bind(("127.0.0.1", given.address.port()))?;
    usual.set_nonblocking(true)?;
    let client = stage.client_with(given.address, "", &[])?;
    let what = "SEND_DATE or SEND_TIME";
    let request = given.expect_first(&client, what).probe(&FIXED_HOST, || {
        usual.recv(&mut [0; 64]).ok().map(|_| "127.0.0.1 was asked".to_string())
    })?;
    if REQUESTS.contains(&request.text().as_str()) {
        return Ok(());
    }
    fail(what, quote(&request.bytes))
}

fn prints(stage: &Stage) -> Outcome {
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    host.answer_is_printed(stage, &mut client)
}

const ONE_REQUEST: Diagnosis = Diagnosis {
    id: "asks-once",
    they: "ask once and end",
    text: "it asked once and ended: the client runs in a loop, as the server does.",
};

fn asks_again(stage: &Stage) -> Outcome {
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    host.answer_is_printed(stage, &mut client)?;
    let again = host.next(&client);
    let ended = client.process.heard().exit().is_some();
    again.means(ended, &ONE_REQUEST)?;
    if !REQUESTS.contains(&host.request.text().as_str()) {
        return fail("SEND_DATE or SEND_TIME", quote(&host.request.bytes));
    }
    host.answer_is_printed(stage, &mut client)
}

const NO_TIMEOUT: Diagnosis = Diagnosis {
    id: "hangs-on-loss",
    they: "wait for a lost answer for ever",
    text: "one answer was lost, and it waits for it: UDP promises no delivery, and nobody will tell. How long does recv_from wait, and who can bound that?",
};
const LOSS_KILLS: Diagnosis = Diagnosis {
    id: "loss-kills",
    they: "end when an answer is lost",
    text: "one answer was lost, and it ended: the timeout is an error of one request, not of the program.",
};

fn lost_reply(stage: &Stage) -> Outcome {
    let expected = "it asks again, although the answer was lost".to_string();
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    stage.log.step("the host does not answer");
    // Nobody says how long a client shall wait; most choose 1 to 5 seconds, and pause then for 2
    // at most.
    match host.socket.receive_while(&client, scaled(Duration::from_millis(7500)))? {
        Some(request) => host.request = request,
        None if client.process.heard().exit().is_none() => {
            return client.missing(expected).means(true, &NO_TIMEOUT);
        }
        None if asks_again(stage).is_err() => {
            stage.log.step("it never asks again: that is the matter of 04.asks-again");
            return Ok(());
        }
        None => return client.missing(expected).means(true, &LOSS_KILLS),
    }
    host.answer_is_printed(stage, &mut client)
}

const NO_CHOICE: Diagnosis = Diagnosis {
    id: "no-choice",
    they: "always ask for the same",
    text: "of 40 requests not one was different: is it chosen before the loop, or not at all?",
};

fn both_requests(stage: &Stage) -> Outcome {
    const REQUESTS: usize = 40;
    let options = format!("--count {REQUESTS} --delay 0-0 --timeout 60");
    let (client, mut host) = asked(stage, "127.0.0.1", &options)?;
    let mut dates = 0;
    for n in 1..=REQUESTS {
        dates += usize::from(host.request.text() == "SEND_DATE");
        host.answer(stage)?;
        if n < REQUESTS {
            host.next_at_once(&client)?;
        }
    }
    client.ends_with(0)?;
    if (1..REQUESTS).contains(&dates) {
        return Ok(());
    }
    fail("both requests among 40", format!("{dates} times SEND_DATE")).means(true, &NO_CHOICE)
}

const MISCOUNTS: Diagnosis = Diagnosis {
    id: "miscounts",
    they: "ask more or less often than they are told",
    text: "it did not ask three times: at which end of the loop is counted?",
};

fn count(stage: &Stage) -> Outcome {
    let (client, mut host) = asked(stage, "127.0.0.1", "--count 3 --delay 0-0 --timeout 60")?;
    let mut answers = host.answer(stage)? + "\n";
    for _ in 1..3 {
        let next = host.next_at_once(&client);
        let ended = client.process.heard().exit().is_some();
        next.means(ended, &MISCOUNTS)?;
        answers = answers + &host.answer(stage)? + "\n";
    }
    let one_more = host.socket.receive_while(&client, patience())?;
    if one_more.is_some() {
        return fail("three requests", "a fourth came").means(true, &MISCOUNTS);
    }
    client.ends_with(0)?;
    let heard = client.process.heard();
    if heard.stdout == answers.as_bytes() {
        return Ok(());
    }
    fail(format!("stdout is {}", quote(answers.as_bytes())), quote(&heard.stdout))
}

const SILENT_LOSS: Diagnosis = Diagnosis {
    id: "silent-loss",
    they: "say nothing about a lost answer",
    text: "an answer was lost and its user does not learn of it.",
};

fn warns(stage: &Stage) -> Outcome {
    let (client, _host) = asked(stage, "127.0.0.1", "--count 1 --timeout 0.2")?;
    client.ends_with(0)?;
    client.complains(&["warning", "127.0.0.1"]).map(|_| ()).means(true, &SILENT_LOSS)
}

const ANYBODY: Diagnosis = Diagnosis {
    id: "anybody",
    they: "take a datagram from anyone for the answer",
    text: "a stranger's datagram was printed as the server's answer: recv_from says who has sent it. Or let the kernel look, with connect.",
};

fn stranger(stage: &Stage) -> Outcome {
    let (mut client, host) = asked(stage, "127.0.0.1", "--count 1 --timeout 60")?;
    let forged = stage.payload(12);
    stage.datagrams("a stranger", "127.0.0.1")?.send(&forged, host.request.from)?;
    let answer = host.answer(stage)?;
    let printed = client.prints(&answer);
    let was_taken = find(&client.process.heard().stdout, forged.as_bytes()).is_some();
    if was_taken {
        return fail(
            format!("the client prints {answer:?}, which the server said"),
            format!("{forged:?}, which a stranger said"),
        )
        .means(true, &ANYBODY);
    }
    printed
}

const TIMEOUT_ANEW: Diagnosis = Diagnosis {
    id: "timeout-anew",
    they: "begin the timeout anew with each stranger's datagram",
    text: "a stranger who sends more often than the timeout keeps it waiting: the time is for the request, not for one call of recv_from.",
};

fn strangers_time(stage: &Stage) -> Outcome {
    let (client, host) = asked(stage, "127.0.0.1", "--count 1 --timeout 1")?;
    let stranger = stage.datagrams("a stranger", "127.0.0.1")?;
    let until = Instant::now() + 2 * patience();
    stage.log.step("a stranger sends again and again");
    while Instant::now() < until {
        stranger.send_again("x", host.request.from)?;
        if client.process.wait(Duration::from_millis(50)).is_some() {
            return client.ends_with(0);
        }
    }
    fail("it waits for a second", format!("it still waits after {:?}", 2 * patience()))
        .means(true, &TIMEOUT_ANEW)
}

const STALE: Diagnosis = Diagnosis {
    id: "stale",
    they: "take a late answer for the next one",
    text: "the answer to the first request came late, and was printed as the second one's: it had arrived before that was asked. What is in the socket when the next request is sent, and on which port does it wait?",
};

fn stale(stage: &Stage) -> Outcome {
    let options = "--count 2 --timeout 1 --delay 0.3-0.3";
    let (client, mut host) = asked(stage, "127.0.0.1", options)?;
    let late = stage.payload(12);
    client.complains(&["warning"])?;
    host.socket.send(&late, host.request.from)?;
    host.next(&client)?;
    let answer = host.answer(stage)?;
    client.ends_with(0)?;
    if find(&client.process.heard().stdout, late.as_bytes()).is_none() {
        return Ok(());
    }
    fail(
        format!("the client prints {answer:?}"),
        format!("{late:?}, which came before it asked"),
    )
    .means(true, &STALE)
}

const BAD_ANSWER_KILLS: Diagnosis = Diagnosis {
    id: "bad-answer-kills",
    they: "end at an answer that is no text",
    text: "bytes that are no UTF-8 have ended the client: whoever answers can send anything.",
};

fn not_text(stage: &Stage) -> Outcome {
    let options = "--count 2 --delay 0-0 --timeout 60";
    let (mut client, mut host) = asked(stage, "127.0.0.1", options)?;
    host.socket.send(b"\xff\xfe\x80", host.request.from)?;
    host.next(&client).means(true, &BAD_ANSWER_KILLS)?;
    let answer = host.answer(stage)?;
    client.prints(&answer)
}

fn delay_order(stage: &Stage) -> Outcome {
    for delay in ["2-1", "1", "a-b", "1-", "-1-2"] {
        let nobody = SocketAddr::from(([127, 0, 0, 1], kernel::free_port()));
        let client = stage.client_with(nobody, &format!("--delay={delay}"), &[])?;
        client.ends_with(2)?;
        client.complains(&["--delay", delay])?;
    }
    Ok(())
}

fn ipv6(stage: &Stage) -> Outcome {
    let Ok(socket) = stage.datagrams("the host", "::1") else {
        return Err(Stop::Lacking("IPv6 loopback"));
    };
    let mut client = stage.client_with(socket.address, "--count 1 --timeout 60", &[])?;
    let request = socket.expect_from(&client, "a request")?;
    let host = Host { socket, request };
    let answer = host.answer(stage)?;
    client.prints(&answer)
}

fn exercise_unix(stage: &Stage) -> Outcome {
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
}

fn exercise_tcp(stage: &Stage) -> Outcome {
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
}

fn exercise_retry(stage: &Stage) -> Outcome {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_many_forms() {
        for text in [
            "2026-03-05",
            "20260305",
            "2026/3/5",
            "Date: 05.03.2026",
            "3/5/2026",
            "05/03/26",
            "Thu Mar  5 2026",
            "Thursday, 5 March 2026",
            "March 5th, 2026",
            "the 5th of March 2026\n",
            "Thu Mar  5 14:03:26 IST 2026",
            "2026-03-05 14:03:26.123456",
            "2026-03-05T14:03:26+05:45",
        ] {
            assert!(has_date(text, [2026, 3, 5]), "{text}");
            assert!(!has_date(text, [2026, 3, 6]), "{text}");
        }
        for text in ["2026-05-03", "5 March", "26-03-05", "14:03:26", "", "2026", "5.3.", "٥"]
        {
            assert!(!has_date(text, [2026, 3, 5]), "{text}");
        }
    }

    #[test]
    fn a_time_stands_in_a_word_of_its_own() {
        assert_eq!(times("Time: 09:05:30.\n"), [(32_730, true)]);
        assert_eq!(times("it is 9:5:30 now"), [(32_730, false)]);
        for text in ["09:05", "09:05:30.123", "2026-03-05T09:05:30", "25:00:00", "a:b:c"] {
            assert_eq!(times(text), [], "{text}");
        }
    }

    #[test]
    fn a_time_lies_between_two_moments_around_midnight_too() {
        let at = |time| Moment { date: [2026, 3, 5], time };
        assert!(time_between("23:59:59", at(86_399), at(1)).is_some());
        assert!(time_between("00:00:01", at(86_399), at(1)).is_some());
        assert!(time_between("00:00:02", at(86_399), at(1)).is_none());
        assert!(time_between("23:59:58", at(86_399), at(1)).is_none());
    }
}
