//! Links lead somewhere, and figures are what their lanes draw.
//!
//! A link leads to a heading of the book (`#22-watch-it-block`), to a file of the project, or
//! to `https://…`, which is not looked at. An image is a file of the project and has an
//! alternative text. A drawing (`.svg`) has its lanes or its picture beside it, and is what they
//! draw; all that is drawn is shown somewhere. A graph has its run's numbers beside it ([`crate::truth::measured`]).

use crate::{
    Untrue,
    drawing::figures,
    reading::markdown::{Book, Link},
    truth::measured,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

/// How high a figure may be, in pixels, so that all of it is seen at once.
const SCREEN: u32 = 900;

/// Every link and image of the book that is not as it should be, and headings that share
/// an anchor.
pub fn check(book: &Book, root: &Path) -> Vec<Untrue> {
    let (mut anchors, mut untrue) = (BTreeSet::new(), Vec::new());
    for heading in &book.headings {
        if !anchors.insert(heading.anchor()) {
            untrue.push(Untrue::new(heading.line, "another heading has the same words"));
        }
    }
    for link in &book.links {
        let wrong = what_is_wrong(link, &anchors, root);
        untrue.extend(wrong.map(|what| Untrue::new(link.line, what)));
    }
    untrue.extend(check_figures(book, root));
    untrue
}

fn what_is_wrong(link: &Link, anchors: &BTreeSet<String>, root: &Path) -> Option<String> {
    let target = &link.target;
    if link.image && link.text.is_empty() {
        return Some(format!("{target} has no alternative text"));
    }
    if let Some(anchor) = target.strip_prefix('#') {
        return (!anchors.contains(anchor))
            .then(|| format!("no heading has the anchor #{anchor}"));
    }
    if target.starts_with("https://") && !link.image {
        return None;
    }
    let within = |part| matches!(part, Component::Normal(_));
    let is_file = Path::new(target).components().all(within) && root.join(target).exists();
    (!is_file).then(|| format!("there is no file {target}"))
}

/// How high a drawing is, as it says.
fn height(svg: &Path) -> Option<u32> {
    let text = fs::read_to_string(svg).ok()?;
    text.split(" height=\"").nth(1)?.split('"').next()?.parse().ok()
}

fn check_figures(book: &Book, root: &Path) -> Vec<Untrue> {
    let drawn = match figures::draw_all(root) {
        Ok(drawn) => drawn,
        Err(e) => return vec![Untrue::new(1, e.to_string())],
    };
    let mut untrue = Vec::new();
    for link in book.links.iter().filter(|link| link.image && link.target.ends_with(".svg")) {
        let (file, line) = (&link.target, link.line);
        let (svg, csv) = (root.join(file), root.join(file).with_extension("csv"));
        if let Some(height) = height(&svg).filter(|height| *height > SCREEN) {
            let what = format!("{file} is {height} pixels high: a screen has {SCREEN}");
            untrue.push(Untrue::new(line, what));
        }
        match drawn.iter().find(|drawn| drawn.file == Path::new(file)) {
            None if csv.exists() && measured::is_graph_of(&svg, &csv) => {}
            None if csv.exists() => {
                untrue
                    .push(Untrue::new(line, format!("{file} and its .csv are not one run's")));
            }
            None => untrue.push(Untrue::new(
                line,
                format!("{file} has no .lanes and no .picture beside it"),
            )),
            Some(drawn) if !drawn.is_up_to_date(root) => {
                let what = format!("{file} is not what its source draws: run `make figures`");
                untrue.push(Untrue::new(line, what));
            }
            Some(_) => {}
        }
    }
    for drawn in &drawn {
        if !book.links.iter().any(|link| Path::new(&link.target) == drawn.file) {
            let file = drawn.file.display();
            untrue.push(Untrue::new(1, format!("the figure {file} is shown nowhere")));
        }
    }
    untrue
}

#[cfg(test)]
mod tests {
    use super::*;
    use checks::workspace;

    fn lines(text: &str) -> Vec<usize> {
        let book = Book::parse(text);
        let untrue = check(&book, workspace::root()).into_iter();
        untrue.filter(|u| !u.what.contains("nowhere")).map(|u| u.line).collect()
    }

    #[test]
    fn links_lead_somewhere() {
        let true_links = "# 1 A b\n[a](#1-a-b) [b](Cargo.toml) [c](https://example.org/)\n";
        assert_eq!(lines(true_links), []);
        for wrong in
            ["[a](#1-a-c)", "[a](Cargo.tom)", "[a](../Cargo.toml)", "[a](/)", "[a](http://a)"]
        {
            assert_eq!(lines(&format!("{true_links}{wrong}")), [3], "{wrong}");
        }
        assert_eq!(lines("# 1 A\n\n# 1 A\n"), [3]);
    }

    #[test]
    fn figures_have_a_text_and_lanes() {
        let figure = "chapters/02-one-to-one/figures/second-client.svg";
        assert_eq!(lines(&format!("![bob waits]({figure})")), []);
        assert_eq!(lines(&format!("![]({figure})")), [1]);
        assert_eq!(lines("![a](chapters/no.svg)"), [1, 1]);
    }
}
