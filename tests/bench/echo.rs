//! Chapter 3: a thread for each client, one thread that asks all, and an event loop.

use super::rivals::{Measured, Running, compare, file, is_here, ours, rival};
use checks::workspace::Programs;
use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Instant,
};

/// How many clients talk at the same time.
const CLIENTS: usize = 100;

/// How often each of them says something, and waits for it.
const EACH: usize = 300;

/// What they say.
const LINE: [u8; 64] = [b'x'; 64];

/// How many clients are connected and say nothing.
const IDLE: usize = 1000;

pub fn measure(programs: &Programs) -> Measured<()> {
    let (threads, polling) = (ours(programs, "echo-threaded")?, ours(programs, "polling")?);
    let asyncio = file("checks/right/03-asyncio.py");
    let marked = |blocking: &str| {
        let setting = format!("BLOCKING={blocking}");
        echoes(&["env", &setting, &threads, "server", "{port}"])
    };
    let mut all = vec![
        rival("echo-threaded", || echoes(&[&threads, "server", "{port}"])),
        rival("polling", || echoes(&[&polling, "{port}"])),
        rival("echo-threaded, BLOCKING=1", || marked("1")),
        rival("echo-threaded, a trace", || marked("/dev/null")),
    ];
    if is_here("python3") {
        all.push(rival("Python's asyncio", || {
            echoes(&["python3", &asyncio, "server", "{port}"])
        }));
    }
    compare("100 clients, 64 bytes there and back", "echoes a second", &all)?;
    println!("  1,000 clients who say nothing");
    println!("    {:.1} KiB of resident memory for each", idle(&threads)?);
    Ok(())
}

/// How many echoes a second come back.
fn echoes(words: &[&str]) -> Measured<f64> {
    let server = Running::start(words)?;
    let clients: Measured<Vec<TcpStream>> = (0..CLIENTS).map(|_| server.connect()).collect();
    let clients = clients?;
    let begun = Instant::now();
    thread::scope(|scope| {
        let talking: Vec<_> =
            clients.iter().map(|client| scope.spawn(move || talk(client))).collect();
        talking.into_iter().try_for_each(|talk| talk.join().map_err(|_| "a thread panicked")?)
    })?;
    Ok((CLIENTS * EACH) as f64 / begun.elapsed().as_secs_f64())
}

fn talk(mut client: &TcpStream) -> Measured<()> {
    let mut back = [0; LINE.len()];
    for _ in 0..EACH {
        client.write_all(&LINE)?;
        client.read_exact(&mut back)?;
    }
    Ok(())
}

/// What a client that says nothing costs, in KiB.
fn idle(program: &str) -> Measured<f64> {
    let server = Running::start(&[program, "server", "{port}"])?;
    let served = |mut client: &TcpStream| -> Measured<()> {
        client.write_all(b"x")?;
        client.read_exact(&mut [0])?;
        Ok(())
    };
    let first = server.connect()?;
    served(&first)?;
    let before = server.resident()?;
    // Each is heard once, so that its thread is there and waits.
    let clients: Measured<Vec<TcpStream>> = (0..IDLE)
        .map(|_| {
            let client = server.connect()?;
            served(&client)?;
            Ok(client)
        })
        .collect();
    let clients = clients?;
    Ok((server.resident()? - before) as f64 / clients.len() as f64)
}
