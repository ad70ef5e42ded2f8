//! What is to be graded, and how: a submission becomes subjects, each subject is checked, and
//! all of it comes to results, whatever goes wrong.

use crate::{
    check::{self, Chapter, Check},
    claim::Claim,
    failure::readable,
    process::{Process, Surroundings, shell_word},
    records,
    results::Results,
    runner::{self, Plan, Result},
    stage::{Role, Subject},
    submission::{Refusal, Workshop},
};
use std::{
    env, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long one submission may take at most, all its builds and checks together. Everything in
/// it is bounded by itself; this is for what nobody has thought of.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The workshops' kind: see [`Claim`].
const KIND: &str = "workshop";

/// What can be started, for each chapter.
type Subjects = Vec<(&'static Chapter, Subject)>;

/// What a student hands in.
#[derive(Clone, Debug)]
pub enum HandedIn {
    /// A program that follows the contract's grammar.
    Program(&'static Chapter, String),
    /// A command line for each role.
    Commands(&'static Chapter, Vec<(Role, String)>),
    /// A diff, of which one chapter counts or all that it touches.
    Diff(PathBuf, Option<&'static Chapter>),
    /// A folder with a crate.
    Folder(PathBuf, &'static Chapter),
}

impl HandedIn {
    /// The words that name it on grade's command line.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |option: &str, value: String| words.extend([option.to_string(), value]);
        match self {
            HandedIn::Program(_, command) => say("--program", command.clone()),
            HandedIn::Commands(_, roles) => {
                for (role, command) in roles {
                    say(&format!("--{role}"), command.clone());
                }
            }
            HandedIn::Diff(file, _) => say("--diff", file.display().to_string()),
            HandedIn::Folder(folder, _) => say("--dir", folder.display().to_string()),
        }
        if let Some(chapter) = self.chapter() {
            say("--chapter", chapter.number.to_string());
        }
        words
    }

    /// A name for it, as it may stand in a report.
    pub fn name(&self) -> String {
        let file =
            |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        readable(&match self {
            HandedIn::Program(chapter, _) | HandedIn::Commands(chapter, _) => chapter.folder(),
            HandedIn::Diff(path, _) | HandedIn::Folder(path, _) => file(path),
        })
    }

    /// The chapter that was said, if one was.
    fn chapter(&self) -> Option<&'static Chapter> {
        match self {
            HandedIn::Program(chapter, _)
            | HandedIn::Commands(chapter, _)
            | HandedIn::Folder(_, chapter) => Some(chapter),
            HandedIn::Diff(_, chapter) => *chapter,
        }
    }

    /// What of it can be started, for each chapter; for one `check` alone, if that is asked.
    fn subjects(
        &self,
        workshop: impl FnOnce() -> std::result::Result<Workshop, Refusal>,
        check: Option<&Check>,
    ) -> std::result::Result<Subjects, Refusal> {
        match self {
            HandedIn::Program(chapter, command) => {
                Ok(vec![(chapter, Subject::program(command, chapter.roles))])
            }
            HandedIn::Commands(chapter, roles) => {
                let commands = roles.iter().cloned().collect();
                Ok(vec![(chapter, Subject { commands, ..Subject::default() })])
            }
            HandedIn::Diff(file, chapter) => workshop()?.diff(file, *chapter),
            HandedIn::Folder(folder, chapter) => {
                Ok(vec![(chapter, workshop()?.folder(folder, chapter, check)?)])
            }
        }
    }
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
    /// The workshop that somebody has claimed for it; none to claim one.
    pub workshop: Option<String>,
}

impl Work {
    /// Grades it in this process; `done` hears of each check as it ends, and of how many there
    /// are.
    pub fn grade(&self, done: &(dyn Fn(&Result, usize) + Sync)) -> Results {
        let begun = Instant::now();
        let mut results = match self.subjects() {
            Ok((subjects, _claim)) => self.check(&subjects, done),
            Err(Refusal::Submission(why)) => Results::refused(self.seed, why),
            Err(Refusal::Grader(why)) => Results::trouble(self.seed, why),
        };
        results.took = begun.elapsed();
        results
    }

    /// The subjects, and the right to what they were built in.
    fn subjects(&self) -> std::result::Result<(Subjects, Option<Claim>), Refusal> {
        let (claim, name) = match &self.workshop {
            Some(name) => (None, name.clone()),
            None => {
                let claim = Claim::first_free(KIND)?;
                let name = claim.name().to_string();
                (Some(claim), name)
            }
        };
        let check = self.only.as_deref().and_then(check::find);
        Ok((self.handed_in.subjects(|| Workshop::open(&name), check)?, claim))
    }

    fn check(&self, subjects: &Subjects, done: &(dyn Fn(&Result, usize) + Sync)) -> Results {
        let mut results = Results::new(self.seed);
        for (chapter, subject) in subjects {
            let checks: Vec<_> = chapter.checks.iter().filter(|c| self.is_asked(c)).collect();
            let plan = Plan { seed: self.seed, side_by_side: 8, twice: true };
            let one_done = |result: &Result| done(result, checks.len());
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
        self.other_grader().unwrap_or_else(|why| Results::trouble(self.seed, why))
    }

    fn other_grader(&self) -> std::result::Result<Results, String> {
        let trouble = |e: io::Error| common::cause(&e);
        let grade = env::current_exe().map_err(trouble)?;
        let claim = Claim::first_free(KIND).map_err(trouble)?;
        let mut words = vec![grade.display().to_string()];
        words.extend(self.handed_in.words());
        let (seed, workshop) = (self.seed.to_string(), claim.name().to_string());
        words.extend(["--seed".to_string(), seed, "--records".to_string()]);
        words.extend(["--workshop".to_string(), workshop]);
        words.extend(self.only.iter().flat_map(|id| ["--only".to_string(), id.clone()]));
        let command = words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ");
        let grader = Process::start(&command, &Surroundings::default()).map_err(trouble)?;
        let Some(exit) = grader.wait(LIMIT) else {
            return Err(format!("it did not end within {} minutes", LIMIT.as_secs() / 60));
        };
        let heard = grader.heard();
        records::read(&String::from_utf8_lossy(&heard.stdout)).ok_or_else(|| {
            let said = String::from_utf8_lossy(&heard.stderr);
            format!("it ended without results ({exit}): {}", said.trim())
        })
    }
}
