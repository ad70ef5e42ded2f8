//! The little language of the book's figures: who runs, who waits, and for what.
//!
//! A file `figures/NAME.lanes` is drawn as `NAME.svg` beside it. Time runs from top to bottom,
//! in moments, not in seconds. Blank lines are ignored. First the title and the lanes, from left
//! to right, then the moments:
//!
//! ```text
//! title The second client waits in the queue
//!
//! lane server one-to-one server: one thread
//! lane queue  accept queue: kernel
//! lane bob    bob: second client
//!
//! server waits read
//! bob -> queue connect
//!   queue holds bob
//! note bob is connected: the kernel has answered, not the server
//! ```
//!
//! | line | what it draws |
//! |------|---------------|
//! | `title TEXT` | the title, which is also read aloud |
//! | `lane NAME HEAD: SUBHEAD` | a lane; its name is for this file alone |
//! | `NAME runs [WHAT]` | from now on this lane runs |
//! | `NAME waits CALL` | from now on it waits in this call |
//! | `NAME holds WHAT` | from now on this is kept there, in a queue or a buffer |
//! | `NAME full [WHAT]` | from now on no more fits in there |
//! | `NAME stops` | from now on nothing happens there |
//! | `NAME -> NAME [TEXT]` | an arrow: something goes from one lane to another |
//! | `NAME -x NAME [TEXT]` | an arrow that does not get there |
//! | `note TEXT`, `note! TEXT` | a line across all lanes, quiet or loud |
//!
//! Each line is a moment of its own; an indented one belongs to the moment of the line above.

/// What a file of lanes says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// The title.
    pub title: String,
    /// The lanes, from left to right.
    pub lanes: Vec<Lane>,
    /// What happens, from top to bottom.
    pub moments: Vec<Moment>,
}

/// A thread, a process, or a place in the kernel.
#[derive(Debug, PartialEq, Eq)]
pub struct Lane {
    name: String,
    /// What stands above it.
    pub head: String,
    /// What stands below that, in smaller letters.
    pub subhead: String,
}

/// What happens at the same time. Lanes are numbered from the left, from 0.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What goes from lane to lane.
    pub arrows: Vec<Arrow>,
    /// What begins in a lane.
    pub states: Vec<(usize, State, String)>,
    /// A line across all lanes; true for a loud one.
    pub note: Option<(String, bool)>,
}

/// Something that goes from one lane to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it comes from.
    pub from: usize,
    /// Where it goes.
    pub to: usize,
    /// What it is.
    pub text: String,
    /// True if it gets there.
    pub arrives: bool,
}

/// What a lane does from some moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It runs.
    Runs,
    /// It waits in a call.
    Waits,
    /// Something is kept there.
    Holds,
    /// No more fits in.
    Full,
    /// Nothing.
    Stops,
}

impl Figure {
    /// Reads a file of lanes.
    ///
    /// # Errors
    /// The number of the first line that cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Figure, (usize, String)> {
        let mut figure = Figure::default();
        for (number, line) in (1..).zip(text.lines()) {
            if !line.trim().is_empty() {
                figure.line(line).map_err(|why| (number, why))?;
            }
        }
        let wrong = |what: &str| Err((1, what.to_string()));
        match (figure.title.is_empty(), figure.lanes.len()) {
            (true, _) => wrong("there is no `title TEXT`"),
            (_, 2..=6) => Ok(figure),
            _ => wrong("there must be 2 to 6 lines `lane NAME HEAD: SUBHEAD`"),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = word(line.trim());
        match first {
            "title" => self.title = rest.to_string(),
            "lane" => {
                let (name, heads) = word(rest);
                let (head, subhead) = heads.split_once(": ").unwrap_or((heads, ""));
                let [name, head, subhead] = [name, head, subhead].map(String::from);
                self.lanes.push(Lane { name, head, subhead });
            }
            _ => {
                if !line.starts_with(' ') {
                    self.moments.push(Moment::default());
                }
                return self.event(first, rest);
            }
        }
        Ok(())
    }

    fn event(&mut self, first: &str, rest: &str) -> Result<(), String> {
        let (verb, words) = word(rest);
        let mut moment =
            self.moments.pop().ok_or("an indented line needs a moment above it")?;
        match verb {
            _ if first.trim_end_matches('!') == "note" => {
                moment.note = Some((rest.to_string(), first.ends_with('!')));
            }
            "->" | "-x" => {
                let (to, text) = word(words);
                let (from, to) = (self.lane(first)?, self.lane(to)?);
                let arrives = verb == "->";
                moment.arrows.push(Arrow { from, to, text: text.to_string(), arrives });
            }
            _ => {
                let state =
                    state(verb).ok_or(format!("{verb:?} is nothing that a lane does"))?;
                moment.states.push((self.lane(first)?, state, words.to_string()));
            }
        }
        self.moments.push(moment);
        Ok(())
    }

    fn lane(&self, name: &str) -> Result<usize, String> {
        let found = self.lanes.iter().position(|lane| lane.name == name);
        found.ok_or_else(|| format!("there is no lane {name:?}"))
    }
}

fn state(verb: &str) -> Option<State> {
    match verb {
        "runs" => Some(State::Runs),
        "waits" => Some(State::Waits),
        "holds" => Some(State::Holds),
        "full" => Some(State::Full),
        "stops" => Some(State::Stops),
        _ => None,
    }
}

/// The first word, and what stands behind it.
pub(super) fn word(text: &str) -> (&str, &str) {
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_read() {
        let text = "title A b\nlane x  The x: one thread\nlane y y\n\nx waits read\n\
                    x -> y hello there\n  y -x x\n  y full\nnote! All wait\n";
        let figure = Figure::parse(text).unwrap();
        assert_eq!(
            (figure.title.as_str(), figure.lanes[0].subhead.as_str()),
            ("A b", "one thread")
        );
        let [first, second, third] = &figure.moments[..] else { panic!("{figure:?}") };
        assert_eq!(first.states, [(0, State::Waits, "read".to_string())]);
        let arrow =
            |from, to, text: &str, arrives| Arrow { from, to, text: text.into(), arrives };
        assert_eq!(second.arrows, [arrow(0, 1, "hello there", true), arrow(1, 0, "", false)]);
        assert_eq!(second.states, [(1, State::Full, String::new())]);
        assert_eq!(third.note, Some(("All wait".to_string(), true)));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let lanes = "title A\nlane x X\nlane y Y\n";
        for (line, what) in [
            ("z runs", "there is no lane \"z\""),
            ("x -> z", "there is no lane \"z\""),
            ("x rests", "\"rests\" is nothing that a lane does"),
            ("  x runs", "an indented line needs a moment above it"),
        ] {
            let wrong = Figure::parse(&format!("{lanes}{line}")).unwrap_err();
            assert_eq!(wrong, (4, what.to_string()));
        }
        assert_eq!(Figure::parse("title A\nlane x X").unwrap_err().0, 1);
        assert_eq!(Figure::parse("lane x X\nlane y Y").unwrap_err().0, 1);
    }
}
