//! The hub: the one thread that knows who is there, and the only one that writes to members.
//! (The field calls it an actor, and its inbox a bounded mailbox.)
//!
//! It waits for the next event, and for nobody else, so no member can hold up another. (Once a
//! minute, when somebody comes or goes, it also waits for the system's `date` to tell the time
//! zone.)

use crate::socket::Socket;
use common::{LocalTime, blocking, note};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

/// How many bytes of lines make a batch. Each member gets one `write` for a whole batch: with
/// many members who say much that is the greatest saving of all. A batch is bounded because
/// every member's copy of it is in memory before the first one is written.
const BATCH: usize = 64 * 1024;

/// How many bytes may wait for a member who does not read, beside what the kernel holds for
/// it. Past this it is dropped.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// How soon a member who could not take everything is offered the rest again. std cannot say
/// when a socket has room (that is what `poll` and `epoll` are for), so the hub has to ask.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// The longest login name, in characters.
const MAX_NAME: usize = 32;

/// Which connection: counted from 0, and never used twice.
pub type Id = u64;

/// Something that happened on a connection.
pub struct Event {
    pub from: Id,
    pub what: What,
}

/// What happened.
pub enum What {
    Connected(Arc<Socket>),
    /// A whole line, without control characters.
    Line(String),
    /// A line over the limit, which nobody will see.
    TooLong,
    /// The last event of a connection: it quit, closed or broke.
    Gone,
}

/// Takes events for ever: whatever is there already, then the writing, once for each member.
pub fn run(inbox: &Receiver<Event>) {
    let mut room = Room::default();
    loop {
        // The one place where the hub waits. A reader wakes it.
        let patience = if room.somebody_waits() { ASK_AGAIN } else { Duration::MAX };
        let first = match blocking("recv", || inbox.recv_timeout(patience)) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for event in first.into_iter().chain(inbox.try_iter()) {
            room.take(event);
            if room.batch >= BATCH {
                break;
            }
        }
        room.deliver();
    }
}

/// Everybody who is connected. Nobody but the hub's thread ever sees it.
#[derive(Default)]
struct Room {
    people: BTreeMap<Id, Person>,
    /// How much has been done since the last delivery: the bytes said, and one for each event.
    batch: usize,
}

/// One connection. With a name it is a member, without one it is still at the door.
struct Person {
    name: Option<String>,
    socket: Arc<Socket>,
    /// What it shall hear, and has not been taken by its kernel yet.
    waiting: VecDeque<u8>,
}

impl Room {
    fn take(&mut self, Event { from, what }: Event) {
        self.batch += 1; // not every event says something, and this must not go on for ever
        match what {
            What::Connected(socket) => {
                let person = Person { name: None, socket, waiting: VecDeque::new() };
                self.people.insert(from, person);
            }
            What::Line(line) => self.hear(from, line),
            What::TooLong => self.answer(from, "error: line too long"),
            What::Gone => self.leave(from),
        }
    }

    fn hear(&mut self, from: Id, line: String) {
        // Somebody who was dropped may have lines in the inbox still.
        let Some(person) = self.people.get(&from) else { return };
        match &person.name {
            None => self.login(from, line),
            Some(_) if line.is_empty() => {}
            Some(name) => self.say(&format!("{name}: {line}\n"), Some(from)),
        }
    }

    /// Asking and joining are one step, because nobody else can take a step in between: of two
    /// who want the same name at the same time, one is first.
    fn login(&mut self, id: Id, name: String) {
        if !is_allowed(&name) {
            let rule = "a name has 1 to 32 characters, no space at its ends, no colon";
            self.answer(id, &format!("{rule}, and is not Server: try another"));
        } else if self.people.values().any(|person| person.name.as_ref() == Some(&name)) {
            self.answer(id, "this name is in use: try another");
        } else if let Some(person) = self.people.get_mut(&id) {
            person.name = Some(name.clone());
            self.announce(&name, "joined");
        }
    }

    fn leave(&mut self, id: Id) {
        let Some(mut person) = self.people.remove(&id) else { return };
        person.send(); // what was said before it left is still its due
        person.socket.hang_up();
        if let Some(name) = person.name {
            self.announce(&name, "left");
        }
    }

    fn announce(&mut self, name: &str, what: &str) {
        let LocalTime { hour, minute, .. } = LocalTime::now();
        let count = self.people.values().filter(|person| person.name.is_some()).count();
        let time = format!("{hour:02}.{minute:02}");
        self.say(
            &format!("Server: time={time} {name} has {what}. Member count={count}\n"),
            None,
        );
    }

    /// Lets every member hear a line, but for the one who said it.
    fn say(&mut self, line: &str, speaker: Option<Id>) {
        self.batch += line.len();
        for (id, person) in &mut self.people {
            if person.name.is_some() && Some(*id) != speaker {
                person.waiting.extend(line.as_bytes());
            }
        }
    }

    /// Tells one person something that nobody else hears.
    fn answer(&mut self, id: Id, text: &str) {
        if let Some(person) = self.people.get_mut(&id) {
            let line = format!("Server: {text}\n");
            self.batch += line.len();
            person.waiting.extend(line.as_bytes());
        }
    }

    /// Offers everybody what waits for them, and drops those for whom too much waits. That is
    /// news for the others, who are then offered it in turn.
    fn deliver(&mut self) {
        self.batch = 0;
        loop {
            self.people.values_mut().for_each(Person::send);
            let over = |person: &Person| person.waiting.len() > MAX_WAITING;
            let Some((&id, person)) = self.people.iter().find(|(_, person)| over(person))
            else {
                return;
            };
            let name = person.name.as_deref().unwrap_or("somebody without a name");
            note(format_args!("{name} is dropped: does not read, and too much is waiting"));
            self.leave(id);
        }
    }

    fn somebody_waits(&self) -> bool {
        self.people.values().any(|person| !person.waiting.is_empty())
    }
}

impl Person {
    /// Hands over what its kernel takes now; the rest waits here.
    fn send(&mut self) {
        while !self.waiting.is_empty() {
            match self.socket.write_now(self.waiting.as_slices().0) {
                Ok(0) => return,
                Ok(taken) => drop(self.waiting.drain(..taken)),
                // It has gone. Its reader finds that out too, and tells us in its turn, behind
                // what the member said last.
                Err(_) => self.waiting.clear(),
            }
        }
        self.waiting.shrink_to(4 * BATCH); // whoever has caught up needs no great queue
    }
}

fn is_allowed(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count())
        && name.trim() == name
        && !name.contains(':')
        && !name.contains(is_unseen)
        && name != "Server"
}

/// Characters that take no place on a screen, or turn the direction of writing: with one of
/// them a second Batman looks like the first.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        net::{TcpListener, TcpStream},
    };

    /// A connection: the hub's end goes into the room, the other end is returned.
    fn connect(room: &mut Room, id: Id) -> BufReader<TcpStream> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let socket = Arc::new(Socket::new(listener.accept().unwrap().0));
        room.take(Event { from: id, what: What::Connected(socket) });
        BufReader::new(client)
    }

    fn say(room: &mut Room, from: Id, line: &str) {
        room.take(Event { from, what: What::Line(line.to_string()) });
        room.deliver();
    }

    /// What a client hears next, but for the time.
    fn heard(client: &mut BufReader<TcpStream>) -> String {
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        match line.trim_end().split_once(' ') {
            Some(("Server:", news)) if news.starts_with("time=") => news[11..].to_string(),
            _ => line.trim_end().to_string(),
        }
    }

    #[test]
    fn a_name_is_short_and_cannot_pass_for_another_line() {
        let long = "x".repeat(MAX_NAME);
        for name in ["Batman", "b", "J. Doe", "server", "Zoë", &long, &"é".repeat(MAX_NAME)] {
            assert!(is_allowed(name), "{name:?}");
        }
        let longer = long + "x";
        let unseen = "Bat\u{200b}man";
        for name in ["", " ", " a", "a ", "a\u{a0}", "a:b", "Server", unseen, &longer] {
            assert!(!is_allowed(name), "{name:?}");
        }
    }

    #[test]
    fn a_name_belongs_to_the_first_who_asks_until_it_leaves() {
        let mut room = Room::default();
        let [mut one, mut two] = [1, 2].map(|id| connect(&mut room, id));
        say(&mut room, 1, "Batman");
        say(&mut room, 2, "Batman");
        assert_eq!(heard(&mut one), "Batman has joined. Member count=1");
        assert_eq!(heard(&mut two), "Server: this name is in use: try another");
        room.take(Event { from: 1, what: What::Gone });
        say(&mut room, 2, "Batman");
        assert_eq!(heard(&mut two), "Batman has joined. Member count=1");
        assert_eq!(heard(&mut one), ""); // the end
    }

    #[test]
    fn a_line_goes_to_all_members_but_its_speaker() {
        let mut room = Room::default();
        let [mut one, mut two, _at_the_door] = [1, 2, 3].map(|id| connect(&mut room, id));
        say(&mut room, 1, "Batman");
        say(&mut room, 2, "Robin");
        say(&mut room, 1, "hi");
        say(&mut room, 1, "");
        say(&mut room, 2, "ho");
        let mut next = |_| heard(&mut one);
        assert_eq!(
            [1, 2, 3].map(&mut next),
            [
                "Batman has joined. Member count=1",
                "Robin has joined. Member count=2",
                "Robin: ho"
            ]
        );
        let mut next = |_| heard(&mut two);
        assert_eq!([1, 2].map(&mut next), ["Robin has joined. Member count=2", "Batman: hi"]);
    }

    #[test]
    fn who_does_not_read_is_waited_for_within_bounds_and_then_dropped() {
        let mut room = Room::default();
        let [mut reading, _stalled, _talker] = [1, 2, 3].map(|id| connect(&mut room, id));
        for (id, name) in [(1, "reading"), (2, "stalled"), (3, "talker")] {
            say(&mut room, id, name);
            heard(&mut reading);
        }
        let line = "x".repeat(4000);
        let mut most = 0;
        while let Some(stalled) = room.people.get(&2) {
            most = most.max(stalled.waiting.len());
            say(&mut room, 3, &line);
            assert_eq!(heard(&mut reading), format!("talker: {line}"));
        }
        assert_eq!(heard(&mut reading), "stalled has left. Member count=2");
        assert!((MAX_WAITING - 2 * line.len()..=MAX_WAITING).contains(&most), "{most}");
    }
}
