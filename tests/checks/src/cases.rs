//! Tests that are found at run time (a diff, a program, a folder), run side by side and shown
//! as `cargo test` shows its own.

use std::{
    env,
    fmt::Display,
    process::ExitCode,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Passed,
    /// It could not be tried here, and why.
    Ignored(String),
    /// Not as it should, and what was seen.
    Failed(String),
}

/// One test.
pub struct Case<'a> {
    /// Its name, by which it can be chosen on the command line.
    pub name: String,
    /// What it does.
    pub run: Box<dyn Fn() -> Ending + Send + 'a>,
}

impl<'a> Case<'a> {
    /// A test of this name.
    pub fn new(name: impl Into<String>, run: impl Fn() -> Ending + Send + 'a) -> Case<'a> {
        Case { name: name.into(), run: Box::new(run) }
    }
}

/// Whether a test that has failed is run once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// What has failed has failed.
    Never,
    /// When all others are done, one at a time, and up to three times.
    Alone,
}

/// The `main` of a test target that has `harness = false`: runs the tests, `side_by_side` of
/// them at a time. Words on the command line choose tests by a part of their name; `--list`
/// lists them.
pub fn main(cases: Vec<Case>, side_by_side: usize, again: Again) -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let cases: Vec<Case> =
        cases.into_iter().filter(|case| is_chosen(&words, &[&case.name])).collect();
    if words.iter().any(|word| word == "--list") {
        cases.iter().for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", cases.len());
    let begun = Instant::now();
    let endings = run(cases, side_by_side, again);
    summary(&endings, begun.elapsed())
}

/// True if the words of a test's command line choose what has one of these names: they stand
/// in it, or there are none (options are no such words).
pub fn is_chosen(words: &[String], names: &[&str]) -> bool {
    let mut wanted = words.iter().filter(|word| !word.starts_with('-')).peekable();
    wanted.peek().is_none()
        || wanted.any(|word| names.iter().any(|name| name.contains(word.as_str())))
}

/// True if nothing may be left out to save time: `ZOO=all`, which is `make zoo`.
pub fn all_are_wanted() -> bool {
    env::var("ZOO").is_ok_and(|zoo| zoo == "all")
}

fn run(cases: Vec<Case>, side_by_side: usize, again: Again) -> Vec<(String, Ending)> {
    let todo = Mutex::new(cases.into_iter());
    let (endings, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let next = || locked(&todo).next();
    let done = |case: Case, ending: Ending| {
        show(&case.name, &ending);
        locked(&endings).push((case.name, ending));
    };
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            scope.spawn(|| {
                while let Some(case) = next() {
                    match (case.run)() {
                        Ending::Failed(_) if again == Again::Alone => {
                            println!("test {} ... not so; again, alone", case.name);
                            locked(&failed).push(case);
                        }
                        ending => done(case, ending),
                    }
                }
            });
        }
    });
    for case in failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let mut ending = (case.run)();
        for _ in 1..3 {
            if matches!(ending, Ending::Failed(_)) {
                ending = (case.run)();
            }
        }
        done(case, ending);
    }
    endings.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(name: &str, ending: &Ending) {
    match ending {
        Ending::Passed => println!("test {name} ... ok"),
        Ending::Ignored(why) => println!("test {name} ... ignored, {why}"),
        Ending::Failed(_) => println!("test {name} ... FAILED"),
    }
}

fn summary(endings: &[(String, Ending)], took: Duration) -> ExitCode {
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for (name, ending) in endings {
        match ending {
            Ending::Passed => passed += 1,
            Ending::Ignored(_) => ignored += 1,
            Ending::Failed(why) => {
                failed += 1;
                println!("\n---- {name} ----\n{}", why.trim_end());
            }
        }
    }
    result([passed, failed, ignored], took)
}

/// The last line, as `cargo test` has it, and the exit status: `[passed, failed, ignored]`.
pub fn result([passed, failed, ignored]: [usize; 3], took: Duration) -> ExitCode {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        took.as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The end of a test target that could not even begin.
pub fn cannot_begin(why: impl Display) -> ExitCode {
    eprintln!("cannot begin: {why}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn each_case_is_run_once_and_has_its_ending() {
        let ends = |ending: Ending| move || ending.clone();
        let cases = vec![
            Case::new("a", ends(Ending::Passed)),
            Case::new("b", ends(Ending::Failed("broken".to_string()))),
            Case::new("c", ends(Ending::Ignored("not here".to_string()))),
        ];
        let mut endings = run(cases, 2, Again::Never);
        endings.sort_by(|one, other| one.0.cmp(&other.0));
        let names: Vec<_> = endings.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(endings[1].1, Ending::Failed("broken".to_string()));
    }

    #[test]
    fn what_has_failed_is_run_again_when_all_others_are_done() {
        let runs = AtomicUsize::new(0);
        let count = || runs.fetch_add(1, Ordering::Relaxed);
        let shy = || match count() {
            0 | 1 => Ending::Failed("too many people".to_string()),
            _ => Ending::Passed,
        };
        let other = || {
            count();
            Ending::Passed
        };
        let cases = vec![Case::new("shy", shy), Case::new("other", other)];
        let endings = run(cases, 1, Again::Alone);
        assert_eq!(endings[0], ("other".to_string(), Ending::Passed));
        assert_eq!(endings[1], ("shy".to_string(), Ending::Passed));
        let always = vec![Case::new("wrong", || Ending::Failed("broken".to_string()))];
        assert_eq!(run(always, 1, Again::Alone)[0].1, Ending::Failed("broken".to_string()));
    }

    #[test]
    fn words_choose_by_a_part_of_the_name() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(String::from).collect() };
        assert!(is_chosen(&words("--nocapture"), &["03-echo"]));
        assert!(is_chosen(&words("echo"), &["-", "03-echo"]));
        assert!(!is_chosen(&words("02-"), &["03-echo"]));
    }
}
