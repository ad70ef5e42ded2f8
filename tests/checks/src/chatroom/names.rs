//! Chapter 7, the server: newcomers and their names.

use super::{
    member::times,
    server::{HEARS, JOINS, TOLD, WHO},
    *,
};

const DOOR_HELD: Diagnosis = Diagnosis {
    id: "door-held",
    they: "let a newcomer who says nothing keep all others out",
    text: "somebody connected and gave no name, and until it did nobody else came in: the name is read where the next one is accepted. Who waits for whom? Let each newcomer be asked where its lines will be read.",
};

const NAMELESS_KILLS: Diagnosis = Diagnosis {
    id: "nameless-kills",
    they: "end when somebody goes before giving a name",
    text: "somebody came and went without giving a name, and the room ended with it: a read of 0 bytes can come before the first line too.",
};

pub(super) static DOOR: Check = Check::lab(
    "07.door",
    Role::Server,
    "server: a newcomer who gives no name holds nobody up, and may go again",
)
.source("L2, question 8: client processes log in to the chat room")
.needs(&[&HEARS])
.read("7.4")
.mistakes(&[&DOOR_HELD, &NAMELESS_KILLS])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let mut nobody = Some(server.connect("somebody without a name")?);
    batman.is_heard_by(stage, &mut robin)?;
    // A room that greets at the door greets nobody behind it: the name is sent without waiting.
    let mut joker = Member::early(stage, &server, "Joker")?;
    let text = stage.payload(16);
    joker.says(&text)?;
    let inside = robin.hears("Joker", &text).map(|_| ());
    inside.confirm(&DOOR_HELD, "when the first one had gone, Joker came in", || {
        drop(nobody.take());
        joker.is_in(stage, &mut robin)
    })?;
    if let Some(nobody) = nobody {
        nobody.close();
    }
    let stays = server.program.stays("others are there");
    stays.because(Saw::Ended, &NAMELESS_KILLS)?;
    batman.is_heard_by(stage, &mut robin)?;
    Member::knock(stage, &server, "Late")?.is_heard_by(stage, &mut robin)
});

const NAMELESS_TOLD: Diagnosis = Diagnosis {
    id: "nameless",
    they: "count who has given no name",
    text: "somebody came and went without giving a name, and the room heard of it: who has no name yet is no member.",
};

pub(super) static NAMELESS: Check = Check::chapter(
    "07.nameless",
    Role::Server,
    "server: who goes before giving a name was never there",
)
.source("L2, question 8: the chat room manager")
.needs(&[&DOOR])
.read("7.4")
.mistakes(&[&NAMELESS_TOLD])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let mut nobody = server.connect("somebody without a name")?;
    nobody.settle();
    nobody.half_close();
    nobody.take_until_close();
    drop(nobody);
    let nothing = robin.peer.expect_silence("nobody has joined, and nobody has left");
    nothing.because(Saw::Something, &NAMELESS_TOLD)?;
    batman.is_heard_by(stage, &mut robin)
});

const NAME_TWICE: Diagnosis = Diagnosis {
    id: "name-twice",
    they: "let two members have one name",
    text: "a second Batman has joined: whose words are whose? The name must be looked for among the members before it is given.",
};

pub(super) static NAME_IN_USE: Check = Check::lab(
    "07.name-in-use",
    Role::Server,
    "server: does not let two members have one name",
)
.source("L2, question 8: each client needs to have a unique name")
.needs(&[&HEARS])
.points(2)
.read("7.4")
.mistakes(&[&NAME_TWICE])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let mut second = Member::knock(stage, &server, "Batman")?;
    let _ = robin.peer.expect_silence("no second Batman may join");
    if let Some(news) = robin.has_news_of("Batman") {
        return fail("no second Batman may join", news).because(Saw::Something, &NAME_TWICE);
    }
    // It may have got another name, or be asked for one, or have been sent away.
    let text = stage.payload(16);
    let _ = second.says(&text);
    if robin.hears_within_a_moment("Batman", &text) {
        let got = format!("Robin hears that Batman says {}", quote(text.as_bytes()));
        return fail("a second Batman says nothing as Batman", got)
            .because(Saw::Something, &NAME_TWICE);
    }
    batman.is_heard_by(stage, &mut robin)
});

const NAME_RACE: Diagnosis = Diagnosis {
    id: "name-race",
    they: "give one name to several who ask at once",
    text: "several who asked at the same moment have the same name: between looking whether it is free and taking it, somebody else looked. Both must be one step.",
};

pub(super) static AT_ONCE: Check = Check::lab(
    "07.at-once",
    Role::Server,
    "server: of 50 who ask for one name at once, one gets it",
)
.source("L2, question 8: each client needs to have a unique name")
.needs(&[&TOLD, &NAME_IN_USE])
.points(2)
.read("7.3")
.mistakes(&[&NAME_RACE])
.steps(|stage| {
    const ASKING: usize = 50;
    let (server, [mut watcher]) = room(stage, &["Watcher"])?;
    // One joins alone, so that it is seen how often its news says a name.
    let _first = Member::knock(stage, &server, "Robin")?;
    let news = watcher.hears_news("Robin", "has joined")?;
    let once = times(&news, "Robin");
    // One after the other, because the queue of a listen(5) is short; they ask at once.
    let peers: Step<Vec<Member>> =
        (0..ASKING).map(|_| Member::connect(stage, &server, "Batman")).collect();
    let mut peers = peers?;
    thread::scope(|scope| {
        for peer in &mut peers {
            scope.spawn(|| peer.says_quietly("Batman"));
        }
    });
    stage.log.step(format_args!("{ASKING} ask for the name Batman"));
    // A room that lets the first of them wait lets all of them wait.
    let _all = peers.iter().all(|member| member.peer.settle());
    let heard = watcher.hears_for_a_moment();
    let count = times(&heard, "Batman") / once.max(1);
    if count == 1 {
        return Ok(());
    }
    fail("one Batman joins", format!("{count} do: {}", quote(&heard)))
        .means(count > 1, &NAME_RACE)
});

const NAME_KEPT: Diagnosis = Diagnosis {
    id: "name-kept",
    they: "keep the name of a member that has left",
    text: "Batman has left, and his name is still taken: what a member has must go with it, however it goes.",
};

pub(super) static FREED_NAME: Check = Check::lab(
    "07.freed-name",
    Role::Server,
    "server: a name is free again when its member has left",
)
.source("L2, question 8: the chat room manager")
.needs(&[&HEARS, &WHO])
.read("7.4")
.mistakes(&[&NAME_KEPT])
.steps(|stage| {
    let (server, [mut batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    batman.says("quit")?;
    batman.peer.close();
    robin.hears_of_leaving("Batman");
    let mut batman = Member::knock(stage, &server, "Batman")?;
    // Under this name: a room that refuses it may take the line for another one.
    let text = stage.payload(16);
    batman.says(&text)?;
    robin.hears_from("Batman", &text).confirm(
        &NAME_KEPT,
        "a newcomer of another name is heard",
        || {
            let joker = Member::knock(stage, &server, "Joker");
            joker.is_ok_and(|mut joker| joker.is_heard_by(stage, &mut robin).is_ok())
        },
    )
});

pub(super) static NEXT_NAME: Check = Check::manners(
    "07.next-name",
    Role::Server,
    "server: says why a name is refused, and takes the next line for one",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&NAME_IN_USE, &JOINS])
.read("7.5")
.steps(|stage| {
    let (server, [_batman]) = room(stage, &["Batman"])?;
    let mut second = Member::knock(stage, &server, "Batman")?;
    let line = second.peer.expect_line("why the name is refused")?;
    if !line.starts_with("Server: ") {
        return fail("`Server: …`, with the reason", quote(line.as_bytes()));
    }
    second.says("Robin")?;
    second.hears_news("Robin", "has joined").map(|_| ())
});

const ANY_NAME: Diagnosis = Diagnosis {
    id: "any-name",
    they: "take any text for a name",
    text: "a name that can pass for another line, or for nobody, was taken: what is said in a room is believed by its form, so a name may not look like one.",
};

pub(super) static BAD_NAMES: Check = Check::manners(
    "07.bad-names",
    Role::Server,
    "server: refuses a name that is empty, too long, or could pass for another line",
)
.source("our contract, 07-chatroom; the lab leaves it open")
.needs(&[&NEXT_NAME])
.read("7.5")
.mistakes(&[&ANY_NAME])
.steps(|stage| {
    let server = stage.serve(Role::Server)?;
    let mut guest = Member::connect(stage, &server, "Guest")?;
    let long = "x".repeat(33);
    for name in ["", " Batman", "Batman ", "Bat:man", "Server", "\u{200b}Batman", &long] {
        guest.says(name)?;
        let line = guest.peer.expect_line("why the name is refused")?;
        let joins = line.contains(" has joined");
        if !line.starts_with("Server: ") || joins {
            let refused = format!("{} is refused", quote(name.as_bytes()));
            return fail(refused, quote(line.as_bytes())).means(joins, &ANY_NAME);
        }
    }
    guest.says("Guest")?;
    guest.hears_news("Guest", "has joined").map(|_| ())
});
