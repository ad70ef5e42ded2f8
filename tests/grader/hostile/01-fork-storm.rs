//! verdict: Failed
//! Starts itself again and again, and so does each of them: at most 3000, for 20 seconds.

mod echo;

use std::{env, process::Command, thread};

const MOST: usize = 3000;
const EACH: usize = 6;

fn main() {
    // `storm N`: the Nth, which starts EACH more.
    let number = env::args().nth(2).and_then(|n| n.parse().ok()).filter(|_| is_storm());
    let first = number.map_or(1, |number: usize| number * EACH);
    let start = |n: &usize| Command::new("/proc/self/exe").args(["storm", &n.to_string()]).spawn();
    let more = (first..first + EACH).filter(|n| *n < MOST).filter(|n| start(n).is_ok()).count();
    if is_storm() {
        return thread::sleep(echo::LIFE);
    }
    echo::serve(more == 0); // a wall so tight that nothing starts would be wrong too
}

fn is_storm() -> bool {
    env::args().nth(1).is_some_and(|word| word == "storm")
}
