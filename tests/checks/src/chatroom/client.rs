//! Chapter 7, the client: the grader plays its server.

use super::*;

pub(super) static CLIENT_NAME: Check = Check::lab(
    "07.client-name",
    Role::Client,
    "client: connects, and sends the name that its user types",
)
.source("L2, question 8: the user is requested for a \"login name\"")
.read("7.4")
.steps(|stage| member(stage).map(|_| ()));

pub(super) static CLIENT_HOST: Check =
    Check::lab("07.client-host", Role::Client, "client: connects to the host that it is given")
        .source("L2, question 2: specify the server's IP address")
        .read("7.4")
        .mistakes(&[&FIXED_HOST])
        .steps(connects_to_the_given_host);

const WAITS_FOR_USER: Diagnosis = Diagnosis {
    id: "waits-for-user-07",
    they: "show what others say only when their user has typed",
    text: "a line came and was shown only when the user had typed one: whoever waits at the keyboard does not hear the room. Two things to wait for, two threads.",
};

pub(super) static CLIENT_SHOWS: Check = Check::lab(
    "07.client-shows",
    Role::Client,
    "client: shows what others say while its user types nothing",
)
.source("L2, question 8: displays the messages sent by the server")
.needs(&[&CLIENT_NAME])
.points(2)
.read("7.3")
.mistakes(&[&WAITS_FOR_USER])
.steps(|stage| {
    let (mut client, mut server) = member(stage)?;
    for _ in 0..3 {
        let line = format!("Robin: {}", stage.payload(16));
        server.send(format!("{line}\n"))?;
        client.prints(&line).probe(&WAITS_FOR_USER, || {
            (0..4).for_each(|_| client.types("well"));
            let then = client.prints(&line).is_ok();
            then.then(|| "it did when its user had typed something".to_string())
        })?;
    }
    Ok(())
});

const WAITS_FOR_ROOM: Diagnosis = Diagnosis {
    id: "waits-for-room",
    they: "send what is typed only when something has come",
    text: "the second line was sent only when something had come from the room: whoever waits for the room does not hear the keyboard. Two things to wait for, two threads.",
};

pub(super) static CLIENT_SAYS: Check = Check::lab(
    "07.client-says",
    Role::Client,
    "client: sends what is typed while nothing comes",
)
.source("L2, question 8: takes user input")
.needs(&[&CLIENT_NAME])
.points(2)
.read("7.3")
.mistakes(&[&WAITS_FOR_ROOM])
.steps(|stage| {
    let (client, mut server) = member(stage)?;
    for _ in 0..3 {
        let line = stage.payload(16);
        client.types(&line);
        server.expect_among(&line).map(|_| ()).probe(&WAITS_FOR_ROOM, || {
            let _ = server.send("Robin: hello\nRobin: hello\n");
            let then = server.expect_among(&line).is_ok();
            then.then(|| "it was when something had come".to_string())
        })?;
    }
    Ok(())
});

const QUIT_IGNORED: Diagnosis = Diagnosis {
    id: "quit-ignored",
    they: "do not end at `quit`, or tell nobody",
    text: "the user has left, and the server does not know, or the program still runs: which of the two threads ends, and what wakes the other?",
};

pub(super) static CLIENT_QUITS: Check =
    Check::lab("07.client-quits", Role::Client, "client: `quit` tells the server, and ends it")
        .source("L2, question 8: the sample's `quit`")
        .needs(&[&CLIENT_NAME])
        .read("7.4")
        .mistakes(&[&QUIT_IGNORED])
        .steps(|stage| client_leaves(stage, |client| client.types("quit")));

/// The user leaves: the server is told, or sees the end, and the client ends.
fn client_leaves(stage: &Stage, leave: fn(&mut Program)) -> Step {
    let (mut client, mut server) = member(stage)?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect_among(&line)?;
    server.skip_line_end();
    leave(&mut client);
    let told = server.take_through(|got| {
        let text = String::from_utf8_lossy(got).into_owned();
        text.contains("quit").then_some(got.len())
    });
    if told.is_none() {
        server.expect_close().because(Saw::Nothing, &QUIT_IGNORED)?;
    }
    server.close();
    client.ends().map(|_| ()).because(Saw::Running, &QUIT_IGNORED)
}

pub(super) static CLIENT_RESTS: Check = Check::lab(
    "07.client-rests",
    Role::Client,
    "client: rests, or ends, when its server has gone, and when its input has ended",
)
.source("L2, question 8: displays the messages sent by the server")
.needs(&[&CLIENT_NAME])
.read("7.4")
.mistakes(&[&END_IGNORED])
.steps(|stage| {
    let rests = |client: &Program, when: &str| {
        let before = client.process.heard().stdout.len();
        let burns = client.burns_processor();
        let printed = client.process.heard().stdout.len() - before;
        if !burns && printed < FLOOD {
            return Ok(());
        }
        let expected = format!("the client waits, or ends, when {when}");
        let processor = if burns { "burns a processor" } else { "does not rest" };
        fail(expected, format!("it {processor}, and prints {printed} bytes"))
            .because(Saw::Something, &END_IGNORED)
    };
    let (client, server) = member(stage)?;
    server.close();
    rests(&client, "its server has gone")?;
    let (mut client, mut server) = member(stage)?;
    client.end_input();
    let _ = server.expect_silence("its user has gone");
    server.ignore_so_far();
    rests(&client, "its input has ended")?;
    let sent = server.so_far().len();
    if sent < FLOOD {
        return Ok(());
    }
    fail("the client sends no more when its input has ended", format!("it sends {sent} bytes"))
        .because(Saw::Something, &END_IGNORED)
});

pub(super) static TOGETHER: Check = Check::lab(
    "07.together",
    Role::Client,
    "its own client and its own room understand each other",
)
.source("L2, question 8: the client process sends requests to the server, and displays")
.needs(&[&CLIENT_SHOWS, &server::HEARS])
.points(2)
.read("7.4")
.mistakes(&[&WAIT_FOR_EACH_OTHER])
.steps(|stage| {
    let mut both = Together::begin(stage, Role::Server, "Batman")?;
    let mut robin = Member::knock(stage, &both.server, "Robin")?;
    both.until_client_speaks()?;
    let (text, answer) = (stage.payload(16), stage.payload(16));
    both.client.types(&text);
    both.until(&format!("Robin hears {text}"), |_| {
        find(robin.peer.so_far(), text.as_bytes()).is_some()
    })?;
    robin.says(&answer)?;
    both.until(&format!("the client prints {answer}"), |both| {
        find(&both.printed(), answer.as_bytes()).is_some()
    })
});

/// More bytes than a program has to say at an end.
const FLOOD: usize = 16 * 1024;

pub(super) static CLIENT_ASKS_AGAIN: Check = Check::manners(
    "07.client-asks-again",
    Role::Client,
    "client: a name that is taken does not end it; the next one is sent",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&CLIENT_SHOWS])
.read("7.5")
.steps(|stage| {
    let (mut client, mut server) = stage.client_told("Batman", "the server")?;
    server.expect("Batman\n")?;
    server.send("Server: this name is in use: try another\n")?;
    client.prints("this name is in use")?;
    client.types("Robin");
    server.expect("Robin\n")
});

pub(super) static CLIENT_INPUT_ENDS: Check = Check::manners(
    "07.client-input-ends",
    Role::Client,
    "client: the end of its input counts as `quit`, exit 0",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&CLIENT_QUITS])
.read("7.5")
.mistakes(&[&QUIT_IGNORED])
.steps(|stage| {
    let (mut client, mut server) = member(stage)?;
    client.end_input();
    server.expect("quit\n").because(Saw::Nothing, &QUIT_IGNORED)?;
    server.close();
    client.ends_with(0).because(Saw::Running, &QUIT_IGNORED)
});

const LINGERS: Diagnosis = Diagnosis {
    id: "lingers-07",
    they: "stay when the server has gone",
    text: "the server has gone and the client waits for its user, or says that all went well: nobody is left who could hear.",
};

pub(super) static CLIENT_SERVER_LEAVES: Check = Check::manners(
    "07.client-server-leaves",
    Role::Client,
    "client: ends when the server goes away, exit 1, and says so",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&CLIENT_SHOWS, &CLIENT_QUITS])
.read("7.5")
.mistakes(&[&LINGERS])
.steps(|stage| {
    let (client, server) = member(stage)?;
    server.close();
    client.ends_with(1).because(Saw::Running, &LINGERS).because(Saw::Ended, &LINGERS)?;
    client.complains(&["the server has gone away"]).map(|_| ())
});

pub(super) static CLIENT_NAME_OPTION: Check = Check::manners(
    "07.client-name-option",
    Role::Client,
    "client: with --name it does not ask for one",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&CLIENT_SAYS])
.read("7.5")
.steps(|stage| {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, "--name Batman", &[])?;
    let mut server = client.connects_to(&host, "the server")?;
    server.expect("Batman\n")?;
    let line = stage.payload(16);
    client.types(&line);
    server.expect(format!("{line}\n"))
});
