//! What a mutant changes in its chapter, below its header:
//!
//! ```text
//! src/main.rs
//! -    let worker = thread::spawn(…);
//! +    let worker = thread::spawn(…).join();
//!
//!  use std::{
//! +    io::Read,
//! ```
//!
//! Each file is named once. An edit is a few lines of it without a blank line in between: those
//! with `-` go, those with `+` come, and those with a space stay, because without them nobody
//! would know where. A blank line separates two edits. There are no line numbers: what goes and
//! what stays, together, are lines that the file has in exactly one place, so that a mutant
//! outlives every change that does not touch its mistake. A file that the chapter does not have
//! is a new one.

use std::{collections::BTreeMap, fs, io, ops::Range, path::Path};

/// The texts of a chapter's files, by their paths below it: `src/main.rs`.
pub type Sources = BTreeMap<String, String>;

/// The sources of the chapter in this folder: what a student may change.
///
/// # Errors
/// When one cannot be read.
pub fn sources(chapter: &Path) -> io::Result<Sources> {
    let mut sources = Sources::new();
    for part in ["src", "examples"] {
        // Not each chapter has examples.
        for file in fs::read_dir(chapter.join(part)).into_iter().flatten() {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            sources.insert(format!("{part}/{name}"), fs::read_to_string(file.path())?);
        }
    }
    Ok(sources)
}

/// All edits of one mutant.
#[derive(Debug, PartialEq, Eq)]
pub struct Edits(BTreeMap<String, Vec<Edit>>);

/// A text that occurs once, and what takes its place; each of whole lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Edit {
    old: String,
    new: String,
}

impl Edits {
    /// Reads what stands below a header.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Edits, String> {
        let mut files: BTreeMap<String, Vec<Edit>> = BTreeMap::new();
        let mut edits = None;
        let mut begins = true;
        for line in text.lines() {
            let Some(mark) = line.chars().next() else {
                begins = true;
                continue;
            };
            if !"-+ ".contains(mark) {
                if !line.starts_with("src/") && !line.starts_with("examples/") {
                    return Err(format!(
                        "{line:?} is no file in src/ or examples/, and no edit"
                    ));
                }
                edits = Some(files.entry(line.to_string()).or_default());
                begins = true;
                continue;
            }
            let edits = edits.as_mut().ok_or("its first edit names no file")?;
            if begins {
                edits.push(Edit::default());
                begins = false;
            }
            if let Some(edit) = edits.last_mut() {
                edit.add(mark, &line[1..]);
            }
        }
        match files.iter().find(|(_, edits)| edits.is_empty()) {
            Some((file, _)) => Err(format!("{file} is named, and not edited")),
            None if files.is_empty() => Err("it changes nothing".to_string()),
            None => Ok(Edits(files)),
        }
    }

    /// The names of the files that change.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The chapter as the student has it.
    ///
    /// # Errors
    /// Which text of which file is not there exactly once.
    pub fn apply(&self, reference: &Sources) -> Result<Sources, String> {
        let mut sources = reference.clone();
        for (file, edits) in &self.0 {
            let text = match (reference.get(file), edits.as_slice()) {
                (Some(text), edits) => edited(text, edits),
                (None, [Edit { old, new }]) if old.is_empty() => Ok(new.clone()),
                (None, _) => Err("the chapter has no such file".to_string()),
            };
            sources.insert(file.clone(), text.map_err(|why| format!("{file}: {why}"))?);
        }
        Ok(sources)
    }
}

impl Edit {
    fn add(&mut self, mark: char, line: &str) {
        if mark != '+' {
            self.old += line;
            self.old.push('\n');
        }
        if mark != '-' {
            self.new += line;
            self.new.push('\n');
        }
    }

    /// Where its old text is.
    fn place(&self, text: &str) -> Result<Range<usize>, String> {
        if self.old.is_empty() {
            return Err(format!("nothing says where this comes:\n{}", self.new));
        }
        let mut begins = 0;
        let mut places = Vec::new();
        for line in text.split_inclusive('\n') {
            if text[begins..].starts_with(&self.old) {
                places.push(begins);
            }
            begins += line.len();
        }
        match places[..] {
            [place] => Ok(place..place + self.old.len()),
            _ => Err(format!(
                "this must occur once, and occurs {} times:\n{}",
                places.len(),
                self.old
            )),
        }
    }
}

fn edited(text: &str, edits: &[Edit]) -> Result<String, String> {
    let place = |edit| Ok((Edit::place(edit, text)?, edit));
    let mut places = edits.iter().map(place).collect::<Result<Vec<_>, String>>()?;
    places.sort_by_key(|(place, _)| place.start);
    if let Some(pair) = places.windows(2).find(|pair| pair[0].0.end > pair[1].0.start) {
        return Err(format!("another edit changes a part of this too:\n{}", pair[1].1.old));
    }
    let mut edited = text.to_string();
    // From the end, so that the places before it stay where they are.
    for (place, edit) in places.into_iter().rev() {
        edited.replace_range(place, &edit.new);
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "use a;\n\nfn f() {\n    1;\n}\n\nfn g() {\n    1;\n}\n";

    fn apply(edits: &str) -> Result<Sources, String> {
        let reference = [("src/main.rs".to_string(), MAIN.to_string())].into();
        Edits::read(edits)?.apply(&reference)
    }

    fn main_after(edits: &str) -> String {
        apply(&format!("src/main.rs\n{edits}")).unwrap().remove("src/main.rs").unwrap()
    }

    #[test]
    fn lines_go_come_and_stay() {
        let all = main_after("-use a;\n+use b;\n+use c;\n\n fn g() {\n-    1;\n");
        assert_eq!(all, "use b;\nuse c;\n\nfn f() {\n    1;\n}\n\nfn g() {\n}\n");
        // The order of the edits is free, and so are blank lines in what comes or goes.
        let all = main_after("\n-\n-fn g() {\n+fn h() {\n\n\n use a;\n+\n+use b;\n");
        assert_eq!(all, "use a;\n\nuse b;\n\nfn f() {\n    1;\n}\nfn h() {\n    1;\n}\n");
    }

    #[test]
    fn the_last_line_keeps_its_end() {
        assert!(main_after(" fn g() {\n     1;\n-}\n+} // g\n").ends_with("    1;\n} // g\n"));
        let reference: Sources = [("src/x.rs".to_string(), "a\nb".to_string())].into();
        let edits = |text| Edits::read(text).unwrap().apply(&reference);
        assert_eq!(edits("src/x.rs\n-a\n+c\n").unwrap()["src/x.rs"], "c\nb");
        assert!(edits("src/x.rs\n-b\n+c\n").unwrap_err().contains("occurs 0 times"));
    }

    #[test]
    fn a_text_that_is_not_there_once_is_an_error() {
        let wrong = |edits: &str| apply(&format!("src/main.rs\n{edits}")).unwrap_err();
        let twice = wrong("-    1;\n+    2;\n");
        assert_eq!(twice, "src/main.rs: this must occur once, and occurs 2 times:\n    1;\n");
        assert!(wrong("-    1;\n }\n").contains("occurs 2 times:\n    1;\n}\n"));
        assert!(wrong("-use b;\n").contains("occurs 0 times:\nuse b;\n"));
        // Whole lines, not parts of them.
        assert!(wrong("-se a;\n").contains("occurs 0 times"));
        assert!(wrong("-use a\n").contains("occurs 0 times"));
        assert!(wrong("+use b;\n").contains("nothing says where this comes:\nuse b;\n"));
        let both = wrong(" fn f() {\n     1;\n+    2;\n\n-fn f() {\n+fn e() {\n");
        assert!(both.contains("another edit changes a part of this too:\n"), "{both}");
    }

    #[test]
    fn texts_that_overlap_occur_twice() {
        let reference = [("src/x.rs".to_string(), "}\n}\n}\n".to_string())].into();
        let edits = Edits::read("src/x.rs\n }\n-}\n").unwrap();
        assert!(edits.apply(&reference).unwrap_err().contains("occurs 2 times"));
    }

    #[test]
    fn a_file_can_be_new() {
        let sources = apply("src/main.rs\n use a;\n+mod b;\n\nsrc/b.rs\n+fn b() {}\n").unwrap();
        assert_eq!(sources["src/b.rs"], "fn b() {}\n");
        assert!(sources["src/main.rs"].starts_with("use a;\nmod b;\n"));
        assert_eq!(
            apply("src/b.rs\n-x\n+y\n"),
            Err("src/b.rs: the chapter has no such file".into())
        );
    }

    #[test]
    fn what_is_no_edit_is_an_error() {
        let wrong = |text: &str| Edits::read(text).unwrap_err();
        assert!(wrong("-a\n+b\n").contains("names no file"));
        assert!(wrong("src/main.rs\n\nsrc/b.rs\n+b\n").contains("src/main.rs is named"));
        assert!(wrong("Cargo.toml\n+b\n").contains("is no file in src/"));
        assert!(wrong("src/main.rs\na\n").contains("\"a\" is no file"));
        assert!(wrong("\n").contains("changes nothing"));
    }
}
