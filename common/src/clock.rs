//! The local time, without a time zone database: the system's `date` knows the zone.

use crate::{blocking, blocking::lock, note};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{process::Command, sync::Mutex};

/// For how many seconds an answer of `date` is trusted, so that a change to summer time is seen.
const TRUSTED: i64 = 60;

/// A moment in the zone of this machine (of `TZ`, as for `date`): the year as 2026, the month and
/// the day from 1, the hour up to 23.
#[allow(missing_docs)] // the names say it
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

impl LocalTime {
    /// The time now. Blocks while `date` is asked, and while another thread asks it: once a
    /// minute, and at midnight, so that we need no calendar.
    pub fn now() -> LocalTime {
        static LAST: Mutex<Option<(i64, LocalTime)>> = Mutex::new(None);
        let now =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs() as i64);
        let mut last = lock(&LAST);
        // Past midnight the hour is smaller: it is another day, and only `date` knows which.
        let trusted = |(asked, time): (i64, LocalTime)| {
            (0..TRUSTED).contains(&(now - asked)) && time.later(now - asked).hour >= time.hour
        };
        if !last.is_some_and(trusted) {
            *last = ask_date().or_else(|| {
                note("cannot ask the system's date for the time");
                *last
            });
        }
        let (asked, time) = last.unwrap_or_default();
        time.later(now - asked)
    }

    /// The same day, so many seconds later.
    fn later(self, seconds: i64) -> LocalTime {
        let all = self.hour * 3600 + self.minute * 60 + self.second + seconds;
        LocalTime { hour: all / 3600 % 24, minute: all / 60 % 60, second: all % 60, ..self }
    }
}

/// One moment, in seconds since 1970 and as the local clock shows it.
fn ask_date() -> Option<(i64, LocalTime)> {
    let mut date = Command::new("date");
    let answer = blocking("wait", || date.arg("+%s %Y %m %d %H %M %S").output()).ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let numbers: Vec<i64> = text.split_whitespace().map_while(|n| n.parse().ok()).collect();
    let [since_1970, year, month, day, hour, minute, second] = numbers[..] else { return None };
    Some((since_1970, LocalTime { year, month, day, hour, minute, second }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_on_from_what_date_said() {
        let (since_1970, asked) = ask_date().unwrap();
        let now = LocalTime::now();
        let (later, _) = ask_date().unwrap();
        let could_be: Vec<_> =
            (since_1970..=later).map(|t| asked.later(t - since_1970)).collect();
        assert!(could_be.contains(&now) || now.day != asked.day, "{now:?} {could_be:?}");
    }

    #[test]
    fn a_minute_and_an_hour_end() {
        let time = LocalTime { hour: 9, minute: 59, second: 58, ..LocalTime::default() };
        assert_eq!(time.later(1).second, 59);
        let next = LocalTime { hour: 10, minute: 0, second: 3, ..LocalTime::default() };
        assert_eq!(time.later(5), next);
        assert_eq!(time.later(14 * 3600 + 5), LocalTime { hour: 0, ..next });
    }
}
