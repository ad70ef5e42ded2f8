//! Every mutant in `tests/checks/mutants` fails the checks that its header names: `src/zoo` says more.

use std::process::ExitCode;

fn main() -> ExitCode {
    checks::zoo::main()
}
