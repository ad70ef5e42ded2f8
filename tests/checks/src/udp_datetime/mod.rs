//! Chapter 4, both sides: the grader plays the clients of the server, and the server of the
//! client. What time it is, `date` says, in a zone that the check chooses.

mod client;
mod conduct;
mod exercises;
mod pauses;
mod server;

use crate::{
    check::{Chapter, Check},
    manners,
    shared::{FIXED_HOST, SPINS, rests},
};
use pauses::{NO_DELAY, SAME_DELAY};
use stage::{
    Program, Role, Server, Stage,
    datagrams::{Datagram, Datagrams},
    failure::{Diagnosis, Explain, Halt, Saw, Step, fail, fail_having, quote},
    find, kernel, patience, quiet,
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
    learn: None,
    checks: &[
        &server::BINDS,
        &server::ANSWERS,
        &server::DATE,
        &server::TIME,
        &server::TWO_DIGITS,
        &server::GOES_ON,
        &server::FRESH,
        &server::SECOND_ASKER,
        &server::MANY_ASKERS,
        &server::GARBAGE,
        &server::EMPTY,
        &server::RESTS,
        &server::EXACT_ANSWERS,
        &server::WHITE_SPACE,
        &server::UNKNOWN,
        &server::ERROR_LOOP,
        &server::ONE_SOCKET,
        &conduct::PORT_ZERO,
        &server::BLOCKING,
        &client::ASKS,
        &client::PRINTS,
        &client::ASKS_AGAIN,
        &client::DELAY,
        &client::LOST_REPLY,
        &client::RESTS,
        &client::COUNT,
        &client::BOTH_REQUESTS,
        &client::WARNS,
        &client::STRANGER,
        &client::STRANGERS_TIME,
        &client::STALE,
        &client::NOT_TEXT,
        &client::DELAY_ORDER,
        &client::IPV6,
        &conduct::HELP,
        &conduct::VERSION,
        &conduct::USAGE,
        &exercises::X_UNIX,
        &exercises::X_TCP,
        &exercises::X_RETRY,
    ],
};

/// A client of the server under test.
fn asker(stage: &Stage, name: &str) -> Step<Datagrams> {
    stage.datagrams(name, "127.0.0.1")
}

/// Asks, and expects the answer's text.
fn ask(server: &Server, asker: &Datagrams, request: &str) -> Step<String> {
    asker.send(request, server.address())?;
    match asker.expect(&format!("the answer to {request}")) {
        Err(Halt::Failed(failure)) => {
            let over = server.program.process.heard().exit().is_some();
            let saw = if over { Saw::Ended } else { failure.saw };
            let got = format!("{}; {}", failure.got, server.program.state());
            fail_having(saw, failure.expected, got)
        }
        answer => answer.map(|datagram| datagram.text()),
    }
}

fn answers(stage: &Stage) -> Step {
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

/// The text without its times of day, whose numbers are no part of a date.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<f64>().is_ok())
    };
    let kept = text.split([' ', 'T', '\n', '\t']).filter(|word| !is_time(word));
    kept.collect::<Vec<_>>().join(" ")
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
    let mut words = words(&without_times(text));
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

fn date(stage: &Stage) -> Step {
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
        .confirm(&DATE_ORDER, "its parts are the right ones", || said == expected)
        .confirm(&DATE_IN_UTC, "that is the date in UTC", || has_date(&answer, utc));
    }
    Ok(())
}

/// Starts the server in a time zone.
fn serve_in(stage: &Stage, zone: Zone) -> Step<Server> {
    stage.serve_datagrams(&[&format!("env TZ={}", zone.0)])
}

/// The parts of a text that look like a time, `9:5:30` and `09:05:30.25` too: hours, minutes,
/// seconds, and whether each has two digits.
fn times(text: &str) -> Vec<(u32, bool)> {
    let of = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        let whole = word.split_once('.').map_or(word, |(whole, _)| whole);
        let parts: Vec<&str> = whole.split(':').collect();
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

fn time(stage: &Stage) -> Step {
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
    .confirm(&BOTH_AT_ONCE, "the time is in it, and the date too", || is_time)
    .confirm(&TWELVE_HOURS, "that is twelve hours less", || twelve.is_some())
    .confirm(&TIME_IN_UTC, "that is the time in UTC", || utc.is_some())
}

/// The seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

const REQUESTS: [&str; 2] = ["SEND_DATE", "SEND_TIME"];

/// The server that the client under test asks, and what it has been asked last.
pub(super) struct Host {
    pub(super) socket: Datagrams,
    pub(super) request: Datagram,
}

impl Host {
    /// The next request, from the client while it runs.
    fn next(&mut self, client: &Program) -> Step {
        self.request = self.socket.expect_from(client, "the next request")?;
        Ok(())
    }

    /// The next request, of a client that was told to make no pause.
    fn next_at_once(&mut self, client: &Program) -> Step {
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
    fn answer_is_printed(&mut self, stage: &Stage, client: &mut Program) -> Step {
        match self.answer_once(stage, client) {
            Err(Halt::Failed(_)) if client.process.heard().exit().is_none() => {
                self.answer_once(stage, client)
            }
            outcome => outcome,
        }
    }

    /// Answers, and expects that the client prints it before it asks again.
    fn answer_once(&mut self, stage: &Stage, client: &mut Program) -> Step {
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
    pub(super) fn answer(&self, stage: &Stage) -> Step<String> {
        let answer = self.new_answer(stage);
        self.socket.send(&answer, self.request.from)?;
        Ok(answer)
    }
}

/// Starts the client with these options, and waits for its first request.
pub(super) fn asked(stage: &Stage, ip: &str, options: &str) -> Step<(Program, Host)> {
    let socket = stage.datagrams("the host", ip)?;
    let client = stage.client_with(socket.address, options, &[])?;
    let request = socket.expect_first(&client, "SEND_DATE or SEND_TIME")?;
    Ok((client, Host { socket, request }))
}

fn asks(stage: &Stage) -> Step {
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

fn prints(stage: &Stage) -> Step {
    let (mut client, mut host) = asked(stage, "127.0.0.1", "")?;
    host.answer_is_printed(stage, &mut client)
}

const MISCOUNTS: Diagnosis = Diagnosis {
    id: "miscounts",
    they: "ask more or less often than they are told",
    text: "it did not ask three times: at which end of the loop is counted?",
};

fn count(stage: &Stage) -> Step {
    let (client, mut host) = asked(stage, "127.0.0.1", "--count 3 --delay 0-0 --timeout 60")?;
    let mut answers = host.answer(stage)? + "\n";
    for _ in 1..3 {
        let next = host.next_at_once(&client);
        let ended = client.process.heard().exit().is_some();
        next.confirm(&MISCOUNTS, "it had ended", || ended)?;
        answers = answers + &host.answer(stage)? + "\n";
    }
    let one_more = host.socket.receive_while(&client, patience())?;
    if one_more.is_some() {
        return fail("three requests", "a fourth came").because(Saw::Something, &MISCOUNTS);
    }
    client.ends_with(0)?;
    let heard = client.process.heard();
    if heard.stdout == answers.as_bytes() {
        return Ok(());
    }
    fail(format!("stdout is {}", quote(answers.as_bytes())), quote(&heard.stdout))
}

const ANYBODY: Diagnosis = Diagnosis {
    id: "anybody",
    they: "take a datagram from anyone for the answer",
    text: "a stranger's datagram was printed as the server's answer: recv_from says who has sent it. Or let the kernel look, with connect.",
};

fn stranger(stage: &Stage) -> Step {
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
        .confirm(&ANYBODY, "the client printed it", || was_taken);
    }
    printed
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
        assert!(!has_date("14:03:26", [2026, 3, 14]));
        for text in ["2026-05-03", "5 March", "26-03-05", "14:03:26", "", "2026", "5.3.", "٥"]
        {
            assert!(!has_date(text, [2026, 3, 5]), "{text}");
        }
    }

    #[test]
    fn a_time_stands_in_a_word_of_its_own() {
        assert_eq!(times("Time: 09:05:30.\n"), [(32_730, true)]);
        assert_eq!(times("it is 9:5:30 now"), [(32_730, false)]);
        assert_eq!(times("09:05:30.123"), [(32_730, true)]);
        for text in ["09:05", "2026-03-05T09:05:30", "25:00:00", "a:b:c"] {
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
