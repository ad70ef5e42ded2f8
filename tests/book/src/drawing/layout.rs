//! Finds the places of a picture's things. First all widths, from the outside in; then the gaps in
//! which arrows have room for their words; then all heights, from the inside out; then the places.

use crate::drawing::{
    picture::{Arrow, Kind, Picture},
    svg::{LINE, MARGIN, WIDTH, fitted, lines, wide},
};

/// What is left free inside a box, on each side.
pub const PAD: i32 = 10;

/// Between neighbours that no arrow joins.
pub const GAP: i32 = 12;

/// The least length of an arrow.
const REACH: i32 = 28;

/// How high a cell is.
pub const CELL: i32 = 24;

/// Where a thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// Its left edge.
    pub x: i32,
    /// Its upper edge.
    pub y: i32,
    /// How wide it is.
    pub width: i32,
    /// How high it is.
    pub height: i32,
}

impl Spot {
    /// True if both have a place in common.
    pub fn overlaps(&self, other: &Spot) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}

/// The way of an arrow.
pub struct Route {
    /// The innermost thing that holds both ends, and the gap between two of its things: that behind
    /// the first, the second …
    pub gap: (usize, usize),
    /// Its place among those that join the same two things, and how many these are.
    pub share: (i32, i32),
    /// Where it is from left to right, if it goes up or down.
    pub x: i32,
    /// What stands beside it.
    pub label: Vec<String>,
}

/// A picture, and where everything in it is.
pub struct Layout<'a> {
    /// The picture.
    pub picture: &'a Picture,
    /// The place of each thing.
    pub spots: Vec<Spot>,
    /// The way of each arrow.
    pub routes: Vec<Route>,
}

impl Layout<'_> {
    /// Finds a place for everything, from the height `top` on.
    pub fn new(picture: &Picture, top: i32) -> Result<Layout<'_>, String> {
        let spots = vec![Spot::default(); picture.things.len()];
        let mut layout = Layout { picture, spots, routes: Vec::new() };
        layout.spread(0, MARGIN, WIDTH - 2 * MARGIN);
        let routes = picture.arrows.iter().map(|arrow| layout.route(arrow));
        layout.routes = routes.collect::<Result<_, _>>()?;
        layout.label_routes()?;
        layout.place(0, top, layout.height(0));
        Ok(layout)
    }

    /// True for a row.
    pub fn is_row(&self, thing: usize) -> bool {
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
    pub fn heads(&self, number: usize) -> Result<Vec<(String, bool)>, String> {
        let (thing, room) = (&self.picture.things[number], self.spots[number].width);
        let room = if thing.kind == Kind::Text { room } else { room - 12 };
        let lines = |words, letters| fitted(words, room, letters);
        let (head, small) = (lines(&thing.head, 0)?, lines(&thing.subhead, 1)?);
        let head = head.into_iter().map(|line| (line, false));
        Ok(head.chain(small.into_iter().map(|line| (line, true))).collect())
    }

    /// The height in the middle between two things that stand below each other.
    pub fn middle_of_gap(&self, (thing, gap): (usize, usize)) -> i32 {
        let things = &self.picture.things[thing].things;
        let (above, below) = (self.spots[things[gap]], self.spots[things[gap + 1]]);
        (above.y + above.height + below.y) / 2
    }

    /// True if the thing is `outer`, or in it.
    pub fn is_within(&self, mut thing: usize, outer: usize) -> bool {
        while thing != 0 && thing != outer {
            thing = self.picture.things[thing].within;
        }
        thing == outer
    }

    /// How many boxes are around a thing.
    pub fn depth(&self, number: usize) -> usize {
        let (mut thing, mut depth) = (self.picture.things[number].within, 0);
        while thing != 0 {
            depth += usize::from(!self.is_row(thing));
            thing = self.picture.things[thing].within;
        }
        depth + 1
    }
}
