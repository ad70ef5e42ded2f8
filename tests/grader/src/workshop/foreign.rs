//! A program in another language that is built before it runs: C, Java, Go.

use super::{BuildDir, Refusal, build::run_build};
use crate::{files::copy_in, languages::Language, sandbox, search};
use checks::files::remove;
use stage::process::{Environment, shell_path, shell_word};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

impl BuildDir {
    /// Builds the program of which `main` is the source, from all that was handed in at `path`;
    /// returns the command that runs it, and where it is.
    pub fn foreign(
        &self,
        path: &Path,
        main: &Path,
        language: &Language,
    ) -> Result<(String, PathBuf), Refusal> {
        let place = self.desk();
        match main.strip_prefix(path) {
            Ok(inner) if !inner.as_os_str().is_empty() => copy_in(path, &place)?,
            _ => {
                fs::create_dir_all(&place)?;
                fs::copy(main, place.join(main.file_name().unwrap_or_default()))?;
            }
        }
        let inner = main.strip_prefix(path).ok().filter(|its| its.file_name().is_some());
        let main = place.join(inner.unwrap_or(Path::new(main.file_name().unwrap_or_default())));
        let sources = search::sources(&place, &main, language)?;
        let built = self.target().join("foreign");
        let build = || {
            remove(&built)?;
            fs::create_dir_all(&built)?;
            self.run(&words(&main, &sources, language, &built), &main, &built)
        };
        build().or_else(|_| build())?;
        if language.tool != "javac" {
            let program = self.take(&built.join("program"))?;
            return Ok((shell_path(&program), program));
        }
        if !fs::canonicalize(&built)?.starts_with(fs::canonicalize(self.target())?) {
            return Err(Refusal::Submission("what it builds lies elsewhere".to_string()));
        }
        let class = shell_word(&class(&main, &built)?);
        Ok((format!("java -cp {} {class}", shell_path(&built)), built))
    }

    /// Runs a compiler, which writes into one folder.
    fn run(&self, words: &[OsString], main: &Path, built: &Path) -> Result<(), Refusal> {
        let folder = main.parent().unwrap_or(main).to_path_buf();
        let cache = built.join("cache").into_os_string();
        let variables = [("GOCACHE", cache), ("GOPROXY", "off".into())];
        let mut around = Environment {
            directory: Some(folder.clone()),
            variables: variables.map(|(name, value)| (name.to_string(), value)).into(),
            ..Environment::default()
        };
        if let Some(sandbox) = &self.sandbox {
            let tool = sandbox::interpreter(&words[0].to_string_lossy());
            let desk = self.desk();
            let shown: Vec<&Path> = tool.iter().map(PathBuf::as_path).chain([&*desk]).collect();
            around.wall = sandbox.around_build(&folder, &shown, &[built])?;
            around.directory = None;
        }
        let desk = format!("{}/", self.desk().display());
        run_build(words, &around, |said| said.trim().replace(&desk, ""))
    }
}

/// The compiler's command line.
fn words(main: &Path, sources: &[PathBuf], language: &Language, built: &Path) -> Vec<OsString> {
    let tool = language.tool;
    let folder = main.parent().unwrap_or(main);
    let program = built.join("program").into_os_string();
    let (options, last): (Vec<OsString>, Option<OsString>) = match tool {
        "javac" => {
            let options =
                ["-proc:none", "-nowarn", "-encoding", "UTF-8", "-d"].map(OsString::from);
            (options.into_iter().chain([built.into()]).collect(), None)
        }
        "go" => (vec!["build".into(), "-o".into(), program], None),
        _ => {
            let options = ["-O1".into(), "-pthread".into(), "-I".into(), folder.into()];
            let output = ["-o".into(), program];
            (options.into_iter().chain(output).collect(), Some("-lm".into()))
        }
    };
    let sources = sources.iter().map(OsString::from);
    [OsString::from(tool)].into_iter().chain(options).chain(sources).chain(last).collect()
}

/// The class of a Java source that has `main`, with its package.
fn class(main: &Path, built: &Path) -> io::Result<String> {
    let text = fs::read(main)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(str::trim);
    let package = lines
        .filter_map(|line| line.strip_prefix("package "))
        .filter_map(|rest| rest.split(';').next())
        .map(|name| format!("{}.", name.trim()))
        .next()
        .unwrap_or_default();
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    let file = built.join(package.replace('.', "/")).join(format!("{stem}.class"));
    if file.exists() {
        return Ok(format!("{package}{stem}"));
    }
    // Its file has another name, as it may if it is not public: the last one before `main`.
    let before = text.split(" main(").next().unwrap_or_default();
    let words: Vec<&str> = before.split_whitespace().collect();
    let named = words.windows(2).rev().find(|pair| pair[0] == "class");
    let name = named.map(|pair| pair[1].trim_end_matches('{'));
    let none = || io::Error::other("no class has its main");
    name.map(|name| format!("{package}{name}")).ok_or_else(none)
}
