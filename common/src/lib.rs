//! What an earlier chapter has taught, or no chapter is about.
//!
//! From the top: a program starts in [`Program::main`], which reads its [`Args`] and ends
//! with an exit status made from an [`Error`]. What it prints goes through [`say`] (the
//! conversation, on stdout) or [`note`] (about the conversation, on stderr); what its user
//! types comes from [`typed`]. Every call that can wait is marked with [`blocking`], so that
//! `BLOCKING=1` shows who waited. [`net`] holds what the chapters have taught about sockets,
//! each item with its chapter.

mod args;
mod blocking;
mod clock;
mod error;
mod interface;
mod lines;
mod terminal;
mod trace;

pub mod net;

pub use args::{Args, Program, Role, Seconds, without_brackets};
pub use blocking::blocking;
pub use clock::LocalTime;
pub use error::{Context, Error, cause, invalid_data};
pub use interface::interface_address;
pub use lines::text_line;
pub use terminal::{note, printable, progress, prompt, put, say, typed};
