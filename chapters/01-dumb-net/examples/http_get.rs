//! http_get: asks a web server for one page, and knows when all of it has arrived.
//!
//! ```text
//! $ python3 -m http.server 8000
//! $ echo / | cargo run -p dumb-net --example http_get -- 127.0.0.1 8000
//! ```
//!
//! Notice who says where the reply ends. For dumb-net it is the close of the connection, which
//! does not say whether everything was sent. HTTP/1.1 puts a number in front of the page. With
//! it we do not have to wait for a close, and we can tell a page that was cut off.

use common::{Context, Error, Program, blocking, net, note, printable, put, typed};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "http_get",
    usage: "http_get HOST PORT",
    example: "echo / | cargo run -p dumb-net --example http_get -- 127.0.0.1 8000",
};

/// How many lines may come in front of the page.
const MAX_HEAD: usize = 200;

/// How much of the page we hold in memory at any moment, in bytes.
const BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|args| {
        let (host, port) = args.target()?;
        let path = read_path()?;
        let server = net::connect(&host, port)?;
        ask(&server, &path, &net::address(&host, port))?;
        // One reader for the head and the page: it may pick up the beginning of the page along
        // with the last line of the head.
        let mut reply = BufReader::new(&server);
        let length = read_head(&mut reply)?;
        print_page(&mut reply, length)
    })
}

/// The path, from a line of stdin. A blank in it would end it in the middle of the request.
fn read_path() -> Result<String, Error> {
    let path = typed()?.unwrap_or_default();
    if path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(path);
    }
    Err(Error::failed("cannot ask", format_args!("{path:?} is not a path")))
}

/// Sends the whole request at once. Its last line is blank: the server waits for it, and it is
/// the line that dumb-net never sends.
fn ask(mut server: &TcpStream, path: &str, address: &str) -> Result<(), Error> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    blocking("write", || server.write_all(request.as_bytes()))
        .context("cannot send the request")
}

/// Reads the lines up to the blank one, shows them on stderr, and returns how many bytes will
/// follow, if the server says so.
fn read_head(reply: &mut impl BufRead) -> Result<Option<u64>, Error> {
    let wrong = |what: &str| Err(Error::failed("cannot read the reply", what));
    let mut length = None;
    for _ in 0..MAX_HEAD {
        let line = net::read_line_bytes(reply, net::MAX_LINE);
        let Some(line) = line.context("cannot read the reply")? else {
            return wrong("it ends before the page");
        };
        // A header may be in any encoding, and what it says in another one is not our business.
        let line = String::from_utf8_lossy(line.trim_ascii_end());
        if line.is_empty() {
            return Ok(length);
        }
        note(printable(&line));
        match line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim())) {
            Some((name, value)) if name == "content-length" => match value.parse() {
                Ok(number) => length = Some(number),
                Err(_) => return wrong("its length is not a number"),
            },
            // Pieces, each with a length in front: that is chapter 6's idea, and not for today.
            Some((name, _)) if name == "transfer-encoding" => {
                return wrong("it comes in chunks");
            }
            _ => {}
        }
    }
    wrong("its head has no end")
}

/// Copies the page to stdout: as many bytes as were announced, or all until the close.
fn print_page(reply: &mut impl Read, length: Option<u64>) -> Result<(), Error> {
    let mut page = reply.take(length.unwrap_or(u64::MAX));
    let mut buffer = vec![0; BUFFER];
    loop {
        // Waits only while bytes are missing: after the last one `take` says 0 by itself.
        let read =
            blocking("read", || page.read(&mut buffer)).context("cannot read the reply")?;
        match (read, length) {
            (0, Some(_)) if page.limit() > 0 => {
                let missing = format!("{} bytes are missing", page.limit());
                return Err(Error::failed("cannot read the reply", missing));
            }
            (0, _) => return Ok(()),
            _ => put(&buffer[..read])?,
        }
    }
}
