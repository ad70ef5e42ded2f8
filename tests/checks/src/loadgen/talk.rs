//! How the two sides of a load test talk, on the grader's side. The lab says neither how the long
//! message ends nor that it is answered: the grader's own begins with eight hexadecimal digits that
//! count the rest, and ends with a close too.

use super::*;
use stage::speech::Speech;

/// How long an intro, or an answer, is waited for where it is not what the check is about.
const A_MOMENT: Duration = Duration::from_millis(500);

/// How many digits say how long the rest of a message is.
const DIGITS: usize = 8;

/// The intro of the grader's own server.
pub(super) const NO_WELCOME: &str = "hello\n";

/// A message of `length` bytes, its own first eight among them.
pub(super) fn message(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(rest) = bytes.len().checked_sub(DIGITS) {
        bytes[..DIGITS].copy_from_slice(format!("{rest:08x}").as_bytes());
    }
    bytes
}

/// A client that has heard its intro, if there is one: that it comes has a check of its own.
pub(super) fn welcomed(server: &Server, name: &str) -> Step<Peer> {
    let mut client = server.connect(name)?;
    let greets = client.expect_seen(A_MOMENT, "an intro", |got| (!got.is_empty()).then_some(0));
    match greets {
        Ok(_) => client.ignore_so_far(),
        Err(Halt::Failed(failure)) if failure.saw == Saw::Nothing => {}
        Err(other) => return Err(other),
    }
    Ok(client)
}

/// Sends a message of this length, and expects that it is received.
pub(super) fn is_served(stage: &Stage, client: &mut Peer, length: usize) -> Step {
    let sent = client.send(message(stage.payload(length).into_bytes()));
    client.half_close();
    is_received(stage, client, length).or_else(|stop| sent.and(Err(stop)))
}

/// Expects that the message was received: that its bytes are counted in the answer, or, of a
/// server that does not count, that all of it was read. What stands before the answer is the rest
/// of an intro that came in pieces.
pub(super) fn is_received(stage: &Stage, client: &mut Peer, length: usize) -> Step {
    if !stage.is_outside() {
        return client.expect_among(format!("received {length} bytes")).map(|_| ());
    }
    if stage.speech(Role::Server).no_answer {
        return match client.expect_anything("an answer, or the end of the connection") {
            // A socket that is closed with bytes unread resets.
            Err(Halt::Failed(failure)) if failure.saw == Saw::Closed => Ok(()),
            other => other.map(|_| ()),
        };
    }
    let counts = [length, length.saturating_sub(DIGITS)];
    let what = format!("an answer with the number of its bytes, {length} or {}", counts[1]);
    let counted = |got: &[u8]| numbers(got).iter().any(|number| counts.contains(number));
    client
        .expect_seen(patience(), &what, |got| counted(got).then_some(got.len()))
        .map(|_| client.step(format_args!("gets {what}")))
}

/// The numbers in a text, each a word of its own; one with a decimal point is none.
pub(super) fn numbers(text: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(text);
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    words.filter_map(|word| word.trim_matches('.').parse().ok()).collect()
}

/// A session as it should be, for a message of this length. Who reads no answer may have gone.
pub(super) fn serve(mut session: Peer, length: usize) -> Step {
    session.send(NO_WELCOME)?;
    takes_message(&mut session, length)?;
    let _ = session.send(format!("received {length} bytes\n"));
    Ok(())
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its first eight digits counted the rest.
    Counted,
    /// With the end of the sending side, or in silence.
    Close,
}

/// Reads the message to its end; the digits that count it may come on top of its length.
pub(super) fn takes_message(session: &mut Peer, length: usize) -> Step<End> {
    let whole = |got: &[u8]| counted(got).filter(|whole| got.len() >= *whole);
    let fits = |whole: &usize| [length, length + DIGITS].contains(whole);
    if let Some(taken) = session.take_through(|got| whole(got).filter(fits)) {
        session.step(format_args!("gets a message of {} bytes", taken.len()));
        return Ok(End::Counted);
    }
    let got = session.so_far().len();
    session.ignore_so_far();
    if got == length {
        session.step(format_args!("gets a message of {length} bytes"));
        return Ok(End::Close);
    }
    let (few, many) = (format!("{got} of them, and the end"), format!("{got} bytes"));
    fail_having(
        if got == 0 { Saw::Nothing } else { Saw::Something },
        format!("{} gets a message of {length} bytes", session.name()),
        if got < length { few } else { many },
    )
}

/// How long a message is as a whole that begins with eight hexadecimal digits.
fn counted(got: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(got.get(..DIGITS)?).ok()?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| usize::from_str_radix(digits, 16).ok().map(|rest| rest + DIGITS))?
}

/// Finds out how a server ends a message and whether it answers, or a client.
pub(super) fn learn(stage: &Stage, role: Role) -> Step<Speech> {
    match role {
        Role::Server => learn_server(stage),
        _ => learn_client(stage),
    }
}

fn learn_server(stage: &Stage) -> Step<Speech> {
    const LENGTH: usize = 1500;
    let server = stage.serve(Role::Server)?;
    let mut client = welcomed(&server, "a client")?;
    let message = message(stage.payload(LENGTH).into_bytes());
    let (half, rest) = message.split_at(LENGTH / 2);
    client.send(half)?;
    client.settle();
    // One for which a read is a message ends it here, and not because of what the digits say.
    let waits = client.expect_silence("half of the message is still to come").is_ok();
    let _ = client.send(rest);
    // Before the sending side is closed only the digits say that the message is over.
    let early = client.expect_seen(A_MOMENT, "an answer", |got| (!got.is_empty()).then_some(0));
    let over = match early {
        Ok(_) => true,
        Err(Halt::Failed(failure)) => failure.saw == Saw::Closed,
        Err(other) => return Err(other),
    };
    let hex_length = waits && over;
    client.half_close();
    let answer = client.take_until_close();
    let counts = numbers(&answer).iter().any(|n| [LENGTH, LENGTH - DIGITS].contains(n));
    Ok(Speech { hex_length, no_answer: !counts, ..Speech::default() })
}

fn learn_client(stage: &Stage) -> Step<Speech> {
    let host = stage.host("127.0.0.1")?;
    let client = stage.client_with(host.address, &load(1, 1000), &[])?;
    let mut session = client.connects_to(&host, "a server")?;
    session.send(NO_WELCOME)?;
    let hex_length = takes_message(&mut session, 1000)? == End::Counted;
    let ended = client.process.wait_for(A_MOMENT, |heard| heard.exit());
    Ok(Speech { hex_length, no_answer: ended.is_some(), ..Speech::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_itself() {
        let whole = message(vec![b'x'; 1500]);
        assert_eq!((whole.len(), &whole[..8]), (1500, &b"000005d4"[..]));
        assert_eq!(counted(&whole), Some(1500));
        assert_eq!(counted(b"xxxxxxxx"), None);
    }
}
