//! The languages in which a program may be handed in besides Rust: how one is known, which of
//! several files is the program, and what runs it.

use stage::process::{on_path, shell_split};
use std::path::Path;

/// A language.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// The ends of its files' names.
    pub ends: &'static [&'static str],
    /// The programs that run or build it, as a command line names them.
    tools: &'static [&'static str],
    /// What the file that is the program holds, white space apart.
    signs: &'static [&'static str],
    /// The program that runs it, or builds it.
    pub tool: &'static str,
    /// True if it is built before it runs. Then only what holds a sign is the program; otherwise a
    /// file that is alone is one too.
    pub is_built: bool,
}

/// Those that are known without being told a command.
pub const LANGUAGES: [Language; 5] = [
    Language {
        ends: &["py"],
        tools: &["python", "pypy"],
        signs: &["__main__"],
        tool: "python3",
        is_built: false,
    },
    Language {
        ends: &["js", "mjs", "cjs"],
        tools: &["node", "nodejs", "deno", "bun"],
        signs: &["require.main===module"],
        tool: "node",
        is_built: false,
    },
    Language {
        ends: &["c"],
        tools: &["cc", "gcc", "clang", "tcc"],
        signs: &["intmain(", "voidmain("],
        tool: "cc",
        is_built: true,
    },
    Language {
        ends: &["java"],
        tools: &["java", "javac"],
        signs: &["voidmain("],
        tool: "javac",
        is_built: true,
    },
    Language {
        ends: &["go"],
        tools: &["go"],
        signs: &["funcmain()"],
        tool: "go",
        is_built: true,
    },
];

/// Ends of files that are a program in no language: what stands beside one.
const PAPERS: [&str; 24] = [
    "bmp", "cfg", "class", "csv", "doc", "docx", "gif", "html", "ini", "jpeg", "jpg", "json",
    "log", "md", "o", "odt", "pdf", "png", "pyc", "rtf", "toml", "txt", "xml", "yml",
];

/// Ends of what has to be unpacked first.
const PACKED: [&str; 8] = ["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar"];

impl Language {
    /// The one whose program a command line names.
    pub fn of_command(command: &str) -> Option<&'static Language> {
        let words = shell_split(command);
        let words = words.iter().flat_map(|word| shell_split(word)).collect::<Vec<_>>();
        let named = |word: &String| {
            let name = Path::new(word).file_name()?.to_str()?;
            let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            LANGUAGES.iter().find(|language| language.tools.contains(&name))
        };
        words.iter().find_map(named)
    }

    /// True if the name of this file ends as this language's do.
    pub fn has(&self, file: &Path) -> bool {
        ends_in(file, self.ends)
    }

    /// True if a source of this text is the program, rather than a part of it.
    pub fn is_program(&self, text: &str) -> bool {
        let text: String = text.split_whitespace().collect();
        self.signs.iter().any(|sign| text.contains(sign))
    }

    /// The program that it takes and that this machine lacks.
    pub fn lacks(&self) -> Option<&'static str> {
        (!on_path(self.tool)).then_some(self.tool)
    }
}

/// True if this can be no program in any language.
pub fn is_paper(file: &Path) -> bool {
    ends_in(file, &PAPERS)
}

/// True if what was handed in has to be unpacked first.
pub fn is_packed(file: &Path) -> bool {
    ends_in(file, &PACKED)
}

fn ends_in(file: &Path, ends: &[&str]) -> bool {
    let end = file.extension().unwrap_or_default();
    ends.iter().any(|its| end.eq_ignore_ascii_case(its))
}

/// A name without the ends that say what language it is, or how it is packed.
pub fn without_end(name: &str) -> &str {
    let ends = LANGUAGES.iter().flat_map(|language| language.ends).chain(&PACKED);
    let fits = |end: &&&str| {
        let at = name.len().checked_sub(end.len() + 1).filter(|at| *at > 0);
        let its = at.and_then(|at| name.get(at..)).and_then(|its| its.strip_prefix('.'));
        its.is_some_and(|its| its.eq_ignore_ascii_case(end))
    };
    match ends.into_iter().find(fits) {
        Some(end) => &name[..name.len() - end.len() - 1],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_which_language_it_is_of() {
        let end =
            |command: &str| Language::of_command(command).map(|language| language.ends[0]);
        assert_eq!(end("python3 {}"), Some("py"));
        assert_eq!(end("env -i /usr/bin/python3.11 -u {}"), Some("py"));
        assert_eq!(end("sh -c 'node {} \"$@\"'"), Some("js"));
        assert_eq!(end("ruby {}"), None);
    }

    #[test]
    fn a_name_loses_its_end() {
        for (name, without) in [
            ("a.py", "a"),
            ("A.PY", "A"),
            ("a.zip", "a"),
            (".py", ".py"),
            ("é", "é"),
            ("x.y", "x.y"),
        ] {
            assert_eq!(without_end(name), without);
        }
    }
}
