//! The graph: a panel for each number of clients, all on one time axis. Each has an IO graph (bytes
//! over time, the kernel's TCP errors marked) and under it a waterfall, a line for each session.

use crate::burst::{SAMPLE_EVERY, Step};
use std::{fmt::Write, time::Duration};

// Pixels: the width of the whole, the plot's edges, the first panel's top, and the height of
// each; in a panel, the IO graph's axis and the waterfall.
const WIDTH: f64 = 800.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 780.0;
const TOP: f64 = 44.0;
const PANEL: f64 = 118.0;
const AXIS: f64 = 50.0;
const WATERFALL: [f64; 2] = [62.0, 108.0];

/// How many bars an IO graph has, unless that would be more than there are samples.
const BARS: u32 = 200;
/// Its own colours, for light pages and dark ones.
const STYLE: &str = "svg { font: 13px system-ui, sans-serif; --paper: #fff; --ink: #222; \
--faint: #6b6b6b; --line: #ddd; --bytes: #3b78c3; --errors: #c8102e; --connecting: #e69f00; \
--served: #00876c; --failed: #b0509a }
@media (prefers-color-scheme: dark) { svg { --paper: #16181c; --ink: #e6e6e6; --faint: #a0a4ab; \
--line: #33373d; --bytes: #6ea8ee; --errors: #ff6b78; --connecting: #ffc04d; --served: #3cc7a4; \
--failed: #e08acb } }
text { fill: var(--ink) } .bold { font-weight: 600 } .faint { fill: var(--faint) } \
.end { text-anchor: end } .middle { text-anchor: middle }";

/// Draws all panels, one below the other.
pub fn draw(steps: &[Step]) -> String {
    let end = steps.iter().map(|step| step.time).max().unwrap_or_default();
    let bottom = TOP + PANEL * steps.len() as f64;
    let height = bottom + 24.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <title>Bytes, TCP errors and sessions over time</title>\n<style>{STYLE}</style>\n"
    );
    fill(&mut svg, "paper", &rect(0.0, 0.0, WIDTH, height));
    for (n, color) in ["bytes", "errors", "connecting", "served", "failed"].iter().enumerate() {
        let x = LEFT + 110.0 * n as f64;
        fill(&mut svg, color, &rect(x, 13.0, 12.0, 12.0));
        text(&mut svg, "", x + 18.0, 24.0, color);
    }
    time_axis(&mut svg, end, bottom);
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", TOP + PANEL * number as f64);
        panel(&mut svg, step, end);
        svg.push_str("</g>\n");
    }
    svg + "</svg>"
}

/// A line through all panels at every round time: 1, 2 or 5 times a power of ten.
fn time_axis(svg: &mut String, end: Duration, bottom: f64) {
    let round = |power| [1, 2, 5].map(|n| Duration::from_micros(n * 10u64.pow(power)));
    let apart = (0..12).flat_map(round).find(|apart| *apart * 6 > end).unwrap_or(end);
    for at in (0..6).map(|number| apart * number).filter(|at| *at <= end) {
        let x = LEFT + pixels(at, end);
        fill(svg, "line", &rect(x, TOP, 1.0, bottom - TOP));
        let label = format!("{at:?}").replace("0ns", "0");
        text(svg, "faint middle", x, bottom + 16.0, &label);
    }
}

/// One number of clients.
fn panel(svg: &mut String, step: &Step, end: Duration) {
    let served = step.sessions.iter().filter(|session| session.result.is_ok()).count();
    let failed = step.sessions.len() - served;
    text(svg, "bold", LEFT, 14.0, &format!("{} clients", step.clients));
    text(svg, "faint end", RIGHT, 14.0, &format!("{served} served, {failed} failed"));
    io_graph(svg, step, end);
    waterfall(svg, step, end);
}

/// Bytes in each span of time above the axis, and a mark below it where TCP errors grew.
fn io_graph(svg: &mut String, step: &Step, end: Duration) {
    let width = SAMPLE_EVERY.max(end / BARS);
    let bar = |at: Duration| (at.min(end).as_nanos() / width.as_nanos()) as usize;
    let mut bars = vec![(0, false); bar(end) + 1];
    for pair in step.samples.windows(2) {
        bars[bar(pair[1].at)].0 += pair[1].bytes - pair[0].bytes;
        bars[bar(pair[1].at)].1 |= pair[1].errors > pair[0].errors;
    }
    let most = bars.iter().map(|bar| bar.0).max().unwrap_or(0).max(1) as f64;
    let (mut bytes, mut errors, wide) = (String::new(), String::new(), pixels(width, end));
    for (number, (sent, wrong)) in bars.into_iter().enumerate() {
        let x = LEFT + wide * number as f64;
        bytes += &rect(x, AXIS, wide, sent as f64 / most * -30.0);
        errors += &rect(x, AXIS + 2.0, wide, if wrong { 6.0 } else { 0.0 });
    }
    fill(svg, "bytes", &bytes);
    fill(svg, "errors", &errors);
    let rate = format!("{:.1} MB/s", most / width.as_secs_f64() / 1e6);
    text(svg, "faint end", LEFT - 6.0, AXIS - 22.0, &rate);
}

/// The sessions in the order in which they ended: how long each took to connect, and how long
/// it was from there to its end.
fn waterfall(svg: &mut String, step: &Step, end: Duration) {
    let mut sessions: Vec<_> = step.sessions.iter().collect();
    sessions.sort_unstable_by_key(|session| session.begun + session.whole);
    let height = (WATERFALL[1] - WATERFALL[0]) / sessions.len() as f64;
    let mut shapes = ["connecting", "served", "failed"].map(|color| (color, String::new()));
    for (number, session) in sessions.into_iter().enumerate() {
        let x = LEFT + pixels(session.begun - step.start, end);
        let y = WATERFALL[0] + number as f64 * height;
        let connected = pixels(session.connecting, end);
        let rest = (pixels(session.whole, end) - connected).max(1.0); // or it could not be seen
        let color = if session.result.is_ok() { 1 } else { 2 };
        shapes[0].1 += &rect(x, y, connected, height);
        shapes[color].1 += &rect(x + connected, y, rest, height);
    }
    shapes.iter().for_each(|(color, shape)| fill(svg, color, shape));
}

/// How wide a time is.
fn pixels(time: Duration, end: Duration) -> f64 {
    time.as_secs_f64() / end.as_secs_f64() * (RIGHT - LEFT)
}

/// A part of a shape.
fn rect(x: f64, y: f64, width: f64, height: f64) -> String {
    if height == 0.0 {
        return String::new();
    }
    format!("M{x:.1} {y:.2}h{width:.1}v{height:.2}h-{width:.1}z")
}

fn fill(svg: &mut String, color: &str, shape: &str) {
    let _ = writeln!(svg, "<path fill=\"var(--{color})\" d=\"{shape}\"/>");
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}
