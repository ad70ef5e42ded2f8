//! The checks as `cargo test` shows them: `cargo test -p echo-threaded` lists each by its
//! sentence.

use crate::{
    check::{self, Check},
    libtest_like::{self, Selection, say},
    report::{self, Again},
    runner::{self, CheckResult, Plan, Verdict},
    workspace,
};
use stage::{Subject, process::Environment};
use std::{
    env,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

/// The `main` of a chapter's `tests/checks.rs`: runs the chapter's checks on `program`, the
/// path that cargo built it at. Words on the command line choose checks by id or sentence, as
/// for any test; `--list` lists them.
pub fn main(number: &str, program: &str) -> ExitCode {
    match check::chapter(number) {
        Some(chapter) => check_all(chapter, program, chapter.checks),
        None => libtest_like::cannot_begin(format_args!("there is no chapter {number}")),
    }
}

/// The same with other checks: those of our own answers to a chapter's exercises, which no student
/// is asked for.
pub fn check_all(
    chapter: &check::Chapter,
    program: &str,
    checks: &[&'static Check],
) -> ExitCode {
    let selection = Selection::of_command_line();
    let chosen = |check: &&&Check| selection.has(&[check.id, check.title]);
    let checks: Vec<&'static Check> = checks.iter().filter(chosen).copied().collect();
    if selection.list {
        for check in &checks {
            say(format_args!("{}: {}: test", check.id, check.title));
        }
        return ExitCode::SUCCESS;
    }
    if let Some(source) = workspace::another_checkout_of(Path::new(program)) {
        return libtest_like::cannot_begin(format_args!(
            "{program} was built from {source}: give each checkout a CARGO_TARGET_DIR of its own"
        ));
    }
    // The same number that the zoo uses: what a failure says can be had again.
    let seed = env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let begun = Instant::now();
    let plan = Plan { seed, side_by_side: selection.side_by_side(8), again: false };
    let results = run(chapter, &checks, Path::new(program), plan);
    summary(&results, chapter.name, seed, begun.elapsed())
}

/// Runs the required checks and the manners on the program, and each exercise on its answer.
fn run(
    chapter: &check::Chapter,
    checks: &[&'static Check],
    program: &Path,
    plan: Plan,
) -> Vec<CheckResult> {
    let count = checks.len();
    say(format_args!("\nrunning {count} checks on {} (SEED={})", chapter.name, plan.seed));
    let folder = program.parent().unwrap_or(Path::new("."));
    let environment = Environment {
        path: vec![folder.to_path_buf(), folder.join("examples")],
        ..Environment::default()
    };
    let reference = Subject { environment, ..Subject::program(chapter.name, chapter.roles) };
    let done = |result: &CheckResult| {
        let (check, word) = (result.check, word(&result.verdict));
        say(format_args!("test {} - {} ... {word}", check.id, check.title));
    };
    let (exercises, plain): (Vec<_>, Vec<_>) =
        checks.iter().copied().partition(|check| check.answer().is_some());
    let mut results = runner::run(&plain, &reference, plan, &done);
    let built = exercises.is_empty() || build_answers(chapter.name);
    for check in exercises {
        let mut answer = reference.clone();
        if let Some(command) = check.answer() {
            answer.commands.insert(check.role, command.to_string());
        }
        if !built {
            answer.commands.clear();
        }
        results.extend(runner::run(&[check], &answer, plan, &done));
    }
    results
}

/// Builds the answers, which are examples: `cargo test` has done so, `cargo test --test checks`
/// has not, and an old one must not be tested.
fn build_answers(package: &str) -> bool {
    let what = ["-p", package, "--examples"];
    workspace::build_in(workspace::root(), &what).is_ok()
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok",
        Verdict::Skipped { .. } | Verdict::Untried(_) => "ignored",
        _ => "FAILED",
    }
}

fn summary(results: &[CheckResult], package: &str, seed: u64, took: Duration) -> ExitCode {
    let again =
        Again { command: format!("SEED={seed} cargo test -p {package} --test checks {{id}}") };
    let count =
        |wanted: &str| results.iter().filter(|result| word(&result.verdict) == wanted).count();
    for result in results.iter().filter(|result| word(&result.verdict) == "FAILED") {
        say(format_args!("\n{}", report::story(result, &again)));
    }
    libtest_like::result([count("ok"), count("FAILED"), count("ignored")], took)
}
