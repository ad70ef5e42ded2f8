//! All mutants, built by one call of cargo. Those of a chapter are modules of one program, which
//! plays the one that it is called by, and what they share with the reference is compiled once for
//! all. Files that are right already are not touched, so that the next call builds only what has
//! changed.

use super::{
    edits::{Sources, sources},
    header::Mutant,
};
use crate::{
    check::{CHAPTERS, Chapter},
    files::{remove, write_once},
    workspace::{self, Programs},
};
use common::{Context, Error};
use stage::{Subject, process::shell_path};
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
    /// Why an edit does not apply, by the mutant's name.
    refused: BTreeMap<String, String>,
    /// What the compiler said; nothing if it was content.
    warnings: String,
}

impl Built {
    /// Which edits do not apply, and what the compiler said; nothing if all is well.
    pub fn complaints(&self) -> String {
        self.refused.values().map(|why| format!("{why}\n")).collect::<String>() + &self.warnings
    }

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
        let program = shell_path(program);
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
/// When nothing can be written there, or there is no cargo. That a single mutant does not apply
/// or build is told by [`Built::subject`].
pub fn build(mutants: &[Mutant]) -> Result<Built, Error> {
    let folder = workspace::root().join("target/grade/zoo");
    let package = folder.join("mutants");
    let refused = lay_out(mutants, &package)?;
    let mutants: Vec<&Mutant> =
        mutants.iter().filter(|mutant| !refused.contains_key(&mutant.name)).collect();
    write_crowds(&mutants, &package).context("cannot write the zoo")?;
    let built = workspace::cargo_build(&package, &["--offline", "--quiet", "--keep-going"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .context("cannot run cargo")?;
    let warnings = String::from_utf8_lossy(&built.stderr).into_owned();
    let crowds = Programs::reported(&built.stdout);
    let programs = named(&mutants, &crowds, &folder.join("named")).context("cannot link")?;
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
    let mut refused = BTreeMap::new();
    for chapter in CHAPTERS {
        let folder = workspace::root().join("chapters").join(chapter.folder());
        let ours = sources(&folder).context("cannot read a chapter")?;
        write_module(&ours, package, &reference(chapter), |source| source)
            .context("cannot write the zoo")?;
        for mutant in mutants.iter().filter(|m| m.chapter.number == chapter.number) {
            match mutant.sources(&ours) {
                Ok(own) => write_mutant(mutant, &own, &ours, package)
                    .context("cannot write the zoo")?,
                Err(why) => drop(refused.insert(mutant.name.clone(), why)),
            }
        }
    }
    remove_others(mutants, package).context("cannot clear the zoo")?;
    Ok(refused)
}

/// Writes a mutant, whose modules are the reference's where they do the same.
fn write_mutant(
    mutant: &Mutant,
    own: &Sources,
    ours: &Sources,
    package: &Path,
) -> io::Result<()> {
    let shared = match mutant.answer() {
        Some(_) => BTreeSet::new(),
        None => unchanged(&modules(own), &modules(ours)),
    };
    let from = module(&reference(mutant.chapter));
    write_module(own, package, &mutant.name, |source| {
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
fn modules<'a>(sources: &'a Sources) -> BTreeMap<&'a str, &'a str> {
    let module = |(file, text): (&'a String, &'a String)| {
        Some((file.strip_prefix("src/")?.strip_suffix(".rs")?, text.as_str()))
    };
    sources.iter().filter_map(module).collect()
}

/// The modules that do the same in both: they are alike, and so are all that they use.
fn unchanged<'a>(
    own: &BTreeMap<&'a str, &str>,
    reference: &BTreeMap<&str, &str>,
) -> BTreeSet<&'a str> {
    let alike = |name: &&str| *name != "main" && own.get(name) == reference.get(name);
    let mut same: BTreeSet<&str> = own.keys().copied().filter(alike).collect();
    loop {
        let uses_another = |name: &&str| {
            own.keys().any(|other| !same.contains(other) && mentions(own[name], other))
        };
        let others: Vec<&str> = same.iter().copied().filter(uses_another).collect();
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

/// Writes a chapter's sources, changed, as those of a module, which is not the root of its crate.
fn write_module(
    sources: &Sources,
    package: &Path,
    name: &str,
    change: impl Fn(String) -> String,
) -> io::Result<()> {
    for part in ["src", "examples"] {
        fs::create_dir_all(package.join(name).join(part))?;
    }
    for (file, source) in sources {
        let source = source
            .replace("crate::", &format!("crate::{}::", module(name)))
            .replace("\nfn main(", "\npub fn main(");
        let source = change(source).replace("\nmod ", "\npub mod ");
        write_once(&package.join(name).join(file), source.as_bytes())?;
    }
    Ok(())
}

/// Removes what earlier calls have laid out and no mutant is there for any more.
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
        let modules = |hub: &'static str| {
            BTreeMap::from([
                ("main", "mod hub;\nmod reader;\nmod room;\nmod socket;\n"),
                ("hub", hub),
                ("room", "use crate::{\n    hub::Hub,\n    socket,\n};\n"),
                ("reader", "//! As crate::room.\nuse crate::socket::Socket;\n"),
                ("socket", ""),
            ])
        };
        let shared = unchanged(&modules("// slow"), &modules("// fast"));
        assert_eq!(shared.into_iter().collect::<Vec<_>>(), ["reader", "socket"]);
    }
}
