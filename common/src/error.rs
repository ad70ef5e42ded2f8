//! One-line errors: `program: attempt: cause`.

use std::{fmt, io};

/// Why a program ends before its work is done.
#[derive(Debug)]
pub enum Error {
    /// The command line is wrong, and how. Exit status 2, the usage below it.
    Usage(String),
    /// Something failed at run time: `attempt: cause`. Exit status 1.
    Failed(String),
    /// Nobody reads our stdout any more (`| head -1`): a quiet end.
    StdoutClosed,
}

impl Error {
    /// A run-time failure from what was attempted and why it did not work.
    pub fn failed(attempt: impl fmt::Display, cause: impl fmt::Display) -> Error {
        Error::Failed(format!("{attempt}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) | Error::Failed(text) => f.write_str(text),
            Error::StdoutClosed => f.write_str("stdout was closed"),
        }
    }
}

impl std::error::Error for Error {}

/// Says what was attempted when an I/O call fails.
pub trait Attempt<T> {
    /// Turns `Connection refused` into `cannot connect to localhost:1: Connection refused`.
    ///
    /// # Errors
    /// The same failure, with the attempt in front of its cause.
    fn attempt(self, what: impl fmt::Display) -> Result<T, Error>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, what: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|error| Error::failed(what, cause(&error)))
    }
}

/// The cause in words, without std's ` (os error 111)`.
pub fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_words_alone() {
        let refused = io::Error::from_raw_os_error(111);
        assert!(!cause(&refused).contains("os error"), "{}", cause(&refused));
        assert_eq!(cause(&io::Error::other("line too long")), "line too long");
    }
}
