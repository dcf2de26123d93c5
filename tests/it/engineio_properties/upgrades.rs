//! Ways in which polls, pings and upgrades have gone wrong in servers before, each by its name.

use std::time::Duration;

use switchboard::proto::engineio::{
    Action, CloseReason, HandshakeError, Input, Machine, PollAnswer, PushAnswer, State, Timings,
    WAITING_PUSHES_MAX, Word,
};

use super::{POLL, TIMINGS, machine_in, millis, push, secs, socket, tell};

const ZERO: Duration = Duration::ZERO;
const NOOP: Action = Action::AnswerPoll(PollAnswer::Noop);
const QUEUED: Action = Action::AnswerPoll(PollAnswer::Queued);

#[test]
fn an_upgrade_abandoned_at_any_step_leaves_a_session_that_polls_and_beats() {
    let steps = [Input::ProbeOpened, socket(Word::Probe)];
    let ends: [(Input, &[Action]); 3] = [
        (Input::SocketLost, &[]),
        (socket(Word::Data), &[Action::DropProbe]),
        (socket(Word::Malformed), &[Action::DropProbe]),
    ];
    for (done, (end, actions)) in [1, 2].into_iter().flat_map(|done| ends.map(|end| (done, end))) {
        let mut machine = Machine::polling(TIMINGS, ZERO);
        tell(&mut machine, ZERO, &steps[..done]);

        assert_eq!(machine.handle(end, secs(1)), actions);

        assert_eq!(machine.state(), State::Polling);
        assert_eq!(tell(&mut machine, secs(2), &[POLL]), []);
        assert_eq!(machine.next_deadline(), Some(secs(25)), "nothing is left of the upgrade");
        assert_eq!(machine.check(secs(25)), [Action::SendPing, QUEUED]);
        assert_eq!(
            tell(&mut machine, secs(26), &[push(Word::Pong), Input::ProbeOpened]),
            [Action::AcceptProbe]
        );
    }
}

#[test]
fn an_upgrade_that_never_ends_does_not_keep_a_dead_client_alive() {
    // socketioxide#731: the heartbeat paused while upgrading, and sessions leaked.
    let endless = Timings { upgrade_timeout: Duration::MAX, ..TIMINGS };
    for state in [State::Probing, State::Upgrading] {
        let mut machine = machine_in(state, endless, &[]);

        assert_eq!(machine.check(secs(25)), [Action::SendPing]);
        assert_eq!(machine.check(secs(85)), [Action::DropProbe, Action::Close(CloseReason::PingTimeout)]);
    }
}

#[test]
fn the_upgrade_timeout_counts_from_the_opening_and_not_from_the_probe() {
    let mut machine = Machine::polling(TIMINGS, ZERO);
    tell(&mut machine, secs(1), &[Input::ProbeOpened]);
    tell(&mut machine, secs(10), &[socket(Word::Probe), socket(Word::Probe)]);

    assert_eq!(machine.next_deadline(), Some(secs(11)));
    assert_eq!(machine.check(secs(11)), [Action::DropProbe]);
    assert_eq!(machine.state(), State::Polling);
}

#[test]
fn an_upgrade_without_a_probe_is_accepted() {
    // The .NET client: socket.io-client-csharp#392.
    let mut machine = Machine::polling(TIMINGS, ZERO);

    let actions = tell(&mut machine, secs(1), &[Input::ProbeOpened, socket(Word::Upgrade)]);

    assert_eq!(actions, [Action::AcceptProbe, Action::Swap]);
    assert_eq!(machine.state(), State::WebSocket);
}

#[test]
fn what_follows_the_upgrade_in_the_same_read_is_heard_by_the_session() {
    let mut machine = machine_in(State::Upgrading, TIMINGS, &[]);

    let actions = tell(&mut machine, secs(1), &[socket(Word::Upgrade), socket(Word::Data)]);

    assert_eq!(actions, [Action::Swap, Action::Deliver]);
}

#[test]
fn a_second_websocket_is_turned_away_and_the_first_left_alone() {
    for state in [State::Probing, State::Upgrading, State::WebSocket] {
        let mut machine = machine_in(state, TIMINGS, &[]);
        let deadline = machine.next_deadline();

        assert_eq!(machine.handle(Input::ProbeOpened, millis(1)), [Action::TurnAwayProbe]);

        assert_eq!((machine.state(), machine.next_deadline()), (state, deadline));
    }
}

#[test]
fn a_noop_never_comes_before_the_probe_is_answered() {
    let mut machine = Machine::polling(TIMINGS, ZERO);

    assert_eq!(tell(&mut machine, ZERO, &[POLL, Input::ProbeOpened]), [Action::AcceptProbe]);

    assert_eq!(machine.check(millis(9_000)), []);
    assert_eq!(machine.handle(socket(Word::Probe), millis(9_000)), [Action::SendProbePong]);
    assert_eq!(machine.check(millis(9_009)), []);
    assert_eq!(machine.check(millis(9_010)), [NOOP]);
}

#[test]
fn every_further_poll_of_an_upgrade_is_held_for_100_ms() {
    // Neither a busy loop (engine.io-protocol#50) nor a hang (engine.io-client#18).
    let mut machine = machine_in(State::Upgrading, TIMINGS, &[POLL]);
    assert_eq!(machine.next_deadline(), Some(millis(10)));
    assert_eq!(machine.check(millis(10)), [NOOP]);

    for start in [20, 500, 5_000] {
        assert_eq!(machine.handle(POLL, millis(start)), []);
        assert_eq!(machine.next_deadline(), Some(millis(start + 100)));
        assert_eq!(machine.check(millis(start + 100)), [NOOP]);
    }
}

#[test]
fn a_poll_within_the_first_hold_gets_a_hold_of_its_own() {
    let mut machine = machine_in(State::Upgrading, TIMINGS, &[]);

    assert_eq!(machine.handle(POLL, millis(5)), []);

    assert_eq!(machine.next_deadline(), Some(millis(105)));
}

#[test]
fn a_noop_never_reaches_a_poll_that_was_answered_or_a_session_that_was_swapped() {
    let mut answered = machine_in(State::Upgrading, TIMINGS, &[POLL]);
    assert_eq!(answered.handle(Input::Queued, millis(5)), [QUEUED]);
    assert_eq!(answered.check(secs(1)), []);

    let mut swapped = machine_in(State::Upgrading, TIMINGS, &[POLL]);
    assert_eq!(swapped.handle(socket(Word::Upgrade), millis(5)), [NOOP, Action::Swap]);
    assert_eq!(swapped.check(secs(24)), []);
    assert_eq!(swapped.next_deadline(), Some(secs(25)));
}

#[test]
fn a_queue_goes_to_a_poll_also_during_an_upgrade() {
    let mut machine = machine_in(State::Upgrading, TIMINGS, &[]);

    assert_eq!(machine.handle(Input::Poll { queued: true }, millis(5)), [QUEUED]);
}

#[test]
fn requests_after_the_swap_are_refused_and_do_no_harm() {
    let mut machine = machine_in(State::WebSocket, TIMINGS, &[]);

    let actions = tell(&mut machine, secs(1), &[POLL, Input::Push]);

    let bad = HandshakeError::BAD_REQUEST;
    assert_eq!(actions, [Action::RefusePoll(bad), Action::RefusePush(bad)]);
    assert_eq!(machine.state(), State::WebSocket);
}

#[test]
fn an_overlapping_poll_closes_the_session_with_1_for_the_first_and_400_for_the_second() {
    let mut machine = Machine::polling(TIMINGS, ZERO);

    let actions = tell(&mut machine, secs(1), &[POLL, POLL, POLL]);

    assert_eq!(
        actions,
        [
            Action::RefusePoll(HandshakeError::BAD_REQUEST),
            Action::AnswerPoll(PollAnswer::Close),
            Action::Close(CloseReason::SecondPoll),
            Action::RefusePoll(HandshakeError::SESSION_UNKNOWN),
        ]
    );
}

#[test]
fn an_aborted_poll_closes_the_session_and_an_aborted_answer_does_not() {
    let mut machine = Machine::polling(TIMINGS, ZERO);
    assert_eq!(tell(&mut machine, secs(1), &[POLL, Input::Queued, Input::PollAborted]), [QUEUED]);

    let actions = tell(&mut machine, secs(2), &[POLL, Input::PollAborted]);

    assert_eq!(actions, [Action::Close(CloseReason::PollAborted)]);
}

#[test]
fn overlapping_pushes_are_heard_one_by_one_and_one_too_many_closes() {
    let mut machine = Machine::polling(TIMINGS, ZERO);
    let pushes = vec![Input::Push; 1 + WAITING_PUSHES_MAX];

    assert_eq!(tell(&mut machine, ZERO, &pushes), [Action::StartPush]);
    let ok = Action::AnswerPush(PushAnswer::Ok);
    assert_eq!(tell(&mut machine, ZERO, &[Input::PushDone]), [ok, Action::StartPush]);
    assert_eq!(tell(&mut machine, ZERO, &[Input::Push]), []);
    let actions = tell(&mut machine, ZERO, &[Input::Push]);

    let refused = HandshakeError::BAD_REQUEST;
    let mut expected = vec![Action::RefusePush(refused)];
    expected.extend([Action::AnswerPush(PushAnswer::Refused(refused)); 1 + WAITING_PUSHES_MAX]);
    expected.push(Action::Close(CloseReason::TooManyPushes));
    assert_eq!(actions, expected);
}

#[test]
fn a_push_that_came_before_the_swap_is_heard_to_its_end() {
    let mut machine = machine_in(State::Upgrading, TIMINGS, &[Input::Push]);

    let actions = tell(&mut machine, ZERO, &[socket(Word::Upgrade), push(Word::Data), Input::PushDone]);

    assert_eq!(actions, [Action::Swap, Action::Deliver, Action::AnswerPush(PushAnswer::Ok)]);
}

#[test]
fn a_clients_close_releases_its_poll_with_a_noop_and_says_ok() {
    let mut machine = machine_in(State::Polling, TIMINGS, &[POLL, Input::Push]);

    let actions = tell(&mut machine, ZERO, &[push(Word::Close), Input::PushDone]);

    let ok = Action::AnswerPush(PushAnswer::Ok);
    assert_eq!(actions, [NOOP, ok, Action::Close(CloseReason::ClientClosed)]);
}

#[test]
fn a_ping_from_the_client_closes() {
    let mut machine = machine_in(State::WebSocket, TIMINGS, &[]);

    let actions = machine.handle(socket(Word::Ping), ZERO);

    assert_eq!(actions, [Action::Close(CloseReason::HeartbeatDirection)]);
}

#[test]
fn a_client_that_never_polls_is_gone_at_the_very_millisecond() {
    // The suite: 300 and 200 ms, and a GET at 500 ms must find nobody, timers or not.
    let timings =
        Timings { ping_interval: millis(300), ping_timeout: millis(200), upgrade_timeout: secs(10) };
    let mut timed = Machine::polling(timings, ZERO);
    let mut asked_once = Machine::polling(timings, ZERO);

    // The timer came three milliseconds late.
    assert_eq!(timed.check(millis(303)), [Action::SendPing]);

    let gone = [Action::Close(CloseReason::PingTimeout), Action::RefusePoll(HandshakeError::SESSION_UNKNOWN)];
    assert_eq!(timed.handle(POLL, millis(500)), gone);
    assert_eq!(asked_once.handle(POLL, millis(500)), [&[Action::SendPing][..], &gone].concat());
}

#[test]
fn a_pong_restarts_the_interval_and_nothing_else_does() {
    let mut machine = machine_in(State::WebSocket, TIMINGS, &[]);
    assert_eq!(machine.check(secs(25)), [Action::SendPing]);

    tell(&mut machine, secs(30), &[socket(Word::Data), socket(Word::Idle)]);
    assert_eq!(machine.next_deadline(), Some(secs(85)));
    tell(&mut machine, secs(31), &[socket(Word::Pong)]);
    assert_eq!(machine.next_deadline(), Some(secs(56)));
    assert_eq!(machine.check(secs(56)), [Action::SendPing]);
    assert_eq!(machine.check(secs(116)), [Action::Close(CloseReason::PingTimeout)]);
}

#[test]
fn a_swap_gives_an_outstanding_pong_its_whole_time_again_and_leaves_the_interval() {
    let mut asked = machine_in(State::Polling, TIMINGS, &[]);
    assert_eq!(asked.check(secs(25)), [Action::SendPing]);
    tell(&mut asked, secs(30), &[Input::ProbeOpened, socket(Word::Upgrade)]);
    assert_eq!(asked.next_deadline(), Some(secs(90)));

    let mut quiet = machine_in(State::Polling, TIMINGS, &[]);
    tell(&mut quiet, secs(20), &[Input::ProbeOpened, socket(Word::Upgrade)]);
    assert_eq!(quiet.next_deadline(), Some(secs(25)));
}

#[test]
fn a_session_that_begins_on_a_websocket_beats_from_the_start() {
    let mut machine = Machine::websocket(TIMINGS, secs(100));

    assert_eq!(machine.state(), State::WebSocket);
    assert_eq!(machine.check(secs(125)), [Action::SendPing]);
    assert_eq!(machine.handle(Input::SocketLost, secs(126)), [Action::Close(CloseReason::SocketLost)]);
    assert_eq!((machine.next_deadline(), machine.transport()), (None, None));
}
