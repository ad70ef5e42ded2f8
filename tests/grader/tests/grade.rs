//! grade from outside, as a TA calls it: what it takes, what it refuses, what it believes, and how
//! it ends.

#![allow(clippy::unwrap_used)] // all of it is a test

use assert_cmd::{Command, assert::Assert};
use checks::{check::CHAPTERS, workspace, zoo};
use stage::process::shell_path;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

fn grade(words: &[&str]) -> Assert {
    Command::new(env!("CARGO_BIN_EXE_grade")).args(words).assert()
}

fn stdout(graded: &Assert) -> String {
    String::from_utf8_lossy(&graded.get_output().stdout).into_owned()
}

/// A student's diff, with a mistake.
fn one_at_a_time() -> &'static Path {
    static DIFF: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-at-a-time");
        zoo::hand_in("03-one-at-a-time", &folder).unwrap()
    });
    &DIFF
}

/// A diff that puts one line into the file at `path`, which `mode` says is new, or is none.
fn diff(name: &str, path: &str, mode: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.diff"));
    let (old, hunk) = match mode {
        "" => (format!("a/{path}"), "@@ -1 +1 @@\n-one line\n+another\n"),
        _ => ("/dev/null".to_string(), "@@ -0,0 +1 @@\n+another\n"),
    };
    let index = if mode.is_empty() { "" } else { "index 0000000..b6fc4c6\n" };
    let text =
        format!("diff --git a/{path} b/{path}\n{mode}{index}--- {old}\n+++ b/{path}\n{hunk}");
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_wrong_diff_is_told_what_its_mistake_means() {
    let mutant = one_at_a_time();
    let words = ["--only", "03.second-client", "--seed", "7"];
    let graded = grade(&[&["--diff", mutant.to_str().unwrap()], &words[..]].concat()).code(1);
    let story = stdout(&graded).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "FAILED 03.second-client",
        "asked by L3, echo_server.py",
        "expected b gets",
        "when a had left, b was answered",
        "clients are served one after another",
        "read BOOK.md, section 3.2",
        "--only 03.second-client --seed 7",
        "0 of 3 points",
    ] {
        assert!(story.contains(part), "{part:?} is not in\n{story}");
    }
}

/// A program that fails early: what waits for it is counted, its failure is the last story, and a
/// terminal is wide enough.
#[test]
fn the_first_failure_is_on_the_screen() {
    let said = stdout(&grade(&["--chapter", "03", "--program", "true"]).code(1));
    let at = |part: &str| said.rfind(part).unwrap_or_else(|| panic!("{part:?}: {said}"));
    assert!(at("checks wait for these, and were not tried.") < at("beyond the labs"));
    assert!(at("beyond the labs") < at("FAILED   03.listens"), "{said}");
    assert!(at("FAILED   03.listens") < at("0 of "), "{said}");
    assert!(!said.contains("\nskipped"), "{said}");
    let is_wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("  again ");
    assert_eq!(said.lines().find(is_wide), None);
    // On a student's desk the command that runs it again is make's, and walls are no news.
    let mut grade = Command::new(env!("CARGO_BIN_EXE_grade"));
    grade.args(["--chapter", "03", "--program", "true", "--only", "03.listens"]);
    let asked = grade.env("AGAIN", "make check CHAPTER=03 ONLY={id} SEED={seed}").assert();
    let said = stdout(&asked);
    assert!(said.contains("make check CHAPTER=03 ONLY=03.listens SEED="), "{said}");
    assert!(!said.contains("unconfined"), "{said}");
}

#[test]
fn an_exercise_is_known_by_the_name_of_its_program() {
    let named = |name| grade(&["--chapter", "05", "--exercise", name]);
    assert_eq!(
        stdout(&named("remembering").code(0)),
        "05.x-remembers remembering {port}\n05.x-idle remembering {port} --idle 1\n"
    );
    let wrong = named("remember").code(4);
    let said = String::from_utf8_lossy(&wrong.get_output().stderr).into_owned();
    assert!(said.contains("there are stateless, remembering"), "{said}");
}

#[test]
fn the_reference_is_shown_beside_a_wrong_program() {
    let mutant = one_at_a_time();
    let words = ["--only", "03.second-client", "--seed", "7", "--against-reference"];
    let story =
        stdout(&grade(&[&["--diff", mutant.to_str().unwrap()], &words[..]].concat()).code(1));
    assert!(story.lines().all(|line| line.chars().count() <= 80 || line.contains("again")));
    let steps: Vec<&str> = story
        .lines()
        .skip_while(|line| !line.contains("the same with our own program"))
        .take_while(|line| !line.contains("  expected  "))
        .collect();
    // The wrong program answers b when a has left, ours does so before.
    let last = |n: usize| steps[steps.len() - n];
    assert!(last(3).starts_with("  b closes its") && last(3).contains("  b gets "), "{story}");
    assert!(last(2) == "  a closes the connection" && last(1).starts_with("  b gets "));
    // A single check that passes shows it too.
    let words = ["--only", "03.echoes", "--seed", "7", "--against-reference"];
    let story =
        stdout(&grade(&[&["--diff", mutant.to_str().unwrap()], &words[..]].concat()).success());
    assert!(story.contains("the same with our own program"), "{story}");
}

#[test]
fn a_diff_may_touch_nothing_but_its_chapters_sources() {
    for (n, (path, mode)) in [
        ("common/src/lib.rs", ""),
        ("tests/checks/src/runner.rs", ""),
        ("Cargo.toml", ""),
        ("chapters/03-echo-threaded/Cargo.toml", ""),
        ("chapters/03-echo-threaded/tests/checks.rs", ""),
        ("chapters/03-echo-threaded/build.rs", "new file mode 100644\n"),
        ("chapters/03-echo-threaded/src/../../../Makefile", ""),
        ("../outside.rs", "new file mode 100644\n"),
        ("chapters/03-echo-threaded/src/link.rs", "new file mode 120000\n"),
        ("chapters/03-echo-threaded/src/odd.rs", "new file mode 120777\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let diff = diff(&format!("refused-{n}"), path, mode);
        let said = stdout(&grade(&["--diff", diff.to_str().unwrap()]).code(3));
        assert!(said.contains("NOT GRADED: ") && said.contains(path), "{path}: {said}");
    }
}

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

#[test]
fn what_a_machine_is_set_to_changes_nothing() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strange home");
    fs::create_dir_all(home.join(".cargo")).unwrap();
    let cargo = "[build]\nrustflags = [\"-Dwarnings\"]\nrustc-wrapper = \"/nonexistent\"\n";
    fs::write(home.join(".cargo/config.toml"), cargo).unwrap();
    let git = "[apply]\n\twhitespace = error\n[core]\n\tautocrlf = true\n[color]\n\tui = always\n\
               [diff]\n\tnoprefix = true\n[broken\n";
    fs::write(home.join(".gitconfig"), git).unwrap();
    // A compiler may warn of it, and a strict git would refuse it.
    let path = "chapters/03-echo-threaded/src/bin/more.rs";
    let file = home.join("name with 'quotes' & \"more\" [é].diff");
    let lines = "@@ -0,0 +1,2 @@\n+fn idle() {} \n+fn main() {}\n";
    fs::write(&file, format!("--- /dev/null\n+++ b/{path}\n{lines}")).unwrap();
    let mut grade = Command::new(env!("CARGO_BIN_EXE_grade"));
    grade.args([
        "--diff",
        file.to_str().unwrap(),
        "--base",
        "reference",
        "--only",
        "03.echoes",
    ]);
    grade.envs(STRANGE).env("HOME", &home).env("CARGO_HOME", home.join(".cargo"));
    grade.env("GIT_CONFIG_GLOBAL", home.join(".gitconfig")).assert().success();
}

#[test]
fn a_diff_that_does_not_apply_or_build_is_not_graded() {
    let main = "chapters/03-echo-threaded/src/main.rs";
    let stale = diff("stale", main, "");
    let said = stdout(&grade(&["--diff", stale.to_str().unwrap()]).code(3));
    assert!(said.contains("patch does not apply") && said.contains(main), "{said}");
    // With a second program of its name, cargo takes no member of the workspace.
    for name in ["broken", "echo-threaded"] {
        let path = format!("chapters/03-echo-threaded/src/bin/{name}.rs");
        let broken = diff(name, &path, "new file mode 100644\n");
        let said = stdout(&grade(&["--diff", broken.to_str().unwrap()]).code(3));
        assert!(said.contains("it does not build"), "{said}");
    }
}

#[test]
fn a_diff_that_is_not_there_or_is_of_another_chapter_is_not_graded() {
    let said = stdout(&grade(&["--diff", "/nonexistent.diff"]).code(3));
    assert!(said.contains("NOT GRADED: cannot read the diff: "), "{said}");
    let said = stdout(&grade(&["--dir", "."]).code(3));
    assert!(said.starts_with("grader ("), "a folder has its own name: {said}");
    let mutant = one_at_a_time();
    let words = ["--diff", mutant.to_str().unwrap(), "--only", "02.port-zero"];
    let said = stdout(&grade(&words).code(3));
    assert!(said.contains("changes nothing of chapter 02"), "{said}");
    let words = ["--diff", mutant.to_str().unwrap(), "--only", "03.x-polling"];
    assert!(stdout(&grade(&words).code(3)).contains("an exercise is graded as a folder"));
}

#[test]
fn a_role_that_is_not_handed_in_costs_points_and_nothing_else() {
    let codec = workspace::build().unwrap().get("binary-codec").unwrap().to_path_buf();
    let decoder = format!("{} decoder {{port}}", shell_path(&codec));
    let said = stdout(&grade(&["--chapter", "06", "--decoder", &decoder]).success());
    let client = said.lines().filter(|line| line.contains(" 06.client-"));
    assert!(
        client.clone().count() > 5 && client.clone().all(|l| l.starts_with("not handed in"))
    );
    assert!(!said.contains("skipped") && !said.contains("FAILED"), "{said}");
    // Nor does what is asked of a whole program.
    let room = workspace::build().unwrap().get("chatroom").unwrap().to_path_buf();
    let server = format!("{} server {{port}}", shell_path(&room));
    let words = ["--chapter", "07", "--server", &server, "--only", "07.help"];
    assert!(stdout(&grade(&words).success()).contains("\nnot handed in 07.help"));
}

#[test]
#[cfg(unix)]
fn a_failure_is_a_failure_though_nobody_hears_of_it() {
    let script = "\"$0\" --chapter 03 --program /nonexistent/x --only 03.listens | true; exit ${PIPESTATUS[0]}";
    let mut bash = Command::new("bash");
    bash.args(["-c", script, env!("CARGO_BIN_EXE_grade")]).assert().code(3);
}

#[test]
fn wrong_usage_is_said_in_one_line() {
    for (words, wrong) in [
        (&[][..], "nothing to grade"),
        (&["--chapter", "99", "--program", "x"], "there is no chapter \"99\""),
        (&["--program", "x"], "--chapter"),
        (&["--chapter", "03", "--server", "x"], "{port}"),
        (&["--chapter", "03", "--program", "x", "--diff", "y"], "exclude each other"),
        (&["--chapter", "03", "--program", "x", "--only", "03.what"], "no check \"03.what\""),
        (&["--chapter", "03", "--program", ""], "--program needs a command"),
        (&["--class", "/nonexistent/class"], "cannot read /nonexistent/class: "),
        (&["--what"], "--what"),
        (&["--chapter", "03", "--program", "x", "--json", "/dev"], "no regular file"),
        (&["--chapter", "03", "--program", "x", "--json", "a", "--junit", "a"], "two reports"),
    ] {
        let graded = grade(words).code(2);
        let said = String::from_utf8_lossy(&graded.get_output().stderr).into_owned();
        let mut lines = said.lines();
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with("grade: ") && first.contains(wrong), "{words:?}: {said}");
        assert!(lines.next().unwrap_or_default().starts_with("usage: grade "), "{said}");
    }
}

#[test]
fn the_list_says_where_each_check_comes_from() {
    let all = stdout(&grade(&["--list"]).success());
    for check in CHAPTERS.iter().flat_map(|chapter| chapter.checks) {
        for part in [check.id, check.source] {
            assert!(all.contains(part), "{part:?} is not listed");
        }
    }
    let one = stdout(&grade(&["--list", "--chapter", "3"]).success());
    assert!(one.contains("03.second-client") && !one.contains("01.sends"), "{one}");
}

/// A crate that does nothing, and whose build says that its program is `right`.
#[cfg(unix)]
fn boaster(folder: &Path, right: &Path) {
    let manifest = "[package]\nname = \"echo-threaded\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    [dependencies]\nwords = { path = \"words\" }\n";
    let words = "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [lib]\nproc-macro = true\n";
    let message =
        format!("{{\"reason\":\"compiler-artifact\",\"executable\":\"{}\"}}", right.display());
    // Cargo takes what a build script prints for itself, so it tells cargo's own stdout.
    let script = format!(
        "use std::{{fs, io::Write, os::unix::process::parent_id}};\nfn main() {{\n    \
         let out = fs::File::options().append(true).open(format!(\"/proc/{{}}/fd/1\", parent_id()));\n    \
         if let Ok(mut out) = out {{ let _ = writeln!(out, \"{{}}\", {message:?}); }}\n}}\n"
    );
    let says = format!(
        "use proc_macro::TokenStream;\n#[proc_macro]\npub fn say(_: TokenStream) -> TokenStream {{\n    \
         println!(\"{{}}\", {message:?});\n    TokenStream::new()\n}}\n"
    );
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("build.rs", &script),
        ("src/main.rs", "words::say!();\nfn main() {}\n"),
        ("words/Cargo.toml", words),
        ("words/src/lib.rs", &says),
        // A hand-in does not choose the compiler either.
        (".cargo/config.toml", "[build]\nrustc-wrapper = \"./lies.sh\"\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.0.0\"\n"),
    ] {
        let place = folder.join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn what_a_build_prints_is_not_believed() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("boaster");
    let _ = fs::remove_dir_all(&folder);
    let right = workspace::build().unwrap().get("echo-threaded").unwrap().to_path_buf();
    boaster(&folder, &right);
    let words = ["--dir", folder.to_str().unwrap(), "--chapter", "03", "--only", "03.echoes"];
    let said = stdout(&grade(&words).code(1));
    assert!(said.contains("\n0 of 2 points"), "{said}");
}

#[test]
fn a_diff_that_fits_both_bases_is_graded_on_the_starter() {
    let notes = "chapters/03-echo-threaded/src/notes.rs";
    let file = diff("both-bases", notes, "new file mode 100644\n");
    let words = ["--diff", file.to_str().unwrap(), "--only", "03.echoes"];
    let said = stdout(&grade(&words).code(1));
    assert!(said.contains("\n0 of 2 points"), "{said}");
    // A report is 80 columns wide: words may be parted by a line's end.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("against the starter; it fits the reference too"), "{said}");
    assert!(said.contains("--base reference"), "{said}");
    grade(&[&words[..], &["--base", "mine"]].concat()).code(2);
}
