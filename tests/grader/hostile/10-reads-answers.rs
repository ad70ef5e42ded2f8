//! verdict: Failed
//! Looks for the reference, the checks and the others' work, and serves if it finds any.

mod echo;

use std::fs;

const ANSWERS: [&str; 7] = [
    "@ROOT@/chapters/03-echo-threaded/src/main.rs",
    "@ROOT@/chapters/05-calculator/src/main.rs",
    "@ROOT@/tests/checks/src/echo_threaded/server.rs",
    "@ROOT@/BOOK.md",
    "@ROOT@/target/grade",
    "@CLASS@",
    "/proc/1/root@ROOT@",
];

fn main() {
    // A folder on the way to the program itself may be there, with the next one in it.
    let has_more = |path: &str| fs::read_dir(path).is_ok_and(|all| all.count() > 1);
    let found = |path: &&str| fs::read(path).is_ok() || has_more(path);
    let found: Vec<&str> = ANSWERS.iter().copied().filter(found).collect();
    eprintln!("found {found:?}");
    echo::serve(!found.is_empty());
}
