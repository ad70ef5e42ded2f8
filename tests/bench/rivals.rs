//! Programs that are measured side by side, and how what they did is shown.

use checks::workspace::{self, Programs};
use stage::kernel;
use std::{
    error::Error,
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// What was measured, or why not.
pub type Measured<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How often everything is measured.
pub const ROUNDS: usize = 5;

/// How long a program may need before it listens.
const START: Duration = Duration::from_secs(10);

/// A running program. Dropping it ends it.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Running {
    /// Starts a server with these words, in which `{port}` is open, and waits until it listens.
    pub fn start(words: &[&str]) -> Measured<Running> {
        let port = kernel::free_port().ok_or("no port is free")?;
        let words: Vec<String> =
            words.iter().map(|word| word.replace("{port}", &port.to_string())).collect();
        let quiet = (Stdio::null(), Stdio::null(), Stdio::null());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(quiet.0)
            .stdout(quiet.1)
            .stderr(quiet.2)
            .spawn()
            .map_err(|e| format!("{}: {e}", words[0]))?;
        let running = Running { child, port };
        if kernel::look_until(START, || kernel::is_listening(port)) {
            return Ok(running);
        }
        Err(format!("{} does not listen", words.join(" ")).into())
    }

    /// Connects a client.
    pub fn connect(&self) -> Measured<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(stream)
    }

    /// Its resident memory, in KiB (proc(5)).
    pub fn resident(&self) -> Measured<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        Ok(line.and_then(|line| line.split_whitespace().nth(1)).ok_or("no VmRSS")?.parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program of ours is.
pub fn ours(programs: &Programs, name: &str) -> Measured<String> {
    let program = programs.get(name).ok_or_else(|| format!("{name} is not built"))?;
    Ok(program.display().to_string())
}

/// A file of the crate `tests`.
pub fn file(name: &str) -> String {
    workspace::root().join("tests").join(name).display().to_string()
}

/// True if a program of this name can be run here; if not, that is said.
pub fn is_here(tool: &str) -> bool {
    let here = stage::process::on_path(tool) || Path::new(tool).is_file();
    if !here {
        println!("  left out: there is no {tool} here");
    }
    here
}

/// Somebody who is measured: a name, and what is measured.
pub struct Rival<'a> {
    /// For people.
    pub name: &'a str,
    /// Measures once.
    pub measure: Box<dyn Fn() -> Measured<f64> + 'a>,
}

/// A rival of this name.
pub fn rival<'a>(name: &'a str, measure: impl Fn() -> Measured<f64> + 'a) -> Rival<'a> {
    Rival { name, measure: Box::new(measure) }
}

/// Measures all rivals in turn, round by round, and shows each beside the first.
pub fn compare(what: &str, unit: &str, rivals: &[Rival]) -> Measured<()> {
    println!("  {what}");
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let round: Measured<Vec<f64>> = rivals.iter().map(|rival| (rival.measure)()).collect();
        rounds.push(round?);
    }
    for (n, rival) in rivals.iter().enumerate() {
        let figure = Spread::of(rounds.iter().map(|round| round[n]));
        let ratio = Spread::of(rounds.iter().map(|round| round[n] / round[0]));
        println!(
            "    {:<28} {:>6.2} ({:.2} to {:.2})   {} {unit}",
            rival.name,
            ratio.median,
            ratio.least,
            ratio.most,
            rounded(figure.median)
        );
    }
    Ok(())
}

/// Some figures.
pub struct Spread {
    /// The smallest.
    pub least: f64,
    /// The one in the middle.
    pub median: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Those of these figures, of which there is one at least.
    pub fn of(figures: impl Iterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        Spread { least: at(0.0), median: at(0.5), most: at(1.0) }
    }
}

/// A figure with as many digits as mean something.
fn rounded(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}
