//! Attacks on compression, one named test each: what a small message may cost, and what must not
//! pass for one.

use std::iter;

use switchboard::proto::websocket::{CloseCode, Decoder, Event, Limits, Skipped, negotiate};

use super::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, feed, feed_into, frame};
use crate::support::deflate;
use crate::support::heap::taken;

const RSV1: u8 = 0x40;
const MIB: usize = 1 << 20;

/// Those of the product, for plain messages (contract X-13).
const LIMITS: Limits = Limits { soft: MIB, hard: 2 * MIB, start: 256 };

/// What inflating takes on any thread, once: its state and window, and one step of output.
const INFLATER: usize = 100_000;

fn decoder() -> Decoder {
    Decoder::new(LIMITS).inflating(true)
}

/// The code that all of it ends in.
fn code(bytes: &[u8]) -> Option<CloseCode> {
    feed_into(decoder(), LIMITS.hard + 125, [bytes]).code()
}

#[test]
fn a_message_that_inflates_a_thousandfold_is_dropped_before_it_fills_the_memory() {
    for (size, expected) in [(MIB, None), (2 * MIB, None), (200 * MIB, Some(CloseCode::TOO_BIG))] {
        let bomb = frame(FIN | RSV1 | BINARY, &deflate::deflated(&vec![0; size], 9));
        assert!(bomb.len() < size / 900);

        let ((events, code), taken) = taken(|| {
            let heard = feed_into(decoder(), LIMITS.hard + 125, [bomb.as_slice()]);
            let code = heard.code();
            (heard.events, code)
        });

        assert_eq!(code, expected, "{size} bytes");
        match &events[..] {
            [Event::Binary(bytes)] => assert_eq!((bytes.len(), size), (MIB, MIB)),
            [Event::TooLarge { size: told, skipped: Skipped::Binary }] => assert_eq!(*told, size),
            [] => assert!(expected.is_some()),
            other => panic!("{other:?}"),
        }
        // Doubling copies a message once; what is over the soft limit is not kept at all.
        let most = 2 * LIMITS.soft + 2 * bomb.len() + INFLATER;
        assert!(taken.peak <= most, "{} bytes held for {size}", taken.peak);
    }
}

#[test]
fn a_thousandfold_text_keeps_its_start_and_no_more() {
    let bomb = frame(FIN | RSV1 | TEXT, &deflate::deflated(&vec![b'4'; 2 * MIB], 9));

    let heard = feed_into(decoder(), LIMITS.hard + 125, [bomb.as_slice()]);

    let skipped = Skipped::Text(vec![b'4'; LIMITS.start]);
    assert_eq!(heard.events, [Event::TooLarge { size: 2 * MIB, skipped }]);
}

#[test]
fn a_compressed_message_in_a_million_fragments_holds_no_more_than_its_bytes() {
    // Noise in stored blocks: as many bytes as it stands for, and a million of them.
    let message: Vec<u8> =
        (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let payload = deflate::deflated(&message, 0);
    let first = frame(RSV1 | BINARY, &payload[..1]);
    let next: Vec<Vec<u8>> = (0..=255).map(|byte| frame(CONTINUATION, &[byte])).collect();
    let middle = payload[1..].iter().map(|byte| next[usize::from(*byte)].as_slice());
    let last = frame(FIN | CONTINUATION, b"");
    let pieces = iter::once(first.as_slice()).chain(middle).chain(iter::once(last.as_slice()));

    let (heard, taken) = taken(|| feed_into(decoder(), LIMITS.hard + 125, pieces));

    assert!(matches!(&heard.events[..], [Event::Binary(bytes)] if *bytes == message));
    // What came and what it became, each of which doubled at most.
    let most = 2 * (payload.len() + message.len()).next_power_of_two() + INFLATER;
    assert!(taken.peak <= most, "{} bytes held", taken.peak);
    assert!(taken.total <= 4 * most, "{} bytes copied", taken.total);
}

#[test]
fn empty_fragments_of_a_compressed_message_without_end_end_in_1009() {
    let limits = Limits { hard: 10_000, ..LIMITS };
    let mut decoder = Decoder::new(limits).inflating(true);
    assert_eq!(decoder.decode(&mut frame(RSV1 | TEXT, b"").as_slice()), Ok(None));
    let empty = frame(CONTINUATION, b"");

    // What cannot be compressed may be a sixteenth and a kilobyte larger than what it stands for.
    let refused = (0..2 * limits.hard).find_map(|_| decoder.decode(&mut empty.as_slice()).err());

    assert_eq!(refused.map(|violation| violation.code), Some(CloseCode::TOO_BIG));
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn many_tiny_compressed_messages_take_no_memory_each() {
    // An empty message is one byte, and "a" three.
    let tiny = [frame(FIN | RSV1 | TEXT, &[0]), frame(FIN | RSV1 | TEXT, b"\x4a\x04\x00")].concat();
    let mut decoder = decoder();
    assert_eq!(decoder.decode(&mut &*tiny), Ok(Some(Event::Text(String::new()))));
    let mut decoder = Decoder::new(LIMITS).inflating(true);

    let (heard, taken) = taken(|| {
        let mut heard = 0;
        for _ in 0..10_000 {
            let mut input = tiny.as_slice();
            while let Ok(Some(Event::Text(text))) = decoder.decode(&mut input) {
                assert!(text.len() <= 1);
                heard += 1;
                assert_eq!(decoder.buffered(), 0);
            }
        }
        heard
    });

    assert_eq!(heard, 20_000);
    // No inflater is made for any of them; what is taken is where it is lent to, and a few bytes of text.
    assert!(taken.peak <= 300 && taken.total <= 20_000 * 300, "{taken:?}");
}

#[test]
fn empty_blocks_without_end_make_a_message_of_nothing_in_linear_steps() {
    let blocks = [b"\x00\x00\x00\xff\xff".repeat(100_000), vec![0]].concat();

    let (heard, taken) =
        taken(|| feed_into(decoder(), LIMITS.hard + 125, [&*frame(FIN | RSV1 | BINARY, &blocks)]));

    assert_eq!(heard.events, [Event::Binary(Vec::new())]);
    assert!(taken.total <= 4 * blocks.len() + INFLATER, "{} bytes copied", taken.total);
}

#[test]
fn a_truncated_stream_is_never_taken_for_a_message() {
    let text = r#"{"type":"join","payload":{"room":"dashboard:overview"}}"#.repeat(3);
    // Not level 0: a stored block begins with the byte that alone is the empty message.
    for level in [1, 6, 9] {
        let payload = deflate::deflated(text.as_bytes(), level);
        for end in 0..payload.len() {
            let cut = frame(FIN | RSV1 | TEXT, &payload[..end]);
            assert_eq!(code(&cut), Some(CloseCode::INVALID_PAYLOAD), "level {level}, {end} bytes");
        }
        assert_eq!(code(&frame(FIN | RSV1 | TEXT, &payload)), None);
    }
}

#[test]
fn a_corrupt_stream_ends_the_connection_and_does_not_spoil_the_next() {
    let good = frame(FIN | RSV1 | TEXT, &deflate::deflated(b"la la la la la", 9));
    let corrupt: [&[u8]; 7] = [
        b"\x07\x00",                                 // a block of the reserved kind
        b"\x4b\x04\x82\x00",                         // a reference to before the beginning
        b"\x00\x05\x00\xfa\xfeHello\x00",            // a stored length that contradicts itself
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00more",     // bytes behind the last block
        b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00\x00", // a wrapper of zlib
        b"\xff\xff\xff\xff\xff\xff\xff\xff",         // an alphabet of nonsense
        b"",                                         // not even the byte of an empty message
    ];
    for payload in corrupt {
        assert_eq!(
            code(&frame(FIN | RSV1 | BINARY, payload)),
            Some(CloseCode::INVALID_PAYLOAD),
            "{payload:?}"
        );
        // The inflater is the thread's, and serves the next connection.
        let heard = feed_into(decoder(), LIMITS.hard + 125, [good.as_slice()]);
        assert_eq!(heard.events, [Event::Text("la la la la la".into())]);
    }
}

#[test]
fn a_compressed_message_that_was_not_negotiated_is_a_violation() {
    let payload = deflate::deflated(b"la la la la la", 9);
    for opcode in [TEXT, BINARY] {
        let heard = feed(super::LIMITS, [&*frame(FIN | RSV1 | opcode, &payload)]);
        assert_eq!((heard.events.len(), heard.code()), (0, Some(CloseCode::PROTOCOL_ERROR)));
    }
}

#[test]
fn the_bit_of_compression_stands_on_the_first_frame_of_a_message_alone() {
    let payload = deflate::deflated(b"la la la la la", 9);
    let (left, right) = payload.split_at(4);
    let wrong = [
        [frame(RSV1 | TEXT, left), frame(FIN | RSV1 | CONTINUATION, right)].concat(),
        [frame(TEXT, b"la"), frame(FIN | RSV1 | CONTINUATION, right)].concat(),
        frame(FIN | RSV1 | CONTINUATION, &payload),
        frame(FIN | RSV1 | PING, &payload),
        frame(FIN | RSV1 | PONG, b""),
        frame(FIN | RSV1 | CLOSE, &[3, 232]),
        frame(FIN | RSV1 | 0x20 | TEXT, &payload),
        frame(FIN | RSV1 | 0x10 | TEXT, &payload),
    ];
    for bytes in wrong {
        assert_eq!(code(&bytes), Some(CloseCode::PROTOCOL_ERROR), "{bytes:?}");
    }
    let right_so = [frame(RSV1 | TEXT, left), frame(FIN | CONTINUATION, right)].concat();
    assert_eq!(code(&right_so), None);
}

#[test]
fn huge_malformed_and_repeated_offers_are_passed_over_and_cost_nothing() {
    let offers = [
        "permessage-deflate; server_max_window_bits=8, ".repeat(100_000),
        format!("permessage-deflate; {}", "client_no_context_takeover; ".repeat(100_000)),
        format!("permessage-deflate; client_max_window_bits={}", "9".repeat(1_000_000)),
        format!("permessage-deflate; server_max_window_bits=\"{}", "9".repeat(1_000_000)),
        format!("permessage-deflate; {}", "x".repeat(1_000_000)),
        "permessage-deflate; ".repeat(100_000),
        ";,=\"".repeat(250_000),
        "permessage-deflate\0".to_owned(),
        "permessage-deflate; server_max_window_bits=\u{663}".to_owned(),
    ];
    for offer in &offers {
        let (agreed, taken) = taken(|| negotiate([&**offer]));
        assert_eq!((agreed, taken.total), (None, 0), "{:.60}…", offer);
        // And do not stand in the way of a good one, unless their quotes swallow it.
        let followed = negotiate([&**offer, "permessage-deflate; client_max_window_bits"]);
        assert!(followed.is_some(), "{:.60}…", offer);
    }
    let same = negotiate(iter::repeat_n("permessage-deflate; server_max_window_bits=12", 100_000));
    assert_eq!(same.map(|agreed| agreed.window.get()), Some(12));
}
