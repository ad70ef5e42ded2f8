//! Chapter 6, the exercises of the book.

use crate::check::Check;
use stage::{
    Role,
    failure::{Diagnosis, Explain, Saw},
};

pub(super) static X_TAGGED: Check = Check::exercise(
    "06.x-tagged",
    Role::Encoder,
    "exercise: the first byte of a frame says whether it is an answer or an error",
    "tagged_encoder {port}",
)
.source("the book, 6.7")
.read("6.7")
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    a.send(frame("co"))?;
    a.expect(frame("=01100011 01101111"))?;
    a.send(frame(b"\xff\xfe"))?;
    let length = a.expect_bytes(4, "the length of an error")?;
    let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
    a.expect("!")?;
    a.expect_bytes(length.clamp(1, 1000) as usize - 1, "what is wrong")?;
    a.send(frame("!"))?; // text that looks like an error
    a.expect(frame("=00100001"))
});

fn frame(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

const ENDLESS_LENGTH: Diagnosis = Diagnosis {
    id: "endless-length",
    they: "read a length that never ends",
    text: "each byte of the length says that one more comes, and it reads on: a number that is too large already cannot become a good one.",
};

pub(super) static X_VARINT: Check = Check::exercise(
    "06.x-varint",
    Role::Encoder,
    "exercise: a length takes as many bytes as it needs",
    "varint_encoder {port}",
)
.source("the book, 6.7")
.read("6.7")
.mistakes(&[&ENDLESS_LENGTH])
.steps(|stage| {
    let server = stage.serve(Role::Encoder)?;
    let mut a = server.connect("a")?;
    a.send(b"\x02co")?;
    a.expect(b"\x1101100011 01101111")?;
    // 300 letters: AC 02. Their groups are 300 times nine bytes but one, 2699: 8B 15.
    a.dribble(b"\xac\x02")?;
    a.send([b'c'; 300])?;
    a.expect(b"\x8b\x15")?;
    let groups = vec!["01100011"; 300].join(" ");
    a.expect(groups)?;
    a.close(); // one client at a time
    let mut endless = server.connect("b")?;
    endless.send([0xff; 40])?;
    endless.expect_close().because(Saw::Nothing, &ENDLESS_LENGTH)?;
    let mut c = server.connect("c")?;
    c.send(b"\x01c")?;
    c.expect(b"\x0801100011")
});

const WAITS_FOR_ANSWER: Diagnosis = Diagnosis {
    id: "waits-for-answer",
    they: "wait for each answer before they ask on",
    text: "the second request came only when the first one had its answer: who reads between two writes waits for the other side each time.",
};

pub(super) static X_PIPELINED: Check = Check::exercise(
    "06.x-pipelined",
    Role::Client,
    "exercise: the client asks on without waiting for an answer",
    "pipelining_client {host} {port}",
)
.source("the book, 6.7")
.read("6.3")
.mistakes(&[&WAITS_FOR_ANSWER])
.steps(|stage| {
    let (mut client, mut server) = stage.client_and_peer("the server")?;
    let lines = [stage.payload(8), stage.payload(8), stage.payload(8)];
    for line in &lines {
        client.types(line);
        server.expect(frame(line)).because(Saw::Nothing, &WAITS_FOR_ANSWER)?;
    }
    client.types("");
    server.expect(frame(""))?;
    for line in &lines {
        server.send(frame(format!("the answer to {line}")))?;
        client.prints(format!("the answer to {line}\n"))?;
    }
    server.close();
    client.ends_with(0)
});
