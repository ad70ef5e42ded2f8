//! What udp-datetime can be told on its command line, and the random numbers that its client
//! needs. The lesson of the chapter is in `main.rs`.

use common::{Args, Error, Role, Seconds};
use std::{
    hash::{BuildHasher, RandomState},
    str::FromStr,
    time::Duration,
};

/// How the client asks.
pub struct Options {
    /// How often it asks.
    pub count: u64,
    /// How long it pauses between two requests.
    pub delay: Delay,
    /// How long it waits for a reply.
    pub timeout: Duration,
}

/// The bounds of a random pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    min: Duration,
    max: Duration,
}

/// Where `--delay` is not given.
const DELAY: Delay = Delay { min: Duration::from_secs(1), max: Duration::from_secs(2) };

/// Where `--timeout` is not given.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the whole command line. Only a client has options.
pub fn take(mut args: Args) -> Result<(Role, Options), Error> {
    let count = args.option("--count", "a whole number")?;
    let delay = args.option("--delay", "MIN-MAX in seconds, MIN not over MAX")?;
    let timeout = args.seconds("--timeout")?;
    let given = count.is_some() || delay.is_some() || timeout.is_some();
    let role = args.role("127.0.0.1")?;
    if given && matches!(role, Role::Server { .. }) {
        return Err(Error::Usage("a server takes no option but --bind".to_string()));
    }
    let options = Options {
        count: count.unwrap_or(u64::MAX), // which takes longer than any of us has
        delay: delay.unwrap_or(DELAY),
        timeout: timeout.unwrap_or(TIMEOUT),
    };
    Ok((role, options))
}

impl FromStr for Delay {
    type Err = ();

    fn from_str(text: &str) -> Result<Delay, ()> {
        let (min, max) = text.split_once('-').ok_or(())?;
        let (Seconds(min), Seconds(max)) = (min.parse()?, max.parse()?);
        if min <= max { Ok(Delay { min, max }) } else { Err(()) }
    }
}

impl Delay {
    /// A random time between the two bounds.
    pub fn random(self) -> Duration {
        self.min + (self.max - self.min).mul_f64(random())
    }
}

/// A random number from 0 up to 1. std has no generator, but it gives each hash map a random
/// key, so that an attacker cannot make its entries collide. So even the hash of `()` is a new
/// random number each time.
pub fn random() -> f64 {
    let bits = RandomState::new().hash_one(());
    (bits >> 11) as f64 / (1u64 << 53) as f64 // an f64 holds 53 bits exactly
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_has_its_bounds_in_order() {
        let delay = "0.5-0.75".parse::<Delay>().unwrap();
        for _ in 0..1000 {
            let pause = delay.random();
            assert!(delay.min <= pause && pause < delay.max, "{pause:?}");
        }
        assert_eq!("1-1".parse::<Delay>().unwrap().random(), Duration::from_secs(1));
        for wrong in ["", "1", "-", "1-", "-1", "2-1", "1-2-3", "-1-2", "a-b"] {
            assert_eq!(wrong.parse::<Delay>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn random_numbers_fill_their_range() {
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[(random() * 10.0) as usize] += 1;
        }
        assert!(seen.iter().all(|&count| (700..1300).contains(&count)), "{seen:?}");
    }
}
