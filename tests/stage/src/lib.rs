//! Where a check plays: it starts the subject's programs, connects to them, types to them,
//! and keeps the log of what was done.

pub mod cgroup;
pub mod datagrams;
pub mod deadline;
pub mod failure;
pub mod files;
pub mod kernel;
mod limits;
pub mod peer;
pub mod process;
pub mod random;
mod shell;
pub mod speech;
mod tree;
pub mod whereabouts;
pub mod zone;

use crate::{
    datagrams::Datagrams,
    deadline::{Cancel, Cast, Deadline},
    failure::{
        Diagnosis, Explain, Outcome, Saw, Stop, difference, fail, fail_having, is_peers_doing,
        quote, quote_complaint,
    },
    peer::{Host, Peer},
    process::{Heard, Process, Surroundings},
    random::Random,
    speech::Speech,
};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::ExitStatus,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long a check waits for what must happen. Long, because only a wrong program makes it
/// wait to the end, and one that may not run is given more (see [`deadline`]).
pub const fn patience() -> Duration {
    Duration::from_secs(2)
}

/// How long a connect may take: with listen(5), as many labs have it, many at once overflow
/// the queue, and the kernel tries again after 1, 3 and 7 seconds.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long a check listens to be sure that nothing happens. Short, because every right
/// program makes it wait to the end; what a wrong one does later is not seen.
pub const fn quiet() -> Duration {
    Duration::from_millis(250)
}

/// More sockets than any program of the labs needs for itself.
const FEW_SOCKETS: usize = 200;

/// What a check did, step by step, for its report, and with which programs.
#[derive(Clone, Debug, Default)]
pub struct Log {
    steps: Arc<Mutex<Vec<String>>>,
    cast: Cast,
}

impl Log {
    /// The end of a wait for the check's programs.
    pub fn deadline(&self, time: Duration) -> Deadline {
        Deadline::new(time, &self.cast)
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

/// A part that a program plays; each is started by a command line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `PROGRAM server PORT`
    Server,
    /// `PROGRAM HOST PORT`
    Client,
    /// `PROGRAM encoder PORT` (06)
    Encoder,
    /// `PROGRAM decoder PORT` (06)
    Decoder,
    /// `PROGRAM tunnel LOCAL_PORT HOST PORT` (09)
    Tunnel,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] =
        [Role::Server, Role::Client, Role::Encoder, Role::Decoder, Role::Tunnel];

    /// The name, as in `--server`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Server => "server",
            Role::Client => "client",
            Role::Encoder => "encoder",
            Role::Decoder => "decoder",
            Role::Tunnel => "tunnel",
        }
    }

    /// What stands behind PROGRAM in the contract's grammar.
    pub fn grammar(self) -> &'static str {
        match self {
            Role::Server => "server {port}",
            Role::Client => "{host} {port}",
            Role::Encoder => "encoder {port}",
            Role::Decoder => "decoder {port}",
            Role::Tunnel => "tunnel {lport} {host} {port}",
        }
    }
}

/// What was handed in: a command line for each role, `{port}`, `{host}` and `{lport}` open.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The command lines by role; a role that is not there was not handed in.
    pub commands: BTreeMap<Role, String>,
    /// The program that plays all of them, if one does: it can be asked for its `--help`.
    pub program: Option<String>,
    /// Where they run.
    pub around: Surroundings,
    /// True for a program from outside: it need not speak as our contract does, and is not asked
    /// for what only our chapters ask for.
    pub outside: bool,
    /// How each role speaks; as our contract does where nothing is noted.
    pub speech: BTreeMap<Role, Speech>,
}

impl Subject {
    /// A program that follows the contract's grammar, in the given roles.
    pub fn program(program: &str, roles: &[Role]) -> Subject {
        let command = |role: &Role| (*role, format!("{program} {}", role.grammar()));
        Subject {
            commands: roles.iter().map(command).collect(),
            program: Some(program.to_string()),
            ..Subject::default()
        }
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
        let log = Log { cast: Cast::until(cancel), ..Log::default() };
        Stage { subject, random: Mutex::new(Random::new(seed, check)), log }
    }

    /// A word of `length` letters, new at each call.
    pub fn payload(&self, length: usize) -> String {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).word(length)
    }

    /// `length` bytes of every value, new at each call.
    pub fn bytes(&self, length: usize) -> Vec<u8> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).bytes(length)
    }

    /// Starts a role's command with its places filled in and `options` behind it, and waits
    /// for nothing.
    ///
    /// # Errors
    /// [`Stop::NotStarted`] when the role was not handed in.
    pub fn start(
        &self,
        role: Role,
        places: &[(&str, &str)],
        options: &str,
    ) -> Outcome<Program> {
        self.start_in(role, places, options, &[])
    }

    /// As [`Stage::start`], with words in front of the program (`sh -c 'ulimit …'`) or
    /// variables `NAME=VALUE`, for `env`.
    ///
    /// # Errors
    /// [`Stop::NotStarted`] when the role was not handed in.
    pub fn start_in(
        &self,
        role: Role,
        places: &[(&str, &str)],
        options: &str,
        before: &[&str],
    ) -> Outcome<Program> {
        let Some(template) = self.subject.commands.get(&role) else {
            return Err(Stop::NotStarted(format!("no {} was handed in", role.name())));
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
    /// [`Stop::NotHandedIn`] when only command lines for roles were handed in.
    pub fn program(&self, words: &str) -> Outcome<Program> {
        match &self.subject.program {
            Some(program) => self.start_command("program", &format!("{program} {words}")),
            None => Err(Stop::NotHandedIn),
        }
    }

    fn start_command(&self, name: &'static str, command: &str) -> Outcome<Program> {
        self.log.step(format_args!("`{command}` is started"));
        let mut process = Process::start(command, &self.subject.around)
            .map_err(|e| Stop::Grader(format!("cannot start sh: {}", common::cause(&e))))?;
        process.until(self.log.cast.cancel());
        self.log.cast.add(process.first());
        Ok(Program { name, process, log: self.log.clone(), printed: 0 })
    }

    /// Starts a serving role on a fresh port and waits until the kernel shows that it listens.
    ///
    /// # Errors
    /// A failure when it does not listen in time.
    pub fn serve(&self, role: Role) -> Outcome<Server> {
        self.serve_with(role, "", &[])
    }

    /// As [`Stage::serve`], with options behind the command and words in front of it.
    ///
    /// # Errors
    /// As [`Stage::serve`].
    pub fn serve_with(&self, role: Role, options: &str, before: &[&str]) -> Outcome<Server> {
        self.serve_at("{port}", kernel::is_listening, role, &[], options, before)
    }

    /// As [`Stage::serve_with`], for a server of datagrams: it is ready when its port is bound.
    ///
    /// # Errors
    /// As [`Stage::serve`].
    pub fn serve_datagrams(&self, before: &[&str]) -> Outcome<Server> {
        self.serve_at("{port}", kernel::is_bound_udp, Role::Server, &[], "", before)
    }

    /// Starts the tunnel on a fresh port, to `target`, and waits until the kernel shows that
    /// it listens.
    ///
    /// # Errors
    /// As [`Stage::serve`].
    pub fn tunnel(&self, target: SocketAddr) -> Outcome<Server> {
        self.tunnel_with(target, "", &[])
    }

    /// As [`Stage::tunnel`], with options behind the command and words in front of it.
    ///
    /// # Errors
    /// As [`Stage::serve`].
    pub fn tunnel_with(
        &self,
        target: SocketAddr,
        options: &str,
        before: &[&str],
    ) -> Outcome<Server> {
        let (ip, port) = (target.ip().to_string(), target.port().to_string());
        let target = [("{host}", ip.as_str()), ("{port}", port.as_str())];
        self.serve_at("{lport}", kernel::is_listening, Role::Tunnel, &target, options, before)
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
    ) -> Outcome<Server> {
        let port = self.free_port()?;
        let own_port = port.to_string();
        let places = [&[(place, own_port.as_str())], other_places].concat();
        let program = self.start_in(role, &places, options, before)?;
        let server = Server { program, port, log: self.log.clone() };
        server.wait_until_ready(|| is_ready(port))?;
        Ok(server)
    }

    /// Starts the client against a host of the grader's own.
    ///
    /// # Errors
    /// As [`Stage::start`].
    pub fn client(&self, host: &Host) -> Outcome<Program> {
        self.client_with(host.address, "", &[])
    }

    /// Starts the client against any address, with options behind the command and words in
    /// front of it.
    ///
    /// # Errors
    /// As [`Stage::start`].
    pub fn client_with(
        &self,
        server: SocketAddr,
        options: &str,
        before: &[&str],
    ) -> Outcome<Program> {
        let (ip, port) = (server.ip().to_string(), server.port().to_string());
        self.start_in(Role::Client, &[("{host}", &ip), ("{port}", &port)], options, before)
    }

    /// Starts the client against a host of the grader's own on 127.0.0.1, and accepts its
    /// connection under the name `name`.
    ///
    /// # Errors
    /// A failure when it does not connect.
    pub fn client_and_peer(&self, name: &str) -> Outcome<(Program, Peer)> {
        let host = self.host("127.0.0.1")?;
        let client = self.client(&host)?;
        let peer = client.connects_to(&host, name)?;
        Ok((client, peer))
    }

    /// A port that nobody uses.
    ///
    /// # Errors
    /// A failure if the programs of this check hold so many ports that none is left, else the
    /// grader's own trouble.
    pub fn free_port(&self) -> Outcome<u16> {
        match kernel::free_port() {
            Some(port) => Ok(port),
            None if self.log.cast.sockets() > FEW_SOCKETS => fail(
                "the program leaves ports for others",
                format!("it holds {} sockets", self.log.cast.sockets()),
            ),
            None => Err(Stop::Grader("there is no free port".to_string())),
        }
    }

    /// A listener of the grader's own.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn host(&self, ip: &str) -> Outcome<Host> {
        Host::new(ip, self.free_port()?, self.log.clone())
    }

    /// A UDP socket of the grader's own.
    ///
    /// # Errors
    /// When it cannot be bound there.
    pub fn datagrams(&self, name: &str, ip: &str) -> Outcome<Datagrams> {
        Datagrams::new(name, ip, self.free_port()?, self.log.clone())
    }

    /// A listener of the grader's own at an address where nobody listens any more.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn host_at(&self, address: SocketAddr) -> Outcome<Host> {
        self.log.step(format_args!("somebody listens on {address}"));
        Ok(Host::at(address, self.log.clone())?)
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

/// A serving program and its port.
#[derive(Debug)]
pub struct Server {
    /// The program, to type to and to hear.
    pub program: Program,
    /// Where it listens.
    pub port: u16,
    log: Log,
}

impl Server {
    fn wait_until_ready(&self, ready: impl FnMut() -> bool) -> Outcome {
        if self.program.starts_to(2, ready) {
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
    ///
    /// # Errors
    /// A failure when the connection is refused.
    pub fn connect(&self, name: &str) -> Outcome<Peer> {
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
    ///
    /// # Errors
    /// A failure when a connection is refused.
    pub fn connect_in_turn(&self, count: usize) -> Outcome<Vec<Peer>> {
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
    ///
    /// # Errors
    /// A failure when the connection is refused.
    pub fn connect_to(&self, ip: &str, name: &str) -> Outcome<Peer> {
        self.connect_within(CONNECT_PATIENCE, ip, name)
    }

    fn connect_within(&self, time: Duration, ip: &str, name: &str) -> Outcome<Peer> {
        let address = format!("{ip}:{}", self.port);
        let address =
            address.parse().map_err(|_| Stop::Grader(format!("{address} is no address")))?;
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
                let saw = if e.kind() == ErrorKind::ConnectionRefused {
                    Saw::Reset
                } else {
                    Saw::Nothing
                };
                let got = format!("{}; {}", common::cause(&e), self.program.state());
                fail_having(saw, expected, got)
            }
            Err(e) => Err(e.into()),
        }
    }
}

/// The one mistake that keeps a program from even starting, whatever it is for.
pub const HIDDEN_MODULE: Diagnosis = Diagnosis {
    id: "hidden-module",
    they: "have a file named like a module, which hides it",
    text: "a file of yours has the name of a module of Python, and Python looks beside your program first: it imports your file instead. Rename the file.",
};

/// A running program of the subject.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    /// The process, for what has no step of its own here.
    pub process: Process,
    log: Log,
    /// How much of stdout earlier steps have found.
    printed: usize,
}

impl Program {
    /// Its user types a line.
    pub fn types(&self, line: &str) {
        self.log.step(format_args!(
            "the {}'s user types {}",
            self.name,
            quote(line.as_bytes())
        ));
        self.process.input(format!("{line}\n").as_bytes());
    }

    /// Its stdin brings these bytes, whatever they are.
    pub fn input(&self, bytes: &[u8]) {
        self.log.step(format_args!("the {}'s stdin brings {}", self.name, quote(bytes)));
        self.process.input(bytes);
    }

    /// Its stdin ends.
    pub fn end_input(&mut self) {
        self.log.step(format_args!("the {}'s stdin ends", self.name));
        self.process.end_input();
    }

    /// Expects its connection at a host of the grader's own.
    ///
    /// # Errors
    /// A failure when none comes before the program ends or patience does.
    pub fn connects_to(&self, host: &Host, name: &str) -> Outcome<Peer> {
        let mut accepted = Ok(None);
        self.starts_to(2, || {
            accepted = host.accept(name);
            !matches!(accepted, Ok(None))
        });
        if let Some(peer) = accepted? {
            return Ok(peer.to(self.process.shared()));
        }
        self.missing(format!("the {} connects to {}", self.name, host.address))
    }

    /// Waits until `seen`; five times the patience for a program that is at work, because an
    /// interpreter has to start first, or a compiler. Not longer when it has slept for `naps`
    /// halves of patience in a row. False: it was not seen in time, or never can be because the
    /// program is over.
    fn starts_to(&self, naps: u32, mut seen: impl FnMut() -> bool) -> bool {
        let mut slept = 0;
        for _ in 0..10 {
            let before = self.process.wanted_to_run();
            let (mut is_seen, mut over) = (false, false);
            kernel::look_until(self.log.deadline(patience() / 2), || {
                over = self.process.heard().exit().is_some();
                is_seen = seen();
                is_seen || over
            });
            // Less than before is a sign of life too: a thread or a child has ended. Who wants a
            // fifth of a processor or less has started, and waits.
            let wanted = self.process.wanted_to_run().abs_diff(before);
            slept = if wanted < patience() / 10 { slept + 1 } else { 0 };
            if is_seen || over || slept == naps {
                return is_seen;
            }
        }
        false
    }

    /// Something expected of it did not come: perhaps because it could not even be started.
    ///
    /// # Errors
    /// Always: a failure, or [`Stop::NotStarted`].
    pub fn missing<T>(&self, expected: String) -> Outcome<T> {
        self.misses(expected, || self.state())
    }

    /// As [`Program::missing`], where there is more to say of what was got: when its last words
    /// have been heard, if it has ended.
    fn misses<T>(&self, expected: String, got: impl FnOnce() -> String) -> Outcome<T> {
        match self.process.wait(Duration::ZERO).and_then(|exit| exit.code()) {
            Some(code @ (126 | 127)) => Err(Stop::NotStarted(format!(
                "`{}`: {}",
                self.process.command,
                self.last_words(code)
            ))),
            exit => {
                let over = exit.is_some() || self.process.heard().exit().is_some();
                fail_having(if over { Saw::Ended } else { Saw::Nothing }, expected, got())
                    .probe(&HIDDEN_MODULE, || self.process.hidden_module())
            }
        }
    }

    /// Expects these bytes on stdout, as one run, behind what was expected before. Prompts
    /// and labels around them cost nothing.
    ///
    /// # Errors
    /// A failure that shows what stdout said instead.
    pub fn prints(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        self.prints_within(patience(), bytes)
    }

    /// As [`Program::prints`], within another time.
    ///
    /// # Errors
    /// As [`Program::prints`].
    pub fn prints_within(&mut self, time: Duration, bytes: impl AsRef<[u8]>) -> Outcome {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let found = self.process.wait_for(time, |heard| {
            find(&heard.stdout[from..], bytes).map(|at| from + at + bytes.len())
        });
        match found {
            Some(end) => {
                self.printed = end;
                self.log.step(format_args!("the {} prints {}", self.name, quote(bytes)));
                Ok(())
            }
            None => self
                .misses(format!("the {} prints {} on stdout", self.name, quote(bytes)), || {
                    format!("{}; {}", self.said(), self.state())
                }),
        }
    }

    /// As [`Program::prints`], where line breaks that the program adds between blocks cost
    /// nothing. `bytes` may hold none of their own.
    ///
    /// # Errors
    /// As [`Program::prints`].
    pub fn prints_among_line_breaks(&mut self, bytes: impl AsRef<[u8]>) -> Outcome {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let without_breaks = |heard: &Heard| -> Vec<u8> {
            heard.stdout[from..].iter().copied().filter(|byte| *byte != b'\n').collect()
        };
        let found = self.process.wait_for(patience(), |heard| {
            let text = without_breaks(heard);
            let end = find(&text, bytes)? + bytes.len();
            // The place behind the `end`th byte that is no line break.
            let kept = |(_, byte): &(usize, &u8)| **byte != b'\n';
            heard.stdout[from..]
                .iter()
                .enumerate()
                .filter(kept)
                .nth(end - 1)
                .map(|(at, _)| from + at + 1)
        });
        match found {
            Some(end) => {
                self.printed = end;
                self.log.step(format_args!("the {} prints {}", self.name, quote(bytes)));
                Ok(())
            }
            None => {
                let (expected, got) = difference(bytes, &without_breaks(&self.process.heard()));
                fail(
                    format!("the {} prints {expected}", self.name),
                    format!("{got}\n{}", self.state()),
                )
            }
        }
    }

    /// Expects that these bytes do not appear on stdout for a moment.
    ///
    /// # Errors
    /// A failure when they do.
    pub fn keeps_back(&self, bytes: impl AsRef<[u8]>, why: &str) -> Outcome {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let seen = |heard: &Heard| find(&heard.stdout[from..], bytes);
        match self.process.wait_for(quiet(), seen) {
            Some(_) => fail(
                format!("the {} does not print {}: {why}", self.name, quote(bytes)),
                "it does",
            ),
            None => {
                self.log.step(format_args!(
                    "the {} does not print {}: {why}",
                    self.name,
                    quote(bytes)
                ));
                Ok(())
            }
        }
    }

    /// Expects the program's end, and returns its exit status.
    ///
    /// # Errors
    /// A failure when it still runs after patience.
    pub fn ends(&self) -> Outcome<ExitStatus> {
        self.process.wait_for(patience(), Heard::exit);
        self.has_ended(&format!("{:?}", patience()))
    }

    /// Expects that the program has ended by now, and returns its exit status.
    ///
    /// # Errors
    /// A failure when it still runs: `after` what.
    pub fn has_ended(&self, after: &str) -> Outcome<ExitStatus> {
        match self.process.wait(Duration::ZERO) {
            Some(exit) => {
                self.log.step(format_args!("the {} ends ({exit})", self.name));
                Ok(exit)
            }
            None => fail_having(
                Saw::Running,
                format!("the {} ends", self.name),
                format!("it still runs after {after}; {}", self.said()),
            ),
        }
    }

    /// Expects the program's end with this exit status.
    ///
    /// # Errors
    /// A failure when it still runs, or ended with another one.
    pub fn ends_with(&self, code: i32) -> Outcome {
        let exit = self.ends()?;
        if exit.code() == Some(code) {
            return Ok(());
        }
        self.missing(format!("exit status {code}"))
    }

    /// Expects that the program still runs after a moment.
    ///
    /// # Errors
    /// A failure when it has ended.
    pub fn stays(&self, why: &str) -> Outcome {
        match self.process.wait_for(quiet(), Heard::exit) {
            None => Ok(()),
            Some(_) => fail_having(
                Saw::Ended,
                format!("the {} still runs: {why}", self.name),
                self.state(),
            ),
        }
    }

    /// Expects one line on stderr that contains all of `words`, and returns it.
    ///
    /// # Errors
    /// A failure that shows what stderr said instead.
    pub fn complains(&self, words: &[&str]) -> Outcome<String> {
        let found = self.process.wait_for(patience(), |heard| {
            let text = String::from_utf8_lossy(&heard.stderr);
            let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
            text.lines().find(has_all).map(String::from)
        });
        match found {
            Some(line) => {
                self.log.step(format_args!(
                    "the {} says on stderr {}",
                    self.name,
                    quote(line.as_bytes())
                ));
                Ok(line)
            }
            None => self.misses(
                format!("the {} says a line with {words:?} on stderr", self.name),
                || format!("stderr is {}; {}", self.stderr(), self.state()),
            ),
        }
    }

    /// Expects a line on stdout that `fits`, and returns it: its text is the program's own.
    ///
    /// # Errors
    /// A failure that shows what stdout said instead; `what` says what the line should hold.
    pub fn says(&self, what: &str, fits: impl Fn(&str) -> bool) -> Outcome<String> {
        let found = self.process.wait_for(patience(), |heard| {
            let text = String::from_utf8_lossy(&heard.stdout);
            text.lines().find(|line| fits(line)).map(String::from)
        });
        match found {
            Some(line) => {
                self.log.step(format_args!(
                    "the {} prints {}",
                    self.name,
                    quote(line.as_bytes())
                ));
                Ok(line)
            }
            None => self.misses(
                format!("the {} prints {what}, in one line on stdout", self.name),
                || format!("{}; {}", self.said(), self.state()),
            ),
        }
    }

    /// Its largest resident memory so far, in KiB. `None` where the system does not say.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// True if it works although it should wait: it ran, or waited for a processor, for most of
    /// each of twelve moments in a row. A program that still had something to do rests after a
    /// few of them, on a busy machine too.
    pub fn burns_processor(&self) -> bool {
        const LOOKS: u32 = 12;
        (0..LOOKS).all(|_| {
            let (begun, before) = (Instant::now(), self.process.wanted_to_run());
            // Somebody may have woken this thread before it parks, and it would be no moment.
            while let Some(left) = quiet().checked_sub(begun.elapsed()) {
                thread::park_timeout(left);
            }
            // What it has waited for a processor is only counted once it gets one.
            whereabouts::wants_to_run(self.process.first())
                || self.process.wanted_to_run().abs_diff(before) > quiet() / 2
        })
    }

    /// True if it prints without end: much in a moment in which it has nothing to say.
    pub fn floods(&self) -> bool {
        const MUCH: u64 = 100_000;
        let printed = || {
            let heard = self.process.heard();
            (heard.stdout.len() + heard.stderr.len()) as u64 + heard.dropped
        };
        let before = printed();
        self.process.wait_for(quiet(), |heard| heard.exit());
        printed() - before > MUCH
    }

    /// Expects that the program has ended, or waits, after `end`: it may neither print without
    /// end nor burn a processor.
    ///
    /// # Errors
    /// A failure that says which of both it does.
    pub fn rests(&self, end: &str) -> Outcome {
        let expected = format!("the {} ends, or waits, after {end}", self.name);
        if self.floods() {
            return fail(expected, format!("it prints without end: {}", self.said()));
        }
        if self.process.heard().exit().is_none() && self.burns_processor() {
            return fail(expected, format!("it burns a processor; {}", self.state()));
        }
        self.log.step(format_args!("the {} rests after {end}", self.name));
        Ok(())
    }

    // The guard of `heard` must not live on in a larger expression: the next one would wait
    // for it for ever. So these take it, and let it go.
    fn said(&self) -> String {
        match &self.process.heard().stdout[self.printed..] {
            [] if self.printed > 0 => "stdout says nothing more".to_string(),
            [] => "stdout is empty".to_string(),
            rest => format!("stdout says {}", quote(rest)),
        }
    }

    fn stderr(&self) -> String {
        quote(&self.process.heard().stderr)
    }

    /// Whether it runs, or how it ended and what it said last.
    pub fn state(&self) -> String {
        let heard = self.process.heard();
        let (exit, excess) = (heard.exit(), heard.excess());
        drop(heard); // the last words need it again
        match (exit, excess) {
            (_, Some(excess)) => format!("the {} was ended by the grader: {excess}", self.name),
            (None, None) => match whereabouts::of(self.process.first()) {
                Some(whereabouts) => format!("the {} runs; {whereabouts}", self.name),
                None => format!("the {} runs", self.name),
            },
            (Some(exit), None) => match exit.code() {
                Some(code) => format!("the {} has ended: {}", self.name, self.last_words(code)),
                None => format!("the {} was ended by a {exit}", self.name),
            },
        }
    }

    fn last_words(&self, code: i32) -> String {
        let heard = self.process.heard();
        match heard.last_words() {
            Some(line) => {
                format!("exit status {code}, and last on stderr {}", quote_complaint(&line))
            }
            None => format!("exit status {code}"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where `needle` begins in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    hay.windows(needle.len()).position(|window| window == needle)
}
