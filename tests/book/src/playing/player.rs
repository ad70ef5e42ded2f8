//! Plays a session with the real programs, and finds the first line of it that is not true.

use crate::{
    Untrue,
    playing::ports::Ports,
    reading::{
        pattern::{Fit, fit},
        session::{Act, Saved, Scene, Session, Step},
    },
};
use stage::process::{Environment, Heard, Process};
use std::{
    env, fs, io,
    path::PathBuf,
    process::{self, ExitStatus},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// How long a line, or an end, may take on a busy machine. Only a lie has to wait that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long one listens to a terminal that must be silent.
const SILENCE: Duration = Duration::from_millis(300);

/// What an interactive shell does by itself: Ctrl-C is for the program, and ends the command
/// line with the program's status.
const INTERACTIVE: &str = "trap exit INT; ";

/// Programs that the book uses and that are not ours. A session that needs one is skipped
/// where it is missing.
const OTHER_TOOLS: &str =
    "bash curl dig nc nc.traditional ncat nginx python3 socat ssh ss strace tcpdump telnet";

/// Asks for a tool. One that only some users may use is tried.
fn is_usable(tool: &str) -> String {
    match tool {
        "tcpdump" => "tcpdump -i lo -L".to_string(),
        _ => format!("command -v '{tool}'"),
    }
}

/// What is shown to people while a session is played.
pub trait Audience {
    /// A new scene begins.
    fn scene(&mut self, _scene: &Scene) {}
    /// This step comes next. A printed line is announced before it is waited for.
    fn next(&mut self, _step: &Step) {}
    /// A terminal printed this line, as the book wants it.
    fn printed(&mut self, _terminal: &str, _line: &str) {}
}

/// An audience for tests.
pub struct Nobody;

impl Audience for Nobody {}

/// How a session went that said nothing untrue.
#[derive(Debug, PartialEq, Eq)]
pub enum Played {
    /// All of it is true.
    True,
    /// It could not be played, because this program is not here.
    Missing(String),
}

/// What is not true, and whether it may be true on a machine that has more time.
#[derive(Debug)]
pub struct Wrong {
    /// The first line that is not true.
    pub lie: Untrue,
    /// True if all that is wrong is that something took too long.
    pub too_slow: bool,
}

impl From<Untrue> for Wrong {
    fn from(lie: Untrue) -> Wrong {
        Wrong { lie, too_slow: false }
    }
}

/// Plays a session; `programs` are the folders of the built programs. Everything it started
/// has ended when this returns.
pub fn play(
    session: &Session,
    programs: &[PathBuf],
    audience: &mut dyn Audience,
) -> Result<Played, Wrong> {
    let mut stage = Stage::new(programs);
    if let Some(tool) = stage.missing_tool(session)? {
        return Ok(Played::Missing(tool));
    }
    for scene in &session.scenes {
        audience.scene(scene);
        stage.lay_out(&scene.programs)?;
        for step in &scene.steps {
            audience.next(step);
            stage.play(step, audience)?;
        }
    }
    stage.nothing_left_unsaid()?;
    Ok(Played::True)
}

/// The terminals of a session and what surrounds them.
struct Stage {
    environment: Environment,
    ports: Ports,
    terminals: Vec<Terminal>,
    folder: PathBuf,
    /// When the last step ended that was no silence.
    quiet_since: Instant,
}

/// What is not true of a terminal, behind its name.
struct Flaw {
    what: String,
    too_slow: bool,
}

impl From<String> for Flaw {
    fn from(what: String) -> Flaw {
        Flaw { what, too_slow: false }
    }
}

/// A terminal in which a program runs, or has ended.
struct Terminal {
    name: String,
    process: Process,
    /// How many bytes of the output have been compared.
    read: usize,
    /// The last line of the book that was about this terminal.
    line: usize,
}

impl Stage {
    fn new(programs: &[PathBuf]) -> Stage {
        static STAGES: AtomicU64 = AtomicU64::new(0);
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("book-{}-{number}", process::id()));
        let variables = [("BLOCKING", ""), ("LC_ALL", "C")]; // as they are where nobody set them
        Stage {
            environment: Environment {
                path: programs.to_vec(),
                directory: Some(folder.clone()),
                variables: variables.map(|(name, value)| (name.into(), value.into())).into(),
                wall: Vec::new(),
                ..Environment::default()
            },
            ports: Ports::default(),
            terminals: Vec::new(),
            folder,
            quiet_since: Instant::now(),
        }
    }

    /// A tool that the session needs and that is not here. What is neither ours nor a known
    /// tool is a slip of the pen.
    fn missing_tool(&self, session: &Session) -> Result<Option<String>, Untrue> {
        for step in session.scenes.iter().flat_map(|scene| &scene.steps) {
            let Act::Start(command) = &step.act else { continue };
            for tool in tools(command) {
                let failed = |e: io::Error| Untrue::new(step.line, format!("no sh: {e}"));
                let mut environment = self.environment.clone();
                environment.directory = None;
                let found = Process::start_joined(&is_usable(&tool), &environment);
                let is_here =
                    found.map_err(failed)?.wait(PATIENCE).is_some_and(|e| e.success());
                if !is_here && OTHER_TOOLS.split(' ').any(|other| other == tool) {
                    return Ok(Some(tool));
                } else if !is_here {
                    return Err(Untrue::new(step.line, format!("there is no program {tool}")));
                }
            }
        }
        Ok(None)
    }

    fn play(&mut self, step: &Step, audience: &mut dyn Audience) -> Result<(), Wrong> {
        let found = self.terminals.iter_mut().find(|t| t.name == step.terminal);
        let played = match (&step.act, found) {
            (Act::Start(command), _) => self
                .start(step, command)
                .map_err(|e| format!("'s program cannot start: {e}").into()),
            (_, None) => Err(" has no program".to_string().into()),
            (act, Some(terminal)) => {
                terminal.line = step.line;
                terminal.play(act, self.quiet_since, &self.ports, audience)
            }
        };
        if !matches!(step.act, Act::Silent(_)) {
            self.quiet_since = Instant::now();
        }
        played.map_err(|Flaw { what, too_slow }| {
            let lie = Untrue::new(step.line, format!("{}{what}", step.terminal));
            Wrong { lie, too_slow }
        })
    }

    /// Saves the programs of the page where the session's programs run.
    fn lay_out(&self, programs: &[Saved]) -> Result<(), Untrue> {
        let save = |program: &Saved| fs::write(self.folder.join(&program.name), &program.text);
        fs::create_dir_all(&self.folder)
            .and_then(|()| programs.iter().try_for_each(save))
            .map_err(|e| Untrue::new(0, format!("cannot write {}: {e}", self.folder.display())))
    }

    fn start(&mut self, step: &Step, command: &str) -> io::Result<()> {
        self.terminals.retain(|terminal| terminal.name != step.terminal);
        let command = format!("{INTERACTIVE}{}", self.ports.to_real(command));
        let process = Process::start_joined(&command, &self.environment)?;
        let (name, line) = (step.terminal.clone(), step.line);
        self.terminals.push(Terminal { name, process, read: 0, line });
        Ok(())
    }

    /// At the end, all terminals must be silent.
    fn nothing_left_unsaid(&self) -> Result<(), Untrue> {
        let until = Instant::now() + SILENCE;
        for terminal in &self.terminals {
            let left = until.saturating_duration_since(Instant::now());
            if let Some(text) = terminal.unsaid(left, &self.ports) {
                let what = format!("below this, {} also printed {text:?}", terminal.name);
                return Err(Untrue::new(terminal.line, what));
            }
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.terminals.clear(); // the programs first: they may still write there
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Terminal {
    fn play(
        &mut self,
        act: &Act,
        quiet_since: Instant,
        ports: &Ports,
        audience: &mut dyn Audience,
    ) -> Result<(), Flaw> {
        match act {
            Act::Start(_) => {} // by the stage, which makes the terminal
            Act::Type(text) => self.process.input(format!("{text}\n").as_bytes()),
            Act::EndInput => self.process.end_input(),
            Act::Interrupt => self.process.interrupt(),
            Act::Silent(time) => self.silent(quiet_since + time.unwrap_or(SILENCE), ports)?,
            Act::Exit(status) => self.exit(*status, ports)?,
            Act::PrintLines(count) => {
                (0..*count).try_for_each(|_| self.next_line().map(|_| ()))?;
                audience.printed(&self.name, &format!("[{count} lines]"));
            }
            Act::Print(pattern) => {
                let line = ports.to_book(&self.next_line()?);
                compare(pattern, &line)?;
                audience.printed(&self.name, &line);
            }
        }
        Ok(())
    }

    fn next_line(&mut self) -> Result<String, String> {
        let read = self.read;
        let next = self.process.wait_for(PATIENCE, |heard| next_line(heard, read));
        let (line, length) = next.ok_or_else(|| self.why_no_line())?;
        self.read += length;
        Ok(line)
    }

    fn why_no_line(&self) -> String {
        match self.process.heard().exit() {
            Some(exit) => {
                format!("'s program ended, with status {}, before this", status(exit))
            }
            None => format!(" printed no line for {} s", PATIENCE.as_secs()),
        }
    }

    fn silent(&self, until: Instant, ports: &Ports) -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now());
        if let Some(text) = self.unsaid(left, ports) {
            return Err(format!(" is not silent, but printed {text:?}"));
        }
        match self.process.heard().exit() {
            Some(exit) => Err(format!("'s program has ended, with status {}", status(exit))),
            None => Ok(()),
        }
    }

    fn exit(&self, expected: i32, ports: &Ports) -> Result<(), String> {
        let Some(exit) = self.process.wait(PATIENCE) else {
            return Err(format!("'s program still runs after {} s", PATIENCE.as_secs()));
        };
        if let Some(text) = self.unsaid(Duration::ZERO, ports) {
            return Err(format!("'s program printed {text:?} before it ended"));
        }
        let status = status(exit);
        let differs = format!("'s program ended with status {status}");
        (status == expected).then_some(()).ok_or(differs)
    }

    /// What has been printed and not compared, or comes within this time: its first line.
    fn unsaid(&self, time: Duration, ports: &Ports) -> Option<String> {
        let unread = |heard: &Heard| {
            let text = String::from_utf8_lossy(heard.stdout.get(self.read..)?).into_owned();
            text.lines().next().map(|line| ports.to_book(line))
        };
        self.process.wait_for(time, unread)
    }
}

fn compare(pattern: &str, line: &str) -> Result<(), Flaw> {
    let why = match fit(pattern, line) {
        Fit::Fits => return Ok(()),
        Fit::TooLong => ", which took too long for this",
        Fit::TooShort => ", which took too short a time for this",
        Fit::Differs => "",
    };
    let too_slow = fit(pattern, line) == Fit::TooLong;
    Err(Flaw { what: format!(" printed {line:?}{why}"), too_slow })
}

/// The line behind the first `read` bytes, and its length with its ending.
fn next_line(heard: &Heard, read: usize) -> Option<(String, usize)> {
    let rest = heard.stdout.get(read..)?;
    let length = match rest.iter().position(|b| *b == b'\n') {
        Some(end) => end + 1,
        None if heard.is_over() && !rest.is_empty() => rest.len(),
        None => return None,
    };
    let line = String::from_utf8_lossy(&rest[..length]);
    Some((line.trim_end_matches(['\r', '\n']).to_string(), length))
}

/// As a shell says it: 128 and the signal's number where a signal ended the program.
fn status(exit: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&exit);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    exit.code().or(signal.map(|signal| 128 + signal)).unwrap_or(-1)
}

/// The programs of a command line: the first word of each part of its pipelines and lists,
/// behind the shell's own words and variables that are set for it.
fn tools(command: &str) -> Vec<String> {
    let own = ["{", "!", "do", "else", "exec", "if", "then", "time", "until", "while"];
    let name = |word: &&str| !own.contains(word) && !word.contains('=');
    let plain = |word: &&str| word.chars().all(|c| c.is_alphanumeric() || "-_./[".contains(c));
    let parts = parts(command);
    let tools =
        parts.iter().filter_map(|part| part.split_whitespace().find(name).filter(plain));
    tools.map(String::from).collect()
}

/// The simple commands of a command line, without what stands in quotes.
fn parts(command: &str) -> Vec<String> {
    let (mut parts, mut quote, mut before) = (vec![String::new()], None, ' ');
    for letter in command.chars() {
        let redirects = letter == '&' && matches!(before, '<' | '>'); // as in 2>&1
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '|' | ';' | '&' | '(' | ')') if !redirects => parts.push(String::new()),
            (None, _) => parts.iter_mut().last().into_iter().for_each(|part| part.push(letter)),
        }
        before = letter;
    }
    parts
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::reading::{markdown::Book, session::sessions};

    fn played(text: &str) -> Result<Played, Untrue> {
        let book = Book::parse(&format!("```text\n{text}\n```\n"));
        let played = play(&sessions(&book).unwrap()[0], &[], &mut Nobody);
        played.map_err(|wrong| wrong.lie)
    }

    fn untrue(text: &str) -> (usize, String) {
        let untrue = played(text).unwrap_err();
        (untrue.line, untrue.what)
    }

    #[test]
    fn a_true_session_is_true() {
        let text = "a$ echo 1; echo 2 >&2; cat; printf 3; exit 7\na: 1\na: 2\na ...\na< x\n\
                    a: [..]\nb$ yes | head -5\nb: [4 lines]\nb: y\nb$? 0\na^D\na: 3\na$? 7";
        assert_eq!(played(text), Ok(Played::True));
    }

    /// What printed the time has begun to wait before the silence, as a program of the book does.
    const STOPWATCH: &str = "import time\nbegan = time.monotonic()\nprint('ready', flush=True)\ninput()\n\
                             print(f'waited {time.monotonic() - began:.3f} s')";

    fn stopwatch(silence: &str, size: &str) -> String {
        let program = STOPWATCH.lines().map(|line| format!("w< {line}\n")).collect::<String>();
        format!(
            "w$ cat > watch.py\n{program}w^D\nw$? 0\na$ python3 watch.py\na: ready\n{silence}\na<\n\
             a: waited {size}\na$? 0"
        )
    }

    #[test]
    fn a_silence_has_its_length() {
        let begun = Instant::now();
        assert_eq!(played(&stopwatch("a ... 1.2 s", "[s]")), Ok(Played::True));
        assert!(begun.elapsed() >= Duration::from_millis(1200));
        let (line, what) = untrue(&stopwatch("a ... 0.1 s", "[s]"));
        assert!(line == 14 && what.contains("too short a time"), "{what}");
        let (line, what) = untrue(&stopwatch("a ... 0.1 s", "[µs]"));
        assert!(line == 14 && what.contains("took too long"), "{what}");
    }

    #[test]
    fn a_silence_is_broken_by_what_comes_late() {
        let late = "a$ sleep 1; echo x; cat\na ... 0.2 s\na ... 3 s";
        assert_eq!(untrue(late), (4, "a is not silent, but printed \"x\"".to_string()));
    }

    #[test]
    fn silences_of_two_terminals_are_the_same_time() {
        let begun = Instant::now();
        assert_eq!(played("a$ cat\nb$ cat\na ... 1 s\nb ... 1 s"), Ok(Played::True));
        let time = begun.elapsed();
        assert!(time >= Duration::from_secs(1) && time < Duration::from_secs(2), "{time:?}");
    }

    #[test]
    fn a_program_can_be_interrupted() {
        // `wait` is what a shell can be interrupted in at any moment.
        let polite =
            "sh -c 'trap \"echo bye; exit 3\" INT; echo 1; sleep 1000 & wait'; echo never";
        let plain = "sh -c 'echo 2; exec sleep 1000'";
        let text =
            format!("a$ {polite}\na: 1\na^C\na: bye\na$? 3\na$ {plain}\na: 2\na^C\na$? 130");
        assert_eq!(played(&text), Ok(Played::True));
    }

    #[test]
    fn the_line_that_is_not_true_is_named() {
        for (text, line, what) in [
            ("a$ echo x\na: y", 3, "a printed \"x\""),
            ("a$ true\na: y", 3, "a's program ended, with status 0, before this"),
            (
                "a$ echo x; cat\na: x\nb$ echo y; cat\nb ...",
                5,
                "b is not silent, but printed \"y\"",
            ),
            ("a$ exit 3\na ...", 3, "a's program has ended, with status 3"),
            ("a$ echo x\na$? 0", 3, "a's program printed \"x\" before it ended"),
            ("a$ exit 3\na$? 0", 3, "a's program ended with status 3"),
            ("a$ echo x; echo y\na: x\nb$ cat\nb ...", 3, "below this, a also printed \"y\""),
            ("a$ cat | no-such-tool", 2, "there is no program no-such-tool"),
        ] {
            assert_eq!(untrue(text), (line, what.to_string()), "{text}");
        }
    }

    #[test]
    fn the_tools_of_a_command_line_are_found() {
        let of = |command| tools(command).join(" ");
        assert_eq!(
            of("(printf 'a|b'; sleep 1) 2>&1 | A=1 nc -N h 1 && x"),
            "printf sleep nc x"
        );
        assert_eq!(of("while true; do socat - x; done >&2"), "true socat done");
        assert_eq!(of("$X; \"a b\" c"), "c");
    }
}
