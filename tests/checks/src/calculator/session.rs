//! The clients of a server, played by the grader: each speaks as the server does, with line ends or
//! one message at a time, and takes no greeting for a reply.

use super::{number::is_in, *};
use stage::speech::{MessageEnd, Speech};

/// How long a greeting, or the second line of a reply, is waited for where it may not come.
const A_MOMENT: Duration = Duration::from_millis(500);

/// A client of the server.
pub(super) struct Client {
    pub peer: Peer,
    pub way: Speech,
    outside: bool,
}

impl Client {
    /// Connects, and says nothing.
    pub fn connect(stage: &Stage, server: &Server, name: &str) -> Step<Client> {
        let (peer, way) = (server.connect(name)?, stage.speech(Role::Server));
        Ok(Client { peer, way, outside: stage.is_outside() })
    }

    /// Connects, and says its name: a message of its own, read before the next one.
    pub fn join(stage: &Stage, server: &Server, name: &str) -> Step<Client> {
        let mut client = Client::connect(stage, server, name)?;
        if client.way.greets {
            client.peer.expect_anything("what others were told first")?;
        }
        client.says_name(server, name)?;
        if client.way.answers_name {
            client
                .peer
                .expect_anything("what others were told when they had said their name")?;
        }
        Ok(client)
    }

    /// As [`Client::join`], of a server that may not look after this client yet.
    pub fn early(stage: &Stage, server: &Server, name: &str) -> Step<Client> {
        let mut client = Client::connect(stage, server, name)?;
        let (greets, answers) = (client.way.greets, client.way.answers_name);
        if greets {
            client.hears_more(A_MOMENT);
        }
        client.says_name(server, name)?;
        if answers {
            client.hears_more(A_MOMENT);
        }
        Ok(client)
    }

    fn says_name(&mut self, server: &Server, name: &str) -> Step {
        self.says(name)?;
        // A thread has to start first. A client whom nobody accepts is not waited for so long.
        let waits = || kernel::queued(server.port).is_some_and(|waiting| waiting > 0);
        (1..=8).any(|look| self.peer.settle() || (look >= 3 && waits()));
        Ok(())
    }

    /// Sends a message, whole.
    pub fn says(&mut self, text: &str) -> Step {
        self.peer.send(self.message(text))
    }

    /// A message as the server wants it.
    pub fn message(&self, text: &str) -> String {
        match self.way.ends {
            MessageEnd::Line => format!("{text}\n"),
            MessageEnd::Pause => text.to_string(),
        }
    }

    /// Sends a request, and returns the first message that comes back.
    pub fn asks(&mut self, request: &str) -> Step<Message> {
        if self.outside {
            self.peer.ignore_so_far(); // a prompt, say: nothing was asked yet
        }
        self.says(request)?;
        self.peer.expect_message(&format!("the reply to {request}"))
    }

    /// Sends a request, and expects this number.
    pub fn gives(&mut self, request: &str, expected: f64) -> Step<Message> {
        let reply = self.asks(request)?;
        self.is_number(reply, request, expected)
    }

    /// Expects that the number is in a reply; a program from outside may take two lines for it.
    pub fn is_number(
        &mut self,
        mut reply: Message,
        request: &str,
        expected: f64,
    ) -> Step<Message> {
        while !is_in(&reply.text, request, expected) {
            let more = if self.outside { self.hears_line(A_MOMENT) } else { None };
            let Some(more) = more else {
                return fail(format!("{expected}, as a number"), shown(&reply));
            };
            reply.is_line = more.ends_with('\n');
            reply.text += &format!("\n{}", more.trim_end());
        }
        Ok(reply)
    }

    /// Sends a request, and expects a reply that is no number.
    pub fn gives_error(&mut self, request: &str) -> Step {
        let reply = self.asks(request)?;
        match number::claimed(&reply.text, request) {
            Some(_) => fail(format!("an error as the reply to {request}"), shown(&reply)),
            None => Ok(()),
        }
    }

    /// A line that comes within this time, or what comes without a line end.
    fn hears_line(&mut self, within: Duration) -> Option<String> {
        let line = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        match self.peer.expect_seen(within, "a line", line) {
            Ok(line) => Some(String::from_utf8_lossy(&line).into_owned()),
            Err(_) => self.hears_more(Duration::ZERO),
        }
    }

    /// What comes within this time, if anything does.
    pub fn hears_more(&mut self, within: Duration) -> Option<String> {
        let all = |bytes: &[u8]| (!bytes.is_empty()).then_some(bytes.len());
        let more = self.peer.expect_seen(within, "more", all).ok()?;
        Some(String::from_utf8_lossy(&more).into_owned())
    }
}

pub(super) fn shown(reply: &Message) -> String {
    quote(reply.text.as_bytes())
}

/// A server, and a client in a session.
pub(super) fn session(stage: &Stage) -> Step<(Server, Client)> {
    let server = stage.serve(Role::Server)?;
    let client = Client::join(stage, &server, "Ada")?;
    Ok((server, client))
}

/// A sum of two numbers that nobody can guess, and its result.
pub(super) fn sum(stage: &Stage) -> (String, f64) {
    let small = || u32::from(stage.bytes(1)[0]) + 10;
    let (a, b) = (small() * 1000, small());
    (format!("{a} + {b}"), f64::from(a + b))
}

/// A client of its own asks this, once, and gets this number.
pub(super) fn calculates(
    stage: &Stage,
    server: &Server,
    request: &str,
    result: f64,
) -> Step<Message> {
    Client::join(stage, server, "Eve")?.gives(request, result)
}

/// True if a new client is served by this server.
pub(super) fn serves(stage: &Stage, server: &Server) -> bool {
    let (request, result) = sum(stage);
    calculates(stage, server, &request, result).is_ok()
}

/// Stops a check that can only be tried with a program that is told lines, and answers in lines. A
/// diff or a crate speaks as our contract does, and is not excused.
pub(super) fn speaks_in_lines(stage: &Stage, role: Role, answers_in_lines: bool) -> Step {
    let lines = stage.speech(role).ends == MessageEnd::Line && answers_in_lines;
    if lines || !stage.is_outside() {
        return Ok(());
    }
    Err(Halt::NotJudged("its messages have no line end, and are judged whole".to_string()))
}

/// Finds out how a calculator's server or its client speaks.
pub(super) fn learn(stage: &Stage, role: Role) -> Step<Speech> {
    match role {
        Role::Server => learn_server(stage),
        _ => learn_client(stage),
    }
}

fn learn_server(stage: &Stage) -> Step<Speech> {
    let server = stage.serve(Role::Server)?;
    let mut ada = Client::connect(stage, &server, "Ada")?;
    let greeting = ada.hears_more(quiet()).unwrap_or_default().to_ascii_lowercase();
    ada.way.greets = !greeting.is_empty();
    ada.way.asks_name = ["name", "who"].iter().any(|word| greeting.contains(word));
    // Without a line end: who answers this takes what one read returns for a message.
    ada.way.ends = MessageEnd::Pause;
    ada.says_name(&server, "Ada")?;
    ada.way.answers_name = ada.hears_more(quiet()).is_some();
    ada.peer.ignore_so_far();
    ada.says(&sum(stage).0)?;
    match ada.hears_more(A_MOMENT) {
        // Who ends its own messages with a line end says that they are lines.
        Some(reply) if reply.contains('\n') => ada.way.ends = MessageEnd::Line,
        Some(_) => {}
        // It waits for the line's end: this was its first line.
        None => {
            ada.way.ends = MessageEnd::Line;
            ada.peer.send("\n")?;
            ada.way.answers_name = ada.hears_more(A_MOMENT).is_some();
        }
    }
    Ok(ada.way)
}

/// What the grader's server says before it is told a name, and behind it, to a client that waits
/// for such words.
pub(super) const QUESTION: &str = "Hello, who are you?\n";
pub(super) const GREETING: &str = "Hello, you can ask now.\n";

fn learn_client(stage: &Stage) -> Step<Speech> {
    let mut way = Speech::default();
    let (mut client, mut server) = stage.client_told("Ada", "the server")?;
    let name = server.expect_message("the name").or_else(|_| {
        way.awaits_greeting = true;
        server.send(QUESTION)?;
        server.expect_message("the name")
    });
    let Ok(name) = name else { return Ok(Speech::default()) };
    way.ends = if name.is_line { MessageEnd::Line } else { MessageEnd::Pause };
    client.types(&sum(stage).0);
    if server.expect_message("the request").is_err() {
        server.send(GREETING)?;
        way.awaits_answer = server.expect_message("the request").is_ok();
    }
    if way.ends == MessageEnd::Pause {
        way.wants_lines = reads_lines(&mut client, &mut server, &sum(stage).1.to_string())?;
    }
    Ok(way)
}
