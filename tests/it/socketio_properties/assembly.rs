//! A header and its attachments: what they add up to, and what they cost on the way.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use switchboard::proto::socketio::{Assembler, Incoming, Kind, Limits, PacketError};

use super::{LIMITS, seen};

#[test]
fn a_message_is_its_header_and_its_attachments_in_order() {
    let mut assembler = Assembler::new(LIMITS);
    let text = r#"62-/ws,9[{"_placeholder":true,"num":1}]"#;

    assert!(matches!(assembler.text(text), Ok(Incoming::Awaiting { left: 2 })));
    assert!(matches!(assembler.binary(Bytes::from("a")), Ok(Incoming::Awaiting { left: 1 })));
    let Ok(Incoming::Assembled(message)) = assembler.binary(Bytes::from("b")) else { panic!() };

    assert_eq!(message.attachments, ["a", "b"]);
    let data = r#"[{"_placeholder":true,"num":1}]"#;
    assert_eq!(seen(&message.header()), (Kind::BinaryAck, "/ws", Some(9), 2, Some(data)));
    assert!(!assembler.is_awaiting());
}

#[test]
fn a_message_that_turns_out_too_large_gives_its_memory_back_at_once_and_is_reported_at_its_end() {
    let mut assembler = Assembler::new(LIMITS);
    let header = r#"53-/ws?é,["e"]"#;
    assert!(assembler.text(header).is_ok());
    assert!(assembler.binary(vec![0; 900].into()).is_ok());
    assert_eq!(assembler.buffered(), header.len() + 900);

    assert!(matches!(assembler.binary(vec![0; 100].into()), Ok(Incoming::Awaiting { left: 1 })));
    assert_eq!((assembler.buffered(), assembler.is_awaiting()), (0, true));

    let Ok(Incoming::TooLarge { namespace, size }) = assembler.binary(Bytes::new()) else { panic!() };
    assert_eq!((&*namespace, size), ("/ws?é", header.len() + 1_000));
    assert!(matches!(assembler.text("2[\"next\"]"), Ok(Incoming::Packet(_))));
}

#[test]
fn what_the_transport_dropped_is_awaited_and_reported_all_the_same() {
    let mut assembler = Assembler::new(LIMITS);
    assert!(matches!(
        assembler.dropped_text(br#"2/ws,7["e","xxx"#, 1_500),
        Ok(Incoming::TooLarge { namespace, size: 1_500 }) if namespace == "/ws"
    ));
    assert!(matches!(
        assembler.dropped_text(b"2[\"\xc3", 1_500),
        Ok(Incoming::TooLarge { namespace, .. }) if namespace == "/"
    ));

    assert!(matches!(assembler.dropped_text(b"51-/ws,[", 1_500), Ok(Incoming::Awaiting { left: 1 })));
    let Ok(Incoming::TooLarge { size, .. }) = assembler.binary(vec![0; 10].into()) else { panic!() };
    assert_eq!(size, 1_510);

    assert!(matches!(assembler.text(r#"51-["e"]"#), Ok(Incoming::Awaiting { left: 1 })));
    let Ok(Incoming::TooLarge { size, .. }) = assembler.dropped_binary(1_001) else { panic!() };
    assert_eq!(size, 1_009);
}

#[test]
fn a_text_over_the_limits_is_reported_unread_or_refused() {
    let mut assembler = Assembler::new(LIMITS);
    let of = |size: usize| format!("2/ws,{}", "[".repeat(size - 5));

    assert_eq!(assembler.text(&of(1_000)).unwrap_err(), PacketError::Json);
    assert!(matches!(assembler.text(&of(1_001)), Ok(Incoming::TooLarge { size: 1_001, .. })));
    assert!(matches!(assembler.text(&of(2_000)), Ok(Incoming::TooLarge { size: 2_000, .. })));
    assert_eq!(assembler.text(&of(2_001)).unwrap_err(), PacketError::TooLarge);
    assert_eq!(assembler.dropped_text(b"2", usize::MAX).unwrap_err(), PacketError::TooLarge);
}

#[test]
fn an_assembler_is_small() {
    assert!(size_of::<Assembler>() <= 40, "{} bytes per connection", size_of::<Assembler>());
}

/// What a client may send next.
#[derive(Clone, Debug)]
enum Sent {
    /// A header for so many attachments, padded to so many bytes.
    Text {
        attachments: usize,
        padding: usize,
    },
    Binary(usize),
    DroppedBinary(usize),
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        2 => (0_usize..4, 0_usize..300).prop_map(|(attachments, padding)| Sent::Text { attachments, padding }),
        5 => (0_usize..300).prop_map(Sent::Binary),
        1 => (0_usize..300).prop_map(Sent::DroppedBinary),
    ]
}

/// The same, told as simply as it can be.
#[derive(Default)]
struct Model {
    left: usize,
    size: usize,
    dropped: bool,
}

impl Model {
    fn hear(&mut self, sent: &Sent, size: usize, limits: Limits) -> &'static str {
        match sent {
            Sent::Text { .. } if self.left > 0 => return self.refuse("text inside"),
            Sent::Text { attachments, .. } => {
                *self = Self { left: *attachments, size, dropped: size > limits.soft };
            }
            _ if self.left == 0 => return self.refuse("without header"),
            Sent::Binary(_) | Sent::DroppedBinary(_) => {
                self.left -= 1;
                self.size += size;
                self.dropped |= self.size > limits.soft || matches!(sent, Sent::DroppedBinary(_));
            }
        }
        match self.left {
            _ if self.size > limits.hard => self.refuse("too large"),
            0 if self.dropped => "reported",
            0 => "whole",
            _ => "awaiting",
        }
    }

    fn refuse(&mut self, why: &'static str) -> &'static str {
        *self = Self::default();
        why
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sequence_is_heard_as_a_simple_model_hears_it(
        sequence in vec(sent(), 0..20),
        soft in 0_usize..600,
        hard in 0_usize..900,
    ) {
        let limits = Limits { soft: soft.min(hard), hard, ..LIMITS };
        let (mut assembler, mut model) = (Assembler::new(limits), Model::default());
        for sent in sequence {
            let text = match sent {
                Sent::Text { attachments: 0, padding } => format!(r#"2["{}"]"#, "x".repeat(padding)),
                Sent::Text { attachments, padding } => format!(r#"5{attachments}-["{}"]"#, "x".repeat(padding)),
                _ => String::new(),
            };
            let (heard, size) = match sent {
                Sent::Text { .. } => (assembler.text(&text), text.len()),
                Sent::Binary(size) => (assembler.binary(vec![0; size].into()), size),
                Sent::DroppedBinary(size) => (assembler.dropped_binary(size), size),
            };

            let heard = match heard {
                Ok(Incoming::Packet(_) | Incoming::Assembled(_)) => "whole",
                Ok(Incoming::Awaiting { .. }) => "awaiting",
                Ok(Incoming::TooLarge { .. }) => "reported",
                Err(PacketError::TextInsideBinary) => "text inside",
                Err(PacketError::BinaryWithoutHeader) => "without header",
                Err(PacketError::TooLarge) => "too large",
                Err(error) => panic!("{error}"),
            };
            prop_assert_eq!(heard, model.hear(&sent, size, limits));
            prop_assert_eq!(assembler.is_awaiting(), model.left > 0);
            let held = if model.left > 0 && !model.dropped { model.size } else { 0 };
            prop_assert_eq!(assembler.buffered(), held);
        }
    }
}
