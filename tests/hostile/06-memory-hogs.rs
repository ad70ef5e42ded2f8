//! verdict: Failed
//! Takes memory in many processes, each of them modest: 12 of 250 MiB, for 20 seconds.

mod echo;

use std::{env, process::Command, thread, time::Duration};

fn main() {
    if env::args().nth(1).is_some_and(|word| word == "hog") {
        let hoard = vec![1_u8; 250 << 20];
        thread::sleep(echo::LIFE);
        return drop(hoard);
    }
    for _ in 0..12 {
        let _ = Command::new("/proc/self/exe").arg("hog").spawn();
    }
    thread::sleep(Duration::from_secs(2)); // until they have it
    echo::serve(true);
}
