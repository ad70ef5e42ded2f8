//! The IO graph: bytes over time, and what went wrong when, a panel for each number of
//! clients. One SVG file that carries its own colours, for light pages and dark ones.

use crate::{
    numbers::{per_second, scaled},
    step::Step,
    timeline::Timeline,
};
use std::{fmt::Write, time::Duration};

/// The plot's left and right edge, and the width of the whole, in pixels.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 780.0;
const WIDTH: f64 = 800.0;

/// Where the first panel begins, and how high each is.
const TOP: f64 = 60.0;
const PANEL: f64 = 206.0;

/// Within a panel: the time axis, from which the bytes grow and the TCP errors hang, and the
/// line from which the failed sessions hang; how high bars grow, and how deep they hang.
const AXIS: f64 = 120.0;
const SECOND_AXIS: f64 = 142.0;
const HEIGHT: f64 = 86.0;
const DEPTH: f64 = 20.0;

const STYLE: &str = "\
svg { --paper: #fff; --ink: #222; --faint: #6b6b6b; --line: #ccc;
      --bytes: #3b78c3; --errors: #c8102e; --failures: #e08a00; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #16181c; --ink: #e6e6e6; --faint: #a0a4ab; --line: #4a4e55;
        --bytes: #6ea8ee; --errors: #ff6b78; --failures: #ffb84d; }
}
text { font: 13px system-ui, sans-serif; fill: var(--ink) }
.head { font-weight: 600; font-size: 15px } .faint { fill: var(--faint) } .end { text-anchor: end }
.mid { text-anchor: middle } .paper { fill: var(--paper) } .line { stroke: var(--line) }
.bytes { fill: var(--bytes) } .errors { fill: var(--errors) } .failures { fill: var(--failures) }";

/// What the colours mean: the class, the text, and where it stands.
const LEGEND: [(&str, &str, f64); 3] = [
    ("bytes", "bytes", 430.0),
    ("errors", "TCP errors", 520.0),
    ("failures", "failed sessions", 645.0),
];

/// Draws all panels, one below the other.
pub fn draw(steps: &[Step]) -> String {
    let height = TOP + PANEL * steps.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>Bytes over time under load, TCP errors and failed sessions marked</title>\n\
         <style>\n{STYLE}\n</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n"
    );
    text(&mut svg, "head", 20.0, 32.0, "Bytes over time");
    for (class, name, x) in LEGEND {
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"21\" width=\"12\" height=\"12\"/>"
        );
        text(&mut svg, "", x + 18.0, 32.0, name);
    }
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", TOP + PANEL * number as f64);
        panel(&mut svg, step);
        svg.push_str("</g>\n");
    }
    svg + "</svg>\n"
}

/// One number of clients: bytes above the time axis, below it what went wrong.
fn panel(svg: &mut String, step: &Step) {
    heading(svg, step);
    time_axis(svg, step.time);
    let highest = per_second(step.bytes.max(), Duration::from_micros(step.bytes.width()));
    line(svg, LEFT, AXIS - HEIGHT, RIGHT, AXIS - HEIGHT);
    label(svg, AXIS - HEIGHT, &format!("{}B/s", scaled(highest)));
    bars(svg, "bytes", AXIS, -HEIGHT, &step.bytes, step.time);
    for (class, from, timeline) in
        [("errors", AXIS, &step.errors), ("failures", SECOND_AXIS, &step.failures)]
    {
        if timeline.max() > 0 {
            label(svg, from + DEPTH - 4.0, &timeline.max().to_string());
            bars(svg, class, from, DEPTH, timeline, step.time);
        }
    }
}

fn heading(svg: &mut String, step: &Step) {
    let failed = step.sessions - step.done;
    let errors = match step.errors.total() {
        _ if step.counters.is_none() => String::new(),
        errors => format!(", {errors} TCP errors"),
    };
    let rate = scaled(per_second(step.bytes.total(), step.time));
    let summary = format!("{} served, {failed} failed{errors}, {rate}B/s", step.done);
    text(svg, "head", LEFT, 20.0, &format!("{} clients", step.clients));
    text(svg, "faint end", RIGHT, 20.0, &summary);
}

/// The axis, with a mark at every round time.
fn time_axis(svg: &mut String, time: Duration) {
    let end = time.as_secs_f64().max(1e-6);
    let apart = round_step(end / 5.0);
    let mut at = 0.0;
    while at <= end {
        let x = LEFT + at / end * (RIGHT - LEFT);
        line(svg, x, AXIS, x, SECOND_AXIS + DEPTH + 4.0);
        let label = if end < 1.0 { format!("{:.4}", at * 1e3) } else { format!("{at:.4}") };
        let label = label.trim_end_matches('0').trim_end_matches('.');
        let unit = if end < 1.0 { "ms" } else { "s" };
        text(svg, "faint mid", x, SECOND_AXIS + DEPTH + 18.0, &format!("{label} {unit}"));
        at += apart;
    }
    line(svg, LEFT, AXIS, RIGHT, AXIS);
}

/// The next number that is 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let ten = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|n| n * ten).into_iter().find(|n| *n >= least).unwrap_or(least)
}

/// What the longest bar stands for.
fn label(svg: &mut String, y: f64, label: &str) {
    text(svg, "faint end", LEFT - 8.0, y + 4.0, label);
}

/// A bar for each span of the timeline, all in one path, from the line `from`. The longest
/// has the length `longest`; one below 0 grows upwards.
fn bars(
    svg: &mut String,
    class: &str,
    from: f64,
    longest: f64,
    timeline: &Timeline,
    time: Duration,
) {
    let pixels = (RIGHT - LEFT) / time.as_micros().max(1) as f64;
    let _ = write!(svg, "<path class=\"{class}\" d=\"");
    for (start, sum) in timeline.spans().filter(|(_, sum)| *sum > 0) {
        let x = (LEFT + start as f64 * pixels).min(RIGHT - 2.0);
        let width = (timeline.width() as f64 * pixels).clamp(2.0, RIGHT - x);
        let length = sum as f64 / timeline.max() as f64 * longest;
        let _ = write!(svg, "M{x:.1} {from}h{width:.1}v{length:.1}h-{width:.1}z");
    }
    svg.push_str("\"/>\n");
}

fn line(svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64) {
    let _ = writeln!(
        svg,
        "<line class=\"line\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    );
}

fn text(svg: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_marks_are_round_numbers() {
        let of = |least: f64| format!("{:.4}", round_step(least));
        assert_eq!(
            [of(0.2), of(0.21), of(0.0007), of(7.0)],
            ["0.2000", "0.5000", "0.0010", "10.0000"]
        );
    }
}
