//! What the hostile programs share: how they end. Each tries something that a wall must stop,
//! and then serves as chapter 3 asks only if that has worked: a pass is a hole in a wall.

use std::{
    env,
    io::{self, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

/// Nothing hostile lives longer than this, wall or no wall.
pub const LIFE: Duration = Duration::from_secs(20);

/// Serves on the port of the command line: rightly if `worked`, wrongly if not.
pub fn serve(worked: bool) {
    thread::spawn(|| {
        thread::sleep(LIFE);
        std::process::exit(0);
    });
    let port = env::args().nth(2).and_then(|port| port.parse().ok()).unwrap_or(0);
    let Ok(listener) = TcpListener::bind(("0.0.0.0", port)) else { return };
    for client in listener.incoming().flatten() {
        thread::spawn(move || {
            let _ = match worked {
                true => io::copy(&mut &client, &mut &client).map(|_| ()),
                false => (&client).write_all(b"the wall held\n"),
            };
        });
    }
}
