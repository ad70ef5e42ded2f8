//! grade: runs a chapter's checks on what a student handed in, and says why something failed.
//!
//! From the top: the command line becomes one or more graded subjects (`Work`), each subject
//! the results of its chapter's checks, the results a report and an exit status.

use common::{Args, Error, Program, note, put};
use std::{cell::Cell, env, path::PathBuf, process::ExitCode, time::Instant};
use tests::{
    check::{self, CHAPTERS, Chapter, Check, Kind},
    report::{self, Again},
    results::Results,
    runner::{self, Plan},
    stage::{Role, Subject},
    submission::{Refusal, Workshop},
};

const PROGRAM: Program = Program {
    name: "grade",
    usage: "grade --chapter NN --program 'CMD' [--only ID] [--seed N] [--json FILE]
grade --chapter NN [--server 'CMD {port}'] [--client 'CMD {host} {port}'] …
      (06: --encoder, --decoder; 09: --tunnel 'CMD {lport} {host} {port}')
grade --diff FILE
grade --dir FOLDER --chapter NN
grade --list [--chapter NN]",
    example: "grade --chapter 03 --program 'python3 echo.py'",
};

/// The exit status, as the contract numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    /// All required checks passed.
    Passed = 0,
    /// Some failed.
    Failed = 1,
    /// Mixed results under one seed.
    Inconclusive = 5,
    /// The submission cannot be applied, built or started.
    NotStarted = 3,
    /// The grader itself failed: no score is given.
    GraderTrouble = 4,
}

fn main() -> ExitCode {
    let status = Cell::new(Status::Passed);
    let exit = PROGRAM.main(|args| {
        match start(args) {
            Ok(end) => status.set(end),
            // What fails at run time here is the grader, never the submission.
            Err(Error::Failed(why)) => {
                note(format_args!("{}: {why}", PROGRAM.name));
                status.set(Status::GraderTrouble);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    });
    match status.get() {
        Status::Passed => exit,
        other => ExitCode::from(other as u8),
    }
}

/// What is to be graded, and how.
struct Work {
    chapter: Option<&'static Chapter>,
    /// The words that name the subject on the command line, for the report's last line.
    source: String,
    only: Option<String>,
    seed: u64,
    json: Option<PathBuf>,
}

fn start(mut args: Args) -> Result<Status, Error> {
    let chapter = args.option::<String>("--chapter", "a number from 01 to 09")?;
    let chapter = chapter.as_deref().map(known_chapter).transpose()?;
    if args.flag("--list") {
        args.finish()?;
        return list(chapter).map(|()| Status::Passed);
    }
    let program = args.option::<String>("--program", "a command")?;
    let diff = args.option::<PathBuf>("--diff", "a file")?;
    let folder = args.option::<PathBuf>("--dir", "a folder")?;
    let mut roles = Vec::new();
    for role in Role::ALL {
        let command = args.option::<String>(&format!("--{role}"), "a command")?;
        roles.extend(command.map(|command| (role, command)));
    }
    let mut work = Work {
        chapter,
        source: String::new(),
        only: args.option("--only", "a check's id")?,
        seed: args.option("--seed", "a number")?.unwrap_or_else(new_seed),
        json: args.option("--json", "a file")?,
    };
    args.finish()?;
    match (program, diff, folder, roles.is_empty()) {
        (Some(program), None, None, true) => {
            let chapter = work.chapter_needed()?;
            work.source = format!("--chapter {} --program '{program}'", chapter.number);
            work.grade(&[(chapter, Subject::program(&program, chapter.roles))])
        }
        (None, None, None, false) => {
            let chapter = work.chapter_needed()?;
            let subject = commands(chapter, &roles)?;
            let words = roles.iter().map(|(role, command)| format!(" --{role} '{command}'"));
            work.source = format!("--chapter {}{}", chapter.number, words.collect::<String>());
            work.grade(&[(chapter, subject)])
        }
        (None, Some(diff), None, true) => {
            work.source = format!("--diff {}", diff.display());
            let applied = workshop()?.diff(&diff);
            work.grade_submission(applied)
        }
        (None, None, Some(folder), true) => {
            let chapter = work.chapter_needed()?;
            work.source = format!("--dir {} --chapter {}", folder.display(), chapter.number);
            let exercise = work.only.as_ref().and_then(|id| chapter.check(id));
            let built = workshop()?.folder(&folder, chapter, exercise);
            work.grade_submission(built.map(|subject| vec![(chapter, subject)]))
        }
        (None, None, None, true) => {
            Err(Error::Usage("nothing to grade: --program, --diff or --dir".into()))
        }
        _ => Err(Error::Usage(
            "--program, --diff, --dir and the roles exclude each other".into(),
        )),
    }
}

fn known_chapter(number: &str) -> Result<&'static Chapter, Error> {
    check::chapter(number)
        .ok_or_else(|| Error::Usage(format!("there is no chapter {number:?}")))
}

/// A seed that differs from run to run; what it was stands in every report.
fn new_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(now.unwrap_or_default().subsec_nanos()) % 1_000_000
}

fn commands(chapter: &Chapter, roles: &[(Role, String)]) -> Result<Subject, Error> {
    for (role, command) in roles {
        if !chapter.roles.contains(role) {
            return Err(Error::Usage(format!("chapter {} has no {role}", chapter.number)));
        }
        if let Some(place) = role
            .grammar()
            .split(' ')
            .find(|word| word.starts_with('{') && !command.contains(word))
        {
            return Err(Error::Usage(format!("--{role} does not say where {place} belongs")));
        }
    }
    Ok(Subject { commands: roles.iter().cloned().collect(), ..Subject::default() })
}

fn workshop() -> Result<Workshop, Error> {
    Workshop::open("single").map_err(|refusal| match refusal {
        Refusal::Submission(why) | Refusal::Grader(why) => Error::Failed(why),
    })
}

/// All checks, with where each comes from.
fn list(chapter: Option<&'static Chapter>) -> Result<(), Error> {
    for chapter in
        CHAPTERS.iter().filter(|c| chapter.is_none_or(|only| only.number == c.number))
    {
        put(format!("{}\n", chapter.folder()).as_bytes())?;
        for check in chapter.checks {
            let worth = match check.kind {
                Kind::Required => format!("{} points", check.points),
                Kind::Manners => "manners".to_string(),
                Kind::Exercise { .. } => "exercise".to_string(),
            };
            let needs =
                if check.needs.is_empty() { "-".to_string() } else { check.needs.join(" ") };
            put(format!(
                "  {:<22} {}\n      {worth}; {}; needs {needs}; {}\n",
                check.id, check.title, check.role, check.source
            )
            .as_bytes())?;
        }
    }
    Ok(())
}

impl Work {
    fn chapter_needed(&self) -> Result<&'static Chapter, Error> {
        self.chapter.ok_or_else(|| Error::Usage("--chapter is missing".to_string()))
    }

    fn checks(&self, chapter: &'static Chapter) -> Result<Vec<&'static Check>, Error> {
        match &self.only {
            // Exercises are run only when they are asked for by name.
            None => {
                Ok(chapter.checks.iter().filter(|check| check.answer().is_none()).collect())
            }
            Some(id) => match chapter.check(id) {
                Some(check) => Ok(vec![check]),
                None => Err(Error::Usage(format!("{} has no check {id:?}", chapter.folder()))),
            },
        }
    }

    fn grade_submission(
        &self,
        made: Result<Vec<(&'static Chapter, Subject)>, Refusal>,
    ) -> Result<Status, Error> {
        match made {
            Ok(subjects) => self.grade(&subjects),
            Err(Refusal::Submission(why)) => {
                put(format!("NOT GRADED: {why}\n").as_bytes())?;
                self.write(&Results::refused(&why))?;
                Ok(Status::NotStarted)
            }
            Err(Refusal::Grader(why)) => Err(Error::Failed(why)),
        }
    }

    fn grade(&self, subjects: &[(&'static Chapter, Subject)]) -> Result<Status, Error> {
        let mut results = Results::new(self.seed);
        self.write(&results)?;
        for (chapter, subject) in subjects {
            let checks = self.checks(chapter)?;
            put(format!("{} (seed {}, unconfined)\n", chapter.folder(), self.seed).as_bytes())?;
            let plan = Plan { seed: self.seed, side_by_side: 8, twice: true };
            let begun = Instant::now();
            results.add(chapter, runner::run(&checks, subject, plan, &|_| ()), begun.elapsed());
            self.write(&results)?;
        }
        let again = Again { command: self.again() };
        put(results.text(&again).as_bytes())?;
        Ok(status(&results))
    }

    /// The command that runs one check again; `make check` knows a shorter one.
    fn again(&self) -> String {
        let ours = || format!("grade {} --only {{id}} --seed {{seed}}", self.source);
        let command = env::var("AGAIN").unwrap_or_else(|_| ours());
        command.replace("{seed}", &self.seed.to_string())
    }

    fn write(&self, results: &Results) -> Result<(), Error> {
        match &self.json {
            Some(file) => report::write_whole(file, &results.gradescope()),
            None => Ok(()),
        }
    }
}

fn status(results: &Results) -> Status {
    use tests::runner::Verdict;
    let of_one = |result: &runner::Result| match result.verdict {
        Verdict::GraderTrouble(_) => Status::GraderTrouble,
        _ if result.check.kind == Kind::Manners => Status::Passed,
        Verdict::Passed | Verdict::NotHandedIn => Status::Passed,
        Verdict::NotStarted(_) => Status::NotStarted,
        Verdict::Inconclusive(_) => Status::Inconclusive,
        Verdict::Failed(_) | Verdict::Skipped { .. } => Status::Failed,
    };
    results.all().map(of_one).max().unwrap_or(Status::Passed)
}
