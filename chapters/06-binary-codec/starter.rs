//! binary-codec: text to binary digits and back, in messages that say how long they are.
//!
//! ```text
//! $ binary-codec encoder 7006
//! $ binary-codec 127.0.0.1 7006
//! ```
//!
//! In chapters 2 to 5 a message ended with `\n`. Here it begins with its length ([`frame`]), so
//! it can contain any byte, and both ends have to agree on what the four bytes of a length mean.
//!
//! Notice what the length costs us: it is a number that a stranger has sent, so we ask what it
//! would make us do before we act on it. Notice also which failures end a session. A request
//! that cannot be served gets an answer `error: ...`, and the session goes on. A frame that is
//! cut off or too long ends it, because we no longer know where the next frame begins.

// This is the starter. The command line is read, and everything else is yours to write. From
// `common` you will want `net::accept` and `net::spawn` (chapter 3's), `net::hang_up`, `typed` (a
// line from the user), `say` (a line to stdout), `note` (a line to stderr), `blocking` (around
// every call that waits), and `Context`.

// Delete this line when you begin; then the compiler lists what is written but not used yet.
#![allow(unused)]

use codec::Codec;
use common::{Args, Error, Program, net};
use options::Options;
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
};

const PROGRAM: Program = Program {
    name: "binary-codec",
    usage: "binary-codec encoder|decoder PORT [--bind ADDR | --interface NAME]\n\
            \x20                            [--multi-threaded]\n\
            binary-codec HOST PORT",
    example: "binary-codec encoder 7006",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args| {
        let options = Options::take(&mut args)?;
        let (host, port) = args.target()?;
        let listen = || net::listen(&options.address()?, port);
        match host.as_str() {
            "encoder" => run_server(&listen()?, codec::encode, options.multi_threaded),
            "decoder" => run_server(&listen()?, codec::decode, options.multi_threaded),
            _ if options != Options::default() => {
                Err(Error::Usage("a client takes no options of a server".to_string()))
            }
            host => run_client(host, port),
        }
    })
}

/// Serves one client at a time, each in turn, or each on a thread of its own as in chapter 3.
/// Where does a client wait while another one is served?
fn run_server(listener: &TcpListener, codec: Codec, multi_threaded: bool) -> ! {
    PROGRAM.exit(Error::failed("cannot serve", "run_server is not written yet"))
}

/// Serves one client from its first frame to its last, and says on stderr that it came and left.
/// Whose end is it when a session fails? Which answers might still be on their way? And whose end
/// is it when stdout fails (`Error::Stdout`)? A thread cannot return to `main`, but it can call
/// `PROGRAM.exit`.
fn serve(client: &TcpStream, peer: SocketAddr, codec: Codec) {}

/// Answers each frame with one frame, and prints a `Received:` and a `Sent:` line for it, until
/// the client says goodbye or closes. What is a goodbye, and what answer does it get?
fn session(client: &TcpStream, codec: Codec) -> Result<(), Error> {
    Err(Error::failed("cannot answer", "session is not written yet"))
}

/// The answer to a whole frame. Why could a piece of one not be decoded? Which answer must not
/// be sent, because it would say goodbye?
fn answer(request: Vec<u8>, codec: Codec) -> String {
    "error: answer is not written yet".to_string()
}

/// The client: a line, its answer, the next line. What does it send at a blank line, or at the
/// end of stdin?
fn run_client(host: &str, port: u16) -> Result<(), Error> {
    Err(Error::failed("cannot connect", "run_client is not written yet"))
}

/// Waits for a whole answer. What should the user read when the server goes away instead?
fn read_answer(server: &TcpStream) -> Result<String, Error> {
    Err(Error::failed("cannot read the answer", "read_answer is not written yet"))
}

/// The two services: text to binary digits, and back. There is no socket in here.
mod codec {
    /// Turns a request into its answer, or says why there is none.
    pub type Codec = fn(&str) -> Result<String, String>;

    /// The bytes of a text as groups of eight binary digits: `co` becomes `01100011 01101111`.
    /// How many groups does a letter with an accent become? When can you know that the answer
    /// will be longer than a frame may be, and what has it cost by then?
    pub fn encode(text: &str) -> Result<String, String> {
        Err("encode is not written yet".to_string())
    }

    /// The text whose bytes are given as groups of one to eight binary digits. Which groups are
    /// fine one by one, and still not a text?
    pub fn decode(groups: &str) -> Result<String, String> {
        Err("decode is not written yet".to_string())
    }

    /// The byte that a group of binary digits stands for. What would std's own parser take that
    /// is not a group?
    fn parse(group: &str) -> Option<u8> {
        None
    }
}

/// A frame: a length of four bytes, the most significant first, then that many bytes.
mod frame {
    use std::io::{self, Read, Write};

    /// The longest frame that we send or take, in bytes, without the length in front of it.
    pub const MAX_FRAME: usize = 1024 * 1024;

    /// Writes one frame. What does the length count, characters or bytes? What would go over
    /// the wire if you wrote the number as your machine keeps it in memory?
    pub fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
        Err(io::Error::other("frame::write is not written yet"))
    }

    /// Reads one frame, and not a byte more. `None` means that the peer has closed its sending
    /// side between two frames: how do you tell that from a close in the middle of one? What
    /// does your program do when a stranger sends the length FFFFFFFF and then nothing more?
    pub fn read(mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
        Err(io::Error::other("frame::read is not written yet"))
    }

    /// Reads as many bytes as are wanted, in however many pieces they arrive; fewer only if the
    /// peer closes first. How much memory may a frame take before it has arrived?
    fn read_up_to(from: &mut impl Read, wanted: usize) -> io::Result<Vec<u8>> {
        Err(io::Error::other("read_up_to is not written yet"))
    }
}

/// The options of the two servers.
mod options {
    use common::{Args, Error, interface_address, without_brackets};

    /// What a server's command line may say besides its port. A client takes none of it.
    #[derive(Default, PartialEq)]
    pub struct Options {
        bind: Option<String>,
        interface: Option<String>,
        /// A thread for each client, instead of one client at a time.
        pub multi_threaded: bool,
    }

    impl Options {
        pub fn take(args: &mut Args) -> Result<Options, Error> {
            Ok(Options {
                bind: args.option("--bind", "an address")?.map(without_brackets),
                interface: args.option("--interface", "the name of an interface")?,
                multi_threaded: args.flag("--multi-threaded"),
            })
        }

        /// The address to listen on. If neither option is given, only programs on this machine
        /// can connect.
        pub fn address(&self) -> Result<String, Error> {
            match (&self.bind, &self.interface) {
                (None, None) => Ok("127.0.0.1".to_string()),
                (Some(address), None) => Ok(address.clone()),
                (None, Some(name)) => Ok(interface_address(name)?.to_string()),
                _ => Err(Error::Usage("--bind and --interface exclude each other".to_string())),
            }
        }
    }
}
