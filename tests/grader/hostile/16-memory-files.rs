//! verdict: Failed
//! Takes memory in files without a name, which no process maps: 40 of 60 MB, for 20 seconds. It
//! serves when it has them all.

mod echo;

use std::{io::Read, process::{Command, Stdio}};

const HOARD: &str = "
import os, sys, time
hoard = [os.memfd_create('x') for _ in range(40)]
for file in hoard: os.posix_fallocate(file, 0, 60_000_000)
print('x', end='', flush=True)
time.sleep(20)";

fn main() {
    let hog = Command::new("python3").args(["-c", HOARD]).stdout(Stdio::piped()).spawn();
    let has_it = hog.is_ok_and(|hog| hog.stdout.is_some_and(|mut out| out.read_exact(&mut [0]).is_ok()));
    echo::serve(has_it);
}
