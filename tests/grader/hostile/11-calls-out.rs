//! verdict: Failed
//! Calls an address that exists in documentation only, and serves if anything but "there is
//! no way" comes back. It is started only where the network is its own.

mod echo;

use std::{io::ErrorKind, net::{TcpStream, UdpSocket}, time::Duration};

fn main() {
    let address = ([192, 0, 2, 1], 80).into();
    let call = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    let letter = UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", address));
    let way = |kind: Option<ErrorKind>| kind != Some(ErrorKind::NetworkUnreachable);
    echo::serve(way(call.err().map(|e| e.kind())) || way(letter.err().map(|e| e.kind())));
}
