//! What the hostile programs share: how they end. Each tries something that a wall must stop,
//! and then serves as chapter 3 asks only if that has worked: a pass is a hole in a wall.

use std::{
    env,
    io::{self, Write},
    net::{TcpListener, UdpSocket},
    process::Command,
    thread,
    time::Duration,
};

/// Nothing hostile lives longer than this, wall or no wall.
pub const LIFE: Duration = Duration::from_secs(20);

/// Serves on the port of the command line: rightly if `worked`, wrongly if not. What is right is
/// what one check of the chapter asks.
pub fn serve(worked: bool) {
    thread::spawn(|| {
        thread::sleep(LIFE);
        std::process::exit(0);
    });
    let port = env::args().nth(2).and_then(|port| port.parse().ok()).unwrap_or(0);
    if env!("CARGO_PKG_NAME") == "udp-datetime" {
        return tell_the_date(port, worked);
    }
    let Ok(listener) = TcpListener::bind(("0.0.0.0", port)) else { return };
    for client in listener.incoming().flatten() {
        thread::spawn(move || {
            let _ = match (worked, env!("CARGO_PKG_NAME")) {
                (false, "loadgen") => Ok(()),
                (false, _) => (&client).write_all(b"the wall held\n"),
                (true, "loadgen") => (&client).write_all(b"welcome\n"),
                (true, "tunnel-chat") => io::copy(&mut io::stdin(), &mut &client).map(|_| ()),
                (true, _) => io::copy(&mut &client, &mut &client).map(|_| ()),
            };
        });
    }
}

fn tell_the_date(port: u16, worked: bool) {
    let Ok(socket) = UdpSocket::bind(("0.0.0.0", port)) else { return };
    let mut request = [0; 64];
    while let Ok((_, asker)) = socket.recv_from(&mut request) {
        let date = Command::new("date").arg("+%F").output().map(|date| date.stdout);
        let answer = if worked { date.unwrap_or_default() } else { b"the wall held".to_vec() };
        let _ = socket.send_to(&answer, asker);
    }
}
