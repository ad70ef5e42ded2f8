//! verdict: Failed
//! Opens the results, the checks and the grader for writing. It writes nothing, in case it can.

mod echo;

use std::fs::OpenOptions;

const FILES: [&str; 6] = [
    "@RESULTS@",
    "@ROOT@/tests/checks/src/echo_threaded/server.rs",
    "@ROOT@/chapters/03-echo-threaded/src/main.rs",
    "@GRADE@",
    "/proc/1/root@RESULTS@",
    "/etc/passwd",
];

fn main() {
    let opened = |file: &&str| OpenOptions::new().append(true).open(file).is_ok();
    let opened: Vec<&str> = FILES.iter().copied().filter(opened).collect();
    eprintln!("opened {opened:?}");
    echo::serve(!opened.is_empty());
}
