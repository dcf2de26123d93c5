//! The transport life of one session: which request waits, which deadline runs, what comes next.
//!
//! Pure: inputs and a time come in, actions go out. What happens in which state is
//! [`super::transitions`]'s to say. No packet, no queue and no socket may live here: the caller has
//! them and is told what to do with them.
//!
//! - Deadlines are carried out at the moment they were set for, however late they are looked at:
//!   a machine asked once, late, ends where one asked at every deadline ends.
//! - At most one GET is parked, and every GET and POST is answered exactly once.
//! - [`State::Closed`] is final, and reached with all that waited answered.

use std::time::Duration;
use std::{iter, mem};

use super::handshake::HandshakeError;
use super::heartbeat::{Beat, Heartbeat};
use super::query::Transport;
use super::signals::{Action, CloseReason, Input, PollAnswer, PushAnswer, Via, Word};
use super::transitions::{Event, State, Step, transition};

/// POSTs that may wait behind the one being heard. The .NET client lets them overlap.
pub const WAITING_PUSHES_MAX: usize = 4;

/// The spans of a session. Their sums saturate: [`Duration::MAX`] means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// From the handshake to the first ping, and from a pong to the next.
    pub ping_interval: Duration,
    /// From a ping to the end of a session that has not answered it.
    pub ping_timeout: Duration,
    /// From the opening of a probing WebSocket to its end if it has not said `5`.
    pub upgrade_timeout: Duration,
}

/// The machine of one session.
#[derive(Debug)]
pub struct Machine {
    state: State,
    heartbeat: Heartbeat,
    upgrade_timeout: Duration,
    /// When a probing WebSocket has to go.
    upgrade_due: Option<Duration>,
    /// When the parked GET has to be released for the sake of an upgrade.
    noop_due: Option<Duration>,
    /// Whether a GET is parked.
    parked: bool,
    /// POSTs without an answer; the first of them is being heard.
    pushes: usize,
}

impl Machine {
    /// A session that begins with a GET, whose answer is the open packet.
    pub fn polling(timings: Timings, now: Duration) -> Self {
        Self::new(State::Polling, timings, now)
    }

    /// A session that begins on a WebSocket, whose first packet is the open packet.
    pub fn websocket(timings: Timings, now: Duration) -> Self {
        Self::new(State::WebSocket, timings, now)
    }

    fn new(state: State, timings: Timings, now: Duration) -> Self {
        let Timings { ping_interval, ping_timeout, upgrade_timeout } = timings;
        Self {
            state,
            heartbeat: Heartbeat::new(ping_interval, ping_timeout, now),
            upgrade_timeout,
            upgrade_due: None,
            noop_due: None,
            parked: false,
            pushes: 0,
        }
    }

    /// Where the session is.
    pub fn state(&self) -> State {
        self.state
    }

    /// How the session's packets travel; `None` if it is over.
    pub fn transport(&self) -> Option<Transport> {
        match self.state {
            State::Polling | State::Probing | State::Upgrading => Some(Transport::Polling),
            State::WebSocket => Some(Transport::WebSocket),
            State::Closed(_) => None,
        }
    }

    /// When the ping was queued that is still to be answered.
    pub fn awaited_ping(&self) -> Option<Duration> {
        self.heartbeat.awaited()
    }

    /// When [`Machine::check`] has something to do next, unless an input changes it; `None` if the
    /// session is over.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.next_due().map(|(at, _)| at)
    }

    /// Carries out what has become due. May be called at any time, also without need.
    #[must_use = "every action has to be carried out"]
    pub fn check(&mut self, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some((at, event)) = self.next_due().filter(|(at, _)| *at <= now) {
            self.apply(event, at, &mut actions);
        }
        actions
    }

    /// Takes an input, after what has become due.
    #[must_use = "every action has to be carried out"]
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Action> {
        let mut actions = self.check(now);
        if let Some(event) = self.event(input) {
            self.apply(event, now, &mut actions);
        }
        actions
    }

    /// The earliest deadline. Of several at a time the heartbeat comes first: a ping releases a
    /// parked GET as well as a noop does.
    fn next_due(&self) -> Option<(Duration, Event)> {
        // Nothing is due any more when the session is over.
        self.transport()?;
        let (at, beat) = self.heartbeat.next();
        let heartbeat = match beat {
            Beat::Ping => (at, Event::PingDue),
            Beat::Missed => (at, Event::PongMissed),
        };
        let noop = self.noop_due.map(|at| (at, Event::NoopDue));
        let upgrade = self.upgrade_due.map(|at| (at, Event::UpgradeLate));
        [Some(heartbeat), noop, upgrade].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Which row of the table an input asks for; `None` for what concerns nobody.
    fn event(&self, input: Input) -> Option<Event> {
        let event = match input {
            Input::Poll { .. } if self.parked => Event::SecondPoll,
            Input::Poll { queued: true } => Event::PollQueued,
            Input::Poll { queued: false } => Event::Poll,
            Input::PollAborted if !self.parked => return None,
            Input::PollAborted => Event::PollAborted,
            Input::Push if self.pushes > WAITING_PUSHES_MAX => Event::PushTooMany,
            Input::Push => Event::Push,
            Input::PushDone if self.pushes == 0 => return None,
            Input::PushDone => Event::PushDone,
            Input::ProbeOpened => Event::ProbeOpened,
            Input::SocketLost => Event::SocketLost,
            Input::Queued => Event::Queued,
            Input::Close(reason) => Event::Close(reason),
            Input::Heard(Via::Socket, word) if self.state != State::WebSocket => match word {
                Word::Probe => Event::ProbePing,
                Word::Upgrade => Event::ProbeUpgrade,
                _ => Event::ProbeOther,
            },
            Input::Heard(_, word) => match word {
                Word::Data => Event::Data,
                Word::Pong => Event::Pong,
                Word::Close => Event::ClientClose,
                Word::Ping | Word::Probe => Event::Ping,
                Word::Malformed => Event::Malformed,
                // The reference takes no notice of them either.
                Word::Upgrade | Word::Idle => return None,
            },
        };
        Some(event)
    }

    fn apply(&mut self, event: Event, now: Duration, actions: &mut Vec<Action>) {
        let (next, steps) = transition(self.state, event);
        for step in steps {
            self.perform(*step, now, actions);
        }
        if next == self.state {
            return;
        }
        let probe_open = self.upgrade_due.is_some();
        if !matches!(next, State::Probing | State::Upgrading) {
            (self.upgrade_due, self.noop_due) = (None, None);
        }
        self.state = next;
        if let State::Closed(reason) = next {
            self.end(reason, probe_open, actions);
        }
    }

    fn perform(&mut self, step: Step, now: Duration, actions: &mut Vec<Action>) {
        match step {
            Step::Park => self.parked = true,
            Step::Unpark => self.parked = false,
            Step::Answer(answer) => self.answer_poll(answer, actions),
            Step::Hold(span) if self.parked => self.noop_due = Some(now.saturating_add(span)),
            Step::Hold(_) => {}
            Step::TakePush => {
                self.pushes += 1;
                if self.pushes == 1 {
                    actions.push(Action::StartPush);
                }
            }
            Step::FinishPush => {
                self.pushes = self.pushes.saturating_sub(1);
                actions.push(Action::AnswerPush(PushAnswer::Ok));
                if self.pushes > 0 {
                    actions.push(Action::StartPush);
                }
            }
            Step::AwaitUpgrade => self.upgrade_due = Some(now.saturating_add(self.upgrade_timeout)),
            Step::Ping => {
                self.heartbeat.pinged(now);
                actions.push(Action::SendPing);
            }
            Step::Ponged => self.heartbeat.ponged(now),
            Step::Swap => {
                self.heartbeat.swapped(now);
                actions.push(Action::Swap);
            }
            Step::Tell(action) => actions.push(action),
        }
    }

    /// Answers the parked GET, if there is one, and lets go of its deadline.
    fn answer_poll(&mut self, answer: PollAnswer, actions: &mut Vec<Action>) {
        self.noop_due = None;
        if self.parked {
            self.parked = false;
            actions.push(Action::AnswerPoll(answer));
        }
    }

    /// Answers all that waits: the last thing a session does.
    fn end(&mut self, reason: CloseReason, probe_open: bool, actions: &mut Vec<Action>) {
        self.answer_poll(reason.poll_answer(), actions);
        let waiting = match reason.push_answer() {
            // Not heard, so not `ok`.
            PushAnswer::Ok => PushAnswer::Refused(HandshakeError::BAD_REQUEST),
            answer => answer,
        };
        let answers = iter::once(reason.push_answer()).chain(iter::repeat(waiting));
        actions.extend(answers.take(mem::take(&mut self.pushes)).map(Action::AnswerPush));
        if probe_open {
            actions.push(Action::DropProbe);
        }
        actions.push(Action::Close(reason));
    }
}
