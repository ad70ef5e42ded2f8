//! How much happened when, in bounded memory.

use std::time::Duration;

/// The most spans that are kept: more than a graph has room for.
const SPANS: usize = 256;

/// How long a span is at first, in microseconds.
const FIRST_WIDTH: u64 = 100;

/// Sums of something, each over a span of time of the same width. A longer time makes the
/// spans wider, not more.
#[derive(Clone)]
pub struct Timeline {
    width: u64,
    sums: Vec<u64>,
}

impl Default for Timeline {
    fn default() -> Timeline {
        Timeline { width: FIRST_WIDTH, sums: Vec::new() }
    }
}

impl Timeline {
    /// Adds `amount` to the span in which `at` lies.
    pub fn add(&mut self, at: Duration, amount: u64) {
        if amount > 0 {
            self.add_at(u64::try_from(at.as_micros()).unwrap_or(u64::MAX), amount);
        }
    }

    /// Adds all of `other`, which began at `at`.
    pub fn add_all(&mut self, at: Duration, other: &Timeline) {
        while self.width < other.width {
            self.double_width();
        }
        for (start, sum) in other.spans() {
            self.add(at + Duration::from_micros(start), sum);
        }
    }

    /// The width of all spans, in microseconds.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Where each span starts, in microseconds, and its sum.
    pub fn spans(&self) -> impl Iterator<Item = (u64, u64)> {
        self.sums.iter().enumerate().map(|(n, sum)| (n as u64 * self.width, *sum))
    }

    /// The largest sum.
    pub fn max(&self) -> u64 {
        self.sums.iter().copied().max().unwrap_or(0)
    }

    /// The sum of the sums.
    pub fn total(&self) -> u64 {
        self.sums.iter().sum()
    }

    fn add_at(&mut self, micros: u64, amount: u64) {
        while micros / self.width >= SPANS as u64 {
            self.double_width();
        }
        let span = (micros / self.width) as usize;
        if span >= self.sums.len() {
            self.sums.resize(span + 1, 0);
        }
        self.sums[span] += amount;
    }

    fn double_width(&mut self) {
        self.width *= 2;
        self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_time_makes_wider_spans_and_loses_nothing() {
        let mut timeline = Timeline::default();
        for milli in 0..3000 {
            timeline.add(Duration::from_millis(milli), 1);
        }
        assert_eq!((timeline.total(), timeline.width()), (3000, FIRST_WIDTH * 128));
        assert!(timeline.spans().count() <= SPANS);
    }

    #[test]
    fn timelines_of_different_widths_add_up() {
        let (mut all, mut long) = (Timeline::default(), Timeline::default());
        all.add(Duration::ZERO, 1);
        long.add(Duration::from_secs(2), 10);
        all.add_all(Duration::from_secs(1), &long);
        let spans: Vec<_> = all.spans().filter(|(_, sum)| *sum > 0).collect();
        assert_eq!((spans.len(), spans[0], spans[1].1), (2, (0, 1), 10));
        assert!(spans[1].0 <= 3_000_000 && spans[1].0 + 2 * all.width() > 3_000_000);
    }
}
