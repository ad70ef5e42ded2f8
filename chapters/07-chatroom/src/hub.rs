//! The hub: the one thread that knows who is in the room.
//!
//! It waits for its inbox and for nothing else, so no member can hold up another. (The field
//! calls such a thread an actor, and its inbox a mailbox.)

use crate::outbox::Outbox;
use common::{LocalTime, blocking};
use std::collections::BTreeMap;
use std::mem;
use std::sync::mpsc::{Receiver, Sender};

/// How many bytes of lines the hub takes before it delivers them. Each member has a copy of them
/// in memory until then.
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
    /// How much was said since the last delivery: its bytes, and one for each event.
    said: usize,
}

/// One member, as the hub knows it.
struct Person {
    outbox: Outbox,
    /// What was said since then, for it to hear.
    batch: Vec<u8>,
}

/// Round after round. Returns only if no thread is left that could send an event.
pub fn run_hub(inbox: &Receiver<Event>) {
    let mut room = Room::default();
    // The one place where the hub waits, until a reader wakes it.
    while let Ok(event) = blocking("recv", || inbox.recv()) {
        room.take(event);
        room.take_more(inbox);
        room.deliver();
    }
}

impl Room {
    fn take(&mut self, event: Event) {
        self.said += 1; // so that a round ends even if its events say nothing
        let name = event.name;
        match event.what {
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

    /// The member still gets what was said before it left. Dropping the outbox ends the writer.
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
        self.said += line.len();
        for (name, person) in &mut self.people {
            if Some(name.as_str()) != speaker {
                person.batch.extend_from_slice(line.as_bytes());
            }
        }
    }

    /// Puts each member's batch into its outbox, which never waits.
    fn deliver(&mut self) {
        for person in self.people.values_mut().filter(|person| !person.batch.is_empty()) {
            person.outbox.put(mem::take(&mut person.batch));
        }
        self.said = 0;
    }

    /// Takes the other events that are there by now, too. A delivery costs each member one
    /// `write`, however many lines there are, and when many members talk, that is the greatest
    /// saving of all.
    fn take_more(&mut self, inbox: &Receiver<Event>) {
        for event in inbox.try_iter() {
            self.take(event);
            if self.said >= ROUND {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::{TcpListener, TcpStream};
    use std::{sync::Arc, sync::mpsc, time::Duration};

    const AT: LocalTime =
        LocalTime { year: 2026, month: 1, day: 2, hour: 9, minute: 5, second: 1 };

    /// A client, and an outbox from which it hears.
    fn connect() -> (BufReader<TcpStream>, Outbox) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        (BufReader::new(client), Outbox::open(&Arc::new(stream), peer).unwrap())
    }

    fn event(name: &str, what: What) -> Event {
        Event { name: name.to_string(), what }
    }

    /// A round of one event.
    fn take(room: &mut Room, name: &str, what: What) {
        room.take(event(name, what));
        room.deliver();
    }

    /// The answer of the hub to one who asks for a name.
    fn join(room: &mut Room, name: &str, outbox: &Outbox) -> bool {
        let (answer, joined) = mpsc::channel();
        take(room, name, What::Join { outbox: outbox.clone(), at: AT, answer });
        joined.recv().unwrap()
    }

    fn says(room: &mut Room, name: &str, line: &str) {
        take(room, name, What::Line(line.to_string()));
    }

    /// The next lines that a client hears.
    fn heard<const N: usize>(client: &mut BufReader<TcpStream>) -> [String; N] {
        [(); N].map(|()| {
            let mut line = String::new();
            client.read_line(&mut line).unwrap();
            line.trim_end().to_string()
        })
    }

    #[test]
    fn a_name_belongs_to_the_first_who_asks_until_it_leaves() {
        let mut room = Room::default();
        let ((mut one, out1), (mut two, out2)) = (connect(), connect());
        assert!(join(&mut room, "Batman", &out1));
        assert!(!join(&mut room, "Batman", &out2));
        take(&mut room, "Batman", What::Left { at: AT });
        assert!(join(&mut room, "Batman", &out2));
        let joined = "Server: time=09.05 Batman has joined. Member count=1";
        assert_eq!(heard(&mut two), [joined]);
        drop(out1); // as its reader does at the end; the hub has done so
        assert_eq!(heard(&mut one), [joined, ""]); // and hung up
    }

    #[test]
    fn a_line_goes_to_all_members_but_its_speaker() {
        let mut room = Room::default();
        let ((mut one, out1), (mut two, out2)) = (connect(), connect());
        assert!(join(&mut room, "Batman", &out1) && join(&mut room, "Robin", &out2));
        says(&mut room, "Batman", "hi");
        says(&mut room, "Robin", "ho");
        take(&mut room, "Robin", What::Left { at: AT });
        let news = |news: &str| format!("Server: time=09.05 {news}");
        let of_robin = news("Robin has joined. Member count=2");
        let end = news("Robin has left. Member count=1");
        let first = news("Batman has joined. Member count=1");
        assert_eq!(heard(&mut one), [&*first, &*of_robin, "Robin: ho", &*end]);
        assert_eq!(heard(&mut two), [&*of_robin, "Batman: hi"]);
    }

    #[test]
    fn a_round_takes_what_is_there_within_its_bound() {
        let (mut room, (hub, inbox)) = (Room::default(), mpsc::channel());
        let (mut one, out1) = connect();
        assert!(join(&mut room, "Batman", &out1));
        let line = "x".repeat(1000);
        for _ in 0..10 * ROUND / 1000 {
            hub.send(event("Robin", What::Line(line.clone()))).unwrap();
        }
        drop(hub);
        let mut rounds = 0;
        while let Ok(first) = inbox.recv() {
            room.take(first);
            room.take_more(&inbox);
            rounds += 1;
            assert!(room.said < ROUND + 2 * line.len());
            room.deliver();
        }
        assert_eq!(rounds, 11); // ten that are full, and the rest
        let [_, second] = heard(&mut one);
        assert_eq!(second, format!("Robin: {line}"));
    }
}
