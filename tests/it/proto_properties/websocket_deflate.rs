//! permessage-deflate: what we compress can be read, what we are sent is bounded and judged.

use proptest::prelude::*;
use switchboard::proto::websocket::{
    CloseCode, Decoder, Effort, Event, Limits, Opcode, Skipped, Violation, WindowBits, deflated, encode,
};

use crate::support::heap::taken;

use super::{BINARY, CONTINUATION, FIN, PING, TEXT, frame};

const LIMITS: Limits = Limits { soft: 100_000, hard: 200_000, start: 7 };
const ROOMY: Limits = Limits { soft: 1_000_000, hard: 1_000_000, start: 0 };
const RSV1: u8 = 0x40;
/// What is counted for the inflater of the message under way.
const INFLATER: usize = 48 * 1024;

/// The events of a client's frames, and the violation that ended them.
fn heard(limits: Limits, frames: &[Vec<u8>]) -> (Vec<Event>, Option<Violation>) {
    let (mut decoder, mut events) = (Decoder::new(limits).inflating(true), Vec::new());
    for frame in frames {
        let mut input = frame.as_slice();
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(violation) => {
                    assert_eq!(decoder.buffered(), 0);
                    return (events, Some(violation));
                }
            }
            assert!(decoder.buffered() <= limits.soft.max(limits.start) + INFLATER);
        }
    }
    (events, None)
}

fn code(limits: Limits, frames: &[Vec<u8>]) -> Option<CloseCode> {
    heard(limits, frames).1.map(|violation| violation.code)
}

/// The payload of a frame of ours, which must be compressed.
fn compressed(opcode: Opcode, payload: &[u8], window: WindowBits, effort: Effort) -> Vec<u8> {
    let small = deflated(&encode(opcode, payload), window, 0, effort).expect("it becomes smaller");
    assert_eq!(small[0], FIN | RSV1 | opcode as u8);
    let head = match small[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    small[head..].to_vec()
}

fn metrics(count: usize) -> String {
    let row = |at: usize| format!(r#"{{"agent":"a{}","calls":{},"cost":{}.5}},"#, at % 17, at * at, at % 97);
    (0..count).map(row).collect()
}

fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let random = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(random).collect()
}

#[test]
fn what_we_compress_is_understood_by_every_window() {
    let text = metrics(2_000);
    for bits in 9..=15 {
        for effort in [Effort::Quick, Effort::Thorough] {
            let window = WindowBits::new(bits).unwrap();
            let small = compressed(Opcode::Text, text.as_bytes(), window, effort);
            assert!(small.len() * 2 < text.len(), "{bits} {effort:?}: {}", small.len());
            let (events, violation) = heard(LIMITS, &[frame(FIN | RSV1 | TEXT, &small)]);
            assert_eq!((events, violation), (vec![Event::Text(text.clone())], None), "{bits} {effort:?}");
        }
    }
}

#[test]
fn a_message_needs_nothing_of_those_before_it() {
    let text = metrics(100);
    let once = compressed(Opcode::Text, text.as_bytes(), WindowBits::MAX, Effort::Thorough);
    compressed(Opcode::Text, metrics(99).as_bytes(), WindowBits::MAX, Effort::Thorough);
    let again = compressed(Opcode::Text, text.as_bytes(), WindowBits::MAX, Effort::Thorough);
    assert_eq!(once, again);
}

#[test]
fn the_examples_of_the_rfc_are_understood() {
    // RFC 7692, 7.2.3: one block, two fragments, no compression, a last block, two blocks.
    let hello =
        |frames: &[Vec<u8>]| assert_eq!(heard(LIMITS, frames), (vec![Event::Text("Hello".into())], None));
    let whole = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    hello(&[frame(FIN | RSV1 | TEXT, &whole)]);
    hello(&[frame(RSV1 | TEXT, &whole[..3]), frame(FIN | CONTINUATION, &whole[3..])]);
    hello(&[frame(RSV1 | TEXT, &whole[..3]), frame(FIN | CONTINUATION, &whole[3..])]);
    hello(&[frame(FIN | RSV1 | TEXT, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00")]);
    hello(&[frame(FIN | RSV1 | TEXT, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00")]);
    hello(&[frame(FIN | RSV1 | TEXT, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")]);
    assert_eq!(heard(LIMITS, &[frame(FIN | RSV1 | TEXT, &[0])]), (vec![Event::Text(String::new())], None));
}

#[test]
fn compressed_and_plain_messages_may_take_turns() {
    let text = metrics(50);
    let small = compressed(Opcode::Binary, text.as_bytes(), WindowBits::MAX, Effort::Quick);
    let (head, tail) = small.split_at(20);
    let frames = [
        frame(FIN | TEXT, b"plain"),
        frame(RSV1 | BINARY, head),
        frame(FIN | PING, b"between"),
        frame(FIN | CONTINUATION, tail),
        frame(FIN | TEXT, b"plain again"),
    ];
    let events = vec![
        Event::Text("plain".into()),
        Event::Ping("between".into()),
        Event::Binary(text.into()),
        Event::Text("plain again".into()),
    ];
    assert_eq!(heard(LIMITS, &frames), (events, None));
}

#[test]
fn a_message_that_becomes_too_large_is_skipped_or_ends_the_connection() {
    let sized = |size: usize| {
        let text = "é".repeat(size / 2);
        let small = compressed(Opcode::Text, text.as_bytes(), WindowBits::MAX, Effort::Thorough);
        assert!(small.len() < 1_000);
        heard(LIMITS, &[frame(FIN | RSV1 | TEXT, &small), frame(FIN | TEXT, b"next")])
    };
    let next = || Event::Text("next".into());
    let (events, violation) = sized(LIMITS.soft);
    assert!(matches!(&events[..], [Event::Text(text), _] if text.len() == LIMITS.soft), "{violation:?}");
    for size in [LIMITS.soft + 2, LIMITS.hard] {
        let start = "é".repeat(4).into_bytes()[..7].to_vec();
        let too_large = Event::TooLarge { size, skipped: Skipped::Text(start) };
        assert_eq!(sized(size), (vec![too_large, next()], None));
    }
    let (events, violation) = sized(LIMITS.hard + 2);
    assert_eq!((events, violation.map(|own| own.code)), (Vec::new(), Some(CloseCode::TOO_BIG)));
}

#[test]
fn what_is_inflated_must_be_utf8_too() {
    let mut bytes = metrics(50).into_bytes();
    bytes.push(0xFF);
    let small = compressed(Opcode::Binary, &bytes, WindowBits::MAX, Effort::Quick);
    assert_eq!(code(LIMITS, &[frame(FIN | RSV1 | TEXT, &small)]), Some(CloseCode::INVALID_PAYLOAD));
    assert_eq!(heard(LIMITS, &[frame(FIN | RSV1 | BINARY, &small)]).0, [Event::Binary(bytes)]);
}

#[test]
fn an_entry_of_several_frames_keeps_them_in_order() {
    let (long, short) = (metrics(100), "short");
    let frames = [encode(Opcode::Text, long.as_bytes()), encode(Opcode::Binary, short.as_bytes())];
    let small = deflated(&frames.concat(), WindowBits::MAX, 1024, Effort::Quick).unwrap();
    let payload = compressed(Opcode::Text, long.as_bytes(), WindowBits::MAX, Effort::Quick);
    assert!(small.ends_with(&frames[1]));
    assert_eq!(small.len(), 4 + payload.len() + frames[1].len());
    // What does not become smaller is left as it was.
    let noise = encode(Opcode::Binary, &noise(1, 5_000));
    assert_eq!(deflated(&noise, WindowBits::MAX, 1024, Effort::Thorough), None);
    assert_eq!(deflated(&encode(Opcode::Ping, &[b'a'; 125]), WindowBits::MAX, 0, Effort::Quick), None);
}

#[test]
fn what_cannot_be_made_smaller_leaves_nothing_to_the_next() {
    // zlib-rs 0.6 panicked in the next message when one had been given up with bytes on their way
    // out, and a panic in a hub is the end of the process.
    for size in [2_000, 20_000, 60_000, 200_000] {
        for (bits, effort) in (9..=15).flat_map(|bits| [(bits, Effort::Quick), (bits, Effort::Thorough)]) {
            let window = WindowBits::new(bits).unwrap();
            for seed in 1..4 {
                let entry = encode(Opcode::Binary, &noise(seed, size));
                assert_eq!(deflated(&entry, window, 0, effort), None);
            }
            let text = "la ".repeat(size / 3);
            let small = compressed(Opcode::Text, text.as_bytes(), window, effort);
            let (events, violation) = heard(ROOMY, &[frame(FIN | RSV1 | TEXT, &small)]);
            assert_eq!((events, violation), (vec![Event::Text(text)], None), "{size} {bits} {effort:?}");
        }
    }
}

#[test]
fn a_stored_block_that_is_cut_off_is_not_filled_up() {
    // It announces nine bytes, and ends after five: what a sender leaves out must not become the rest.
    let cut = b"\x00\x09\x00\xf6\xffHello";
    assert_eq!(code(LIMITS, &[frame(FIN | RSV1 | BINARY, cut)]), Some(CloseCode::INVALID_PAYLOAD));
}

#[test]
fn blocks_may_follow_a_last_one() {
    // RFC 7692, 7.2.1 and 7.2.3.4.
    let (last, next) = (b"\xf3\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    for message in [[last.as_slice(), next].concat(), [last.as_slice(), last].concat()] {
        let (events, violation) = heard(LIMITS, &[frame(FIN | RSV1 | TEXT, &message)]);
        assert_eq!((events, violation), (vec![Event::Text("HelloHello".into())], None), "{message:?}");
    }
}

#[test]
fn what_is_wrong_is_known_before_the_message_ends() {
    let cases =
        [(b"\x07\x00".to_vec(), CloseCode::INVALID_PAYLOAD), (vec![0xFF; 8], CloseCode::INVALID_PAYLOAD)];
    for (start, expected) in cases {
        assert_eq!(code(LIMITS, &[frame(RSV1 | TEXT, &start)]), Some(expected));
    }
    let bomb = compressed(Opcode::Binary, &vec![0; 2 * LIMITS.hard], WindowBits::MAX, Effort::Quick);
    let part = &bomb[..bomb.len() - 2];
    assert_eq!(code(LIMITS, &[frame(RSV1 | BINARY, part)]), Some(CloseCode::TOO_BIG));
}

#[test]
fn what_was_inflated_is_counted_whatever_came_of_it() {
    // Alphabets and nothing else: the most work for a byte, and no event that could be charged.
    let mut decoder = Decoder::new(LIMITS).inflating(true);
    let nothing = [0, 0, 0, 0xFF, 0xFF].repeat(1_000);
    assert_eq!(decoder.decode(&mut &*frame(RSV1 | BINARY, &nothing)), Ok(None));
    assert_eq!((decoder.take_inflated(), decoder.take_inflated()), (5_000, 0));
    assert_eq!(decoder.decode(&mut &*frame(FIN | CONTINUATION, &[0])), Ok(Some(Event::Binary(Vec::new()))));
    assert_eq!(decoder.take_inflated(), 1);
    assert!(matches!(decoder.decode(&mut &*frame(FIN | TEXT, b"plain")), Ok(Some(Event::Text(_)))));
    assert_eq!(decoder.take_inflated(), 0);
}

#[test]
fn what_waits_to_be_sent_holds_no_more_than_its_bytes() {
    let entry = encode(Opcode::Text, "la ".repeat(300_000).as_bytes());
    // The deflater is the thread's, and made before.
    deflated(&entry, WindowBits::MAX, 0, Effort::Quick).unwrap();
    let (small, taken) = taken(|| deflated(&entry, WindowBits::MAX, 0, Effort::Quick).unwrap());
    assert!(taken.left <= small.len() as isize + 100, "{} bytes for {}", taken.left, small.len());
}

proptest! {
    #[test]
    fn a_truncated_or_changed_message_is_another_or_a_violation(
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let text = metrics(40);
        let small = compressed(Opcode::Text, text.as_bytes(), WindowBits::MAX, Effort::Thorough);
        // A part is never taken for the whole.
        let part = &small[..cut.index(small.len())];
        prop_assert_eq!(code(LIMITS, &[frame(FIN | RSV1 | TEXT, part)]), Some(CloseCode::INVALID_PAYLOAD));
        let mut changed = small.clone();
        changed[at.index(small.len())] ^= flip;
        heard(LIMITS, &[frame(FIN | RSV1 | TEXT, &changed)]);
    }

    #[test]
    fn bytes_that_nobody_compressed_do_no_harm(bytes: Vec<u8>, limit in 0_usize..3_000) {
        let limits = Limits { soft: limit, hard: 2 * limit, start: 5 };
        heard(limits, &[frame(FIN | RSV1 | BINARY, &bytes)]);
    }
}
