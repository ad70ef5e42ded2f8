//! The ports of a session: in the book 7000 to 7099, in reality whichever are free.

use stage::kernel;
use std::collections::BTreeMap;

/// Which free port stands for which port of the book.
#[derive(Debug, Default)]
pub struct Ports {
    real: BTreeMap<u16, u16>,
}

impl Ports {
    /// A command with free ports in the place of the book's. The same port stays the same.
    pub fn to_real(&mut self, command: &str) -> String {
        replace(command, |number| {
            let in_book = (7000..=7099).contains(&number);
            in_book.then(|| {
                *self
                    .real
                    .entry(number)
                    .or_insert_with(|| kernel::free_port().unwrap_or(number))
            })
        })
    }

    /// An output with the book's ports in the place of the free ones.
    pub fn to_book(&self, output: &str) -> String {
        replace(output, |number| {
            self.real.iter().find(|(_, real)| **real == number).map(|(book, _)| *book)
        })
    }
}

/// Replaces the numbers of a text that stand alone, not within a word or a larger number.
fn replace(text: &str, mut other: impl FnMut(u16) -> Option<u16>) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
        let end = rest[start..].find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let (before, word) =
            (&rest[..start], &rest[start..end.map_or(rest.len(), |end| start + end)]);
        replaced.push_str(before);
        match word.parse().ok().and_then(&mut other) {
            Some(number) => replaced.push_str(&number.to_string()),
            None => replaced.push_str(word),
        }
        rest = &rest[start + word.len()..];
    }
    replaced + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_replaced_there_and_back() {
        let mut ports = Ports::default();
        let command =
            ports.to_real("x server 7002; y 127.0.0.1:7002 --via a@b:7003 17002 a7002");
        let words: Vec<_> = command.split([' ', ':', ';']).collect();
        assert_eq!(words[2], words[6]);
        assert_ne!(words[2], words[9]);
        assert!(!command.contains(":700") && command.ends_with(" 17002 a7002"), "{command}");
        let heard = format!("listening on 0.0.0.0:{} ok", words[2]);
        assert_eq!(ports.to_book(&heard), "listening on 0.0.0.0:7002 ok");
    }
}
