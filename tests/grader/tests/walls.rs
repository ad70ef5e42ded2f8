//! What a program sees behind the walls: all that belongs to its hand-in, and nothing else of
//! ours. Each kind of walls that this machine has is tried.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // all of it is a test

use checks::workspace;
use grader::sandbox::Mode;
use stage::process::shell_path;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// A server as chapter 3 asks for it, if `works()` is true.
const ECHO: &str = "
import socket, sys, threading
def echo(client):
    while (data := client.recv(4096)): client.sendall(data if works() else b'no')
    client.close()
server = socket.create_server(('', int(sys.argv[2])))
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
";

/// A new, empty folder, which goes when this is dropped: outside of the workspace, as a class is.
struct Empty(PathBuf);

impl Empty {
    fn new(name: &str) -> Empty {
        let folder = env::temp_dir().join(format!("grade {name} {}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Empty(folder)
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(file: &Path, text: impl AsRef<str>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text.as_ref()).unwrap();
}

/// How each kind of walls grades a program that is started in `folder`: as we are and, if we are
/// root, as somebody else.
fn grades(folder: &Path, program: &str) -> Vec<(Mode, Option<i32>, String)> {
    let graded = |mode: &Mode, mut grade: Command| {
        grade.args(["--chapter", "03", "--program", program, "--sandbox"]);
        grade.args(["--only", "03.echoes", "--seed", "1"]).env("GRADE_WALLS", mode.to_string());
        let graded = grade.current_dir(folder).output().unwrap();
        let said = String::from_utf8_lossy(&graded.stdout).into_owned();
        (*mode, graded.status.code(), said)
    };
    let kinds = Mode::kinds();
    let mut all: Vec<_> = kinds.iter().map(|mode| graded(mode, Command::new(GRADE))).collect();
    if let (Some(nobody), Some(mode)) = (as_nobody(), kinds.last()) {
        all.push(graded(mode, nobody));
    }
    all
}

const GRADE: &str = env!("CARGO_BIN_EXE_grade");

/// The grader as an ordinary user, if we can become one who can reach it and Python.
fn as_nobody() -> Option<Command> {
    let nobody = || {
        let mut nobody = Command::new("setpriv");
        nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        nobody.env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
        nobody
    };
    let mut tried = nobody();
    tried.args([
        "sh",
        "-c",
        "python3 -V && \"$0\" --version && bwrap --unshare-user --ro-bind / / true",
    ]);
    let works = tried.arg(GRADE).output().is_ok_and(|tried| tried.status.success());
    fs::create_dir_all(grader::workshop::place().join("walls")).unwrap();
    let mut grade = nobody();
    grade.arg(GRADE);
    works.then_some(grade)
}

#[test]
fn what_belongs_to_the_hand_in_is_there_and_the_class_is_not() {
    let class = Empty::new("class");
    let class = &class.0;
    let secret = "bob's work";
    for (name, import) in
        [("echo.py", "helper"), ("echo server.py", "helper"), ("o'brien.py", "helper")]
    {
        write(&class.join("alice").join(name), format!("from {import} import works\n{ECHO}"));
    }
    write(&class.join("alice/helper.py"), "def works(): return True\n");
    write(&class.join("bob/echo.py"), secret);
    write(&class.join("results.json"), secret);
    // What is of no use to it, and what would be.
    let looks = |paths: &[PathBuf]| {
        format!(
            "import os\ndef works(): return any(map(os.access, {:?}, [os.R_OK] * 99))\n{ECHO}",
            paths.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>()
        )
    };
    let root = workspace::root();
    let others = [
        class.join("bob/echo.py"),
        class.join("results.json"),
        root.join("BOOK.md"),
        root.join("chapters/03-echo-threaded/src/main.rs"),
        root.join("target/debug/echo-threaded"),
    ];
    write(&class.join("alice/spy.py"), looks(&others));
    write(&class.join("alice/bin/sees-itself.py"), looks(&[class.join("alice/helper.py")]));
    for (program, passes) in [
        ("python3 alice/echo.py", true),
        ("python3 'alice/echo server.py'", true),
        ("python3 \"alice/o'brien.py\"", true),
        ("sh -c 'exec python3 alice/echo.py \"$@\"' sh", true),
        ("python3 alice/bin/sees-itself.py", true),
        ("python3 alice/spy.py", false),
    ] {
        for (mode, code, said) in grades(class, program) {
            assert_eq!(code, Some(if passes { 0 } else { 1 }), "{program}, {mode}: {said}");
        }
    }
}

#[test]
fn of_the_workspace_a_command_sees_what_it_names() {
    let root = workspace::root();
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walls-named");
    let spy = format!(
        "import os\ndef works(): return len(os.listdir({:?})) > 1 or os.path.exists({:?})\n{ECHO}",
        place.to_str().unwrap(),
        root.join("BOOK.md").to_str().unwrap()
    );
    write(&place.join("spy.py"), spy);
    write(&place.join("beside.py"), "");
    let program = format!("python3 {}", shell_path(&place.join("spy.py")));
    for (mode, code, said) in grades(root, &program) {
        assert_eq!(code, Some(1), "{mode}: {said}");
    }
}

#[test]
fn nobody_gets_all_rights_in_a_namespace_of_users() {
    let folder = Empty::new("rights");
    let folder = &folder.0;
    let program = format!(
        "import subprocess\ndef works():\n    \
         return subprocess.run(['unshare', '-Urm', 'true'], capture_output=True).returncode == 0\n{ECHO}"
    );
    write(&folder.join("x.py"), program);
    for (mode, code, said) in grades(folder, "python3 x.py") {
        if mode.is_closed() {
            assert_eq!(code, Some(1), "{mode}: {said}");
        }
    }
}
