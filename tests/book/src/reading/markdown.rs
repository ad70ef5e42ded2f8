//! Takes the book apart: headings, fences, tables, links and images, each with its line.
//!
//! This is no Markdown parser. It reads what the book uses, written the way the book writes
//! it: headings with `#`, fences with three backticks at the line's start, tables whose lines
//! begin with `|`, links whose target is in one line, quotes whose lines all begin with `>`, and
//! `<details>`, whose tags are in lines of their own. A comment in a line of its own is a mark for
//! the fence or table directly below it:
//!
//! | mark | what it says of the block below |
//! |------|---------------------------------|
//! | `<!-- from: FILE -->` | a listing: lines of this file ([`crate::truth::listing`]) |
//! | `<!-- continued -->` | goes on with the session above ([`crate::reading::session`]) |
//! | `<!-- all-blocking: FOLDER -->` | lists the folder's blocking calls ([`crate::truth::blocking`]) |
//! | `<!-- blocking: FOLDER -->` | repeats some of them in the chapter |
//! | `<!-- measured: FILE -->` | shows what a run has measured ([`crate::truth::measured`]) |

use crate::Untrue;

/// The marks that there are.
const MARKS: [&str; 5] = ["from", "continued", "blocking", "all-blocking", "measured"];

/// The book's parts, each kind in the book's order.
#[derive(Debug, Default)]
pub struct Book {
    /// All headings.
    pub headings: Vec<Heading>,
    /// All fenced blocks.
    pub fences: Vec<Fence>,
    /// All tables.
    pub tables: Vec<Table>,
    /// All links and images outside of fences.
    pub links: Vec<Link>,
    /// What could not be taken apart.
    pub faults: Vec<Untrue>,
}

/// A heading: `## 2.2 Watch it block`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// Its line.
    pub line: usize,
    /// 1 for `#`, 2 for `##`.
    pub level: usize,
    /// Its words, the number too.
    pub text: String,
}

impl Heading {
    /// The first word: `2.2`.
    pub fn number(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// What stands behind `#` in a link to it: the same on GitHub and in rustdoc's pages, as
    /// long as no two headings have the same words.
    pub fn anchor(&self) -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let letters = self.text.chars().filter(kept).flat_map(char::to_lowercase);
        letters.map(|c| if c == ' ' { '-' } else { c }).collect()
    }
}

/// A mark: `<!-- key: value -->`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its line.
    pub line: usize,
    /// One of the marks that there are.
    pub key: String,
    /// What stands behind the colon.
    pub value: String,
}

/// A fenced block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fence {
    /// The line that opens it; its first line is the one below.
    pub line: usize,
    /// What stands behind the backticks: `rust`, `text`.
    pub info: String,
    /// The mark above it.
    pub mark: Option<Mark>,
    /// Its lines.
    pub lines: Vec<String>,
    /// The chapter's heading, of level 1.
    pub chapter: Heading,
    /// The last heading above it.
    pub section: Heading,
    /// The last paragraph above it within the section, in one line.
    pub above: String,
    /// True if it is within `<details>`.
    pub is_folded: bool,
}

impl Fence {
    /// Its lines with their numbers in the book.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        (self.line + 1..).zip(self.lines.iter().map(String::as_str))
    }

    /// What its mark says, if the mark has this key.
    pub fn marked(&self, key: &str) -> Option<&Mark> {
        self.mark.as_ref().filter(|mark| mark.key == key)
    }
}

/// A table, without the line below its heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The mark above it.
    pub mark: Option<Mark>,
    /// The line of each row, and its cells; the first row holds the heads.
    pub rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    /// What its mark says, if the mark has this key.
    pub fn marked(&self, key: &str) -> Option<&Mark> {
        self.mark.as_ref().filter(|mark| mark.key == key)
    }
}

/// A link or an image: `[words](target)`, `![alternative](target)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its line.
    pub line: usize,
    /// True for an image.
    pub image: bool,
    /// The words that are shown, or shown instead.
    pub text: String,
    /// Where it leads.
    pub target: String,
}

impl Book {
    /// The section in which a chapter shows its program.
    pub fn program_of(&self, chapter: &str) -> Option<&Heading> {
        let section = format!("{chapter}.4 The program");
        self.headings.iter().find(|heading| heading.text == section)
    }

    /// Takes the text of a book apart.
    pub fn parse(text: &str) -> Book {
        let mut reader = Reader::default();
        for (line, text) in (1..).zip(text.lines()) {
            reader.line(line, text);
        }
        reader.end()
    }
}

/// What has been read so far, and what the next line may belong to.
#[derive(Default)]
struct Reader {
    book: Book,
    chapter: Heading,
    section: Heading,
    /// A mark that waits for its block.
    mark: Option<Mark>,
    /// The fence that is open.
    fence: Option<Fence>,
    /// The paragraph that is being read, or the last one.
    paragraph: String,
    paragraph_is_over: bool,
    /// True while the line above belongs to a table.
    in_table: bool,
    /// True if the open fence is one of a quote.
    is_quoted: bool,
    /// The line of the `<details>` that is open.
    details: Option<usize>,
    /// True while the line above is a `<summary>`.
    below_summary: bool,
}

impl Reader {
    fn line(&mut self, line: usize, text: &str) {
        let quoted = text.strip_prefix("> ").or((text == ">").then_some(""));
        if let Some(mut fence) = self.fence.take() {
            let text = if self.is_quoted { quoted.unwrap_or(text) } else { text };
            if text == "```" {
                self.book.fences.push(fence);
            } else {
                fence.lines.push(text.to_string());
                self.fence = Some(fence);
            }
            return;
        }
        self.is_quoted = quoted.is_some();
        let text = quoted.unwrap_or(text);
        if std::mem::take(&mut self.below_summary) && !text.is_empty() {
            self.fault(line, "a blank line must follow the summary: else no Markdown is read");
        }
        let was_in_table = std::mem::take(&mut self.in_table);
        if let Some(info) = text.trim_start().strip_prefix("```") {
            self.open_fence(line, text, info);
        } else if text.starts_with('|') {
            self.row(line, text, was_in_table);
        } else if let Some(comment) = text.strip_prefix("<!--") {
            self.comment(line, comment);
        } else if ["<details>", "</details>"].contains(&text) || text.starts_with("<summary>") {
            self.tag(line, text);
        } else {
            self.prose(line, text);
        }
    }

    fn open_fence(&mut self, line: usize, text: &str, info: &str) {
        if text.starts_with(' ') {
            self.fault(line, "a fence must begin at the start of its line");
        }
        self.paragraph_is_over = true;
        self.fence = Some(Fence {
            line,
            info: info.trim().to_string(),
            mark: self.mark.take(),
            lines: Vec::new(),
            chapter: self.chapter.clone(),
            section: self.section.clone(),
            above: self.paragraph.clone(),
            is_folded: self.details.is_some(),
        });
    }

    fn row(&mut self, line: usize, text: &str, goes_on: bool) {
        self.in_table = true;
        self.find_links(line, "", text);
        let inner = text.trim().trim_matches('|');
        let cells: Vec<_> = inner.split('|').map(|cell| cell.trim().to_string()).collect();
        if !goes_on {
            let mark = self.mark.take();
            self.book.tables.push(Table { mark, rows: vec![(line, cells)] });
        } else if cells.iter().any(|cell| !cell.trim_matches([':', '-']).is_empty()) {
            if let Some(table) = self.book.tables.last_mut() {
                table.rows.push((line, cells));
            }
        }
    }

    fn comment(&mut self, line: usize, comment: &str) {
        self.mark_belongs_nowhere();
        let inner = comment.strip_suffix("-->").unwrap_or_default().trim();
        let (key, value) = inner.split_once(": ").unwrap_or((inner, ""));
        if MARKS.contains(&key) {
            let (key, value) = (key.to_string(), value.trim().to_string());
            self.mark = Some(Mark { line, key, value });
        } else {
            self.fault(
                line,
                format!("a comment must be one of the marks {}", MARKS.join(", ")),
            );
        }
    }

    fn tag(&mut self, line: usize, text: &str) {
        self.mark_belongs_nowhere();
        self.paragraph_is_over = true;
        match (text, self.details) {
            ("<details>", None) => self.details = Some(line),
            ("<details>", Some(_)) => self.fault(line, "these details are within others"),
            ("</details>", _) if self.details.take().is_some() => {}
            (summary, Some(above)) if above + 1 == line && summary.ends_with("</summary>") => {
                self.below_summary = true;
            }
            _ => self.fault(line, "this tag has no `<details>` that it belongs to"),
        }
    }

    fn details_end(&mut self) {
        if let Some(open) = self.details.take() {
            self.fault(open, "these details are never closed");
        }
    }

    fn prose(&mut self, line: usize, text: &str) {
        self.mark_belongs_nowhere();
        let level = text.bytes().take_while(|b| *b == b'#').count();
        if level > 0 && text[level..].starts_with(' ') {
            self.heading(Heading { line, level, text: text[level..].trim().replace('`', "") });
        } else if text.trim().is_empty() {
            self.paragraph_is_over = true;
        } else {
            if std::mem::take(&mut self.paragraph_is_over) {
                self.paragraph.clear();
            }
            let before = std::mem::take(&mut self.paragraph);
            self.find_links(line, &before, text);
            self.paragraph = format!("{before} {}", text.trim()).trim().to_string();
        }
    }

    fn heading(&mut self, heading: Heading) {
        self.details_end();
        self.paragraph.clear();
        if heading.level == 1 {
            self.chapter = heading.clone();
        }
        self.section = heading.clone();
        self.book.headings.push(heading);
    }

    /// Finds the links that end in this line; `before` is what stands in front of it in its
    /// paragraph, where their words may begin.
    fn find_links(&mut self, line: usize, before: &str, text: &str) {
        let all = without_code(&format!("{before} {text}"));
        let known = without_code(before).matches("](").count();
        for (at, _) in all.match_indices("](").skip(known) {
            let open = all[..at].rfind('[').map_or(0, |open| open + 1);
            let target = all[at + 2..].split(')').next().unwrap_or_default();
            self.book.links.push(Link {
                line,
                image: all[..open].ends_with("!["),
                text: all[open..at].trim().to_string(),
                target: target.to_string(),
            });
        }
    }

    fn mark_belongs_nowhere(&mut self) {
        if let Some(mark) = self.mark.take() {
            self.fault(mark.line, "no fence and no table directly below this mark");
        }
    }

    fn fault(&mut self, line: usize, what: impl Into<String>) {
        self.book.faults.push(Untrue::new(line, what));
    }

    fn end(mut self) -> Book {
        self.mark_belongs_nowhere();
        self.details_end();
        if let Some(fence) = self.fence.take() {
            self.fault(fence.line, "this fence is never closed");
        }
        self.book
    }
}

/// The text with each letter of its `code` turned into `·`, so that no link is seen there.
fn without_code(text: &str) -> String {
    let mut in_code = false;
    let hide = |c| match c {
        '`' => {
            in_code = !in_code;
            '`'
        }
        _ if in_code => '·',
        _ => c,
    };
    text.chars().map(hide).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_numbers_and_anchors() {
        let book =
            Book::parse("# 3 echo-threaded: a second place to wait\n\n## 3.1 `read` it\n");
        let anchors: Vec<_> = book.headings.iter().map(Heading::anchor).collect();
        assert_eq!(anchors, ["3-echo-threaded-a-second-place-to-wait", "31-read-it"]);
        let second = &book.headings[1];
        assert_eq!((second.number(), second.line, second.level), ("3.1", 3, 2));
    }

    #[test]
    fn a_fence_knows_what_stands_above_it() {
        let text = "# 1 One\n## 1.1 Run\nold\n\nnew\ntext\n\n<!-- from: a.rs -->\n```rust\n# x\n\n```\n";
        let book = Book::parse(text);
        assert_eq!((book.headings.len(), book.faults.len()), (2, 0));
        let fence = &book.fences[0];
        assert_eq!(
            (fence.line, fence.info.as_str(), fence.above.as_str()),
            (9, "rust", "new text")
        );
        assert_eq!((fence.chapter.number(), fence.section.number()), ("1", "1.1"));
        assert_eq!(fence.marked("from").map(|mark| mark.value.as_str()), Some("a.rs"));
        assert_eq!(fence.numbered().collect::<Vec<_>>(), [(10, "# x"), (11, "")]);
    }

    #[test]
    fn a_table_has_rows_with_lines() {
        let book =
            Book::parse("<!-- blocking: a -->\n| a | b |\n|---|:-:|\n| `c` | |\n\n| d |\n");
        assert_eq!(book.tables.len(), 2);
        let rows = &book.tables[0].rows;
        assert_eq!(rows[1], (4, vec!["`c`".to_string(), String::new()]));
        assert_eq!((rows.len(), book.tables[1].mark.is_none()), (2, true));
    }

    #[test]
    fn links_and_images_are_found_outside_of_code() {
        let book = Book::parse(
            "a [b](c.md) `[x](y)` ![the\n`d`](e.svg), [f\ng](#h)\n```text\n[i](j)\n```\n",
        );
        let found: Vec<_> =
            book.links.iter().map(|l| (l.line, l.image, l.target.as_str())).collect();
        assert_eq!(found, [(1, false, "c.md"), (2, true, "e.svg"), (3, false, "#h")]);
    }

    #[test]
    fn a_fence_may_be_quoted() {
        let book = Book::parse(
            "> **Box**\n>\n> ```console\n> $ ss\n> > x\n>\n> ```\n>\n> [a](b)\n\n```text\n> y\n```\n",
        );
        let lines: Vec<_> =
            book.fences.iter().map(|fence| (fence.line, &fence.lines[..])).collect();
        let own = |lines: &[&str]| lines.iter().map(|l| l.to_string()).collect::<Vec<_>>();
        assert_eq!(lines, [(3, &own(&["$ ss", "> x", ""])[..]), (11, &own(&["> y"])[..])]);
        assert_eq!((book.fences[0].above.as_str(), book.links[0].line), ("**Box**", 9));
        assert_eq!(book.faults, []);
    }

    #[test]
    fn a_listing_may_be_folded() {
        let text = "Above.\n\n<details>\n<summary>All 3 lines</summary>\n\n<!-- from: a.rs -->\n\
                    ```rust\nx\n```\n\n</details>\n\n## 1.1 Next\n";
        let book = Book::parse(text);
        assert_eq!((book.faults.len(), book.fences[0].above.as_str()), (0, "Above."));
        assert!(book.fences[0].is_folded && book.fences[0].marked("from").is_some());
        for (from, to, line) in [
            ("</summary>\n", "</summary>", 5),
            ("</details>\n", "", 3),
            ("<details>\n", "", 3),
            ("Above.", "<details>", 3),
        ] {
            let faults = Book::parse(&text.replacen(from, to, 1)).faults;
            assert_eq!(faults.first().map(|fault| fault.line), Some(line), "{from} {faults:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let book = Book::parse(
            "<!-- form: a.rs -->\n<!-- from: a.rs -->\n\n```rust\n```\n```text\nx\n",
        );
        let lines: Vec<_> = book.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 2, 6]);
    }
}
