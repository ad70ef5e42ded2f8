//! Chapter 3, the exercises of the book.
use crate::check::Check;
use stage::{
    Role, Server, Stage,
    failure::{Diagnosis, Explain, Saw, Step, fail, quote},
    peer::Peer,
    process::shell_path,
};
use std::{env, fs, io, path::PathBuf, process};
const TURNS_BYTES: Diagnosis = Diagnosis {
    id: "turns-bytes",
    they: "turn bytes round, not characters",
    text: "a character of two bytes came back broken: turn the text round, not its bytes.",
};

pub(super) static X_REPLY: Check = Check::exercise(
    "03.x-reply",
    Role::Server,
    "exercise: answers each line with its characters turned round",
    "net_server {port} --reply reverse",
)
.source("the book, 3.7; L4, net_server.py: a modified version of the message")
.read("3.7")
.mistakes(&[&TURNS_BYTES])
.steps(reply);

fn reply(stage: &Stage) -> Step {
    let server = stage.serve(Role::Server)?;
    for name in ["a", "b"] {
        let mut client = server.connect(name)?;
        let (line, back) = turned(&stage.payload(12));
        client.send(format!("{line}\n"))?;
        client.expect(format!("{back}\n"))?;
        client.send("né\n")?;
        client.expect("én\n").because(Saw::Something, &TURNS_BYTES)?;
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

pub(super) static X_FILES: Check = Check::exercise(
    "03.x-files",
    Role::Server,
    "exercise: sends the file that a line names, and none from outside its folder",
    "file_server {port}",
)
.source("the book, 3.7; L4, Going Further: interpret it as a filename")
.read("3.7")
.mistakes(&[&LEAKS])
.steps(files);

fn files(stage: &Stage) -> Step {
    let folder = Folder::new()?;
    let (page, secret) = (stage.bytes(300_000), stage.payload(30));
    fs::write(folder.0.join("root/page"), &page)?;
    fs::write(folder.0.join("secret"), &secret)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", folder.0.join("root/link"))?;
    let root = format!("--root {}", shell_path(&folder.0.join("root")));
    let server = stage.serve_with(Role::Server, &root, &[])?;
    if ask(&server, "page")? != page {
        return fail("all bytes of the file, then the close", "something else");
    }
    let absolute = folder.0.join("secret").display().to_string();
    for name in ["missing", "../secret", "link", &absolute, ""] {
        let said = ask(&server, name)?;
        let leaks = said == secret.as_bytes();
        if !said.starts_with(b"error: ") || !said.ends_with(b"\n") {
            return fail(format!("for {name:?} a line `error: …`"), quote(&said)).confirm(
                &LEAKS,
                "the file from outside came",
                || leaks,
            );
        }
    }
    Ok(())
}

/// Asks for one name, and returns all that comes before the close.
fn ask(server: &Server, name: &str) -> Step<Vec<u8>> {
    let mut client = server.connect("a")?;
    client.send(format!("{name}\n"))?;
    Ok(client.take_until_close())
}

/// A folder that is gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        // A port that is given out once makes a name that is given out once.
        let name = format!("files-{}-{}", process::id(), stage::random::fresh());
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

pub(super) static X_POLLING: Check = Check::exercise(
    "03.x-polling",
    Role::Server,
    "exercise: one thread echoes to all, and sleeps when nobody speaks",
    "polling {port}",
)
.source("the book, 3.7")
.read("3.4")
.mistakes(&[&MORE_THREADS, &NEVER_SLEEPS])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut clients = server.connect_many(10);
    for client in clients.iter_mut().rev() {
        speak(stage, client)?;
    }
    if threads(server.program.process.id()).is_some_and(|threads| threads > 1) {
        return fail("one thread", "more than one").because(Saw::Something, &MORE_THREADS);
    }
    let mut stalled = server.connect("the silent reader")?;
    stalled.send_until_stuck(&stage.bytes(64 * 1024));
    clients.iter_mut().try_for_each(|client| speak(stage, client))?;
    drop(stalled);
    if server.program.burns_processor() {
        return fail("it sleeps while nobody speaks", "it burns a processor")
            .because(Saw::Something, &NEVER_SLEEPS);
    }
    Ok(())
});

fn speak(stage: &Stage, client: &mut Peer) -> Step {
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
