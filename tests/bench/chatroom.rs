//! Chapter 7: one owner of the room, and one lock around it; with a member who does not read,
//! and without.

use super::rivals::{Measured, ROUNDS, Running, Spread, compare, ours, rival};
use checks::workspace::Programs;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// How many members are in the room, and how many of them talk.
const MEMBERS: usize = 100;
const TALKERS: usize = 10;

/// How many lines each talker says.
const EACH: usize = 500;

/// A line, after which a talker has said all.
const LAST: &str = "that is all";

/// How many lines are timed, one after another, while a member does not read.
const TIMED: usize = 400;

pub fn measure(programs: &Programs) -> Measured<()> {
    let [hub, queued, naive] =
        ["chatroom", "queued_room", "naive_room"].map(|name| ours(programs, name));
    let (hub, queued, naive) = (hub?, queued?, naive?);
    let hub = [&*hub, "server", "{port}"];
    compare(
        "100 members, of whom 10 talk",
        "lines delivered a second",
        &[
            rival("chatroom: one hub", || delivered(&hub)),
            rival("naive_room: one lock", || delivered(&[&naive, "{port}"])),
            rival("queued_room: a queue each", || delivered(&[&queued, "{port}"])),
        ],
    )?;
    println!("  the same room, in which one member does not read: a line takes");
    let delays: Measured<Vec<[f64; 2]>> = (0..ROUNDS).map(|_| delays(&hub)).collect();
    let delays = delays?;
    for (n, which) in ["median", "longest of 400"].into_iter().enumerate() {
        let spread = Spread::of(delays.iter().map(|delays| delays[n]));
        println!(
            "    {which:<28} {:>6.2} ms ({:.2} to {:.2})",
            spread.median, spread.least, spread.most
        );
    }
    Ok(())
}

/// Members who have joined, all of them.
fn joined(server: &Running) -> Measured<Vec<TcpStream>> {
    (0..MEMBERS)
        .map(|n| {
            let mut member = server.connect()?;
            member.write_all(format!("member{n}\n").as_bytes())?;
            // Its own joining is the first that it hears, and then it is in the room. A byte
            // after another, so that nothing is lost in a buffer.
            let mut line = Vec::new();
            while !line.ends_with(format!("member{n} has joined").as_bytes()) {
                let mut byte = [0];
                member.read_exact(&mut byte)?;
                line.push(byte[0]);
            }
            Ok(member)
        })
        .collect()
}

/// How many lines a second reach their readers, when all talk as fast as they can.
fn delivered(words: &[&str]) -> Measured<f64> {
    let server = Running::start(words)?;
    let members = joined(&server)?;
    let begun = Instant::now();
    thread::scope(|scope| {
        let mut busy = Vec::new();
        for (n, member) in members.iter().enumerate() {
            let others = if n < TALKERS { TALKERS - 1 } else { TALKERS };
            busy.push(scope.spawn(move || listen(member, others)));
            if n < TALKERS {
                busy.push(scope.spawn(move || talk(member)));
            }
        }
        busy.into_iter().try_for_each(|one| one.join().map_err(|_| "a thread panicked")?)
    })?;
    Ok((TALKERS * EACH * (MEMBERS - 1)) as f64 / begun.elapsed().as_secs_f64())
}

fn talk(mut member: &TcpStream) -> Measured<()> {
    // In pieces, as lines come that somebody pastes.
    let piece = "a line that is neither short nor long\n".repeat(EACH / 100);
    (0..100).try_for_each(|_| member.write_all(piece.as_bytes()))?;
    member.write_all(format!("{LAST}\n").as_bytes())?;
    Ok(())
}

/// Reads until so many others have said all.
fn listen(member: &TcpStream, others: usize) -> Measured<()> {
    let (mut reader, mut line) = (BufReader::with_capacity(64 * 1024, member), Vec::new());
    let mut left = others;
    while left > 0 {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err("a member was dropped".into());
        }
        if line.ends_with(format!("{LAST}\n").as_bytes()) {
            left -= 1;
        }
    }
    Ok(())
}

/// How long a line takes from one member to another while a third does not read: the median and
/// the longest, in milliseconds.
fn delays(words: &[&str]) -> Measured<[f64; 2]> {
    let server = Running::start(words)?;
    let members = joined(&server)?;
    let [_stalled, talker, listener, rest @ ..] = &*members else {
        return Err("too few".into());
    };
    thread::scope(|scope| {
        // The others read, and one of them fills the one who does not: with 4 MB, more than the
        // kernel keeps, and then with 4 MB a second.
        for member in rest.iter().chain([talker]) {
            scope.spawn(move || io::copy(&mut &*member, &mut io::sink()));
        }
        let block = "something that nobody needs to read\n".repeat(100);
        (0..1000).try_for_each(|_| (&rest[0]).write_all(block.as_bytes()))?;
        scope.spawn(move || -> io::Result<()> {
            loop {
                (&rest[0]).write_all(block.as_bytes())?;
                thread::sleep(Duration::from_millis(1));
            }
        });
        let mut heard = BufReader::new(listener);
        let mut times = Vec::new();
        for n in 0..TIMED {
            let begun = Instant::now();
            (&*talker).write_all(format!("line {n} of the clock\n").as_bytes())?;
            let mut line = String::new();
            while !line.ends_with("of the clock\n") {
                line.clear();
                heard.read_line(&mut line)?;
            }
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            thread::sleep(Duration::from_millis(2));
        }
        drop(server); // now all threads end

        let spread = Spread::of(times.into_iter());
        Ok([spread.median, spread.most])
    })
}
