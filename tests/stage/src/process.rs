//! A program under test: started from a command line, heard on both streams, and gone with
//! its whole process tree when its [`Process`] is dropped.
//!
//! Nothing here polls a child, but for what one behind a wall uses. Two threads drain its output,
//! because a program whose pipe is full would block and be called slow; one waits for its end; and
//! all three wake whoever waits in [`Process::wait_for`].

pub use crate::shell::{Opening, on_path, shell_fill, shell_path, shell_split, shell_word};
pub use crate::tree::finish;
use crate::{
    cgroup::Cgroup,
    deadline::{Cancel, Deadline, ProgramSet, kept_waiting, wanted_to_run},
    limits,
    shell::SHELL,
    tree::{MARK, children, family, guard, marked, signal},
};
use std::{
    env,
    ffi::OsString,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::Duration,
};

/// How much of each stream is kept, in bytes. What comes behind it is counted and dropped,
/// so that a program which prints for ever costs no memory.
const KEPT_OUTPUT: usize = 16 * 1024 * 1024;

/// How long the last of a program's output may take to get here once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the end of a program's input may take to reach it; longer only if the program does
/// not read what was typed before.
const LAST_TEXT: Duration = Duration::from_millis(500);

/// Where a command finds its programs, and what else surrounds it.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Folders searched before those of `PATH`: the reference's programs, for example.
    pub path: Vec<PathBuf>,
    /// The working directory; none for that of the grader.
    pub directory: Option<PathBuf>,
    /// Variables set for this program alone.
    pub variables: Vec<(String, OsString)>,
    /// True if of our own environment only what comes through walls is to come through.
    pub bare: bool,
    /// The words of a wall around every command (see [`sandbox`](grader::sandbox)), through
    /// which nothing of our environment comes; none to run it as it is.
    pub wall: Vec<OsString>,
}

/// Modules of Python whose names a program for these labs may have, or that such a program imports.
const MODULES: &str = "argparse asyncio calendar code datetime email http json logging queue random \
    re select selectors signal socket socketserver ssl string struct threading time types uuid";

/// What comes through a wall of our environment: how the user writes, and what time it is.
const THROUGH_WALLS: [&str; 4] = ["LANG", "LC_ALL", "LC_CTYPE", "TZ"];

impl Environment {
    /// The folders in which commands are searched.
    pub fn search_path(&self) -> OsString {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let folders = self.path.iter().cloned().chain(env::split_paths(&inherited));
        env::join_paths(folders).unwrap_or(inherited)
    }
}

/// What both streams have said so far, and how the program ended.
#[derive(Debug, Default)]
pub struct Heard {
    /// The first [`KEPT_OUTPUT`] bytes of stdout.
    pub stdout: Vec<u8>,
    /// The first [`KEPT_OUTPUT`] bytes of stderr (empty when it was joined to stdout).
    pub stderr: Vec<u8>,
    /// Bytes of either stream that were dropped because there were too many.
    pub dropped: u64,
    /// How many of the two streams are still open.
    open: u8,
    /// True once the program's stdin has been closed.
    input_ended: bool,
    exit: Option<ExitStatus>,
    /// The id of its first process.
    first: u32,
    /// Why the program was ended by us, if it took more than its share.
    pub(crate) excess: Option<&'static str>,
}

impl Heard {
    /// The id of its first process: the command, or the wall in front of it.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// The exit status, once the program has ended.
    pub fn exit(&self) -> Option<ExitStatus> {
        self.exit
    }

    /// Why the program was ended before its time, if it was: `it used too much memory`.
    pub fn excess(&self) -> Option<&'static str> {
        self.excess
    }

    /// True once the program has ended and all that it said is here. A grandchild that holds
    /// the streams open longer than that is not waited for by [`Process::end`].
    pub fn is_over(&self) -> bool {
        self.exit.is_some() && self.open == 0
    }

    /// What it said last on stderr: a panic's own two lines, or the last line.
    pub fn last_words(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.stderr);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        match lines.clone().position(|line| line.contains("panicked at ")) {
            Some(at) => Some(lines.skip(at).take(2).collect::<Vec<_>>().join(" ")),
            None => lines.next_back().map(str::to_string),
        }
    }
}

/// What a program has said so far, and the news that there is more.
pub type Shared = Arc<(Mutex<Heard>, Condvar)>;

/// A running program. Dropping it ends it, and everything that it has started.
#[derive(Debug)]
pub struct Process {
    /// The command line as it was given, for people.
    pub command: String,
    /// The wall's process; the command's if there is none.
    id: u32,
    walled: bool,
    /// Where it was started.
    directory: PathBuf,
    mark: String,
    /// What all of it is in, where there is such a thing.
    group: Option<Arc<Cgroup>>,
    /// Itself, for its deadlines.
    programs: ProgramSet,
    /// To the thread that writes to stdin; dropping it ends the input.
    stdin: Option<Sender<Vec<u8>>>,
    heard: Shared,
}

impl Process {
    /// Starts `command`, a command line for `sh` that consists of one simple command, with
    /// all three streams on pipes.
    ///
    /// # Errors
    /// When `sh` itself cannot be started. That the command does not exist is seen later, as
    /// exit status 127.
    pub fn start(command: &str, environment: &Environment) -> io::Result<Process> {
        Process::start_as(&format!("exec {} {command}", prefix()), &[], command, environment)
    }

    /// Starts the program that is the first of these words, with the others, whatever is in them.
    pub fn start_words(words: &[OsString], environment: &Environment) -> io::Result<Process> {
        let shown: Vec<_> =
            words.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
        let script = format!("exec {} \"$@\"", prefix());
        Process::start_as(&script, words, &shown.join(" "), environment)
    }

    /// Starts `command`, any command line for `sh` (a pipeline, say), with stderr joined to
    /// stdout in the order in which both were written, as a terminal shows them.
    pub fn start_joined(command: &str, environment: &Environment) -> io::Result<Process> {
        Process::start_as(&format!("exec 2>&1; {command}"), &[], command, environment)
    }

    fn start_as(
        script: &str,
        words: &[OsString],
        command: &str,
        environment: &Environment,
    ) -> io::Result<Process> {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        guard();
        let mark = format!("{}-{}", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
        let walled = !environment.wall.is_empty();
        let group = Cgroup::new(walled.then_some(limits::BOUNDS)).map(Arc::new);
        let script = if walled { format!("{YIELD} {script}") } else { script.to_string() };
        let mut line: Vec<OsString> = Vec::new();
        if let Some(group) = &group {
            line.extend([SHELL.into(), "-c".into(), ENTER.into(), group.entrance().into()]);
        }
        line.extend(environment.wall.iter().cloned());
        line.extend([SHELL, "-c", &script, "sh"].map(OsString::from));
        line.extend(words.iter().cloned());
        let mut sh = Command::new(&line[0]);
        if walled || environment.bare {
            let kept = THROUGH_WALLS.iter().filter_map(|name| Some((name, env::var_os(name)?)));
            sh.env_clear().envs(kept).env("HOME", "/tmp");
        }
        sh.args(&line[1..])
            .env("PATH", environment.search_path())
            .env("PYTHONUNBUFFERED", "1")
            .env(MARK, &mark)
            .envs(environment.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(directory) = &environment.directory {
            sh.current_dir(directory);
        }
        own_group(&mut sh);
        let mut child = sh.spawn()?;
        let heard: Shared =
            Arc::new((Mutex::new(Heard { open: 2, ..Heard::default() }), Condvar::new()));
        if let Some(stdout) = child.stdout.take() {
            drain(stdout, Arc::clone(&heard), |heard| &mut heard.stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            drain(stderr, Arc::clone(&heard), |heard| &mut heard.stderr);
        }
        let stdin = child.stdin.take().map(|stdin| typist(stdin, Arc::clone(&heard)));
        let id = child.id();
        heard.0.lock().unwrap_or_else(PoisonError::into_inner).first = id;
        note_end(child, walled, Arc::clone(&heard));
        if walled {
            limits::watch(id, group.clone(), Arc::clone(&heard));
        }
        let programs = ProgramSet::default();
        programs.add(id);
        let directory = environment.directory.clone().unwrap_or_default();
        let command = command.to_string();
        Ok(Process { command, id, walled, directory, mark, group, programs, stdin, heard })
    }

    /// The id of the process from which all of its others descend: the command, or the wall in
    /// front of it.
    pub fn first(&self) -> u32 {
        self.id
    }

    /// The process id of the command (which `sh` has become).
    pub fn id(&self) -> u32 {
        self.behind_wall().map_or(self.id, |(_, command)| command)
    }

    /// The first process behind the wall, and the command, which is its only child of ours.
    fn behind_wall(&self) -> Option<(u32, u32)> {
        let child = |id| self.walled.then(|| children(id).first().copied()).flatten();
        let first = child(self.id)?;
        Some((first, child(first)?))
    }

    /// From now on nothing of it is waited for once `cancel` says so.
    pub fn until(&mut self, cancel: &Cancel) {
        self.programs = ProgramSet::until(cancel);
        self.programs.add(self.id);
    }

    /// The set that is this program alone.
    pub fn programs(&self) -> &ProgramSet {
        &self.programs
    }

    /// How long it and all that it has started have run or would have liked to, so far.
    pub fn wanted_to_run(&self) -> Duration {
        family(self.id).into_iter().map(wanted_to_run).sum()
    }

    /// How long it and all that it has started would have liked to run, and could not, so far.
    pub fn kept_waiting(&self) -> Duration {
        family(self.id).into_iter().map(kept_waiting).sum()
    }

    /// Types `bytes` on the program's stdin. Never waits: a program that does not read is its
    /// own problem, and not that of whoever tests it.
    pub fn input(&self, bytes: &[u8]) {
        if let Some(stdin) = &self.stdin {
            let _ = stdin.send(bytes.to_vec());
        }
    }

    /// Ends the program's stdin, as Ctrl-D does, behind all that was typed; waits a moment for
    /// that, so that what happens next happens after it.
    pub fn end_input(&mut self) {
        self.stdin = None;
        self.wait_for(LAST_TEXT, |heard| heard.input_ended.then_some(()));
    }

    /// Interrupts the program and its process group, as Ctrl-C does.
    pub fn interrupt(&self) {
        let group = self.behind_wall().map_or(self.id, |(first, _)| first);
        signal("INT", [format!("-{group}")]);
    }

    /// What has been heard so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of the hand-in that Python has imported instead of its own module of that name, if
    /// the program has ended with that, as a sentence.
    pub fn hidden_module(&self) -> Option<String> {
        let heard = self.heard();
        let (over, error) = (heard.exit.is_some(), heard.last_words()?);
        drop(heard);
        let is_there = |module: &str| {
            let beside = |word: &String| {
                let file = Path::new(word).with_file_name(format!("{module}.py"));
                word.ends_with(".py") && self.directory.join(file).is_file()
            };
            MODULES.split(' ').any(|its| its == module)
                && shell_split(&self.command).iter().any(beside)
        };
        let is_import =
            ["ImportError: ", "AttributeError: "].iter().any(|e| error.starts_with(e));
        let module =
            error.split('\'').find(|word| is_there(word)).filter(|_| over && is_import)?;
        Some(format!("Python took the hand-in's file `{module}.py` for its module `{module}`"))
    }

    /// What it has said so far, for somebody who outlives this.
    pub fn shared(&self) -> Shared {
        self.heard.clone()
    }

    /// Waits until `seen` finds what it looks for, at most `patience`, or longer while the
    /// program is kept from running. Woken by every piece of output and by the program's end.
    /// `None`: it was not seen in time, or never can be because the program is over.
    pub fn wait_for<T>(
        &self,
        patience: Duration,
        mut seen: impl FnMut(&Heard) -> Option<T>,
    ) -> Option<T> {
        let mut deadline = Deadline::new(patience, &self.programs);
        let mut heard = self.heard();
        loop {
            if let Some(found) = seen(&heard) {
                return Some(found);
            }
            if heard.is_over() {
                return None;
            }
            let left = deadline.left();
            if left.is_zero() {
                return None;
            }
            heard = self
                .heard
                .1
                .wait_timeout(heard, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits for the program's end, at most `patience`, and for the last of its output.
    /// `None`: it still runs.
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let exit = self.wait_for(patience, Heard::exit)?;
        // Only a grandchild that keeps a stream open can make this wait its full time.
        self.wait_for(LAST_WORDS, |heard| heard.is_over().then_some(()));
        Some(exit)
    }

    /// False once the id of its first process may be somebody else's: it has been waited for, and
    /// there is a process of this id again. What is left of its own group has no such leader.
    fn leads_its_group(&self) -> bool {
        self.heard().exit.is_none() || !Path::new(&format!("/proc/{}", self.id)).exists()
    }

    /// Ends the program and all that it has started, now. Its end has been noted then, so that it
    /// is no zombie if we end too.
    pub fn end(&mut self) {
        const KILLED: Duration = Duration::from_millis(500);
        self.stdin = None;
        if let Some(group) = &self.group {
            group.kill();
            if self.wait_for(KILLED, Heard::exit).is_some() {
                return;
            }
        }
        // Twice, for what was being forked at the first look.
        for _ in 0..2 {
            let strays = marked(&self.mark);
            let group = self.leads_its_group().then(|| format!("-{}", self.id));
            signal("KILL", strays.iter().cloned().chain(group));
            if strays.len() < 2 {
                break;
            }
        }
        self.wait_for(KILLED, Heard::exit);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A thread that reads a stream to its end, so that the program never waits for us.
fn drain(
    mut stream: impl Read + Send + 'static,
    heard: Shared,
    part: fn(&mut Heard) -> &mut Vec<u8>,
) {
    thread::spawn(move || {
        let mut block = vec![0; 64 * 1024];
        loop {
            let length = stream.read(&mut block).unwrap_or(0);
            let mut state = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            if length == 0 {
                state.open -= 1;
                heard.1.notify_all();
                return;
            }
            let kept = length.min(KEPT_OUTPUT - part(&mut state).len());
            part(&mut state).extend(&block[..kept]);
            state.dropped += (length - kept) as u64;
            heard.1.notify_all();
        }
    });
}

/// A thread that writes what it is sent to a program's stdin, and closes it behind the last.
fn typist(mut stdin: ChildStdin, heard: Shared) -> Sender<Vec<u8>> {
    let (sender, typed) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        // A program that has closed its stdin hears no more; that is not ours to report.
        let _ = typed.iter().try_for_each(|bytes| stdin.write_all(&bytes));
        drop(stdin);
        heard.0.lock().unwrap_or_else(PoisonError::into_inner).input_ended = true;
        heard.1.notify_all();
    });
    sender
}

/// A thread that waits for the program's end. It owns the child, so that the id stays the
/// child's until it has been noted.
fn note_end(mut child: Child, walled: bool, heard: Shared) {
    thread::spawn(move || {
        let exit = child.wait().unwrap_or_default();
        let mut state = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.exit = Some(if walled { behind_wall(exit) } else { exit });
        heard.1.notify_all();
    });
}

/// How the program ended behind a wall, which tells of a signal N as sh does: 128 + N.
#[cfg(unix)]
fn behind_wall(exit: ExitStatus) -> ExitStatus {
    use std::os::unix::process::ExitStatusExt;
    let signal = exit.code().map(|code| code - 128).filter(|signal| (1..65).contains(signal));
    signal.map_or(exit, ExitStatus::from_raw)
}

#[cfg(not(unix))]
fn behind_wall(exit: ExitStatus) -> ExitStatus {
    exit
}

/// Moves a shell into the group whose file is its first word, and becomes the others.
const ENTER: &str = r#"echo $$ > "$0"; exec "$@""#;

/// Where memory or processors are scarce, what is behind a wall comes last: it has a session of
/// its own there, and so a share of its own of the processors (sched(7), autogroup).
const YIELD: &str =
    "{ echo 1000 > /proc/self/oom_score_adj; echo 5 > /proc/self/autogroup; } 2> /dev/null;";

/// What stands in front of a program's own command: it runs after us, it dies when we do (also by
/// a signal that nobody can catch), and it flushes each line although stdout is a pipe, so that a
/// plain print() is no fault. Each only where the system's tool can do it.
fn prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let tools = ["nice -n 5 ", "setpriv --pdeathsig KILL ", "stdbuf -oL "];
        let works = |words: &&&str| {
            let tried = Command::new(SHELL)
                .args(["-c", &format!("{words} true")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            tried.is_ok_and(|ended| ended.success())
        };
        tools.iter().filter(works).copied().collect()
    })
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn input_output_and_exit_status_are_heard() {
        let mut cat = Process::start("cat", &Environment::default()).unwrap();
        cat.input(b"hello\n");
        assert!(
            cat.wait_for(PATIENCE, |heard| (heard.stdout == b"hello\n").then_some(()))
                .is_some()
        );
        cat.end_input();
        assert_eq!(cat.wait(PATIENCE).unwrap().code(), Some(0));
    }

    #[test]
    fn a_word_stays_one_word() {
        let words = ["printf", "%s|", "a b", "it's", "", "$HOME;"].map(OsString::from);
        let shown = Process::start_words(&words, &Environment::default()).unwrap();
        shown.wait(PATIENCE).unwrap();
        assert_eq!(shown.heard().stdout, b"a b|it's||$HOME;|");
    }

    #[test]
    fn a_pipeline_is_heard_in_the_order_it_was_written() {
        let both = Process::start_joined(
            "echo 1 >&2; echo 2; echo 3 >&2; exit 7",
            &Environment::default(),
        );
        let both = both.unwrap();
        assert_eq!(both.wait(PATIENCE).unwrap().code(), Some(7));
        assert_eq!(both.heard().stdout, b"1\n2\n3\n");
    }

    #[test]
    fn a_grandchild_that_left_the_group_dies_too() {
        let mut parent =
            Process::start("setsid sh -c 'echo $$; exec sleep 1000'", &Environment::default())
                .unwrap();
        let id = parent.wait_for(PATIENCE, |heard| {
            let text = String::from_utf8_lossy(&heard.stdout);
            text.strip_suffix('\n').map(String::from)
        });
        let environ = format!("/proc/{}/environ", id.unwrap());
        assert!(!parent.heard().is_over());
        parent.end();
        // The grandchild held our pipes: they close when it is gone.
        assert!(parent.wait_for(PATIENCE, |heard| heard.is_over().then_some(())).is_some());
        assert!(fs::read(&environ).map_or(true, |all| all.is_empty()));
    }

    #[test]
    fn endless_output_costs_bounded_memory() {
        let yes = Process::start("yes", &Environment::default()).unwrap();
        let dropped = yes.wait_for(PATIENCE, |heard| (heard.dropped > 0).then_some(()));
        assert!(dropped.is_some() && yes.heard().stdout.len() == KEPT_OUTPUT);
    }
}
