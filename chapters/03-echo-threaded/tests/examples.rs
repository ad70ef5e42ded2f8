//! The checks of this chapter's examples: what our answers to the exercises and the lab's other
//! programs do, beyond what a student is asked for.

#![cfg(target_os = "linux")]

use checks::{
    check::{self, Check},
    harness,
    stage::{
        Role::Server,
        Stage,
        failure::{Step, fail, quote},
        kernel, patience,
        process::shell_path,
        quiet, random,
    },
};
use std::{
    env, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{self, Command, ExitCode},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

fn main() -> ExitCode {
    let own = [
        &USAGE,
        &FAILURES,
        &THREADS,
        &RULES,
        &LINES,
        &IN_TURN,
        &RESET,
        &CLIENT,
        &FILES,
        &OUTSIDE,
        &SWAPPED,
        &LARGE,
        &POLLING,
        &PAUSE,
        &DESCRIPTORS,
    ];
    match check::chapter("03") {
        Some(chapter) => harness::check_all(chapter, env!("CARGO_BIN_EXE_echo-threaded"), &own),
        None => ExitCode::FAILURE,
    }
}

/// The longest line of these protocols, its `\n` included.
const MAX_LINE: usize = 64 * 1024;

/// Runs an example to its end, which must be this exit status, and returns its first lines on
/// stderr.
fn runs(stage: &Stage, line: &str, code: i32) -> Step<String> {
    let example = stage.start(Server, &[("{example}", line)], "")?;
    example.ends_with(code)?;
    example.process.wait(patience());
    Ok(String::from_utf8_lossy(&example.process.heard().stderr).into_owned())
}

fn same(expected: &str, got: &str) -> Step {
    if expected == got { Ok(()) } else { fail(expected, got) }
}

static USAGE: Check = Check::exercise(
    "03.own-usage",
    Server,
    "each example has the manners",
    "{example}",
)
.steps(|stage| {
    for name in ["threads", "net_server", "net_client", "file_server", "polling"] {
        let line = format!("{name} --help");
        let mut help = stage.start(Server, &[("{example}", &line)], "")?;
        help.prints(format!("usage: {name} "))?;
        help.prints("\nexample: cargo run ")?;
        help.ends_with(0)?;
        runs(stage, &format!("{name} --version"), 0)?;
    }
    for (line, why) in [
        ("threads now", "\"now\" is one word too many"),
        ("threads --pause -1", "--pause must be a number of seconds, not \"-1\""),
        ("net_server 0", "--reply is missing"),
        ("net_server --reply upper", "PORT is missing"),
        (
            "net_server 0 --reply shout",
            "--reply must be reverse, length, upper or prefix:TEXT, not \"shout\"",
        ),
        ("net_client localhost 1", "one of --count N and --file F is needed"),
        ("net_client h 1 --count 2 --file f", "one of --count N and --file F is needed"),
        ("file_server 0", "--root is missing"),
        ("polling 0 --spin", "--spin is no option here"),
    ] {
        let said = runs(stage, line, 2)?;
        let name = line.split(' ').next().unwrap_or_default();
        let two: Vec<&str> = said.lines().take(2).collect();
        same(&format!("{name}: {why}"), two.first().unwrap_or(&""))?;
        if !two.get(1).is_some_and(|usage| usage.starts_with("usage: ")) {
            return fail("the usage", quote(said.as_bytes()));
        }
    }
    Ok(())
});

static FAILURES: Check =
    Check::exercise("03.own-failures", Server, "what fails is one line, exit 1", "{example}")
        .steps(|stage| {
            let nobody = format!("127.0.0.1:{}", stage.free_port()?);
            for (line, why) in [
                (
                    format!("net_client {} --count 1", nobody.replace(':', " ")),
                    format!("cannot connect to {nobody}: Connection refused"),
                ),
                // Here it is a file's name, and no question for help.
                (
                    "net_client h 1 --file -h".to_string(),
                    "cannot open -h: No such file or directory".to_string(),
                ),
                (
                    "file_server 0 --root /etc/passwd".to_string(),
                    "cannot serve /etc/passwd: Not a directory".to_string(),
                ),
                (
                    "polling 0 --bind 192.0.2.1".to_string(),
                    "cannot listen on 192.0.2.1:0: Cannot assign requested address".to_string(),
                ),
            ] {
                let name = line.split(' ').next().unwrap_or_default();
                same(&format!("{name}: {why}\n"), &runs(stage, &line, 1)?)?;
            }
            Ok(())
        });

static THREADS: Check = Check::exercise(
    "03.own-threads",
    Server,
    "each thread counts in order, and none waits for another",
    "threads",
)
.steps(|stage| {
    let threads = stage.start(Server, &[], "--count 5 --pause 0.1")?;
    threads.ends_with(0)?;
    threads.process.wait(patience());
    let said = String::from_utf8_lossy(&threads.process.heard().stdout).into_owned();
    let places = ["north", "east", "south", "west"].map(|word| {
        let of = |number| said.lines().position(|line| line == format!("{word} {number}"));
        (0..5).map_while(of).collect::<Vec<_>>()
    });
    let in_order = |places: &Vec<usize>| places.len() == 5 && places.is_sorted();
    // One after another, the last to begin would begin when the first has ended.
    let last_begin = places.iter().filter_map(|places| places.first()).max();
    let first_end = places.iter().filter_map(|places| places.last()).min();
    if places.iter().all(in_order) && last_begin < first_end && said.lines().count() == 20 {
        return Ok(());
    }
    fail("four threads that count from 0 to 4, side by side", said)
});

static RULES: Check =
    Check::exercise("03.own-rules", Server, "each rule changes the line", "net_server {port}")
        .steps(|stage| {
            for (rule, line, answer) in [
                ("reverse", "from telnet\r\n", "tenlet morf\n"),
                ("length", "café\n", "4\n"),
                ("length", "\n", "0\n"),
                ("upper", "straße\n", "STRASSE\n"),
                ("'prefix:I heard: '", "hi\n", "I heard: hi\n"),
            ] {
                let server = stage.serve_with(Server, &format!("--reply {rule}"), &[])?;
                let mut client = server.connect("a")?;
                client.send(line)?;
                client.expect(answer)?;
            }
            Ok(())
        });

static LINES: Check = Check::exercise(
    "03.own-lines",
    Server,
    "what is no line is told so and ends that client alone; a long answer is refused",
    "net_server {port}",
)
.steps(|stage| {
    let server = stage.serve_with(Server, "--reply upper", &[])?;
    for (request, answer) in [
        (vec![b'x'; 4 * MAX_LINE], "error: line too long\n"),
        (b"ok\n\xff\xfe\nok\n".to_vec(), "OK\nerror: line is not UTF-8\n"),
        (b"half a li".to_vec(), "error: line cut off\n"),
    ] {
        let mut client = server.connect("a")?;
        client.send(request)?;
        client.half_close();
        client.expect(answer)?;
        client.expect_close()?;
    }
    let mut client = server.connect("b")?;
    client.send(format!("{}\n", "x".repeat(MAX_LINE - 1)))?;
    client.expect(format!("{}\n", "X".repeat(MAX_LINE - 1)))?;
    // Two bytes each, and three in capitals.
    client.send(format!("{}\nstill here\n", "ŉ".repeat(30_000)))?;
    client.expect("error: answer too long\nSTILL HERE\n")
});

static IN_TURN: Check = Check::exercise(
    "03.own-turns",
    Server,
    "serves one client at a time, and all at once with --threaded",
    "net_server {port} --reply upper",
)
.steps(|stage| {
    let server = stage.serve(Server)?;
    let mut first = server.connect("a")?;
    first.send("a\n")?;
    first.expect("A\n")?;
    let mut second = server.connect("b")?;
    second.send("b\n")?;
    second.expect_silence("the first client is still there")?;
    first.send("c\n")?;
    first.expect("C\n")?;
    first.close();
    second.expect("B\n")?;
    let server = stage.serve_with(Server, "--threaded", &[])?;
    for (number, client) in server.connect_many(20).iter_mut().enumerate().rev() {
        client.send(format!("n{number}\n"))?;
        client.expect(format!("N{number}\n"))?;
    }
    Ok(())
});

static RESET: Check = Check::exercise(
    "03.own-reset",
    Server,
    "a client that breaks off costs nobody else anything",
    "net_server {port} --reply upper",
)
.steps(|stage| {
    let server = stage.serve(Server)?;
    for _ in 0..5 {
        let mut rude = server.connect("rude")?;
        rude.send("a\nb\n")?;
        rude.reset()?;
    }
    let mut polite = server.connect("polite")?;
    polite.send("a\n")?;
    polite.expect("A\n")
});

static CLIENT: Check = Check::exercise(
    "03.own-client",
    Server,
    "sends a number or a file's line, and waits for each answer",
    "net_client {host} {port}",
)
.steps(|stage| {
    let host = stage.host("127.0.0.1")?;
    let port = host.address.port().to_string();
    let start = |options: &str| {
        stage.start(Server, &[("{host}", "127.0.0.1"), ("{port}", &port)], options)
    };
    let mut client = start("--count 2")?;
    let mut peer = client.connects_to(&host, "the server")?;
    peer.expect("1\n")?;
    peer.expect_silence("the first answer has not come")?;
    peer.dribble("one\n")?;
    peer.expect("2\n")?;
    peer.send("two\n")?;
    peer.expect_close()?;
    client.prints("one\ntwo\n")?;
    client.ends_with(0)?;

    let folder = Folder::new()?;
    let file = folder.write("lines", "one\r\n\nthrée".as_bytes())?;
    let client = start(&format!("--file {}", shell_path(&file)))?;
    let mut peer = client.connects_to(&host, "the server")?;
    for line in ["one\n", "\n", "thrée\n"] {
        peer.expect(line)?;
        peer.send("ok\n")?;
    }
    peer.expect_close()?;
    client.ends_with(0)?;

    let client = start("--count 2")?;
    client.connects_to(&host, "the server")?.close();
    client.ends_with(1)?;
    client.complains(&["net_client: cannot "]).map(|_| ())
});

/// A folder that is gone when it is dropped: `root` is served, and beside it is what must not be.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        let name = format!("own-files-{}-{}", process::id(), random::fresh());
        let folder = Folder(env::temp_dir().join(name));
        for (file, text) in
            [("secret", "secret"), ("root/a", "file a"), ("root/sub/b", "file b")]
        {
            folder.write(file, text.as_bytes())?;
        }
        Ok(folder)
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        fs::write(&path, bytes)?;
        Ok(path)
    }

    fn serve(&self, stage: &Stage) -> Step<checks::stage::Server> {
        stage.serve_with(Server, &format!("--root {}", shell_path(&self.root())), &[])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Each request is answered with exactly these bytes, and the close.
fn answers(server: &checks::stage::Server, request: impl AsRef<[u8]>, answer: &str) -> Step {
    let mut client = server.connect("a")?;
    client.send(&request)?;
    client.half_close();
    client.expect(answer)?;
    client.expect_close()
}

const NOT_HERE: &str = "error: no such file here\n";

static FILES: Check = Check::exercise(
    "03.own-files",
    Server,
    "sends each file of its folder, however its name is written, and nothing else",
    "file_server {port}",
)
.steps(|stage| {
    let folder = Folder::new()?;
    symlink("sub/b", folder.root().join("link"))?;
    Command::new("mkfifo").arg(folder.root().join("pipe")).status()?;
    folder.write("root/empty", b"")?;
    let server = folder.serve(stage)?;
    for name in ["a", "a\r", "./a", "sub/../a", "sub/.././sub/../a"] {
        answers(&server, format!("{name}\n"), "file a")?;
    }
    // What is sent behind the name must not cost the end of the file.
    answers(&server, format!("a\n{}", "x\n".repeat(10_000)), "file a")?;
    answers(&server, "sub/b\n", "file b")?;
    answers(&server, "link\n", "file b")?;
    answers(&server, "empty\n", "")?;
    for name in ["pipe", "sub", ".", ""] {
        answers(&server, format!("{name}\n"), "error: no regular file\n")?;
    }
    answers(&server, vec![b'x'; 4 * MAX_LINE], "error: line too long\n")?;
    answers(&server, b"\xff\n", "error: line is not UTF-8\n")?;
    answers(&server, "a", "error: line cut off\n")
});

static OUTSIDE: Check = Check::exercise(
    "03.own-outside",
    Server,
    "names that lead out are answered as if nothing were there",
    "file_server {port}",
)
.steps(|stage| {
    let folder = Folder::new()?;
    folder.write("root-2/c", b"file c")?;
    for (to, link) in [("../secret", "link"), ("..", "up"), ("loop", "loop")] {
        symlink(to, folder.root().join(link))?;
    }
    let server = folder.serve(stage)?;
    let absolute = folder.0.join("secret").display().to_string();
    let inside = folder.root().join("a").display().to_string();
    let long = "x".repeat(5000);
    for name in [
        "missing",
        "../secret",
        "sub/../../secret",
        "sub/../../root/a",
        "../root-2/c",
        "link",
        "up",
        "up/secret",
        "loop",
        &absolute,
        &inside,
        "a/",
        "a\0",
        &long,
    ] {
        answers(&server, format!("{name}\n"), NOT_HERE)?;
    }
    answers(&server, "a\n", "file a")
});

/// Somebody swaps a file for a link to the outside, back and forth, while we ask.
static SWAPPED: Check = Check::exercise(
    "03.own-swapped",
    Server,
    "a name that changes while it is looked at leads nowhere",
    "file_server {port}",
)
.steps(|stage| {
    let folder = Folder::new()?;
    let [file, link, door, next] =
        ["a", "link", "door", "next"].map(|name| folder.root().join(name));
    fs::hard_link(&file, &door)?;
    symlink("../secret", &link)?;
    let (server, stop) = (folder.serve(stage)?, AtomicBool::new(false));
    let answers: Step<Vec<_>> = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for to in [&link, &file] {
                    // A second name, of the link itself too, takes the place of the first.
                    let _ = fs::hard_link(to, &next).and_then(|()| fs::rename(&next, &door));
                }
            }
        });
        let asked = (0..500).map(|_| {
            let mut client = server.connect("a")?;
            client.send("door\n")?;
            Ok(client.take_until_close())
        });
        let answers = asked.collect();
        stop.store(true, Ordering::Relaxed);
        answers
    });
    let answers = answers?;
    let count = |what: &str| answers.iter().filter(|said| *said == what.as_bytes()).count();
    let (inside, outside) = (count("file a"), count("secret"));
    if inside > 0 && inside + count(NOT_HERE) == answers.len() {
        return Ok(());
    }
    fail(
        "the file from inside, or an error",
        format!("{inside} from inside, {outside} outside"),
    )
});

static LARGE: Check = Check::exercise(
    "03.own-large",
    Server,
    "a client that does not read holds nobody up, and the largest file costs no memory",
    "file_server {port}",
)
.steps(|stage| {
    const SIZE: usize = 70_000_000;
    let folder = Folder::new()?;
    fs::File::create(folder.root().join("huge"))?.set_len(SIZE as u64)?;
    let server = folder.serve(stage)?;
    let mut slow = server.connect("slow")?;
    slow.send("huge\n")?;
    slow.expect("\0")?;
    answers(&server, "a\n", "file a")?;
    if slow.take_until_close().len() != SIZE - 1 {
        return fail("all of the file, then the close", "less");
    }
    match server.program.peak_memory() {
        Some(kib @ 32_000..) => fail("less than 32 MB of memory", format!("{kib} KiB")),
        _ => Ok(()),
    }
});

static POLLING: Check = Check::exercise(
    "03.own-polling",
    Server,
    "one thread does what the chapter's server does",
    "polling {port}",
)
.steps(|stage| {
    for id in ["half-line", "bytes", "megabyte", "apart", "owed", "closes", "reset"]
        .into_iter()
        .chain(["silent-reader", "descriptors"])
    {
        let check = check::find(&format!("03.{id}"));
        check.map_or_else(|| fail("a check", id), |check| (check.run)(stage))?;
    }
    Ok(())
});

static PAUSE: Check = Check::exercise(
    "03.own-pause",
    Server,
    "its pause grows while nothing happens, up to its limit",
    "polling {port}",
)
.steps(|stage| {
    let server = stage.serve_with(Server, "", &["env BLOCKING=1"])?;
    let sleeps = server.program.process.wait_for(5 * patience(), |heard| {
        let text = String::from_utf8_lossy(&heard.stderr);
        let sleeps = text.lines().filter(|line| line.ends_with(" in sleep"));
        let sleeps: Vec<String> = sleeps.map(String::from).collect();
        (sleeps.len() >= 30).then_some(sleeps)
    });
    // The thirtieth comes in time, so there is a limit; and by then it is reached.
    let is_long = |line: &String| {
        let (_, time) = line.split_once(" waited ")?;
        let waited: f64 = time.split(' ').next()?.parse().ok()?;
        (waited >= 20.0 && line.contains(" ms ")).then_some(())
    };
    match sleeps.iter().flat_map(|sleeps| &sleeps[20..]).find(|line| is_long(line).is_none()) {
        None if sleeps.is_some() => Ok(()),
        other => fail("thirty sleeps, the last ones of 20 ms", format!("{other:?}")),
    }
});

static DESCRIPTORS: Check = Check::exercise(
    "03.own-descriptors",
    Server,
    "running out of descriptors is reported in measure",
    "polling {port}",
)
.steps(|stage| {
    let begun = std::time::Instant::now();
    let server = stage.serve_with(Server, "", &["sh -c 'ulimit -n 20; exec \"$@\"' sh"])?;
    let mut clients = server.connect_many(40);
    server.program.complains(&["cannot accept: Too many open files"])?;
    kernel::look_until(2 * quiet(), || false);
    // The last one's turn comes when others have left.
    let mut last = clients.pop();
    drop(clients);
    if let Some(last) = &mut last {
        last.send("and here\n")?;
        last.expect("and here\n")?;
    }
    let said = String::from_utf8_lossy(&server.program.process.heard().stderr).into_owned();
    // One for each tenth of a second, and not one for each round.
    let (complaints, most) =
        (said.matches("cannot accept").count(), begun.elapsed().as_millis() / 100 + 1);
    if complaints as u128 <= most {
        return Ok(());
    }
    fail(format!("at most {most} complaints"), complaints.to_string())
});
