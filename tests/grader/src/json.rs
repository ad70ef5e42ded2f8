//! Results as JSON: Gradescope's results.json,
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format>.

use crate::results::Results;
use checks::{
    report::{self, Again},
    runner::{CheckResult, Verdict},
};
use std::fmt::Write;

/// What stands in the file until the grader has ended: no score, so that nobody takes half a
/// grade for a whole one.
pub const BEGUN: &str =
    "{\"output\":\"the grader has begun and has not ended\",\"tests\":[]}\n";

/// One submission's results.json. Where the grader failed, nothing in it is a score.
pub fn gradescope(results: &Results) -> String {
    let points = results.points();
    let scored = points.is_some();
    let tests: Vec<String> =
        results.all().map(|result| test(result, &results.again, scored)).collect();
    let score = points.map(|(earned, _)| format!("\"score\":{earned},")).unwrap_or_default();
    format!(
        "{{{score}\"execution_time\":{},\"output\":{},\"visibility\":\"visible\",\"tests\":[{}]}}\n",
        results.took.as_secs(),
        quoted(&[&results.notes[..], &[results.sum()]].concat().join("\n")),
        tests.join(",\n")
    )
}

fn test(result: &CheckResult, again: &Again, scored: bool) -> String {
    let check = result.check;
    let passed =
        matches!(result.verdict, Verdict::Passed | Verdict::Untried(_) | Verdict::NotJudged(_));
    let mut story = report::story(result, again);
    if story.is_empty() && !matches!(result.verdict, Verdict::Passed) {
        story = report::line(result);
    }
    let score = match result.possible() {
        possible @ 1.. if scored => {
            format!("\"score\":{},\"max_score\":{possible},", result.points())
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

/// A class: an object with each submission's results.json under its name.
pub fn class<'a>(submissions: impl Iterator<Item = (&'a str, &'a Results)>) -> String {
    let members: Vec<String> = submissions
        .map(|(name, results)| format!("{}:{}", quoted(name), gradescope(results).trim_end()))
        .collect();
    format!("{{{}}}\n", members.join(",\n"))
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

    #[test]
    fn a_grader_that_fails_gives_no_score() {
        let failed = gradescope(&Results::trouble(1, "no space left"));
        assert!(!failed.contains("score") && failed.contains("no space left"), "{failed}");
        assert!(!BEGUN.contains("score"));
        let refused = gradescope(&Results::refused(1, "it does not build"));
        assert!(refused.starts_with("{\"score\":0,"), "{refused}");
    }
}
