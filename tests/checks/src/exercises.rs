//! The book's exercises: run only when they are asked for by id, on a program that stands in
//! the examples of the chapter's crate (or of the student's).

use crate::check::{Check, Kind};
use stage::{
    Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Outcome, fail, quote},
    kernel,
    peer::Peer,
};
use std::{env, fs, io, path::PathBuf, process};

const SERVER: Check = Check {
    id: "",
    title: "",
    source: "",
    role: Role::Server,
    needs: &[],
    points: 0,
    kind: Kind::Exercise { answer: "" },
    long: false,
    book: "",
    run: |_| Ok(()),
    diagnoses: &[],
};
const CLIENT: Check = Check { role: Role::Client, ..SERVER };

pub const GET: Check = Check {
    id: "01.x-get",
    title: "exercise: asks by HTTP/1.1, for the path that the user types",
    source: "the book, 1.7; L3, dumb_net.py: HTTP requests",
    kind: Kind::Exercise { answer: "http_get {host} {port}" },
    book: "1.7",
    run: get,
    diagnoses: &[&HEAD_NOT_ENDED],
    ..CLIENT
};

pub const LENGTH: Check = Check {
    id: "01.x-length",
    title: "exercise: knows from the reply itself where it ends",
    source: "the book, 1.7",
    kind: Kind::Exercise { answer: "http_get {host} {port}" },
    book: "1.7",
    run: length,
    diagnoses: &[&WAITS_FOR_CLOSE, &CUT_IS_WHOLE],
    ..CLIENT
};

pub const NUMBERS: Check = Check {
    id: "02.x-numbers",
    title: "exercise: numbers the lines of each client, from 1",
    source: "the book, 2.7",
    kind: Kind::Exercise { answer: "numbered {port}" },
    book: "2.5",
    run: numbers,
    diagnoses: &[&COUNTS_ALL],
    ..SERVER
};

pub const PATIENCE: Check = Check {
    id: "02.x-patience",
    title: "exercise: a client that says nothing for too long loses its place",
    source: "the book, 2.7",
    kind: Kind::Exercise { answer: "patient {port} --patience 1" },
    book: "2.4",
    run: loses_patience,
    diagnoses: &[],
    ..SERVER
};

pub const REPLY: Check = Check {
    id: "03.x-reply",
    title: "exercise: answers each line with its characters turned round",
    source: "the book, 3.7; L4, net_server.py: a modified version of the message",
    kind: Kind::Exercise { answer: "net_server {port} --reply reverse" },
    book: "3.7",
    run: reply,
    diagnoses: &[&TURNS_BYTES],
    ..SERVER
};

pub const FILES: Check = Check {
    id: "03.x-files",
    title: "exercise: sends the file that a line names, and none from outside its folder",
    source: "the book, 3.7; L4, Going Further: interpret it as a filename",
    kind: Kind::Exercise { answer: "file_server {port}" },
    book: "3.7",
    run: files,
    diagnoses: &[&LEAKS],
    ..SERVER
};

pub const POLLING: Check = Check {
    id: "03.x-polling",
    title: "exercise: one thread echoes to all, and sleeps when nobody speaks",
    source: "the book, 3.7",
    kind: Kind::Exercise { answer: "polling {port}" },
    book: "3.3",
    run: polling,
    diagnoses: &[&MORE_THREADS, &NEVER_SLEEPS],
    ..SERVER
};

const HEAD_NOT_ENDED: Diagnosis = Diagnosis {
    id: "head-not-ended",
    they: "never end the request's head",
    text: "the request has no blank line at its end: the server waits for more headers, you wait for the reply.",
};

fn get(stage: &Stage) -> Outcome {
    let host = stage.host("127.0.0.1")?;
    let mut client = stage.client(&host)?;
    let path = format!("/{}", stage.payload(12));
    client.types(&path);
    let mut server = client.connects_to(&host, "server")?;
    let first = server.expect_line("the request line")?;
    equal("the first line", &first, &format!("GET {path} HTTP/1.1\r"))?;
    let headers = headers(&mut server)?;
    for wanted in [format!("host: {}", host.address), "connection: close".to_string()] {
        if !headers.contains(&wanted) {
            return fail(format!("a header {wanted:?}"), format!("{headers:?}"));
        }
    }
    let page = stage.payload(40);
    answer(&mut server, &page, page.len())?;
    server.close();
    client.prints(&page)
}

/// The lines up to the blank one, in small letters, each without its `\r\n`.
fn headers(server: &mut Peer) -> Outcome<Vec<String>> {
    let mut headers = Vec::new();
    loop {
        let line = server.expect_line("a header or the blank line");
        let line = line.means(true, &HEAD_NOT_ENDED)?;
        let Some(line) = line.strip_suffix('\r') else {
            return fail("each line ends with \\r\\n", format!("{line:?} has no \\r"));
        };
        if line.is_empty() {
            return Ok(headers);
        }
        headers.push(line.to_lowercase());
    }
}

/// A reply that promises a page of this length; the page comes right behind its head.
fn answer(server: &mut Peer, page: &str, length: usize) -> Outcome {
    server.send("HTTP/1.1 200 OK\r\nContent-Ty")?;
    server.settle();
    server.send(format!("pe: text/plain\r\ncontent-length: {length}\r\n\r\n{page}"))
}

fn equal(what: &str, got: &str, expected: &str) -> Outcome {
    if got == expected {
        return Ok(());
    }
    fail(format!("{what} is {}", quote(expected.as_bytes())), quote(got.as_bytes()))
}

const WAITS_FOR_CLOSE: Diagnosis = Diagnosis {
    id: "waits-for-close",
    they: "wait for the close although the length is known",
    text: "the whole page has come and it reads on: who will wake it, now that the server has said all it promised?",
};
const CUT_IS_WHOLE: Diagnosis = Diagnosis {
    id: "cut-is-whole",
    they: "take a page that was cut off for a whole one",
    text: "fewer bytes came than the reply promised, and the exit status is 0: a close says that nothing more comes, not that all has come.",
};

fn length(stage: &Stage) -> Outcome {
    let page = stage.payload(4000);
    let (mut client, mut server) = asked(stage)?;
    answer(&mut server, &page, page.len())?;
    client.prints(&page)?;
    client.ends_with(0).probe(&WAITS_FOR_CLOSE, || {
        server.half_close();
        client.ends().is_ok().then(|| "it ended when the server closed".to_string())
    })?;
    let (client, mut server) = asked(stage)?;
    answer(&mut server, &page[..1000], page.len())?;
    server.close();
    match client.ends()?.code() {
        Some(0) => fail("an exit status other than 0", "0").means(true, &CUT_IS_WHOLE),
        _ => Ok(()),
    }
}

/// The client with its request sent, and the server that has read it.
fn asked(stage: &Stage) -> Outcome<(Program, Peer)> {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client(&host)?;
    client.types("/");
    let mut server = client.connects_to(&host, "server")?;
    server.expect_line("the request line")?;
    headers(&mut server)?;
    Ok((client, server))
}

const COUNTS_ALL: Diagnosis = Diagnosis {
    id: "counts-all",
    they: "go on counting when the next client comes",
    text: "the second client's first line has not the number 1: which line of the program runs once for each client?",
};

fn numbers(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    for name in ["a", "b"] {
        let mut client = server.connect(name)?;
        for number in 1..=3 {
            let line = stage.payload(12);
            client.send(format!("{line}\n"))?;
            let printed = server.program.prints(format!("{number} {line}\n"));
            printed.means(name == "b" && number == 1, &COUNTS_ALL)?;
            server.program.types("go on");
            client.expect("go on\n")?;
        }
        client.close();
    }
    Ok(())
}

fn loses_patience(stage: &Stage) -> Outcome {
    let mut server = stage.serve(Role::Server)?;
    let mut silent = server.connect("the silent client")?;
    let mut b = server.connect("b")?;
    let line = stage.payload(12);
    b.send(format!("{line}\n"))?;
    silent.expect_close()?;
    server.program.prints(&line)?;
    // It is the user's turn, who may take all the time: that is not the client's silence.
    b.expect_silence("the server's user is thinking")?;
    server.program.types("an answer");
    b.expect("an answer\n")
}

const TURNS_BYTES: Diagnosis = Diagnosis {
    id: "turns-bytes",
    they: "turn bytes round, not characters",
    text: "a character of two bytes came back broken: turn the text round, not its bytes.",
};

fn reply(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    for name in ["a", "b"] {
        let mut client = server.connect(name)?;
        let (line, back) = turned(&stage.payload(12));
        client.send(format!("{line}\n"))?;
        client.expect(format!("{back}\n"))?;
        client.send("né\n")?;
        client.expect("én\n").means(true, &TURNS_BYTES)?;
        client.dribble(format!("{line}\n"))?;
        client.expect(format!("{back}\n"))?;
        client.send(format!("{line}\n{back}\n"))?;
        client.expect(format!("{back}\n{line}\n"))?;
        client.close();
    }
    Ok(())
}

fn turned(line: &str) -> (String, String) {
    (line.to_string(), line.chars().rev().collect())
}

const LEAKS: Diagnosis = Diagnosis {
    id: "leaks",
    they: "serve files from outside their folder",
    text: "a file beside the folder was served: a name comes from a stranger, and `..`, a `/` in front or a link leads it out. Where does the name end up once all of that is followed?",
};

fn files(stage: &Stage) -> Outcome {
    let folder = Folder::new()?;
    let (page, secret) = (stage.bytes(300_000), stage.payload(30));
    fs::write(folder.0.join("root/page"), &page)?;
    fs::write(folder.0.join("secret"), &secret)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", folder.0.join("root/link"))?;
    let root = format!("--root '{}'", folder.0.join("root").display());
    let server = stage.serve_with(Role::Server, &root, &[])?;
    if ask(&server, "page")? != page {
        return fail("all bytes of the file, then the close", "something else");
    }
    let absolute = folder.0.join("secret").display().to_string();
    for name in ["missing", "../secret", "link", &absolute, ""] {
        let said = ask(&server, name)?;
        let leaks = said == secret.as_bytes();
        if !said.starts_with(b"error: ") || !said.ends_with(b"\n") {
            return fail(format!("for {name:?} a line `error: …`"), quote(&said))
                .means(leaks, &LEAKS);
        }
    }
    Ok(())
}

/// Asks for one name, and returns all that comes before the close.
fn ask(server: &Server, name: &str) -> Outcome<Vec<u8>> {
    let mut client = server.connect("a")?;
    client.send(format!("{name}\n"))?;
    Ok(client.take_until_close())
}

/// A folder that is gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        // A port that is given out once makes a name that is given out once.
        let name = format!("files-{}-{}", process::id(), kernel::free_port());
        let folder = Folder(env::temp_dir().join(name));
        fs::create_dir_all(folder.0.join("root"))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MORE_THREADS: Diagnosis = Diagnosis {
    id: "more-threads",
    they: "start threads where one should do",
    text: "it has more than one thread: this time the only one must ask each socket in turn, and none may make it wait.",
};
const NEVER_SLEEPS: Diagnosis = Diagnosis {
    id: "never-sleeps",
    they: "ask without a pause",
    text: "nobody speaks and it burns a processor: asking in a loop is work. Leave a pause when a whole round has brought nothing.",
};

fn polling(stage: &Stage) -> Outcome {
    let server = stage.serve(Role::Server)?;
    let mut clients = server.connect_many(10);
    for client in clients.iter_mut().rev() {
        speak(stage, client)?;
    }
    if threads(server.program.process.id()).is_some_and(|threads| threads > 1) {
        return fail("one thread", "more than one").means(true, &MORE_THREADS);
    }
    let mut stalled = server.connect("the silent reader")?;
    stalled.send_until_stuck(&stage.bytes(64 * 1024));
    clients.iter_mut().try_for_each(|client| speak(stage, client))?;
    drop(stalled);
    if server.program.burns_processor() {
        return fail("it sleeps while nobody speaks", "it burns a processor")
            .means(true, &NEVER_SLEEPS);
    }
    Ok(())
}

fn speak(stage: &Stage, client: &mut Peer) -> Outcome {
    let line = stage.payload(12);
    client.send(&line)?;
    client.expect(&line)
}

/// How many threads a process has (proc(5)). `None` where the system does not say.
fn threads(process: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("Threads:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
