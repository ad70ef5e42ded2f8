//! Draws pictures as SVG.
//!
//! What would not be readable is refused: a word that is wider than its box, an arrow that runs
//! through a box or through words, words that lie on others.

use crate::drawing::{
    layout::{CELL, GAP, Layout, PAD, Route, Spot},
    picture::{Arrow, Kind, Picture, Thing, Tip},
    svg::{self, LINE, MARGIN, line, lines, part, rectangle, text, wide},
};

/// How pictures look, behind the style of all figures.
const STYLE: &str = "  svg { --cell: #ffffff; --lit: #fff1d6 }
  @media (prefers-color-scheme: dark) { svg { --cell: #10131a; --lit: #46371b } }
  .box { fill: var(--note); stroke: var(--line); stroke-width: 1.2 }
  .inner { fill: var(--paper); stroke: var(--line); stroke-width: 1.2 }
  .lit { fill: var(--lit); stroke: var(--waits); stroke-width: 1.8 }
  .cell { fill: var(--cell); stroke: var(--line) }
  .filled { fill: var(--holds); fill-opacity: .3; stroke: var(--holds) }
  .on { stroke: none; text-anchor: middle }
  .mono { font: 12.5px ui-monospace, SFMono-Regular, Menlo, Consolas, \"Liberation Mono\", monospace }
  .beside { font-size: 13px }
  .plain { font-size: 13px; stroke: none }
";

/// The picture as a file of SVG.
pub fn draw(picture: &Picture) -> Result<String, String> {
    let mut drawn = String::new();
    let top = svg::title(&mut drawn, &picture.title) - 4;
    let layout = Layout::new(picture, top)?;
    let mut sketch = Sketch { layout, words: Vec::new(), drawn };
    (1..picture.things.len()).try_for_each(|thing| sketch.thing(thing))?;
    (0..picture.arrows.len()).try_for_each(|arrow| sketch.arrow(arrow))?;
    sketch.words_lie_apart()?;
    let mut bottom = top + sketch.layout.spots[0].height;
    if let Some((words, loud)) = &picture.note {
        bottom = svg::note(&mut sketch.drawn, words, *loud, bottom + GAP);
    }
    Ok(svg::file(&picture.title, bottom + MARGIN, STYLE, &sketch.drawn))
}

struct Sketch<'a> {
    layout: Layout<'a>,
    /// Where words stand, and which.
    words: Vec<(Spot, String)>,
    drawn: String,
}

impl Sketch<'_> {
    fn thing(&mut self, number: usize) -> Result<(), String> {
        let (thing, spot) = (&self.layout.picture.things[number], self.layout.spots[number]);
        match thing.kind {
            Kind::Row => return Ok(()),
            Kind::Bar => return self.bar(number),
            Kind::Text => {}
            Kind::Box => {
                let class = match (thing.is_lit, thing.within) {
                    (true, _) => "lit",
                    (_, 0) => "box",
                    _ if self.layout.depth(number) % 2 == 1 => "box",
                    _ => "inner",
                };
                let Spot { x, y, width, height } = spot;
                part(&mut self.drawn, rectangle(class, [x, y, width, height], 7));
            }
        }
        let (heads, is_leaf) = (self.layout.heads(number)?, thing.things.is_empty());
        let cells = if thing.cells.is_empty() { 0 } else { CELL + 4 };
        let free = if is_leaf { (spot.height - lines(&heads) - cells) / 2 } else { PAD };
        let mut y = spot.y + free;
        for (words, is_small) in &heads {
            y += LINE;
            let letters = usize::from(*is_small);
            let class = ["on head", "on soft"][letters];
            self.write(class, letters, spot.x + spot.width / 2, y - 4, words);
        }
        if !thing.cells.is_empty() {
            self.cells(thing, spot, y + 4)?;
        }
        Ok(())
    }

    fn cells(&mut self, thing: &Thing, spot: Spot, y: i32) -> Result<(), String> {
        let count = i32::try_from(thing.cells.len()).unwrap_or(1);
        let (left, width) = (spot.x + 8, spot.width - 16);
        for (at, cell) in (0..).zip(&thing.cells) {
            let (x, end) = (left + width * at / count, left + width * (at + 1) / count);
            if wide(cell, 2) > end - x + 2 {
                return Err(format!("{cell:?} is wider than its cell"));
            }
            let class = if cell.is_empty() { "cell" } else { "cell filled" };
            part(&mut self.drawn, rectangle(class, [x, y, end - x, CELL], 2));
            if !cell.is_empty() {
                text(&mut self.drawn, "on mono", (x + end) / 2, y + CELL - 8, cell);
            }
        }
        Ok(())
    }

    /// A bar is as long as its number is among those around it.
    fn bar(&mut self, number: usize) -> Result<(), String> {
        let (things, spot) = (&self.layout.picture.things, self.layout.spots[number]);
        let value = |thing: &Thing| {
            let number =
                thing.cells.first().and_then(|cell| cell.split(' ').next()?.parse().ok());
            number.unwrap_or(0.0_f64)
        };
        let around = things[things[number].within].things.iter().map(|at| &things[*at]);
        let most = around.filter(|t| t.kind == Kind::Bar).map(value).fold(0.0, f64::max);
        let words = [things[number].head.as_str(), things[number].subhead.as_str()].join(" ");
        let (label, shown) = (spot.width * 2 / 5, things[number].cells[0].clone());
        let room = spot.width - label - 8 - wide(&shown, 1) - 8;
        if wide(&words, 1) > label {
            return Err(format!("{words:?} is too long for a bar"));
        }
        #[allow(clippy::cast_possible_truncation)] // at most `room`
        let length =
            (f64::from(room) * value(&things[number]) / most.max(f64::MIN_POSITIVE)) as i32;
        let y = spot.y + 3;
        text(&mut self.drawn, "plain", spot.x, y + LINE - 4, words.trim());
        let from = spot.x + label + 8;
        part(&mut self.drawn, rectangle("runs", [from, y, length.max(2), LINE + 2], 3));
        text(&mut self.drawn, "plain", from + length.max(2) + 8, y + LINE - 4, &shown);
        Ok(())
    }

    fn arrow(&mut self, at: usize) -> Result<(), String> {
        let arrow = &self.layout.picture.arrows[at];
        let Route { gap, share, x, label } = &self.layout.routes[at];
        let (gap, share, x, label) = (*gap, *share, *x, label.clone());
        let [from, to] = arrow.ends.map(|end| self.layout.spots[end]);
        let way = if self.layout.is_row(gap.0) {
            let (top, bottom) =
                (from.y.max(to.y), (from.y + from.height).min(to.y + to.height));
            let y = top + (bottom - top) * share.0 / share.1;
            match from.x < to.x {
                true => [from.x + from.width, y, to.x, y],
                false => [from.x, y, to.x + to.width, y],
            }
        } else {
            match from.y < to.y {
                true => [x, from.y + from.height, x, to.y],
                false => [x, from.y, x, to.y + to.height],
            }
        };
        self.is_free(way, arrow)?;
        self.shaft(way, arrow.tip);
        let [x, y, x2, y2] = way;
        if y == y2 {
            let mut below = y - lines(&label) + LINE - 6;
            for words in &label {
                self.write("on beside", 1, (x + x2) / 2, below, words);
                below += LINE;
            }
        } else {
            let gap = self.layout.middle_of_gap(gap);
            let mut below = gap - lines(&label) / 2 + LINE - 4;
            for words in &label {
                self.write("beside", 1, x + 9, below, words);
                below += LINE;
            }
        }
        Ok(())
    }

    fn shaft(&mut self, [x, y, x2, y2]: [i32; 4], tip: Tip) {
        let (right, down) = ((x2 - x).signum(), (y2 - y).signum());
        let short = if tip == Tip::Stuck { 12 } else { 6 };
        let back = if tip == Tip::Both { 6 } else { 0 };
        let (end_x, end_y) = (x2 - right * short, y2 - down * short);
        line(&mut self.drawn, "arrow", [x + right * back, y + down * back, end_x, end_y]);
        if tip == Tip::Stuck {
            for slope in [-5, 5] {
                let cross = [end_x - 5, end_y - slope, end_x + 5, end_y + slope];
                line(&mut self.drawn, "stuck", cross);
            }
        } else {
            self.tip(x2, y2, right, down);
        }
        if tip == Tip::Both {
            self.tip(x, y, -right, -down);
        }
    }

    fn tip(&mut self, x: i32, y: i32, right: i32, down: i32) {
        let (back_x, back_y) = (x - right * 9, y - down * 9);
        let sides =
            [(back_x + down * 5, back_y + right * 5), (back_x - down * 5, back_y - right * 5)];
        let [(ax, ay), (bx, by)] = sides;
        part(
            &mut self.drawn,
            format!("<path class=\"tip\" d=\"M{x} {y}L{ax} {ay}L{bx} {by}Z\"/>"),
        );
    }

    /// An arrow must not run through words, nor through a box that holds none of its ends.
    fn is_free(&self, [x, y, x2, y2]: [i32; 4], arrow: &Arrow) -> Result<(), String> {
        let way = Spot {
            x: x.min(x2) + i32::from(x != x2),
            y: y.min(y2) + i32::from(y != y2),
            width: ((x - x2).abs() - 2).max(1),
            height: ((y - y2).abs() - 2).max(1),
        };
        let things = &self.layout.picture.things;
        let name = arrow.ends.map(|end| things[end].name.as_str()).join(" -> ");
        for (at, thing) in things.iter().enumerate().skip(1) {
            let holds = arrow.ends.iter().any(|end| self.layout.is_within(*end, at));
            if thing.kind == Kind::Box && !holds && self.layout.spots[at].overlaps(&way) {
                return Err(format!("the arrow {name} runs through {:?}", thing.name));
            }
        }
        match self.words.iter().find(|(spot, _)| spot.overlaps(&way)) {
            Some((_, words)) => Err(format!("the arrow {name} runs through {words:?}")),
            None => Ok(()),
        }
    }

    /// Writes words, and notes where they are.
    fn write(&mut self, class: &str, letters: usize, x: i32, y: i32, words: &str) {
        text(&mut self.drawn, class, x, y, words);
        let width = wide(words, letters);
        let x = if class.starts_with("on") { x - width / 2 } else { x };
        let spot = Spot { x, y: y - LINE + 5, width, height: LINE - 3 };
        self.words.push((spot, words.to_string()));
    }

    fn words_lie_apart(&self) -> Result<(), String> {
        for (at, (spot, words)) in self.words.iter().enumerate() {
            if let Some((_, other)) = self.words[..at].iter().find(|(o, _)| o.overlaps(spot)) {
                return Err(format!("{words:?} lies on {other:?}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(lines: &str) -> Result<String, String> {
        draw(&Picture::parse(&format!("title A\n{lines}")).unwrap())
    }

    #[test]
    fn an_arrow_goes_straight_from_edge_to_edge() {
        let svg = drawn("box a A\nbox b B\na -> b word\n").unwrap();
        let frames: Vec<_> = svg.lines().filter(|line| line.contains("\"box\"")).collect();
        assert!(
            frames[0].contains("y=\"40\"") && frames[0].contains("height=\"37\""),
            "{frames:?}"
        );
        // From the lower edge of the one to the tip at the upper edge of the other.
        assert!(svg.contains("class=\"arrow\" d=\"M240 77L240"), "{svg}");
        assert!(svg.contains("class=\"tip\" d=\"M240 110L") && frames[1].contains("y=\"110\""));
        let side = drawn("row\n  box a A\n  box b B\na <-> b\n").unwrap();
        assert_eq!(side.matches("class=\"tip\"").count(), 2);
    }

    #[test]
    fn things_in_a_row_share_its_width() {
        let svg = drawn("row\n  box a A\n  box*3 b B\n").unwrap();
        let widths = svg.lines().filter(|line| line.contains("\"box\""));
        let widths: Vec<_> =
            widths.map(|l| l.split("width=\"").nth(1).unwrap()[..3].to_string()).collect();
        assert_eq!(widths, ["109", "327"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_number() {
        let svg = drawn("bar a = 10 ms\nbar b = 5 ms\n").unwrap();
        let bars = svg.lines().filter(|line| line.contains("rect class=\"runs\""));
        let bars: Vec<i32> = bars
            .map(|bar| {
                bar.split("width=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        assert!((bars[0] - 2 * bars[1]).abs() <= 8, "{bars:?}");
    }

    #[test]
    fn what_could_not_be_read_is_refused() {
        for (lines, why) in [
            ("box a A\nbox b B\nbox c C\na -> c\n", "a and c are no neighbours"),
            (
                "row\n  box a A\n  box b B\nrow\n  box c C\n  box d D\na -> d\n",
                "there is no straight way from a to d",
            ),
            (
                "box a A\nbox b\n  box c C\n  box d D\na -> d\n",
                "the arrow a -> d runs through \"c\"",
            ),
            (
                "box a A\nbox b\n  text in the way\n  box d D\na -> d\n",
                "the arrow a -> d runs through \"in the way\"",
            ),
            (
                "row\n  box a = abcdefghijklmnopqrstuvwxyz 1\n  box b\n",
                "\"abcdefghijklmnopqrstuvwxyz\" is wider than its cell",
            ),
        ] {
            assert_eq!(drawn(lines), Err(why.to_string()), "{lines}");
        }
        let wide = "x".repeat(60);
        assert!(drawn(&format!("box a {wide}\n")).unwrap_err().contains("has no room"));
        assert!(
            drawn(&format!("bar {wide} = 1\n")).unwrap_err().contains("too long for a bar")
        );
    }
}
