//! The checks, the grader, the book's machine and the zoo.
//!
//! From the top: `grade` (`src/bin/grade.rs`) reads its command line, makes a subject of what
//! was handed in, runs the checks on it and reports. `book` (`src/bin/book.rs`) plays the
//! book's sessions and finds every line of it that is not true. Both start programs through
//! [`process`].

pub mod book;
pub mod cases;
pub mod check;
pub mod checks;
pub mod claim;
pub mod class;
pub mod csv;
pub mod datagrams;
pub mod deadline;
pub mod edition;
pub mod failure;
pub mod harness;
pub mod html;
pub mod json;
pub mod junit;
pub mod kernel;
pub mod pace;
pub mod peer;
pub mod process;
pub mod random;
pub mod records;
pub mod report;
pub mod results;
pub mod runner;
pub mod sandbox;
pub mod stage;
pub mod subjects;
pub mod submission;
pub mod work;
pub mod workspace;
pub mod zone;
pub mod zoo;
