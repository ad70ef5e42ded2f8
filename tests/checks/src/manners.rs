//! The manners that every program of ours has (CONTRACT, "Manners"): asked of the reference,
//! a remark for a submission, because no lab asks for them. Each function makes one check.

use crate::check::Check;
use crate::shared::{REFUSED_IS_FINE, written};
use stage::{
    Program, Role, Stage,
    failure::{Explain, Halt, Step, fail, quote},
    kernel, patience,
};
use std::{env, fs, net::SocketAddr, process};

const fn check(
    id: &'static str,
    role: Role,
    title: &'static str,
    run: fn(&Stage) -> Step,
) -> Check {
    Check::manners(id, role, title)
        .source("our contract: manners, the same for every program")
        .steps(run)
}

pub const fn help(id: &'static str, role: Role) -> Check {
    check(id, role, "--help shows the usage and an example", |stage| {
        let mut program = stage.program("--help")?;
        program.prints("usage: ")?;
        program.prints("example: ")?;
        program.ends_with(0)
    })
}

pub const fn version(id: &'static str, role: Role) -> Check {
    check(id, role, "--version says a version", |stage| {
        let mut program = stage.program("--version")?;
        program.prints(".")?;
        program.ends_with(0)
    })
}

pub const fn usage(id: &'static str, role: Role) -> Check {
    check(id, role, "wrong usage gets one line and the usage, exit 2", |stage| {
        for words in
            ["", "127.0.0.1 no-port", "127.0.0.1 1 2 3 4", "127.0.0.1 70000", "--what 1"]
        {
            let program = stage.program(words)?;
            program.ends_with(2)?;
            program.complains(&["usage: "])?; // it may still be on its way to us
            let (first, second) = first_two_lines(&program);
            if !first.contains(": ") || !second.starts_with("usage: ") {
                return fail(
                    "a line `program: what is wrong`, then the usage",
                    stderr(&program),
                );
            }
        }
        Ok(())
    })
}

pub const fn refused(id: &'static str) -> Check {
    let title = "a refused connection is one line and exit 1";
    let run: fn(&Stage) -> Step = |stage| is_refused(stage, "");
    check(id, Role::Client, title, run).mistakes(&[&REFUSED_IS_FINE])
}

/// The client finds nobody: with these options, if it needs some.
pub fn is_refused(stage: &Stage, options: &str) -> Step {
    let nobody = SocketAddr::from(([127, 0, 0, 1], stage.free_port()?));
    let client = stage.client_with(nobody, options, &[])?;
    let success = client.ends()?.success();
    client.ends_with(1).confirm(&REFUSED_IS_FINE, "its exit status is 0", || success)?;
    let line = client.complains(&[&nobody.to_string(), "Connection refused"])?;
    if line.contains("os error") || stderr(&client).lines().count() != 1 {
        return fail("one line, its cause in words", stderr(&client));
    }
    Ok(())
}

pub const fn port_zero(id: &'static str, role: Role) -> Check {
    let run: fn(&Stage) -> Step = match role {
        Role::Encoder => |stage| listens_where_it_says(stage, Role::Encoder),
        _ => |stage| listens_where_it_says(stage, Role::Server),
    };
    check(id, role, "with port 0 the first line on stderr says the real port", run)
}

fn listens_where_it_says(stage: &Stage, role: Role) -> Step {
    let server = stage.start(role, &[("{port}", "0")], "")?;
    server.complains(&["listening on "])?;
    let (first, _) = first_two_lines(&server);
    let port = first.strip_prefix("listening on ").and_then(|address| address.rsplit_once(':'));
    match port.and_then(|(_, port)| port.parse().ok()) {
        Some(port) if kernel::is_listening(port) || kernel::is_bound_udp(port) => Ok(()),
        _ => fail("`listening on ADDRESS:PORT`, and that it is true", stderr(&server)),
    }
}

pub const fn ipv6(id: &'static str) -> Check {
    check(id, Role::Client, "an IPv6 address is a host too", |stage| {
        let host = match stage.host("::1") {
            Ok(host) => host,
            Err(Halt::Grader(_)) => return Err(Halt::Lacking("IPv6 loopback")),
            Err(stop) => return Err(stop),
        };
        stage.client(&host)?.connects_to(&host, "host").map(|_| ())
    })
}

pub const fn blocking_lines(id: &'static str, role: Role) -> Check {
    let run: fn(&Stage) -> Step = match role {
        Role::Encoder => |stage| says_who_waited(stage, Role::Encoder),
        _ => |stage| says_who_waited(stage, Role::Server),
    };
    check(id, role, "BLOCKING=1 says who waited in which call for how long", run)
}

fn says_who_waited(stage: &Stage, role: Role) -> Step {
    let server = stage.serve_with(role, "", &["env BLOCKING=1"])?;
    let _client = server.connect("a")?;
    let line = server.program.complains(&["accept", "main"])?;
    if ["us", "ms", " s"].iter().any(|unit| line.contains(unit)) {
        return Ok(());
    }
    fail("a time with its unit", line)
}

pub const fn blocking_trace(id: &'static str, role: Role) -> Check {
    let run: fn(&Stage) -> Step = match role {
        Role::Encoder => |stage| writes_a_trace(stage, Role::Encoder),
        _ => |stage| writes_a_trace(stage, Role::Server),
    };
    check(id, role, "BLOCKING=FILE.json is a trace that can be opened at any moment", run)
}

fn writes_a_trace(stage: &Stage, role: Role) -> Step {
    let name = format!("trace-{}-{}.json", process::id(), stage.free_port()?);
    let file = env::temp_dir().join(name);
    let variable = format!("env BLOCKING={}", stage::process::shell_path(&file));
    let seen = stage.serve_with(role, "", &[&variable]).and_then(|server| {
        let _client = server.connect("a")?;
        let has_accept = |text: String| text.contains(r#""name":"accept""#);
        kernel::look_until(patience(), || written(&file).is_some_and(has_accept));
        Ok(written(&file).unwrap_or_default())
    });
    let _ = fs::remove_file(&file);
    let text = seen?;
    let events: Vec<_> = text.strip_prefix('[').unwrap_or_default().split(",\n").collect();
    let named = |event: &&str| event.contains("thread_name") && event.contains("main");
    if !text.contains(r#""name":"accept""#) || !events.iter().any(named) {
        return fail("events of accept() and the thread's name", quote(text.as_bytes()));
    }
    if !events.iter().all(|event| event.starts_with('{') && event.ends_with('}')) {
        return fail("a JSON array of events, at any moment", quote(text.as_bytes()));
    }
    Ok(())
}

fn stderr(program: &Program) -> String {
    String::from_utf8_lossy(&program.process.heard().stderr).into_owned()
}

fn first_two_lines(program: &Program) -> (String, String) {
    let text = stderr(program);
    let mut lines = text.lines().map(String::from);
    (lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}
