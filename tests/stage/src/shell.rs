//! Command lines as `sh` reads them: the one place that quotes, and that undoes quotes.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The shell, by its whole path where there is one for all systems: with a `PATH` of its own for
/// the command, std would look for it in a fork of us, which copies the tables of all our memory.
pub const SHELL: &str = if cfg!(unix) { "/bin/sh" } else { "sh" };

/// Words as a command line for `sh`.
pub fn shell_words(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| shell_word(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word as `sh` reads it as one word, whatever is in it.
pub fn shell_word(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A path as `sh` reads it as one word.
pub fn shell_path(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}

/// The words of a command line as `sh` reads them, quotes and backslashes undone.
pub fn shell_split(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut is_inside) = (None, false);
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        if quote.is_none() && letter.is_whitespace() {
            is_inside = false;
            continue;
        }
        if !std::mem::replace(&mut is_inside, true) {
            words.push(String::new());
        }
        let word = words.last_mut();
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => word.into_iter().for_each(|w| w.extend(letters.next())),
            _ => word.into_iter().for_each(|w| w.push(letter)),
        }
    }
    words
}

/// True if `PATH` has a program of this name.
pub fn on_path(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder: PathBuf| Path::new(&folder).join(tool).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_they_were_quoted() {
        let words = ["printf", "a b", "it's", "", "$HOME;", "\\", "\""];
        assert_eq!(shell_split(&shell_words(&words)), words);
        assert_eq!(
            shell_split(r#"python3  o\'b.py "a \"b\" 'c'" x"y"z"#),
            ["python3", "o'b.py", "a \"b\" 'c'", "xyz"]
        );
    }
}
