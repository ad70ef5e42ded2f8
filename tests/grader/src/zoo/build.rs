//! All mutants, built by one call of cargo. Those of a chapter are modules of one program, which
//! plays the one that it is called by, and what they share with the reference is compiled once for
//! all. Files that are right already are not touched, so that the next call builds only what has
//! changed.

use super::header::Mutant;
use crate::submission::{Refusal, Workshop, remove, write_once};
use checks::{
    check::{CHAPTERS, Chapter},
    workspace::{self, Programs},
};
use common::{Attempt, Error};
use stage::Subject;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

/// What became of the mutants.
#[derive(Debug)]
pub struct Built {
    /// Where each mutant's program is, by the mutant's name.
    programs: BTreeMap<String, PathBuf>,
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
        let Some(program) = self.programs.get(&mutant.name) else {
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

/// The name of its module; a letter stands first.
fn module(name: &str) -> String {
    format!("m_{}", name.replace('-', "_"))
}

/// The name of the program that holds a chapter's mutants.
fn crowd(chapter: &Chapter) -> String {
    format!("chapter-{}", chapter.number)
}

/// The module that holds the chapter's reference, from which its mutants take what they share.
fn reference(chapter: &Chapter) -> String {
    format!("{}-reference", chapter.number)
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
    let mutants: Vec<&Mutant> =
        mutants.iter().filter(|mutant| !refused.contains_key(&mutant.name)).collect();
    write_crowds(&mutants, &package).attempt("cannot write the zoo")?;
    let built = workspace::cargo_build(&package, &["--offline", "--quiet", "--keep-going"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .attempt("cannot run cargo")?;
    let warnings = String::from_utf8_lossy(&built.stderr).into_owned();
    let crowds = Programs::reported(&built.stdout);
    let programs = named(&mutants, &crowds, &folder.join("named")).attempt("cannot link")?;
    Ok(Built { programs, refused, warnings })
}

/// Gives each mutant's name to the program that it is a part of.
fn named(
    mutants: &[&Mutant],
    crowds: &Programs,
    folder: &Path,
) -> io::Result<BTreeMap<String, PathBuf>> {
    remove(folder)?;
    fs::create_dir_all(folder)?;
    let mut programs = BTreeMap::new();
    for mutant in mutants {
        if let Some(crowd) = crowds.get(&crowd(mutant.chapter)) {
            let program = folder.join(&mutant.name);
            fs::hard_link(crowd, &program)?;
            programs.insert(mutant.name.clone(), program);
        }
    }
    Ok(programs)
}

/// Lays out the changed sources of each mutant in `package`, and returns why some have none.
fn lay_out(mutants: &[Mutant], package: &Path) -> Result<BTreeMap<String, String>, Error> {
    let workshop = Workshop::open("zoo").map_err(trouble)?;
    let mut refused = BTreeMap::new();
    for chapter in CHAPTERS {
        let folder = workspace::root().join("chapters").join(chapter.folder());
        let name = reference(chapter);
        write_module(&folder, package, &name, |source| source)
            .attempt("cannot write the zoo")?;
    }
    for mutant in mutants {
        match workshop.changed(&mutant.file, mutant.chapter) {
            Ok(chapter) => {
                write_mutant(mutant, &chapter, package).attempt("cannot write the zoo")?
            }
            Err(Refusal::Submission(why)) => {
                refused.insert(mutant.name.clone(), why);
            }
            Err(refusal) => return Err(trouble(refusal)),
        }
    }
    remove_others(mutants, package).attempt("cannot clear the zoo")?;
    Ok(refused)
}

/// Writes a mutant, whose modules are the reference's where they do the same.
fn write_mutant(mutant: &Mutant, chapter: &Path, package: &Path) -> io::Result<()> {
    let shared = match mutant.answer() {
        Some(_) => BTreeSet::new(),
        None => {
            let folder = workspace::root().join("chapters").join(mutant.chapter.folder());
            unchanged(&sources(&chapter.join("src"))?, &sources(&folder.join("src"))?)
        }
    };
    let from = module(&reference(mutant.chapter));
    write_module(chapter, package, &mutant.name, |source| {
        shared.iter().fold(source, |source, name| {
            let here = format!("\nmod {name};");
            source.replace(
                &here,
                &format!("\n#[allow(unused_imports)]\npub use crate::{from}::{name};"),
            )
        })
    })
}

/// The texts of a program's modules, by their names.
fn sources(src: &Path) -> io::Result<BTreeMap<String, String>> {
    let source = |file: fs::DirEntry| {
        let name = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, fs::read_to_string(file.path())?))
    };
    fs::read_dir(src)?.map(|file| source(file?)).collect()
}

/// The modules that do the same in both: they are alike, and so are all that they use.
fn unchanged(
    own: &BTreeMap<String, String>,
    reference: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let alike = |name: &&String| *name != "main" && own.get(*name) == reference.get(*name);
    let mut same: BTreeSet<String> = own.keys().filter(alike).cloned().collect();
    loop {
        let uses_another = |name: &&String| {
            own.keys().any(|other| !same.contains(other) && mentions(&own[*name], other))
        };
        let others: Vec<String> = same.iter().filter(uses_another).cloned().collect();
        if others.is_empty() {
            return same;
        }
        same.retain(|name| !others.contains(name));
    }
}

/// True if the source's code uses this module of its crate: `crate::name` or `crate::{…name…}`.
fn mentions(source: &str, module: &str) -> bool {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.split("crate::").skip(1).any(|path| {
        let end = if path.starts_with('{') {
            path.find("};")
        } else {
            path.find(|c| !part_of_word(c))
        };
        let used = &path[..end.unwrap_or(path.len())];
        used.split(|c| !part_of_word(c)).any(|word| word == module)
    })
}

fn trouble(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Submission(why) | Refusal::Grader(why) => Error::Failed(why),
    }
}

/// Writes a chapter's sources, changed, as those of a module, which is not the root of its crate.
fn write_module(
    chapter: &Path,
    package: &Path,
    name: &str,
    change: impl Fn(String) -> String,
) -> io::Result<()> {
    for part in ["src", "examples"] {
        let (from, to) = (chapter.join(part), package.join(name).join(part));
        fs::create_dir_all(&to)?;
        for file in fs::read_dir(&from).into_iter().flatten() {
            let file = file?;
            let source = fs::read_to_string(file.path())?
                .replace("crate::", &format!("crate::{}::", module(name)))
                .replace("\nfn main(", "\npub fn main(");
            let source = change(source).replace("\nmod ", "\npub mod ");
            write_once(&to.join(file.file_name()), source.as_bytes())?;
        }
    }
    Ok(())
}

/// Removes what earlier calls have laid out and no diff is there for any more.
fn remove_others(mutants: &[Mutant], package: &Path) -> io::Result<()> {
    let references = CHAPTERS.iter().map(|chapter| OsString::from(reference(chapter)));
    let names: BTreeSet<OsString> =
        mutants.iter().map(|m| OsString::from(&m.name)).chain(references).collect();
    for entry in fs::read_dir(package)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !names.contains(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Writes the package, and for each chapter the program that plays any of its mutants.
fn write_crowds(mutants: &[&Mutant], package: &Path) -> io::Result<()> {
    let mut manifest = manifest()?;
    for chapter in CHAPTERS {
        let (name, reference) = (crowd(chapter), reference(chapter));
        let mut modules = format!(
            "#[allow(dead_code)]\n#[path = \"{reference}/src/main.rs\"]\nmod {};\n",
            module(&reference)
        );
        let mut arms = String::new();
        for mutant in mutants.iter().filter(|mutant| mutant.chapter.number == chapter.number) {
            let (module, file) = (module(&mutant.name), main_file(mutant));
            let _ = writeln!(modules, "#[path = \"{file}\"]\nmod {module};");
            let _ = writeln!(arms, "        {:?} => {module}::main().report(),", mutant.name);
        }
        let main = format!(
            "{modules}\nuse std::{{env, path::Path, process::{{ExitCode, Termination}}}};\n\n\
             fn main() -> ExitCode {{\n    let name = env::args().next().unwrap_or_default();\n    \
             match Path::new(&name).file_name().and_then(|name| name.to_str()).unwrap_or_default() {{\n\
             {arms}        _ => ExitCode::from(2),\n    }}\n}}\n"
        );
        write_once(&package.join(format!("{name}.rs")), main.as_bytes())?;
        let _ = write!(manifest, "\n[[bin]]\nname = \"{name}\"\npath = \"{name}.rs\"\n");
    }
    write_once(&package.join("Cargo.toml"), manifest.as_bytes())
}

/// The package, with what all packages of the workspace have in common.
fn manifest() -> io::Result<String> {
    let workspace = fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    let shared = workspace.split("[workspace.package]\n").nth(1);
    let shared = shared.and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    // Half the time of the usual profile: nobody debugs a mutant, or builds it piece by piece.
    Ok(format!(
        "[package]\nname = \"zoo\"\n{shared}\n\n[workspace]\n\n\
         [dependencies]\ncommon = {{ path = {:?} }}\n\n\
         [profile.dev]\ndebug = false\nincremental = false\ncodegen-units = 1\n",
        workspace::root().join("common")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uses_something_changed_is_not_shared() {
        let modules = |hub: &str| {
            let all = [
                ("main", "mod hub;\nmod reader;\nmod room;\nmod socket;\n"),
                ("hub", hub),
                ("room", "use crate::{\n    hub::Hub,\n    socket,\n};\n"),
                ("reader", "//! As crate::room.\nuse crate::socket::Socket;\n"),
                ("socket", ""),
            ];
            all.map(|(name, source)| (name.to_string(), source.to_string())).into()
        };
        let shared = unchanged(&modules("// slow"), &modules("// fast"));
        assert_eq!(shared.into_iter().collect::<Vec<_>>(), ["reader", "socket"]);
    }
}
