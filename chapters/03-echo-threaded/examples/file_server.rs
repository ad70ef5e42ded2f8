//! file_server: reads a file's name, sends the file's bytes, and closes.
//!
//! ```text
//! $ cargo run --example file_server -- 7005 --root chapters
//! $ echo 03-echo-threaded/README.md | cargo run -p dumb-net -- 127.0.0.1 7005
//! ```
//!
//! Notice what the close is good for. The file has no length in front and no mark at its end, so
//! only the close says where it ends. A client cannot tell a file that was cut short from a short
//! one, nor a file that begins with `error: ` from an error. HTTP has its Content-Length and its
//! status line for that. And notice how much of the code is about the name: it comes from a
//! stranger, and it must not lead out of the folder.

use common::{Context, Error, Program, blocking, cause, net, note};
use std::{
    fs::{self, File},
    io::{self, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Component, Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

const PROGRAM: Program = Program {
    name: "file_server",
    usage: "file_server PORT --root DIR [--bind ADDR]",
    example: "cargo run --example file_server -- 7005 --root chapters",
};

/// The answer to a name that leads out of the folder, and to one that leads nowhere: a
/// stranger who could tell the two apart could ask which files there are outside.
const NOT_HERE: &str = "no such file here";

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let root: PathBuf = args.required("--root", "a folder")?;
        let (bind, port) = (args.bind("127.0.0.1")?, args.port("PORT")?);
        args.finish()?;
        let root = folder(&root)?;
        run_server(&net::listen(&bind, port)?, &root)
    })
}

/// The folder's path from `/` on, without links in it: what every file's path must begin with.
fn folder(root: &Path) -> Result<Arc<Path>, Error> {
    let what = format!("cannot serve {}", root.display());
    fs::read_dir(root).context(&what)?; // a folder, and one that we may read
    Ok(fs::canonicalize(root).context(&what)?.into())
}

/// A thread for each client, so a slow one with a large file holds up no other.
fn run_server(listener: &TcpListener, root: &Arc<Path>) -> ! {
    loop {
        let (client, peer) = net::accept(listener);
        let root = Arc::clone(root);
        net::spawn(peer, move || serve(&client, peer, &root));
    }
}

/// One client, one name, one file.
fn serve(client: &TcpStream, peer: SocketAddr, root: &Path) {
    note(format_args!("connected to {peer}"));
    match session(client, root) {
        Ok(()) => note(format_args!("{peer} left")),
        Err(e) => note(format_args!("{peer} left: {}", cause(&e))),
    }
    // What the client sent after the name stays unread, and must not cost it the end of the file.
    net::hang_up(client);
}

fn session(mut client: &TcpStream, root: &Path) -> io::Result<()> {
    // Blocks until the client has sent a whole line, or closed.
    let file = match net::read_line(&mut BufReader::new(client)) {
        Ok(Some(name)) => open(root, name.strip_suffix('\r').unwrap_or(&name)),
        Ok(None) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(e.to_string()),
        Err(e) => return Err(e),
    };
    match file {
        // Piece by piece, so that the largest file costs no memory. Blocks while the client does
        // not read. What it has not read yet is in the file, and not in a buffer of ours.
        Ok(mut file) => blocking("write", || io::copy(&mut file, &mut client)).map(|_| ()),
        Err(why) => net::write_line(client, &format!("error: {why}")),
    }
}

/// Opens a regular file in the folder, or says why not.
fn open(root: &Path, name: &str) -> Result<File, String> {
    let path = find(root, name).filter(|path| path.starts_with(root)).ok_or(NOT_HERE)?;
    // We look at it before we open it: opening a pipe (a FIFO) blocks until a program writes to
    // it, and that may be never.
    if !fs::metadata(&path).is_ok_and(|file| file.is_file()) {
        return Err("no regular file".to_string());
    }
    let file = blocking("open", || File::open(&path)).map_err(|e| cause(&e))?;
    // There is a gap between the check and the use. If the path was given to another file in the
    // meantime, what is open now decides, and not what was there when we looked. (A pipe that was
    // put there makes this thread wait, and no other.)
    let here = place(&file, &path).is_some_and(|place| place.starts_with(root));
    let regular = file.metadata().is_ok_and(|file| file.is_file());
    if here && regular { Ok(file) } else { Err(NOT_HERE.to_string()) }
}

/// Where a name leads, with every link and every `..` on the way followed.
fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    if climbs_out(name) { None } else { fs::canonicalize(root.join(name)).ok() }
}

/// True if the name begins at `/`, or has at any point more `..` than folders before it. One that
/// goes out and comes back in again would tell what it passes on its way.
fn climbs_out(name: &Path) -> bool {
    let mut depth = 0;
    name.components().any(|part| {
        depth += match part {
            Component::Normal(_) => 1,
            Component::CurDir => 0,
            Component::ParentDir => -1,
            Component::RootDir | Component::Prefix(_) => return true,
        };
        depth < 0
    })
}

/// Where an open file is, whatever has become of its path.
#[cfg(target_os = "linux")]
fn place(file: &File, _path: &Path) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}

/// Other kernels do not tell std. There, someone who can swap the folder's files while we look
/// at them can still lead us out.
#[cfg(not(target_os = "linux"))]
fn place(_file: &File, path: &Path) -> Option<PathBuf> {
    Some(path.to_path_buf())
}
