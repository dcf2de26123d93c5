//! Lives that proptest makes up: any inputs, at times that never go back.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use switchboard::proto::engineio::{
    Action, CloseReason, Input, Machine, PollAnswer, State, Timings, WAITING_PUSHES_MAX, Word,
};

use super::{POLL, TIMINGS, millis, push, secs, socket};

fn input() -> impl Strategy<Value = Input> {
    let usual = vec![
        POLL,
        Input::Poll { queued: true },
        Input::Push,
        Input::PushDone,
        Input::Queued,
        Input::ProbeOpened,
        socket(Word::Probe),
        socket(Word::Upgrade),
        socket(Word::Data),
        push(Word::Pong),
    ];
    let fatal = vec![
        Input::PollAborted,
        Input::SocketLost,
        Input::Close(CloseReason::Forced),
        Input::Close(CloseReason::ShuttingDown),
    ];
    prop_oneof![
        12 => select(usual),
        1 => select(fatal),
        1 => select(Word::ALL.to_vec()).prop_map(socket),
        1 => select(Word::ALL.to_vec()).prop_map(push),
    ]
}

/// Mostly short pauses, often exactly those of a deadline.
fn pause() -> impl Strategy<Value = Duration> {
    let exact = [0, 10, 90, 100, 10_000, 25_000, 60_000, 85_000];
    prop_oneof![4 => (0_u64..50).prop_map(millis), 1 => select(exact.map(millis).to_vec())]
}

fn life() -> impl Strategy<Value = Vec<(Duration, Input)>> {
    vec((pause(), input()), 0..60)
}

/// What the world around a machine sees of it.
#[derive(Debug, Default)]
struct World {
    polls_parked: usize,
    pushes_open: usize,
    push_heard: bool,
    /// A WebSocket that was accepted, and neither dropped nor swapped nor lost.
    probe_open: bool,
    probe_answered: bool,
    swapped: bool,
    closed: bool,
}

impl World {
    /// Takes note of an input that arrives, before its actions.
    fn arrives(&mut self, input: Input) {
        match input {
            Input::Poll { .. } => self.polls_parked += 1,
            Input::PollAborted => self.polls_parked = self.polls_parked.saturating_sub(1),
            Input::Push => self.pushes_open += 1,
            Input::SocketLost => (self.probe_open, self.probe_answered) = (false, false),
            _ => {}
        }
    }

    /// Carries out actions as a caller would, and checks that each is possible.
    fn carries_out(&mut self, actions: &[Action]) {
        for action in actions {
            let closing = actions.iter().any(|action| matches!(action, Action::Close(_)));
            match action {
                Action::AnswerPoll(answer) => {
                    assert!(self.polls_parked > 0, "{action:?} for nobody");
                    assert!(
                        *answer != PollAnswer::Noop || closing || self.probe_answered || self.swaps(actions),
                        "noop without an upgrade"
                    );
                    self.polls_parked -= 1;
                }
                Action::RefusePoll(_) => self.polls_parked -= 1,
                Action::StartPush => {
                    assert!(!self.push_heard && self.pushes_open > 0);
                    self.push_heard = true;
                }
                Action::AnswerPush(_) => {
                    self.pushes_open -= 1;
                    self.push_heard = false;
                }
                Action::RefusePush(_) => self.pushes_open -= 1,
                Action::AcceptProbe => {
                    assert!(!self.probe_open && !self.swapped);
                    self.probe_open = true;
                }
                Action::SendProbePong => {
                    assert!(self.probe_open);
                    self.probe_answered = true;
                }
                Action::DropProbe => {
                    assert!(self.probe_open);
                    (self.probe_open, self.probe_answered) = (false, false);
                }
                Action::Swap => {
                    assert!(self.probe_open && !self.swapped);
                    (self.probe_open, self.probe_answered, self.swapped) = (false, false, true);
                }
                Action::Close(_) => {
                    assert!(!self.closed, "closed twice");
                    self.closed = true;
                }
                Action::SendPing | Action::Deliver => assert!(!self.closed, "{action:?} after the end"),
                Action::TurnAwayProbe => assert!(self.probe_open || self.swapped),
                Action::RefuseProbe(_) => assert!(self.closed),
            }
        }
    }

    fn swaps(&self, actions: &[Action]) -> bool {
        self.probe_open && actions.contains(&Action::Swap)
    }

    fn agrees_with(&self, machine: &Machine) {
        assert_eq!(self.closed, machine.transport().is_none());
        assert!(self.polls_parked <= 1, "{} polls are parked", self.polls_parked);
        assert!(self.pushes_open <= 1 + WAITING_PUSHES_MAX);
        assert_eq!(self.push_heard, self.pushes_open > 0, "the first push is heard, unless none is there");
        let probing = matches!(machine.state(), State::Probing | State::Upgrading);
        assert_eq!(self.probe_open, probing);
        if self.closed {
            assert_eq!((self.polls_parked, self.pushes_open, self.probe_open), (0, 0, false), "left over");
            assert_eq!(machine.next_deadline(), None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_life_is_possible_to_carry_out_and_leaves_nobody_waiting(life in life()) {
        let (mut machine, mut world) = (Machine::polling(TIMINGS, Duration::ZERO), World::default());
        let mut now = Duration::ZERO;
        for (pause, input) in life {
            now += pause;
            // Deadlines first, as `handle` does it, so that the world sees them in their order.
            world.carries_out(&machine.check(now));
            world.agrees_with(&machine);
            world.arrives(input);
            world.carries_out(&machine.handle(input, now));
            world.agrees_with(&machine);
        }

        // Nothing more comes from the client: every deadline is kept, and there are not many.
        let silent_from = now;
        for _ in 0..5 {
            let Some(deadline) = machine.next_deadline() else { break };
            prop_assert!(deadline > now, "a deadline that is not over once it was checked");
            now = deadline;
            world.carries_out(&machine.check(now));
            world.agrees_with(&machine);
        }
        prop_assert!(world.closed, "a silent client is given up");
        prop_assert!(now <= silent_from + TIMINGS.ping_interval + TIMINGS.ping_timeout);
    }

    #[test]
    fn closed_is_final(before in life(), reason in select(vec![CloseReason::Forced, CloseReason::TooLarge]), after in life()) {
        let (mut machine, mut now) = (Machine::polling(TIMINGS, Duration::ZERO), Duration::ZERO);
        for (pause, input) in before.into_iter().chain([(Duration::ZERO, Input::Close(reason))]) {
            now += pause;
            let _ = machine.handle(input, now);
        }
        let end = machine.state();
        prop_assert!(matches!(end, State::Closed(_)));

        for (pause, input) in after {
            now += pause;
            let actions = machine.handle(input, now);
            let only_refusals = actions.iter().all(|action| matches!(
                action,
                Action::RefusePoll(_) | Action::RefusePush(_) | Action::RefuseProbe(_)
            ));
            prop_assert!(only_refusals, "{actions:?}");
            prop_assert_eq!(machine.state(), end);
        }
    }

    #[test]
    fn asked_late_or_at_every_deadline_it_does_the_same(life in life()) {
        let new = || Machine::polling(TIMINGS, Duration::ZERO);
        let (mut late, mut eager, mut now) = (new(), new(), Duration::ZERO);
        for (pause, input) in life {
            let then = now + pause;
            let mut actions = Vec::new();
            while now < then {
                actions.extend(eager.check(now));
                now = eager.next_deadline().map_or(then, |deadline| deadline.min(then));
            }
            actions.extend(eager.handle(input, now));

            prop_assert_eq!(late.handle(input, now), actions);
            prop_assert_eq!(late.state(), eager.state());
            prop_assert_eq!(late.next_deadline(), eager.next_deadline());
        }
    }

    #[test]
    fn no_timings_and_no_times_make_it_panic_or_spin(
        spans in vec(select(vec![Duration::ZERO, millis(1), secs(25), Duration::MAX]), 3),
        life in vec((select(vec![Duration::ZERO, millis(100), secs(1_000), Duration::MAX]), input()), 0..20),
    ) {
        let timings = Timings { ping_interval: spans[0], ping_timeout: spans[1], upgrade_timeout: spans[2] };
        let mut machine = Machine::polling(timings, Duration::ZERO);
        let mut now = Duration::ZERO;
        for (pause, input) in life {
            now = now.saturating_add(pause);
            let _ = machine.handle(input, now);
            // Nor do times that go back, though nobody may say so.
            let _ = machine.check(now / 2);
        }
    }
}
