//! What the book consists of, chapter by chapter: words of prose, of listings, of sessions and of
//! tables, and how long its sentences are.

use crate::reading::markdown::Book;
use std::collections::BTreeMap;

/// What a chapter, or an appendix, consists of, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Paragraphs, lists, quotes and headings.
    pub prose: usize,
    /// Listings.
    pub listings: usize,
    /// All other fences; nearly all of them are sessions.
    pub sessions: usize,
    /// Tables.
    pub tables: usize,
    /// The sentences of the prose.
    pub sentences: usize,
}

impl Words {
    /// The words of a sentence, on average.
    pub fn mean_sentence(&self) -> f64 {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        number(self.prose) / number(self.sentences.max(1))
    }

    /// All of both.
    pub fn plus(&self, other: &Words) -> Words {
        Words {
            prose: self.prose + other.prose,
            listings: self.listings + other.listings,
            sessions: self.sessions + other.sessions,
            tables: self.tables + other.tables,
            sentences: self.sentences + other.sentences,
        }
    }
}

/// The words of each part of the book, under its number or letter, in the book's order.
pub fn words(text: &str) -> Vec<(String, Words)> {
    let book = Book::parse(text);
    let mut kinds = BTreeMap::new();
    for fence in &book.fences {
        let is_program = matches!(fence.info.as_str(), "rust" | "python");
        let kind = if is_program { "listing" } else { "session" };
        kinds
            .extend((fence.line..=fence.line + fence.lines.len() + 1).map(|line| (line, kind)));
        kinds.extend(
            [fence.line, fence.line + fence.lines.len() + 1].map(|line| (line, "mark")),
        );
    }
    let rows = book.tables.iter().flat_map(|table| &table.rows);
    kinds.extend(rows.map(|(line, _)| (*line, "table")));
    let mut parts: Vec<(String, Words)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(part) = book.headings.iter().find(|h| h.line == number && h.level == 1) {
            parts.push((part.number().to_string(), Words::default()));
        }
        let Some((_, words)) = parts.last_mut() else { continue };
        let count = line.split_whitespace().filter(|word| is_word(word)).count();
        match kinds.get(&number) {
            Some(&"listing") => words.listings += count,
            Some(&"session") => words.sessions += count,
            Some(&"table") => words.tables += count,
            None if !line.starts_with("<") && !line.starts_with('|') => {
                words.prose += count;
                words.sentences += ends(line);
            }
            _ => {}
        }
    }
    parts
}

/// What has a letter or a digit.
fn is_word(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// How many sentences end in this line. A heading has no end, and counts with the sentence below.
fn ends(line: &str) -> usize {
    let is_end = |word: &&str| {
        let bare = word.trim_end_matches(['*', '"', ')', '`', '”', '_']);
        bare.ends_with(['.', '?', '!']) && !is_number_of_item(word)
    };
    line.split_whitespace().filter(is_end).count()
}

/// `1.` in front of an item of a list.
fn is_number_of_item(word: &str) -> bool {
    word.strip_suffix('.').is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_by_what_they_belong_to() {
        let text = "# 1 One two\n\nA *b*. Is it `c`?\n1. x –\n\n<!-- from: a -->\n```rust\nlet x = 1;\n```\n\
                    ```text\na$ b\n```\n| d | e |\n|---|---|\n| f g | |\n\n# A Last\n";
        let parts = words(text);
        let one = Words { prose: 3 + 5 + 2, listings: 3, sessions: 2, tables: 4, sentences: 2 };
        let last = Words { prose: 2, ..Words::default() };
        assert_eq!(parts, [("1".to_string(), one.clone()), ("A".to_string(), last.clone())]);
        assert_eq!(one.plus(&last).prose, 12);
        assert!((one.mean_sentence() - 5.0).abs() < 0.001);
    }
}
