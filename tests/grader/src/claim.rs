//! Which workshop a grader may use: two graders in the same one would build each other's
//! submissions.

use checks::workspace;
use std::io;

/// The right to use a workshop, for as long as this lives. The kernel takes it back from a
/// grader that dies.
#[derive(Debug)]
pub struct Claim {
    name: String,
    _held: Held,
}

impl Claim {
    /// Claims the first workshop of this `kind` that no other grader uses: `KIND-1`, `KIND-2`.
    /// A claim is known in its network namespace only.
    ///
    /// # Errors
    /// When the kernel gives no claim at all.
    pub fn first_free(kind: &str) -> io::Result<Claim> {
        let mut number = 1;
        loop {
            let name = format!("{kind}-{number}");
            match hold(&format!("{}/{name}", workspace::root().display())) {
                Ok(held) => return Ok(Claim { name, _held: held }),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => number += 1,
                Err(e) => return Err(e),
            }
        }
    }

    /// The workshop's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(target_os = "linux")]
type Held = std::os::unix::net::UnixDatagram;

/// A socket whose name stands in no folder: the kernel forgets it with its owner.
#[cfg(target_os = "linux")]
fn hold(name: &str) -> io::Result<Held> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};
    // Such a name has at most 107 bytes.
    let mut short = DefaultHasher::new();
    name.hash(&mut short);
    let address = format!("plain-sockets workshop {:x}", short.finish());
    Held::bind_addr(&SocketAddr::from_abstract_name(address)?)
}

/// Elsewhere nobody is kept out: one grader at a time.
#[cfg(not(target_os = "linux"))]
type Held = ();

#[cfg(not(target_os = "linux"))]
fn hold(_name: &str) -> io::Result<Held> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_workshop_belongs_to_one_grader_at_a_time() {
        let claim = || Claim::first_free("claim-test").unwrap();
        let (a, b) = (claim(), claim());
        assert_eq!((a.name(), b.name()), ("claim-test-1", "claim-test-2"));
        drop(a);
        assert_eq!(claim().name(), "claim-test-1");
    }
}
