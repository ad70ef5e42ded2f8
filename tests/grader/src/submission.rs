//! What a student hands in, made into a subject: a diff is applied to a clean copy of the
//! workspace, a folder is taken as it is; both are built.
//!
//! Each grader that works at the same time as another has a workshop of its own: a copy of
//! the workspace below `target/grade`, in which only the chapters that a diff touches are ever
//! built again, so that a class of hundreds does not build `common` hundreds of times.

use crate::{
    edition,
    sandbox::{self, Build, Sandbox},
};
use checks::{
    check::{CHAPTERS, Chapter, Check},
    files::{remove, write_once},
    workspace::{self, Programs},
};
use common::cause;
use stage::{
    Subject,
    process::{Process, Surroundings, shell_word, shell_words},
    scaled,
};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Why there is nothing to check.
#[derive(Debug)]
pub enum Refusal {
    /// The submission cannot be applied or built, and why.
    Submission(String),
    /// The grader itself met trouble.
    Grader(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Grader(format!("the workshop is broken: {}", cause(&error)))
    }
}

/// How large a diff may be, in bytes. Nobody writes that much by hand.
const MAX_DIFF: u64 = 4 << 20;

/// How large a folder may be: its bytes, and how many files.
const MAX_FOLDER: (u64, usize) = (16 << 20, 2000);

/// How many folders may lie in each other there.
const MAX_DEPTH: u32 = 16;

/// How long a build may take; the longest of ours takes a few seconds.
const MAX_BUILD: Duration = Duration::from_secs(120);

/// A place to apply and build submissions, one after another.
#[derive(Debug)]
pub struct Workshop {
    /// The workspace as it is handed in.
    copy: PathBuf,
    /// What was built of it. Sources in a diff do nothing while they are built, so this stays
    /// from one submission to the next.
    target: PathBuf,
    /// What belongs to one submission alone, and goes with it.
    own: PathBuf,
    sandbox: Option<Sandbox>,
}

/// The folder of the workshop of this name.
pub fn folder(name: &str) -> PathBuf {
    workspace::root().join("target/grade").join(name)
}

impl Workshop {
    /// Opens the workshop of this name, and lays the reference into it.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn open(name: &str) -> Result<Workshop, Refusal> {
        Workshop::open_in(name, None)
    }

    /// As [`Workshop::open`], to build behind walls.
    ///
    /// # Errors
    /// As [`Workshop::open`].
    pub fn open_in(name: &str, sandbox: Option<Sandbox>) -> Result<Workshop, Refusal> {
        let folder = folder(name);
        let own = sandbox.as_ref().map_or_else(|| folder.join("own"), Sandbox::own);
        let (copy, target) = (folder.join("workspace"), folder.join("target"));
        remove(&own)?;
        fs::create_dir_all(&own)?;
        let workshop = Workshop { copy, target, own, sandbox };
        workshop.lay_out_reference()?;
        Ok(workshop)
    }

    /// Lays out what a submission is built with: `common`, the chapters, and nothing that they
    /// need for their tests alone, so that nothing has to be fetched from anywhere.
    fn lay_out_reference(&self) -> io::Result<()> {
        let (root, copy) = (workspace::root(), &self.copy);
        fs::create_dir_all(copy.join("chapters"))?;
        let mut manifests = vec![PathBuf::from("Cargo.toml")];
        let chapters = workspace::chapters()?;
        for member in chapters.iter().map(PathBuf::as_path).chain([Path::new("common")]) {
            for part in ["src", "examples", "starter.rs"] {
                let (ours, its) = (root.join(member).join(part), copy.join(member).join(part));
                if ours.exists() {
                    fs::create_dir_all(copy.join(member))?;
                    mirror(&ours, &its)?;
                } else {
                    remove(&its)?;
                }
            }
            manifests.push(member.join("Cargo.toml"));
        }
        for manifest in &manifests {
            let text = fs::read_to_string(root.join(manifest))?;
            write_once(&copy.join(manifest), without_tests(&text).as_bytes())?;
        }
        self.lock(&manifests)
    }

    /// Writes the copy's Cargo.lock anew where a manifest is younger: behind walls cargo cannot.
    fn lock(&self, manifests: &[PathBuf]) -> io::Result<()> {
        let age = |file: &Path| fs::metadata(self.copy.join(file)).and_then(|m| m.modified());
        if let Ok(locked) = age(Path::new("Cargo.lock")) {
            if manifests.iter().all(|file| age(file).is_ok_and(|written| written < locked)) {
                return Ok(());
            }
        }
        let lock = Command::new("cargo")
            .args(["generate-lockfile", "--offline", "--quiet"])
            .current_dir(&self.copy)
            .output()?;
        if lock.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&lock.stderr).trim().to_string()))
    }

    /// Puts the starters in place of the chapters, as a student finds them in the student
    /// edition, where no exercise is answered either.
    fn lay_out_starters(&self) -> io::Result<()> {
        CHAPTERS.iter().try_for_each(|chapter| {
            let folder = self.copy.join("chapters").join(chapter.folder());
            remove(&folder.join("src"))?;
            fs::create_dir(folder.join("src"))?;
            fs::copy(folder.join("starter.rs"), folder.join("src/main.rs"))?;
            edition::answers(&folder).try_for_each(|answer| remove(&answer))
        })
    }

    /// Applies a student's diff and builds the chapters that it touches, or only the one that
    /// is `asked` for.
    ///
    /// # Errors
    /// When the diff touches what it may not, or nothing of what is asked for, applies neither
    /// to the reference nor to the starters, or does not build.
    pub fn diff(
        &self,
        diff: &Path,
        asked: Option<&'static Chapter>,
    ) -> Result<Vec<(&'static Chapter, Subject)>, Refusal> {
        let diff = &self.take_in(diff)?;
        let mut touched = self.touched(diff)?;
        if let Some(asked) = asked {
            touched.retain(|chapter| chapter.number == asked.number);
            if touched.is_empty() {
                let why = format!("the diff changes nothing of chapter {}", asked.number);
                return Err(Refusal::Submission(why));
            }
        }
        self.lay_out_reference()?;
        if self.begins_at_starter(diff, &touched)? {
            self.lay_out_starters()?;
            self.apply(diff).map_err(Refusal::Submission)?;
        } else if let Err(why) = self.apply(diff) {
            self.lay_out_starters()?;
            self.apply(diff).map_err(|_| Refusal::Submission(why))?;
        }
        for chapter in &touched {
            only_files(&self.copy.join("chapters").join(chapter.folder()))?;
        }
        touched.into_iter().map(|chapter| Ok((chapter, self.build(chapter)?))).collect()
    }

    /// True if the diff says that it begins at the starter: by the name that git gives to the
    /// starter's text, or because it changes no text at all and leaves everything unwritten.
    fn begins_at_starter(&self, diff: &Path, touched: &[&Chapter]) -> Result<bool, Refusal> {
        let text = fs::read(diff)?;
        let text = String::from_utf8_lossy(&text);
        let old =
            |line: &str| Some(line.strip_prefix("index ")?.split_once("..")?.0.to_string());
        let old: Vec<String> = text.lines().filter_map(old).collect();
        let is_none = |name: &String| name.bytes().all(|digit| digit == b'0');
        if !old.is_empty() && old.iter().all(is_none) {
            return Ok(true);
        }
        let starter = |chapter: &&Chapter| format!("chapters/{}/starter.rs", chapter.folder());
        let names = Command::new("git")
            .arg("hash-object")
            .args(touched.iter().map(starter))
            .current_dir(workspace::root())
            .output()?;
        let names = String::from_utf8_lossy(&names.stdout).into_owned();
        let is_starter = |old: &&String| {
            old.len() >= 4 && names.lines().any(|name| name.starts_with(old.as_str()))
        };
        Ok(old.iter().any(|old| is_starter(&old)))
    }

    /// A diff as git takes it: not too large, as UTF-8, its lines ended by `\n`. Some shells
    /// write UTF-16, and some mail programs change the line ends.
    fn take_in(&self, diff: &Path) -> Result<PathBuf, Refusal> {
        let unreadable =
            |e| Refusal::Submission(format!("cannot read the diff: {}", cause(&e)));
        let size = fs::metadata(diff).map_err(unreadable)?.len();
        if size > MAX_DIFF {
            let why = format!("the diff has {size} bytes; {MAX_DIFF} are allowed");
            return Err(Refusal::Submission(why));
        }
        let taken = self.own.join("handed-in.diff");
        fs::write(&taken, as_git_writes(&fs::read(diff).map_err(unreadable)?))?;
        Ok(taken)
    }

    /// The chapters that a diff touches.
    fn touched(&self, diff: &Path) -> Result<Vec<&'static Chapter>, Refusal> {
        let refused = |what: String| Err(Refusal::Submission(what));
        let changes = self.git_apply(diff, &["--numstat", "-z"])?;
        let mut chapters = BTreeSet::new();
        for path in changes.split('\0').map(counted).filter(|path| !path.is_empty()) {
            if path.contains(char::is_control) {
                return refused(format!(
                    "the diff touches {path:?}, which is no name for a file"
                ));
            }
            match chapter_of(Path::new(path)) {
                Some(number) => chapters.insert(number),
                None => {
                    return refused(format!(
                        "the diff touches {path:?}: only chapters/*/src and chapters/*/examples may change"
                    ));
                }
            };
        }
        let text = String::from_utf8_lossy(&fs::read(diff)?).into_owned();
        if text.lines().any(|line| line == "GIT binary patch") {
            return refused("the diff holds a binary file".to_string());
        }
        if let Some(path) = named(&text)
            .find(|path| chapter_of(Path::new(path)).is_none_or(|c| !chapters.contains(c)))
        {
            return refused(format!("the diff takes {path:?} from where nothing may change"));
        }
        let modes = self.git_apply(diff, &["--summary"])?;
        if let Some(link) = modes
            .lines()
            .find(|line| line.contains("mode 120000") || line.contains("mode 160000"))
        {
            return refused(format!("the diff makes a link: {}", link.trim()));
        }
        if chapters.is_empty() {
            return refused("the diff changes no chapter".to_string());
        }
        Ok(CHAPTERS
            .iter()
            .filter(|chapter| chapters.contains(chapter.number))
            .copied()
            .collect())
    }

    fn apply(&self, diff: &Path) -> Result<(), String> {
        match self.git_apply(diff, &["--whitespace=nowarn"]) {
            Ok(_) => Ok(()),
            Err(Refusal::Submission(why) | Refusal::Grader(why)) => Err(why),
        }
    }

    fn git_apply(&self, diff: &Path, options: &[&str]) -> Result<String, Refusal> {
        let applied = Command::new("git")
            .arg("apply")
            .args(options)
            .arg(fs::canonicalize(diff)?)
            .current_dir(&self.copy)
            // The copy stands inside a repository, which git apply must not look for.
            .env("GIT_CEILING_DIRECTORIES", self.copy.parent().unwrap_or(&self.copy))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| Refusal::Grader(format!("cannot run git: {}", cause(&e))))?;
        if applied.status.success() {
            return Ok(String::from_utf8_lossy(&applied.stdout).into_owned());
        }
        let why = String::from_utf8_lossy(&applied.stderr).replace("error: ", "");
        Err(Refusal::Submission(format!("the diff does not apply: {}", why.trim())))
    }

    fn build(&self, chapter: &'static Chapter) -> Result<Subject, Refusal> {
        let build = Build {
            folder: &self.copy,
            lies: &self.copy,
            sources: &self.copy,
            hidden: sandbox::hidden(&self.copy, Some(chapter))?,
            target: &self.target,
        };
        let what = ["-p", chapter.name, "--bins", "--locked"];
        // Sources can take in any file that the compiler sees, such as somebody's program.
        self.forget_program(chapter)?;
        let built = self.cargo(&build, &what).or_else(|why| {
            // Its own fault, if the reference can be built here and now.
            self.lay_out_reference()?;
            self.cargo(&build, &what)
                .map_or_else(|trouble| Err(trouble.of_grader()), |_| Err(why))
        });
        self.subject(chapter, &built?)
    }

    /// Removes the programs that were built of a chapter before.
    fn forget_program(&self, chapter: &Chapter) -> io::Result<()> {
        let debug = self.target.join("debug");
        for folder in [debug.clone(), debug.join("deps")] {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry?.path();
                let name =
                    path.file_name().unwrap_or_default().to_string_lossy().replace('_', "-");
                let its = name.strip_prefix(chapter.name);
                if its.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a program from where a build has left it. While it was built anything could be
    /// done there; now nobody else is there any more.
    fn take(&self, program: &Path) -> Result<PathBuf, Refusal> {
        if !fs::symlink_metadata(program)?.is_file() {
            let why = format!("it builds no program, but a link: {}", program.display());
            return Err(Refusal::Submission(why));
        }
        let own = self.own.join("programs");
        fs::create_dir_all(&own)?;
        let taken = own.join(program.file_name().unwrap_or_default());
        fs::copy(program, &taken)?;
        Ok(taken)
    }

    /// Builds the student's crate in `folder`. For an exercise its examples are built too: the
    /// answer's command line takes the place of the program's.
    ///
    /// # Errors
    /// When there is no crate, or it does not build.
    pub fn folder(
        &self,
        folder: &Path,
        chapter: &'static Chapter,
        exercise: Option<&Check>,
    ) -> Result<Subject, Refusal> {
        // As far from `common` as on the desk.
        let place = self.copy.join("work/handed-in");
        remove(&place)?;
        copy_in(folder, &place)?;
        let Ok(manifest) = fs::read_to_string(place.join("Cargo.toml")) else {
            return Err(Refusal::Submission("the folder has no Cargo.toml".to_string()));
        };
        if inherits(&manifest) {
            return self.member(&place, chapter);
        }
        if !manifest.lines().any(|line| line.trim_start().starts_with("[workspace")) {
            // It stands on its own, and not in the workspace that it lies in now.
            fs::write(place.join("Cargo.toml"), format!("{manifest}\n[workspace]\n"))?;
        }
        // What runs while it is built (a build script) writes there. Behind walls both are in
        // memory, which has an end, and nobody else builds where it did; without them, it could
        // write anywhere.
        let (lies, target) = match self.sandbox {
            Some(_) => {
                let lies = self.own.join("handed-in");
                copy_in(&place, &lies)?;
                remove(&place)?;
                fs::create_dir_all(&place)?;
                (lies, self.own.join("target"))
            }
            None => (place.clone(), self.target.clone()),
        };
        let hidden = sandbox::hidden(&self.copy, None)?;
        let build =
            Build { folder: &place, lies: &lies, sources: &self.copy, hidden, target: &target };
        let mut subject = self.subject(chapter, &self.cargo(&build, &["--bins"])?)?;
        if let Some((check, answer)) = exercise.and_then(|check| Some((check, check.answer()?)))
        {
            let name = answer.split(' ').next().unwrap_or(answer);
            let examples = self.cargo(&build, &["--examples"])?;
            let Some(program) = examples.get(name) else {
                let what = format!("the exercise's program is missing: examples/{name}.rs");
                return Err(Refusal::Submission(what));
            };
            subject.around = self.around(&self.take(program)?);
            subject.commands.insert(check.role, answer.to_string());
        }
        Ok(subject)
    }

    /// Builds the crate of a fork of the workspace: its sources in the place of ours.
    fn member(&self, place: &Path, chapter: &'static Chapter) -> Result<Subject, Refusal> {
        let ours = self.copy.join("chapters").join(chapter.folder());
        for part in ["src", "examples"] {
            remove(&ours.join(part))?;
            if place.join(part).is_dir() {
                fs::rename(place.join(part), ours.join(part))?;
            }
        }
        self.build(chapter)
    }

    /// Runs cargo, twice if need be: a build that fails once may have met anything.
    fn cargo(&self, build: &Build, what: &[&str]) -> Result<Programs, Refusal> {
        self.cargo_once(build, what).or_else(|_| self.cargo_once(build, what))
    }

    fn cargo_once(&self, build: &Build, what: &[&str]) -> Result<Programs, Refusal> {
        let target = ("CARGO_TARGET_DIR".to_string(), build.target.display().to_string());
        let around = match &self.sandbox {
            Some(sandbox) => sandbox.around_build(build)?,
            None => Surroundings {
                directory: Some(build.folder.to_path_buf()),
                variables: vec![target],
                ..Surroundings::default()
            },
        };
        let cargo =
            workspace::cargo_words(what).chain(["--offline", "--quiet"].map(String::from));
        let cargo = Process::start(&shell_words(&cargo.collect::<Vec<_>>()), &around)?;
        let exit = cargo.wait(scaled(MAX_BUILD));
        let heard = cargo.heard();
        let refused =
            |why: String| Err(Refusal::Submission(format!("it does not build: {why}")));
        match (exit, heard.excess()) {
            (_, Some(excess)) => refused(excess.to_string()),
            (None, None) => refused(format!("cargo did not end within {MAX_BUILD:?}")),
            (Some(exit), None) if exit.success() => Ok(Programs::reported(&heard.stdout)),
            (Some(_), None) => refused(from_first_error(&heard.stderr)),
        }
    }

    /// What surrounds a program that was built: it is found by its name.
    fn around(&self, program: &Path) -> Surroundings {
        let path = program.parent().map(Path::to_path_buf).into_iter().collect();
        let wall = self.sandbox.as_ref().map(|sandbox| sandbox.around_program(program));
        Surroundings { path, wall: wall.unwrap_or_default(), ..Surroundings::default() }
    }

    /// The program among those that were built, called by its name, as in its chapter.
    fn subject(&self, chapter: &Chapter, programs: &Programs) -> Result<Subject, Refusal> {
        let Some(program) = programs.get(chapter.name).or_else(|| programs.only()) else {
            let why = format!("it builds no program named {}", chapter.name);
            return Err(Refusal::Submission(why));
        };
        let program = self.take(program)?;
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let around = self.around(&program);
        Ok(Subject { around, ..Subject::program(&shell_word(&name), chapter.roles) })
    }
}

impl Refusal {
    /// The same, where it cannot be the submission's fault.
    fn of_grader(self) -> Refusal {
        match self {
            Refusal::Submission(why) | Refusal::Grader(why) => Refusal::Grader(why),
        }
    }
}

/// What cargo said, from the first error on: warnings stop nobody.
fn from_first_error(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().skip_while(|line| !line.starts_with("error"));
    let errors = lines.collect::<Vec<_>>().join("\n");
    if errors.is_empty() { text.trim().to_string() } else { errors }
}

/// A diff's text as git writes it: UTF-8, lines ended by `\n`.
fn as_git_writes(diff: &[u8]) -> Vec<u8> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect()
    };
    let text = match diff {
        [0xff, 0xfe, rest @ ..] => {
            String::from_utf16_lossy(&units(rest, u16::from_le_bytes)).into()
        }
        [0xfe, 0xff, rest @ ..] => {
            String::from_utf16_lossy(&units(rest, u16::from_be_bytes)).into()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => rest.to_vec(),
        all => all.to_vec(),
    };
    let lines = || text.split_inclusive(|byte| *byte == b'\n');
    // Only where the headers have them too were they put there on the way.
    if !lines().any(|line| line.starts_with(b"--- ") && line.ends_with(b"\r\n")) {
        return text;
    }
    lines()
        .flat_map(|line| match line {
            [all @ .., b'\r', b'\n'] => [all, b"\n"].concat(),
            all => all.to_vec(),
        })
        .collect()
}

/// The path of a record of `git apply --numstat -z`: `added TAB deleted TAB path`; of a move the
/// path is empty, and both names come in records of their own.
fn counted(record: &str) -> &str {
    let is_count = |field: &str| field == "-" || field.parse::<u64>().is_ok();
    match record.splitn(3, '\t').collect::<Vec<_>>()[..] {
        [added, deleted, path] if is_count(added) && is_count(deleted) => path,
        _ => record,
    }
}

/// What stands in front of a path that a diff moves or copies.
const MOVES: [&str; 6] =
    ["rename from ", "rename to ", "rename old ", "rename new ", "copy from ", "copy to "];

/// All paths that the headers of a diff name, whatever git makes of them.
fn named(diff: &str) -> impl Iterator<Item = &str> {
    let next = diff.lines().skip(1).chain([""]);
    let headers = diff.lines().zip(next).flat_map(move |(line, next)| {
        // A line `-- x` that is taken away looks like a header, but has no other one behind it.
        let pair = line.strip_prefix("--- ").zip(next.strip_prefix("+++ "));
        let pair = pair.map(|(old, new)| [old, new].map(without_prefix));
        pair.into_iter()
            .flatten()
            .chain(MOVES.iter().find_map(|words| line.strip_prefix(words)))
    });
    headers.filter(|path| *path != "/dev/null").map(|path| path.trim_matches('"'))
}

/// A header's path without what git puts in front (`a/`) and other tools behind (the time).
fn without_prefix(path: &str) -> &str {
    let path = path.split('\t').next().unwrap_or_default();
    if path == "/dev/null" { path } else { path.split_once('/').map_or(path, |(_, rest)| rest) }
}

/// Refuses what a diff has made that is neither a file nor a folder.
fn only_files(folder: &Path) -> Result<(), Refusal> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => only_files(&entry.path())?,
            kind if kind.is_file() => {}
            _ => {
                let why = format!("the diff makes a link: {:?}", entry.file_name());
                return Err(Refusal::Submission(why));
            }
        }
    }
    Ok(())
}

/// A manifest without the crates below `tests/`, and without what a crate needs for its tests
/// alone.
fn without_tests(manifest: &str) -> String {
    let is_for_tests =
        |section: &str| section.starts_with("[[") || section == "[dev-dependencies]";
    let manifest = workspace::without(manifest, is_for_tests);
    let crates = ["stage", "checks", "grader", "book"];
    crates.iter().fold(manifest, |text, name| text.replace(&format!(", \"tests/{name}\""), ""))
}

/// True if a crate takes anything from the workspace that it is a member of.
fn inherits(manifest: &str) -> bool {
    manifest.lines().any(|line| line.replace(' ', "").contains("workspace=true"))
}

/// Copies what a student handed in: regular files, and not too many.
fn copy_in(from: &Path, to: &Path) -> Result<(), Refusal> {
    let (mut bytes, mut files) = MAX_FOLDER;
    let mut folders = vec![(from.to_path_buf(), to.to_path_buf(), 0)];
    while let Some((from, to, depth)) = folders.pop() {
        fs::create_dir_all(&to)?;
        let unreadable = |path: &Path, e: io::Error| {
            let path = path.strip_prefix(&from).unwrap_or(path);
            let what = match path.to_str() {
                Some("") => "the folder".to_string(),
                _ => format!("{} of the folder", path.display()),
            };
            Refusal::Submission(format!("cannot read {what}: {}", cause(&e)))
        };
        for entry in fs::read_dir(&from).map_err(|e| unreadable(&from, e))? {
            let entry = entry.map_err(|e| unreadable(&from, e))?;
            let kind = entry.file_type().map_err(|e| unreadable(&entry.path(), e))?;
            let name = entry.file_name();
            if kind.is_dir() && (name == "target" || name == ".git") {
                continue;
            }
            let refused = |what: &str| {
                let path = entry.path();
                let why = format!(
                    "the folder holds {what}: {:?}",
                    path.strip_prefix(&from).unwrap_or(&path)
                );
                Err(Refusal::Submission(why))
            };
            if !kind.is_dir() && !kind.is_file() {
                return refused("a link, or what is no file");
            }
            let size = entry.metadata().map_err(|e| unreadable(&entry.path(), e))?.len();
            let size = if kind.is_dir() { 0 } else { size };
            let left = (bytes.checked_sub(size), files.checked_sub(1));
            let (Some(bytes_left), Some(files_left)) = left else {
                return refused("too much, up to");
            };
            if depth > MAX_DEPTH {
                return refused("folders too deep, down to");
            }
            (bytes, files) = (bytes_left, files_left);
            if kind.is_dir() {
                folders.push((entry.path(), to.join(name), depth + 1));
            } else {
                let content =
                    fs::read(entry.path()).map_err(|e| unreadable(&entry.path(), e))?;
                fs::write(to.join(name), content)?;
            }
        }
    }
    Ok(())
}

/// The chapter's number, if this is a path that a diff may touch.
fn chapter_of(path: &Path) -> Option<&'static str> {
    let mut parts = path.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let (Some(Some("chapters")), folder, Some(Some("src" | "examples"))) =
        (parts.next(), parts.next()??, parts.next())
    else {
        return None;
    };
    let has_a_name = parts.all(|part| part.is_some());
    CHAPTERS.iter().find(|chapter| has_a_name && chapter.folder() == folder).map(|c| c.number)
}

/// Makes `to` the same as `from`; what is the same already is not touched, so that cargo sees
/// what has changed and nothing else.
///
/// # Errors
/// When something cannot be read or written.
pub fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        let wanted = fs::read(from)?;
        if fs::symlink_metadata(to).is_ok_and(|meta| !meta.is_file()) {
            remove(to)?;
        }
        return write_once(to, &wanted);
    }
    if !fs::symlink_metadata(to).is_ok_and(|meta| meta.is_dir()) {
        remove(to)?;
        fs::create_dir_all(to)?;
    }
    let names = |folder: &Path| -> io::Result<BTreeSet<_>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    let (wanted, there) = (names(from)?, names(to)?);
    there.difference(&wanted).try_for_each(|name| remove(&to.join(name)))?;
    wanted
        .iter()
        .filter(|name| *name != OsStr::new("target"))
        .try_for_each(|name| mirror(&from.join(name), &to.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_read_however_it_came() {
        let plain = "--- a/x\n+++ b/x\n+né\n";
        let utf16: Vec<u8> = "\u{feff}"
            .chars()
            .chain(plain.chars())
            .flat_map(|c| (c as u16).to_le_bytes())
            .collect();
        let windows = plain.replace('\n', "\r\n");
        let marked = format!("\u{feff}{plain}");
        for came in [plain.as_bytes(), &utf16, windows.as_bytes(), marked.as_bytes()] {
            assert_eq!(String::from_utf8(as_git_writes(came)).unwrap(), plain);
        }
        // Line ends that the student has written are the student's.
        let own = "--- a/x\n+++ b/x\n+n\r\n";
        assert_eq!(as_git_writes(own.as_bytes()), own.as_bytes());
    }

    #[test]
    fn every_path_that_a_header_names_is_seen() {
        let diff = "diff --git a/x b/y\nrename old common/x\ncopy from common/y\n\
                    --- a/common/z\t2026-01-01\n+++ \"b/\\303\"\n@@ -1,2 +0,0 @@\n\
                    --- no header\n-x\n--- /dev/null\n+++ b/n\n+copy from w\n";
        let paths: Vec<_> = named(diff).collect();
        assert_eq!(paths, ["common/x", "common/y", "common/z", "\\303", "n"]);
        assert_eq!(counted("1\t-\ta\tb"), "a\tb");
        assert_eq!(counted("a\tb"), "a\tb");
    }

    #[test]
    fn a_manifest_loses_what_is_for_tests_and_nothing_else() {
        let manifest = "[workspace]\nmembers = [\"common\", \"tests/stage\"]\n[dev-dependencies]\nx = \"2\"\n\
                        [[test]]\nname = \"y\"\n\n[lints]\nworkspace = true\n";
        let short = "[workspace]\nmembers = [\"common\"]\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), short);
    }

    #[test]
    fn a_member_of_a_workspace_is_known_by_what_it_inherits() {
        assert!(inherits("[package]\nversion.workspace = true\n"));
        assert!(inherits("[dependencies]\ncommon = { workspace = true }\n"));
        assert!(!inherits("[package]\nversion = \"0.1.0\"\n[workspace]\n"));
    }

    #[test]
    fn a_diff_may_touch_sources_and_examples_of_a_chapter() {
        let chapter = |path: &str| chapter_of(Path::new(path));
        assert_eq!(chapter("chapters/03-echo-threaded/src/main.rs"), Some("03"));
        assert_eq!(chapter("chapters/03-echo-threaded/examples/x.rs"), Some("03"));
        for path in [
            "common/src/lib.rs",
            "chapters/03-echo-threaded/Cargo.toml",
            "chapters/03-echo-threaded/build.rs",
            "chapters/03-echo-threaded/tests/checks.rs",
            "chapters/03-echo-threaded/src/../Cargo.toml",
            "chapters/99-none/src/main.rs",
            "/chapters/03-echo-threaded/src/main.rs",
            "../chapters/03-echo-threaded/src/main.rs",
            "Makefile",
        ] {
            assert_eq!(chapter(path), None, "{path}");
        }
    }
}
