//! Submissions that mean harm, or came to harm on the way, graded as a class behind walls:
//! each ends with its own verdict, and whoever comes next is graded as if it had not been
//! there. `tests/grader/hostile` holds the programs; the diffs are made here.
//!
//! Each kind of walls that this machine has is tried. A few programs by default; with `ZOO=all`
//! all of them, and as programs of four chapters.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // all of it is a test

use checks::{
    check::{self, Chapter},
    libtest_like, workspace,
};
use grader::{sandbox::Mode, tools::git};
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// The chapters of which they are, and what everybody is asked: quick for who answers, and all
/// that a hostile program denies.
const CHECKS: [(&str, &str); 4] =
    [("03", "03.echoes"), ("04", "04.date"), ("08", "08.intro"), ("09", "09.server-sends")];
const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";

/// The programs that are tried every time: a wall each.
const USUAL: [&str; 5] = ["01", "08", "10", "17", "18"];

/// Those that try what one kind of walls could forget to forbid.
const RIGHTS: [&str; 2] = ["10", "17"];

/// Those that could harm the one who comes next, and each time have one behind them.
const HARMFUL: [&str; 2] = ["01", "08"];

/// A name and the status that it must get.
type Expected = Vec<(String, String)>;

struct Class {
    walls: Mode,
    chapter: &'static Chapter,
    check: &'static str,
    folder: PathBuf,
    reports: PathBuf,
    expected: Expected,
}

impl Class {
    fn new(walls: Mode, chapter: &str, check: &'static str) -> Class {
        let name = format!("hostile-{walls}-{chapter}");
        let here = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&here);
        let (folder, reports) = (here.join("class"), here.join("reports"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&reports).unwrap();
        let chapter = check::chapter(chapter).unwrap();
        Class { walls, chapter, check, folder, reports, expected: Vec::new() }
    }

    fn report(&self, name: &str) -> PathBuf {
        self.reports.join(name)
    }

    /// Adds a file under a name that says what it is; reports leave out the ending.
    fn add(&mut self, file: &str, content: impl AsRef<[u8]>, status: &str) {
        fs::write(self.folder.join(file), content).unwrap();
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
        self.expected.push((stage::failure::readable(name), status.to_string()));
    }

    /// Adds a hostile program as a crate, and in chapter 3 behind a harmful one somebody who has
    /// done nothing wrong.
    fn add_program(&mut self, file: &Path) {
        let name = file.file_stem().unwrap().to_str().unwrap().to_string();
        let crate_folder = self.folder.join(&name);
        let source = fs::read_to_string(file).unwrap();
        let status = source.lines().next().unwrap().strip_prefix("//! verdict: ").unwrap();
        fs::create_dir_all(crate_folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
            self.chapter.name
        );
        fs::write(crate_folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(crate_folder.join("src/main.rs"), self.aimed(&source)).unwrap();
        fs::copy(file.with_file_name("echo.rs"), crate_folder.join("src/echo.rs")).unwrap();
        if let Ok(script) = fs::read_to_string(file.with_extension("build.rs")) {
            fs::write(crate_folder.join("build.rs"), self.aimed(&script)).unwrap();
        }
        self.expected.push((name.clone(), status.to_string()));
        let is_harmful = HARMFUL.iter().any(|number| name.starts_with(number));
        if self.chapter.number == "03" && (is_harmful || libtest_like::all_are_wanted()) {
            self.add(&format!("{name}-next.diff"), right_diff(), "Passed");
        }
    }

    /// A hostile source with what it aims at.
    fn aimed(&self, source: &str) -> String {
        let path = |path: &Path| path.display().to_string();
        source
            .replace("@ROOT@", &path(workspace::root()))
            .replace("@CLASS@", &path(&self.folder))
            .replace("@RESULTS@", &path(&self.report("results.json")))
            .replace("@GRADE@", env!("CARGO_BIN_EXE_grade"))
    }

    fn add_programs(&mut self, is_wanted: impl Fn(&str) -> bool) {
        let mut files: Vec<PathBuf> =
            fs::read_dir(workspace::root().join("tests/grader/hostile"))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| {
                    let name = path.file_name().unwrap().to_str().unwrap();
                    let number = name.get(..2).unwrap();
                    let is_program = number != "ec" && !name.ends_with(".build.rs");
                    is_program && is_wanted(number)
                })
                .collect();
        files.sort();
        files.iter().for_each(|file| self.add_program(file));
    }

    fn add_diffs(&mut self) {
        let right = right_diff();
        self.add("35-\u{1b}[31mred\u{202e}.diff", &right, "Passed");
        let elsewhere = right.replace("\n-//! ", "\n-//! not here: ");
        self.add("40-applies-nowhere.diff", elsewhere, "NotStarted");
        self.add("41-empty.diff", "", "NotStarted");
        let moved = "diff --git a/common/src/lib.rs b/chapters/03-echo-threaded/src/x.rs\n\
             similarity index 100%\nrename from common/src/lib.rs\n\
             rename to chapters/03-echo-threaded/src/x.rs\n";
        self.add("47-moves-common.diff", moved, "NotStarted");
        // The file is there in the reference.
        let include =
            "const _: &str = include_str!(\"../../05-calculator/src/arithmetic.rs\");";
        let include = rewritten(&source(MAIN), &format!("{}\n{include}\n", source(MAIN)));
        self.add("48-includes-an-answer.diff", include, "NotStarted");
        self.add("49-large.diff", "", "NotStarted");
        let large = fs::File::options().write(true).open(self.folder.join("49-large.diff"));
        large.unwrap().set_len(100_000_000).unwrap();
        self.add_folder_with_a_link();
        self.add("51-next.diff", &right, "Passed");
    }

    fn add_folder_with_a_link(&mut self) {
        let folder = self.folder.join("50-linked-folder");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"x\"\nedition = \"2024\"\n")
            .unwrap();
        symlink("/etc", folder.join("src")).unwrap();
        self.expected.push(("50-linked-folder".to_string(), "NotStarted".to_string()));
    }

    /// Grades it, and returns what the terminal shows.
    fn grade(&self) -> String {
        let report = |name: &str| self.report(name).display().to_string();
        let graded = Command::new(env!("CARGO_BIN_EXE_grade"))
            .args(["--class", self.folder.to_str().unwrap(), "--sandbox", "--jobs", "2"])
            .args(["--chapter", self.chapter.number, "--only", self.check, "--seed", "1"])
            .env("GRADE_WALLS", self.walls.to_string())
            .args(["--json", &report("results.json"), "--csv", &report("class.csv")])
            .args(["--html", &report("class.html"), "--junit", &report("class.xml")])
            .output()
            .unwrap();
        let said = String::from_utf8(graded.stdout).unwrap();
        let noted = String::from_utf8(graded.stderr).unwrap();
        assert!(
            matches!(graded.status.code(), Some(1 | 3)),
            "the worst of them fails or is refused\n{said}\n{noted}"
        );
        said + &noted
    }

    /// Names and statuses from the table for spreadsheets.
    fn found(&self) -> Expected {
        let csv = fs::read_to_string(self.report("class.csv")).unwrap();
        let cells = |row: &str| {
            let mut cells = row.split(',').map(String::from);
            (cells.next().unwrap(), cells.next().unwrap())
        };
        csv.split("\r\n").skip(1).filter(|row| !row.is_empty()).map(cells).collect()
    }
}

/// A diff that changes nothing that matters.
fn right_diff() -> String {
    let main = source(MAIN);
    let mut lines = main.lines();
    let (first, second) = (lines.next().unwrap(), lines.next().unwrap());
    // The starter begins with the same lines: git's name for the text says which one it was.
    let named = git().args(["hash-object", "--no-filters", "--"]).arg(root(MAIN)).output();
    let blob = String::from_utf8(named.unwrap().stdout).unwrap();
    let blob = blob.trim();
    format!(
        "diff --git a/{MAIN} b/{MAIN}\nindex {blob}..1234567 100644\n--- a/{MAIN}\n\
         +++ b/{MAIN}\n@@ -1,2 +1,2 @@\n-{first}\n+//! x\n {second}\n"
    )
}

fn root(file: &str) -> PathBuf {
    workspace::root().join(file)
}

fn source(file: &str) -> String {
    fs::read_to_string(root(file)).unwrap()
}

/// A diff that takes all lines of the program away and puts others there.
fn rewritten(old: &str, new: &str) -> String {
    let marked = |mark: &str, text: &str| -> String {
        text.lines().map(|line| format!("{mark}{line}\n")).collect()
    };
    let (before, after) = (old.lines().count(), new.lines().count());
    format!(
        "diff --git a/{MAIN} b/{MAIN}\n--- a/{MAIN}\n+++ b/{MAIN}\n\
         @@ -1,{before} +1,{after} @@\n{}{}",
        marked("-", old),
        marked("+", new)
    )
}

/// No process that a hostile one has left is there any more.
fn left_over() -> Vec<String> {
    let commands = fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        let command = fs::read(process.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).replace('\0', " "))
    });
    let hostile = ["61.6161", "62.6262", "20.2020"];
    commands.filter(|command| hostile.iter().any(|word| command.contains(word))).collect()
}

#[test]
fn each_ends_with_its_verdict_and_harms_nobody() {
    let kinds = Mode::kinds();
    if kinds.is_empty() {
        eprintln!("skipped, because bwrap is missing or forbidden");
    }
    let all = libtest_like::all_are_wanted();
    for (n, walls) in kinds.into_iter().enumerate() {
        for (chapter, check) in CHECKS.into_iter().take(if all { CHECKS.len() } else { 1 }) {
            let mut class = Class::new(walls, chapter, check);
            // What differs between the kinds is what a program can do.
            match (all, n) {
                (true, _) => {
                    let is_root = walls.to_string().starts_with("root");
                    class.add_programs(|number| number != "19" || is_root);
                }
                (false, 0) => class.add_programs(|number| USUAL.contains(&number)),
                (false, _) => class.add_programs(|number| RIGHTS.contains(&number)),
            }
            if chapter == "03" && n == 0 {
                class.add_diffs();
            }
            class.ends_as_it_must();
        }
    }
}

impl Class {
    fn ends_as_it_must(&self) {
        let said = self.grade();
        let found = self.found();
        let other: Vec<_> = self.expected.iter().filter(|one| !found.contains(one)).collect();
        assert!(
            other.is_empty() && found.len() == self.expected.len(),
            "{}: not so: {other:?}\n{said}",
            self.walls
        );
        assert_eq!(left_over(), [""; 0]);
        let obeyed = |c: char| c.is_control() && c != '\n' && c != '\r' || c == '\u{202e}';
        assert!(!said.contains(obeyed), "{said}");
        for name in ["results.json", "class.csv", "class.html", "class.xml"] {
            let text = fs::read_to_string(self.report(name)).unwrap();
            assert!(!text.contains(obeyed), "{name}");
        }
        if libtest_like::all_are_wanted() {
            let csv = fs::read_to_string(self.report("class.csv")).unwrap();
            println!("{} walls, chapter {}:\n{csv}", self.walls, self.chapter.number);
        }
    }
}
