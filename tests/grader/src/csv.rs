//! A class as a table for a spreadsheet (RFC 4180): a row for each submission, a column for
//! each check.

use crate::class::Class;

/// The columns before those of the checks.
const COLUMNS: [&str; 7] =
    ["name", "status", "points", "of", "undecided", "seconds", "diagnoses"];

/// The class as CSV.
pub fn write(class: &Class) -> String {
    let checks = class.checks();
    let ids = checks.iter().map(|check| check.id);
    let mut rows = vec![row(COLUMNS.into_iter().chain(ids).chain(["why"]))];
    for (name, results) in class.graded() {
        let points = results.points();
        let number = |points: Option<u32>| points.map(|n| n.to_string()).unwrap_or_default();
        let mut cells = vec![
            name.to_string(),
            format!("{:?}", results.status()),
            number(points.map(|(earned, _)| earned)),
            number(points.map(|(_, of)| of)),
            number(points.map(|_| results.undecided())),
            format!("{:.1}", results.took.as_secs_f64()),
            results.diagnoses().iter().map(|d| d.id).collect::<Vec<_>>().join(" "),
        ];
        cells.extend(checks.iter().map(|check| {
            let its = results.all().find(|result| result.check.id == check.id);
            its.map(|result| result.verdict.word().to_string()).unwrap_or_default()
        }));
        cells.push(results.headline().unwrap_or_default());
        rows.push(row(cells.iter().map(String::as_str)));
    }
    rows.concat()
}

fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    cells.map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A cell, quoted where it must be. A spreadsheet takes some beginnings for a formula, and a
/// student chooses the name: an apostrophe in front makes it text.
fn cell(text: &str) -> String {
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let formula = text.trim_start().starts_with(FORMULA);
    let text = if formula { format!("'{text}") } else { text.to_string() };
    if text.contains([',', ';', '"', '\n', '\r', '\t']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_never_a_formula() {
        let cells = ["a", "a,b", "say \"hi\"\n", "=1+1"];
        assert_eq!(row(cells.into_iter()), "a,\"a,b\",\"say \"\"hi\"\"\n\",'=1+1\r\n");
    }
}
