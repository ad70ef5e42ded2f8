//! verdict: Failed
//! Leaves a process of a session of its own, without our environment, behind: for a minute.

mod echo;

use std::process::{Command, Stdio};

fn main() {
    let left = Command::new("setsid")
        .args(["sh", "-c", "sleep 61.6161 & sleep 61.6161"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    // The test looks for it afterwards.
    echo::serve(left.is_err());
}
