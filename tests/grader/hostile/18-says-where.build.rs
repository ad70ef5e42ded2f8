use std::{env, fs, io::Write, os::unix::process::parent_id, path::Path};

fn main() {
    // Whatever reads the builder's output, and whatever earlier builds have left.
    if let Ok(mut file) = fs::File::options().append(true).open(format!("/proc/{}/fd/1", parent_id())) {
        let message = "{\"reason\":\"compiler-artifact\",\"executable\":\"@ROOT@/target/debug/echo-threaded\"}";
        let _ = writeln!(file, "{message}");
    }
    let out = env::var("OUT_DIR").unwrap();
    if finds(Path::new("@ROOT@/target"), Path::new(&out).ancestors().nth(5).unwrap()) {
        println!("cargo::rustc-env=WORKED=1");
    }
}

/// True if a program lies below this folder, but not below our own.
fn finds(folder: &Path, own: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut others = entries.filter(|path| path != own);
    others.any(|path| path.ends_with("echo-threaded") && path.is_file() || finds(&path, own))
}
