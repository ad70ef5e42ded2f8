//! Building a submission, and taking the program that was built, from where cargo leaves it.

use super::{BuildDir, Refusal, lay_out_starter};
use crate::{sandbox::Sandbox, tools::Toolchain};
use checks::{
    check::{CHAPTERS, Chapter},
    files::remove,
};
use common::cause;
use stage::{
    Subject,
    process::{Environment, Process, shell_word},
};
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a build may take, in any language; the longest of ours takes a few seconds.
const MAX_BUILD: Duration = Duration::from_secs(120);

/// How large a program may be, in bytes.
const MAX_PROGRAM: u64 = 256 << 20;

impl BuildDir {
    /// Builds a chapter of the workspace.
    pub(super) fn chapter(&self, chapter: &'static Chapter) -> Result<Subject, Refusal> {
        let what = ["-p", chapter.name, "--bins", "--locked"];
        self.cargo(&self.workspace(), &what)?;
        self.subject(chapter)
    }

    /// Runs cargo, twice if need be: a build that fails once may have met anything. One that
    /// fails twice is the submission's own fault if a starter can be built here and now.
    pub(super) fn cargo(&self, folder: &Path, what: &[&str]) -> Result<(), Refusal> {
        let Err(why) = self.cargo_once(folder, what).or_else(|_| self.cargo_once(folder, what))
        else {
            return Ok(());
        };
        let Some(known) = CHAPTERS.first() else { return Err(why) };
        self.clear()?;
        let folder = self.workspace();
        // All of them: cargo reads each member of a workspace before it builds one.
        for chapter in CHAPTERS {
            let place = folder.join("chapters").join(chapter.folder());
            ["src", "examples"].iter().try_for_each(|part| remove(&place.join(part)))?;
            lay_out_starter(chapter, &place.join("src"))?;
        }
        let what = ["-p", known.name, "--bins", "--locked"];
        match self.cargo_once(&folder, &what) {
            Ok(()) => Err(why),
            Err(Refusal::Submission(trouble) | Refusal::Grader(trouble)) => {
                Err(Refusal::Grader(format!("not even a starter builds here: {trouble}")))
            }
        }
    }

    /// Takes away all that builds have left, which may be so much that nothing more can be
    /// written.
    fn clear(&self) -> io::Result<()> {
        remove(&self.workspace().join("work"))?;
        let written = [self.target(), self.folder.join("cargo")].into_iter();
        for folder in written.chain(self.sandbox.as_ref().map(Sandbox::tmp)) {
            fs::read_dir(folder)?.try_for_each(|entry| remove(&entry?.path()))?;
        }
        Ok(())
    }

    fn cargo_once(&self, folder: &Path, what: &[&str]) -> Result<(), Refusal> {
        let (toolchain, target, home) =
            (Toolchain::find()?, self.target(), self.folder.join("cargo"));
        let mut environment = toolchain.environment(folder, &home);
        if let Some(sandbox) = &self.sandbox {
            let shown = [toolchain.folder.as_path(), &self.workspace()];
            let mut written = vec![target.as_path(), &home];
            // A student's own crate may write beside itself.
            written.extend((folder == self.desk()).then_some(folder));
            environment.wall = sandbox.around_build(folder, &shown, &written)?;
            environment.directory = None;
        }
        let words = toolchain.build_words(&target, what);
        run_build(&words, &environment, from_first_error)
    }

    /// The program that was built: the one that has the chapter's name, or the only one.
    pub(super) fn subject(&self, chapter: &Chapter) -> Result<Subject, Refusal> {
        let programs = Toolchain::find()?.programs(&self.target());
        let named = programs.join(chapter.name);
        let program = match programs_in(&programs)?.as_slice() {
            all if all.contains(&named) => named,
            [only] => only.clone(),
            all => {
                let names: Vec<_> = all.iter().filter_map(|path| path.file_name()).collect();
                let why = format!("it builds no program named {}, but {names:?}", chapter.name);
                return Err(Refusal::Submission(why));
            }
        };
        let program = self.take(&program)?;
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let environment = self.environment(&program);
        Ok(Subject { environment, ..Subject::program(&shell_word(&name), chapter.roles) })
    }

    /// The example of this name that was built, and what surrounds it.
    pub(super) fn example(&self, name: &str) -> Result<Environment, Refusal> {
        let programs = Toolchain::find()?.programs(&self.target());
        let program = programs.join("examples").join(name);
        if !program.exists() {
            let what = format!("the exercise's program is missing: examples/{name}.rs");
            return Err(Refusal::Submission(what));
        }
        Ok(self.environment(&self.take(&program)?))
    }

    /// Takes a program from where a build has left it. While it was built anything could be
    /// done there; now nobody else is there any more.
    pub(super) fn take(&self, program: &Path) -> Result<PathBuf, Refusal> {
        let lies = fs::canonicalize(program)?;
        if !lies.starts_with(fs::canonicalize(self.target())?) {
            let why = format!("the program that it builds lies elsewhere: {}", lies.display());
            return Err(Refusal::Submission(why));
        }
        let content = stage::files::read(&lies, MAX_PROGRAM).map_err(|e| {
            Refusal::Submission(format!("the program that it builds: {}", cause(&e)))
        })?;
        let taken = self.folder.join("programs").join(program.file_name().unwrap_or_default());
        fs::write(&taken, content)?;
        let rights = fs::metadata(&lies)?.permissions();
        fs::set_permissions(&taken, rights)?;
        Ok(taken)
    }

    /// What surrounds a program that was built: it is found by its name.
    fn environment(&self, program: &Path) -> Environment {
        let path = program.parent().map(Path::to_path_buf).into_iter().collect();
        let wall = self.sandbox.as_ref().map(|sandbox| sandbox.around_program(program));
        Environment { path, wall: wall.unwrap_or_default(), ..Environment::default() }
    }
}

/// Runs cargo or a compiler; `told` is the part of its complaints that a report shows.
pub(super) fn run_build(
    words: &[OsString],
    environment: &Environment,
    told: impl FnOnce(&str) -> String,
) -> Result<(), Refusal> {
    let build = Process::start_words(words, environment)?;
    let exit = build.wait(MAX_BUILD);
    let heard = build.heard();
    let why = match (exit, heard.excess()) {
        (_, Some(excess)) => excess.to_string(),
        (None, None) => format!("it did not end within {MAX_BUILD:?}"),
        (Some(exit), None) if exit.success() => return Ok(()),
        (Some(_), None) => told(&String::from_utf8_lossy(&heard.stderr)),
    };
    Err(Refusal::Submission(format!("it does not build: {why}")))
}

/// The programs that a build has left in this folder.
fn programs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut programs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_note = path.extension() == Some(OsStr::new("d"));
        if !is_note && fs::metadata(&path).is_ok_and(|meta| meta.is_file() && can_run(&meta)) {
            programs.push(path);
        }
    }
    Ok(programs)
}

#[cfg(unix)]
fn can_run(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn can_run(_meta: &fs::Metadata) -> bool {
    true
}

/// What cargo said, from the first error on: warnings stop nobody.
fn from_first_error(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with("error"));
    let errors = lines.collect::<Vec<_>>().join("\n");
    if errors.is_empty() { text.trim().to_string() } else { errors }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_lies_outside_of_the_target_is_not_taken() {
        let workshop = BuildDir::open(None).unwrap();
        let chapter = CHAPTERS[2];
        let programs = Toolchain::find().unwrap().programs(&workshop.target());
        fs::create_dir_all(&programs).unwrap();
        let place = programs.join(chapter.name);
        let why = |workshop: &BuildDir| match workshop.subject(chapter) {
            Err(Refusal::Submission(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(why(&workshop).contains("builds no program named echo-threaded"));
        symlink("/bin/sh", &place).unwrap();
        assert!(why(&workshop).contains("lies elsewhere"), "{}", why(&workshop));
        // The same by a folder on the way.
        remove(&programs).unwrap();
        symlink("/bin", &programs).unwrap();
        let sh = Chapter { name: "sh", ..*chapter };
        assert!(matches!(workshop.subject(&sh), Err(Refusal::Submission(_))));
    }
}
