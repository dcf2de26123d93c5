//! Socket.IO: the text of a packet, messages with their attachments, and buffers in plain JSON.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::value::RawValue;
use switchboard::proto::engineio::{Packet, Payload, SEPARATOR};
use switchboard::proto::socketio::{
    Arguments, Assembled, Assembler, Header, Incoming, Kind, Limits, Outgoing, PacketError, decode,
    from_plain, to_plain,
};

use super::driver::{Outcome, Target, Trace};
use super::json::tree;
use super::mutation::{Grammar, between, joined};
use super::socketio_model::{
    Pending, Refused, Told, event_told, head_told, packet_told, placeholders_told, spliced, unpacked_told,
};
use crate::support::heap::taken;

pub const PACKETS: Target = Target {
    name: "socketio-packets",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, b','), rebuild: joined },
    check: packet,
};

/// Messages as a push brings them, so that a corpus file is a body one can read.
pub const MESSAGES: Target = Target {
    name: "socketio-messages",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, SEPARATOR), rebuild: joined },
    check: messages,
};

/// Payloads of plain clients.
pub const BUFFERS: Target = Target {
    name: "socketio-buffers",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, b','), rebuild: joined },
    check: buffers,
};

#[rustfmt::skip] // Read in rows.
const TOKENS: &[&[u8]] = &[
    b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"51-", b"50-", b"511-", b"61-", b"-", b"/", b"/ws,",
    b"/ws?x=1,", b",", b"[", b"]", b"{", b"}", b":", b"\"", b"\\", b"[\"e\"]", b"[\"e\",", b"\"connect\"",
    b"null", b"true", b"{\"_placeholder\":true,\"num\":0}", b"{\"num\":1,\"_placeholder\":true}",
    b"{\"_placeholder\":true}", b"\"_placeholder\"", b"\"\\u005fplaceholder\":true,", b"\"num\":",
    b"\"x\":1,", b"\\ud800", b"\\u001e", b"{\"type\":\"Buffer\",\"base64\":\"AQI=\"}",
    b"{ \"base64\":\"AQ\", \"type\":\"Buffer\" }", b"\"type\":\"Buffer\"", b"\"base64\":\"+\\/8=\"",
    b"AR==", b"\x1e", b"\x1eb", b"\x1ebAQID", b"\x1eb==", b"\x1e42[\"e\"]",
    b"\x1e451-[\"e\",{\"_placeholder\":true,\"num\":0}]", b"\x1e452-/ws,7[\"e\"]", b"4", b"\x7f", b"\0",
    b" ", b"\n", b"\xc3\xa9", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80", b"[[[[[[[[[[[[[[[[",
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", b"\"__proto__\":",
];

/// Small enough that inputs reach them.
const LIMITS: Limits = Limits { attachments: 3, namespace: 20, soft: 120, hard: 300 };
const ROOMY: Limits = Limits { attachments: 10, namespace: 100, soft: 10_000, hard: 20_000 };

fn packet(input: &[u8], trace: &mut Trace) -> Outcome {
    let Ok(text) = str::from_utf8(input) else { return Ok(()) };
    for limits in [LIMITS, ROOMY] {
        let (decoded, taken) = taken(|| decode(text, &limits));
        prop_assert!(taken.total <= 4 * text.len() + 1_024, "{} bytes for {}", taken.total, text.len());
        trace.note(decoded.as_ref().map(|header| header.kind).map_err(|error| format!("{error:?}")));

        match (&decoded, packet_told(text, &limits)) {
            (_, Err(Refused::Unjudged)) => {}
            (Err(error), Err(told)) => prop_assert_eq!(refused(error), told, "{:?}", limits),
            (Ok(header), Ok(told)) => {
                prop_assert_eq!(seen(header), told, "{:?}", limits);
                said_again(header, &limits)?;
                trace.note((header.id.is_some(), header.attachments, header.namespace.len().min(3)));
            }
            (decoded, told) => prop_assert!(false, "{decoded:?} instead of {told:?}, {limits:?}"),
        }
    }
    Ok(())
}

fn seen<'a>(header: &Header<'a>) -> Told<'a> {
    let Header { kind, namespace, id, attachments, data } = *header;
    Told { kind: kind as u8, namespace, id, attachments, data: data.map(RawValue::get) }
}

/// The model knows fewer words.
fn refused(error: &PacketError) -> Refused {
    match error {
        PacketError::Kind => Refused::Kind,
        PacketError::AttachmentCount => Refused::Count,
        PacketError::TooManyAttachments => Refused::TooMany,
        PacketError::NamespaceTooLong | PacketError::Namespace => Refused::Namespace,
        PacketError::Id => Refused::Id,
        PacketError::Json => Refused::Json,
        PacketError::Payload | PacketError::EventName | PacketError::ReservedName => Refused::Shape,
        PacketError::Placeholder(_) => Refused::Placeholder,
        other => panic!("{other} is no error of one text"),
    }
}

/// What was heard and what a server would send of it: the same packet, in the same payload.
fn said_again(header: &Header<'_>, limits: &Limits) -> Outcome {
    let Header { kind, namespace, id, attachments, data: Some(data) } = *header else { return Ok(()) };
    // A binary packet without attachments is written as the other kind.
    let written_kind = match kind {
        Kind::BinaryEvent if attachments == 0 => Kind::Event,
        Kind::BinaryAck if attachments == 0 => Kind::Ack,
        kind => kind,
    };
    let mut text = Vec::new();
    let (name, args);
    let packet = match kind {
        Kind::Event | Kind::BinaryEvent => {
            let event = header.event().expect("what is decoded as an event is one");
            let tree = tree(data.get()).expect("a tree");
            let (told_name, told_args) = event_told(data.get(), &tree).expect("an event");
            let listed: Vec<&str> = event.args.iter().map(RawValue::get).collect();
            prop_assert_eq!((&*event.name, &listed), (&*told_name, &told_args));
            prop_assert_eq!(event.args.first().map(RawValue::get), told_args.first().copied());
            (name, args) = (event.name, event.args);
            // Ids of ours are short.
            let id = id.and_then(|id| u32::try_from(id).ok());
            Outgoing::Event { namespace, id, name: &name, args, offset: None, attachments }
        }
        Kind::Ack | Kind::BinaryAck => {
            let args = Arguments::of_array(data).expect("an array");
            Outgoing::Ack { namespace, id: id.unwrap_or_default(), args, attachments }
        }
        _ => return Ok(()),
    };
    // What was wrong with it was refused when it came.
    let written = packet.write(&mut text);
    prop_assert!(written.is_ok(), "{written:?}: {header:?}");
    let text = String::from_utf8(text).expect("a packet is UTF-8");
    prop_assert!(!text.contains('\u{1e}'), "a separator: {text:?}");
    let again = decode(&text, limits);
    let Ok(again) = again else { return Err(TestCaseError::fail(format!("{again:?} of {text}"))) };
    prop_assert_eq!((again.kind, again.namespace, again.attachments), (written_kind, namespace, attachments));
    let arguments = |header: &Header<'_>| -> Vec<String> {
        let listed = Arguments::of_array(header.data.expect("it has one")).expect("an array");
        listed.iter().map(|raw| raw.get().to_owned()).collect()
    };
    let skip = usize::from(matches!(again.kind, Kind::Event | Kind::BinaryEvent));
    prop_assert_eq!(&arguments(&again)[skip..], &arguments(header)[skip..]);
    prop_assert_eq!(again.event().map(|event| event.name), header.event().map(|event| event.name));
    Ok(())
}

fn messages(body: &[u8], trace: &mut Trace) -> Outcome {
    for limits in [LIMITS, ROOMY] {
        let mut assembler = Assembler::new(limits);
        let mut pending = Pending::default();
        for packet in Payload::new(body) {
            let heard = match &packet {
                Ok(Packet::Message(text)) => match hear_text(&mut assembler, &mut pending, text, &limits)? {
                    Some(heard) => heard,
                    None => break,
                },
                Ok(Packet::Binary(bytes)) => {
                    let bytes = Bytes::copy_from_slice(bytes);
                    let told = pending.attach(&bytes, &limits);
                    let heard = assembler.binary(bytes);
                    prop_assert_eq!(word(&heard), told, "{:?}", limits);
                    if let Ok(Incoming::Assembled(message)) = &heard {
                        prop_assert_eq!(&message.attachments, &pending.attachments);
                        prop_assert!(pending.size <= limits.soft);
                        passed_on(message, trace)?;
                    }
                    told
                }
                Ok(_) => continue,
                Err(_) => break,
            };
            trace.note((heard, pending.left));
            trace.note_size("size", pending.size);
            prop_assert_eq!(assembler.is_awaiting(), pending.left > 0);
            prop_assert_eq!(assembler.awaiting().is_some(), pending.left > 0);
            let held = if pending.left > 0 && !pending.dropped { pending.size } else { 0 };
            prop_assert_eq!(assembler.buffered(), held);
            prop_assert!(held <= limits.soft);
        }
    }
    Ok(())
}

/// A text to assembler and model; `None` where the model does not judge it.
fn hear_text(
    assembler: &mut Assembler,
    pending: &mut Pending,
    text: &str,
    limits: &Limits,
) -> Result<Option<&'static str>, TestCaseError> {
    let heard = assembler.text(text);
    let told = if pending.left > 0 {
        pending.refuse("text inside")
    } else if text.len() > limits.hard {
        pending.refuse("too large")
    } else if text.len() > limits.soft {
        match head_told(text, limits) {
            Ok((head, _)) => pending.begin(head.attachments, text.len(), true),
            Err(_) => pending.refuse("refused"),
        }
    } else {
        match packet_told(text, limits) {
            Ok(packet) => pending.begin(packet.attachments, text.len(), false),
            Err(Refused::Unjudged) => return Ok(None),
            Err(_) => pending.refuse("refused"),
        }
    };
    prop_assert_eq!(word(&heard), told, "{} under {:?}", text, limits);
    Ok(Some(told))
}

fn word(heard: &Result<Incoming<'_>, PacketError>) -> &'static str {
    match heard {
        Ok(Incoming::Packet(_) | Incoming::Assembled(_)) => "whole",
        Ok(Incoming::Awaiting { .. }) => "awaiting",
        Ok(Incoming::TooLarge { .. }) => "reported",
        Err(PacketError::TextInsideBinary) => "text inside",
        Err(PacketError::BinaryWithoutHeader) => "without header",
        Err(PacketError::TooLarge) => "too large",
        Err(_) => "refused",
    }
}

/// A message with attachments on its way to a plain client, and back.
fn passed_on(message: &Assembled, trace: &mut Trace) -> Outcome {
    let header = message.header();
    said_again(&header, &ROOMY)?;
    let most = 2_000;
    let (plain, taken) = taken(|| to_plain(&message.data, &message.attachments, most));
    prop_assert!(taken.peak <= 2 * most, "{} bytes held", taken.peak);
    let Ok(plain) = plain else { return Ok(()) };
    prop_assert!(plain.get().len() <= most);
    match from_plain(&plain, &ROOMY) {
        Ok(unpacked) => {
            trace.note_size("unpacked", unpacked.attachments.len());
            let again = to_plain(&unpacked.data, &unpacked.attachments, usize::MAX);
            prop_assert_eq!(again.map(|again| again.get().to_owned()), Ok(respelled(plain.get())));
        }
        // Named more often than there may be attachments.
        Err(error) => trace.note(format!("{error:?}")),
    }
    Ok(())
}

/// A payload whose buffers are all spelled as we spell them.
fn respelled(json: &str) -> String {
    let no_limits = Limits { attachments: usize::MAX, soft: usize::MAX, hard: usize::MAX, ..ROOMY };
    let unpacked = unpacked_told(json, &tree(json).expect("a tree"), &no_limits).expect("it was unpacked");
    let value: Box<RawValue> = RawValue::from_string(unpacked.0.clone()).expect("JSON");
    if unpacked.1.is_empty() {
        return unpacked.0;
    }
    let attachments: Vec<Bytes> = unpacked.1.into_iter().map(Bytes::from).collect();
    plain_told(value.get(), &attachments).expect("placeholders of the model")
}

fn plain_told(json: &str, attachments: &[Bytes]) -> Option<String> {
    use base64::Engine;
    let places = placeholders_told(json, &tree(json).expect("a tree"), attachments.len())?;
    let buffer = |bytes: &Bytes| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!(r#"{{"type":"Buffer","base64":"{base64}"}}"#)
    };
    let places = places.into_iter().map(|(range, number)| (range, buffer(&attachments[number]))).collect();
    Some(spliced(json, places))
}

fn buffers(input: &[u8], trace: &mut Trace) -> Outcome {
    let Ok(data) = serde_json::from_slice::<&RawValue>(input) else {
        // The model must agree that it is none.
        let is_json = str::from_utf8(input).is_ok_and(|text| tree(text).is_ok());
        prop_assert!(!is_json, "JSON by the model alone");
        return Ok(());
    };
    let Ok(model) = tree(data.get()) else { return Ok(()) };
    model.objects(&mut |_, entries| trace.note(entries.len().min(4)));
    for limits in [LIMITS, ROOMY] {
        let (unpacked, taken) = taken(|| from_plain(data, &limits));
        prop_assert!(taken.peak <= 6 * input.len() + 4_096, "{} bytes held for {}", taken.peak, input.len());
        trace.note(unpacked.as_ref().map(|_| 0).map_err(|error| format!("{error:?}")));
        let told = unpacked_told(data.get(), &model, &limits);
        let Ok(unpacked) = unpacked else {
            prop_assert!(told.is_none(), "{told:?} was refused, {limits:?}");
            continue;
        };
        let Some((text, buffers)) = told else {
            return Err(TestCaseError::fail(format!("{unpacked:?} should be refused, {limits:?}")));
        };
        prop_assert_eq!(unpacked.data.get(), &text);
        prop_assert_eq!(&unpacked.attachments, &buffers);
        prop_assert!(buffers.len() <= limits.attachments);
        prop_assert!(buffers.iter().map(Vec::len).sum::<usize>() <= limits.soft);
        trace.note_size("buffers", buffers.len());
        let back = to_plain(&unpacked.data, &unpacked.attachments, usize::MAX);
        let expected = if buffers.is_empty() { data.get().to_owned() } else { respelled(data.get()) };
        prop_assert_eq!(back.map(|back| back.get().to_owned()), Ok(expected));
    }
    let attachments = [Bytes::from_static(b"\x01\x02"), Bytes::new()];
    for most in [60, 2_000] {
        let told = plain_told(data.get(), &attachments).filter(|told| told.len() <= most);
        let plain = to_plain(data, &attachments, most);
        trace.note(plain.as_ref().map(|_| 0).map_err(|error| format!("{error:?}")));
        prop_assert_eq!(plain.ok().map(|plain| plain.get().to_owned()), told, "at most {}", most);
    }
    Ok(())
}
