//! The two services: text to binary digits, and back. No socket in here.

/// Turns a request into its answer, or says why that cannot be done.
pub type Codec = fn(&str) -> Result<String, String>;

/// The bytes of a text as groups of eight binary digits: `co` → `01100011 01101111`.
///
/// Bytes, not characters: `é` is two bytes in UTF-8, and becomes two groups.
pub fn encode(text: &str) -> Result<String, String> {
    let add = |groups: String, byte| groups + &format!("{byte:08b} ");
    let mut groups = text.bytes().fold(String::new(), add);
    groups.pop(); // the space behind the last group
    Ok(groups)
}

/// The text whose bytes are given as groups of one to eight binary digits.
pub fn decode(groups: &str) -> Result<String, String> {
    let byte = |(at, group)| {
        parse(group).ok_or_else(|| format!("group {} is not 1 to 8 binary digits", at + 1))
    };
    let bytes = groups.split_whitespace().enumerate().map(byte).collect::<Result<_, _>>()?;
    // Only now: one character may be spread over several groups.
    String::from_utf8(bytes).map_err(|_| "these bytes are not UTF-8".to_string())
}

fn parse(group: &str) -> Option<u8> {
    // The standard's parser would take a sign, and any number of leading zeros.
    let digits = group.len() <= 8 && group.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    digits.then(|| u8::from_str_radix(group, 2).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_eight_digits() {
        assert_eq!(encode("co").unwrap(), "01100011 01101111");
        assert_eq!(encode("\0é").unwrap(), "00000000 11000011 10101001");
    }

    #[test]
    fn decoding_takes_encoding_back() {
        let text = "commetsii é 漢 🦀\n\t";
        assert_eq!(decode(&encode(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_group_may_be_short_and_spaces_many() {
        assert_eq!(decode("  1100011\t01101111\n").unwrap(), "co");
        assert_eq!(decode("0").unwrap(), "\0");
        assert_eq!(decode("  ").unwrap(), "");
    }

    #[test]
    fn what_is_no_byte_is_named_by_its_place() {
        for (groups, place) in [("2", 1), ("1 000000001", 2), ("1 1 +1", 3), ("1 é", 2)] {
            let error = format!("group {place} is not 1 to 8 binary digits");
            assert_eq!(decode(groups), Err(error), "{groups}");
        }
        assert_eq!(decode("11000011"), Err("these bytes are not UTF-8".to_string()));
    }
}
