//! The address of a network interface, without a system call that std lacks: the system's
//! `ip` or `ifconfig` knows it.

use crate::Error;
use std::{net::Ipv4Addr, process::Command};

/// The first IPv4 address of the interface `name`.
pub fn interface_address(name: &str) -> Result<Ipv4Addr, Error> {
    let cannot = format!("cannot find the address of interface {name:?}");
    if name.is_empty() || name.starts_with('-') {
        return Err(Error::failed(cannot, "no interface has such a name")); // an option to ifconfig
    }
    let found = ask("ip", &["-4", "-o", "addr", "show", "dev", name]);
    let found = found.or_else(|| ask("ifconfig", &[name]));
    found.ok_or_else(|| Error::failed(cannot, "neither ip nor ifconfig tells one"))
}

fn ask(command: &str, args: &[&str]) -> Option<Ipv4Addr> {
    let answer = Command::new(command).args(args).output().ok()?; // not reported: before the first line
    parse(&String::from_utf8_lossy(&answer.stdout))
}

/// The word after `inet`: `inet 127.0.0.1/8` (ip), `inet 127.0.0.1` or `inet addr:127.0.0.1`
/// (ifconfig).
fn parse(text: &str) -> Option<Ipv4Addr> {
    let word = text.split_whitespace().skip_while(|word| *word != "inet").nth(1)?;
    word.trim_start_matches("addr:").split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_not_an_interface() {
        for name in ["-a", ""] {
            let error = interface_address(name).unwrap_err().to_string();
            assert!(error.ends_with(": no interface has such a name"), "{error}");
        }
    }

    #[test]
    fn the_address_follows_inet() {
        for text in [
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever",
            "7: ppp0    inet 127.0.0.1 peer 10.0.0.1/32 scope global ppp0",
            "lo0: flags=8049<UP>\n\tinet6 ::1 prefixlen 128\n\tinet 127.0.0.1 netmask 0xff000000",
            "lo  Link encap:Local Loopback\n    inet addr:127.0.0.1  Mask:255.0.0.0",
        ] {
            assert_eq!(parse(text), Some(Ipv4Addr::LOCALHOST), "{text}");
        }
        assert_eq!(["", "inet", "eth0: <UP> mtu 1500 inet6 fe80::1/64"].map(parse), [None; 3]);
    }
}
