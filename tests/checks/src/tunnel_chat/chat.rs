//! Chapter 9, the chat: the grader plays the other end of the conversation.

use super::*;

pub(super) static LISTENS: Check =
    Check::lab("09.listens", Role::Server, "listens on its port")
        .source("L4, 4: code which can both send and receive at the same time")
        .read("9.4")
        .steps(|stage| stage.serve(Role::Server).map(|_| ()));

pub(super) static SERVER_SENDS: Check = Check::lab(
    "09.server-sends",
    Role::Server,
    "the server sends what its user types, though nobody has spoken",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&LISTENS])
.read("9.4")
.mistakes(&[&WAITS_FOR_PARTNER, &NEVER_FLUSHED, &STORED, &WHOLE_BUFFER])
.steps(|stage| sends(stage, Role::Server));

pub(super) static SERVER_PRINTS: Check = Check::lab(
    "09.server-prints",
    Role::Server,
    "the server prints what comes in, though nobody has typed",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&LISTENS])
.read("9.4")
.mistakes(&[&WAITS_FOR_USER, &NEVER_FLUSHED, &STORED])
.steps(|stage| prints(stage, Role::Server));

pub(super) static SERVER_BOTH: Check = Check::lab(
    "09.server-both",
    Role::Server,
    "both ends of the server's conversation speak as often as they like",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&SERVER_SENDS, &SERVER_PRINTS])
.points(2)
.read("9.2")
.mistakes(&[&TURNS])
.steps(|stage| both(stage, Role::Server));

pub(super) static SERVER_LETTER: Check = Check::lab(
    "09.server-split-letter",
    Role::Server,
    "the server prints a letter of two bytes that arrive in two pieces",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&SERVER_BOTH])
.read("9.4")
.mistakes(&[&DECODES_PIECES])
.steps(|stage| split_letter(stage, Role::Server));

pub(super) static SERVER_RESTS: Check = Check::lab(
    "09.server-rests",
    Role::Server,
    "the server rests after the partner's close, and after its own input's end",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&LISTENS])
.read("9.3")
.mistakes(&[&SPINS])
.steps(|stage| rests_after_each_end(stage, Role::Server));

pub(super) static SERVER_ENDS: Check = Check::lab(
    "09.server-ends",
    Role::Server,
    "the server ends when the partner has closed and its own input has ended",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&LISTENS])
.read("9.4")
.mistakes(&[&END_IGNORED])
.steps(|stage| ends(stage, Role::Server));

pub(super) static CONNECTS: Check = Check::lab(
    "09.connects",
    Role::Client,
    "the client connects to the host and the port that it is given",
)
.source("L4, 4: code which can both send and receive at the same time")
.read("9.4")
.mistakes(&[&FIXED_HOST])
.steps(connects_to_the_given_host);

pub(super) static CLIENT_SENDS: Check = Check::lab(
    "09.client-sends",
    Role::Client,
    "the client sends what its user types, though nobody has spoken",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CONNECTS])
.read("9.4")
.mistakes(&[&WAITS_FOR_PARTNER, &NEVER_FLUSHED, &STORED, &WHOLE_BUFFER])
.steps(|stage| sends(stage, Role::Client));

pub(super) static CLIENT_PRINTS: Check = Check::lab(
    "09.client-prints",
    Role::Client,
    "the client prints what comes in, though nobody has typed",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CONNECTS])
.read("9.4")
.mistakes(&[&WAITS_FOR_USER, &NEVER_FLUSHED, &STORED])
.steps(|stage| prints(stage, Role::Client));

pub(super) static CLIENT_BOTH: Check = Check::lab(
    "09.client-both",
    Role::Client,
    "both ends of the client's conversation speak as often as they like",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CLIENT_SENDS, &CLIENT_PRINTS])
.points(2)
.read("9.2")
.mistakes(&[&TURNS])
.steps(|stage| both(stage, Role::Client));

pub(super) static CLIENT_LETTER: Check = Check::lab(
    "09.client-split-letter",
    Role::Client,
    "the client prints a letter of two bytes that arrive in two pieces",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CLIENT_BOTH])
.read("9.4")
.mistakes(&[&DECODES_PIECES])
.steps(|stage| split_letter(stage, Role::Client));

pub(super) static CLIENT_RESTS: Check = Check::lab(
    "09.client-rests",
    Role::Client,
    "the client rests after the partner's close, and after its own input's end",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CONNECTS])
.read("9.3")
.mistakes(&[&SPINS])
.steps(|stage| rests_after_each_end(stage, Role::Client));

pub(super) static CLIENT_ENDS: Check = Check::lab(
    "09.client-ends",
    Role::Client,
    "the client ends when the partner has closed and its own input has ended",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CONNECTS])
.read("9.4")
.mistakes(&[&END_IGNORED])
.steps(|stage| ends(stage, Role::Client));

pub(super) static TOGETHER: Check = Check::lab(
    "09.together",
    Role::Client,
    "the two ends of its own chat understand each other",
)
.source("L4, 4: code which can both send and receive at the same time")
.needs(&[&CONNECTS, &LISTENS])
.points(2)
.read("9.4")
.mistakes(&[&WAIT_FOR_EACH_OTHER])
.steps(|stage| {
    let lines = [(); 4].map(|()| stage.payload(16));
    let mut both = Together::begin(stage, Role::Server, &lines[0])?;
    both.chats(&lines[0], &lines[1])?;
    both.client.types(&lines[2]);
    both.chats(&lines[2], &lines[3])
});

pub(super) static HALF_LINE: Check = Check::manners(
    "09.half-line",
    Role::Client,
    "the chat sends what is typed without waiting for a line's end",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&CLIENT_SENDS])
.read("9.4")
.mistakes(&[&LINE_BY_LINE])
.steps(|stage| {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let half = stage.payload(16);
    program.input(half.as_bytes());
    partner.expect(&half).probe(&LINE_BY_LINE, || {
        program.types("");
        let came = partner.expect(&half).is_ok();
        came.then(|| "it came when the line was ended".to_string())
    })
});

pub(super) static BYTES: Check = Check::manners(
    "09.bytes",
    Role::Client,
    "the chat passes on every byte, both ways, and prints nothing else",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&CLIENT_BOTH, &HALF_LINE])
.read("9.4")
.mistakes(&[&AS_TEXT])
.steps(|stage| {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let bytes: Vec<u8> = (0..=255).collect();
    let ascii = stage.payload(bytes.len()).into_bytes();
    passes_both_ways(&program, &mut partner, &bytes).confirm(
        &AS_TEXT,
        "as many letters of ASCII come through, both ways",
        || {
            let other = conversation(stage, Role::Client);
            other.is_ok_and(|(program, mut partner)| {
                passes_both_ways(&program, &mut partner, &ascii).is_ok()
            })
        },
    )
});

/// These bytes go out as they are typed, and are printed as they come.
fn passes_both_ways(program: &Program, partner: &mut Peer, bytes: &[u8]) -> Step {
    program.input(bytes);
    partner.expect(bytes)?;
    partner.send(bytes)?;
    printed(program, bytes)
}

/// stdout is this and no more, however much it is.
fn printed(program: &Program, bytes: &[u8]) -> Step {
    let all = |heard: &Heard| (heard.stdout.len() >= bytes.len()).then_some(());
    program.process.wait_for(2 * patience(), all);
    all_came("stdout is", bytes, &program.process.heard().stdout)
}

pub(super) static MUCH: Check = Check::manners(
    "09.much",
    Role::Client,
    "the chat passes on 4 MB each way at the same time",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&BYTES])
.read("9.4")
.mistakes(&[&LOST_ON_THE_WAY])
.steps(|stage| {
    let (program, mut partner) = conversation(stage, Role::Client)?;
    let (out, inward) = (stage.bytes(4_000_000), stage.bytes(4_000_000));
    program.input(&out);
    let got = partner.exchange(&inward)?;
    all_came("the partner gets", &out, &got)?;
    printed(&program, &inward)
});

pub(super) static INPUT_ENDS: Check = Check::manners(
    "09.input-ends",
    Role::Client,
    "the end of the input closes the chat's sending side, and no more",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&CLIENT_ENDS, &CLIENT_BOTH])
.read("9.3")
.mistakes(&[&END_SWALLOWED, &BOTH_CLOSED])
.steps(|stage| {
    let (mut program, mut partner) = conversation(stage, Role::Client)?;
    said_is_printed(stage, &mut program, &mut partner)?;
    program.end_input();
    partner.expect_close().because(Saw::Nothing, &END_SWALLOWED)?;
    let answer = said_is_printed(stage, &mut program, &mut partner)
        .and_then(|()| said_is_printed(stage, &mut program, &mut partner));
    answer.because(Saw::Closed, &BOTH_CLOSED).because(Saw::Ended, &BOTH_CLOSED)?;
    partner.close();
    program.ends_with(0)
});

pub(super) static PARTNER_ENDS: Check = Check::manners(
    "09.partner-ends",
    Role::Client,
    "when the partner ends first the chat says so, and what is typed still goes out",
)
.source("our contract, 09-tunnel-chat; the lab leaves it open")
.needs(&[&CLIENT_ENDS, &CLIENT_BOTH])
.read("9.3")
.mistakes(&[&BOTH_CLOSED])
.steps(|stage| {
    let (mut program, mut partner) = conversation(stage, Role::Client)?;
    typed_arrives(stage, &program, &mut partner)?;
    partner.half_close();
    program.complains(&["other side", "ended"])?;
    program.stays("its user may have more to say").because(Saw::Ended, &BOTH_CLOSED)?;
    typed_arrives(stage, &program, &mut partner)
        .because(Saw::Closed, &BOTH_CLOSED)
        .because(Saw::Reset, &BOTH_CLOSED)?;
    program.end_input();
    partner.expect_close()?;
    program.ends_with(0)
});

const BREAK_IS_END: Diagnosis = Diagnosis {
    id: "break-is-end-09",
    they: "report a broken connection as success",
    text: "the connection broke and the exit status is 0: an error from read is not its end. Whoever typed must learn that not all of it arrived.",
};

pub(super) static BREAKS: Check =
    Check::manners("09.breaks", Role::Client, "a chat whose connection breaks says so, exit 1")
        .source("our contract, 09-tunnel-chat; the lab leaves it open")
        .needs(&[&CLIENT_SENDS])
        .read("9.5")
        .mistakes(&[&BREAK_IS_END])
        .steps(|stage| {
            let (mut program, partner) = conversation(stage, Role::Client)?;
            program.types(&stage.payload(16));
            partner.reset()?; // over what was typed
            program.end_input();
            let exit = program.ends()?;
            program.ends_with(1).means(exit.success(), &BREAK_IS_END)?;
            program.complains(&["reset"]).map(|_| ())
        });

const QUEUED: Diagnosis = Diagnosis {
    id: "queued",
    they: "let a second partner wait for a turn that never comes",
    text: "it has its one partner and still listens: whoever comes next is connected by the kernel, and never served. Who still needs the listener after accept()?",
};

pub(super) static ONE_CONVERSATION: Check =
    Check::manners("09.one-conversation", Role::Server, "the server refuses a second partner")
        .source("our contract, 09-tunnel-chat; the lab leaves it open")
        .needs(&[&SERVER_SENDS, &SERVER_PRINTS])
        .read("9.4")
        .mistakes(&[&QUEUED])
        .steps(|stage| {
            let mut server = stage.serve(Role::Server)?;
            let mut partner = server.connect("the partner")?;
            said_is_printed(stage, &mut server.program, &mut partner)?;
            if kernel::look_until(stage.log.deadline(patience()), || {
                !kernel::is_listening(server.port)
            }) {
                return typed_arrives(stage, &server.program, &mut partner);
            }
            fail("it has its partner, and listens no more", "it still listens").confirm(
                &QUEUED,
                "a second partner was connected, and heard nothing",
                || {
                    let second = server.connect("a second partner");
                    second.is_ok_and(|mut second| second.expect_silence("it waits").is_ok())
                },
            )
        });
