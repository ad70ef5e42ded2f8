//! book: plays the book's sessions, draws its figures, and finds what is not true in it.
//!
//! ```text
//! $ book check
//! $ book tour
//! $ book session 2.2
//! ```
//!
//! It always runs the programs as the source now stands: it has cargo build them first.

use book::{
    Untrue,
    drawing::{figures, page},
    playing::{all, player::Played, tour::tour},
    reading::{
        markdown::Book,
        session::{Session, sessions},
    },
    truth::{
        self, coverage,
        shares::{self, Words},
    },
};
use checks::workspace;
use common::{Args, Context, Error, Program, put, say};
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "book",
    usage: "book check [--book FILE]\n\
            book tour [SECTION] [--book FILE]\n\
            book session SECTION [--book FILE]\n\
            book sessions [--book FILE]\n\
            book figures\n\
            book words [--book FILE]\n\
            book page FOLDER [--book FILE]",
    example: "book session 2.2",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let book = args.option("--book", "a file")?;
        let book = book.unwrap_or_else(|| workspace::root().join("BOOK.md"));
        match args.word("COMMAND")?.as_str() {
            "check" => args.finish().and_then(|()| check(&book)),
            "tour" => show(&book, args.word("SECTION").ok().as_deref(), false),
            "session" => show(&book, Some(&args.word("SECTION")?), true),
            "sessions" => args.finish().and_then(|()| play(&book)),
            "words" => args.finish().and_then(|()| words(&book)),
            "figures" => args.finish().and_then(|()| draw()),
            "page" => {
                let folder = PathBuf::from(args.word("FOLDER")?);
                say(&page::page(&book, workspace::root(), &folder)?.display().to_string())
            }
            other => Err(Error::Usage(format!("{other:?} is no command"))),
        }
    })
}

fn read(file: &Path) -> Result<Book, Error> {
    let text = fs::read_to_string(file);
    Ok(Book::parse(&text.context(format_args!("cannot read {}", file.display()))?))
}

/// Says every line of the book that is not true, and how each section's sessions went.
fn check(file: &Path) -> Result<(), Error> {
    let book = read(file)?;
    let mut untrue = truth::still(&book, workspace::root());
    for lie in &untrue {
        say(&lie.of(file))?;
    }
    let sessions = sessions(&book).unwrap_or_default(); // what is wrong with them is said
    untrue.extend(play_all(file, &sessions)?);
    let (listings, tables) = (book.fences.iter(), book.tables.iter());
    let listings = listings.filter(|fence| fence.info == "rust").count();
    let tables = tables.filter(|table| table.mark.is_some()).count();
    let (links, sessions) = (book.links.len(), sessions.len());
    say(&format!(
        "BOOK.md: {sessions} sessions, {listings} listings, {tables} tables of calls, {links} links"
    ))?;
    all_true(untrue.len())
}

fn all_true(untrue: usize) -> Result<(), Error> {
    match untrue {
        0 => Ok(()),
        1 => Err(Error::Failed("one line is not true".to_string(), None)),
        count => Err(Error::Failed(format!("{count} lines are not true"), None)),
    }
}

/// Says what each part of the book consists of, and how much of the programs it shows.
fn words(file: &Path) -> Result<(), Error> {
    let text =
        fs::read_to_string(file).context(format_args!("cannot read {}", file.display()))?;
    say("part   prose  listings  sessions  tables  words a sentence")?;
    let line = |name: &str, words: &Words| {
        let Words { prose, listings, sessions, tables, .. } = words;
        let mean = words.mean_sentence();
        say(&format!("{name:5} {prose:6} {listings:9} {sessions:9} {tables:7} {mean:17.1}"))
    };
    let mut all = Words::default();
    for (name, words) in shares::words(&text) {
        line(&name, &words)?;
        all = all.plus(&words);
    }
    line("all", &all)?;
    let shares = coverage::shares(&Book::parse(&text), workspace::root());
    for share in shares.context("cannot read the source")? {
        say(&share.to_string())?;
    }
    Ok(())
}

/// Plays the sessions of any file, and says how those of each section went.
fn play(file: &Path) -> Result<(), Error> {
    let sessions = sessions(&read(file)?).map_err(|untrue| grammar(file, &untrue))?;
    all_true(play_all(file, &sessions)?.len())
}

/// Plays sessions, says how those of each section went, and returns what is not true.
fn play_all(file: &Path, sessions: &[Session]) -> Result<Vec<Untrue>, Error> {
    let (mut untrue, mut sections) = (vec![], Vec::<(&str, Vec<String>)>::new());
    for (session, result) in
        sessions.iter().zip(all::play_all(sessions, &workspace::build()?.folders()))
    {
        let words = match result {
            Ok(Played::True) => "true".to_string(),
            Ok(Played::Missing(tool)) => format!("skipped (no {tool} here)"),
            Err(lie) => {
                say(&lie.of(file))?;
                untrue.push(lie);
                "not true".to_string()
            }
        };
        match sections.last_mut().filter(|(section, _)| *section == session.section) {
            Some((_, all)) => all.push(words),
            None => sections.push((&session.section, vec![words])),
        }
    }
    for (section, words) in sections {
        say(&format!("{section}: {}", words.join(", ")))?;
    }
    Ok(untrue)
}

fn grammar(file: &Path, untrue: &[Untrue]) -> Error {
    let lines: Vec<_> = untrue.iter().map(|lie| lie.of(file)).collect();
    Error::Failed(lines.join("\n"), None)
}

/// Plays the sessions of a section or chapter, or all, for people to see.
fn show(file: &Path, section: Option<&str>, asks: bool) -> Result<(), Error> {
    let all = sessions(&read(file)?).map_err(|untrue| grammar(file, &untrue))?;
    let wanted = |session: &&Session| section.is_none_or(|section| session.is_in(section));
    let wanted: Vec<_> = all.iter().filter(wanted).collect();
    if wanted.is_empty() {
        let numbers: Vec<_> = all.iter().map(|session| session.number.as_str()).collect();
        let missing = format!("no session {}", section.unwrap_or("there"));
        return Err(Error::failed(missing, format!("there are {}", numbers.join(" "))));
    }
    tour(&wanted, &workspace::build()?.folders(), asks)
}

/// Draws the figures whose source has changed, and says which.
fn draw() -> Result<(), Error> {
    let root = workspace::root();
    for drawn in figures::draw_all(root)? {
        if !drawn.is_up_to_date(root) {
            drawn.write(root)?;
            put(format!("{}\n", drawn.file.display()).as_bytes())?;
        }
    }
    Ok(())
}
