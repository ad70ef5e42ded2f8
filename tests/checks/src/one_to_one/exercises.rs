//! Chapter 2, the exercises of the book.
use crate::check::Check;
use stage::{
    Role,
    failure::{Diagnosis, Explain},
};
const COUNTS_ALL: Diagnosis = Diagnosis {
    id: "counts-all",
    they: "go on counting when the next client comes",
    text: "the second client's first line has not the number 1: which line of the program runs once for each client?",
};

pub(super) static X_NUMBERS: Check = Check::exercise(
    "02.x-numbers",
    Role::Server,
    "exercise: numbers the lines of each client, from 1",
    "numbered {port}",
)
.source("the book, 2.7")
.read("2.3")
.mistakes(&[&COUNTS_ALL])
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    for name in ["a", "b"] {
        let mut client = server.connect(name)?;
        for number in 1..=3 {
            let line = stage.payload(12);
            client.send(format!("{line}\n"))?;
            let printed = server.program.prints(format!("{number} {line}\n"));
            printed.confirm(&COUNTS_ALL, "a's lines were numbered from 1", || {
                name == "b" && number == 1
            })?;
            server.program.types("go on");
            client.expect("go on\n")?;
        }
        client.close();
    }
    Ok(())
});

pub(super) static X_PATIENCE: Check = Check::exercise(
    "02.x-patience",
    Role::Server,
    "exercise: a client that says nothing for too long loses its place",
    "patient {port} --patience 1",
)
.source("the book, 2.7")
.read("2.3")
.steps(|stage| {
    let mut server = stage.serve(Role::Server)?;
    let mut silent = server.connect("the silent client")?;
    let mut b = server.connect("b")?;
    let line = stage.payload(12);
    b.send(format!("{line}\n"))?;
    silent.expect_close()?;
    server.program.prints(&line)?;
    // It is the user's turn, who may take all the time: that is not the client's silence.
    b.expect_silence("the server's user is thinking")?;
    server.program.types("an answer");
    b.expect("an answer\n")
});
