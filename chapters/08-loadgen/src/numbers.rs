//! Numbers as people read them: short.

use std::time::Duration;

/// A rate, rounded down.
pub fn per_second(amount: u64, time: Duration) -> u64 {
    (amount as f64 / time.as_secs_f64().max(1e-6)) as u64
}

/// Three digits or a few more.
pub fn digits(number: f64) -> String {
    match number {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// A number with its thousands as a letter: `58M`, `1.2G`.
pub fn scaled(number: u64) -> String {
    let (mut number, mut letters) = (number as f64, ["", "k", "M", "G", "T"].iter());
    let mut letter = letters.next();
    while number >= 999.5 {
        (number, letter) = (number / 1000.0, letters.next());
    }
    let text = if number < 9.95 { format!("{number:.1}") } else { format!("{number:.0}") };
    format!("{}{}", text.trim_end_matches(".0"), letter.unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0312, 9.996, 99.96, 12345.0].map(digits),
            ["0.03", "10.0", "100", "12345"]
        );
        assert_eq!(
            [0, 999, 1000, 58_400_000, 999_500].map(scaled),
            ["0", "999", "1k", "58M", "1M"]
        );
    }
}
