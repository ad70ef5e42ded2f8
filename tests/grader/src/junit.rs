//! Results as JUnit XML, which every continuous integration shows: a suite for each
//! submission, a case for each check.

use crate::{html::escaped, results::Results};
use checks::{
    report::{self, Again},
    runner::{CheckResult, Verdict},
};
use std::fmt::Write;

/// The submissions as one document.
pub fn write<'a>(submissions: impl Iterator<Item = (&'a str, &'a Results)>) -> String {
    let suites: String = submissions.map(|(name, results)| suite(name, results)).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn suite(name: &str, results: &Results) -> String {
    let mut cases: Vec<Case> =
        results.all().map(|result| case(result, &results.again)).collect();
    // What was not checked at all is a case too: a suite without any counts as passed.
    cases.extend(whole(results));
    let count = |kind: &str| cases.iter().filter(|case| case.kind == kind).count();
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
        escaped(name),
        cases.len(),
        count("failure"),
        count("error"),
        count("skipped"),
        results.took.as_secs_f64()
    );
    for case in &cases {
        let _ = write!(
            text,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escaped(name),
            escaped(&case.name),
            case.seconds
        );
        let _ = match (case.kind, case.text.as_str()) {
            ("", _) => writeln!(text, "/>"),
            (kind, text_of_it) => writeln!(
                text,
                "><{kind} message=\"{}\">{}</{kind}></testcase>",
                escaped(&case.message),
                escaped(text_of_it)
            ),
        };
    }
    text + "</testsuite>\n"
}

/// A case: passed, unless `kind` names the element that says otherwise.
struct Case {
    name: String,
    kind: &'static str,
    message: String,
    text: String,
    seconds: f64,
}

fn case(result: &CheckResult, again: &Again) -> Case {
    let check = result.check;
    let (kind, message) = match &result.verdict {
        Verdict::Passed => ("", String::new()),
        Verdict::Untried(lacking) => ("skipped", format!("no {lacking} here")),
        Verdict::NotJudged(why) => ("skipped", format!("not judged: {why}")),
        // What costs nothing must not turn anything red.
        _ if !result.counts => ("skipped", "a remark: it costs nothing".into()),
        Verdict::Failed(failure) => ("failure", first_line(&failure.expected)),
        Verdict::Inconclusive(_) => ("skipped", "failed once and passed once".to_string()),
        Verdict::Skipped { because } => ("skipped", format!("needs {because}")),
        Verdict::NotHandedIn => ("skipped", "not handed in".to_string()),
        Verdict::NotStarted(why) | Verdict::GraderTrouble(why) => ("error", first_line(why)),
    };
    Case {
        name: format!("{} {}", check.id, check.title),
        kind,
        message,
        text: report::story(result, again),
        seconds: result.took.as_secs_f64(),
    }
}

/// The case of a submission that was never checked.
fn whole(results: &Results) -> Option<Case> {
    let (name, why) = match (&results.trouble, &results.refused) {
        (Some(why), _) => ("the grader works", why),
        (None, Some(why)) => ("it can be applied, built and started", why),
        (None, None) => return None,
    };
    let (name, message, text) = (name.to_string(), first_line(why), why.clone());
    Some(Case { name, kind: "error", message, text, seconds: results.took.as_secs_f64() })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_checked_is_an_error() {
        let refused =
            Results::refused(1, "it does not build:\nerror: expected `;`, found \"<\"");
        let text = write([("a&b", &refused)].into_iter());
        assert!(
            text.contains(
                "<testsuite name=\"a&amp;b\" tests=\"1\" failures=\"0\" errors=\"1\""
            )
        );
        assert!(text.contains("<error message=\"it does not build:\">it does"), "{text}");
        assert!(text.contains("found &quot;&lt;&quot;</error>"), "{text}");
    }
}
