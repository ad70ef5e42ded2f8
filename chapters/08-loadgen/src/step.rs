//! What is known of one number of clients, for those who find it out and those who tell it.

use crate::{kernel::Counters, timeline::Timeline};
use std::time::Duration;

/// All that is known of one number of clients.
pub struct Step {
    /// How many came at once.
    pub clients: usize,
    /// How many sessions they had in all rounds together.
    pub sessions: u64,
    /// How many of these were served.
    pub done: u64,
    /// How many were not, by [`Kind`](crate::session::Kind).
    pub failed: [u64; 5],
    /// The message of the first session that was not.
    pub first_failure: Option<String>,
    /// How long connecting took, for every session, failed or not: no average of averages,
    /// and no failure that makes the rest look fast.
    pub connecting: Vec<Duration>,
    /// How long the whole session took, for every session.
    pub whole: Vec<Duration>,
    /// How long all the rounds took.
    pub time: Duration,
    /// What the kernel counted meanwhile.
    pub counters: Option<Counters>,
    /// Bytes over time.
    pub bytes: Timeline,
    /// The kernel's TCP errors over time.
    pub errors: Timeline,
    /// Failed sessions over time.
    pub failures: Timeline,
}

impl Step {
    /// Nothing is known yet.
    pub fn new(clients: usize, sessions: u64) -> Step {
        Step {
            clients,
            sessions,
            done: 0,
            failed: [0; 5],
            first_failure: None,
            connecting: Vec::new(),
            whole: Vec::new(),
            time: Duration::ZERO,
            counters: None,
            bytes: Timeline::default(),
            errors: Timeline::default(),
            failures: Timeline::default(),
        }
    }

    /// Counts what the kernel has counted between two looks at it.
    pub fn count(&mut self, at: Duration, before: Option<Counters>, now: Option<Counters>) {
        if let (Some(before), Some(now)) = (before, now) {
            let grown = now - before;
            self.errors.add(at, grown.errors());
            *self.counters.get_or_insert_default() += grown;
        }
    }
}
