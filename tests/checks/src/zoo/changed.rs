//! Which mutants somebody is working on: git says which files have changed since the branch left
//! the main one (on the main one itself, since the last commit).

use super::{FOLDER, Mutant};
use crate::workspace;
use std::{collections::BTreeSet, process::Command};

/// The mutants that have changed, and those that change a file which has. None where git does not
/// know this folder.
pub fn names(mutants: &[Mutant]) -> BTreeSet<String> {
    let base = ["origin/HEAD", "main", "master"]
        .iter()
        .find_map(|main| git(&["merge-base", "HEAD", main]))
        .map_or_else(|| "HEAD".to_string(), |base| base.trim().to_string());
    let paths = ["--", "chapters", FOLDER];
    let changed = git(&[&["diff", "--name-only", "--relative", &base], &paths[..]].concat());
    let new = git(&[&["ls-files", "--others", "--exclude-standard"], &paths[..]].concat());
    let files = [changed, new].map(Option::unwrap_or_default).concat();
    concerned(mutants, &files.lines().collect())
}

fn concerned(mutants: &[Mutant], files: &BTreeSet<&str>) -> BTreeSet<String> {
    let has = |file: String| files.contains(file.as_str());
    let is_concerned = |mutant: &&Mutant| {
        let chapter = mutant.chapter.folder();
        has(format!("{FOLDER}/{}.mutant", mutant.name))
            || mutant.edits.files().any(|file| has(format!("chapters/{chapter}/{file}")))
    };
    mutants.iter().filter(is_concerned).map(|mutant| mutant.name.clone()).collect()
}

/// What git says, if it can.
fn git(words: &[&str]) -> Option<String> {
    let said = Command::new("git").args(words).current_dir(workspace::root()).output().ok()?;
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_concerned_by_itself_and_by_what_it_changes() {
        let folder = workspace::root().join(FOLDER);
        let mutants: Vec<_> =
            super::super::read_all(&folder).unwrap().into_iter().flatten().collect();
        let concerned = |file: &str| concerned(&mutants, &[file].into());
        let one = mutants[0].name.as_str();
        assert_eq!(concerned(&format!("{FOLDER}/{one}.mutant")), [one.to_string()].into());
        let folder = mutants[0].chapter.folder();
        let main = concerned(&format!("chapters/{folder}/src/main.rs"));
        let number = mutants[0].chapter.number;
        assert!(main.len() > 1 && main.iter().all(|name| name.starts_with(number)), "{main:?}");
        assert_eq!(concerned("chapters/README.md"), BTreeSet::new());
    }
}
