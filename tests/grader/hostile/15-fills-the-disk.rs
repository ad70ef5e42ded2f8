//! verdict: NotStarted
//! Its build script writes until the disk is full, or until it has written four gigabytes.

mod echo;

fn main() {
    echo::serve(option_env!("WORKED").is_some());
}
