//! git and cargo, in surroundings that are the same on every machine: whatever a user, a system
//! or a hand-in has set, a diff means the same and a crate is built by the same compiler. What
//! runs one of them for a grade gets it from here.

use checks::workspace;
use stage::process::Environment;
use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// git without any configuration, and outside of any repository: it applies and makes diffs of
/// files, as they lie there.
pub fn git() -> Command {
    let mut git = Command::new("git");
    let set = env::vars_os().map(|(name, _)| name);
    for name in set.filter(|name| name.to_string_lossy().starts_with("GIT_")) {
        git.env_remove(name);
    }
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("HOME", "/dev/null") // for a git that does not know the line above (before 2.32)
        .env_remove("XDG_CONFIG_HOME")
        .env("GIT_DIR", "/dev/null")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    git
}

/// What builds what is handed in.
#[derive(Debug)]
pub struct Toolchain {
    /// Where it is, without the manager in front of it, which a hand-in could tell to take
    /// another one.
    pub folder: PathBuf,
    /// The machine that it builds for, if nothing else is said.
    host: String,
}

/// The profile in which we were built, as the folder for its programs is called: what is handed in
/// is built in the same.
const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

impl Toolchain {
    /// The toolchain that built the grader, as far as that can be known: the one that is used
    /// in the workspace.
    pub fn find() -> io::Result<&'static Toolchain> {
        static FOUND: OnceLock<Toolchain> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let asked = Command::new("rustc")
            .args(["--print", "sysroot", "--print", "host-tuple"])
            .current_dir(workspace::root())
            .output()?;
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        let mut lines = said.lines().map(str::to_string);
        let (Some(folder), Some(host)) = (lines.next(), lines.next()) else {
            let why = String::from_utf8_lossy(&asked.stderr).trim().to_string();
            return Err(io::Error::other(format!("rustc does not say where it is: {why}")));
        };
        Ok(FOUND.get_or_init(|| Toolchain { folder: folder.into(), host }))
    }

    /// The words that build `what` below `target`.
    pub fn build_words(&self, target: &Path, what: &[&str]) -> Vec<OsString> {
        let profile = if PROFILE == "debug" { "dev" } else { PROFILE };
        let mut words = ["cargo", "build", "--offline", "--quiet", "--color=never"].to_vec();
        words.extend(["--profile", profile, "--target", &self.host]);
        words.extend(what);
        let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        words.extend(["--target-dir".into(), target.into()]);
        words
    }

    /// The folder in which a build leaves its programs. Cargo prints where they are, too; but a build
    /// script, a macro or a wrapper can print that as well.
    pub fn programs(&self, target: &Path) -> PathBuf {
        target.join(&self.host).join(PROFILE)
    }

    /// What surrounds cargo: nothing of ours but `PATH`, and no configuration that adds flags or
    /// puts a wrapper in front of the compiler. `home` is cargo's own folder.
    pub fn environment(&self, folder: &Path, home: &Path) -> Environment {
        let (bin, none) = (self.folder.join("bin"), OsStr::new(""));
        let variable = |name: &str, value: &OsStr| (name.to_string(), value.to_os_string());
        Environment {
            directory: Some(folder.to_path_buf()),
            variables: vec![
                variable("CARGO_HOME", home.as_os_str()),
                variable("CARGO_ENCODED_RUSTFLAGS", none),
                variable("RUSTC", bin.join("rustc").as_os_str()),
                variable("RUSTC_WRAPPER", none),
                variable("RUSTC_WORKSPACE_WRAPPER", none),
            ],
            path: vec![bin],
            bare: true,
            ..Environment::default()
        }
    }

    /// The same cargo, to be run by us and not for a submission.
    pub fn cargo(&self, folder: &Path, home: &Path) -> Command {
        let environment = self.environment(folder, home);
        let mut cargo = Command::new(self.folder.join("bin/cargo"));
        cargo.env_clear().env("PATH", environment.search_path());
        cargo.envs(environment.variables).current_dir(folder).stdin(Stdio::null());
        cargo
    }
}
