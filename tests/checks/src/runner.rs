//! Runs a chapter's checks on a subject: side by side, each after those it needs. A check that
//! fails is tried again, alone, under the same seed: what failed beside others may have failed
//! because of them.

use crate::check::{Check, Kind};
use stage::{
    Stage, Subject,
    deadline::Cancel,
    failure::{Failure, Halt, Saw, readable},
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// What a check found.
#[derive(Debug)]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be, twice.
    Failed(Failure),
    /// A check that this one needs has not passed.
    Skipped {
        /// Its id.
        because: &'static str,
    },
    /// It cannot be tried in the way in which the program speaks, and why.
    NotJudged(String),
    /// This machine lacks what the check needs, and what; nothing is said of the program.
    Untried(String),
    /// The role was not handed in.
    NotHandedIn,
    /// The program could not be started, and why.
    NotStarted(String),
    /// Failed once and passed once under the same seed.
    Inconclusive(Failure),
    /// The grader itself met trouble; nothing is said of the program.
    GraderTrouble(String),
}

impl Verdict {
    /// One word for it, for tables and files.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "failed",
            Verdict::Skipped { .. } => "skipped",
            Verdict::NotJudged(_) => "not-judged",
            Verdict::Untried(_) => "untried",
            Verdict::NotHandedIn => "not-handed-in",
            Verdict::NotStarted(_) => "not-started",
            Verdict::Inconclusive(_) => "inconclusive",
            Verdict::GraderTrouble(_) => "grader-trouble",
        }
    }

    /// One letter for it, for a row of many.
    pub fn mark(&self) -> char {
        match self {
            Verdict::Passed => '.',
            Verdict::Failed(_) => 'F',
            Verdict::Skipped { .. } => 's',
            Verdict::NotHandedIn | Verdict::Untried(_) | Verdict::NotJudged(_) => '-',
            Verdict::NotStarted(_) => 'X',
            Verdict::Inconclusive(_) => '?',
            Verdict::GraderTrouble(_) => '!',
        }
    }

    /// True unless something was found to be wrong with the program, or is still unknown.
    fn is_no_fault(&self) -> bool {
        use Verdict as V;
        matches!(self, V::Passed | V::Untried(_) | V::NotJudged(_) | V::Inconclusive(_))
    }

    /// What was found to be wrong with the program.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Verdict::Failed(failure) | Verdict::Inconclusive(failure) => Some(failure),
            _ => None,
        }
    }
}

/// A check with its verdict.
#[derive(Debug)]
pub struct CheckResult {
    /// The check.
    pub check: &'static Check,
    /// What it found.
    pub verdict: Verdict,
    /// True if this submission is asked for it: its failure counts, and it has points.
    pub counts: bool,
    /// What it did, step by step.
    pub did: Vec<String>,
    /// What it does with the reference, where that was asked for.
    pub reference: Vec<String>,
    /// How long it took, both tries together.
    pub took: Duration,
}

impl CheckResult {
    fn new(check: &'static Check, subject: &Subject, verdict: Verdict) -> CheckResult {
        let counts = counts(check, subject.outside);
        let (did, reference, took) = (Vec::new(), Vec::new(), Duration::ZERO);
        CheckResult { check, verdict, counts, did, reference, took }
    }

    /// The points that can be had for it: none where it is not asked for, and none where it
    /// could not be judged.
    pub fn possible(&self) -> u32 {
        let judged = !matches!(self.verdict, Verdict::NotJudged(_));
        if self.counts && judged { self.check.points } else { 0 }
    }

    /// The points that it earns.
    pub fn points(&self) -> u32 {
        match self.verdict {
            Verdict::Passed | Verdict::Untried(_) => self.possible(),
            _ => 0,
        }
    }

    /// The points that are neither earned nor lost: it passed once and failed once.
    pub fn undecided(&self) -> u32 {
        match self.verdict {
            Verdict::Inconclusive(_) => self.possible(),
            _ => 0,
        }
    }
}

/// True if a submission is asked for the check, one from outside or one of our chapters. An
/// exercise is only run when it is asked for.
fn counts(check: &Check, outside: bool) -> bool {
    match check.kind {
        Kind::Lab | Kind::Exercise { .. } => true,
        Kind::Chapter => !outside,
        Kind::Manners => false,
    }
}

/// How checks are run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Makes the payloads; the same seed, the same payloads.
    pub seed: u64,
    /// How many checks run at the same time. Most of them wait most of the time.
    pub side_by_side: usize,
    /// Try a check that counts again, alone, before its failure is believed.
    pub again: bool,
}

/// Runs these checks on the subject and returns their results in the same order; `done` hears
/// of each as it is decided.
pub fn run(
    checks: &[&'static Check],
    subject: &Subject,
    plan: Plan,
    done: &(dyn Fn(&CheckResult) + Sync),
) -> Vec<CheckResult> {
    let state = State { todo: longest_chain_first(checks), ..State::default() };
    let board =
        Board { selected: checks, subject, state: Mutex::new(state), changed: Condvar::new() };
    thread::scope(|scope| {
        for _ in 0..plan.side_by_side.clamp(1, checks.len().max(1)) {
            scope.spawn(|| {
                while let Some(task) = board.next() {
                    board.put(perform(task, subject, plan), done);
                }
            });
        }
    });
    let mut decided = board.state.into_inner().unwrap_or_else(PoisonError::into_inner).decided;
    checks.iter().filter_map(|check| decided.remove(check.id)).collect()
}

/// What one of the threads does next.
enum Task {
    /// The check, for the first time.
    Try(&'static Check),
    /// The check once more, after it has failed like this, while nothing else runs.
    TryAgain(CheckResult),
    /// Nothing: a check that it needs has not passed.
    Skip(&'static Check, &'static str),
}

/// What came of it.
enum Found {
    Decided(CheckResult),
    /// It failed beside others, or could not be tried, and is to be tried alone.
    Doubted(CheckResult),
}

fn perform(task: Task, subject: &Subject, plan: Plan) -> Found {
    match task {
        Task::Skip(check, because) => {
            Found::Decided(CheckResult::new(check, subject, Verdict::Skipped { because }))
        }
        Task::Try(check) => {
            let first = attempt(check, subject, plan.seed);
            // What the grader lacked, the programs of other checks may have used up.
            let again = matches!(first.verdict, Verdict::GraderTrouble(_))
                || plan.again && first.counts && first.verdict.failure().is_some();
            if again { Found::Doubted(first) } else { Found::Decided(first) }
        }
        Task::TryAgain(first) => {
            let second = steadily(first.check, subject, plan.seed);
            Found::Decided(both(first, second))
        }
    }
}

/// A failure that is not seen again decides nothing.
fn both(first: CheckResult, mut second: CheckResult) -> CheckResult {
    second.took += first.took;
    if let (Verdict::Failed(failure), Verdict::Passed) = (first.verdict, &second.verdict) {
        second.verdict = Verdict::Inconclusive(failure);
        second.did = first.did;
    }
    second
}

/// What is to be done, what is being done, what is done.
#[derive(Default)]
struct State {
    todo: Vec<&'static Check>,
    running: usize,
    doubted: Vec<CheckResult>,
    decided: BTreeMap<&'static str, CheckResult>,
}

struct Board<'a> {
    selected: &'a [&'static Check],
    subject: &'a Subject,
    state: Mutex<State>,
    changed: Condvar,
}

impl Board<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task. Blocks until there is one: until a check's needs are decided, or until
    /// nothing runs beside one that is to be tried again. `None` when all are decided.
    fn next(&self) -> Option<Task> {
        let mut state = self.state();
        loop {
            let undecided = |need: &&str| !state.decided.contains_key(need);
            let is_ready = |check: &&'static Check| !self.needs(check).any(|n| undecided(&n));
            if let Some(at) = state.todo.iter().position(is_ready) {
                let check = state.todo.remove(at);
                state.running += 1;
                let failed = |need: &&str| !state.decided[need].verdict.is_no_fault();
                // What was not handed in needs nothing.
                let skip = self.subject.commands.contains_key(&check.role);
                let because = self.needs(check).find(failed).filter(|_| skip);
                return Some(because.map_or(Task::Try(check), |need| Task::Skip(check, need)));
            }
            if state.running == 0 {
                let first = state.doubted.pop()?;
                state.running += 1;
                return Some(Task::TryAgain(first));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put(&self, found: Found, done: &(dyn Fn(&CheckResult) + Sync)) {
        let mut state = self.state();
        state.running -= 1;
        match found {
            Found::Doubted(first) => state.doubted.push(first),
            Found::Decided(result) => {
                // Whoever is told may fail (a closed stdout, say); the others must not wait for it.
                let _ = catch_unwind(AssertUnwindSafe(|| done(&result)));
                state.decided.insert(result.check.id, result);
            }
        }
        self.changed.notify_all();
    }

    /// What a check needs among those that are run: a need that was not selected (`--only`) is
    /// taken for granted.
    fn needs(&self, check: &'static Check) -> impl Iterator<Item = &'static str> {
        let is_selected = |need: &&str| self.selected.iter().any(|check| check.id == *need);
        check.needs.iter().map(|need| need.id).filter(is_selected)
    }
}

/// The checks in the order in which they should begin: first those behind which the longest
/// chain of others waits.
fn longest_chain_first(checks: &[&'static Check]) -> Vec<&'static Check> {
    fn chain(check: &Check, checks: &[&'static Check]) -> usize {
        let behind =
            checks.iter().filter(|other| other.needs.iter().any(|need| need.id == check.id));
        1 + behind.map(|other| chain(other, checks)).max().unwrap_or(0)
    }
    let mut order = checks.to_vec();
    order.sort_by_cached_key(|check| Reverse(chain(check, checks)));
    order
}

/// One try; another one if the grader met trouble: whatever it was, it may be over.
fn steadily(check: &'static Check, subject: &Subject, seed: u64) -> CheckResult {
    let result = attempt(check, subject, seed);
    match result.verdict {
        Verdict::GraderTrouble(_) => attempt(check, subject, seed),
        _ => result,
    }
}

fn attempt(check: &'static Check, subject: &Subject, seed: u64) -> CheckResult {
    let begun = Instant::now();
    if !subject.commands.contains_key(&check.role) {
        return CheckResult::new(check, subject, Verdict::NotHandedIn);
    }
    let limit = Cancel::after(check.limit());
    let stage = Stage::until(&limit, subject, seed, check.id);
    // A check that panics is the grader's fault, and must not take the others along.
    let outcome = catch_unwind(AssertUnwindSafe(|| (check.run)(&stage)));
    let verdict = match outcome {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Halt::Failed(failure))) if limit.is_too_late() => {
            Verdict::Failed(took_too_long(failure.readable(), check.limit()))
        }
        Ok(Err(Halt::Failed(failure))) => Verdict::Failed(failure.readable()),
        Ok(Err(Halt::NotStarted(why))) => Verdict::NotStarted(readable(&why)),
        Ok(Err(Halt::NotHandedIn)) => Verdict::NotHandedIn,
        Ok(Err(Halt::NotJudged(why))) => Verdict::NotJudged(readable(&why)),
        Ok(Err(Halt::Lacking(what))) => Verdict::Untried(what.to_string()),
        Ok(Err(Halt::Grader(why))) => Verdict::GraderTrouble(readable(&why)),
        Err(_) => Verdict::GraderTrouble(format!("the check {} panicked", check.id)),
    };
    let mut result = CheckResult::new(check, subject, verdict);
    result.did = stage.log.steps().iter().map(|step| readable(step)).collect();
    result.took = begun.elapsed();
    result
}

/// A failure that was only seen because nothing was waited for any longer proves nothing else.
fn took_too_long(failure: Failure, limit: Duration) -> Failure {
    Failure {
        got: format!("it took too long: more than {} s; then {}", limit.as_secs(), failure.got),
        saw: Saw::Running,
        means: None,
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::{
        Role,
        failure::{Step, fail},
    };
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    const PLAN: Plan = Plan { seed: 1, side_by_side: 4, again: true };

    const fn check(id: &'static str, run: fn(&Stage) -> Step) -> Check {
        Check::lab(id, Role::Server, "does what it should").steps(run)
    }

    fn results_of(checks: &[&'static Check]) -> Vec<CheckResult> {
        run(checks, &Subject::program("true", &[Role::Server]), PLAN, &|_| ())
    }

    fn words(results: &[CheckResult]) -> Vec<&'static str> {
        results.iter().map(|result| result.verdict.word()).collect()
    }

    #[test]
    fn a_mixed_result_is_inconclusive_and_its_points_are_undecided() {
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        static MIXED: Check = check("00.mixed", |_| match TRIES.fetch_add(1, SeqCst) {
            0 => fail("", "the first"),
            _ => Ok(()),
        });
        let result = results_of(&[&MIXED]).remove(0);
        match &result.verdict {
            Verdict::Inconclusive(failure) => assert_eq!(failure.got, "the first"),
            other => panic!("{other:?}"),
        }
        assert_eq!((result.points(), result.undecided(), result.possible()), (0, 1, 1));
    }

    #[test]
    fn what_failed_is_tried_again_alone_and_what_needs_it_waits_for_that() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        static SHY: Check =
            check("00.shy", |_| match (TRIES.fetch_add(1, SeqCst), RUNNING.load(SeqCst)) {
                (0, _) => fail("", "the first time"),
                (_, 0) => Ok(()),
                _ => fail("", "not alone"),
            });
        static SLOW: Check = check("00.slow", |_| {
            RUNNING.fetch_add(1, SeqCst);
            thread::park_timeout(Duration::from_millis(100));
            RUNNING.fetch_sub(1, SeqCst);
            Ok(())
        });
        static AFTER: Check = check("00.after", |_| Ok(())).needs(&[&SHY]);
        static WRONG: Check = check("00.wrong", |_| fail("", "always"));
        static NEVER: Check = check("00.never", |_| Ok(())).needs(&[&WRONG]);
        let results = results_of(&[&SHY, &SLOW, &AFTER, &WRONG, &NEVER]);
        let expected = ["inconclusive", "passed", "passed", "failed", "skipped"];
        assert_eq!(words(&results), expected);
    }

    #[test]
    fn a_check_that_takes_too_long_is_over_and_failed() {
        static ENDLESS: Check = check("00.endless", |stage| {
            let nothing = Duration::from_secs(1000);
            stage::kernel::look_until(stage.log.deadline(nothing), || false);
            fail("an end", "none")
        })
        .within(Duration::from_millis(200));
        let result = results_of(&[&ENDLESS]).remove(0);
        let Verdict::Failed(failure) = &result.verdict else { panic!("{result:?}") };
        assert!(failure.got.starts_with("it took too long"), "{failure:?}");
        assert!(result.took < Duration::from_secs(20), "{:?}", result.took);
    }

    #[test]
    fn one_who_cannot_be_told_holds_nobody_up() {
        static FINE: Check = check("00.fine", |_| Ok(()));
        static ALSO: Check = check("00.also", |_| Ok(())).needs(&[&FINE]);
        let subject = Subject::program("true", &[Role::Server]);
        let results = run(&[&FINE, &ALSO], &subject, PLAN, &|_| panic!("a closed pipe"));
        assert_eq!(words(&results), ["passed", "passed"]);
    }

    #[test]
    fn a_program_from_outside_is_not_asked_for_what_only_the_chapter_asks_for() {
        static OURS: Check =
            Check::chapter("00.ours", Role::Server, "says it so").steps(|_| fail("", ""));
        let inside = Subject::program("true", &[Role::Server]);
        let outside = Subject { outside: true, ..inside.clone() };
        let possible = |subject| run(&[&OURS], subject, PLAN, &|_| ())[0].possible();
        assert_eq!((possible(&inside), possible(&outside)), (1, 0));
    }
}
