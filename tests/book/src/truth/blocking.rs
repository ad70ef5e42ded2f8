//! The tables of blocking calls: appendix B has a row for every call that the programs mark, and
//! a chapter repeats those of its rows that are new or that matter there.
//!
//! Below `<!-- all-blocking: FOLDER -->` a table has exactly one row for each pair of a call and
//! the function in which it waits. The first cell says both, `` `accept` in `run` ``: the folder's
//! source has `blocking("accept", …)` in its function `run`; of a method also the type is said,
//! `Room::join`, and of a function of `common` its path, `common::net::accept`. There is such a
//! table for each chapter's `src` and for `common/src`.
//!
//! Below `<!-- blocking: FOLDER -->` a table has, word for word, some of the rows that the appendix
//! has for this folder, or for those functions of `common` that the folder's source calls. So a row
//! is written in the appendix, and copied.

use crate::{
    Untrue,
    reading::{
        markdown::{Book, Mark, Table},
        source::{Source, words},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// The heads of these tables: the call, and the four questions of the book.
const HEADS: [&str; 5] =
    ["call", "waits for", "who wakes it", "if that never happens", "who else has to wait"];

/// Where the helpers are that all chapters share.
const COMMON: &str = "common/src";

/// The tables of the appendix, by their folders.
type Appendix<'a> = BTreeMap<&'a str, &'a Table>;

/// Every row that is not so, and every table that leaves out what must be there.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let appendix: Appendix = marked(book, "all-blocking")
        .map(|(mark, table)| (mark.value.as_str(), table))
        .collect();
    let mut untrue = Vec::new();
    for (mark, table) in marked(book, "all-blocking") {
        untrue.extend(check_all(mark, table, root));
    }
    for (mark, table) in marked(book, "blocking") {
        untrue.extend(check_some(mark, table, &appendix, root));
    }
    untrue
}

/// Every folder with blocking calls that the appendix has no table for.
pub fn missing(book: &Book, root: &Path) -> io::Result<Vec<Untrue>> {
    let mut folders: Vec<String> = fs::read_dir(root.join("chapters"))?
        .flatten()
        .map(|chapter| format!("chapters/{}/src", chapter.file_name().to_string_lossy()))
        .collect();
    folders.push(COMMON.to_string());
    folders.sort();
    let heading = book.headings.iter().find(|heading| heading.number() == "B");
    let line = heading.map_or(1, |heading| heading.line);
    let mut missing = Vec::new();
    for folder in folders {
        let is_there = marked(book, "all-blocking").any(|(mark, _)| mark.value == folder);
        if !is_there && !pairs(root, &folder)?.is_empty() {
            let what = format!("`<!-- all-blocking: {folder} -->` is missing");
            missing.push(Untrue::new(line, what));
        }
    }
    Ok(missing)
}

fn marked<'a>(book: &'a Book, key: &'a str) -> impl Iterator<Item = (&'a Mark, &'a Table)> {
    book.tables.iter().filter_map(move |table| Some((table.marked(key)?, table)))
}

/// Missing rows are named at the first wrong row, or else at the mark.
fn check_all(mark: &Mark, table: &Table, root: &Path) -> Vec<Untrue> {
    let expected = match pairs(root, &mark.value) {
        Ok(expected) => expected,
        Err(e) => return vec![Untrue::new(mark.line, format!("{}: {e}", mark.value))],
    };
    let (mut listed, mut wrong) = (BTreeSet::new(), heads(table));
    for (line, cells) in table.rows.iter().skip(1) {
        let call = &cells[0];
        let what = if !expected.contains(call) {
            format!("{call} is not in {}", mark.value)
        } else if listed.contains(call) {
            "this row stands twice".to_string()
        } else if cells.iter().any(|cell| ["", "…"].contains(&cell.as_str())) {
            "a cell is empty".to_string()
        } else {
            String::new()
        };
        listed.insert(call.clone());
        if !what.is_empty() {
            wrong.push((*line, what));
        }
    }
    let missing: Vec<_> = expected.difference(&listed).map(String::as_str).collect();
    if !missing.is_empty() {
        // A renamed function makes a wrong row, and one that is missing: it is one mistake.
        let lacks = format!("the table lacks {}", missing.join(", "));
        match wrong.first_mut() {
            Some((_, what)) => what.push_str(&format!(" ({lacks})")),
            None => wrong.push((mark.line, lacks)),
        }
    }
    wrong.into_iter().map(|(line, what)| Untrue::new(line, what)).collect()
}

fn check_some(mark: &Mark, table: &Table, appendix: &Appendix, root: &Path) -> Vec<Untrue> {
    let known = called(root, &mark.value)
        .and_then(|called| Ok((called, pairs(root, &mark.value)?, pairs(root, COMMON)?)));
    let (called, own, shared) = match known {
        Ok(known) => known,
        Err(e) => return vec![Untrue::new(mark.line, format!("{}: {e}", mark.value))],
    };
    let mut wrong = heads(table);
    for (line, cells) in table.rows.iter().skip(1) {
        let what = match row_of(&cells[0], &mark.value, appendix, &called) {
            _ if !own.contains(&cells[0]) && !shared.contains(&cells[0]) => {
                format!("{} is not in {}", cells[0], mark.value)
            }
            Some(row) if row == cells => continue,
            Some(row) => format!("appendix B says: | {} |", row.join(" | ")),
            None => format!("appendix B has no {} for {}", cells[0], mark.value),
        };
        wrong.push((*line, what));
    }
    wrong.into_iter().map(|(line, what)| Untrue::new(line, what)).collect()
}

/// The row that the appendix has for this call of the folder.
fn row_of<'a>(
    call: &str,
    folder: &str,
    appendix: &Appendix<'a>,
    called: &BTreeSet<String>,
) -> Option<&'a Vec<String>> {
    let shared = call.split_once(" in `common::").map(|(_, function)| function);
    let table =
        match shared.and_then(|function| function.trim_end_matches('`').rsplit("::").next()) {
            None => appendix.get(folder)?,
            Some(name) => appendix.get(COMMON).filter(|_| called.contains(name))?,
        };
    table.rows[1..].iter().map(|(_, cells)| cells).find(|cells| cells[0] == call)
}

/// The functions of `common` that the folder's source names, and those that these name in turn.
fn called(root: &Path, folder: &str) -> io::Result<BTreeSet<String>> {
    let (own, common) =
        (Source::read_all(&root.join(folder))?, Source::read_all(&root.join(COMMON))?);
    let mut codes: Vec<&str> = own.iter().map(|source| source.code.as_str()).collect();
    let mut called = BTreeSet::new();
    while let Some(code) = codes.pop() {
        for source in &common {
            for function in &source.functions {
                let name = function.name.rsplit("::").next().unwrap_or_default();
                if words(code, name).next().is_some() && called.insert(name.to_string()) {
                    codes.push(&source.code[function.range.clone()]);
                }
            }
        }
    }
    Ok(called)
}

fn heads(table: &Table) -> Vec<(usize, String)> {
    let wrong = table.rows.first().filter(|(_, heads)| heads[..] != HEADS);
    let what = |(line, _): &(usize, _)| {
        (*line, format!("the heads must be | {} |", HEADS.join(" | ")))
    };
    wrong.map(what).into_iter().collect()
}

/// The first cells of a folder's rows: its marked calls, each with its function.
fn pairs(root: &Path, folder: &str) -> io::Result<BTreeSet<String>> {
    let sources = Source::read_all(&root.join(folder))?;
    let lib = sources.iter().find(|source| folder == COMMON && source.path.ends_with("lib.rs"));
    let mut pairs = BTreeSet::new();
    for source in &sources {
        let path = lib.map_or(String::new(), |lib| path_in_common(source, lib));
        for wait in source.waits() {
            let function = source.function_at(wait.range.start);
            let name = function.map_or("", |function| function.name.as_str());
            pairs.insert(format!("`{}` in `{path}{name}`", wait.call));
        }
    }
    Ok(pairs)
}

/// What stands in front of a function's name where a chapter speaks of it: a module only if it
/// is public.
fn path_in_common(source: &Source, lib: &Source) -> String {
    let module = source.path.file_stem().unwrap_or_default().to_string_lossy();
    let is_public = lib.code.contains(&format!("pub mod {module};"));
    if is_public { format!("common::{module}::") } else { "common::".to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    /// A small workspace with a chapter and a common; the tables of a book that describes it.
    struct Small {
        root: std::path::PathBuf,
    }

    const COMMON_LIB: &str = "pub mod net;\nmod io;\n";
    const NET: &str = "pub fn accept() { blocking(\"accept\", || l.accept()) }\n";
    const IO: &str = "pub fn say() { out().put() }\n\
                      fn never() { blocking(\"read\", || s.read(b)) }\n\
                      impl Out { pub fn put(&self) { blocking(\"write\", || s.write(b)) } }\n";
    const CHAPTER: &str = "fn run() { blocking(\"read\", || net::accept()) }\n\
                           fn tell() { blocking(\"write\", || common::say()) }\n";

    const HEAD: &str = "| call | waits for | who wakes it | if that never happens | who else has to wait |\n\
                        |--|--|--|--|--|\n";

    impl Small {
        fn new(name: &str) -> Small {
            let root = env::temp_dir().join(format!("book-{name}-{}", std::process::id()));
            for (file, text) in [
                ("common/src/lib.rs", COMMON_LIB),
                ("common/src/net.rs", NET),
                ("common/src/io.rs", IO),
                ("chapters/01-a/src/main.rs", CHAPTER),
            ] {
                fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
                fs::write(root.join(file), text).unwrap();
            }
            Small { root }
        }

        fn check(&self, text: &str) -> Vec<(usize, String)> {
            let book = Book::parse(text);
            let mut untrue = check(&book, &self.root);
            untrue.extend(missing(&book, &self.root).unwrap());
            untrue.sort();
            untrue.into_iter().map(|untrue| (untrue.line, untrue.what)).collect()
        }

        fn lines(&self, text: &str) -> Vec<usize> {
            self.check(text).into_iter().map(|(line, _)| line).collect()
        }
    }

    impl Drop for Small {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.root);
        }
    }

    /// Lines 1 to 5 are the chapter's, 7 to 11 and 13 to 18 the appendix.
    fn book() -> String {
        let row = |call: &str, function: &str| {
            format!("| `{call}` in `{function}` | a | b | c | d |\n")
        };
        let (read, write) = (row("read", "run"), row("write", "tell"));
        let (accept, put) =
            (row("accept", "common::net::accept"), row("write", "common::Out::put"));
        let never = row("read", "common::never");
        let chapter = "<!-- blocking: chapters/01-a/src -->\n";
        let (own, shared) = (
            "<!-- all-blocking: chapters/01-a/src -->\n",
            "<!-- all-blocking: common/src -->\n",
        );
        format!(
            "{chapter}{HEAD}{read}{put}\n{own}{HEAD}{read}{write}\n{shared}{HEAD}{accept}{put}{never}"
        )
    }

    #[test]
    fn the_appendix_has_exactly_the_calls_of_the_source() {
        let small = Small::new("appendix");
        let good = book();
        assert_eq!(small.check(&good), []);
        let wrong = small.check(&good.replace("`write` in `tell`", "`send` in `tell`"));
        assert_eq!(wrong.len(), 1);
        assert!(
            wrong[0].0 == 11 && wrong[0].1.contains("lacks `write` in `tell`"),
            "{wrong:?}"
        );
        let short = small.check(&good.replace("| `write` in `tell` | a | b | c | d |\n", ""));
        assert_eq!(short, [(7, "the table lacks `write` in `tell`".to_string())]);
        let twice = good.replace(
            "\n\n<!-- all-blocking: common",
            "\n| `read` in `run` | a | b | c | d |\n\n<!-- all-blocking: common",
        );
        assert_eq!(small.lines(&twice), [12]);
        assert_eq!(
            small.lines(&good.replace("all-blocking: common", "blocking: common")).first(),
            Some(&1)
        );
    }

    #[test]
    fn a_chapter_repeats_rows_of_the_appendix() {
        let small = Small::new("chapter");
        let (good, row) = (book(), "| `read` in `run` | a | b | c | d |");
        let wrong = small.check(&good.replacen(row, "| `read` in `run` | a | b | c | e |", 1));
        assert_eq!(wrong, [(4, format!("appendix B says: {row}"))]);
        assert_eq!(small.lines(&good.replacen("`read` in `run`", "`read` in `tell`", 1)), [4]);
        // What is wrong in both is named in both.
        assert_eq!(small.lines(&good.replace("`read` in `run`", "`recv` in `run`")), [4, 10]);
        // The chapter calls `put` through `say`, and `never` not at all.
        let other =
            good.replacen("`write` in `common::Out::put`", "`read` in `common::never`", 1);
        assert_eq!(small.lines(&other), [5]);
        assert_eq!(small.lines(&good.replacen("who wakes it", "woken by", 1)), [2]);
    }

    #[test]
    fn no_cell_is_empty() {
        let small = Small::new("cells");
        let (row, gap) =
            ("| `write` in `tell` | a | b | c | d |", "| `write` in `tell` | a | b | c | |");
        assert_eq!(small.lines(&book().replace(row, gap)), [11]);
        assert_eq!(small.lines(&book().replace(row, &row.replace("| d |", "| … |"))), [11]);
    }
}
