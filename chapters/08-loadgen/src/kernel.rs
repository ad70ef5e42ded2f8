//! What the kernel counts about TCP, which no program can see on its own sockets.

use common::blocking;
use std::{
    fs::File,
    io::{Read, Seek},
    ops::{AddAssign, Sub},
};

/// The kernel's counters of a machine (of its network namespace), or their growth. Others
/// who use the network at the same time are counted too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Segments sent again, because nobody had acknowledged them in time.
    pub retransmits: u64,
    /// Connections that found a listener's queue full.
    pub listen_overflows: u64,
    /// Connection requests that were dropped, for this or another reason.
    pub listen_drops: u64,
    /// Reset segments sent: to refuse a connection, or to break one.
    pub resets: u64,
}

impl Counters {
    /// How many errors these are. An overflow is also a drop, and counts once.
    pub fn errors(&self) -> u64 {
        self.retransmits + self.listen_drops + self.resets
    }
}

impl Sub for Counters {
    type Output = Counters;

    fn sub(self, before: Counters) -> Counters {
        Counters {
            retransmits: self.retransmits.saturating_sub(before.retransmits),
            listen_overflows: self.listen_overflows.saturating_sub(before.listen_overflows),
            listen_drops: self.listen_drops.saturating_sub(before.listen_drops),
            resets: self.resets.saturating_sub(before.resets),
        }
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, more: Counters) {
        self.retransmits += more.retransmits;
        self.listen_overflows += more.listen_overflows;
        self.listen_drops += more.listen_drops;
        self.resets += more.resets;
    }
}

/// Linux's two tables of counters. They stay open: a run that uses up all descriptors must
/// still be able to read them.
pub struct Kernel {
    netstat: File,
    snmp: File,
}

impl Kernel {
    /// Opens the tables; none where there are none.
    pub fn open() -> Option<Kernel> {
        let netstat = File::open("/proc/net/netstat").ok()?;
        Some(Kernel { netstat, snmp: File::open("/proc/net/snmp").ok()? })
    }

    /// The counters as they stand now.
    pub fn read(&mut self) -> Option<Counters> {
        let (netstat, snmp) = (read_again(&mut self.netstat)?, read_again(&mut self.snmp)?);
        Some(Counters {
            retransmits: value(&snmp, "Tcp:", "RetransSegs")?,
            listen_overflows: value(&netstat, "TcpExt:", "ListenOverflows")?,
            listen_drops: value(&netstat, "TcpExt:", "ListenDrops")?,
            resets: value(&snmp, "Tcp:", "OutRsts")?,
        })
    }
}

fn read_again(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().ok()?;
    blocking("read", || file.read_to_string(&mut text)).ok()?;
    Some(text)
}

/// Such a table has two lines for each group: `Tcp: RtoMin RtoMax …`, then `Tcp: 200 120000 …`.
fn value(table: &str, group: &str, name: &str) -> Option<u64> {
    let mut lines = table.lines().filter(|line| line.split(' ').next() == Some(group));
    let (names, values) = (lines.next()?, lines.next()?);
    let (_, value) = names.split(' ').zip(values.split(' ')).find(|(n, _)| *n == name)?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_group_and_name() {
        let table = "TcpExt: Sent Drops\nTcpExt: 1 2\nIpExt: Drops\nIpExt: 3\n";
        assert_eq!(value(table, "TcpExt:", "Drops"), Some(2));
        assert_eq!(value(table, "IpExt:", "Drops"), Some(3));
        assert_eq!(value(table, "Tcp:", "Drops"), None);
        assert_eq!(value("TcpExt: A B\nTcpExt: 1", "TcpExt:", "B"), None);
    }
}
