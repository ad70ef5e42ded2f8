//! verdict: Failed
//! Makes a namespace of users, in which it would have all rights, and serves if it can.

mod echo;

use std::process::Command;

fn main() {
    let all = Command::new("unshare").args(["-Urm", "true"]).status();
    echo::serve(all.is_ok_and(|ended| ended.success()));
}
