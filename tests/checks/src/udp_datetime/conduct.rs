//! Chapter 4, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static PORT_ZERO: Check = manners::port_zero("04.port-zero", Role::Server);

pub(super) static HELP: Check = manners::help("04.help", Role::Server);

pub(super) static VERSION: Check = manners::version("04.version", Role::Server);

pub(super) static USAGE: Check = manners::usage("04.usage", Role::Server);
