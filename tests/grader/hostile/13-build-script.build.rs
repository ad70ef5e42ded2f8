use std::{fs, fs::OpenOptions, net::TcpStream, process::{Command, Stdio}, time::Duration};

fn main() {
    let files = ["@RESULTS@", "@ROOT@/tests/checks/src/echo_threaded/server.rs", "@GRADE@"];
    let mut worked = files.iter().any(|file| OpenOptions::new().append(true).open(file).is_ok());
    worked |= fs::read("@ROOT@/chapters/03-echo-threaded/src/main.rs").is_ok();
    worked |= fs::read_dir("@ROOT@/target/grade").is_ok_and(|all| all.count() > 1);
    let call = TcpStream::connect_timeout(&([192, 0, 2, 1], 80).into(), Duration::from_secs(1));
    worked |= call.err().is_none_or(|e| e.kind() != std::io::ErrorKind::NetworkUnreachable);
    let mut left = Command::new("setsid");
    left.args(["sleep", "62.6262"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = left.spawn();
    if worked {
        println!("cargo::rustc-env=WORKED=1");
    }
}
