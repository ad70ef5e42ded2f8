//! The chapter's checks against the chapter's program.
fn main() {}
