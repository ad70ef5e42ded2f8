//! The table on stdout, the CSV file, and the exit status.

use crate::{
    graph,
    numbers::{digits, per_second, scaled},
    step::Step,
};
use common::{Context, Error, blocking, put, say};
use std::{fs::File, io::Write, time::Duration};

/// The table's heading. Twenty columns have no room for their names, so the names stand
/// stepwise above them, each at the upper end of its column's line.
const HEADING: &str = "   clients
   |    done                                                              resets
   |    | refused                                               listen_drops   |
   |    | | reset                                       listen_overflows   |   |
   |    | | | timed_out                                  retransmits   |   |   |
   |    | | | | too_many_files                       bytes_per_s   |   |   |   |
   |    | | | | | wrong_answer                                 |   |   |   |   |
   |    | | | | | |  connecting, in ms   whole session, in ms  |   |   |   |   |
   |    | | | | | |  p50  p95  p99  max  p50  p95  p99  max    |   |   |   |   |
";

/// Every column: its name in the CSV file, and where it ends in the table.
const COLUMNS: [(&str, usize); 20] = [
    ("clients", 4),
    ("done", 9),
    ("refused", 11),
    ("reset", 13),
    ("timed_out", 15),
    ("too_many_files", 17),
    ("wrong_answer", 19),
    ("connect_p50_ms", 24),
    ("connect_p95_ms", 29),
    ("connect_p99_ms", 34),
    ("connect_max_ms", 39),
    ("session_p50_ms", 44),
    ("session_p95_ms", 49),
    ("session_p99_ms", 54),
    ("session_max_ms", 59),
    ("bytes_per_s", 64),
    ("retransmits", 68),
    ("listen_overflows", 72),
    ("listen_drops", 76),
    ("resets", 80),
];

/// What is in a column.
enum Value {
    Count(u64),
    Time(Duration),
    Rate(u64),
    Unknown,
}

/// Where the results go to.
pub struct Report {
    csv: Option<Output>,
    svg: Option<Output>,
    steps: Vec<Step>,
}

/// A file, open since before the run.
struct Output {
    file: File,
    name: String,
}

impl Report {
    /// Opens the files. Ten minutes of load are too much for learning that a folder is
    /// missing.
    ///
    /// # Errors
    /// `cannot write FILE: …`.
    pub fn open(csv: Option<String>, svg: Option<String>) -> Result<Report, Error> {
        let csv = csv.map(Output::open).transpose()?;
        let svg = svg.map(Output::open).transpose()?;
        // Not before both are open: if one cannot be, what the other holds is not lost.
        for output in [&csv, &svg].into_iter().flatten() {
            let _ = output.file.set_len(0); // of a pipe or a device there is nothing to cut off
        }
        Ok(Report { csv, svg, steps: Vec::new() })
    }

    /// Writes the headings.
    ///
    /// # Errors
    /// When stdout or a file cannot be written.
    pub fn begin(&mut self) -> Result<(), Error> {
        if let Some(csv) = &mut self.csv {
            csv.append(&format!("{}\n", COLUMNS.map(|(name, _)| name).join(",")))?;
        }
        put(HEADING.as_bytes())
    }

    /// Writes the row of a step.
    ///
    /// # Errors
    /// When stdout or a file cannot be written.
    pub fn add(&mut self, mut step: Step) -> Result<(), Error> {
        let row = row(&mut step);
        if let Some(csv) = &mut self.csv {
            let cells: Vec<_> = row.iter().map(Value::exact).collect();
            csv.append(&format!("{}\n", cells.join(",")))?;
        }
        self.steps.push(step);
        say(&line(&row))
    }

    /// Draws the graph, and judges the run.
    ///
    /// # Errors
    /// When the graph cannot be written, or a session was not served: the first one's failure.
    pub fn end(mut self) -> Result<(), Error> {
        if let Some(svg) = &mut self.svg {
            svg.append(&graph::draw(&self.steps))?;
        }
        let sessions: u64 = self.steps.iter().map(|step| step.sessions).sum();
        let failed: u64 = self.steps.iter().flat_map(|step| step.failed).sum();
        match self.steps.iter().find_map(|step| step.first_failure.as_ref()) {
            None => Ok(()),
            Some(first) => Err(Error::Failed(
                format!("{first} ({failed} of {sessions} sessions failed)").into(),
            )),
        }
    }
}

impl Output {
    fn open(name: String) -> Result<Output, Error> {
        let file = File::options().append(true).create(true).open(&name);
        let file = file.context(format_args!("cannot write {name}"))?;
        Ok(Output { file, name })
    }

    fn append(&mut self, text: &str) -> Result<(), Error> {
        blocking("write", || self.file.write_all(text.as_bytes()))
            .context(format_args!("cannot write {}", self.name))
    }
}

/// The values of a step, in the order of [`COLUMNS`].
fn row(step: &mut Step) -> Vec<Value> {
    use Value::{Count, Rate, Time, Unknown};
    let mut row = vec![Count(step.clients as u64), Count(step.done)];
    row.extend(step.failed.map(Count));
    for times in [&mut step.connecting, &mut step.whole] {
        times.sort_unstable();
        row.extend([50, 95, 99, 100].map(|percent| Time(percentile(times, percent))));
    }
    row.push(Rate(per_second(step.bytes.total(), step.time)));
    row.extend(match step.counters {
        Some(c) => [c.retransmits, c.listen_overflows, c.listen_drops, c.resets].map(Count),
        None => [const { Unknown }; 4],
    });
    row
}

/// The least time that `percent` of all sessions did not exceed: one of the times that were
/// measured, and never a mean of two. `sorted` is sorted.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// A row of the table. A value that is too wide for its column pushes the next ones to the
/// right, until a column has room to spare: no digit is lost.
fn line(row: &[Value]) -> String {
    let mut line = String::new();
    for (value, (_, end)) in row.iter().zip(COLUMNS) {
        let text = value.short();
        let gap = end.saturating_sub(line.len() + text.len());
        line.push_str(&" ".repeat(if line.is_empty() { gap } else { gap.max(1) }));
        line.push_str(&text);
    }
    line
}

impl Value {
    /// For the CSV file.
    fn exact(&self) -> String {
        match self {
            Value::Count(count) | Value::Rate(count) => count.to_string(),
            Value::Time(time) => format!("{:.3}", time.as_secs_f64() * 1e3),
            Value::Unknown => "-".to_string(),
        }
    }

    /// For the table: three digits or a few more, in four characters if it can be.
    fn short(&self) -> String {
        match self {
            Value::Time(time) => digits(time.as_secs_f64() * 1e3),
            Value::Rate(bytes) => scaled(*bytes),
            other => other.exact(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_measured_time() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let of = |percent| percentile(&times, percent).as_millis();
        assert_eq!([of(50), of(95), of(99), of(100)], [100, 190, 198, 200]);
        assert_eq!(percentile(&times[..1], 50).as_millis(), 1);
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn a_file_is_kept_when_the_other_cannot_be_written() {
        let file = std::env::temp_dir().join(format!("kept-{}.csv", std::process::id()));
        let name = || Some(file.to_string_lossy().into_owned());
        std::fs::write(&file, "old").unwrap();
        assert!(Report::open(name(), Some("/missing/load.svg".to_string())).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        assert!(Report::open(name(), None).is_ok());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_heading_points_at_the_columns() {
        let lines: Vec<_> = HEADING.lines().collect();
        for (name, end) in COLUMNS.into_iter().filter(|(name, _)| !name.ends_with("_ms")) {
            let line =
                lines.iter().find(|line| line.split(' ').any(|word| word == name)).unwrap();
            let at = line.find(&format!(" {name}")).unwrap() + 1;
            assert!(at + 1 == end || at + name.len() == end, "{name}");
            assert_eq!(lines[lines.len() - 1].as_bytes()[end - 1], b'|', "{name}");
        }
        assert!(lines.iter().all(|line| line.len() <= 80));
    }

    #[test]
    fn a_row_keeps_to_80_columns_and_loses_no_digit() {
        let row = |failed, micros| {
            let mut row: Vec<_> = [1000, 1000, failed, 0, 0, 0, 0].map(Value::Count).into();
            row.extend([micros; 8].map(Duration::from_micros).map(Value::Time));
            row.extend([Value::Rate(58_123_456), Value::Count(412), Value::Count(412)]);
            row.extend([Value::Count(412), Value::Unknown]);
            line(&row)
        };
        assert_eq!(
            row(0, 1_013_400),
            "1000 1000 0 0 0 0 0 1013 1013 1013 1013 1013 1013 1013 1013  58M 412 412 412   -"
        );
        assert_eq!(
            row(123, 345_600),
            "1000 1000 123 0 0 0 0 346 346  346  346  346  346  346  346  58M 412 412 412   -"
        );
    }
}
