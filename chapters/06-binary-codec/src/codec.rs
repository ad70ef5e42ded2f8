//! The two services: text to binary digits, and back. There is no socket in here.

use crate::frame::MAX_FRAME;

/// The longest text whose groups fit into a frame: eight digits and a space for each byte.
const MAX_TEXT: usize = MAX_FRAME / 9;

/// Turns a request into its answer, or says why there is none.
pub type Codec = fn(&str) -> Result<String, String>;

/// The bytes of a text as groups of eight binary digits: `co` → `01100011 01101111`.
///
/// Bytes, not characters: `é` is two bytes in UTF-8, so it becomes two groups.
pub fn encode(text: &str) -> Result<String, String> {
    // Before we write the first group: nine times a megabyte is a lot to make for nothing.
    if text.len() > MAX_TEXT {
        return Err(format!("the answer would be longer than {MAX_FRAME} bytes"));
    }
    let mut groups = String::new();
    for byte in text.bytes() {
        groups += &format!("{byte:08b} ");
    }
    groups.pop(); // the space after the last group
    Ok(groups)
}

/// The text whose bytes are given as groups of one to eight binary digits.
pub fn decode(groups: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    for (at, group) in groups.split_whitespace().enumerate() {
        let byte = parse(group);
        bytes
            .push(byte.ok_or_else(|| format!("group {} is not 1 to 8 binary digits", at + 1))?);
    }
    // Only now, because the bytes of one character may be spread over several groups.
    String::from_utf8(bytes).map_err(|_| "these bytes are not UTF-8".to_string())
}

/// The byte that a group of binary digits stands for. std's own parser would also take a sign,
/// and any number of leading zeros.
fn parse(group: &str) -> Option<u8> {
    let digits = group.len() <= 8 && group.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    if digits { u8::from_str_radix(group, 2).ok() } else { None }
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
    fn decoding_undoes_encoding() {
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
    fn a_group_that_is_not_a_byte_is_named_by_its_place() {
        for (groups, place) in [("2", 1), ("1 000000001", 2), ("1 1 +1", 3), ("1 é", 2)] {
            let error = format!("group {place} is not 1 to 8 binary digits");
            assert_eq!(decode(groups), Err(error), "{groups}");
        }
        assert_eq!(decode("11000011"), Err("these bytes are not UTF-8".to_string()));
    }
}
