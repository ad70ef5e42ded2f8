//! Classes in all shapes and languages: each hand-in is found where a school's system, a zip, a
//! browser or a student has put it, or its student is told why not, and nobody else loses anything
//! by that.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::workspace;
use grader::sandbox::Mode;
use stage::process::on_path;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A right echo server, with the port as its last word but `back`.
const ECHO: &str = "
import socket, sys, threading
def echo(client):
    while (data := client.recv(4096)): client.sendall(data)
    client.close()
server = socket.create_server(('', int(sys.argv[-1])))
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
";

/// The same in Rust, in two files.
const RUST: &str = "mod net;
fn main() {
    let port = std::env::args().nth(2).unwrap();
    net::serve(port.parse().unwrap());
}
";
const NET: &str = "use std::{io, net::TcpListener, thread};
pub fn serve(port: u16) {
    for client in TcpListener::bind((\"0.0.0.0\", port)).unwrap().incoming().flatten() {
        thread::spawn(move || io::copy(&mut &client, &mut &client));
    }
}
";

const C: &str = "#include \"echo.h\"
int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in place = {AF_INET, htons(atoi(argv[argc - 1]))};
    if (bind(server, (void *) &place, sizeof place) || listen(server, 50)) return 1;
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, 0, echo, (void *) (long) accept(server, 0, 0));
    }
}
";
const C_HEADER: &str = "#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
void *echo(void *client);
";
const C_PART: &str = "#include \"echo.h\"
void *echo(void *client) {
    char bytes[4096];
    long n;
    while ((n = read((long) client, bytes, sizeof bytes)) > 0) write((long) client, bytes, n);
    close((long) client);
    return 0;
}
";
const JAVA: &str = "package lab.echo;
import java.net.*;
class Echo {
    public static void main(String[] words) throws Exception {
        ServerSocket server = new ServerSocket(Integer.parseInt(words[words.length - 1]));
        for (;;) new Talk(server.accept()).start();
    }
}
";
const JAVA_PART: &str = "package lab.echo;
class Talk extends Thread {
    final java.net.Socket client;
    Talk(java.net.Socket client) { this.client = client; }
    public void run() {
        try (client) { client.getInputStream().transferTo(client.getOutputStream()); }
        catch (java.io.IOException gone) { }
    }
}
";
const JAVASCRIPT: &str =
    "require('net').createServer(c => { c.on('error', () => {}); c.pipe(c); })
    .listen(Number(process.argv.at(-1)), '0.0.0.0');
";
const GO: &str = "package main

import (
	\"io\"
	\"net\"
	\"os\"
)

func main() {
	server, err := net.Listen(\"tcp4\", \":\"+os.Args[len(os.Args)-1])
	if err != nil {
		panic(err)
	}
	for {
		client, err := server.Accept()
		if err != nil {
			panic(err)
		}
		go func() { io.Copy(client, client); client.Close() }()
	}
}
";

struct Class {
    folder: PathBuf,
    expected: Vec<(String, &'static str)>,
}

/// What a spreadsheet, a browser and a terminal are given.
struct Graded {
    csv: String,
    html: String,
    said: String,
}

impl Class {
    fn new(name: &str) -> Class {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Class { folder, expected: Vec::new() }
    }

    fn add(&mut self, student: &str, files: &[(&str, &str)], status: &'static str) {
        for (file, text) in files {
            let file = self.folder.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        self.expected.push((student.to_string(), status));
    }

    /// Grades chapter 3's class, or another one that the words name, and holds what came out
    /// against what is expected of each student.
    fn comes_out(&self, words: &[&str]) -> Graded {
        let report = |end: &str| self.folder.with_extension(end);
        let graded = Command::new(env!("CARGO_BIN_EXE_grade"))
            .args(["--class", self.folder.to_str().unwrap(), "--seed", "1", "--jobs", "2"])
            .args(["--csv", report("csv").to_str().unwrap()])
            .args(["--html", report("html").to_str().unwrap()])
            .args(words)
            .output()
            .unwrap();
        let said = String::from_utf8([graded.stdout, graded.stderr].concat()).unwrap();
        assert!(matches!(graded.status.code(), Some(0 | 1 | 3 | 4)), "{said}");
        let csv = fs::read_to_string(report("csv")).unwrap();
        let html = fs::read_to_string(report("html")).unwrap();
        let is_row = |(name, status): &(String, &str)| {
            csv.lines().any(|row| row.starts_with(&format!("{name},{status},")))
        };
        let other: Vec<_> = self.expected.iter().filter(|one| !is_row(one)).collect();
        let count = csv.lines().count() - 1;
        assert!(other.is_empty() && count == self.expected.len(), "{other:?}\n{csv}\n{said}");
        Graded { csv, html, said }
    }
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn a_class_in_rust_comes_out_the_same_in_any_shape() {
    let main = "chapters/03-echo-threaded/src/main.rs";
    let source = |file: &str| fs::read_to_string(workspace::root().join(file)).unwrap();
    let (right, starter) = (source(main), source("chapters/03-echo-threaded/starter.rs"));
    let minus: String = starter.lines().map(|line| format!("-{line}\n")).collect();
    let plus: String = right.lines().map(|line| format!("+{line}\n")).collect();
    let (old, new) = (starter.lines().count(), right.lines().count());
    let diff = format!("--- a/{main}\n+++ b/{main}\n@@ -1,{old} +1,{new} @@\n{minus}{plus}");
    let package = "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let mut class = Class::new("any shape");
    let moodle = "Carol Smith_17_assignsubmission_file_/x.diff";
    class.add("Carol Smith", &[(moodle, &diff)], "Passed");
    let edition = [
        ("eve/plain-sockets/chapters/01-dumb-net/src/main.rs", "fn main() {}"),
        (&*format!("eve/plain-sockets/{main}"), right.as_str()),
        ("eve/plain-sockets/tests/x.diff", "no diff"),
        ("eve/__MACOSX/plain-sockets/._x", ""),
    ];
    class.add("eve", &edition, "Passed");
    class.add("grace", &[("grace/src/main.rs", RUST), ("grace/src/net/mod.rs", NET)], "Passed");
    let nested = [
        ("heidi/a/b/Cargo.toml", package),
        ("heidi/a/b/src/main.rs", RUST),
        ("heidi/a/b/src/net.rs", NET),
        ("heidi/a/.DS_Store", ""),
    ];
    class.add("heidi", &nested, "Passed");
    class.add("ivan", &[("ivan/deep/echo.py", ECHO), ("ivan/deep/x.py", "")], "NotStarted");
    class.add("judy", &[("judy/echo server.py", ECHO)], "Passed");
    class.add("o'brien", &[("o'brien/[x] \"é\"/echo.rs", &right)], "Passed");
    class.add("kim", &[("kim/a.diff", &diff), ("kim/b.diff", &diff)], "NotStarted");
    class.add("leo", &[("leo/essay.txt", "I have thought about sockets.")], "NotStarted");
    let graded = class.comes_out(&["--chapter", "03", "--only", "03.echoes"]);
    has(&graded.said, &["2 programs (deep/echo.py, deep/x.py)", "2 diffs (a.diff, b.diff)"]);
}

#[test]
fn each_program_is_found_or_its_student_is_told() {
    let mut class = Class::new("any python");
    class.add("alice", &[("alice.py", ECHO)], "Passed");
    class.add("bob", &[("bob/bob-lab3/lab3/echo server.py", ECHO)], "Passed");
    class.add("Carol O'Neil (2)", &[("Carol O'Neil (2).py", ECHO)], "Passed");
    let mac = [
        ("dave/dave/echo.py", ECHO),
        ("dave/__MACOSX/dave/._echo.py", "x"),
        ("dave/dave/.DS_Store", "x"),
        ("dave/dave/__pycache__/echo.py", "x"),
        ("dave/target/echo.py", "x"),
        ("dave/dave/report.pdf", "x"),
    ];
    class.add("dave", &mac, "Passed");
    let own_module = ECHO.replace("import socket", "from net import loud\nimport socket");
    let module = [("eve/echo.py", own_module.as_str()), ("eve/net.py", "loud = True\n")];
    class.add("eve", &module, "Passed");
    class.add("fay {port}", &[("fay {port}/\"$HOME\" `x`.py", ECHO)], "Passed");
    class.add("gus", &[("gus/a.py", ECHO), ("gus/b.py", ECHO)], "NotStarted");
    class.add("hal", &[("hal/__MACOSX/._x.py", "")], "NotStarted");
    class.add("ida", &[("ida.py", "print('hello'")], "Failed");
    class.add("jon", &[("jon/essay.txt", "I have thought about sockets.")], "NotStarted");
    class.add("kim", &[("kim.zip", "PK")], "NotStarted");
    fs::create_dir(class.folder.join("__MACOSX")).unwrap();
    fs::write(class.folder.join("README.md"), "What to do").unwrap();
    let words = ["--chapter", "03", "--program", "python3 {}", "--only", "03.echoes"];
    let graded = class.comes_out(&words);
    has(
        &graded.said,
        &[
            "it holds 2 .py programs (a.py, b.py)",
            "there is no .py program: there is nothing in it",
            "only essay.txt was found",
            "kim.zip cannot be unpacked: File is not a zip file",
            "README.md is nothing that can be graded",
        ],
    );
    has(&graded.html, &["SyntaxError", "graded as the program bob-lab3/lab3/echo server.py"]);
    assert!(
        graded
            .csv
            .starts_with("name,status,points,of,undecided,seconds,diagnoses,03.echoes,why")
    );
}

/// Makes zips in the folder of its first argument: right ones, and such as nobody should unpack.
const ZIPS: &str = r#"
import io, os, sys, zipfile
echo = sys.stdin.read()
os.chdir(sys.argv[1])
def write(file, *members):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
write("ann.zip", ("lab 3/lab3/echo.py", echo), ("__MACOSX/lab 3/._echo.py", "x"))
os.mkdir("Ben Low_17_assignsubmission_file_")
write("Ben Low_17_assignsubmission_file_/lab3.zip", ("lab3\\echo.py", echo), ("report.pdf", "x"))
inner = io.BytesIO()
write(inner, ("echo.py", echo))
write("cem.ZIP", ("cem/lab3.zip", inner.getvalue()), ("cem/report.pdf", "x"))
write("dan.zip", ("echo.py", echo), ("../dan-was-here.py", echo))
write("eva.zip", ("echo.py", echo), ("zeros", bytes(100 << 20)))
write("fay.zip", ("echo.py", echo), *((f"{n}.py", "") for n in range(5001)))
link = zipfile.ZipInfo("answer.py")
link.external_attr = 0o120777 << 16
write("gil.zip", ("echo.py", echo), (link, "/etc/passwd"))
write("hub.zip", ("essay.txt", "I have thought about sockets."))
"#;

#[test]
fn zips_are_unpacked() {
    let walls: &[&str] = if Mode::kinds().is_empty() { &[] } else { &["--sandbox"] };
    for (name, walls) in [("zips", &[][..]), ("zips behind walls", walls)] {
        let mut class = Class::new(name);
        let mut python = Command::new("python3")
            .args(["-c", ZIPS, class.folder.to_str().unwrap()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(ECHO.as_bytes()).unwrap();
        assert!(python.wait().unwrap().success());
        let passed = ["ann", "Ben Low", "cem", "gil"].map(|name| (name, "Passed"));
        let refused = ["dan", "eva", "fay", "hub"].map(|name| (name, "NotStarted"));
        for (student, status) in [passed, refused].concat() {
            class.add(student, &[], status);
        }
        let words = ["--chapter", "03", "--program", "python3 {}", "--only", "03.echoes"];
        let graded = class.comes_out(&[&words[..], walls].concat());
        has(
            &graded.said,
            &[
                "dan.zip cannot be unpacked: ../dan-was-here.py leads out of it",
                "eva.zip cannot be unpacked: it holds more than 5000 files, or 64 MiB",
                "fay.zip cannot be unpacked",
                "only essay.txt was found",
            ],
        );
        has(&graded.html, &["graded as the program lab 3/lab3/echo.py"]);
        let out = class.folder.parent().unwrap().join("dan-was-here.py");
        assert!(!out.exists(), "{}", out.display());
    }
}

#[test]
fn what_follows_is_found_in_any_depth() {
    let mut class = Class::new("any roles");
    let intro = ECHO.replace("(client):", "(client):\n    client.sendall(b'hello')");
    let intro = intro.as_str();
    class.add("ann", &[("ann/load_server.py", intro), ("ann/old/x.py", "")], "Passed");
    class.add("ben", &[("ben/ben/Lab 3/Load_Server.py", intro)], "Passed");
    let two = [("cem/a/load_server.py", intro), ("cem/b/load_server.py", intro)];
    class.add("cem", &two, "NotStarted");
    class.add("dan", &[("dan/server.py", intro)], "NotStarted");
    class.add("eli", &[("eli.py", intro)], "NotStarted");
    let client = "python3 \"{}/load_client.py\" {host} {port}";
    let words =
        ["--chapter", "08", "--server", "sh -c 'exec python3 -u {}/load_server.py {port}'"];
    let words = [&words[..], &["--client", client, "--only", "08.intro"]].concat();
    let graded = class.comes_out(&words);
    has(
        &graded.said,
        &["it holds 2 times load_server.py (a/load_server.py, b/load_server.py)"],
    );
    // Nobody has handed in a client, and this check is the server's: no column of another.
    has(&graded.html, &["the client is not handed in: there is no load_client.py"]);
}

#[test]
fn a_wall_shows_a_student_nothing_of_the_others() {
    if Mode::kinds().is_empty() {
        return;
    }
    let mut class = Class::new("any walls");
    // One who echoes only if no other's program can be seen, and one who takes in his own module.
    let spy = format!(
        "import glob, os, sys\n\
         here = os.path.dirname(os.path.abspath(__file__))\n\
         if len(glob.glob(here + '/*')) > 1: sys.exit('I can see the others')\n{ECHO}"
    );
    class.add("spy", &[("spy.py", &spy)], "Passed");
    let module =
        [("o'hara/x/echo.py", &*format!("import net\n{ECHO}")), ("o'hara/x/net.py", "")];
    class.add("o'hara", &module, "Passed");
    let words = ["--chapter", "03", "--program", "python3 {}", "--only", "03.echoes"];
    class.comes_out(&[&words[..], &["--sandbox"]].concat());
}

/// What comes of a program where its tool is there; where it is not, that is no fault of it.
fn with(tool: &str) -> &'static str {
    if on_path(tool) { "Passed" } else { "GraderTrouble" }
}

#[test]
fn the_command_is_known_from_the_one_file_with_a_main() {
    let mut class = Class::new("any language");
    let c = [
        ("c c's/lab/main.c", C),
        ("c c's/lab/echo.h", C_HEADER),
        ("c c's/lab/part/echo.c", &*C_PART.replace("echo.h", "../echo.h")),
        ("c c's/lab/test.py", "print('a tool')"),
    ];
    class.add("c c's", &c, with("cc"));
    let java = [("java/x/Main class.java", JAVA), ("java/x/Talk.java", JAVA_PART)];
    class.add("java", &java, with("javac"));
    class.add("js", &[("js/index.js", JAVASCRIPT)], with("node"));
    class.add("go", &[("go/lab/main.go", GO)], with("go"));
    let without = if on_path("cc") { "NotStarted" } else { "GraderTrouble" };
    class.add("broken", &[("broken.c", "int main(void) { return x; }")], without);
    let two = [("two/echo.py", ECHO), ("two/echo.js", JAVASCRIPT)];
    class.add("two", &two, "NotStarted");
    let walls: &[&str] = if Mode::kinds().is_empty() { &[] } else { &["--sandbox"] };
    let words = [&["--chapter", "03", "--only", "03.echoes"], walls].concat();
    let graded = class.comes_out(&words);
    has(&graded.said, &["it holds 2 programs (echo.py, echo.js)"]);
    if on_path("cc") {
        has(&graded.html, &["it does not build: broken.c:"]);
    }
    if !on_path("go") {
        has(&graded.said, &["it takes go, and there is none here"]);
    }
}
