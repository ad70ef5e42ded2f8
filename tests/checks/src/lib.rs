//! The specification: what each of the nine programs does, seen from outside.
//!
//! A chapter's file begins with its list of checks, which reads as the specification; what each
//! check does is written below it, in the same order. [`check`] says what a check is, [`runner`]
//! runs the checks on a program and [`report`] tells a person what they found; [`harness`] shows
//! them as `cargo test` shows its tests. [`subjects`] proves the checks with programs that are
//! right, and [`zoo`] with wrong ones. A new sentence of behaviour belongs into its chapter's file; what several chapters
//! share into `shared`, or into `manners` if it is about a program's conduct.

/// What a check's steps are made of, for the tests of chapters, which depend on this crate alone.
pub use stage;

pub mod check;
pub mod files;
pub mod harness;
pub mod libtest_like;
pub mod report;
pub mod runner;
pub mod speech;
pub mod subjects;
pub mod workspace;
pub mod zoo;

pub mod binary_codec;
pub mod calculator;
pub mod chatroom;
pub mod dumb_net;
pub mod echo_threaded;
pub mod loadgen;
mod manners;
pub mod one_to_one;
mod shared;
mod together;
pub mod tunnel_chat;
pub mod udp_datetime;
