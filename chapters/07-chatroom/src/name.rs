//! Which names the room takes.

/// The longest login name, in characters.
const MAX_NAME: usize = 32;

/// Why a name is refused; `None` if it is not.
///
/// A room shows names to everyone, and people judge a line by how it looks. So a name must not
/// pass for another one, nor for a line of the server's. It is safer to list what is allowed
/// than what is not: Unicode has hundreds of characters that take no place on a screen.
pub fn refusal(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().count() > MAX_NAME {
        Some(format!("a name has 1 to {MAX_NAME} characters"))
    } else if let Some(c) = name.chars().find(|c| !is_allowed(*c)) {
        Some(format!("a name cannot have {c:?} (U+{:04X}) in it", u32::from(c)))
    } else if name.split(' ').any(str::is_empty) {
        Some("a name has single spaces, and only between words".to_string())
    } else if name == "Server" {
        Some("Server is the name of the room itself".to_string())
    } else {
        None
    }
}

/// Letters, digits, punctuation and the space. The colon ends a name where it is shown.
fn is_allowed(c: char) -> bool {
    (c.is_alphanumeric() && !is_filler(c)) || (c.is_ascii_punctuation() && c != ':') || c == ' '
}

/// Unicode calls these letters, but they are invisible: Hangul's places for a missing letter.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_letters_digits_punctuation_and_single_spaces() {
        let long = "x".repeat(MAX_NAME);
        let names =
            ["Batman", "b", "J. Doe", "server", "Zo\u{eb}", "\u{967}\u{915}\u{93e}", "[@_-]"];
        for name in names.into_iter().chain([&*long, &"\u{e9}".repeat(MAX_NAME)]) {
            assert_eq!(refusal(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_refusal_gives_the_true_reason() {
        let long = "x".repeat(MAX_NAME + 1);
        for (name, reason) in [
            ("", "1 to 32 characters"),
            (&long, "1 to 32 characters"),
            ("Bat:man", "cannot have ':' (U+003A) in it"),
            ("a\u{a0}b", "(U+00A0) in it"),
            (" ", "single spaces"),
            (" a", "single spaces"),
            ("a ", "single spaces"),
            ("a  b", "single spaces"),
            ("Server", "name of the room"),
        ] {
            let refused = refusal(name).unwrap();
            assert!(refused.contains(reason), "{name:?}: {refused}");
        }
    }

    /// Unicode's Default_Ignorable_Code_Point: nothing is to be seen of these characters. With
    /// one of them a second Batman would look like the first.
    #[test]
    fn a_name_can_be_seen() {
        let unseen =
            [0xad..=0xad, 0x34f..=0x34f, 0x61c..=0x61c, 0x115f..=0x1160, 0x17b4..=0x17b5]
                .into_iter()
                .chain([0x180b..=0x180f, 0x200b..=0x200f, 0x202a..=0x202e, 0x2060..=0x206f])
                .chain([0x3164..=0x3164, 0xfe00..=0xfe0f, 0xfeff..=0xfeff, 0xffa0..=0xffa0])
                .chain([
                    0xfff0..=0xfff8,
                    0x1bca0..=0x1bca3,
                    0x1d173..=0x1d17a,
                    0xe0000..=0xe0fff,
                ])
                .chain([0x2028..=0x2029, 0x2800..=0x2800]); // and two that are only blank
        for c in unseen.flatten().filter_map(char::from_u32) {
            let reason = format!("(U+{:04X}) in it", u32::from(c));
            assert!(refusal(&format!("Bat{c}man")).is_some_and(|why| why.contains(&reason)));
        }
    }
}
