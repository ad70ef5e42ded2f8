//! A mutant: what its header says, and the edits below it ([`super::edits`]).
//!
//! ```text
//! mistake: 20
//! check: 03.second-client
//! diagnosis: one-at-a-time
//! Joins each worker right after it has started it.
//!
//! src/main.rs
//! -    if let Err(e) = thread::Builder::new().name(peer.to_string()).spawn(worker) {
//! …
//! ```
//!
//! The mistake is its number in the list of known ones, or `-`. A line of both programs of a
//! chapter can fail a check of each: then `check` and `diagnosis` come again. A diagnosis `-`
//! says that none is given.

use super::{
    Row,
    edits::{Edits, Sources},
};
use crate::check::{CHAPTERS, Chapter, Check};
use stage::failure::Diagnosis;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A program with one mistake.
#[derive(Debug)]
pub struct Mutant {
    /// The file's name without its ending: `03-one-at-a-time`.
    pub name: String,
    /// The number of its mistake, if it is one of the known ones.
    pub mistake: Option<u8>,
    /// The chapter that it changes.
    pub chapter: &'static Chapter,
    /// The checks that it must fail, and the diagnosis that each must give.
    pub fails: Vec<(&'static Check, Option<&'static Diagnosis>)>,
    /// What is changed in the chapter.
    pub edits: Edits,
}

impl Mutant {
    /// Its row at this check, if it fails it.
    pub fn row(&self, check: &Check) -> Option<Row> {
        let (check, diagnosis) = self.fails.iter().find(|(named, _)| named.id == check.id)?;
        Some(Row {
            check: check.id,
            mutant: self.name.clone(),
            diagnosis: diagnosis.map(|diagnosis| diagnosis.id),
            mistake: self.mistake,
        })
    }

    /// True if its header names the check.
    pub fn names(&self, check: &Check) -> bool {
        self.fails.iter().any(|(named, _)| named.id == check.id)
    }

    /// The answer's command line, if it is an exercise's answer that is changed.
    pub fn answer(&self) -> Option<&'static str> {
        self.fails.iter().find_map(|(check, _)| check.answer())
    }

    /// Its sources, made from the chapter's.
    ///
    /// # Errors
    /// Which text of which file is not there exactly once.
    pub fn sources(&self, reference: &Sources) -> Result<Sources, String> {
        self.edits.apply(reference).map_err(|why| format!("{}: {why}", self.name))
    }

    /// The mutant in this file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(file: &Path) -> Result<Mutant, String> {
        let text = fs::read_to_string(file).map_err(|e| common::cause(&e))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Mutant::parse(name, &text)
    }

    fn parse(name: String, text: &str) -> Result<Mutant, String> {
        let number = name.split('-').next().unwrap_or_default();
        let chapter = CHAPTERS
            .iter()
            .find(|chapter| chapter.number == number)
            .ok_or("its name does not begin with the number of a chapter that has checks")?;
        let (mut mistake, mut fails, mut check) = (None, Vec::new(), None);
        let (header, edits) = text.split_once("\n\n").ok_or("no blank line ends its header")?;
        let mut sentence = false;
        for line in header.lines() {
            match line.split_once(": ") {
                Some(("mistake", number)) => mistake = Some(known_mistake(number)?),
                Some(("check", id)) => check = Some(known_check(chapter, id)?),
                Some(("diagnosis", id)) => {
                    let check = check.take().ok_or("a diagnosis without its check above")?;
                    fails.push((check, known_diagnosis(check, id)?));
                }
                _ => sentence = true,
            }
        }
        let mistake = mistake.ok_or("no line `mistake: `")?;
        if fails.is_empty() || check.is_some() || !sentence {
            return Err(
                "its header is not `mistake`, `check`, `diagnosis` and a sentence".into()
            );
        }
        Ok(Mutant { name, mistake, chapter, fails, edits: Edits::read(edits)? })
    }
}

fn known_mistake(number: &str) -> Result<Option<u8>, String> {
    if number == "-" {
        return Ok(None);
    }
    number.parse().map(Some).map_err(|_| format!("the mistake {number:?} is no number"))
}

fn known_check(chapter: &Chapter, id: &str) -> Result<&'static Check, String> {
    let mut checks = CHAPTERS.iter().flat_map(|chapter| chapter.checks).copied();
    let check = checks.find(|check| check.id == id && check.chapter_number() == chapter.number);
    check.ok_or_else(|| format!("chapter {} has no check {id:?}", chapter.number))
}

fn known_diagnosis(check: &Check, id: &str) -> Result<Option<&'static Diagnosis>, String> {
    if id == "-" {
        return Ok(None);
    }
    let diagnosis = check.mistakes.iter().find(|diagnosis| diagnosis.id == id);
    let unknown = || format!("{} never gives the diagnosis {id:?}", check.id);
    diagnosis.copied().map(Some).ok_or_else(unknown)
}

/// A file that is no mutant.
#[derive(Debug)]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// All mutants of a folder, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn read_all(folder: &Path) -> io::Result<Vec<Result<Mutant, Unreadable>>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "mutant"));
    files.sort();
    let read = |file: PathBuf| Mutant::read(&file).map_err(|why| Unreadable { file, why });
    Ok(files.into_iter().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Result<Mutant, String> {
        Mutant::parse("03-name".to_string(), &format!("{header}\n\nsrc/main.rs\n-a\n+b\n"))
    }

    #[test]
    fn a_header_says_what_must_fail_and_how() {
        let both = "check: 03.echoes\ndiagnosis: newline-lost\ncheck: 03.listens\ndiagnosis: -";
        let mutant = read(&format!("mistake: 26\n{both}\nIt strips the line's end.")).unwrap();
        assert_eq!((mutant.mistake, mutant.chapter.number), (Some(26), "03"));
        let fails = mutant.fails.iter().map(|(check, means)| (check.id, means.map(|d| d.id)));
        let expected = [("03.echoes", Some("newline-lost")), ("03.listens", None)];
        assert_eq!(fails.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_nobody_knows_is_an_error() {
        let wrong = |header: &str| read(header).unwrap_err();
        let check = "check: 03.echoes\ndiagnosis: newline-lost\nA sentence.";
        assert!(wrong(check).contains("no line `mistake: `"));
        assert!(wrong(&format!("mistake: many\n{check}")).contains("is no number"));
        assert!(wrong("mistake: 1\ncheck: 03.what").contains("has no check \"03.what\""));
        assert!(wrong("mistake: 1\ncheck: 01.sends").contains("chapter 03 has no check"));
        let other = "mistake: 1\ncheck: 03.echoes\ndiagnosis: one-client";
        assert!(wrong(other).contains("03.echoes never gives"));
        assert!(wrong("mistake: 1\ndiagnosis: -").contains("without its check"));
        assert!(
            wrong("mistake: 1\ncheck: 03.echoes\nA sentence.").contains("its header is not")
        );
    }
}
