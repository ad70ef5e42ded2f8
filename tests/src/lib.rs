//! The checks, the grader, the book's machine and the zoo.
//!
//! From the top: `grade` (`src/bin/grade.rs`) reads its command line; [`grade`] makes a subject
//! of what was handed in, [`runner`] runs the [`checks`] on it, each on a [`stage`], and
//! [`report`] tells. `book` (`src/bin/book.rs`) plays the book's sessions and finds every line
//! of it that is not true. [`zoo`] and [`subjects`] prove the checks: programs that must fail,
//! and programs that must pass.

pub mod book;
pub mod cases;
pub mod check;
pub mod checks;
pub mod failure;
pub mod grade;
pub mod harness;
pub mod report;
pub mod runner;
pub mod stage;
pub mod subjects;
pub mod workspace;
pub mod zoo;
