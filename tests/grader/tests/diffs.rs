//! What students hand in is read rightly, whichever tool wrote it: one student's wrong program, as
//! diffs of several shapes, and each time the mistake is found.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::{workspace, zoo};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MUTANT: &str = "03-newline-added";
const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";

/// What a teacher's machine may be set to, all at once.
const STRANGE: [(&str, &str); 9] = [
    ("RUSTFLAGS", "-D warnings"),
    ("CARGO_ENCODED_RUSTFLAGS", "-Dwarnings"),
    ("CARGO_TERM_COLOR", "always"),
    ("CARGO_BUILD_TARGET", "thumbv6m-none-eabi"),
    ("CARGO_PROFILE_DEV_PANIC", "nonsense"),
    ("RUSTC_WRAPPER", "/nonexistent/wrapper"),
    ("GIT_DIR", "/nonexistent"),
    ("GIT_DIFF_OPTS", "-u0"),
    ("GIT_EXTERNAL_DIFF", "false"),
];

struct Student {
    /// Where both chapters are: `a` is handed out, `b` the student's.
    folder: PathBuf,
    /// Where the diffs are collected.
    class: PathBuf,
}

impl Student {
    fn new() -> Student {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diffs");
        zoo::lay_out(MUTANT, &folder).unwrap();
        let class = folder.join("class");
        fs::create_dir(&class).unwrap();
        Student { folder, class }
    }

    /// What a tool writes that runs in `place`; a tool for differences may end with 1.
    fn tool(&self, place: &str, words: &[&str]) -> Vec<u8> {
        let done = Command::new(words[0])
            .args(&words[1..])
            .current_dir(self.folder.join(place))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            matches!(done.status.code(), Some(0 | 1)) && said.is_empty(),
            "{words:?}: {said}"
        );
        done.stdout
    }

    fn git(&self, place: &str, words: &[&str]) -> Vec<u8> {
        let who = ["git", "-c", "user.name=Zoë", "-c", "user.email=z@example.org"];
        self.tool(place, &[&who, words].concat())
    }

    fn hand_in(&self, name: &str, diff: &[u8]) {
        assert!(!diff.is_empty(), "{name}");
        fs::write(self.class.join(name), diff).unwrap();
    }

    /// A home whose settings break whatever obeys them.
    fn strange_home(&self) -> PathBuf {
        let home = self.folder.join("home");
        fs::create_dir_all(home.join(".cargo")).unwrap();
        let cargo = "[build]\nrustflags = [\"-Dwarnings\"]\nrustc-wrapper = \"/nonexistent\"\n";
        fs::write(home.join(".cargo/config.toml"), cargo).unwrap();
        let git = "[apply]\n\twhitespace = error\n[core]\n\tautocrlf = true\n[color]\n\tui = always\n\
                   [diff]\n\tnoprefix = true\n[broken\n";
        fs::write(home.join(".gitconfig"), git).unwrap();
        home
    }

    /// A repository at `place` with what `base` holds, in which the student has done the work.
    fn repository(&self, place: &str, base: &str) {
        let main = Path::new(place).join(MAIN);
        self.tool(".", &["cp", "-r", base, place]);
        self.git(place, &["init", "-q"]);
        self.git(place, &["add", "-A"]);
        self.git(place, &["commit", "-q", "-m", "As it was handed out"]);
        // Right for us, although a compiler may warn and a strict git would refuse it.
        let text = fs::read_to_string(self.folder.join("b").join(MAIN)).unwrap();
        let text = text.replacen(
            "fn main() -> ",
            "#[warn(unused)]\nfn idle() { let unused = 1; } \nfn main() -> ",
            1,
        );
        assert!(text.contains("unused"));
        fs::write(self.folder.join(main), text).unwrap();
    }
}

#[test]
fn the_mistake_is_found_in_a_diff_of_any_shape() {
    let student = Student::new();
    student.repository("clone", "a");
    student.hand_in("git-diff.diff", &student.git("clone", &["diff"]));
    let wide = ["diff", "--function-context", "--full-index", "--patience"];
    student.hand_in("git-diff-wide.diff", &student.git("clone", &wide));
    let mnemonic = ["-c", "diff.mnemonicPrefix=true", "diff"];
    student.hand_in("git-diff-mnemonic.diff", &student.git("clone", &mnemonic));
    student.git("clone", &["commit", "-q", "-a", "-m", "Répond à chacun"]);
    student.hand_in("git-show.diff", &student.git("clone", &["show"]));
    let mail = student.git("clone", &["format-patch", "-1", "--stdout"]);
    student.hand_in("git-format-patch.patch", &mail);
    let folders = ["diff", "--no-index", "--no-prefix", "a", "b"];
    student.hand_in("git-two-folders.diff", &student.git(".", &folders));
    student.hand_in("diff-ru.diff", &student.tool(".", &["diff", "-ruN", "a", "b"]));

    // A new file beside the changed one, as git shows it that has not yet been told of it.
    let notes = student.folder.join("clone").join(MAIN).with_file_name("notes.rs");
    fs::write(notes, "//! My notes.\n").unwrap();
    student.git("clone", &["add", "-N", "."]);
    student.hand_in("git-new-file.diff", &student.git("clone", &["diff", "HEAD~"]));

    student.tool(".", &["cp", "-r", "a", "starter"]);
    let starter = workspace::root().join("chapters/03-echo-threaded/starter.rs");
    fs::copy(starter, student.folder.join("starter").join(MAIN)).unwrap();
    student.repository("student-edition", "starter");
    student.hand_in("git-from-starter.diff", &student.git("student-edition", &["diff"]));
    let plain = student.tool(".", &["diff", "-ruN", "starter", "b"]);
    student.hand_in("diff-ru-from-starter.diff", &plain);

    // What the student's git is set to, and what the way does to a file.
    let git = |set: &[&str]| student.git("student-edition", &[set, &["diff"]].concat());
    let diff = git(&[]);
    student.hand_in("set-noprefix.diff", &git(&["-c", "diff.noprefix=true"]));
    student.hand_in("set-colour.diff", &git(&["-c", "color.ui=always"]));
    student.hand_in("set-no-context.diff", &git(&["-c", "diff.context=0"]));
    let inside = "student-edition/chapters/03-echo-threaded";
    student.hand_in("made-inside.diff", &student.git(inside, &["diff", "--relative"]));
    let text = String::from_utf8(diff).unwrap();
    student.hand_in("lost-newline.diff", text.trim_end().as_bytes());
    let stripped: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    student.hand_in("lost-blanks.diff", stripped.as_bytes());
    student.hand_in("windows.diff", text.replace('\n', "\r\n").as_bytes());
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
    };
    student.hand_in("utf-16-le.diff", &wide(u16::to_le_bytes));
    student.hand_in("utf-16-be.diff", &wide(u16::to_be_bytes));
    student.hand_in("name with 'quotes' & \"more\" [é].diff", text.as_bytes());

    let csv = student.folder.join("class.csv");
    let home = student.strange_home();
    let graded = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(["--class", student.class.to_str().unwrap(), "--csv", csv.to_str().unwrap()])
        .args(["--chapter", "03", "--only", "03.echoes", "--seed", "1", "--jobs", "2"])
        .envs(STRANGE)
        .env("HOME", &home)
        .env("CARGO_HOME", home.join(".cargo"))
        .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&graded.stdout);
    let csv = fs::read_to_string(csv).unwrap();
    let rows: Vec<Vec<&str>> =
        csv.split("\r\n").skip(1).map(|row| row.split(',').collect()).collect();
    let found =
        |row: &&Vec<&str>| row.get(1) == Some(&"Failed") && row.contains(&"newline-added");
    assert_eq!(rows.iter().filter(found).count(), 20, "{csv}\n{said}");
}
