//! The same steps on the reference: what a failed check does when all is well, to be read beside
//! what it did.

use crate::results::Results;
use checks::{
    check::{self, Check},
    runner::{self, Plan},
    workspace,
};
use common::Error;
use stage::{Subject, process::Environment};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// The reference's programs, and what was seen of them under one seed.
#[derive(Debug)]
pub struct Reference {
    folders: Vec<PathBuf>,
    seed: u64,
    /// The steps of each check that was run: for a class, each once.
    seen: Mutex<BTreeMap<&'static str, Vec<String>>>,
}

impl Reference {
    /// Builds the reference.
    pub fn build(seed: u64) -> Result<Reference, Error> {
        let folders = workspace::build()?.folders();
        Ok(Reference { folders, seed, seen: Mutex::default() })
    }

    /// Adds the reference's steps to each result that is a failure, or that alone was asked for.
    pub fn add(&self, results: &mut Results) {
        let alone = results.all().count() == 1;
        for result in results.all_mut().filter(|r| alone || r.verdict.failure().is_some()) {
            result.reference = self.steps(result.check);
        }
    }

    fn steps(&self, check: &'static Check) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(check.id).or_insert_with(|| self.run(check)).clone()
    }

    fn run(&self, check: &'static Check) -> Vec<String> {
        let Some(chapter) = check::chapter(check.chapter_number()) else { return Vec::new() };
        let environment = Environment { path: self.folders.clone(), ..Environment::default() };
        let mut subject =
            Subject { environment, ..Subject::program(chapter.name, chapter.roles) };
        if let Some(answer) = check.answer() {
            subject.commands.insert(check.role, answer.to_string());
        }
        let plan = Plan { seed: self.seed, side_by_side: 1, again: false };
        let results = runner::run(&[check], &subject, plan, &|_| ());
        results.into_iter().flat_map(|result| result.did).collect()
    }
}
