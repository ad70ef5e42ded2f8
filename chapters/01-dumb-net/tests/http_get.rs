//! The answer to the exercises, against a server that says what no check asks for.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    process::Command,
    thread,
};

#[test]
fn a_header_need_not_be_utf8() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let lines = BufReader::new(client.try_clone().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.is_empty()));
        client.write_all(b"HTTP/1.1 200 OK\r\nX-Author: Ren\xe9\r\n\r\nhello").unwrap();
    });
    let stdin = std::env::temp_dir().join(format!("http-get-{}", std::process::id()));
    std::fs::write(&stdin, "/\n").unwrap();
    // Cargo puts the examples next to the folder of this test's own executable.
    let examples = std::env::current_exe().unwrap().parent().unwrap().join("../examples");
    let output = Command::new(examples.join("http_get"))
        .args(["127.0.0.1", &port])
        .stdin(std::fs::File::open(&stdin).unwrap())
        .output()
        .unwrap();
    std::fs::remove_file(stdin).unwrap();
    server.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello", "{output:?}");
}
