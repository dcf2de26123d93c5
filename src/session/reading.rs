//! What comes on a session's WebSocket: read in turns, decoded, and handed on as messages.
//!
//! Nothing is decided here about what a message means. The WebSocket may be the transport, or one
//! that asks to become it beside polls.

use std::cell::RefCell;
use std::io;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use log::info;

use super::io::{Step, yield_turn};
use super::own::Message;
use super::{Link, Phase, Session, handlers};
use crate::dialect::Request;
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::events::command::Price;
use crate::hub::messages::Evict;
use crate::proto::engineio::{Input, Packet, Via, Word};
use crate::proto::websocket::{self, CloseCode, Event, Opcode, Skipped, Violation};

/// Unfinished messages that hold less are not worth counting: a megabyte for every hundred.
const BOOKED_FROM: usize = 10 * 1024;
/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Where all connections of a thread read into, so that an idle one holds no buffer.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

impl Session {
    pub(super) fn read(&mut self, cx: &mut TaskContext<'_>) -> Step {
        let Some(stream) = self.stream() else { return Step::Wait };
        if self.turn.reads == 0 {
            // The socket was ready, so nobody would wake us.
            yield_turn(cx);
            return Step::Wait;
        }
        match stream.poll_read_ready(cx) {
            Poll::Pending => return Step::Wait,
            Poll::Ready(Err(_)) => return self.lose_socket(),
            Poll::Ready(Ok(())) => {}
        }
        self.turn.reads -= 1;
        SCRATCH.with_borrow_mut(|scratch| {
            let read = match self.stream() {
                Some(stream) => stream.try_read(scratch),
                None => return Step::On,
            };
            match read {
                Ok(0) => self.lose_socket(),
                Ok(count) => {
                    self.outbox.last_activity.set(self.services.ambient.clock.wall());
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
    pub(super) fn lose_socket(&mut self) -> Step {
        if self.outbox.stream().is_none() && self.link.engine().is_some_and(|own| own.probe().is_some()) {
            self.probe_lost();
            return Step::On;
        }
        Step::End
    }

    /// Books what an unfinished message holds. When all clients' together hold too much, whoever
    /// holds most is closed.
    pub(super) fn book_unfinished(&mut self) {
        let assembled = self.link.engine().map_or(0, |engine| engine.assembler.buffered());
        let held = self.decoder.buffered() + assembled + self.unread.len();
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

    /// Decodes and handles messages until the bytes or the turn are used up or an answer must be
    /// awaited. Gives how many bytes at the end were not looked at.
    pub(super) fn take_bytes(&mut self, mut bytes: &[u8]) -> usize {
        while !bytes.is_empty() && self.awaited.is_none() && self.turn.messages > 0 {
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
            let decoded = self.decoder.decode(&mut bytes);
            self.turn.spend_inflating(self.decoder.take_inflated());
            match decoded {
                Ok(Some(event)) => {
                    self.turn.spend(event.size());
                    self.take_event(event);
                }
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
            self.count_refusal();
            self.engine_input(Input::Heard(Via::Socket, Word::Malformed));
        }
    }

    fn take_event(&mut self, event: Event) {
        let is_transport = self.outbox.stream().is_some();
        if let Phase::Leaving { is_answered, .. } = &mut self.phase
            && is_transport
        {
            *is_answered |= matches!(event, Event::Close(_));
            return;
        }
        match event {
            Event::Ping(payload) => {
                // Before the upgrade is complete, nothing but its own answer may be written.
                if is_transport && self.is_within_keep_alives() {
                    self.send(&websocket::encode(Opcode::Pong, &payload));
                }
            }
            Event::Pong(_) => self.take_pong(),
            Event::Close(_) if !is_transport => self.probe_lost(),
            Event::Close(frame) => {
                let code = frame.map(|frame| frame.code.0);
                self.leave(Farewell::Answered(code));
            }
            message => match self.link {
                Link::Plain(_) if self.mount.messages().is_some() => self.take_own(message),
                Link::Plain(_) => self.take_plain(message),
                Link::Engine(_) => self.take_engine(message),
            },
        }
    }

    fn take_pong(&mut self) {
        let now = self.services.ambient.clock.now();
        if let Link::Plain(pulse) = &mut self.link
            && let Some(round_trip) = pulse.ponged(now)
        {
            self.services.meters.ponged(round_trip);
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
                    let error = ClientError::too_large(self.mount.settings.soft_message_bytes);
                    self.send_error(self.outbox.key(), &error);
                }
            }
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
        }
    }

    fn take_own(&mut self, message: Event) {
        match message {
            Event::Text(text) => self.hear_own(Message::Text(&text)),
            Event::Binary(bytes) => self.hear_own(Message::Binary(bytes.into())),
            // A decoder for these refuses nothing but what ends the connection.
            Event::TooLarge { .. } | Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
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
}

fn farewell_of(violation: Violation) -> Farewell {
    match violation.code {
        CloseCode::INVALID_PAYLOAD => Farewell::InvalidPayload(violation.reason),
        CloseCode::TOO_BIG => Farewell::TooBig(violation.reason),
        _ => Farewell::ProtocolError(violation.reason),
    }
}
