//! A crate that was handed in as a folder.

use super::{Refusal, Taken, Workshop};
use crate::{files::copy_in, sandbox::Build};
use checks::{
    check::{Chapter, Check},
    files::remove,
};
use stage::Subject;
use std::{fs, path::Path};

impl Workshop {
    /// Builds the student's crate in `folder`. For an exercise its examples are built too: the
    /// answer's command line takes the place of the program's.
    ///
    /// # Errors
    /// When there is no crate, or it does not build.
    pub fn folder(
        self,
        folder: &Path,
        chapter: &'static Chapter,
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        // As far from `common` as on the desk.
        let place = self.workspace().join("work/handed-in");
        copy_in(folder, &place)?;
        let Ok(manifest) = fs::read_to_string(place.join("Cargo.toml")) else {
            return Err(Refusal::Submission("the folder has no Cargo.toml".to_string()));
        };
        if inherits(&manifest) {
            return self.member(&place, chapter);
        }
        if !manifest.lines().any(|line| line.trim_start().starts_with("[workspace")) {
            // It is alone, and not in the workspace that it lies in now.
            fs::write(place.join("Cargo.toml"), format!("{manifest}\n[workspace]\n"))?;
        }
        let build = Build { folder: &place, writes: true };
        self.cargo(&build, &["--bins"])?;
        let mut subject = self.subject(chapter)?;
        if let Some((check, answer)) = exercise.and_then(|check| Some((check, check.answer()?)))
        {
            self.cargo(&build, &["--examples"])?;
            let name = answer.split(' ').next().unwrap_or(answer);
            subject.around = self.example(name)?;
            subject.commands.insert(check.role, answer.to_string());
        }
        Ok(self.taken(chapter, subject))
    }

    /// Builds the crate of a fork of the workspace: its sources in the place of ours.
    fn member(self, place: &Path, chapter: &'static Chapter) -> Result<Taken, Refusal> {
        let ours = self.workspace().join("chapters").join(chapter.folder());
        for part in ["src", "examples"] {
            remove(&ours.join(part))?;
            if place.join(part).is_dir() {
                fs::rename(place.join(part), ours.join(part))?;
            }
        }
        let subject = self.chapter(chapter)?;
        Ok(self.taken(chapter, subject))
    }

    fn taken(self, chapter: &'static Chapter, subject: Subject) -> Taken {
        let subjects = vec![(chapter, subject)];
        Taken { subjects, workshop: Some(self), ..Taken::default() }
    }
}

/// True if a crate takes anything from the workspace that it is a member of.
fn inherits(manifest: &str) -> bool {
    manifest.lines().any(|line| line.replace(' ', "").contains("workspace=true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_workspace_is_known_by_what_it_inherits() {
        assert!(inherits("[package]\nversion.workspace = true\n"));
        assert!(inherits("[dependencies]\ncommon = { workspace = true }\n"));
        assert!(!inherits("[package]\nversion = \"0.1.0\"\n[workspace]\n"));
    }
}
