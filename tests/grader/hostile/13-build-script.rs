//! verdict: Failed
//! Its build script does what a program must not, and leaves a process behind.

mod echo;

fn main() {
    echo::serve(option_env!("WORKED").is_some());
}
