//! Chapter 8, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check =
    manners::refused("08.refused").steps(|stage| manners::is_refused(stage, "--clients 3"));

pub(super) static IPV6: Check = manners::ipv6("08.ipv6").needs(&[&CONNECTS]);

pub(super) static HELP: Check = manners::help("08.help", Role::Server);

pub(super) static VERSION: Check = manners::version("08.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("08.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("08.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("08.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("08.trace", Role::Server).needs(&[&LISTENS]);
