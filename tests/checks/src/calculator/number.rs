//! The number in a reply. The lab says that the answer is sent back as a string, and not what
//! else is in it: a copy of the request, a label, a sentence.

/// Words that tell of an error, in which a number may stand that is no answer.
const TROUBLE: [&str; 14] = [
    "err",
    "invalid",
    "cannot",
    "can't",
    "could not",
    "not ",
    "wrong",
    "malformed",
    "bad",
    "fail",
    "zero",
    "exception",
    "undefined",
    "usage",
];

/// True if this number is in the reply, behind a copy of the request or without one.
pub(super) fn is_in(reply: &str, request: &str, expected: f64) -> bool {
    numbers(&without(reply, request)).iter().any(|n| is_close(*n, expected))
}

/// The number that a reply gives for an answer. None: it tells of an error.
pub(super) fn claimed(reply: &str, request: &str) -> Option<f64> {
    let rest = without(reply, request);
    let lower = rest.to_ascii_lowercase();
    if let Ok(number) = rest.trim().parse::<f64>() {
        return Some(number).filter(|n| n.is_finite());
    }
    if TROUBLE.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let asked = numbers(request);
    numbers(&rest).into_iter().rev().find(|n| !asked.iter().any(|a| is_close(*a, *n)))
}

/// The reply without a copy of the request.
fn without(reply: &str, request: &str) -> String {
    reply.replacen(request.trim(), " ", 1)
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// All numbers in a text, but those within words (`client7`).
pub(super) fn numbers(text: &str) -> Vec<f64> {
    let bytes = text.as_bytes();
    let (mut numbers, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
        let in_word = before.is_ascii_alphanumeric() || before == b'_' || before == b'.';
        let length = if in_word { 0 } else { number_length(&bytes[at..]) };
        numbers.extend(text.get(at..at + length).and_then(|number| number.parse::<f64>().ok()));
        at += length.max(1);
    }
    numbers
}

/// How long the number is with which these bytes begin; 0 if they begin with none.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(sign);
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_looked_for_in_a_reply() {
        for reply in [
            "54",
            "54.0",
            "54.000000",
            "5.4e1",
            "12 + 42 = 54",
            "12 + 42 is 54.0.",
            "Result:54",
            "Ada, 12 + 42 makes 54!",
            "client7: 54\0\0",
            "[INFO] the answer is 54 (in 0.1 ms)",
        ] {
            assert!(is_in(reply, "12 + 42", 54.0), "{reply}");
            assert!(!is_in(reply, "12 + 42", 55.0), "{reply}");
        }
        assert!(is_in("4.5 / -6 = -0.75", "4.5 / -6", -0.75));
        assert!(!is_in("12 + 54", "12 + 54", 54.0));
        assert!(!is_in("client54: 5", "12 + 42", 54.0));
    }

    #[test]
    fn an_error_is_a_reply_without_an_answer() {
        for (reply, request) in [
            ("error: division by zero", "1 / 0"),
            ("Error 400: bad request", "12 +"),
            ("inf", "1 / 0"),
            ("1 / 0 = ?", "1 / 0"),
            ("I do not know what 12 + is", "12 +"),
            ("invalid literal for int() with base 10: 'hello'", "hello"),
        ] {
            assert_eq!(claimed(reply, request), None, "{reply}");
        }
        assert_eq!(claimed("3", "1 + 2 3"), Some(3.0));
        assert_eq!(claimed("Result: 0", "1 / 0"), None); // 0 was asked about
        assert_eq!(claimed("the result is 7", "12 +"), Some(7.0));
    }
}
