//! Draws lanes as SVG. A word that would lie on the next lane's bar is refused.

use crate::drawing::{
    lanes::{Arrow, Figure, Moment, State},
    svg::{self, LINE, MARGIN, WIDTH, fitted, line, part, rectangle, text},
};

/// How wide the bar of a lane is.
const BAR: i32 = 12;

/// The figure as a file of SVG.
pub fn draw(figure: &Figure) -> Result<String, String> {
    let mut drawing = Drawing::new(figure);
    let top = drawing.heads()?;
    let mut bottom = top;
    for moment in &figure.moments {
        bottom = drawing.moment(moment, bottom)?;
    }
    Ok(drawing.finish(top, bottom + 10))
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
    fn heads(&mut self) -> Result<i32, String> {
        let mut y = svg::title(&mut self.title, &self.figure.title);
        y += 8;
        let mut bottom = y;
        for (lane, heads) in self.figure.lanes.iter().enumerate() {
            let (x, width) = (self.x(lane) - BAR / 2, self.pitch() - 10);
            let mut below = y;
            for (class, words, letters) in
                [("head", &heads.head, 0), ("soft", &heads.subhead, 1)]
            {
                for line in fitted(words, width, letters)? {
                    text(&mut self.title, class, x, below, &line);
                    below += LINE;
                }
            }
            bottom = bottom.max(below);
        }
        Ok(bottom - 4)
    }

    /// Draws a moment below `top` and returns where the next one begins.
    fn moment(&mut self, moment: &Moment, top: i32) -> Result<i32, String> {
        let mut y = top + 8;
        for arrow in &moment.arrows {
            y = self.arrow(arrow, y)?;
        }
        let mut bottom = y + if moment.arrows.is_empty() { 0 } else { 8 };
        for (lane, state, words) in &moment.states {
            self.turn(*lane, *state, y);
            let words = label(*state, words);
            let (x, mut below) = (self.x(*lane) + BAR / 2 + 6, y + LINE + 2);
            for line in fitted(&words, self.pitch() - BAR - 12, 1)? {
                text(&mut self.front, class(*state), x, below, &line);
                below += LINE;
            }
            bottom = bottom.max(below - LINE + 8);
        }
        if let Some((words, loud)) = &moment.note {
            let top = bottom + 8;
            bottom = svg::note(&mut self.front, words, *loud, top);
            self.interrupt(top - 4, bottom + 4);
        }
        Ok(bottom)
    }

    /// Leaves out of all bars what a note would hide.
    fn interrupt(&mut self, from: i32, until: i32) {
        for lane in 0..self.now.len() {
            let (state, _) = self.now[lane];
            self.turn(lane, state, from);
            self.now[lane] = (state, until);
        }
    }

    /// Ends what a lane has done so far and begins something else.
    fn turn(&mut self, lane: usize, state: State, y: i32) {
        let (before, since) = std::mem::replace(&mut self.now[lane], (state, y));
        if state != State::Stops && !self.used.contains(&state) {
            self.used.push(state);
        }
        // What a note has left over is too short to be seen as a bar.
        if before != State::Stops && y - since > 8 {
            let x = self.x(lane) - BAR / 2;
            bar(&mut self.bars, before, x, since, y);
        }
    }

    fn arrow(&mut self, arrow: &Arrow, top: i32) -> Result<i32, String> {
        let (from, to) = (self.x(arrow.from), self.x(arrow.to));
        let side = if to > from { 1 } else { -1 };
        let (start, end) = (from + side * (BAR / 2 + 2), to - side * (BAR / 2 + 2));
        let mut y = top;
        // Between two lanes: in the middle of a longer arrow there may be a bar.
        let room = self.pitch() - BAR - 4;
        for line in fitted(&arrow.text, room - 12, 1)? {
            y += LINE;
            text(&mut self.front, "middle", start + side * room / 2, y - 4, &line);
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
        Ok(y)
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
        let drawn = [self.title, lives, self.bars, self.front].concat();
        svg::file(&self.figure.title, y + 16, "", &drawn)
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
    part(to, rectangle(class, [x, from, BAR, height], 3));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(moments: &str) -> Result<String, String> {
        let lanes = "title A\nlane a A\nlane b B\nlane c C\n";
        draw(&Figure::parse(&format!("{lanes}{moments}")).unwrap())
    }

    /// Where the rectangles of a class begin and end.
    fn heights(svg: &str, class: &str) -> Vec<(i32, i32)> {
        let class = format!("rect class=\"{class}\"");
        let number = |line: &str, name: &str| -> i32 {
            let value = line.split(&format!(" {name}=\"")).nth(1).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        let rows = svg.lines().filter(|line| line.contains(&class));
        rows.map(|l| (number(l, "y"), number(l, "y") + number(l, "height"))).collect()
    }

    #[test]
    fn a_note_lies_on_no_bar() {
        let svg = drawn("a runs\nb waits read\nnote Both\na -> b x\n").unwrap();
        let note = heights(&svg, "note")[0];
        let legend = 1;
        let runs = heights(&svg, "runs");
        assert_eq!(runs.len(), 2 + legend, "{svg}");
        for (from, until) in runs.into_iter().chain(heights(&svg, "waits")) {
            assert!(until < note.0 || from > note.1, "{svg}");
        }
    }

    #[test]
    fn a_label_lies_between_two_lanes() {
        let svg = drawn("a -> c word\nc -> a back\n").unwrap();
        let place = |word: &str| {
            let line = svg.lines().find(|line| line.contains(&format!(">{word}<"))).unwrap();
            let x = line.split(" x=\"").nth(1).unwrap().split('"').next().unwrap();
            x.parse::<i32>().unwrap()
        };
        let [a, b, c] =
            [0, 1, 2].map(|lane| MARGIN + BAR / 2 + (WIDTH - 2 * MARGIN) / 3 * lane);
        assert!(
            a < place("word") && place("word") < b && b < place("back") && place("back") < c
        );
    }

    #[test]
    fn a_word_without_room_is_refused() {
        for moment in ["a -> b ", "a waits ", "c holds "] {
            let wrong = drawn(&format!("{moment}{}\n", "x".repeat(20))).unwrap_err();
            assert!(wrong.contains("has no room"), "{wrong}");
        }
    }
}
