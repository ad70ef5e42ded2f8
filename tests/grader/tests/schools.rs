//! The student edition holds no answer, and what a student writes in it can be graded; Gradescope
//! and GitHub Classroom, laid out in folders as they lay them out, grade with what is in
//! tests/grader/schools, and Python reads the results.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::{
    check::{self, CHAPTERS},
    workspace, zoo,
};
use grader::{edition, workshop};
use stage::process::on_path;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const GRADE: &str = env!("CARGO_BIN_EXE_grade");

/// A new, empty folder of this name.
fn empty(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(command: &mut Command) -> Output {
    let done = command.output().unwrap();
    let said = [&done.stdout[..], &done.stderr].concat();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    done
}

/// What a Python program says of a text.
fn python(program: &str, text: &str) -> String {
    let said = run(Command::new("python3").args(["-c", program, text]));
    String::from_utf8(said.stdout).unwrap().trim().to_string()
}

fn points(chapter: &str) -> u32 {
    let checks = check::chapter(chapter).unwrap().checks.iter();
    checks.map(|check| check.points).sum()
}

/// Gradescope's folders, and what it finds in results.json when `name` was handed in.
fn gradescope(place: &Path, name: &str, content: &[u8]) -> String {
    let submission = place.join("submission");
    let _ = fs::remove_dir_all(&submission);
    fs::create_dir(&submission).unwrap();
    fs::write(submission.join(name), content).unwrap();
    run(Command::new("./run_autograder")
        .current_dir(place.join("source"))
        .env("AUTOGRADER", place)
        .env("GRADE", GRADE));
    fs::read_to_string(place.join("results/results.json")).unwrap()
}

/// A number for the whole, then each test's name that has lost points.
const READ_GRADESCOPE: &str = "
import json, sys
r = json.loads(sys.argv[1])
assert r['visibility'] == 'visible' and isinstance(r['execution_time'], int)
assert r['score'] == sum(t.get('score', 0) for t in r['tests'])
assert all(t['status'] in ('passed', 'failed') and t['output'] is not None for t in r['tests'])
print(r['score'], *[t['number'] for t in r['tests'] if t.get('score', 0) < t.get('max_score', 0)])";

#[test]
fn gradescope_grades_what_is_handed_in() {
    let place = empty("autograder");
    let zip = place.join("autograder.zip");
    run(Command::new("make")
        .args(["--silent", "gradescope", "CHAPTER=03", &format!("OUT={}", zip.display())])
        .current_dir(workspace::root()));
    // As Gradescope unpacks it, with the right to execute.
    let unpack = "import os, sys, zipfile
for member in (zip := zipfile.ZipFile(sys.argv[1])).infolist():
    os.chmod(zip.extract(member, 'source'), member.external_attr >> 16 & 0o777 or 0o755)";
    run(Command::new("python3")
        .args(["-c", unpack, zip.to_str().unwrap()])
        .current_dir(&place));
    fs::create_dir(place.join("results")).unwrap();

    let diff = zoo::hand_in("03-one-at-a-time", &place.join("alice")).unwrap();
    let wrong = gradescope(&place, "alice.diff", &fs::read(diff).unwrap());
    let said = python(READ_GRADESCOPE, &wrong);
    let (score, lost) = said.split_once(' ').unwrap();
    assert!(score.parse::<u32>().unwrap() < points("03"), "{said}");
    assert!(lost.contains("03.second-client"), "{said}");
    assert!(wrong.contains("served one after another"), "{wrong}");

    let starter = workspace::root().join("chapters/03-echo-threaded/src/main.rs");
    let right = gradescope(&place, "main.rs", &fs::read(starter).unwrap());
    assert_eq!(python(READ_GRADESCOPE, &right), points("03").to_string());

    if on_path("cc") {
        let broken = gradescope(&place, "echo.c", b"int main(void) { return x; }");
        assert!(broken.contains("it does not build: echo.c:"), "{broken}");
    }
    let nothing = gradescope(&place, "essay.txt", b"I have thought about sockets.");
    assert!(nothing.contains("hand in one diff"), "{nothing}");
}

/// The whole, the points, the most points, and what failed.
const READ_CLASSROOM: &str = "
import base64, json, sys
r = json.loads(base64.b64decode(sys.argv[1].removeprefix('result=')))
assert r['version'] == 1
assert all(t['status'] in ('pass', 'fail') for t in r['tests'])
failed = [t['message'] for t in r['tests'] if t['status'] == 'fail']
print(r['status'], sum(t['score'] for t in r['tests']), r['max_score'], *failed)";

#[test]
fn classroom_grades_the_sources_and_believes_nothing_else() {
    let folder = empty("classroom");
    edition::write(&folder).unwrap();
    assert!(folder.join(".github/workflows/classroom.yml").exists());
    let git = |words: &[&str]| {
        let who = ["-c", "user.name=student", "-c", "user.email=student@example.com"];
        run(Command::new("git").arg("-C").arg(&folder).args(who).args(words))
    };
    let hand_in = |message: &str| {
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", message]);
    };
    git(&["init", "-q"]);
    hand_in("as it was handed out");

    // The student writes the chapter, and a kinder check.
    let source = "chapters/03-echo-threaded/src/main.rs";
    let text = fs::read_to_string(workspace::root().join(source)).unwrap();
    fs::write(folder.join(source), text + "// Mine.\n").unwrap();
    fs::write(folder.join("tests/checks/src/echo_threaded/server.rs"), "").unwrap();
    hand_in("chapter 3");
    let graded = run(Command::new("bash")
        .arg("tests/grader/schools/classroom.sh")
        .current_dir(&folder)
        .env("GRADE", GRADE)
        .env("GITHUB_OUTPUT", folder.join("output")));
    assert!(String::from_utf8_lossy(&graded.stdout).contains("03-echo-threaded"));
    let result = fs::read_to_string(folder.join("output")).unwrap();
    let most = points("03");
    assert_eq!(python(READ_CLASSROOM, result.trim()), format!("pass {most} {most}"));
}

#[test]
fn make_takes_a_file_name_for_one_whatever_is_in_it() {
    for (goal, option) in [("handin", "--hand-in"), ("student-edition", "--student-edition")] {
        let out = "Alice O'Neil (1).diff";
        let words = ["-n", goal, "CHAPTER=01", &format!("OUT={out}")];
        let done = run(Command::new("make").args(words).current_dir(workspace::root()));
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(said.contains(&format!("{option} 'Alice O'\\''Neil (1).diff'")), "{said}");
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_student_finds_no_answer_and_hands_in_a_diff() {
    let folder = empty("edition");
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
    // A starter is given the modules that its chapter does not teach.
    let given: BTreeSet<Vec<u8>> = CHAPTERS
        .iter()
        .flat_map(|chapter| workshop::starter(chapter).unwrap().into_values())
        .collect();
    for file in files(&folder) {
        let text = fs::read(&file).unwrap();
        assert!(!answers.contains(&text) || given.contains(&text), "{file:?}");
    }
    let book = fs::read_to_string(folder.join("BOOK.md")).unwrap();
    let ours = fs::read_to_string(root.join("BOOK.md")).unwrap();
    let count = |book: &str, text| book.lines().filter(|line| line.starts_with(text)).count();
    for kept in ["# 1 dumb-net", "# D ", "# E ", "## E."] {
        assert!(count(&ours, kept) > 0 && count(&book, kept) == count(&ours, kept), "{kept}");
    }
    assert_eq!(count(&book, "## D."), 0, "the answers");
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
    let git =
        |words: &[&str]| run(Command::new("git").arg("-C").arg(&folder).args(words)).stdout;
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    let chapter = Path::new("chapters/03-echo-threaded");
    for file in ["src/main.rs", "examples/net_server.rs"] {
        fs::copy(root.join(chapter).join(file), folder.join(chapter).join(file)).unwrap();
    }
    git(&["add", "-N", "chapters"]);
    let diff = folder.with_extension("diff");
    fs::write(&diff, git(&["diff"])).unwrap();
    let words = ["--diff", diff.to_str().unwrap(), "--only", "03.echoes"];
    let said = String::from_utf8(run(Command::new(GRADE).args(words)).stdout).unwrap();
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
