//! Chapter 4, whether the client's pauses vary (`04.delay`): several clients are watched until it
//! is known. This machine may make equal pauses look different, and random ones may be equal by
//! chance: what is in doubt is not counted, and the bounds say how unlikely the rest is.

use super::asked;
use stage::{
    Stage,
    failure::{Diagnosis, Explain, Outcome, Stop, fail},
    metronome::Metronome,
    patience,
};
use std::{
    fmt::{self, Display, Formatter},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

/// The mistake of asking without a pause.
pub const NO_DELAY: Diagnosis = Diagnosis {
    id: "no-delay",
    they: "ask without a pause",
    text: "the next request came at once: what stands between two rounds of the loop?",
};
/// The mistake of making the same pause each time.
pub const SAME_DELAY: Diagnosis = Diagnosis {
    id: "same-delay",
    they: "pause the same time each time",
    text: "all pauses are equally long: is the random number made anew for each pause?",
};

/// How many clients are watched at the same time: it takes less time than to watch one for long.
const CLIENTS: usize = 6;

/// How many of them are enough to tell what all do: one may have had bad luck.
const ENOUGH: usize = 2;

/// A client is watched for so many pauses, and for so long, in seconds. One that sleeps for whole
/// seconds chooses between two only, and these fall the same way more often: in one of 32 cases.
const PAUSES: usize = 3;
const WATCHED: f64 = 4.5;
const WHOLE_PAUSES: usize = 6;

/// Of one that ends sooner so many of these have to do.
const LAST_PAUSES: usize = 4;

/// One whose pauses are in doubt is given up after so many.
const MOST_PAUSES: usize = 9;

/// A pause of which more than this is in doubt, in seconds, is not taken as a sample.
const DOUBTFUL: f64 = 0.2;

/// Pauses whose lengths differ by more than this, in seconds, surely vary.
const DIFFERENT: f64 = 0.2;

/// By less than this, and they are taken for equal. One client's random pauses are so in one of 180
/// cases, or in one of 9 where all are in doubt; but nearly all clients' have to be, in two tries.
/// Those that take the time for their seed are all one client, in each try another: whole seconds
/// have bad luck in one of 1,000 cases, others in one of 30,000, or of 80 where all are in doubt.
const ALIKE: f64 = 0.06;

/// The client waits a random time of 1 to 2 seconds between requests.
pub fn vary(stage: &Stage) -> Outcome {
    let (clients, metronome) = (Clients::default(), Metronome::start());
    let pauses: Vec<Outcome<Vec<Pause>>> = thread::scope(|scope| {
        let start = || scope.spawn(|| watch(stage, &clients, &metronome));
        let watched: Vec<_> = (0..CLIENTS).map(|_| start()).collect();
        let panicked = |_| Err(Stop::Grader("a thread panicked".into()));
        watched.into_iter().map(|client| client.join().unwrap_or_else(panicked)).collect()
    });
    let (pauses, others): (Vec<_>, Vec<_>) = pauses.into_iter().partition(Outcome::is_ok);
    if pauses.len() < ENOUGH {
        // The first that did not even ask says why.
        others.into_iter().next().unwrap_or(Ok(Vec::new()))?;
    }
    let pauses: Vec<Vec<Pause>> = pauses.into_iter().flatten().collect();
    let shown: Vec<String> = pauses
        .iter()
        .filter(|pauses| !pauses.is_empty())
        .map(|pauses| pauses.iter().map(Pause::to_string).collect::<Vec<_>>().join(" "))
        .collect();
    let shown = format!("of {} clients, in seconds: {}", shown.len(), shown.join(", "));
    stage.log.step(format_args!("the pauses {shown}"));
    let all: Vec<&Pause> = pauses.iter().flatten().collect();
    let count = |is_so: fn(&Pause) -> bool| all.iter().filter(|pause| is_so(pause)).count();
    // Of any pause we may see the end late, and so the next one too short; never of many.
    if 4 * count(Pause::is_odd) > all.len() {
        let none = 2 * count(|pause| pause.between < 0.5) > all.len();
        return fail("pauses of 1 to 2 seconds", format!("those {shown}"))
            .means(none, &NO_DELAY);
    }
    if clients.are_alike() {
        return fail("each client's pauses vary", format!("those {shown}"))
            .means(true, &SAME_DELAY);
    }
    Ok(()) // also if none asks twice, which is for another check to say
}

/// How many clients were seen to do what.
#[derive(Default)]
struct Clients {
    varying: AtomicUsize,
    alike: AtomicUsize,
}

impl Clients {
    /// Counts one of whose pauses enough is known.
    fn count(&self, sample: &Sample) {
        self.varying.fetch_add(usize::from(sample.varies()), Ordering::Relaxed);
        self.alike.fetch_add(usize::from(sample.is_alike()), Ordering::Relaxed);
    }

    /// True if no more of them need to be watched.
    fn are_known(&self) -> bool {
        self.varying.load(Ordering::Relaxed) >= ENOUGH || self.are_alike()
    }

    /// True if so many make equal pauses that not enough others are left.
    fn are_alike(&self) -> bool {
        self.alike.load(Ordering::Relaxed) > CLIENTS - ENOUGH
    }
}

/// How long a client was silent, in seconds.
struct Pause {
    /// From one request to the next. Some pause when they have asked.
    between: f64,
    /// From the answer to the next request, as we saw it.
    behind: f64,
    /// By about how much these may be wrong: so long this machine stood still, or kept the client
    /// from running.
    doubt: f64,
}

impl Pause {
    /// True if it is none of 1 to 2 seconds, by a generous measure.
    fn is_odd(&self) -> bool {
        self.between + self.doubt < 0.7 || self.between - self.doubt > 2.6
    }
}

impl Display for Pause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.between)
    }
}

/// A client's pauses, until it is known of enough clients whether they vary theirs.
fn watch(stage: &Stage, clients: &Clients, metronome: &Metronome) -> Outcome<Vec<Pause>> {
    let (client, mut host) = asked(stage, "127.0.0.1", "")?;
    let mut pauses: Vec<Pause> = Vec::new();
    let mut asked = Instant::now();
    loop {
        let waited = client.process.kept_waiting();
        let answered = Instant::now();
        host.answer(stage)?;
        let exited = || client.process.heard().exit().is_some();
        let over = || clients.are_known() || exited();
        let next = host.socket.receive_unless(over, 2 * patience())?;
        let since = |moment: Instant| moment.elapsed().as_secs_f64();
        let (between, behind) = (since(asked), since(answered));
        if next.is_none() && over() {
            let sample = Sample::of(&pauses);
            if exited() && sample.is_enough(LAST_PAUSES) {
                clients.count(&sample);
            }
            return Ok(pauses);
        }
        // Less than before counts too: a thread of it, or a child, has ended.
        let waited = client.process.kept_waiting().abs_diff(waited);
        let doubt = (waited + metronome.most_late_since(answered)).as_secs_f64();
        pauses.push(Pause { between, behind, doubt });
        let Some(next) = next else { return Ok(pauses) };
        (host.request, asked) = (next, Instant::now());
        let sample = Sample::of(&pauses);
        if sample.varies() || sample.is_enough(WHOLE_PAUSES) {
            clients.count(&sample);
            return Ok(pauses);
        }
        if pauses.len() >= MOST_PAUSES {
            return Ok(pauses); // there was too much doubt
        }
    }
}

/// The pauses of a client that are known well enough, in seconds.
struct Sample {
    count: usize,
    sum: f64,
    shortest: f64,
    longest: f64,
    /// The greatest doubt about any of them.
    doubt: f64,
}

impl Sample {
    fn of(pauses: &[Pause]) -> Sample {
        let nothing =
            Sample { count: 0, sum: 0.0, shortest: f64::INFINITY, longest: 0.0, doubt: 0.0 };
        let known = pauses.iter().filter(|pause| pause.doubt <= DOUBTFUL);
        known.fold(nothing, |sample, pause| Sample {
            count: sample.count + 1,
            sum: sample.sum + pause.behind,
            shortest: sample.shortest.min(pause.behind),
            longest: sample.longest.max(pause.behind),
            doubt: sample.doubt.max(pause.doubt),
        })
    }

    /// True if the pauses are surely not of one length.
    fn varies(&self) -> bool {
        self.longest - self.shortest > DIFFERENT + self.doubt
    }

    /// True if they are of one length, as far as can be seen.
    fn is_alike(&self) -> bool {
        self.longest - self.shortest < ALIKE + self.doubt
    }

    /// True if they are enough to tell: so many where they may be `whole` seconds.
    fn is_enough(&self, whole: usize) -> bool {
        // A clock may be so little ahead of ours; nobody pauses for none.
        let beyond = self.shortest - (self.shortest + 0.01).floor();
        let is_whole = self.shortest > 0.5 && beyond < ALIKE + self.doubt;
        self.count >= whole || (!is_whole && self.count >= PAUSES && self.sum >= WATCHED)
    }
}
