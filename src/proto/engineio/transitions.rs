//! The table of the machine: in which state, on which event, what happens, and what comes next.
//!
//! No data may live here, and no arithmetic of time: [`super::machine`] says which event an input is
//! and carries out the steps. Every pair has its row; the compiler sees to it.

use std::time::Duration;

use super::handshake::HandshakeError;
use super::signals::{Action, CloseReason, PollAnswer};

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// GETs and POSTs, no WebSocket in sight.
    Polling,
    /// Polling, and a WebSocket is open that has said nothing.
    Probing,
    /// Polling, and the WebSocket has been sent `3probe`.
    Upgrading,
    /// On the WebSocket, for good.
    WebSocket,
    /// Over, for good.
    Closed(CloseReason),
}

/// An input or a deadline, judged by what the machine knows beside its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A GET, none is parked, and there is something for it.
    PollQueued,
    /// A GET, none is parked, and there is nothing for it.
    Poll,
    /// A GET beside the parked one.
    SecondPoll,
    /// The parked GET is gone.
    PollAborted,
    Push,
    /// A POST beside as many as may wait.
    PushTooMany,
    /// The POST being heard has been.
    PushDone,
    ProbeOpened,
    /// `2probe` on the probing WebSocket.
    ProbePing,
    /// `5` on the probing WebSocket.
    ProbeUpgrade,
    /// Anything else on the probing WebSocket.
    ProbeOther,
    SocketLost,
    Data,
    Pong,
    ClientClose,
    /// A ping in the wrong direction.
    Ping,
    Malformed,
    Queued,
    Close(CloseReason),
    PingDue,
    PongMissed,
    NoopDue,
    UpgradeLate,
}

/// What a row asks the machine to do, besides taking the next state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Note that a GET waits.
    Park,
    /// Answer the parked GET, if there is one.
    Answer(PollAnswer),
    /// Note that the parked GET is gone.
    Unpark,
    /// Release the parked GET, if there is one, when it has been held so long.
    Hold(Duration),
    /// Start the POST, or let it wait for those before.
    TakePush,
    /// Answer the POST that was heard and start the next.
    FinishPush,
    /// Set the deadline of the upgrade.
    AwaitUpgrade,
    /// Queue a ping.
    Ping,
    /// Take note of a pong.
    Ponged,
    /// Change the transport.
    Swap,
    /// Have the caller do it.
    Tell(Action),
}

/// From `3probe` to the release of the GET that is parked then.
///
/// Not at once: a client that sees the answer before `3probe` polls again and would be answered
/// again, in a busy loop.
const FIRST_HOLD: Duration = Duration::from_millis(10);

/// From its coming to the release of a GET that comes after `3probe`, for the same reason.
const LATER_HOLD: Duration = Duration::from_millis(100);

/// Looks up what happens, and what comes next.
///
/// A session that becomes [`State::Closed`] answers all that waits and drops its probe; that is the
/// machine's and not repeated in every row.
pub(super) fn transition(at: State, event: Event) -> (State, &'static [Step]) {
    use Event as E;
    use State::{Closed, Polling, Probing, Upgrading, WebSocket};
    use Step::{Answer, AwaitUpgrade, FinishPush, Hold, Park, Ping, Ponged, Swap, TakePush, Tell, Unpark};
    const BAD: HandshakeError = HandshakeError::BAD_REQUEST;
    const UNKNOWN: HandshakeError = HandshakeError::SESSION_UNKNOWN;

    match (at, event) {
        // Nothing happens to a session that is over; requests that come too late are told.
        (Closed(_), E::Poll | E::PollQueued | E::SecondPoll) => (at, &[Tell(Action::RefusePoll(UNKNOWN))]),
        (Closed(_), E::Push | E::PushTooMany) => (at, &[Tell(Action::RefusePush(UNKNOWN))]),
        (Closed(_), E::ProbeOpened) => (at, &[Tell(Action::RefuseProbe(UNKNOWN))]),
        (Closed(_), _) => (at, &[]),

        // The same wherever the session is.
        (_, E::Data) => (at, &[Tell(Action::Deliver)]),
        (_, E::Pong) => (at, &[Ponged]),
        (_, E::ClientClose) => (Closed(CloseReason::ClientClosed), &[]),
        (_, E::Ping) => (Closed(CloseReason::HeartbeatDirection), &[]),
        (_, E::Malformed) => (Closed(CloseReason::BadPacket), &[]),
        (_, E::PongMissed) => (Closed(CloseReason::PingTimeout), &[]),
        (_, E::Close(reason)) => (Closed(reason), &[]),
        // A POST that came before the swap is heard to its end after it.
        (_, E::PushDone) => (at, &[FinishPush]),
        // The session's only WebSocket is left alone.
        (Probing | Upgrading | WebSocket, E::ProbeOpened) => (at, &[Tell(Action::TurnAwayProbe)]),

        // On the WebSocket: polling is over, and the outbox writes by itself.
        (WebSocket, E::Poll | E::PollQueued | E::SecondPoll) => (at, &[Tell(Action::RefusePoll(BAD))]),
        (WebSocket, E::Push | E::PushTooMany) => (at, &[Tell(Action::RefusePush(BAD))]),
        (WebSocket, E::SocketLost) => (Closed(CloseReason::SocketLost), &[]),
        (WebSocket, E::PingDue) => (at, &[Ping]),
        (WebSocket, E::PollAborted | E::Queued | E::NoopDue | E::UpgradeLate) => (at, &[]),
        (WebSocket, E::ProbePing | E::ProbeUpgrade | E::ProbeOther) => (at, &[]),

        // Polling, with a WebSocket beside it or not.
        (Upgrading, E::Poll) => (at, &[Park, Hold(LATER_HOLD)]),
        (_, E::Poll) => (at, &[Park]),
        (_, E::PollQueued) => (at, &[Park, Answer(PollAnswer::Queued)]),
        (_, E::SecondPoll) => (Closed(CloseReason::SecondPoll), &[Tell(Action::RefusePoll(BAD))]),
        (_, E::PollAborted) => (Closed(CloseReason::PollAborted), &[Unpark]),
        (_, E::Push) => (at, &[TakePush]),
        (_, E::PushTooMany) => (Closed(CloseReason::TooManyPushes), &[Tell(Action::RefusePush(BAD))]),
        (_, E::Queued) => (at, &[Answer(PollAnswer::Queued)]),
        (_, E::PingDue) => (at, &[Ping, Answer(PollAnswer::Queued)]),

        // The upgrade.
        (Polling, E::ProbeOpened) => (Probing, &[AwaitUpgrade, Tell(Action::AcceptProbe)]),
        (Probing, E::ProbePing) => (Upgrading, &[Tell(Action::SendProbePong), Hold(FIRST_HOLD)]),
        (Upgrading, E::ProbePing) => (at, &[Tell(Action::SendProbePong)]),
        // From Probing too: the .NET client does not ask first.
        (Probing | Upgrading, E::ProbeUpgrade) => (WebSocket, &[Answer(PollAnswer::Noop), Swap]),
        (Probing | Upgrading, E::ProbeOther | E::UpgradeLate) => (Polling, &[Tell(Action::DropProbe)]),
        (Probing | Upgrading, E::SocketLost) => (Polling, &[]),
        (Upgrading, E::NoopDue) => (at, &[Answer(PollAnswer::Noop)]),
        (Probing, E::NoopDue) => (at, &[]),

        // What a dropped WebSocket has left behind.
        (Polling, E::ProbePing | E::ProbeUpgrade | E::ProbeOther | E::SocketLost) => (at, &[]),
        (Polling, E::NoopDue | E::UpgradeLate) => (at, &[]),
    }
}
