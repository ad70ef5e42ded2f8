//! The first contact: how a program from outside speaks, before it is judged. The labs' sheets
//! leave open whether a message ends with a line end, what a greeting says, in which words a room
//! tells its news. Each chapter that leaves something open has a `learn` of its own; all checks
//! then speak as it was learned.

use crate::check::Chapter;
use stage::{Role, Stage, Subject, failure::Step, speech::Speech};

/// Finds out how a program speaks in one of its roles. What goes wrong at the first contact is
/// no verdict: then it is taken to speak as our contract does, and the checks say what is wrong.
pub type Learn = fn(&Stage, Role) -> Step<Speech>;

/// The subject with how it speaks: a program from outside is asked, all others begin with our
/// chapters.
pub fn learned(chapter: &Chapter, subject: &Subject, seed: u64) -> Subject {
    let mut subject = subject.clone();
    let Some(learn) = chapter.learn.filter(|_| subject.outside) else { return subject };
    let roles: Vec<Role> = subject.commands.keys().copied().collect();
    for role in roles {
        let stage = Stage::new(&subject, seed, "first contact");
        let speech = learn(&stage, role).unwrap_or_default();
        drop(stage);
        subject.speech.insert(role, speech);
    }
    subject
}

/// How it speaks where that is not as our contract does, in one line for the report.
pub fn told(subject: &Subject) -> Option<String> {
    let own = subject.speech.iter().filter(|(_, speech)| **speech != Speech::default());
    let ways: Vec<(Role, String)> =
        own.map(|(role, speech)| (*role, speech.to_string())).collect();
    let (_, first) = ways.first()?;
    let all_the_same =
        ways.len() == subject.speech.len() && ways.iter().all(|(_, way)| way == first);
    let each = |(role, way): &(Role, String)| format!("{role}: {way}");
    let told = if all_the_same {
        first.clone()
    } else {
        ways.iter().map(each).collect::<Vec<_>>().join("; ")
    };
    Some(format!("speaks: {told}"))
}
