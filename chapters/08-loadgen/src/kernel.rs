//! What the kernel counts about TCP, which no program can see on its own sockets.

use common::blocking;
use std::{array, fs};

/// What all programs together have caused: retransmits (segments sent again), listen overflows
/// (a listener's queue was full), listen drops (for this or another reason), and resets.
pub type Counters = [u64; 4];

/// The counters as they are now, on a system that has them (proc_pid_net(5)).
pub fn read() -> Option<Counters> {
    let read = |file| blocking("read", || fs::read_to_string(file)).ok();
    let (snmp, netstat) = (read("/proc/net/snmp")?, read("/proc/net/netstat")?);
    Some([
        value(&snmp, "Tcp:", "RetransSegs")?,
        value(&netstat, "TcpExt:", "ListenOverflows")?,
        value(&netstat, "TcpExt:", "ListenDrops")?,
        value(&snmp, "Tcp:", "OutRsts")?,
    ])
}

/// Each group has two lines: `Tcp: RtoMin RtoMax …`, then `Tcp: 200 120000 …`.
fn value(table: &str, group: &str, name: &str) -> Option<u64> {
    let mut lines = table.lines().filter(|line| line.split(' ').next() == Some(group));
    let (names, values) = (lines.next()?, lines.next()?);
    let (_, value) = names.split(' ').zip(values.split(' ')).find(|(n, _)| *n == name)?;
    value.parse().ok()
}

/// How much they have grown.
pub fn grown((before, after): (Counters, Counters)) -> Counters {
    array::from_fn(|n| after[n].saturating_sub(before[n]))
}

/// How many TCP errors these are. An overflow is a drop too, and counts once.
pub fn errors([retransmits, _overflows, drops, resets]: Counters) -> u64 {
    retransmits + drops + resets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_group_and_name() {
        let text = "TcpExt: Sent Drops\nTcpExt: 1 2\nIpExt: Drops\nIpExt: 3\n";
        assert_eq!(value(text, "TcpExt:", "Drops"), Some(2));
        assert_eq!(value(text, "IpExt:", "Drops"), Some(3));
        assert_eq!(value(text, "Tcp:", "Drops"), None);
        assert_eq!(value("TcpExt: A B\nTcpExt: 1", "TcpExt:", "B"), None);
    }
}
