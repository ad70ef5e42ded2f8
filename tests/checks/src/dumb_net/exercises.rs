//! Chapter 1, the exercises of the book.
use crate::check::Check;
use stage::{
    Program, Role, Stage,
    failure::{Diagnosis, Explain, Saw, Step, fail, quote},
    peer::Peer,
};
const HEAD_NOT_ENDED: Diagnosis = Diagnosis {
    id: "head-not-ended",
    they: "never end the request's head",
    text: "the request has no blank line at its end: the server waits for more headers, you wait for the reply.",
};

pub(super) static X_GET: Check = Check::exercise(
    "01.x-get",
    Role::Client,
    "exercise: asks by HTTP/1.1, for the path that the user types",
    "http_get {host} {port}",
)
.source("the book, 1.7; L3, dumb_net.py: HTTP requests")
.read("1.7")
.mistakes(&[&HEAD_NOT_ENDED])
.steps(|stage| {
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
});

/// The lines up to the blank one, in small letters, each without its `\r\n`.
fn headers(server: &mut Peer) -> Step<Vec<String>> {
    let mut headers = Vec::new();
    loop {
        let line = server.expect_line("a header or the blank line");
        let line = line.because(Saw::Nothing, &HEAD_NOT_ENDED)?;
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
fn answer(server: &mut Peer, page: &str, length: usize) -> Step {
    server.send("HTTP/1.1 200 OK\r\nContent-Ty")?;
    server.settle();
    server.send(format!("pe: text/plain\r\ncontent-length: {length}\r\n\r\n{page}"))
}

fn equal(what: &str, got: &str, expected: &str) -> Step {
    if got == expected {
        return Ok(());
    }
    fail(format!("{what} is {}", quote(expected.as_bytes())), quote(got.as_bytes()))
}

fn length(stage: &Stage) -> Step {
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
        Some(0) => {
            fail("an exit status other than 0", "0").because(Saw::Something, &CUT_IS_WHOLE)
        }
        _ => Ok(()),
    }
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

/// The client with its request sent, and the server that has read it.
fn asked(stage: &Stage) -> Step<(Program, Peer)> {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client(&host)?;
    client.types("/");
    let mut server = client.connects_to(&host, "server")?;
    server.expect_line("the request line")?;
    headers(&mut server)?;
    Ok((client, server))
}

pub(super) static X_LENGTH: Check = Check::exercise(
    "01.x-length",
    Role::Client,
    "exercise: knows from the reply itself where it ends",
    "http_get {host} {port}",
)
.source("the book, 1.7")
.read("1.7")
.mistakes(&[&WAITS_FOR_CLOSE, &CUT_IS_WHOLE])
.steps(length);
