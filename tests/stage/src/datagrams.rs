//! The other end of UDP, played by a check: it asks a server, or is asked by a client, stays
//! silent, comes too late, or is a stranger.

use crate::{
    Log, Program,
    deadline::Deadline,
    failure::{Saw, Step, fail, fail_having, quote},
    host::bind_near,
    patience,
    peer::in_time,
    quiet,
};
use std::{
    fmt::Display,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

/// A UDP socket of the grader's own.
#[derive(Debug)]
pub struct Datagrams {
    name: String,
    socket: UdpSocket,
    log: Log,
    /// Where it is bound.
    pub address: SocketAddr,
}

/// A datagram of the program under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// What it says.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
}

impl Datagram {
    /// Its text, without white space at either end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim().to_string()
    }
}

impl Datagrams {
    /// Binds to `ip` and a port that was free, or another one if it is taken by now.
    pub fn new(name: &str, ip: &str, port: u16, log: Log) -> Step<Datagrams> {
        let bound = bind_near(port, |port| UdpSocket::bind((ip, port)));
        let socket = bound.map_err(|e| log.without_socket(e))?;
        let address = socket.local_addr()?;
        Ok(Datagrams { name: name.to_string(), socket, log, address })
    }

    fn step(&self, what: impl Display) {
        self.log.step(format_args!("{} {what}", self.name));
    }

    /// Sends one datagram. That it arrives is not promised, but on loopback nothing is lost as
    /// long as the receiver's buffer has room.
    pub fn send(&self, bytes: impl AsRef<[u8]>, to: SocketAddr) -> Step {
        let bytes = bytes.as_ref();
        self.step(format_args!("sends {} to port {}", quote(bytes), to.port()));
        self.send_again(bytes, to)
    }

    /// As [`Datagrams::send`], where the log says it already.
    pub fn send_again(&self, bytes: impl AsRef<[u8]>, to: SocketAddr) -> Step {
        self.socket.send_to(bytes.as_ref(), to)?;
        Ok(())
    }

    /// The next datagram, waiting at most `within`.
    pub fn receive(&self, within: Duration) -> Step<Option<Datagram>> {
        self.receive_by(self.log.deadline(within))
    }

    fn receive_by(&self, mut deadline: Deadline) -> Step<Option<Datagram>> {
        let mut bytes = vec![0; 64 * 1024];
        let received = in_time(&mut deadline, |left| {
            self.socket.set_read_timeout(Some(left))?;
            self.socket.recv_from(&mut bytes)
        });
        let Some((length, from)) = received? else { return Ok(None) };
        bytes.truncate(length);
        self.step(format_args!("gets {} from port {}", quote(&bytes), from.port()));
        Ok(Some(Datagram { bytes, from }))
    }

    /// Expects a datagram.
    pub fn expect(&self, what: &str) -> Step<Datagram> {
        match self.receive(patience())? {
            Some(datagram) => Ok(datagram),
            None => fail_having(
                Saw::Nothing,
                format!("{} gets {what}", self.name),
                format!("nothing within {:?}", patience()),
            ),
        }
    }

    /// Expects that nothing comes for a moment.
    pub fn expect_silence(&self, why: &str) -> Step {
        match self.receive(quiet())? {
            None => {
                self.step(format_args!("hears nothing: {why}"));
                Ok(())
            }
            Some(datagram) => {
                fail(format!("{} hears nothing: {why}", self.name), quote(&datagram.bytes))
            }
        }
    }

    /// The next datagram while `program` runs, waiting at most `within`.
    pub fn receive_while(&self, program: &Program, within: Duration) -> Step<Option<Datagram>> {
        self.receive_unless(|| program.process.heard().exit().is_some(), within)
    }

    /// The next datagram unless it is `over`, waiting at most `within`.
    pub fn receive_unless(
        &self,
        mut over: impl FnMut() -> bool,
        within: Duration,
    ) -> Step<Option<Datagram>> {
        let mut until = self.log.deadline(within);
        loop {
            // What was sent before the end is here by now: looked at once more, not waited for.
            let over = over();
            let datagram = self.receive_by(Duration::from_millis(50).into())?;
            if datagram.is_some() || over || until.is_over() {
                return Ok(datagram);
            }
        }
    }

    /// Expects the first datagram of `program`, which may have to start first, and pause.
    pub fn expect_first(&self, program: &Program, what: &str) -> Step<Datagram> {
        let mut received = Ok(None);
        program.starts_to(2 * patience(), || {
            received = self.receive_by(Duration::ZERO.into());
            !matches!(received, Ok(None))
        });
        match received? {
            Some(datagram) => Ok(datagram),
            None => program.missing(format!("{} gets {what}", self.name)),
        }
    }

    /// Expects a datagram of `program`, unless it ends before.
    pub fn expect_from(&self, program: &Program, what: &str) -> Step<Datagram> {
        match self.receive_while(program, 2 * patience())? {
            Some(datagram) => Ok(datagram),
            None => program.missing(format!("{} gets {what}", self.name)),
        }
    }
}
