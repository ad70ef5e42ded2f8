//! The student edition holds no answer, and what a student writes in it can be graded.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::{check::CHAPTERS, workspace};
use grader::{edition, workshop};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn git(folder: &Path, words: &[&str]) -> Vec<u8> {
    let done = Command::new("git").arg("-C").arg(folder).args(words).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

#[test]
fn a_student_finds_no_answer_and_hands_in_a_diff() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edition");
    let _ = fs::remove_dir_all(&folder);
    edition::write(&folder).unwrap();
    assert!(edition::write(&folder).is_err(), "it is not empty any more");

    let root = workspace::root();
    let chapters = workspace::chapters().unwrap();
    let sources = chapters.iter().flat_map(|chapter| files(&root.join(chapter).join("src")));
    let answers = chapters.iter().flat_map(|chapter| edition::answers(&root.join(chapter)));
    let answers: BTreeSet<Vec<u8>> = sources
        .chain(answers.filter(|file| file.exists()))
        .map(|f| fs::read(f).unwrap())
        .collect();
    assert!(answers.len() > chapters.len());
    // The starter of chapter 8 is given the modules that the chapter does not teach.
    let given = workshop::starter(CHAPTERS[7]).unwrap();
    for file in files(&folder) {
        let text = fs::read(&file).unwrap();
        assert!(!answers.contains(&text) || given.values().any(|its| *its == text), "{file:?}");
    }
    let book = fs::read_to_string(folder.join("BOOK.md")).unwrap();
    let heading = |text: &str| book.lines().filter(|line| line.starts_with(text)).count();
    assert_eq!((heading("# 1 dumb-net"), heading("# E "), heading("## E.")), (1, 1, 3));
    assert_eq!((heading("# D "), heading("## D.")), (1, 0), "the answers");
    let checks = Path::new("tests/checks/src/echo_threaded/server.rs");
    assert_eq!(fs::read(folder.join(checks)).unwrap(), fs::read(root.join(checks)).unwrap());

    the_desk_is_explained(&folder);
    // Before it builds one package, cargo looks for what the manifests of all of them name.
    let built = Command::new(env!("CARGO"))
        .args(["check", "-q", "-p", "common", "--offline", "--target-dir"])
        .arg(folder.with_extension("target"))
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    // A student writes the chapter, and an exercise, and hands both in.
    git(&folder, &["init", "-q"]);
    git(&folder, &["add", "-A"]);
    let chapter = Path::new("chapters/03-echo-threaded");
    for file in ["src/main.rs", "examples/net_server.rs"] {
        fs::copy(root.join(chapter).join(file), folder.join(chapter).join(file)).unwrap();
    }
    git(&folder, &["add", "-N", "chapters"]);
    let diff = folder.with_extension("diff");
    fs::write(&diff, git(&folder, &["diff"])).unwrap();
    let graded = Command::new(env!("CARGO_BIN_EXE_grade"))
        .args(["--diff", diff.to_str().unwrap(), "--only", "03.echoes"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&graded.stdout);
    assert_eq!(graded.status.code(), Some(0), "{said}");
    assert!(said.contains("2 of 2 points"), "{said}");
}

/// What `make` says of the desk, without building anything.
fn the_desk_is_explained(folder: &Path) {
    let make = |words: &[&str]| {
        let mut make = Command::new("make");
        // The tests may have been started by another make, whose flags are not for this one.
        make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
        let done = make.arg("-C").arg(folder).args(words).output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let (started, said) = make(&["start", "CHAPTER=3"]);
    assert!(started && said.contains("make try CHAPTER=03 "), "{said}");
    let (started, said) = make(&["start", "CHAPTER=8"]);
    assert!(started, "{said}");
    for (name, text) in workshop::starter(CHAPTERS[7]).unwrap() {
        assert_eq!(fs::read(folder.join("work/08-loadgen/src").join(name)).unwrap(), text);
    }
    let (_, said) = make(&["progress"]);
    assert_eq!(said.lines().filter(|line| line.contains("make start CHAPTER=")).count(), 7);
    assert!(said.contains("not checked yet: make check CHAPTER=03"), "{said}");
    let (_, said) = make(&["-n", "check", "CHAPTER=3", "ONLY=descriptors"]);
    assert!(said.contains("--only 03.descriptors"), "{said}");
    fs::remove_dir_all(folder.join("work")).unwrap();
}
