//! verdict: Failed
//! Cannot be asked to end, and has a child that cannot either: for 20 seconds.

mod echo;

use std::{env, os::unix::process::CommandExt, process::Command};

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if env::var_os("DEAF").is_none() {
        let script = r#"trap "" HUP INT QUIT TERM; sleep 20.2020 & exec /proc/$$/exe "$@""#;
        let script = script.replace("/proc/$$/exe", &env::current_exe().unwrap().display().to_string());
        let error = Command::new("sh").args(["-c", &script, "sh"]).args(words).env("DEAF", "1").exec();
        panic!("{error}");
    }
    echo::serve(false);
}
