//! verdict: Failed
//! Prints without end on both streams: at most 8 GiB, for 20 seconds.

mod echo;

use std::{io::Write, thread, time::Instant};

fn main() {
    thread::spawn(|| flood(std::io::stdout()));
    thread::spawn(|| flood(std::io::stderr()));
    echo::serve(false);
}

fn flood(mut stream: impl Write) {
    let begun = Instant::now();
    for _ in 0..65_536 {
        if begun.elapsed() > echo::LIFE || stream.write_all(&[b'x'; 65_536]).is_err() {
            return;
        }
    }
}
