//! `tests/checks/MISTAKES.md` says which wrong program fails which check, as the headers in
//! `mutants/` do; the test `zoo` tries that these are true. `make mistakes` writes the file.

#![allow(clippy::unwrap_used)] // what fails here fails a test

use checks::{workspace, zoo};
use std::{env, fmt::Write, fs};

const HEAD: &str = "# Mistakes, and the checks that catch them

Each check is tried on programs that are wrong in one way, because a check that no program fails
proves nothing. This table says which wrong program fails which check, and which diagnosis it is
given. The names are those of the files in `mutants/`. A number is the mistake's place in the list
of 87 mistakes that students are known to make, and each of them is here. A program without a number
is here because a check needed one.

| check | wrong program | diagnosis | mistake |
|-------|---------------|-----------|---------|
";

#[test]
fn the_table_of_mistakes_is_what_the_mutants_say() {
    let folder = workspace::root().join("tests/checks");
    let read = zoo::read_all(&folder.join("mutants")).unwrap();
    let mutants: Vec<_> = read.into_iter().flatten().collect(); // `zoo` names the unreadable
    let mut table = HEAD.to_string();
    for row in zoo::rows(&mutants) {
        let diagnosis = row.diagnosis.map(|id| format!("`{id}`")).unwrap_or_default();
        let mistake = row.mistake.map(|number| number.to_string()).unwrap_or_default();
        writeln!(table, "| `{}` | {} | {diagnosis} | {mistake} |", row.check, row.mutant)
            .unwrap();
    }
    let file = folder.join("MISTAKES.md");
    if env::var_os("MISTAKES").is_some_and(|word| word == "write") {
        fs::write(&file, &table).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    let differs = table.lines().zip(written.lines()).position(|(row, line)| row != line);
    let line = differs.unwrap_or(written.lines().count()) + 1;
    assert!(
        table == written,
        "MISTAKES.md:{line} differs from the mutants: run `make mistakes`"
    );
}
