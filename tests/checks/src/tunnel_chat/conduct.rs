//! Chapter 9, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("09.refused");

pub(super) static IPV6: Check = manners::ipv6("09.ipv6").needs(&[&CONNECTS]);

pub(super) static HELP: Check = manners::help("09.help", Role::Server);

pub(super) static VERSION: Check = manners::version("09.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("09.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("09.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("09.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("09.trace", Role::Server).needs(&[&LISTENS]);
