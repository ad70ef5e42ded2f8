//! What a student hands in, made into a subject: a diff is applied to a clean copy of the
//! workspace, a folder is taken as it is; both are built.
//!
//! Each grader that works at the same time as another has a workshop of its own: a copy of
//! the workspace below `target/grade`, in which only the chapters that a diff touches are ever
//! built again, so that a class of hundreds does not build `common` hundreds of times.

use crate::{
    check::{CHAPTERS, Chapter, Check},
    process::{Surroundings, shell_word},
    stage::Subject,
    workspace::{self, Programs},
};
use common::cause;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
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

/// What of the workspace a submission is built with.
const COPIED: &[&str] = &["Cargo.toml", "Cargo.lock", "common", "chapters", "tests"];

/// A place to apply and build submissions, one after another.
#[derive(Debug)]
pub struct Workshop {
    copy: PathBuf,
    target: PathBuf,
}

impl Workshop {
    /// Opens the workshop of this name, and lays the reference into it.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn open(name: &str) -> Result<Workshop, Refusal> {
        let folder = workspace::root().join("target/grade").join(name);
        let workshop =
            Workshop { copy: folder.join("workspace"), target: folder.join("target") };
        workshop.lay_out_reference()?;
        Ok(workshop)
    }

    fn lay_out_reference(&self) -> io::Result<()> {
        fs::create_dir_all(&self.copy)?;
        COPIED
            .iter()
            .try_for_each(|name| mirror(&workspace::root().join(name), &self.copy.join(name)))
    }

    /// Puts the starters in place of the chapters, as a student finds them on the desk.
    fn lay_out_starters(&self) -> io::Result<()> {
        CHAPTERS.iter().try_for_each(|chapter| {
            let folder = self.copy.join("chapters").join(chapter.folder());
            fs::remove_dir_all(folder.join("src"))?;
            fs::create_dir(folder.join("src"))?;
            fs::copy(folder.join("starter.rs"), folder.join("src/main.rs")).map(|_| ())
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
        let mut touched = self.touched(diff)?;
        if let Some(asked) = asked {
            touched.retain(|chapter| chapter.number == asked.number);
            if touched.is_empty() {
                let why = format!("the diff changes nothing of chapter {}", asked.number);
                return Err(Refusal::Submission(why));
            }
        }
        self.lay_out_reference()?;
        if let Err(why) = self.apply(diff) {
            self.lay_out_starters()?;
            self.apply(diff).map_err(|_| Refusal::Submission(why))?;
        }
        touched.into_iter().map(|chapter| Ok((chapter, self.build(chapter)?))).collect()
    }

    /// Applies a diff of our own to the reference, and returns the folder of the chapter that
    /// it changes.
    ///
    /// # Errors
    /// When it does not apply.
    pub fn changed(&self, diff: &Path, chapter: &Chapter) -> Result<PathBuf, Refusal> {
        let folder = Path::new("chapters").join(chapter.folder());
        mirror(&workspace::root().join(&folder), &self.copy.join(&folder))?;
        self.apply(diff).map_err(Refusal::Submission)?;
        Ok(self.copy.join(folder))
    }

    /// The chapters that a diff touches.
    fn touched(&self, diff: &Path) -> Result<Vec<&'static Chapter>, Refusal> {
        let refused = |what: String| Err(Refusal::Submission(what));
        let changes = self.git_apply(diff, &["--numstat", "-z"])?;
        let mut chapters = BTreeSet::new();
        for path in changes.split('\0').filter_map(|change| change.rsplit('\t').next()) {
            if path.is_empty() {
                continue;
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
        let why = String::from_utf8_lossy(&applied.stderr);
        Err(Refusal::Submission(format!("git apply: {}", why.trim())))
    }

    fn build(&self, chapter: &'static Chapter) -> Result<Subject, Refusal> {
        let programs =
            build(&self.copy, &self.target, &["-p", chapter.name, "--bins", "--locked"])?;
        subject(chapter, &programs)
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
        if !folder.join("Cargo.toml").is_file() {
            return Err(Refusal::Submission(format!("{} has no Cargo.toml", folder.display())));
        }
        let mut subject = subject(chapter, &build(folder, &self.target, &["--bins"])?)?;
        if let Some((check, answer)) = exercise.and_then(|check| Some((check, check.answer()?)))
        {
            let examples = build(folder, &self.target, &["--examples"])?;
            let name = answer.split(' ').next().unwrap_or(answer);
            if examples.get(name).is_none() {
                let what = format!("the exercise's program is missing: examples/{name}.rs");
                return Err(Refusal::Submission(what));
            }
            subject.around.path = examples.folders();
            subject.commands.insert(check.role, answer.to_string());
        }
        Ok(subject)
    }
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

fn build(folder: &Path, target: &Path, what: &[&str]) -> Result<Programs, Refusal> {
    let built = workspace::cargo_build(folder, what)
        .args(["--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", target)
        .output()
        .map_err(|e| Refusal::Grader(format!("cannot run cargo: {}", cause(&e))))?;
    if built.status.success() {
        return Ok(Programs::reported(&built));
    }
    let why = String::from_utf8_lossy(&built.stderr);
    Err(Refusal::Submission(format!("it does not build:\n{}", why.trim())))
}

/// The program among those that were built, called by its name, as in its chapter.
fn subject(chapter: &Chapter, programs: &Programs) -> Result<Subject, Refusal> {
    let Some(program) = programs.get(chapter.name).or_else(|| programs.only()) else {
        return Err(Refusal::Submission(format!(
            "it builds no program named {}",
            chapter.name
        )));
    };
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let path = program.parent().map(Path::to_path_buf).into_iter().collect();
    let around = Surroundings { path, ..Surroundings::default() };
    Ok(Subject { around, ..Subject::program(&shell_word(&name), chapter.roles) })
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

/// Writes the file if its content is not this already.
///
/// # Errors
/// When it cannot be written.
pub fn write_once(file: &Path, content: &[u8]) -> io::Result<()> {
    match fs::read(file) {
        Ok(there) if there == content => Ok(()),
        _ => fs::write(file, content),
    }
}

/// Removes a file, a link or a whole folder; that there is none is no error.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
