//! Plays sessions with the real programs: for tests, and for people to see.
//!
//! [`player`] runs one and finds its first line that is not true, [`all`] runs many, [`ports`] keeps it from colliding
//! with anything, [`tour`] shows it.

pub mod all;
pub mod player;
pub mod ports;
pub mod tour;
