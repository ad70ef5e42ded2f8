//! One-line errors: `program: context: cause`.

use std::{error, fmt, io};

/// Why a program ends before its work is done.
#[derive(Debug)]
pub enum Error {
    /// The command line is wrong, and how. One line, the usage below it, and exit status 2.
    Usage(String),
    /// Something failed at run time: what we were trying to do, and std's error behind it, without
    /// which the text says everything. One line, `context: cause`, and exit status 1.
    Failed(String, Option<io::Error>),
    /// Stdout cannot be written any more, so the program cannot do its work, whichever thread
    /// found that out. A reader that has gone (`| head -1`) is a quiet end with status 0; a
    /// full disk, say, is a failure.
    Stdout(io::Error),
}

impl Error {
    /// A failure from what we were trying to do and why that did not work.
    pub fn failed(context: impl fmt::Display, cause: impl fmt::Display) -> Error {
        Error::Failed(format!("{context}: {cause}"), None)
    }

    /// The kind of std's error behind a failure, if there was one.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        if let Error::Failed(_, Some(e)) = self { Some(e.kind()) } else { None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(text) | Error::Failed(text, None) => f.write_str(text),
            Error::Failed(context, Some(e)) => write!(f, "{context}: {}", cause(e)),
            Error::Stdout(e) => write!(f, "cannot write to stdout: {}", cause(e)),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Failed(_, Some(e)) | Error::Stdout(e) => Some(e),
            _ => None,
        }
    }
}

/// Adds to an I/O error what we were trying to do.
pub trait Context<T> {
    /// Turns `Connection refused` into `cannot connect to localhost:1: Connection refused`.
    fn context(self, what: impl fmt::Display) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl fmt::Display) -> Result<T, Error> {
        self.map_err(|e| Error::Failed(what.to_string(), Some(e)))
    }
}

/// The cause in words, without std's ` (os error 111)`.
pub fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_string())
}

/// The error for bytes that do not follow the protocol: `line too long`, `line is not UTF-8`.
pub fn invalid_data(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn a_cause_is_words_alone() {
        let refused = io::Error::from_raw_os_error(111);
        assert!(!cause(&refused).contains("os error"), "{}", cause(&refused));
        assert_eq!(cause(&invalid_data("line too long")), "line too long");
    }

    #[test]
    fn an_error_prints_in_one_line_and_keeps_what_std_said() {
        let refused: io::Result<()> = Err(io::Error::from_raw_os_error(111));
        let error = refused.context("cannot connect to localhost:1").unwrap_err();
        assert_eq!(error.to_string(), "cannot connect to localhost:1: Connection refused");
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        assert!(Error::failed("cannot read stdin", "no line there").source().is_none());
    }
}
