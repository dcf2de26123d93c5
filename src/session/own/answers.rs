//! What a handler answers: collected in the order it was said, finished as the frames that leave.

use bytes::Bytes;

use super::{Arguments, EncodeError, Message};
use crate::dialect::raw::Form;
use crate::dialect::socketio;
use crate::proto::socketio::{Outgoing, is_reserved};

/// Takes the messages for one session.
pub struct Out<'a> {
    id: &'a str,
    form: Form,
    frames: Vec<Bytes>,
}

impl<'a> Out<'a> {
    pub(super) fn new(id: &'a str, form: Form) -> Out<'a> {
        Out { id, form, frames: Vec::new() }
    }

    /// The session's id, by which the log knows it, too.
    pub fn id(&self) -> &str {
        self.id
    }

    pub fn text(&mut self, text: &str) {
        self.frames.push(self.form.text(text));
    }

    pub fn binary(&mut self, bytes: &[u8]) {
        self.frames.push(self.form.binary(bytes));
    }

    pub fn send(&mut self, message: Message<'_>) {
        match message {
            Message::Text(text) => self.text(text),
            Message::Binary(bytes) => self.binary(&bytes),
        }
    }

    pub(super) fn finish(self) -> Vec<Bytes> {
        self.frames
    }
}

/// Takes the events for one socket, and the acknowledgement that its client may wait for.
pub struct Emit<'a> {
    socket: &'a str,
    /// As its client spells it.
    namespace: &'a str,
    base64: bool,
    ack: Option<u64>,
    frames: Vec<Bytes>,
}

impl<'a> Emit<'a> {
    pub(super) fn new(socket: &'a str, namespace: &'a str, base64: bool, ack: Option<u64>) -> Emit<'a> {
        Emit { socket, namespace, base64, ack, frames: Vec::new() }
    }

    /// The socket's public id.
    pub fn socket(&self) -> &str {
        self.socket
    }

    /// Emits an event.
    ///
    /// # Errors
    /// Nothing is sent under a reserved name, with more attachments than clients take, or with a
    /// placeholder for none of them.
    pub fn event(
        &mut self,
        name: &str,
        args: Arguments<'_>,
        attachments: &[Bytes],
    ) -> Result<(), EncodeError> {
        if is_reserved(name) {
            return Err(EncodeError::ReservedName);
        }
        let (namespace, count) = (self.namespace, attachments.len());
        let event = Outgoing::Event { namespace, id: None, name, args, offset: None, attachments: count };
        self.push(&event, attachments)
    }

    /// Acknowledges the event being answered. Whoever waits for nothing, or has got it already, gets
    /// nothing.
    ///
    /// # Errors
    /// As [`Emit::event`]; it can be acknowledged otherwise then.
    pub fn ack(&mut self, args: Arguments<'_>, attachments: &[Bytes]) -> Result<(), EncodeError> {
        let Some(id) = self.ack else { return Ok(()) };
        let count = attachments.len();
        self.push(&Outgoing::Ack { namespace: self.namespace, id, args, attachments: count }, attachments)?;
        self.ack = None;
        Ok(())
    }

    fn push(&mut self, packet: &Outgoing<'_>, attachments: &[Bytes]) -> Result<(), EncodeError> {
        self.frames.push(socketio::packet(packet, attachments, self.base64)?);
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Bytes> {
        self.frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::engineio::poll_packets;
    use crate::proto::socketio::MAX_ATTACHMENTS;
    use serde_json::value::RawValue;

    fn packets(frames: Vec<Bytes>) -> Vec<String> {
        let mut packets = Vec::new();
        for packet in frames.iter().flat_map(|frame| poll_packets(frame)) {
            let mut bytes = Vec::new();
            packet.append_to(&mut bytes);
            packets.push(String::from_utf8(bytes).unwrap());
        }
        packets
    }

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_acknowledgement_is_given_once_and_only_to_who_waits() {
        let args = Arguments::of_array(raw("[1, 2.50]")).unwrap();
        let mut emit = Emit::new("s", "/custom?x", false, Some(7));
        emit.ack(args, &[]).unwrap();
        emit.ack(args, &[]).unwrap();
        assert_eq!(packets(emit.finish()), ["43/custom?x,7[1, 2.50]"]);

        let mut emit = Emit::new("s", "/", false, None);
        emit.ack(args, &[]).unwrap();
        assert!(emit.finish().is_empty());
    }

    #[test]
    fn what_no_client_could_read_is_an_error_and_sends_nothing() {
        let mut emit = Emit::new("s", "/", false, Some(1));
        let many = vec![Bytes::new(); MAX_ATTACHMENTS + 1];
        assert!(matches!(emit.event("connect", Arguments::NONE, &[]), Err(EncodeError::ReservedName)));
        assert!(matches!(emit.event("a", Arguments::NONE, &many), Err(EncodeError::TooManyAttachments)));
        let beyond = Arguments::one(raw(r#"{"_placeholder":true,"num":1}"#));
        assert!(matches!(emit.ack(beyond, &[Bytes::new()]), Err(EncodeError::Placeholder(_))));
        emit.ack(Arguments::NONE, &[]).unwrap();
        assert_eq!(packets(emit.finish()), ["431[]"], "a failed acknowledgement is still owed");
    }

    #[test]
    fn attachments_stand_behind_their_packet_in_one_entry() {
        let args = Arguments::one(raw(r#"{"_placeholder":true,"num":0}"#));
        let mut emit = Emit::new("s", "/", true, None);
        emit.event("photo", args, &[Bytes::from_static(&[1, 2, 3])]).unwrap();
        let frames = emit.finish();
        assert_eq!(frames.len(), 1);
        assert_eq!(packets(frames), [r#"451-["photo",{"_placeholder":true,"num":0}]"#, "bAQID"]);
    }
}
