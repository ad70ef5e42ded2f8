//! A running program of the subject: its user types, it prints, complains, ends, rests.

use crate::{
    HIDDEN_MODULE, Log,
    failure::{
        Explain, Halt, Saw, Step, difference, fail, fail_having, quote, quote_complaint,
    },
    find,
    host::Host,
    kernel, patience,
    peer::Peer,
    process::{Heard, Process},
    quiet, whereabouts,
};
use std::{
    fs,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

/// A running program of the subject.
#[derive(Debug)]
pub struct Program {
    pub(crate) name: &'static str,
    /// The process, for what has no step of its own here.
    pub process: Process,
    pub(crate) log: Log,
    /// How much of stdout earlier steps have found.
    pub(crate) printed: usize,
}

impl Program {
    /// Its user types a line.
    pub fn types(&self, line: &str) {
        self.log.step(format_args!(
            "the {}'s user types {}",
            self.name,
            quote(line.as_bytes())
        ));
        self.process.input(format!("{line}\n").as_bytes());
    }

    /// Its stdin brings these bytes, whatever they are.
    pub fn input(&self, bytes: &[u8]) {
        self.log.step(format_args!("the {}'s stdin brings {}", self.name, quote(bytes)));
        self.process.input(bytes);
    }

    /// Its stdin ends.
    pub fn end_input(&mut self) {
        self.log.step(format_args!("the {}'s stdin ends", self.name));
        self.process.end_input();
    }

    /// Expects its connection at a host of the grader's own.
    pub fn connects_to(&self, host: &Host, name: &str) -> Step<Peer> {
        let mut accepted = Ok(None);
        self.starts_to(patience(), || {
            accepted = host.accept(name);
            !matches!(accepted, Ok(None))
        });
        if let Some(peer) = accepted? {
            return Ok(peer.to(self.process.shared()));
        }
        self.missing(format!("the {} connects to {}", self.name, host.address))
    }

    /// Waits until `seen`, for `time` and as long as the program is at work, because an interpreter
    /// has to start first, or a compiler. False: it was not seen in time, or never can be because
    /// the program is over.
    pub(crate) fn starts_to(&self, time: Duration, mut seen: impl FnMut() -> bool) -> bool {
        let mut deadline = self.log.deadline(time);
        let mut before = self.process.wanted_to_run();
        let (mut is_seen, mut over) = (false, false);
        while !is_seen && !over && !deadline.is_over() {
            kernel::look_until(quiet(), || {
                over = self.process.heard().exit().is_some();
                is_seen = seen();
                is_seen || over
            });
            // Less than before is a sign of life too: a thread or a child has ended. Who wants a
            // fifth of a processor or less has started, and waits.
            let wanted = self.process.wanted_to_run();
            if wanted.abs_diff(before) > quiet() / 5 {
                deadline.renew();
            }
            before = wanted;
        }
        is_seen
    }

    /// Something expected of it did not come: perhaps because it could not even be started.
    ///
    /// # Errors
    /// Always: a failure, or [`Halt::NotStarted`].
    pub fn missing<T>(&self, expected: String) -> Step<T> {
        self.misses(expected, || self.state())
    }

    /// As [`Program::missing`], where there is more to say of what was got: when its last words
    /// have been heard, if it has ended.
    pub(crate) fn misses<T>(&self, expected: String, got: impl FnOnce() -> String) -> Step<T> {
        match self.process.wait(Duration::ZERO).and_then(|exit| exit.code()) {
            Some(code @ (126 | 127)) => Err(Halt::NotStarted(format!(
                "`{}`: {}",
                self.process.command,
                self.last_words(code)
            ))),
            exit => {
                let over = exit.is_some() || self.process.heard().exit().is_some();
                fail_having(if over { Saw::Ended } else { Saw::Nothing }, expected, got())
                    .probe(&HIDDEN_MODULE, || self.process.hidden_module())
            }
        }
    }

    /// Expects these bytes on stdout, as one run, behind what was expected before. Prompts
    /// and labels around them cost nothing.
    pub fn prints(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        self.prints_within(patience(), bytes)
    }

    /// As [`Program::prints`], within another time.
    pub fn prints_within(&mut self, time: Duration, bytes: impl AsRef<[u8]>) -> Step {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let found = self.process.wait_for(time, |heard| {
            find(&heard.stdout[from..], bytes).map(|at| from + at + bytes.len())
        });
        match found {
            Some(end) => self.has_printed(bytes, end),
            None => self
                .misses(format!("the {} prints {} on stdout", self.name, quote(bytes)), || {
                    format!("{}; {}", self.said(), self.state())
                }),
        }
    }

    fn has_printed(&mut self, bytes: &[u8], end: usize) -> Step {
        self.printed = end;
        self.log.step(format_args!("the {} prints {}", self.name, quote(bytes)));
        Ok(())
    }

    /// As [`Program::prints`], where line breaks that the program adds between blocks cost
    /// nothing. `bytes` may hold none of their own.
    pub fn prints_among_line_breaks(&mut self, bytes: impl AsRef<[u8]>) -> Step {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let without_breaks = |heard: &Heard| -> Vec<u8> {
            heard.stdout[from..].iter().copied().filter(|byte| *byte != b'\n').collect()
        };
        let found = self.process.wait_for(patience(), |heard| {
            let text = without_breaks(heard);
            let end = find(&text, bytes)? + bytes.len();
            // The place behind the `end`th byte that is no line break.
            let kept = |(_, byte): &(usize, &u8)| **byte != b'\n';
            heard.stdout[from..]
                .iter()
                .enumerate()
                .filter(kept)
                .nth(end - 1)
                .map(|(at, _)| from + at + 1)
        });
        match found {
            Some(end) => self.has_printed(bytes, end),
            None => {
                let (expected, got) = difference(bytes, &without_breaks(&self.process.heard()));
                fail(
                    format!("the {} prints {expected}", self.name),
                    format!("{got}\n{}", self.state()),
                )
            }
        }
    }

    /// Expects that these bytes do not appear on stdout for a moment.
    pub fn keeps_back(&self, bytes: impl AsRef<[u8]>, why: &str) -> Step {
        let (bytes, from) = (bytes.as_ref(), self.printed);
        let seen = |heard: &Heard| find(&heard.stdout[from..], bytes);
        let what = format!("the {} does not print {}: {why}", self.name, quote(bytes));
        if self.process.wait_for(quiet(), seen).is_some() {
            return fail(what, "it does");
        }
        self.log.step(what);
        Ok(())
    }

    /// Expects the program's end, and returns its exit status.
    pub fn ends(&self) -> Step<ExitStatus> {
        self.process.wait_for(patience(), Heard::exit);
        self.has_ended(&format!("{:?}", patience()))
    }

    /// Expects that the program has ended by now, and returns its exit status.
    pub fn has_ended(&self, after: &str) -> Step<ExitStatus> {
        match self.process.wait(Duration::ZERO) {
            Some(exit) => {
                self.log.step(format_args!("the {} ends ({exit})", self.name));
                Ok(exit)
            }
            None => fail_having(
                Saw::Running,
                format!("the {} ends", self.name),
                format!("it still runs after {after}; {}", self.said()),
            ),
        }
    }

    /// Expects the program's end with this exit status.
    pub fn ends_with(&self, code: i32) -> Step {
        let exit = self.ends()?;
        if exit.code() == Some(code) {
            return Ok(());
        }
        self.missing(format!("exit status {code}"))
    }

    /// Expects that the program still runs after a moment.
    pub fn stays(&self, why: &str) -> Step {
        match self.process.wait_for(quiet(), Heard::exit) {
            None => Ok(()),
            Some(_) => fail_having(
                Saw::Ended,
                format!("the {} still runs: {why}", self.name),
                self.state(),
            ),
        }
    }

    /// Expects one line on stderr that contains all of `words`, and returns it.
    pub fn complains(&self, words: &[&str]) -> Step<String> {
        let fits = |line: &str| words.iter().all(|word| line.contains(word));
        match self.line(|heard| &heard.stderr, "says on stderr", fits) {
            Some(line) => Ok(line),
            None => self.misses(
                format!("the {} says a line with {words:?} on stderr", self.name),
                || format!("stderr is {}; {}", self.stderr(), self.state()),
            ),
        }
    }

    /// Expects a line on stdout that `fits`, and returns it: its text is the program's own. `what`
    /// says what the line should hold.
    pub fn says(&self, what: &str, fits: impl Fn(&str) -> bool) -> Step<String> {
        match self.line(|heard| &heard.stdout, "prints", fits) {
            Some(line) => Ok(line),
            None => self.misses(
                format!("the {} prints {what}, in one line on stdout", self.name),
                || format!("{}; {}", self.said(), self.state()),
            ),
        }
    }

    /// The first line of a stream that `fits`, which is noted as what the program `does`.
    fn line(
        &self,
        stream: fn(&Heard) -> &[u8],
        does: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let line = self.process.wait_for(patience(), |heard| {
            let text = String::from_utf8_lossy(stream(heard));
            text.lines().find(|line| fits(line)).map(String::from)
        })?;
        self.log.step(format_args!("the {} {does} {}", self.name, quote(line.as_bytes())));
        Some(line)
    }

    /// Its largest resident memory so far, in KiB. `None` where the system does not say.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// True if it works although it should wait: it ran, or waited for a processor, for most of
    /// each of twelve moments in a row. A program that still had something to do rests after a
    /// few of them, on a busy machine too.
    pub fn burns_processor(&self) -> bool {
        const LOOKS: u32 = 12;
        (0..LOOKS).all(|_| {
            let (begun, before) = (Instant::now(), self.process.wanted_to_run());
            // Somebody may have woken this thread before it parks, and it would be no moment.
            while let Some(left) = quiet().checked_sub(begun.elapsed()) {
                thread::park_timeout(left);
            }
            // What it has waited for a processor is only counted once it gets one.
            whereabouts::wants_to_run(self.process.first())
                || self.process.wanted_to_run().abs_diff(before) > quiet() / 2
        })
    }

    /// True if it prints without end: much in a moment in which it has nothing to say.
    pub fn floods(&self) -> bool {
        const MUCH: u64 = 100_000;
        let printed = || {
            let heard = self.process.heard();
            (heard.stdout.len() + heard.stderr.len()) as u64 + heard.dropped
        };
        let before = printed();
        self.process.wait_for(quiet(), |heard| heard.exit());
        printed() - before > MUCH
    }

    /// Expects that the program has ended, or waits, after `end`: it may neither print without
    /// end nor burn a processor.
    pub fn rests(&self, end: &str) -> Step {
        let expected = format!("the {} ends, or waits, after {end}", self.name);
        if self.floods() {
            return fail(expected, format!("it prints without end: {}", self.said()));
        }
        if self.process.heard().exit().is_none() && self.burns_processor() {
            return fail(expected, format!("it burns a processor; {}", self.state()));
        }
        self.log.step(format_args!("the {} rests after {end}", self.name));
        Ok(())
    }

    // The guard of `heard` must not live on in a larger expression: the next one would wait
    // for it for ever. So these take it, and let it go.
    fn said(&self) -> String {
        match &self.process.heard().stdout[self.printed..] {
            [] if self.printed > 0 => "stdout says nothing more".to_string(),
            [] => "stdout is empty".to_string(),
            rest => format!("stdout says {}", quote(rest)),
        }
    }

    fn stderr(&self) -> String {
        quote(&self.process.heard().stderr)
    }

    /// Whether it runs, or how it ended and what it said last.
    pub fn state(&self) -> String {
        let heard = self.process.heard();
        let (exit, excess) = (heard.exit(), heard.excess());
        drop(heard); // the last words need it again
        match (exit, excess) {
            (_, Some(excess)) => format!("the {} was ended by the grader: {excess}", self.name),
            (None, None) => match whereabouts::of(self.process.first()) {
                Some(whereabouts) => format!("the {} runs; {whereabouts}", self.name),
                None => format!("the {} runs", self.name),
            },
            (Some(exit), None) => match exit.code() {
                Some(code) => format!("the {} has ended: {}", self.name, self.last_words(code)),
                None => format!("the {} was ended by a {exit}", self.name),
            },
        }
    }

    fn last_words(&self, code: i32) -> String {
        let heard = self.process.heard();
        match heard.last_words() {
            Some(line) => {
                format!("exit status {code}, and last on stderr {}", quote_complaint(&line))
            }
            None => format!("exit status {code}"),
        }
    }
}
