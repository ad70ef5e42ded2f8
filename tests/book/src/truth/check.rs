//! The whole check: what the book says, and whether it is true.

use crate::{
    Untrue,
    playing::player::{Played, play_fairly},
    reading::{
        markdown::Book,
        session::{Session, sessions},
    },
    truth::{blocking, coverage, links, listing, table},
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
const SIDE_BY_SIDE: usize = 24;

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

/// Plays sessions, several at a time, and tells `done` how those of each section went, in the
/// book's order.
///
/// # Errors
/// The first error of `done`.
pub fn play_all<E>(
    sessions: &[Session],
    programs: &[PathBuf],
    mut done: impl FnMut(&str, Vec<Result<Played, Untrue>>) -> Result<(), E>,
) -> Result<(), E> {
    // The longest first, so that none is left alone at the end.
    let mut order: Vec<_> = (0..sessions.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sessions[*at].silence()));
    let next = AtomicUsize::new(0);
    let mut results: Vec<_> = sessions.iter().map(|_| None).collect();
    thread::scope(|scope| {
        let (sender, played) = mpsc::channel();
        for _ in 0..SIDE_BY_SIDE.min(sessions.len()) {
            let (sender, next, order) = (sender.clone(), &next, &order);
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(at) = order.get(place).copied() else { return };
                    let played = play_fairly(&sessions[at], programs);
                    // When nobody wants to know any more, there is nothing left to play for.
                    if sender.send((at, played)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut first = 0;
        for section in sessions.chunk_by(|a, b| a.section == b.section) {
            let all = first..first + section.len();
            while results[all.clone()].iter().any(Option::is_none) {
                let Ok((at, result)) = played.recv() else { return Ok(()) };
                results[at] = Some(result);
            }
            first = all.end;
            done(
                &section[0].section,
                results[all].iter_mut().filter_map(Option::take).collect(),
            )?;
        }
        Ok(())
    })
}
