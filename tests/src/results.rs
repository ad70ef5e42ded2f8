//! The results of one submission: as text for people, as JSON for Gradescope.

use crate::{
    check::{Chapter, Kind},
    report::{self, Again},
    runner::{Result, Verdict},
};
use std::{fmt::Write, time::Duration};

/// What was found in one submission.
#[derive(Debug, Default)]
pub struct Results {
    seed: u64,
    chapters: Vec<(&'static Chapter, Vec<Result>)>,
    refused: Option<String>,
    took: Duration,
}

impl Results {
    /// None yet.
    pub fn new(seed: u64) -> Results {
        Results { seed, ..Results::default() }
    }

    /// The results of a submission that could not be applied or built.
    pub fn refused(why: &str) -> Results {
        Results { refused: Some(why.to_string()), ..Results::default() }
    }

    /// Adds a chapter's.
    pub fn add(&mut self, chapter: &'static Chapter, results: Vec<Result>, took: Duration) {
        self.chapters.push((chapter, results));
        self.took += took;
    }

    /// All results, in order.
    pub fn all(&self) -> impl Iterator<Item = &Result> {
        self.chapters.iter().flat_map(|(_, results)| results)
    }

    /// Points earned and points to be had.
    pub fn points(&self) -> (u32, u32) {
        (
            self.all().map(Result::points).sum(),
            self.all().map(|result| result.check.points).sum(),
        )
    }

    fn is_void(&self) -> bool {
        self.all().any(|result| matches!(result.verdict, Verdict::GraderTrouble(_)))
    }

    /// The report: a line for each check, the stories of those that failed, the sum.
    pub fn text(&self, again: &Again) -> String {
        let mut text = String::new();
        for result in self.all() {
            let _ = writeln!(text, "{}", report::line(result));
        }
        // What counts is told first, and whole.
        for result in self.all().filter(|result| result.check.kind != Kind::Manners) {
            let story = report::story(result, again);
            if !story.is_empty() {
                let _ = write!(text, "\n{story}");
            }
        }
        let manners = self.all().filter(|result| result.check.kind == Kind::Manners);
        let remarks: String = manners.map(report::remark).collect();
        if !remarks.is_empty() {
            let _ = write!(
                text,
                "\nWhat our own programs do beyond the labs; it costs nothing:\n{remarks}"
            );
        }
        text + &self.sum()
    }

    fn sum(&self) -> String {
        let count = |required: bool| {
            let of_kind =
                || self.all().filter(|r| (r.check.kind == Kind::Required) == required);
            let passed = of_kind().filter(|r| matches!(r.verdict, Verdict::Passed)).count();
            format!("{passed} of {}", of_kind().count())
        };
        let (points, of) = self.points();
        let score = if self.is_void() {
            "no score: the grader itself met trouble".to_string()
        } else {
            format!("{points} of {of} points")
        };
        format!(
            "\n{score}; required {}, manners {} (they cost nothing); {:.1} s\n",
            count(true),
            count(false),
            self.took.as_secs_f64()
        )
    }

    /// Gradescope's results.json:
    /// <https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format>.
    pub fn gradescope(&self) -> String {
        let again = Again { command: format!("grade … --only {{id}} --seed {}", self.seed) };
        let tests: Vec<String> = self.all().map(|result| test(result, &again)).collect();
        let output = match &self.refused {
            Some(why) => format!("not graded: {why}"),
            None => self.sum().trim().to_string(),
        };
        let score = if self.is_void() {
            String::new()
        } else {
            format!("\"score\":{},", self.points().0)
        };
        format!(
            "{{{score}\"execution_time\":{},\"output\":{},\"visibility\":\"visible\",\"tests\":[{}]}}\n",
            self.took.as_secs(),
            quoted(&output),
            tests.join(",\n")
        )
    }
}

fn test(result: &Result, again: &Again) -> String {
    let check = result.check;
    let passed = matches!(result.verdict, Verdict::Passed);
    let mut story = report::story(result, again);
    if story.is_empty() && !passed {
        story = report::line(result);
    }
    let score = match check.kind {
        Kind::Required => {
            format!("\"score\":{},\"max_score\":{},", result.points(), check.points)
        }
        _ => String::new(),
    };
    format!(
        "{{{score}\"status\":\"{}\",\"name\":{},\"number\":\"{}\",\"output\":{}}}",
        if passed { "passed" } else { "failed" },
        quoted(check.title),
        check.id,
        quoted(&story)
    )
}

/// A JSON string (RFC 8259, section 7).
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted += "\\n",
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_string_escapes_what_it_must() {
        assert_eq!(quoted("a\"b\\c\nd\u{1b}é"), "\"a\\\"b\\\\c\\nd\\u001bé\"");
    }
}
