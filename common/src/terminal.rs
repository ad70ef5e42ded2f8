//! What a program says and hears: the conversation on stdout, everything about it on
//! stderr, what its user types on stdin.

use crate::{Attempt, Error, blocking, net::MAX_LINE};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Writes bytes to stdout and flushes them, so that a pipe sees them at once. Blocks while
/// stdout is a full pipe, until its reader reads.
///
/// # Errors
/// [`Error::StdoutClosed`] when nobody reads any more; the failure otherwise.
pub fn put(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match blocking("write", || stdout.write_all(bytes).and_then(|()| stdout.flush())) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Err(Error::StdoutClosed),
        result => result.attempt("cannot write to stdout"),
    }
}

/// Says one line of the conversation on stdout, made harmless first when that is a screen.
///
/// # Errors
/// As [`put`].
pub fn say(line: &str) -> Result<(), Error> {
    let line = if io::stdout().is_terminal() { printable(line) } else { line.to_string() };
    put(format!("{line}\n").as_bytes())
}

/// Says a line about the conversation on stderr. Blocks while stderr is a full pipe, unmarked,
/// because a mark is such a line itself. A stderr that is closed is no failure.
pub fn note(line: impl std::fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Shows how far a long work is, if stderr is a terminal: each text takes the place of the
/// one before, and the empty one clears the line for what comes then.
pub fn progress(text: impl std::fmt::Display) {
    if io::stderr().is_terminal() {
        let _ = io::stderr().write_all(format!("\r\x1b[K{text}").as_bytes());
    }
}

/// Waits for the line that the user types next, and returns it without its line ending.
/// `None`: the input has ended. The prompt `> ` is shown only to a person.
///
/// # Errors
/// As [`text_line`].
pub fn typed() -> Result<Option<String>, Error> {
    typed_line().attempt("cannot read stdin")
}

/// As [`typed`], for whom a line that is no text is no end.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for such a line, which has been read; the failure otherwise.
pub fn typed_line() -> io::Result<Option<String>> {
    let mut stdin = io::stdin().lock();
    if io::stdin().is_terminal() {
        let _ = io::stderr().write_all(b"> ");
    }
    read_text(&mut stdin)
}

/// Reads one line of a file or of what a person types, without its line ending (`\n` or
/// `\r\n`), which the last line may lack. `None`: the input has ended.
///
/// # Errors
/// `cannot read NAME: …`, also when it holds no UTF-8, or a line longer than [`MAX_LINE`].
pub fn text_line(input: &mut impl BufRead, name: &str) -> Result<Option<String>, Error> {
    read_text(input).attempt(format_args!("cannot read {name}"))
}

fn read_text(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let wrong = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    let mut line = Vec::new();
    let mut limited = input.by_ref().take(MAX_LINE as u64);
    let length = blocking("read", || limited.read_until(b'\n', &mut line))?;
    if length == MAX_LINE && !line.ends_with(b"\n") {
        // All of it is this line: none of it may be taken for the next one.
        blocking("read", || input.skip_until(b'\n'))?;
        return wrong("line too long");
    }
    let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(&line);
    match String::from_utf8(text.to_vec()) {
        Ok(text) => Ok((length > 0).then_some(text)),
        Err(_) => wrong("line is not UTF-8"),
    }
}

/// A text without its control characters (C0, DEL and C1, Unicode's `Cc`): a peer's text
/// may not move the cursor, change colours or forge a line on our screen.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_reaches_a_screen() {
        assert_eq!(printable("a\u{1b}[31mred\u{9b}2J\r\n\u{7f}é"), "a[31mred2Jé");
    }

    #[test]
    fn a_text_line_has_no_ending_and_a_limit() {
        let read = |mut text: &[u8]| {
            let mut next = || text_line(&mut text, "F").map_err(|e| e.to_string());
            (next(), next())
        };
        let line = |text: &str| Ok(Some(text.to_string()));
        assert_eq!(read(b"a\r\n\nb"), (line("a"), line("")));
        assert_eq!(read(b"last"), (line("last"), Ok(None)));
        let wrong = |cause: &str| Err(format!("cannot read F: {cause}"));
        assert_eq!(read(b"\xff\nb\r"), (wrong("line is not UTF-8"), line("b\r")));
        // What is too long may be cut within a character; the next line is a line of its own.
        let long = [&vec![b'x'; MAX_LINE - 1], "é and more\nb".as_bytes()].concat();
        assert_eq!(read(&long), (wrong("line too long"), line("b")));
    }
}
