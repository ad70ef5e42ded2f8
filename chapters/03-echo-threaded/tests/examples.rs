//! The examples of this chapter, from outside: started as a person starts them, talked to
//! through sockets. Readiness is the banner, every wait ends with an event or after PATIENCE,
//! and a program under test is gone with its `Process`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests may fail

use assert_cmd::Command;
use stage::{
    kernel,
    process::{Environment, Process, shell_path},
};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long silence is listened to before it counts as silence.
const SILENCE: Duration = Duration::from_millis(300);

/// The longest line of these protocols, its `\n` included.
const MAX_LINE: usize = 64 * 1024;

/// Where cargo put an example: beside the folder of this test's own executable. Cargo builds
/// the examples for `cargo test`, but not for `cargo test --test examples`.
fn path(example: &str) -> PathBuf {
    let path = env::current_exe().unwrap().parent().unwrap().join("../examples").join(example);
    assert!(path.exists(), "{} is not built: run `cargo build --examples`", path.display());
    path
}

fn start(example: &str, arguments: &str) -> Process {
    let command = format!("{} {arguments}", shell_path(&path(example)));
    Process::start(&command, &Environment::default()).unwrap()
}

/// A server and its port.
struct Server(Process, u16);

impl Server {
    fn start(example: &str, arguments: &str) -> Server {
        Server::ready(start(example, &format!("0 {arguments}")))
    }

    /// With so few file descriptors that they run out.
    fn start_poor(example: &str, descriptors: u32) -> Server {
        let path = path(example);
        let limited = format!("ulimit -n {descriptors}; exec \"$0\" 0");
        let command = format!("sh -c '{limited}' {}", shell_path(&path));
        Server::ready(Process::start(&command, &Environment::default()).unwrap())
    }

    fn ready(process: Process) -> Server {
        let banner = wait_for_note(&process, "listening on 127.0.0.1:");
        let port = banner.rsplit_once(':').unwrap().1.parse().unwrap();
        Server(process, port)
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `request` on a connection of its own and returns all that comes until the close.
    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        read_all(&mut stream)
    }
}

/// The first line on stderr that holds `part`.
fn wait_for_note(process: &Process, part: &str) -> String {
    let line = process.wait_for(PATIENCE, |heard| {
        let text = String::from_utf8_lossy(&heard.stderr);
        let whole = &text[..text.rfind('\n')? + 1];
        whole.lines().find(|line| line.contains(part)).map(String::from)
    });
    line.unwrap_or_else(|| panic!("no {part:?} on stderr, but {:?}", process.heard()))
}

/// All that a program says, and its exit status.
fn outcome(process: &Process) -> (String, String, Option<i32>) {
    let exit = process.wait(PATIENCE).expect("the program goes on");
    let heard = process.heard();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&heard.stdout), text(&heard.stderr), exit.code())
}

fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap(); // a reset would be an error
    all
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

/// One line there, one line back.
fn exchange(stream: &mut TcpStream, line: &str) -> String {
    stream.write_all(line.as_bytes()).unwrap();
    read_line(&mut BufReader::new(stream))
}

/// Waits until something can be read, and leaves it there. A wait that has a timeout ends early
/// when the whole process is stopped for a moment; the `read_…` calls go on by themselves.
fn wait_for_bytes(stream: &TcpStream) {
    while let Err(e) = stream.peek(&mut [0]) {
        assert_eq!(e.kind(), ErrorKind::Interrupted, "{e}");
    }
}

fn expect_silence(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    let heard = stream.read_exact(&mut [0]).map_err(|e| e.kind());
    assert!(matches!(heard, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{heard:?}");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// Bytes of every value, without a pattern that a wrong program could keep by chance.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("plain-sockets-{name}-{}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

mod manners {
    use super::*;

    #[test]
    fn help_and_version_are_no_failure() {
        for name in ["threads", "net_server", "net_client", "file_server", "polling"] {
            let help = Command::new(path(name)).arg("--help").assert().success();
            let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
            assert!(text.starts_with(&format!("usage: {name} ")), "{text}");
            assert!(text.contains("\nexample: cargo run "), "{text}");
            Command::new(path(name)).arg("--version").assert().success();
        }
    }

    #[test]
    fn wrong_usage_says_what_is_wrong_and_exits_2() {
        for (name, line, why) in [
            ("threads", "now", "\"now\" is one word too many"),
            ("threads", "--pause -1", "--pause must be a number of seconds, not \"-1\""),
            ("threads", "--pause soon", "--pause must be a number of seconds, not \"soon\""),
            ("net_server", "0", "--reply is missing"),
            ("net_server", "--reply upper", "PORT is missing"),
            (
                "net_server",
                "0 --reply shout",
                "--reply must be reverse, length, upper or prefix:TEXT, not \"shout\"",
            ),
            ("net_client", "localhost 1", "one of --count N and --file F is needed"),
            ("net_client", "h 1 --count 2 --file f", "one of --count N and --file F is needed"),
            ("net_client", "h 1 --count many", "--count must be a number, not \"many\""),
            ("file_server", "0", "--root is missing"),
            ("polling", "70000", "PORT must be a number from 0 to 65535, not \"70000\""),
            ("polling", "0 --spin", "--spin is no option here"),
        ] {
            let wrong = Command::new(path(name)).args(line.split(' ')).assert().code(2);
            let text = String::from_utf8(wrong.get_output().stderr.clone()).unwrap();
            let expected = format!("{name}: {why}\nusage: {name} ");
            assert!(text.starts_with(&expected), "{name} {line}: {text}");
        }
    }

    #[test]
    fn what_fails_at_run_time_is_one_line_and_exit_status_1() {
        let nobody = kernel::free_port().unwrap();
        for (name, line, why) in [
            (
                "net_client",
                &*format!("127.0.0.1 {nobody} --count 1"),
                &*format!("cannot connect to 127.0.0.1:{nobody}: Connection refused"),
            ),
            (
                "net_client",
                "h 1 --file /no/file",
                "cannot open /no/file: No such file or directory",
            ),
            // Here it is a file's name, and no question for help.
            ("net_client", "h 1 --file -h", "cannot open -h: No such file or directory"),
            (
                "file_server",
                "0 --root /no/folder",
                "cannot serve /no/folder: No such file or directory",
            ),
            (
                "file_server",
                "0 --root /etc/passwd",
                "cannot serve /etc/passwd: Not a directory",
            ),
            (
                "polling",
                "0 --bind 192.0.2.1",
                "cannot listen on 192.0.2.1:0: Cannot assign requested address",
            ),
        ] {
            let failed = Command::new(path(name)).args(line.split(' ')).assert().code(1);
            let text = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
            assert_eq!(text, format!("{name}: {why}\n"), "{name} {line}");
        }
    }

    #[test]
    fn a_reader_who_has_seen_enough_is_no_failure() {
        let line = format!("{{ {} --pause 0; echo $? >&2; }}", shell_path(&path("threads")));
        let all = Process::start_joined(&format!("{line} | head -1"), &Environment::default());
        let (stdout, ..) = outcome(&all.unwrap());
        let mut lines: Vec<&str> = stdout.lines().collect();
        lines.sort_unstable();
        assert_eq!((lines.len(), lines[0]), (2, "0"), "{stdout}");
    }
}

mod threads {
    use super::*;

    #[test]
    fn each_counts_in_order_and_none_waits_for_another() {
        let (stdout, _, code) = outcome(&start("threads", "--count 5 --pause 0.1"));
        assert_eq!((code, stdout.lines().count()), (Some(0), 20), "{stdout}");
        let places = ["north", "east", "south", "west"].map(|word| {
            let of =
                |number| stdout.lines().position(|line| line == format!("{word} {number}"));
            let places: Vec<usize> = (0..5).map(|number| of(number).unwrap()).collect();
            assert!(places.is_sorted(), "{stdout}");
            (places[0], places[4])
        });
        // One after another, the last to begin would begin when the first has ended.
        let last_begin = places.iter().map(|place| place.0).max();
        let first_end = places.iter().map(|place| place.1).min();
        assert!(last_begin < first_end, "one thread after another:\n{stdout}");
    }
}

mod net_server {
    use super::*;

    #[test]
    fn each_rule_changes_the_line() {
        for (rule, line, answer) in [
            ("reverse", "hello, café\n", "éfac ,olleh\n"),
            ("reverse", "from telnet\r\n", "tenlet morf\n"),
            ("length", "café\n", "4\n"),
            ("length", "\n", "0\n"),
            ("upper", "straße\n", "STRASSE\n"),
            ("'prefix:I heard: '", "hi\n", "I heard: hi\n"),
        ] {
            let server = Server::start("net_server", &format!("--reply {rule}"));
            assert_eq!(exchange(&mut server.connect(), line), answer, "{rule}");
        }
    }

    #[test]
    fn a_line_is_a_line_however_it_comes() {
        let server = Server::start("net_server", "--reply reverse");
        let mut client = server.connect();
        client.write_all(b"one\ntwo\nth").unwrap();
        let mut answers = BufReader::new(client.try_clone().unwrap());
        assert_eq!(
            (read_line(&mut answers), read_line(&mut answers)),
            ("eno\n".into(), "owt\n".into())
        );
        client.write_all(b"ree\n").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(
            (read_line(&mut answers), read_line(&mut answers)),
            ("eerht\n".into(), String::new())
        );
    }

    #[test]
    fn one_client_at_a_time() {
        let server = Server::start("net_server", "--reply upper");
        let mut first = server.connect();
        assert_eq!(exchange(&mut first, "a\n"), "A\n");
        let mut second = server.connect();
        second.write_all(b"b\n").unwrap();
        expect_silence(&mut second);
        assert_eq!(exchange(&mut first, "c\n"), "C\n");
        drop(first);
        assert_eq!(read_line(&mut BufReader::new(second)), "B\n");
    }

    #[test]
    fn all_clients_at_once_with_threaded() {
        let server = Server::start("net_server", "--reply upper --threaded");
        let mut clients: Vec<TcpStream> = (0..20).map(|_| server.connect()).collect();
        for (number, client) in clients.iter_mut().enumerate().rev() {
            assert_eq!(exchange(client, &format!("n{number}\n")), format!("N{number}\n"));
        }
    }

    #[test]
    fn what_is_no_line_is_told_so_and_ends_that_client_alone() {
        let server = Server::start("net_server", "--reply length");
        for (request, answer) in [
            (vec![b'x'; MAX_LINE], "error: line too long\n"),
            (vec![b'x'; 4 * MAX_LINE], "error: line too long\n"),
            (b"ok\n\xff\xfe\nok\n".to_vec(), "2\nerror: line is not UTF-8\n"),
        ] {
            let said = server.ask(&request);
            assert_eq!(String::from_utf8_lossy(&said), answer);
        }
        let mut cut = server.connect();
        cut.write_all(b"half a li").unwrap();
        cut.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut cut), b"error: line cut off\n");
        let longest = "x".repeat(MAX_LINE - 1);
        assert_eq!(exchange(&mut server.connect(), &format!("{longest}\n")), "65535\n");
    }

    #[test]
    fn an_answer_over_the_limit_is_refused_and_the_session_goes_on() {
        let server = Server::start("net_server", "--reply upper");
        let mut client = server.connect();
        let grows = "ŉ".repeat(30_000); // two bytes each, and three in capitals
        assert_eq!(exchange(&mut client, &format!("{grows}\n")), "error: answer too long\n");
        assert_eq!(exchange(&mut client, "still here\n"), "STILL HERE\n");
    }

    #[test]
    fn a_client_that_breaks_off_costs_nobody_else_anything() {
        let server = Server::start("net_server", "--reply upper");
        for _ in 0..5 {
            let mut rude = server.connect();
            rude.write_all(b"a\nb\n").unwrap();
            rude.read_exact(&mut [0]).unwrap();
        } // closed over unread answers: a reset
        assert_eq!(exchange(&mut server.connect(), "a\n"), "A\n");
    }
}

mod net_client {
    use super::*;

    #[test]
    fn it_counts_and_prints_each_answer() {
        let server = Server::start("net_server", "--reply prefix:got-");
        let client = start("net_client", &format!("127.0.0.1 {} --count 3", server.1));
        let (stdout, stderr, code) = outcome(&client);
        assert_eq!((stdout.as_str(), code), ("got-1\ngot-2\ngot-3\n", Some(0)));
        assert_eq!(stderr, format!("connected to 127.0.0.1:{}\n", server.1));
    }

    #[test]
    fn it_sends_the_lines_of_a_file() {
        let folder = Folder::new("client-file");
        let file = folder.write("lines", "one\r\n\nthrée".as_bytes());
        let server = Server::start("net_server", "--reply reverse");
        let arguments = format!("127.0.0.1 {} --file {}", server.1, shell_path(&file));
        let (stdout, _, code) = outcome(&start("net_client", &arguments));
        assert_eq!((stdout.as_str(), code), ("eno\n\neérht\n", Some(0)));
    }

    #[test]
    fn it_waits_for_each_answer_before_it_sends_the_next_line() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = start("net_client", &format!("127.0.0.1 {port} --count 2"));
        let (mut server, _) = listener.accept().unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(read_line(&mut BufReader::new(&server)), "1\n");
        expect_silence(&mut server);
        for piece in ["o", "ne\n"] {
            server.write_all(piece.as_bytes()).unwrap();
        }
        assert_eq!(read_line(&mut BufReader::new(&server)), "2\n");
        server.write_all(b"two\n").unwrap();
        assert_eq!(read_all(&mut server), b"");
        assert_eq!(outcome(&client).0, "one\ntwo\n");
    }

    #[test]
    fn a_server_that_goes_away_is_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = start("net_client", &format!("127.0.0.1 {port} --count 2"));
        let (server, _) = listener.accept().unwrap();
        assert_eq!(read_line(&mut BufReader::new(&server)), "1\n");
        drop(server);
        let (stdout, stderr, code) = outcome(&client);
        assert_eq!((stdout.as_str(), code), ("", Some(1)));
        let why = "net_client: cannot read the answer: the server has closed\n";
        assert!(stderr.ends_with(why), "{stderr}");
    }
}

mod file_server {
    use super::*;

    /// A folder to serve, and beside it a file that must never be served.
    fn served(name: &str) -> (Folder, Server) {
        let folder = Folder::new(name);
        folder.write("secret", b"secret");
        folder.write("root/a", b"file a");
        folder.write("root/sub/b", b"file b");
        let server = serve(&folder.0.join("root"));
        (folder, server)
    }

    fn serve(root: &Path) -> Server {
        Server::start("file_server", &format!("--root {}", shell_path(root)))
    }

    fn says(server: &Server, request: &str) -> String {
        String::from_utf8(server.ask(request.as_bytes())).unwrap()
    }

    #[test]
    fn a_file_comes_byte_for_byte_and_the_connection_closes() {
        let folder = Folder::new("bytes");
        let (bytes, server) = (noise(3_000_000), serve(&folder.0));
        folder.write("noise", &bytes);
        folder.write("empty", b"");
        assert!(server.ask(b"noise\n") == bytes);
        // What is sent behind the name must not cost us the end of the file.
        assert!(server.ask(format!("noise\n{}", "x\n".repeat(10_000)).as_bytes()) == bytes);
        assert_eq!(server.ask(b"empty\n"), b"");
    }

    #[test]
    fn names_inside_are_served_however_they_are_written() {
        let (folder, server) = served("inside");
        symlink("sub/b", folder.0.join("root/link")).unwrap();
        for name in ["a", "a\r", "./a", "sub/../a", "sub/.././sub/../a"] {
            assert_eq!(says(&server, &format!("{name}\n")), "file a", "{name:?}");
        }
        for name in ["sub/b", "link"] {
            assert_eq!(says(&server, &format!("{name}\n")), "file b", "{name:?}");
        }
    }

    #[test]
    fn names_that_lead_out_are_answered_as_if_nothing_were_there() {
        let (folder, server) = served("outside");
        let root = folder.0.join("root");
        symlink("../secret", root.join("link")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let absolute = folder.0.join("secret");
        let inside = root.join("a");
        let long = "x".repeat(5000);
        for name in [
            "missing",
            "../secret",
            "../missing",
            "sub/../../secret",
            "../root/a",
            "sub/../../root/a",
            "link",
            "up",
            "up/secret",
            "loop",
            "/etc/passwd",
            absolute.to_str().unwrap(),
            inside.to_str().unwrap(),
            "a/",
            "a\0",
            &long,
        ] {
            let said = says(&server, &format!("{name}\n"));
            assert_eq!(said, "error: no such file here\n", "{name:?}");
        }
        assert_eq!(says(&server, "a\n"), "file a");
    }

    #[test]
    fn a_folder_whose_name_begins_alike_is_outside() {
        let (folder, server) = served("sibling");
        folder.write("root-2/c", b"file c");
        assert_eq!(says(&server, "../root-2/c\n"), "error: no such file here\n");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let (folder, server) = served("irregular");
        let pipe = folder.0.join("root/pipe");
        Command::new("mkfifo").arg(&pipe).assert().success();
        for name in ["pipe", "sub", ".", ""] {
            assert_eq!(
                says(&server, &format!("{name}\n")),
                "error: no regular file\n",
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_is_no_line_is_told_so() {
        let (_folder, server) = served("no-line");
        for (request, why) in [
            (vec![b'x'; 4 * MAX_LINE], "error: line too long\n"),
            (b"\xff\n".to_vec(), "error: line is not UTF-8\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&server.ask(&request)), why);
        }
        let mut cut = server.connect();
        cut.write_all(b"a").unwrap();
        cut.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut cut), b"error: line cut off\n");
    }

    /// Somebody swaps a file for a link to the outside, back and forth, while we ask.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_changes_while_it_is_looked_at_leads_nowhere() {
        let (folder, server) = served("race");
        let [file, link, door] =
            ["a", "link", "door"].map(|name| folder.0.join("root").join(name));
        let next = folder.0.join("next");
        fs::hard_link(&file, &door).unwrap();
        symlink("../secret", &link).unwrap();
        let stop = AtomicBool::new(false);
        let answers: Vec<String> = thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    fs::hard_link(&link, &next).unwrap(); // a second name of the link itself
                    fs::rename(&next, &door).unwrap();
                    fs::hard_link(&file, &next).unwrap();
                    fs::rename(&next, &door).unwrap();
                }
            });
            let answers = (0..1000).map(|_| says(&server, "door\n")).collect();
            stop.store(true, Ordering::Relaxed);
            answers
        });
        let count = |what: &str| answers.iter().filter(|said| *said == what).count();
        let (inside, outside) = (count("file a"), count("secret"));
        assert!(inside > 0 && outside == 0, "{inside} from inside, {outside} from outside");
    }

    #[test]
    fn a_client_that_does_not_read_holds_nobody_up() {
        let (folder, server) = served("slow");
        folder.write("root/large", &vec![b'x'; 20_000_000]);
        let mut slow = server.connect();
        slow.write_all(b"large\n").unwrap();
        slow.read_exact(&mut [0]).unwrap();
        assert_eq!(says(&server, "a\n"), "file a");
        assert_eq!(read_all(&mut slow).len(), 20_000_000 - 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_largest_file_costs_no_memory() {
        let (folder, server) = served("large");
        let size = 200_000_000;
        fs::File::create(folder.0.join("root/huge")).unwrap().set_len(size).unwrap();
        let mut client = server.connect();
        client.write_all(b"huge\n").unwrap();
        let length = io::copy(&mut client, &mut io::sink()).unwrap();
        assert_eq!(length, size);
        let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap();
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kib < 32_000, "{peak}");
    }
}

mod polling {
    use super::*;

    /// Sends on one thread and reads on another, as whoever sends much must do.
    fn echoed(server: &Server, bytes: &[u8]) -> Vec<u8> {
        let mut client = server.connect();
        thread::scope(|scope| {
            let mut sender = client.try_clone().unwrap();
            scope.spawn(move || {
                sender.write_all(bytes).unwrap();
                sender.shutdown(Shutdown::Write).unwrap();
            });
            read_all(&mut client)
        })
    }

    #[test]
    fn every_byte_comes_back_then_the_close() {
        let server = Server::start("polling", "");
        let bytes = noise(2_000_000);
        assert!(echoed(&server, &bytes) == bytes);
        assert_eq!(echoed(&server, b""), b"");
    }

    #[test]
    fn half_a_line_comes_back_at_once() {
        let server = Server::start("polling", "");
        let mut client = server.connect();
        for piece in [b"ha".as_slice(), b"lf\xff", b"\n"] {
            client.write_all(piece).unwrap();
            let mut back = vec![0; piece.len()];
            client.read_exact(&mut back).unwrap();
            assert_eq!(back, piece);
        }
    }

    #[test]
    fn many_clients_each_get_their_own() {
        let server = Server::start("polling", "");
        let mut clients: Vec<TcpStream> = (0..100).map(|_| server.connect()).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.write_all(format!("I am {number}\n").as_bytes()).unwrap();
        }
        for (number, client) in clients.into_iter().enumerate().rev() {
            assert_eq!(read_line(&mut BufReader::new(client)), format!("I am {number}\n"));
        }
    }

    #[test]
    fn a_client_that_does_not_read_holds_nobody_up_and_loses_nothing() {
        let server = Server::start("polling", "");
        let mut slow = server.connect();
        let bytes = noise(16_000_000);
        thread::scope(|scope| {
            let mut sender = slow.try_clone().unwrap();
            let bytes = bytes.as_slice();
            scope.spawn(move || {
                sender.write_all(bytes).unwrap();
                sender.shutdown(Shutdown::Write).unwrap();
            });
            wait_for_bytes(&slow);
            for _ in 0..10 {
                assert_eq!(exchange(&mut server.connect(), "hello\n"), "hello\n");
            }
            assert!(read_all(&mut slow) == bytes);
        });
    }

    #[test]
    fn a_client_that_breaks_off_costs_nobody_else_anything() {
        let server = Server::start("polling", "");
        let mut polite = server.connect();
        let mut rude = server.connect();
        rude.write_all(b"unread").unwrap();
        wait_for_bytes(&rude);
        drop(rude); // closed over unread bytes: a reset
        wait_for_note(&server.0, "left: Connection reset by peer");
        assert_eq!(exchange(&mut polite, "hello\n"), "hello\n");
    }

    #[test]
    fn the_pause_grows_while_nothing_happens_up_to_its_limit() {
        let around = Environment {
            variables: vec![("BLOCKING".to_string(), "1".into())],
            ..Environment::default()
        };
        let command = format!("{} 0", shell_path(&path("polling")));
        let server = Server::ready(Process::start(&command, &around).unwrap());
        let sleeps = server.0.wait_for(PATIENCE, |heard| {
            let text = String::from_utf8_lossy(&heard.stderr);
            let sleeps = text.lines().filter(|line| line.ends_with(" in sleep"));
            let sleeps: Vec<String> = sleeps.map(String::from).collect();
            (sleeps.len() >= 30).then_some(sleeps)
        });
        // The thirtieth comes in time, so there is a limit; and by then it is reached.
        for line in &sleeps.expect("no limit")[20..] {
            let waited: Option<f64> = line
                .split_once(" waited ")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            assert!(waited >= Some(20.0) && line.contains(" ms "), "{line}");
        }
    }

    #[test]
    fn running_out_of_descriptors_is_survived_and_reported_in_measure() {
        let begun = Instant::now();
        let server = Server::start_poor("polling", 20);
        let mut clients: Vec<TcpStream> = (0..40).map(|_| server.connect()).collect();
        wait_for_note(&server.0, "cannot accept: Too many open files");
        for _ in 0..500 {
            assert_eq!(exchange(&mut clients[0], "still here\n"), "still here\n");
        }
        let complaints =
            String::from_utf8_lossy(&server.0.heard().stderr).matches("cannot accept").count();
        // One for each tenth of a second, and not one for each round.
        let most = begun.elapsed().as_millis() / 100 + 1;
        assert!(complaints as u128 <= most, "{complaints} complaints, and not {most}");
        // The last one's turn comes when others have left.
        let mut last = clients.pop().unwrap();
        drop(clients);
        assert_eq!(exchange(&mut last, "and here\n"), "and here\n");
    }
}
