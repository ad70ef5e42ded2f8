//! Files that are written or removed once more and are as they should be already.

use std::{fs, io, path::Path};

/// Writes the file if its content is not this already, so that cargo sees what has changed and
/// nothing else.
///
/// # Errors
/// When it cannot be written.
pub fn write_once(file: &Path, content: &[u8]) -> io::Result<()> {
    match fs::read(file) {
        Ok(there) if there == content => Ok(()),
        _ => fs::write(file, content),
    }
}

/// Removes a file, a link or a whole folder; that there is none is no error.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}
