//! loadgen: a server under load, and the load.
//!
//! ```text
//! $ loadgen server 7008
//! $ loadgen 127.0.0.1 7008 --clients 10,100,1000 --svg load.svg
//! ```
//!
//! The server has a thread for each client, and so has the load; all clients connect at the same
//! moment. Notice who is slow when there are many: neither program. The server's kernel has room
//! for 129 connections that wait for `accept`, and drops what does not fit. A client's kernel
//! asks again after a second. Or it believes that it is connected while the server's kernel has
//! forgotten it, and then the client waits until its own patience ends.
//!
//! Read [`server`], then [`session`], which is one client, then [`burst`], which is all of them
//! at once. The other modules tell what these have measured.

mod burst;
mod graph;
mod kernel;
mod options;
mod report;
mod server;
mod session;

use common::{Args, Error, Program, Role, net};
use options::Options;
use report::Report;
use session::Task;
use std::{process::ExitCode, sync::Arc};

const PROGRAM: Program = Program {
    name: "loadgen",
    usage: "loadgen server PORT [--bind ADDR]
loadgen HOST PORT [--clients N,N,...] [--message-bytes N] [--rounds N]
        [--timeout SECONDS] [--no-intro] [--csv FILE] [--svg FILE]",
    example: "loadgen 127.0.0.1 7008 --clients 10,100 --csv load.csv --svg load.svg",
};

fn main() -> ExitCode {
    PROGRAM.main(|mut args: Args| {
        let options = Options::take(&mut args)?;
        match args.role("127.0.0.1")? {
            Role::Server { .. } if options != Options::default() => {
                Err(Error::Usage("the server has one option, --bind".to_string()))
            }
            Role::Server { bind, port } => server::run_server(&net::listen(&bind, port)?),
            Role::Client { host, port } => run_client(&host, port, options),
        }
    })
}

/// The whole sweep: each number of clients comes `rounds` times and gets a row.
fn run_client(host: &str, port: u16, options: Options) -> Result<(), Error> {
    // Once, because a thousand threads that look up the same name would measure the name server.
    let addresses = net::look_up(host, port)?;
    let mut report = Report::begin(options.csv.as_ref(), options.svg.as_ref())?;
    let task = Arc::new(Task { target: net::address(host, port), addresses, options });
    for &clients in &task.options.clients {
        report.add(burst::run(clients, &task)?)?;
    }
    report.end()
}
