//! What a machine lacks, or has in another way than most, is the grader's trouble and never the
//! program's.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // all of it is a test

use grader::sandbox::Mode;
use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

const GRADE: &str = env!("CARGO_BIN_EXE_grade");

/// A right program, which has to be built, and one that need not be.
const RIGHT: &str = "use std::{io, net::TcpListener, thread};\nfn main() {\n    \
    let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();\n    \
    let listener = TcpListener::bind((\"0.0.0.0\", port)).unwrap();\n    \
    for client in listener.incoming().flatten() {\n        \
    thread::spawn(move || io::copy(&mut &client, &mut &client));\n    }\n}\n";

const PYTHON: &str = include_str!("../../checks/right/03-labs-own.py");

/// A new, empty folder of this name.
fn empty(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The folder of somebody who has handed in one file.
fn handed_in(name: &str, source: &str) -> PathBuf {
    let folder = empty(name);
    let is_rust = source.contains("fn main");
    fs::write(folder.join(if is_rust { "echo.rs" } else { "echo.py" }), source).unwrap();
    folder
}

fn command(folder: &Path) -> Vec<String> {
    let words = ["--dir", folder.to_str().unwrap(), "--chapter", "03", "--only", "03.echoes"];
    [&[GRADE], &words[..]].concat().into_iter().map(String::from).collect()
}

fn run(words: &[String]) -> Output {
    Command::new(&words[0]).args(&words[1..]).output().unwrap()
}

/// The exit status, and what was said.
fn end(done: &Output) -> (Option<i32>, String) {
    let said = [&done.stdout[..], &done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

/// A `PATH` on which this script is found before the tool of the same name.
fn path_with(tool: &str, script: &str) -> String {
    let folder = empty(&format!("machine-{tool}"));
    let file = folder.join(tool);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), env::var("PATH").unwrap())
}

#[test]
fn a_tool_that_lacks_an_option_is_done_without() {
    let folder = handed_in("machine-right", PYTHON);
    // As it was before util-linux 2.33, and as busybox has it.
    let path = path_with("setpriv", "echo 'unrecognized option' >&2; exit 1");
    let words = command(&folder);
    let graded = Command::new(GRADE).args(&words[1..]).env("PATH", path).output().unwrap();
    let (code, said) = end(&graded);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_temporary_folder_may_have_any_name() {
    let folder = handed_in("machine-named", RIGHT);
    let place = empty("machine-tmp").join(OsStr::from_bytes(b"o'b \xff \"x\" (1)"));
    fs::create_dir(&place).unwrap();
    for walls in [&[][..], &["--try-sandbox"]] {
        let mut grade = Command::new(GRADE);
        grade.args(&command(&folder)[1..]).args(walls).env("TMPDIR", &place);
        let (code, said) = end(&grade.output().unwrap());
        assert_eq!(code, Some(0), "{place:?} {walls:?}: {said}");
    }
}

#[test]
fn a_git_that_crashes_is_the_graders_trouble() {
    let folder = empty("machine-diff");
    let diff = folder.join("x.diff");
    let path = "chapters/03-echo-threaded/src/notes.rs";
    fs::write(&diff, format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+//! x\n")).unwrap();
    for script in ["kill -SEGV $$", "echo 'fatal: bad config' >&2; exit 128"] {
        let graded = Command::new(GRADE)
            .args(["--diff", diff.to_str().unwrap()])
            .env("PATH", path_with("git", script))
            .output();
        let (code, said) = end(&graded.unwrap());
        assert!(code == Some(4) && said.contains("git does not work"), "{script}: {said}");
    }
}

#[test]
fn where_no_socket_can_be_seen_nobody_fails() {
    if Mode::find().is_err() {
        return eprintln!("skipped, because bwrap is missing or forbidden");
    }
    let folder = handed_in("machine-blind", PYTHON);
    let blind = words(&["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/proc", "--"]);
    let (code, said) = end(&run(&[blind, command(&folder)].concat()));
    assert!(code == Some(4) && said.contains("does not show its sockets"), "{said}");
}

#[test]
fn where_nobody_can_connect_nobody_fails() {
    let folder = handed_in("machine-deaf", RIGHT);
    let deaf = words(&["unshare", "-rn"]);
    if end(&run(&[deaf.clone(), words(&["true"])].concat())).0 != Some(0) {
        return eprintln!("skipped, because unshare is missing or forbidden");
    }
    let (code, said) = end(&run(&[deaf, command(&folder)].concat()));
    assert!(code == Some(4) && said.contains("no way to 127.0.0.1"), "{said}");
}

#[test]
fn graders_in_two_networks_do_not_build_into_each_other() {
    if Mode::find().is_err() {
        return eprintln!("skipped, because bwrap is missing or forbidden");
    }
    let right = handed_in("machine-one", RIGHT);
    let echoes = "io::copy(&mut &client, &mut &client)";
    assert!(RIGHT.contains(echoes));
    let silent = RIGHT.replace(echoes, "io::copy(&mut &client, &mut io::sink())");
    let wrong = handed_in("machine-other", &silent);
    let apart = words(&["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--"]);
    let ends: Vec<_> = thread::scope(|scope| {
        let start = |words: Vec<String>| scope.spawn(move || end(&run(&words)));
        let here = start(command(&right));
        let there = start([apart, command(&wrong)].concat());
        [here, there].into_iter().map(|grader| grader.join().unwrap()).collect()
    });
    assert_eq!((ends[0].0, ends[1].0), (Some(0), Some(1)), "{ends:?}");
}

/// What a first process sees that looks after nobody but its own child.
const FIRST: &str = "
import os, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
stats = [open(f'/proc/{id}/stat').read() for id in os.listdir('/proc') if id.isdigit()]
print([stat.split()[1] for stat in stats if stat.rsplit(')', 1)[1].split()[0] == 'Z'])";

#[test]
fn no_zombie_is_left_to_a_first_process_that_reaps_none() {
    let first = words(&["unshare", "-pf", "--mount-proc", "python3", "-c", FIRST]);
    let tried = run(&[first.clone(), words(&["true"])].concat());
    if !tried.status.success() {
        return eprintln!("skipped, because only root has a namespace of processes here");
    }
    let folder = handed_in("machine-zombies", RIGHT);
    let (_, said) = end(&run(&[first, command(&folder)].concat()));
    assert_eq!(said.trim(), "[]");
}
