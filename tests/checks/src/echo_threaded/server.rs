//! Chapter 3, the server: the grader plays its clients.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("03.listens", Role::Server, "listens on its port")
        .source("L3, echo_server.py")
        .read("3.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static INTERFACES: Check =
    Check::lab("03.interfaces", Role::Server, "listens on all of the machine's addresses")
        .source("L3: \"0.0.0.0\" as the address")
        .needs(&[&LISTENS])
        .read("3.4")
        .mistakes(&[&ONE_ADDRESS])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let reached = server.connect_to("127.0.0.2", "a").map(|_| ());
            reached
                .confirm(&ONE_ADDRESS, "127.0.0.1 is answered", || server.connect("b").is_ok())
        });

const NEWLINE_LOST: Diagnosis = Diagnosis {
    id: "newline-lost",
    they: "strip the line's end",
    text: "the line came back without its \\n: an echo does not know what a line is.",
};

const NEWLINE_ADDED: Diagnosis = Diagnosis {
    id: "newline-added",
    they: "add a line end of their own",
    text: "a line end came back that was never sent: println and its relatives add one. Write the bytes that were read, and nothing else.",
};

pub(super) static ECHOES: Check =
    Check::lab("03.echoes", Role::Server, "sends a line back, exactly")
        .source("L3, echo_server.py: exactly what was sent")
        .needs(&[&LISTENS])
        .points(2)
        .read("3.4")
        .mistakes(&[
            &NEWLINE_LOST,
            &NEWLINE_ADDED,
            &AT_THE_END,
            &NEVER_FLUSHED,
            &WHOLE_BUFFER,
            &WAITS_FOR_LINE,
        ])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            let line = stage.payload(16);
            a.send(format!("{line}\n"))?;
            a.expect(format!("{line}\n"))
                .confirm(&NEWLINE_LOST, "all came but the \\n", || {
                    a.so_far() == line.as_bytes()
                })
                .probe(&NEVER_FLUSHED, || comes_with_more(&mut a))
                .confirm(&AT_THE_END, "when a had closed its sending side, it came", || {
                    a.so_far().is_empty() && {
                        a.half_close();
                        a.expect(format!("{line}\n")).is_ok()
                    }
                })?;
            a.expect_no_bytes("the echo is complete")
                .confirm(&NEWLINE_ADDED, "a line end came that was not sent", || {
                    a.so_far() == b"\n" || a.so_far() == b"\r\n"
                })
                .probe(&WHOLE_BUFFER, || {
                    let more = a.so_far().len();
                    (more > 2).then(|| format!("{more} bytes more than were sent"))
                })
        });

/// Nothing has come back; some of it comes when much more is sent.
fn comes_with_more(client: &mut Peer) -> Option<String> {
    const MORE: usize = 256 * 1024;
    if !client.so_far().is_empty() || client.send_quietly(vec![b'\n'; MORE]).is_err() {
        return None;
    }
    let came = !client.take(1).is_empty();
    came.then(|| format!("when {} KiB more had been sent, bytes came back", MORE / 1024))
}

/// Says something new and expects an answer with it. Whether all of it is exact, and comes when
/// it should, other checks say: a program that adds something, or waits for the client to close
/// its sending side, can be asked the rest all the same.
fn say(stage: &Stage, client: &mut Peer) -> Step {
    let word = stage.payload(16);
    client.send(format!("{word}\n"))?;
    answers(client, &word)
}

/// The answer with this word comes, at the latest when the client has closed its sending side.
fn answers(client: &mut Peer, what: impl AsRef<[u8]>) -> Step {
    match client.expect_among(&what) {
        Err(Halt::Failed(failure)) if failure.saw == Saw::Nothing => {
            client.half_close();
            client.expect_among(what).map_err(|_| Halt::Failed(failure))?;
        }
        result => _ = result?,
    }
    client.skip_line_end();
    Ok(())
}

pub(super) static ANSWERS: Check =
    Check::lab("03.answers", Role::Server, "answers a client with what it has sent")
        .source("L3, echo_server.py")
        .needs(&[&LISTENS])
        .read("3.4")
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            say(stage, &mut server.connect("a")?)
        });

const ONE_MESSAGE: Diagnosis = Diagnosis {
    id: "one-message",
    they: "echo one message and no more",
    text: "the first message came back and the second did not: is there a loop around read and write, until a read of 0 bytes?",
};

pub(super) static GOES_ON: Check =
    Check::lab("03.goes-on", Role::Server, "echoes as often as the client speaks")
        .source("L3, echo_server.py")
        .needs(&[&ANSWERS])
        .read("3.4")
        .mistakes(&[&ONE_MESSAGE])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            let mut echoes = || -> Step {
                let word = stage.payload(16);
                a.send(format!("{word}\n"))?;
                a.expect_among(&word)?;
                a.skip_line_end();
                Ok(())
            };
            echoes()?;
            echoes()
                .because(Saw::Nothing, &ONE_MESSAGE)
                .because(Saw::Closed, &ONE_MESSAGE)
                .because(Saw::Reset, &ONE_MESSAGE)?;
            (0..3).try_for_each(|_| echoes())
        });

const WAITS_FOR_LINE: Diagnosis = Diagnosis {
    id: "waits-for-line",
    they: "wait for a whole line",
    text: "half a line was not echoed until the rest came: read returns what is there, a reader of lines waits for the \\n.",
};

pub(super) static HALF_LINE: Check =
    Check::lab("03.half-line", Role::Server, "echoes a piece of a line at once")
        .source("L3, echo_server.py: anything that it was sent")
        .needs(&[&ANSWERS])
        .read("3.5")
        .mistakes(&[&WAITS_FOR_LINE])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            let (half, rest) = (stage.payload(8), stage.payload(8));
            a.send(&half)?;
            a.expect(&half).confirm(&WAITS_FOR_LINE, "it came when the line was ended", || {
                let _ = a.send(format!("{rest}\n"));
                a.expect(format!("{half}{rest}\n")).is_ok()
            })
        });

pub(super) static BYTES: Check =
    Check::lab("03.bytes", Role::Server, "echoes every byte as it came, text or not")
        .source("L3, echo_server.py: exactly what was sent")
        .needs(&[&ANSWERS])
        .read("3.4")
        .mistakes(&[&AS_TEXT])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            // The line end is for a program that reads lines, which is judged elsewhere.
            let bytes: Vec<u8> = (0..=255).filter(|byte| !b"\r\n".contains(byte)).collect();
            a.send([bytes.as_slice(), b"\n"].concat())?;
            answers(&mut a, &bytes).confirm(
                &AS_TEXT,
                "as many bytes of ASCII come back",
                || {
                    let ascii = stage.payload(bytes.len()) + "\n";
                    server.connect("b").is_ok_and(|mut b| {
                        b.send(&ascii).is_ok() && answers(&mut b, &ascii).is_ok()
                    })
                },
            )
        });

const SHORT_SEND: Diagnosis = Diagnosis {
    id: "short-send",
    they: "lose bytes when much is sent",
    text: "a part of what was sent never came back: write may take less than it was given, and returns how much. write_all goes on until everything is handed over.",
};

pub(super) static MEGABYTE: Check = Check::lab(
    "03.megabyte",
    Role::Server,
    "echoes 4 MB to a client that reads while it sends",
)
.source("L3, echo_server.py")
.needs(&[&GOES_ON])
.points(2)
.read("3.4")
.mistakes(&[&READER_LOST, &SHORT_SEND])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let bytes = stage.lines(4_000_000);
    let got = a.exchange(&bytes)?;
    if got == bytes {
        return Ok(());
    }
    let is_short = got.len() < bytes.len();
    let (expected, got) = difference(&bytes, &got);
    let together = lines_in_one_packet(stage, &server);
    fail(format!("a gets back {expected}"), got)
        .confirm(&READER_LOST, "of three lines in one packet only the first came back", || {
            together == Some(1)
        })
        .confirm(
            &SHORT_SEND,
            "three lines in one packet came back whole, and of 4 MB a part is missing",
            || together == Some(3) && is_short,
        )
});

/// How many of three lines in one packet come back.
fn lines_in_one_packet(stage: &Stage, server: &Server) -> Option<usize> {
    let mut client = server.connect("b").ok()?;
    let lines = [(); 3].map(|()| format!("{}\n", stage.payload(8)));
    client.send(lines.concat()).ok()?;
    let came = client.take(lines.concat().len());
    Some(lines.iter().filter(|line| find(&came, line.as_bytes()).is_some()).count())
}

pub(super) static NEXT_CLIENT: Check = Check::lab(
    "03.next-client",
    Role::Server,
    "serves the next client when the first one has left",
)
.source("L3, echo_server.py: many clients")
.needs(&[&ANSWERS])
.read("3.4")
.mistakes(&[&ONE_CLIENT])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let served = |name| {
        let mut client = server.connect(name)?;
        say(stage, &mut client).map(|()| client.close())
    };
    served("a")?;
    for name in ["b", "c"] {
        served(name)
            .because(Saw::Nothing, &ONE_CLIENT)
            .because(Saw::Closed, &ONE_CLIENT)
            .because(Saw::Reset, &ONE_CLIENT)?;
    }
    Ok(())
});

const ONE_AT_A_TIME: Diagnosis = Diagnosis {
    id: "one-at-a-time",
    they: "serve clients one after another",
    text: "the second client was answered only after the first one left: clients are served one after another. Is the thread joined right after it is started, is its function called instead of started, or is there no thread?",
};

pub(super) static SECOND_CLIENT: Check = Check::lab(
    "03.second-client",
    Role::Server,
    "serves a second client while the first one is still there",
)
.source("L3, echo_server.py: many clients at once")
.needs(&[&ANSWERS])
.points(3)
.read("3.2")
.mistakes(&[&ONE_AT_A_TIME])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    say(stage, &mut a)?;
    let mut b = server.connect("b")?;
    let word = stage.payload(16);
    b.send(format!("{word}\n"))?;
    answers(&mut b, &word).confirm(&ONE_AT_A_TIME, "when a had left, b was answered", || {
        a.close();
        b.expect_among(&word).is_ok()
    })
});

const CROSSED: Diagnosis = Diagnosis {
    id: "crossed",
    they: "send one client what another one said",
    text: "a client got what another one had said: is there one buffer or one socket variable for all threads? Each must own its own.",
};

/// What one of many clients that talk at once says, and what becomes of it.
struct Talk {
    client: Peer,
    said: Vec<String>,
    /// What came besides its own words.
    besides: Vec<u8>,
    result: Step,
}

impl Talk {
    /// Says ten lines, each when the one before has been answered.
    fn of(stage: &Stage, mut client: Peer) -> Talk {
        let (mut said, mut besides) = (Vec::new(), Vec::new());
        let result = (0..10).try_for_each(|_| {
            let word = stage.payload(16);
            client.send(format!("{word}\n"))?;
            said.push(word.clone());
            besides.extend(client.expect_among(word)?);
            Ok(())
        });
        besides.extend(client.so_far());
        Talk { client, said, besides, result }
    }
}

/// Which client has got what another one had said, if one has.
fn crossed(talks: &[Talk]) -> Option<String> {
    talks.iter().find_map(|to| {
        let came = |word: &String| find(&to.besides, word.as_bytes()).is_some();
        let is_another = |of: &&Talk| of.client.name() != to.client.name();
        let of = talks.iter().filter(is_another).find(|of| of.said.iter().any(came))?;
        Some(format!("{} got what {} had said", to.client.name(), of.client.name()))
    })
}

pub(super) static APART: Check =
    Check::lab("03.apart", Role::Server, "keeps 40 clients apart who all talk at once")
        .source("L3, echo_server.py")
        .needs(&[&SECOND_CLIENT, &GOES_ON])
        .points(2)
        .read("3.3")
        .mistakes(&[&CROSSED, &FEW_AT_ONCE])
        .steps(|stage| {
            const CLIENTS: usize = 40;
            let server = stage.serve(Role::Server)?;
            let clients = server.connect_in_turn(CLIENTS)?;
            // Each speaks on a thread of its own, so that they really do at the same time.
            let mut talks: Vec<Talk> = thread::scope(|scope| {
                let talk = |client| scope.spawn(|| Talk::of(stage, client));
                let talking: Vec<_> = clients.into_iter().map(talk).collect();
                talking.into_iter().filter_map(|talk| talk.join().ok()).collect()
            });
            let crossed = crossed(&talks);
            let failed = talks.iter().position(|talk| talk.result.is_err());
            let result = match (failed, &crossed) {
                (Some(at), _) => mem::replace(&mut talks[at].result, Ok(())),
                (None, Some(crossed)) => fail("each gets its own words", crossed),
                (None, None) => return Ok(()),
            };
            result.probe(&CROSSED, || crossed).probe(&FEW_AT_ONCE, || {
                let mut failed = talks.swap_remove(failed?);
                let served = talks.iter().filter(|talk| talk.said.len() == 10).count();
                talks.clear(); // they leave
                let answered = failed.client.expect_among(failed.said.last()?).is_ok();
                (served > 1 && answered).then(|| {
                    format!(
                        "{served} clients were served; when they had left, this one was too"
                    )
                })
            })
        });

const OWED_LOST: Diagnosis = Diagnosis {
    id: "owed-lost",
    they: "close before all is sent",
    text: "the client closed its sending side and did not get everything back: the end of what it says is not the end of what you owe.",
};

pub(super) static OWED: Check = Check::lab(
    "03.owed",
    Role::Server,
    "sends all that is owed when the client closes its sending side",
)
.source("L3, dumb_net.py: the end of the data is an empty read")
.needs(&[&GOES_ON])
.points(2)
.read("3.5")
.mistakes(&[&OWED_LOST])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut a = server.connect("a")?;
    let block = stage.lines(64 * 1024);
    // Until both sides' buffers are full: now nobody can have sent back everything.
    let sent = a.send_until_stuck(&block);
    a.half_close();
    let got = a.take(sent);
    let owed = block.repeat(sent.div_ceil(block.len()));
    if got == owed[..sent] {
        return Ok(());
    }
    let is_a_part = owed.starts_with(&got);
    let (expected, got) = difference(&owed[..sent], &got);
    fail(format!("a gets back {expected}"), got).confirm(
        &OWED_LOST,
        "then the connection was closed",
        || is_a_part && a.expect_closed().is_ok(),
    )
});

const NEVER_CLOSED: Diagnosis = Diagnosis {
    id: "never-closed",
    they: "never close a connection",
    text: "the client has left and its connection is still open on the server's side: each costs a descriptor, until none is left. Who owns the socket, and when does that end?",
};

pub(super) static CLOSES: Check =
    Check::lab("03.closes", Role::Server, "closes the connection when the client has")
        .source("L3, echo_server.py: sock.close() before the worker returns")
        .needs(&[&ANSWERS])
        .read("3.3")
        .mistakes(&[&END_IGNORED, &NEVER_CLOSED])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            say(stage, &mut a)?;
            a.half_close();
            a.ignore_so_far();
            a.expect_close()
                .confirm(&END_IGNORED, "it burns a processor", || {
                    server.program.burns_processor()
                })
                .because(Saw::Nothing, &NEVER_CLOSED)
        });

pub(super) static RESTS: Check =
    Check::lab("03.rests", Role::Server, "rests after a client's end")
        .source("L3, dumb_net.py: the end of the data is an empty read")
        .needs(&[&LISTENS])
        .read("3.5")
        .mistakes(&[&SPINS])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            a.send(format!("{}\n", stage.payload(16)))?;
            a.take(16);
            a.half_close();
            a.settle();
            rests(&server.program, "a has closed its sending side")?;
            a.close();
            rests(&server.program, "a has left")
        });

pub(super) static RESET: Check =
    Check::lab("03.reset", Role::Server, "serves on when one client resets its connection")
        .source("L3, echo_server.py")
        .needs(&[&NEXT_CLIENT])
        .points(2)
        .read("3.5")
        .mistakes(&[&RESET_KILLS])
        .steps(|stage| {
            let server = stage.serve(Role::Server)?;
            let mut a = server.connect("a")?;
            a.send(format!("{}\n", stage.payload(16)))?;
            a.reset()?;
            // Whether a read or a write notices the reset, and when: the next ones need a server.
            let serves = |name| {
                let mut client = server.connect(name)?;
                say(stage, &mut client)
            };
            let is_over = || {
                server.program.process.heard().exit().is_some()
                    || !kernel::is_listening(server.port)
            };
            serves("b").confirm(&RESET_KILLS, "the server is no longer there", is_over)?;
            server.program.stays("others are there").because(Saw::Ended, &RESET_KILLS)?;
            serves("c").confirm(&RESET_KILLS, "the server is no longer there", is_over)
        });

const STALLED: Diagnosis = Diagnosis {
    id: "stalled",
    they: "are stopped by one client who does not read",
    text: "one client sends and does not read, and the others wait: a thread holds something shared (a lock, or the only thread) while it waits in a write.",
};

pub(super) static SILENT_READER: Check = Check::lab(
    "03.silent-reader",
    Role::Server,
    "serves on while one client sends and never reads",
)
.source("L3, echo_server.py: as soon as a thread blocks, another thread can run")
.needs(&[&SECOND_CLIENT])
.read("3.5")
.mistakes(&[&STALLED])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut stalled = server.connect("the silent reader")?;
    stalled.send_until_stuck(&stage.bytes(64 * 1024));
    let mut b = server.connect("b")?;
    let word = stage.payload(16);
    b.send(format!("{word}\n"))?;
    answers(&mut b, &word).confirm(
        &STALLED,
        "when the silent reader had left, b was answered",
        || {
            stalled.close();
            b.expect_among(&word).is_ok()
        },
    )
});

pub(super) static DESCRIPTORS: Check = Check::manners(
    "03.descriptors",
    Role::Server,
    "outlives running out of descriptors, and says so",
)
.source("our contract, 03-echo-threaded; the lab leaves it open")
.needs(&[&SECOND_CLIENT, &CLOSES])
.read("3.5")
.mistakes(&[&DESCRIPTORS_KILL, &BUSY_ACCEPT])
.steps(|stage| {
    let server = stage.serve_with(Role::Server, "", &[FEW_DESCRIPTORS])?;
    outlives_descriptors(stage, &server, |client| say(stage, client))
});
