//! http_get: asks a web server for one page, and knows when all of it has come.
//!
//! ```text
//! $ python3 -m http.server 8000
//! $ echo / | cargo run -p dumb-net --example http_get -- 127.0.0.1 8000
//! ```
//!
//! Notice who says where the reply ends. For dumb-net it is the server's close, which says
//! nothing about whether all was sent. HTTP/1.1 puts a number in front of the page: with it we
//! need not wait for a close, and a page that was cut off is found out.

use common::{Args, Context, Error, Program, blocking, net, note, put, typed};
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

/// How many lines may stand in front of the page.
const MAX_HEAD: usize = 200;

/// How much of the page is in memory at any moment, in bytes.
const BLOCK: usize = 64 * 1024;

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let (host, port) = (args.word("HOST")?, args.port("PORT")?);
        args.finish()?;
        let path = path()?;
        let server = net::connect(&host, port)?;
        ask(&server, &path, &net::address(&host, port))?;
        let mut reply = BufReader::new(&server);
        let length = read_head(&mut reply)?;
        print_page(&mut reply, length)
    })
}

/// The path, from a line of stdin. A blank in it would end it, in the middle of the request.
fn path() -> Result<String, Error> {
    let path = typed()?.unwrap_or_default();
    if path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(path);
    }
    Err(Error::failed("cannot ask", format_args!("{path:?} is no path")))
}

/// Sends the whole request at once. Its last line is blank: a server waits for it, and it is
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
        let Some(line) = net::read_line(reply).context("cannot read the reply")? else {
            return wrong("it ends in front of the page");
        };
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if line.is_empty() {
            return Ok(length);
        }
        note(common::printable(line));
        match line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim())) {
            Some((name, value)) if name == "content-length" => match value.parse() {
                Ok(number) => length = Some(number),
                Err(_) => return wrong("its length is no number"),
            },
            // Pieces, each with a length in front: chapter 6's idea, and not for today.
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
    let mut block = vec![0; BLOCK];
    loop {
        // Waits only while bytes are missing: behind the last one `take` says 0 by itself.
        let read =
            blocking("read", || page.read(&mut block)).context("cannot read the reply")?;
        match (read, length) {
            (0, Some(_)) if page.limit() > 0 => {
                let missing = format!("{} bytes are missing", page.limit());
                return Err(Error::failed("cannot read the reply", missing));
            }
            (0, _) => return Ok(()),
            _ => put(&block[..read])?,
        }
    }
}
