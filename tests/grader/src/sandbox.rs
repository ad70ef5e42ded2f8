//! The walls around what students hand in, built by bubblewrap (`bwrap`).
//!
//! The outer wall stands around a grader of ours that grades one submission: a network of its
//! own, in which any port is free and nobody else can be reached. The grader plays the peers,
//! so it must be inside; it sees the system as it is, and says on a pipe what it found.
//!
//! The inner wall stands around each build and each program of the submission: in the same
//! network, but with processes, a user and files of its own. It shows the system read-only, a
//! private /tmp, and what it takes to build or to run: no results, no checks, no other
//! chapter's source, no process of the grader's. What is inside dies with the wall.

use checks::{check::Chapter, workspace};
use common::{Context, Error, cause};
use stage::process::{Surroundings, on_path};
use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::OnceLock,
};

/// What every program sees of the system, where there is such a folder. /etc says who is
/// called what; what is secret in it has an owner, who is not the program's.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/nix", "/etc"];

/// How large /tmp and what is built from a folder may become, together.
const SCRATCH: u64 = 1 << 30;

/// How many processes and threads a program may have.
const PROCESSES: u32 = 1500;

/// How large a file may become that a program writes.
const FILE: u64 = 64 << 20;

/// What one process may take at most. How much memory all of a program's take together is
/// looked at by [`process`](stage::process), which can tell what is used from what is only reserved.
const DATA: u64 = 8 << 30;

/// How a wall is built, which depends on who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// We are root: each program gets a user that nobody else has.
    Root,
    /// We are not: each program gets a namespace of users, in which it is alone.
    User,
}

impl Mode {
    /// The mode that works here.
    ///
    /// # Errors
    /// When none does, with what bubblewrap says about it.
    pub fn find() -> Result<Mode, Error> {
        if !on_path("bwrap") {
            return Err(Error::failed("--sandbox needs bubblewrap", "there is no bwrap"));
        }
        let scratch = env::temp_dir().join(format!("grade-wall-{}", process::id()));
        fs::create_dir(&scratch).context("cannot try the sandbox")?;
        let root = Mode::Root.holds(&scratch);
        let found = match root {
            Ok(()) => Ok(Mode::Root),
            Err(_) => Mode::User.holds(&scratch).map(|()| Mode::User),
        };
        let _ = fs::remove_dir_all(&scratch);
        found.map_err(|why| Error::failed("--sandbox does not work here", why))
    }

    /// Builds both walls around nothing.
    fn holds(self, scratch: &Path) -> Result<(), String> {
        let inner = Sandbox { mode: self, scratch: scratch.to_path_buf() };
        let tmp = text(&inner.tmp());
        let make_tmp = words(&["sh", "-c", r#"mkdir "$0" && exec "$@""#, &tmp]);
        let wall = inner.wall(runner(), Path::new("/"), &[]);
        let words = [outer_wall(self, scratch), make_tmp, wall, words(&["true"])].concat();
        let tried = Command::new(&words[0]).args(&words[1..]).output();
        match tried {
            Ok(tried) if tried.status.success() => Ok(()),
            Ok(tried) => Err(String::from_utf8_lossy(&tried.stderr).trim().to_string()),
            Err(e) => Err(cause(&e)),
        }
    }
}

/// The project's folders that a command line does not see, but for what it names.
const NEXT_DOOR: [&str; 5] = [".git", "chapters", "target", "tests", "work"];

/// How a report says whether there were walls.
pub fn word(walls: Option<Mode>) -> &'static str {
    if walls.is_some() { "in a sandbox" } else { "unconfined" }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Mode::Root { "root" } else { "user" })
    }
}

impl std::str::FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Mode, ()> {
        match text {
            "root" => Ok(Mode::Root),
            "user" => Ok(Mode::User),
            _ => Err(()),
        }
    }
}

/// The outer wall. `scratch` becomes an empty folder in memory, seen by nobody outside.
pub fn outer_wall(mode: Mode, scratch: &Path) -> Vec<String> {
    let mut wall = words(&["bwrap", "--die-with-parent", "--new-session", "--unshare-net"]);
    if mode == Mode::User {
        wall.push("--unshare-user".to_string());
    }
    wall.extend(words(&["--dev-bind", "/", "/"]));
    if can_limit_size() {
        wall.extend(["--size".to_string(), SCRATCH.to_string()]);
    }
    wall.extend(["--tmpfs".to_string(), text(scratch)]);
    wall.extend(["--setenv".to_string(), "TMPDIR".to_string(), text(&tmp(scratch))]);
    wall.push("--".to_string());
    wall
}

/// True if this bubblewrap knows `--size` (since 0.7).
fn can_limit_size() -> bool {
    static KNOWS: OnceLock<bool> = OnceLock::new();
    *KNOWS.get_or_init(|| {
        let help = Command::new("bwrap").arg("--help").output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--size"))
    })
}

/// Inside the outer wall.
#[derive(Clone, Debug)]
pub struct Sandbox {
    mode: Mode,
    scratch: PathBuf,
}

impl Sandbox {
    /// What the grader inside the outer wall needs to build inner ones.
    ///
    /// # Errors
    /// When `scratch` cannot be written.
    pub fn inside(mode: Mode, scratch: &Path) -> io::Result<Sandbox> {
        let sandbox = Sandbox { mode, scratch: scratch.to_path_buf() };
        for folder in [sandbox.tmp(), sandbox.cargo_home()] {
            fs::create_dir_all(&folder)?;
            open_to_all(&folder)?;
        }
        Ok(sandbox)
    }

    /// The folder that is /tmp behind each wall. It is the grader's own temporary folder too:
    /// some checks leave a file for the program, or look for one.
    fn tmp(&self) -> PathBuf {
        tmp(&self.scratch)
    }

    fn cargo_home(&self) -> PathBuf {
        self.scratch.join("cargo")
    }

    /// Where a submission's own files may lie: in memory, and gone with it.
    pub fn own(&self) -> PathBuf {
        self.scratch.join("own")
    }

    /// The wall around a program that was built: it sees its own file and nothing else of ours.
    pub fn around_program(&self, program: &Path) -> Vec<String> {
        self.wall(runner(), Path::new("/tmp"), &show(program))
    }

    /// The wall around command lines of the grader's user: they see the current folder and the
    /// folders of their interpreters, if those are not the system's.
    pub fn around_commands(&self, commands: &[&str]) -> Vec<String> {
        let here = env::current_dir().unwrap_or_default();
        let mut shown = Vec::new();
        if here.parent().is_some() {
            shown.extend(show(&here));
            // In the project's own folder, the answers, the tests and the others' work are next
            // door: of these a command sees the files that it names.
            let next_door = NEXT_DOOR.map(|name| workspace::root().join(name));
            let hidden = next_door.iter().filter(|f| f.starts_with(&here) && f.is_dir());
            shown.extend(hidden.flat_map(|f| ["--tmpfs".to_string(), text(f)]));
        }
        // A script may lie anywhere.
        let words = commands.iter().flat_map(|command| command.split_whitespace());
        let files = words.map(|word| here.join(word.trim_matches(['\'', '"'])));
        let system = |file: &PathBuf| SYSTEM.iter().any(|folder| file.starts_with(folder));
        let named = files.filter(|file| file.is_file() && !system(file));
        shown.extend(named.flat_map(|file| show(&file)));
        let interpreters = commands.iter().filter_map(|command| interpreter(command));
        shown.extend(interpreters.flat_map(|folder| show(&folder)));
        self.wall(runner(), &here, &shown)
    }

    /// What surrounds cargo: it sees the toolchain and the sources, but for what is hidden of
    /// them, and writes below its target.
    ///
    /// # Errors
    /// When there is no rustc, or the target cannot be opened to the builder.
    pub fn around_build(&self, build: &Build) -> io::Result<Surroundings> {
        let sysroot = sysroot()?;
        let user = builder(build.target);
        // Built before the project came here: this builder may not write in it.
        if self.mode == Mode::Root
            && owner(&build.target.join("debug")).is_some_and(|o| o != user)
        {
            fs::remove_dir_all(build.target)?;
        }
        fs::create_dir_all(build.target)?;
        open_to_all(build.target)?;
        let home = self.cargo_home();
        let mut shown = [show(&sysroot), show(build.sources), build.hidden.clone()].concat();
        if build.folder != build.sources {
            open_to_all(build.lies)?; // for its Cargo.lock
            shown.extend(bound("--bind", build.lies, build.folder));
        }
        shown.extend(bound("--bind", build.target, build.target));
        shown.extend(bound("--bind", &home, &home));
        let variable = |name: &str, path: &Path| (name.to_string(), text(path));
        Ok(Surroundings {
            path: vec![sysroot.join("bin")],
            directory: None,
            variables: vec![
                variable("CARGO_HOME", &home),
                variable("CARGO_TARGET_DIR", build.target),
            ],
            wall: self.wall(user, build.folder, &shown),
        })
    }

    /// An inner wall that shows the system and what `shown` adds; `user` is whom the program
    /// becomes if we are root.
    fn wall(&self, user: u32, folder: &Path, shown: &[String]) -> Vec<String> {
        let mut wall = words(&["bwrap", "--die-with-parent", "--new-session", "--unshare-pid"]);
        wall.extend(words(&["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]));
        if self.mode == Mode::User {
            wall.push("--unshare-user".to_string());
        }
        let system = SYSTEM.map(Path::new);
        wall.extend(system.iter().flat_map(|folder| bound("--ro-bind-try", folder, folder)));
        wall.extend(words(&["--proc", "/proc", "--dev", "/dev"]));
        wall.extend(bound("--bind", &self.tmp(), Path::new("/tmp")));
        wall.extend_from_slice(shown);
        // Where the grader knows it; it may lie in what is shown.
        wall.extend(bound("--bind", &self.tmp(), &self.tmp()));
        wall.extend(words(&["--remount-ro", "/dev", "--remount-ro", "/"]));
        wall.extend(["--chdir".to_string(), text(folder), "--".to_string()]);
        if self.mode == Mode::Root {
            let [user, group] = ["--reuid", "--regid"].map(|option| format!("{option}={user}"));
            wall.extend(["setpriv".to_string(), user, group]);
            wall.extend(words(&["--clear-groups", "--no-new-privs"]));
            wall.extend(words(&["--bounding-set=-all", "--inh-caps=-all", "--"]));
        }
        // Behind the wall, so that what counts is the program's own processes.
        wall.extend(["prlimit".to_string(), format!("--nproc={PROCESSES}")]);
        wall.extend([format!("--fsize={FILE}"), format!("--data={DATA}")]);
        wall.extend(words(&["--core=0", "--"]));
        wall
    }
}

/// What cargo is to build behind a wall.
#[derive(Debug)]
pub struct Build<'a> {
    /// The crate or workspace; cargo may write in it unless it is all of the sources.
    pub folder: &'a Path,
    /// Where its files are; cargo finds them at `folder`.
    pub lies: &'a Path,
    /// What is to be seen: the crate, and what it needs.
    pub sources: &'a Path,
    /// What of it is not, as [`hidden`] says it.
    pub hidden: Vec<String>,
    /// Where cargo writes.
    pub target: &'a Path,
}

/// Hides, in a copy of the workspace, what answers a question that is still open: all chapters
/// but the one that was handed in, and all exercises. In a chapter's place stands its starter,
/// because cargo wants to find something there.
///
/// # Errors
/// When the copy cannot be read.
pub fn hidden(copy: &Path, handed_in: Option<&Chapter>) -> io::Result<Vec<String>> {
    let mut hidden = Vec::new();
    for folder in folders(&copy.join("chapters"))? {
        let examples = folder.join("examples");
        if examples.is_dir() {
            hidden.extend(["--tmpfs".to_string(), text(&examples)]);
        }
        if handed_in.is_none_or(|chapter| !folder.ends_with(chapter.folder())) {
            hidden.extend(["--tmpfs".to_string(), text(&folder.join("src"))]);
            let (starter, main) = (folder.join("starter.rs"), folder.join("src/main.rs"));
            hidden.extend(bound("--ro-bind", &starter, &main));
        }
    }
    Ok(hidden)
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths: io::Result<Vec<_>> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    Ok(paths?.into_iter().filter(|path| path.is_dir()).collect())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_string()).collect()
}

/// The words that show `what` at `place`, which anybody can reach: bubblewrap itself would
/// make the folders above it for root alone.
fn bound(how: &str, what: &Path, place: &Path) -> Vec<String> {
    let mut above: Vec<&Path> = place.ancestors().skip(1).collect();
    above.pop(); // the root is there
    let folders = above.iter().rev().flat_map(|folder| ["--dir".to_string(), text(folder)]);
    folders.chain([how.to_string(), text(what), text(place)]).collect()
}

fn tmp(scratch: &Path) -> PathBuf {
    scratch.join("tmp")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The words that show a file or folder where it is, read-only.
fn show(what: &Path) -> Vec<String> {
    bound("--ro-bind", what, what)
}

/// Lets everybody write in a folder, as in /tmp.
#[cfg(unix)]
fn open_to_all(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o1777))
}

#[cfg(not(unix))]
fn open_to_all(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// The user whom a folder belongs to, if it is there.
#[cfg(unix)]
fn owner(folder: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(fs::metadata(folder).ok()?.uid())
}

#[cfg(not(unix))]
fn owner(_folder: &Path) -> Option<u32> {
    None
}

/// A user for the programs of this grader's submission. Nobody has a number this high, and no
/// other grader has ours: so nobody else's processes count as this user's.
fn runner() -> u32 {
    2_000_000_000 + process::id()
}

/// A user who builds in this target, always the same: it finds its own files again.
fn builder(target: &Path) -> u32 {
    let mut hasher = DefaultHasher::new();
    target.hash(&mut hasher);
    1_000_000_000 + (hasher.finish() % 1_000_000_000) as u32
}

/// The folder of the toolchain, without the manager in front of it.
fn sysroot() -> io::Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).args(["--print", "sysroot"]).output()?;
    Ok(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()))
}

/// What must be seen for the command's first word to run, if the system does not have it: the
/// program itself if the word is a path, else the folder above its `bin`, or the one it is in.
fn interpreter(command: &str) -> Option<PathBuf> {
    let word = command.split_whitespace().next()?;
    if word.contains('/') {
        return Some(PathBuf::from(word)).filter(|program| program.is_absolute());
    }
    let path = env::var_os("PATH")?;
    let folder = env::split_paths(&path).find(|folder| folder.join(word).is_file())?;
    if SYSTEM.iter().any(|system| folder.starts_with(system)) {
        return None;
    }
    let above = folder.parent().filter(|above| {
        let is_home = env::var_os("HOME").is_some_and(|home| *above == Path::new(&home));
        !is_home && above.parent().is_some()
    });
    match folder.file_name()?.to_str()? {
        "bin" | "shims" => Some(above.unwrap_or(&folder).to_path_buf()),
        _ => Some(folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_can_reach_what_is_shown() {
        let words = bound("--ro-bind", Path::new("/a/b/c"), Path::new("/a/b/c")).join(" ");
        assert_eq!(words, "--dir /a --dir /a/b --ro-bind /a/b/c /a/b/c");
    }
}
