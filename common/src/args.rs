//! The command line: options first, in any order, then the words that are left. Whatever is wrong
//! with it is an [`Error::Usage`].

use crate::{Error, note, put};
use std::process::{self, ExitCode};
use std::{env, ffi::OsString, io::ErrorKind, str::FromStr, time::Duration};

/// What a program says about itself.
pub struct Program {
    /// Its name, as typed; every error line begins with it.
    pub name: &'static str,
    /// The command lines that it takes, one a line.
    pub usage: &'static str,
    /// One command that works as it is.
    pub example: &'static str,
}

impl Program {
    /// Runs `start` with the command line and turns what it returns into the exit status: 0, or
    /// 2 and the usage when the command line is wrong, or 1 and one line. `--help` and
    /// `--version` are answered here: `start` does not know them, so it calls a command line
    /// wrong that has them, unless they are the value of an option (`--name -h`).
    pub fn main(&self, start: impl FnOnce(Args) -> Result<(), Error>) -> ExitCode {
        let words: Vec<OsString> = env::args_os().skip(1).collect();
        let has = |long, short| words.iter().any(|word| word == long || word == short);
        let answer = match Args::new(&words).and_then(start) {
            Err(Error::Usage(_)) if has("--help", "-h") => {
                format!("{}\nexample: {}\n", self.usage(), self.example)
            }
            Err(Error::Usage(_)) if has("--version", "-V") => {
                format!("{} {}\n", self.name, env!("CARGO_PKG_VERSION"))
            }
            result => return self.status(result).into(),
        };
        self.status(put(answer.as_bytes())).into()
    }

    /// Ends the program from any of its threads, as [`Program::main`] ends it when `start`
    /// returns this error. It is meant for [`Error::Stdout`]: without stdout no client is served
    /// as promised, and the main thread waits in `accept` and cannot be told.
    pub fn exit(&self, error: Error) -> ! {
        process::exit(self.status(Err(error)).into())
    }

    fn status(&self, result: Result<(), Error>) -> u8 {
        match result {
            Ok(()) => 0,
            // A reader that has gone (`| head -1`) is a quiet end.
            Err(Error::Stdout(e)) if e.kind() == ErrorKind::BrokenPipe => 0,
            Err(Error::Usage(text)) => {
                note(format_args!("{}: {text}\n{}", self.name, self.usage()));
                2
            }
            Err(failed) => {
                note(format_args!("{}: {failed}", self.name));
                1
            }
        }
    }

    fn usage(&self) -> String {
        format!("usage: {}", self.usage.replace('\n', "\n       "))
    }
}

/// Which end of the conversation a program is: `server PORT [--bind ADDR]` or `HOST PORT`.
#[allow(missing_docs)] // the names say it
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    Server { bind: String, port: u16 },
    Client { host: String, port: u16 },
}

/// A time on the command line: seconds as a plain decimal number, `1` or `0.25`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Seconds, ()> {
        // f64 alone would take `inf` and `1e9` too.
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds = text.parse().ok().filter(|_| plain).ok_or(())?;
        Duration::try_from_secs_f64(seconds).map(Seconds).map_err(|_| ())
    }
}

/// The words of a command line that have not been taken yet.
#[derive(Debug)]
pub struct Args {
    words: Vec<String>,
}

impl Args {
    fn new(words: &[OsString]) -> Result<Args, Error> {
        let utf8 = |word: &OsString| match word.to_str() {
            Some(word) => Ok(word.to_string()),
            None => wrong(format!("{word:?} is not UTF-8")),
        };
        Ok(Args { words: words.iter().map(utf8).collect::<Result<_, _>>()? })
    }

    /// Takes the option `name` and the value that follows it: `--bind ADDR` or `--bind=ADDR`.
    /// `what` says what the value should be, for the user whose value is not a `T`.
    pub fn option<T: FromStr>(&mut self, name: &str, what: &str) -> Result<Option<T>, Error> {
        let is_it = |word: &String| {
            word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        };
        let Some(at) = self.words.iter().position(is_it) else { return Ok(None) };
        let word = self.words.remove(at);
        let value = match word.split_once('=') {
            Some((_, value)) => value.to_string(),
            None if at < self.words.len() => self.words.remove(at),
            None => return wrong(format!("{name} needs {what}")),
        };
        if self.words.iter().any(is_it) {
            return wrong(format!("{name} is given twice"));
        }
        let wrong = |_| Error::Usage(format!("{name} must be {what}, not {value:?}"));
        value.parse().map(Some).map_err(wrong)
    }

    /// Takes an option that must be there.
    pub fn required<T: FromStr>(&mut self, name: &str, what: &str) -> Result<T, Error> {
        self.option(name, what)?.map_or_else(|| wrong(format!("{name} is missing")), Ok)
    }

    /// Takes the option `name`, a time of more than 0 seconds.
    pub fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Error> {
        match self.option(name, "a number of seconds")? {
            Some(Seconds(Duration::ZERO)) => {
                wrong(format!("{name} must be more than 0 seconds"))
            }
            time => Ok(time.map(|Seconds(time)| time)),
        }
    }

    /// Takes the option `--bind`: the address that a server listens on, or else `default`.
    pub fn bind(&mut self, default: &str) -> Result<String, Error> {
        let given: Option<String> = self.option("--bind", "an address")?;
        Ok(given.map_or_else(|| default.to_string(), without_brackets))
    }

    /// Takes the option `name`, which has no value. True if it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Takes the next word if it is `word`, a command such as `tunnel`. True if it was there.
    pub fn command(&mut self, word: &str) -> bool {
        let there = self.words.first().is_some_and(|first| first == word);
        self.words.drain(..usize::from(there));
        there
    }

    /// Takes the next word. Options must have been taken before. An IPv6 address may be in
    /// brackets, `[::1]`, as it is where a port follows it.
    pub fn word(&mut self, name: &str) -> Result<String, Error> {
        self.no_unknown_option()?;
        if self.words.is_empty() {
            return wrong(format!("{name} is missing"));
        }
        Ok(without_brackets(self.words.remove(0)))
    }

    /// Takes the next word as a port, 0 to 65535.
    pub fn port(&mut self, name: &str) -> Result<u16, Error> {
        let word = self.word(name)?;
        match word.parse() {
            Ok(port) if !word.starts_with('+') => Ok(port), // std takes `+1` for a number
            _ => wrong(format!("{name} must be a number from 0 to 65535, not {word:?}")),
        }
    }

    /// Takes all that is left as `HOST PORT`, where to connect to.
    pub fn target(mut self) -> Result<(String, u16), Error> {
        let target = (self.word("HOST")?, self.port("PORT")?);
        self.finish().map(|()| target)
    }

    /// Takes all that is left as one of the two roles; `bind` is the address that a server
    /// listens on when the command line has no `--bind`.
    pub fn role(mut self, bind: &str) -> Result<Role, Error> {
        let before = self.words.len();
        let bind = self.bind(bind)?;
        let is_bound = self.words.len() < before;
        match self.target()? {
            (host, port) if host == "server" => Ok(Role::Server { bind, port }),
            _ if is_bound => wrong("--bind is for the server"),
            (host, port) => Ok(Role::Client { host, port }),
        }
    }

    /// Ends the reading: nothing may be left over.
    pub fn finish(self) -> Result<(), Error> {
        self.no_unknown_option()?;
        match self.words.first() {
            Some(word) => wrong(format!("{word:?} is one word too many")),
            None => Ok(()),
        }
    }

    fn no_unknown_option(&self) -> Result<(), Error> {
        let is_digit = |c: char| c.is_ascii_digit(); // a negative number is no option
        let is_option = |word: &&String| {
            word.strip_prefix('-').is_some_and(|rest| !rest.starts_with(is_digit))
        };
        match self.words.iter().find(is_option) {
            Some(word) => wrong(format!("{word} is no option here")),
            None => Ok(()),
        }
    }
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Error> {
    Err(Error::Usage(what.into()))
}

/// An IPv6 address without the brackets in which it is written where a port follows it.
pub fn without_brackets(word: String) -> String {
    let inside = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.filter(|inside| inside.contains(':')).map(String::from).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args { words: line.split_whitespace().map(String::from).collect() }
    }

    fn why<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn options_stand_anywhere_and_words_keep_their_order() {
        let mut line = args("server --bind ::1 7000 --quiet");
        assert_eq!(line.option::<String>("--bind", "an address").unwrap().unwrap(), "::1");
        assert!(line.flag("--quiet") && !line.flag("--quiet"));
        assert_eq!(
            (line.word("HOST").unwrap(), line.port("PORT").unwrap()),
            ("server".into(), 7000)
        );
        line.finish().unwrap();
        assert_eq!(args("--count=3").option::<u8>("--count", "").unwrap(), Some(3));
    }

    #[test]
    fn the_host_named_server_means_be_the_server() {
        let server = Role::Server { bind: "0.0.0.0".into(), port: 7 };
        assert_eq!(args("server 7").role("0.0.0.0").unwrap(), server);
        assert_eq!(args("server 7 --bind 0.0.0.0").role("::1").unwrap(), server);
        let client = Role::Client { host: "localhost".into(), port: 7 };
        assert_eq!(args("localhost 7").role("0.0.0.0").unwrap(), client);
        assert_eq!(why(args("h 7 --bind ::1").role("")), "--bind is for the server");
    }

    #[test]
    fn an_ipv6_address_may_be_in_brackets() {
        assert_eq!(args("[::1] 80").target().unwrap(), ("::1".to_string(), 80));
        assert_eq!(args("--bind [::1]").bind("127.0.0.1").unwrap(), "::1");
        assert_eq!(args("[x] 80").target().unwrap(), ("[x]".to_string(), 80));
    }

    #[test]
    fn a_command_is_the_first_word() {
        let mut line = args("tunnel 7000 tunnel 80");
        assert!(!line.command("server") && line.command("tunnel") && !line.command("tunnel"));
        assert_eq!(line.port("PORT").unwrap(), 7000);
    }

    #[test]
    fn seconds_are_plain_decimal_numbers() {
        let of = |text: &str| text.parse::<Seconds>().ok().map(|seconds| seconds.0.as_millis());
        assert_eq!([of("0"), of("2"), of("0.25")], [Some(0), Some(2000), Some(250)]);
        let huge = "9".repeat(40);
        for wrong in ["", ".", "-1", "+1", "1e3", "inf", "nan", "1s", "1.2.3", &huge] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        assert_eq!(why(args("").word("HOST")), "HOST is missing");
        assert_eq!(
            why(args("70000").port("PORT")),
            "PORT must be a number from 0 to 65535, not \"70000\""
        );
        assert_eq!(
            why(args("--bind").option::<String>("--bind", "an address")),
            "--bind needs an address"
        );
        assert_eq!(why(args("--a 1 --a 2").option::<u8>("--a", "")), "--a is given twice");
        assert_eq!(why(args("--what 1").word("HOST")), "--what is no option here");
        assert_eq!(why(args("-v 1").word("HOST")), "-v is no option here");
        assert_eq!(
            why(args("-1").port("PORT")),
            "PORT must be a number from 0 to 65535, not \"-1\""
        );
        assert_eq!(
            why(args("+1").port("PORT")),
            "PORT must be a number from 0 to 65535, not \"+1\""
        );
        assert_eq!(why(args("x").finish()), "\"x\" is one word too many");
        assert_eq!(why(args("").required::<u8>("--limit", "a number")), "--limit is missing");
        assert_eq!(
            why(args("--idle 0").seconds("--idle")),
            "--idle must be more than 0 seconds"
        );
    }
}
