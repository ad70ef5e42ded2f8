//! The checks, the grader, the book's machine and the zoo.
//!
//! From the top: `grade` (`src/bin/grade.rs`) reads its command line, makes a subject of what
//! was handed in, runs the checks on it and reports. `book` (`src/bin/book.rs`) plays the
//! book's sessions and finds every line of it that is not true. Both start programs through
//! [`process`].

pub mod book;
pub mod check;
pub mod checks;
pub mod failure;
pub mod harness;
pub mod kernel;
pub mod peer;
pub mod process;
pub mod random;
pub mod report;
pub mod results;
pub mod runner;
pub mod stage;
pub mod submission;
pub mod workspace;
