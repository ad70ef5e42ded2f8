//! How a program from outside speaks where its lab leaves the wire open. The checks learn it at
//! the first contact with each role, and the grader's peers then speak that way.

use std::fmt;

/// How a program speaks in one of its roles. [`Speech::default`] is our contract: what a diff or
/// a crate that begins with our chapters speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speech {
    /// How it ends its messages.
    pub ends: MessageEnd,
    /// True if it waits for a line end in what it reads, although it sends none (02, 05).
    pub wants_lines: bool,
    /// True if it says something before it is asked.
    pub greets: bool,
    /// True if it says something in answer to a name (05).
    pub answers_name: bool,
    /// True for a client that waits to be greeted before it says anything (05).
    pub awaits_greeting: bool,
    /// True for a client that waits for an answer to its name (05).
    pub awaits_answer: bool,
    /// True if it asks for the name.
    pub asks_name: bool,
    /// True if a room tells its news in words of its own.
    pub own_words: bool,
    /// What stands before the name and what between the name and the text where a room passes on
    /// what a member says; nothing and `: ` where nothing else was learned (07).
    pub said: Option<(String, String)>,
    /// True if it speaks without frames, where our contract has frames (06).
    pub no_frames: bool,
    /// True if the lengths that it sends are wrong, and what comes behind them is not (06).
    pub wrong_length: bool,
    /// True if it reads lengths with the least significant byte first (06).
    pub little_endian: bool,
    /// True if it puts the length of a message before it, in eight hexadecimal digits (08).
    pub hex_length: bool,
    /// True if it never answers a message, or never reads an answer (08).
    pub no_answer: bool,
}

/// How a program ends its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageEnd {
    /// With `\n`: it speaks in lines, and must join and split them.
    #[default]
    Line,
    /// With nothing: what one read returns is a message.
    Pause,
}

/// As the report says it: `one message at a time, no line ends; greets`. Empty for our contract.
impl fmt::Display for Speech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = self.ends == MessageEnd::Pause;
        let ways = [
            (ends, "one message at a time, no line ends"),
            (self.wants_lines, "waits for line ends"),
            (self.greets, "greets"),
            (self.answers_name, "answers a name"),
            (self.awaits_greeting, "waits to be greeted"),
            (self.awaits_answer, "waits for an answer to its name"),
            (self.asks_name, "asks for the name"),
            (self.own_words, "words of its own"),
            (self.no_frames, "no frames"),
            (self.wrong_length, "wrong lengths"),
            (self.hex_length, "a length in eight hexadecimal digits"),
            (self.no_answer, "no answer"),
        ];
        let ways: Vec<&str> = ways.iter().filter(|(is, _)| *is).map(|(_, way)| *way).collect();
        f.write_str(&ways.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_of_speaking_is_told_in_one_line() {
        assert_eq!(Speech::default().to_string(), "");
        let own = Speech { ends: MessageEnd::Pause, greets: true, ..Speech::default() };
        assert_eq!(own.to_string(), "one message at a time, no line ends; greets");
    }
}
