//! What was handed in as a folder: a crate, a workspace with chapters, or sources alone.

use super::{BuildDir, Refusal, Taken, starter};
use crate::files::{contents, copy_in};
use checks::{
    check::{CHAPTERS, Chapter, Check},
    files::remove,
    workspace,
};
use stage::Subject;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

impl BuildDir {
    /// Builds the student's crate in `folder`. For an exercise its examples are built too: the
    /// answer's command line takes the place of the program's.
    pub fn folder(
        self,
        folder: &Path,
        chapter: &'static Chapter,
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        let place = self.desk();
        copy_in(folder, &place)?;
        let manifest = fs::read_to_string(place.join("Cargo.toml")).unwrap_or_default();
        if inherits(&manifest) {
            // A part of a fork of the workspace: its sources in the place of ours.
            return self.chapters(&[(chapter, &place)], exercise);
        }
        if !manifest.lines().any(|line| line.trim_start().starts_with("[workspace")) {
            // It is alone, and not in the workspace that it lies in now.
            fs::write(place.join("Cargo.toml"), format!("{manifest}\n[workspace]\n"))?;
        }
        self.on_desk(chapter, exercise)
    }

    /// Builds sources that came without a manifest: the file with `main`, and all that lies
    /// beside and below it.
    pub fn sources(
        self,
        main: &Path,
        chapter: &'static Chapter,
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        let place = self.desk();
        let name = main.file_name().unwrap_or_default().to_string_lossy();
        copy_in(main.parent().unwrap_or(Path::new(".")), &place.join("src"))?;
        // It may count on the modules that were given with its starter.
        for (name, text) in starter(chapter)? {
            let file = place.join("src").join(name);
            if !file.exists() {
                fs::write(file, text)?;
            }
        }
        let manifest = format!(
            "[package]\nname = {0:?}\nversion = \"0.1.0\"\nedition = \"2024\"\nautobins = false\n\n\
             [[bin]]\nname = {0:?}\npath = {1:?}\n\n\
             [dependencies]\ncommon = {{ path = \"../../common\" }}\n\n[workspace]\n",
            chapter.name,
            format!("src/{name}")
        );
        fs::write(place.join("Cargo.toml"), manifest)?;
        self.on_desk(chapter, exercise)
    }

    /// Builds the chapters of a workspace that was handed in as a whole: the one that is `asked`
    /// for, or all in which something was written.
    pub fn edition(
        self,
        folder: &Path,
        asked: Option<&'static Chapter>,
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        let place = |chapter: &Chapter| folder.join("chapters").join(chapter.folder());
        let mut written = Vec::new();
        for chapter in CHAPTERS.iter().copied() {
            let is_wanted = match asked {
                Some(asked) => asked.number == chapter.number,
                None => is_written(&place(chapter).join("src"), chapter)?,
            };
            if is_wanted {
                let copied = self.desk().join(chapter.folder());
                for part in ["src", "examples"] {
                    if place(chapter).join(part).is_dir() {
                        copy_in(&place(chapter).join(part), &copied.join(part))?;
                    }
                }
                written.push((chapter, copied));
            }
        }
        if written.is_empty() {
            let why = "nothing was written in any of its chapters".to_string();
            return Err(Refusal::Submission(why));
        }
        let written: Vec<_> = written.iter().map(|(c, place)| (*c, place.as_path())).collect();
        self.chapters(&written, exercise)
    }

    /// Where a crate of a student's own lies: as far from `common` as on the desk.
    pub(super) fn desk(&self) -> PathBuf {
        self.workspace().join("work/handed-in")
    }

    /// Builds the crate that lies on the desk.
    fn on_desk(
        self,
        chapter: &'static Chapter,
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        let place = self.desk();
        self.cargo(&place, &["--bins"])?;
        let mut subject = self.subject(chapter)?;
        self.answer(&place, &["--examples"], &mut subject, exercise)?;
        Ok(self.taken(vec![(chapter, subject)]))
    }

    /// Builds chapters of our workspace with these sources.
    fn chapters(
        self,
        chapters: &[(&'static Chapter, &Path)],
        exercise: Option<&Check>,
    ) -> Result<Taken, Refusal> {
        let mut subjects = Vec::new();
        for (chapter, place) in chapters {
            let ours = self.workspace().join("chapters").join(chapter.folder());
            for part in ["src", "examples"] {
                remove(&ours.join(part))?;
                if place.join(part).is_dir() {
                    fs::rename(place.join(part), ours.join(part))?;
                }
            }
            let mut subject = self.chapter(chapter)?;
            let what = ["-p", chapter.name, "--examples", "--locked"];
            self.answer(&self.workspace(), &what, &mut subject, exercise)?;
            subjects.push((*chapter, subject));
        }
        Ok(self.taken(subjects))
    }

    /// Puts the answer of an exercise in the place of the program.
    fn answer(
        &self,
        folder: &Path,
        what: &[&str],
        subject: &mut Subject,
        exercise: Option<&Check>,
    ) -> Result<(), Refusal> {
        let Some((check, answer)) = exercise.and_then(|check| Some((check, check.answer()?)))
        else {
            return Ok(());
        };
        self.cargo(folder, what)?;
        subject.environment = self.example(answer.split(' ').next().unwrap_or(answer))?;
        subject.commands.insert(check.role, answer.to_string());
        Ok(())
    }

    fn taken(self, subjects: Vec<(&'static Chapter, Subject)>) -> Taken {
        Taken { subjects, workshop: Some(self), ..Taken::default() }
    }
}

/// True if a chapter's sources are neither the starter nor the reference.
fn is_written(src: &Path, chapter: &Chapter) -> io::Result<bool> {
    if !src.is_dir() {
        return Ok(false);
    }
    let theirs = contents(src)?;
    let ours = workspace::root().join("chapters").join(chapter.folder()).join("src");
    let starter =
        starter(chapter)?.into_iter().map(|(name, text)| (name, Some(text))).collect();
    Ok(theirs != starter && theirs != contents(&ours)?)
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
