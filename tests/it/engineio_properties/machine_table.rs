//! The machine's table, cell by cell: every state and every input, with nothing waiting and with
//! everything waiting that can.

use std::time::Duration;

use switchboard::proto::engineio::{
    Action, CloseReason, HandshakeError, Input, Machine, PollAnswer, PushAnswer, State, Timings, Word,
};

use super::{POLL, TIMINGS, machine_in, millis, push, secs, socket, tell};

const STATES: [State; 5] =
    [State::Polling, State::Probing, State::Upgrading, State::WebSocket, State::Closed(CloseReason::Forced)];

/// A parked GET, a POST that is being heard, and one that waits.
const BUSY: [Input; 3] = [POLL, Input::Push, Input::Push];

/// An input, and what follows in each of [`STATES`]: the next state if it is another, then actions.
type Row = (Input, [&'static str; 5]);

#[rustfmt::skip]
const IDLE_TABLE: &[Row] = &[
    //                                  polling             probing             upgrading           websocket           closed
    (POLL,                             ["",                 "",                 "",                 "poll!3",           "poll!1"]),
    (Input::Poll { queued: true },     ["poll=queued",      "poll=queued",      "poll=queued",      "poll!3",           "poll!1"]),
    (Input::PollAborted,               ["",                 "",                 "",                 "",                 ""]),
    (Input::Push,                      ["hear",             "hear",             "hear",             "push!3",           "push!1"]),
    (Input::PushDone,                  ["",                 "",                 "",                 "",                 ""]),
    (Input::ProbeOpened,               [">Probing accept",  "turn-away",        "turn-away",        "turn-away",        "probe!1"]),
    (Input::SocketLost,                ["",                 ">Polling",         ">Polling",         ">SocketLost",      ""]),
    (Input::Queued,                    ["",                 "",                 "",                 "",                 ""]),
    (Input::Close(CloseReason::Forced),[">Forced",          ">Forced drop",     ">Forced drop",     ">Forced",          ""]),
    (socket(Word::Data),               ["",                 ">Polling drop",    ">Polling drop",    "deliver",          ""]),
    (socket(Word::Pong),               ["",                 ">Polling drop",    ">Polling drop",    "",                 ""]),
    (socket(Word::Close),              ["",                 ">Polling drop",    ">Polling drop",    ">ClientClosed",    ""]),
    (socket(Word::Ping),               ["",                 ">Polling drop",    ">Polling drop",    ">HeartbeatDirection", ""]),
    (socket(Word::Probe),              ["",                 ">Upgrading 3probe","3probe",           ">HeartbeatDirection", ""]),
    (socket(Word::Upgrade),            ["",                 ">WebSocket swap",  ">WebSocket swap",  "",                 ""]),
    (socket(Word::Idle),               ["",                 ">Polling drop",    ">Polling drop",    "",                 ""]),
    (socket(Word::Malformed),          ["",                 ">Polling drop",    ">Polling drop",    ">BadPacket",       ""]),
    (push(Word::Data),                 ["deliver",          "deliver",          "deliver",          "deliver",          ""]),
    (push(Word::Pong),                 ["",                 "",                 "",                 "",                 ""]),
    (push(Word::Close),                [">ClientClosed",    ">ClientClosed drop", ">ClientClosed drop", ">ClientClosed", ""]),
    (push(Word::Ping),                 [">HeartbeatDirection", ">HeartbeatDirection drop", ">HeartbeatDirection drop", ">HeartbeatDirection", ""]),
    (push(Word::Probe),                [">HeartbeatDirection", ">HeartbeatDirection drop", ">HeartbeatDirection drop", ">HeartbeatDirection", ""]),
    (push(Word::Upgrade),              ["",                 "",                 "",                 "",                 ""]),
    (push(Word::Idle),                 ["",                 "",                 "",                 "",                 ""]),
    (push(Word::Malformed),            [">BadPacket",       ">BadPacket drop",  ">BadPacket drop",  ">BadPacket",       ""]),
];

/// The rows that read differently if all of [`BUSY`] waits. A machine that was closed or upgraded
/// has answered its GET on the way.
#[rustfmt::skip]
const BUSY_TABLE: &[Row] = &[
    //                                  polling             probing             upgrading           websocket           closed
    (POLL,                             [">SecondPoll poll!3 poll=1 push=400 push=400", ">SecondPoll poll!3 poll=1 push=400 push=400 drop",
                                        ">SecondPoll poll!3 poll=1 push=400 push=400 drop", "poll!3", "poll!1"]),
    (Input::Poll { queued: true },     [">SecondPoll poll!3 poll=1 push=400 push=400", ">SecondPoll poll!3 poll=1 push=400 push=400 drop",
                                        ">SecondPoll poll!3 poll=1 push=400 push=400 drop", "poll!3", "poll!1"]),
    (Input::PollAborted,               [">PollAborted push=400 push=400", ">PollAborted push=400 push=400 drop", ">PollAborted push=400 push=400 drop", "", ""]),
    (Input::Push,                      ["",                 "",                 "",                 "push!3",           "push!1"]),
    (Input::PushDone,                  ["push=ok hear",     "push=ok hear",     "push=ok hear",     "push=ok hear",     ""]),
    (Input::Queued,                    ["poll=queued",      "poll=queued",      "poll=queued",      "",                 ""]),
    (socket(Word::Upgrade),            ["",                 ">WebSocket poll=6 swap", ">WebSocket poll=6 swap", "",     ""]),
    (Input::SocketLost,                ["",                 ">Polling",         ">Polling",         ">SocketLost push=400 push=400", ""]),
    (Input::Close(CloseReason::Forced),[">Forced poll=1 push=400 push=400", ">Forced poll=1 push=400 push=400 drop", ">Forced poll=1 push=400 push=400 drop", ">Forced push=400 push=400", ""]),
    (Input::Close(CloseReason::ShuttingDown),
                                       [">ShuttingDown poll=503 push=503 push=503", ">ShuttingDown poll=503 push=503 push=503 drop",
                                        ">ShuttingDown poll=503 push=503 push=503 drop", ">ShuttingDown push=503 push=503", ""]),
    (Input::Close(CloseReason::TooLarge),
                                       [">TooLarge poll=400 push=400 push=400", ">TooLarge poll=400 push=400 push=400 drop",
                                        ">TooLarge poll=400 push=400 push=400 drop", ">TooLarge push=400 push=400", ""]),
    (push(Word::Close),                [">ClientClosed poll=6 push=ok push=400", ">ClientClosed poll=6 push=ok push=400 drop",
                                        ">ClientClosed poll=6 push=ok push=400 drop", ">ClientClosed push=ok push=400", ""]),
    (socket(Word::Close),              ["",                 ">Polling drop",    ">Polling drop",    ">ClientClosed push=ok push=400", ""]),
    (push(Word::Ping),                 [">HeartbeatDirection poll=1 push=400 push=400", ">HeartbeatDirection poll=1 push=400 push=400 drop",
                                        ">HeartbeatDirection poll=1 push=400 push=400 drop", ">HeartbeatDirection push=400 push=400", ""]),
    (push(Word::Probe),                [">HeartbeatDirection poll=1 push=400 push=400", ">HeartbeatDirection poll=1 push=400 push=400 drop",
                                        ">HeartbeatDirection poll=1 push=400 push=400 drop", ">HeartbeatDirection push=400 push=400", ""]),
    (socket(Word::Ping),               ["",                 ">Polling drop",    ">Polling drop",    ">HeartbeatDirection push=400 push=400", ""]),
    (socket(Word::Probe),              ["",                 ">Upgrading 3probe","3probe",           ">HeartbeatDirection push=400 push=400", ""]),
    (push(Word::Malformed),            [">BadPacket poll=1 push=400 push=400", ">BadPacket poll=1 push=400 push=400 drop",
                                        ">BadPacket poll=1 push=400 push=400 drop", ">BadPacket push=400 push=400", ""]),
    (socket(Word::Malformed),          ["",                 ">Polling drop",    ">Polling drop",    ">BadPacket push=400 push=400", ""]),
];

/// A deadline: the upgrade timeout of the machine it is seen on, a time shortly before it, when it
/// is, and what follows in each state, first with nothing waiting, then with all of [`BUSY`].
type Deadline = (&'static str, Duration, [Duration; 2], [&'static str; 5], [&'static str; 5]);

#[rustfmt::skip]
const DEADLINES: &[Deadline] = &[
    //                                                    polling              probing              upgrading            websocket  closed
    ("noop",    secs(10),   [millis(9), millis(10)],     ["",                  "",                  "",                  "",        ""],
                                                         ["",                  "",                  "poll=6",            "",        ""]),
    ("upgrade", secs(10),   [millis(9_999), secs(10)],   ["",                  ">Polling drop",     ">Polling drop",     "",        ""],
                                                         ["",                  ">Polling drop",     ">Polling drop",     "",        ""]),
    ("ping",    secs(9_999), [millis(24_999), secs(25)], ["ping",              "ping",              "ping",              "ping",    ""],
                                                         ["ping poll=queued",  "ping poll=queued",  "ping",              "ping",    ""]),
    ("pong",    secs(9_999), [millis(84_999), secs(85)], [">PingTimeout",      ">PingTimeout drop", ">PingTimeout drop", ">PingTimeout", ""],
                                                         [">PingTimeout push=400 push=400", ">PingTimeout push=400 push=400 drop",
                                                          ">PingTimeout push=400 push=400 drop", ">PingTimeout push=400 push=400", ""]),
];

/// What has happened, in the table's words.
fn shown(before: State, machine: &Machine, actions: &[Action]) -> String {
    let next = match machine.state() {
        same if same == before => None,
        State::Closed(reason) => {
            assert_eq!(actions.last(), Some(&Action::Close(reason)), "a close ends the list and says why");
            Some(format!(">{reason:?}"))
        }
        state => Some(format!(">{state:?}")),
    };
    let actions = actions.iter().filter(|action| !matches!(action, Action::Close(_))).map(word);
    next.into_iter().chain(actions).collect::<Vec<_>>().join(" ")
}

fn word(action: &Action) -> String {
    match action {
        Action::AnswerPoll(PollAnswer::Queued) => "poll=queued".into(),
        Action::AnswerPoll(PollAnswer::Noop) => "poll=6".into(),
        Action::AnswerPoll(PollAnswer::Close) => "poll=1".into(),
        Action::AnswerPoll(PollAnswer::Refused(HandshakeError { status, .. })) => format!("poll={status}"),
        Action::AnswerPoll(PollAnswer::Unavailable) => "poll=503".into(),
        Action::RefusePoll(HandshakeError { code, .. }) => format!("poll!{code}"),
        Action::StartPush => "hear".into(),
        Action::AnswerPush(PushAnswer::Ok) => "push=ok".into(),
        Action::AnswerPush(PushAnswer::Refused(HandshakeError { status, .. })) => format!("push={status}"),
        Action::AnswerPush(PushAnswer::Unavailable) => "push=503".into(),
        Action::RefusePush(HandshakeError { code, .. }) => format!("push!{code}"),
        Action::AcceptProbe => "accept".into(),
        Action::TurnAwayProbe => "turn-away".into(),
        Action::RefuseProbe(HandshakeError { code, .. }) => format!("probe!{code}"),
        Action::SendProbePong => "3probe".into(),
        Action::DropProbe => "drop".into(),
        Action::Swap => "swap".into(),
        Action::SendPing => "ping".into(),
        Action::Deliver => "deliver".into(),
        Action::Close(reason) => format!("close:{reason:?}"),
    }
}

fn every_input() -> Vec<Input> {
    let plain = [
        POLL,
        Input::Poll { queued: true },
        Input::PollAborted,
        Input::Push,
        Input::PushDone,
        Input::ProbeOpened,
        Input::SocketLost,
        Input::Queued,
        Input::Close(CloseReason::Forced),
    ];
    plain.into_iter().chain(Word::ALL.map(socket)).chain(Word::ALL.map(push)).collect()
}

fn assert_row(before: &[Input], (input, cells): &Row) {
    for (state, expected) in STATES.into_iter().zip(cells) {
        let mut machine = machine_in(state, TIMINGS, before);
        let actions = tell(&mut machine, Duration::ZERO, &[*input]);
        assert_eq!(&shown(state, &machine, &actions), expected, "{input:?} in {state:?} after {before:?}");
    }
}

#[test]
fn the_table_names_every_input_once() {
    let named: Vec<Input> = IDLE_TABLE.iter().map(|(input, _)| *input).collect();

    assert_eq!(named, every_input());
}

#[test]
fn every_input_in_every_state_does_what_the_table_says() {
    IDLE_TABLE.iter().for_each(|row| assert_row(&[], row));
}

#[test]
fn every_input_in_every_busy_state_does_what_the_tables_say() {
    let busy = |input: &Input| BUSY_TABLE.iter().find(|(other, _)| other == input);
    let rest = IDLE_TABLE.iter().filter(|(input, _)| busy(input).is_none());

    BUSY_TABLE.iter().chain(rest).for_each(|row| assert_row(&BUSY, row));
}

#[test]
fn every_deadline_in_every_state_does_what_the_table_says_and_not_before() {
    for (name, upgrade_timeout, [early, due], idle, busy) in DEADLINES {
        let timings = Timings { upgrade_timeout: *upgrade_timeout, ..TIMINGS };
        for (before, cells) in [(&[][..], idle), (&BUSY, busy)] {
            for (state, expected) in STATES.into_iter().zip(cells) {
                let mut machine = machine_in(state, timings, before);
                let _ = machine.check(*early);
                assert_eq!(machine.state(), state, "{name} in {state:?}: too early");
                let actions = machine.check(*due);
                assert_eq!(
                    &shown(state, &machine, &actions),
                    expected,
                    "{name} in {state:?} after {before:?}"
                );
            }
        }
    }
}
