//! Notices when this machine stood still, or the grader on it: a thread that wants to wake at
//! each beat, and notes by how much it was late. What others did meanwhile was seen late too.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The time between two beats.
const BEAT: Duration = Duration::from_millis(20);

/// Beats until it is dropped.
#[derive(Debug)]
pub struct Metronome(Arc<Mutex<Beats>>);

#[derive(Debug)]
struct Beats {
    last: Instant,
    /// When a beat came late, and by how much.
    late: Vec<(Instant, Duration)>,
}

impl Metronome {
    /// Begins to beat.
    pub fn start() -> Metronome {
        let beats = Arc::new(Mutex::new(Beats { last: Instant::now(), late: Vec::new() }));
        let metronome = Metronome(Arc::clone(&beats));
        let beats = Arc::downgrade(&beats);
        thread::spawn(move || {
            loop {
                thread::park_timeout(BEAT);
                let Some(beats) = beats.upgrade() else { return };
                let mut beats = beats.lock().unwrap_or_else(PoisonError::into_inner);
                let (now, late) = (Instant::now(), beats.late());
                if !late.is_zero() {
                    beats.late.push((now, late));
                }
                beats.last = now;
            }
        });
        metronome
    }

    /// By how much a beat since this moment was late, or is, at most.
    pub fn most_late_since(&self, moment: Instant) -> Duration {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = beats.late.iter().rev().take_while(|(at, _)| *at >= moment);
        since.map(|(_, late)| *late).chain([beats.late()]).max().unwrap_or_default()
    }
}

impl Beats {
    /// By how much the next beat is late by now.
    fn late(&self) -> Duration {
        self.last.elapsed().saturating_sub(BEAT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_that_comes_late_is_noticed() {
        let metronome = Metronome::start();
        let begun = Instant::now();
        // It cannot beat while its beats are ours.
        let beats = metronome.0.lock().unwrap();
        while beats.late() < 5 * BEAT {
            thread::park_timeout(BEAT);
        }
        drop(beats);
        assert!(metronome.most_late_since(begun) >= 5 * BEAT);
        while metronome.0.lock().unwrap().late.is_empty() {
            thread::park_timeout(BEAT);
        }
        assert!(metronome.most_late_since(begun) >= 5 * BEAT);
    }
}
