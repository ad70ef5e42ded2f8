//! Both ends of the chat: what is typed goes out, what comes in is printed, at the same time.

use common::{Context, Error, blocking, net, note, put};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic, thread,
};

/// How much goes through at a time, in bytes.
const BLOCK: usize = 64 * 1024;

/// Waits for one partner and talks to it, as `nc -l` does. The listener is closed before the
/// talk: whoever comes next is refused, and does not wait for a turn that never comes.
pub fn serve(listener: TcpListener) -> Result<(), Error> {
    let (partner, address) = net::accept(&listener);
    drop(listener);
    note(format_args!("connected to {address}"));
    talk(&partner)
}

/// Calls a partner and talks to it.
pub fn connect(host: &str, port: u16) -> Result<(), Error> {
    let partner = net::connect(host, port)?;
    note(format_args!("connected to {}", net::address(host, port)));
    talk(&partner)
}

/// Two threads, one for each direction. The other one has a descriptor of its own for the
/// same connection: the kernel closes a connection when its last descriptor is.
fn talk(partner: &TcpStream) -> Result<(), Error> {
    let to_partner = partner.try_clone().context("cannot share the connection")?;
    let (we_end, has_ended) = std::sync::mpsc::channel::<()>();
    let typing = thread::Builder::new()
        .name("typing".to_string())
        .spawn(move || {
            let result = send_typed(&to_partner);
            let _ = we_end.send(()); // first: the partner's answer may come at once
            // Only this direction ends: what the partner still says is welcome. It fails when
            // the connection is gone already, and then there is nothing to end.
            let _ = to_partner.shutdown(Shutdown::Write);
            result
        })
        .context("cannot start a thread")?;
    // When this fails the connection is broken in both directions. Then we return and the
    // program ends, though the other thread may still wait for somebody to type.
    print_received(partner)?;
    if has_ended.try_recv().is_err() {
        note("the other side has ended; this one ends with its input");
    }
    blocking("join", || typing.join()).unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

/// From the keyboard to the partner. Blocks in `read` until something is typed (a terminal
/// hands over whole lines), and in `write` while the partner does not read.
fn send_typed(mut partner: &TcpStream) -> Result<(), Error> {
    let mut block = vec![0; BLOCK];
    loop {
        let typed = blocking("read", || io::stdin().read(&mut block));
        match typed.context("cannot read stdin")? {
            0 => return Ok(()),
            length => blocking("write", || partner.write_all(&block[..length]))
                .context("cannot send to the other side")?,
        }
    }
}

/// From the partner to the screen. Blocks in `read` until the partner says something, or has
/// said its last.
fn print_received(mut partner: &TcpStream) -> Result<(), Error> {
    let mut block = vec![0; BLOCK];
    loop {
        let received = blocking("read", || partner.read(&mut block));
        match received.context("cannot read from the other side")? {
            0 => return Ok(()), // the end of this direction alone
            length => put(&block[..length])?,
        }
    }
}
