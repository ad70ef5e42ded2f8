//! The book's machine: reads `BOOK.md`, plays its sessions, draws its figures, and finds every
//! line of it that is not true.
//!
//! [`reading`] takes the book and the source apart, [`truth`] holds the one against the other,
//! [`playing`] runs the sessions with the real programs, [`drawing`] makes the figures and the page.
//! What is not true is an [`Untrue`], which names the line. The program `book` is `main.rs`.
//!
//! A new kind of claim goes into a file of `truth`, and is called in `truth::still`; a new mark
//! into `reading::markdown`; a new line of a transcript into `reading::session` and
//! `playing::player`, with an arm in `playing::tour` and in `drawing::page`.

pub mod drawing;
pub mod playing;
pub mod reading;
pub mod truth;

use std::{fmt, path::Path};

/// Something that the book says and that is not true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untrue {
    /// The line of the book, from 1.
    pub line: usize,
    /// What is not true, in one line.
    pub what: String,
}

impl Untrue {
    /// The claim in `line` and why it does not hold.
    pub fn new(line: usize, what: impl Into<String>) -> Untrue {
        Untrue { line, what: what.into() }
    }

    /// The same, after the name of the book that it is in.
    pub fn of(&self, book: &Path) -> String {
        let name = book.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}:{}: {}", self.line, self.what)
    }
}

impl fmt::Display for Untrue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The text in lines of at most `width` letters, where its words allow it.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_between_words() {
        assert_eq!(wrapped("a bb  ccc\ndddddd e", 5), ["a bb", "ccc", "dddddd", "e"]);
        assert!(wrapped(" ", 5).is_empty());
    }
}
