//! Looking for what was handed in, as a person would: in a folder of any shape, as Gradescope,
//! Moodle, GitHub or a student's zip makes it. One thing is found, or what was found instead is
//! said; nothing is guessed.

use crate::{
    files::is_left_out,
    languages::{LANGUAGES, Language, is_packed, is_paper, without_end},
    workshop::patch::Patch,
};
use checks::check::{CHAPTERS, Chapter};
use common::cause;
use stage::{Role, failure::readable, process::Opening};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A diff.
    Diff(PathBuf),
    /// A workspace with chapters, such as the student edition.
    Edition(PathBuf),
    /// A crate.
    Crate(PathBuf),
    /// Sources without a manifest, and the one with `main`.
    Sources(PathBuf),
    /// A program in another language.
    Script(PathBuf, &'static Language),
}

impl Found {
    /// What a report says was graded.
    pub fn said(&self, path: &Path) -> String {
        let (what, place) = match self {
            Found::Diff(file) => ("the diff", file),
            Found::Edition(folder) => ("the workspace", folder),
            Found::Crate(folder) => ("the crate", folder),
            Found::Sources(main) => ("the sources with", main),
            Found::Script(file, _) => ("the program", file),
        };
        format!("graded as {what} {}", readable(&named_in(place, path)))
    }
}

/// How many files are looked at.
const MAX_FILES: usize = 5000;

/// How many bytes of a file are looked at.
const MAX_TEXT: u64 = 4 << 20;

/// What to hand in.
const HAND_IN: &str = "hand in one diff, one crate, its .rs files, or one program in Python, \
                       JavaScript, C, Java or Go";

/// Words before a folder, where otherwise a file is meant.
const BEFORE_FOLDER: [&str; 5] = ["cd", "-C", "-cp", "-classpath", "--class-path"];

/// Why a command line has no place in what was handed in.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    /// What it is for is not there.
    Missing(String),
    /// It is there more than once, or cannot be looked at.
    Refused(String),
}

/// Looks for what was handed in at `path`, a file or a folder.
///
/// # Errors
/// What was found, if it is not one thing, and what to hand in.
pub fn look(path: &Path, chapter: Option<&Chapter>) -> Result<Found, String> {
    found(path, chapter).map_err(|why| format!("{why}; {HAND_IN}"))
}

fn found(path: &Path, chapter: Option<&Chapter>) -> Result<Found, String> {
    let Tree { folders, files } =
        Tree::read(path).map_err(|e| format!("cannot look into it: {}", cause(&e)))?;
    // The outermost one: an edition holds crates.
    let editions: Vec<&PathBuf> = folders.iter().filter(|folder| is_edition(folder)).collect();
    if let Some(edition) = one(&editions, path, "workspaces")? {
        let desk = |chapter: &Chapter| edition.join("work").join(chapter.folder());
        return Ok(match chapter.map(desk).filter(|desk| is_written(desk, chapter)) {
            Some(desk) => Found::Crate(desk),
            None => Found::Edition(edition.clone()),
        });
    }
    let diffs: Vec<&PathBuf> = files.iter().filter(|file| is_diff(file)).collect();
    if let Some(diff) = one(&diffs, path, "diffs")? {
        return Ok(Found::Diff(diff.clone()));
    }
    let crates: Vec<&PathBuf> = folders.iter().filter(|folder| is_crate(folder)).collect();
    let outermost = |folder: &&&PathBuf| {
        !crates.iter().any(|other| folder != &other && folder.starts_with(other))
    };
    let crates: Vec<&PathBuf> = crates.iter().filter(outermost).copied().collect();
    let its: Vec<&PathBuf> =
        crates.iter().filter(|folder| is_named_after(folder, chapter)).copied().collect();
    if let Some(found) = one(if its.is_empty() { &crates } else { &its }, path, "crates")? {
        return Ok(Found::Crate(found.clone()));
    }
    let with_main: Vec<&PathBuf> =
        ending(&files, "rs").filter(|file| is_main(file, path, "fn main(")).collect();
    let named: Vec<&PathBuf> =
        with_main.iter().filter(|file| file.ends_with("main.rs")).copied().collect();
    let best = if named.is_empty() { &with_main } else { &named };
    if let Some(main) = one(best, path, "programs")? {
        return Ok(Found::Sources(main.clone()));
    }
    let of_language = |language| programs(path, &files, Some(language), None);
    let all: Vec<(&PathBuf, &Language)> = LANGUAGES
        .iter()
        .flat_map(|language| {
            of_language(language).into_iter().map(move |file| (file, language))
        })
        .collect();
    // Beside a program that says so, a script that does not is a part of it, or a tool.
    let sure: Vec<_> =
        all.iter().filter(|(file, its)| is_main_of(file, path, its)).copied().collect();
    let best = if sure.is_empty() { all } else { sure };
    let scripts: Vec<&PathBuf> = best.iter().map(|(file, _)| *file).collect();
    if let (Some(script), Some((_, language))) =
        (one(&scripts, path, "programs")?, best.first())
    {
        return Ok(Found::Script(script.clone(), language));
    }
    Err(only(&files, path))
}

/// Looks for what a command line is to be filled with, in what was handed in at `path`.
pub fn place(
    path: &Path,
    opening: &Opening,
    language: Option<&Language>,
    role: Option<Role>,
) -> Result<PathBuf, Unfit> {
    let cannot = |e| Unfit::Refused(format!("cannot look into it: {}", cause(&e)));
    let Tree { folders, files } = Tree::read(path).map_err(cannot)?;
    let asked = Path::new(opening.rest.trim_matches('/'));
    let (wanted, what, several) = match asked.to_str() {
        _ if BEFORE_FOLDER.contains(&opening.before)
            && path.is_dir()
            && asked == Path::new("") =>
        {
            return Ok(inside(path, &folders, &files));
        }
        Some(name) if !name.is_empty() => {
            (named(path, &folders, &files, asked), name.to_string(), format!("times {name}"))
        }
        _ => {
            let ends = language.map(|its| its.ends.join(" or .")).unwrap_or_default();
            let what =
                if ends.is_empty() { "program".into() } else { format!(".{ends} program") };
            let several = format!("{what}s");
            (programs(path, &files, language, role), what, several)
        }
    };
    match one(&wanted, path, &several) {
        Ok(Some(found)) => Ok(found.clone()),
        Ok(None) => Err(Unfit::Missing(format!("there is no {what}: {}", only(&files, path)))),
        Err(why) => Err(Unfit::Refused(format!("{why}; one is asked for"))),
    }
}

/// The folder in which it all is: a zip often has one around the rest.
fn inside(path: &Path, folders: &[PathBuf], files: &[PathBuf]) -> PathBuf {
    let mut here = path;
    loop {
        let is_in = |inner: &&PathBuf| inner.parent() == Some(here);
        match (
            folders.iter().filter(is_in).collect::<Vec<_>>().as_slice(),
            files.iter().any(|f| is_in(&f)),
        ) {
            ([only], false) => here = only,
            _ => return here.to_path_buf(),
        }
    }
}

/// What has this name: in its place, or else in any depth, or else written in other letters.
fn named<'a>(
    path: &Path,
    folders: &'a [PathBuf],
    files: &'a [PathBuf],
    name: &Path,
) -> Vec<&'a PathBuf> {
    let all = || folders.iter().chain(files);
    let exact: Vec<_> = all().filter(|its| **its == path.join(name)).collect();
    let deep = || all().filter(|its| its.as_path() != path && its.ends_with(name)).collect();
    let lower = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
    let loose = || all().filter(|its| lower(its).ends_with(lower(name))).collect::<Vec<_>>();
    let found = if exact.is_empty() { deep() } else { exact };
    if found.is_empty() { loose() } else { found }
}

/// The programs among files, as a person would tell them from their parts: of a language, or of
/// one that nobody knows; where there are several, those that say that they are one, those that no
/// other imports, and the one that is named after its role.
fn programs<'a>(
    path: &Path,
    files: &'a [PathBuf],
    language: Option<&Language>,
    role: Option<Role>,
) -> Vec<&'a PathBuf> {
    let fits = |file: &&PathBuf| match language {
        Some(language) => {
            language.has(file) && (!language.is_built || is_main_of(file, path, language))
        }
        None => !is_paper(file) && !is_packed(file),
    };
    let mut best: Vec<&PathBuf> = files.iter().filter(fits).collect();
    let mut prefer = |is_better: &dyn Fn(&Path) -> bool| {
        let better: Vec<_> = best.iter().copied().filter(|file| is_better(file)).collect();
        if best.len() > 1 && !better.is_empty() {
            best = better;
        }
    };
    prefer(&|file| language.is_some_and(|language| is_main_of(file, path, language)));
    let named =
        |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    prefer(&|file| role.is_some_and(|role| named(file).contains(role.name())));
    prefer(&|file| {
        let stem = named(file);
        !files.iter().any(|other| other != file && is_imported(&stem, &text_of(other)))
    });
    best
}

/// The sources of which the program with this `main` consists.
pub fn sources(path: &Path, main: &Path, language: &Language) -> io::Result<Vec<PathBuf>> {
    let is_its = |file: &PathBuf| {
        let is_near = language.tool != "go" || file.parent() == main.parent();
        let is_test = file.to_string_lossy().ends_with("_test.go");
        let is_other = file != main && language.is_program(&text_of(file));
        language.has(file) && is_near && !is_test && !is_other && !is_aside(file, path)
    };
    Ok(Tree::read(path)?.files.into_iter().filter(is_its).collect())
}

/// True if a source takes in the module of this name.
fn is_imported(name: &str, source: &str) -> bool {
    source.to_lowercase().lines().any(|line| {
        let mut words = line.split(|c: char| c.is_whitespace() || "(),;'\"".contains(c));
        let is_import = line.trim_start().starts_with("import ")
            || line.trim_start().starts_with("from ")
            || line.contains("require(");
        is_import && words.any(|word| word == name || word.trim_start_matches("./") == name)
    })
}

fn is_main_of(file: &Path, path: &Path, language: &Language) -> bool {
    !is_aside(file, path) && language.is_program(&text_of(file))
}

/// What else was found.
fn only(files: &[PathBuf], path: &Path) -> String {
    let names: Vec<String> = files.iter().take(5).map(|file| named_in(file, path)).collect();
    match (names.as_slice(), files) {
        (_, [file]) if is_packed(file) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            format!("{name} has to be unpacked into a folder first")
        }
        ([], _) => "there is nothing in it".to_string(),
        (names, _) => format!("only {} was found", names.join(", ")),
    }
}

/// The folders and regular files at a place, each folder before what is in it.
pub struct Tree {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Tree {
    /// What is at this place, but for what is never a part of a hand-in.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> io::Result<Tree> {
        let mut tree = Tree { folders: Vec::new(), files: Vec::new() };
        let mut todo = vec![path.to_path_buf()];
        while let Some(path) = todo.pop() {
            let kind = fs::symlink_metadata(&path)?.file_type();
            if kind.is_dir() {
                let entries: io::Result<Vec<_>> = fs::read_dir(&path)?.collect();
                let entries = entries?.into_iter().filter(|e| !is_left_out(&e.file_name()));
                let mut inner: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
                inner.sort();
                todo.extend(inner.into_iter().rev());
                tree.folders.push(path);
            } else if kind.is_file() {
                tree.files.push(path);
            } else {
                // It could lead to the answers, and to everything else of ours.
                let name = path.file_name().unwrap_or_default();
                let what = format!("{name:?} is a link, or is not a file");
                return Err(io::Error::other(what));
            }
            if tree.files.len() + tree.folders.len() + todo.len() > MAX_FILES {
                return Err(io::Error::other(format!("it holds more than {MAX_FILES} files")));
            }
        }
        Ok(tree)
    }

    /// Its files but for papers: the programs, and what is packed.
    pub fn programs(self) -> Vec<PathBuf> {
        self.files.into_iter().filter(|file| !is_paper(file)).collect()
    }
}

/// The one that there is, if there is one.
fn one<'a>(
    all: &[&'a PathBuf],
    path: &Path,
    what: &str,
) -> Result<Option<&'a PathBuf>, String> {
    if let [] | [_] = all {
        return Ok(all.first().copied());
    }
    let names: Vec<String> = all.iter().take(5).map(|file| named_in(file, path)).collect();
    Err(format!("it holds {} {what} ({})", all.len(), names.join(", ")))
}

/// What was handed in is called by its place in it.
pub fn named_in(file: &Path, folder: &Path) -> String {
    match file.strip_prefix(folder) {
        Ok(inner) if inner.as_os_str().is_empty() => {
            file.file_name().unwrap_or_default().to_string_lossy().into_owned()
        }
        inner => inner.unwrap_or(file).display().to_string(),
    }
}

fn ending<'a>(files: &'a [PathBuf], end: &'a str) -> impl Iterator<Item = &'a PathBuf> {
    files
        .iter()
        .filter(move |file| file.extension().is_some_and(|its| its.eq_ignore_ascii_case(end)))
}

/// True if a folder holds a chapter in the place where the workspace has it.
fn is_edition(folder: &Path) -> bool {
    let chapters = folder.join("chapters");
    CHAPTERS.iter().any(|chapter| chapters.join(chapter.folder()).join("src").is_dir())
}

/// True if a desk is there on which more was done than to lay out the starter.
fn is_written(desk: &Path, chapter: Option<&Chapter>) -> bool {
    let starter = chapter.and_then(|chapter| crate::workshop::starter(chapter).ok());
    let main = fs::read(desk.join("src/main.rs")).ok();
    let laid_out = starter.and_then(|mut sources| sources.remove(Path::new("main.rs")));
    is_crate(desk) && main.is_some() && main != laid_out
}

/// True if this is a diff by its name, however a browser has written that; or, where a name says
/// nothing, by what is in it.
fn is_diff(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let stem = name.strip_suffix(".txt").unwrap_or(&name);
    if stem.ends_with(".diff") || stem.ends_with(".patch") {
        return true;
    }
    let text = || stage::files::read(file, MAX_TEXT).unwrap_or_default();
    name.ends_with(".txt") && Patch::readings(&text(), None).is_ok()
}

fn is_crate(folder: &Path) -> bool {
    text_of(&folder.join("Cargo.toml")).lines().any(|line| line.trim() == "[package]")
}

fn is_named_after(folder: &Path, chapter: Option<&Chapter>) -> bool {
    let Some(chapter) = chapter else { return false };
    let manifest = text_of(&folder.join("Cargo.toml"));
    let names = manifest.lines().filter_map(|line| line.trim().strip_prefix("name"));
    let mut names = names.map(|rest| rest.trim_start_matches([' ', '=']).trim_matches('"'));
    folder.ends_with(chapter.folder()) || names.any(|name| name == chapter.name)
}

/// True if a source is a program, and not one that cargo runs for its own purposes.
fn is_main(file: &Path, path: &Path, sign: &str) -> bool {
    !is_aside(file, path) && !file.ends_with("build.rs") && text_of(file).contains(sign)
}

/// True if a file of a hand-in lies where no program does; where all of it lies says nothing.
fn is_aside(file: &Path, path: &Path) -> bool {
    let aside = ["examples", "tests", "benches"];
    file.strip_prefix(path)
        .unwrap_or(file)
        .iter()
        .any(|part| aside.iter().any(|name| part == *name))
}

fn text_of(file: &Path) -> String {
    let bytes = stage::files::read(file, MAX_TEXT).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A student's name, from that of a file or folder: without the end that says what it is, and
/// without what Moodle writes after it.
pub fn student(name: &str) -> &str {
    let name = match name.split_once("_assignsubmission_") {
        Some((name, _)) => {
            name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
        }
        None => name,
    };
    let ends = [".txt", ".diff", ".patch", ".rs"];
    ends.iter().fold(without_end(name), |name, end| {
        let at = name.len().saturating_sub(end.len());
        match name.get(at..) {
            Some(its) if at > 0 && its.eq_ignore_ascii_case(end) => &name[..at],
            _ => name,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, process};

    /// A folder with these files, and what is found in it.
    fn found(name: &str, chapter: &str, files: &[(&str, &str)]) -> Result<String, String> {
        let folder = env::temp_dir().join(format!("grade-search-{}-{name}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        for (file, text) in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = look(&folder, checks::check::chapter(chapter));
        fs::remove_dir_all(&folder).unwrap();
        let inside = |path: &Path| path.strip_prefix(&folder).unwrap().display().to_string();
        found.map(|found| match found {
            Found::Diff(file) => format!("diff {}", inside(&file)),
            Found::Edition(place) => format!("edition {}", inside(&place)),
            Found::Crate(place) => format!("crate {}", inside(&place)),
            Found::Sources(main) => format!("sources {}", inside(&main)),
            Found::Script(file, language) => format!("{} {}", language.ends[0], inside(&file)),
        })
    }

    const MAIN: &str = "fn main() {}";
    const DIFF: &str = "--- a/chapters/x\n+++ b/chapters/x\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn it_is_found_as_a_person_would_find_it() {
        let package = "[package]\nname = \"x\"\n";
        let ours = "[package]\nname = \"echo-threaded\"\n";
        for (files, what) in [
            // Submitted from GitHub, or zipped with a folder around it.
            (
                &[
                    ("Cargo.toml", "[workspace]"),
                    ("chapters/01-dumb-net/Cargo.toml", package),
                    ("chapters/01-dumb-net/src/main.rs", MAIN),
                    ("chapters/03-echo-threaded/Cargo.toml", ours),
                    ("chapters/03-echo-threaded/src/main.rs", MAIN),
                    ("tests/diffs/x.diff", DIFF),
                ][..],
                "edition ",
            ),
            (&[("ours/chapters/03-echo-threaded/src/main.rs", MAIN)], "edition ours"),
            (
                &[
                    ("chapters/03-echo-threaded/src/main.rs", MAIN),
                    ("work/03-echo-threaded/Cargo.toml", package),
                    ("work/03-echo-threaded/src/main.rs", "fn main() { todo!() }"),
                ],
                "crate work/03-echo-threaded",
            ),
            (&[("a/b/c/Cargo.toml", package), ("a/b/c/src/main.rs", MAIN)], "crate a/b/c"),
            (&[("Cargo.toml", package), ("util/Cargo.toml", package)], "crate "),
            (&[("one/Cargo.toml", package), ("echo/Cargo.toml", ours)], "crate echo"),
            (&[("echo.rs", MAIN)], "sources echo.rs"),
            (
                &[("x/src/main.rs", "mod net;\nfn main() {}"), ("x/src/net/mod.rs", "")],
                "sources x/src/main.rs",
            ),
            (
                &[("main.rs", MAIN), ("build.rs", MAIN), ("examples/y.rs", MAIN)],
                "sources main.rs",
            ),
            (&[("x.diff.txt", ""), ("essay.txt", "hello")], "diff x.diff.txt"),
            (&[("X.DIFF", ""), ("__MACOSX/._X.DIFF", ""), (".DS_Store", "")], "diff X.DIFF"),
            (&[("answer.txt", DIFF)], "diff answer.txt"),
            (&[("deep/echo.py", ""), ("deep/__pycache__/y.py", "")], "py deep/echo.py"),
            (
                &[("helper.py", ""), ("echo.py", "if __name__ == '__main__': pass")],
                "py echo.py",
            ),
            (&[("echo.js", "")], "js echo.js"),
        ] {
            assert_eq!(found("one", "03", files).as_deref(), Ok(what));
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused_with_what_was_found() {
        let package = "[package]\nname = \"x\"\n";
        for (files, words) in [
            (&[("a.diff", ""), ("b.patch", "")][..], vec!["2 diffs", "a.diff", "b.patch"]),
            (&[("a/Cargo.toml", package), ("b/Cargo.toml", package)], vec!["2 crates", "a, b"]),
            (&[("a.rs", MAIN), ("b.rs", MAIN)], vec!["2 programs", "a.rs"]),
            (&[("a.py", ""), ("b.py", "")], vec!["2 programs", "a.py, b.py"]),
            (&[("essay.pdf", "x")], vec!["only essay.pdf"]),
            (&[(".hidden", "x")], vec!["nothing"]),
        ] {
            let why = found("several", "03", files).unwrap_err();
            assert!(words.iter().all(|word| why.contains(word)), "{why}");
            assert!(why.contains("hand in one diff"), "{why}");
        }
    }

    #[test]
    fn what_a_command_asks_for_is_found_in_its_place() {
        let folder = env::temp_dir().join(format!("grade-search-{}-place", process::id()));
        let files = ["lab/server.py", "lab/client.py", "lab/old/client.py", "lab/Main.java"];
        for file in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let python = Language::of_command("python3 {}");
        let found = |before, rest, role| {
            let opening = Opening { before, rest };
            let found = place(&folder, &opening, python, role);
            found.map(|found| found.strip_prefix(&folder).unwrap().display().to_string())
        };
        let server = Some(Role::Server);
        assert_eq!(found("python3", "", server), Ok("lab/server.py".to_string()));
        assert!(matches!(found("python3", "", Some(Role::Client)), Err(Unfit::Refused(_))));
        assert!(matches!(found("python3", "", None), Err(Unfit::Refused(_))));
        assert_eq!(found("python3", "/SERVER.py", None), Ok("lab/server.py".to_string()));
        assert_eq!(found("python3", "/lab/client.py", None), Ok("lab/client.py".to_string()));
        assert_eq!(found("cd", "", None), Ok("lab".to_string()));
        assert!(matches!(found("python3", "/echo.py", None), Err(Unfit::Missing(_))));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_student_is_called_by_name() {
        for (name, student_is) in [
            ("alice.diff", "alice"),
            ("ALICE.DIFF", "ALICE"),
            ("alice.diff.txt", ""),
            ("Alice Smith_1234567_assignsubmission_file_", "Alice Smith"),
            ("Alice Smith_1234567_assignsubmission_file_x.diff", "Alice Smith"),
            ("bob", "bob"),
            (".diff", ".diff"),
        ] {
            let expected = if student_is.is_empty() { "alice" } else { student_is };
            assert_eq!(student(name), expected, "{name}");
        }
    }
}
