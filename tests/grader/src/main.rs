//! grade: runs a chapter's checks on what students handed in, and says why something failed.
//!
//! From the top: the command line says what was handed in (`HandedIn`), by one student or by a
//! class. [`Work`] grades one, [`Class`] many; what they found becomes a report, files, and an
//! exit status.

use checks::{
    check::{self, CHAPTERS, Chapter, Kind},
    report,
};
use common::{Args, Error, Program, note, progress, put, say};
use grader::{
    class::Class,
    csv, desk, edition, html, json, junit,
    reference::Reference,
    results::{Results, Status},
    sandbox::{self, Mode},
    wire,
    work::{HandedIn, OPEN, Work},
    workshop::diff::Base,
};
use stage::{Role, process::finish};
use std::{
    cell::Cell,
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: Program = Program {
    name: "grade",
    usage: "grade --chapter NN --program 'CMD'
grade --chapter NN [--server 'CMD {port}'] [--client 'CMD {host} {port}']
      (06: --encoder and --decoder, each as --server;
      09: --tunnel 'CMD {lport} {host} {port}' too)
grade --diff FILE [--chapter NN] [--base reference|starter]
grade --dir FOLDER [--chapter NN]  a crate, its sources, a workspace or a program,
      in any depth; --chapter is needed where that does not say it
grade --class FOLDER [--chapter NN] [--jobs N] [--csv FILE] [--html FILE]
      every file or folder in it, as --dir finds it; the worst exit status
grade --class FOLDER --chapter NN --program 'python3 {}' (or --server and so on)
      programs in any language: {} is the file, or the folder with what follows
grade --list [--chapter NN]
grade --chapter NN --exercise NAME  the checks of an exercise
grade --student-edition FOLDER
grade --chapter NN --compare | --hand-in FILE   what is on the desk, as a diff
      and, where something is graded:
      [--only ID] [--seed N] [--json FILE] [--junit FILE]
      [--sandbox | --try-sandbox]  walls around it; the second: if they can be had
      [--against-reference]  shows our own program doing the same",
    example: "grade --chapter 03 --program 'python3 echo.py'",
};

fn main() -> ExitCode {
    let status = Cell::new(Status::Passed);
    let exit = PROGRAM.main(|args| {
        match start(args, &status) {
            Ok(()) => {}
            // What fails at run time here is the grader, never the submission.
            Err(why @ Error::Failed(..)) => {
                note(format_args!("{}: {why}", PROGRAM.name));
                status.set(Status::GraderTrouble);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    });
    finish();
    match status.get() {
        Status::Passed => exit,
        other => other.into(),
    }
}

/// What is to be graded, how, and where the results go.
struct Order {
    chapter: Option<&'static Chapter>,
    only: Option<String>,
    seed: u64,
    jobs: Option<NonZeroUsize>,
    csv: Option<PathBuf>,
    html: Option<PathBuf>,
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
    /// The walls around what is graded.
    walls: Option<Mode>,
    /// Our own programs, to be compared with.
    reference: Option<Reference>,
    /// What all diffs begin with, if that was said.
    base: Option<Base>,
    /// True between graders: the results are for a program to read.
    is_other: bool,
}

/// Does what the command line says; `status` is set before it is told, because nobody may hear.
fn start(mut args: Args, status: &Cell<Status>) -> Result<(), Error> {
    let chapter = args.option::<String>("--chapter", "a number from 01 to 09")?;
    let chapter = chapter.as_deref().map(known_chapter).transpose()?;
    if args.flag("--list") {
        args.finish()?;
        return list(chapter);
    }
    if let Some(name) = args.option::<String>("--exercise", "an exercise's name")? {
        args.finish()?;
        return exercise(needed(chapter)?, &name);
    }
    if let Some(folder) = args.option::<PathBuf>("--student-edition", "a folder")? {
        args.finish()?;
        return edition::write(&folder);
    }
    if let Some(file) = args.option::<PathBuf>("--hand-in", "a file")? {
        args.finish()?;
        return desk::hand_in(needed(chapter)?, &file);
    }
    if args.flag("--compare") {
        args.finish()?;
        return desk::compare(needed(chapter)?);
    }
    let class = args.option::<PathBuf>("--class", "a folder")?;
    let base = args.option("--base", "reference or starter")?;
    let submissions = handed_in(&mut args, chapter, base)?;
    let compared = args.flag("--against-reference");
    let (is_other, walls) = walls(&mut args)?;
    let mut order = Order {
        chapter,
        only: args.option("--only", "a check's id")?,
        seed: args.option("--seed", "a number")?.unwrap_or_else(new_seed),
        jobs: args.option("--jobs", "a number above 0")?,
        csv: args.option("--csv", "a file")?,
        html: args.option("--html", "a file")?,
        json: args.option("--json", "a file")?,
        junit: args.option("--junit", "a file")?,
        walls,
        reference: None,
        base,
        is_other,
    };
    args.finish()?;
    order.check_only()?;
    order.check_files()?;
    if compared {
        order.reference = Some(Reference::build(order.seed)?);
    }
    match (class, submissions.as_slice()) {
        (Some(folder), []) => order.grade_class(&folder, None, status),
        (Some(folder), [how]) if !how.commands().is_empty() => {
            check_open(how)?;
            order.grade_class(&folder, Some(how), status)
        }
        (None, [one]) => order.grade_one(one, status),
        (None, [how, HandedIn::Place(path, ..)]) if !how.commands().is_empty() => {
            check_open(how)?;
            order.grade_one(&HandedIn::Filled(path.clone(), Box::new(how.clone())), status)
        }
        (None, []) => Err(Error::Usage(
            "nothing to grade: --program, --diff, --dir or --class".to_string(),
        )),
        _ => Err(Error::Usage(
            "--program, --diff, --dir, --class and the roles exclude each other, but that {} of a \
             command is filled from a --dir or a --class"
                .to_string(),
        )),
    }
}

/// What the command line says was handed in; more than one thing is one too many.
fn handed_in(
    args: &mut Args,
    chapter: Option<&'static Chapter>,
    base: Option<Base>,
) -> Result<Vec<HandedIn>, Error> {
    let needed = || needed(chapter);
    let mut all = Vec::new();
    if let Some(program) = command(args, "--program")? {
        all.push(HandedIn::Program(needed()?, program));
    }
    let mut roles = Vec::new();
    for role in Role::ALL {
        roles.extend(command(args, &format!("--{role}"))?.map(|command| (role, command)));
    }
    if !roles.is_empty() {
        check_places(needed()?, &roles)?;
        all.push(HandedIn::Commands(needed()?, roles));
    }
    if let Some(diff) = args.option("--diff", "a file")? {
        all.push(HandedIn::Diff(diff, base, chapter));
    }
    if let Some(folder) = args.option("--dir", "a folder")? {
        all.push(HandedIn::Place(folder, base, chapter));
    }
    Ok(all)
}

/// An option with a command line, which has a word at least.
fn command(args: &mut Args, option: &str) -> Result<Option<String>, Error> {
    match args.option::<String>(option, "a command")? {
        Some(line) if line.trim().is_empty() => {
            Err(Error::Usage(format!("{option} needs a command")))
        }
        line => Ok(line),
    }
}

fn needed(chapter: Option<&'static Chapter>) -> Result<&'static Chapter, Error> {
    chapter.ok_or_else(|| Error::Usage("--chapter is missing".to_string()))
}

/// True if this is the other grader, which another one has started; and the walls that are asked
/// for, or that are there already.
fn walls(args: &mut Args) -> Result<(bool, Option<Mode>), Error> {
    let (is_asked, is_wished) = (args.flag("--sandbox"), args.flag("--try-sandbox"));
    match args.option::<String>("--behind", "a mode")?.as_deref() {
        Some(OPEN) => Ok((true, None)),
        Some(mode) => {
            let unknown = |()| Error::Usage(format!("there is no mode {mode:?}"));
            Ok((true, Some(mode.parse().map_err(unknown)?)))
        }
        None if is_asked => Ok((false, Some(Mode::find()?))),
        None if is_wished => Ok((false, Mode::find().inspect_err(|why| note(why)).ok())),
        None => Ok((false, None)),
    }
}

fn known_chapter(number: &str) -> Result<&'static Chapter, Error> {
    check::chapter(number)
        .ok_or_else(|| Error::Usage(format!("there is no chapter {number:?}")))
}

/// Each role's command says where what it needs belongs.
fn check_places(chapter: &Chapter, roles: &[(Role, String)]) -> Result<(), Error> {
    for (role, command) in roles {
        if !chapter.roles.contains(role) {
            return Err(Error::Usage(format!("chapter {} has no {role}", chapter.number)));
        }
        let mut places = role.grammar().split(' ').filter(|word| word.starts_with('{'));
        if let Some(place) = places.find(|place| !command.contains(place)) {
            return Err(Error::Usage(format!("--{role} does not say where {place} belongs")));
        }
    }
    Ok(())
}

/// Each command says where what a student has handed in belongs.
fn check_open(how: &HandedIn) -> Result<(), Error> {
    match how.commands().into_iter().find(|(_, command)| !command.contains("{}")) {
        Some((role, _)) => {
            let role = role.map_or("program", Role::name);
            Err(Error::Usage(format!("--{role} does not say where {{}} belongs")))
        }
        None => Ok(()),
    }
}

/// A seed that differs from run to run; what it was stands in every report.
fn new_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::from(now.unwrap_or_default().subsec_nanos()) % 1_000_000
}

/// A build keeps more than one processor busy, a check hardly any.
fn half_the_processors() -> usize {
    thread::available_parallelism().map_or(1, |processors| processors.get().div_ceil(2))
}

/// All checks, with where each comes from.
fn list(chapter: Option<&'static Chapter>) -> Result<(), Error> {
    for chapter in
        CHAPTERS.iter().filter(|c| chapter.is_none_or(|only| only.number == c.number))
    {
        put(format!("{}\n", chapter.folder()).as_bytes())?;
        for check in chapter.checks {
            let points = if check.points == 1 { "point" } else { "points" };
            let worth = match check.kind {
                Kind::Lab => format!("lab, {} {points}", check.points),
                Kind::Chapter => format!("chapter, {} {points}", check.points),
                Kind::Manners => "manners".to_string(),
                Kind::Exercise { .. } => "exercise".to_string(),
            };
            let needs: Vec<_> = check.needs.iter().map(|need| need.id).collect();
            let needs = if needs.is_empty() { "nothing".to_string() } else { needs.join(" ") };
            put(format!(
                "  {:<22} {}\n      {worth}; {}; needs {needs}; {}\n",
                check.id, check.title, check.role, check.source
            )
            .as_bytes())?;
        }
    }
    Ok(())
}

/// The checks of an exercise, by the name of its program, and how each starts it.
fn exercise(chapter: &Chapter, name: &str) -> Result<(), Error> {
    let exercises = || {
        let answers = chapter.checks.iter().filter_map(|check| Some((check, check.answer()?)));
        answers
            .map(|(check, answer)| (check.id, answer.split(' ').next().unwrap_or(""), answer))
    };
    let mut known: Vec<&str> = exercises().map(|(_, name, _)| name).collect();
    known.dedup();
    if !known.contains(&name) {
        let why = format!("no exercise of chapter {} is named {name:?}", chapter.number);
        return Err(Error::failed(why, format!("there are {}", known.join(", "))));
    }
    let mut of_name = exercises().filter(|(_, of, _)| *of == name);
    of_name.try_for_each(|(id, _, answer)| say(&format!("{id} {answer}")))
}

impl Order {
    /// The one check that is asked for exists, in the chapter that is asked for.
    fn check_only(&self) -> Result<(), Error> {
        let Some(id) = &self.only else { return Ok(()) };
        match (check::find(id), self.chapter) {
            (None, _) => Err(Error::Usage(format!("there is no check {id:?}"))),
            (Some(check), Some(asked)) if check.chapter_number() != asked.number => {
                Err(Error::Usage(format!("{} has no check {id:?}", asked.folder())))
            }
            _ => Ok(()),
        }
    }

    /// Each report is a regular file of its own: it comes into its place by one rename, and that
    /// is no place for a device.
    fn check_files(&self) -> Result<(), Error> {
        let files = [&self.csv, &self.html, &self.json, &self.junit];
        let files: Vec<&PathBuf> = files.into_iter().flatten().collect();
        for (n, file) in files.iter().enumerate() {
            let name = file.display();
            if file.exists() && !file.is_file() {
                return Err(Error::Usage(format!("{name} is no regular file")));
            }
            if files[..n].contains(file) {
                return Err(Error::Usage(format!("{name} is to be two reports at once")));
            }
        }
        Ok(())
    }

    fn grade_one(&self, handed_in: &HandedIn, status: &Cell<Status>) -> Result<(), Error> {
        if self.jobs.is_some() || self.csv.is_some() || self.html.is_some() {
            let why = "--jobs, --csv and --html are for a --class";
            return Err(Error::Usage(why.to_string()));
        }
        let work = Work {
            handed_in: handed_in.clone(),
            only: self.only.clone(),
            seed: self.seed,
            walls: self.walls,
        };
        if self.is_other {
            let results = work.grade(&|_, _| ());
            status.set(results.status());
            return put(wire::write(&results).as_bytes());
        }
        report::write_if_asked(self.json.as_deref(), || json::BEGUN.to_string())?;
        report::write_if_asked(self.junit.as_deref(), || junit::write(std::iter::empty()))?;
        let mut results =
            if self.walls.is_some() { work.grade_apart() } else { grade_here(&work) };
        if let Some(reference) = &self.reference {
            reference.add(&mut results);
        }
        report::write_if_asked(self.json.as_deref(), || json::gradescope(&results))?;
        report::write_if_asked(self.junit.as_deref(), || {
            junit::write([(handed_in.name().as_str(), &results)].into_iter())
        })?;
        status.set(results.status());
        let mut chapters: Vec<String> = results.chapters().map(Chapter::folder).collect();
        if chapters.is_empty() {
            chapters.push(handed_in.name());
        }
        let (what, seed) = (chapters.join(", "), self.seed);
        // On a student's own desk nothing has to be kept out, so walls are no news.
        if desk::asks() {
            put(format!("{what} (seed {seed})\n").as_bytes())?;
        } else {
            put(format!("{what} (seed {seed}, {})\n", sandbox::word(self.walls)).as_bytes())?;
        }
        put(results.text().as_bytes())
    }

    fn grade_class(
        &self,
        folder: &std::path::Path,
        how: Option<&HandedIn>,
        status: &Cell<Status>,
    ) -> Result<(), Error> {
        let (mut class, left_out) =
            Class::open(folder, how, self.chapter, self.base, self.seed, self.walls)?;
        for name in left_out {
            note(format_args!("{name} is nothing that can be graded, and left out"));
        }
        self.write_class(&class)?;
        let (begun, last) = (Instant::now(), Cell::new(Instant::now()));
        let jobs = self.jobs.map_or_else(half_the_processors, NonZeroUsize::get);
        let jobs = jobs.clamp(1, class.size());
        class.grade(jobs, self.only.as_deref(), self.reference.as_ref(), |class| {
            show_progress(class, begun);
            // Each is whole at any moment; what is in them may be a second old.
            if last.get().elapsed() > Duration::from_secs(1) {
                last.set(Instant::now());
                self.write_class(class)?;
            }
            Ok(())
        })?;
        progress("");
        self.write_class(&class)?;
        status.set(class.status());
        put(class.text().as_bytes())
    }

    fn write_class(&self, class: &Class) -> Result<(), Error> {
        report::write_if_asked(self.csv.as_deref(), || csv::write(class))?;
        report::write_if_asked(self.html.as_deref(), || html::write(class))?;
        report::write_if_asked(self.json.as_deref(), || json::class(class.graded()))?;
        report::write_if_asked(self.junit.as_deref(), || junit::write(class.graded()))
    }
}

/// Grades in this process, and shows how far it is.
fn grade_here(work: &Work) -> Results {
    let count = AtomicUsize::new(0);
    let results = work.grade(&|_, all| {
        progress(format_args!("{} of {all}", count.fetch_add(1, Ordering::Relaxed) + 1));
    });
    progress("");
    results
}

/// A bar, and how long it will still take at this pace.
fn show_progress(class: &Class, begun: Instant) {
    const WIDTH: usize = 30;
    let (done, all) = (class.graded().count(), class.size());
    let bar = "#".repeat(done * WIDTH / all.max(1));
    let left = begun.elapsed() * (all - done) as u32 / done.max(1) as u32;
    progress(format_args!("[{bar:<WIDTH$}] {done} of {all}, {} s left", left.as_secs()));
}
