//! A class: every diff and every folder in a folder, graded side by side, each by a grader of
//! its own, so that what happens to one costs nobody else anything.

use crate::{
    files::is_left_out,
    languages::{is_packed, is_paper},
    reference::Reference,
    results::{Results, Status},
    sandbox::{self, Mode},
    search,
    work::{HandedIn, Work},
    workshop::diff::Base,
};
use checks::{
    check::{self, Chapter, Check},
    runner::{CheckResult, Verdict},
};
use common::{Error, cause};
use stage::failure::{Diagnosis, readable};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

/// The submissions of a class and what was found in them so far.
#[derive(Debug)]
pub struct Class {
    /// The folder's name.
    pub name: String,
    /// Makes the payloads, the same for all.
    pub seed: u64,
    /// The walls around each submission; none to grade them unconfined.
    pub walls: Option<Mode>,
    submissions: Vec<Submission>,
}

#[derive(Debug)]
struct Submission {
    /// As it may stand in a report: the file's name, without its ending if that is clear.
    name: String,
    /// The file's whole name, readable.
    full: String,
    /// Where it is.
    handed_in: HandedIn,
    results: Option<Results>,
}

impl Class {
    /// The class in a folder; `how` its programs are started, if that is said. Folders in it need
    /// the chapter to be said. What can be no hand-in is left out, and named in the second list.
    pub fn open(
        folder: &Path,
        how: Option<&HandedIn>,
        chapter: Option<&'static Chapter>,
        base: Option<Base>,
        seed: u64,
        walls: Option<Mode>,
    ) -> Result<(Class, Vec<String>), Error> {
        let cannot =
            |e| Error::Usage(format!("cannot read {}: {}", folder.display(), cause(&e)));
        let mut paths = fs::read_dir(folder)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>()
            })
            .map_err(cannot)?;
        paths.sort_by_key(|path| in_order(&file_name(path)));
        let (mut submissions, mut left_out) = (Vec::new(), Vec::new());
        for path in
            paths.iter().filter(|path| !is_left_out(path.file_name().unwrap_or_default()))
        {
            match Submission::open(path, how, chapter, base) {
                Some(submission) => submissions.push(submission),
                None => left_out.push(in_one_line(&file_name(path))),
            }
        }
        if submissions.is_empty() {
            return Err(Error::Usage(format!(
                "{} holds no NAME.diff, NAME.patch, program or folder",
                folder.display()
            )));
        }
        tell_apart(&mut submissions);
        let name =
            fs::canonicalize(folder).map_or_else(|_| file_name(folder), |f| file_name(&f));
        Ok((Class { name, seed, walls, submissions }, left_out))
    }

    /// Grades all of them, `jobs` at a time; `done` hears of the class after each.
    ///
    /// # Errors
    /// What `done` returns; then nothing more is begun.
    pub fn grade(
        &mut self,
        jobs: usize,
        only: Option<&str>,
        reference: Option<&Reference>,
        done: impl Fn(&Class) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (seed, walls) = (self.seed, self.walls);
        let todo: Vec<(usize, HandedIn)> = self
            .submissions
            .iter()
            .enumerate()
            .map(|(number, submission)| (number, submission.handed_in.clone()))
            .collect();
        let todo = Mutex::new(todo.into_iter());
        let next = || todo.lock().unwrap_or_else(PoisonError::into_inner).next();
        let next = &next;
        let grade = &|handed_in: HandedIn| {
            let work = Work { handed_in, only: only.map(String::from), seed, walls };
            let mut results = work.grade_apart();
            if let Some(reference) = reference {
                reference.add(&mut results);
            }
            results
        };
        let (sender, finished) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..jobs {
                let sender = sender.clone();
                scope.spawn(move || {
                    while let Some((number, handed_in)) = next() {
                        // Nobody listens any more when `done` has failed.
                        let Ok(()) = sender.send((number, grade(handed_in))) else { return };
                    }
                });
            }
            drop(sender);
            for (number, results) in finished {
                self.submissions[number].results = Some(results);
                done(self)?;
            }
            Ok(())
        })
    }

    /// How many submissions there are.
    pub fn size(&self) -> usize {
        self.submissions.len()
    }

    /// The names and results of those that were graded.
    pub fn graded(&self) -> impl Iterator<Item = (&str, &Results)> {
        self.submissions
            .iter()
            .filter_map(|one| Some((one.name.as_str(), one.results.as_ref()?)))
    }

    /// The worst status of all.
    pub fn status(&self) -> Status {
        self.graded().map(|(_, results)| results.status()).max().unwrap_or(Status::Passed)
    }

    /// The checks of what anybody has handed in, in order.
    pub fn checks(&self) -> Vec<&'static Check> {
        self.checks_where(|result| !matches!(result.verdict, Verdict::NotHandedIn))
    }

    /// The checks for which somebody's result `fits`, in order.
    pub fn checks_where(&self, fits: impl Fn(&CheckResult) -> bool) -> Vec<&'static Check> {
        let all = self.graded().flat_map(|(_, results)| results.all());
        let fitting = all.filter(|result| fits(result));
        let ids: BTreeSet<&str> = fitting.map(|result| result.check.id).collect();
        check::all().filter(|check| ids.contains(check.id)).collect()
    }

    /// The mistakes of the class: each with the names of those who made it, the most frequent
    /// first.
    pub fn mistakes(&self) -> Vec<(&'static Diagnosis, Vec<&str>)> {
        let mut mistakes: BTreeMap<&str, (&Diagnosis, Vec<&str>)> = BTreeMap::new();
        for (name, results) in self.graded() {
            for diagnosis in results.diagnoses() {
                mistakes.entry(diagnosis.id).or_insert((diagnosis, Vec::new())).1.push(name);
            }
        }
        let mut mistakes: Vec<_> = mistakes.into_values().collect();
        mistakes.sort_by_key(|(_, names)| Reverse(names.len()));
        mistakes
    }

    /// The class as a table for a terminal, and what it has in common below it.
    pub fn text(&self) -> String {
        let widest = self.graded().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let width = widest.clamp("name".len(), 24);
        let mut text = format!(
            "{}: {} submissions (seed {}, {})\n{:<width$}  {:>7}  required checks, in order\n",
            readable(&self.name),
            self.size(),
            self.seed,
            sandbox::word(self.walls),
            "name",
            "points"
        );
        for (name, results) in self.graded() {
            let points = results.score();
            let name: String = name.chars().take(width).collect();
            let _ = writeln!(text, "{name:<width$}  {points:>7}  {}", marks(results));
        }
        text += "\n. passed, F failed, s skipped, - not handed in or not judged, X not started, ? inconclusive, ! grader\n";
        for (diagnosis, names) in self.mistakes() {
            let _ = writeln!(text, "{} of {} {}", names.len(), self.size(), diagnosis.they);
        }
        text
    }
}

/// A letter for each required check, the chapters apart; or why there are none.
fn marks(results: &Results) -> String {
    if let Some(why) = results.headline() {
        return why;
    }
    let of_chapter = |chapter: &Chapter| -> String {
        let its =
            results.required().filter(|result| result.check.chapter_number() == chapter.number);
        its.map(|result| result.verdict.mark()).collect()
    };
    let chapters = results.chapters();
    chapters.map(|c| format!("{}:{}", c.number, of_chapter(c))).collect::<Vec<_>>().join(" ")
}

impl Submission {
    /// What stands at this path; nothing if it is neither a diff nor a folder.
    fn open(
        path: &Path,
        how: Option<&HandedIn>,
        chapter: Option<&'static Chapter>,
        base: Option<Base>,
    ) -> Option<Submission> {
        let full = file_name(path);
        // What is a link or a FIFO is refused where it is graded.
        let kind = fs::symlink_metadata(path);
        let is_file = kind.is_ok_and(|kind| kind.is_file());
        let may_be_one = || match how {
            Some(_) => !is_paper(path),
            None => is_packed(path) || search::look(path, chapter).is_ok(),
        };
        if is_file && !may_be_one() {
            return None;
        }
        let name = in_one_line(search::student(&full));
        let path = path.to_path_buf();
        let handed_in = match how {
            Some(how) => HandedIn::Filled(path, Box::new(how.clone())),
            None => HandedIn::Place(path, base, chapter),
        };
        Some(Submission { name, full: in_one_line(&full), handed_in, results: None })
    }
}

/// Gives those that would have the same name their whole one: `alice.diff` and `alice.patch`.
fn tell_apart(submissions: &mut [Submission]) {
    let names: Vec<String> = submissions.iter().map(|one| one.name.clone()).collect();
    for one in submissions {
        if names.iter().filter(|name| **name == one.name).count() > 1 {
            one.name = one.full.clone();
        }
    }
}

/// A name, as it may stand in a report.
fn in_one_line(name: &str) -> String {
    readable(name).replace('\n', "\\n")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A key that puts `s2` before `s10`.
fn in_order(name: &str) -> Vec<(u64, String)> {
    let mut key = vec![(0_u64, String::new())];
    for letter in name.chars() {
        let Some((number, text)) = key.last_mut() else { continue };
        match letter.to_digit(10) {
            Some(digit) if text.is_empty() => {
                *number = number.saturating_mul(10).saturating_add(u64::from(digit));
            }
            Some(digit) => key.push((u64::from(digit), String::new())),
            None => text.push(letter),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_that_people_expect() {
        let mut names = ["s10", "s2.diff", "a", "s1", "S1", "s2"];
        names.sort_by_key(|name| in_order(name));
        assert_eq!(names, ["S1", "a", "s1", "s2", "s2.diff", "s10"]);
    }

    #[test]
    fn two_of_one_name_keep_their_whole_names() {
        let submissions = ["alice.diff", "alice.patch", "bob.diff"].map(|full| Submission {
            name: full.split('.').next().unwrap_or_default().to_string(),
            full: full.to_string(),
            handed_in: HandedIn::Place(full.into(), None, None),
            results: None,
        });
        let mut submissions = Vec::from(submissions);
        tell_apart(&mut submissions);
        let names: Vec<_> = submissions.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["alice.diff", "alice.patch", "bob"]);
    }
}
