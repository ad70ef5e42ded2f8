//! A starter is its chapter's program with the lesson taken out: the same comment at the top, the
//! same names and signatures. It is ASCII, because it goes through editors, shells and web forms.

#![allow(clippy::unwrap_used)] // what fails here fails a test

use book::reading::source::Source;
use checks::workspace;
use std::{fs, path::Path};

#[test]
fn starters_have_the_names_and_signatures_of_their_programs() {
    let mut found = Vec::new();
    for chapter in fs::read_dir(workspace::root().join("chapters")).unwrap() {
        let chapter = chapter.unwrap().path();
        let starter = Source::read_all(&chapter.join("starter.rs")).unwrap().remove(0);
        let reference = Source::read_all(&chapter.join("src")).unwrap();
        let name = chapter.file_name().unwrap().to_string_lossy().into_owned();
        found.extend(
            differences(&starter, &reference).iter().map(|what| format!("{name}: {what}")),
        );
    }
    found.sort();
    assert!(found.is_empty(), "starters differ from their programs:\n{}\n", found.join("\n"));
}

/// Everything in which the starter is not what the reference promises.
fn differences(starter: &Source, reference: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let main = reference.iter().find(|source| source.path.ends_with("main.rs")).unwrap();
    if module_doc(starter) != module_doc(main) {
        found.push("the comment at the top is another one".to_string());
    }
    if let Some(line) = starter.text.lines().position(|line| !line.is_ascii()) {
        found.push(format!("line {} is not ASCII", line + 1));
    }
    let theirs: Vec<_> = reference.iter().flat_map(signatures).collect();
    let ours: Vec<_> = signatures(starter).collect();
    for (name, text) in &ours {
        let mut same = theirs.iter().filter(|(theirs, _)| theirs == name).map(|(_, text)| text);
        match same.clone().next() {
            None => found.push(format!("{name} is not in the program")),
            // A pattern in the place of a parameter's name is a part of the lesson.
            Some(theirs) if !theirs.contains('{') && same.all(|theirs| theirs != text) => {
                found.push(format!("`{text}` should be `{theirs}`"));
            }
            Some(_) => {}
        }
    }
    let missing =
        signatures(main).filter(|(name, _)| ours.iter().all(|(ours, _)| ours != name));
    found.extend(missing.map(|(name, _)| format!("{name} is missing")));
    found
}

/// The name and the head of each function, but for tests, and of each constant the name and the
/// type.
fn signatures(source: &Source) -> impl Iterator<Item = (String, String)> {
    let functions = source.functions.iter().map(|function| {
        let head = &source.text[function.range.clone()];
        (
            function.name.clone(),
            &head[..head.find("{\n").or(head.find("{}")).unwrap_or(head.len())],
        )
    });
    let constants = source.code.match_indices("const ").filter_map(|(start, _)| {
        let head = &source.code[start..start + source.code[start..].find(" =")?];
        let line = source.code[..start].rfind('\n').map_or(0, |at| at + 1);
        let is_item = matches!(source.code[line..start].trim(), "" | "pub");
        let name = head.split([' ', ':']).nth(1)?.to_string();
        is_item.then_some((name, head))
    });
    let all = functions.chain(constants).map(|(name, head)| {
        let head = head.split_whitespace().collect::<Vec<_>>().join(" ");
        // Where a long head is broken into lines, a comma follows its last parameter.
        let head = head.replace("( ", "(").replace(", )", ")");
        // Whether a parameter is written to is the function's own business.
        (name, head.replace("(mut ", "(").replace(", mut ", ", "))
    });
    all.collect::<Vec<_>>().into_iter()
}

fn module_doc(source: &Source) -> Vec<&str> {
    source.text.lines().take_while(|line| line.starts_with("//!")).collect()
}

#[test]
fn what_differs_is_named() {
    let source = |name: &str, text: &str| Source::new(Path::new(name).into(), text.to_string());
    let reference = "//! a\n\nconst C: u8 = 1;\n\nfn e(f: u8) -> u8 {\n}\n\nfn h() {\n}\n";
    let reference = [source("main.rs", reference)];
    assert!(differences(&source("starter.rs", &reference[0].text), &reference).is_empty());
    let starter = "//! b\n\nconst C: u16 = 2;\n\nfn e(f: u8) {\n}\n\n// \u{e9}\nfn i() {\n}\n";
    assert_eq!(
        differences(&source("starter.rs", starter), &reference),
        [
            "the comment at the top is another one",
            "line 8 is not ASCII",
            "`fn e(f: u8)` should be `fn e(f: u8) -> u8`",
            "i is not in the program",
            "`const C: u16` should be `const C: u8`",
            "h is missing",
        ]
    );
}
