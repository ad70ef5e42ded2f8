//! verdict: Failed
//! Takes memory in many processes, each of them modest: 12 of 250 MiB, for 20 seconds. It
//! serves when all of them have theirs.

mod echo;

use std::{
    env,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    thread,
};

fn main() {
    if env::args().nth(1).is_some_and(|word| word == "hog") {
        let hoard = vec![1_u8; 250 << 20];
        let _ = std::io::stdout().write_all(&hoard[..1]);
        return thread::sleep(echo::LIFE);
    }
    let mut hog = Command::new("/proc/self/exe");
    hog.arg("hog").stdout(Stdio::piped());
    let hogs: Vec<Child> = (0..12).filter_map(|_| hog.spawn().ok()).collect();
    let has_it = |hog: Child| hog.stdout.is_some_and(|mut out| out.read_exact(&mut [0]).is_ok());
    echo::serve(hogs.len() == 12 && hogs.into_iter().all(has_it));
}
