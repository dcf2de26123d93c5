//! Engine.IO and Socket.IO: what the reference's parsers made of packets, some of them damaged.
//! `tests/clients/reference_vectors.mjs` writes the vectors.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use switchboard::proto::engineio::{Packet, Payload};
use switchboard::proto::socketio::{Assembler, Header, Incoming, Kind, Limits, PacketError, to_plain};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn vectors(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/reference").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn pushes_are_read_as_the_reference_reads_them() {
    let vectors = vectors("engineio.jsonl");
    assert!(vectors.len() >= 250);
    for vector in &vectors {
        let wire = vector["wire"].as_str().unwrap();
        let theirs = vector["heard"].as_array().unwrap();
        let mut ours: Vec<Value> = Vec::new();
        for packet in Payload::new(wire.as_bytes()) {
            ours.push(match packet {
                Ok(packet) => told(&packet),
                Err(_) => json!({ "type": "error", "text": "parser error" }),
            });
        }
        for (at, theirs) in theirs.iter().enumerate() {
            // The reference decodes whatever it can of base64 and drops the rest; we end the session.
            let is_base64 = theirs.get("base64").is_some();
            if is_base64 && ours.get(at).is_some_and(|ours| ours["type"] == "error") {
                let text = wire.split('\u{1e}').nth(at).unwrap();
                assert!(!is_canonical(&text[1..]), "{text} should be read");
                ours.truncate(at);
                break;
            }
            assert_eq!(ours.get(at), Some(&without_meaningless_text(theirs)), "packet {at} of {wire:?}");
        }
        assert!(ours.len() <= theirs.len(), "{wire:?}");
    }
}

fn told(packet: &Packet<'_>) -> Value {
    let (kind, text) = match packet {
        Packet::Binary(bytes) => return json!({ "type": "message", "base64": STANDARD.encode(bytes) }),
        Packet::Open => ("open", ""),
        Packet::Close => ("close", ""),
        Packet::Ping(text) => ("ping", *text),
        Packet::Pong(text) => ("pong", *text),
        Packet::Message(text) => ("message", *text),
        Packet::Upgrade => ("upgrade", ""),
        Packet::Noop => ("noop", ""),
    };
    json!({ "type": kind, "text": text })
}

/// What stands behind the digit of a packet without a field is dropped by us.
fn without_meaningless_text(theirs: &Value) -> Value {
    match theirs["type"].as_str() {
        Some(kind @ ("open" | "close" | "upgrade" | "noop")) => json!({ "type": kind, "text": "" }),
        _ => theirs.clone(),
    }
}

fn is_canonical(base64: &str) -> bool {
    STANDARD.decode(base64).is_ok()
}

/// What became of a packet.
#[derive(Debug)]
enum Heard {
    Packet(Value),
    Awaiting,
    Refused(PacketError),
}

#[test]
fn packets_are_read_as_the_reference_reads_them() {
    let vectors = vectors("socketio.jsonl");
    assert!(vectors.len() >= 400);
    let (mut alike, mut different) = (0, Vec::new());
    for vector in &vectors {
        let frames = vector["frames"].as_array().unwrap();
        let theirs = &vector["heard"];
        let ours = heard(frames);
        let is_alike = match &ours {
            Heard::Packet(ours) => is_same(ours, theirs),
            Heard::Awaiting => theirs.get("awaiting").is_some(),
            Heard::Refused(_) => theirs.get("refused").is_some(),
        };
        if is_alike {
            alike += 1;
        } else if named(&ours, theirs, frames[0].as_str().unwrap()).is_none() {
            different.push(format!("{}\n  theirs: {theirs}\n  ours:   {ours:?}", vector["frames"]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(alike > 350, "only {alike} alike");
}

fn heard(frames: &[Value]) -> Heard {
    let mut assembler = Assembler::new(Limits::default());
    let mut heard = Heard::Awaiting;
    for frame in frames {
        let incoming = match frame.as_str() {
            Some(text) => assembler.text(text),
            None => assembler.binary(STANDARD.decode(frame["base64"].as_str().unwrap()).unwrap().into()),
        };
        heard = match incoming {
            Ok(Incoming::Packet(header)) => Heard::Packet(packet(&header, &[])),
            Ok(Incoming::Assembled(message)) => {
                Heard::Packet(packet(&message.header(), &message.attachments))
            }
            Ok(Incoming::Awaiting { .. }) => Heard::Awaiting,
            Ok(Incoming::TooLarge { .. }) => panic!("nothing here is large"),
            Err(error) => return Heard::Refused(error),
        };
    }
    heard
}

/// The packet in the words of the reference, which forgets that it was binary.
fn packet(header: &Header<'_>, attachments: &[Bytes]) -> Value {
    let kind = match header.kind {
        Kind::BinaryEvent => Kind::Event,
        Kind::BinaryAck => Kind::Ack,
        kind => kind,
    };
    let mut packet = json!({ "type": kind as u8, "nsp": header.namespace });
    if let Some(id) = header.id {
        packet["id"] = id.into();
    }
    if let Some(data) = header.data {
        let plain = to_plain(data, attachments, usize::MAX).unwrap();
        packet["data"] = serde_json::from_str(plain.get()).unwrap();
    }
    packet
}

/// Whether they are the same to JavaScript, whose numbers are all of one kind.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same =
                |(key, value): (&String, &Value)| other.get(key).is_some_and(|own| is_same(value, own));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

/// The name of a difference that is meant to be.
fn named(ours: &Heard, theirs: &Value, text: &str) -> Option<&'static str> {
    let is_binary = text.starts_with(['5', '6']);
    match ours {
        // `Number("")` is zero, so that an empty text is a CONNECT to the reference.
        Heard::Refused(PacketError::Kind) if text.is_empty() => Some("empty text"),
        // It waits for attachments that nothing could name, and throws when the last has come.
        Heard::Refused(PacketError::Payload) if is_binary && theirs.get("awaiting").is_some() => {
            Some("no payload")
        }
        _ => None,
    }
}
