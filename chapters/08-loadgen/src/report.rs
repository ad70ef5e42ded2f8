//! The table on stdout, the CSV file, and the exit status.

use crate::{
    burst::Step,
    graph,
    session::{Kind, Outcome},
};
use common::{Context, Error, blocking, say};
use std::{fs::File, io::Write, ops::Range, time::Duration};

/// The columns of the CSV file, the same columns in the table, their widths there, and which of
/// them are times.
const NAMES: &str = "clients,done,refused,reset,timed_out,too_many_files,wrong_answer,\
    connect_p50_ms,connect_p95_ms,connect_p99_ms,connect_max_ms,\
    session_p50_ms,session_p95_ms,session_p99_ms,session_max_ms,\
    bytes_per_s,retransmits,listen_overflows,listen_drops,resets";
const HEADING: &str = "clients  done refused reset timeout files wrong \
connect ms: p50   p95   p99   max session ms: p50   p95   p99   max    bytes/s \
resent overflow drops resets";
const WIDTHS: [usize; 20] = [7, 6, 8, 6, 8, 6, 6, 16, 6, 6, 6, 16, 6, 6, 6, 11, 7, 9, 6, 7];
const TIMES: Range<usize> = 7..15;

/// What is in a column. None: the kernel does not say, or no session was measured.
type Value = Option<f64>;

/// A file's name, and the file, open since before the run.
type Output = (String, File);

/// Where the results go.
pub struct Report {
    csv: Option<Output>,
    svg: Option<Output>,
    steps: Vec<Step>,
}

impl Report {
    /// Opens the files, because ten minutes of load are too long a way to learn that a folder
    /// is missing, and writes the headings. No file is emptied before both are open.
    pub fn begin(csv: Option<&String>, svg: Option<&String>) -> Result<Report, Error> {
        let (csv, svg) = (csv.map(open).transpose()?, svg.map(open).transpose()?);
        // It fails for a pipe, which has nothing to cut off.
        [&csv, &svg].into_iter().flatten().for_each(|(_, file)| drop(file.set_len(0)));
        append(csv.as_ref(), NAMES)?;
        say(HEADING)?;
        Ok(Report { csv, svg, steps: Vec::new() })
    }

    pub fn add(&mut self, step: Step) -> Result<(), Error> {
        let row = row(&step);
        self.steps.push(step);
        append(self.csv.as_ref(), &cells(&row, |_| 3).join(","))?;
        say(&table_line(&row))
    }

    /// Draws the graph. Fails if a session did, as the first of them did.
    pub fn end(self) -> Result<(), Error> {
        if self.svg.is_some() {
            append(self.svg.as_ref(), &graph::draw(&self.steps))?;
        }
        let sessions = || self.steps.iter().flat_map(|step| &step.sessions);
        let mut failures = sessions().filter_map(|session| session.result.as_ref().err());
        let Some(first) = failures.next() else { return Ok(()) };
        let (failed, all) = (1 + failures.count(), sessions().count());
        Err(Error::Failed(format!("{first} ({failed} of {all} sessions failed)"), None))
    }
}

fn open(name: &String) -> Result<Output, Error> {
    let file = File::options().append(true).create(true).open(name);
    Ok((name.clone(), file.context(format_args!("cannot write {name}"))?))
}

fn append(output: Option<&Output>, text: &str) -> Result<(), Error> {
    let Some((name, file)) = output else { return Ok(()) };
    blocking("write", || (&*file).write_all(format!("{text}\n").as_bytes()))
        .context(format_args!("cannot write {name}"))
}

/// The values of a step, in the order of the columns.
fn row(step: &Step) -> Vec<Value> {
    let mut counts = [step.clients, 0, 0, 0, 0, 0, 0];
    for session in &step.sessions {
        counts[session.kind().map_or(1, |kind| 2 + kind as usize)] += 1;
    }
    let mut row = Vec::from(counts.map(|count| Some(count as f64)));
    row.extend(percentiles(step, |session| session.connecting));
    row.extend(percentiles(step, |session| session.whole));
    row.push(step.samples.last().map(|end| end.bytes as f64 / step.time.as_secs_f64()));
    row.extend(step.counted.map_or([None; 4], |counters| counters.map(|n| Some(n as f64))));
    row
}

/// The percentiles of the sessions that were served or timed out, in ms. The others ended
/// before their time, and would make the server look fast.
fn percentiles(step: &Step, time: impl Fn(&Outcome) -> Duration) -> [Value; 4] {
    let waited = |session: &&Outcome| matches!(session.kind(), None | Some(Kind::TimedOut));
    let mut times: Vec<_> = step.sessions.iter().filter(waited).map(time).collect();
    times.sort_unstable();
    [50, 95, 99, 100].map(|percent| Some(percentile(&times, percent)?.as_secs_f64() * 1e3))
}

/// The shortest time that `percent` of all sessions did not exceed: one of the times that were
/// measured, and never a mean of two. `sorted` is sorted.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// The values as text, times with as many decimals as they should have.
fn cells(row: &[Value], decimals: impl Fn(f64) -> usize) -> Vec<String> {
    let cell = |(column, value): (usize, &Value)| match *value {
        Some(ms) if TIMES.contains(&column) => format!("{ms:.0$}", decimals(ms)),
        Some(count) => format!("{count:.0}"),
        None => "-".to_string(),
    };
    row.iter().enumerate().map(cell).collect()
}

/// A value that is too wide for its column pushes the next ones to the right.
fn table_line(row: &[Value]) -> String {
    let cells = cells(row, |ms| if ms < 99.95 { 2 } else { 0 });
    cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{cell:>width$}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        env, fs,
        io::{self, ErrorKind},
        process,
        time::Instant,
    };

    fn session(millis: u64, failed: Option<Kind>) -> Outcome {
        let (whole, connected) = (Duration::from_millis(millis), failed != Some(Kind::Refused));
        let result = failed.map_or(Ok(()), |kind| Err(error(kind)));
        Outcome { begun: Instant::now(), connecting: whole / 2, whole, connected, result }
    }

    /// An error that is counted as one of this kind.
    fn error(kind: Kind) -> Error {
        let kind = match kind {
            Kind::TimedOut => ErrorKind::TimedOut,
            Kind::WrongAnswer => ErrorKind::InvalidData,
            _ => ErrorKind::ConnectionRefused,
        };
        Err::<(), _>(io::Error::from(kind)).context("").unwrap_err()
    }

    fn step(sessions: Vec<Outcome>) -> Step {
        let time = Duration::from_secs(2);
        Step {
            clients: sessions.len(),
            sessions,
            start: Instant::now(),
            time,
            samples: vec![],
            counted: None,
        }
    }

    #[test]
    fn a_percentile_is_a_measured_time() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let of = |percent| percentile(&times, percent).unwrap().as_millis();
        assert_eq!([of(50), of(95), of(99), of(100)], [100, 190, 198, 200]);
        assert_eq!(percentile(&times[..1], 50).unwrap().as_millis(), 1);
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn percentiles_are_of_those_who_were_served_or_timed_out() {
        let mut sessions: Vec<_> = (0..50).map(|_| session(0, Some(Kind::Refused))).collect();
        let of = |sessions| percentiles(&step(sessions), |session| session.whole);
        sessions.push(session(40, None));
        sessions.push(session(1000, Some(Kind::TimedOut)));
        assert_eq!(of(sessions), [40.0, 1000.0, 1000.0, 1000.0].map(Some));
        assert_eq!(of(vec![session(1, Some(Kind::Refused))]), [None; 4]);
    }

    #[test]
    fn every_value_is_under_its_name() {
        let row = row(&step(vec![session(1013, None), session(34, Some(Kind::WrongAnswer))]));
        assert_eq!(row.len(), NAMES.split(',').count());
        assert_eq!(HEADING.len(), table_line(&row).len());
        let end = |column: usize| WIDTHS[..=column].iter().sum::<usize>();
        let heading = HEADING.replace("connect ms:", "").replace("session ms:", "");
        for (column, word) in heading.split_whitespace().enumerate() {
            assert!(HEADING[..end(column)].ends_with(word), "{word}");
        }
        assert_eq!(
            table_line(&row).split_whitespace().collect::<Vec<_>>()[..12],
            ["2", "1", "0", "0", "0", "0", "1", "506", "506", "506", "506", "1013"]
        );
    }

    #[test]
    fn a_file_is_kept_when_the_other_cannot_be_written() {
        let file = env::temp_dir().join(format!("kept-{}.csv", process::id()));
        let name = file.to_str().unwrap().to_string();
        fs::write(&file, "old").unwrap();
        assert!(Report::begin(Some(&name), Some(&"/missing/load.svg".to_string())).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert!(Report::begin(Some(&name), None).is_ok());
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{NAMES}\n"));
        fs::remove_file(&file).unwrap();
    }
}
