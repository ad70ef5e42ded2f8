//! The server's time is that of `date` in the same environment, to the second, also in a zone that
//! is not whole minutes from UTC.
#![allow(clippy::unwrap_used)] // what fails here fails a test

use std::{
    io::{BufRead, BufReader},
    net::UdpSocket,
    process::{Command, Stdio},
    time::Duration,
};

#[test]
fn the_time_is_that_of_date_in_any_zone() {
    for zone in ["AAA-1:02:03", "right/UTC", "Asia/Kolkata", "UTC"] {
        let (before, served, after) = (date(zone), time(zone), date(zone));
        // A second, or midnight, may have passed between the three.
        let possible = before <= served && served <= after || after < before;
        assert!(possible, "{zone}: {before} {served} {after}");
    }
}

fn date(zone: &str) -> String {
    let answer = Command::new("date").arg("+%T").env("TZ", zone).output().unwrap();
    String::from_utf8(answer.stdout).unwrap().trim_end().to_string()
}

fn time(zone: &str) -> String {
    let mut server = Command::new(env!("CARGO_BIN_EXE_udp-datetime"))
        .args(["server", "0"])
        .env("TZ", zone)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut banner = String::new();
    BufReader::new(server.stderr.take().unwrap()).read_line(&mut banner).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let address = banner.trim_end().strip_prefix("listening on ").unwrap();
    client.send_to(b"SEND_TIME", address).unwrap();
    let mut reply = [0; 64];
    let received = client.recv(&mut reply);
    server.kill().unwrap();
    server.wait().unwrap();
    String::from_utf8_lossy(&reply[..received.unwrap()]).into_owned()
}
