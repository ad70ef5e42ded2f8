//! Draws pictures as SVG. First all widths, from the outside in; then the gaps in which arrows have
//! room for their words; then all heights, from the inside out; then the places.
//!
//! What would not be readable is refused: a word that is wider than its box, an arrow that runs
//! through a box or through words, words that lie on others.

use super::{
    picture::{Arrow, Kind, Picture, Thing, Tip},
    svg::{self, LINE, MARGIN, WIDTH, line, part, rectangle, text},
};

/// What is left free inside a box, on each side.
const PAD: i32 = 10;

/// Between neighbours that no arrow joins.
const GAP: i32 = 12;

/// The least length of an arrow.
const REACH: i32 = 28;

/// How high a cell is.
const CELL: i32 = 24;

/// How wide a letter is on average: of a head, of smaller words, in a cell.
const LETTERS: [i32; 3] = [9, 8, 8];

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
";

/// The picture as a file of SVG.
///
/// # Errors
/// Why it would not be readable.
pub fn draw(picture: &Picture) -> Result<String, String> {
    let mut sketch = Sketch {
        picture,
        spots: vec![Spot::default(); picture.things.len()],
        routes: Vec::new(),
        words: Vec::new(),
        drawn: String::new(),
    };
    let top = svg::title(&mut sketch.drawn, &picture.title) - 4;
    sketch.spread(0, MARGIN, WIDTH - 2 * MARGIN);
    sketch.routes = picture.arrows.iter().map(|a| sketch.route(a)).collect::<Result<_, _>>()?;
    sketch.label_routes()?;
    sketch.place(0, top, sketch.height(0));
    (1..picture.things.len()).try_for_each(|thing| sketch.thing(thing))?;
    (0..picture.arrows.len()).try_for_each(|arrow| sketch.arrow(arrow))?;
    sketch.words_lie_apart()?;
    let mut bottom = top + sketch.spots[0].height;
    if let Some((words, loud)) = &picture.note {
        bottom = svg::note(&mut sketch.drawn, words, *loud, bottom + GAP);
    }
    Ok(svg::file(&picture.title, bottom + MARGIN, STYLE, &sketch.drawn))
}

/// Where a thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Spot {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
}

impl Spot {
    fn overlaps(&self, other: &Spot) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

/// The way of an arrow.
struct Route {
    /// The innermost thing that holds both ends, and the gap between two of its things: that behind
    /// the first, the second …
    gap: (usize, usize),
    /// Its place among those that join the same two things, and how many these are.
    share: (i32, i32),
    /// Where it is from left to right, if it goes up or down.
    x: i32,
    /// What stands beside it.
    label: Vec<String>,
}

struct Sketch<'a> {
    picture: &'a Picture,
    spots: Vec<Spot>,
    routes: Vec<Route>,
    /// Where words stand, and which.
    words: Vec<(Spot, String)>,
    drawn: String,
}

impl Sketch<'_> {
    fn is_row(&self, thing: usize) -> bool {
        self.picture.things[thing].kind == Kind::Row
    }

    /// What is free inside a thing, on each side.
    fn pad(&self, thing: usize) -> i32 {
        if thing == 0 || self.is_row(thing) { 0 } else { PAD }
    }

    /// Gives a thing, and all that is in it, a width.
    fn spread(&mut self, thing: usize, x: i32, width: i32) {
        (self.spots[thing].x, self.spots[thing].width) = (x, width);
        let things = &self.picture.things[thing].things;
        if !self.is_row(thing) {
            let pad = self.pad(thing);
            things.iter().for_each(|inner| self.spread(*inner, x + pad, width - 2 * pad));
            return;
        }
        let gap = self.gap_in_row(thing);
        let weights: i32 = things.iter().map(|inner| self.picture.things[*inner].weight).sum();
        let free = width - gap * i32::try_from(things.len()).map_or(0, |count| count - 1);
        let mut left = x;
        for inner in things {
            let own = free * self.picture.things[*inner].weight / weights.max(1);
            self.spread(*inner, left, own);
            left += own + gap;
        }
    }

    /// How wide the gaps of a row are: the longest word of an arrow must have room.
    fn gap_in_row(&self, row: usize) -> i32 {
        let here = |arrow: &&Arrow| self.gap_of(arrow).is_ok_and(|(thing, _)| thing == row);
        let arrows = self.picture.arrows.iter().filter(here);
        let room = arrows.map(|arrow| {
            let longest = arrow.text.split_whitespace().map(|word| wide(word, 1)).max();
            (longest.unwrap_or(0) + 18).max(REACH)
        });
        room.max().unwrap_or(GAP)
    }

    /// The gap that an arrow crosses.
    fn gap_of(&self, arrow: &Arrow) -> Result<(usize, usize), String> {
        let around = |mut thing: usize| {
            let mut all = vec![thing];
            while thing != 0 {
                thing = self.picture.things[thing].within;
                all.push(thing);
            }
            all
        };
        let [from, to] = arrow.ends.map(around);
        let names = arrow.ends.map(|end| self.picture.things[end].name.as_str()).join(" and ");
        let both = from.iter().find(|thing| to.contains(thing)).copied().unwrap_or(0);
        let place = |path: &[usize]| {
            let inner = path.iter().take_while(|thing| **thing != both).last()?;
            self.picture.things[both].things.iter().position(|thing| thing == inner)
        };
        match (place(&from), place(&to)) {
            (Some(a), Some(b)) if a.abs_diff(b) == 1 => Ok((both, a.min(b))),
            _ => Err(format!("{names} are no neighbours")),
        }
    }

    fn route(&self, arrow: &Arrow) -> Result<Route, String> {
        let gap = self.gap_of(arrow)?;
        let joins = |other: &&Arrow| {
            other.ends == arrow.ends || other.ends == [arrow.ends[1], arrow.ends[0]]
        };
        let all: Vec<_> = self.picture.arrows.iter().filter(joins).collect();
        let place = all.iter().position(|other| std::ptr::eq(*other, arrow)).unwrap_or(0);
        let count = |count: usize| i32::try_from(count).unwrap_or(1);
        let share = (count(place) + 1, count(all.len()) + 1);
        let [a, b] = arrow.ends.map(|end| self.spots[end]);
        let (from, to) = (a.x.max(b.x), (a.x + a.width).min(b.x + b.width));
        if !self.is_row(gap.0) && from + 8 > to {
            let names =
                arrow.ends.map(|end| self.picture.things[end].name.as_str()).join(" to ");
            return Err(format!("there is no straight way from {names}"));
        }
        let x = from + (to - from) * share.0 / share.1;
        Ok(Route { gap, share, x, label: Vec::new() })
    }

    /// Wraps the words of arrows: beside one that goes up or down as far as to the next one or to
    /// the edge, above one that goes aside as far as it is long.
    fn label_routes(&mut self) -> Result<(), String> {
        for at in 0..self.routes.len() {
            let ((thing, gap), x) = (self.routes[at].gap, self.routes[at].x);
            let room = if self.is_row(thing) {
                self.gap_in_row(thing) - 10
            } else {
                let others = self.routes.iter().filter(|r| r.gap == (thing, gap) && r.x > x);
                let edge = self.spots[thing].x + self.spots[thing].width;
                others.map(|other| other.x).min().unwrap_or(edge) - x - 18
            };
            self.routes[at].label = fitted(&self.picture.arrows[at].text, room, 1)?;
        }
        Ok(())
    }

    /// How much lies between two things that stand below each other.
    fn gap_below(&self, thing: usize, gap: usize) -> i32 {
        let here = self.routes.iter().filter(|route| route.gap == (thing, gap));
        here.map(|route| (lines(&route.label) + 16).max(REACH)).max().unwrap_or(GAP)
    }

    fn height(&self, number: usize) -> i32 {
        let thing = &self.picture.things[number];
        let inner = thing.things.iter().map(|inner| self.height(*inner));
        match thing.kind {
            Kind::Row => {
                let here = self.routes.iter().filter(|route| route.gap.0 == number);
                let arrows =
                    here.map(|route| (2 * lines(&route.label) + 16) * (route.share.1 - 1));
                inner.chain(arrows).max().unwrap_or(0)
            }
            Kind::Text => self.heads(number).map_or(0, |heads| lines(&heads)),
            Kind::Bar => LINE + 9,
            Kind::Box => {
                let gaps = (1..thing.things.len()).map(|at| self.gap_below(number, at - 1));
                let heads = self.heads(number).map_or(0, |heads| lines(&heads));
                let cells = if thing.cells.is_empty() { 0 } else { CELL + 4 };
                let below = if heads > 0 && !thing.things.is_empty() { 6 } else { 0 };
                let all = heads + cells + below + inner.sum::<i32>() + gaps.sum::<i32>();
                all + 2 * self.pad(number)
            }
        }
    }

    /// Gives a thing, and all that is in it, its place from top to bottom.
    fn place(&mut self, number: usize, y: i32, height: i32) {
        (self.spots[number].y, self.spots[number].height) = (y, height);
        let thing = &self.picture.things[number];
        if thing.kind == Kind::Row {
            for inner in &thing.things {
                let own = self.height(*inner);
                match self.picture.things[*inner].kind {
                    Kind::Box | Kind::Row => self.place(*inner, y, height),
                    _ => self.place(*inner, y + (height - own) / 2, own),
                }
            }
            return;
        }
        let heads = self.heads(number).map_or(0, |heads| lines(&heads));
        let mut below = y + self.pad(number) + if heads > 0 { heads + 6 } else { 0 };
        if !thing.cells.is_empty() {
            below += CELL + 4;
        }
        for (at, inner) in thing.things.iter().enumerate() {
            let own = self.height(*inner);
            self.place(*inner, below, own);
            below += own + self.gap_below(number, at);
        }
    }

    /// What is written in a thing: its head, then the smaller words, which are marked.
    fn heads(&self, number: usize) -> Result<Vec<(String, bool)>, String> {
        let (thing, room) = (&self.picture.things[number], self.spots[number].width);
        let room = if thing.kind == Kind::Text { room } else { room - 12 };
        let lines = |words, letters| fitted(words, room, letters);
        let (head, small) = (lines(&thing.head, 0)?, lines(&thing.subhead, 1)?);
        let head = head.into_iter().map(|line| (line, false));
        Ok(head.chain(small.into_iter().map(|line| (line, true))).collect())
    }

    fn thing(&mut self, number: usize) -> Result<(), String> {
        let (thing, spot) = (&self.picture.things[number], self.spots[number]);
        let heads = self.heads(number)?;
        match thing.kind {
            Kind::Row => return Ok(()),
            Kind::Bar => return self.bar(number),
            Kind::Text => {}
            Kind::Box => {
                let class = match (thing.is_lit, thing.within) {
                    (true, _) => "lit",
                    (_, 0) => "box",
                    _ if self.depth(number) % 2 == 1 => "box",
                    _ => "inner",
                };
                let Spot { x, y, width, height } = spot;
                part(&mut self.drawn, rectangle(class, [x, y, width, height], 7));
            }
        }
        let is_leaf = thing.things.is_empty();
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

    /// How many boxes are around a thing.
    fn depth(&self, number: usize) -> usize {
        let (mut thing, mut depth) = (self.picture.things[number].within, 0);
        while thing != 0 {
            depth += usize::from(!self.is_row(thing));
            thing = self.picture.things[thing].within;
        }
        depth + 1
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
                text(&mut self.drawn, "on mono", x.midpoint(end), y + CELL - 8, cell);
            }
        }
        Ok(())
    }

    /// A bar is as long as its number is among those around it.
    fn bar(&mut self, number: usize) -> Result<(), String> {
        let (things, spot) = (&self.picture.things, self.spots[number]);
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
        fitted(&words, label * words.split_whitespace().count() as i32, 1)?;
        if wide(&words, 1) > label {
            return Err(format!("{words:?} is too long for a bar"));
        }
        #[allow(clippy::cast_possible_truncation)] // at most `room`
        let length =
            (f64::from(room) * value(&things[number]) / most.max(f64::MIN_POSITIVE)) as i32;
        let y = spot.y + 3;
        text(&mut self.drawn, "beside", spot.x, y + LINE - 4, words.trim());
        let from = spot.x + label + 8;
        part(&mut self.drawn, rectangle("runs", [from, y, length.max(2), LINE + 2], 3));
        text(&mut self.drawn, "beside", from + length.max(2) + 8, y + LINE - 4, &shown);
        Ok(())
    }

    fn arrow(&mut self, at: usize) -> Result<(), String> {
        let arrow = &self.picture.arrows[at];
        let Route { gap, share, x, label } = &self.routes[at];
        let (gap, share, x, label) = (*gap, *share, *x, label.clone());
        let [from, to] = arrow.ends.map(|end| self.spots[end]);
        let way = if self.is_row(gap.0) {
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
                self.write("on beside", 1, x.midpoint(x2), below, words);
                below += LINE;
            }
        } else {
            let gap = self.middle_of_gap(gap);
            let mut below = gap - lines(&label) / 2 + LINE - 4;
            for words in &label {
                self.write("beside", 1, x + 9, below, words);
                below += LINE;
            }
        }
        Ok(())
    }

    /// The height in the middle between two things that stand below each other.
    fn middle_of_gap(&self, (thing, gap): (usize, usize)) -> i32 {
        let things = &self.picture.things[thing].things;
        let (above, below) = (self.spots[things[gap]], self.spots[things[gap + 1]]);
        (above.y + above.height).midpoint(below.y)
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
        let things = &self.picture.things;
        let name = arrow.ends.map(|end| things[end].name.as_str()).join(" -> ");
        for (at, thing) in things.iter().enumerate().skip(1) {
            let holds = arrow.ends.iter().any(|end| self.is_within(*end, at));
            if thing.kind == Kind::Box && !holds && self.spots[at].overlaps(&way) {
                return Err(format!("the arrow {name} runs through {:?}", thing.name));
            }
        }
        match self.words.iter().find(|(spot, _)| spot.overlaps(&way)) {
            Some((_, words)) => Err(format!("the arrow {name} runs through {words:?}")),
            None => Ok(()),
        }
    }

    fn is_within(&self, mut thing: usize, outer: usize) -> bool {
        while thing != 0 && thing != outer {
            thing = self.picture.things[thing].within;
        }
        thing == outer
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

/// How wide words are, in letters of this kind.
fn wide(words: &str, letters: usize) -> i32 {
    i32::try_from(words.chars().count()).unwrap_or(i32::MAX / 16) * LETTERS[letters]
}

fn lines<T>(words: &[T]) -> i32 {
    i32::try_from(words.len()).unwrap_or(0) * LINE
}

/// The words in lines that have room.
fn fitted(words: &str, room: i32, letters: usize) -> Result<Vec<String>, String> {
    let lines = svg::wrapped(words, room, LETTERS[letters]);
    match lines.iter().find(|line| wide(line, letters) > room) {
        Some(line) => {
            Err(format!("{line:?} has no room: {} pixels of {room}", wide(line, letters)))
        }
        None => Ok(lines),
    }
}
