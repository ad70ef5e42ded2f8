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

/// Says a line about the conversation on stderr. A stderr that is closed is no failure.
pub fn note(line: impl std::fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Waits for the line that the user types next, and returns it without its line ending.
/// `None`: the input has ended. The prompt `> ` is shown only to a person.
///
/// # Errors
/// When stdin cannot be read, holds no UTF-8, or a line longer than [`MAX_LINE`].
pub fn typed() -> Result<Option<String>, Error> {
    let mut stdin = io::stdin().lock();
    if io::stdin().is_terminal() {
        let _ = io::stderr().write_all(b"> ");
    }
    let mut line = String::new();
    let mut limited = stdin.by_ref().take(MAX_LINE as u64);
    let length =
        blocking("read", || limited.read_line(&mut line)).attempt("cannot read stdin")?;
    if length == MAX_LINE && !line.ends_with('\n') {
        return Err(Error::failed("cannot read stdin", "line too long"));
    }
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok((length > 0).then(|| text.to_string()))
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
}
