//! Runs a chapter's checks on a subject: side by side, each after those it needs, a failed
//! one twice under the same seed, one that takes long twice side by side.

use crate::check::Check;
use stage::{
    Stage, Subject,
    deadline::Decided,
    failure::{Failure, Stop, readable},
    kernel,
};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
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
            Verdict::NotHandedIn | Verdict::Untried(_) => '-',
            Verdict::NotStarted(_) => 'X',
            Verdict::Inconclusive(_) => '?',
            Verdict::GraderTrouble(_) => '!',
        }
    }

    /// True unless something was found to be wrong with the program, or is still unknown.
    fn is_no_fault(&self) -> bool {
        matches!(self, Verdict::Passed | Verdict::Untried(_) | Verdict::Inconclusive(_))
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
pub struct Result {
    /// The check.
    pub check: &'static Check,
    /// What it found.
    pub verdict: Verdict,
    /// What it did, step by step.
    pub did: Vec<String>,
    /// What it does with the reference, where that was asked for.
    pub reference: Vec<String>,
    /// How long it took, both tries together.
    pub took: Duration,
}

impl Result {
    /// The points that it earns. What is inconclusive costs none.
    pub fn points(&self) -> u32 {
        if self.verdict.is_no_fault() { self.check.points } else { 0 }
    }
}

/// How checks are run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Makes the payloads; the same seed, the same payloads.
    pub seed: u64,
    /// How many checks run at the same time. Most of them wait most of the time.
    pub side_by_side: usize,
    /// Try a check that counts again before its failure is believed.
    pub twice: bool,
}

/// Runs these checks on the subject and returns their results in the same order; `done` hears
/// of each as it ends.
pub fn run(
    checks: &[&'static Check],
    subject: &Subject,
    plan: Plan,
    done: &(dyn Fn(&Result) + Sync),
) -> Vec<Result> {
    let board = Board {
        todo: Mutex::new(longest_chain_first(checks)),
        results: Mutex::default(),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..plan.side_by_side.clamp(1, checks.len().max(1)) {
            scope.spawn(|| {
                while let Some((check, skip)) = board.next(checks, subject) {
                    let result = match skip {
                        Some(because) => skipped(check, because),
                        None => run_one(check, subject, plan),
                    };
                    done(&result);
                    board.put(result);
                }
            });
        }
    });
    let mut results = board.results.into_inner().unwrap_or_else(PoisonError::into_inner);
    checks.iter().filter_map(|check| results.remove(check.id)).collect()
}

/// What is to be done, what is done.
struct Board {
    todo: Mutex<Vec<&'static Check>>,
    results: Mutex<BTreeMap<&'static str, Result>>,
    changed: Condvar,
}

impl Board {
    /// The next check whose needs are decided, and the need for which it must be skipped, if
    /// there is one; what was not handed in needs nothing. Blocks until there is such a check;
    /// `None` when all are taken.
    fn next(
        &self,
        selected: &[&'static Check],
        subject: &Subject,
    ) -> Option<(&'static Check, Option<&'static str>)> {
        let mut todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if todo.is_empty() {
                return None;
            }
            let results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            let undecided = |need: &&str| !results.contains_key(need);
            let ready = |check: &&'static Check| !needs(check, selected).any(|n| undecided(&n));
            if let Some(at) = todo.iter().position(ready) {
                let check = todo.remove(at);
                let failed = |need: &&str| !results[need].verdict.is_no_fault();
                let skip = needs(check, selected).find(failed);
                return Some((
                    check,
                    skip.filter(|_| subject.commands.contains_key(&check.role)),
                ));
            }
            drop(results);
            todo = self.changed.wait(todo).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put(&self, result: Result) {
        // The list is locked too, so that nobody misses the change between looking and waiting.
        let _todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner);
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        results.insert(result.check.id, result);
        self.changed.notify_all();
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

/// What a check needs among those that are run: a need that was not selected (`--only`) is
/// taken for granted.
fn needs(
    check: &'static Check,
    selected: &[&'static Check],
) -> impl Iterator<Item = &'static str> {
    let is_selected = |need: &&str| selected.iter().any(|check| check.id == *need);
    check.needs.iter().map(|need| need.id).filter(is_selected)
}

fn skipped(check: &'static Check, because: &'static str) -> Result {
    Result {
        check,
        verdict: Verdict::Skipped { because },
        did: Vec::new(),
        reference: Vec::new(),
        took: Duration::ZERO,
    }
}

/// How much later the second of two tries side by side begins: in another second, for a program
/// that takes the time for its seed.
const LATER: Duration = Duration::from_millis(1100);

fn run_one(check: &'static Check, subject: &Subject, plan: Plan) -> Result {
    let begun = Instant::now();
    let passed = Decided::default();
    let try_it = || steadily(check, subject, plan.seed, &passed);
    let twice = plan.twice && check.counts();
    let (first, mut second) = if twice && check.long {
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                kernel::look_until(LATER, || passed.get());
                try_it()
            });
            (try_it(), second.join().ok().flatten())
        })
    } else {
        (try_it(), None)
    };
    if twice && second.is_none() && matches!(first, Some((Verdict::Failed(_), _))) {
        second = try_it();
    }
    let (verdict, did) = match (first, second) {
        (Some((Verdict::Failed(failure), did)), Some((Verdict::Passed, _)))
        | (Some((Verdict::Passed, _)), Some((Verdict::Failed(failure), did))) => {
            (Verdict::Inconclusive(failure), did)
        }
        (Some((Verdict::Failed(_), _)), Some(second)) => second,
        (Some((Verdict::GraderTrouble(_), _)), Some(second @ (Verdict::Passed, _))) => second,
        (Some(only), _) | (None, Some(only)) => only,
        (None, None) => (Verdict::GraderTrouble("no try came to an end".into()), Vec::new()),
    };
    Result { check, verdict, did, reference: Vec::new(), took: begun.elapsed() }
}

/// What a try found, and what it did. `None`: another one had passed before, and cut it off.
type Found = Option<(Verdict, Vec<String>)>;

/// One try; another one if the grader met trouble: whatever it was, it may be over.
fn steadily(check: &'static Check, subject: &Subject, seed: u64, passed: &Decided) -> Found {
    match attempt(check, subject, seed, passed) {
        Some((Verdict::GraderTrouble(_), _)) => attempt(check, subject, seed, passed),
        result => result,
    }
}

fn attempt(check: &'static Check, subject: &Subject, seed: u64, passed: &Decided) -> Found {
    if !subject.commands.contains_key(&check.role) {
        return Some((Verdict::NotHandedIn, Vec::new()));
    }
    if passed.get() {
        return None;
    }
    let stage = Stage::until(passed, subject, seed, check.id);
    // A check that panics is the grader's fault, and must not take the others along.
    let outcome = catch_unwind(AssertUnwindSafe(|| (check.run)(&stage)));
    if passed.get() {
        return None; // what this one has missed since then, nobody has waited for
    }
    let verdict = match outcome {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Stop::Failed(failure))) => Verdict::Failed(failure.readable()),
        Ok(Err(Stop::NotStarted(why))) => Verdict::NotStarted(readable(&why)),
        Ok(Err(Stop::NotHandedIn)) => Verdict::NotHandedIn,
        Ok(Err(Stop::Lacking(what))) => Verdict::Untried(what.to_string()),
        Ok(Err(Stop::Grader(why))) => Verdict::GraderTrouble(readable(&why)),
        Err(_) => Verdict::GraderTrouble(format!("the check {} panicked", check.id)),
    };
    if matches!(verdict, Verdict::Passed) {
        passed.set();
    }
    Some((verdict, stage.log.steps().iter().map(|step| readable(step)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stage::{
        Role,
        failure::{Outcome, fail},
    };
    use std::sync::atomic::{AtomicUsize, Ordering};

    const CHECK: Check =
        Check::lab("00.check", Role::Server, "of two tries only the second passes");

    /// True for every second try.
    fn is_second(tries: &AtomicUsize) -> bool {
        tries.fetch_add(1, Ordering::SeqCst) % 2 == 1
    }

    fn result_of(check: &'static Check) -> Result {
        let subject = Subject::program("true", &[Role::Server]);
        let plan = Plan { seed: 1, side_by_side: 1, twice: true };
        run(&[check], &subject, plan, &|_| ()).remove(0)
    }

    #[test]
    fn a_mixed_result_is_inconclusive() {
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        const MIXED: Check = Check {
            run: |_| if is_second(&TRIES) { Ok(()) } else { fail("", "the first") },
            ..CHECK
        };
        const LONG: Check = Check { long: true, ..MIXED };
        for check in [&MIXED, &LONG] {
            let result = result_of(check);
            match &result.verdict {
                Verdict::Inconclusive(failure) => assert_eq!(failure.got, "the first"),
                other => panic!("{other:?}"),
            }
            assert_eq!(result.points(), 1);
        }
    }

    #[test]
    fn of_tries_that_take_long_one_that_passes_ends_the_other() {
        const LONG_WAIT: Duration = Duration::from_secs(60);
        const LONG: Check = Check { long: true, run: waits_or_passes, ..CHECK };
        fn waits_or_passes(stage: &Stage) -> Outcome {
            static TRIES: AtomicUsize = AtomicUsize::new(0);
            if !is_second(&TRIES) {
                kernel::look_until(stage.log.deadline(LONG_WAIT), || false);
                return fail("", "nothing in all this time");
            }
            Ok(())
        }
        let result = result_of(&LONG);
        assert!(matches!(result.verdict, Verdict::Passed));
        assert!(result.took < LONG_WAIT);
    }
}
