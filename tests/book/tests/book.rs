//! The book is true, and it cannot lie: whatever is changed in it is named by its line.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // what fails here fails a test

use book::{
    Untrue,
    playing::{all::play_all, player::Played},
    reading::{
        markdown::Book,
        session::{Act, Session, Step, sessions},
    },
    truth::{self, coverage},
};
use checks::workspace;
use stage::kernel;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

fn text() -> String {
    fs::read_to_string(workspace::root().join("BOOK.md")).unwrap()
}

fn programs() -> &'static [PathBuf] {
    static PROGRAMS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    PROGRAMS.get_or_init(|| workspace::build().unwrap().folders())
}

fn still_lies(text: &str) -> Vec<Untrue> {
    truth::still(&Book::parse(text), workspace::root())
}

fn played_lies(sessions: &[Session]) -> Vec<Untrue> {
    let mut lies = Vec::new();
    for (session, played) in sessions.iter().zip(play_all(sessions, programs())) {
        match played {
            Ok(Played::True) => {}
            Ok(Played::Missing(tool)) => println!("{}: no {tool} here", session.section),
            Err(lie) => lies.push(lie),
        }
    }
    lies
}

/// The text with these lines changed.
fn with(text: &str, lines: &[usize], change: impl Fn(&str) -> String) -> String {
    let all = (1..).zip(text.lines());
    let changed = |(n, old): (usize, &str)| {
        if lines.contains(&n) { change(old) } else { old.to_string() }
    };
    all.map(|line| changed(line) + "\n").collect()
}

/// Changed lines must all be named, and no other. There must be lines to change.
fn each_is_named(lines: &[usize], change: impl Fn(&str) -> String) {
    assert!(!lines.is_empty(), "the book has none");
    let before = still_lies(&text());
    assert!(before.is_empty(), "the book is not true to begin with: {}", self::lines(&before));
    let lies = still_lies(&with(&text(), lines, change));
    let (also, not): (Vec<_>, Vec<_>) = (
        lies.iter().filter(|lie| !lines.contains(&lie.line)).cloned().collect(),
        lines.iter().filter(|line| lies.iter().all(|lie| lie.line != **line)).collect(),
    );
    assert!(also.is_empty(), "named, and not changed: {}", self::lines(&also));
    assert!(not.is_empty(), "changed, and not named: {not:?}");
}

#[test]
fn what_the_book_says_is_true() {
    let lies = still_lies(&text());
    assert!(lies.is_empty(), "{}", lines(&lies));
    let lies = played_lies(&sessions(&Book::parse(&text())).unwrap());
    assert!(lies.is_empty(), "{}", lines(&lies));
}

fn lines(lies: &[Untrue]) -> String {
    lies.iter().map(|lie| format!("\n{}", lie.of(Path::new("BOOK.md")))).collect()
}

/// How much of each program is shown is part of what is true; this says it.
#[test]
fn the_programs_are_on_the_page() {
    let shares = coverage::shares(&Book::parse(&text()), workspace::root()).unwrap();
    assert_eq!(shares.len(), 9);
    shares.iter().for_each(|share| println!("{share}"));
}

#[test]
fn a_changed_line_of_a_listing_is_named() {
    let book = Book::parse(&text());
    let listings = book.fences.iter().filter(|fence| fence.info == "rust");
    let lines =
        listings.flat_map(|fence| fence.numbered().filter(|(_, l)| !l.is_empty()).last());
    each_is_named(&lines.map(|(line, _)| line).collect::<Vec<_>>(), |line| format!("{line};"));
}

#[test]
fn a_changed_row_of_a_table_is_named() {
    let book = Book::parse(&text());
    let tables = book.tables.iter().filter(|table| table.mark.is_some());
    let rows = tables.flat_map(|table| table.rows.iter().skip(1)).map(|(line, _)| *line);
    each_is_named(&rows.collect::<Vec<_>>(), |row| row.replacen("| ", "| x", 1));
}

#[test]
fn a_changed_anchor_is_named() {
    let text = text() + "[there](#22-watch-it-block)\n";
    let last = text.lines().count();
    assert_eq!(still_lies(&text), []);
    let named = still_lies(&with(&text, &[last], |line| line.replace("#22", "#23")));
    assert!(named.len() == 1 && named[0].line == last, "{named:?}");
}

/// Every printed line of two sessions, one after another.
#[test]
fn a_changed_line_of_a_transcript_is_named() {
    let all = sessions(&Book::parse(&text())).unwrap();
    let mut changed = Vec::new();
    for session in all.iter().filter(|session| session.is_in("2.2") || session.is_in("3.2")) {
        let steps = session.scenes.iter().flat_map(|scene| &scene.steps);
        for step in steps.filter(|step| matches!(step.act, Act::Print(_))) {
            changed.push((step.line, with_lie(session, step)));
        }
    }
    assert!(changed.len() > 20);
    let (expected, sessions): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let named = played_lies(&sessions);
    assert_eq!(named.iter().map(|lie| lie.line).collect::<Vec<_>>(), expected);
}

/// A time of seconds is none of microseconds, nor the other way round.
#[test]
fn a_changed_size_of_a_time_is_named() {
    let all = sessions(&Book::parse(&text())).unwrap();
    let prints = |session: &Session, size: &str| {
        let mut steps = session.scenes.iter().flat_map(|scene| &scene.steps);
        steps.any(|step| matches!(&step.act, Act::Print(text) if text.contains(size)))
    };
    let sizes = |session: &&Session| prints(session, "[s]") && prints(session, "[µs]");
    let quickest = all.iter().filter(sizes).min_by_key(|session| session.silence());
    let session = quickest.expect("a session with both");
    let changed = [("[s]", "[µs]"), ("[µs]", "[s]")].map(|(size, other)| {
        let mut steps = session.scenes.iter().flat_map(|scene| &scene.steps);
        let changed = steps.find_map(|step| match &step.act {
            Act::Print(text) if text.contains(size) => Some((step, text.replace(size, other))),
            _ => None,
        });
        let (step, lie) = changed.unwrap();
        (step.line, with_print(session, step, &lie))
    });
    let (expected, sessions): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    let named = played_lies(&sessions);
    assert_eq!(named.iter().map(|lie| lie.line).collect::<Vec<_>>(), expected, "{named:?}");
}

fn with_lie(session: &Session, truth: &Step) -> Session {
    with_print(session, truth, "something else")
}

/// The session with another pattern in the place of this step's.
fn with_print(session: &Session, truth: &Step, pattern: &str) -> Session {
    let mut session = session.clone();
    let steps = session.scenes.iter_mut().flat_map(|scene| &mut scene.steps);
    for step in steps.filter(|step| step.line == truth.line) {
        step.act = Act::Print(pattern.to_string());
    }
    session
}

#[test]
fn a_changed_figure_is_named() {
    let folder = std::env::temp_dir().join(format!("book-figures-{}", std::process::id()));
    let book = Book::parse(&text());
    let images: Vec<_> = book.links.iter().filter(|link| link.image).collect();
    assert!(!images.is_empty());
    for image in &images {
        copy_with_source(&image.target, &folder);
    }
    let changed = images[0];
    let svg = fs::read_to_string(folder.join(&changed.target)).unwrap();
    fs::write(folder.join(&changed.target), svg.replacen("width", "width ", 1)).unwrap();
    let lies = book::truth::links::check(&book, &folder);
    let figures: Vec<_> = lies.iter().filter(|lie| lie.what.contains("source draws")).collect();
    assert!(figures.len() == 1 && figures[0].line == changed.line, "{lies:?}");
    fs::remove_dir_all(folder).unwrap();
}

/// A tour that is ended in the middle leaves no program behind.
#[test]
fn an_interrupted_tour_takes_its_programs_along() {
    let mut tour = Command::new(env!("CARGO_BIN_EXE_book"))
        .args(["session", "2.2"])
        .env("FAST", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(tour.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("listening on")));
    let mark = format!("PLAIN_SOCKETS_RUN={}-", tour.id());
    assert!(is_carried(&mark));
    tour.kill().unwrap();
    tour.wait().unwrap();
    assert!(kernel::look_until(Duration::from_secs(20), || !is_carried(&mark)));
}

/// True if a process has this in its environment.
fn is_carried(mark: &str) -> bool {
    let has =
        |environ: Vec<u8>| environ.windows(mark.len()).any(|part| part == mark.as_bytes());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|process| fs::read(process.path().join("environ")).ok()).any(has)
}

/// The page has the anchors that the links use: GitHub's rule and rustdoc's agree.
#[test]
fn the_page_has_every_anchor_and_figure() {
    let folder = std::env::temp_dir().join(format!("book-page-{}", std::process::id()));
    let book = workspace::root().join("BOOK.md");
    let page = book::drawing::page::page(&book, workspace::root(), &folder).unwrap();
    let (html, book) = (fs::read_to_string(page).unwrap(), Book::parse(&text()));
    for heading in book.headings.iter().skip(1) {
        assert!(html.contains(&format!("id=\"{}\"", heading.anchor())), "{}", heading.text);
    }
    for image in book.links.iter().filter(|link| link.image) {
        assert!(folder.join(&image.target).is_file(), "{}", image.target);
    }
    fs::remove_dir_all(folder).unwrap();
}

/// A drawing with its source, a graph with the numbers that it shows.
fn copy_with_source(svg: &str, folder: &Path) {
    let files =
        ["svg", "lanes", "picture", "csv"].map(|ending| Path::new(svg).with_extension(ending));
    for file in files.iter().filter(|file| workspace::root().join(file).exists()) {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(workspace::root().join(file), to).unwrap();
    }
}
