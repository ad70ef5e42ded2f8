//! What time it is in a time zone, as the system's `date` says it: the contract's own measure.

use common::cause;
use std::{io, path::Path, process::Command};

/// A time zone, as the variable `TZ` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub &'static str);

/// Zones without summer time, each by its name and by POSIX's rule (in which west is plus), for
/// a machine without a zone database; and at every moment in one of them it is early morning, in
/// one afternoon, and in one another day than in UTC.
const ZONES: [(&str, &str); 7] = [
    ("Asia/Kathmandu", "XXX-5:45"),
    ("Pacific/Marquesas", "XXX9:30"),
    ("Australia/Eucla", "XXX-8:45"),
    ("Pacific/Kiritimati", "XXX-14"),
    ("Pacific/Pago_Pago", "XXX11"),
    ("Etc/GMT+3", "XXX3"),
    ("Etc/UTC", "UTC0"),
];

/// A moment by a clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Year, month and day.
    pub date: [u32; 3],
    /// Seconds since midnight.
    pub time: u32,
}

impl Moment {
    /// The hour, 0 to 23.
    pub fn hour(&self) -> u32 {
        self.time / 3600
    }
}

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone("UTC0");

    /// The first zone in which the clock shows now what is `wanted`.
    pub fn find(wanted: impl Fn(&Moment) -> bool) -> io::Result<Zone> {
        for (name, rule) in ZONES {
            // Not every language's library knows POSIX's rules, so the name comes first.
            let known = Path::new("/usr/share/zoneinfo").join(name).exists();
            let zone = Zone(if known { name } else { rule });
            if wanted(&zone.now()?) {
                return Ok(zone);
            }
        }
        Err(io::Error::other("no zone has such a time now"))
    }

    /// What its clocks show now.
    pub fn now(self) -> io::Result<Moment> {
        let said = Command::new("date").arg("+%Y %m %d %H %M %S").env("TZ", self.0).output();
        let said = said.map_err(|e| io::Error::other(format!("date: {}", cause(&e))))?;
        let text = String::from_utf8_lossy(&said.stdout);
        let numbers: Vec<u32> = text.split_whitespace().flat_map(str::parse).collect();
        match numbers[..] {
            [year, month, day, hour, minute, second] => Ok(Moment {
                date: [year, month, day],
                time: hour * 3600 + minute * 60 + second,
            }),
            _ => Err(io::Error::other(format!("date said {text:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds east of UTC, from a difference of clocks.
    fn east(name: &'static str) -> u32 {
        let (utc, there) = (Zone::UTC.now().unwrap(), Zone(name).now().unwrap());
        (there.time + 86_400 - utc.time) % 86_400
    }

    #[test]
    fn a_rule_says_the_same_as_its_name() {
        for (name, rule) in ZONES {
            let known = Path::new("/usr/share/zoneinfo").join(name).exists();
            // A second may pass between two looks.
            assert!(!known || east(name).abs_diff(east(rule)) <= 4, "{name}");
        }
        assert!(east("XXX-5:45").abs_diff(20_700) <= 2);
    }

    #[test]
    fn at_every_moment_there_is_a_zone_for_every_check() {
        let easts: Vec<u32> = ZONES.iter().map(|(_, rule)| east(rule)).collect();
        for utc in (0..86_400).step_by(600) {
            let hours: Vec<u32> = easts.iter().map(|e| (utc + e) % 86_400 / 3600).collect();
            let has = |from, to| hours.iter().any(|hour| (from..=to).contains(hour));
            assert!(has(1, 8) && has(13, 22), "{utc}: {hours:?}");
            // East by 14 hours, west by 11: one of them is beyond midnight.
            assert!(utc + 14 * 3600 >= 86_400 || utc < 11 * 3600, "{utc}");
        }
    }
}
