//! Zips, as students and schools hand them in: what is in one is laid out in a folder of this
//! grader's own, and goes with it. Python does the work: the checks need it anyway, and what it
//! unpacks is bounded in number and size and stays below that folder.

use crate::{
    sandbox::Sandbox,
    search::Tree,
    workshop::{self, Refusal},
};
use checks::files::remove;
use stage::{
    failure::readable,
    process::{Environment, Process, on_path},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How many zips may lie in each other.
const DEPTH: usize = 3;

/// How long it may take to unpack one.
const LIMIT: Duration = Duration::from_secs(60);

/// Unpacks the zip of its first argument into the folder of its second one.
const UNPACK: &str = r#"
import os, shutil, stat, sys, zipfile

MOST_FILES, MOST_BYTES = 5000, 64 << 20


def unpack(archive, folder):
    files = [info for info in archive.infolist() if not info.is_dir()]
    if len(files) > MOST_FILES or sum(info.file_size for info in files) > MOST_BYTES:
        sys.exit(f"it holds more than {MOST_FILES} files, or {MOST_BYTES >> 20} MiB")
    for info in files:
        # Some tools of Windows write its separator.
        parts = info.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            sys.exit(f"{info.filename} leads out of it")
        if stat.S_ISLNK(info.external_attr >> 16):
            continue
        place = os.path.join(folder, *parts)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with archive.open(info) as packed, open(place, "wb") as file:
            shutil.copyfileobj(packed, file)


try:
    with open(sys.argv[1], "rb") as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            sys.exit(f"it is larger than {MOST_BYTES >> 20} MiB")
        unpack(zipfile.ZipFile(file), sys.argv[2])
except Exception as why:
    sys.exit(str(why))
"#;

/// What was in a zip; gone when this is dropped.
#[derive(Debug)]
pub struct Unpacked {
    all: PathBuf,
    /// The folder that stands for what was handed in.
    pub folder: PathBuf,
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let _ = remove(&self.all);
    }
}

/// Unpacks what was handed in, if it is a zip, or a folder that holds one and no other program.
///
/// # Errors
/// Why it cannot be unpacked.
pub fn unpacked(path: &Path, walls: Option<&Sandbox>) -> Result<Option<Unpacked>, Refusal> {
    let Some(mut zip) = zip_in(path).filter(|_| on_path("python3")) else { return Ok(None) };
    let all = match walls {
        Some(walls) => walls.own().join("unpacked"),
        None => workshop::fresh_folder()?,
    };
    let mut unpacked = Unpacked { folder: all.clone(), all };
    for depth in 0..DEPTH {
        unpacked.folder = unpacked.all.join(depth.to_string());
        fs::create_dir_all(&unpacked.folder)?;
        unpack(&zip, &unpacked.folder)?;
        match zip_in(&unpacked.folder) {
            Some(inner) => zip = inner,
            None => break,
        }
    }
    Ok(Some(unpacked))
}

/// The one zip at a place, where there is nothing else that could be graded.
fn zip_in(path: &Path) -> Option<PathBuf> {
    let files = Tree::read(path).ok()?.programs();
    let [file] = files.as_slice() else { return None };
    file.extension()?.eq_ignore_ascii_case("zip").then(|| file.clone())
}

fn unpack(zip: &Path, folder: &Path) -> Result<(), Refusal> {
    let words = ["python3", "-I", "-c", UNPACK].map(OsString::from);
    let words = [&words[..], &[zip.into(), folder.into()]].concat();
    let python = Process::start_words(&words, &Environment::default())?;
    let exit = python.wait(LIMIT);
    if exit.is_some_and(|exit| exit.code() == Some(0)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&python.heard().stderr).trim().to_string();
    let why = if exit.is_none() { "it takes too long".to_string() } else { said };
    let name = zip.file_name().unwrap_or_default().to_string_lossy();
    Err(Refusal::Submission(readable(&format!("{name} cannot be unpacked: {why}"))))
}
