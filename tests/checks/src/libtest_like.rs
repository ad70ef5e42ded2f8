//! Tests that are found at run time (a diff, a program, a folder), run side by side and shown
//! as `cargo test` shows its own.

use std::{
    env,
    fmt::Display,
    io::{self, Write},
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
/// them at a time, as the command line says.
pub fn main(cases: Vec<Case>, side_by_side: usize, again: Again) -> ExitCode {
    let selection = Selection::of_command_line();
    let cases: Vec<Case> =
        cases.into_iter().filter(|case| selection.has(&[&case.name])).collect();
    if selection.list {
        cases.iter().for_each(|case| say(format_args!("{}: test", case.name)));
        return ExitCode::SUCCESS;
    }
    say(format_args!("\nrunning {} tests", cases.len()));
    let begun = Instant::now();
    let done = run(cases, selection.side_by_side(side_by_side), again);
    summary(&done, begun.elapsed())
}

/// Prints a line, as `println` does; that nobody reads it (`| head -1`) ends no test.
pub fn say(line: impl Display) {
    if cfg!(test) {
        println!("{line}"); // captured, so that no test's example is taken for a failure
    } else {
        let _ = writeln!(io::stdout(), "{line}");
    }
}

/// Which tests the command line chooses, in the words of `cargo test -- --help`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selection {
    wanted: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    threads: Option<usize>,
    /// True if the tests are to be listed and not run.
    pub list: bool,
}

impl Selection {
    /// What this test's own command line chooses.
    pub fn of_command_line() -> Selection {
        Selection::of(env::args().skip(1))
    }

    fn of(words: impl Iterator<Item = String>) -> Selection {
        /// Options with a value that mean nothing here.
        const IGNORED: [&str; 6] =
            ["--color", "--format", "--logfile", "--shuffle-seed", "--report-time", "-Z"];
        let mut selection = Selection::default();
        // `--skip=x` is `--skip x`.
        let mut words = words.flat_map(|word| match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => {
                vec![name.to_string(), value.to_string()]
            }
            _ => vec![word],
        });
        while let Some(word) = words.next() {
            match word.as_str() {
                "--list" => selection.list = true,
                "--exact" => selection.exact = true,
                "--skip" => selection.skipped.extend(words.next()),
                "--test-threads" => {
                    selection.threads = words.next().and_then(|count| count.parse().ok());
                }
                ignored if IGNORED.contains(&ignored) => _ = words.next(),
                option if option.starts_with('-') => {}
                _ => selection.wanted.push(word),
            }
        }
        selection
    }

    /// True if it chooses the test that has one of these names.
    pub fn has(&self, names: &[&str]) -> bool {
        let fits = |word: &String| {
            names.iter().any(|name| if self.exact { name == word } else { name.contains(word) })
        };
        (self.wanted.is_empty() || self.wanted.iter().any(fits))
            && !self.skipped.iter().any(fits)
    }

    /// How many tests run at a time: as many as `usual`, unless it says so.
    pub fn side_by_side(&self, usual: usize) -> usize {
        self.threads.unwrap_or(usual).max(1)
    }
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
                            say(format_args!("test {} ... not so; again, alone", case.name));
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
            say(format_args!("test {name} ... ok, at try {} of {TRIES}", done.tries));
        }
        Ending::Passed => say(format_args!("test {name} ... ok")),
        Ending::Ignored(why) => say(format_args!("test {name} ... ignored, {why}")),
        Ending::Failed(_) if done.tries > 1 => {
            say(format_args!("test {name} ... FAILED at all {} tries", done.tries));
        }
        Ending::Failed(_) => say(format_args!("test {name} ... FAILED")),
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
                say(format_args!("\n---- {name} ----\n{}", why.trim_end()));
            }
        }
    }
    let again: Vec<_> = all_done.iter().filter(|done| done.took_several()).collect();
    if !again.is_empty() {
        let tries: usize = again.iter().map(|done| done.tries - 1).sum();
        let names: Vec<_> = again.iter().map(|done| done.name.as_str()).collect();
        say(format_args!("\nnot at the first try: {} ({tries} more tries)", names.join(", ")));
    }
    result([passed, failed, ignored], took)
}

/// The last line, as `cargo test` has it, and the exit status: `[passed, failed, ignored]`.
pub fn result([passed, failed, ignored]: [usize; 3], took: Duration) -> ExitCode {
    let word = if failed == 0 { "ok" } else { "FAILED" };
    say(format_args!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        took.as_secs_f64()
    ));
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
        let selects = |line: &str, names: &[&str]| {
            Selection::of(line.split_whitespace().map(String::from)).has(names)
        };
        assert!(selects("--nocapture", &["03-echo"]));
        assert!(selects("echo", &["-", "03-echo"]));
        assert!(!selects("02-", &["03-echo"]));
        // The values of options are no names.
        assert!(selects("--test-threads 1", &["03-echo"]));
        assert!(selects("--color=never --test-threads=1", &["03-echo"]));
        assert!(!selects("--skip echo", &["03-echo"]) && selects("--skip echo", &["02-x"]));
        assert!(!selects("--exact echo", &["03-echo"]) && selects("echo --exact", &["echo"]));
        let alone = Selection::of(["--test-threads".into(), "1".into()].into_iter());
        assert_eq!(alone.side_by_side(8), 1);
    }
}
