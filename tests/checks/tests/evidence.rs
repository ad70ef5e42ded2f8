//! A mistake is named only with evidence: no check claims one with a condition that is always
//! true.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn no_check_claims_a_mistake_without_evidence() {
    let mut sources = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    assert!(sources.len() > 30, "where are the checks?");
    for file in sources {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if let Some(claim) = claim(&text) {
            panic!("{} claims without evidence: {claim}", file.display());
        }
    }
}

/// A condition of a diagnosis that is always true.
fn claim(source: &str) -> Option<&'static str> {
    let squeezed: String = source.split_whitespace().collect();
    [".means(true,", ",||true)", ",||true,)", "||Some(String::new())"]
        .into_iter()
        .find(|claim| squeezed.contains(claim))
}

#[test]
fn a_claim_is_found() {
    assert!(claim("result.means(\n    true, &CROSSED)").is_some());
    assert!(claim("result.confirm(&CROSSED, \"so it is\", || true)").is_some());
    assert!(claim("result.confirm(&CROSSED, \"b got it\", || b_got_it)").is_none());
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}
