//! A mutant as the student has it who made the mistake, and the diff that this student hands in:
//! for the tests of what reads diffs.

use super::{FOLDER, Mutant, edits};
use crate::{files::remove, workspace};
use common::{Context, Error};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Lays out the mutant's chapter in a new `folder`: as it is in `a/chapters/…`, as the student
/// has it in `b/chapters/…`.
///
/// # Errors
/// When the mutant cannot be read or applied, or the folder not be written.
pub fn lay_out(name: &str, folder: &Path) -> Result<(), Error> {
    let file = workspace::root().join(FOLDER).join(format!("{name}.mutant"));
    let mutant = Mutant::read(&file).map_err(|why| Error::Failed(why, None))?;
    let chapter = Path::new("chapters").join(mutant.chapter.folder());
    let ours = edits::sources(&workspace::root().join(&chapter)).context("cannot read")?;
    let own = mutant.sources(&ours).map_err(|why| Error::Failed(why, None))?;
    remove(folder).context("cannot clear a folder")?;
    for (side, sources) in [("a", ours), ("b", own)] {
        for (file, text) in sources {
            let file = folder.join(side).join(&chapter).join(file);
            let written = fs::create_dir_all(file.parent().unwrap_or(folder))
                .and_then(|()| fs::write(&file, text));
            written.context("cannot lay out a mutant")?;
        }
    }
    Ok(())
}

/// Lays the mutant out in `folder`, and writes git's diff of both beside it: `folder.diff`.
///
/// # Errors
/// As [`lay_out`], or when there is no git.
pub fn hand_in(name: &str, folder: &Path) -> Result<PathBuf, Error> {
    lay_out(name, folder)?;
    let diff = Command::new("git")
        .args(["diff", "--no-index", "--no-ext-diff", "--no-color", "--no-prefix", "a", "b"])
        .current_dir(folder)
        .output()
        .context("cannot run git")?;
    let file = folder.with_extension("diff");
    fs::write(&file, diff.stdout).context("cannot write a diff")?;
    Ok(file)
}
