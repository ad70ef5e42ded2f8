//! The book's figures: each `chapters/*/figures/NAME.lanes` or `NAME.picture` has its drawing
//! beside it.

use crate::drawing::{bars, lanes::Figure, picture::Picture, sketch};
use common::{Context, Error};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a file draws.
#[derive(Debug)]
pub struct Drawn {
    /// The drawing's file, below the workspace.
    pub file: PathBuf,
    /// What must stand in it.
    pub svg: String,
}

impl Drawn {
    /// True if the file is what its source draws.
    pub fn is_up_to_date(&self, root: &Path) -> bool {
        fs::read_to_string(root.join(&self.file)).is_ok_and(|svg| svg == self.svg)
    }

    /// Writes the file.
    pub fn write(&self, root: &Path) -> Result<(), Error> {
        let file = root.join(&self.file);
        fs::write(&file, &self.svg).context(format_args!("cannot write {}", file.display()))
    }
}

/// Draws all figures, in the order of their names.
///
/// # Errors
/// `FILE:LINE: …` for the first file that cannot be drawn.
pub fn draw_all(root: &Path) -> Result<Vec<Drawn>, Error> {
    let mut files = Vec::new();
    for chapter in names(root, Path::new("chapters")).context("cannot read chapters")? {
        // A chapter without a folder of figures has none.
        files.extend(names(root, &chapter.join("figures")).unwrap_or_default());
    }
    files.retain(|file| file.extension().is_some_and(|end| end == "lanes" || end == "picture"));
    files.iter().map(|file| draw_one(root, file)).collect()
}

fn draw_one(root: &Path, file: &Path) -> Result<Drawn, Error> {
    let name = file.display();
    let text =
        fs::read_to_string(root.join(file)).context(format_args!("cannot read {name}"))?;
    let drawn = match file.extension().is_some_and(|end| end == "lanes") {
        true => Figure::parse(&text).map(|figure| bars::draw(&figure)),
        false => Picture::parse(&text).map(|picture| sketch::draw(&picture)),
    };
    // What has no room is the whole figure's fault.
    let drawn = drawn.and_then(|drawn| drawn.map_err(|why| (1, why)));
    let wrong = |(line, why)| Error::failed(format_args!("{name}:{line}"), why);
    Ok(Drawn { file: file.with_extension("svg"), svg: drawn.map_err(wrong)? })
}

/// What is in a folder, below `root`, sorted.
fn names(root: &Path, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root.join(folder))?;
    let mut names: Vec<_> = entries.flatten().map(|e| folder.join(e.file_name())).collect();
    names.sort();
    Ok(names)
}
