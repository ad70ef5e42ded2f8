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

/// How often a test is tried at most, the first time beside others.
const TRIES: usize = 4;

/// What became of a test, and how many tries that took.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    name: String,
    ending: Ending,
    tries: usize,
}

impl Done {
    /// True if it passed, and not at once.
    fn took_several(&self) -> bool {
        self.tries > 1 && !matches!(self.ending, Ending::Failed(_))
    }
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
    let done = run(cases, side_by_side, again);
    summary(&done, begun.elapsed())
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

fn run(cases: Vec<Case>, side_by_side: usize, again: Again) -> Vec<Done> {
    let todo = Mutex::new(cases.into_iter());
    let (all_done, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let next = || locked(&todo).next();
    let done = |case: Case, ending: Ending, tries: usize| {
        let done = Done { name: case.name, ending, tries };
        show(&done);
        locked(&all_done).push(done);
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
                        ending => done(case, ending, 1),
                    }
                }
            });
        }
    });
    for case in failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let (mut ending, mut tries) = ((case.run)(), 2);
        while matches!(ending, Ending::Failed(_)) && tries < TRIES {
            (ending, tries) = ((case.run)(), tries + 1);
        }
        done(case, ending, tries);
    }
    all_done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn show(done: &Done) {
    let name = &done.name;
    match &done.ending {
        Ending::Passed if done.took_several() => {
            println!("test {name} ... ok, at try {} of {TRIES}", done.tries);
        }
        Ending::Passed => println!("test {name} ... ok"),
        Ending::Ignored(why) => println!("test {name} ... ignored, {why}"),
        Ending::Failed(_) if done.tries > 1 => {
            println!("test {name} ... FAILED at all {} tries", done.tries);
        }
        Ending::Failed(_) => println!("test {name} ... FAILED"),
    }
}

fn summary(all_done: &[Done], took: Duration) -> ExitCode {
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for Done { name, ending, .. } in all_done {
        match ending {
            Ending::Passed => passed += 1,
            Ending::Ignored(_) => ignored += 1,
            Ending::Failed(why) => {
                failed += 1;
                println!("\n---- {name} ----\n{}", why.trim_end());
            }
        }
    }
    let again: Vec<_> = all_done.iter().filter(|done| done.took_several()).collect();
    if !again.is_empty() {
        let tries: usize = again.iter().map(|done| done.tries - 1).sum();
        let names: Vec<_> = again.iter().map(|done| done.name.as_str()).collect();
        println!("\nnot at the first try: {} ({tries} more tries)", names.join(", "));
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
        let mut done = run(cases, 2, Again::Never);
        done.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<_> = done.iter().map(|done| done.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(done[1].ending, Ending::Failed("broken".to_string()));
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
        let passed = |name: &str, tries| {
            let name = name.to_string();
            Done { name, ending: Ending::Passed, tries }
        };
        assert_eq!(run(cases, 1, Again::Alone), [passed("other", 1), passed("shy", 2)]);
        let always = vec![Case::new("wrong", || Ending::Failed("broken".to_string()))];
        let done = run(always, 1, Again::Alone);
        assert_eq!(done[0].ending, Ending::Failed("broken".to_string()));
        assert!(done[0].tries == TRIES && !done[0].took_several());
    }

    #[test]
    fn words_choose_by_a_part_of_the_name() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(String::from).collect() };
        assert!(is_chosen(&words("--nocapture"), &["03-echo"]));
        assert!(is_chosen(&words("echo"), &["-", "03-echo"]));
        assert!(!is_chosen(&words("02-"), &["03-echo"]));
    }
}
