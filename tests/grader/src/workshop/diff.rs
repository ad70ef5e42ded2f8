//! A diff: applied to sources in which there is nothing but what a diff may change, so that it
//! cannot change anything else; then what has changed is looked at.

use super::{BuildDir, Refusal, Taken, lay_out_starter, patch::Patch};
use crate::{
    edition,
    files::{contents, mirror},
    tools,
};
use checks::{
    check::{CHAPTERS, Chapter},
    files::remove,
    workspace,
};
use common::cause;
use std::{
    collections::BTreeSet,
    fmt::{self, Display},
    fs, io,
    path::{Path, PathBuf},
    process::Output,
    str::FromStr,
};

/// How large a diff may be, in bytes. Nobody writes that much by hand.
const MAX_DIFF: u64 = 4 << 20;

/// What a diff begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The chapters as they are.
    Reference,
    /// The chapters as the student edition has them.
    Starter,
}

impl Base {
    const BOTH: [Base; 2] = [Base::Starter, Base::Reference];
}

impl FromStr for Base {
    type Err = ();

    fn from_str(text: &str) -> Result<Base, ()> {
        Base::BOTH.into_iter().find(|base| base.to_string() == text).ok_or(())
    }
}

impl Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Base::Reference { "reference" } else { "starter" })
    }
}

/// What differs between two ways in which a diff may have lost something on its way, from the
/// strictest on: blanks at the ends of lines, and lines of context at the end.
const LENIENT: [&[&str]; 3] =
    [&[], &["--ignore-whitespace"], &["--ignore-whitespace", "--recount"]];

impl BuildDir {
    /// Applies a student's diff and builds the chapters that it touches, or only the one that
    /// is `asked` for.
    ///
    /// # Errors
    /// When the diff touches what it may not, or nothing of what is asked for, applies neither
    /// to the reference nor to the starters, or does not build.
    pub fn diff(
        self,
        diff: &Path,
        base: Option<Base>,
        asked: Option<&'static Chapter>,
    ) -> Result<Taken, Refusal> {
        let refused = |why: String| Err(Refusal::Submission(why));
        let bytes = match stage::files::read(diff, MAX_DIFF) {
            Ok(bytes) => bytes,
            Err(e) => return refused(format!("cannot read the diff: {}", cause(&e))),
        };
        let (base, note, changed) = self.applied(&bytes, base, asked)?;
        let mut touched = Vec::new();
        for path in &changed {
            match chapter_of(path) {
                Some(chapter) => touched.push(chapter),
                None => return refused(not_allowed(&path.display().to_string())),
            }
        }
        touched.dedup_by_key(|chapter| chapter.number);
        if let Some(asked) = asked {
            touched.retain(|chapter| chapter.number == asked.number);
            if touched.is_empty() {
                return refused(format!(
                    "the diff changes nothing of chapter {}",
                    asked.number
                ));
            }
        }
        if touched.is_empty() {
            return refused("the diff changes no chapter".to_string());
        }
        let mut taken = Taken { notes: vec![note], ..Taken::default() };
        for chapter in touched {
            for part in ["src", "examples"] {
                let inner = Path::new("chapters").join(chapter.folder()).join(part);
                let (from, to) = (self.tree(base).join(&inner), self.workspace().join(&inner));
                remove(&to)?;
                if from.is_dir() {
                    mirror(&from, &to)?;
                }
            }
            taken.subjects.push((chapter, self.chapter(chapter)?));
        }
        taken.workshop = Some(self);
        Ok(taken)
    }

    /// Applies a diff, and returns to what, what a report says of that, and what has changed.
    pub(super) fn applied(
        &self,
        bytes: &[u8],
        base: Option<Base>,
        asked: Option<&'static Chapter>,
    ) -> Result<(Base, String, BTreeSet<PathBuf>), Refusal> {
        let patches = Patch::readings(bytes, asked).map_err(Refusal::Submission)?;
        if let Some(path) =
            patches[0].paths().find(|path| chapter_of(Path::new(path)).is_none())
        {
            return Err(Refusal::Submission(not_allowed(path)));
        }
        let bases: Vec<Base> = base.map_or(Base::BOTH.to_vec(), |base| vec![base]);
        let mut why = String::new();
        for (patch, lenient) in
            patches.iter().flat_map(|patch| LENIENT.iter().map(move |l| (patch, *l)))
        {
            let mut fitting = Vec::new();
            for base in &bases {
                match self.apply(patch, *base, lenient)? {
                    Ok(()) => fitting.push(*base),
                    Err(said) if why.is_empty() => why = said,
                    Err(_) => {}
                }
            }
            let Some(&first) = fitting.first() else { continue };
            let (base, note) = match (base, fitting.len()) {
                (Some(base), _) => {
                    (base, format!("graded as a diff against the {base}, as asked"))
                }
                (None, 1) => (first, format!("graded as a diff against the {first}")),
                (None, _) if self.names_reference(patch)? => {
                    let base = Base::Reference;
                    (base, format!("graded as a diff against the {base}, which it names"))
                }
                (None, _) => {
                    let note = "graded as a diff against the starter; it fits the reference too \
                                (--base reference grades it so)";
                    (Base::Starter, note.to_string())
                }
            };
            return Ok((base, note, self.changed(base)?));
        }
        Err(Refusal::Submission(format!(
            "the diff does not apply: {why}\n{}",
            patches[0].advice()
        )))
    }

    /// Where a diff is applied to this base.
    pub(super) fn tree(&self, base: Base) -> PathBuf {
        self.folder.join(base.to_string())
    }

    /// What a diff may change, as its base has it, in a folder that nothing changes.
    fn clean(&self, base: Base) -> Result<PathBuf, Refusal> {
        let tree = self.folder.join(format!("clean-{base}"));
        if tree.exists() {
            return Ok(tree);
        }
        for chapter in CHAPTERS {
            let inner = Path::new("chapters").join(chapter.folder());
            let (ours, its) = (workspace::root().join(&inner), tree.join(&inner));
            fs::create_dir_all(&its)?;
            if ours.join("examples").is_dir() {
                mirror(&ours.join("examples"), &its.join("examples"))?;
            }
            if base == Base::Reference {
                mirror(&ours.join("src"), &its.join("src"))?;
                continue;
            }
            lay_out_starter(chapter, &its.join("src"))?;
            edition::answers(&its).try_for_each(|answer| remove(&answer))?;
        }
        Ok(tree)
    }

    /// Applies the diff to a base, or says why it does not fit.
    fn apply(
        &self,
        patch: &Patch,
        base: Base,
        lenient: &[&str],
    ) -> Result<Result<(), String>, Refusal> {
        let tree = self.tree(base);
        mirror(&self.clean(base)?, &tree)?;
        let applied = self.git_apply(patch, &tree, lenient)?;
        if applied.status.success() {
            return Ok(Ok(()));
        }
        // Is it the diff, or git? One that is surely right tells.
        let right = "--- /dev/null\n+++ b/chapters/x\n@@ -0,0 +1 @@\n+x\n";
        let right = Patch::readings(right.as_bytes(), None).map_err(Refusal::Grader)?;
        let probe = self.git_apply(&right[0], &tree, &["--check"])?;
        let said = |output: &Output| {
            String::from_utf8_lossy(&output.stderr).replace("error: ", "").trim().to_string()
        };
        if probe.status.success() {
            return Ok(Err(said(&applied)));
        }
        Err(Refusal::Grader(format!("git does not work: {} ({})", said(&probe), probe.status)))
    }

    fn git_apply(
        &self,
        patch: &Patch,
        tree: &Path,
        lenient: &[&str],
    ) -> Result<Output, Refusal> {
        let file = self.folder.join("handed-in.diff");
        fs::write(&file, &patch.text)?;
        let mut git = tools::git();
        git.args(["apply", "--whitespace=nowarn"]).args(lenient).args(patch.options());
        git.arg(&file).current_dir(tree);
        git.output().map_err(|e| Refusal::Grader(format!("cannot run git: {}", cause(&e))))
    }

    /// True if a file that the diff changes is called by the name that git gives to the text
    /// that the reference has, and the starter has not.
    fn names_reference(&self, patch: &Patch) -> Result<bool, Refusal> {
        let (reference, starter) = (self.clean(Base::Reference)?, self.clean(Base::Starter)?);
        for (path, name) in patch.blobs() {
            let has = |tree: &Path| -> io::Result<bool> {
                let mut git = tools::git();
                git.args(["hash-object", "--no-filters", "--"]).arg(tree.join(&path));
                Ok(String::from_utf8_lossy(&git.output()?.stdout).starts_with(name))
            };
            if has(&reference)? && !has(&starter)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The paths of what the diff has changed, made or taken away.
    fn changed(&self, base: Base) -> Result<BTreeSet<PathBuf>, Refusal> {
        let (old, new) = (contents(&self.clean(base)?)?, contents(&self.tree(base))?);
        if let Some((link, _)) = new.iter().find(|(_, content)| content.is_none()) {
            let why = format!("the diff makes a link: {}", link.display());
            return Err(Refusal::Submission(why));
        }
        let all = old.keys().chain(new.keys());
        Ok(all.filter(|path| old.get(*path) != new.get(*path)).cloned().collect())
    }
}

fn not_allowed(path: &str) -> String {
    format!("the diff touches {path:?}: only chapters/*/src and chapters/*/examples may change")
}

/// The chapter, if this is a path that a diff may touch.
fn chapter_of(path: &Path) -> Option<&'static Chapter> {
    let mut parts = path.iter().map(|part| part.to_str());
    let (Some("chapters"), folder, Some("src" | "examples")) =
        (parts.next()?, parts.next()??, parts.next()?)
    else {
        return None;
    };
    let has_a_name = parts.all(|part| part.is_some_and(|part| part != ".."));
    CHAPTERS.iter().copied().find(|chapter| has_a_name && chapter.folder() == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_may_touch_sources_and_examples_of_a_chapter() {
        let chapter = |path: &str| chapter_of(Path::new(path)).map(|chapter| chapter.number);
        assert_eq!(chapter("chapters/03-echo-threaded/src/main.rs"), Some("03"));
        assert_eq!(chapter("chapters/03-echo-threaded/examples/x.rs"), Some("03"));
        for path in [
            "common/src/lib.rs",
            "chapters/03-echo-threaded/Cargo.toml",
            "chapters/03-echo-threaded/build.rs",
            "chapters/03-echo-threaded/tests/checks.rs",
            "chapters/03-echo-threaded/src/../Cargo.toml",
            "chapters/99-none/src/main.rs",
            "/chapters/03-echo-threaded/src/main.rs",
            "../chapters/03-echo-threaded/src/main.rs",
            "Makefile",
        ] {
            assert_eq!(chapter(path), None, "{path}");
        }
    }

    const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";
    const STARTER: &str = "chapters/03-echo-threaded/starter.rs";

    fn source(file: &str) -> String {
        fs::read_to_string(workspace::root().join(file)).unwrap()
    }

    fn blob(file: &str) -> String {
        let mut git = tools::git();
        git.args(["hash-object", "--no-filters", "--"]).arg(workspace::root().join(file));
        String::from_utf8(git.output().unwrap().stdout).unwrap().trim().to_string()
    }

    fn base_of(diff: &str, asked: Option<Base>) -> Base {
        let workshop = BuildDir::open(None).unwrap();
        workshop.applied(diff.as_bytes(), asked, None).unwrap().0
    }

    #[test]
    fn only_what_names_the_text_before_proves_its_base() {
        let notes = MAIN.replace("main.rs", "notes.rs");
        let right = blob(MAIN);
        // A file that is added fits everywhere, and no name in front of it proves anything.
        for index in ["", "index 0000000..b6fc4c6\n", &format!("index {right}..b6fc4c6\n")] {
            let diff = format!(
                "diff --git a/{notes} b/{notes}\nnew file mode 100644\n{index}--- /dev/null\n\
                 +++ b/{notes}\n@@ -0,0 +1 @@\n+//! My notes.\n"
            );
            assert_eq!(base_of(&diff, None), Base::Starter, "{index}");
            assert_eq!(base_of(&diff, Some(Base::Reference)), Base::Reference);
        }
        // Where both begin with the same lines, git's name for the text decides.
        let (ours, starter) = (source(MAIN), source(STARTER));
        let same = ours.lines().zip(starter.lines()).take_while(|(a, b)| a == b).count();
        let lines: Vec<&str> = ours.lines().take(same).collect();
        let kept: String = lines[1..].iter().map(|line| format!(" {line}\n")).collect();
        let changed = |name: &str| {
            format!(
                "diff --git a/{MAIN} b/{MAIN}\nindex {name}..1234567 100644\n--- a/{MAIN}\n\
                 +++ b/{MAIN}\n@@ -1,{same} +1,{same} @@\n-{0}\n+{0} (mine)\n{kept}",
                lines[0]
            )
        };
        for (name, base) in [
            (right.as_str(), Base::Reference),
            (&right[..7], Base::Reference),
            (&right[..3], Base::Starter),
            ("1234567", Base::Starter),
            (blob(STARTER).as_str(), Base::Starter),
        ] {
            assert_eq!(base_of(&changed(name), None), base, "{name}");
        }
        // And where only one fits, that is the base.
        for (file, base) in [(MAIN, Base::Reference), (STARTER, Base::Starter)] {
            let text = source(file);
            let old: String = text.lines().map(|line| format!("-{line}\n")).collect();
            let count = text.lines().count();
            let diff = format!("--- a/{MAIN}\n+++ b/{MAIN}\n@@ -1,{count} +1 @@\n{old}+mine\n");
            assert_eq!(base_of(&diff, None), base);
        }
    }
}
