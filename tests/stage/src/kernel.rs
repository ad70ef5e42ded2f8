//! What the kernel knows of sockets, read from its tables: nothing here makes a connection,
//! because a server for one client would spend its one accept on it.

use crate::deadline::Deadline;
use std::{
    collections::{BTreeSet, hash_map::RandomState},
    fs::{self, File},
    hash::BuildHasher,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The kernel's tables can only be looked at again: soon at first, then at this pace.
const LOOK_AGAIN: Duration = Duration::from_millis(16);

/// How many times as long as a look takes is the pause behind it, at least: on a large machine
/// the kernel walks through a large table, and many may be looking.
const REST: u32 = 4;

/// Looks until `seen` is true, at most until the deadline. True if it was.
pub fn look_until(deadline: impl Into<Deadline>, mut seen: impl FnMut() -> bool) -> bool {
    let mut deadline = deadline.into();
    let mut pause = Duration::from_millis(1);
    loop {
        let begun = Instant::now();
        if seen() {
            return true;
        }
        if deadline.is_over() {
            return false;
        }
        thread::park_timeout(pause.max(begun.elapsed() * REST));
        pause = (pause * 2).min(LOOK_AGAIN);
    }
}

/// A line of `/proc/net/tcp` (proc(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The port at this end.
    pub local_port: u16,
    /// The port at the other end, 0 for a listener.
    pub remote_port: u16,
    /// True for a listening socket.
    pub listening: bool,
    /// True while connect() waits for the other end's answer.
    pub connecting: bool,
    /// Bytes that have come and that the program has not read; for a listener, connections
    /// that it has not accepted.
    pub unread: u64,
    /// Bytes that the program has written and that the other end's kernel has not taken.
    pub unsent: u64,
    /// Its number in the kernel: the link of a descriptor names it.
    pub inode: u64,
}

fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let mut port = || u16::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok();
    let (local_port, remote_port) = (port()?, port()?);
    let state = fields.next()?;
    let (unsent, unread) = fields.next()?.split_once(':')?;
    let [unsent, unread] = [unsent, unread].map(|bytes| u64::from_str_radix(bytes, 16).ok());
    let inode = fields.nth(4)?.parse().ok()?;
    Some(Socket {
        local_port,
        remote_port,
        listening: state == "0A",
        connecting: state == "02",
        unread: unread?,
        unsent: unsent?,
        inode,
    })
}

/// The lines of a table, read page by page: the kernel walks no further than we do. Between two
/// reads it forgets where it was, and a socket can be passed over when others come and go.
fn lines(name: &str) -> impl Iterator<Item = String> {
    const PAGE: usize = 4096;
    let file = File::open(format!("/proc/net/{name}")).into_iter();
    file.flat_map(|file| BufReader::with_capacity(PAGE, file).lines().map_while(Result::ok))
}

fn table(name: &str) -> impl Iterator<Item = Socket> {
    lines(name).filter_map(|line| parse(&line))
}

/// The tables of TCP sockets in which there may be one. To find a table of IPv6 empty, the kernel
/// would walk through all of it, and it keeps count besides.
fn tcp_tables() -> impl Iterator<Item = &'static str> {
    let counts = fs::read_to_string("/proc/net/sockstat6").unwrap_or_default();
    let none = counts.lines().any(|line| line == "TCP6: inuse 0");
    ["tcp", "tcp6"].into_iter().take(if none { 1 } else { 2 })
}

/// All TCP sockets, of both versions of IP.
pub fn tcp() -> impl Iterator<Item = Socket> {
    tcp_tables().flat_map(table)
}

/// The TCP sockets that have this port at one end and do not listen. Nearly all lines are of others,
/// and a number is found sooner than a line is taken apart.
fn connected(port: u16) -> impl Iterator<Item = Socket> {
    let number = format!(":{port:04X} ");
    let its = tcp_tables().flat_map(lines).filter(move |line| line.contains(&number));
    its.filter_map(|line| parse(&line)).filter(|socket| !socket.listening)
}

/// All listening TCP sockets. The kernel shows them first, and they are few.
pub(crate) fn listeners() -> impl Iterator<Item = Socket> {
    tcp_tables().flat_map(|name| table(name).take_while(|socket| socket.listening))
}

/// True if the kernel shows its sockets here, which not every system does, nor every container:
/// where it does not, no program is ever seen to be ready.
pub fn shows_sockets() -> bool {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let port = listener.as_ref().ok().and_then(|ours| ours.local_addr().ok());
    port.is_some_and(|address| is_listening(address.port()))
}

/// True if there is a way to each of this machine's addresses that the checks use, for which its
/// loopback interface has to be up.
pub fn has_loopback() -> bool {
    let finds_itself = |ip| {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.connect(socket.local_addr()?)
    };
    ["127.0.0.1", "127.0.0.2"].into_iter().all(|ip| finds_itself(ip).is_ok())
}

/// True if somebody listens on this TCP port.
pub fn is_listening(port: u16) -> bool {
    listeners().any(|socket| socket.local_port == port)
}

/// How many connections to this TCP port nobody has accepted yet. `None`: nobody listens on it.
pub fn queued(port: u16) -> Option<u64> {
    listeners().find(|socket| socket.local_port == port).map(|socket| socket.unread)
}

/// True if somebody has bound this UDP port.
pub fn is_bound_udp(port: u16) -> bool {
    table("udp").chain(table("udp6")).any(|socket| socket.local_port == port)
}

/// How many bytes wait unread in the socket at `local_port` that is connected to
/// `remote_port`. `None`: there is no such socket (any more).
pub fn unread(local_port: u16, remote_port: u16) -> Option<u64> {
    connected(local_port)
        .find(|socket| (socket.local_port, socket.remote_port) == (local_port, remote_port))
        .map(|socket| socket.unread)
}

/// How many bytes are on their way from the socket at `local_port` to the one at `remote_port`:
/// not sent yet, or not read. `None`: there is no such socket (any more).
pub fn held(local_port: u16, remote_port: u16) -> Option<u64> {
    let (mut unsent, mut unread) = (None, 0);
    for socket in connected(local_port) {
        match (socket.local_port, socket.remote_port) {
            ends if ends == (local_port, remote_port) => unsent = Some(socket.unsent),
            ends if ends == (remote_port, local_port) => unread = socket.unread,
            _ => {}
        }
    }
    Some(unsent? + unread)
}

/// How long a free port is looked for.
const LONG_ENOUGH: Duration = Duration::from_secs(5);

/// How many ports a grader takes for itself at once.
const BLOCK: u16 = 64;

/// Ports that no other grader gives out while this one holds the claim: the first of them,
/// bound for UDP.
struct Block {
    _claim: UdpSocket,
    ports: BTreeSet<u16>,
}

/// A port that nobody uses and that this run has not given out before, below the kernel's
/// ephemeral range: a retried connect inside that range can reach itself. `None`: there is none.
pub fn free_port() -> Option<u16> {
    // Claimed for as long as we run: who was given a port may bind it much later.
    static BLOCKS: Mutex<Vec<Block>> = Mutex::new(Vec::new());
    let mut blocks = BLOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = Instant::now();
    while begun.elapsed() < LONG_ENOUGH {
        match blocks.last_mut().and_then(|block| block.ports.pop_first()) {
            Some(port) if is_unused(port) => return Some(port),
            Some(_) => {}
            None => match claim() {
                Some(block) => blocks.push(block),
                None if blocks.is_empty() => return None,
                None => blocks.clear(), // there are no more: from the beginning
            },
        }
    }
    None
}

/// The first block from a random one on that nobody has claimed.
fn claim() -> Option<Block> {
    let range =
        fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(32_768);
    let (low, high) = if first > 12_000 { (10_000, first) } else { (20_000, 32_768) };
    let count = (high - low) / BLOCK;
    let start = RandomState::new().hash_one(()) as u16 % count;
    (0..count).find_map(|n| {
        let first = low + (start + n) % count * BLOCK;
        let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).ok()?;
        let mut ports: BTreeSet<u16> = (first + 1..first + BLOCK).collect();
        // A connection that is just over keeps its port from servers without SO_REUSEADDR; and the
        // client's end of one is still listed, for whoever looks at this port.
        for socket in tcp() {
            ports.remove(&socket.local_port);
            ports.remove(&socket.remote_port);
        }
        Some(Block { _claim: claim, ports })
    })
}

/// True if nobody listens there. Only looked up: a listener of our own, for a try, would live on
/// in a program that another thread is just starting, until it is itself, and take a connection.
fn is_unused(port: u16) -> bool {
    !is_listening(port) && !is_bound_udp(port)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_line_of_the_table_is_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 1 1";
        let socket = parse(line).unwrap();
        assert_eq!((socket.local_port, socket.listening, socket.unread), (8080, true, 3));
        assert_eq!(socket.inode, 1);
        assert_eq!(parse("  sl  local_address rem_address"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn listening_is_seen_without_a_connection() {
        let port = free_port().unwrap();
        assert!(!is_listening(port));
        let _listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(is_listening(port));
        assert_ne!(free_port(), Some(port));
    }

    #[test]
    fn a_claimed_block_is_not_claimed_again() {
        let blocks: Vec<Block> = (0..20).filter_map(|_| claim()).collect();
        let firsts: BTreeSet<u16> =
            blocks.iter().filter_map(|block| block.ports.first().copied()).collect();
        assert_eq!((blocks.len(), firsts.len()), (20, 20));
    }
}
