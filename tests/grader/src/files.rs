//! Folders of files: copied, compared and removed.

use crate::workshop::Refusal;
use checks::files::{remove, write_once};
use common::cause;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// How large a folder that is handed in may be: its bytes, and how many files.
const MAX_FOLDER: (u64, usize) = (16 << 20, 2000);

/// How many folders may lie in each other there.
const MAX_DEPTH: u32 = 16;

/// What a hand-in may bring along and is no part of it: what was built, what a zip or an editor
/// adds, and what would choose another compiler than ours.
pub fn is_left_out(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    [
        "target",
        "__pycache__",
        "__MACOSX",
        "node_modules",
        "venv",
        "rust-toolchain",
        "rust-toolchain.toml",
    ]
    .contains(&&*name)
        || name.starts_with('.')
}

/// Copies what a student handed in: regular files, and not too many.
pub fn copy_in(from: &Path, to: &Path) -> Result<(), Refusal> {
    let (mut bytes, mut files) = MAX_FOLDER;
    let mut folders = vec![(from.to_path_buf(), to.to_path_buf(), 0)];
    while let Some((from_here, to, depth)) = folders.pop() {
        fs::create_dir_all(&to)?;
        let named = |path: &Path| match path.strip_prefix(from) {
            Ok(inner) if inner.as_os_str().is_empty() => "the folder".to_string(),
            Ok(inner) => format!("{inner:?} of the folder"),
            Err(_) => format!("{path:?}"),
        };
        let refused = |path: &Path, why: &str| {
            Err(Refusal::Submission(format!("cannot take {}: {why}", named(path))))
        };
        let entries =
            fs::read_dir(&from_here).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match entries {
            Ok(entries) => entries,
            Err(e) => return refused(&from_here, &cause(&e)),
        };
        for entry in entries.into_iter().filter(|entry| !is_left_out(&entry.file_name())) {
            let (path, place) = (entry.path(), to.join(entry.file_name()));
            let Some(left) = files.checked_sub(1) else {
                return refused(&path, &format!("{} files are allowed", MAX_FOLDER.1));
            };
            files = left;
            if entry.file_type()?.is_dir() {
                if depth == MAX_DEPTH {
                    return refused(&path, "the folders are too deep");
                }
                folders.push((path, place, depth + 1));
                continue;
            }
            match stage::files::read(&path, bytes) {
                Ok(content) => {
                    bytes -= content.len() as u64;
                    fs::write(place, content)?;
                }
                Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                    return refused(
                        &path,
                        &format!("{} bytes are allowed in all", MAX_FOLDER.0),
                    );
                }
                Err(e) => return refused(&path, &cause(&e)),
            }
        }
    }
    Ok(())
}

/// What lies below a folder: each file's content by its path; `None` for what is no file.
pub fn contents(folder: &Path) -> io::Result<BTreeMap<PathBuf, Option<Vec<u8>>>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, inner.join(entry.file_name()));
            if kind.is_dir() {
                folders.push(path);
            } else {
                let content = kind.is_file().then(|| fs::read(entry.path())).transpose()?;
                all.insert(path, content);
            }
        }
    }
    Ok(all)
}

/// Makes `to` the same as `from`; what is the same already is not touched, so that cargo sees
/// what has changed and nothing else.
pub fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        let wanted = fs::read(from)?;
        if fs::symlink_metadata(to).is_ok_and(|meta| !meta.is_file()) {
            remove(to)?;
        }
        return write_once(to, &wanted);
    }
    if !fs::symlink_metadata(to).is_ok_and(|meta| meta.is_dir()) {
        remove(to)?;
        fs::create_dir_all(to)?;
    }
    let names = |folder: &Path| -> io::Result<BTreeSet<_>> {
        fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    let (wanted, there) = (names(from)?, names(to)?);
    there.difference(&wanted).try_for_each(|name| remove(&to.join(name)))?;
    wanted
        .iter()
        .filter(|name| *name != OsStr::new("target"))
        .try_for_each(|name| mirror(&from.join(name), &to.join(name)))
}
