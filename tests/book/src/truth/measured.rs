//! Numbers that a run of loadgen has measured. They cannot be measured again by a test, so
//! the run's CSV file stays in the project, and the book may say only what stands in it.
//!
//! Below `<!-- measured: FILE.csv -->` a table shows rows of the file. Its heading names
//! columns, in backticks, the file's first one first; each cell is the file's value, rounded to
//! as many decimals as the cell has. A graph `NAME.svg` with `NAME.csv` beside it was drawn by
//! the same run: it has a panel for each row, with the row's numbers.

use crate::{
    Untrue,
    reading::markdown::{Mark, Table},
};
use std::{fs, path::Path};

/// Every row of the table that the run did not measure.
pub fn check(mark: &Mark, table: &Table, root: &Path) -> Vec<Untrue> {
    let Some(run) = Run::read(&root.join(&mark.value)) else {
        return vec![Untrue::new(mark.line, format!("there is no run {}", mark.value))];
    };
    let Some(((line, names), rows)) = table.rows.split_first() else { return Vec::new() };
    let names: Vec<_> = names.iter().map(|name| name.trim_matches('`')).collect();
    let columns: Option<Vec<_>> = names.iter().map(|name| run.column(name)).collect();
    let Some(columns) = columns.filter(|columns| columns.first() == Some(&0)) else {
        return vec![Untrue::new(*line, format!("not the columns of {}", mark.value))];
    };
    let measured = |cells: &Vec<String>| {
        let row = run.rows.iter().find(|row| row.first() == cells.first())?;
        let is_it = |(cell, at): (&String, &usize)| row.get(*at).is_some_and(|v| is(cell, v));
        cells.iter().zip(&columns).all(is_it).then_some(())
    };
    let wrong = rows.iter().filter(|(_, cells)| measured(cells).is_none());
    wrong.map(|(line, _)| Untrue::new(*line, format!("not so in {}", mark.value))).collect()
}

/// True if the graph was drawn by the run whose numbers are in the CSV file. It may leave out some
/// of its rows.
pub fn is_graph_of(svg: &Path, csv: &Path) -> bool {
    let (Ok(svg), Some(run)) = (fs::read_to_string(svg), Run::read(csv)) else { return false };
    let Some(done) = run.column("done") else { return false };
    let mut panels = svg.split(" clients<").peekable();
    let mut before = panels.next().unwrap_or_default();
    let mut rows = run.rows.iter();
    panels.peek().is_some()
        && panels.all(|panel| {
            let clients = before.rsplit('>').next().unwrap_or_default();
            before = panel;
            rows.find(|row| row[0] == clients)
                .is_some_and(|row| panel.contains(&format!(">{} served, ", row[done])))
        })
}

/// A run's CSV file.
struct Run {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Run {
    fn read(file: &Path) -> Option<Run> {
        let text = fs::read_to_string(file).ok()?;
        let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect());
        let names: Vec<_> = lines.next()?;
        let rows: Vec<Vec<_>> = lines.collect();
        rows.iter().all(|row| row.len() == names.len()).then_some(Run { names, rows })
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

/// True if the cell says the value, rounded as the cell is.
fn is(cell: &str, value: &str) -> bool {
    let decimals = cell.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let rounded = value.parse::<f64>().map(|number| format!("{number:.decimals$}"));
    cell == value || rounded.is_ok_and(|rounded| rounded == cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::markdown::Book;
    use std::env;

    #[test]
    fn only_what_was_measured_may_be_said() {
        let folder = env::temp_dir().join(format!("measured-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.csv"), "clients,done,p99_ms\n10,10,1.234\n20,19,1027.5\n")
            .unwrap();
        let wrong = |text: &str| {
            let book = Book::parse(text);
            let table = &book.tables[0];
            let untrue = check(table.mark.as_ref().unwrap(), table, &folder);
            untrue.into_iter().map(|untrue| untrue.line).collect::<Vec<_>>()
        };
        let table = "<!-- measured: a.csv -->\n| `clients` | `p99_ms` |\n|--|--|\n| 20 | 1028 |\n| 10 | 1.2 |\n";
        assert_eq!(wrong(table), []);
        assert_eq!(wrong(&table.replace("1028", "1029")), [4]);
        assert_eq!(wrong(&table.replace("| 10 |", "| 11 |")), [5]);
        assert_eq!(wrong(&table.replace("p99", "p98")), [2]);
        assert_eq!(wrong(&table.replace("a.csv", "b.csv")), [1]);

        let (svg, csv) = (folder.join("a.svg"), folder.join("a.csv"));
        let graph = "<text>10 clients</text><text>10 served, 0 failed</text><text>20 clients</text><text>19 served, 1 failed</text>";
        fs::write(&svg, graph).unwrap();
        assert!(is_graph_of(&svg, &csv));
        fs::write(&svg, graph.replace("19", "20")).unwrap();
        assert!(!is_graph_of(&svg, &csv));
        fs::write(&svg, &graph[graph.find("<text>20").unwrap()..]).unwrap();
        assert!(is_graph_of(&svg, &csv));
        fs::write(&svg, graph.replace("20 clients", "30 clients")).unwrap();
        assert!(!is_graph_of(&svg, &csv));
        fs::remove_dir_all(&folder).unwrap();
    }
}
