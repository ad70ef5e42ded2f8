//! A serving program and its port: ready when the kernel says so, connected to by peers.

use crate::{
    Log, Program,
    failure::{Diagnosis, Halt, Saw, Step, fail_having, is_peers_doing},
    kernel, patience,
    peer::Peer,
    quiet, whereabouts,
};
use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

/// How long a connect may take: with listen(5), as many labs have it, many at once overflow
/// the queue, and the kernel tries again after 1, 3 and 7 seconds.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// A serving program and its port.
#[derive(Debug)]
pub struct Server {
    /// The program, to type to and to hear.
    pub program: Program,
    /// Where it listens.
    pub port: u16,
    pub(crate) log: Log,
}

impl Server {
    pub(crate) fn wait_until_ready(&self, ready: impl FnMut() -> bool) -> Step {
        if self.program.starts_to(patience(), ready) {
            self.log.step("it listens");
            return Ok(());
        }
        let expected = format!("the {} listens on port {}", self.program.name, self.port);
        let others = whereabouts::listening_ports(self.program.process.first());
        self.program.misses(expected, || match others.as_slice() {
            [] => self.program.state(),
            [port, ..] => format!("it listens on {port}; {}", self.program.state()),
        })
    }

    /// Its address, as seen from this machine.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Connects to the server as `name`.
    pub fn connect(&self, name: &str) -> Step<Peer> {
        self.connect_to("127.0.0.1", name)
    }

    /// Connects `count` clients at the same moment, and returns those that get through before
    /// twice the patience ends: with the kernel's second try, or its third.
    pub fn connect_many(&self, count: usize) -> Vec<Peer> {
        thread::scope(|scope| {
            let name = |n| format!("client {n}");
            let connect =
                |n| move || self.connect_within(2 * patience(), "127.0.0.1", &name(n));
            let connecting: Vec<_> = (1..=count).map(|n| scope.spawn(connect(n))).collect();
            connecting.into_iter().filter_map(|client| client.join().ok()?.ok()).collect()
        })
    }

    /// Connects `count` clients one after the other, each when the one before is accepted, as
    /// far as that can be seen: a short queue of clients is no fault.
    pub fn connect_in_turn(&self, count: usize) -> Step<Vec<Peer>> {
        let connect = |n| {
            let client = self.connect(&format!("client {n}"))?;
            kernel::look_until(self.log.deadline(quiet()), || {
                kernel::queued(self.port).is_none_or(|waiting| waiting == 0)
            });
            Ok(client)
        };
        (1..=count).map(connect).collect()
    }

    /// Connects to the server at another of this machine's addresses.
    pub fn connect_to(&self, ip: &str, name: &str) -> Step<Peer> {
        self.connect_within(CONNECT_PATIENCE, ip, name)
    }

    fn connect_within(&self, time: Duration, ip: &str, name: &str) -> Step<Peer> {
        let address = format!("{ip}:{}", self.port);
        let address =
            address.parse().map_err(|_| Halt::Grader(format!("{address} is no address")))?;
        let connect = || TcpStream::connect_timeout(&address, time);
        // A server that listens anew for each client may need a moment.
        let over = || self.program.process.heard().exit().is_some();
        let listens = || kernel::is_listening(self.port);
        let listens_again =
            || kernel::look_until(self.log.deadline(patience()), || listens() || over());
        let retry = |e: &io::Error| e.kind() == ErrorKind::ConnectionRefused && listens_again();
        match connect().or_else(|e| if retry(&e) { connect() } else { Err(e) }) {
            Ok(stream) => {
                self.log.step(format_args!("{name} connects to {ip}"));
                let peer = Peer::new(name, stream, self.log.clone())?;
                Ok(peer.to(self.program.process.shared()))
            }
            Err(e) if is_peers_doing(&e) => {
                let expected = format!("{name} connects to {ip}:{}", self.port);
                let refused = e.kind() == ErrorKind::ConnectionRefused;
                let saw = if refused { Saw::Reset } else { Saw::Nothing };
                let got = format!("{}; {}", common::cause(&e), self.program.state());
                fail_having(saw, expected, got)
            }
            Err(e) => Err(self.log.without_socket(e)),
        }
    }
}

/// The one mistake that keeps a program from even starting, whatever it is for.
pub const HIDDEN_MODULE: Diagnosis = Diagnosis {
    id: "hidden-module",
    they: "have a file named like a module, which hides it",
    text: "a file of yours has the name of a module of Python, and Python looks beside your program first: it imports your file instead. Rename the file.",
};
