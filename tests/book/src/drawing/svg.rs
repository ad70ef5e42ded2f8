//! What all figures look like: narrow enough for a telephone, light and dark as the reader has it.

use std::fmt::Write;

/// How wide a figure is, in pixels. It is read on screens of 390 pixels too, where it is
/// shown at three quarters of its size.
pub const WIDTH: i32 = 480;

/// What is left free on each side.
pub const MARGIN: i32 = 16;

/// From one line of text to the next.
pub const LINE: i32 = 17;

/// How wide a letter is on average: of a head, of smaller words, in a cell.
const LETTERS: [i32; 3] = [9, 8, 8];

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

/// A whole file: a frame of this height, the title for those who have it read to them, a style of
/// its own kind behind the common one, and what is drawn.
pub fn file(title: &str, height: i32, style: &str, drawn: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <style>{STYLE}{style}</style>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>\n\
         <rect class=\"paper\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n\
         {drawn}</svg>\n",
        WIDTH - 1,
        height - 1,
    )
}

/// Draws the title. Returns the height below it.
pub fn title(to: &mut String, words: &str) -> i32 {
    let mut y = MARGIN + 8;
    for line in wrapped(words, WIDTH - 2 * MARGIN, 9) {
        text(to, "title", MARGIN, y, &line);
        y += LINE + 3;
    }
    y
}

/// Draws a note across the figure, quiet or loud, below `y`. Returns the height below it.
pub fn note(to: &mut String, words: &str, loud: bool, y: i32) -> i32 {
    let (class, width) = (if loud { "loud" } else { "note" }, WIDTH - 2 * MARGIN);
    let lines = wrapped(words, width - 24, 8);
    let height = LINE * i32::try_from(lines.len()).unwrap_or(1) + 12;
    part(to, rectangle(class, [MARGIN, y, width, height], 6));
    let (x, mut below) = (MARGIN + 12, y + LINE + 2);
    part(to, format!("<text x=\"{x}\" y=\"{below}\">"));
    for line in &lines {
        part(to, format!("<tspan x=\"{x}\" y=\"{below}\">{}</tspan>", escaped(line)));
        below += LINE;
    }
    part(to, "</text>".to_string());
    y + height
}

/// A rectangle with round corners: left, top, width, height.
pub fn rectangle(class: &str, [x, y, width, height]: [i32; 4], round: i32) -> String {
    format!(
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>"
    )
}

/// Draws a line from one place to another.
pub fn line(to: &mut String, class: &str, [x, y, x2, y2]: [i32; 4]) {
    part(to, format!("<path class=\"{class}\" d=\"M{x} {y}L{x2} {y2}\"/>"));
}

/// Draws a line of text.
pub fn text(to: &mut String, class: &str, x: i32, y: i32, words: &str) {
    part(to, format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(words)));
}

/// Draws a part that is SVG already.
pub fn part(to: &mut String, part: String) {
    let _ = writeln!(to, "{part}"); // a String takes everything
}

/// The text as SVG and HTML write it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The words in lines of at most `width` pixels, where a letter is `letter` wide on average.
fn wrapped(words: &str, width: i32, letter: i32) -> Vec<String> {
    let letters = usize::try_from(width / letter).unwrap_or(0).max(1);
    crate::wrapped(words, letters)
}

/// How wide words are, in letters of this kind.
pub fn wide(words: &str, letters: usize) -> i32 {
    i32::try_from(words.chars().count()).unwrap_or(i32::MAX / 16) * LETTERS[letters]
}

/// How high so many lines are.
pub fn lines<T>(words: &[T]) -> i32 {
    i32::try_from(words.len()).unwrap_or(0) * LINE
}

/// The words in lines that have room.
pub fn fitted(words: &str, room: i32, letters: usize) -> Result<Vec<String>, String> {
    let lines = wrapped(words, room, LETTERS[letters]);
    match lines.iter().find(|line| wide(line, letters) > room) {
        Some(line) => {
            Err(format!("{line:?} has no room: {} pixels of {room}", wide(line, letters)))
        }
        None => Ok(lines),
    }
}
