//! A chapter's table of blocking calls lists exactly the calls in its source.
//!
//! Below `<!-- blocking: FOLDER -->` (or a file) a table has a row for each pair of a call and
//! the function in which it waits, both in backticks, in its first two columns:
//!
//! - `accept` in `run`: the source has `blocking("accept", …)` in its function `run`; of a
//!   method also the type is said, `Room::join`;
//! - `read` in `common::typed`: the source calls that function of `common`, and `read` is
//!   waited in there, or in what it calls in turn.
//!
//! Nothing else, nothing twice, nothing missing. Below `<!-- calls: FOLDER … -->` the first
//! column of a table lists the names of all calls marked in these folders, each once.

use super::{
    Untrue,
    markdown::{Book, Mark, Table},
    matrix, measured,
    source::{Source, calls},
};
use std::{collections::BTreeSet, io, path::Path};

/// A call and the function in which it waits, or a call alone.
type Row = Vec<String>;

/// Every row that is not in the source, and every table that leaves out what is.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let mut untrue = Vec::new();
    for table in &book.tables {
        let Some(mark) = &table.mark else { continue };
        let (columns, expected) = match mark.key.as_str() {
            "blocking" => (2, pairs(root, &mark.value)),
            "calls" => (1, names(root, &mark.value)),
            "measured" => {
                untrue.extend(measured::check(mark, table, root));
                continue;
            }
            "zoo" => {
                untrue.extend(matrix::check(mark, table, root));
                continue;
            }
            _ => continue,
        };
        match expected {
            Ok(expected) => untrue.extend(compare(mark, table, columns, &expected)),
            Err(e) => untrue.push(Untrue::new(mark.line, format!("{}: {e}", mark.value))),
        }
    }
    untrue
}

/// Missing rows are named at the rows that stand in their place, or at the mark.
fn compare(
    mark: &Mark,
    table: &Table,
    columns: usize,
    expected: &BTreeSet<Row>,
) -> Vec<Untrue> {
    let (mut listed, mut wrong) = (BTreeSet::new(), Vec::new());
    for (line, cells) in table.rows.iter().skip(1) {
        let row: Option<Row> = (0..columns).map(|i| in_backticks(cells.get(i)?)).collect();
        let what = match row {
            None => format!("the first {columns} cells must be `names`"),
            Some(row) if !expected.contains(&row) => {
                format!("{} is not in {}", words(&row), mark.value)
            }
            Some(row) if listed.contains(&row) => "this row stands twice".to_string(),
            Some(row) => {
                listed.insert(row);
                continue;
            }
        };
        wrong.push((*line, what));
    }
    let missing: Vec<_> = expected.difference(&listed).map(words).collect();
    if missing.is_empty() || wrong.is_empty() {
        wrong.extend(missing.iter().map(|row| (mark.line, format!("the table lacks {row}"))));
    } else {
        for (_, what) in &mut wrong {
            what.push_str(&format!(" (the table lacks {})", missing.join(", ")));
        }
    }
    wrong.into_iter().map(|(line, what)| Untrue::new(line, what)).collect()
}

fn in_backticks(cell: &str) -> Option<String> {
    cell.strip_prefix('`')?.strip_suffix('`').map(String::from)
}

fn words(row: &Row) -> String {
    row.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" in ")
}

fn names(root: &Path, folders: &str) -> io::Result<BTreeSet<Row>> {
    let mut names = BTreeSet::new();
    for folder in folders.split_whitespace() {
        let sources = Source::read_all(&root.join(folder))?;
        names.extend(sources.iter().flat_map(Source::waits).map(|wait| vec![wait.call]));
    }
    Ok(names)
}

fn pairs(root: &Path, folder: &str) -> io::Result<BTreeSet<Row>> {
    let own = Source::read_all(&root.join(folder))?;
    let mut pairs = marked(&own);
    let defined: BTreeSet<_> =
        own.iter().flat_map(|source| &source.functions).map(|f| f.name.as_str()).collect();
    for shared in Shared::read_all(&root.join("common/src"))? {
        let bare = !defined.contains(shared.name.as_str());
        if own.iter().any(|source| shared.is_called(&source.code, bare)) {
            let function = shared.full_name();
            pairs.extend(shared.waits.into_iter().map(|call| vec![call, function.clone()]));
        }
    }
    Ok(pairs)
}

fn marked(sources: &[Source]) -> BTreeSet<Row> {
    let mut pairs = BTreeSet::new();
    for source in sources {
        for wait in source.waits() {
            let function = source.function_at(wait.range.start);
            pairs.insert(vec![wait.call, function.map_or(String::new(), |f| f.name.clone())]);
        }
    }
    pairs
}

/// A function of `common`, and what is waited for in it.
struct Shared {
    /// The public module that it is in; empty for the crate's root.
    module: String,
    name: String,
    /// Its signature and body.
    code: String,
    waits: BTreeSet<String>,
}

impl Shared {
    fn read_all(folder: &Path) -> io::Result<Vec<Shared>> {
        let sources = Source::read_all(folder)?;
        let lib: String = sources
            .iter()
            .filter(|s| s.path.ends_with("lib.rs"))
            .map(|s| s.code.as_str())
            .collect();
        let mut all = Vec::new();
        for source in &sources {
            let file = source.path.file_stem().unwrap_or_default().to_string_lossy();
            let is_public = lib.contains(&format!("pub mod {file};"));
            for function in &source.functions {
                let is_inside = |at| source.function_at(at) == Some(function);
                let waits =
                    source.waits().into_iter().filter(|wait| is_inside(wait.range.start));
                all.push(Shared {
                    module: if is_public { file.to_string() } else { String::new() },
                    name: function.name.clone(),
                    code: source.code[function.range.clone()].to_string(),
                    waits: waits.map(|wait| wait.call).collect(),
                });
            }
        }
        while pass_on(&mut all) {}
        Ok(all)
    }

    fn full_name(&self) -> String {
        let path = ["common", &self.module, &self.name];
        path.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("::")
    }

    /// True if the code calls this function: behind its path, or `bare` where the name is
    /// nobody else's.
    fn is_called(&self, code: &str, bare: bool) -> bool {
        let is_it = |at: usize| {
            let before = &code[..at];
            match before.strip_suffix("::") {
                Some(path) if self.module.is_empty() => path.ends_with("common"),
                Some(path) => path.ends_with(&self.module),
                None => bare && !before.ends_with('.'),
            }
        };
        calls(code, &self.name).into_iter().any(|call| is_it(call.start))
    }
}

/// Lets each function wait for what the functions wait for that it calls. True if that has
/// changed anything.
fn pass_on(all: &mut [Shared]) -> bool {
    let mut changed = false;
    for at in 0..all.len() {
        let called = all.iter().filter(|other| other.is_called(&all[at].code, true));
        let waits: BTreeSet<_> = called.flat_map(|other| other.waits.clone()).collect();
        changed |= !waits.is_subset(&all[at].waits);
        all[at].waits.extend(waits);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use checks::workspace;

    fn rows(set: BTreeSet<Row>) -> Vec<String> {
        set.iter().map(|row| row.join(" ")).collect()
    }

    #[test]
    fn a_chapter_waits_in_its_own_functions_and_in_common() {
        let of_3 = rows(pairs(workspace::root(), "chapters/03-echo-threaded/src").unwrap());
        assert_eq!(of_3, ["accept run", "read echo", "sleep run", "write echo"]);
        let of_2 = rows(pairs(workspace::root(), "chapters/02-one-to-one/src").unwrap());
        for row in ["read read_line", "accept common::net::accept", "write common::say"] {
            assert!(of_2.contains(&row.to_string()), "{row}: {of_2:?}");
        }
    }

    fn check_text(text: &str) -> Vec<(usize, String)> {
        let untrue = check(&Book::parse(text), workspace::root());
        untrue.into_iter().map(|untrue| (untrue.line, untrue.what)).collect()
    }

    const TABLE: &str = "<!-- blocking: chapters/03-echo-threaded/src -->\n\
        | call | function | waits for |\n|--|--|--|\n| `accept` | `run` | x |\n\
        | `sleep` | `run` | x |\n| `read` | `echo` | x |\n| `write` | `echo` | x |\n";

    #[test]
    fn a_table_has_exactly_the_rows_of_the_source() {
        assert_eq!(check_text(TABLE), []);
        let wrong = check_text(&TABLE.replace("`read`", "`recv`"));
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].0 == 6 && wrong[0].1.contains("lacks `read` in `echo`"), "{wrong:?}");
        let short = check_text(&TABLE.replace("| `read` | `echo` | x |\n", ""));
        assert_eq!(short, [(1, "the table lacks `read` in `echo`".to_string())]);
        let lines =
            |text: &str| check_text(text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines(&format!("{TABLE}| `read` | `echo` |\n| read | echo |\n")), [8, 9]);
        assert_eq!(
            lines("<!-- calls: chapters/03-echo-threaded/src -->\n| a |\n|--|\n| `read` |\n"),
            [1, 1, 1]
        );
        let calls = "<!-- calls: chapters/03-echo-threaded/src -->\n| a |\n|--|\n| `accept` |\n| `read` |\n| `sleep` |\n| `write` |\n";
        assert_eq!(lines(calls), []);
        assert_eq!(lines("<!-- blocking: nowhere -->\n| a |\n"), [1]);
    }
}
