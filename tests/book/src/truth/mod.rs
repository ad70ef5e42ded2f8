//! Finds every line of the book that is not true, without playing a session.
//!
//! [`still`] is the whole of it. Each other file holds one kind of claim against what it is about.

pub mod blocking;
pub mod coverage;
pub mod links;
pub mod listing;
pub mod measured;
pub mod shares;
pub mod table;
pub mod waits;

use crate::{
    Untrue,
    reading::{markdown::Book, session::sessions},
};
use std::path::Path;

/// All that can be checked without playing a session, in the order of the lines.
pub fn still(book: &Book, root: &Path) -> Vec<Untrue> {
    let mut untrue = book.faults.clone();
    untrue.extend(sessions(book).err().into_iter().flatten());
    untrue.extend(listing::check(book, root));
    untrue.extend(coverage::check(book, root));
    untrue.extend(table::check(book, root));
    match blocking::missing(book, root) {
        Ok(missing) => untrue.extend(missing),
        Err(e) => untrue.push(Untrue::new(1, format!("cannot read the source: {e}"))),
    }
    untrue.extend(links::check(book, root));
    untrue.sort();
    untrue
}
