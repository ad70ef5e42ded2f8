//! Which names the room takes.

/// The longest login name, in characters.
const MAX_NAME: usize = 32;

/// Why a name cannot be had; `None` if it can.
///
/// A room shows names to everyone, and what is said in it is believed by its form. So a name may
/// not pass for another one, nor for a line of the server's. It is safer to list what is allowed
/// than what is not: Unicode has hundreds of characters that take no place on a screen.
pub fn refusal(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().count() > MAX_NAME {
        Some(format!("a name has 1 to {MAX_NAME} characters"))
    } else if let Some(c) = name.chars().find(|c| !is_allowed(*c)) {
        Some(format!("a name cannot have {c:?} in it"))
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

/// Letters to Unicode, but nothing to see: Hangul's places for a letter that is not there.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}
