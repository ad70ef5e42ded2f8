//! Chapter 8: what a session costs the one who makes the load, and what a server can take.

use super::rivals::{Measured, Running, compare, file, is_here, ours, rival};
use checks::workspace::Programs;
use std::process::Command;

/// How many clients come at once, and how often.
const CLIENTS: usize = 100;
const TIMES: usize = 20;

/// How long the message of each is: loadgen's own choice, which its rival is told.
const MESSAGE_BYTES: &str = "65536";

pub fn measure(programs: &Programs) -> Measured<()> {
    let [loadgen, pool] = ["loadgen", "accept_pool"].map(|name| ours(programs, name));
    let (loadgen, pool) = (loadgen?, pool?);
    let asyncio = file("bench/load.py");
    let server = Running::start(&[&loadgen, "server", "{port}"])?;
    let port = server.port.to_string();
    let (clients, rounds) = (CLIENTS.to_string(), TIMES.to_string());
    let ours = [
        &*loadgen,
        "127.0.0.1",
        &port,
        "--clients",
        &clients,
        "--rounds",
        &rounds,
        "--message-bytes",
        MESSAGE_BYTES,
    ];
    if is_here("python3") {
        compare(
            "100 sessions at once, 20 times: the processor's time that the clients take",
            "ms a session",
            &[
                rival("Python's asyncio", || {
                    processor(&["python3", &asyncio, &port, &clients, &rounds, MESSAGE_BYTES])
                }),
                rival("loadgen", || processor(&ours)),
            ],
        )?;
    }
    let pooled = |threads: &'static str| {
        let (loadgen, pool) = (&loadgen, &pool);
        move || sessions(loadgen, &[pool, "{port}", "--threads", threads])
    };
    compare(
        "the same load, and how many sessions a second a server serves",
        "sessions a second",
        &[
            rival("loadgen server", || sessions(&loadgen, &[&loadgen, "server", "{port}"])),
            rival("accept_pool --threads 2", pooled("2")),
            rival("accept_pool --threads 8", pooled("8")),
            rival("accept_pool --threads 100", pooled("100")),
        ],
    )
}

/// The processor time of a command's own processes for each session, in milliseconds.
fn processor(words: &[&str]) -> Measured<f64> {
    // A shell's `times` says it in two lines: its own, and its children's.
    let done = Command::new("sh")
        .args(["-c", "\"$@\" > /dev/null 2>&1 || exit; times", "sh"])
        .args(words)
        .output()?;
    if !done.status.success() {
        return Err(format!("{}: {}", words.join(" "), done.status).into());
    }
    let text = String::from_utf8(done.stdout)?;
    let children = text.lines().nth(1).ok_or("times says nothing")?;
    let mut seconds = 0.0;
    for time in children.split_whitespace() {
        let (minutes, rest) = time.split_once('m').ok_or("times says no minutes")?;
        seconds +=
            60.0 * minutes.parse::<f64>()? + rest.trim_end_matches('s').parse::<f64>()?;
    }
    Ok(seconds * 1000.0 / (CLIENTS * TIMES) as f64)
}

/// How many sessions a second are served, by loadgen's own measure of the load.
fn sessions(loadgen: &str, server: &[&str]) -> Measured<f64> {
    let server = Running::start(server)?;
    let (port, clients, rounds) =
        (server.port.to_string(), CLIENTS.to_string(), TIMES.to_string());
    let begun = std::time::Instant::now();
    let done = Command::new(loadgen)
        .args(["127.0.0.1", &port, "--clients", &clients, "--rounds", &rounds])
        .output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    Ok((CLIENTS * TIMES) as f64 / begun.elapsed().as_secs_f64())
}
