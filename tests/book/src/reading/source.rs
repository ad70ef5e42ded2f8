//! Reads Rust source as far as the book speaks of it: its functions, and the calls in them
//! that can wait. No parser: braces, strings and comments are enough.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The text, of the same length, with spaces in place of comments, of what stands in
    /// quotes, and of tests.
    pub code: String,
    /// Its functions, outer before inner.
    pub functions: Vec<Function>,
    /// The items that are compiled for tests alone, in bytes.
    pub tests: Vec<Range<usize>>,
}

/// A function, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, behind that of its type if it has one: `run`, `Room::join`.
    pub name: String,
    /// Its signature and body, in bytes.
    pub range: Range<usize>,
}

/// A call that is marked: `blocking("accept", || …)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The name that it was given.
    pub call: String,
    /// The mark from its name to its closing bracket, in bytes.
    pub range: Range<usize>,
}

impl Source {
    /// Reads a text.
    pub fn new(path: PathBuf, text: String) -> Source {
        let mut code = without_comments(&text);
        let tests = tests(&code);
        for range in &tests {
            let blank =
                code[range.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' });
            let blank: String = blank.collect();
            code.replace_range(range.clone(), &blank);
        }
        let functions = functions(&code);
        Source { path, text, code, functions, tests }
    }

    /// Reads a file, or all Rust files of a folder and of those within it, in the order of
    /// their names.
    pub fn read_all(path: &Path) -> io::Result<Vec<Source>> {
        let mut files = vec![path.to_path_buf()];
        if path.is_dir() {
            files = rust_files(path)?;
        }
        files
            .into_iter()
            .map(|file| Ok(Source::new(file.clone(), fs::read_to_string(file)?)))
            .collect()
    }

    /// All marked calls.
    pub fn waits(&self) -> Vec<Wait> {
        let wait = |range: Range<usize>| {
            let call = self.text[range.clone()].split('"').nth(1).unwrap_or_default();
            Wait { call: call.to_string(), range }
        };
        calls(&self.code, "blocking").into_iter().map(wait).collect()
    }

    /// The innermost function around a place.
    pub fn function_at(&self, at: usize) -> Option<&Function> {
        self.functions.iter().rfind(|function| function.range.contains(&at))
    }

    /// The numbers, from 1, of the lines that say something, but for tests.
    pub fn lines(&self) -> impl Iterator<Item = usize> {
        let mut at = 0;
        let numbered = (1..).zip(self.text.split_inclusive('\n')).map(move |(number, line)| {
            let start = at;
            at += line.len();
            (number, start, line)
        });
        let is_test = |at| self.tests.iter().any(|range| range.contains(&at));
        let says = move |(_, at, line): &(usize, usize, &str)| {
            !line.trim().is_empty() && !is_test(at + indentation(line))
        };
        numbered.filter(says).map(|(number, ..)| number)
    }

    /// The number of the line of a place, from 1.
    pub fn line_at(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }
}

/// How many spaces the line begins with.
pub fn indentation(line: &str) -> usize {
    line.bytes().take_while(|b| *b == b' ').count()
}

fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// True if a name could go on with this letter.
fn in_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where `name` stands as a whole word.
pub fn words<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let whole = |at: &usize| {
        !code[..*at].ends_with(in_name) && !code[at + name.len()..].starts_with(in_name)
    };
    code.match_indices(name).map(|(at, _)| at).filter(whole)
}

/// The calls `name(…)`, from the name to the closing bracket; not its definition `fn name(`.
pub fn calls(code: &str, name: &str) -> Vec<Range<usize>> {
    let call = |at: &usize| {
        code[at + name.len()..].starts_with('(') && !code[..*at].trim_end().ends_with("fn")
    };
    words(code, name).filter(call).map(|at| at..closing(code, at + name.len())).collect()
}

/// The end of the bracket that opens at `open`, behind the closing one.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, letter) in code[open..].char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at + 1;
        }
    }
    code.len()
}

fn functions(code: &str) -> Vec<Function> {
    let begins =
        |at: &usize| code[..*at].rsplit('\n').next().is_some_and(|l| l.trim().is_empty());
    let blocks = words(code, "impl").filter(begins); // not `impl Trait` for a type
    let types: Vec<_> = blocks.filter_map(|at| type_at(code, at)).collect();
    let function = |at: usize| {
        let rest = code[at + 2..].trim_start();
        let name = &rest[..rest.find(|c| !in_name(c))?];
        let body = body(code, at)?;
        let end = if code[body..].starts_with('{') { closing(code, body) } else { body };
        let owner = types.iter().rfind(|(_, range)| range.contains(&at));
        let name = owner.map_or(name.to_string(), |(owner, _)| format!("{owner}::{name}"));
        (!rest.starts_with('(')).then_some(Function { name, range: at..end })
    };
    words(code, "fn").filter_map(function).collect()
}

/// Where the block of an item opens, or the `;` of one without a block.
fn body(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0; // a `;` may stand in the brackets of a type
    for (length, letter) in code[at..].char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth == 0 => return Some(at + length),
            _ => {}
        }
    }
    None
}

/// The type of an `impl`, without its parameters, and the block.
fn type_at(code: &str, at: usize) -> Option<(String, Range<usize>)> {
    let before = code[..at].trim_end();
    if !(before.is_empty() || before.ends_with(['}', ';', ']']) || before.ends_with("unsafe")) {
        return None; // the type of an argument: `impl BufRead`
    }
    let body = body(code, at)?;
    let head = code[at..body].split(" for ").last()?.trim_start_matches("impl");
    let head = if head.starts_with('<') { head.split_once('>')?.1 } else { head };
    let name = head.trim().trim_start_matches('&').split(['<', ' ']).next()?;
    // A parameter of type `impl Read` begins no block of its own.
    let is_block =
        code[body..].starts_with('{') && !name.is_empty() && name.chars().all(in_name);
    is_block.then(|| (name.to_string(), at..closing(code, body)))
}

/// The same text with spaces for comments and for what stands in quotes.
fn without_comments(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match &bytes[at..] {
            [b'/', b'/', ..] => end_of(text, at, "\n"),
            [b'/', b'*', ..] => end_of(text, at, "*/"),
            [b'r', b'"' | b'#', ..] if !text[..at].ends_with(|c| in_name(c) && c != 'b') => {
                raw_string(text, at)
            }
            [b'"', ..] => quoted(bytes, at, b'"'),
            [b'\'', b'\\', ..] => quoted(bytes, at, b'\''),
            [b'\'', ..] => letter(text, at),
            _ => at + 1,
        };
        if end > at + 1 {
            let blank = |b: &mut u8| *b = if *b == b'\n' { b'\n' } else { b' ' };
            code[at..end].iter_mut().for_each(blank);
        }
        at = end;
    }
    String::from_utf8(code).unwrap_or_default()
}

fn end_of(text: &str, at: usize, end: &str) -> usize {
    text[at + 2..].find(end).map_or(text.len(), |found| at + 2 + found + end.trim().len())
}

fn quoted(bytes: &[u8], open: usize, quote: u8) -> usize {
    let mut at = open + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn raw_string(text: &str, at: usize) -> usize {
    let hashes = text[at + 1..].bytes().take_while(|b| *b == b'#').count();
    let open = at + 1 + hashes;
    if !text[open..].starts_with('"') {
        return at + 1; // r#name
    }
    let end = format!("\"{}", "#".repeat(hashes));
    text[open + 1..].find(&end).map_or(text.len(), |found| open + 1 + found + end.len())
}

/// `'x'` is a letter, `'x` alone a lifetime.
fn letter(text: &str, at: usize) -> usize {
    let mut letters = text[at + 1..].char_indices();
    letters.next();
    match letters.next() {
        Some((length, '\'')) => at + 1 + length + 1,
        _ => at + 1,
    }
}

/// The items that are compiled for tests alone, from their attribute to their end.
fn tests(code: &str) -> Vec<Range<usize>> {
    let item = |(at, _): (usize, &str)| {
        let end = closing(code, at + 1);
        words(&code[at..end], "test").next()?;
        let body = code[end..].find(['{', ';']).map_or(code.len(), |found| end + found);
        let end = if code[body..].starts_with('{') { closing(code, body) } else { body };
        Some(at..end)
    };
    code.match_indices("#[cfg(").filter_map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new(PathBuf::new(), text.to_string())
    }

    #[test]
    fn marks_and_their_functions_are_found() {
        let text = "fn run<'a>(x: &'a [u8; 4]) -> u8 {\n    // blocking(\"no\", || 1)\n    let c = '{';\n    \
                    blocking(\"accept\", || l.accept(\"}\"))\n}\nimpl<T> Show for Room<T> {\n    fn join(&self) {\n        \
                    net::blocking(\"lock\", || x)\n    }\n}\n#[cfg(test)]\nmod t { fn x() { blocking(\"no\", || 1) } }\n";
        let source = source(text);
        let found: Vec<_> = source
            .waits()
            .into_iter()
            .map(|wait| {
                let function = source.function_at(wait.range.start).unwrap();
                (wait.call, function.name.clone(), source.line_at(wait.range.start))
            })
            .collect();
        let pair =
            |call: &str, function: &str, line| (call.to_string(), function.to_string(), line);
        assert_eq!(found, [pair("accept", "run", 4), pair("lock", "Room::join", 8)]);
        let text = "fn a(x: impl Read, y: u8) {\n    fn b() { blocking(\"c\", || d) }\n}\n";
        assert_eq!(self::source(text).functions[1].name, "b");
        let text = "fn a(\n    x: &mut impl Read,\n) -> c::D<()> {\n}\n\nfn b() {\n}\n";
        assert_eq!(self::source(text).functions[1].name, "b");
    }

    #[test]
    fn comments_and_quotes_are_blank() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b\n*/ c", "a     \n   c"),
            (r##"a r#"b"c"# d"##, "a          d"),
            (r#"a "b\"c" d"#, "a        d"),
            (r"a '\'' 'é' 'l b", "a           'l b"),
            ("for x in y", "for x in y"),
        ] {
            assert_eq!(source(text).code, code, "{text}");
        }
    }

    #[test]
    fn lines_that_say_something_are_counted_without_tests() {
        let text = "//! a\n\nfn b() {\n\n}\n#[cfg(test)]\nmod c {\n    x\n}\nfn d() {}";
        assert_eq!(source(text).lines().collect::<Vec<_>>(), [1, 3, 5, 10]);
    }

    #[test]
    fn a_definition_is_no_call() {
        let found = calls("fn a(x) { a(b(c), d); ba(a) }", "a");
        assert!(matches!(&found[..], [Range { start: 10, end: 20 }]), "{found:?}");
    }
}
