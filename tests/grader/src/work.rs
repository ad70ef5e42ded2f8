//! What is to be graded, and how: a submission becomes subjects, each subject is checked, and
//! all of it comes to results, whatever goes wrong.

use crate::{
    desk,
    languages::Language,
    results::Results,
    sandbox::{self, Mode, Sandbox},
    search::{self, Found, Unfit},
    wire,
    workshop::{self, BuildDir, Refusal, Taken, diff::Base},
    zips,
};
use checks::{
    check::{self, Chapter, Check},
    report::Again,
    runner::{self, CheckResult, Plan},
    speech,
};
use common::cause;
use stage::{
    Role, Subject, cgroup,
    failure::readable,
    kernel,
    process::{Environment, Opening, Process, shell_fill, shell_split, shell_word},
};
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long one submission may take at most, all its builds and checks together. Everything in
/// it is bounded by itself; this is for what nobody has thought of.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a report says of walls that the kernel does not help to hold.
const NO_GROUP: &str = "no control group (cgroup v2) can be had here: memory is counted as far as \
                        it is seen, which pipes and sockets do not show";

/// What a report says where no program can be seen to listen.
const NO_SOCKETS: &str = "the kernel does not show its sockets here (/proc/net/tcp), so nobody can \
                          see whether a program listens";

/// What a report says where nobody can connect to this machine itself.
const NO_LOOPBACK: &str = "there is no way to 127.0.0.1 and 127.0.0.2 here: is the loopback \
                           interface up?";

/// What is said of a name that cannot stand in a command line.
const NO_TEXT: &str = "its name is not UTF-8: give it another one";

/// What the other grader is behind where there are no walls.
pub const OPEN: &str = "open";

/// What a student hands in.
#[derive(Clone, Debug)]
pub enum HandedIn {
    /// A program that follows the contract's grammar.
    Program(&'static Chapter, String),
    /// A command line for each role.
    Commands(&'static Chapter, Vec<(Role, String)>),
    /// A diff, what it begins with if that was said, and the chapter of it that counts if not all
    /// do that it touches.
    Diff(PathBuf, Option<Base>, Option<&'static Chapter>),
    /// A file or a folder in which there is something to be found (see [`search`]), and what is
    /// said of it, as of a diff.
    Place(PathBuf, Option<Base>, Option<&'static Chapter>),
    /// A file or a folder, and how a program in it is started: a program or commands, in which
    /// `{}` is open.
    Filled(PathBuf, Box<HandedIn>),
}

impl HandedIn {
    /// The words that name it on grade's command line.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut say = |option: &str, value: OsString| words.extend([option.into(), value]);
        match self {
            HandedIn::Program(_, command) => say("--program", command.into()),
            HandedIn::Commands(_, roles) => {
                for (role, command) in roles {
                    say(&format!("--{role}"), command.into());
                }
            }
            HandedIn::Diff(file, base, _) => {
                say("--diff", file.into());
                base.iter().for_each(|base| say("--base", base.to_string().into()));
            }
            HandedIn::Place(path, base, _) => {
                say("--dir", path.into());
                base.iter().for_each(|base| say("--base", base.to_string().into()));
            }
            HandedIn::Filled(..) => {}
        }
        if let HandedIn::Filled(path, how) = self {
            say("--dir", path.into());
            words.extend(how.words());
        } else if let Some(chapter) = self.chapter() {
            say("--chapter", chapter.number.into());
        }
        words
    }

    /// A name for it, as it may stand in a report.
    pub fn name(&self) -> String {
        let stem = |path: &Path| Some(path.file_stem()?.to_string_lossy().into_owned());
        // `.` is no name.
        let whole = |path: &Path| stem(&fs::canonicalize(path).ok()?);
        let file = |path: &Path| stem(path).or_else(|| whole(path)).unwrap_or_default();
        readable(&match self {
            HandedIn::Program(chapter, _) | HandedIn::Commands(chapter, _) => chapter.folder(),
            HandedIn::Diff(path, ..)
            | HandedIn::Place(path, ..)
            | HandedIn::Filled(path, _) => file(path),
        })
    }

    /// The chapter that was said, if one was.
    fn chapter(&self) -> Option<&'static Chapter> {
        match self {
            HandedIn::Program(chapter, _) | HandedIn::Commands(chapter, _) => Some(chapter),
            HandedIn::Diff(_, _, chapter) | HandedIn::Place(_, _, chapter) => *chapter,
            HandedIn::Filled(_, how) => how.chapter(),
        }
    }

    /// Its command lines, each with the role that it is for if it is for one alone.
    pub fn commands(&self) -> Vec<(Option<Role>, &str)> {
        match self {
            HandedIn::Program(_, command) => vec![(None, command)],
            HandedIn::Commands(_, roles) => {
                roles.iter().map(|(role, command)| (Some(*role), command.as_str())).collect()
            }
            HandedIn::Filled(_, how) => how.commands(),
            HandedIn::Diff(..) | HandedIn::Place(..) => Vec::new(),
        }
    }

    /// Fills its command lines with what is found at `path`. A role whose program is not there is
    /// not handed in.
    fn filled(&self, path: &Path) -> std::result::Result<(HandedIn, Vec<String>), Refusal> {
        let (mut commands, mut notes, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
        for (role, command) in self.commands() {
            let language = Language::of_command(command);
            let fill = |opening: &Opening| {
                let found = search::place(path, opening, language, role)?;
                if found.to_str().is_none() {
                    return Err(Unfit::Refused(NO_TEXT.to_string()));
                }
                let name = readable(&search::named_in(&found, path));
                notes.extend((!notes.contains(&name)).then_some(name));
                Ok(found)
            };
            match (shell_fill(command, fill), role) {
                (Ok(command), _) => commands.push((role, command)),
                (Err(Unfit::Missing(why)), Some(role)) => {
                    lacking.push(format!("the {role} is not handed in: {why}"));
                }
                (Err(Unfit::Missing(why) | Unfit::Refused(why)), _) => {
                    return Err(Refusal::Submission(why));
                }
            }
        }
        let graded = format!("graded as the program {}", notes.join(", "));
        match (self, commands.as_slice()) {
            (_, []) => Err(Refusal::Submission(lacking.join("; "))),
            (HandedIn::Program(chapter, _), [(None, command)]) => {
                Ok((HandedIn::Program(chapter, command.clone()), vec![graded]))
            }
            _ => {
                let roles = commands.into_iter().filter_map(|(role, its)| Some((role?, its)));
                let chapter = self.chapter().ok_or_else(no_chapter)?;
                lacking.insert(0, graded);
                Ok((HandedIn::Commands(chapter, roles.collect()), lacking))
            }
        }
    }

    /// What of it can be started, for each chapter; for one `check` alone, if that is asked.
    fn take(
        &self,
        walls: Option<&Sandbox>,
        check: Option<&Check>,
        all: Option<&[PathBuf]>,
    ) -> std::result::Result<Taken, Refusal> {
        let environment = |commands: Vec<&str>, belonging: Option<&[PathBuf]>| Environment {
            wall: walls
                .map(|walls| walls.around_commands(&commands, belonging))
                .unwrap_or_default(),
            ..Environment::default()
        };
        let one = |chapter: &'static Chapter, subject| {
            Ok(Taken { subjects: vec![(chapter, subject)], ..Taken::default() })
        };
        let workshop = || BuildDir::open(walls.cloned());
        let of_check = check.and_then(|check| check::chapter(check.chapter_number()));
        match self {
            HandedIn::Program(chapter, command) => {
                let environment = environment(vec![command], all);
                let subject = Subject::program(command, chapter.roles);
                one(chapter, Subject { environment, outside: true, ..subject })
            }
            HandedIn::Commands(chapter, roles) => {
                let commands: BTreeMap<_, _> = roles.iter().cloned().collect();
                let environment =
                    environment(commands.values().map(String::as_str).collect(), all);
                one(
                    chapter,
                    Subject { commands, environment, outside: true, ..Subject::default() },
                )
            }
            HandedIn::Diff(..) if check.is_some_and(|check| check.answer().is_some()) => {
                let why = "an exercise is graded as a folder or a program, not as a diff";
                Err(Refusal::Submission(why.to_string()))
            }
            HandedIn::Diff(file, base, chapter) => {
                workshop()?.diff(file, *base, chapter.or(of_check))
            }
            HandedIn::Filled(path, how) => {
                let unpacked = zips::unpacked(path, walls)?;
                let path = unpacked.as_ref().map_or(path, |unpacked| &unpacked.folder);
                let (filled, notes) = how.filled(path)?;
                // What the commands name besides is the teacher's.
                let words = how.commands().into_iter().flat_map(|(_, line)| shell_split(line));
                let files = words.map(PathBuf::from).filter(|word| word.is_file());
                let all: Vec<PathBuf> = files.chain([path.clone()]).collect();
                let taken = filled.take(walls, check, Some(&all))?;
                Ok(Taken { notes: [notes, taken.notes].concat(), unpacked, ..taken })
            }
            HandedIn::Place(path, base, chapter) => {
                let (base, chapter) = (*base, chapter.or(of_check));
                let unpacked = zips::unpacked(path, walls)?;
                let path = unpacked.as_ref().map_or(path, |unpacked| &unpacked.folder);
                let found = search::look(path, chapter).map_err(Refusal::Submission)?;
                let needed = || chapter.ok_or_else(no_chapter);
                let mut taken = match &found {
                    Found::Diff(file) => {
                        return HandedIn::Diff(file.clone(), base, chapter)
                            .take(walls, check, all);
                    }
                    Found::Edition(folder) => workshop()?.edition(folder, chapter, check)?,
                    Found::Crate(folder) => workshop()?.folder(folder, needed()?, check)?,
                    Found::Sources(main) => workshop()?.sources(main, needed()?, check)?,
                    Found::Script(file, language) => {
                        if let Some(tool) = language.lacks() {
                            return Err(Refusal::Grader(format!(
                                "it takes {tool}, and there is none here"
                            )));
                        }
                        let workshop = language.is_built.then(workshop).transpose()?;
                        let (command, all) = match &workshop {
                            Some(workshop) => workshop.foreign(path, file, language)?,
                            None => {
                                let fill = |_: &Opening| {
                                    let is_text = file.to_str().is_some();
                                    let why = || Refusal::Submission(NO_TEXT.to_string());
                                    is_text.then(|| file.clone()).ok_or_else(why)
                                };
                                let command = format!("{} {{}}", language.tool);
                                (shell_fill(&command, fill)?, path.clone())
                            }
                        };
                        let program = HandedIn::Program(needed()?, command);
                        let taken = program.take(walls, check, Some(&[all]))?;
                        Taken { workshop, ..taken }
                    }
                };
                // On a student's own desk it is no news.
                taken.notes.extend((!desk::asks()).then(|| found.said(path)));
                Ok(Taken { unpacked, ..taken })
            }
        }
    }
}

fn no_chapter() -> Refusal {
    Refusal::Submission("of which chapter is it? --chapter says it".to_string())
}

/// A submission, and how it is graded.
#[derive(Clone, Debug)]
pub struct Work {
    /// What was handed in.
    pub handed_in: HandedIn,
    /// The one check to run; none for all but the exercises.
    pub only: Option<String>,
    /// Makes the payloads.
    pub seed: u64,
    /// The walls around it; none to grade it unconfined.
    pub walls: Option<Mode>,
}

impl Work {
    /// Grades it in this process, which is behind the outer wall if there are walls; `done`
    /// hears of each check as it ends, and of how many there are.
    pub fn grade(&self, done: &(dyn Fn(&CheckResult, usize) + Sync)) -> Results {
        let begun = Instant::now();
        let mut results = match self.take() {
            _ if !kernel::shows_sockets() => Results::trouble(self.seed, NO_SOCKETS),
            _ if !kernel::has_loopback() => Results::trouble(self.seed, NO_LOOPBACK),
            Ok(taken) => self.check(&taken, done),
            Err(Refusal::Submission(why)) => Results::refused(self.seed, &why),
            Err(Refusal::Grader(why)) => Results::trouble(self.seed, &why),
        };
        (results.took, results.again) = (begun.elapsed(), self.again());
        results
    }

    /// The command that runs one check again; `make check` knows a shorter one.
    fn again(&self) -> Again {
        let ours = || {
            let words = self.handed_in.words();
            let words: Vec<String> =
                words.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
            let sandbox = if self.walls.is_some() { " --sandbox" } else { "" };
            format!("grade {}{sandbox} --only {{id}} --seed {{seed}}", words.join(" "))
        };
        let command = desk::again().unwrap_or_else(ours);
        Again { command: readable(&command.replace("{seed}", &self.seed.to_string())) }
    }

    fn take(&self) -> std::result::Result<Taken, Refusal> {
        let walls = self.walls.map(|mode| Sandbox::inside(mode, &scratch())).transpose()?;
        let check = self.only.as_deref().and_then(check::find);
        self.handed_in.take(walls.as_ref(), check, None)
    }

    fn check(&self, taken: &Taken, done: &(dyn Fn(&CheckResult, usize) + Sync)) -> Results {
        let mut results = Results::new(self.seed);
        results.notes.clone_from(&taken.notes);
        if self.walls.is_some() && !cgroup::has_bounds() {
            results.notes.push(NO_GROUP.to_string());
        }
        for (chapter, subject) in &taken.subjects {
            let subject = &speech::learned(chapter, subject, self.seed);
            results.notes.extend(speech::told(subject));
            let checks: Vec<_> =
                chapter.checks.iter().copied().filter(|c| self.is_asked(c)).collect();
            let plan = Plan { seed: self.seed, side_by_side: 8, again: true };
            let one_done = |result: &CheckResult| done(result, checks.len());
            results.add(runner::run(&checks, subject, plan, &one_done));
        }
        results
    }

    fn is_asked(&self, check: &Check) -> bool {
        match &self.only {
            Some(id) => check.id == id,
            // Exercises are run only when they are asked for by name.
            None => check.answer().is_none(),
        }
    }

    /// Grades it in a grader of its own, so that whatever happens there ends with it.
    pub fn grade_apart(&self) -> Results {
        let is_text = self.handed_in.words().iter().all(|word| word.to_str().is_some());
        let mut results = match is_text.then(|| self.other_grader()) {
            None => Results::refused(self.seed, NO_TEXT),
            Some(Ok(results)) => results,
            Some(Err(why)) => Results::trouble(self.seed, &why),
        };
        results.again = self.again();
        results
    }

    fn other_grader(&self) -> std::result::Result<Results, String> {
        let trouble = |e: io::Error| cause(&e);
        let words = self.words_for_other().map_err(trouble)?;
        let grader = Process::start_words(&words, &Environment::default());
        let grader = grader.map_err(trouble)?;
        let Some(exit) = grader.wait(LIMIT) else {
            return Err(format!("it did not end within {} minutes", LIMIT.as_secs() / 60));
        };
        let heard = grader.heard();
        wire::read(&String::from_utf8_lossy(&heard.stdout)).ok_or_else(|| {
            let said = String::from_utf8_lossy(&heard.stderr);
            format!("it ended without results ({exit}): {}", said.trim())
        })
    }

    /// The command line of the other grader, with the outer wall around it.
    fn words_for_other(&self) -> io::Result<Vec<OsString>> {
        let mut words = Vec::new();
        if let Some(mode) = self.walls {
            let scratch = scratch();
            fs::create_dir_all(&scratch)?;
            words.extend(sandbox::outer_wall(mode, &scratch));
        }
        words.push(env::current_exe()?.into());
        words.extend(self.handed_in.words());
        let mut say = |option: &str, value: &str| {
            words.extend([option, value].map(OsString::from));
        };
        say("--seed", &self.seed.to_string());
        say("--behind", &self.walls.map_or(OPEN.to_string(), |mode| mode.to_string()));
        if let Some(id) = &self.only {
            say("--only", id);
        }
        Ok(words)
    }
}

/// Where the outer wall puts its folder in memory, each its own.
fn scratch() -> PathBuf {
    workshop::place().join("walls")
}
