//! The book as one page: what rustdoc makes of it, with contents, a style, and colours for the
//! terminals of its sessions.

use crate::{
    drawing::svg::escaped,
    reading::{
        markdown::{Book, Heading},
        session::{Act, step},
    },
};
use common::{Context, Error};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where the style is, below the workspace.
const STYLE: &str = "tests/book/src/drawing/style.html";

/// How many colours the style has for terminals.
const COLOURS: usize = 5;

/// Makes `folder/BOOK.html` from the book, and copies beside it every file that it links to.
pub fn page(book: &Path, root: &Path, folder: &Path) -> Result<PathBuf, Error> {
    let text =
        fs::read_to_string(book).context(format_args!("cannot read {}", book.display()))?;
    let parts = Book::parse(&text);
    fs::create_dir_all(folder).context(format_args!("cannot make {}", folder.display()))?;
    let contents = folder.join("contents.html");
    write(&contents, &navigation(&parts.headings))?;
    rustdoc(book, &root.join(STYLE), &contents, folder)?;
    fs::remove_file(&contents).context("cannot remove contents.html")?;
    let page = folder.join(book.file_name().unwrap_or_default()).with_extension("html");
    let html = fs::read_to_string(&page).context("cannot read rustdoc's page")?;
    write(&page, &with_checks_below(&coloured(&html)))?;
    copy_files(&parts, root, folder)?;
    Ok(page)
}

fn rustdoc(book: &Path, style: &Path, contents: &Path, folder: &Path) -> Result<(), Error> {
    let rustdoc = env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let status = Command::new(rustdoc)
        .arg(book)
        .arg("--markdown-no-toc") // its contents number the headings once more
        .arg("--html-in-header")
        .arg(style)
        .arg("--html-before-content")
        .arg(contents)
        .arg("-o")
        .arg(folder)
        .stdin(Stdio::null())
        .status()
        .context("cannot run rustdoc (is Rust installed?)")?;
    if status.success() { Ok(()) } else { Err(Error::failed("cannot make the page", status)) }
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).context(format_args!("cannot write {}", file.display()))
}

/// The contents: each chapter can be opened to show its sections.
fn navigation(headings: &[Heading]) -> String {
    let mut html = String::from("<nav class=\"contents\">\n");
    let link = |heading: &Heading| {
        format!("<a href=\"#{}\">{}</a>", heading.anchor(), escaped(&heading.text))
    };
    let chapters =
        headings.iter().enumerate().skip(1).filter(|(_, heading)| heading.level == 1);
    for (at, chapter) in chapters {
        let sections = headings[at + 1..].iter().take_while(|heading| heading.level > 1);
        let items: String = sections
            .filter(|h| h.level == 2)
            .map(|h| format!("<li>{}</li>", link(h)))
            .collect();
        let chapter = link(chapter);
        html += &if items.is_empty() {
            format!("<p>{chapter}</p>\n")
        } else {
            format!("<details><summary>{chapter}</summary><ul>{items}</ul></details>\n")
        };
    }
    html + "</nav>\n"
}

/// Puts the line that says how an exercise is checked below the exercise.
fn with_checks_below(html: &str) -> String {
    html.replace("\nCheck: <code>", "<br>\nCheck: <code>")
}

/// Gives each terminal's name in a session its colour, in the order of their appearance.
fn coloured(html: &str) -> String {
    let mut parts = html.split("<pre class=\"language-text\"><code>");
    let mut coloured = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (block, rest) = part.split_once("</code>").unwrap_or((part, ""));
        coloured += &format!("<pre class=\"session\"><code>{}</code>{rest}", terminals(block));
    }
    coloured
}

fn terminals(block: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for line in block.lines() {
        let unescaped = line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let Some(step) = step(0, &unescaped) else { return block.to_string() };
        let place = names.iter().position(|name| *name == step.terminal).unwrap_or(names.len());
        if place == names.len() {
            names.push(step.terminal.clone());
        }
        let class = match step.act {
            Act::Start(_) | Act::Type(_) => "typed",
            Act::Print(_) => "printed",
            _ => "sign",
        };
        let (colour, name) = (place % COLOURS, &step.terminal);
        let rest = &line[name.len()..];
        lines.push(format!(
            "<b class=\"t{colour}\">{name}</b><span class=\"{class}\">{rest}</span>"
        ));
    }
    lines.join("\n") + "\n"
}

fn copy_files(parts: &Book, root: &Path, folder: &Path) -> Result<(), Error> {
    for link in &parts.links {
        let (from, to) = (root.join(&link.target), folder.join(&link.target));
        if link.target.starts_with('#') || !from.is_file() {
            continue;
        }
        let copied = fs::create_dir_all(to.parent().unwrap_or(folder))
            .and_then(|()| fs::copy(&from, &to));
        copied.context(format_args!("cannot copy {}", link.target))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_have_colours() {
        let html = "<p>a: b</p><pre class=\"language-text\"><code>a$ x\nb&lt; y\na: &amp;\n</code></pre>\
                    <pre class=\"language-text\"><code>no session\n</code></pre>";
        let coloured = coloured(html);
        assert!(coloured.contains(
            "<b class=\"t0\">a</b><span class=\"typed\">$ x</span>\n<b class=\"t1\">b</b>"
        ));
        assert!(
            coloured.contains("<b class=\"t0\">a</b><span class=\"printed\">: &amp;</span>")
        );
        assert!(
            coloured.starts_with("<p>a: b</p>")
                && coloured.contains("<code>no session\n</code>")
        );
    }

    #[test]
    fn a_check_has_a_line_of_its_own() {
        let html = with_checks_below("<li>Do it.\nCheck: <code>make</code></li>");
        assert_eq!(html, "<li>Do it.<br>\nCheck: <code>make</code></li>");
    }

    #[test]
    fn the_contents_lead_to_chapters_and_sections() {
        let book = Book::parse("# Title\n# 1 A & b\n## 1.1 C\n### d\n# A E\n");
        let html = navigation(&book.headings);
        assert!(html.contains("<summary><a href=\"#1-a--b\">1 A &amp; b</a></summary><ul><li><a href=\"#11-c\">1.1 C</a></li></ul>"), "{html}");
        assert!(html.contains("<p><a href=\"#a-e\">A E</a></p>") && !html.contains("Title"));
    }
}
