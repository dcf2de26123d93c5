//! What the Engine.IO codec and machine promise: lists of cases for what is read and written, the
//! machine's table cell by cell, one named test per way an upgrade or a poll has gone wrong
//! somewhere, and properties over inputs that proptest makes up.
//!
//! Here stands what they share: the timings, and a machine in each of its states.

mod codec_cases;
mod codec_streams;
mod handshakes;
mod machine_lives;
mod machine_table;
mod upgrades;

use std::time::Duration;

use switchboard::proto::engineio::{Action, Input, Machine, State, Timings, Via, Word};

const TIMINGS: Timings =
    Timings { ping_interval: secs(25), ping_timeout: secs(60), upgrade_timeout: secs(10) };

const POLL: Input = Input::Poll { queued: false };

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn socket(word: Word) -> Input {
    Input::Heard(Via::Socket, word)
}

const fn push(word: Word) -> Input {
    Input::Heard(Via::Push, word)
}

/// Says all this at one time, and gives the actions.
fn tell(machine: &mut Machine, now: Duration, inputs: &[Input]) -> Vec<Action> {
    inputs.iter().flat_map(|input| machine.handle(*input, now)).collect()
}

/// A machine that has come this far at time zero; `before` is said as long as it polls.
fn machine_in(state: State, timings: Timings, before: &[Input]) -> Machine {
    let mut machine = Machine::polling(timings, Duration::ZERO);
    tell(&mut machine, Duration::ZERO, before);
    let path: &[Input] = match state {
        State::Polling => &[],
        State::Probing => &[Input::ProbeOpened],
        State::Upgrading => &[Input::ProbeOpened, socket(Word::Probe)],
        State::WebSocket => &[Input::ProbeOpened, socket(Word::Probe), socket(Word::Upgrade)],
        State::Closed(reason) => &[Input::Close(reason)],
    };
    tell(&mut machine, Duration::ZERO, path);
    assert_eq!(machine.state(), state);
    machine
}
