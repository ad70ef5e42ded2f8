//! What a program says and hears: the conversation on stdout, everything about it on stderr,
//! what its user types on stdin.

use crate::{Context, Error, blocking, blocking::lock, lines};
use std::io::{self, IsTerminal, Write};
use std::{fmt, sync::Mutex};

/// Writes bytes to stdout and flushes them, so that a pipe sees them at once. Blocks while stdout
/// is a full pipe, until its reader reads, and while another thread is blocked here. It fails with
/// [`Error::Stdout`], which ends the program: see [`Program::exit`](crate::Program::exit).
pub fn put(bytes: &[u8]) -> Result<(), Error> {
    static LOCK: Mutex<()> = Mutex::new(());
    // std's own lock on stdout cannot be tried, and only a wait is to be marked.
    let _ours = lock(&LOCK);
    let mut stdout = io::stdout().lock();
    blocking("write", || stdout.write_all(bytes).and_then(|()| stdout.flush()))
        .map_err(Error::Stdout)
}

/// Says one line of the conversation on stdout, made harmless first when that is a screen.
pub fn say(line: &str) -> Result<(), Error> {
    let line = if io::stdout().is_terminal() { printable(line) } else { line.to_string() };
    put(format!("{line}\n").as_bytes())
}

/// Says a line about the conversation on stderr. Blocks while stderr is a full pipe. A stderr that
/// is closed is no failure.
pub fn note(line: impl fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes()); // not reported: it would be a line
}

/// Shows how far a long piece of work has got, if stderr is a terminal: each text takes the
/// place of the one before, and an empty one clears the line.
pub fn progress(text: impl fmt::Display) {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }
}

/// Shows `> ` on stderr, if stdin is a terminal: the program waits for its user.
pub fn prompt() {
    if io::stdin().is_terminal() {
        let _ = write!(io::stderr(), "> ");
    }
}

/// Shows the prompt, waits for the line that the user types next, and returns it without its
/// line ending. `None`: the input has ended. A line that is not text (`InvalidData`, by
/// [`Error::kind`]) is an error after which the next one can be read.
pub fn typed() -> Result<Option<String>, Error> {
    let mut stdin = io::stdin().lock();
    prompt();
    lines::text_line(&mut stdin).context("cannot read stdin")
}

/// A text without its control characters (C0, DEL and C1, Unicode's `Cc`): a peer's text may
/// not move the cursor, change colours or forge a line on our screen.
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
