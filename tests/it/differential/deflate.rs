//! Compressed messages: `miniz_oxide` at the other end, and windows that are really as small as was
//! agreed on.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use switchboard::proto::websocket::{Decoder, Effort, Event, Limits, Opcode, WindowBits, deflated, encode};

use super::distances::furthest;
use crate::support::deflate::{self, Inflated};
use crate::support::frames::{BINARY, CONTINUATION, FIN, TEXT, frame};

const LIMITS: Limits = Limits { soft: 1 << 20, hard: 1 << 21, start: 0 };
const RSV1: u8 = 0x40;

/// Payloads that compress well, hardly, or only with a far look back.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec!["{\"type\":\"metric\",", "\"calls\":", "17", "é😀", ",", "}\n"]);
    prop_oneof![
        vec(words, 0..400).prop_map(|words| words.concat().into_bytes()),
        vec(any::<u8>(), 0..3_000),
        (vec(any::<u8>(), 1..200), 0_usize..40_000).prop_map(|(block, gap)| {
            // The same block again, behind bytes that count up.
            let between: Vec<u8> = (0..gap).flat_map(|at| (at as u16).to_be_bytes()).take(gap).collect();
            [block.clone(), between, block].concat()
        }),
        (any::<u8>(), 0_usize..100_000).prop_map(|(byte, times)| vec![byte; times]),
    ]
}

fn window() -> impl Strategy<Value = WindowBits> {
    (9_u8..=15).prop_map(|bits| WindowBits::new(bits).expect("one that we have"))
}

/// The payload of our compressed frame; `None` where compressing was not worth it.
fn compressed(payload: &[u8], window: WindowBits, effort: Effort) -> Option<Vec<u8>> {
    let small = deflated(&encode(Opcode::Binary, payload), window, 0, effort)?;
    assert_eq!(small[0], FIN | RSV1 | BINARY);
    let head = match small[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    Some(small[head..].to_vec())
}

#[test]
fn a_far_reference_is_told_from_a_near_one() {
    let block: Vec<u8> = (0..200_u8).collect();
    let between: Vec<u8> = (0..1_000_u16).flat_map(|at| at.to_be_bytes()).collect();
    let message = [block.clone(), between, block].concat();

    assert_eq!(furthest(&deflate::deflated(&message, 9)), Some((2_200, 2_400)));
    // RFC 7692, 7.2.3: stored, by fixed codes, and in two blocks.
    assert_eq!(furthest(b"\x00\x05\x00\xfa\xffHello\x00"), Some((0, 5)));
    assert_eq!(furthest(&deflate::deflated(b"ababab", 9)), Some((2, 6)));
    assert_eq!(furthest(b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), Some((0, 5)));
    assert_eq!(furthest(b"\x07"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_another_deflates_we_inflate(
        payload in payload(),
        level in 0_u8..=10,
        breaks in vec(any::<Index>(), 0..4),
        piece in 1_usize..3_000,
    ) {
        let message = deflate::deflated(&payload, level);
        let text = str::from_utf8(&payload).ok();
        let mut ends: Vec<usize> = breaks.iter().map(|at| at.index(message.len() + 1)).collect();
        ends.extend([0, message.len()]);
        ends.sort_unstable();
        let mut first = RSV1 | if text.is_some() { TEXT } else { BINARY };
        let mut bytes = Vec::new();
        for (at, pair) in ends.windows(2).enumerate() {
            let fin = if at + 2 == ends.len() { FIN } else { 0 };
            bytes.extend(frame(fin | first, &message[pair[0]..pair[1]]));
            first = CONTINUATION;
        }

        let mut decoder = Decoder::new(LIMITS).inflating(true);
        let mut events = Vec::new();
        for mut input in bytes.chunks(piece) {
            while let Some(event) = decoder.decode(&mut input).unwrap() {
                events.push(event);
            }
        }

        let expected = match text {
            Some(text) => Event::Text(text.to_owned()),
            None => Event::Binary(payload.clone()),
        };
        prop_assert_eq!(events, [expected]);
    }

    #[test]
    fn what_we_deflate_another_inflates_within_the_window_agreed_on(
        payload in payload(),
        window in window(),
        thorough in any::<bool>(),
    ) {
        let effort = if thorough { Effort::Thorough } else { Effort::Quick };
        if let Some(message) = compressed(&payload, window, effort) {
            let expected = Inflated { bytes: payload.clone(), is_whole: true };
            prop_assert_eq!(deflate::inflated(&message, payload.len()), expected);
            let (distance, size) = furthest(&message).expect("it is whole");
            prop_assert_eq!(size, payload.len());
            prop_assert!(distance <= 1 << window.get(), "{} bytes back, {:?}", distance, window);
        }
    }

    #[test]
    fn what_is_damaged_is_whole_for_both_or_for_none(
        payload in payload(),
        level in 0_u8..=10,
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut message = deflate::deflated(&payload, level);
        for (at, byte) in &damage {
            let at = at.index(message.len());
            message[at] = *byte;
        }
        let theirs = deflate::inflated(&message, LIMITS.hard);
        let mut decoder = Decoder::new(LIMITS).inflating(true);

        let ours = decoder.decode(&mut frame(FIN | RSV1 | BINARY, &message).as_slice());

        match ours {
            Ok(Some(Event::Binary(bytes))) => {
                prop_assert!(theirs.is_whole);
                prop_assert!(bytes == theirs.bytes, "other bytes");
            }
            Ok(Some(Event::TooLarge { size, .. })) => prop_assert_eq!(theirs.bytes.len(), size),
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(_) => prop_assert!(!theirs.is_whole || theirs.bytes.len() > LIMITS.hard),
        }
    }
}
