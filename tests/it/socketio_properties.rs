//! What the Socket.IO codec promises for all input: one list of packets, one named test per
//! attack, and properties over texts that proptest makes up.
//!
//! Here stands what they share: a packet as it is compared, and `digest`, which puts a text
//! through all that reads texts.

mod assembly;
mod attacks;
mod cases;
mod plain;
mod texts;

use bytes::Bytes;
use serde_json::value::RawValue;
use switchboard::proto::socketio::{
    Assembler, EncodeError, Header, Incoming, Kind, Limits, Outgoing, PacketError, decode, from_plain,
    to_plain,
};

/// Small enough that a test reaches them.
const LIMITS: Limits = Limits { attachments: 10, namespace: 100, soft: 1_000, hard: 2_000 };

/// A header without its borrows: type, namespace, id, attachments, payload.
type Seen<'a> = (Kind, &'a str, Option<u64>, usize, Option<&'a str>);

fn seen<'a>(header: &Header<'a>) -> Seen<'a> {
    let Header { kind, namespace, id, attachments, data } = *header;
    (kind, namespace, id, attachments, data.map(RawValue::get))
}

/// The error of a text under the limits of the product.
fn refused(text: &str) -> Option<PacketError> {
    decode(text, &Limits::default()).err()
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn written(packet: &Outgoing<'_>) -> Result<String, EncodeError> {
    let mut text = Vec::new();
    packet.write(&mut text)?;
    Ok(String::from_utf8(text).expect("a packet is UTF-8"))
}

/// Puts `text` through all that reads texts, and checks what must hold whatever it says.
fn digest(text: &str) {
    if let Ok(header) = decode(text, &LIMITS) {
        assert!(text.contains(header.namespace) || header.namespace == "/");
        assert!(header.attachments <= LIMITS.attachments);
        let is_event = matches!(header.kind, Kind::Event | Kind::BinaryEvent) && header.data.is_some();
        assert_eq!(header.event().is_some(), is_event, "what is decoded as an event is one");
        if let Some(event) = header.event() {
            let listed: Vec<&str> = event.args.iter().map(RawValue::get).collect();
            let array = format!("[{}]", event.args.as_str());
            let counted: Vec<&RawValue> = serde_json::from_str(&array).unwrap();
            assert_eq!(listed, counted.into_iter().map(RawValue::get).collect::<Vec<_>>());
        }
    }
    let mut assembler = Assembler::new(LIMITS);
    let mut heard = assembler.text(text).map(|incoming| matches!(incoming, Incoming::Awaiting { .. }));
    while let Ok(true) = heard {
        assert!(assembler.is_awaiting() && assembler.buffered() <= LIMITS.soft);
        heard =
            assembler.binary(Bytes::from("a")).map(|incoming| matches!(incoming, Incoming::Awaiting { .. }));
    }
    assert_eq!((assembler.is_awaiting(), assembler.buffered()), (false, 0));
    let _ = assembler.dropped_text(text.as_bytes(), text.len());

    if let Ok(value) = serde_json::from_str::<&RawValue>(text) {
        let _ = from_plain(value, &LIMITS);
        if let Ok(plain) = to_plain(value, &[Bytes::from("a"), Bytes::new()], 1_000) {
            assert!(plain.get().len() <= 1_000);
        }
    }
}
