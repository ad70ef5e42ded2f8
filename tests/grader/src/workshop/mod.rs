//! What a student hands in, made into a subject: a diff is applied to clean sources, a folder is
//! taken as it is; both are built.
//!
//! Each grader has a workshop of its own for each submission, which begins empty and goes with
//! it: nothing that an earlier build has left can be taken in by a later one, and no two graders
//! meet. In it lie `common`, the starters of all chapters and what was handed in, but no answer.

mod build;
pub mod diff;
mod folder;
mod foreign;
pub mod patch;
#[cfg(test)]
mod shapes;

use crate::{files, sandbox::Sandbox, tools::Toolchain, zips::Unpacked};
use checks::{
    check::{CHAPTERS, Chapter},
    files::remove,
    workspace,
};
use common::cause;
use stage::Subject;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process,
    time::{Duration, SystemTime},
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

/// What a submission has come to.
#[derive(Debug, Default)]
pub struct Taken {
    /// What can be started, for each chapter.
    pub subjects: Vec<(&'static Chapter, Subject)>,
    /// What a report has to say of how it was taken.
    pub notes: Vec<String>,
    /// Where the programs are, for as long as they are checked.
    pub workshop: Option<BuildDir>,
    /// What it was unpacked from, for as long.
    pub unpacked: Option<Unpacked>,
}

/// A place to apply and build one submission.
#[derive(Debug)]
pub struct BuildDir {
    /// All of it; gone when the workshop is dropped.
    folder: PathBuf,
    sandbox: Option<Sandbox>,
}

/// When a folder that a grader has left behind is nobody's any more: no submission takes that
/// long.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

impl BuildDir {
    /// An empty workshop, behind the walls if there are some.
    pub fn open(sandbox: Option<Sandbox>) -> Result<BuildDir, Refusal> {
        let folder = match &sandbox {
            Some(sandbox) => sandbox.own(),
            None => fresh_folder()?,
        };
        for part in ["cargo", "programs", "target", "workspace"] {
            fs::create_dir_all(folder.join(part))?;
        }
        let workshop = BuildDir { folder, sandbox };
        workshop.lay_out()?;
        Ok(workshop)
    }

    /// The workspace in which a submission is built.
    fn workspace(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    /// What was built.
    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Lays out what a submission is built with: `common`, the starters, and nothing that they
    /// need for their tests alone, so that nothing has to be fetched from anywhere.
    fn lay_out(&self) -> io::Result<()> {
        let (root, workspace) = (workspace::root(), self.workspace());
        let members = workspace::chapters()?.into_iter().chain([PathBuf::from("common")]);
        let manifests = members.clone().map(|member| member.join("Cargo.toml"));
        for manifest in manifests.chain([PathBuf::from("Cargo.toml")]) {
            let text = without_tests(&fs::read_to_string(root.join(&manifest))?);
            let place = workspace.join(&manifest);
            fs::create_dir_all(place.parent().unwrap_or(&workspace))?;
            fs::write(place, text)?;
        }
        files::mirror(&root.join("common/src"), &workspace.join("common/src"))?;
        for chapter in CHAPTERS {
            let source = workspace.join("chapters").join(chapter.folder()).join("src");
            lay_out_starter(chapter, &source)?;
        }
        // Behind walls cargo could not write it.
        let lock = Toolchain::find()?
            .cargo(&workspace, &self.folder.join("cargo"))
            .args(["generate-lockfile", "--offline", "--quiet"])
            .output()?;
        if lock.status.success() {
            return Ok(());
        }
        Err(io::Error::other(String::from_utf8_lossy(&lock.stderr).trim().to_string()))
    }
}

impl Drop for BuildDir {
    fn drop(&mut self) {
        let _ = remove(&self.folder);
    }
}

/// A folder that no other grader has: whoever makes it has it.
///
/// # Errors
/// When it cannot be made.
pub fn fresh_folder() -> io::Result<PathBuf> {
    let all = place().join("open");
    fs::create_dir_all(&all)?;
    for left in fs::read_dir(&all)?.flatten() {
        let made = left.metadata().and_then(|meta| meta.modified());
        let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
        if age.is_some_and(|age| age > OLD) {
            let _ = remove(&left.path());
        }
    }
    let mut number = 0;
    loop {
        let folder = all.join(format!("{}-{number}", process::id()));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(e),
        }
    }
}

/// Where all workshops are.
pub fn place() -> PathBuf {
    workspace::root().join("target/grade")
}

/// The sources of a chapter's starter: the program, and beside it the modules that are given. Where
/// the starter lies, it names their paths, which it does not need here.
pub fn starter(chapter: &Chapter) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let folder = workspace::root().join("chapters").join(chapter.folder());
    let (mut main, mut sources) = (String::new(), BTreeMap::new());
    for line in fs::read_to_string(folder.join("starter.rs"))?.split_inclusive('\n') {
        let given = line.strip_prefix("#[path = \"src/");
        match given.and_then(|rest| rest.trim_end().strip_suffix("\"]")) {
            None => main += line,
            Some(name) => {
                // In a student edition the student may have taken it away.
                if let Ok(text) = fs::read(folder.join("src").join(name)) {
                    sources.insert(name.into(), text);
                }
            }
        }
    }
    sources.insert("main.rs".into(), main.into_bytes());
    Ok(sources)
}

/// Writes a chapter's starter into a folder, which is its `src`.
pub fn lay_out_starter(chapter: &Chapter, src: &Path) -> io::Result<()> {
    fs::create_dir_all(src)?;
    starter(chapter)?.iter().try_for_each(|(name, text)| fs::write(src.join(name), text))
}

/// A manifest without the crates of tests/, and without what a crate needs for its tests alone.
fn without_tests(manifest: &str) -> String {
    let is_for_tests =
        |section: &str| section.starts_with("[[") || section == "[dev-dependencies]";
    workspace::without(manifest, is_for_tests)
        .lines()
        .map(|line| match line.strip_prefix("members = ") {
            Some(_) => "members = [\"common\", \"chapters/*\"]\n".to_string(),
            None => format!("{line}\n"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_loses_what_is_for_tests_and_nothing_else() {
        let manifest = "[workspace]\nmembers = [\"common\", \"chapters/*\", \"tests/stage\"]\n\
                        [dev-dependencies]\nx = \"2\"\n\
                        [[test]]\nname = \"y\"\n\n[lints]\nworkspace = true\n";
        let short =
            "[workspace]\nmembers = [\"common\", \"chapters/*\"]\n[lints]\nworkspace = true\n";
        assert_eq!(without_tests(manifest), short);
    }

    #[test]
    fn a_starter_holds_nothing_that_a_code_page_could_change() {
        for chapter in CHAPTERS.iter() {
            let sources = starter(chapter).unwrap();
            assert!(sources[Path::new("main.rs")].is_ascii(), "{}", chapter.folder());
        }
    }

    #[test]
    fn what_is_given_lies_beside_the_starter() {
        let sources = starter(CHAPTERS[7]).unwrap();
        let names: Vec<_> = sources.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["graph.rs", "kernel.rs", "main.rs", "options.rs", "report.rs"]);
        let main = String::from_utf8_lossy(&sources[Path::new("main.rs")]);
        assert!(main.contains("\nmod graph;\nmod kernel;\n"), "{main}");
        assert_eq!(starter(CHAPTERS[0]).unwrap().len(), 1);
    }

    #[test]
    fn no_two_graders_have_the_same_workshop() {
        let [one, other] = [(); 2].map(|()| BuildDir::open(None).unwrap());
        assert_ne!(one.folder, other.folder);
        let folder = one.folder.clone();
        drop(one);
        assert!(!folder.exists() && other.folder.exists());
    }
}
