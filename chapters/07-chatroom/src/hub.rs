//! The hub: the one thread that knows who is in the room.
//!
//! It waits for its inbox and for nothing else. What a member must hear goes into that member's
//! outbox, where another thread waits, so no member can hold up another. (The field calls such a
//! thread an actor, and its inbox a mailbox.)

use crate::outbox::Outbox;
use common::{LocalTime, blocking};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender};
use std::{iter, mem};

/// How many bytes of lines the hub takes in one round. A round costs each member one batch and
/// its writer one `write`, however many lines there were: when many members talk, that is the
/// greatest saving of all. It is bounded because each member has a copy of it in memory.
const ROUND: usize = 64 * 1024;

/// Something that a member did; its reader tells the hub.
pub struct Event {
    /// Who did it, or who it wants to be.
    pub name: String,
    pub what: What,
}

/// What the member did.
pub enum What {
    /// It asks for the name and takes it, in one message. The reader waits for the answer.
    Join { outbox: Outbox, at: LocalTime, answer: Sender<bool> },
    /// It said a line, here without control characters.
    Line(String),
    /// It quit, closed or broke off, or we have hung up on it. This is its last event.
    Left { at: LocalTime },
}

/// Everyone who is here. Only the hub's thread ever sees this, so it needs no lock.
#[derive(Default)]
struct Room {
    /// By name, because a map holds each name once.
    people: BTreeMap<String, Person>,
    /// How much this round has been so far: the bytes said, and one for each event.
    round: usize,
}

/// One member, as the hub knows it.
struct Person {
    outbox: Outbox,
    /// What it must hear of this round.
    batch: Vec<u8>,
}

/// Takes the events that are there, then passes on what they gave, round after round. Returns
/// when no thread is left that could send an event.
pub fn run_hub(inbox: &Receiver<Event>) {
    let mut room = Room::default();
    // The one place where the hub waits, until a reader wakes it.
    while let Ok(first) = blocking("recv", || inbox.recv()) {
        for event in iter::once(first).chain(inbox.try_iter()) {
            room.take(event);
            if room.round >= ROUND {
                break;
            }
        }
        room.deliver();
    }
}

impl Room {
    fn take(&mut self, Event { name, what }: Event) {
        self.round += 1; // some events say nothing, and a round of them must end, too
        match what {
            What::Join { outbox, at, answer } => {
                let joined = self.join(&name, outbox, at);
                let _ = answer.send(joined); // never waits: the channel has no bound
            }
            What::Line(line) => self.broadcast(&format!("{name}: {line}\n"), Some(&name)),
            What::Left { at } => self.leave(&name, at),
        }
    }

    /// Asking and taking are one step, because no other thread can take a step in between: of
    /// two who want the same name at the same moment, one is first.
    fn join(&mut self, name: &str, outbox: Outbox, at: LocalTime) -> bool {
        if self.people.contains_key(name) {
            return false;
        }
        self.people.insert(name.to_string(), Person { outbox, batch: Vec::new() });
        self.announce(name, "joined", at);
        true
    }

    /// What was said before the member left is still its due. With the outbox the hub lets go
    /// of the writer, which ends when it has written what is in there.
    fn leave(&mut self, name: &str, at: LocalTime) {
        let Some(person) = self.people.remove(name) else { return };
        person.outbox.put(person.batch);
        self.announce(name, "left", at);
    }

    fn announce(&mut self, name: &str, what: &str, LocalTime { hour, minute, .. }: LocalTime) {
        let (time, count) = (format!("{hour:02}.{minute:02}"), self.people.len());
        let news = format!("Server: time={time} {name} has {what}. Member count={count}\n");
        self.broadcast(&news, None);
    }

    /// Lets every member hear a line, except the one who said it.
    fn broadcast(&mut self, line: &str, speaker: Option<&str>) {
        self.round += line.len();
        for (name, person) in &mut self.people {
            if Some(name.as_str()) != speaker {
                person.batch.extend_from_slice(line.as_bytes());
            }
        }
    }

    /// Ends the round: each member's batch goes into its outbox.
    fn deliver(&mut self) {
        self.round = 0;
        for person in self.people.values_mut().filter(|person| !person.batch.is_empty()) {
            person.outbox.put(mem::take(&mut person.batch));
        }
    }
}
