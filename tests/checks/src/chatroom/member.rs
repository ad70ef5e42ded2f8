//! The members of a room, played by the grader. What a room says is told by what it carries: who,
//! how many, and what was said. The words around these are the program's own, and so is whether
//! its messages end with a line end.

use super::*;
use stage::{
    find,
    speech::{MessageEnd, Speech},
};
use std::time::Duration;

/// How long a newcomer's news is waited for where it is not what the check is about.
const A_MOMENT: Duration = Duration::from_millis(500);

/// More bytes than a room has to say when a member leaves, and far more.
const MUCH: usize = 4 << 10;
const FLOOD: usize = 64 << 10;

/// How many bytes before a text are looked through for the name of who said it, where no line end
/// tells where the message begins.
const NEAR: usize = 64;

/// A member of the room.
pub(super) struct Member {
    pub name: String,
    pub peer: Peer,
    way: Speech,
}

impl Member {
    /// Connects, and gives a name, as the room wants it; what comes of it is still to be heard.
    pub fn knock(stage: &Stage, server: &Server, name: &str) -> Step<Member> {
        let mut member = Member::connect(stage, server, name)?;
        member.says(name)?;
        Ok(member)
    }

    /// Connects, and gives a name without waiting for a greeting.
    pub fn early(stage: &Stage, server: &Server, name: &str) -> Step<Member> {
        let (peer, way) = (server.connect(name)?, stage.speech(Role::Server));
        let mut member = Member { name: name.to_string(), peer, way };
        if member.way.greets {
            let _ =
                member.peer.expect_seen(A_MOMENT, "", |bytes| (!bytes.is_empty()).then_some(0));
        }
        member.says(name)?;
        Ok(member)
    }

    /// Connects, and hears the greeting of a room that greets.
    pub fn connect(stage: &Stage, server: &Server, name: &str) -> Step<Member> {
        let (mut peer, way) = (server.connect(name)?, stage.speech(Role::Server));
        if way.greets {
            peer.expect_anything("the greeting that others got")?;
        }
        Ok(Member { name: name.to_string(), peer, way })
    }

    /// Sends a message, and waits until it was read: it is a read of its own.
    pub fn says(&mut self, text: &str) -> Step {
        self.peer.send(self.message(text))?;
        self.peer.settle();
        Ok(())
    }

    /// As [`Member::says`], where there is too much for the log; somebody else's hearing it tells
    /// that it was read.
    pub fn says_quietly(&mut self, text: &str) -> Step {
        self.peer.send_quietly(self.message(text))
    }

    fn message(&self, text: &str) -> String {
        match self.way.ends {
            MessageEnd::Line => format!("{text}\n"),
            MessageEnd::Pause => text.to_string(),
        }
    }

    /// Expects what `name` has said, and returns all that came up to its end. Who has said it, only
    /// [`Member::hears_from`] asks.
    pub fn hears(&mut self, name: &str, text: &str) -> Step<Vec<u8>> {
        let heard = self.hears_quietly(name, text)?;
        self.peer.step(format_args!("hears that {name} says {}", quote(text.as_bytes())));
        Ok(heard)
    }

    /// As [`Member::hears`], where there is too much for the log.
    pub fn hears_quietly(&mut self, name: &str, text: &str) -> Step<Vec<u8>> {
        let what = format!("{}, which {name} says", quote(text.as_bytes()));
        let end = |bytes: &[u8]| find(bytes, text.as_bytes()).map(|at| at + text.len());
        self.peer.expect_seen(patience(), &what, end)
    }

    /// Expects what `name` has said, with the name before it.
    pub fn hears_from(&mut self, name: &str, text: &str) -> Step {
        let what = format!("{}, and before it that {name} says it", quote(text.as_bytes()));
        let end = |bytes: &[u8]| said(bytes, name, text).map(|at| at + text.len());
        self.peer.expect_seen(patience(), &what, end)?;
        self.peer.step(format_args!("hears from {name} {}", quote(text.as_bytes())));
        Ok(())
    }

    /// Expects news of `name`: a message with this name that does not pass on what its member
    /// says. Returns the message.
    pub fn hears_news(&mut self, of: &str, what: &str) -> Step<Vec<u8>> {
        let news = self.hears_news_within(patience(), of, what)?;
        self.peer.step(format_args!("gets {}", quote(&news)));
        Ok(news)
    }

    fn hears_news_within(&mut self, time: Duration, of: &str, what: &str) -> Step<Vec<u8>> {
        let (way, mut looked) = (self.way.clone(), 0);
        let (mut begin, mut flood) = (0, 0);
        let what = format!("the news that {of} {what}");
        let mut news = self.peer.expect_seen(time, &what, |bytes| {
            if bytes.len() > FLOOD {
                flood = bytes.len();
                return Some(0);
            }
            // Only what is new is looked through, and a little before it.
            let from = line_begin(bytes, usize::saturating_sub(looked, 4 * NEAR));
            looked = bytes.len();
            let at = from + news_of(&bytes[from..], of, &way)?;
            begin = line_begin(bytes, at);
            Some(line_end(bytes, at))
        })?;
        if flood > 0 {
            let end = self.peer.so_far()[..flood].rchunks(24).next().map(quote);
            let got = format!(
                "{flood} bytes of other things, the last of them {}",
                end.unwrap_or_default()
            );
            return fail(format!("{} gets {what}", self.name), got);
        }
        Ok(news.split_off(begin))
    }

    /// The numbers in a message of news, and in what comes within a moment behind it where there
    /// is none in itself.
    pub fn numbers_of(&mut self, news: &[u8]) -> Vec<u64> {
        let mut numbers = numbers(news);
        if numbers.is_empty() {
            let _ = self.peer.expect_seen(A_MOMENT, "a number", |bytes| {
                numbers = self::numbers(bytes);
                (!numbers.is_empty()).then_some(bytes.len())
            });
        }
        numbers
    }

    /// Expects all these texts, in any order.
    pub fn hears_all(&mut self, texts: &[&String]) -> Step {
        let end =
            |bytes: &[u8], text: &str| find(bytes, text.as_bytes()).map(|at| at + text.len());
        let mut last = 0;
        for text in texts {
            // What is found stays until all are.
            self.peer.expect_seen(patience(), &quote(text.as_bytes()), |bytes| {
                last = last.max(end(bytes, text)?);
                Some(0)
            })?;
        }
        self.peer.take(last);
        Ok(())
    }

    /// All that comes within a moment.
    pub fn hears_for_a_moment(&mut self) -> Vec<u8> {
        let _ = self.peer.expect_seen(A_MOMENT, "", |_| None);
        self.peer.so_far().to_vec()
    }

    /// True if what `name` says comes within a moment.
    pub fn hears_within_a_moment(&mut self, name: &str, text: &str) -> bool {
        let heard = self.peer.expect_seen(A_MOMENT, "", |bytes| said(bytes, name, text));
        heard.is_ok()
    }

    /// Hears the news of a member that leaves, if there is any within a moment.
    pub fn hears_of_leaving(&mut self, name: &str) {
        let _ = self.hears_news_within(A_MOMENT, name, "has left");
    }

    /// True if what it says is heard by the other at last.
    pub fn is_in(&mut self, stage: &Stage, other: &mut Member) -> bool {
        let text = stage.payload(16);
        self.says(&text).is_ok() && other.hears(&self.name.clone(), &text).is_ok()
    }

    /// Says something that nobody can guess, and expects that the other hears it.
    pub fn is_heard_by(&mut self, stage: &Stage, other: &mut Member) -> Step {
        let text = stage.payload(16);
        self.says(&text)?;
        other.hears(&self.name, &text).map(|_| ())
    }

    /// What comes in a moment, if it is more than a room has to say when one member leaves: how
    /// much, as a sentence.
    pub fn is_flooded(&mut self) -> Option<String> {
        let mut flood = None;
        let _ = self.peer.expect_seen(A_MOMENT, "", |bytes| {
            flood = (bytes.len() > MUCH).then(|| {
                let (count, end) = (bytes.len(), bytes.rchunks(24).next().map(quote));
                format!("{count} bytes come, the last of them {}", end.unwrap_or_default())
            });
            flood.is_some().then_some(0)
        });
        flood.map(|flood| format!("at {} {flood}", self.name))
    }

    /// True if a message that has come so far is news of this name.
    pub fn has_news_of(&mut self, name: &str) -> Option<String> {
        let way = self.way.clone();
        let bytes = self.peer.so_far();
        let at = news_of(bytes, name, &way)?;
        Some(quote(&bytes[line_begin(bytes, at)..line_end(bytes, at)]))
    }
}

/// Where `text` is, if the name stands before it in the same line.
fn said(bytes: &[u8], name: &str, text: &str) -> Option<usize> {
    let at = find(bytes, text.as_bytes())?;
    let before = line_begin(bytes, at).max(at.saturating_sub(NEAR));
    times(&bytes[before..at], name).gt(&0).then_some(at)
}

/// How often a name is told, and no other one that begins with it.
pub(super) fn times(bytes: &[u8], name: &str) -> usize {
    let (mut from, mut times) = (0, 0);
    while let Some(at) = find(&bytes[from..], name.as_bytes()) {
        from += at + name.len();
        times += usize::from(!goes_on(&bytes[from..]));
    }
    times
}

/// Where the line begins in which `at` is.
fn line_begin(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1)
}

/// Where the line ends in which `at` is, behind its `\n`; at the end where there is none.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1)
}

/// Where the name is in a message that is news of it, and not what its member says. Such a message
/// has something more than the name in it.
fn news_of(bytes: &[u8], name: &str, way: &Speech) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find(&bytes[from..], name.as_bytes())?;
        from = at + name.len();
        let line = &bytes[line_begin(bytes, at)..line_end(bytes, at)];
        let more = line.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
        if !goes_on(&bytes[from..]) && more > name.len() && !is_said(bytes, at, from, way) {
            return Some(at);
        }
    }
}

/// True if what follows a name makes another one of it: a room may call a second Batman
/// `Batman_2`.
fn goes_on(behind: &[u8]) -> bool {
    match behind {
        [b'-' | b'#', byte, ..] => byte.is_ascii_alphanumeric(),
        [byte, ..] => byte.is_ascii_alphanumeric() || *byte == b'_',
        [] => false,
    }
}

/// True if what is around a name, from `at` to `end`, is as around what a member says.
fn is_said(bytes: &[u8], at: usize, end: usize, way: &Speech) -> bool {
    let (before, between) = match &way.said {
        Some((before, between)) => (before.as_str(), between.as_str()),
        None => ("", ":"),
    };
    let between = between.trim_end();
    let before_it = without_digits(&bytes[line_begin(bytes, at)..at]);
    !between.is_empty()
        && bytes[end..].starts_with(between.as_bytes())
        && before_it.ends_with(before.as_bytes())
}

/// Each digit a 0, so that one time looks like another.
fn without_digits(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect()
}

/// The numbers in a text, but those of times and dates (`10.01`, `12:46:03`) and those in words.
fn numbers(bytes: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(bytes);
    let joins = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '-' | '/');
    let (mut numbers, mut rest, mut before) = (Vec::new(), &*text, ' ');
    while let Some(letter) = rest.chars().next() {
        if letter.is_ascii_digit() && !before.is_alphanumeric() {
            let run = rest.split(|c: char| !joins(c)).next().unwrap_or_default();
            let run = run.trim_end_matches(|c: char| !c.is_ascii_digit());
            // `1/20` is one of twenty.
            match run.split('/').collect::<Vec<_>>().as_slice() {
                [one, _] => numbers.extend(one.parse::<u64>()),
                _ => numbers.extend(run.parse::<u64>()),
            }
            rest = &rest[run.len()..];
            before = '0';
        } else {
            rest = &rest[letter.len_utf8()..];
            before = letter;
        }
    }
    numbers
}

/// A room of these members, each of whom has had the time to hear what there was to hear.
pub(super) fn room<const N: usize>(
    stage: &Stage,
    names: &[&str; N],
) -> Step<(Server, [Member; N])> {
    let server = stage.serve(Role::Server)?;
    let members = fill(stage, &server, names)?;
    match members.try_into() {
        Ok(members) => Ok((server, members)),
        Err(_) => unreachable!("one for each name"),
    }
}

/// These names join one after the other. Their news is waited for, and not judged: that it comes
/// has checks of its own.
pub(super) fn fill(
    stage: &Stage,
    server: &Server,
    names: &[impl AsRef<str>],
) -> Step<Vec<Member>> {
    let mut members: Vec<Member> = Vec::new();
    let (mut newcomer_hears, mut first_hears) = (true, true);
    for name in names {
        let name = name.as_ref();
        let mut newcomer = Member::knock(stage, server, name)?;
        let hear = |member: &mut Member, hears: &mut bool| {
            *hears = *hears && member.hears_news_within(A_MOMENT, name, "has joined").is_ok();
        };
        hear(&mut newcomer, &mut newcomer_hears);
        if let Some(first) = members.first_mut() {
            hear(first, &mut first_hears);
        }
        members.push(newcomer);
    }
    Ok(members)
}

/// Stops a check that can only be tried with a room that is told lines.
pub(super) fn speaks_in_lines(stage: &Stage) -> Step {
    match stage.speech(Role::Server).ends {
        MessageEnd::Line => Ok(()),
        MessageEnd::Pause => Err(Halt::NotJudged("one read is a message for it".to_string())),
    }
}

/// Finds out how a room or its client speaks.
pub(super) fn learn(stage: &Stage, role: Role) -> Step<Speech> {
    match role {
        Role::Server => learn_room(stage),
        _ => learn_client(stage),
    }
}

fn learn_room(stage: &Stage) -> Step<Speech> {
    let mut way = Speech::default();
    let server = stage.serve(Role::Server)?;
    let mut batman = server.connect("Batman")?;
    let greeting = heard(&mut batman).to_ascii_lowercase();
    way.greets = !greeting.is_empty();
    way.asks_name = ["name", "nick", "who"].iter().any(|word| greeting.contains(word));
    batman.send("Batman")?;
    let mut answered = !heard(&mut batman).is_empty();
    if !answered {
        batman.send("\n")?;
        heard(&mut batman);
    }
    let mut robin = server.connect("Robin")?;
    if way.greets {
        robin.expect_anything("a greeting")?;
    }
    robin.send("Robin")?;
    let mut news = heard(&mut batman);
    answered = answered || !news.is_empty();
    if !answered {
        robin.send("\n")?;
        news = heard(&mut batman);
    }
    way.ends = if answered { MessageEnd::Pause } else { MessageEnd::Line };
    let time = news.split_once("time=").and_then(|(_, rest)| rest.split_once(' '));
    let ours = time.is_some_and(|(_, news)| news.trim_end() == joined("Robin", 2));
    way.own_words = !ours;
    heard(&mut robin);
    let text = stage.payload(16);
    robin.send(&text)?;
    if way.ends == MessageEnd::Line {
        robin.send("\n")?;
    }
    let line = batman
        .expect_seen(patience(), "what Robin says", |bytes| find(bytes, text.as_bytes()))?;
    let line = String::from_utf8_lossy(&without_digits(&line[line_begin(&line, line.len())..]))
        .into_owned();
    if let Some((before, between)) = line.split_once("Robin") {
        let before = before.trim_start().to_string();
        let plain = before.is_empty() && between == ": ";
        way.said = (!plain).then(|| (before, between.to_string()));
    }
    Ok(way)
}

/// What comes in a moment.
fn heard(peer: &mut Peer) -> String {
    let _ = peer.expect_silence("it may greet");
    let text = String::from_utf8_lossy(peer.so_far()).into_owned();
    peer.ignore_so_far();
    text
}

fn learn_client(stage: &Stage) -> Step<Speech> {
    let (_client, mut server) = stage.client_told("Batman", "the server")?;
    let is_line = server.expect_message("the name")?.is_line;
    let ends = if is_line { MessageEnd::Line } else { MessageEnd::Pause };
    Ok(Speech { ends, ..Speech::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_no_time() {
        let of = |text: &str| numbers(text.as_bytes());
        assert_eq!(of("Server: time=10.01 Batman has joined. Member count=2\n"), [2]);
        assert_eq!(of("*** m1 joined (3 here, 12:46:01)"), [3]);
        assert_eq!(of("2026-11-29 Batman is number 4. Hello!"), [4]);
        assert_eq!(of("1/20 are here; count=12Robin: hi"), [1, 12]);
    }

    #[test]
    fn news_is_not_what_a_member_says() {
        let ours = Speech::default();
        assert_eq!(news_of(b"Batman: quit\nBatman has left", "Batman", &ours), Some(13));
        assert_eq!(news_of(b"Batman: \nBatman: \n", "Batman", &ours), None);
        assert_eq!(news_of(b"Batman_2 has joined", "Batman", &ours), None);
        let own = Speech { said: Some(("[00:00] ".into(), "> ".into())), ..Speech::default() };
        let text = b"[12:46] Batman> quit\n[12:47] Batman: gone";
        assert_eq!(news_of(text, "Batman", &own), Some(29));
    }

    #[test]
    fn who_says_it_stands_before_it() {
        assert_eq!(said(b"Batman: hello", "Batman", "hello"), Some(8));
        assert_eq!(said(b"Batman-> hello", "Batman", "hello"), Some(9));
        assert_eq!(said(b"Batman is here\nsomebody: hello", "Batman", "hello"), None);
        assert_eq!(said(b"Batman2: hello", "Batman", "hello"), None);
    }
}
