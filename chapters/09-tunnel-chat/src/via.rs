//! The tunnel that ssh builds, through a login host that both laptops can reach. What passes
//! between here and that host is encrypted; from there to the target it is not. The host is also
//! called a jump host or bastion, and what `ssh -L` does is called local port forwarding.

use common::{Context, Error, blocking, note};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    str::FromStr,
};

/// A small shell program that ends ssh when we have ended, even if we were killed by a signal
/// that no program can catch. Its stdin is a pipe whose other end we hold. It reads ssh's process
/// id from it, and then waits in a second `read`: a line means that ssh has ended by itself, and
/// a failure that we have ended, because the kernel has closed our end of the pipe. It ignores
/// the signals that a terminal sends to all its programs, because it has to outlive us.
const WATCHER: &str = "trap '' HUP INT QUIT TERM; read ssh && { read ended || kill $ssh; }";

/// A command that ssh runs on this machine once it listens. It is the only program here that
/// writes to ssh's stdout.
const READY: &str = "echo listening";

/// `USER@LOGIN[:SSHPORT]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// `USER@LOGIN`, as ssh takes it.
    destination: String,
    port: Option<u16>,
}

/// Lets ssh listen on the local port and pass connections on to the target, whose name the login
/// host looks up. Returns only when ssh has ended, and that is always a failure.
pub fn run(login: &Login, local_port: u16, target: &str) -> Result<(), Error> {
    let (mut watcher, mut pipe) = start_watcher()?;
    let mut ssh = start_ssh(login, &format!("127.0.0.1:{local_port}:{target}"))?;
    if let Err(e) = writeln!(pipe, "{}", ssh.id()) {
        let _ = ssh.kill();
        return Err(e).context("cannot watch ssh");
    }
    if is_ready(&mut ssh) {
        note(format_args!("listening on 127.0.0.1:{local_port}"));
    }
    let status = blocking("wait", || ssh.wait()).context("cannot wait for ssh")?;
    let _ = writeln!(pipe, "ended");
    let _ = blocking("wait", || watcher.wait());
    Err(Error::failed(format_args!("ssh to {} has ended", login.destination), status))
}

/// Starts the watcher before ssh, so that there is never an ssh without one.
fn start_watcher() -> Result<(Child, ChildStdin), Error> {
    let mut watcher = Command::new("sh")
        .args(["-c", WATCHER])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run sh")?;
    let pipe = watcher.stdin.take();
    let pipe = pipe.ok_or_else(|| Error::failed("cannot run sh", "it has no stdin"))?;
    Ok((watcher, pipe))
}

/// Starts ssh with no command to run over there (`-N`), only the forwarding, without which it
/// fails. The connection is our own (`-S none`), because one that is shared with other ssh
/// programs could outlive us. ssh asks for a password on the terminal, not on its stdin.
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

/// Blocks until ssh listens, which may take as long as it takes you to type a password, or until
/// it has ended.
fn is_ready(ssh: &mut Child) -> bool {
    let Some(stdout) = ssh.stdout.take() else { return false };
    let first = blocking("read", || BufReader::new(stdout).lines().next());
    first.is_some_and(|line| line.is_ok())
}

impl FromStr for Login {
    type Err = ();

    fn from_str(text: &str) -> Result<Login, ()> {
        let (user, host) = text.rsplit_once('@').ok_or(())?;
        let (host, port) = match host.rsplit_once(':') {
            // In an IPv6 address without brackets, a colon does not begin a port.
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
