//! The book's table of the zoo: below `<!-- zoo: FOLDER -->` a table has a row for each check and
//! each wrong program that fails it, as the headers in the folder say. `make zoo` tries
//! that the headers are true; `make figures` writes the table.

use super::{
    Untrue,
    markdown::{Book, Mark, Table},
};
use checks::zoo::{self, Row};
use common::{Context, Error};
use std::{fs, io, path::Path};

/// Every row that is not so in the folder; if there are too many or too few, the first one from
/// which on nothing fits.
pub fn check(mark: &Mark, table: &Table, root: &Path) -> Vec<Untrue> {
    let rows = match rows(&root.join(&mark.value)) {
        Ok(rows) => rows,
        Err(e) => return vec![Untrue::new(mark.line, format!("{}: {e}", mark.value))],
    };
    let listed = &table.rows[1..];
    let wrong = rows.iter().zip(listed).filter(|(row, (_, cells))| cells[..] != cells_of(row));
    let mut untrue: Vec<_> = wrong
        .map(|(row, (line, _))| {
            Untrue::new(*line, format!("here stands {} (`make figures` writes it)", text(row)))
        })
        .collect();
    if rows.len() != listed.len() {
        let what = format!("{} rows, not {}", rows.len(), listed.len());
        untrue.push(Untrue::new(mark.line, format!("{what} (`make figures` writes them)")));
        untrue.drain(1..);
    }
    untrue
}

/// Writes the book's tables of the zoo again. True if that changes it.
///
/// # Errors
/// When the book or the mutants cannot be read, or the book not be written.
pub fn write(book: &Path, root: &Path) -> Result<bool, Error> {
    let before = fs::read_to_string(book).context("cannot read the book")?;
    let mut lines: Vec<String> = before.lines().map(String::from).collect();
    let parsed = Book::parse(&before);
    let marked = |table: &&Table| table.marked("zoo").is_some();
    // From the end, so that the lines before keep their numbers.
    for table in parsed.tables.iter().rev().filter(marked) {
        let Some(mark) = table.marked("zoo") else { continue };
        let rows = rows(&root.join(&mark.value)).context("cannot read the zoo")?;
        // Lines are counted from 1: the mark, the heads, their rule, the rows.
        let begin = mark.line + 2;
        let end = begin + table.rows.len() - 1;
        lines.splice(begin..end, rows.iter().map(text));
    }
    let after = lines.join("\n") + "\n";
    if after == before {
        return Ok(false);
    }
    fs::write(book, after).context("cannot write the book")?;
    Ok(true)
}

fn rows(folder: &Path) -> io::Result<Vec<Row>> {
    let mutants: Vec<_> = zoo::read_all(folder)?.into_iter().flatten().collect();
    Ok(zoo::rows(&mutants))
}

fn cells_of(row: &Row) -> [String; 4] {
    [
        format!("`{}`", row.check),
        row.mutant.clone(),
        row.diagnosis.map_or_else(String::new, |diagnosis| format!("`{diagnosis}`")),
        row.mistake.map_or_else(String::new, |number| number.to_string()),
    ]
}

fn text(row: &Row) -> String {
    format!("| {} |", cells_of(row).join(" | "))
}
