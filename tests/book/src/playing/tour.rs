//! Shows sessions to people while they are played, at a pace that one can follow.

use crate::{
    Untrue,
    playing::player::{Audience, Played, play},
    reading::session::{Act, Saved, Scene, Session, Step},
    wrapped,
};
use common::{Error, blocking, printable, put};
use std::{env, io::IsTerminal, path::PathBuf, thread, time::Duration};

/// How long a new text may be read, for each letter of it.
const READING: Duration = Duration::from_millis(22);

/// Between two keys that are pressed.
const KEY: Duration = Duration::from_millis(30);

/// Between two lines of a session.
const LINE: Duration = Duration::from_millis(550);

/// How long a terminal is watched in which nothing happens.
const NOTHING_HAPPENS: Duration = Duration::from_millis(2000);

/// How wide a text is, in letters.
const WIDTH: usize = 76;

/// Colours of the terminals' names, in the order in which they appear: green, cyan, magenta,
/// yellow, blue (ECMA-48, Select Graphic Rendition).
const NAMES: [&str; 5] = ["32", "36", "35", "33", "34"];

/// Plays sessions live, one after another, whatever becomes of the ones before. If it `asks`, what
/// follows a question waits until its reader, at a terminal, has pressed Enter.
pub fn tour(sessions: &[&Session], programs: &[PathBuf], asks: bool) -> Result<(), Error> {
    let (mut screen, mut untrue) = (Screen::new(asks), 0);
    for session in sessions {
        screen.title(session);
        match play(session, programs, &mut screen) {
            Ok(Played::True) => {}
            Ok(Played::Missing(tool)) => screen.show(&format!("skipped: no {tool} here\n")),
            Err(wrong) => {
                untrue += 1;
                screen.refute(&wrong.lie);
            }
        }
        screen.failed.take().map_or(Ok(()), Err)?;
    }
    match untrue {
        0 => Ok(()),
        1 => Err(Error::Failed("one session was not true".to_string(), None)),
        _ => Err(Error::Failed(format!("{untrue} sessions were not true"), None)),
    }
}

/// Where people look.
struct Screen {
    colours: bool,
    fast: bool,
    /// True if what follows a question waits for a key.
    asks: bool,
    /// The chapter that was announced last.
    chapter: String,
    /// The session's terminals.
    terminals: Vec<String>,
    /// The programs of the page that were shown.
    programs: Vec<Saved>,
    /// Why nothing can be shown any more.
    failed: Option<Error>,
}

impl Screen {
    fn new(asks: bool) -> Screen {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        Screen {
            colours: std::io::stdout().is_terminal() && !is_set("NO_COLOR"),
            fast: is_set("FAST"),
            asks: asks && std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            chapter: String::new(),
            terminals: Vec::new(),
            programs: Vec::new(),
            failed: None,
        }
    }

    fn title(&mut self, session: &Session) {
        self.terminals.clear();
        if self.chapter != session.chapter {
            self.chapter.clone_from(&session.chapter);
            let rule = "═".repeat(session.chapter.chars().count());
            let chapter = format!("\n{}\n{rule}\n", session.chapter);
            self.show(&self.coloured("1", &chapter));
        }
        self.show(&self.coloured("1", &format!("\n{}\n", session.section)));
        self.wait(LINE);
    }

    fn refute(&mut self, lie: &Untrue) {
        self.show(&self.coloured("1;31", &format!("✗ {lie}\n")));
    }

    /// The beginning of a terminal's line: `bob$`, in bob's colour.
    fn prompt(&mut self, terminal: &str, sign: &str) {
        let known = self.terminals.iter().position(|name| name == terminal);
        let place = known.unwrap_or_else(|| {
            self.terminals.push(terminal.to_string());
            self.terminals.len() - 1
        });
        let colour = NAMES[place % NAMES.len()];
        self.show(&self.coloured(colour, &format!("  {terminal}{sign}")));
    }

    /// Shows a text key by key, as it is typed.
    fn typed(&mut self, text: &str) {
        self.show(" ");
        let keys = text.char_indices().map(|(at, key)| &text[at..at + key.len_utf8()]);
        let pieces: Vec<_> = if self.fast { vec![text] } else { keys.collect() };
        for piece in pieces {
            self.show(&self.coloured("1", piece));
            self.wait(KEY);
        }
        self.show("\n");
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn show(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = put(text.as_bytes()).err();
        }
    }

    fn wait(&self, time: Duration) {
        if !self.fast && self.failed.is_none() {
            thread::sleep(time);
        }
    }
}

impl Audience for Screen {
    fn scene(&mut self, scene: &Scene) {
        for program in &scene.programs {
            if !self.programs.contains(program) {
                self.show(&format!("{}\n", program.text));
                self.programs.push(program.clone());
            }
        }
        let text = scene.above.replace(['`', '*'], "");
        for line in wrapped(&text, WIDTH) {
            self.show(&self.coloured("3", &format!("{line}\n")));
        }
        if self.asks {
            self.show(&self.coloured("2", "(Enter shows it) "));
            let _ = blocking("read", || std::io::stdin().read_line(&mut String::new()));
        } else {
            self.wait(READING * u32::try_from(text.len()).unwrap_or(0));
        }
        self.show("\n");
    }

    fn next(&mut self, step: &Step) {
        let name = &step.terminal;
        match &step.act {
            Act::Start(command) => {
                self.prompt(name, "$");
                self.typed(command);
            }
            Act::Type(text) => {
                self.prompt(name, "<");
                self.typed(text);
            }
            Act::EndInput => self.prompt(name, "^D\n"),
            Act::Interrupt => self.prompt(name, "^C\n"),
            Act::Silent(Some(time)) => {
                self.prompt(name, " ...");
                self.show(&format!(" {} s\n", time.as_secs_f64()));
                return; // the player waits
            }
            Act::Silent(None) => {
                self.prompt(name, " ...");
                self.show(&self.coloured("2", " (waits)\n"));
                self.wait(NOTHING_HAPPENS);
            }
            Act::Exit(status) => {
                self.prompt(name, "$?");
                self.show(&format!(" {status}\n"));
            }
            Act::Print(_) | Act::PrintLines(_) => return,
        }
        self.wait(LINE);
    }

    fn printed(&mut self, terminal: &str, line: &str) {
        self.prompt(terminal, ":");
        self.show(&format!(" {}\n", printable(line)));
        self.wait(LINE);
    }
}
