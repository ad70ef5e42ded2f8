//! The results of one submission, and what they come to: points, an exit status, a report.

use checks::{
    check::{CHAPTERS, Chapter},
    report::{self, Again},
    runner::{CheckResult, Verdict},
};
use stage::failure::{Diagnosis, readable};
use std::{fmt::Write, process::ExitCode, time::Duration};

/// The exit status, as the contract numbers it; the worse, the further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All required checks passed.
    Passed = 0,
    /// Some failed.
    Failed = 1,
    /// Mixed results under one seed.
    Inconclusive = 5,
    /// The submission cannot be applied, built or started.
    NotStarted = 3,
    /// The grader itself failed: no score is given.
    GraderTrouble = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// What was found in one submission.
#[derive(Debug, Default)]
pub struct Results {
    /// What made the payloads.
    pub seed: u64,
    /// Why it could not be applied or built.
    pub refused: Option<String>,
    /// Why the grader itself failed before it came to the checks, or in the middle of them.
    pub trouble: Option<String>,
    /// What is to be known of how it was graded.
    pub notes: Vec<String>,
    /// How long the checks took.
    pub took: Duration,
    /// How one of the checks is run again.
    pub again: Again,
    all: Vec<CheckResult>,
}

impl Results {
    /// None yet.
    pub fn new(seed: u64) -> Results {
        Results { seed, ..Results::default() }
    }

    /// The results of a submission that could not be applied or built.
    pub fn refused(seed: u64, why: &str) -> Results {
        Results { refused: Some(told(why)), ..Results::new(seed) }
    }

    /// The results when the grader failed.
    pub fn trouble(seed: u64, why: &str) -> Results {
        Results { trouble: Some(told(why)), ..Results::new(seed) }
    }

    /// Adds results, in the order in which they are reported.
    pub fn add(&mut self, results: impl IntoIterator<Item = CheckResult>) {
        self.all.extend(results);
    }

    /// All results, in order.
    pub fn all(&self) -> impl Iterator<Item = &CheckResult> {
        self.all.iter()
    }

    /// All results, in order, to be completed.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut CheckResult> {
        self.all.iter_mut()
    }

    /// The chapters that were checked, in order.
    pub fn chapters(&self) -> impl Iterator<Item = &'static Chapter> {
        let checked = |chapter: &&Chapter| {
            self.all().any(|result| result.check.chapter_number() == chapter.number)
        };
        CHAPTERS.iter().copied().filter(checked)
    }

    /// The results of the checks that count.
    pub fn required(&self) -> impl Iterator<Item = &CheckResult> {
        self.all().filter(|result| result.counts)
    }

    /// What is known to be wrong with it, each mistake once.
    pub fn diagnoses(&self) -> Vec<&'static Diagnosis> {
        let mut all: Vec<&Diagnosis> = Vec::new();
        for diagnosis in self.required().filter_map(|r| r.verdict.failure()?.means) {
            if !all.contains(&diagnosis) {
                all.push(diagnosis);
            }
        }
        all
    }

    /// The check that failed first where `id` was skipped because of others; else `id` itself.
    pub fn cause<'a>(&self, id: &'a str) -> &'a str {
        let result = self.all().find(|result| result.check.id == id);
        match result.map(|result| &result.verdict) {
            Some(Verdict::Skipped { because }) => self.cause(because),
            _ => id,
        }
    }

    /// Points earned and points to be had. `None`: the grader failed, so there is no score.
    pub fn points(&self) -> Option<(u32, u32)> {
        let (earned, possible) = (CheckResult::points, CheckResult::possible);
        (self.status() != Status::GraderTrouble)
            .then(|| (self.all().map(earned).sum(), self.all().map(possible).sum()))
    }

    /// Points that are neither earned nor lost: their checks passed once and failed once.
    pub fn undecided(&self) -> u32 {
        self.all().map(CheckResult::undecided).sum()
    }

    /// The points as a table shows them: `12/14`, `0` where nothing was checked, `-` for none.
    pub fn score(&self) -> String {
        match self.points() {
            Some((points, 0)) => points.to_string(),
            Some((points, of)) => format!("{points}/{of}"),
            None => "-".to_string(),
        }
    }

    /// What all of them come to.
    pub fn status(&self) -> Status {
        let of_one = |result: &CheckResult| match result.verdict {
            Verdict::GraderTrouble(_) => Status::GraderTrouble,
            Verdict::Passed
            | Verdict::NotJudged(_)
            | Verdict::Untried(_)
            | Verdict::NotHandedIn => Status::Passed,
            Verdict::NotStarted(_) => Status::NotStarted,
            Verdict::Inconclusive(_) => Status::Inconclusive,
            Verdict::Failed(_) | Verdict::Skipped { .. } => Status::Failed,
        };
        match (&self.trouble, &self.refused) {
            (Some(_), _) => Status::GraderTrouble,
            (None, Some(_)) => Status::NotStarted,
            (None, None) => self.required().map(of_one).max().unwrap_or(Status::Passed),
        }
    }

    /// The report: a line for each check that was tried, remarks, the stories of those that
    /// failed, the sum. The first failure is the last story, so that it is on the screen.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let waits = |result: &&CheckResult| matches!(result.verdict, Verdict::Skipped { .. });
        for result in self.all().filter(|result| !waits(result)) {
            let _ = writeln!(text, "{}", report::line(result));
        }
        match self.all().filter(waits).count() {
            0 => {}
            1 => text += "1 check waits for these, and was not tried.\n",
            many => {
                let _ = writeln!(text, "{many} checks wait for these, and were not tried.");
            }
        }
        // Manners are told in short, unless one alone was asked for.
        let (whole, short): (Vec<_>, Vec<_>) =
            self.all().partition(|result| result.counts || self.all.len() == 1);
        let remarks: String = short.into_iter().map(report::remark).collect();
        if !remarks.is_empty() {
            let _ = write!(
                text,
                "\nWhat our own programs do beyond the labs, at no cost; one check alone tells\nmore:\n{remarks}"
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{}", report::wrapped_to_screen(note));
        }
        for story in whole.iter().rev().map(|result| report::story(result, &self.again)) {
            if !story.is_empty() {
                let _ = write!(text, "\n{story}");
            }
        }
        format!("{text}\n{}\n", report::wrapped_to_screen(&self.sum()))
    }

    /// Why nothing was checked, in one line, if that is so.
    pub fn headline(&self) -> Option<String> {
        let told = self.trouble.is_some() || self.refused.is_some();
        told.then(|| self.sum().lines().next().unwrap_or_default().to_string())
    }

    /// What it comes to, in one line; when nothing was checked, why.
    pub fn sum(&self) -> String {
        if let Some(why) = &self.trouble {
            return format!("NO SCORE: the grader itself met trouble: {why}");
        }
        if let Some(why) = &self.refused {
            return format!("NOT GRADED: {why}");
        }
        let score = match self.points() {
            Some((points, of)) => match self.undecided() {
                0 => format!("{points} of {of} points"),
                undecided => format!("{points} of {of} points, {undecided} undecided"),
            },
            None => "NO SCORE: the grader itself met trouble".to_string(),
        };
        let of_kind = |counts: bool| {
            let judged =
                |result: &&CheckResult| !matches!(result.verdict, Verdict::NotJudged(_));
            self.all().filter(judged).filter(move |result| result.counts == counts)
        };
        let count = |counts: bool| {
            let passed =
                of_kind(counts).filter(|r| matches!(r.verdict, Verdict::Passed)).count();
            format!("{passed} of {}", of_kind(counts).count())
        };
        format!(
            "{score}; required {}, optional {} (they cost nothing); {:.1} s",
            count(true),
            count(false),
            self.took.as_secs_f64()
        )
    }
}

/// The beginning of a text that a student or a tool may have written, made readable.
fn told(text: &str) -> String {
    const LINES: usize = 40;
    const LETTERS: usize = 200;
    let text = readable(text);
    let shown = text.lines().take(LINES).map(|line| match line.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_string(),
    });
    let mut lines: Vec<String> = shown.collect();
    let left = text.lines().count() - lines.len();
    if left > 0 {
        lines.push(format!("… {left} more lines …"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_said_is_told_in_measure() {
        assert_eq!(told("error: x\n\n  y"), "error: x\n\n  y");
        assert_eq!(told(&"a\n".repeat(50)), format!("{}… 10 more lines …", "a\n".repeat(40)));
        assert_eq!(told(&"é".repeat(1000)), format!("{}…", "é".repeat(200)));
    }

    #[test]
    fn a_refused_submission_has_no_points_and_a_failed_grader_no_score() {
        let refused = Results::refused(1, "it does not build: x\ny");
        assert_eq!((refused.score().as_str(), refused.status()), ("0", Status::NotStarted));
        assert_eq!(refused.headline().unwrap(), "NOT GRADED: it does not build: x");
        let trouble = Results::trouble(1, "no space left");
        assert_eq!((trouble.score().as_str(), trouble.status()), ("-", Status::GraderTrouble));
    }
}
