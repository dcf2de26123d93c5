//! What a Socket.IO client says, packet by packet: from a push or from the WebSocket to the
//! assembler, which makes messages of it.
//!
//! Whether a packet may come at all is the machine's to say; what a message means is
//! [`super::namespaces`]'s.

use std::time::Duration;

use bytes::Bytes;

use super::engine::Hearing;
use super::own::Message;
use super::{Phase, Session};
use crate::proto::engineio::{Action, Input, Packet, PacketError, Payload, Via, Word};

impl Session {
    /// Hears the next packet of the push under way. Gives whether there was one.
    pub(super) fn hear_push(&mut self) -> bool {
        let Some(engine) = self.link.engine_mut() else { return false };
        match std::mem::replace(&mut engine.hearing, Hearing::Nothing) {
            Hearing::Nothing => return false,
            Hearing::Done => self.engine_input(Input::PushDone),
            Hearing::Rest(body) => {
                let mut packets = Payload::new(&body);
                let packet = packets.next().unwrap_or(Err(PacketError::Empty));
                // Noted first: hearing a packet may end the push.
                engine.hearing = match packets.rest() {
                    Some(rest) => Hearing::Rest(body.slice_ref(rest)),
                    None => Hearing::Done,
                };
                self.hear(Via::Push, packet);
            }
        }
        true
    }

    /// Takes one packet, or what should have been one.
    pub(super) fn hear(&mut self, via: Via, packet: Result<Packet<'_>, PacketError>) {
        let input = Input::heard(via, &packet);
        if matches!(input, Input::Heard(_, Word::Pong | Word::Idle)) && !self.is_within_keep_alives() {
            return;
        }
        let pinged = self.awaited_ping();
        let is_delivered = self.is_to_be_delivered(input);
        // Looked at again: not every pong is heard, least of all on a WebSocket that only asks to
        // become the transport.
        if let Some(pinged) = pinged.filter(|_| matches!(input, Input::Heard(_, Word::Pong)))
            && self.awaited_ping().is_none()
        {
            let now = self.services.ambient.clock.now().since_start();
            self.services.meters.ponged(now.saturating_sub(pinged));
        }
        if is_delivered && let Ok(packet) = packet {
            self.deliver(packet);
        }
    }

    fn awaited_ping(&self) -> Option<Duration> {
        self.link.engine().and_then(|engine| engine.machine.awaited_ping())
    }

    /// Takes note of a packet and does what follows, but for delivering it.
    pub(super) fn is_to_be_delivered(&mut self, input: Input) -> bool {
        let now = self.services.ambient.clock.now().since_start();
        let Some(engine) = self.link.engine_mut() else { return false };
        let mut actions = engine.machine.handle(input, now);
        let is_delivered = actions.last() == Some(&Action::Deliver);
        actions.retain(|action| *action != Action::Deliver);
        self.carry_out(actions);
        is_delivered && self.phase == Phase::Open
    }

    /// Takes a binary message of the WebSocket.
    pub(super) fn hear_bytes(&mut self, bytes: Bytes) {
        if self.is_to_be_delivered(Input::Heard(Via::Socket, Word::Data)) {
            self.deliver_bytes(bytes);
        }
    }

    /// Takes note of a text message of the WebSocket that was too large to be kept: how it starts,
    /// and how many bytes it had.
    pub(super) fn hear_oversize_text(&mut self, start: &[u8], size: usize) {
        let word = match start.first() {
            Some(b'4') => Word::Data,
            // Base64 of an attachment; whether all of it was base64 is not known any more.
            Some(b'b') => return self.hear_oversize_bytes((size - 1) / 4 * 3),
            _ => Word::Malformed,
        };
        if self.is_to_be_delivered(Input::Heard(Via::Socket, word))
            && let Some(engine) = self.link.engine_mut()
        {
            let incoming = engine.assembler.dropped_text(&start[1..], size - 1);
            self.take_incoming(incoming);
        }
    }

    /// The same for bytes.
    pub(super) fn hear_oversize_bytes(&mut self, size: usize) {
        if self.is_to_be_delivered(Input::Heard(Via::Socket, Word::Data))
            && let Some(engine) = self.link.engine_mut()
        {
            let incoming = engine.assembler.dropped_binary(size);
            self.take_incoming(incoming);
        }
    }

    fn deliver(&mut self, packet: Packet<'_>) {
        match packet {
            Packet::Message(text) if self.mount.messages().is_some() => self.hear_own(Message::Text(text)),
            Packet::Message(text) => {
                let Some(engine) = self.link.engine_mut() else { return };
                let incoming = engine.assembler.text(text);
                self.take_incoming(incoming);
            }
            Packet::Binary(bytes) => self.deliver_bytes(bytes.into_owned().into()),
            _ => {}
        }
    }

    fn deliver_bytes(&mut self, bytes: Bytes) {
        if self.mount.messages().is_some() {
            return self.hear_own(Message::Binary(bytes));
        }
        if let Some(engine) = self.link.engine_mut() {
            let incoming = engine.assembler.binary(bytes);
            self.take_incoming(incoming);
        }
    }
}
