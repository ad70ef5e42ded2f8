//! Plays sessions with the real programs: for tests, and for people to see.
//!
//! [`player`] runs one and finds its first line that is not true, [`ports`] keeps it from colliding
//! with anything, [`tour`] shows it.

pub mod player;
pub mod ports;
pub mod tour;
