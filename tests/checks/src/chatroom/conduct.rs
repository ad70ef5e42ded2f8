//! Chapter 7, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("07.refused").needs(&[&CLIENT_HOST]);

pub(super) static IPV6: Check = manners::ipv6("07.ipv6").needs(&[&CLIENT_HOST]);

pub(super) static HELP: Check = manners::help("07.help", Role::Server);

pub(super) static VERSION: Check = manners::version("07.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("07.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("07.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("07.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("07.trace", Role::Server).needs(&[&LISTENS]);
