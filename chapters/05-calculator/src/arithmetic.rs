//! The calculator itself: a line of text in, a number out. No network here.

/// What is said about a line that is no expression.
pub const MALFORMED: &str = "malformed: write it as in 12 + 42, with + - * or /";

/// What is said to a number that an f64 cannot hold.
const OVERFLOW: &str = "overflow";

/// `A OP B`, understood, and not yet calculated.
#[derive(Debug)]
pub struct Expression {
    a: Number,
    operator: Operator,
    b: Number,
}

/// A number, and how many decimals it was written with.
#[derive(Debug)]
struct Number {
    value: f64,
    decimals: usize,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Expression {
    /// Reads `A OP B`, separated by spaces.
    ///
    /// # Errors
    /// [`MALFORMED`], when it is anything else.
    pub fn parse(line: &str) -> Result<Expression, &'static str> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let mut next = || words.next().ok_or(MALFORMED);
        let (a, operator, b) = (next()?, next()?, next()?);
        if words.next().is_some() {
            return Err(MALFORMED);
        }
        let operator = match operator {
            "+" => Operator::Add,
            "-" => Operator::Subtract,
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            _ => return Err(MALFORMED),
        };
        Ok(Expression { a: Number::parse(a)?, operator, b: Number::parse(b)? })
    }

    /// Calculates it, as a person with paper would: `0.1 + 0.2` is `0.3`.
    ///
    /// An f64 holds binary fractions, so that alone it says 0.30000000000000004. But a sum has
    /// no more decimals than its terms, and a product no more than both factors together:
    /// what stands behind those is noise.
    ///
    /// # Errors
    /// `division by zero`, and `overflow` when one of the numbers is too large for an f64.
    pub fn value(&self) -> Result<f64, &'static str> {
        let (a, b) = (&self.a, &self.b);
        if a.value.is_infinite() || b.value.is_infinite() {
            return Err(OVERFLOW); // else 1 / infinity would be 0
        }
        let value = match self.operator {
            Operator::Add => round(a.value + b.value, a.decimals.max(b.decimals)),
            Operator::Subtract => round(a.value - b.value, a.decimals.max(b.decimals)),
            Operator::Multiply => round(a.value * b.value, a.decimals + b.decimals),
            Operator::Divide if b.value == 0.0 => return Err("division by zero"),
            Operator::Divide => quotient(a, b),
        };
        if value.is_finite() { Ok(value) } else { Err(OVERFLOW) }
    }
}

impl Number {
    /// Reads `-?digits`, with `.digits` or without. Rust's own `parse` takes this too, but
    /// `inf`, `1e9` and `+1` besides. One that an f64 cannot hold becomes infinite.
    fn parse(text: &str) -> Result<Number, &'static str> {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let decimals = match unsigned.split_once('.') {
            Some((whole, part)) if digits(whole) && digits(part) => part.len(),
            None if digits(unsigned) => 0,
            _ => return Err(MALFORMED),
        };
        Ok(Number { value: text.parse().map_err(|_| MALFORMED)?, decimals })
    }
}

/// A quotient may have decimals without end. Whether it has few, a trial shows: the rounded
/// one, multiplied by `b`, must give `a` again.
fn quotient(a: &Number, b: &Number) -> f64 {
    const FEW: usize = 12;
    let long = a.value / b.value;
    let short = round(long, FEW);
    if round(short * b.value, FEW + b.decimals) == a.value { short } else { long }
}

/// Rounds to so many decimals; a zero loses its sign.
fn round(value: f64, decimals: usize) -> f64 {
    // No f64 has more than 1074 decimals, and no format takes more than 65535.
    let decimals = decimals.min(1074);
    format!("{value:.decimals$}").parse().unwrap_or(value) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the calculator says to a line.
    fn answer(line: &str) -> String {
        let value = Expression::parse(line).and_then(|expression| expression.value());
        value.map_or_else(str::to_string, |value| value.to_string())
    }

    #[test]
    fn answers_are_what_a_person_writes() {
        for (line, expected) in [
            ("12 + 42", "54"),
            ("4.5 / -6", "-0.75"),
            ("3.24 - 45", "-41.76"),
            ("0.1 + 0.2", "0.3"),
            ("100.1 - 100", "0.1"),
            ("1.1 * 1.1", "1.21"),
            ("0.3 / 0.1", "3"),
            ("4.35 * 100", "435"),
            ("1 / 3", "0.3333333333333333"),
            ("1 / 4000000000000000", "0.00000000000000025"),
            ("0 * -5", "0"),
            ("0 / -5", "0"),
            ("9007199254740991 / 1", "9007199254740991"),
            ("0.000000000000000000001 * 0.1", "0.0000000000000000000001"),
            ("  007   *  -1.50 ", "-10.5"),
        ] {
            assert_eq!(answer(line), expected, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_calculated_is_said() {
        let huge = "9".repeat(300);
        assert_eq!(answer("1 / 0"), "division by zero");
        assert_eq!(answer("0 / -0.00"), "division by zero");
        assert_eq!(answer(&format!("{huge} * {huge}")), "overflow");
        assert_eq!(answer(&format!("-1 / {huge}{huge}{huge}{huge}")), "overflow");
        let much = format!("{huge}{huge} - {huge}{huge}");
        assert_eq!(answer(&much), "overflow");
        assert!(Expression::parse(&much).is_ok()); // so the client asks, and the server says so
        assert_eq!(answer(&format!("1 + {huge}")), format!("1{}", "0".repeat(300)));
        let long = format!("0.{}", "1".repeat(65_000));
        assert_eq!(answer(&format!("{long} * 9")), "1");
        assert_eq!(answer(&format!("{long} / 1")), "0.1111111111111111");
    }

    #[test]
    fn an_expression_is_two_plain_numbers_and_what_stands_between() {
        for line in [
            "",
            " ",
            "q",
            "12",
            "12 +",
            "12 42",
            "+ 12 42",
            "12+42",
            "1 + 2 3",
            "1 % 2",
            "1 ** 2",
            "1e5 + 2",
            "inf + 1",
            "nan + 1",
            "0x10 + 1",
            "1_0 + 1",
            "+5 + 1",
            "--5 + 1",
            ".5 + 1",
            "5. + 1",
            "- + 1",
            "1,5 + 1",
            "1\t+\t2",
            "1 + 2\u{1b}",
            "١ + ٢",
            "1 + __import__('os')",
        ] {
            assert_eq!(answer(line), MALFORMED, "{line:?}");
        }
    }
}
