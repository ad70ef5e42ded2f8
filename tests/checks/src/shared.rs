//! Mistakes that are the same in every chapter: one name and one text for each, and the
//! symptoms that several chapters look for.

use stage::{
    Program, Server, Stage,
    failure::{Diagnosis, Explain, Saw, Step, fail},
    files, kernel, patience,
    peer::Peer,
};
use std::{io::Read, net::TcpListener, path::Path};

pub const FIXED_HOST: Diagnosis = Diagnosis {
    id: "fixed-host",
    they: "connect to a host of their own, not to the one given",
    text: "it came to 127.0.0.1 although another host was named: is the host written into the program?",
};

pub const REFUSED_IS_FINE: Diagnosis = Diagnosis {
    id: "refused-is-fine",
    they: "end with 0 when the connection is refused",
    text: "nobody answered and the exit status is 0: a script that calls this program would believe it.",
};

pub const ONE_ADDRESS: Diagnosis = Diagnosis {
    id: "one-address",
    they: "listen on one address only",
    text: "it listens, but not on 127.0.0.2: bound to 127.0.0.1 it is out of reach for other machines. Which address stands for all of them?",
};

pub const ONE_CLIENT: Diagnosis = Diagnosis {
    id: "one-client",
    they: "serve one client and no more",
    text: "the first client is served and the second is not, although the first has left: is accept() called in a loop?",
};

pub const RESET_KILLS: Diagnosis = Diagnosis {
    id: "reset-kills",
    they: "end when a client resets",
    text: "one client's reset ended the whole server: an error of one connection is that connection's end, not the server's.",
};

pub const END_IGNORED: Diagnosis = Diagnosis {
    id: "empty-read",
    they: "take a read of 0 bytes for something else than the end",
    text: "the other side has closed and the program goes on: a read of 0 bytes is the end, not an empty line, and it comes again at once each time one asks.",
};

pub const SPINS: Diagnosis = Diagnosis {
    id: "spins",
    they: "go on working when everything has ended",
    text: "after the end the program did not rest: a loop goes round without waiting in it. At the end of a stream read returns 0 bytes at once, each time it is called: the loop has to end there.",
};

/// The mistake, if nothing came, or the connection ended.
pub fn is_over<T>(result: Step<T>, mistake: &'static Diagnosis) -> Step<T> {
    result
        .because(Saw::Nothing, mistake)
        .because(Saw::Closed, mistake)
        .because(Saw::Reset, mistake)
}

/// An end, and then rest: a required check of each role.
pub fn rests(program: &Program, end: &str) -> Step {
    // What `rests` fails for is the evidence: it saw the program print or run without end.
    program.rests(end).confirm(&SPINS, "it did so for as long as it was watched", || {
        program.process.heard().exit().is_none()
    })
}

pub const AT_THE_END: Diagnosis = Diagnosis {
    id: "answers-at-the-end",
    they: "answer only when the client has closed its sending side",
    text: "nothing came back until the client had closed its sending side. Does the program read to the end of the stream before it writes? A client that waits for an answer will never close.",
};

pub const NEVER_FLUSHED: Diagnosis = Diagnosis {
    id: "never-flushed",
    they: "leave what they send in a buffer of their own",
    text: "a short message did not come, and it came when much more followed: it lies in a buffer of the program's own, which is sent when it is full. Flush it after each message: otherwise both sides wait for each other.",
};

pub const WHOLE_BUFFER: Diagnosis = Diagnosis {
    id: "whole-buffer",
    they: "send their whole buffer, whatever came",
    text: "behind the bytes that were sent more came: what was left in the buffer, or zeros. read returns how many bytes it has put there, and only those are new.",
};

pub const FEW_AT_ONCE: Diagnosis = Diagnosis {
    id: "few-at-once",
    they: "serve no more than a fixed number of clients at once",
    text: "some clients were served and the others had to wait until one of those left: there is a fixed number of threads, and each belongs to a client for as long as it stays.",
};

pub const READER_LOST: Diagnosis = Diagnosis {
    id: "reader-lost",
    they: "throw their reader away after each line",
    text: "of several lines in one packet only the first was answered. A buffered reader takes more from the socket than the line that it returns, and what it has taken is lost when it is thrown away: keep one reader for the whole connection.",
};

pub const DECODES_PIECES: Diagnosis = Diagnosis {
    id: "decodes-pieces",
    they: "decode each piece by itself",
    text: "a letter of two bytes arrived in two pieces, and was lost: what one read returns can end in the middle of a letter. Decode whole lines, or pass the bytes on as they are.",
};

pub const AS_TEXT: Diagnosis = Diagnosis {
    id: "as-text",
    they: "treat bytes as text",
    text: "bytes that are no UTF-8 were changed, or ended something: what comes may be an image. Bytes need no decoding to be passed on.",
};

pub const DESCRIPTORS_KILL: Diagnosis = Diagnosis {
    id: "descriptors-kill",
    they: "end when no descriptor is left",
    text: "accept() failed because no descriptor was left, and the server ended, or never served again: somebody hangs up sooner or later.",
};

pub const BUSY_ACCEPT: Diagnosis = Diagnosis {
    id: "busy-accept",
    they: "burn a processor when no descriptor is left",
    text: "accept() fails at once as long as no descriptor is free: asked in a loop, it burns a whole processor. Leave it alone for a moment.",
};

/// How many descriptors a server has that is started behind [`FEW_DESCRIPTORS`].
const DESCRIPTORS: usize = 24;

/// Words in front of a server's command, for [`outlives_descriptors`].
pub const FEW_DESCRIPTORS: &str = r#"sh -c 'ulimit -n 24; exec "$@"' sh"#;

/// More clients come than the server has descriptors for; when some have left, a new one must
/// be served, which `talk` sees to.
pub fn outlives_descriptors(
    stage: &Stage,
    server: &Server,
    talk: impl FnOnce(&mut Peer) -> Step,
) -> Step {
    let mut clients = server.connect_many(2 * DESCRIPTORS);
    let said = server.program.complains(&["accept"]);
    let over = server.program.process.heard().exit().is_some();
    said.confirm(&DESCRIPTORS_KILL, "the server has ended", || over)?;
    if server.program.burns_processor() {
        return fail("it waits for a descriptor", "it burns a processor")
            .because(Saw::Something, &BUSY_ACCEPT);
    }
    clients.drain(..clients.len().saturating_sub(DESCRIPTORS / 2)).for_each(Peer::close);
    // Not all at once: each connection costs a busy machine several threads.
    let mut waiting = u64::MAX;
    while waiting > 0 {
        let before = waiting;
        let accepts = kernel::look_until(stage.log.deadline(2 * patience()), || {
            waiting = kernel::queued(server.port).map_or(before, |now| now.min(before));
            waiting < before
        });
        if !accepts {
            let got = match kernel::queued(server.port) {
                Some(_) => "clients still wait for accept()",
                None => "nobody listens any more",
            };
            return fail("it accepts again", got).because(Saw::Something, &DESCRIPTORS_KILL);
        }
    }
    let mut late = server.connect("a new client").because(Saw::Reset, &DESCRIPTORS_KILL)?;
    talk(&mut late)
        .because(Saw::Nothing, &DESCRIPTORS_KILL)
        .because(Saw::Closed, &DESCRIPTORS_KILL)
}

/// The client connects to the host that it is given, which is not the usual one.
pub fn connects_to_the_given_host(stage: &Stage) -> Step {
    connects_with(stage, "")
}

/// As [`connects_to_the_given_host`], for a client that needs options.
pub fn connects_with(stage: &Stage, options: &str) -> Step {
    let given = stage.host("127.0.0.2")?;
    let usual = TcpListener::bind(("127.0.0.1", given.address.port()))?;
    usual.set_nonblocking(true)?;
    let client = stage.client_with(given.address, options, &[])?;
    client.types("Ada"); // it may ask its user before it connects
    client.connects_to(&given, "server").map(|_| ()).probe(&FIXED_HOST, || {
        usual.accept().is_ok().then(|| "it connected to 127.0.0.1".to_string())
    })
}

/// Says this to a program that sends no line ends, and then a line end. True if it has waited for
/// that one before it printed the text.
pub fn reads_lines(program: &mut Program, peer: &mut Peer, text: &str) -> Step<bool> {
    peer.send(text)?;
    if program.prints(text).is_ok() {
        return Ok(false);
    }
    peer.send("\n")?;
    Ok(program.prints(text).is_ok())
}

/// What a program has written into a file of its own. It could have put anything there: only a
/// regular file is opened, and read so far as it makes sense.
pub fn written(file: &Path) -> Option<String> {
    const MOST: u64 = 1 << 20;
    let mut text = Vec::new();
    files::open(file).ok()?.take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

pub const END_MARK: Diagnosis = Diagnosis {
    id: "end-mark",
    they: "end their messages with a mark of their own",
    text: "behind what was typed a mark came that nobody had typed: other programs for this lab do not know it, and take it for a part of the message.",
};
