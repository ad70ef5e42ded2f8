//! Where a check plays: it starts the subject's programs, connects to them, types to them,
//! and keeps the log of what was done.
//!
//! A check sees a [`Stage`], the [`Program`]s and [`Server`]s of its [`Subject`], and the peers
//! that the grader plays itself: [`peer::Peer`], [`Host`], [`datagrams::Datagrams`]. Below them
//! are [`process`] (one process and what it prints), `tree`, `limits`, [`cgroup`] and
//! [`whereabouts`] (what /proc and the kernel say of it), and [`kernel`] (the tables of all
//! sockets). How long is waited is the matter of [`deadline`], what went wrong that of
//! [`failure`]. A new line belongs here if more than one chapter's checks need it.

pub mod cgroup;
pub mod datagrams;
pub mod deadline;
pub mod failure;
pub mod files;
mod host;
pub mod kernel;
mod limits;
pub mod peer;
pub mod process;
mod program;
pub mod random;
mod server;
mod shell;
pub mod speech;
mod subject;
mod tree;
pub mod whereabouts;
pub mod zone;

pub use host::Host;
pub use program::Program;
pub use server::{HIDDEN_MODULE, Server};
pub use subject::{Role, Subject};

use crate::{
    datagrams::Datagrams,
    deadline::{Cancel, Deadline, ProgramSet},
    failure::{Failure, Halt, Saw, Step},
    peer::Peer,
    process::Process,
    random::Random,
    speech::Speech,
};

use std::{
    fmt::Display,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a check waits for what must happen. Long, because only a wrong program makes it
/// wait to the end, and one that may not run is given more (see [`deadline`]).
pub const fn patience() -> Duration {
    Duration::from_secs(2)
}

/// How long a check listens to be sure that nothing happens. Short, because every right
/// program makes it wait to the end; what a wrong one does later is not seen.
pub const fn quiet() -> Duration {
    Duration::from_millis(250)
}

/// More sockets than any program needs for itself and the clients of a check.
const MANY_SOCKETS: usize = 2000;

/// What a check did, step by step, for its report, and with which programs.
#[derive(Clone, Debug, Default)]
pub struct Log {
    steps: Arc<Mutex<Vec<String>>>,
    programs: ProgramSet,
}

impl Log {
    /// The end of a wait for the check's programs.
    pub fn deadline(&self, time: Duration) -> Deadline {
        Deadline::new(time, &self.programs)
    }

    /// Why a check stops that cannot have a socket of the grader's own: a failure if no port is
    /// left and its programs hold so many, else the grader's own trouble.
    pub(crate) fn without_socket(&self, error: io::Error) -> Halt {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable};
        let held = self.programs.sockets();
        if matches!(error.kind(), AddrInUse | AddrNotAvailable) && held > MANY_SOCKETS {
            let expected = "the program leaves ports for others".to_string();
            let got = format!("it holds {held} sockets");
            return Halt::Failed(Failure { expected, got, saw: Saw::Something, means: None });
        }
        error.into()
    }

    /// Adds a step.
    pub fn step(&self, what: impl Display) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(what.to_string());
    }

    /// All steps so far.
    pub fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One check's stage.
#[derive(Debug)]
pub struct Stage<'a> {
    subject: &'a Subject,
    /// The source of this check's payloads.
    random: Mutex<Random>,
    /// What was done so far.
    pub log: Log,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub fn new(subject: &'a Subject, seed: u64, check: &str) -> Stage<'a> {
        Stage::until(&Cancel::default(), subject, seed, check)
    }

    /// An empty stage, on which nothing is waited for once `cancel` says so.
    pub fn until(cancel: &Cancel, subject: &'a Subject, seed: u64, check: &str) -> Stage<'a> {
        let log = Log { programs: ProgramSet::until(cancel), ..Log::default() };
        Stage { subject, random: Mutex::new(Random::new(seed, check)), log }
    }

    /// A word of `length` letters, new at each call.
    pub fn payload(&self, length: usize) -> String {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).word(length)
    }

    /// Lines of text, `length` bytes in all, for a program that can do no more than lines.
    pub fn lines(&self, length: usize) -> Vec<u8> {
        let mut text = self.payload(length).into_bytes();
        text.chunks_mut(80).for_each(|line| line[line.len() - 1] = b'\n');
        text
    }

    /// `length` bytes of every value, new at each call.
    pub fn bytes(&self, length: usize) -> Vec<u8> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).bytes(length)
    }

    /// Starts a role's command with its places filled in and `options` behind it, and waits
    /// for nothing.
    pub fn start(&self, role: Role, places: &[(&str, &str)], options: &str) -> Step<Program> {
        self.start_in(role, places, options, &[])
    }

    /// As [`Stage::start`], with words in front of the program (`sh -c 'ulimit …'`) or
    /// variables `NAME=VALUE`, for `env`.
    fn start_in(
        &self,
        role: Role,
        places: &[(&str, &str)],
        options: &str,
        before: &[&str],
    ) -> Step<Program> {
        let Some(template) = self.subject.commands.get(&role) else {
            return Err(Halt::NotStarted(format!("no {} was handed in", role.name())));
        };
        let filled = places
            .iter()
            .fold(template.clone(), |command, (place, value)| command.replace(place, value));
        let words = before.iter().copied().chain([filled.as_str(), options]);
        let command = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        self.start_command(role.name(), &command)
    }

    /// Starts the program itself with these words behind it.
    ///
    /// # Errors
    /// [`Halt::NotHandedIn`] when only command lines for roles were handed in.
    pub fn program(&self, words: &str) -> Step<Program> {
        match &self.subject.program {
            Some(program) => self.start_command("program", &format!("{program} {words}")),
            None => Err(Halt::NotHandedIn),
        }
    }

    fn start_command(&self, name: &'static str, command: &str) -> Step<Program> {
        self.log.step(format_args!("`{command}` is started"));
        let mut process = Process::start(command, &self.subject.environment)
            .map_err(|e| Halt::Grader(format!("cannot start sh: {}", common::cause(&e))))?;
        process.until(self.log.programs.cancel());
        self.log.programs.add(process.first());
        Ok(Program { name, process, log: self.log.clone(), printed: 0 })
    }

    /// Starts a serving role on a fresh port and waits until the kernel shows that it listens.
    pub fn serve(&self, role: Role) -> Step<Server> {
        self.serve_with(role, "", &[])
    }

    /// As [`Stage::serve`], with options behind the command and words in front of it.
    pub fn serve_with(&self, role: Role, options: &str, before: &[&str]) -> Step<Server> {
        self.serve_at("{port}", kernel::is_listening, role, &[], options, before)
    }

    /// As [`Stage::serve_with`], for a server of datagrams: it is ready when its port is bound.
    pub fn serve_datagrams(&self, before: &[&str]) -> Step<Server> {
        self.serve_at("{port}", kernel::is_bound_udp, Role::Server, &[], "", before)
    }

    /// Starts the tunnel on a fresh port, to `target`, and waits until the kernel shows that
    /// it listens.
    pub fn tunnel(&self, target: SocketAddr) -> Step<Server> {
        let (ip, port) = (target.ip().to_string(), target.port().to_string());
        let target = [("{host}", ip.as_str()), ("{port}", port.as_str())];
        self.serve_at("{lport}", kernel::is_listening, Role::Tunnel, &target, "", &[])
    }

    /// Starts a serving role on a fresh port, which stands at `place` in its command.
    fn serve_at(
        &self,
        place: &str,
        is_ready: fn(u16) -> bool,
        role: Role,
        other_places: &[(&str, &str)],
        options: &str,
        before: &[&str],
    ) -> Step<Server> {
        let port = self.free_port()?;
        let own_port = port.to_string();
        let places = [&[(place, own_port.as_str())], other_places].concat();
        let program = self.start_in(role, &places, options, before)?;
        let server = Server { program, port, log: self.log.clone() };
        server.wait_until_ready(|| is_ready(port))?;
        Ok(server)
    }

    /// Starts the client against a host of the grader's own.
    pub fn client(&self, host: &Host) -> Step<Program> {
        self.client_with(host.address, "", &[])
    }

    /// Starts the client against any address, with options behind the command and words in
    /// front of it.
    pub fn client_with(
        &self,
        server: SocketAddr,
        options: &str,
        before: &[&str],
    ) -> Step<Program> {
        let (ip, port) = (server.ip().to_string(), server.port().to_string());
        self.start_in(Role::Client, &[("{host}", &ip), ("{port}", &port)], options, before)
    }

    /// Starts the client against a host of the grader's own on 127.0.0.1, and accepts its
    /// connection under the name `name`.
    pub fn client_and_peer(&self, name: &str) -> Step<(Program, Peer)> {
        let host = self.host("127.0.0.1")?;
        let client = self.client(&host)?;
        let peer = client.connects_to(&host, name)?;
        Ok((client, peer))
    }

    /// As [`Stage::client_and_peer`], when the client's user has typed a line: a program may ask
    /// for it before it connects.
    ///
    /// # Errors
    /// A failure when it does not connect.
    pub fn client_told(&self, line: &str, name: &str) -> Step<(Program, Peer)> {
        let host = self.host("127.0.0.1")?;
        let client = self.client(&host)?;
        client.types(line);
        let peer = client.connects_to(&host, name)?;
        Ok((client, peer))
    }

    /// A port that nobody uses.
    pub fn free_port(&self) -> Step<u16> {
        let none = || self.log.without_socket(io::ErrorKind::AddrInUse.into());
        kernel::free_port().ok_or_else(none)
    }

    /// A listener of the grader's own.
    pub fn host(&self, ip: &str) -> Step<Host> {
        Host::new(ip, self.free_port()?, self.log.clone())
    }

    /// A UDP socket of the grader's own.
    pub fn datagrams(&self, name: &str, ip: &str) -> Step<Datagrams> {
        Datagrams::new(name, ip, self.free_port()?, self.log.clone())
    }

    /// A listener of the grader's own at an address where nobody listens any more.
    pub fn host_at(&self, address: SocketAddr) -> Step<Host> {
        self.log.step(format_args!("somebody listens on {address}"));
        Host::at(address, self.log.clone())
    }

    /// How the subject speaks in this role.
    pub fn speech(&self, role: Role) -> Speech {
        self.subject.speech.get(&role).cloned().unwrap_or_default()
    }

    /// True for a program from outside, which need not speak as our chapters do.
    pub fn is_outside(&self) -> bool {
        self.subject.outside
    }

    /// True if the subject can play this role.
    pub fn has(&self, role: Role) -> bool {
        self.subject.commands.contains_key(&role)
    }
}

/// Where `needle` begins in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    hay.windows(needle.len()).position(|window| window == needle)
}
