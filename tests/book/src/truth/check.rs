//! All claims of the book that need no session to be played.

use crate::{
    Untrue,
    reading::{markdown::Book, session::sessions},
    truth::{blocking, coverage, links, listing, table},
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
