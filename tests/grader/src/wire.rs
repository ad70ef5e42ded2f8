//! The form of results on their way from the grader that grades one submission to the one that grades the
//! class. ASCII has characters for exactly this, and no text in a result holds one of them
//! (see [`readable`](stage::failure::readable)).

use crate::results::Results;
use checks::{
    check,
    runner::{CheckResult, Verdict},
};
use stage::failure::{Diagnosis, Failure, Saw, readable};
use std::time::Duration;

/// Ends each record: one of the submission, then one for each check.
const RECORD: char = '\u{1e}';
/// Stands between the fields of a record.
const FIELD: &str = "\u{1f}";
/// Stands between the steps that a check did.
const STEP: &str = "\u{1d}";
/// Says of a check that the submission is asked for it.
const COUNTS: &str = "counts";
/// The last record: without it, the others are not all.
const END: &str = "end";

/// The results as text.
pub fn write(results: &Results) -> String {
    let seed = results.seed.to_string();
    let [refused, trouble] =
        [&results.refused, &results.trouble].map(|why| readable(why.as_deref().unwrap_or("")));
    let notes = results.notes.iter().map(|note| readable(note)).collect::<Vec<_>>().join(STEP);
    let head = record(&[&seed, &micros(results.took), &refused, &trouble, &notes]);
    let checks: String = results.all().map(of_check).collect();
    format!("{head}{checks}{}", record(&[END]))
}

fn record(fields: &[&str]) -> String {
    format!("{}{RECORD}", fields.join(FIELD))
}

fn micros(time: Duration) -> String {
    time.as_micros().to_string()
}

fn of_check(result: &CheckResult) -> String {
    let (first, second) = match &result.verdict {
        Verdict::Passed | Verdict::NotHandedIn => ("", ""),
        Verdict::Failed(failure) | Verdict::Inconclusive(failure) => {
            (failure.expected.as_str(), failure.got.as_str())
        }
        Verdict::Skipped { because } => (*because, ""),
        Verdict::NotJudged(why)
        | Verdict::Untried(why)
        | Verdict::NotStarted(why)
        | Verdict::GraderTrouble(why) => (why.as_str(), ""),
    };
    let means = result.verdict.failure().and_then(|failure| failure.means);
    let means = means.map(|diagnosis| diagnosis.id).unwrap_or_default();
    let (took, did) = (micros(result.took), result.did.join(STEP));
    let counts = if result.counts { COUNTS } else { "" };
    record(&[result.check.id, result.verdict.word(), counts, &took, first, second, means, &did])
}

/// The results that a text holds. `None`: it is not whole.
pub fn read(text: &str) -> Option<Results> {
    let mut records = text.split(RECORD).map(|record| record.split(FIELD).collect::<Vec<_>>());
    let [seed, took, refused, trouble, notes] = records.next()?.try_into().ok()?;
    let why = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let mut results = Results::new(seed.parse().ok()?);
    (results.took, results.refused, results.trouble) =
        (time(took)?, why(refused), why(trouble));
    results.notes = list(notes);
    let mut checks = Vec::new();
    for record in records {
        match record.as_slice() {
            [END] => {
                results.add(checks);
                return Some(results);
            }
            fields => checks.push(of_fields(fields)?),
        }
    }
    None
}

fn time(micros: &str) -> Option<Duration> {
    micros.parse().ok().map(Duration::from_micros)
}

fn of_fields(fields: &[&str]) -> Option<CheckResult> {
    let [id, word, counts, took, first, second, means, did] = *fields else { return None };
    let check = check::find(id)?;
    let failure = || Failure {
        expected: first.to_string(),
        got: second.to_string(),
        saw: Saw::default(),
        means: diagnosis(means),
    };
    let verdict = match word {
        "passed" => Verdict::Passed,
        "failed" => Verdict::Failed(failure()),
        "skipped" => Verdict::Skipped { because: check::find(first)?.id },
        "not-judged" => Verdict::NotJudged(first.to_string()),
        "untried" => Verdict::Untried(first.to_string()),
        "not-handed-in" => Verdict::NotHandedIn,
        "not-started" => Verdict::NotStarted(first.to_string()),
        "inconclusive" => Verdict::Inconclusive(failure()),
        "grader-trouble" => Verdict::GraderTrouble(first.to_string()),
        _ => return None,
    };
    // The reference is run by who reads this, if at all.
    let (counts, took, did) = (counts == COUNTS, time(took)?, list(did));
    Some(CheckResult { check, verdict, counts, did, reference: Vec::new(), took })
}

fn list(text: &str) -> Vec<String> {
    text.split(STEP).filter(|part| !part.is_empty()).map(String::from).collect()
}

fn diagnosis(id: &str) -> Option<&'static Diagnosis> {
    check::all().flat_map(|check| check.mistakes).find(|known| known.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let &[a, b, c, d, e, f] = &check::CHAPTERS[2].checks[..6] else { panic!() };
        let means = check::all().find_map(|check| check.mistakes.first().copied());
        let failure = || Failure {
            expected: "x\ny".into(),
            got: "\\u{1e}".into(),
            saw: Saw::default(),
            means,
        };
        let verdicts = [
            (a, Verdict::Passed),
            (b, Verdict::Failed(failure())),
            (c, Verdict::Inconclusive(failure())),
            (d, Verdict::Skipped { because: a.id }),
            (e, Verdict::NotStarted("why".into())),
            (f, Verdict::Untried("what".into())),
        ];
        let mut results = Results::new(7);
        results.took = Duration::from_millis(1500);
        results.notes = vec!["a note".into(), "another".into()];
        results.add(verdicts.map(|(check, verdict)| CheckResult {
            check,
            verdict,
            counts: true,
            did: vec!["one".into(), "two".into()],
            reference: Vec::new(),
            took: Duration::from_micros(3),
        }));
        let text = write(&results);
        let again = read(&text).unwrap();
        assert_eq!(format!("{again:?}"), format!("{results:?}"));
        assert_eq!(again.all().count(), 6);
        // Cut off anywhere, it is no result.
        for cut in [text.len() - 2, text.len() / 2, 3] {
            assert!(read(&text[..cut]).is_none(), "{cut}");
        }
        let refused = Results::refused(7, "it does\nnot build \u{1e}");
        let again = read(&write(&refused)).unwrap();
        assert_eq!(again.refused.as_deref(), Some("it does\nnot build \\u{1e}"));
    }
}
