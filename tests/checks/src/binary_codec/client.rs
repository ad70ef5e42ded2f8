//! Chapter 6, the client: the grader plays its server.

use super::*;

// -- the client
const NEWLINE_SENT: Diagnosis = Diagnosis {
    id: "newline-sent",
    they: "send the line's end as a part of the text",
    text: "the line's own end was sent with it: where a length says how long a message is, nothing has to mark its end.",
};

pub(super) static CLIENT_LENGTH: Check = Check::lab(
    "06.client-length",
    Role::Client,
    "client: sends what is typed, its length in front, four bytes, big-endian",
)
.source("L1, client1.py: struct.pack(\"i\", socket.htonl(len(msg)))")
.points(2)
.read("6.4")
.mistakes(&[&HTONS, &LITTLE_ENDIAN, &COUNTS_ITSELF, &TWO_BYTES, &NO_LENGTH, &NEWLINE_SENT])
.steps(|stage| {
    frames_only(stage, Role::Client)?;
    let (client, mut server) = stage.client_and_peer("the server")?;
    let line = stage.payload(9);
    client.types(&line);
    let sent = expect_frame(&mut server, "the request")?;
    let newline = sent.trim_ascii_end() == line.as_bytes();
    if sent != line.as_bytes() {
        return fail(format!("the request is {}", quote(line.as_bytes())), quote(&sent))
            .means(newline, &NEWLINE_SENT);
    }
    server.expect_silence("its request is whole, and it waits for the answer")
});

pub(super) static CLIENT_HOST: Check =
    Check::lab("06.client-host", Role::Client, "client: connects to the host that it is given")
        .source("L1, question 3c: the address is passed")
        .read("6.4")
        .mistakes(&[&FIXED_HOST])
        .steps(connects_to_the_given_host);

pub(super) static CLIENT_PRINTS: Check =
    Check::lab("06.client-prints", Role::Client, "client: prints the answer")
        .source("L1, question 3 and client1.py")
        .read("6.4")
        .steps(|stage| {
            let (mut client, mut server) = stage.client_and_peer("the server")?;
            exchange(stage, &mut client, &mut server)
        });

/// The client's user types a line, and the grader answers.
fn exchange(stage: &Stage, client: &mut Program, server: &mut Peer) -> Step {
    let (line, answer) = (stage.payload(8), stage.payload(16));
    client.types(&line);
    let sent = expect_answer(stage, Role::Client, server, "the request")?;
    if sent != line.as_bytes() {
        return fail(format!("the request is {}", quote(line.as_bytes())), quote(&sent));
    }
    wire::send(stage, Role::Client, server, &answer)?;
    client.prints(&answer)
}

const ONE_LINE: Diagnosis = Diagnosis {
    id: "one-line",
    they: "send one line and no more",
    text: "the first line was sent and answered, and the second was not: is there a loop around typing, sending and reading?",
};

pub(super) static CLIENT_GOES_ON: Check = Check::lab(
    "06.client-goes-on",
    Role::Client,
    "client: sends the next line, and prints its answer, on the same connection",
)
.source("L1, question 3 and client1.py")
.needs(&[&CLIENT_PRINTS])
.read("6.4")
.mistakes(&[&ONE_LINE])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    (0..3).try_for_each(|_| {
        is_over(exchange(stage, &mut client, &mut server), &ONE_LINE).confirm(
            &ONE_LINE,
            "it ends",
            || client.process.wait(quiet()).is_some(),
        )
    })
});

pub(super) static CLIENT_PIECES: Check = Check::lab(
    "06.client-pieces",
    Role::Client,
    "client: an answer that comes in pieces is one answer",
)
.source("L1, question 3 and client1.py")
.needs(&[&CLIENT_GOES_ON])
.points(2)
.read("6.5")
.mistakes(&[&SHORT_READ])
.steps(|stage| {
    frames_only(stage, Role::Client)?;
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    let answer = stage.payload(8);
    client.types("a line");
    expect_answer(stage, Role::Client, &mut server, "the request")?;
    let mut in_pieces = || -> Step {
        send_in_pieces(&mut server, wire::framed(stage, Role::Client, &answer))?;
        client.prints(&answer)?;
        exchange(stage, &mut client, &mut server)
    };
    in_pieces().confirm(&SHORT_READ, "an answer in one piece is printed", || {
        let another = stage.client_and_peer("the server");
        another.is_ok_and(|(mut client, mut server)| {
            exchange(stage, &mut client, &mut server).is_ok()
        })
    })
});

const BLANK_IGNORED: Diagnosis = Diagnosis {
    id: "blank-ignored",
    they: "go on after a blank line",
    text: "a blank line was typed, and nothing happened: it is how the user says that nothing more is to come.",
};

pub(super) static CLIENT_BLANK_LINE: Check = Check::lab(
    "06.client-blank-line",
    Role::Client,
    "client: a blank line ends it, and is no request",
)
.source("L1, client1.py: an empty message closes the socket")
.needs(&[&CLIENT_PRINTS])
.read("6.4")
.mistakes(&[&BLANK_IGNORED])
.steps(|stage| client_leaves(stage, &BLANK_IGNORED, |client| client.types("")));

/// After an exchange the user leaves, and so does the client: with an empty frame, or by
/// closing at once.
fn client_leaves(
    stage: &Stage,
    mistake: &'static Diagnosis,
    leave: impl Fn(&mut Program),
) -> Step {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    leave(&mut client);
    match server.take_through(|got| (got.len() >= 4).then_some(got.len())) {
        None => server.expect_closed().because(Saw::Nothing, mistake)?,
        Some(said) if said == EMPTY_FRAME => {}
        Some(said) => return fail("an empty frame, or the close", quote(&said)),
    }
    server.close();
    client.ends().map(|_| ()).because(Saw::Running, mistake)
}

const INPUT_END_MISSED: Diagnosis = Diagnosis {
    id: "input-end-missed-06",
    they: "do not notice the end of their input",
    text: "its input has ended and it stays: nobody can type any more. What does reading a line return at the end of the input?",
};

pub(super) static CLIENT_INPUT_ENDS: Check =
    Check::lab("06.client-input-ends", Role::Client, "client: the end of its input ends it")
        .source("L1, question 3a: Ctrl-D")
        .needs(&[&CLIENT_PRINTS])
        .read("6.4")
        .mistakes(&[&INPUT_END_MISSED])
        .steps(|stage| client_leaves(stage, &INPUT_END_MISSED, Program::end_input));

pub(super) static CLIENT_RESTS: Check = Check::lab(
    "06.client-rests",
    Role::Client,
    "client: rests, or ends, when its server has gone, and when its input has ended",
)
.source("L1, question 3a: What happens if the client aborts")
.read("6.5")
.mistakes(&[&SPINS, &END_IGNORED])
.steps(|stage| {
    /// More bytes than a client has to say when its user has gone.
    const FLOOD: usize = 16 << 10;
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types(&stage.payload(8));
    let _ = expect_answer(stage, Role::Client, &mut server, "the request");
    server.close();
    rests(&client, "its server has gone")?;
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    client.end_input();
    let _ = server.expect_silence("its user has gone");
    rests(&client, "its input has ended")?;
    let sent = server.so_far().len();
    if sent < FLOOD {
        return Ok(());
    }
    let expected = "the client sends no more when its input has ended";
    fail(expected, format!("it sends {sent} bytes")).confirm(
        &END_IGNORED,
        "nobody has typed them",
        || sent >= FLOOD,
    )
});

pub(super) static TOGETHER: Check = Check::lab(
    "06.together",
    Role::Client,
    "its own client and its own servers understand each other",
)
.source("L1, question 3: two client programs, one for each of the server")
.needs(&[&CLIENT_PRINTS])
.points(2)
.read("6.4")
.mistakes(&[&WAIT_FOR_EACH_OTHER])
.steps(|stage| {
    let roles: Vec<Role> =
        [Role::Encoder, Role::Decoder].into_iter().filter(|role| stage.has(*role)).collect();
    for role in &roles {
        talk_together(stage, *role)?;
    }
    if roles.is_empty() {
        return Err(Halt::NotJudged("no server of its own was handed in".to_string()));
    }
    Ok(())
});

fn talk_together(stage: &Stage, role: Role) -> Step {
    let (line, _) = request(role, &stage.payload(6));
    let mut both = Together::begin(stage, role, &line)?;
    // Whether the answer is right, other checks ask.
    both.until("the client prints what its server answers", |both| {
        let answer = both.answers();
        let answer = answer.trim_ascii_end();
        let last = answer.iter().rev().take_while(|byte| byte.is_ascii_graphic()).count();
        let last = &answer[answer.len() - last..];
        !last.is_empty() && find(&both.printed(), last).is_some()
    })?;
    both.client.types("");
    both.client.end_input();
    both.until("the client ends", |both| both.client.process.heard().exit().is_some())
}

// -- manners of the client
const NO_GOODBYE: Diagnosis = Diagnosis {
    id: "no-goodbye",
    they: "leave without a goodbye",
    text: "it closed without the empty frame: its server cannot tell a user who has finished from a line that broke.",
};

pub(super) static CLIENT_GOODBYE: Check = Check::chapter(
    "06.client-goodbye",
    Role::Client,
    "client: says goodbye with an empty frame",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&CLIENT_BLANK_LINE])
.read("6.5")
.mistakes(&[&NO_GOODBYE])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    exchange(stage, &mut client, &mut server)?;
    client.types("");
    server.expect(EMPTY_FRAME).because(Saw::Closed, &NO_GOODBYE)?;
    server.expect_close()?;
    server.close();
    client.ends().map(|_| ())
});

const LAST_ANSWER_LOST: Diagnosis = Diagnosis {
    id: "last-answer-lost",
    they: "lose the last answer when their input ends",
    text: "its input ended and it left without printing the answer to its last line: the end of the input is seen when the next line is wanted, not before.",
};

pub(super) static CLIENT_LAST_ANSWER: Check = Check::chapter(
    "06.client-last-answer",
    Role::Client,
    "client: prints the answer that is still to come when its input ends",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&CLIENT_INPUT_ENDS])
.read("6.5")
.mistakes(&[&LAST_ANSWER_LOST])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let (line, answer) = (stage.payload(8), stage.payload(16));
    client.types(&line);
    client.end_input();
    expect_frame(&mut server, "the request")?;
    server.settle();
    client.stays("its answer is still to come").because(Saw::Ended, &LAST_ANSWER_LOST)?;
    server.send(frame(&answer))?;
    client.prints(&answer).because(Saw::Ended, &LAST_ANSWER_LOST)?;
    server.close();
    client.ends().map(|_| ())
});

pub(super) static CLIENT_UTF8: Check =
    Check::chapter("06.client-utf8", Role::Client, "client: the length of `é` is two")
        .source("our contract, 06-binary-codec; the lab leaves it open")
        .needs(&[&CLIENT_PRINTS])
        .read("6.5")
        .mistakes(&[&COUNTS_CHARACTERS])
        .steps(|stage| {
            let (mut client, mut server) = stage.client_and_peer("the server")?;
            let line = format!("é{}漢", stage.payload(3));
            client.types(&line);
            let sent = expect_frame(&mut server, "the request")?;
            let counted = sent.len() == line.chars().count();
            is(&line, &sent).means(counted, &COUNTS_CHARACTERS)?;
            server.send(frame(&line))?;
            client.prints(&line)
        });

const LEAVING_IS_FINE: Diagnosis = Diagnosis {
    id: "leaving-is-fine",
    they: "report success when the server goes away",
    text: "the server went away in the middle of the conversation, and the exit status is not 1: whoever relies on the answers must learn that one is missing.",
};

pub(super) static CLIENT_SERVER_LEAVES: Check = Check::manners(
    "06.client-server-leaves",
    Role::Client,
    "client: a server that goes away, or breaks off, is one line and exit 1",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&CLIENT_PRINTS])
.read("6.5")
.mistakes(&[&LEAVING_IS_FINE, &CUT_IS_WHOLE])
.steps(|stage| {
    let part = stage.payload(5);
    let cut = [b"\0\0\0\x09", part.as_bytes()].concat();
    for said in [&b""[..], b"\0\0", &cut] {
        let (client, mut server) = stage.client_and_peer("the server")?;
        client.types(&stage.payload(8));
        expect_frame(&mut server, "the request")?;
        server.send(said)?;
        server.close();
        let result = client.ends_with(1);
        let stdout = client.process.heard().stdout.clone();
        let fine = client.process.heard().exit().is_some_and(|exit| exit.success());
        result
            .means(find(&stdout, part.as_bytes()).is_some(), &CUT_IS_WHOLE)
            .means(fine, &LEAVING_IS_FINE)?;
        client.complains(&["answer"])?;
    }
    Ok(())
});

pub(super) static CLIENT_LIMIT: Check = Check::manners(
    "06.client-limit",
    Role::Client,
    "client: an answer over 1 MiB ends it as soon as it is announced, exit 1",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&CLIENT_PRINTS])
.read("6.5")
.mistakes(&[&NO_LIMIT])
.steps(|stage| {
    let (client, mut server) = stage.client_and_peer("the server")?;
    client.types(&stage.payload(8));
    expect_frame(&mut server, "the request")?;
    announce_too_much(&mut server)?;
    let ended = client.ends_with(1);
    let reads_on = ended.is_err() && server.settle();
    ended.means(reads_on, &NO_LIMIT)
});

const NARRATES: Diagnosis = Diagnosis {
    id: "narrates-06",
    they: "mix their own words into stdout",
    text: "stdout holds more than the answers: a program behind a pipe cannot tell the two apart. Narration belongs on stderr.",
};

pub(super) static CLIENT_ONLY_ANSWERS: Check = Check::manners(
    "06.client-only-answers",
    Role::Client,
    "client: stdout holds the answers and nothing else",
)
.source("our contract, 06-binary-codec; the lab leaves it open")
.needs(&[&CLIENT_BLANK_LINE])
.read("6.5")
.mistakes(&[&NARRATES])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let answer = stage.payload(16);
    client.types(&stage.payload(8));
    expect_frame(&mut server, "the request")?;
    server.send(frame(&answer))?;
    client.prints(&answer)?;
    client.types("");
    server.take_until_close();
    client.ends()?;
    let stdout = client.process.heard().stdout.clone();
    if stdout == format!("{answer}\n").as_bytes() {
        return Ok(());
    }
    let extra = find(&stdout, answer.as_bytes()).is_some();
    fail(format!("stdout is \"{answer}\\n\""), quote(&stdout)).means(extra, &NARRATES)
});
