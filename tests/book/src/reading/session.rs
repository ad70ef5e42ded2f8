//! The grammar of a session: what several terminals do and show, from top to bottom.
//!
//! A ```` ```text ```` fence whose first line starts a program is a session. Each line begins
//! with the name of a terminal:
//!
//! | line | what it says | what the player does |
//! |------|--------------|----------------------|
//! | `bob$ COMMAND` | bob starts a program | starts it, any command line of `sh` |
//! | `bob< TEXT` | bob types a line | hands it over, and goes on at once |
//! | `bob: TEXT` | the program prints this line | waits for the next line, and compares |
//! | `bob: [3 lines]` | it prints three lines | waits for them |
//! | `bob ...` | it is silent, and runs | listens for a moment |
//! | `bob ... 3 s` | it is silent for so long | listens until that time has passed |
//! | `bob^D` | bob ends the input | closes its stdin |
//! | `bob^C` | bob interrupts the program | sends SIGINT to its process group |
//! | `bob$? 0` | the program has ended | waits for the end, compares the exit status |
//!
//! stdout and stderr come in the order in which they were written, as on a screen; a last line
//! without its `\n` counts once the program has ended. What `[..]`, `[µs]`, `[ms]` and `[s]` in a
//! printed line stand for is said in [`crate::reading::pattern`]. Every printed line must stand in the
//! session: one that does not is found at its terminal's next line, or at the end.
//!
//! A silence begins with the end of the last line that is no silence. So two that follow each
//! other, of two terminals, are the same seconds, and a `[s]` printed after a silence is true.
//!
//! To wait for something, let the transcript say it: a client that must come second stands
//! below the line that says the first one is connected.
//!
//! A number from 7000 to 7099 in a command is a port. It is replaced by a free one, and the
//! free one in the output is replaced by it; so a session never collides with anything. A
//! terminal whose program has ended (`$?`) can start another. Below `<!-- continued -->` a
//! fence goes on with the session above it, after some prose; the programs still run.
//!
//! A ```` ```python ```` fence above a session in its chapter is a program that the reader saves: the
//! first line is a comment with the file's name, `# late.py`. The player lays it into the folder.
//!
//! A session has the number of its section. Sessions of one section are played in order, each
//! with fresh programs in an empty folder of its own.

use crate::{
    Untrue,
    reading::markdown::{Book, Fence},
};
use std::time::Duration;

/// One experiment, from its first command to the end of its programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The chapter's heading.
    pub chapter: String,
    /// The section's heading.
    pub section: String,
    /// The section's number: `2.2`.
    pub number: String,
    /// The steps, and what the book says above them.
    pub scenes: Vec<Scene>,
}

impl Session {
    /// How long it takes at least: its silences.
    pub fn silence(&self) -> Duration {
        let steps = self.scenes.iter().flat_map(|scene| &scene.steps);
        let silences = steps.filter_map(|step| match step.act {
            Act::Silent(time) => time,
            _ => None,
        });
        silences.sum()
    }

    /// True if it belongs to this section (`2.2`) or chapter (`2`).
    pub fn is_in(&self, section: &str) -> bool {
        self.number == section || self.number.starts_with(&format!("{section}."))
    }
}

/// The steps of one fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The paragraph above the fence: what to watch.
    pub above: String,
    /// The programs above it in its section.
    pub programs: Vec<Saved>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A program on the page that the reader saves in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The file's name.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// One line of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its line in the book.
    pub line: usize,
    /// The terminal's name.
    pub terminal: String,
    /// What happens there.
    pub act: Act,
}

/// What happens in a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `bob$ COMMAND`
    Start(String),
    /// `bob< TEXT`
    Type(String),
    /// `bob: TEXT`
    Print(String),
    /// `bob: [3 lines]`
    PrintLines(usize),
    /// `bob ...`, `bob ... 3 s`
    Silent(Option<Duration>),
    /// `bob^D`
    EndInput,
    /// `bob^C`
    Interrupt,
    /// `bob$? 0`
    Exit(i32),
}

/// All sessions of a book, or every line that is none although it should be.
pub fn sessions(book: &Book) -> Result<Vec<Session>, Vec<Untrue>> {
    let (mut sessions, mut faults) = (Vec::<Session>::new(), Vec::new());
    let (mut programs, mut chapter) = (Vec::new(), 0);
    for fence in &book.fences {
        if fence.chapter.line != chapter {
            (programs, chapter) = (Vec::new(), fence.chapter.line);
        }
        if fence.info == "python" {
            saved(fence).map_or_else(|fault| faults.push(fault), |saved| programs.push(saved));
        }
        if fence.info != "text" {
            continue;
        }
        let continued = fence.marked("continued").is_some();
        if !continued && !is_session(fence) {
            faults.extend(stray_lines(fence));
            continue;
        }
        let scene = scene(fence, &programs).unwrap_or_else(|wrong| {
            faults.extend(wrong);
            Scene { above: String::new(), programs: Vec::new(), steps: Vec::new() }
        });
        match sessions.last_mut().filter(|last| last.section == fence.section.text) {
            Some(last) if continued => last.scenes.push(scene),
            None if continued => {
                faults.push(Untrue::new(fence.line, "no session above it in this section"));
            }
            _ => sessions.push(Session {
                chapter: fence.chapter.text.clone(),
                section: fence.section.text.clone(),
                number: fence.section.number().to_string(),
                scenes: vec![scene],
            }),
        }
    }
    faults.extend(sessions.iter().flat_map(impossible));
    if faults.is_empty() { Ok(sessions) } else { Err(faults) }
}

fn is_session(fence: &Fence) -> bool {
    let first = fence.lines.first().and_then(|line| step(0, line));
    matches!(first, Some(Step { act: Act::Start(_), .. }))
}

/// A transcript that is not played would be a pasted one.
fn stray_lines(fence: &Fence) -> Option<Untrue> {
    let command = |line: &str| {
        line.starts_with("$ ") || matches!(step(0, line), Some(Step { act: Act::Start(_), .. }))
    };
    let (line, _) = fence.numbered().find(|(_, line)| command(line))?;
    Some(Untrue::new(line, "a command here needs a session: its first line is `name$ COMMAND`"))
}

/// The program in a fence, by the name in its first line.
fn saved(fence: &Fence) -> Result<Saved, Untrue> {
    let first = fence.lines.first().and_then(|line| line.strip_prefix("# "));
    match first.filter(|name| name.ends_with(".py") && !name.contains(['/', ' '])) {
        Some(name) => Ok(Saved { name: name.to_string(), text: fence.lines.join("\n") + "\n" }),
        None => Err(Untrue::new(fence.line, "its first line must be its name: `# name.py`")),
    }
}

fn scene(fence: &Fence, programs: &[Saved]) -> Result<Scene, Vec<Untrue>> {
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in fence.numbered() {
        match step(line, text) {
            Some(step) => steps.push(step),
            None => faults.push(Untrue::new(line, format!("no line of a session: {text}"))),
        }
    }
    let scene = Scene { above: fence.above.clone(), programs: programs.to_vec(), steps };
    if faults.is_empty() { Ok(scene) } else { Err(faults) }
}

/// Reads one line. `None`: the grammar knows no such line.
pub fn step(line: usize, text: &str) -> Option<Step> {
    let end =
        text.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))?;
    let (terminal, rest) = text.split_at(end);
    let behind = |sign: &str| {
        let rest = rest.strip_prefix(sign)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix(' ') }
    };
    let act = match rest {
        " ..." => Act::Silent(None),
        "^D" => Act::EndInput,
        "^C" => Act::Interrupt,
        _ => behind("$?")
            .map(|status| status.parse().ok().map(Act::Exit))
            .or_else(|| behind(" ...").map(silence))
            .or_else(|| behind("$").map(start))
            .or_else(|| behind("<").map(|text| Some(Act::Type(text.to_string()))))
            .or_else(|| behind(":").map(|text| Some(print(text))))??,
    };
    (end > 0).then(|| Step { line, terminal: terminal.to_string(), act })
}

fn start(command: &str) -> Option<Act> {
    (!command.is_empty()).then(|| Act::Start(command.to_string()))
}

/// `3 s`, `0.5 s`
fn silence(text: &str) -> Option<Act> {
    let seconds = text.strip_suffix(" s")?.parse().ok()?;
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    time.map(|time| Act::Silent(Some(time)))
}

fn print(text: &str) -> Act {
    let count = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(" lines]"));
    match count.and_then(|count| count.parse().ok()) {
        Some(count) => Act::PrintLines(count),
        None => Act::Print(text.to_string()),
    }
}

/// Steps in terminals where no program can run.
fn impossible(session: &Session) -> Vec<Untrue> {
    let mut busy: Vec<&str> = Vec::new();
    let mut faults = Vec::new();
    for Step { line, terminal, act } in session.scenes.iter().flat_map(|scene| &scene.steps) {
        let runs = busy.contains(&terminal.as_str());
        match act {
            Act::Start(_) if runs => faults.push(Untrue::new(
                *line,
                format!("{terminal}'s program still runs; `{terminal}$? 0` says it has ended"),
            )),
            Act::Start(_) => busy.push(terminal),
            _ if !runs => faults
                .push(Untrue::new(*line, format!("no program runs in {terminal}'s terminal"))),
            Act::Exit(_) => busy.retain(|name| name != terminal),
            _ => {}
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(text: &str) -> Option<Act> {
        step(1, text).map(|step| step.act)
    }

    #[test]
    fn every_line_of_the_grammar_is_read() {
        let text = |text: &str| text.to_string();
        assert_eq!(act("a$ cat | wc"), Some(Act::Start(text("cat | wc"))));
        assert_eq!(act("a< b: c"), Some(Act::Type(text("b: c"))));
        assert_eq!(act("a<"), Some(Act::Type(text(""))));
        assert_eq!(act("a:  b"), Some(Act::Print(text(" b"))));
        assert_eq!(act("a: [12 lines]"), Some(Act::PrintLines(12)));
        assert_eq!(act("a ..."), Some(Act::Silent(None)));
        let silence = |seconds| Some(Act::Silent(Some(Duration::from_secs_f64(seconds))));
        assert_eq!([act("a ... 3 s"), act("a ... 0.5 s")], [silence(3.0), silence(0.5)]);
        assert_eq!([act("a^D"), act("a^C")], [Some(Act::EndInput), Some(Act::Interrupt)]);
        assert_eq!(act("a$? 130"), Some(Act::Exit(130)));
    }

    #[test]
    fn a_program_on_the_page_belongs_to_the_sessions_below_it() {
        let page = "# 1 A\n## 1.1 B\n```python\n# a.py\nx\n```\n```text\na$ ls\n```\n";
        let scene = &read(page).unwrap()[0].scenes[0];
        let saved = Saved { name: "a.py".to_string(), text: "# a.py\nx\n".to_string() };
        assert_eq!(scene.programs, [saved]);
        let next = &read(&format!("{page}# 2 C\n## 2.1 D\n```text\na$ ls\n```\n")).unwrap()[1];
        assert_eq!(next.scenes[0].programs, []);
        for nameless in ["# ../a.py", "x", "# a b.py"] {
            assert_eq!(read(&page.replace("# a.py", nameless)), Err(vec![3]), "{nameless}");
        }
    }

    #[test]
    fn other_lines_are_none() {
        for text in ["", "a", "A: b", "a:b", "a$", "a$? x", "a ...b", "$ a", ": b", "a^Z"]
            .into_iter()
            .chain(["a ... 3", "a ... s", "a ... 0 s", "a ... -1 s", "a ... 1e99 s"])
        {
            assert_eq!(act(text), None, "{text}");
        }
    }

    fn read(text: &str) -> Result<Vec<Session>, Vec<usize>> {
        sessions(&Book::parse(text))
            .map_err(|faults| faults.into_iter().map(|fault| fault.line).collect())
    }

    #[test]
    fn a_session_goes_on_below_its_mark() {
        let text = "# 1 One\n## 1.1 Run\nWatch.\n```text\na$ x\n```\nPredict.\n\n\
                    <!-- continued -->\n```text\na: y\n```\n```text\nno session\n```\n";
        let sessions = read(text).unwrap();
        assert_eq!((sessions.len(), sessions[0].number.as_str()), (1, "1.1"));
        let scenes: Vec<_> =
            sessions[0].scenes.iter().map(|s| (s.above.as_str(), s.steps[0].line)).collect();
        assert_eq!(scenes, [("Watch.", 5), ("Predict.", 11)]);
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        assert_eq!(read("```text\na$ x\nwhat?\n```\n"), Err(vec![3]));
        assert_eq!(read("```text\nthen\na$ x\n```\n"), Err(vec![3]));
        assert_eq!(read("```text\n$ x\n```\n"), Err(vec![2]));
        assert_eq!(read("```text\na$ x\nb: y\na$ x\n```\n"), Err(vec![3, 4]));
        assert_eq!(read("```text\na$ x\na$? 0\na< y\na$ x\n```\n"), Err(vec![4]));
        assert_eq!(
            read("# 1\n```text\na$ x\n```\n# 2\n<!-- continued -->\n```text\na: y\n```\n"),
            Err(vec![7])
        );
    }
}
