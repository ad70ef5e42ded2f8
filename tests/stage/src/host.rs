//! A listener of the grader's own, to which the program under test connects.

use crate::{Log, failure::Step, kernel, peer::Peer};
use std::{
    io::{self, ErrorKind},
    net::{SocketAddr, TcpListener},
    time::Duration,
};

/// Binds `port`, or another free one: it can be taken between our look and our bind.
pub(crate) fn bind_near<T>(
    mut port: u16,
    bind: impl Fn(u16) -> io::Result<T>,
) -> io::Result<T> {
    const TRIES: u32 = 20;
    let mut tries = 1;
    loop {
        match bind(port) {
            Err(e) if e.kind() == ErrorKind::AddrInUse && tries < TRIES => {
                tries += 1;
                port = kernel::free_port().ok_or(e)?;
            }
            result => return result,
        }
    }
}

/// A listener of the grader's own, to which the program under test connects.
#[derive(Debug)]
pub struct Host {
    listener: TcpListener,
    log: Log,
    /// The address to give to the program.
    pub address: SocketAddr,
}

impl Host {
    /// Listens on `ip` and a port that was free, or another one if it is taken by now.
    pub fn new(ip: &str, port: u16, log: Log) -> Step<Host> {
        Host::accepting(bind_near(port, |port| TcpListener::bind((ip, port))), log)
    }

    /// Listens on this very address.
    pub fn at(address: SocketAddr, log: Log) -> Step<Host> {
        Host::accepting(TcpListener::bind(address), log)
    }

    fn accepting(bound: io::Result<TcpListener>, log: Log) -> Step<Host> {
        let listener = bound.map_err(|e| log.without_socket(e))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Host { listener, log, address })
    }

    /// Waits for the program's connection, at most `within`; none if it does not come.
    pub fn accept_within(&self, name: &str, within: Duration) -> Step<Option<Peer>> {
        let mut accepted = Ok(None);
        kernel::look_until(self.log.deadline(within), || {
            accepted = self.accept(name);
            !matches!(accepted, Ok(None))
        });
        accepted
    }

    /// Accepts the program's connection, if there is one already.
    pub fn accept(&self, name: &str) -> Step<Option<Peer>> {
        match self.listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                self.log.step(format_args!("{name} accepts the program's connection"));
                Ok(Some(Peer::new(name, stream, self.log.clone())?))
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}
