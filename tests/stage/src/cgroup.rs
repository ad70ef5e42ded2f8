//! A control group for each program under test, where one can be had: the kernel then knows all
//! that the program has started, bounds what all of it uses, of whatever kind, and ends all of it
//! at one word. See Linux' Documentation/admin-guide/cgroup-v2.rst.

use crate::random::of_this_run;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What the groups' names begin with.
const NAME: &str = "plain-sockets";

/// What all processes of a program may use together.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Memory, in bytes: what a program writes into a /tmp that lies in memory is a part of it.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u32,
}

/// Where groups can be made.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    /// True if they bound anything there, and do not only end what is in them.
    has_bounds: bool,
}

/// Groups that have ended, and in which something was still dying.
static ENDED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A group; what is in it ends with it.
#[derive(Debug)]
pub struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    /// An empty group, if one can be had here; with bounds, if it is to have some.
    pub fn new(bounds: Option<Bounds>) -> Option<Cgroup> {
        static GROUPS: AtomicU64 = AtomicU64::new(0);
        let place = place()?;
        ENDED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|folder| fs::remove_dir(folder).is_err() && folder.exists());
        let number = GROUPS.fetch_add(1, Ordering::Relaxed);
        let group = Cgroup { folder: place.folder.join(format!("{}-{number}", prefix())) };
        fs::create_dir(&group.folder).ok()?;
        if let Some(bounds) = bounds.filter(|_| place.has_bounds) {
            group.bound(bounds).ok()?;
        }
        Some(group)
    }

    fn bound(&self, bounds: Bounds) -> io::Result<()> {
        self.say("memory.max", bounds.memory)?;
        self.say("pids.max", bounds.processes)?;
        // One that uses too much ends whole. A kernel may have no swap to be forbidden.
        self.say("memory.oom.group", 1)?;
        let _ = self.say("memory.swap.max", 0);
        Ok(())
    }

    fn say(&self, file: &str, value: impl std::fmt::Display) -> io::Result<()> {
        fs::write(self.folder.join(file), value.to_string())
    }

    /// The file that takes the ids of processes which are to be in it.
    pub fn entrance(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// True if the kernel has ended it because it used too much memory.
    pub fn was_too_large(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let killed = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.is_some_and(|count| count != "0")
    }

    /// Ends all that is in it, now.
    pub fn kill(&self) {
        let _ = self.say("cgroup.kill", 1);
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        if !remove(&self.folder) {
            let folder = self.folder.clone();
            ENDED.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
        }
    }
}

/// What all names of this run's groups begin with, and the folder in which they are.
pub(crate) fn all() -> Option<PathBuf> {
    Some(place()?.folder.join(prefix()))
}

/// True if a group bounds memory of every kind and the number of processes here.
pub fn has_bounds() -> bool {
    place().is_some_and(|place| place.has_bounds)
}

fn prefix() -> String {
    format!("{NAME}-{}", of_this_run())
}

/// Found once: our own group, or one above it, in which we may make others.
fn place() -> Option<&'static Place> {
    static PLACE: OnceLock<Option<Place>> = OnceLock::new();
    let find = || {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let (top, own) = folders(&own, &mounts)?;
        let candidates: Vec<&Path> =
            own.ancestors().take_while(|a| a.starts_with(&top)).collect();
        let tried = |has_bounds: bool| {
            candidates
                .iter()
                .find(|folder| can_be_used(folder, has_bounds))
                .map(|folder| Place { folder: folder.to_path_buf(), has_bounds })
        };
        tried(true).or_else(|| tried(false)).inspect(|place| remove_old(&place.folder))
    };
    PLACE.get_or_init(find).as_ref()
}

/// Removes an empty group, and the empty ones in it: another grader's.
fn remove(folder: &Path) -> bool {
    for inner in fs::read_dir(folder).into_iter().flatten().flatten() {
        let _ = fs::remove_dir(inner.path()); // its files are no folders, and go with it
    }
    fs::remove_dir(folder).is_ok() || !folder.exists()
}

/// Removes the groups that runs have left which were ended all at once.
fn remove_old(folder: &Path) {
    const OLD: Duration = Duration::from_secs(600);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let made = entry.metadata().and_then(|meta| meta.modified());
        let is_old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > OLD));
        if is_old && entry.file_name().to_string_lossy().starts_with(NAME) {
            remove(&entry.path()); // one that is in use stays
        }
    }
}

/// The folder of the topmost group that is seen here, and that of our own.
fn folders(own: &str, mounts: &str) -> Option<(PathBuf, PathBuf)> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // 36 35 98:0 ROOT MOUNTPOINT OPTIONS … - cgroup2 SOURCE OPTIONS (proc_pid_mountinfo(5))
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, PathBuf::from(fields.next()?));
    let inner = Path::new("/").join(own);
    let inner = inner.strip_prefix(root).ok()?.to_path_buf();
    Some((point.clone(), point.join(inner)))
}

/// True if we can make a group there and move a process into it; and bound it, if it should.
fn can_be_used(folder: &Path, has_bounds: bool) -> bool {
    let group = Cgroup { folder: folder.join(format!("{}-try", prefix())) };
    if fs::create_dir(&group.folder).is_err() {
        return false;
    }
    if has_bounds && group.bound(Bounds { memory: 1 << 30, processes: 100 }).is_err() {
        return false;
    }
    let entered = process::Command::new("/bin/sh")
        .args(["-c", r#"echo $$ > "$0""#])
        .arg(group.entrance())
        .stderr(process::Stdio::null())
        .status();
    entered.is_ok_and(|ended| ended.success()) && group.folder.join("cgroup.kill").exists()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn our_own_group_is_found_in_its_mount() {
        let mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                      30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
        let own = "9:pids:/x\n0::/user.slice/app.scope\n";
        let (top, own) = folders(own, mounts).unwrap();
        assert_eq!(top, Path::new("/sys/fs/cgroup"));
        assert_eq!(own, Path::new("/sys/fs/cgroup/user.slice/app.scope"));
        assert_eq!(folders("9:pids:/x\n", mounts), None);
        assert_eq!(folders("0::/x\n", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), None);
    }

    #[test]
    fn what_is_in_a_group_ends_with_it() {
        let Some(group) = Cgroup::new(None) else {
            eprintln!("skipped, because no control group can be had here");
            return;
        };
        let mut away = Command::new("setsid")
            .args(["sh", "-c", r#"echo $$ > "$0"; echo in; sleep 1000 & wait"#])
            .arg(group.entrance())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 3];
        io::Read::read_exact(away.stdout.as_mut().unwrap(), &mut line).unwrap();
        drop(group);
        assert!(!away.wait().unwrap().success());
    }
}
