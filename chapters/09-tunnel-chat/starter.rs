//! tunnel-chat: a chat in which both sides type whenever they like, and a tunnel for it to go
//! through.
//!
//! ```text
//! $ tunnel-chat server 7009
//! $ tunnel-chat tunnel 8080 localhost 7009 --via me@login.example.org
//! $ tunnel-chat localhost 8080
//! ```
//!
//! A TCP connection is two streams, one in each direction, and each has an end of its own. In
//! chapter 2 people took turns because one thread can wait for only one stream. Here there are
//! two threads, one for each direction, and neither waits for the other. Notice that the chat
//! and the tunnel are the same loop, four times: read what is there, write it, and at the end
//! pass on the end. None of them knows what the bytes mean.
//!
//! [`chat`] has two directions between a person and a socket, [`tunnel`] has two between two
//! sockets, and [`via`] lets `ssh` build the same tunnel, encrypted.

// This is the starter. The command line is read; the modules `chat` and `tunnel` are yours to
// write, and `via`, which no check asks for, is an exercise in starting programs. From `common`
// you will want `net::accept`, `net::connect` and `net::spawn` (chapter 3's), `put` (bytes to
// stdout), `note` (a line to stderr), `blocking` (around every call that waits), and `Context`.

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

use common::{Args, Error, Program, Role, net};
use std::process::ExitCode;

const PROGRAM: Program = Program {
    name: "tunnel-chat",
    usage: "tunnel-chat server PORT [--bind ADDR]
tunnel-chat HOST PORT
tunnel-chat tunnel LOCAL_PORT HOST PORT [--via USER@LOGIN[:SSHPORT]]",
    example: "tunnel-chat server 7009",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let via = args.option("--via", "USER@LOGIN or USER@LOGIN:SSHPORT")?;
        if args.command("tunnel") {
            return run_tunnel(args, via);
        }
        match args.role("127.0.0.1")? {
            _ if via.is_some() => Err(Error::Usage("--via is for the tunnel".to_string())),
            Role::Server { bind, port } => chat::run_server(net::listen(&bind, port)?),
            Role::Client { host, port } => chat::run_client(&host, port),
        }
    })
}

/// `tunnel LOCAL_PORT HOST PORT`, built by us or by ssh.
fn run_tunnel(mut args: Args, via: Option<via::Login>) -> Result<(), Error> {
    let local_port = args.port("LOCAL_PORT")?;
    let (host, port) = args.target()?;
    let Some(login) = via else {
        tunnel::run_server(&net::listen("127.0.0.1", local_port)?, &host, port)
    };
    if local_port == 0 {
        // ssh does the listening, and does not tell us which port the kernel has chosen.
        return Err(Error::Usage("with --via, LOCAL_PORT must not be 0".to_string()));
    }
    via::run(&login, local_port, &net::address(&host, port))
}

/// Both ends of the chat: what you type goes out, and what arrives is printed, at the same time.
mod chat {
    use common::Error;
    use std::{
        net::{TcpListener, TcpStream},
        sync::mpsc::Sender,
    };

    /// Waits for one partner and talks to it, as `nc -l` does. What should happen to a second
    /// one, whom nobody will ever accept?
    pub fn run_server(listener: TcpListener) -> Result<(), Error> {
        Err(Error::failed("cannot talk", "run_server is not written yet"))
    }

    /// Connects to a partner and talks to it.
    pub fn run_client(host: &str, port: u16) -> Result<(), Error> {
        Err(Error::failed("cannot talk", "run_client is not written yet"))
    }

    /// Two threads, one for each direction, until both directions have ended. When the other
    /// side ends first, a line on stderr says so. What if the connection breaks while a thread
    /// waits for a line to be typed?
    fn session(partner: &TcpStream) -> Result<(), Error> {
        Err(Error::failed("cannot talk", "session is not written yet"))
    }

    /// The one direction: from stdin to the partner, up to the end of stdin, which is passed on.
    /// How do you end this direction and not the other? `we_end` tells the other thread that it
    /// was we who ended first.
    fn send_typed(partner: &TcpStream, we_end: &Sender<()>) -> Result<(), Error> {
        Err(Error::failed("cannot send", "send_typed is not written yet"))
    }

    /// Copies stdin to the partner, bytes as they are, as soon as they are there.
    fn copy_typed(mut partner: &TcpStream) -> Result<(), Error> {
        Err(Error::failed("cannot send", "copy_typed is not written yet"))
    }

    /// The other direction: from the partner to stdout, up to the end of what the partner says.
    fn print_received(mut partner: &TcpStream) -> Result<(), Error> {
        Err(Error::failed("cannot print", "print_received is not written yet"))
    }
}

/// The tunnel that we build ourselves: each connection to us becomes one to the target.
mod tunnel {
    use super::PROGRAM;
    use common::Error;
    use std::{
        io,
        net::{SocketAddr, TcpListener, TcpStream},
    };

    /// Serves each client on a thread of its own. When do you connect to the target, and what
    /// does it cost whom if that fails?
    pub fn run_server(listener: &TcpListener, host: &str, port: u16) -> ! {
        PROGRAM.exit(Error::failed("cannot build the tunnel", "run_server is not written yet"))
    }

    /// One client and its target, from the first byte to the last, and a line on stderr.
    fn session(client: &TcpStream, target: &TcpStream, peer: SocketAddr) {}

    /// Makes one connection out of two, until both directions have ended. What would happen to
    /// two sides that both send a lot, if one thread did this alone?
    fn relay_both(client: &TcpStream, target: &TcpStream, peer: SocketAddr) -> io::Result<()> {
        Err(io::Error::other("relay_both is not written yet"))
    }

    /// One direction, up to its end. How is the end passed on? And a failure: who would wait,
    /// and for whom, if it ended this direction only?
    fn relay(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
        Err(io::Error::other("relay is not written yet"))
    }

    /// Copies what arrives as soon as it arrives. How much of it do you ever hold?
    fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
        Err(io::Error::other("copy is not written yet"))
    }
}

/// The tunnel that ssh builds, through a login host that both laptops can reach.
mod via {
    use common::Error;
    use std::{
        process::{Child, ChildStdin},
        str::FromStr,
    };

    /// `USER@LOGIN[:SSHPORT]`.
    pub struct Login {
        /// `USER@LOGIN`, as ssh takes it.
        destination: String,
        port: Option<u16>,
    }

    /// Lets ssh listen on the local port and pass connections on to the target. Returns only
    /// when ssh has ended. How do you take ssh along when you are the one who ends?
    pub fn run(login: &Login, local_port: u16, target: &str) -> Result<(), Error> {
        Err(Error::failed("cannot build the tunnel", "via::run is not written yet"))
    }

    /// Starts a program that ends ssh when we have ended, in whatever way. Why before ssh?
    fn start_watcher() -> Result<(Child, ChildStdin), Error> {
        Err(Error::failed("cannot run sh", "start_watcher is not written yet"))
    }

    /// Starts ssh with the forwarding and nothing else. What should it do if that fails?
    fn start_ssh(login: &Login, forwarding: &str) -> Result<Child, Error> {
        Err(Error::failed("cannot run ssh", "start_ssh is not written yet"))
    }

    /// Waits until ssh listens. How does it tell us?
    fn is_ready(ssh: &mut Child) -> bool {
        false
    }

    impl FromStr for Login {
        type Err = ();

        fn from_str(text: &str) -> Result<Login, ()> {
            Ok(Login { destination: text.to_string(), port: None })
        }
    }
}
