//! Files that somebody else may change while we look at them. What was looked at and is then
//! opened by its name may be another file by then: a link to a secret, or a FIFO that lets its
//! reader wait. So the file is opened first, without following a link and without waiting, and
//! then the handle is asked what it is.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// The flags of open(2) that std has no names for: `O_NONBLOCK` and `O_NOFOLLOW`, from Linux's
/// asm-generic/fcntl.h, where arm, arm64 and powerpc differ (arch/*/include/uapi/asm/fcntl.h),
/// and from XNU's bsd/sys/fcntl.h.
#[cfg(target_os = "linux")]
const FLAGS: i32 = 0o4000
    | if cfg!(any(target_arch = "arm", target_arch = "aarch64", target_arch = "powerpc64")) {
        0o100_000
    } else {
        0o400_000
    };
#[cfg(target_os = "macos")]
const FLAGS: i32 = 0x4 | 0x100;

/// Opens a regular file to be read.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, FLAGS);
    let file = options.open(path).map_err(|e| match path.symlink_metadata() {
        Ok(seen) if seen.is_symlink() => no_file(),
        _ => e,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// The bytes of a regular file that has no more than `most` of them.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let why = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(bytes)
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or is not a regular file")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{env, fs, os::unix::fs::symlink, process, process::Command};

    #[test]
    fn links_fifos_folders_and_large_files_are_refused_at_once() {
        let folder = env::temp_dir().join(format!("stage-files-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [file, link, fifo] = ["file", "link", "fifo"].map(|name| folder.join(name));
        fs::write(&file, "12345").unwrap();
        symlink(&file, &link).unwrap();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        for (path, most) in [(&file, 4), (&link, 5), (&folder, 5)] {
            assert!(read(path, most).is_err(), "{}", path.display());
        }
        // Without O_NONBLOCK this never returns, because nothing opens the other end.
        assert_eq!(read(&fifo, 5).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        fs::remove_dir_all(&folder).unwrap();
    }
}
