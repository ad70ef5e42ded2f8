//! Draws lanes as SVG: narrow enough for a telephone, light and dark as the reader has it.

use super::lanes::{Arrow, Figure, Moment, State};
use std::fmt::Write;

/// How wide a figure is, in pixels. It is read on screens of 390 pixels too, where it is
/// shown at three quarters of its size.
const WIDTH: i32 = 480;

/// What is left free on each side.
const MARGIN: i32 = 16;

/// How wide the bar of a lane is.
const BAR: i32 = 12;

/// From one line of text to the next.
const LINE: i32 = 17;

/// Colours, and how each thing looks. The background is drawn too: a reader's page may be
/// light while the reader's system is dark.
const STYLE: &str = "
  svg { --paper: #fbfbfd; --edge: #dcdfe6; --ink: #1f2430; --soft: #5a6374; --line: #c3c9d4;
        --runs: #2f6fde; --waits: #c77700; --holds: #0f8f80; --full: #d0342c; --note: #eceef3; --loud: #fdeceb }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #171b22; --edge: #2b313c; --ink: #e7eaf0; --soft: #a0a9b8; --line: #46505f;
          --runs: #6ea8ff; --waits: #f2b04a; --holds: #4fd1c1; --full: #ff7a70; --note: #262c36; --loud: #3a2023 }
  }
  text { font: 14px system-ui, -apple-system, \"Segoe UI\", Roboto, \"Liberation Sans\", sans-serif;
         fill: var(--ink); stroke: var(--paper); stroke-width: 4px; paint-order: stroke;
         stroke-linejoin: round }
  .title { font-size: 16px; font-weight: 650 }
  .head { font-weight: 650 }
  .soft { fill: var(--soft); font-size: 13px }
  .middle { text-anchor: middle; stroke-width: 7px }
  .end { text-anchor: end }
  .paper { fill: var(--paper); stroke: var(--edge) }
  .life { stroke: var(--line); stroke-dasharray: 2 5; stroke-linecap: round }
  .rule { stroke: var(--edge) }
  .arrow { stroke: var(--ink); stroke-width: 1.6; fill: none }
  .tip { fill: var(--ink) }
  .stuck { stroke: var(--full); stroke-width: 2.4; fill: none; stroke-linecap: round }
  .runs { fill: var(--runs) }
  .waits { fill: url(#hatch); stroke: var(--waits) }
  .hatch { stroke: var(--waits); stroke-width: 3 }
  .holds { fill: var(--holds) }
  .full { fill: var(--full) }
  text.runs, text.waits, text.holds, text.full { stroke: var(--paper) }
  text.waits { fill: var(--waits) }
  .note { fill: var(--note) }
  .loud { fill: var(--loud); stroke: var(--full) }
  .note + text, .loud + text { stroke: none }
";

/// The figure as a file of SVG.
pub fn draw(figure: &Figure) -> String {
    let mut drawing = Drawing::new(figure);
    let top = drawing.heads();
    let mut bottom = top;
    for moment in &figure.moments {
        bottom = drawing.moment(moment, bottom);
    }
    drawing.finish(top, bottom + 10)
}

/// A drawing, in the order in which its parts cover each other.
struct Drawing<'a> {
    figure: &'a Figure,
    title: String,
    /// The bars of the lanes.
    bars: String,
    /// What stands in front of them.
    front: String,
    /// What each lane does now, and since which height.
    now: Vec<(State, i32)>,
    /// All that a lane ever does here.
    used: Vec<State>,
}

impl Drawing<'_> {
    fn new(figure: &Figure) -> Drawing<'_> {
        Drawing {
            figure,
            title: String::new(),
            bars: String::new(),
            front: String::new(),
            now: vec![(State::Stops, 0); figure.lanes.len()],
            used: Vec::new(),
        }
    }

    /// From one lane to the next.
    fn pitch(&self) -> i32 {
        let lanes = i32::try_from(self.figure.lanes.len()).unwrap_or(1).max(1);
        (WIDTH - 2 * MARGIN) / lanes
    }

    /// The middle of a lane's bar.
    fn x(&self, lane: usize) -> i32 {
        MARGIN + BAR / 2 + self.pitch() * i32::try_from(lane).unwrap_or(0)
    }

    /// The title and what stands above the lanes. Returns where they begin.
    fn heads(&mut self) -> i32 {
        let mut y = MARGIN + 8;
        for line in wrapped(&self.figure.title, WIDTH - 2 * MARGIN, 9) {
            text(&mut self.title, "title", MARGIN, y, &line);
            y += LINE + 3;
        }
        y += 8;
        let mut bottom = y;
        for (lane, heads) in self.figure.lanes.iter().enumerate() {
            let (x, width) = (self.x(lane) - BAR / 2, self.pitch() - 10);
            let mut below = y;
            for (class, words, letter) in
                [("head", &heads.head, 9), ("soft", &heads.subhead, 8)]
            {
                for line in wrapped(words, width, letter) {
                    text(&mut self.title, class, x, below, &line);
                    below += LINE;
                }
            }
            bottom = bottom.max(below);
        }
        bottom - 4
    }

    /// Draws a moment below `top` and returns where the next one begins.
    fn moment(&mut self, moment: &Moment, top: i32) -> i32 {
        let mut y = top + 8;
        for arrow in &moment.arrows {
            y = self.arrow(arrow, y);
        }
        let mut bottom = y + if moment.arrows.is_empty() { 0 } else { 8 };
        for (lane, state, words) in &moment.states {
            self.turn(*lane, *state, y);
            let words = label(*state, words);
            let (x, mut below) = (self.x(*lane) + BAR / 2 + 6, y + LINE + 2);
            for line in wrapped(&words, self.pitch() - BAR - 14, 7) {
                text(&mut self.front, class(*state), x, below, &line);
                below += LINE;
            }
            bottom = bottom.max(below - LINE + 8);
        }
        if let Some((words, loud)) = &moment.note {
            bottom = self.note(words, *loud, bottom);
        }
        bottom
    }

    /// Ends what a lane has done so far and begins something else.
    fn turn(&mut self, lane: usize, state: State, y: i32) {
        let (before, since) = std::mem::replace(&mut self.now[lane], (state, y));
        if state != State::Stops && !self.used.contains(&state) {
            self.used.push(state);
        }
        if before != State::Stops {
            let x = self.x(lane) - BAR / 2;
            bar(&mut self.bars, before, x, since, y);
        }
    }

    fn arrow(&mut self, arrow: &Arrow, top: i32) -> i32 {
        let (from, to) = (self.x(arrow.from), self.x(arrow.to));
        let side = if to > from { 1 } else { -1 };
        let (start, end) = (from + side * (BAR / 2 + 2), to - side * (BAR / 2 + 2));
        let mut y = top;
        for line in wrapped(&arrow.text, (end - start).abs() - 12, 7) {
            y += LINE;
            text(&mut self.front, "middle", (start + end) / 2, y - 4, &line);
        }
        y += 6;
        let front = &mut self.front;
        if arrow.arrives {
            line(front, "arrow", [start, y, end - side * 6, y]);
            let (back, up, down) = (end - side * 9, y - 5, y + 5);
            part(front, format!("<path class=\"tip\" d=\"M{end} {y}L{back} {up}V{down}Z\"/>"));
        } else {
            let end = end - side * 16;
            line(front, "arrow", [start, y, end, y]);
            for slope in [-5, 5] {
                line(front, "stuck", [end + side - 5, y - slope, end + side + 5, y + slope]);
            }
        }
        y
    }

    fn note(&mut self, words: &str, loud: bool, top: i32) -> i32 {
        let lines = wrapped(words, WIDTH - 2 * MARGIN - 24, 8);
        let height = LINE * i32::try_from(lines.len()).unwrap_or(1) + 12;
        let (class, width) = (if loud { "loud" } else { "note" }, WIDTH - 2 * MARGIN);
        let y = top + 8;
        part(
            &mut self.front,
            format!(
                "<rect class=\"{class}\" x=\"{MARGIN}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>"
            ),
        );
        let mut below = y + LINE + 2;
        part(&mut self.front, format!("<text x=\"{}\" y=\"{below}\">", MARGIN + 12));
        for line in &lines {
            part(
                &mut self.front,
                format!("<tspan x=\"{}\" y=\"{below}\">{}</tspan>", MARGIN + 12, escaped(line)),
            );
            below += LINE;
        }
        part(&mut self.front, "</text>".to_string());
        y + height
    }

    /// Puts all parts together, with what the bars mean at the bottom.
    fn finish(mut self, top: i32, bottom: i32) -> String {
        let mut lives = String::new();
        for lane in 0..self.figure.lanes.len() {
            line(&mut lives, "life", [self.x(lane), top, self.x(lane), bottom]);
            self.turn(lane, State::Stops, bottom);
        }
        let y = bottom + 26;
        line(&mut self.front, "rule", [MARGIN, bottom + 8, WIDTH - MARGIN, bottom + 8]);
        let mut x = MARGIN;
        self.used.sort_unstable();
        for state in std::mem::take(&mut self.used) {
            bar(&mut self.front, state, x, y - 10, y + 2);
            text(&mut self.front, "soft", x + BAR + 6, y, class(state));
            x += BAR + 66;
        }
        text(&mut self.front, "soft end", WIDTH - MARGIN, y, "time runs down");
        let (title, height) = (escaped(&self.figure.title), y + 16);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" \
             patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
             <path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>\n\
             <rect class=\"paper\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n\
             {}{lives}{}{}</svg>\n",
            WIDTH - 1,
            height - 1,
            self.title,
            self.bars,
            self.front
        )
    }
}

/// The state's name in the style, and in words.
fn class(state: State) -> &'static str {
    match state {
        State::Runs => "runs",
        State::Waits => "waits",
        State::Holds => "holds",
        State::Full => "full",
        State::Stops => "soft",
    }
}

fn label(state: State, words: &str) -> String {
    match state {
        State::Waits => format!("waits: {words}"),
        State::Full if words.is_empty() => "full".to_string(),
        _ => words.to_string(),
    }
}

fn bar(to: &mut String, state: State, x: i32, from: i32, until: i32) {
    let (class, height) = (class(state), until - from);
    let shape = format!("x=\"{x}\" y=\"{from}\" width=\"{BAR}\" height=\"{height}\" rx=\"3\"");
    part(to, format!("<rect class=\"{class}\" {shape}/>"));
}

fn line(to: &mut String, class: &str, [x, y, x2, y2]: [i32; 4]) {
    part(to, format!("<path class=\"{class}\" d=\"M{x} {y}L{x2} {y2}\"/>"));
}

fn text(to: &mut String, class: &str, x: i32, y: i32, words: &str) {
    part(to, format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(words)));
}

fn part(to: &mut String, part: String) {
    let _ = writeln!(to, "{part}"); // a String takes everything
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The words in lines of at most `width` pixels, where a letter is `letter` wide on average.
fn wrapped(words: &str, width: i32, letter: i32) -> Vec<String> {
    let letters = usize::try_from(width / letter).unwrap_or(0).max(1);
    super::wrapped(words, letters)
}
