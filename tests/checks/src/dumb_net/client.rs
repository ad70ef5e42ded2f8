//! Chapter 1, the client: the grader plays its server.

use super::*;

pub(super) static CONNECTS: Check = Check::lab(
    "01.connects",
    Role::Client,
    "connects to the host and the port that it is given",
)
.source("L3, dumb_net.py: two command-line parameters")
.read("1.4")
.mistakes(&[&FIXED_HOST])
.steps(connects_to_the_given_host);

pub(super) static SENDS: Check =
    Check::lab("01.sends", Role::Client, "sends the line that the user types")
        .source("L3, dumb_net.py")
        .needs(&[&CONNECTS])
        .read("1.4")
        .steps(sends);

fn sends(stage: &Stage) -> Step {
    let line = format!("{} {}", stage.payload(8), stage.payload(8));
    let (_client, mut server) = stage.client_told(&line, "server")?;
    server.expect(&line)
}

const BARE_LF: Diagnosis = Diagnosis {
    id: "bare-lf",
    they: "send \\n without \\r",
    text: "the line ends with \\n alone: HTTP and its relatives want \\r\\n. What did the keyboard's own line ending become?",
};

const BOTH_ENDINGS: Diagnosis = Diagnosis {
    id: "both-endings",
    they: "send the user's \\n and their own \\r\\n",
    text: "the line's own \\n is still there and \\r\\n stands after it: reading a line keeps its ending.",
};

const TWO_ENDINGS: Diagnosis = Diagnosis {
    id: "two-endings",
    they: "send \\r\\n twice",
    text: "a second \\r\\n followed the first one: that is an empty line, and the program sends one line. An HTTP request ends with an empty line, but it is not for this program to know that.",
};

pub(super) static CRLF: Check =
    Check::lab("01.crlf", Role::Client, "ends the line with \\r\\n, and with nothing else")
        .source("L3, dumb_net.py: \"\\r\\n\" as the line ending, for HTTP")
        .needs(&[&SENDS])
        .points(2)
        .read("1.4")
        .mistakes(&[&BARE_LF, &BOTH_ENDINGS, &TWO_ENDINGS])
        .steps(|stage| {
            let line = stage.payload(20);
            let (_client, mut server) = stage.client_told(&line, "server")?;
            let result = server.expect(format!("{line}\r\n"));
            let sent = server.so_far().to_vec();
            let ending = sent.strip_prefix(line.as_bytes());
            let (bare, both) = (ending == Some(b"\n"), ending == Some(b"\n\r\n"));
            result.confirm(&BARE_LF, "the line ended with \\n alone", || bare).confirm(
                &BOTH_ENDINGS,
                "the line ended with \\n\\r\\n",
                || both,
            )?;
            let ended = server.expect_no_bytes("the line has ended");
            let again = server.so_far().starts_with(b"\r\n");
            ended.confirm(&TWO_ENDINGS, "they are \\r\\n once more", || again)
        });

fn ends(stage: &Stage) -> Step {
    let (client, mut server) = after_the_line(stage)?;
    server.send(format!("{}\n", stage.payload(10)))?;
    server.close();
    client.ends().map(|_| ()).because(Saw::Running, &END_IGNORED)
}

/// A client that has sent its line, the last of its input, and the server that has read it.
fn after_the_line(stage: &Stage) -> Step<(Program, Peer)> {
    let line = stage.payload(12);
    let (mut client, mut server) = stage.client_told(&line, "server")?;
    client.end_input();
    server.expect(&line)?;
    server.skip_line_end();
    Ok((client, server))
}

const SENDS_ALL: Diagnosis = Diagnosis {
    id: "sends-all",
    they: "send every line that is typed",
    text: "the second line was sent too: read one line from the user, then only listen.",
};

pub(super) static ONE_LINE: Check =
    Check::lab("01.one-line", Role::Client, "sends one line, although more are typed")
        .source("L3, dumb_net.py: a single line from the user, never more")
        .needs(&[&SENDS])
        .read("1.4")
        .mistakes(&[&SENDS_ALL])
        .steps(|stage| {
            let (first, second) = (stage.payload(12), stage.payload(12));
            let (mut client, mut server) = stage.client_told(&first, "server")?;
            client.types(&second);
            client.end_input();
            server.expect(&first)?;
            server.skip_line_end();
            // The end of its sending side is another matter; only bytes are wrong here.
            let silence = server.expect_no_bytes("one line is all that it may send");
            let all = find(server.so_far(), second.as_bytes()).is_some();
            silence.confirm(&SENDS_ALL, "that is the second line", || all)
        });

fn bytes(stage: &Stage) -> Step {
    let (client, mut server) = after_the_line(stage)?;
    let reply = stage.bytes(100_000);
    server.send(&reply).because(Saw::Closed, &AS_TEXT)?;
    server.close();
    client.ends()?;
    let heard = client.process.heard();
    if heard.stdout == reply {
        return Ok(());
    }
    let same = heard.stdout.iter().zip(&reply).take_while(|(got, sent)| got == sent).count();
    let is_no_text = reply.get(same).is_some_and(|byte| *byte >= 0x80);
    let (expected, got) = difference(&reply, &heard.stdout);
    fail(format!("stdout is the reply, {expected}"), got).confirm(
        &AS_TEXT,
        "the first byte that differs is beyond ASCII",
        || is_no_text,
    )
}

const CUT_LINE: Diagnosis = Diagnosis {
    id: "cut-line",
    they: "send a long line cut off",
    text: "only the beginning of the line came: a buffer of a fixed size holds no line of any size, and one write may take less than it was given.",
};

pub(super) static LONG_LINE: Check =
    Check::lab("01.long-line", Role::Client, "sends a long line whole")
        .source("L3, dumb_net.py")
        .needs(&[&SENDS])
        .read("1.4")
        .mistakes(&[&CUT_LINE])
        .steps(|stage| {
            let line = stage.payload(30_000);
            let (_client, mut server) = stage.client_told(&line, "server")?;
            let result = server.expect(&line);
            let got = server.so_far().len();
            result.probe(&CUT_LINE, || {
                (1..line.len()).contains(&got).then(|| format!("{got} bytes of it came"))
            })
        });

pub(super) static PRINTS: Check =
    Check::lab("01.prints", Role::Client, "prints what comes back")
        .source("L3, dumb_net.py")
        .needs(&[&SENDS])
        .read("1.4")
        .steps(prints);

fn prints(stage: &Stage) -> Step {
    let (mut client, mut server) = after_the_line(stage)?;
    let reply = stage.payload(30);
    server.send(format!("{reply}\n"))?;
    server.close();
    client.prints(&reply)
}

const ONE_READ: Diagnosis = Diagnosis {
    id: "one-read",
    they: "read the reply with a single read",
    text: "only the first piece was printed: one read returns what happens to be there, not the reply. Read in a loop until a read returns 0 bytes.",
};

const SHORT_READ: Diagnosis = Diagnosis {
    id: "short-read",
    they: "take a short read for the end",
    text: "it stopped after a read that did not fill the buffer: a short read means only that no more was there yet. The end is a read of 0 bytes.",
};

pub(super) static PIECES: Check =
    Check::lab("01.pieces", Role::Client, "prints a reply that comes in pieces, whole")
        .source("L3, dumb_net.py: a loop that reads however many blocks are sent")
        .needs(&[&PRINTS])
        .points(3)
        .read("1.5")
        .mistakes(&[&ONE_READ, &SHORT_READ])
        .steps(pieces);

fn pieces(stage: &Stage) -> Step {
    let (mut client, mut server) = after_the_line(stage)?;
    // The first piece fills a usual buffer to its last byte, the others are short reads.
    let words =
        [stage.payload(32 * 1024), stage.payload(10), stage.payload(10), stage.payload(10)];
    for word in &words {
        // Who has stopped reading may have closed; what it has printed says more than that.
        let _ = server.send(word);
        server.settle();
    }
    server.close();
    for (n, word) in words.iter().enumerate() {
        let printed = client.prints_among_line_breaks(word);
        let client = &client;
        let beginning =
            || words.concat().into_bytes().starts_with(&client.process.heard().stdout);
        printed
            .confirm(&ONE_READ, "what the first read returned was printed, and no more", || {
                n < 2 && beginning()
            })
            .confirm(&SHORT_READ, "what was printed ends with a short piece", || n >= 2)?;
    }
    Ok(())
}

const LOST_BYTES: Diagnosis = Diagnosis {
    id: "lost-bytes",
    they: "lose parts of a long reply",
    text: "part of the reply is missing or doubled: is each block printed exactly as long as the read said, and not the whole buffer?",
};

pub(super) static LONG_REPLY: Check = Check::lab(
    "01.long-reply",
    Role::Client,
    "prints a reply of 300,000 characters, all of it in order",
)
.source("L3, dumb_net.py")
.needs(&[&PRINTS])
.points(2)
.read("1.4")
.mistakes(&[&LOST_BYTES])
.steps(|stage| {
    let (mut client, mut server) = after_the_line(stage)?;
    let reply = stage.payload(300_000);
    // In pieces that fill no buffer, so that a read returns less than it might.
    for piece in reply.as_bytes().chunks(100_003) {
        // Who has stopped reading may have closed; what it has printed says more than that.
        let _ = server.send(piece);
        server.settle();
    }
    server.close();
    let printed = client.prints_among_line_breaks(&reply);
    printed.probe(&LOST_BYTES, || {
        client.process.wait(patience())?;
        let stdout = client.process.heard().stdout.clone();
        // One that stops too early prints the beginning: that is what 01.pieces is about.
        let is_beginning = reply.as_bytes().starts_with(stdout.trim_ascii_end());
        (!is_beginning)
            .then(|| format!("then it ended, and had printed {} characters", stdout.len()))
    })
});

const SILENCE_IS_END: Diagnosis = Diagnosis {
    id: "silence-is-end",
    they: "take a silence for the end of the reply",
    text: "the server thought for three seconds in the middle of its reply, and the program did not wait for it: a silence says nothing. The end is a read of 0 bytes.",
};

pub(super) static THINKS: Check = Check::lab(
    "01.thinks",
    Role::Client,
    "prints all of a reply in which the server thinks for three seconds",
)
.source("L3, dumb_net.py: an empty buffer marks the end of the data")
.needs(&[&PIECES])
.points(2)
.read("1.5")
.mistakes(&[&SILENCE_IS_END])
.steps(|stage| {
    let (mut client, mut server) = after_the_line(stage)?;
    let (first, second) = (stage.payload(10), stage.payload(10));
    server.send(format!("{first}\n"))?;
    server.settle();
    stage.log.step("the server thinks for three seconds");
    // Until it has thought, or nobody is there any more to whom it could reply.
    client.process.wait_for(Duration::from_secs(3), |heard| heard.exit());
    let gone = client.process.heard().exit().is_some() || server.expect_no_close().is_err();
    let _ = server.send(format!("{second}\n"));
    server.close();
    client.prints(&first)?;
    client.prints(&second).confirm(&SILENCE_IS_END, "by then it had hung up", || gone)
});

pub(super) static SPLIT_LETTER: Check = Check::lab(
    "01.split-letter",
    Role::Client,
    "prints a letter of two bytes that arrive in two pieces",
)
.source("L3, dumb_net.py: a loop that reads however many blocks are sent")
.needs(&[&PRINTS])
.read("1.5")
.mistakes(&[&DECODES_PIECES])
.steps(|stage| {
    let word = stage.payload(8);
    let printed = |cut: usize| {
        let (mut client, mut server) = after_the_line(stage)?;
        let reply = format!("{word}\u{e9}{word}\n");
        let (begin, end) = reply.as_bytes().split_at(cut);
        server.send(begin)?;
        server.settle();
        let _ = server.send(end);
        server.close();
        client.prints_among_line_breaks(reply.trim_end())
    };
    let in_one_piece = || printed(word.len() + 2).is_ok();
    let said = "cut after the letter, it is printed";
    printed(word.len() + 1).confirm(&DECODES_PIECES, said, in_one_piece)
});

pub(super) static RESTS: Check =
    Check::lab("01.rests", Role::Client, "rests after the server has closed")
        .source("L3, dumb_net.py: an empty buffer marks the end of the data")
        .needs(&[&SENDS])
        .read("1.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let (client, mut server) = after_the_line(stage)?;
            server.send(format!("{}\n", stage.payload(10)))?;
            server.close();
            client.process.wait_for(quiet(), |heard| heard.exit());
            rests(&client, "the server's close")
        });

pub(super) static ENDS: Check =
    Check::lab("01.ends", Role::Client, "ends when the server closes")
        .source("L3, dumb_net.py: an empty buffer marks the end of the data")
        .needs(&[&PRINTS])
        .points(2)
        .read("1.3")
        .mistakes(&[&END_IGNORED])
        .steps(ends);

pub(super) static BYTES: Check =
    Check::manners("01.bytes", Role::Client, "prints every byte as it came, text or not")
        .source("our contract, 01-dumb-net; the lab leaves it open")
        .needs(&[&ENDS, &LONG_REPLY])
        .read("1.5")
        .mistakes(&[&AS_TEXT])
        .steps(bytes);

const HELD_BACK: Diagnosis = Diagnosis {
    id: "held-back",
    they: "print the reply only at its end",
    text: "nothing is on stdout while the server pauses: print each block when it comes, and flush it.",
};

pub(super) static AS_IT_COMES: Check = Check::manners(
    "01.as-it-comes",
    Role::Client,
    "prints while the server pauses, not at the end",
)
.source("our contract, 01-dumb-net; the lab leaves it open")
.needs(&[&PIECES])
.read("1.2")
.mistakes(&[&HELD_BACK])
.steps(|stage| {
    let (mut client, mut server) = after_the_line(stage)?;
    let (first, second) = (stage.payload(10), stage.payload(10));
    server.send(&first)?;
    let early = client.prints(&first);
    server.send(&second)?;
    server.close();
    early.probe(&HELD_BACK, || {
        client
            .prints(&first)
            .is_ok()
            .then(|| "it printed everything once the server had closed".to_string())
    })?;
    client.prints(&second)
});

const HALF_CLOSED: Diagnosis = Diagnosis {
    id: "half-closed",
    they: "close their sending side after the line",
    text: "its sending side is closed after the line: some servers take that for a goodbye and never answer.",
};

pub(super) static STAYS_OPEN: Check = Check::manners(
    "01.stays-open",
    Role::Client,
    "leaves its sending side open while it waits for the reply",
)
.source("our contract, 01-dumb-net; the lab leaves it open")
.needs(&[&PRINTS])
.read("1.4")
.mistakes(&[&HALF_CLOSED])
.steps(|stage| {
    let (_client, mut server) = after_the_line(stage)?;
    server.expect_silence("it has said its line and waits").because(Saw::Closed, &HALF_CLOSED)
});

const DOUBLE_CR: Diagnosis = Diagnosis {
    id: "double-cr",
    they: "send \\r\\r\\n for a line that has its \\r already",
    text: "the line came with \\r\\n and got a second \\r: take off the whole ending before you put yours on.",
};

pub(super) static ANY_ENDING: Check = Check::manners(
    "01.any-ending",
    Role::Client,
    "takes a line that ends with \\r\\n, or with nothing",
)
.source("our contract, 01-dumb-net; the lab leaves it open")
.needs(&[&CRLF])
.read("1.4")
.mistakes(&[&DOUBLE_CR])
.steps(|stage| {
    for ending in ["\r\n", ""] {
        let (mut client, mut server) = stage.client_and_peer("server")?;
        let line = stage.payload(12);
        client.input(format!("{line}{ending}").as_bytes());
        client.end_input();
        let result = server.expect(format!("{line}\r\n"));
        let doubled = find(server.so_far(), b"\r\r\n").is_some();
        result.confirm(&DOUBLE_CR, "it came with \\r\\r\\n", || doubled)?;
    }
    Ok(())
});

const SENDS_NOTHING: Diagnosis = Diagnosis {
    id: "sends-nothing",
    they: "send an empty line when there is none",
    text: "stdin had ended and a line was sent all the same: a read of 0 bytes from stdin is not an empty line.",
};

pub(super) static NO_LINE: Check =
    Check::manners("01.no-line", Role::Client, "says so when there is no line, exit 1")
        .source("our contract, 01-dumb-net; the lab leaves it open")
        .read("1.4")
        .mistakes(&[&SENDS_NOTHING])
        .steps(|stage| {
            let (mut client, mut server) = stage.client_and_peer("server")?;
            client.end_input();
            let sent = server.expect_anything("no byte").is_ok();
            if sent {
                return fail("nothing is sent", "a line")
                    .because(Saw::Something, &SENDS_NOTHING);
            }
            client.ends_with(1)?;
            client.complains(&["stdin"]).map(|_| ())
        });

const BREAK_IS_END: Diagnosis = Diagnosis {
    id: "break-is-end",
    they: "report a broken connection as success",
    text: "the connection broke and the exit status is 0: an error from read is not its end. Who relies on the reply must learn that it is not whole.",
};

pub(super) static BREAKS: Check = Check::manners(
    "01.breaks",
    Role::Client,
    "a connection that breaks: what came is printed, exit 1",
)
.source("our contract, 01-dumb-net; the lab leaves it open")
.needs(&[&AS_IT_COMES])
.read("1.5")
.mistakes(&[&BREAK_IS_END])
.steps(|stage| {
    let (mut client, mut server) = stage.client_told(&stage.payload(12), "server")?;
    client.end_input();
    let reply = stage.payload(10);
    server.send(&reply)?;
    client.prints(&reply)?;
    server.reset()?;
    let success = || client.process.heard().exit().is_some_and(|exit| exit.success());
    client.ends_with(1).confirm(&BREAK_IS_END, "its exit status is 0", success)?;
    client.complains(&["reset"]).map(|_| ())
});

const STORES_ALL: Diagnosis = Diagnosis {
    id: "stores-all",
    they: "store the whole reply before they print it",
    text: "its memory grew with the reply: keep one block, not all of them.",
};

pub(super) static CONSTANT_MEMORY: Check =
    Check::manners("01.constant-memory", Role::Client, "prints 40 MB without storing them")
        .source("our contract, 01-dumb-net; the lab leaves it open")
        .needs(&[&BYTES, &AS_IT_COMES])
        .read("1.3")
        .mistakes(&[&STORES_ALL])
        .steps(|stage| {
            const BLOCKS: usize = 40;
            let (client, mut server) = after_the_line(stage)?;
            let block = stage.bytes(1_000_000);
            for _ in 0..BLOCKS {
                server.send(&block)?;
            }
            // Everything has come through but what the kernel still holds; the program still runs.
            let received = |heard: &stage::process::Heard| {
                let bytes = heard.stdout.len() as u64 + heard.dropped;
                (bytes >= ((BLOCKS - 8) * block.len()) as u64).then_some(())
            };
            client.process.wait_for(patience(), received);
            let peak = client.peak_memory();
            server.close();
            client.ends()?;
            let heard = client.process.heard();
            let bytes = heard.stdout.len() as u64 + heard.dropped;
            if bytes != (BLOCKS * block.len()) as u64 {
                return fail(
                    format!("{} bytes on stdout", BLOCKS * block.len()),
                    format!("{bytes} bytes"),
                );
            }
            match peak {
                Some(kib) if kib > 16 * 1024 => {
                    fail("at most 16 MiB of memory", format!("{} MiB", kib / 1024))
                        .because(Saw::Something, &STORES_ALL)
                }
                _ => Ok(()),
            }
        });
