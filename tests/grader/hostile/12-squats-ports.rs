//! verdict: Failed
//! Takes every port that it can get, for 20 seconds.

mod echo;

use std::net::{TcpListener, UdpSocket};

fn main() {
    let tcp: Vec<_> = (1024..=65_535).filter_map(|port| TcpListener::bind(("0.0.0.0", port)).ok()).collect();
    let udp: Vec<_> = (1024..=65_535).filter_map(|port| UdpSocket::bind(("0.0.0.0", port)).ok()).collect();
    echo::serve(false);
    drop((tcp, udp));
}
