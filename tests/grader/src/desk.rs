//! What a student has written on the desk (`work/`), as a diff against the reference: git makes
//! it, in surroundings that no setting of the student's changes.

use crate::{files::mirror, tools, workshop};
use checks::{check::Chapter, files::remove, workspace};
use common::{Context, Error};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
};

/// The reference as `a` and the desk as `b`, in a folder which goes when this is dropped.
struct Sides(PathBuf);

impl Sides {
    fn lay_out(chapter: &Chapter, desk: &Path) -> io::Result<Sides> {
        let sides = Sides(workshop::place().join(format!("desk-{}", process::id())));
        let inner = Path::new("chapters").join(chapter.folder()).join("src");
        for (side, source) in [("a", workspace::root().join(&inner)), ("b", desk.join("src"))] {
            let place = sides.0.join(side).join(&inner);
            fs::create_dir_all(&place)?;
            mirror(&source, &place)?;
        }
        Ok(sides)
    }

    fn git(&self, words: &[&str]) -> process::Command {
        let mut git = tools::git();
        git.args(words).args(["diff", "--no-index", "--no-prefix"]).current_dir(&self.0);
        git
    }
}

impl Drop for Sides {
    fn drop(&mut self) {
        let _ = remove(&self.0);
    }
}

/// True if `make check` asks, about a student's own desk: it says how a check is run again.
pub fn asks() -> bool {
    again().is_some()
}

/// The command that runs one check again, if `make check` has said it.
pub fn again() -> Option<String> {
    env::var("AGAIN").ok()
}

fn desk(chapter: &Chapter) -> PathBuf {
    workspace::root().join("work").join(chapter.folder())
}

/// Shows how the desk differs from the reference, as git shows it.
pub fn compare(chapter: &Chapter) -> Result<(), Error> {
    let sides = Sides::lay_out(chapter, &desk(chapter)).context("cannot read the desk")?;
    sides.git(&["--paginate"]).args(["a", "b"]).status().context("cannot run git")?;
    Ok(())
}

/// Writes the difference as the diff that is handed in.
pub fn hand_in(chapter: &Chapter, file: &Path) -> Result<(), Error> {
    hand_in_from(chapter, &desk(chapter), file)
}

fn hand_in_from(chapter: &Chapter, desk: &Path, file: &Path) -> Result<(), Error> {
    let main = desk.join("src/main.rs");
    if !main.exists() {
        let what = format!("there is no {}", main.display());
        return Err(Error::failed(what, "nothing to hand in"));
    }
    let sides = Sides::lay_out(chapter, desk).context("cannot read the desk")?;
    let made = sides.git(&[]).args(["a", "b"]).output().context("cannot run git")?;
    match made.status.code() {
        Some(1) => fs::write(file, made.stdout)
            .context(format_args!("cannot write {}", file.display())),
        Some(0) => {
            Err(Error::failed("nothing differs from the reference", "nothing to hand in"))
        }
        _ => Err(Error::failed("cannot run git", String::from_utf8_lossy(&made.stderr).trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use checks::check::CHAPTERS;

    #[test]
    fn what_is_on_the_desk_becomes_a_diff_of_the_chapter() {
        let (chapter, desk) =
            (CHAPTERS[2], env::temp_dir().join(format!("desk o'b {}", process::id())));
        let main = format!("chapters/{}/src/main.rs", chapter.folder());
        let ours = fs::read_to_string(workspace::root().join(&main)).unwrap();
        fs::create_dir_all(desk.join("src")).unwrap();
        fs::write(desk.join("src/main.rs"), format!("{ours}// é \n")).unwrap();
        fs::write(desk.join("src/net.rs"), "//! Mine.\n").unwrap();
        let file = desk.join("Alice Smith.diff");
        hand_in_from(chapter, &desk, &file).unwrap();
        let diff = fs::read_to_string(&file).unwrap();
        for part in [
            &*format!("\n--- a/{main}\n+++ b/{main}\n"),
            "\n+// é \n",
            "\n--- /dev/null\n+++ b/chapters/03-echo-threaded/src/net.rs\n",
        ] {
            assert!(diff.contains(part), "{part}: {diff}");
        }
        // Without its main.rs it would be a diff that takes ours away.
        fs::remove_file(desk.join("src/main.rs")).unwrap();
        assert!(hand_in_from(chapter, &desk, &file).is_err());
        fs::remove_dir_all(desk).unwrap();
    }
}
