//! Chapter 2, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("02.refused");

pub(super) static IPV6: Check = manners::ipv6("02.ipv6").needs(&[&HOST]);

pub(super) static HELP: Check = manners::help("02.help", Role::Server);

pub(super) static VERSION: Check = manners::version("02.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("02.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("02.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("02.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("02.trace", Role::Server).needs(&[&BLOCKING]);
