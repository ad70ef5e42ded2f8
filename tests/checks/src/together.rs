//! A submission's own client and its own server, in a conversation with each other. The grader is
//! between them and passes on what each says, so it can tell who waits for what.

use stage::{
    Log, Program, Role, Server, Stage,
    failure::{Diagnosis, Explain, Halt, Step, fail, quote},
    find, kernel, patience,
    peer::Peer,
    quiet,
};
use std::time::Instant;

pub const WAIT_FOR_EACH_OTHER: Diagnosis = Diagnosis {
    id: "wait-for-each-other",
    they: "have a client and a server that wait for each other",
    text: "one of your two programs sends no line end, and the other waits for one: each waits for the other. How a message ends is one decision, and both programs have to make the same one.",
};

/// The two programs.
pub(crate) struct Together {
    /// The client; its user types to it.
    pub client: Program,
    /// The server.
    pub server: Server,
    from_client: Side,
    from_server: Side,
    log: Log,
}

/// One of the two, seen from between them.
struct Side {
    peer: Peer,
    /// What it has said, each piece as it came.
    said: Vec<Vec<u8>>,
    /// Since when the other has not read what came before.
    waits: Option<Instant>,
    over: bool,
}

impl Side {
    fn new(peer: Peer) -> Side {
        Side { peer, said: Vec::new(), waits: None, over: false }
    }

    /// Passes on what has come, once the other has read what came before: each piece is a read of
    /// its own. True if something has come.
    fn pass_on(&mut self, to: &mut Peer) -> bool {
        if self.over {
            return false;
        }
        let came = self.peer.so_far().to_vec();
        if came.is_empty() {
            self.over = self.peer.expect_closed().is_ok();
            if self.over {
                to.half_close();
            }
            return self.over;
        }
        // Not yet; but one that leaves something unread is not waited for.
        if !to.is_read() && self.waits.get_or_insert_with(Instant::now).elapsed() < quiet() {
            return false;
        }
        self.waits = None;
        self.peer.ignore_so_far();
        let _ = to.send(&came); // it may have gone, which is seen elsewhere
        self.said.push(came);
        true
    }

    fn has_said(&self) -> String {
        match self.said.last() {
            Some(last) => format!("said {} last", quote(last)),
            None => "said nothing".to_string(),
        }
    }
}

impl Together {
    /// Starts the server in this role, and the client, whose user types `first` at once, and
    /// connects them.
    ///
    /// # Errors
    /// [`Halt::NotJudged`] where only one of them was handed in.
    pub fn begin(stage: &Stage, role: Role, first: &str) -> Step<Together> {
        if !stage.has(role) || !stage.has(Role::Client) {
            return Err(Halt::NotJudged(format!("only with a client and a {role} of its own")));
        }
        let server = stage.serve(role)?;
        let host = stage.host("127.0.0.1")?;
        let client = stage.client(&host)?;
        client.types(first);
        let from_client = client.connects_to(&host, "the server")?;
        let from_server = server.connect("the client")?;
        Ok(Together {
            client,
            server,
            from_client: Side::new(from_client),
            from_server: Side::new(from_server),
            log: stage.log.clone(),
        })
    }

    /// Passes on what they say until `seen`.
    ///
    /// # Errors
    /// A failure, `what` did not happen, with what each of them said last.
    pub fn until(&mut self, what: &str, mut seen: impl FnMut(&Together) -> bool) -> Step {
        for _ in 0..2 {
            if self.pass_until(&mut seen) {
                self.log.step(what);
                return Ok(());
            }
        }
        let got = format!(
            "the client {}, the server {}; {}; {}",
            self.from_client.has_said(),
            self.from_server.has_said(),
            self.client.state(),
            self.server.program.state(),
        );
        fail(what, got)
            .probe(&WAIT_FOR_EACH_OTHER, || self.answers_lines())
            .probe(&WAIT_FOR_EACH_OTHER, || self.ends_line("client", &mut seen))
            .probe(&WAIT_FOR_EACH_OTHER, || self.ends_line("server", &mut seen))
    }

    /// What the server has said so far.
    pub fn answers(&self) -> Vec<u8> {
        self.from_server.said.concat()
    }

    /// What the client has printed so far.
    pub fn printed(&self) -> Vec<u8> {
        self.client.process.heard().stdout.clone()
    }

    /// What one's user types is printed by the other, in both directions: of a chat.
    ///
    /// # Errors
    /// As [`Together::until`].
    pub fn chats(&mut self, from_client: &str, from_server: &str) -> Step {
        self.until(&format!("the server prints {}", quote(from_client.as_bytes())), |both| {
            let heard = both.server.program.process.heard();
            find(&heard.stdout, from_client.as_bytes()).is_some()
        })?;
        self.server.program.types(from_server);
        self.until(&format!("the client prints {}", quote(from_server.as_bytes())), |both| {
            find(&both.printed(), from_server.as_bytes()).is_some()
        })
    }

    /// Passes on what they say until the client has said something more.
    ///
    /// # Errors
    /// As [`Together::until`].
    pub fn until_client_speaks(&mut self) -> Step {
        let before = self.from_client.said.len();
        if self.pass_until(|both| both.from_client.said.len() > before) {
            return Ok(());
        }
        fail("the client says something to its server", self.client.state())
    }

    /// Each piece that is passed on gives them new time.
    fn pass_until(&mut self, mut seen: impl FnMut(&Together) -> bool) -> bool {
        const PIECES: usize = 20;
        for _ in 0..PIECES {
            let pieces =
                |both: &Together| both.from_client.said.len() + both.from_server.said.len();
            let before = pieces(self);
            let is_seen = kernel::look_until(self.log.deadline(patience()), || {
                // What is said in answer is passed on at the same look: looks may be rare.
                let says = |both: &mut Together| {
                    both.from_client.pass_on(&mut both.from_server.peer)
                        | both.from_server.pass_on(&mut both.from_client.peer)
                };
                let _ = (0..8).all(|_| says(self));
                seen(self)
            });
            if is_seen || pieces(self) == before {
                return is_seen;
            }
        }
        false
    }

    /// The client's messages have no line end, and the server says more when they have one.
    fn answers_lines(&mut self) -> Option<String> {
        let said = &self.from_client.said;
        if said.is_empty() || said.iter().any(|piece| piece.ends_with(b"\n")) {
            return None;
        }
        let before = self.from_server.said.concat().len();
        let says_more = |end: &[u8]| -> Option<bool> {
            let mut peer = self.server.connect("another client").ok()?;
            for piece in said {
                peer.send([piece.as_slice(), end].concat()).ok()?;
                peer.settle();
            }
            Some(peer.take(before + 1).len() > before)
        };
        let more = !says_more(b"")? && says_more(b"\n")?;
        more.then(|| {
            "with a line end behind each of the client's messages, the server answers".into()
        })
    }

    /// One's messages have no line end, and what is waited for is seen when its last one has.
    fn ends_line(
        &mut self,
        whose: &str,
        seen: &mut impl FnMut(&Together) -> bool,
    ) -> Option<String> {
        let (from, to) = match whose {
            "client" => (&self.from_client, &mut self.from_server.peer),
            _ => (&self.from_server, &mut self.from_client.peer),
        };
        if from.said.last()?.ends_with(b"\n") {
            return None;
        }
        to.send("\n").ok()?;
        let seen = self.pass_until(seen);
        seen.then(|| format!("with a line end behind the {whose}'s message, it was seen"))
    }
}
