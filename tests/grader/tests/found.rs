//! Hand-ins in the shapes that schools' systems, browsers and students give them: each is found and
//! graded, or refused with what was found.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::workspace;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";

/// A right program in two files, and in another language.
const RUST: &str = "mod net;\nfn main() {\n    let port = std::env::args().nth(2).unwrap();\n    \
                    net::serve(port.parse().unwrap());\n}\n";
const NET: &str = "use std::{io, net::TcpListener, thread};\npub fn serve(port: u16) {\n    \
                   let listener = TcpListener::bind((\"0.0.0.0\", port)).unwrap();\n    \
                   for client in listener.incoming().flatten() {\n        \
                   thread::spawn(move || io::copy(&mut &client, &mut &client));\n    }\n}\n";
const PYTHON: &str = "
import socket, sys, threading
def echo(client):
    while (data := client.recv(4096)): client.sendall(data)
    client.close()
server = socket.create_server(('', int(sys.argv[2])))
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
";

struct Class {
    folder: PathBuf,
    expected: Vec<(String, &'static str)>,
}

impl Class {
    fn new(name: &str) -> Class {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Class { folder, expected: Vec::new() }
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// A student's files, and what they come to.
    fn add(&mut self, student: &str, files: &[(&str, &str)], status: &'static str) {
        files.iter().for_each(|(file, text)| self.write(file, text));
        self.expected.push((student.to_string(), status));
    }

    /// How each was graded, and what the terminal shows.
    fn graded(&self) -> (Vec<(String, String)>, String) {
        let csv = self.folder.with_extension("csv");
        let graded = Command::new(env!("CARGO_BIN_EXE_grade"))
            .args(["--class", self.folder.to_str().unwrap(), "--csv", csv.to_str().unwrap()])
            .args(["--chapter", "03", "--only", "03.echoes", "--seed", "1", "--jobs", "2"])
            .output()
            .unwrap();
        let csv = fs::read_to_string(csv).unwrap();
        let rows = csv.split("\r\n").skip(1).filter(|row| !row.is_empty());
        let rows = rows.map(|row| row.split(',').map(String::from).collect::<Vec<_>>());
        let rows = rows.map(|cells| (cells[0].clone(), cells[1].clone()));
        (rows.collect(), String::from_utf8_lossy(&graded.stdout).into_owned())
    }
}

fn source(file: &str) -> String {
    fs::read_to_string(workspace::root().join(file)).unwrap()
}

#[test]
fn a_class_comes_out_the_same_in_any_shape() {
    let (right, starter) = (source(MAIN), source("chapters/03-echo-threaded/starter.rs"));
    let minus: String = starter.lines().map(|line| format!("-{line}\n")).collect();
    let plus: String = right.lines().map(|line| format!("+{line}\n")).collect();
    let (old, new) = (starter.lines().count(), right.lines().count());
    let diff = format!("--- a/{MAIN}\n+++ b/{MAIN}\n@@ -1,{old} +1,{new} @@\n{minus}{plus}");
    let first = "chapters/01-dumb-net/src/main.rs";
    let mut class = Class::new("found class");
    let package = "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    class.add("a", &[("a.diff.txt", &diff)], "Passed");
    class.add("B", &[("B.DIFF", &diff)], "Passed");
    class.add(
        "Carol Smith",
        &[("Carol Smith_17_assignsubmission_file_/x.diff", &diff)],
        "Passed",
    );
    class.add("dave", &[("dave_18_assignsubmission_file_my.patch", &diff)], "Passed");
    let edition = [
        (&*format!("eve/plain-sockets/{first}"), "fn main() {}"),
        (&*format!("eve/plain-sockets/{MAIN}"), right.as_str()),
        ("eve/plain-sockets/tests/x.diff", "no diff"),
        ("eve/__MACOSX/plain-sockets/._x", ""),
    ];
    class.add("eve", &edition, "Passed");
    class.add("frank", &[("frank/echo.rs", &right)], "Passed");
    class.add("grace", &[("grace/src/main.rs", RUST), ("grace/src/net/mod.rs", NET)], "Passed");
    let nested = [
        ("heidi/a/b/Cargo.toml", package),
        ("heidi/a/b/src/main.rs", RUST),
        ("heidi/a/b/src/net.rs", NET),
        ("heidi/a/.DS_Store", ""),
    ];
    class.add("heidi", &nested, "Passed");
    class.add(
        "ivan",
        &[("ivan/deep/echo.py", PYTHON), ("ivan/deep/helper.py", "")],
        "NotStarted",
    );
    class.add("judy", &[("judy/echo server.py", PYTHON)], "Passed");
    class.add("o'brien", &[("o'brien/[x] \"é\"/echo.rs", &right)], "Passed");
    class.add("kim", &[("kim/a.diff", &diff), ("kim/b.diff", &diff)], "NotStarted");
    class.add("leo", &[("leo/essay.txt", "I have thought about sockets.")], "NotStarted");
    class.write("__MACOSX/._a.diff", "");
    class.write("README.md", "What to do");
    let (found, said) = class.graded();
    let other: Vec<_> = class
        .expected
        .iter()
        .filter(|(name, status)| !found.contains(&(name.clone(), (*status).to_string())))
        .collect();
    assert!(
        other.is_empty() && found.len() == class.expected.len(),
        "{other:?}\n{found:?}\n{said}"
    );
    for part in ["2 programs (deep/echo.py, deep/helper.py)", "2 diffs (a.diff, b.diff)"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
