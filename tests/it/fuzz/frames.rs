//! The WebSocket decoder: the bytes of a client, right behind the handshake.

use std::ops::Range;

use proptest::prelude::*;
use switchboard::proto::websocket::{CloseCode, Decoder, Event, Limits};

use super::driver::{Outcome, Target, Trace};
use super::frames_model::{Head, told};
use super::mutation::{Grammar, Unit};
use crate::proto_properties::{CONTROL_MAX, Heard, feed, feed_into};
use crate::support::frames::{BINARY, FIN, PING, PONG, TEXT, frame};
use crate::support::heap::taken;

pub const TARGET: Target =
    Target { name: "frames", grammar: Grammar { tokens: TOKENS, units, rebuild }, check };

#[rustfmt::skip] // Read in rows.
const TOKENS: &[&[u8]] = &[
    b"\x81", b"\x01", b"\x82", b"\x02", b"\x80", b"\x00", b"\x88", b"\x89", b"\x8a", b"\xc1", b"\xa1",
    b"\x91", b"\x41", b"\xc2", b"\x40", b"\xf2H\xcd\xc9\xc9\x07\x00",
    b"\xc1\x87\0\0\0\0\xf2H\xcd\xc9\xc9\x07\x00", b"\xfe", b"\xff", b"\xfd", b"\x7e\x00\x7d",
    b"\xfe\x00\x7e", b"\xff\0\0\0\0\0\x01\0\0", b"\xff\x7f\xff\xff\xff\xff\xff\xff\xff", b"\0\0\0\0",
    b"\x81\x80\0\0\0\0", b"\x00\x80\0\0\0\0", b"\x80\x80\0\0\0\0", b"\x89\x80\0\0\0\0",
    b"\x88\x82\0\0\0\0\x03\xe8", b"\xc3", b"\xa9", b"\xe2\x82", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80",
    b"\xf4\x90", b"\x03\xe8", b"\x03\xed", b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Narrow enough that small inputs reach them, and wide enough that none does.
const LIMITS: [Limits; 4] = [
    Limits { soft: 16, hard: 200, start: 5 },
    Limits { soft: 40, hard: 60, start: 100 },
    Limits { soft: 0, hard: 3_000, start: 0 },
    Limits { soft: 1 << 18, hard: 1 << 19, start: 64 },
];

fn check(input: &[u8], trace: &mut Trace) -> Outcome {
    for limits in LIMITS {
        for inflates in [false, true] {
            let heard = check_under(input, limits, inflates, &[1, 13])?;
            said_again(&heard, limits)?;
            note(&heard, trace);
        }
    }
    Ok(())
}

/// What a decoder counts for the inflater of the message under way.
const INFLATER: usize = 48 * 1024;

/// The decoder against its model, with the input whole and in pieces of these sizes.
pub fn check_under(
    input: &[u8],
    limits: Limits,
    inflates: bool,
    cuts: &[usize],
) -> Result<Heard, TestCaseError> {
    let kept = limits.soft.min(limits.hard).max(limits.start);
    let inflater = if inflates { INFLATER } else { 0 };
    let hear = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let decoder = Decoder::new(limits).inflating(inflates);
        feed_into(decoder, kept + inflater + CONTROL_MAX, pieces)
    };
    let (whole, taken) = taken(|| hear(&mut [input].into_iter()));
    // What came, what is heard of it, and doubling: never what was announced. What is inflated is
    // bounded by the limits, and the thread's inflater is made once.
    let inflated = if inflates { 4 * kept + 200_000 } else { 0 };
    let list = 3 * size_of_val(&*whole.events);
    let most = 8 * input.len() + 4_096 + list + inflated;
    prop_assert!(taken.peak <= most, "{} bytes held for {}, {limits:?}", taken.peak, input.len());

    let told = told(input, limits, inflates);
    let code = whole.code();
    // What is wrong with a compressed message is known before its end, which may never come.
    let is_early = told.is_inflating && matches!(code, Some(CloseCode::INVALID_PAYLOAD | CloseCode::TOO_BIG));
    if is_early {
        prop_assert!(told.events.starts_with(&whole.events), "{:?}: {:?}", told.events, whole.events);
    } else {
        prop_assert_eq!(&whole.events, &told.events, "{:?}, inflates: {}", limits, inflates);
        let is_told = code.map_or(told.codes.is_empty(), |code| told.codes.contains(&code));
        prop_assert!(is_told, "{:?} instead of {:?}, {limits:?}, inflates: {inflates}", code, told.codes);
    }
    for size in cuts {
        let mut cut = hear(&mut input.chunks(*size));
        if is_early && cut.violation.is_some() {
            // Wrong in two ways, it is judged by the one that a step meets first.
            let known = [CloseCode::INVALID_PAYLOAD, CloseCode::TOO_BIG].map(Some);
            prop_assert!(known.contains(&cut.code()), "by {}, {:?}: {:?}", size, limits, cut);
            cut.violation = whole.violation;
        }
        prop_assert_eq!(&cut, &whole, "by {}, {:?}", size, limits);
    }
    Ok(whole)
}

/// What is heard, sent once more by a simple client, is heard again.
fn said_again(heard: &Heard, limits: Limits) -> Outcome {
    let sendable = |event: &&Event| !matches!(event, Event::TooLarge { .. } | Event::Close(_));
    let events: Vec<Event> = heard.events.iter().filter(sendable).cloned().collect();
    let sent: Vec<Vec<u8>> = events
        .iter()
        .map(|event| match event {
            Event::Text(text) => frame(FIN | TEXT, text.as_bytes()),
            Event::Binary(bytes) => frame(FIN | BINARY, bytes),
            Event::Ping(bytes) => frame(FIN | PING, bytes),
            Event::Pong(bytes) => frame(FIN | PONG, bytes),
            other => unreachable!("{other:?}"),
        })
        .collect();
    let again = feed(limits, sent.iter().map(Vec::as_slice));
    prop_assert_eq!(again, Heard { events, violation: None });
    Ok(())
}

fn note(heard: &Heard, trace: &mut Trace) {
    for event in &heard.events {
        match event {
            Event::Text(text) => trace.note_size("text", text.len()),
            Event::Binary(bytes) => trace.note_size("bytes", bytes.len()),
            Event::Ping(bytes) => trace.note_size("ping", bytes.len()),
            Event::Pong(bytes) => trace.note_size("pong", bytes.len()),
            Event::Close(said) => trace.note(said.as_ref().map(|said| (said.code, said.reason.is_empty()))),
            Event::TooLarge { size, .. } => trace.note_size("too large", *size),
        }
    }
    trace.note(heard.violation.map(|violation| violation.reason));
}

fn units(input: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut at = 0;
    while let Ok(Some(head)) = Head::read(&input[at..]) {
        let start = at + head.size;
        let end = input.len().min(start.saturating_add(head.length as usize));
        let body: Range<usize> = start..end;
        units.push(Unit { whole: at..end, body });
        at = end;
    }
    units
}

fn rebuild(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = frame(head[0], body);
    // The old key in the place of the new one: the body is masked already.
    let start = bytes.len() - body.len();
    bytes[start - 4..start].copy_from_slice(&head[head.len() - 4..]);
    bytes[start..].copy_from_slice(body);
    bytes
}
