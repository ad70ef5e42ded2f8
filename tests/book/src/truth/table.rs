//! The book's tables: each row has a cell for each head, and what a mark above says is so.

use crate::{
    Untrue,
    reading::markdown::{Book, Table},
    truth::{blocking, measured},
};
use std::path::Path;

/// The heads of a table of what is remembered.
const MEMORY: [&str; 4] = ["what", "who remembers it", "from", "until"];

/// Every row that is not so, and every table that leaves out what must be there.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let mut untrue = blocking::check(book, root);
    for table in &book.tables {
        untrue.extend(has_holes(table));
        if let Some(mark) = table.marked("measured") {
            untrue.extend(measured::check(mark, table, root));
        }
    }
    untrue
}

/// What is wrong with the heads of a table, or with the first row that has too few cells.
fn has_holes(table: &Table) -> Option<Untrue> {
    let ((line, heads), rows) = table.rows.split_first()?;
    if heads.get(1).is_some_and(|head| head == MEMORY[1]) && heads[..] != MEMORY {
        return Some(Untrue::new(
            *line,
            format!("the heads must be | {} |", MEMORY.join(" | ")),
        ));
    }
    let (line, cells) = rows.iter().find(|(_, cells)| cells.len() != heads.len())?;
    Some(Untrue::new(*line, format!("{} heads, but {} cells", heads.len(), cells.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_head() {
        let lines = |text: &str| {
            let untrue =
                Book::parse(text).tables.iter().filter_map(has_holes).collect::<Vec<_>>();
            untrue.iter().map(|untrue| untrue.line).collect::<Vec<_>>()
        };
        assert_eq!(lines("| a | b |\n|--|--|\n| c | |\n"), []);
        assert_eq!(lines("| a | b |\n|--|--|\n| c | d |\n| c |\n"), [4]);
        let memory =
            "| what | who remembers it | from | until |\n|--|--|--|--|\n| a | b | c | d |\n";
        assert_eq!(lines(memory), []);
        assert_eq!(lines(&memory.replace("from", "since")), [1]);
    }
}
