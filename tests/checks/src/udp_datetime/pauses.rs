//! Chapter 4, whether the client's pauses are random ones of 1 to 2 seconds (`04.delay`). A few
//! clients are watched side by side; one that varies its pauses is enough.

use super::asked;
use stage::{
    Stage,
    failure::{Diagnosis, Explain, Step, fail},
    patience,
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

/// The mistake of asking without a pause.
pub const NO_DELAY: Diagnosis = Diagnosis {
    id: "no-delay",
    they: "ask without a pause",
    text: "the next request came at once: what is between two rounds of the loop?",
};

/// The mistake of making the same pause each time.
pub const SAME_DELAY: Diagnosis = Diagnosis {
    id: "same-delay",
    they: "pause the same time each time",
    text: "all pauses are equally long: is the random number made for each pause, or once?",
};

const CLIENTS: usize = 3;

/// Pauses of one client that differ by more than this, in seconds, are not of one length; nor are
/// those surely of one length that differ by more than the other.
const DIFFERENT: f64 = 0.2;
const ALIKE: f64 = 0.08;

/// How many pauses of a client have to be alike before it is believed. A client that chooses
/// between whole seconds makes six equal ones in 1 of 32 tries, and a failure takes two tries.
const ENOUGH: usize = 6;

/// The client waits a random time of 1 to 2 seconds between requests.
pub fn vary(stage: &Stage) -> Step {
    let known = AtomicBool::new(false);
    let watched: Vec<Step<Vec<f64>>> = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| watch(stage, &known))).collect();
        clients.into_iter().filter_map(|client| client.join().ok()).collect()
    });
    let clients: Vec<Vec<f64>> = watched.into_iter().collect::<Step<_>>()?;
    let all: Vec<f64> = clients.concat();
    let shown = all.iter().map(|pause| format!("{pause:.2}")).collect::<Vec<_>>().join(", ");
    stage.log.step(format_args!("the pauses of {CLIENTS} clients, in seconds: {shown}"));
    let count = |is_so: fn(f64) -> bool| all.iter().filter(|pause| is_so(**pause)).count();
    // By a generous measure: a random time from 0.5 to 1.5 passes, or one from 1 to 3.
    if 4 * count(|pause| !(0.7..=2.6).contains(&pause)) > all.len() {
        return fail("pauses of 1 to 2 seconds", shown).confirm(
            &NO_DELAY,
            "most are shorter than half a second",
            || 2 * count(|pause| pause < 0.5) > all.len(),
        );
    }
    let alike = |pauses: &Vec<f64>| pauses.len() >= ENOUGH && spread(pauses) < ALIKE;
    if !known.load(Ordering::Relaxed) && clients.iter().all(alike) {
        return fail("pauses that vary", shown).confirm(
            &SAME_DELAY,
            "no two of a client's pauses differ",
            || clients.iter().all(alike),
        );
    }
    Ok(()) // also if none asks often enough to tell, which is for another check to say
}

/// One client's pauses, in seconds, until it is `known` that they vary, or there are enough. A
/// pause in which the client was kept from running says nothing.
fn watch(stage: &Stage, known: &AtomicBool) -> Step<Vec<f64>> {
    let (client, mut host) = asked(stage, "127.0.0.1", "")?;
    let mut pauses = Vec::new();
    while pauses.len() < ENOUGH && !known.load(Ordering::Relaxed) {
        let (begun, waited) = (Instant::now(), client.process.kept_waiting());
        host.answer(stage)?;
        let over = || known.load(Ordering::Relaxed) || client.process.heard().exit().is_some();
        let Some(request) = host.socket.receive_unless(over, 2 * patience())? else { break };
        host.request = request;
        let doubt = client.process.kept_waiting().abs_diff(waited).as_secs_f64();
        if doubt < ALIKE / 2.0 {
            pauses.push(begun.elapsed().as_secs_f64());
        }
        if spread(&pauses) > DIFFERENT {
            known.store(true, Ordering::Relaxed);
        }
    }
    Ok(pauses)
}

/// By how much the longest exceeds the shortest.
fn spread(pauses: &[f64]) -> f64 {
    let (least, most) = (f64::INFINITY, f64::NEG_INFINITY);
    pauses.iter().copied().fold(most, f64::max) - pauses.iter().copied().fold(least, f64::min)
}
