//! The whole check: what the book says, and whether it is true.

use super::{
    Untrue, links, listing,
    markdown::Book,
    player::{Nobody, Played, play},
    session::{Session, sessions},
    table,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

/// How many sessions are played side by side. They wait most of the time.
const SIDE_BY_SIDE: usize = 8;

/// All that can be checked without playing a session, in the order of the lines.
pub fn still(book: &Book, root: &Path) -> Vec<Untrue> {
    let mut untrue = book.faults.clone();
    untrue.extend(sessions(book).err().into_iter().flatten());
    untrue.extend(listing::check(book, root));
    untrue.extend(table::check(book, root));
    untrue.extend(links::check(book, root));
    untrue.sort();
    untrue
}

/// Plays sessions, several at a time, and tells `done` about each one in the book's order.
///
/// # Errors
/// The first error of `done`.
pub fn play_all<E>(
    sessions: &[Session],
    programs: &[PathBuf],
    mut done: impl FnMut(&Session, Result<Played, Untrue>) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, played) = mpsc::channel();
        for _ in 0..SIDE_BY_SIDE.min(sessions.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(session) = sessions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = play(session, programs, &mut Nobody);
                    if sender.send((session, result)).is_err() {
                        return; // nobody wants to know any more
                    }
                }
            });
        }
        drop(sender);
        let mut early = Vec::new();
        for session in sessions {
            let is_it = |(other, _): &(&Session, _)| std::ptr::eq(*other, session);
            let result = loop {
                if let Some(at) = early.iter().position(is_it) {
                    break early.swap_remove(at).1;
                }
                let Ok(other) = played.recv() else { return Ok(()) };
                early.push(other);
            };
            done(session, result)?;
        }
        Ok(())
    })
}
