//! Plays many sessions side by side, because they wait most of the time.

use crate::{
    Untrue,
    playing::player::{Nobody, Played, Wrong, play},
    reading::session::Session,
};
use std::{
    cmp::Reverse,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How many sessions are played side by side.
const SIDE_BY_SIDE: usize = 24;

/// How often a session is played in which nothing is wrong but that something took too long. A
/// busy machine does that to one run, and hardly to three; the second and the third are alone.
const TRIES: usize = 3;

/// Plays sessions, and returns what became of each.
pub fn play_all(sessions: &[Session], programs: &[PathBuf]) -> Vec<Result<Played, Untrue>> {
    // The longest first, so that none is left alone at the end.
    let mut order: Vec<_> = (0..sessions.len()).collect();
    order.sort_by_key(|at| Reverse(sessions[*at].silence()));
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(sessions.len()) {
            scope.spawn(|| {
                while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = play(&sessions[*at], programs, &mut Nobody);
                    let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
                    played.push((*at, result));
                }
            });
        }
    });
    let mut played = played.into_inner().unwrap_or_else(PoisonError::into_inner);
    played.sort_by_key(|(at, _)| *at);
    played.into_iter().map(|(at, first)| again(&sessions[at], programs, first)).collect()
}

/// Plays a session again as long as all that is wrong may be the machine's fault.
fn again(
    session: &Session,
    programs: &[PathBuf],
    first: Result<Played, Wrong>,
) -> Result<Played, Untrue> {
    let mut last = first;
    for _ in 1..TRIES {
        match last {
            Err(Wrong { too_slow: true, .. }) => last = play(session, programs, &mut Nobody),
            _ => break,
        }
    }
    last.map_err(|wrong| wrong.lie)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::reading::{markdown::Book, session::sessions};
    use std::{env, fs, process};

    fn read(text: &str) -> Vec<Session> {
        sessions(&Book::parse(text)).unwrap()
    }

    #[test]
    fn each_session_has_its_own_result() {
        let text: String =
            (0..40).map(|n| format!("```text\na$ echo {n}\na: {}\n```\n", n % 7)).collect();
        let played = play_all(&read(&text), &[]);
        let lies = played.iter().enumerate().filter(|(_, result)| result.is_err());
        assert_eq!(lies.map(|(at, _)| at).collect::<Vec<_>>(), (7..40).collect::<Vec<_>>());
    }

    #[test]
    fn only_what_took_too_long_is_played_again() {
        let file = env::temp_dir().join(format!("book-tries-{}", process::id()));
        let tries = |printed: &str, pattern: &str| {
            let command = format!("echo x >> {}; echo {printed}", file.display());
            let session = read(&format!("```text\na$ {command}\na: {pattern}\n```\n"));
            assert!(play_all(&session, &[])[0].is_err());
            let tries = fs::read_to_string(&file).unwrap().lines().count();
            fs::remove_file(&file).unwrap();
            tries
        };
        assert_eq!(tries("1 s", "[µs]"), TRIES);
        assert_eq!([tries("1 us", "[s]"), tries("1 s", "2 s")], [1, 1]);
    }
}
