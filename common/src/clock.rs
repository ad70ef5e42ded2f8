//! The local time, without a time zone database: the system's `date` knows the zone.

use crate::{blocking, note};
use std::{
    process::Command,
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long an answer of `date` is trusted, so that a change to summer time is seen.
const ZONE_AGE: Duration = Duration::from_secs(60);

/// A moment in the zone of this machine (of `TZ`, as for `date`): the year as 2026, the month and
/// the day from 1, the hour up to 23.
#[allow(missing_docs)] // the names say it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
}

impl LocalTime {
    /// The time now.
    pub fn now() -> LocalTime {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        LocalTime::at(i64::try_from(now.as_secs()).unwrap_or(i64::MAX / 2) + zone_offset())
    }

    /// The calendar by plain arithmetic, from seconds since 1970-01-01 00:00:00. The year
    /// begins in March here, so that the leap day is its last: Howard Hinnant's
    /// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    fn at(seconds: i64) -> LocalTime {
        let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year =
            day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        LocalTime {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }
}

/// How many seconds the local clock is ahead of UTC. Asks `date` when its last answer is too
/// old; meanwhile another thread that wants to know waits at the lock.
fn zone_offset() -> i64 {
    static ZONE: Mutex<Option<(Instant, i64)>> = Mutex::new(None);
    let mut zone = blocking("lock", || ZONE.lock()).unwrap_or_else(|lock| lock.into_inner());
    if let Some((_, offset)) = zone.filter(|(asked, _)| asked.elapsed() < ZONE_AGE) {
        return offset;
    }
    let offset = ask_date().or(zone.map(|(_, offset)| offset)).unwrap_or_else(|| {
        note("cannot ask the system's date for the time zone: using UTC");
        0
    });
    *zone = Some((Instant::now(), offset));
    offset
}

/// One moment as seconds since 1970 and as the local clock shows it. `%z` would not do: it has
/// no seconds, and a zone may (`right/UTC` counts the leap seconds).
fn ask_date() -> Option<i64> {
    let mut date = Command::new("date");
    let answer = blocking("wait", || date.arg("+%s %d %H %M %S").output()).ok()?;
    offset(std::str::from_utf8(&answer.stdout).ok()?)
}

fn offset(text: &str) -> Option<i64> {
    let numbers: Vec<i64> = text.split_whitespace().map_while(|n| n.parse().ok()).collect();
    let [since_1970, day, hour, minute, second] = numbers[..] else { return None };
    let ahead = (hour * 3600 + minute * 60 + second - since_1970).rem_euclid(86_400);
    // The time of day alone does not tell ahead from behind; the day does.
    [ahead, ahead - 86_400]
        .into_iter()
        .find(|ahead| LocalTime::at(since_1970 + ahead).day == day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_agrees_with_date() {
        // Each line is what `date -u -d @SECONDS '+%Y %m %d %H %M %S'` prints.
        for (seconds, text) in [
            (0, "1970 1 1 0 0 0"),
            (951_782_399, "2000 2 28 23 59 59"),
            (951_782_400, "2000 2 29 0 0 0"),
            (1_709_251_199, "2024 2 29 23 59 59"),
            (4_107_542_400, "2100 3 1 0 0 0"),
            (-1, "1969 12 31 23 59 59"),
        ] {
            let t = LocalTime::at(seconds);
            let got =
                [t.year, t.month, t.day, t.hour, t.minute, t.second].map(|n| n.to_string());
            assert_eq!(got.join(" "), text);
        }
    }

    #[test]
    fn a_zone_is_ahead_by_seconds_too() {
        let ahead = |local: &str| offset(&format!("951782400 {local}\n"));
        assert_eq!(ahead("29 00 00 00"), Some(0));
        assert_eq!(ahead("29 01 02 03"), Some(3723)); // TZ=AAA-1:02:03
        assert_eq!(ahead("28 23 59 33"), Some(-27)); // TZ=right/UTC, some years later
        assert_eq!(ahead("29 05 30 00"), Some(19_800));
        assert_eq!(ahead("28 20 30 00"), Some(-12_600));
        assert_eq!(["", "now", "1 29 00"].map(offset), [None; 3]);
    }
}
