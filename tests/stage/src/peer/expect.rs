//! What a peer expects, and how it tells what it got instead.

use super::*;

impl Peer {
    /// Expects exactly these bytes next.
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        let bytes = bytes.as_ref();
        let begun = Instant::now();
        let input = self.fill_until(|got| got.len() >= bytes.len() || !bytes.starts_with(got));
        if self.unread.starts_with(bytes) {
            self.unread.drain(..bytes.len());
            self.step(format_args!("gets {}", quote(bytes)));
            return Ok(());
        }
        if self.unread.is_empty() {
            return self.lacks(&quote(bytes), &input, begun);
        }
        let (expected, mut got) = difference(bytes, &self.unread);
        if !matches!(input, Input::Bytes) {
            got += &format!("\nthen {}", self.ending(&input, begun));
        }
        fail(format!("{} gets {expected}", self.name), got)
    }

    /// Expects `length` bytes, and returns them.
    ///
    /// # Errors
    /// A failure when fewer come; they stay where they are, for [`Peer::so_far`].
    pub fn expect_bytes(&mut self, length: usize, what: &str) -> Step<Vec<u8>> {
        let begun = Instant::now();
        let input = self.fill_until(|got| got.len() >= length);
        if self.unread.len() >= length {
            let bytes = self.take_front(length);
            self.step(format_args!("gets {}", quote(&bytes)));
            return Ok(bytes);
        }
        self.lacks(&format!("{what}, {length} bytes"), &input, begun)
    }

    /// Expects anything at all, and returns what has come.
    pub fn expect_anything(&mut self, what: &str) -> Step<Vec<u8>> {
        let begun = Instant::now();
        let input = self.fill_until(|got| !got.is_empty());
        if self.unread.is_empty() {
            return self.lacks(what, &input, begun);
        }
        let got = std::mem::take(&mut self.unread);
        self.step(format_args!("gets {}", quote(&got)));
        Ok(got)
    }

    /// Expects these bytes, and returns what came before them.
    pub fn expect_among(&mut self, bytes: impl AsRef<[u8]>) -> Step<Vec<u8>> {
        let (bytes, begun) = (bytes.as_ref(), Instant::now());
        match self.fill_until_found(bytes) {
            Ok(at) => {
                self.step(format_args!("gets {}", quote(bytes)));
                let mut before = self.take_front(at + bytes.len());
                before.truncate(at);
                Ok(before)
            }
            Err(input) => self.lacks(&quote(bytes), &input, begun),
        }
    }

    /// Expects a line, and returns it without its `\n`.
    pub fn expect_line(&mut self, what: &str) -> Step<String> {
        let line = self.expect_line_quietly(what)?;
        self.step(format_args!("gets {}", quote(format!("{line}\n").as_bytes())));
        Ok(line)
    }

    /// As [`Peer::expect_line`], where there is too much for the log.
    pub fn expect_line_quietly(&mut self, what: &str) -> Step<String> {
        let begun = Instant::now();
        match self.fill_until_found(b"\n") {
            Ok(end) => {
                let line = self.take_front(end + 1);
                Ok(String::from_utf8_lossy(&line[..end]).into_owned())
            }
            Err(input) => self.lacks(&format!("{what}, a line"), &input, begun),
        }
    }

    /// Expects a message from a program that may end its messages with `\n` or not: a line, or
    /// what has come when nothing more comes for a moment.
    pub fn expect_message(&mut self, what: &str) -> Step<Message> {
        let begun = Instant::now();
        let input = self.fill_until(|got| !got.is_empty());
        if self.unread.is_empty() {
            return self.lacks(what, &input, begun);
        }
        self.fill_until_or_quiet(|got| got.contains(&b'\n'));
        let end = self.unread.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.unread.len(), |end| end + 1);
        let message: Vec<u8> = self.unread.drain(..length).collect();
        self.step(format_args!("gets {}", quote(&message)));
        let text = String::from_utf8_lossy(&message).trim_end().to_string();
        Ok(Message { text, is_line: end.is_some() })
    }

    /// Expects what `seen` finds the end of, within `time` altogether, however much else comes
    /// meanwhile, and returns all up to there. It is not noted in the log.
    pub fn expect_seen(
        &mut self,
        time: Duration,
        what: &str,
        mut seen: impl FnMut(&[u8]) -> Option<usize>,
    ) -> Step<Vec<u8>> {
        let (begun, mut deadline) = (Instant::now(), self.log.deadline(time));
        let input = loop {
            if let Some(end) = seen(&self.unread) {
                return Ok(self.take_front(end));
            }
            match self.fill(&mut deadline) {
                Input::Bytes if deadline.is_over() => break Input::Nothing,
                Input::Bytes => {}
                other => break other,
            }
        };
        self.lacks(what, &input, begun)
    }

    /// How many bytes the two kernels hold for this end, which does not read them. `None`: the
    /// program has no such connection (any more).
    pub fn held(&self) -> Option<u64> {
        let (ours, theirs) = (self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?);
        kernel::held(theirs.port(), ours.port())
    }

    /// A failure that says what came instead of what was expected.
    fn lacks<T>(&self, what: &str, input: &Input, begun: Instant) -> Step<T> {
        let (saw, got) = match self.unread.as_slice() {
            [] => (input.saw(), "nothing".to_string()),
            unread => (Saw::Something, quote(unread)),
        };
        let expected = format!("{} gets {what}", self.name);
        fail_having(saw, expected, format!("{got}: {}", self.ending(input, begun)))
    }

    fn ending(&self, input: &Input, begun: Instant) -> String {
        let time = begun.elapsed().as_secs_f64();
        let (what, more) = match input {
            Input::Closed => ("the program closed the connection after", self.last_words()),
            Input::Reset => ("the program reset the connection after", self.last_words()),
            Input::Bytes | Input::Nothing => ("nothing more within", self.whereabouts()),
        };
        format!("{what} {time:.1} s{more}")
    }

    /// Where the program at the other end is instead.
    fn whereabouts(&self) -> String {
        let Some(program) = &self.program else { return String::new() };
        let heard = program.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, over) = (heard.first(), heard.exit().is_some());
        drop(heard);
        let whereabouts = if over { None } else { whereabouts::of(first) };
        whereabouts.map_or_else(String::new, |clause| format!("; {clause}"))
    }

    fn last_words(&self) -> String {
        let Some(program) = &self.program else { return String::new() };
        let heard = program.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.last_words().map_or_else(String::new, |line| {
            format!("; last on its stderr {}", quote_complaint(&line))
        })
    }

    /// Expects that nothing comes for a moment, and that the connection stays open.
    pub fn expect_silence(&mut self, why: &str) -> Step {
        if self.unread.is_empty() {
            match self.fill(&mut self.log.deadline(quiet())) {
                Input::Nothing => {
                    self.step(format_args!("hears nothing: {why}"));
                    return Ok(());
                }
                Input::Bytes => {}
                Input::Closed | Input::Reset => {
                    return fail_having(
                        Saw::Closed,
                        format!("{} hears nothing: {why}", self.name),
                        "the program closed the connection",
                    );
                }
            }
        }
        fail(format!("{} hears nothing: {why}", self.name), quote(&self.unread))
    }

    /// As [`Peer::expect_silence`], but the connection may be closed.
    pub fn expect_no_bytes(&mut self, why: &str) -> Step {
        if self.unread.is_empty() {
            self.fill(&mut self.log.deadline(quiet()));
        }
        if self.unread.is_empty() {
            self.step(format_args!("gets no more bytes: {why}"));
            return Ok(());
        }
        fail(format!("{} gets no more bytes: {why}", self.name), quote(&self.unread))
    }

    /// Takes the end of a line that was expected without it: `\n`, `\r\n` or nothing. True if
    /// there was one.
    pub fn skip_line_end(&mut self) -> bool {
        self.fill_until_or_quiet(|unread| unread.contains(&b'\n'));
        let end = self.unread.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.unread.drain(..end);
        end > 0
    }

    fn fill_until_or_quiet(&mut self, mut enough: impl FnMut(&[u8]) -> bool) {
        let mut deadline = self.log.deadline(quiet());
        while !enough(&self.unread)
            && matches!(self.fill(&mut deadline), Input::Bytes)
            && !deadline.is_over()
        {}
    }

    /// All that comes until the program closes or patience ends.
    pub fn take_until_close(&mut self) -> Vec<u8> {
        self.fill_until(|_| false);
        std::mem::take(&mut self.unread)
    }

    /// Expects the end of the program's sending side, with nothing before it.
    pub fn expect_close(&mut self) -> Step {
        let input = self.fill_until(|unread| !unread.is_empty());
        self.is_close(&input)
    }

    /// As [`Peer::expect_close`], where patience has been had already: what came before has been
    /// taken until the close.
    pub fn expect_closed(&mut self) -> Step {
        let input = self.fill(&mut Duration::ZERO.into());
        self.is_close(&input)
    }

    fn is_close(&self, input: &Input) -> Step {
        let expected = format!("the program closes its connection to {}", self.name);
        if !self.unread.is_empty() {
            return fail(expected, format!("more bytes: {}", quote(&self.unread)));
        }
        if !matches!(input, Input::Closed | Input::Reset) {
            let got = format!("it is still open after {:?}", patience());
            return fail_having(Saw::Nothing, expected, got);
        }
        self.step("sees the connection closed");
        Ok(())
    }

    /// Expects that the connection is still open, whatever has come on it.
    pub fn expect_no_close(&mut self) -> Step {
        self.so_far();
        match self.fill(&mut Duration::ZERO.into()) {
            Input::Closed | Input::Reset => fail_having(
                Saw::Closed,
                format!("the connection to {} stays open", self.name),
                "the program closed it",
            ),
            Input::Bytes | Input::Nothing => Ok(()),
        }
    }
}
