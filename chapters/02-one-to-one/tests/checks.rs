//! The chapter's checks, on the chapter's program.

use std::process::ExitCode;

fn main() -> ExitCode {
    checks::harness::main("02", env!("CARGO_BIN_EXE_one-to-one"))
}
