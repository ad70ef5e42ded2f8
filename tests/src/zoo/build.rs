//! All mutants, built by one call of cargo: they are the programs of one package, whose only
//! dependency is `common`. Files that are right already are not touched, so that the next call
//! builds only what has changed.

use super::header::Mutant;
use crate::{
    grade::submission::{Refusal, Workshop, mirror, remove, write_once},
    stage::Subject,
    workspace::{self, Programs},
};
use common::{Attempt, Error};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::Write,
    fs, io,
    path::Path,
};

/// What became of the mutants.
#[derive(Debug)]
pub struct Built {
    programs: Programs,
    /// Why a diff does not apply, by the mutant's name.
    refused: BTreeMap<String, String>,
    /// What the compiler said; nothing if it was content.
    pub warnings: String,
}

impl Built {
    /// The mutant, to be checked.
    ///
    /// # Errors
    /// Why there is none.
    pub fn subject(&self, mutant: &Mutant) -> Result<Subject, String> {
        if let Some(why) = self.refused.get(&mutant.name) {
            return Err(why.clone());
        }
        let Some(program) = self.programs.get(&program(mutant)) else {
            return Err("it does not build".to_string());
        };
        let program = format!("'{}'", program.display());
        let mut subject = Subject::program(&program, mutant.chapter.roles);
        if let Some(answer) = mutant.answer() {
            let words = answer.split_once(' ').map_or("", |(_, words)| words);
            let command = format!("{program} {words}");
            subject
                .commands
                .extend(mutant.fails.iter().map(|(c, _)| (c.role, command.clone())));
        }
        Ok(subject)
    }
}

/// The name of its program; a letter stands first, as cargo wants it.
fn program(mutant: &Mutant) -> String {
    format!("m-{}", mutant.name)
}

/// The file with the program's `main`: the chapter's own, or an exercise's answer.
fn main_file(mutant: &Mutant) -> String {
    match mutant.answer().and_then(|answer| answer.split(' ').next()) {
        Some(example) => format!("{}/examples/{example}.rs", mutant.name),
        None => format!("{}/src/main.rs", mutant.name),
    }
}

/// Applies and builds all mutants below `target/grade/zoo`.
///
/// # Errors
/// When nothing can be written there, or there is no git or no cargo. That a single diff does
/// not apply or build is told by [`Built::subject`].
pub fn build(mutants: &[Mutant]) -> Result<Built, Error> {
    let folder = workspace::root().join("target/grade/zoo");
    let package = folder.join("mutants");
    let refused = lay_out(mutants, &package)?;
    let laid_out = mutants.iter().filter(|mutant| !refused.contains_key(&mutant.name));
    write_once(&package.join("Cargo.toml"), manifest(laid_out)?.as_bytes())
        .attempt("cannot write the zoo")?;
    let built = workspace::cargo_build(&package, &["--offline", "--quiet", "--keep-going"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .attempt("cannot run cargo")?;
    let warnings = String::from_utf8_lossy(&built.stderr).into_owned();
    Ok(Built { programs: Programs::reported(&built.stdout), refused, warnings })
}

/// Lays out the changed sources of each mutant in `package`, and returns why some have none.
fn lay_out(mutants: &[Mutant], package: &Path) -> Result<BTreeMap<String, String>, Error> {
    let workshop = Workshop::open("zoo").map_err(trouble)?;
    let mut refused = BTreeMap::new();
    for mutant in mutants {
        let own = package.join(&mutant.name);
        match workshop.changed(&mutant.file, mutant.chapter) {
            Ok(chapter) => copy_sources(&chapter, &own).attempt("cannot write the zoo")?,
            Err(Refusal::Submission(why)) => {
                refused.insert(mutant.name.clone(), why);
            }
            Err(refusal) => return Err(trouble(refusal)),
        }
    }
    remove_others(mutants, package).attempt("cannot clear the zoo")?;
    Ok(refused)
}

fn trouble(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Submission(why) | Refusal::Grader(why) => Error::Failed(why),
    }
}

fn copy_sources(chapter: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    ["src", "examples"]
        .iter()
        .filter(|name| chapter.join(name).is_dir())
        .try_for_each(|name| mirror(&chapter.join(name), &to.join(name)))
}

/// Removes what earlier calls have laid out and no diff is there for any more.
fn remove_others(mutants: &[Mutant], package: &Path) -> io::Result<()> {
    let names: BTreeSet<OsString> = mutants.iter().map(|m| OsString::from(&m.name)).collect();
    for entry in fs::read_dir(package)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !names.contains(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The package, with what all packages of the workspace have in common.
fn manifest<'a>(mutants: impl Iterator<Item = &'a Mutant>) -> Result<String, Error> {
    let workspace = fs::read_to_string(workspace::root().join("Cargo.toml"))
        .attempt("cannot read the workspace's Cargo.toml")?;
    let shared = workspace.split("[workspace.package]\n").nth(1);
    let shared = shared.and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    // Half the time of the usual profile: nobody debugs a mutant, or builds it piece by piece.
    let mut text = format!(
        "[package]\nname = \"zoo\"\n{shared}\n\n[workspace]\n\n\
         [dependencies]\ncommon = {{ path = {:?} }}\n\n\
         [profile.dev]\ndebug = false\nincremental = false\ncodegen-units = 1\n",
        workspace::root().join("common")
    );
    for mutant in mutants {
        let (name, file) = (program(mutant), main_file(mutant));
        let _ = write!(text, "\n[[bin]]\nname = \"{name}\"\npath = \"{file}\"\n");
    }
    Ok(text)
}
