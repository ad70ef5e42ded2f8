//! The graph: a panel for each number of clients, all on one time axis. Each has an IO graph (bytes
//! over time, the kernel's TCP errors marked) and under it a waterfall, a line for each session.

use crate::burst::{SAMPLE_EVERY, Step};
use std::{fmt::Write, time::Duration};

/// How many bars an IO graph has at most; where the first panel begins, and how high they are
/// together, unless each is then too flat.
const BARS: u32 = 200;
const TOP: usize = 44;
const PANELS: usize = 520;
const FLAT: usize = 118;

/// The colours are for light pages and dark ones. The stroke shows what would be too thin.
const STYLE: &str = "
svg { font: 13px system-ui, sans-serif; --paper: #fff; --ink: #222; --faint: #6b6b6b; --line: #ddd;
--bytes: #3b78c3; --errors: #c8102e; --connecting: #e69f00; --served: #00876c; --failed: #b0509a }
@media (prefers-color-scheme: dark) { svg {
--paper: #16181c; --ink: #e6e6e6; --faint: #a0a4ab; --line: #33373d; --bytes: #6ea8ee;
--errors: #ff6b78; --connecting: #ffc04d; --served: #3cc7a4; --failed: #e08acb } }
text { fill: var(--ink) } .bold { font-weight: 600 } .faint { fill: var(--faint) }
.end { text-anchor: end } .middle { text-anchor: middle }
svg svg path { fill: currentColor; stroke: currentColor; stroke-width: 0.7px;
vector-effect: non-scaling-stroke }
";

/// Draws all panels, one below the other.
pub fn draw(steps: &[Step]) -> String {
    let end = steps.iter().map(|step| step.time).max().unwrap_or_default();
    let panel = (PANELS / steps.len().max(1)).max(FLAT);
    let bottom = TOP + panel * steps.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {0}\">\n\
         <title>Bytes, TCP errors and sessions over time</title>\n<style>{STYLE}</style>\n\
         <path fill=\"var(--paper)\" d=\"M0 0h800v{0}h-800z\"/>\n",
        bottom + 24
    );
    for (n, color) in ["bytes", "errors", "connecting", "served", "failed"].iter().enumerate() {
        let x = 80 + 110 * n;
        let _ = writeln!(svg, "<path fill=\"var(--{color})\" d=\"M{x} 13h12v12h-12z\"/>");
        text(&mut svg, "", x + 18, 24, color);
    }
    time_axis(&mut svg, end, bottom);
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", TOP + panel * number);
        let served = step.sessions.iter().filter(|session| session.result.is_ok()).count();
        let failed = step.sessions.len() - served;
        text(&mut svg, "bold", 80, 14, &format!("{} clients", step.clients));
        text(&mut svg, "faint end", 780, 14, &format!("{served} served, {failed} failed"));
        io_graph(&mut svg, step, end);
        waterfall(&mut svg, step, end, panel as u32 - 72);
        svg.push_str("</g>\n");
    }
    svg + "</svg>"
}

/// A line through all panels at every round time: 1, 2 or 5 times a power of ten.
fn time_axis(svg: &mut String, end: Duration, bottom: usize) {
    let round = |power| [1, 2, 5].map(|n| Duration::from_micros(n * 10u64.pow(power)));
    let apart = (0..12).flat_map(round).find(|apart| *apart * 6 > end).unwrap_or(end);
    for at in (0..6).map(|number| apart * number).filter(|at| *at <= end) {
        let x = 80 + (700.0 * at.as_secs_f64() / end.as_secs_f64()) as usize;
        let _ = writeln!(svg, "<path stroke=\"var(--line)\" d=\"M{x} {TOP}V{bottom}\"/>");
        text(svg, "faint middle", x, bottom + 16, &format!("{at:?}").replace("0ns", "0"));
    }
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
    let most = bars.iter().map(|bar| bar.0).max().unwrap_or(0).max(1);
    let (mut bytes, mut errors) = (String::new(), String::new());
    for (number, (sent, wrong)) in bars.iter().enumerate() {
        let _ = write!(bytes, "M{number} {most}v-{sent}h1v{sent}");
        errors += &if *wrong { format!("M{number} 0v1h1v-1") } else { String::new() };
    }
    let across = end.as_secs_f64() / width.as_secs_f64();
    plot(svg, [20, 30], (across, most), &[("bytes", bytes)]);
    plot(svg, [52, 6], (across, 1), &[("errors", errors)]);
    let rate = most as f64 / width.as_secs_f64() / 1e6;
    text(svg, "faint end", 74, 28, &format!("{rate:.1} MB/s"));
}

/// The sessions in the order in which they ended: how long each connected, and what came then.
fn waterfall(svg: &mut String, step: &Step, end: Duration, height: u32) {
    let mut sessions: Vec<_> = step.sessions.iter().collect();
    sessions.sort_unstable_by_key(|session| session.begun + session.whole);
    let mut shapes = ["connecting", "served", "failed"].map(|color| (color, String::new()));
    for (y, session) in sessions.iter().enumerate() {
        let x = (session.begun - step.start).as_micros();
        let connecting = session.connecting.as_micros();
        let (from, rest) = (x + connecting, session.whole.as_micros() - connecting);
        let color = if session.result.is_ok() { 1 } else { 2 };
        let _ = write!(shapes[0].1, "M{x} {y}v1h{connecting}v-1");
        let _ = write!(shapes[color].1, "M{from} {y}v1h{rest}v-1");
    }
    plot(svg, [62, height], (end.as_micros() as f64, sessions.len() as u64), &shapes);
}

/// Shapes of some colours in a coordinate system of their own; `y` is where, and how high.
fn plot(svg: &mut String, y: [u32; 2], size: (f64, u64), shapes: &[(&str, String)]) {
    let _ = writeln!(
        svg,
        "<svg x=\"80\" y=\"{}\" width=\"700\" height=\"{}\" viewBox=\"0 0 {} {}\" \
         preserveAspectRatio=\"none\" overflow=\"visible\">",
        y[0], y[1], size.0, size.1
    );
    for (color, shape) in shapes {
        let _ = writeln!(svg, "<path color=\"var(--{color})\" d=\"{shape}\"/>");
    }
    svg.push_str("</svg>\n");
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, text: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
}
