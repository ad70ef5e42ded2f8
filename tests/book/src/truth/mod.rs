//! Finds every line of the book that is not true, without playing a session.
//!
//! [`check`] is the whole of it. Each other file holds one kind of claim against what it is about.

pub mod blocking;
pub mod check;
pub mod coverage;
pub mod links;
pub mod listing;
pub mod measured;
pub mod shares;
pub mod table;
pub mod waits;
