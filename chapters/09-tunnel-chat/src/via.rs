//! The tunnel by ssh, through a login host that both ends can reach: encrypted on the way
//! there, in the clear from there on. (The field calls that host a jump host or bastion, and
//! what `ssh -L` does local port forwarding.)

use common::{Context, Error, blocking, cause, note};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    str::FromStr,
};

/// A small shell program that ends ssh when we have ended, in whatever way, even by a signal
/// that no program can catch: our end of a pipe is closed then, and its `read` fails. First it
/// reads ssh's process id; a second line means that ssh has ended by itself. It ignores what
/// a terminal sends to all of its programs (Ctrl-C, hanging up), to outlive us.
const WATCHER: &str = "trap '' HUP INT QUIT TERM; read ssh && { read ended || kill $ssh; }";

/// What ssh is told to run here once it listens: the only thing that it ever writes to its
/// stdout.
const READY: &str = "echo listening";

/// `USER@LOGIN[:SSHPORT]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// `USER@LOGIN`, as ssh takes it.
    destination: String,
    port: Option<u16>,
}

/// Lets ssh listen on the local port and forward to the target, which is looked up by the
/// login host. Returns only when ssh has ended, which is always a failure.
pub fn run(login: &Login, local_port: u16, target: &str) -> Result<(), Error> {
    let (mut watcher, mut pipe) = start_watcher()?;
    let mut ssh = start_ssh(login, &format!("127.0.0.1:{local_port}:{target}"))?;
    if let Err(e) = writeln!(pipe, "{}", ssh.id()) {
        let _ = ssh.kill();
        return Err(Error::failed("cannot watch ssh", cause(&e)));
    }
    if says_ready(&mut ssh) {
        note(format_args!("listening on 127.0.0.1:{local_port}"));
    }
    let status = blocking("wait", || ssh.wait()).context("cannot wait for ssh")?;
    let _ = writeln!(pipe, "ended");
    let _ = blocking("wait", || watcher.wait());
    Err(Error::failed(format_args!("ssh to {} has ended", login.destination), status))
}

/// It is there before ssh is, so that there is no moment in which ssh could be left behind.
fn start_watcher() -> Result<(Child, ChildStdin), Error> {
    let mut watcher = Command::new("sh")
        .args(["-c", WATCHER])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run sh")?;
    let Some(pipe) = watcher.stdin.take() else {
        return Err(Error::failed("cannot run sh", "it has no stdin"));
    };
    Ok((watcher, pipe))
}

/// No command there (`-N`), only the forwarding; no forwarding is a failure. A connection of
/// our own (`-S none`): one that was shared with other ssh programs would outlive us. For
/// passwords ssh asks the terminal, not its stdin.
fn start_ssh(login: &Login, forwarding: &str) -> Result<Child, Error> {
    let mut ssh = Command::new("ssh");
    ssh.args(["-N", "-S", "none", "-L", forwarding]);
    ssh.args(["-o", "ExitOnForwardFailure=yes", "-o", "PermitLocalCommand=yes"]);
    ssh.arg("-o").arg(format!("LocalCommand={READY}"));
    if let Some(port) = login.port {
        ssh.args(["-p", &port.to_string()]);
    }
    ssh.args(["--", &login.destination]).stdin(Stdio::null()).stdout(Stdio::piped());
    ssh.spawn().context("cannot run ssh")
}

/// Blocks until ssh listens, which may take as long as typing a password, or has ended.
fn says_ready(ssh: &mut Child) -> bool {
    let Some(stdout) = ssh.stdout.take() else { return false };
    let mut line = String::new();
    blocking("read", || BufReader::new(stdout).read_line(&mut line))
        .is_ok_and(|length| length > 0)
}

impl FromStr for Login {
    type Err = ();

    fn from_str(text: &str) -> Result<Login, ()> {
        let (user, host) = text.rsplit_once('@').ok_or(())?;
        let (host, port) = match host.rsplit_once(':') {
            // A colon within a bare IPv6 address begins no port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| ())?))
            }
            _ => (host, None),
        };
        let host =
            host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if user.is_empty() || user.starts_with('-') || host.is_empty() {
            return Err(());
        }
        Ok(Login { destination: format!("{user}@{host}"), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_may_have_a_port() {
        let of = |text: &str| {
            let login: Login = text.parse().ok()?;
            Some((login.destination, login.port))
        };
        let login = |destination: &str, port| Some((destination.to_string(), port));
        assert_eq!(of("me@flip"), login("me@flip", None));
        assert_eq!(of("me@flip:2222"), login("me@flip", Some(2222)));
        assert_eq!(of("me@example.org@flip"), login("me@example.org@flip", None));
        assert_eq!(of("me@[::1]:2222"), login("me@::1", Some(2222)));
        assert_eq!(
            [of("me@::1"), of("me@[::1]")],
            [login("me@::1", None), login("me@::1", None)]
        );
        for wrong in ["", "flip", "@flip", "me@", "me@:22", "me@flip:", "me@flip:x", "-oX=y@z"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
