//! What the command line asks of the client.

use common::{Args, Error};
use std::{num::NonZeroU32, path, time::Duration};

/// As good as forever. (An `Instant` cannot be any time ahead.)
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The client's options.
#[derive(PartialEq)]
pub struct Options {
    pub clients: Vec<usize>,
    pub rounds: u32,
    pub message_bytes: u64,
    pub timeout: Duration,
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
        let bytes = args.option("--message-bytes", "a number of bytes")?;
        let mut options = Options {
            message_bytes: bytes.unwrap_or(default.message_bytes),
            timeout: args.seconds("--timeout")?.map_or(default.timeout, |time| time.min(DAY)),
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
            let numbers = text.split(',').map(count).collect::<Option<_>>();
            options.clients =
                numbers.ok_or(wrong("--clients must be numbers like 10,20,50"))?;
        }
        let whole = |file: &Option<String>| path::absolute(file.as_ref()?).ok();
        if whole(&options.csv).is_some() && whole(&options.csv) == whole(&options.svg) {
            return Err(wrong("--csv and --svg must be two files"));
        }
        Ok(options)
    }
}
