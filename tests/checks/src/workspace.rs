//! The workspace's own programs: built by cargo, and found where cargo says they are, so that
//! nobody ever tests, grades or shows a stale one.

use common::{Context, Error};
use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// The folder of the workspace, in which `BOOK.md` and `chapters/` are: found at run time, because
/// a checkout can be moved, and two can build into one target folder. Cargo says where it is;
/// a program that is started without it looks where it was built, and then above itself.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")); // tests/checks
        let said = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let itself = env::current_exe().ok();
        let places = [said.as_deref(), Some(built), itself.as_deref()].into_iter().flatten();
        let found = places.flat_map(Path::ancestors).find(|folder| is_workspace(folder));
        found.or(built.ancestors().nth(2)).unwrap_or(built).to_path_buf()
    })
}

fn is_workspace(folder: &Path) -> bool {
    ["chapters", "common/src", "tests/checks/src"].iter().all(|part| folder.join(part).is_dir())
}

/// The checkout from which a program was built, if it is another one than ours: the file that
/// cargo writes beside a program names its sources.
pub fn another_checkout_of(program: &Path) -> Option<String> {
    let note = fs::read_to_string(program.with_extension("d")).ok()?;
    let source = note.split(": ").nth(1)?.trim_start();
    let unescaped = source.replace("\\ ", "\0");
    let source = unescaped.split_whitespace().next()?.replace('\0', " ");
    let is_other = Path::new(&source).is_absolute() && !Path::new(&source).starts_with(root());
    is_other.then_some(source)
}

/// The folders of all chapters, as paths below the workspace.
///
/// # Errors
/// When `chapters/` cannot be read.
pub fn chapters() -> io::Result<Vec<PathBuf>> {
    let chapters = Path::new("chapters");
    let entries = fs::read_dir(root().join(chapters))?;
    entries.map(|entry| Ok(chapters.join(entry?.file_name()))).collect()
}

/// A manifest without the sections whose header line `is_dropped`.
pub fn without(manifest: &str, is_dropped: impl Fn(&str) -> bool) -> String {
    let mut dropping = false;
    let kept = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            dropping = is_dropped(line);
        }
        !dropping
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Programs and examples that cargo has just built, or found to be up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    executables: Vec<PathBuf>,
}

impl Programs {
    /// What a build that succeeded has said, on stdout, that it has made.
    pub fn reported(messages: &[u8]) -> Programs {
        let messages = String::from_utf8_lossy(messages);
        Programs { executables: messages.lines().filter_map(executable).collect() }
    }

    /// The program or example of this name.
    pub fn get(&self, name: &str) -> Option<&Path> {
        let found = self.executables.iter().find(|path| {
            path.file_stem().is_some_and(|stem| stem == name) // without Windows' .exe
        });
        found.map(PathBuf::as_path)
    }

    /// The program, if there is exactly one.
    pub fn only(&self) -> Option<&Path> {
        match self.executables.as_slice() {
            [program] => Some(program),
            _ => None,
        }
    }

    /// The folders that hold them, each once, for the front of a `PATH`.
    pub fn folders(&self) -> Vec<PathBuf> {
        let folders: BTreeSet<_> = self.executables.iter().filter_map(|p| p.parent()).collect();
        folders.into_iter().map(Path::to_path_buf).collect()
    }
}

/// Builds all programs and examples of this workspace. Where nothing has changed, this takes
/// a fraction of a second.
///
/// # Errors
/// As [`build_in`].
pub fn build() -> Result<Programs, Error> {
    build_in(root(), &["--workspace", "--bins", "--examples"])
}

/// Runs `cargo build` in `folder` with the words of `what`, in the profile that this program
/// was built in, and takes what cargo reports. Cargo's own messages go to stderr, its progress
/// only to a person.
///
/// # Errors
/// When there is no cargo, or when it does not end with 0; then it has said why.
pub fn build_in(folder: &Path, what: &[&str]) -> Result<Programs, Error> {
    let mut build = cargo_build(folder, what);
    build.args((!io::stderr().is_terminal()).then_some("--quiet")).stderr(Stdio::inherit());
    let built = build.output().context("cannot run cargo (is Rust installed?)")?;
    if !built.status.success() {
        return Err(Error::failed(
            "cannot build the programs",
            format_args!("cargo: {}", built.status),
        ));
    }
    Ok(Programs::reported(&built.stdout))
}

/// The command that builds, with its report on stdout.
pub fn cargo_build(folder: &Path, what: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(cargo_words(what).skip(1)).current_dir(folder).stdin(Stdio::null());
    build
}

/// The words of that command, for a place where cargo is to be found anew.
pub fn cargo_words(what: &[&str]) -> impl Iterator<Item = String> {
    let release = (!cfg!(debug_assertions)).then_some("--release");
    let build = ["cargo", "build", "--message-format=json-render-diagnostics"];
    let words: Vec<_> =
        build.iter().chain(what).copied().chain(release).map(String::from).collect();
    words.into_iter()
}

/// The value of `"executable"` in one of cargo's messages, a JSON object in one line; `null`
/// for a library.
fn executable(message: &str) -> Option<PathBuf> {
    let (_, value) = message.split_once(r#""executable":""#)?;
    let mut path = String::new();
    let mut letters = value.chars();
    loop {
        match letters.next()? {
            '"' => return Some(path.into()),
            '\\' => path.push(letters.next()?),
            letter => path.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_the_programs_are() {
        let messages = [
            r#"{"reason":"compiler-artifact","executable":"/t/debug/one-to-one","fresh":true}"#,
            r#"{"reason":"compiler-artifact","executable":"/t/debug/examples/a \"b\"","fresh":true}"#,
            r#"{"reason":"compiler-artifact","executable":null,"fresh":true}"#,
        ];
        let executables = messages.iter().filter_map(|message| executable(message)).collect();
        let programs = Programs { executables };
        assert_eq!(programs.get("one-to-one"), Some(Path::new("/t/debug/one-to-one")));
        assert_eq!((programs.get("a \"b\"").is_some(), programs.get("one")), (true, None));
        let folders = ["/t/debug", "/t/debug/examples"].map(PathBuf::from);
        assert_eq!(programs.folders(), folders);
    }

    #[test]
    fn a_build_that_fails_is_an_error() {
        let failed = build_in(root(), &["--bin", "no-such-program"]).unwrap_err();
        assert!(failed.to_string().starts_with("cannot build the programs: cargo: exit"));
    }

    #[test]
    fn a_program_is_built_where_it_is_said_to_be() {
        let built = build_in(root(), &["-p", "dumb-net", "--bins"]).unwrap();
        assert!(built.get("dumb-net").is_some_and(Path::is_file), "{built:?}");
    }

    #[test]
    fn it_is_known_whose_program_it_is() {
        let folder = env::temp_dir().join(format!("checks-whose-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let whose = |source: &str| {
            let note = format!("/t/debug/x: {} /other.rs\n", source.replace(' ', "\\ "));
            fs::write(folder.join("x.d"), note).unwrap();
            another_checkout_of(&folder.join("x"))
        };
        assert_eq!(whose(&root().join("a b/main.rs").display().to_string()), None);
        assert_eq!(whose("chapters/main.rs"), None);
        assert_eq!(whose("/another clone/main.rs").as_deref(), Some("/another clone/main.rs"));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(another_checkout_of(Path::new("/nonexistent/x")), None);
    }
}
