//! What the command line asks of the client.

use common::{Args, Error};
use std::{num::NonZeroU32, path, time::Duration};

/// The longest timeout.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The client's options.
#[derive(PartialEq)]
pub struct Options {
    pub clients: Vec<usize>,
    pub rounds: u32,
    pub message_bytes: u64,
    /// How long a session may take, from its first call to its last.
    pub timeout: Duration,
    /// Whether the server speaks first.
    pub intro: bool,
    pub csv: Option<String>,
    pub svg: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clients: vec![10, 20, 50, 100, 200, 500, 1000],
            rounds: 1,
            message_bytes: 64 * 1024,
            timeout: Duration::from_secs(10),
            intro: true,
            csv: None,
            svg: None,
        }
    }
}

impl Options {
    /// Takes the options off the command line.
    pub fn take(args: &mut Args) -> Result<Options, Error> {
        let wrong = |what: &str| Error::Usage(what.to_string());
        let default = Options::default();
        let mut options = Options {
            message_bytes: args
                .option("--message-bytes", "a number of bytes")?
                .unwrap_or(default.message_bytes),
            timeout: args.seconds("--timeout")?.unwrap_or(default.timeout),
            intro: !args.flag("--no-intro"),
            csv: args.option("--csv", "a file")?,
            svg: args.option("--svg", "a file")?,
            ..default
        };
        if let Some(rounds) = args.option("--rounds", "a number of at least 1")? {
            options.rounds = NonZeroU32::get(rounds);
        }
        if let Some(text) = args.option::<String>("--clients", "numbers like 10,20,50")? {
            let count = |word: &str| word.parse().ok().filter(|count| *count > 0);
            options.clients = text
                .split(',')
                .map(count)
                .collect::<Option<_>>()
                .ok_or(wrong("--clients must be numbers like 10,20,50"))?;
        }
        let [csv, svg] =
            [&options.csv, &options.svg].map(|file| path::absolute(file.as_ref()?).ok());
        match options {
            _ if options.timeout > DAY => Err(wrong("--timeout must be a day at most")),
            _ if csv.is_some() && csv == svg => Err(wrong("--csv and --svg must be two files")),
            _ => Ok(options),
        }
    }
}
