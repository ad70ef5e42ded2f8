//! A check: one sentence of behaviour that a lab asks for, in one place, which is at once
//! the test, the grade and the specification.

use crate::{
    binary_codec, calculator, chatroom, dumb_net, echo_threaded, loadgen, one_to_one,
    speech::Learn, tunnel_chat, udp_datetime,
};
use stage::{
    Role, Stage,
    failure::{Diagnosis, Step},
};
use std::time::Duration;

/// How long a check may take.
const MINUTE: Duration = Duration::from_secs(58);

/// How long one of chapters 08 and 09, load and tunnels, may take.
const THREE_MINUTES: Duration = Duration::from_secs(178);

/// Who is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lab asks for it: everybody is.
    Lab,
    /// The chapter and its starter ask for it, and the lab leaves it open: a diff or a crate,
    /// which begins with our chapter, is asked for it. For a program from outside it is a remark.
    Chapter,
    /// The program's conduct: the reference is asked for it. For a submission it is a remark.
    Manners,
    /// An exercise of the book: run only when it is asked for by its id.
    Exercise {
        /// The answer's command line, from the crate's examples; it takes the role's place
        /// when the reference or a student's folder is checked.
        answer: &'static str,
    },
}

/// One check: a sentence with a program as its subject, and the steps that show whether it is
/// true. It is written as one expression, from [`Check::lab`] to [`Check::steps`].
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
    /// Checks without which this one could not even be tried.
    pub needs: &'static [&'static Check],
    /// What it is worth; 0 for manners and exercises.
    pub points: u32,
    /// Who is asked for it.
    pub kind: Kind,
    /// How long both tries together may take.
    pub within: Duration,
    /// The section of the book to read when it fails.
    pub book: &'static str,
    /// What it does.
    pub run: fn(&Stage) -> Step,
    /// The mistakes that it can name, each with the evidence for it.
    pub mistakes: &'static [&'static Diagnosis],
}

impl Check {
    const fn new(
        id: &'static str,
        role: Role,
        title: &'static str,
        kind: Kind,
        points: u32,
    ) -> Check {
        Check {
            id,
            title,
            source: "",
            role,
            needs: &[],
            points,
            kind,
            within: match id.as_bytes() {
                [b'0', b'8' | b'9', ..] => THREE_MINUTES,
                _ => MINUTE,
            },
            book: "0.2",
            run: |_| Ok(()),
            mistakes: &[],
        }
    }

    /// A check that a lab asks for. It is worth one point.
    pub const fn lab(id: &'static str, role: Role, title: &'static str) -> Check {
        Check::new(id, role, title, Kind::Lab, 1)
    }

    /// A check that the chapter asks for, and no lab. It is worth one point.
    pub const fn chapter(id: &'static str, role: Role, title: &'static str) -> Check {
        Check::new(id, role, title, Kind::Chapter, 1)
    }

    /// A check of a program's conduct, which costs a submission nothing.
    pub const fn manners(id: &'static str, role: Role, title: &'static str) -> Check {
        Check::new(id, role, title, Kind::Manners, 0)
    }

    /// An exercise, with the command line of its answer.
    pub const fn exercise(
        id: &'static str,
        role: Role,
        title: &'static str,
        answer: &'static str,
    ) -> Check {
        Check::new(id, role, title, Kind::Exercise { answer }, 0)
    }

    /// The lab and the place in it, or the part of the contract.
    #[must_use]
    pub const fn source(self, source: &'static str) -> Check {
        Check { source, ..self }
    }

    /// The checks without which this one could not even be tried.
    #[must_use]
    pub const fn needs(self, needs: &'static [&'static Check]) -> Check {
        Check { needs, ..self }
    }

    /// What it is worth, if that is not one point.
    #[must_use]
    pub const fn points(self, points: u32) -> Check {
        Check { points, ..self }
    }

    /// The section of the book to read when it fails.
    #[must_use]
    pub const fn read(self, book: &'static str) -> Check {
        Check { book, ..self }
    }

    /// How long both tries together may take, if that is not a minute.
    #[must_use]
    pub const fn within(self, within: Duration) -> Check {
        Check { within, ..self }
    }

    /// How long one try may take: half of what both may.
    pub fn limit(&self) -> Duration {
        self.within / 2
    }

    /// The mistakes that it can name.
    #[must_use]
    pub const fn mistakes(self, mistakes: &'static [&'static Diagnosis]) -> Check {
        Check { mistakes, ..self }
    }

    /// What it does.
    #[must_use]
    pub const fn steps(self, run: fn(&Stage) -> Step) -> Check {
        Check { run, ..self }
    }

    /// The chapter's number: `03`.
    pub fn chapter_number(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(chapter, _)| chapter)
    }

    /// True if a lab or a chapter asks for it.
    pub fn counts(&self) -> bool {
        self.points > 0
    }

    /// The command line of the exercise's answer, if this is an exercise.
    pub fn answer(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Exercise { answer } => Some(answer),
            Kind::Lab | Kind::Chapter | Kind::Manners => None,
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
    /// How it is found out how a program from outside speaks; none where the lab leaves nothing
    /// open.
    pub learn: Option<Learn>,
    /// Its checks.
    pub checks: &'static [&'static Check],
}

impl Chapter {
    /// The chapter's folder: `03-echo-threaded`.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.number, self.name)
    }

    /// The check of this id.
    pub fn check(&self, id: &str) -> Option<&'static Check> {
        self.checks.iter().copied().find(|check| check.id == id)
    }
}

/// All chapters, in order.
pub static CHAPTERS: &[&Chapter] = &[
    &dumb_net::CHAPTER,
    &one_to_one::CHAPTER,
    &echo_threaded::CHAPTER,
    &udp_datetime::CHAPTER,
    &calculator::CHAPTER,
    &binary_codec::CHAPTER,
    &chatroom::CHAPTER,
    &loadgen::CHAPTER,
    &tunnel_chat::CHAPTER,
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
    CHAPTERS.iter().flat_map(|chapter| chapter.checks).copied()
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
                assert_eq!(check.chapter_number(), chapter.number, "{}", check.id);
                assert!(chapter.roles.contains(&check.role), "{}: no such role", check.id);
                let counts = matches!(check.kind, Kind::Lab | Kind::Chapter);
                assert_eq!(
                    counts,
                    check.points > 0,
                    "{}: points are for what counts",
                    check.id
                );
                for need in check.needs {
                    assert!(
                        ids.contains(need.id),
                        "{} needs {}, which is not before it",
                        check.id,
                        need.id
                    );
                }
            }
            assert!(chapter.checks.len() >= 10, "{}: too few checks", chapter.number);
        }
    }

    #[test]
    fn a_diagnosis_has_one_meaning() {
        let mut known = std::collections::BTreeMap::new();
        for diagnosis in CHAPTERS.iter().flat_map(|c| c.checks).flat_map(|check| check.mistakes)
        {
            let before = known.insert(diagnosis.id, diagnosis);
            assert!(before.is_none_or(|other| other == diagnosis), "{}", diagnosis.id);
        }
    }
}
