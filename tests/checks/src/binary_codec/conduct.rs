//! Chapter 6, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("06.refused");

pub(super) static IPV6: Check = manners::ipv6("06.ipv6").needs(&[&CLIENT_HOST]);

pub(super) static HELP: Check = manners::help("06.help", Role::Encoder);

pub(super) static VERSION: Check = manners::version("06.version", Role::Encoder);

pub(super) static USAGE: Check = manners::usage("06.usage", Role::Encoder);

pub(super) static PORT_ZERO: Check = manners::port_zero("06.port-zero", Role::Encoder);

pub(super) static BLOCKING: Check =
    manners::blocking_lines("06.blocking", Role::Encoder).needs(&[&LISTENS]);

pub(super) static TRACE: Check =
    manners::blocking_trace("06.trace", Role::Encoder).needs(&[&LISTENS]);
