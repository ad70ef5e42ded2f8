//! Chapter 3, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static HELP: Check = manners::help("03.help", Role::Server);

pub(super) static VERSION: Check = manners::version("03.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("03.usage", Role::Server);

pub(super) static PORT_ZERO: Check = manners::port_zero("03.port-zero", Role::Server);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("03.blocking", Role::Server).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("03.trace", Role::Server).needs(&[&BLOCKING]);
