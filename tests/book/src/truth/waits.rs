//! Finds calls that can wait and are not marked with `blocking(…)`.
//!
//! The source is looked at as text, so a call is known by its name: every name of
//! [`CALLS`], whatever it is called on. Exempt are, and nothing else:
//!
//! - tests;
//! - socket calls in a file that says `set_nonblocking(true)`: there they return at once;
//! - std's own lock of stdin, stdout and stderr;
//! - `send` in a file that speaks of no `sync_channel`, `SyncSender` or `UdpSocket`;
//! - `self.read(…)` where this type has a `read` of its own: what waits in there is found there;
//! - a line that says `// not reported: WHY`, at its end or as all of the next line: because it writes
//!   to memory, or because the wait is another call, which is marked.
//!
//! What a text cannot show: a wait behind an iterator (`for line in receiver`). So chapters
//! write `recv()`, and `read_line` instead of `lines()`.

use crate::reading::source::{Source, words};

/// What begins a call that can wait, and whether it is a socket's, which cannot wait once the
/// socket is non-blocking.
const CALLS: [(&str, bool); 46] = [
    (".accept(", true),
    (".incoming(", true),
    (".read(", true),
    (".read_exact(", true),
    (".read_line(", true),
    (".read_until(", true),
    (".skip_until(", true),
    (".read_to_end(", true),
    (".read_to_string(", true),
    (".fill_buf(", true),
    (".peek(&", true),
    (".write(", true),
    (".write_all(", true),
    (".write_fmt(", true),
    (".flush(", true),
    (".recv_from(", true),
    (".send_to(", true),
    ("TcpStream::connect(", true),
    ("TcpStream::connect_timeout(", true),
    (".to_socket_addrs(", false),
    ("io::copy(", false),
    ("io::read_to_string(", false),
    ("stdin().lines(", false),
    ("lock().lines(", false),
    ("print!(", false),
    ("println!(", false),
    ("eprint!(", false),
    ("eprintln!(", false),
    (".lock()", false),
    (".join()", false),
    (".recv()", false),
    (".send(", false),
    (".recv(&", true),
    (".recv_timeout(", false),
    (".wait()", false),
    (".wait(", false),
    (".wait_while(", false),
    (".wait_timeout(", false),
    (".wait_timeout_while(", false),
    (".wait_with_output(", false),
    (".output()", false),
    (".status()", false),
    ("thread::sleep(", false),
    ("thread::park(", false),
    ("thread::park_timeout(", false),
    ("thread::scope(", false),
];

/// What stands in front of `.lock()` when it is no lock between threads of ours.
const STREAMS: [&str; 3] = ["stdin()", "stdout()", "stderr()"];

/// What a file speaks of in which `send` can wait; an unbounded channel takes everything.
const BOUNDED: [&str; 3] = ["SyncSender", "sync_channel", "UdpSocket"];

/// What exempts a line, with a reason behind it.
const EXEMPT: &str = "// not reported: ";

/// The line and the name of each call that can wait and is not marked.
pub fn unmarked(source: &Source) -> Vec<(usize, &'static str)> {
    let marked = source.waits();
    let never_waits = source.code.contains("set_nonblocking(true)");
    let can_be_full = BOUNDED.iter().any(|name| source.code.contains(name));
    let mut found = Vec::new();
    for (call, of_sockets) in CALLS {
        let name = call.trim_matches(['.', '(', ')', '&']);
        for at in places(&source.code, call) {
            let is_marked = marked.iter().any(|wait| wait.range.contains(&at));
            let is_exempt = (of_sockets && never_waits)
                || (call == ".send(" && !can_be_full)
                || is_stream(source, at, call)
                || is_own(source, at, name)
                || says_why(source, at);
            if !is_marked && !is_exempt {
                found.push((source.line_at(at), name));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_stream(source: &Source, at: usize, call: &str) -> bool {
    call == ".lock()" && STREAMS.iter().any(|stream| source.code[..at].ends_with(stream))
}

fn says_why(source: &Source, at: usize) -> bool {
    let mut lines = source.text[at..].lines();
    lines.next().is_some_and(|rest| rest.contains(EXEMPT))
        || lines.next().is_some_and(|next| next.trim_start().starts_with(EXEMPT))
}

/// True for `self.NAME` in a method of a type that has a method of this name.
fn is_own(source: &Source, at: usize, name: &str) -> bool {
    let method = source.function_at(at).and_then(|function| function.name.split_once("::"));
    method.is_some_and(|(owner, _)| {
        let own = format!("{owner}::{name}");
        source.code[..at].ends_with("self") && source.functions.iter().any(|f| f.name == own)
    })
}

/// Where a call stands; one that begins with a word, not as the end of a longer one.
fn places<'a>(code: &'a str, call: &'a str) -> Box<dyn Iterator<Item = usize> + 'a> {
    if call.starts_with('.') {
        return Box::new(code.match_indices(call).map(|(at, _)| at));
    }
    let word = call.split(['(', '!', ':']).next().unwrap_or(call);
    Box::new(words(code, word).filter(move |at| code[*at..].starts_with(call)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn lines(text: &str) -> Vec<usize> {
        let source = Source::new(PathBuf::new(), text.to_string());
        unmarked(&source).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn every_call_that_can_wait_must_be_marked() {
        for (call, _) in CALLS.into_iter().filter(|(call, _)| *call != ".send(") {
            assert_eq!(
                lines(&format!("fn a() {{\n    x{call});\n}}")).len(),
                usize::from(call.starts_with('.')),
                "{call}"
            );
            assert_eq!(lines(&format!("fn a() {{\n    {call});\n}}")), [2], "{call}");
            assert_eq!(
                lines(&format!("fn a() {{\n    blocking(\"x\", || {call})); {call});\n}}")),
                [2]
            );
            assert_eq!(
                lines(&format!("fn a() {{\n    blocking(\"x\", || b({call})));\n}}")),
                []
            );
        }
    }

    #[test]
    fn the_exemptions_are_these() {
        assert_eq!(lines("fn a() { io::stdin().lock(); // .accept(\n x.lock() }"), [2]);
        assert_eq!(lines("x.set_nonblocking(true);\nx.accept();\ny.lock();"), [3]);
        assert_eq!(lines("a.send(b);"), []);
        assert_eq!(lines("let a: SyncSender<u8>;\na.send(b);"), [2]);
        assert_eq!(lines("x.write_all(y); // not reported: memory\nx.flush();"), [2]);
        assert_eq!(
            lines(
                "a(x.join(),\n    // not reported: done\n    y.join(), // not reported: done\n);"
            ),
            []
        );
        assert_eq!(lines("x.join();\ny.join(); // not reported: done"), [1]);
        assert_eq!(lines("#[cfg(test)]\nmod tests {\n    x.join();\n}\ny.join();"), [5]);
        let own = "impl A {\n    fn lock(&self) {\n        self.lock();\n        self.read(x);\n    }\n}\n";
        assert_eq!(lines(own), [4]);
        assert_eq!(lines("a.join(\"b\"); fn read(x) {} net::accept(l); connect(h)"), []);
    }
}
