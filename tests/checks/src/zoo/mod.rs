//! The zoo: mutants of the reference chapters, each with one mistake that students make, and the
//! proof that each fails exactly the checks that it names, with the diagnosis it names.
//!
//! A check that no mutant fails proves nothing, and a diagnosis that no mutant is given may be
//! wrong: both are found by reading the headers. That the headers are true is tried, on every
//! mutant: with the checks it names (`make test`), or with all of its chapter (`make zoo`, which
//! is `ZOO=all`; and `make test` for those that somebody is working on).

mod build;
mod changed;
mod edits;
mod header;
mod student;

pub use build::{Built, build};
pub use header::{Mutant, Unreadable, read_all};
pub use student::{hand_in, lay_out};

use crate::{
    check::{CHAPTERS, Check},
    libtest_like::{self, Again, Case, Ending},
    report,
    runner::{self, Plan, Verdict},
    subjects, workspace,
};
use stage::failure::Diagnosis;
use std::{collections::BTreeSet, fmt::Write, process::ExitCode};

/// Where the mutants are, below the workspace.
const FOLDER: &str = "tests/checks/mutants";

/// How many of them are tried at the same time, and of a chapter that is tried whole how many
/// checks: nearly all of their time is spent waiting for what a wrong program does not do.
const SIDE_BY_SIDE: (usize, usize) = (32, 2);

/// The same where each is tried whole.
const SIDE_BY_SIDE_ALL: (usize, usize) = (6, 8);

/// The `main` of `tests/zoo.rs`.
pub fn main() -> ExitCode {
    let read = match read_all(&workspace::root().join(FOLDER)) {
        Ok(read) => read,
        Err(why) => return libtest_like::cannot_begin(why),
    };
    let (mut mutants, mut unreadable) = (Vec::new(), Vec::new());
    for file in read {
        match file {
            Ok(mutant) => mutants.push(mutant),
            Err(file) => unreadable.push(file),
        }
    }
    let built = &match build(&mutants) {
        Ok(built) => built,
        Err(why) => return libtest_like::cannot_begin(why),
    };
    let all = libtest_like::all_are_wanted();
    let (crowd, side_by_side) = if all { SIDE_BY_SIDE_ALL } else { SIDE_BY_SIDE };
    if all {
        println!("{}", table(&mutants));
    }
    let mut tests = vec![
        Case::new("every check and every diagnosis has a mutant", || {
            expect(uncovered(&mutants))
        }),
        Case::new("the mutants apply and build without a warning", || {
            expect(built.complaints())
        }),
    ];
    for Unreadable { file, why } in unreadable {
        tests.push(Case::new(file.to_string_lossy(), move || Ending::Failed(why.clone())));
    }
    let changed = if all { BTreeSet::new() } else { changed::names(&mutants) };
    for mutant in &mutants {
        let whole = all || changed.contains(&mutant.name);
        tests.push(Case::new(&mutant.name, move || tried(mutant, built, whole, side_by_side)));
    }
    if !changed.is_empty() {
        let names: Vec<_> = changed.into_iter().collect();
        println!("changed, so tried with all checks of their chapters: {}", names.join(", "));
    }
    // Some mistakes are mistakes only in time, and a busy machine has none to spare: then one is
    // not seen, which forgives a submission and never fails one. Alone it must be seen.
    libtest_like::main(tests, crowd, Again::Alone)
}

/// Nothing wrong, or what is.
fn expect(wrong: String) -> Ending {
    if wrong.is_empty() { Ending::Passed } else { Ending::Failed(wrong) }
}

/// The checks that should have a mutant: all but the exercises, which may.
fn checks() -> impl Iterator<Item = &'static Check> {
    let all = CHAPTERS.iter().flat_map(|chapter| chapter.checks).copied();
    all.filter(|check| check.answer().is_none())
}

/// The checks that no mutant and no wrong program fails, and the diagnoses that none is given, a
/// line for each.
fn uncovered(mutants: &[Mutant]) -> String {
    let named: Vec<_> = mutants.iter().flat_map(|mutant| &mutant.fails).collect();
    let announced = subjects::announced();
    let announced: Vec<(&str, &str)> =
        announced.iter().filter_map(|fails| fails.split_once(' ')).collect();
    let fails = |check: &Check| {
        named.iter().any(|(named, _)| named.id == check.id)
            || announced.iter().any(|(id, _)| *id == check.id)
    };
    let given: BTreeSet<&str> = named
        .iter()
        .filter_map(|(_, means)| Some(means.as_ref()?.id))
        .chain(announced.iter().map(|(_, means)| *means))
        .collect();
    let mut text = String::new();
    for check in checks() {
        if !fails(check) {
            let _ = writeln!(text, "{}: no mutant fails it", check.id);
        }
        for diagnosis in check.mistakes.iter().filter(|d| !given.contains(d.id)) {
            let (id, at) = (diagnosis.id, check.id);
            let _ = writeln!(text, "{at}: no mutant is given the diagnosis {id}");
        }
    }
    text
}

/// A check and a mutant that fails it.
#[derive(Debug)]
pub struct Row {
    /// The check's id.
    pub check: &'static str,
    /// The mutant's name.
    pub mutant: String,
    /// The diagnosis that it is given.
    pub diagnosis: Option<&'static str>,
    /// The number of its mistake, if it is one of the known ones.
    pub mistake: Option<u8>,
}

/// The matrix: the checks of all chapters in their order, each with the mutants that fail it.
pub fn rows(mutants: &[Mutant]) -> Vec<Row> {
    let all = CHAPTERS.iter().flat_map(|chapter| chapter.checks).copied();
    all.flat_map(|check| mutants.iter().filter_map(|mutant| mutant.row(check))).collect()
}

fn table(mutants: &[Mutant]) -> String {
    let mut text = format!("{:<24} {:<22} mutant (mistake)\n", "check", "diagnosis");
    for Row { check, mutant, diagnosis, mistake } in rows(mutants) {
        let diagnosis = diagnosis.unwrap_or("-");
        let mistake = mistake.map(|number| format!(" ({number})")).unwrap_or_default();
        let _ = writeln!(text, "{check:<24} {diagnosis:<22} {mutant}{mistake}");
    }
    text
}

/// Passed if a mutant does what its header says, as far as this machine can see: the checks that it
/// names, or the `whole` chapter's.
fn tried(mutant: &Mutant, built: &Built, whole: bool, side_by_side: usize) -> Ending {
    let subject = match built.subject(mutant) {
        Ok(subject) => subject,
        Err(why) => return Ending::Failed(why),
    };
    let exercise = mutant.answer().is_some();
    let chosen = |check: &&Check| {
        let asked = whole && !exercise && check.answer().is_none();
        asked || mutant.names(check)
    };
    let checks: Vec<_> = mutant.chapter.checks.iter().copied().filter(chosen).collect();
    // With all of them, needs decide; of those that are named, each is run whatever the others say.
    let rounds: Vec<_> =
        if whole { vec![checks] } else { checks.iter().map(|c| vec![*c]).collect() };
    let plan = Plan { seed: 1, side_by_side, again: false };
    let results: Vec<_> =
        rounds.iter().flat_map(|checks| runner::run(checks, &subject, plan, &|_| ())).collect();
    let lies: String = results.iter().filter_map(|result| lie(mutant, result)).collect();
    let lacking = results.iter().find_map(|result| match &result.verdict {
        Verdict::Untried(lacking) if mutant.names(result.check) => Some(lacking),
        _ => None,
    });
    match lacking {
        Some(lacking) if lies.is_empty() => Ending::Ignored(format!("no {lacking} here")),
        _ => expect(lies),
    }
}

/// How a result contradicts the mutant's header, if it does.
fn lie(mutant: &Mutant, result: &runner::CheckResult) -> Option<String> {
    let id = result.check.id;
    let expected = mutant.fails.iter().find(|(check, _)| check.id == id);
    let name = |diagnosis: Option<&Diagnosis>| diagnosis.map_or("-", |d| d.id);
    let what = match (&result.verdict, expected) {
        (Verdict::Passed | Verdict::Skipped { .. }, None) | (Verdict::Untried(_), _) => {
            return None;
        }
        (Verdict::Failed(failure), Some((_, wanted))) if failure.means == *wanted => {
            return None;
        }
        (Verdict::Failed(failure), Some((_, wanted))) => format!(
            "{id} should give the diagnosis {}, and gives {}",
            name(*wanted),
            name(failure.means)
        ),
        (Verdict::Failed(_), None) => format!("{id} fails too, which the header does not name"),
        (Verdict::Skipped { because }, Some(_)) => {
            format!("{id} should fail, and is skipped because of {because}")
        }
        (Verdict::Passed, Some(_)) => format!("{id} should fail, and passes"),
        (other, _) => format!("{id} could not be run: {other:?}"),
    };
    let again = report::Again {
        command: format!("ZOO=all cargo test -p checks --test zoo {}", mutant.name),
    };
    let story = report::story(result, &again);
    Some(format!("{what}\n{story}"))
}
