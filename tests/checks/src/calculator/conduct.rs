//! Chapter 5, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("05.refused").needs(&[&CLIENT_HOST]);

pub(super) static IPV6: Check = manners::ipv6("05.ipv6").needs(&[&CLIENT_HOST]);

pub(super) static HELP: Check = manners::help("05.help", Role::Server);

pub(super) static VERSION: Check = manners::version("05.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("05.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("05.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("05.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("05.trace", Role::Server).needs(&[&LISTENS]);
