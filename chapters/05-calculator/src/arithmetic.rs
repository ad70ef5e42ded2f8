//! The calculator itself: a line of text in, a number out. No network here.

/// What we say about a line that is not an expression.
pub const MALFORMED: &str = "malformed: write it as in 12 + 42, with + - * or /";

/// `A OP B`, understood but not calculated yet.
pub struct Expression {
    a: f64,
    operator: Operator,
    b: f64,
}

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
    /// [`MALFORMED`] if it is anything else.
    pub fn parse(line: &str) -> Result<Expression, &'static str> {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let [a, operator, b] = words[..] else { return Err(MALFORMED) };
        let operator = match operator {
            "+" => Operator::Add,
            "-" => Operator::Subtract,
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            _ => return Err(MALFORMED),
        };
        Ok(Expression { a: number(a)?, operator, b: number(b)? })
    }

    /// Calculates it as an f64 does, so that `0.1 + 0.2` is `0.30000000000000004`.
    ///
    /// # Errors
    /// `division by zero`, and `overflow` if one of the three numbers is too large.
    pub fn value(&self) -> Result<f64, &'static str> {
        let (a, b) = (self.a, self.b);
        let value = match self.operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide if b == 0.0 => return Err("division by zero"),
            Operator::Divide => a / b,
        };
        // All three, because a number of 400 digits is read as infinite, and 1 / infinite is 0.
        if [a, b, value].into_iter().all(f64::is_finite) {
            Ok(value + 0.0) // which turns -0 into 0
        } else {
            Err("overflow")
        }
    }
}

/// Reads `-?digits`, with `.digits` or without. std's `parse` takes this and more, such as
/// `inf`, `1e9` and `+1`, which our protocol does not have.
fn number(text: &str) -> Result<f64, &'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let plain = match unsigned.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part),
        None => digits(unsigned),
    };
    if plain { text.parse().map_err(|_| MALFORMED) } else { Err(MALFORMED) }
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
    fn answers_are_what_std_shows() {
        for (line, expected) in [
            ("12 + 42", "54"),
            ("4.5 / -6", "-0.75"),
            ("3.24 - 45", "-41.76"),
            ("0.1 + 0.2", "0.30000000000000004"),
            ("1 / 3", "0.3333333333333333"),
            ("1 / 4000000000000000", "0.00000000000000025"),
            ("0 * -5", "0"),
            ("0 / -5", "0"),
            ("9007199254740991 / 1", "9007199254740991"),
            ("0.0000000000000000000001 * 1", "0.0000000000000000000001"),
            ("0 - 0", "0"),
            ("-0 + -0", "0"),
            ("  007   *  -1.50 ", "-10.5"),
        ] {
            assert_eq!(answer(line), expected, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_calculated_is_an_error() {
        let huge = "9".repeat(300);
        assert_eq!(answer("1 / 0"), "division by zero");
        assert_eq!(answer("0 / -0.00"), "division by zero");
        assert_eq!(answer(&format!("{huge} * {huge}")), "overflow");
        assert_eq!(answer(&format!("-1 / {huge}{huge}{huge}{huge}")), "overflow");
        let much = format!("{huge}{huge} - {huge}{huge}");
        assert_eq!(answer(&much), "overflow");
        assert!(Expression::parse(&much).is_ok()); // so the client asks, and the server says so
        assert_eq!(answer(&format!("1 + {huge}")), format!("1{}", "0".repeat(300)));
    }

    #[test]
    fn what_is_too_small_for_an_f64_is_zero_without_a_sign() {
        let tiny = format!("0.{}1", "0".repeat(200));
        assert_eq!(answer(&format!("{tiny} * -{tiny}")), "0");
        assert_eq!(answer(&format!("-{tiny} / 1{}", "0".repeat(200))), "0");
        assert_eq!(answer(&format!("-0.{}1 + 0", "0".repeat(60_000))), "0");
    }

    #[test]
    fn an_expression_is_two_plain_numbers_and_an_operator() {
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
