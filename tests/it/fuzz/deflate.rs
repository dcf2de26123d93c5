//! permessage-deflate: the payload of one compressed message, and what we make of any payload.

use proptest::prelude::*;
use switchboard::proto::websocket::{Effort, Limits, Opcode, WindowBits, deflated, encode};

use super::driver::{Outcome, Target, Trace};
use super::frames::check_under;
use super::mutation::{Grammar, joined};
use crate::support::deflate;
use crate::support::frames::{BINARY, CONTINUATION, FIN, TEXT, frame};

pub const TARGET: Target = Target {
    name: "deflate",
    grammar: Grammar { tokens: TOKENS, units: |_| Vec::new(), rebuild: joined },
    check,
};

#[rustfmt::skip] // Read in rows.
const TOKENS: &[&[u8]] = &[
    b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x07", b"\x00\x00\xff\xff",
    b"\x00\x00\x00\xff\xff", b"\x01\x00\x00\xff\xff", b"\x00\x05\x00\xfa\xffHello",
    b"\x00\x00\x00\xff\xff\x00", b"\xf2H\xcd\xc9\xc9\x07\x00", b"\xf3H\xcd\xc9\xc9\x07\x00",
    b"\xec\xc1\x01\x0d\x00\x00\x00\xc2\xa0", b"\x78\x9c", b"\x1f\x8b\x08", b"\xff\xff\xff\xff",
    b"\x00\xff\xff\x00\x00", b"\x4b\x4c\x84\x81\x00", b"\x9a\x72\xc3\x1b\x00", b"\x62\x98\x00\x00",
    b"{\"event\":\"metrics\",\"data\":",
];

const RSV1: u8 = 0x40;

const LIMITS: [Limits; 3] = [
    Limits { soft: 20, hard: 300, start: 5 },
    Limits { soft: 0, hard: 300, start: 5 },
    // Beyond one step of the inflater, which is of 16 KiB.
    Limits { soft: 17_000, hard: 33_000, start: 64 },
];

fn check(input: &[u8], trace: &mut Trace) -> Outcome {
    for limits in LIMITS {
        for opcode in [TEXT, BINARY] {
            let whole = [frame(FIN | RSV1 | opcode, input), frame(FIN | TEXT, b"next")].concat();
            let heard = check_under(&whole, limits, true, &[])?;
            trace.note(heard.violation.map(|violation| violation.reason));
            trace.note((heard.events.len(), heard.events.first().map(std::mem::discriminant)));
        }
        let heard = check_under(&frame(FIN | RSV1 | BINARY, input), limits, true, &[])?;
        let (left, right) = input.split_at(input.len() / 3);
        let parts = [frame(RSV1 | BINARY, left), frame(CONTINUATION, b""), frame(FIN | CONTINUATION, right)];
        let in_parts = check_under(&parts.concat(), limits, true, &[13])?;
        // Each fragment counts for one byte at least, so the sums differ by one at the very limit. Wrong in
        // two ways, a message is judged by the one that a step meets first.
        if input.len() + 1 < limits.hard {
            prop_assert_eq!(&in_parts.events, &heard.events, "{:?}", limits);
            prop_assert_eq!(in_parts.violation.is_some(), heard.violation.is_some(), "{:?}", limits);
        }
    }
    let inflated = deflate::inflated(input, 5_000);
    trace.note_size("inflated", inflated.bytes.len());
    trace.note(inflated.is_whole);
    for payload in [input, &inflated.bytes] {
        compressed_and_back(payload, trace)?;
    }
    Ok(())
}

/// What we compress is smaller, and another inflater reads it.
fn compressed_and_back(payload: &[u8], trace: &mut Trace) -> Outcome {
    let entry = encode(Opcode::Binary, payload);
    for (bits, effort) in [(9, Effort::Thorough), (12, Effort::Quick), (15, Effort::Thorough)] {
        let window = WindowBits::new(bits).expect("one that we have");
        let small = deflated(&entry, window, 0, effort);
        trace.note(small.is_some());
        let Some(small) = small else { continue };
        prop_assert!(small.len() < entry.len(), "{} bytes for {}", small.len(), entry.len());
        prop_assert_eq!(small[0], FIN | RSV1 | BINARY);
        let head = if small[1] < 126 { 2 } else { 4 };
        let back = deflate::inflated(&small[head..], payload.len());
        prop_assert_eq!(&back.bytes, payload, "{} {:?}", bits, effort);
        prop_assert!(back.is_whole);
    }
    Ok(())
}
