//! The one long-lived future of a session: it reads the WebSocket, if there is one, keeps the time,
//! and ends the connection.
//!
//! It never writes; frames go to the outbox, which does. Polled as part of the actor, so it has the
//! session at hand without a lock or a message.

use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll};

use actix::fut::ActorFuture;
use actix::{ActorContext, Context};
use log::warn;
use socket2::SockRef;

use super::effects::{Ask, Outcome};
use super::pulse::Beat;
use super::{Link, Phase, Session, endings, handlers};
use crate::domain::error::ErrorCode;
use crate::domain::farewell::Farewell;
use crate::domain::time::{Moment, Sleep};
use crate::hub::outbox::Status;
use crate::proto::engineio::Input;
use crate::proto::websocket::{self, Opcode};

/// Reads, and messages or packets of a push, before other connections of the thread get their turn.
const READS: usize = 4;
const MESSAGES: usize = 128;
/// Ready when the connection has ended.
#[derive(Default)]
pub struct SocketIo {
    timer: Option<(Moment, Sleep)>,
}

/// What may still be done before others get theirs.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) reads: usize,
    pub(super) messages: usize,
}

/// Bytes of a message that count as one more: a few that came compressed are a turn's work.
const WORK: usize = 8 * 1024;
/// Compressed bytes that do: at worst they are all alphabets, at 100 to 300 ns a byte.
const WORK_COMPRESSED: usize = 512;

impl Turn {
    /// A message of so many bytes has been made.
    pub(super) fn spend(&mut self, size: usize) {
        self.messages = self.messages.saturating_sub(1 + size / WORK);
    }

    /// So many compressed bytes have been inflated, to whatever.
    pub(super) fn spend_inflating(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(bytes / WORK_COMPRESSED);
    }
}

/// Has the task polled again once the thread's other tasks, and what has come on its sockets, have
/// had their turn. Waking it at once would put it before the sockets, many times over.
pub(super) fn yield_turn(cx: &mut TaskContext<'_>) {
    // Polled once, it has left word with the runtime.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
}

/// What to do next.
pub(super) enum Step {
    /// There may be more to do at once.
    On,
    /// Nothing until something wakes us.
    Wait,
    End,
}

impl ActorFuture<Session> for SocketIo {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        session: &mut Session,
        ctx: &mut Context<Session>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<()> {
        session.outbox.watch(cx.waker());
        session.turn = Turn { reads: READS, messages: MESSAGES };
        loop {
            match session.step(cx) {
                Step::On => {}
                Step::Wait => break,
                Step::End => {
                    ctx.stop();
                    return Poll::Ready(());
                }
            }
        }
        self.arm(session, cx);
        Poll::Pending
    }
}

impl SocketIo {
    /// Sees to it that the session is polled at its next deadline.
    fn arm(&mut self, session: &Session, cx: &mut TaskContext<'_>) {
        let deadline = session.next_deadline();
        // An earlier alarm may ring for nothing, which is cheaper than setting it anew at every
        // message.
        let is_set = self.timer.as_ref().is_some_and(|(at, _)| *at <= deadline);
        if !is_set {
            self.timer = Some((deadline, session.services.ambient.clock.sleep_until(deadline)));
        }
        while let Some((_, sleep)) = &mut self.timer {
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            let deadline = session.next_deadline();
            if deadline <= session.services.ambient.clock.now() {
                self.timer = None;
                cx.waker().wake_by_ref();
                return;
            }
            self.timer = Some((deadline, session.services.ambient.clock.sleep_until(deadline)));
        }
    }
}

impl Session {
    fn step(&mut self, cx: &mut TaskContext<'_>) -> Step {
        match self.outbox.status() {
            Status::Broken => return self.lose_socket(),
            Status::Closing(farewell) if self.phase == Phase::Open => {
                if farewell == Farewell::SlowConsumer {
                    warn!(id = self.id.as_str(); "websocket_slow_consumer");
                }
                self.begin_to_leave(farewell);
            }
            Status::Closing(_) | Status::Open => {}
        }
        self.take_dismissals();
        // Before the time is looked at: the answer may be a credential that lasts longer.
        if let Some(ask) = &mut self.awaited
            && let Poll::Ready(outcome) = ask.answer.as_mut().poll(cx)
        {
            if let Some(ask) = self.awaited.take() {
                self.conclude(outcome, &ask);
            }
            return Step::On;
        }
        self.serve_poll();
        if let Some(end) = self.keep_time() {
            return end;
        }
        if self.awaited.is_some() {
            return Step::Wait;
        }
        if self.turn.messages == 0 {
            yield_turn(cx);
            return Step::Wait;
        }
        if self.hear_push() {
            self.turn.messages -= 1;
            self.book_unfinished();
            return Step::On;
        }
        if !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            let left = self.take_bytes(&unread);
            self.unread = unread.split_off(unread.len() - left);
            self.book_unfinished();
            return Step::On;
        }
        self.read(cx)
    }

    /// Does what is due by now.
    fn keep_time(&mut self) -> Option<Step> {
        let now = self.services.ambient.clock.now();
        if self.phase == Phase::Open {
            if self.end_expired(now) {
                return Some(Step::On);
            }
            match &mut self.link {
                Link::Plain(pulse) => match pulse.beat(self.mount.settings.rhythm(), now) {
                    Beat::Nothing => {}
                    Beat::Ping => self.send(&websocket::encode(Opcode::Ping, &[])),
                    Beat::Dead => self.leave(Farewell::PingTimeout),
                },
                Link::Engine(_) => self.engine_check(),
            }
        }
        let has_socket = self.outbox.stream().is_some();
        if !has_socket && self.link.engine().is_some_and(|engine| engine.end().is_some()) {
            return Some(Step::End);
        }
        let Phase::Leaving { farewell, until, is_answered, .. } = self.phase else { return None };
        if !has_socket {
            // Over once a poll has fetched what there was, and is here to be told.
            if now < until && !self.is_poll_idle() {
                return None;
            }
            self.engine_input(Input::Close(endings::reason_of(farewell)));
            return Some(Step::End);
        }
        let is_sent = self.outbox.is_empty();
        if now >= until || (is_answered && is_sent) {
            return Some(Step::End);
        }
        if is_sent
            && farewell.is_violation()
            && let Some(stream) = self.outbox.stream()
        {
            // The close frame is out; the peer learns that nothing follows it.
            let _ = SockRef::from(stream).shutdown(Shutdown::Write);
        }
        None
    }

    fn next_deadline(&self) -> Moment {
        if let Phase::Leaving { until, .. } = self.phase {
            return until;
        }
        let next = match &self.link {
            Link::Plain(pulse) => pulse.next(self.mount.settings.rhythm()),
            Link::Engine(engine) => engine.next_deadline(),
        };
        self.next_expiry().map_or(next, |expiry| expiry.min(next))
    }

    /// Takes the answer to what was asked.
    fn conclude(&mut self, outcome: Outcome, ask: &Ask) {
        let Some(socket) = self.sockets.iter_mut().find(|socket| socket.key == ask.socket) else {
            // Sent away meanwhile: nothing follows its goodbye.
            return;
        };
        socket.is_changing = false;
        match outcome {
            Outcome::Done => {}
            Outcome::Became(identity) => {
                if identity.is_proven() {
                    self.refused_tokens = 0;
                }
                self.become_identity(ask.socket, identity);
            }
            Outcome::Reply(reply) => self.reply(&reply),
            Outcome::Refused(error) => {
                self.reply(&handlers::failure(self, &error, &ask.request));
                if error.code == ErrorCode::ConnectionLimit {
                    self.dismiss(ask.socket, Farewell::ConnectionLimit);
                }
            }
            Outcome::NotEntered(error) => handlers::connection::not_entered(self, ask.socket, &error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_so_many_messages_or_a_megabyte_of_them() {
        let mut turn = Turn { reads: READS, messages: MESSAGES };
        (0..MESSAGES).for_each(|_| turn.spend(100));
        assert_eq!(turn.messages, 0);

        let mut turn = Turn { reads: READS, messages: MESSAGES };
        turn.spend(1024 * 1024);
        assert_eq!(turn.messages, 0, "whatever it came as");
    }
}
