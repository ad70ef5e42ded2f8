//! Programs that are right but different, in other languages and other styles
//! (`tests/checks/right/`), and the starters, which are not right yet: a check that fails one of
//! the first is unfair, and one of the second must fail.
//!
//! An interpreter needs more time to start than most checks need. So only what the labs themselves
//! would write and the programs in C are tried, unless all are wanted (`make zoo`, which is
//! `ZOO=all`).

use crate::{
    check::{self, CHAPTERS, Chapter, Check, Kind},
    libtest_like::{self, Case, Ending},
    report::{self, Again},
    runner::{self, CheckResult, Plan, Verdict},
    speech,
    workspace::{self, Programs},
};
use common::cause;
use stage::{
    Subject,
    process::{on_path, shell_path, shell_word},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How many programs are checked at the same time, each with several checks side by side.
const SIDE_BY_SIDE: usize = 4;

const PLAN: Plan = Plan { seed: 1, side_by_side: 8, again: false };

/// How many percent of a wrong program's checks have to be decided: one mistake must not hide
/// what else is right or wrong.
const DECIDED: usize = 80;

/// How long the checks of an untouched starter may take: a student asks often.
const SOON: Duration = Duration::from_secs(20);

/// The `main` of `tests/subjects.rs`.
pub fn main() -> ExitCode {
    let files = match files_in("tests/checks/right") {
        Ok(files) => files,
        Err(why) => return libtest_like::cannot_begin(why),
    };
    let programs = match workspace::build() {
        Ok(programs) => programs,
        Err(why) => return libtest_like::cannot_begin(why),
    };
    let wrong = match files_in("tests/checks/wrong") {
        Ok(wrong) => wrong,
        Err(why) => return libtest_like::cannot_begin(why),
    };
    let mut tests: Vec<Case> = files
        .iter()
        .filter(|file| libtest_like::all_are_wanted() || is_usual(file))
        .map(|file| Case::new(name(file), || passes(file)))
        .collect();
    tests.extend(wrong.iter().map(|file| {
        let name = format!("wrong/{}", name(file));
        Case::new(name, || fails_as_it_says(file))
    }));
    for chapter in CHAPTERS {
        let starter = format!("starter-{}", chapter.number);
        tests.push(Case::new(starter, || fails_soon(chapter, &programs)));
    }
    libtest_like::main(tests, SIDE_BY_SIDE, libtest_like::Again::Never)
}

/// The files of a folder, not its folders.
fn files_in(folder: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(workspace::root().join(folder))?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut files: Vec<PathBuf> = paths?.into_iter().filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// True if it is in C, or what a lab's sheet leads to; without a compiler all are.
fn is_usual(file: &Path) -> bool {
    let is_in_c = file.extension().is_some_and(|ending| ending == "c");
    is_in_c || name(file).contains("labs-own") || !on_path("cc")
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The chapter that the file's name begins with, and the command that runs it.
fn chapter_and_command(file: &Path) -> std::result::Result<(&'static Chapter, String), Ending> {
    let name = name(file);
    let number = name.split('-').next().unwrap_or_default();
    match check::chapter(number) {
        Some(chapter) => Ok((chapter, command(file)?)),
        None => Err(Ending::Failed("its name begins with no chapter's number".to_string())),
    }
}

/// The program fails what its lines `fails: CHECK DIAGNOSIS` say, and no other check fails. All
/// its checks are run if all are wanted (`make zoo`), and otherwise those that it names.
fn fails_as_it_says(file: &Path) -> Ending {
    let (chapter, command) = match chapter_and_command(file) {
        Ok(found) => found,
        Err(ending) => return ending,
    };
    let header = Header::of(file);
    let mut expected = header.fails.clone();
    let all = libtest_like::all_are_wanted();
    let results = run_outside(chapter, &command, &header, |check| all || header.names(check));
    let mut found: Vec<String> = results
        .iter()
        .filter_map(|result| match &result.verdict {
            Verdict::Failed(failure) => {
                let means = failure.means.map_or("-", |diagnosis| diagnosis.id);
                Some(format!("{} {means}", result.check.id))
            }
            _ => None,
        })
        .collect();
    expected.sort();
    found.sort();
    if found != expected || found.is_empty() {
        return Ending::Failed(format!("it should fail {expected:?}, and fails {found:?}"));
    }
    let skipped: Vec<&str> = results
        .iter()
        .filter(|result| matches!(result.verdict, Verdict::Skipped { .. }))
        .map(|result| result.check.id)
        .collect();
    if 100 * skipped.len() > (100 - header.decided) * results.len() {
        return Ending::Failed(format!("too many checks were not tried: {skipped:?}"));
    }
    Ending::Passed
}

/// What the wrong programs must fail, as their headers say: `03.echoes newline-lost`.
pub(crate) fn announced() -> Vec<String> {
    let files = files_in("tests/checks/wrong").unwrap_or_default();
    files.iter().flat_map(|file| Header::of(file).fails).collect()
}

/// What the first lines of a program's file say of it, behind the marks of a comment.
#[derive(Debug, Default)]
struct Header {
    /// `plays: server`: the roles that it has; none for all of its chapter.
    plays: Vec<String>,
    /// `fails: 03.echoes newline-lost`: a check that it must fail, and the diagnosis, or `-`.
    fails: Vec<String>,
    /// `not judged: 06.frames 06.zero`: checks that cannot be tried in its way of speaking.
    not_judged: Vec<String>,
    /// `decided: 20`: how many percent of its checks have to be decided, if fewer than usual
    /// can be: without its frames nothing can be said to a codec.
    decided: usize,
}

impl Header {
    fn of(file: &Path) -> Header {
        let text = fs::read_to_string(file).unwrap_or_default();
        let of = |name: &str| -> Vec<String> {
            let lines = text.lines().take(40).filter_map(|line| line.split_once(name));
            lines.map(|(_, what)| what.trim().to_string()).collect()
        };
        let words = |lines: Vec<String>| -> Vec<String> {
            lines.iter().flat_map(|line| line.split_whitespace()).map(String::from).collect()
        };
        Header {
            plays: words(of("plays: ")),
            fails: of("fails: "),
            not_judged: words(of("not judged: ")),
            decided: of("decided: ").first().and_then(|n| n.parse().ok()).unwrap_or(DECIDED),
        }
    }

    /// True if the program must fail this check.
    fn names(&self, check: &Check) -> bool {
        self.fails.iter().any(|line| line.split(' ').next() == Some(check.id))
    }
}

/// The program passes all required checks of the chapter that its name begins with.
fn passes(file: &Path) -> Ending {
    let (chapter, command) = match chapter_and_command(file) {
        Ok(found) => found,
        Err(ending) => return ending,
    };
    let (number, header) = (chapter.number, Header::of(file));
    let results = run_outside(chapter, &command, &header, |_| true);
    let again = Again {
        command: format!(
            "grade --chapter {number} --program {} --only {{id}} --seed 1",
            shell_word(&command)
        ),
    };
    let stories: String = results
        .iter()
        .filter(|result| match result.verdict {
            Verdict::Passed => false,
            Verdict::NotJudged(_) => !header.not_judged.iter().any(|id| id == result.check.id),
            _ => true,
        })
        .map(|result| report::line(result) + "\n" + &report::story(result, &again))
        .collect();
    if stories.is_empty() { Ending::Passed } else { Ending::Failed(stories) }
}

/// How the program is started, by its language.
fn command(file: &Path) -> std::result::Result<String, Ending> {
    let language = file.extension().unwrap_or_default().to_string_lossy();
    let tool = match &*language {
        "py" => "python3",
        "js" => "node",
        "c" => "cc",
        _ => return Err(Ending::Failed(format!("nobody here speaks {language}"))),
    };
    if !on_path(tool) {
        return Err(Ending::Ignored(format!("there is no {tool} here")));
    }
    match tool {
        "cc" => compiled(file).map_err(Ending::Failed),
        // Its other packages are not used, and to look for them takes most of its start.
        "python3" => Ok(format!("{} -S {}", shell_word(python()), shell_path(file))),
        // Its helpers take a third of the time that it needs to start, and have nothing to do.
        _ => Ok(format!("{tool} --single-threaded {}", shell_path(file))),
    }
}

/// The interpreter itself: `python3` may be a script that looks for it, at every start.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let itself = ["-c", "import sys; print(sys.executable, end='')"];
        let said = Command::new("python3").args(itself).output();
        let path = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        path.ok().filter(|path| !path.is_empty()).unwrap_or_else(|| "python3".to_string())
    })
}

fn compiled(file: &Path) -> std::result::Result<String, String> {
    let folder = workspace::root().join("target/grade/subjects");
    let program = folder.join(file.file_stem().unwrap_or_default());
    fs::create_dir_all(&folder).map_err(|e| cause(&e))?;
    let built = Command::new("cc")
        .args(["-Wall", "-o"])
        .args([&program, file])
        .output()
        .map_err(|e| cause(&e))?;
    if built.status.success() && built.stderr.is_empty() {
        return Ok(shell_path(&program));
    }
    Err(String::from_utf8_lossy(&built.stderr).into_owned())
}

/// Runs what a program from outside is asked for and what is `wanted` of it, in the way in which
/// it speaks.
fn run_outside(
    chapter: &'static Chapter,
    command: &str,
    header: &Header,
    wanted: impl Fn(&Check) -> bool,
) -> Vec<CheckResult> {
    let mut subject = Subject { outside: true, ..Subject::program(command, chapter.roles) };
    if !header.plays.is_empty() {
        subject.commands.retain(|role, _| header.plays.iter().any(|name| name == role.name()));
    }
    let subject = speech::learned(chapter, &subject, PLAN.seed);
    let is_asked = |check: &&'static Check| {
        check.kind == Kind::Lab && subject.commands.contains_key(&check.role) && wanted(check)
    };
    let checks: Vec<&'static Check> = chapter.checks.iter().copied().filter(is_asked).collect();
    runner::run(&checks, &subject, PLAN, &|_| ())
}

fn run(chapter: &'static Chapter, command: &str) -> Vec<CheckResult> {
    let checks: Vec<&'static Check> =
        chapter.checks.iter().copied().filter(|check| check.counts()).collect();
    let subject = Subject::program(command, chapter.roles);
    runner::run(&checks, &subject, PLAN, &|_| ())
}

/// The starter fails at least one required check, and each exercise's; none of the required ones
/// waits long for it.
fn fails_soon(chapter: &'static Chapter, programs: &Programs) -> Ending {
    let Some(starter) = programs.get(&format!("starter-{}", chapter.number)) else {
        return Ending::Failed("it is not built".to_string());
    };
    let begun = Instant::now();
    let results = run(chapter, &shell_path(starter));
    let took = begun.elapsed();
    let failed = |result: &CheckResult| matches!(result.verdict, Verdict::Failed(_));
    if !results.iter().any(failed) {
        return Ending::Failed("it fails no required check".to_string());
    }
    if took > SOON {
        return Ending::Failed(format!("its checks took {:.1} s", took.as_secs_f64()));
    }
    // An exercise begins with it too.
    for (check, answer) in chapter.checks.iter().filter_map(|c| Some((*c, c.answer()?))) {
        let words = answer.split_once(' ').map_or("", |(_, words)| words);
        let command = format!("{} {words}", shell_path(starter));
        let mut subject = Subject::program(&command, chapter.roles);
        subject.commands.insert(check.role, command);
        let results = runner::run(&[check], &subject, PLAN, &|_| ());
        if !results.iter().all(failed) {
            return Ending::Failed(format!("it does not fail {}", check.id));
        }
    }
    Ending::Passed
}
