//! Listings are lines of the compiled source.
//!
//! A ```` ```rust ```` fence stands below `<!-- from: FILE -->`, and its lines stand in that
//! file, one after another; only what all of them are indented by may be missing. A line that
//! says `// …` and nothing else stands for lines that are left out.

use crate::{
    Untrue,
    reading::{
        markdown::{Book, Fence},
        source::indentation,
    },
};
use std::{fs, path::Path};

/// The longest listing, in lines, unless it is folded.
const LONGEST: usize = 25;

/// What stands for lines that are left out.
const LEFT_OUT: &str = "// …";

/// The longest line of a fence, in letters. A page has room for it without scrolling.
const WIDEST: usize = 100;

/// Every listing whose lines are not in its file, at the first line that is not, and every line
/// of a fence that is too long.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let mut untrue: Vec<_> =
        book.fences.iter().filter_map(|fence| check_fence(fence, root).err()).collect();
    for fence in &book.fences {
        for (line, text) in fence.numbered() {
            let letters = text.chars().count();
            if letters > WIDEST {
                let what = format!("a line has at most {WIDEST} letters, not {letters}");
                untrue.push(Untrue::new(line, what));
            }
        }
    }
    untrue
}

fn check_fence(fence: &Fence, root: &Path) -> Result<(), Untrue> {
    let untrue = |what: &str| Err(Untrue::new(fence.line, what));
    match (fence.info.as_str(), fence.marked("from")) {
        ("", _) => untrue("a fence must say what it holds: ```text, ```sh or ```rust"),
        ("rust", None) => untrue("a listing needs `<!-- from: FILE -->` above it"),
        ("rust", Some(_)) if fence.lines.len() > LONGEST && !fence.is_folded => {
            untrue(&format!("a listing has at most {LONGEST} lines, not {}", fence.lines.len()))
        }
        ("rust", Some(from)) => {
            let Ok(source) = fs::read_to_string(root.join(&from.value)) else {
                return Err(Untrue::new(from.line, format!("there is no file {}", from.value)));
            };
            let lines: Vec<_> = source.lines().collect();
            let wrong = |at: usize| {
                let what = format!("not the next line of {}", from.value);
                Untrue::new(fence.line + 1 + at, what)
            };
            first_wrong(&fence.lines, &lines).map_or(Ok(()), |at| Err(wrong(at)))
        }
        (info, _) if info.starts_with("rust") => untrue("a listing's fence says ```rust alone"),
        (_, Some(_)) => untrue("what comes `from` a file is a listing: ```rust"),
        _ => Ok(()),
    }
}

/// The first line of a listing that the source does not have in its place, where the listing
/// fits best.
fn first_wrong(listing: &[String], source: &[&str]) -> Option<usize> {
    let fits = fits(listing, source);
    let fitting = fits.map(|(fitting, _)| fitting).max().unwrap_or(0);
    (fitting < listing.len()).then_some(fitting)
}

/// The lines of the source that a listing shows, numbered from 0: the first place behind
/// line `after`, or else the first place. `None` if it does not fit.
pub fn place(listing: &[String], source: &[&str], after: usize) -> Option<Vec<usize>> {
    let whole = |(fitting, lines): (usize, Vec<usize>)| {
        let start = *lines.first()?;
        (fitting == listing.len()).then_some((start < after, start, lines))
    };
    let places = fits(listing, source).filter_map(whole);
    places.min_by_key(|(is_before, start, _)| (*is_before, *start)).map(|(.., lines)| lines)
}

/// For each place at which a listing may begin, how many of its lines fit, and which lines of the
/// source these are.
fn fits<'a>(
    listing: &'a [String],
    source: &'a [&'a str],
) -> impl Iterator<Item = (usize, Vec<usize>)> + 'a {
    let deepest = source.iter().map(|line| indentation(line)).max().unwrap_or(0);
    let starts =
        (0..=deepest).step_by(4).flat_map(|by| (0..source.len()).map(move |at| (by, at)));
    starts.map(|(by, at)| fit(listing, source, by, at))
}

/// How many lines of the listing, indented by `by`, are found from line `at` of the source on,
/// and where.
fn fit(listing: &[String], source: &[&str], by: usize, mut at: usize) -> (usize, Vec<usize>) {
    let mut runs = listing.split(|line| line.trim() == LEFT_OUT);
    let Some(first) = runs.next() else { return (0, Vec::new()) };
    let mut fitting = common_run(first, &source[at..], by);
    let mut found: Vec<_> = (at..at + fitting).collect();
    if fitting < first.len() {
        return (fitting, found);
    }
    at += fitting;
    for run in runs {
        let best = (at..=source.len()).map(|from| (common_run(run, &source[from..], by), from));
        // Of several places the first: `max_by_key` would take the last.
        let (length, from) = best.rev().max_by_key(|(length, _)| *length).unwrap_or((0, at));
        fitting += 1 + length;
        found.extend(from..from + length);
        if length < run.len() {
            return (fitting, found);
        }
        at = from + length;
    }
    (fitting, found)
}

/// How many lines at the beginning of both are the same.
fn common_run(listing: &[String], source: &[&str], by: usize) -> usize {
    let same = |listed: &str, line: &str| match listed {
        "" => line.is_empty(),
        _ => indentation(line) >= by && line.get(by..) == Some(listed),
    };
    listing.iter().zip(source).take_while(|(listed, line)| same(listed, line)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn a() {\n    one();\n\n    if x {\n        two();\n    }\n}\n\nfn b() {\n    one();\n    three();\n}\n";

    fn wrong(listing: &str) -> Option<usize> {
        let listing: Vec<_> = listing.lines().map(String::from).collect();
        first_wrong(&listing, &SOURCE.lines().collect::<Vec<_>>())
    }

    #[test]
    fn lines_of_the_source_are_a_listing() {
        assert_eq!(wrong("fn a() {\n    one();\n\n    if x {"), None);
        assert_eq!(wrong("if x {\n    two();\n}"), None);
        assert_eq!(wrong("fn a() {\n    // …\n}\n// …\n    three();"), None);
        assert_eq!(wrong("one();\nthree();"), None);
    }

    #[test]
    fn the_first_line_that_is_not_there_is_named() {
        assert_eq!(wrong("fn a() {\n    two();"), Some(1));
        assert_eq!(wrong("one();\nfour();"), Some(1));
        assert_eq!(wrong("fn a() {\n  one();"), Some(1));
        assert_eq!(wrong("fn a() {\n    // …\n    three();\n    one();"), Some(3));
        assert_eq!(wrong("fn b() {\n    // …\nfn a() {"), Some(2));
        assert_eq!(wrong("nothing"), Some(0));
    }

    #[test]
    fn a_listing_has_its_place_in_the_source() {
        let source: Vec<_> = SOURCE.lines().collect();
        let placed = |listing: &str, after| {
            place(&listing.lines().map(String::from).collect::<Vec<_>>(), &source, after)
        };
        assert_eq!(placed("one();", 0), Some(vec![1]));
        assert_eq!(placed("one();", 2), Some(vec![9]));
        assert_eq!(placed("one();", 10), Some(vec![1]));
        assert_eq!(placed("fn a() {\n    // …\n}", 0), Some(vec![0, 6]));
        assert_eq!(placed("one();\nfour();", 0), None);
    }

    #[test]
    fn a_line_has_at_most_100_letters() {
        let text = |letters| format!("```text\n{}\n```\n", "é".repeat(letters));
        assert_eq!([check_text(&text(100)), check_text(&text(101))], [vec![], vec![2]]);
    }

    fn check_text(text: &str) -> Vec<usize> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        check(&Book::parse(text), root).into_iter().map(|untrue| untrue.line).collect()
    }

    #[test]
    fn every_listing_says_where_it_is_from() {
        let known = "<!-- from: src/truth/mod.rs -->\n```rust\npub mod listing;\n```\n";
        assert_eq!(check_text(known), []);
        assert_eq!(check_text(&known.replace("listing;", "lasting;")), [3]);
        assert_eq!(check_text(&known.replace("mod.rs", "dom.rs")), [1]);
        assert_eq!(check_text(&known.replace("```rust", "```rust,ignore")), [2]);
        assert_eq!(check_text("```rust\n```\n```\nx\n```\n```text\nx\n```\n"), [1, 3]);
        assert_eq!(check_text(&known.replace("listing;", &"\n".repeat(25))), [2]);
    }
}
