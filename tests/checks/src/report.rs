//! Results as text for people.

use crate::{
    check::Check,
    runner::{CheckResult, Verdict},
};
use common::{Context, Error};
use std::{fmt::Write, fs, path::Path};

/// How a result can be had again, for the report's last line.
#[derive(Clone, Debug, Default)]
pub struct Again {
    /// The command that runs one check again; `{id}` stands for the check.
    pub command: String,
}

impl Again {
    /// The command for this check.
    pub fn of(&self, check: &Check) -> String {
        self.command.replace("{id}", check.id)
    }
}

/// One line for a result: `ok`, its id and its sentence.
pub fn line(result: &CheckResult) -> String {
    let check = result.check;
    let (word, rest) = match &result.verdict {
        Verdict::Passed => ("ok", String::new()),
        Verdict::Failed(_) if !result.counts => ("remark", String::new()),
        Verdict::Failed(_) => ("FAILED", String::new()),
        Verdict::Skipped { because } => ("skipped", format!(" (needs {because})")),
        Verdict::NotJudged(why) => ("not judged", format!(": {why}")),
        Verdict::Untried(lacking) => ("untried", format!(" (no {lacking} here)")),
        Verdict::NotHandedIn => ("not handed in", String::new()),
        Verdict::NotStarted(_) => ("not started", String::new()),
        Verdict::Inconclusive(_) => ("INCONCLUSIVE", String::new()),
        Verdict::GraderTrouble(_) => ("GRADER TROUBLE", String::new()),
    };
    let heading = format!("{word:<8} {:<22} ", check.id);
    // Some words are longer than others, and then all lines begin a little further in.
    let indent = heading.chars().count();
    let lines = wrapped(&format!("{}{rest}", check.title), WIDTH - indent);
    format!("{heading}{}", lines.join(&format!("\n{:indent$}", "")))
}

/// A result that costs nothing, in short; nothing for one that passed.
pub fn remark(result: &CheckResult) -> String {
    match &result.verdict {
        Verdict::Failed(failure) | Verdict::Inconclusive(failure) => {
            let heading = format!("  {}\n", result.check.id);
            heading + &part("expected", &failure.expected) + &part("got", &failure.got)
        }
        _ => String::new(),
    }
}

/// The whole story of a result that did not pass; nothing for one that did.
pub fn story(result: &CheckResult, again: &Again) -> String {
    let check = result.check;
    let mut text = format!("{}\n", line(result));
    let failure = match &result.verdict {
        Verdict::Failed(failure) => failure,
        Verdict::Inconclusive(failure) => {
            text += "  it failed once and passed once under the same seed; the failure was:\n";
            failure
        }
        Verdict::NotStarted(why) => return text + &part("why", why),
        Verdict::GraderTrouble(why) => {
            return text
                + &part("why", why)
                + &part("charged", "to nobody: no points are lost");
        }
        Verdict::Passed if !result.reference.is_empty() => {
            return text + &beside(&result.did, &result.reference);
        }
        _ => return String::new(),
    };
    text += &part("asked by", check.source);
    if result.reference.is_empty() {
        text += &part("did", &shortened(&result.did).join("\n"));
    } else {
        text += &beside(&result.did, &result.reference);
    }
    text += &part("expected", &failure.expected);
    text += &part("got", &failure.got);
    text += &part("took", &format!("{:.1} s", result.took.as_secs_f64()));
    if let Some(diagnosis) = failure.means {
        text += &part("means", diagnosis.text);
    }
    text += &part("read", &format!("BOOK.md, section {}", check.book));
    // A command is copied, so it stands in one line.
    let _ = writeln!(text, "  {:<9} {}", "again", again.of(check));
    text
}

/// The steps of both programs, each pair side by side.
fn beside(did: &[String], reference: &[String]) -> String {
    const COLUMN: usize = (WIDTH - 4) / 2;
    let mut text = String::new();
    let mut line = |left: &str, right: &str| {
        let _ = writeln!(text, "{}", format!("  {left:<COLUMN$}  {right}").trim_end());
    };
    line("did", "the same with our own program");
    let (did, reference) = (shortened(did), shortened(reference));
    for n in 0..did.len().max(reference.len()) {
        let of = |steps: &[String]| {
            steps.get(n).map(|step| wrapped(step, COLUMN)).unwrap_or_default()
        };
        let (left, right) = (of(&did), of(&reference));
        for n in 0..left.len().max(right.len()) {
            let of = |lines: &[String]| lines.get(n).cloned().unwrap_or_default();
            line(&of(&left), &of(&right));
        }
    }
    text
}

/// The first and the last steps, when there are too many to read.
pub fn shortened(steps: &[String]) -> Vec<String> {
    const SHOWN: usize = 8;
    if steps.len() <= 2 * SHOWN {
        return steps.to_vec();
    }
    let (first, rest) = steps.split_at(SHOWN);
    let (middle, last) = rest.split_at(rest.len() - SHOWN);
    [first, &[format!("… {} more steps …", middle.len())], last].concat()
}

/// How wide a report is, in columns: a terminal's usual width.
const WIDTH: usize = 80;

/// A named part, its lines below each other.
fn part(name: &str, text: &str) -> String {
    let mut part = String::new();
    let lines = text.lines().flat_map(|line| wrapped(line, WIDTH - 12));
    for (n, line) in lines.enumerate() {
        let name = if n == 0 { name } else { "" };
        let _ = writeln!(part, "  {name:<9} {line}");
    }
    part
}

/// A text for a screen: its lines broken between words.
pub fn wrapped_to_screen(text: &str) -> String {
    text.lines().flat_map(|line| wrapped(line, WIDTH)).collect::<Vec<_>>().join("\n")
}

/// A line broken between words, where it is longer than `width`. A line that begins with a
/// blank is laid out already (the caret under a byte) and stays as it is.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    if line.starts_with(' ') {
        return vec![line.to_string()];
    }
    for word in line.split(' ').flat_map(|word| cut(word, width)) {
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last] += word;
        } else if lines[last].chars().count() + 1 + word.chars().count() <= width {
            lines[last] = format!("{} {word}", lines[last]);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

/// A word in pieces that are no longer than `width`: bytes that are no text make long ones.
fn cut(word: &str, width: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), word);
    while let Some((end, _)) = rest.char_indices().nth(width) {
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    pieces.push(rest);
    pieces
}

/// Writes a file, if one was asked for, as [`write_whole`] does.
///
/// # Errors
/// When it cannot be written.
pub fn write_if_asked(
    file: Option<&Path>,
    text: impl FnOnce() -> String,
) -> std::result::Result<(), Error> {
    file.map_or(Ok(()), |file| write_whole(file, &text()))
}

/// Writes a file so that whoever reads it at any moment finds it whole: beside it, then in
/// its place by one rename.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(file: &Path, text: &str) -> std::result::Result<(), Error> {
    // A link stays one; what it leads to is replaced.
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let mut beside = file.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, file))
        .context(format_args!("cannot write {}", file.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_to_a_report_stays_a_link() {
        let folder = std::env::temp_dir().join(format!("reports-{}", std::process::id()));
        let (file, link) = (folder.join("results.json"), folder.join("latest.json"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(link.is_symlink());
        fs::remove_dir_all(&folder).unwrap();
    }
}
