//! verdict: Failed
//! Kills its parent, and the parent of that, and then looks whether they are still there.

mod echo;

use std::{fs, process::Command};

fn main() {
    let mut id = std::process::id();
    for _ in 0..8 {
        let Some(parent) = parent(id).filter(|parent| *parent > 0) else { break };
        let _ = Command::new("sh").args(["-c", "kill -s KILL $0 2> /dev/null", &parent.to_string()]).status();
        id = parent;
    }
    echo::serve(false);
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
