//! Right programs of other styles pass, and untouched starters fail: `src/subjects.rs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    checks::subjects::main()
}
