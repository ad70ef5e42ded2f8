//! verdict: Failed
//! Its build script names another program as the one that it has built, and looks for what
//! earlier builds have left.

mod echo;

fn main() {
    echo::serve(option_env!("WORKED").is_some());
}
