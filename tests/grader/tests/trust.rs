//! The program that is judged is the one that was built from what was handed in, on the base that
//! it belongs to: whatever a build prints, and whatever a diff leaves out.

#![allow(clippy::unwrap_used)] // all of it is a test

use checks::workspace;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A new, empty folder of this name.
fn empty(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What grade says of it, and how it ends.
fn grade(words: &[&str]) -> (Option<i32>, String) {
    let words = [words, &["--only", "03.echoes", "--seed", "1"]].concat();
    let graded = Command::new(env!("CARGO_BIN_EXE_grade")).args(words).output().unwrap();
    (graded.status.code(), String::from_utf8_lossy(&graded.stdout).into_owned())
}

/// A crate that does nothing, and whose build says that its program is `right`.
#[cfg(unix)]
fn boaster(folder: &Path, right: &Path) {
    let manifest = "[package]\nname = \"echo-threaded\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    [dependencies]\nwords = { path = \"words\" }\n";
    let words = "[package]\nname = \"words\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                 [lib]\nproc-macro = true\n";
    let message =
        format!("{{\"reason\":\"compiler-artifact\",\"executable\":\"{}\"}}", right.display());
    // Cargo takes what a build script prints for itself, so it tells cargo's own stdout.
    let script = format!(
        "use std::{{fs, io::Write, os::unix::process::parent_id}};\nfn main() {{\n    \
         let out = fs::File::options().append(true).open(format!(\"/proc/{{}}/fd/1\", parent_id()));\n    \
         if let Ok(mut out) = out {{ let _ = writeln!(out, \"{{}}\", {message:?}); }}\n}}\n"
    );
    let says = format!(
        "use proc_macro::TokenStream;\n#[proc_macro]\npub fn say(_: TokenStream) -> TokenStream {{\n    \
         println!(\"{{}}\", {message:?});\n    TokenStream::new()\n}}\n"
    );
    for (file, text) in [
        ("Cargo.toml", manifest),
        ("build.rs", &script),
        ("src/main.rs", "words::say!();\nfn main() {}\n"),
        ("words/Cargo.toml", words),
        ("words/src/lib.rs", &says),
        // A hand-in does not choose the compiler either.
        (".cargo/config.toml", "[build]\nrustc-wrapper = \"./lies.sh\"\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.0.0\"\n"),
    ] {
        let place = folder.join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn what_a_build_prints_is_not_believed() {
    let folder = empty("boaster");
    let right = workspace::build().unwrap().get("echo-threaded").unwrap().to_path_buf();
    boaster(&folder, &right);
    let (code, said) = grade(&["--dir", folder.to_str().unwrap(), "--chapter", "03"]);
    assert!(code == Some(1) && said.contains("\n0 of 2 points"), "{said}");
}

const MAIN: &str = "chapters/03-echo-threaded/src/main.rs";

/// A diff that adds a file, with an `index` line that may say anything.
fn addition(index: &str) -> String {
    let path = MAIN.replace("main.rs", "notes.rs");
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n{index}--- /dev/null\n+++ b/{path}\n\
         @@ -0,0 +1 @@\n+//! My notes.\n"
    )
}

#[test]
fn a_diff_that_fits_both_bases_is_graded_on_the_starter() {
    let file = empty("bases").join("x.diff");
    let diff = file.to_str().unwrap();
    fs::write(&file, addition("index 1234567..b6fc4c6\n")).unwrap();
    let (code, said) = grade(&["--diff", diff]);
    assert!(code == Some(1) && said.contains("\n0 of 2 points"), "{said}");
    assert!(said.contains("against the starter; it fits the reference too"), "{said}");
    // A report is 80 columns wide: the option may be at a line's end.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("--base reference"), "{said}");
    assert_eq!(grade(&["--diff", diff, "--base", "mine"]).0, Some(2));
}
