//! What a session says of a printed line, in which some parts may differ from run to run.
//!
//! | in the pattern | stands for |
//! |----------------|------------|
//! | `[..]` | anything within the line |
//! | `[µs]` | a time of less than 10 ms: what was called for was there, or the kernel had it |
//! | `[ms]` | a time from 0.5 ms to 1.5 s |
//! | `[s]` | a time of at least 0.9 s |
//!
//! A time is a number and its unit, as the programs print it: `48 us`, `12.3 ms`, `3.000 s`. The
//! sizes overlap, because the same call takes 0.2 ms in one run and 2 ms in the next (a `connect`
//! is slower when it is the first). Between the pauses that a session makes, which are seconds,
//! and what takes no pause, there is a wide gap, and it is the gap that a reader is to see.

use std::time::Duration;

/// How large a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    /// What stands for it in a pattern.
    token: &'static str,
    least: Duration,
    most: Duration,
}

const SIZES: [Size; 3] = [
    Size { token: "[µs]", least: Duration::ZERO, most: Duration::from_millis(10) },
    Size {
        token: "[ms]",
        least: Duration::from_micros(500),
        most: Duration::from_millis(1500),
    },
    Size { token: "[s]", least: Duration::from_millis(900), most: Duration::MAX },
];

/// How a line compares with its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is another line.
    Differs,
    /// It fits but for a time that is too short.
    TooShort,
    /// It fits but for a time that is too long. On a busy machine that may be an accident.
    TooLong,
    /// It is what the pattern says.
    Fits,
}

/// Compares a line with its pattern.
pub fn fit(pattern: &str, line: &str) -> Fit {
    let tokens = SIZES.iter().map(|size| size.token).chain(["[..]"]);
    let first = tokens.filter_map(|token| Some((pattern.find(token)?, token))).min();
    let Some((at, token)) = first else {
        return if pattern == line { Fit::Fits } else { Fit::Differs };
    };
    let Some(line) = line.strip_prefix(&pattern[..at]) else { return Fit::Differs };
    let pattern = &pattern[at + token.len()..];
    match SIZES.iter().find(|size| size.token == token) {
        None => {
            let rests = line.char_indices().map(|(at, _)| at).chain([line.len()]);
            rests.map(|at| fit(pattern, &line[at..])).max().unwrap_or(Fit::Differs)
        }
        Some(size) => {
            let Some((time, rest)) = leading_time(line) else { return Fit::Differs };
            let own = match time {
                _ if time < size.least => Fit::TooShort,
                _ if time > size.most => Fit::TooLong,
                _ => Fit::Fits,
            };
            own.min(fit(pattern, rest))
        }
    }
}

/// The time that the text begins with, and the rest of the text.
fn leading_time(text: &str) -> Option<(Duration, &str)> {
    let (number, rest) = text.split_once(' ')?;
    let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let time = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
    Some((time, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_for_anything_within_a_line() {
        for (pattern, line) in [
            ("a", "a"),
            ("[..]", ""),
            ("at 127.0.0.1:[..] now", "at 127.0.0.1:4711 now"),
            ("[..]a[..]a", "bacada"),
        ] {
            assert_eq!(fit(pattern, line), Fit::Fits, "{pattern}");
        }
        for (pattern, line) in
            [("a", "b"), ("a", "ab"), ("a[..]a", "a"), ("[..]x[..]", "abc"), ("a[..]c", "abd")]
        {
            assert_eq!(fit(pattern, line), Fit::Differs, "{pattern}");
        }
    }

    #[test]
    fn a_time_must_have_its_size() {
        for (size, time, expected) in [
            ("[µs]", "0 us", Fit::Fits),
            ("[µs]", "198 µs", Fit::Fits),
            ("[µs]", "2.3 ms", Fit::Fits),
            ("[µs]", "10.1 ms", Fit::TooLong),
            ("[µs]", "1.000 s", Fit::TooLong),
            ("[ms]", "499 us", Fit::TooShort),
            ("[ms]", "500 us", Fit::Fits),
            ("[ms]", "1.5 s", Fit::Fits),
            ("[ms]", "1.501 s", Fit::TooLong),
            ("[s]", "899.9 ms", Fit::TooShort),
            ("[s]", "900.0 ms", Fit::Fits),
            ("[s]", "3.004 s", Fit::Fits),
            ("[s]", "soon s", Fit::Differs),
            ("[s]", "3 m", Fit::Differs),
        ] {
            let (pattern, line) =
                (format!("waited {size} in read"), format!("waited {time} in read"));
            assert_eq!(fit(&pattern, &line), expected, "{size} {time}");
        }
    }

    #[test]
    fn a_wrong_size_is_told_from_a_wrong_line() {
        let pattern = "[..] waited [µs] in read, [s]";
        assert_eq!(fit(pattern, "a waited 3.000 s in read, 1.000 s"), Fit::TooLong);
        assert_eq!(fit(pattern, "a waited 3.000 s in read, 1 us"), Fit::TooShort);
        assert_eq!(fit(pattern, "a waited 3.000 s in write, 1.000 s"), Fit::Differs);
        assert_eq!(fit("[..] [s] x", "1 us 2 s 3 s x"), Fit::Fits);
    }
}
