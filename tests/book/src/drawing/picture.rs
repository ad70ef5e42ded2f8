//! The little language of the book's pictures: where things are, and what goes from one to another.
//!
//! A file `figures/NAME.picture` is drawn as `NAME.svg` beside it. Things stand below each other, in
//! the order of the file; what is indented, by two spaces, is inside the thing above. Then follow
//! the arrows. Blank lines are ignored.
//!
//! ```text
//! title The greeting waits in the receive buffer
//!
//! box client dumb-net: its thread waits for the keyboard
//! box kernel
//!   row
//!     text the client's kernel: port 50300
//!     box send send buffer = · · · · · · · ·
//!     box! receive receive buffer = w e l c o m e \n
//!
//! client -> send write
//! receive -> client read
//! note! Eight bytes wait, and nobody reads them
//! ```
//!
//! | line | what it draws |
//! |------|---------------|
//! | `title TEXT` | the title, which is also read aloud |
//! | `box NAME [HEAD[: SUBHEAD]] [= CELL …]` | a box; its name is for this file alone, `·` an empty cell |
//! | `box! …` | the box on which the light falls |
//! | `row` | nothing itself; its things stand side by side |
//! | `text HEAD[: SUBHEAD]` | words without a box |
//! | `bar HEAD[: SUBHEAD] = NUMBER UNIT` | a bar, as long as its number among its neighbours |
//! | `NAME -> NAME [TEXT]` | an arrow from one box to a neighbour |
//! | `NAME <-> NAME [TEXT]` | … in both directions |
//! | `NAME -x NAME [TEXT]` | … that does not get there |
//! | `note TEXT`, `note! TEXT` | a line across the picture, quiet or loud |
//!
//! With `*3` behind `box`, `text` or `row`, a thing in a row is three times as wide as one without.

use crate::drawing::lanes::word;

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub struct Picture {
    /// The title.
    pub title: String,
    /// All things, each behind the one that it is in; the first is the picture itself.
    pub things: Vec<Thing>,
    /// What goes from one to another.
    pub arrows: Vec<Arrow>,
    /// A line across the picture; true for a loud one.
    pub note: Option<(String, bool)>,
}

/// Something that has a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    /// What it looks like.
    pub kind: Kind,
    /// Its name; empty if it has none.
    pub name: String,
    /// What is written in it.
    pub head: String,
    /// What is written below that, in smaller letters.
    pub subhead: String,
    /// Its cells; an empty one is empty.
    pub cells: Vec<String>,
    /// True if the light falls on it.
    pub is_lit: bool,
    /// How wide it is in a row, among the others.
    pub weight: i32,
    /// The thing that it is in.
    pub within: usize,
    /// The things in it.
    pub things: Vec<usize>,
}

/// What a thing looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A frame; what is in it stands below each other.
    #[default]
    Box,
    /// No frame; what is in it stands side by side.
    Row,
    /// Words alone.
    Text,
    /// A bar of a chart.
    Bar,
}

/// Something that goes from one thing to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrow {
    /// Where it begins, and where it ends.
    pub ends: [usize; 2],
    /// What it is.
    pub text: String,
    /// What its end looks like.
    pub tip: Tip,
}

/// The end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tip {
    /// It gets there.
    There,
    /// It goes both ways.
    Both,
    /// It does not get there.
    Stuck,
}

impl Picture {
    /// Reads a file.
    ///
    /// # Errors
    /// The number of the first line that cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Picture, (usize, String)> {
        let mut picture = Picture { things: vec![Thing::default()], ..Picture::default() };
        // The thing that was read last at each depth.
        let mut open = vec![0];
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end();
            if !line.is_empty() {
                picture.line(line, &mut open).map_err(|why| (number, why))?;
            }
        }
        match (picture.title.is_empty(), picture.things.len()) {
            (true, _) => Err((1, "there is no `title TEXT`".to_string())),
            (_, 1) => Err((1, "there is nothing to draw".to_string())),
            _ => Ok(picture),
        }
    }

    fn line(&mut self, line: &str, open: &mut Vec<usize>) -> Result<(), String> {
        let (first, rest) = word(line.trim_start());
        let (kind, weight) = match first.split_once('*') {
            Some((kind, weight)) => (kind, weight.parse().map_err(|_| "no weight")?),
            None => (first, 1),
        };
        let mut thing = Thing { weight, is_lit: kind == "box!", ..Thing::default() };
        match kind {
            "title" => self.title = rest.to_string(),
            "note" | "note!" => self.note = Some((rest.to_string(), kind == "note!")),
            "box" | "box!" => {
                let (name, rest) = word(rest);
                let (words, cells) = rest.split_once("= ").unwrap_or((rest, ""));
                let cell =
                    |cell: &str| if cell == "·" { String::new() } else { cell.to_string() };
                thing.name = name.to_string();
                thing.cells = cells.split_whitespace().map(cell).collect();
                return self.add(thing, words, line, open);
            }
            "row" => return self.add(Thing { kind: Kind::Row, ..thing }, "", line, open),
            "text" => return self.add(Thing { kind: Kind::Text, ..thing }, rest, line, open),
            "bar" => {
                let (words, number) = rest.split_once("= ").ok_or("a bar needs `= NUMBER`")?;
                word(number)
                    .0
                    .parse::<f64>()
                    .map_err(|_| format!("{number:?} is no number"))?;
                let bar = Thing { kind: Kind::Bar, cells: vec![number.to_string()], ..thing };
                return self.add(bar, words, line, open);
            }
            name => return self.arrow(name, rest),
        }
        Ok(())
    }

    fn add(
        &mut self,
        mut thing: Thing,
        words: &str,
        line: &str,
        open: &mut Vec<usize>,
    ) -> Result<(), String> {
        let depth = (line.len() - line.trim_start().len()) / 2;
        open.truncate(depth + 1);
        let above = *open.get(depth).ok_or("this is indented too far")?;
        if !matches!(self.things[above].kind, Kind::Box | Kind::Row) {
            return Err("there can be nothing inside the thing above".to_string());
        }
        let name = thing.name.as_str();
        if !name.is_empty() && self.things.iter().any(|other| other.name == name) {
            return Err(format!("{name:?} is there already"));
        }
        if ["title", "box", "row", "text", "bar", "note"].contains(&name) {
            return Err(format!("{name:?} is no name: lines begin with it"));
        }
        let (head, subhead) = words.split_once(": ").unwrap_or((words, ""));
        (thing.head, thing.subhead) = (head.trim().to_string(), subhead.trim().to_string());
        thing.within = above;
        let number = self.things.len();
        self.things[above].things.push(number);
        self.things.push(thing);
        open.push(number);
        Ok(())
    }

    fn arrow(&mut self, from: &str, rest: &str) -> Result<(), String> {
        let (sign, rest) = word(rest);
        let (to, text) = word(rest);
        let tip = match sign {
            "->" => Tip::There,
            "<->" => Tip::Both,
            "-x" => Tip::Stuck,
            _ => return Err(format!("no line of a picture begins with {from:?}")),
        };
        let ends = [self.named(from)?, self.named(to)?];
        self.arrows.push(Arrow { ends, text: text.to_string(), tip });
        Ok(())
    }

    fn named(&self, name: &str) -> Result<usize, String> {
        let found = self.things.iter().skip(1).position(|thing| thing.name == name);
        found.map(|at| at + 1).ok_or_else(|| format!("there is no box {name:?} above"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_read() {
        let text = "title A b\n\nbox a  The a: one\nbox b\n  row\n    text x\n    box!*2 c C = h · \\n\n\
                    bar d: e = 1.5 MB\na -> c hello there\nb -x a\na <-> b\nnote! All\n";
        let picture = Picture::parse(text).unwrap();
        let things = &picture.things;
        assert_eq!((picture.title.as_str(), things.len()), ("A b", 7));
        assert_eq!((things[1].head.as_str(), things[1].subhead.as_str()), ("The a", "one"));
        assert_eq!(
            (&things[0].things[..], &things[3].things[..]),
            (&[1, 2, 6][..], &[4, 5][..])
        );
        let lit = &things[5];
        assert_eq!((lit.is_lit, lit.weight, lit.within), (true, 2, 3));
        assert_eq!(lit.cells, ["h", "", "\\n"]);
        assert_eq!((things[6].kind, &things[6].cells[0][..]), (Kind::Bar, "1.5 MB"));
        let arrows: Vec<_> =
            picture.arrows.iter().map(|a| (a.ends, a.text.as_str(), a.tip)).collect();
        assert_eq!(
            arrows,
            [
                ([1, 5], "hello there", Tip::There),
                ([2, 1], "", Tip::Stuck),
                ([1, 2], "", Tip::Both)
            ]
        );
        assert_eq!(picture.note, Some(("All".to_string(), true)));
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (line, what) in [
            ("b -> z", "there is no box \"b\" above"),
            ("a => a", "no line of a picture begins with \"a\""),
            ("    box c", "this is indented too far"),
            ("box a", "\"a\" is there already"),
            ("box row", "\"row\" is no name: lines begin with it"),
            ("bar x = y", "\"y\" is no number"),
        ] {
            let wrong = Picture::parse(&format!("title A\nbox a A\n{line}")).unwrap_err();
            assert_eq!(wrong, (3, what.to_string()));
        }
        assert_eq!(Picture::parse("title A\ntext x\n  text y").unwrap_err().0, 3);
        assert_eq!(Picture::parse("box a A").unwrap_err().0, 1);
        assert_eq!(Picture::parse("title A").unwrap_err().0, 1);
    }
}
