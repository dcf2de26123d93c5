//! The one long-lived future of a session: it reads the socket, keeps the time, and ends the
//! connection.
//!
//! It never writes; frames go to the outbox, which does. Polled as part of the actor, so it has the
//! session at hand without a lock or a message.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use actix::fut::ActorFuture;
use actix::{ActorContext, Context};
use bytes::Bytes;
use log::{info, warn};
use socket2::SockRef;

use super::effects::{Effect, Outcome, Request};
use super::pulse::Beat;
use super::{Phase, Session, handlers};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::domain::time::{Moment, Sleep};
use crate::events::command::Price;
use crate::hub::messages::Evict;
use crate::hub::outbox::Status;
use crate::proto::websocket::{self, CloseCode, Event, Opcode, Violation};

/// Reads before other connections of the thread get their turn.
const READS: usize = 4;
/// Unfinished messages that hold less are not worth counting: a megabyte for every hundred.
const BOOKED_FROM: usize = 10 * 1024;
/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Where all connections of a thread read into, so that an idle one holds no buffer.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Ready when the connection has ended.
#[derive(Default)]
pub struct SocketIo {
    timer: Option<(Moment, Sleep)>,
}

/// What to do next.
enum Step {
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
        let mut reads = READS;
        loop {
            match session.step(cx, &mut reads) {
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
    fn step(&mut self, cx: &mut TaskContext<'_>, reads: &mut usize) -> Step {
        match self.outbox.status() {
            Status::Broken => return Step::End,
            Status::Closing(farewell) if self.phase == Phase::Open => {
                if farewell == Farewell::SlowConsumer {
                    warn!(id = self.id.as_str(); "websocket_slow_consumer");
                }
                self.begin_to_leave(farewell);
            }
            Status::Closing(_) | Status::Open => {}
        }
        // Before the time is looked at: the answer may be a credential that lasts longer.
        if let Some(ask) = &mut self.awaited
            && let Poll::Ready(outcome) = ask.answer.as_mut().poll(cx)
        {
            let request = self.awaited.take().map(|ask| ask.request).unwrap_or_default();
            self.conclude(outcome, &request);
            return Step::On;
        }
        if let Some(end) = self.keep_time() {
            return end;
        }
        if self.awaited.is_some() {
            return Step::Wait;
        }
        if !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            let left = self.take_bytes(&unread);
            self.unread = unread.split_off(unread.len() - left);
            self.book_unfinished();
            return Step::On;
        }
        self.read(cx, reads)
    }

    /// Does what is due by now.
    fn keep_time(&mut self) -> Option<Step> {
        let now = self.services.ambient.clock.now();
        match self.phase {
            Phase::Leaving { farewell, until, is_answered, .. } => {
                let is_sent = self.outbox.is_empty();
                if now >= until || (is_answered && is_sent) {
                    return Some(Step::End);
                }
                if is_sent && farewell.is_violation() {
                    // The close frame is out; the peer learns that nothing follows it.
                    let _ = SockRef::from(self.outbox.stream()).shutdown(Shutdown::Write);
                }
            }
            Phase::Open => {
                if self.expires.is_some_and(|at| now >= at) {
                    self.send_error(&ClientError::auth_failed("The token has expired"));
                    self.leave(Farewell::Unauthenticated("token expired"));
                    return None;
                }
                match self.pulse.beat(now) {
                    Beat::Nothing => {}
                    Beat::Ping => self.send(&websocket::encode(Opcode::Ping, &[])),
                    Beat::Dead => self.leave(Farewell::PingTimeout),
                }
            }
        }
        None
    }

    fn next_deadline(&self) -> Moment {
        match self.phase {
            Phase::Leaving { until, .. } => until,
            Phase::Open => self.expires.map_or(self.pulse.next(), |expires| expires.min(self.pulse.next())),
        }
    }

    fn read(&mut self, cx: &mut TaskContext<'_>, reads: &mut usize) -> Step {
        if *reads == 0 {
            // The socket was ready, so nobody would wake us: do it ourselves, behind the others.
            cx.waker().wake_by_ref();
            return Step::Wait;
        }
        match self.outbox.stream().poll_read_ready(cx) {
            Poll::Pending => return Step::Wait,
            Poll::Ready(Err(_)) => return Step::End,
            Poll::Ready(Ok(())) => {}
        }
        *reads -= 1;
        SCRATCH.with_borrow_mut(|scratch| match self.outbox.stream().try_read(scratch) {
            Ok(0) => Step::End,
            Ok(count) => {
                self.pulse.heard();
                let left = self.take_bytes(&scratch[..count]);
                if left > 0 {
                    self.unread = Bytes::copy_from_slice(&scratch[count - left..count]);
                }
                self.book_unfinished();
                Step::On
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::On,
            Err(_) => Step::End,
        })
    }

    /// Books what an unfinished message holds. When all clients' together hold too much, whoever
    /// holds most is closed.
    fn book_unfinished(&mut self) {
        let held = self.decoder.buffered();
        if held < BOOKED_FROM {
            self.inbound = None;
            return;
        }
        let key = self.outbox.key();
        let account = self.inbound.get_or_insert_with(|| self.services.inbound.open(key));
        match account.set(held) {
            Some(fullest) if fullest == key => self.leave(Farewell::Overload),
            Some(fullest) => self.services.worker.rooms().do_send(Evict(fullest)),
            None => {}
        }
    }

    /// Decodes and handles messages until the bytes are used up or an answer must be awaited. Gives
    /// how many bytes at the end were not looked at.
    fn take_bytes(&mut self, mut bytes: &[u8]) -> usize {
        while !bytes.is_empty() && self.awaited.is_none() {
            if let Phase::Leaving { patience, is_answered, farewell, .. } = &mut self.phase {
                *patience = patience.saturating_sub(bytes.len());
                *is_answered |= *patience == 0;
                if farewell.is_violation() {
                    return 0;
                }
            }
            match self.decoder.decode(&mut bytes) {
                Ok(Some(event)) => self.take_event(event),
                Ok(None) => return 0,
                Err(violation) => self.leave(farewell_of(violation)),
            }
        }
        bytes.len()
    }

    fn take_event(&mut self, event: Event) {
        if let Phase::Leaving { is_answered, .. } = &mut self.phase {
            *is_answered |= matches!(event, Event::Close(_));
            return;
        }
        match event {
            Event::Text(text) => self.take_text(&text),
            // Text in a binary frame is taken as text (scenario S-53).
            Event::Binary(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => self.take_text(text),
                Err(_) => self.take_text(""),
            },
            Event::Ping(payload) => {
                if self.rate.keep_alive() {
                    self.send(&websocket::encode(Opcode::Pong, &payload));
                }
            }
            Event::Pong(_) => {}
            Event::Close(frame) => {
                let code = frame.map(|frame| frame.code.0);
                self.leave(Farewell::Answered(code));
            }
            Event::TooLarge { size, .. } => {
                if handlers::is_within_rate(self, Price::Message, &Request::default()) {
                    info!(id = self.id.as_str(), bytes = size; "message_too_large");
                    self.send_error(&ClientError::too_large(self.services.settings.soft_message_bytes));
                }
            }
        }
    }

    fn take_text(&mut self, text: &str) {
        match handlers::message(self, text) {
            Effect::Nothing => {}
            Effect::Reply(frame) => self.send(&frame),
            Effect::Ask(ask) => self.awaited = Some(ask),
        }
    }

    /// Takes the answer to what was asked.
    fn conclude(&mut self, outcome: Outcome, request: &Request) {
        match outcome {
            Outcome::Done => {}
            Outcome::Became(identity) => self.become_identity(identity),
            Outcome::Reply(frame) => self.send(&frame),
            Outcome::Refused(error) => {
                self.send(&handlers::failure(self, &error, request));
                if error.code == ErrorCode::ConnectionLimit {
                    self.leave(Farewell::ConnectionLimit);
                }
            }
        }
    }
}

fn farewell_of(violation: Violation) -> Farewell {
    match violation.code {
        CloseCode::INVALID_PAYLOAD => Farewell::NotUtf8(violation.reason),
        CloseCode::TOO_BIG => Farewell::TooBig(violation.reason),
        _ => Farewell::ProtocolError(violation.reason),
    }
}
