//! Messages without a vocabulary: on a plain WebSocket, or in Engine.IO packets.

use bytes::Bytes;

use crate::proto::engineio::{MESSAGE_PREFIX, Packet};
use crate::proto::websocket::{self, FrameBuilder, Opcode};

/// What stands around a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A WebSocket's frame alone.
    Plain,
    /// An Engine.IO packet; `base64` where the transport takes no bytes.
    Engine { base64: bool },
}

impl Form {
    /// A text. In a poll, U+001E would end it: Engine.IO parts packets by that.
    pub fn text(self, text: &str) -> Bytes {
        match self {
            Form::Plain => websocket::encode(Opcode::Text, text.as_bytes()),
            Form::Engine { .. } => {
                let mut frame = FrameBuilder::with_capacity(MESSAGE_PREFIX.len() + text.len());
                frame.push(MESSAGE_PREFIX.as_bytes());
                frame.push(text.as_bytes());
                frame.finish(Opcode::Text)
            }
        }
    }

    pub fn binary(self, bytes: &[u8]) -> Bytes {
        match self {
            Form::Engine { base64: true } => {
                let packet = Packet::from_binary(bytes).to_string();
                websocket::encode(Opcode::Text, packet.as_bytes())
            }
            Form::Plain | Form::Engine { base64: false } => websocket::encode(Opcode::Binary, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_as_its_transport_wants() {
        let (plain, bytes, text) =
            (Form::Plain, Form::Engine { base64: false }, Form::Engine { base64: true });
        assert_eq!(plain.text("ab"), b"\x81\x02ab".as_slice());
        assert_eq!(bytes.text("ab"), b"\x81\x034ab".as_slice());
        assert_eq!(plain.binary(&[1, 2, 3]), b"\x82\x03\x01\x02\x03".as_slice());
        assert_eq!(bytes.binary(&[1, 2, 3]), b"\x82\x03\x01\x02\x03".as_slice());
        assert_eq!(text.binary(&[1, 2, 3]), b"\x81\x05bAQID".as_slice());
    }
}
