//! A failure that teaches: what was expected, what was seen, what that usually means.

use std::{fmt::Write, io};

/// What a known symptom usually means.
#[derive(Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// A short name: `one-at-a-time`.
    pub id: &'static str,
    /// What submissions with this mistake do, as a predicate for the class's page: `serve
    /// clients one after another`.
    pub they: &'static str,
    /// For the student: what it means, and a question that leads to the line.
    pub text: &'static str,
}

/// Why a check did not pass.
#[derive(Debug)]
pub struct Failure {
    /// What should have been seen.
    pub expected: String,
    /// What was seen instead.
    pub got: String,
    /// The same, for a check that asks what it was.
    pub saw: Saw,
    /// What that means, only when a known symptom was seen.
    pub means: Option<&'static Diagnosis>,
}

/// What was seen instead of what was expected, in one word: evidence for a diagnosis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saw {
    /// Nothing came in all the time that the check waited.
    Nothing,
    /// The program closed the connection.
    Closed,
    /// The program reset the connection, or refused it.
    Reset,
    /// The program had ended.
    Ended,
    /// The program still ran.
    Running,
    /// Something else: what, the failure's text says.
    #[default]
    Something,
}

/// How many letters of what was seen stand in a report.
const LONGEST: usize = 4096;

impl Failure {
    /// The same, with nothing in it that a screen or a page would obey, and no more of it than
    /// anybody reads.
    #[must_use]
    pub fn readable(self) -> Failure {
        let told = |text: &str| match text.char_indices().nth(LONGEST) {
            Some((end, _)) => readable(&text[..end]) + " …",
            None => readable(text),
        };
        Failure { expected: told(&self.expected), got: told(&self.got), ..self }
    }
}

/// Why a check stopped before its end.
#[derive(Debug)]
pub enum Halt {
    /// The program did something else than it should.
    Failed(Failure),
    /// The program could not be started at all.
    NotStarted(String),
    /// It is asked of what was not handed in.
    NotHandedIn,
    /// It cannot be tried in the way in which the program speaks, and why.
    NotJudged(String),
    /// This machine lacks what the check needs, and what.
    Lacking(&'static str),
    /// The grader itself met trouble, which is never the program's fault.
    Grader(String),
}

/// What a step of a check returns. A step that does not see what its name says is a failure; what
/// one of our own calls fails with is the grader's trouble.
pub type Step<T = ()> = Result<T, Halt>;

/// A failed step, from what was expected and what was seen.
pub fn fail<T>(expected: impl Into<String>, got: impl Into<String>) -> Step<T> {
    fail_having(Saw::Something, expected, got)
}

/// As [`fail`], having seen this.
pub fn fail_having<T>(
    saw: Saw,
    expected: impl Into<String>,
    got: impl Into<String>,
) -> Step<T> {
    let (expected, got) = (expected.into(), got.into());
    Err(Halt::Failed(Failure { expected, got, saw, means: None }))
}

/// True for what the other side of a connection did; all else that a socket of ours reports
/// (no descriptor left, no memory, no address) is our own trouble.
pub fn is_peers_doing(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(
        error.kind(),
        E::ConnectionRefused
            | E::ConnectionReset
            | E::ConnectionAborted
            | E::BrokenPipe
            | E::NotConnected
            | E::TimedOut
            | E::WouldBlock
    )
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Halt {
        Halt::Grader(format!("the grader's own call failed: {}", common::cause(&error)))
    }
}

/// Explains a failure.
pub trait Explain: Sized {
    /// Adds the diagnosis if the step failed and `symptom` was seen, and if no closer one is
    /// there already.
    #[must_use]
    fn means(self, symptom: bool, diagnosis: &'static Diagnosis) -> Self;

    /// Adds the diagnosis if the failed step saw this.
    #[must_use]
    fn because(self, saw: Saw, diagnosis: &'static Diagnosis) -> Self;

    /// Adds the diagnosis if `look`, made only after a failure, finds the evidence for it,
    /// which a sentence names for the report: `when Alice had left, Bob was answered`.
    #[must_use]
    fn confirm(
        self,
        diagnosis: &'static Diagnosis,
        evidence: &str,
        look: impl FnOnce() -> bool,
    ) -> Self;

    /// As [`Explain::confirm`], where the evidence is a sentence that `look` makes of what it saw.
    #[must_use]
    fn probe(
        self,
        diagnosis: &'static Diagnosis,
        look: impl FnOnce() -> Option<String>,
    ) -> Self;
}

impl<T> Explain for Step<T> {
    fn means(self, symptom: bool, diagnosis: &'static Diagnosis) -> Self {
        self.probe(diagnosis, || symptom.then(String::new))
    }

    fn because(self, saw: Saw, diagnosis: &'static Diagnosis) -> Self {
        let seen = matches!(&self, Err(Halt::Failed(failure)) if failure.saw == saw);
        self.probe(diagnosis, || seen.then(String::new))
    }

    fn confirm(
        self,
        diagnosis: &'static Diagnosis,
        evidence: &str,
        look: impl FnOnce() -> bool,
    ) -> Self {
        self.probe(diagnosis, || look().then(|| evidence.to_string()))
    }

    fn probe(
        mut self,
        diagnosis: &'static Diagnosis,
        look: impl FnOnce() -> Option<String>,
    ) -> Self {
        if let Err(Halt::Failed(failure)) = &mut self {
            if failure.means.is_none() {
                if let Some(seen) = look() {
                    failure.means = Some(diagnosis);
                    if !seen.is_empty() {
                        let _ = write!(failure.got, "; {seen}");
                    }
                }
            }
        }
        self
    }
}

/// How many bytes of a message are shown.
const SHOWN: usize = 48;

/// How many bytes of what a program complains of are shown: its end often says why.
const COMPLAINT: usize = 240;

/// Bytes as a person reads them: `"hello\n"`, shortened in the middle.
pub fn quote(bytes: &[u8]) -> String {
    quote_within(bytes, SHOWN)
}

/// The same of a program's complaint, of which more is shown. The curly quotes that many tools put
/// round a name are made plain; they would be shown as their bytes.
pub fn quote_complaint(line: &str) -> String {
    quote_within(line.replace(['‘', '’'], "`").as_bytes(), COMPLAINT)
}

fn quote_within(bytes: &[u8], shown: usize) -> String {
    if bytes.len() <= shown {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    let (begin, end) = (&bytes[..shown / 2], &bytes[bytes.len() - shown / 4..]);
    format!("\"{}…{}\" ({} bytes)", begin.escape_ascii(), end.escape_ascii(), bytes.len())
}

/// The two texts of a failure over bytes: each escaped, from a little before the first
/// difference, the second with a caret under it.
pub fn difference(expected: &[u8], got: &[u8]) -> (String, String) {
    /// How many columns the bytes take, and those of them that are before the difference: the
    /// caret is only under it if no line is broken.
    const COLUMNS: usize = 60;
    const BEFORE: usize = 24;
    let columns = |byte: &u8| byte.escape_ascii().count();
    let many = |bytes: &mut dyn Iterator<Item = &u8>, most: usize| {
        let mut used = 0;
        bytes
            .take_while(|byte| {
                used += columns(byte);
                used <= most
            })
            .count()
    };
    let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let from = at - many(&mut expected[..at].iter().rev(), BEFORE);
    let shown = |bytes: &[u8]| {
        let end = from + many(&mut bytes[from..].iter(), COLUMNS);
        let more = if end < bytes.len() { "…" } else { "" };
        format!("\"{}\"{more}", bytes[from..end].escape_ascii())
    };
    let place = if from > 0 { format!(", from byte {from}") } else { String::new() };
    let caret = " ".repeat(1 + expected[from..at].escape_ascii().count()) + "^";
    let what = match (got.get(at), expected.get(at)) {
        (None, _) => format!("here {} bytes are missing", expected.len() - at),
        (_, None) => format!("here {} bytes are too many", got.len() - at),
        _ => format!("byte {at} is the first that differs"),
    };
    (
        format!("{} bytes{place}:\n{}", expected.len(), shown(expected)),
        format!("{} bytes{place}:\n{}\n{caret} {what}", got.len(), shown(got)),
    )
}

/// A text that a student may have had a hand in, as it may stand in a report: its lines stay,
/// other control characters are escaped, and so is what turns the direction of writing, with
/// which a line can be made to read as another.
pub fn readable(text: &str) -> String {
    let mut readable = String::new();
    for letter in text.chars() {
        match letter {
            '\n' => readable.push('\n'),
            c if c.is_control() || turns_direction(c) => readable.extend(c.escape_unicode()),
            c => readable.push(c),
        }
    }
    readable
}

/// Unicode's Bidi_Control characters.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_report_is_obeyed() {
        assert_eq!(readable("a\u{1b}[2Jb\r\nc\u{202e}é"), "a\\u{1b}[2Jb\\u{d}\nc\\u{202e}é");
    }

    #[test]
    fn what_a_socket_of_our_own_lacks_is_no_failure_of_the_program() {
        use io::ErrorKind as E;
        let elsewhere = std::net::TcpListener::bind(("192.0.2.1", 0)).unwrap_err();
        assert_eq!(elsewhere.kind(), E::AddrNotAvailable);
        for kind in [E::AddrNotAvailable, E::NetworkUnreachable, E::AddrInUse, E::OutOfMemory] {
            assert!(!is_peers_doing(&kind.into()), "{kind}");
            assert!(matches!(Halt::from(io::Error::from(kind)), Halt::Grader(_)), "{kind}");
        }
    }

    #[test]
    fn a_caret_stands_under_the_first_difference() {
        let (expected, got) = difference(b"a\n\tbc", b"a\n\tbX");
        assert_eq!(expected, "5 bytes:\n\"a\\n\\tbc\"");
        assert_eq!(got, "5 bytes:\n\"a\\n\\tbX\"\n       ^ byte 4 is the first that differs");
        assert!(difference(b"abc", b"a").1.ends_with("\n  ^ here 2 bytes are missing"));
        assert!(difference(b"a", b"abc").1.ends_with("\n  ^ here 2 bytes are too many"));
        let long = vec![b'x'; 1000];
        assert!(difference(&long, &long[..900]).1.contains("from byte 876"));
    }

    #[test]
    fn the_first_diagnosis_that_fits_stays() {
        const A: Diagnosis = Diagnosis { id: "a", they: "", text: "" };
        const B: Diagnosis = Diagnosis { id: "b", they: "", text: "" };
        let result: Step = fail("x", "y").means(false, &A).means(true, &B).means(true, &A);
        match result {
            Err(Halt::Failed(failure)) => assert_eq!(failure.means, Some(&B)),
            other => panic!("{other:?}"),
        }
    }
}
