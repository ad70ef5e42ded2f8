//! book: plays the book's sessions, and finds what is not true in it.
//!
//! ```text
//! $ book tour
//! $ book session 2.2
//! ```

use common::{Args, Attempt, Error, Program};
use std::{fs, path::PathBuf, process::ExitCode};
use tests::{
    book::{
        markdown::Book,
        session::{Session, sessions},
        tour::tour,
    },
    workspace,
};

const PROGRAM: Program = Program {
    name: "book",
    usage: "book tour [SECTION] [--book FILE]\n\
            book session SECTION [--book FILE]",
    example: "book session 2.2",
};

fn main() -> ExitCode {
    PROGRAM.main(run)
}

fn run(mut args: Args) -> Result<(), Error> {
    let file = args.option::<PathBuf>("--book", "a file")?;
    let file = file.unwrap_or_else(|| workspace::root().join("BOOK.md"));
    match args.word("COMMAND")?.as_str() {
        "tour" => show(&file, args.word("SECTION").ok()),
        "session" => show(&file, Some(args.word("SECTION")?)),
        other => Err(Error::Usage(format!("{other:?} is no command"))),
    }
}

/// Plays the sessions of a section or chapter, or all, for people to see.
fn show(file: &PathBuf, section: Option<String>) -> Result<(), Error> {
    let text =
        fs::read_to_string(file).attempt(format_args!("cannot read {}", file.display()))?;
    let sessions = sessions(&Book::parse(&text)).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Error::Failed(lines.join("\n"))
    })?;
    let wanted = |session: &&Session| section.as_deref().is_none_or(|s| session.is_in(s));
    let wanted: Vec<_> = sessions.iter().filter(wanted).collect();
    if wanted.is_empty() {
        return Err(Error::failed("no session there", section.unwrap_or_default()));
    }
    tour(&wanted, &workspace::build()?.folders())
}
