//! How much of each program is on the page.
//!
//! A chapter shows its program in its section `N.4 The program`, in listings that follow each
//! other as in the file. Counted are all lines of the chapter's `src` that are not blank and not
//! compiled for tests alone; one is shown if any listing of the chapter has it, folded or not.

use crate::{
    Untrue,
    reading::{markdown::Book, source::Source},
    truth::listing::place,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// How much of a program must be shown, in percent; of those with many options or long reports,
/// these may be missing.
const LEAST: [(&str, usize); 9] = [
    ("01", 90),
    ("02", 90),
    ("03", 90),
    ("04", 90),
    ("05", 90),
    ("06", 90),
    ("07", 60),
    ("08", 60),
    ("09", 90),
];

/// How much of a chapter's program is shown.
#[derive(Debug)]
pub struct Share {
    /// The chapter's number: `1`.
    pub chapter: String,
    /// How many lines are shown, and how many there are.
    pub lines: (usize, usize),
    /// How many percent there must be.
    pub least: usize,
    /// True if all listings have their places. One that has none is named, and what it would show
    /// is no second mistake.
    all_fit: bool,
    /// The lines of the listings that come before those above them.
    goes_back: Vec<usize>,
}

impl Share {
    /// In percent, rounded down.
    pub fn percent(&self) -> usize {
        let (shown, all) = self.lines;
        100 * shown / all.max(1)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, all) = self.lines;
        let (chapter, percent, least) = (&self.chapter, self.percent(), self.least);
        write!(
            f,
            "chapter {chapter} shows {shown} of {all} lines, {percent} % (at least {least})"
        )
    }
}

/// Every listing that does not follow the one above it in the file, and every chapter that shows
/// too little of its program.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let shares = match shares(book, root) {
        Ok(shares) => shares,
        Err(e) => return vec![Untrue::new(1, format!("cannot read the source: {e}"))],
    };
    let mut untrue = Vec::new();
    for share in &shares {
        let what = "this comes before what is shown of the file above";
        untrue.extend(share.goes_back.iter().map(|line| Untrue::new(*line, what)));
        if share.all_fit && share.percent() < share.least {
            let line = book.program_of(&share.chapter).map_or(1, |heading| heading.line);
            untrue.push(Untrue::new(line, share.to_string()));
        }
    }
    untrue
}

/// The share of each chapter, in their order.
pub fn shares(book: &Book, root: &Path) -> io::Result<Vec<Share>> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root.join("chapters"))?.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    folders.iter().filter_map(|folder| share(book, root, folder).transpose()).collect()
}

/// `None` for a folder that is no chapter.
fn share(book: &Book, root: &Path, folder: &Path) -> io::Result<Option<Share>> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let Some((two_digits, least)) = LEAST.into_iter().find(|(two, _)| name.starts_with(two))
    else {
        return Ok(None);
    };
    let chapter = two_digits.trim_start_matches('0').to_string();
    let placed = placed(book, root, &chapter);
    let (mut count, mut all) = (0, 0);
    for source in Source::read_all(&folder.join("src"))? {
        let of_file = placed.iter().filter(|listing| listing.file == source.path);
        let shown: BTreeSet<_> =
            of_file.flat_map(|listing| listing.lines.iter().copied()).collect();
        let is_shown = |line: &usize| shown.contains(&(line - 1));
        all += source.lines().count();
        count += source.lines().filter(is_shown).count();
    }
    let own = book.fences.iter().filter(|fence| fence.chapter.number() == chapter);
    let all_fit = own.filter(|f| f.marked("from").is_some()).count() == placed.len();
    let goes_back = placed.iter().filter(|listing| listing.goes_back).map(|l| l.line).collect();
    Ok(Some(Share { chapter, lines: (count, all), least, all_fit, goes_back }))
}

/// A listing, and where it stands in its file.
struct Placed {
    /// Its line in the book.
    line: usize,
    file: PathBuf,
    /// The lines of the file, from 0.
    lines: Vec<usize>,
    /// True if it is no later in the file than the listing above it in `The program`.
    goes_back: bool,
}

/// All listings of a chapter that fit their files.
fn placed(book: &Book, root: &Path, chapter: &str) -> Vec<Placed> {
    let (mut ends, mut all) = (BTreeMap::<PathBuf, usize>::new(), Vec::new());
    let section = book.program_of(chapter);
    for fence in book.fences.iter().filter(|fence| fence.chapter.number() == chapter) {
        let Some(from) = fence.marked("from") else { continue };
        let file = root.join(&from.value);
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let source: Vec<_> = text.lines().collect();
        let in_order = Some(&fence.section) == section;
        let after = if in_order { ends.get(&file).copied().unwrap_or(0) } else { 0 };
        let Some(lines) = place(&fence.lines, &source, after) else { continue };
        if let Some(last) = lines.last().filter(|_| in_order) {
            ends.insert(file.clone(), last + 1);
        }
        let goes_back = lines.first().is_some_and(|first| *first < after);
        all.push(Placed { line: fence.line, file, lines, goes_back });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    const SOURCE: &str = "//! a\n\nfn b() {\n    1;\n    2;\n}\n\nfn c() {\n    1;\n    3;\n}\n\n\
                          #[cfg(test)]\nmod tests {\n    x\n}\n";

    fn checked(listings: &[&str]) -> (Vec<String>, Vec<usize>) {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root = env::temp_dir().join(format!("book-share-{}-{count}", std::process::id()));
        fs::create_dir_all(root.join("chapters/01-a/src")).unwrap();
        fs::write(root.join("chapters/01-a/src/main.rs"), SOURCE).unwrap();
        let mut text = "# 1 A\n## 1.4 The program\n".to_string();
        for listing in listings {
            text +=
                &format!("<!-- from: chapters/01-a/src/main.rs -->\n```rust\n{listing}\n```\n");
        }
        let book = Book::parse(&text);
        let shares = shares(&book, &root).unwrap().iter().map(Share::to_string).collect();
        let lines = check(&book, &root).into_iter().map(|untrue| untrue.line).collect();
        fs::remove_dir_all(&root).unwrap();
        (shares, lines)
    }

    const B: &str = "fn b() {\n    1;\n    2;\n}";
    const C: &str = "fn c() {\n    1;\n    3;\n}";

    #[test]
    fn too_little_of_a_program_is_named() {
        let all = "chapter 1 shows 9 of 9 lines, 100 % (at least 90)".to_string();
        assert_eq!(checked(&["//! a", B, C]), (vec![all], vec![]));
        assert_eq!(checked(&[B, &C.replace("3;", "4;")]).1, []); // `listing` names the line
        let less = "chapter 1 shows 8 of 9 lines, 88 % (at least 90)".to_string();
        assert_eq!(checked(&[B, C]), (vec![less], vec![2]));
    }

    #[test]
    fn a_listing_follows_the_one_above_it() {
        assert_eq!(checked(&["//! a", C, B]).1, [15]);
        // The `1;` that follows is meant, not the first one.
        assert_eq!(checked(&["//! a", B, "fn c() {", "1;", "    3;\n}"]).1, []);
    }
}
