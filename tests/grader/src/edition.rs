//! The student edition: the workspace with each chapter's starter in the place of its program,
//! and without what answers a question: the exercises' programs and their tests, the wrong
//! programs with ours around them, the right ones in other languages. The checks are all there.

use crate::{files::mirror, workshop::lay_out_starter};
use checks::{
    check::{self, CHAPTERS},
    files::remove,
    workspace,
};
use common::{Context, Error};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// What is copied as it is, where it exists.
const COPIED: &[&str] = &[
    ".gitignore",
    "BOOK.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "clippy.toml",
    "common",
    "rustfmt.toml",
    "tests/book/Cargo.toml",
    "tests/book/src",
    "tests/checks/Cargo.toml",
    "tests/checks/src",
    "tests/grader/Cargo.toml",
    "tests/grader/schools",
    "tests/grader/src",
    "tests/stage",
];

/// What is copied of a chapter.
const OF_CHAPTER: &[&str] =
    &["Cargo.toml", "README.md", "examples", "figures", "starter.rs", "tests/checks.rs"];

/// Writes the student edition into `folder`, which must not be there yet, or be empty.
pub fn write(folder: &Path) -> Result<(), Error> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::Usage(format!("{} is not empty", folder.display())));
    }
    copy(folder).context(format_args!("cannot write {}", folder.display()))
}

/// The book with nothing in its appendix of answers. The appendix after it is about Rust and our
/// helpers, so it stays.
fn without_answers(book: &str) -> Option<String> {
    let (before, answers) = book.split_once("\n# D Answers to the exercises\n")?;
    let after = answers.find("\n# ").map_or("", |at| &answers[at..]);
    Some(format!(
        "{before}\n# D Answers to the exercises\n\nThis edition leaves them out.\n{after}"
    ))
}

fn copy(folder: &Path) -> io::Result<()> {
    copy_parts(workspace::root(), folder, COPIED)?;
    let book = folder.join("BOOK.md");
    let without = without_answers(&fs::read_to_string(&book)?);
    fs::write(&book, without.ok_or_else(|| io::Error::other("BOOK.md has no appendix D"))?)?;
    // The tests of the grader itself need what is left out; a chapter's checks do not.
    for manifest in ["tests/checks/Cargo.toml", "tests/grader/Cargo.toml"] {
        let manifest = folder.join(manifest);
        let text = fs::read_to_string(&manifest)?;
        let is_test =
            |section: &str| ["[[test", "[[bench"].iter().any(|s| section.starts_with(s));
        fs::write(&manifest, workspace::without(&text, is_test))?;
    }
    // There GitHub looks for it.
    let workflows = folder.join(".github/workflows");
    fs::create_dir_all(&workflows)?;
    fs::copy(
        folder.join("tests/grader/schools/classroom.yml"),
        workflows.join("classroom.yml"),
    )?;
    for chapter in CHAPTERS {
        let name = Path::new("chapters").join(chapter.folder());
        let (ours, theirs) = (workspace::root().join(&name), folder.join(&name));
        copy_parts(&ours, &theirs, OF_CHAPTER)?;
        lay_out_starter(chapter, &theirs.join("src"))?;
        answers(&theirs).try_for_each(|answer| remove(&answer))?;
        let manifest = theirs.join("Cargo.toml");
        fs::write(&manifest, without_targets(&fs::read_to_string(&manifest)?))?;
    }
    Ok(())
}

/// A chapter's manifest without what it says of an example that is an answer, and of the test of
/// these. Its sections are told apart by the blank lines between them.
fn without_targets(manifest: &str) -> String {
    let is_answer = |section: &&str| {
        answer_names()
            .iter()
            .chain(&["examples"])
            .any(|n| section.contains(&format!("\"{n}\"")))
    };
    manifest
        .split("\n\n")
        .filter(|section| !is_answer(section))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn copy_parts(from: &Path, to: &Path, parts: &[&str]) -> io::Result<()> {
    for part in parts.iter().filter(|part| from.join(part).exists()) {
        let place = to.join(part);
        fs::create_dir_all(place.parent().unwrap_or(to))?;
        mirror(&from.join(part), &place)?;
    }
    Ok(())
}

/// The files in a chapter's folder that answer an exercise.
pub fn answers(chapter: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let examples = chapter.join("examples");
    answer_names().into_iter().map(move |name| examples.join(format!("{name}.rs")))
}

fn answer_names() -> BTreeSet<&'static str> {
    let commands = check::all().filter_map(|check| check.answer());
    commands.filter_map(|words| words.split(' ').next()).collect()
}
