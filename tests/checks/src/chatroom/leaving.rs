//! Chapter 7, the server: members who leave, by `quit`, by closing, by a reset.

use super::{server::HEARS, *};

pub(super) static QUIT: Check =
    Check::lab("07.quit", Role::Server, "server: `quit` is told to the others")
        .source("L2, question 8: Batman has left")
        .needs(&[&HEARS])
        .points(2)
        .read("7.4")
        .steps(|stage| {
            let (_server, [mut batman, mut robin, mut joker]) =
                room(stage, &["Batman", "Robin", "Joker"])?;
            batman.says("quit")?;
            if stage.is_outside() {
                batman.peer.half_close(); // so the client may end that tells the server nothing more
            }
            robin.hears_news("Batman", "has left")?;
            joker.hears_news("Batman", "has left")?;
            if stage.is_outside() {
                return Ok(());
            }
            batman.peer.take_until_close();
            batman.peer.expect_closed()
        });

const LEAVING_UNSEEN: Diagnosis = Diagnosis {
    id: "leaving-unseen",
    they: "notice no member that goes without `quit`",
    text: "a member's connection ended without a `quit`, and nobody was told: a read of 0 bytes, or one that fails, is its end too.",
};

pub(super) static CLOSE: Check = Check::lab(
    "07.close",
    Role::Server,
    "server: a connection that closes is a member that has left",
)
.source("L2, question 8: any interesting event")
.needs(&[&HEARS])
.read("7.4")
.mistakes(&[&LEAVING_UNSEEN, &END_IGNORED])
.steps(|stage| leaves(stage, Leaving::Closes));

pub(super) static RESET: Check = Check::lab(
    "07.reset",
    Role::Server,
    "server: a connection that breaks is a member that has left",
)
.source("L2, question 8: any interesting event")
.needs(&[&HEARS])
.read("7.5")
.mistakes(&[&LEAVING_UNSEEN, &RESET_KILLS])
.steps(|stage| leaves(stage, Leaving::Resets));

/// How a member goes that does not say `quit`.
#[derive(Clone, Copy, PartialEq)]
enum Leaving {
    Closes,
    Resets,
}

fn leaves(stage: &Stage, how: Leaving) -> Step {
    let (server, [batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let resets = how == Leaving::Resets;
    if resets {
        robin.says("something that stays unread")?;
        batman.peer.reset()?;
    } else {
        batman.peer.close();
    }
    let told = robin.hears_news("Batman", "has left").map(|_| ());
    let ended = || server.program.process.wait(quiet()).map(|_| "it has ended".to_string());
    told.probe(&RESET_KILLS, || ended().filter(|_| resets))
        .probe(&END_IGNORED, || robin.is_flooded())
        .because(Saw::Nothing, &LEAVING_UNSEEN)?;
    let mut joker = Member::knock(stage, &server, "Joker")?;
    joker.is_heard_by(stage, &mut robin).probe(&RESET_KILLS, || ended().filter(|_| resets))
}

pub(super) static RESTS: Check = Check::lab(
    "07.rests",
    Role::Server,
    "server: rests when a member has left, and when all have",
)
.source("L2, question 8: the chat room manager")
.needs(&[&HEARS])
.read("7.4")
.mistakes(&[&END_IGNORED])
.steps(|stage| {
    let (server, [batman, mut robin]) = room(stage, &["Batman", "Robin"])?;
    let rests = |when: &str| {
        let what = format!("the server waits when {when}");
        match server.program.burns_processor() {
            true => fail(what, "it burns a processor").because(Saw::Something, &END_IGNORED),
            false => Ok(()),
        }
    };
    batman.peer.close();
    if let Some(flood) = robin.is_flooded() {
        let expected = "Robin hears that Batman has left, and then nothing";
        return fail(expected, flood).because(Saw::Something, &END_IGNORED);
    }
    rests("Batman has closed its connection")?;
    robin.peer.close();
    rests("nobody is there any more")
});
