//! Chapter 1, the programs' manners, which cost a submission nothing.

use super::*;

pub(super) static REFUSED: Check = manners::refused("01.refused");

pub(super) static IPV6: Check = manners::ipv6("01.ipv6").needs(&[&CONNECTS]);

pub(super) static HELP: Check = manners::help("01.help", Role::Client);

pub(super) static VERSION: Check = manners::version("01.version", Role::Client);

pub(super) static USAGE: Check = manners::usage("01.usage", Role::Client);
