//! The one long-lived future of a session: it reads the WebSocket, if there is one, keeps the time,
//! and ends the connection.
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

use super::effects::{Ask, Outcome};
use super::pulse::Beat;
use super::{Link, Phase, Session, engine, handlers};
use crate::dialect::Request;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::domain::time::{Moment, Sleep};
use crate::events::command::Price;
use crate::hub::messages::Evict;
use crate::hub::outbox::Status;
use crate::proto::engineio::{Input, Packet, Via, Word};
use crate::proto::websocket::{self, CloseCode, Event, Opcode, Skipped, Violation};

/// Reads, and packets of a push, before other connections of the thread get their turn.
const READS: usize = 4;
const PACKETS: usize = 256;
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

/// What may still be done before others get theirs.
struct Turn {
    reads: usize,
    packets: usize,
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
        let mut turn = Turn { reads: READS, packets: PACKETS };
        loop {
            match session.step(cx, &mut turn) {
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
    fn step(&mut self, cx: &mut TaskContext<'_>, turn: &mut Turn) -> Step {
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
        if turn.packets == 0 {
            cx.waker().wake_by_ref();
            return Step::Wait;
        }
        if self.hear_push() {
            turn.packets -= 1;
            return Step::On;
        }
        if !self.unread.is_empty() {
            let mut unread = std::mem::take(&mut self.unread);
            let left = self.take_bytes(&unread);
            self.unread = unread.split_off(unread.len() - left);
            self.book_unfinished();
            return Step::On;
        }
        self.read(cx, turn)
    }

    /// Does what is due by now.
    fn keep_time(&mut self) -> Option<Step> {
        let now = self.services.ambient.clock.now();
        if self.phase == Phase::Open {
            if self.end_expired(now) {
                return Some(Step::On);
            }
            match &mut self.link {
                Link::Plain(pulse) => match pulse.beat(now) {
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
            self.engine_input(Input::Close(engine::reason_of(farewell)));
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
            Link::Plain(pulse) => pulse.next(),
            Link::Engine(engine) => engine.next_deadline(),
        };
        self.next_expiry().map_or(next, |expiry| expiry.min(next))
    }

    fn read(&mut self, cx: &mut TaskContext<'_>, turn: &mut Turn) -> Step {
        let Some(stream) = self.stream() else { return Step::Wait };
        if turn.reads == 0 {
            // The socket was ready, so nobody would wake us: do it ourselves, behind the others.
            cx.waker().wake_by_ref();
            return Step::Wait;
        }
        match stream.poll_read_ready(cx) {
            Poll::Pending => return Step::Wait,
            Poll::Ready(Err(_)) => return self.lose_socket(),
            Poll::Ready(Ok(())) => {}
        }
        turn.reads -= 1;
        SCRATCH.with_borrow_mut(|scratch| {
            let read = match self.stream() {
                Some(stream) => stream.try_read(scratch),
                None => return Step::On,
            };
            match read {
                Ok(0) => self.lose_socket(),
                Ok(count) => {
                    if let Link::Plain(pulse) = &mut self.link {
                        pulse.heard();
                    }
                    let left = self.take_bytes(&scratch[..count]);
                    if left > 0 {
                        self.unread = Bytes::copy_from_slice(&scratch[count - left..count]);
                    }
                    self.book_unfinished();
                    Step::On
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::On,
                Err(_) => self.lose_socket(),
            }
        })
    }

    /// The WebSocket is gone: the end, unless it was only asking to become the transport.
    fn lose_socket(&mut self) -> Step {
        if self.outbox.stream().is_none() && self.link.engine().is_some_and(|own| own.probe().is_some()) {
            self.probe_lost();
            return Step::On;
        }
        Step::End
    }

    /// Books what an unfinished message holds. When all clients' together hold too much, whoever
    /// holds most is closed.
    fn book_unfinished(&mut self) {
        let assembled = self.link.engine().map_or(0, |engine| engine.assembler.buffered());
        let held = self.decoder.buffered() + assembled;
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
            if self.stream().is_none() {
                // It was dropped for what it said; nobody wants the rest.
                return 0;
            }
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
                Err(violation) => self.take_violation(violation),
            }
        }
        bytes.len()
    }

    fn take_violation(&mut self, violation: Violation) {
        if self.outbox.stream().is_some() {
            self.leave(farewell_of(violation));
        } else {
            // Not yet the transport: it goes, and the polls go on.
            self.engine_input(Input::Heard(Via::Socket, Word::Malformed));
        }
    }

    fn take_event(&mut self, event: Event) {
        if let Phase::Leaving { is_answered, .. } = &mut self.phase {
            *is_answered |= matches!(event, Event::Close(_));
            return;
        }
        match event {
            Event::Ping(payload) => {
                // Before the upgrade is complete, nothing but its own answer may be written.
                if self.outbox.stream().is_some() && self.rate.keep_alive() {
                    self.send(&websocket::encode(Opcode::Pong, &payload));
                }
            }
            Event::Pong(_) => {}
            Event::Close(_) if self.outbox.stream().is_none() => self.probe_lost(),
            Event::Close(frame) => {
                let code = frame.map(|frame| frame.code.0);
                self.leave(Farewell::Answered(code));
            }
            message => match self.link {
                Link::Plain(_) => self.take_plain(message),
                Link::Engine(_) => self.take_engine(message),
            },
        }
    }

    fn take_plain(&mut self, message: Event) {
        match message {
            Event::Text(text) => self.take_text(&text),
            // Text in a binary frame is taken as text (scenario S-53).
            Event::Binary(bytes) => self.take_text(std::str::from_utf8(&bytes).unwrap_or_default()),
            Event::TooLarge { size, .. } => {
                if handlers::is_within_rate(self, Price::Message, &Request::default()) {
                    info!(id = self.id.as_str(), bytes = size; "message_too_large");
                    let error = ClientError::too_large(self.services.settings.soft_message_bytes);
                    self.send_error(self.outbox.key(), &error);
                }
            }
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
        }
    }

    fn take_text(&mut self, text: &str) {
        let effect = handlers::message(self, self.outbox.key(), text);
        self.take_effect(effect);
    }

    fn take_engine(&mut self, message: Event) {
        match message {
            Event::Text(text) => self.hear(Via::Socket, Packet::from_text(&text)),
            Event::Binary(bytes) => self.hear_bytes(bytes.into()),
            Event::TooLarge { size, skipped } => match skipped {
                Skipped::Text(start) => self.hear_oversize_text(&start, size),
                Skipped::Binary => self.hear_oversize_bytes(size),
            },
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
        }
    }

    /// Takes the answer to what was asked.
    fn conclude(&mut self, outcome: Outcome, ask: &Ask) {
        match outcome {
            Outcome::Done => {}
            Outcome::Became(identity) => self.become_identity(ask.socket, identity),
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

fn farewell_of(violation: Violation) -> Farewell {
    match violation.code {
        CloseCode::INVALID_PAYLOAD => Farewell::NotUtf8(violation.reason),
        CloseCode::TOO_BIG => Farewell::TooBig(violation.reason),
        _ => Farewell::ProtocolError(violation.reason),
    }
}
