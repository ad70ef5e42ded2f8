//! Command lines as `sh` reads them: the one place that quotes, and that undoes quotes.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The shell, by its whole path where there is one for all systems: with a `PATH` of its own for
/// the command, std would look for it in a fork of us, which copies the tables of all our memory.
pub const SHELL: &str = if cfg!(unix) { "/bin/sh" } else { "sh" };

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

/// Where `{}` stands in a command line.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The word before it.
    pub before: &'a str,
    /// What follows it up to the end of its word, where that is a path: `/echo_server.py`.
    pub rest: &'a str,
}

/// A command line with a path in each place of `{}` and of what follows it there. The path is one
/// word, whatever is in it and whatever quotes stand around: `{}`, `"{}"`, `sh -c 'cd {} && …'`.
pub fn shell_fill<E>(
    command: &str,
    mut path: impl FnMut(&Opening) -> Result<PathBuf, E>,
) -> Result<String, E> {
    let mut filled = String::new();
    let (mut quote, mut opened, mut at) = (None, 0, 0);
    while let Some(letter) = command[at..].chars().next() {
        let text = &command[at..];
        if let Some(behind) = text.strip_prefix("{}") {
            let ends = |c: char| match quote {
                Some('"') => c == '"',
                _ => c.is_whitespace() || "'\";&|)".contains(c),
            };
            let end = behind.find(ends).unwrap_or(behind.len());
            let rest = if behind.starts_with('/') { &behind[..end] } else { "" };
            let before = command[..at].trim_end_matches(['"', '\'']);
            let before = before.split_whitespace().next_back().unwrap_or_default();
            let word = shell_path(&path(&Opening { before, rest })?);
            // `{port}` in a name is a part of the name.
            let word = word.replace('{', "{''");
            let is_script = command[..opened].trim_end().ends_with(" -c");
            filled += &match (quote, is_script) {
                (None, _) => word,
                (Some('\''), true) => word.replace('\'', r"'\''"),
                (Some(_), true) => escaped(&word),
                (Some(quote), false) => format!("{quote}{word}{quote}"),
            };
            at += "{}".len() + rest.len();
            continue;
        }
        match (letter, quote) {
            ('\'' | '"', None) => (quote, opened) = (Some(letter), at),
            (letter, Some(open)) if letter == open => quote = None,
            _ => {}
        }
        let is_escape = letter == '\\' && quote != Some('\'');
        let letters = if is_escape { 2 } else { 1 };
        let len = text.chars().take(letters).map(char::len_utf8).sum::<usize>();
        filled += &text[..len];
        at += len;
    }
    Ok(filled)
}

/// A text as it stands between double quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        escaped.extend("\"\\$`".contains(letter).then_some('\\'));
        escaped.push(letter);
    }
    escaped
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
        let line = words.map(shell_word).join(" ");
        assert_eq!(shell_split(&line), words);
        assert_eq!(
            shell_split(r#"python3  o\'b.py "a \"b\" 'c'" x"y"z"#),
            ["python3", "o'b.py", "a \"b\" 'c'", "xyz"]
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_path_is_one_word_whatever_is_in_it_and_around_it() {
        use std::convert::Infallible;
        let name = "it's {port} a \"b\" $HOME `x` \\";
        for command in [
            "printf %s {}",
            "printf %s \"{}\"",
            "printf %s '{}'",
            "sh -c 'printf %s {}'",
            "sh -c \"printf %s {}\"",
            "sh -c 'printf %s \"$0\"' {}",
        ] {
            let fill = |_: &Opening| Ok::<_, Infallible>(PathBuf::from(name));
            let Ok(filled) = shell_fill(command, fill);
            let filled = filled.replace("{port}", "1");
            let said = std::process::Command::new("sh").args(["-c", &filled]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), name, "{filled}");
        }
    }

    #[test]
    fn what_follows_is_a_part_of_the_path() {
        let mut seen = Vec::new();
        let filled = shell_fill("python3 {}/a.py {port}; cd \"{}/b c\" -cp {}:x", |place| {
            seen.push(format!("{} {}", place.before, place.rest));
            Ok::<_, ()>(PathBuf::from("p"))
        });
        assert_eq!(filled.unwrap(), "python3 p {port}; cd \"\"p\"\" -cp p:x");
        assert_eq!(seen, ["python3 /a.py", "cd /b c", "-cp "]);
    }
}
