//! Payloads that differ in every run and are the same under the same seed.

use std::{
    hash::{BuildHasher, RandomState},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// A small generator: xorshift64* (Marsaglia 2003; Vigna 2016). Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for one check: the same seed and name give the same payloads.
    pub fn new(seed: u64, name: &str) -> Random {
        // FNV-1a, so that no two checks see the same payload.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random(hash | 1)
    }

    fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to `end - 1`.
    fn below(&mut self, end: usize) -> usize {
        (self.number() >> 11) as usize % end.max(1)
    }

    /// A word of `length` small letters: no program prints it by accident.
    pub fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(b'a' + self.below(26) as u8)).collect()
    }

    /// `length` bytes of every value.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.number().to_be_bytes()[..part.len()]);
        }
        bytes
    }
}

/// A number that is the same in all of this run, and hardly in another one: a process id is not,
/// where runs have namespaces of their own.
pub fn of_this_run() -> u32 {
    static NUMBER: OnceLock<u32> = OnceLock::new();
    *NUMBER.get_or_init(|| RandomState::new().hash_one(process::id()) as u32)
}

/// A number that this run has not given out before, for the names of files.
pub fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_name_make_the_payload() {
        let word = |seed, name| Random::new(seed, name).word(12);
        assert_eq!(word(7, "03.echo"), word(7, "03.echo"));
        assert_ne!(word(7, "03.echo"), word(8, "03.echo"));
        assert_ne!(word(7, "03.echo"), word(7, "03.bytes"));
    }
}
