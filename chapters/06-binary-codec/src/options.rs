//! The options of the two servers.

use common::{Args, Error, interface_address, without_brackets};

/// What a server's command line may say besides its port. A client takes none of it.
#[derive(Default, PartialEq)]
pub struct Options {
    bind: Option<String>,
    interface: Option<String>,
    /// A thread for each client, instead of one client at a time.
    pub multi_threaded: bool,
}

impl Options {
    pub fn take(args: &mut Args) -> Result<Options, Error> {
        Ok(Options {
            bind: args.option("--bind", "an address")?.map(without_brackets),
            interface: args.option("--interface", "the name of an interface")?,
            multi_threaded: args.flag("--multi-threaded"),
        })
    }

    /// The address to listen on. If neither option is given, only programs on this machine
    /// can connect.
    pub fn address(&self) -> Result<String, Error> {
        match (&self.bind, &self.interface) {
            (None, None) => Ok("127.0.0.1".to_string()),
            (Some(address), None) => Ok(address.clone()),
            (None, Some(name)) => Ok(interface_address(name)?.to_string()),
            _ => Err(Error::Usage("--bind and --interface exclude each other".to_string())),
        }
    }
}
