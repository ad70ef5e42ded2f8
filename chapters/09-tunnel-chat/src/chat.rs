//! Both ends of the chat: what you type goes out, and what arrives is printed, at the same time.

use common::{Context, Error, blocking, net, note, prompt, put};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic,
    sync::mpsc::{self, Sender},
    thread,
};

/// How much we read at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// Waits for one partner and talks to it, as `nc -l` does. The listener is closed first, so that
/// a second partner is refused instead of waiting for a turn that never comes.
pub fn run_server(listener: TcpListener) -> Result<(), Error> {
    let (partner, peer) = net::accept(&listener);
    drop(listener);
    note(format_args!("connected to {peer}"));
    session(&partner)
}

/// Connects to a partner and talks to it.
pub fn run_client(host: &str, port: u16) -> Result<(), Error> {
    let partner = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    session(&partner)
}

/// Two threads, one for each direction. Each has a handle of its own for the one socket, which
/// the kernel closes when the last handle is closed.
fn session(partner: &TcpStream) -> Result<(), Error> {
    let to_partner = partner.try_clone().context("cannot share the connection")?;
    let (we_end, has_ended) = mpsc::channel(); // says who has ended first, for the line below
    let thread = thread::Builder::new().name("typing".to_string());
    let typing = thread.spawn(move || send_typed(&to_partner, &we_end));
    let typing = typing.context("cannot start a thread")?;
    // If this fails, the connection is broken in both directions. Then the program ends, even
    // though the other thread may still be waiting for a line to be typed.
    print_received(partner)?;
    if has_ended.try_recv().is_err() {
        note("the other side has ended; this one ends with its input");
    }
    blocking("join", || typing.join()).unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

/// The one direction: from stdin to the partner, up to the end of stdin, which is passed on.
fn send_typed(partner: &TcpStream, we_end: &Sender<()>) -> Result<(), Error> {
    let result = copy_typed(partner);
    let _ = we_end.send(()); // before the shutdown, because the partner may react to it at once
    // Only this direction ends, because we still want to hear what the partner says. It can
    // fail, for example because the connection is gone, and then there is nothing left to end.
    let _ = partner.shutdown(Shutdown::Write);
    result
}

/// Blocks in `read` until something is typed (a terminal passes on whole lines), and in `write`
/// while the send buffer is full, because the partner does not read.
fn copy_typed(mut partner: &TcpStream) -> Result<(), Error> {
    let mut buffer = vec![0; BUFFER];
    loop {
        prompt();
        let typed = blocking("read", || io::stdin().read(&mut buffer));
        match typed.context("cannot read stdin")? {
            0 => return Ok(()),
            length => blocking("write", || partner.write_all(&buffer[..length]))
                .context("cannot send to the other side")?,
        }
    }
}

/// The other direction: from the partner to stdout, up to the end of what the partner says.
/// Blocks in `read` until bytes arrive, or that end.
fn print_received(mut partner: &TcpStream) -> Result<(), Error> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let received = blocking("read", || partner.read(&mut buffer));
        match received.context("cannot read from the other side")? {
            0 => return Ok(()), // the end of this direction only
            length => put(&buffer[..length])?,
        }
    }
}
