//! Reads the book and the source that it speaks of: what lines there are, and what they say.
//!
//! [`markdown`] takes the book apart. [`session`] is the grammar of a transcript, [`pattern`] that of
//! one printed line. [`source`] finds functions, calls and tests in Rust.

pub mod markdown;
pub mod pattern;
pub mod session;
pub mod source;
