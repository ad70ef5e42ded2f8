//! What students hand in is read rightly, whichever tool wrote it: the same work, as diffs of
//! several shapes, and each time it is applied as the student has it.

use super::BuildDir;
use crate::tools;
use checks::{check, workspace, zoo};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

const MUTANT: &str = "03-newline-added";
const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";

struct Student {
    /// Where the chapters are: `a` is handed out, `b` the student's.
    folder: PathBuf,
    workshop: BuildDir,
}

impl Student {
    fn new() -> Student {
        let folder = env::temp_dir().join(format!("grade-shapes-{}", process::id()));
        zoo::lay_out(MUTANT, &folder).unwrap();
        // What is right for us, although a strict git would refuse it.
        let main = folder.join("b").join(MAIN);
        let text = fs::read_to_string(&main).unwrap();
        fs::write(&main, text.replacen("fn main() -> ", "fn é() {} \nfn main() -> ", 1))
            .unwrap();
        Student { folder, workshop: BuildDir::open(None).unwrap() }
    }

    /// What a tool writes that runs in `place`; a tool for differences may end with 1.
    fn tool(&self, place: &str, mut tool: Command, words: &[&str]) -> Vec<u8> {
        let done = tool.args(words).current_dir(self.folder.join(place)).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        let is_done = matches!(done.status.code(), Some(0 | 1)) && said.is_empty();
        assert!(is_done, "{words:?}: {said}");
        done.stdout
    }

    fn git(&self, place: &str, words: &[&str]) -> Vec<u8> {
        let who = ["-c", "user.name=Zoë", "-c", "user.email=z@example.org"];
        let mut git = tools::git();
        git.env_remove("GIT_DIR");
        self.tool(place, git, &[&who, words].concat())
    }

    /// The plain difference of two folders.
    fn diff(&self, old: &str) -> Vec<u8> {
        self.tool(".", Command::new("diff"), &["-ruN", old, "b"])
    }

    fn copy(&self, from: &str, to: &str) {
        self.tool(".", Command::new("cp"), &["-r", from, to]);
    }

    /// A repository at `place` with what `base` holds, in which the student has done the work.
    fn repository(&self, place: &str, base: &str) {
        self.copy(base, place);
        self.git(place, &["init", "-q"]);
        self.git(place, &["add", "-A"]);
        self.git(place, &["commit", "-q", "-m", "As it was handed out"]);
        let (from, to) = (self.folder.join("b").join(MAIN), self.folder.join(place).join(MAIN));
        fs::copy(from, to).unwrap();
    }

    fn hands_in(&self, name: &str, diff: impl AsRef<[u8]>) {
        let applied = self.workshop.applied(diff.as_ref(), None, check::chapter("03"));
        let (base, ..) = applied.unwrap_or_else(|why| panic!("{name}: {why:?}"));
        // Blanks at the end of a line get lost on some ways.
        let text = |tree: &Path| {
            let text = fs::read_to_string(tree.join(MAIN)).unwrap();
            text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
        };
        assert_eq!(text(&self.workshop.tree(base)), text(&self.folder.join("b")), "{name}");
    }
}

impl Drop for Student {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_diff_of_any_shape_is_applied() {
    let student = Student::new();
    let hands_in = |name, diff| student.hands_in(name, diff);
    student.repository("clone", "a");
    hands_in("git diff", student.git("clone", &["diff"]));
    let wide = ["diff", "--function-context", "--full-index", "--patience"];
    hands_in("wide", student.git("clone", &wide));
    let mnemonic = ["-c", "diff.mnemonicPrefix=true", "diff"];
    hands_in("mnemonic", student.git("clone", &mnemonic));
    student.git("clone", &["commit", "-q", "-a", "-m", "Répond à chacun"]);
    hands_in("git show", student.git("clone", &["show"]));
    hands_in("mail", student.git("clone", &["format-patch", "-1", "--stdout"]));
    let folders = ["diff", "--no-index", "--no-prefix", "a", "b"];
    hands_in("two folders", student.git(".", &folders));
    hands_in("diff -ruN", student.diff("a"));

    // A new file beside the changed one, as git shows it that has not yet been told of it.
    let notes = student.folder.join("clone").join(MAIN).with_file_name("notes.rs");
    fs::write(notes, "//! My notes.\n").unwrap();
    student.git("clone", &["add", "-N", "."]);
    hands_in("new file", student.git("clone", &["diff", "HEAD~"]));

    student.copy("a", "starter");
    let starter = workspace::root().join("chapters/03-echo-threaded/starter.rs");
    fs::copy(starter, student.folder.join("starter").join(MAIN)).unwrap();
    hands_in("diff -ruN from the starter", student.diff("starter"));
    student.repository("edition", "starter");

    // What the student's git is set to, and what the way does to a file.
    let set = |name| student.git("edition", &["-c", name, "diff"]);
    for name in ["diff.noprefix=true", "color.ui=always", "diff.context=0"] {
        hands_in(name, set(name));
    }
    let inside = "edition/chapters/03-echo-threaded";
    hands_in("made inside", student.git(inside, &["diff", "--relative"]));
    let text = String::from_utf8(student.git("edition", &["diff"])).unwrap();
    let marked = format!("\u{feff}{text}");
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let stripped: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    student.hands_in("from the starter", &text);
    student.hands_in("last line end lost", text.trim_end());
    student.hands_in("blanks lost", stripped);
    student.hands_in("Windows' line ends", text.replace('\n', "\r\n"));
    student.hands_in("UTF-8 with a mark", &marked);
    student.hands_in("UTF-16, least first", utf16(&marked, u16::to_le_bytes));
    student.hands_in("UTF-16, most first", utf16(&marked, u16::to_be_bytes));
    student.hands_in("UTF-16 without a mark", utf16(&text, u16::to_le_bytes));
}
