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

use checks::workspace;
use common::{Context, Error, cause};
use stage::process::{on_path, shell_split};
use std::{
    env,
    ffi::OsString,
    fs, io,
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

/// How many seconds of a processor one process may use: more than any check lasts.
const PROCESSOR: u32 = 300;

/// How a wall is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    who: Who,
    /// True if no program can make a namespace of users, in which it would have all rights.
    is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// We are root: each program gets a user that nobody else has.
    Root,
    /// We are not: each program gets a namespace of users, in which it is alone.
    User,
}

impl Mode {
    const ALL: [Mode; 4] = [
        Mode { who: Who::Root, is_closed: true },
        Mode { who: Who::Root, is_closed: false },
        Mode { who: Who::User, is_closed: true },
        Mode { who: Who::User, is_closed: false },
    ];

    /// True if no program can make a namespace of users, in which it would have all rights.
    pub fn is_closed(self) -> bool {
        self.is_closed
    }

    /// The tightest walls of each kind that this machine has, for tests.
    pub fn kinds() -> Vec<Mode> {
        let mut kinds: Vec<Mode> = Vec::new();
        for mode in Mode::wanted() {
            let is_known = kinds.iter().any(|kind| kind.who == mode.who);
            if !is_known && Mode::first_of(&[mode]).is_ok() {
                kinds.push(mode);
            }
        }
        kinds
    }

    /// The mode that works here; only the one that `GRADE_WALLS` names, if a test has set it.
    pub fn find() -> Result<Mode, Error> {
        Mode::first_of(&Mode::wanted())
    }

    fn wanted() -> Vec<Mode> {
        let named = env::var("GRADE_WALLS").ok().and_then(|mode| mode.parse().ok());
        named.map_or(Mode::ALL.to_vec(), |mode| vec![mode])
    }

    fn first_of(modes: &[Mode]) -> Result<Mode, Error> {
        if !on_path("bwrap") {
            return Err(Error::failed("--sandbox needs bubblewrap", "there is no bwrap"));
        }
        let scratch = env::temp_dir().join(format!("grade-wall-{}", process::id()));
        fs::create_dir_all(&scratch).context("cannot try the sandbox")?;
        let mut said = String::new();
        let found = modes.iter().copied().find(|mode| match mode.holds(&scratch) {
            Ok(()) => true,
            Err(why) => {
                said = why;
                false
            }
        });
        let _ = fs::remove_dir_all(&scratch);
        found.ok_or_else(|| Error::failed("--sandbox does not work here", said))
    }

    /// Builds both walls around nothing.
    fn holds(self, scratch: &Path) -> Result<(), String> {
        let inner = Sandbox { mode: self, scratch: scratch.to_path_buf() };
        let tmp = text(&inner.tmp());
        let mut make_tmp = words(&["sh", "-c", r#"mkdir "$0" && exec "$@""#]);
        make_tmp.push(tmp);
        let wall = inner.wall(Path::new("/"), &[], &[]);
        let words = [outer_wall(self, scratch), make_tmp, wall, words(&["true"])].concat();
        let tried = Command::new(&words[0]).args(&words[1..]).output();
        match tried {
            Ok(tried) if tried.status.success() => Ok(()),
            Ok(tried) => Err(String::from_utf8_lossy(&tried.stderr).trim().to_string()),
            Err(e) => Err(cause(&e)),
        }
    }
}

/// How a report says whether there were walls.
pub fn word(walls: Option<Mode>) -> &'static str {
    if walls.is_some() { "in a sandbox" } else { "unconfined" }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = if self.who == Who::Root { "root" } else { "user" };
        write!(f, "{who}{}", if self.is_closed { "-closed" } else { "" })
    }
}

impl std::str::FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Mode, ()> {
        Mode::ALL.into_iter().find(|mode| mode.to_string() == text).ok_or(())
    }
}

/// The outer wall. `scratch` becomes an empty folder in memory, seen by nobody outside.
pub fn outer_wall(mode: Mode, scratch: &Path) -> Vec<OsString> {
    let mut wall = words(&["bwrap", "--die-with-parent", "--new-session", "--unshare-net"]);
    wall.extend(words(&["--dev-bind", "/", "/"]));
    match mode.who {
        // With processes of its own, so that none is left behind, not even a dead one.
        Who::Root => wall.extend(words(&["--unshare-pid", "--proc", "/proc"])),
        // Here the inner walls could not have a /proc of their own then.
        Who::User => wall.push("--unshare-user".into()),
    }
    if can_limit_size() {
        wall.extend(["--size".into(), SCRATCH.to_string().into()]);
    }
    wall.extend(["--tmpfs".into(), text(scratch)]);
    wall.extend(["--setenv".into(), "TMPDIR".into(), text(&tmp(scratch))]);
    wall.push("--".into());
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
    pub fn inside(mode: Mode, scratch: &Path) -> io::Result<Sandbox> {
        let sandbox = Sandbox { mode, scratch: scratch.to_path_buf() };
        fs::create_dir_all(sandbox.tmp())?;
        open_to_all(&sandbox.tmp())?;
        Ok(sandbox)
    }

    /// The folder that is /tmp behind each wall. It is the grader's own temporary folder too:
    /// some checks leave a file for the program, or look for one.
    pub fn tmp(&self) -> PathBuf {
        tmp(&self.scratch)
    }

    /// Where a submission's own files may lie: in memory, and gone with it.
    pub fn own(&self) -> PathBuf {
        self.scratch.join("own")
    }

    /// The wall around a program that was built: it sees its own file and nothing else of ours.
    pub fn around_program(&self, program: &Path) -> Vec<OsString> {
        self.wall(Path::new("/tmp"), &[program], &[])
    }

    /// The wall around command lines of the grader's user: they see what belongs to the hand-in,
    /// which is known (`all` of it) or [guessed](belonging), and the folders of their interpreters, if those are not the system's.
    pub fn around_commands(&self, commands: &[&str], all: Option<&[PathBuf]>) -> Vec<OsString> {
        let here = env::current_dir().unwrap_or_default();
        let interpreters = commands.iter().filter_map(|command| interpreter(command));
        let belonging = match all {
            Some(all) => all.iter().map(|path| here.join(path)).collect(),
            None => belonging(commands, &here, workspace::root()),
        };
        let shown: Vec<PathBuf> = interpreters.chain(belonging).collect();
        let shown: Vec<&Path> = shown.iter().map(PathBuf::as_path).collect();
        self.wall(&here, &shown, &[])
    }

    /// The wall around cargo or a compiler that builds in `folder`: it sees what is `shown` of ours,
    /// and writes where it may.
    pub fn around_build(
        &self,
        folder: &Path,
        shown: &[&Path],
        written: &[&Path],
    ) -> io::Result<Vec<OsString>> {
        written.iter().try_for_each(|folder| open_to_all(folder))?;
        Ok(self.wall(folder, shown, written))
    }

    /// An inner wall that shows the system and what is `shown` and `written` of ours, and
    /// begins in `folder`.
    fn wall(&self, folder: &Path, shown: &[&Path], written: &[&Path]) -> Vec<OsString> {
        let mut wall = words(&["bwrap", "--die-with-parent", "--new-session", "--unshare-pid"]);
        wall.extend(words(&["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]));
        if self.mode.who == Who::User {
            wall.push("--unshare-user".into());
            wall.extend(self.mode.is_closed.then(|| "--disable-userns".into()));
        }
        let system = SYSTEM.map(Path::new);
        wall.extend(system.iter().flat_map(|folder| bound("--ro-bind-try", folder, folder)));
        let hidden = hidden(workspace::root(), folder, shown);
        wall.extend(hidden.into_iter().flat_map(|path| ["--tmpfs".into(), text(path)]));
        wall.extend(words(&["--proc", "/proc", "--dev", "/dev"]));
        wall.extend(bound("--bind", &self.tmp(), Path::new("/tmp")));
        wall.extend(folders_to(&folder.join("file")));
        let shown = shown.iter().filter(|path| !is_installed(path));
        wall.extend(shown.flat_map(|path| bound("--ro-bind", path, path)));
        // The folder for files is also where the grader knows it.
        let tmp = self.tmp();
        let written = written.iter().copied().chain([tmp.as_path()]);
        wall.extend(written.flat_map(|path| bound("--bind", path, path)));
        wall.extend(words(&["--remount-ro", "/dev", "--remount-ro", "/"]));
        wall.extend(["--chdir".into(), text(folder), "--".into()]);
        if self.mode.who == Who::Root {
            let user = runner();
            let [user, group] =
                ["--reuid", "--regid"].map(|option| format!("{option}={user}").into());
            wall.extend(words(&["sh", "-c", SHARED, "sh"]));
            wall.extend(["setpriv".into(), user, group]);
            wall.extend(words(&["--clear-groups", "--no-new-privs"]));
            wall.extend(words(&["--bounding-set=-all", "--inh-caps=-all", "--"]));
            if self.mode.is_closed {
                wall.extend(words(&["unshare", "--user", "--map-current-user", "--keep-caps"]));
                wall.extend(words(&["--", "sh", "-c", CLOSE, "sh"]));
            }
        }
        // Behind the wall, so that what counts is the program's own processes.
        wall.extend(["prlimit".into(), format!("--nproc={PROCESSES}").into()]);
        wall.extend([format!("--fsize={FILE}").into(), format!("--data={DATA}").into()]);
        wall.extend([format!("--cpu={PROCESSOR}").into(), "--core=0".into(), "--".into()]);
        wall
    }
}

/// Shared memory that no process is attached to is nobody's: 64 MB of it, in pages, are enough.
const SHARED: &str = r#"echo 16384 2> /dev/null > /proc/sys/kernel/shmall; exec "$@""#;

/// In a namespace of users, no more of them can be made, and then all rights in it are given up:
/// what bubblewrap does by itself for who is not root.
const CLOSE: &str = r#"echo 0 > /proc/sys/user/max_user_namespaces &&
    exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all -- "$@""#;

/// What a command line of a hand-in names, and what belongs to it: a script is shown with the
/// files beside it, which it may import. Of the workspace a command sees only the files that it
/// names, because what is beside them are the answers; what is on the desk is the student's.
fn belonging(commands: &[&str], here: &Path, ours: &Path) -> Vec<PathBuf> {
    let mut words: Vec<String> = Vec::new();
    for command in commands {
        let line = shell_split(command);
        // `sh -c 'python3 echo.py'`
        words.extend(line.iter().flat_map(|word| shell_split(word)));
        words.extend(line);
    }
    let named = words.iter().filter(|word| !word.is_empty()).map(|word| here.join(word));
    let mut shown: Vec<PathBuf> = Vec::new();
    for path in named.filter(|path| path.exists() && !is_installed(path)) {
        let folder = match path.parent() {
            _ if path.is_dir() => path.as_path(),
            // A program in a `bin` needs what is beside that.
            Some(bin) if bin.ends_with("bin") => bin.parent().unwrap_or(bin),
            Some(folder) => folder,
            None => continue,
        };
        if is_of_one_hand_in(folder, ours) {
            shown.push(folder.to_path_buf());
        } else if path.is_file() {
            shown.push(path);
        }
    }
    // `java Echo`: the file is not named, so it is looked for here.
    if shown.is_empty() && is_of_one_hand_in(here, ours) {
        shown.push(here.to_path_buf());
    }
    shown
}

/// The project's folders that a command line does not see, but for what it names.
const OURS: [&str; 6] = [".git", ".ci", "chapters", "common", "target", "tests"];

/// True if a folder is neither ours nor one that holds all sorts of things: the root, a home, the
/// desk, a part of the system, or what holds the workspace.
fn is_of_one_hand_in(folder: &Path, ours: &Path) -> bool {
    let is_home = env::var_os("HOME").is_some_and(|home| folder == Path::new(&home));
    let is_part = SYSTEM.iter().any(|system| folder == Path::new(system));
    let is_common = is_home || is_part || is_installed(folder) || folder == ours.join("work");
    let is_ours = OURS.iter().any(|part| folder.starts_with(ours.join(part)));
    folder.parent().is_some() && !is_common && !is_ours && !ours.starts_with(folder)
}

/// What is hidden of the system: the project, a class and its results may lie in it.
fn hidden<'a>(ours: &'a Path, folder: &'a Path, shown: &[&'a Path]) -> Vec<&'a Path> {
    let beside = shown.iter().filter_map(|path| path.parent());
    let all = [ours, folder].into_iter().chain(beside);
    let mut hidden: Vec<&Path> =
        all.filter(|path| is_in_system(path) && !is_installed(path)).collect();
    hidden.sort();
    hidden.dedup();
    hidden
}

/// True if this lies in what every program sees.
fn is_in_system(path: &Path) -> bool {
    SYSTEM.iter().any(|system| path.starts_with(system))
}

/// True if this is a part of the system that can hold nothing of ours.
fn is_installed(path: &Path) -> bool {
    let free = ["/opt", "/usr/src", "/usr/local/src"];
    is_in_system(path) && !free.iter().any(|folder| path.starts_with(folder))
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// The words that show `what` at `place`, which anybody can reach: bubblewrap itself would
/// make the folders above it for root alone.
fn bound(how: &str, what: &Path, place: &Path) -> Vec<OsString> {
    let place_is = [how.into(), text(what), text(place)];
    folders_to(place).into_iter().chain(place_is).collect()
}

/// The words that make the folders above a place.
fn folders_to(place: &Path) -> Vec<OsString> {
    let mut above: Vec<&Path> = place.ancestors().skip(1).collect();
    above.pop(); // the root is there
    above.iter().rev().flat_map(|folder| ["--dir".into(), text(folder)]).collect()
}

fn tmp(scratch: &Path) -> PathBuf {
    scratch.join("tmp")
}

fn text(path: &Path) -> OsString {
    path.into()
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

/// A user for the programs of this grader's submission. Nobody has a number this high, and hardly
/// another grader has ours: so nobody else's processes count as this user's.
fn runner() -> u32 {
    2_000_000_000 + stage::random::of_this_run() % 1_000_000_000
}

/// What must be seen for the command's first word to run, if the system does not have it: the
/// folder above its `bin`, or the one it is in. A word that is a path [belongs](belonging) to
/// the hand-in.
pub fn interpreter(command: &str) -> Option<PathBuf> {
    let words = shell_split(command);
    let word =
        words.iter().find(|word| !word.contains('=')).filter(|word| !word.contains('/'))?;
    let path = env::var_os("PATH")?;
    let folder = env::split_paths(&path).find(|folder| folder.join(word).is_file())?;
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
        let words = bound("--ro-bind", Path::new("/a/b/c"), Path::new("/a/b/c"));
        let expected = ["--dir", "/a", "--dir", "/a/b", "--ro-bind", "/a/b/c", "/a/b/c"];
        assert_eq!(words, expected);
    }

    #[test]
    fn what_is_ours_is_hidden_in_the_system_too() {
        let (project, class, alice) =
            (Path::new("/opt/project"), Path::new("/opt/class"), Path::new("/opt/class/alice"));
        assert_eq!(hidden(project, class, &[alice]), [class, project]);
        let project = Path::new("/usr/src/project");
        let compiler = Path::new("/usr/lib/jvm");
        assert_eq!(hidden(project, Path::new("/home/ta"), &[compiler]), [project]);
    }
}
