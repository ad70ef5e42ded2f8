//! What our programs do beside what a person would use instead, in one run: ratios, because a
//! figure alone says more of the machine than of the program.
//!
//! ```text
//! $ make bench
//! $ make bench ONLY=tunnel
//! ```
//!
//! Each round measures all rivals one after another, and a ratio is made within its round; what
//! is shown is the median of the rounds, and their range. Every load is bounded and ends by
//! itself. What needs a tool that is missing is left out, and said so.

mod chatroom;
mod echo;
mod loadgen;
mod rivals;
mod tunnel;

use checks::workspace;
use std::{env, process::ExitCode};

/// Measures something of our programs, and shows it.
type Part = fn(&workspace::Programs) -> rivals::Measured<()>;

fn main() -> ExitCode {
    // cargo adds options of its own; a word is the part that is asked for.
    let only = env::args().skip(1).find(|word| !word.starts_with('-'));
    let programs = match workspace::build() {
        Ok(programs) => programs,
        Err(why) => {
            eprintln!("bench: {why}");
            return ExitCode::FAILURE;
        }
    };
    let parts: [(&str, Part); 4] = [
        ("echo", echo::measure),
        ("chatroom", chatroom::measure),
        ("loadgen", loadgen::measure),
        ("tunnel", tunnel::measure),
    ];
    let mut exit = ExitCode::SUCCESS;
    for (name, measure) in parts {
        if only.as_ref().is_none_or(|only| only == name) {
            println!("\n{name}");
            if let Err(why) = measure(&programs) {
                println!("  cannot be measured: {why}");
                exit = ExitCode::FAILURE;
            }
        }
    }
    exit
}
