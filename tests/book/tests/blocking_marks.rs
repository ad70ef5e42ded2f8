//! Every call in the chapters and in common that can wait is marked with `blocking(…)`, so that
//! `BLOCKING=1` leaves no wait out.

use book::{reading::source::Source, truth::waits::unmarked};
use checks::workspace;

#[test]
fn every_call_that_can_wait_is_marked() {
    let mut found = Vec::new();
    let chapters = std::fs::read_dir(workspace::root().join("chapters")).unwrap();
    let crates = chapters.map(|chapter| chapter.unwrap().path());
    for folder in crates.chain([workspace::root().join("common")]) {
        let folders = ["src", "examples"].map(|name| folder.join(name));
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            for source in Source::read_all(folder).unwrap() {
                let path = source.path.strip_prefix(workspace::root()).unwrap().display();
                let calls = unmarked(&source).into_iter();
                found.extend(calls.map(|(line, call)| format!("{path}:{line}: {call}")));
            }
        }
    }
    assert!(found.is_empty(), "not marked with blocking(…):\n{}\n", found.join("\n"));
}
