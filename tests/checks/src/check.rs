//! A check: one sentence of behaviour that a lab asks for, in one place, which is at once
//! the test, the grade and the specification.

use stage::{
    Role, Stage,
    failure::{Diagnosis, Outcome},
};

/// Whether a check counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lab asks for it: it has points.
    Required,
    /// Our contract asks for it, the lab leaves it open: required of the reference, a remark
    /// for a submission.
    Manners,
    /// An exercise of the book: run only when it is asked for by its id.
    Exercise {
        /// The answer's command line, from the crate's examples; it takes the role's place
        /// when the reference or a student's folder is checked.
        answer: &'static str,
    },
}

/// One check.
#[derive(Debug)]
pub struct Check {
    /// `03.second-client`: the chapter and a name.
    pub id: &'static str,
    /// The sentence, with the program as its subject.
    pub title: &'static str,
    /// The lab and the place in it, or the part of the contract.
    pub source: &'static str,
    /// Which role has to be handed in.
    pub role: Role,
    /// Checks that must have passed, because this one tells nothing without them.
    pub needs: &'static [&'static str],
    /// What it is worth; 0 unless it is required.
    pub points: u32,
    /// Whether it counts.
    pub kind: Kind,
    /// True if it takes long to be sure that it fails: then its two tries run side by side, and
    /// the first one that passes ends the other.
    pub long: bool,
    /// The section of the book to read when it fails.
    pub book: &'static str,
    /// What it does.
    pub run: fn(&Stage) -> Outcome,
    /// The diagnoses that it can give.
    pub diagnoses: &'static [&'static Diagnosis],
}

impl Check {
    /// The chapter's number: `03`.
    pub fn chapter(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(chapter, _)| chapter)
    }

    /// The command line of the exercise's answer, if this is an exercise.
    pub fn answer(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Exercise { answer } => Some(answer),
            Kind::Required | Kind::Manners => None,
        }
    }
}

/// A chapter: its number, its name, and its checks in the order in which they are reported.
#[derive(Debug)]
pub struct Chapter {
    /// `03`
    pub number: &'static str,
    /// `echo-threaded`: the package and the program.
    pub name: &'static str,
    /// The roles that its program plays.
    pub roles: &'static [Role],
    /// Its checks.
    pub checks: &'static [Check],
}

impl Chapter {
    /// The chapter's folder: `03-echo-threaded`.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.number, self.name)
    }

    /// The check of this id.
    pub fn check(&self, id: &str) -> Option<&'static Check> {
        self.checks.iter().find(|check| check.id == id)
    }
}

/// All chapters, in order.
pub static CHAPTERS: &[&Chapter] = &[
    &crate::dumb_net::CHAPTER,
    &crate::one_to_one::CHAPTER,
    &crate::echo_threaded::CHAPTER,
    &crate::udp_datetime::CHAPTER,
    &crate::calculator::CHAPTER,
    &crate::binary_codec::CHAPTER,
    &crate::chatroom::CHAPTER,
    &crate::loadgen::CHAPTER,
    &crate::tunnel_chat::CHAPTER,
];

/// The chapter with this number (`03`, or `3`).
pub fn chapter(number: &str) -> Option<&'static Chapter> {
    CHAPTERS
        .iter()
        .find(|c| c.number == number || c.number.strip_prefix('0') == Some(number))
        .copied()
}

/// All checks, in order.
pub fn all() -> impl Iterator<Item = &'static Check> {
    CHAPTERS.iter().flat_map(|chapter| chapter.checks)
}

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_of_checks_is_sound() {
        let mut ids = BTreeSet::new();
        for chapter in CHAPTERS {
            for check in chapter.checks {
                assert!(ids.insert(check.id), "{} stands twice", check.id);
                assert_eq!(check.chapter(), chapter.number, "{}", check.id);
                assert!(chapter.roles.contains(&check.role), "{}: no such role", check.id);
                let counts = check.kind == Kind::Required;
                assert_eq!(
                    counts,
                    check.points > 0,
                    "{}: points are for required checks",
                    check.id
                );
                for need in check.needs {
                    assert!(
                        ids.contains(need),
                        "{} needs {need}, which does not stand before it",
                        check.id
                    );
                }
            }
            assert!(chapter.checks.len() >= 10, "{}: too few checks", chapter.number);
        }
    }

    #[test]
    fn a_diagnosis_has_one_meaning() {
        let mut known = std::collections::BTreeMap::new();
        for diagnosis in
            CHAPTERS.iter().flat_map(|c| c.checks).flat_map(|check| check.diagnoses)
        {
            let before = known.insert(diagnosis.id, diagnosis);
            assert!(before.is_none_or(|other| other == diagnosis), "{}", diagnosis.id);
        }
    }
}
