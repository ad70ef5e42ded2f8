//! How slow this machine is just now: a deadline that is fair on an idle desk is none on a
//! server that grades a class.

use stage::process::{Process, Surroundings};
use std::time::{Duration, Instant};

/// How long a program may take to start and end before deadlines grow with it. On an idle
/// machine it takes a tenth of this, behind walls a third.
const USUAL: Duration = Duration::from_millis(50);

/// How many times longer than usual a program takes here and now, from its start to its end;
/// 1 where it is quicker.
pub fn slowness(around: &Surroundings) -> f64 {
    let mut times = [(); 3].map(|()| time(around));
    times.sort();
    (times[1].as_secs_f64() / USUAL.as_secs_f64()).max(1.0)
}

fn time(around: &Surroundings) -> Duration {
    let begun = Instant::now();
    // What cannot be started is told by the checks.
    let _ = Process::start("true", around).map(|program| program.wait(20 * USUAL));
    begun.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowness_is_a_factor() {
        let factor = slowness(&Surroundings::default());
        assert!((1.0..100.0).contains(&factor), "{factor}");
    }
}
