//! Streams that proptest makes up: valid, cut, truncated, damaged, or mere soup.

use std::io::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use switchboard::proto::websocket::{
    CloseCode, CloseFrame, Decoder, Event, FrameBuilder, Limits, Opcode, encode,
};

use super::{CONTROL_MAX, FIN, Heard, LIMITS, TEXT, cut, feed, frame, long_bytes, long_text};

/// What a well-behaved client sends, and what must be heard of it.
#[derive(Debug, Clone)]
struct Sent {
    bytes: Vec<u8>,
    events: Vec<Event>,
}

/// Makes a client's frame of a server's: masks it, and takes FIN away if more follows.
fn as_client(frame: &[u8], fin: bool, key: [u8; 4]) -> Vec<u8> {
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let (head, payload) = frame.split_at(head);
    let mut bytes = [head, &key, payload].concat();
    bytes[0] &= if fin { 0xFF } else { !FIN };
    bytes[1] |= 0x80;
    for (byte, key) in bytes[head.len() + 4..].iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    bytes
}

/// One message in fragments, each of which a ping may follow.
fn message() -> impl Strategy<Value = Sent> {
    let body =
        prop_oneof!["\\PC{0,300}".prop_map(Event::Text), vec(any::<u8>(), 0..700).prop_map(Event::Binary),];
    let ping = prop::option::of(vec(any::<u8>(), 0..=CONTROL_MAX));
    (body, vec((any::<Index>(), ping), 0..5), any::<[u8; 4]>()).prop_map(|(body, breaks, key)| {
        let (mut opcode, payload) = match &body {
            Event::Text(text) => (Opcode::Text, text.as_bytes()),
            Event::Binary(bytes) => (Opcode::Binary, bytes.as_slice()),
            other => unreachable!("{other:?}"),
        };
        let (indices, mut pings): (Vec<_>, Vec<_>) = breaks.into_iter().unzip();
        let mut sent = Sent { bytes: Vec::new(), events: Vec::new() };
        for part in cut(payload, &indices) {
            let last = pings.is_empty();
            sent.bytes.extend(as_client(&encode(opcode, part), last, key));
            opcode = Opcode::Continuation;
            if let Some(Some(ping)) = pings.pop() {
                sent.bytes.extend(as_client(&encode(Opcode::Ping, &ping), true, key));
                sent.events.push(Event::Ping(ping.into()));
            }
        }
        sent.events.push(body);
        sent
    })
}

fn conversation() -> impl Strategy<Value = Sent> {
    vec(message(), 0..5).prop_map(|messages| Sent {
        bytes: messages.iter().flat_map(|sent| sent.bytes.clone()).collect(),
        events: messages.into_iter().flat_map(|sent| sent.events).collect(),
    })
}

/// Bytes that headers are made of, more often than chance would have them.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(vec![0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x84, 0x88, 0x89, 0xFE, 0xFF]);
    vec(prop_oneof![any::<u8>(), likely], 0..400)
}

/// Bytes at every corner of the UTF-8 table.
fn nearly_text() -> impl Strategy<Value = Vec<u8>> {
    let corner = select(vec![
        "a".as_bytes(),
        "é".as_bytes(),
        "€".as_bytes(),
        "\u{d7ff}".as_bytes(),
        "\u{10ffff}".as_bytes(),
        "\u{10000}".as_bytes(),
        "ascii in one go ".as_bytes(),
        "日本語".as_bytes(),
    ]);
    let wrong = select(vec![0x80, 0x90, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5, 0xFF]);
    (vec(corner, 0..80), prop::option::of((any::<Index>(), wrong))).prop_map(|(good, wrong)| {
        let mut bytes = good.concat();
        if let Some((index, byte)) = wrong {
            bytes.insert(index.index(bytes.len() + 1), byte);
        }
        bytes
    })
}

const ROOMY: Limits = Limits { soft: 10_000, hard: 20_000, start: 0 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_consumed_or_refused(bytes in soup(), at in vec(any::<Index>(), 0..6)) {
        // `feed` asserts what must hold.
        feed(LIMITS, cut(&bytes, &at));
    }

    #[test]
    fn what_was_sent_is_heard_however_it_was_cut(
        sent in conversation(),
        at in vec(any::<Index>(), 0..12),
    ) {
        let heard = feed(ROOMY, cut(&sent.bytes, &at));

        prop_assert_eq!(heard, Heard { events: sent.events, violation: None });
    }

    #[test]
    fn a_truncated_stream_gives_a_prefix_of_its_events(
        sent in conversation(),
        end in any::<Index>(),
        at in vec(any::<Index>(), 0..4),
    ) {
        let heard = feed(ROOMY, cut(&sent.bytes[..end.index(sent.bytes.len() + 1)], &at));

        prop_assert_eq!(heard.violation, None);
        prop_assert!(sent.events.starts_with(&heard.events));
    }

    #[test]
    fn a_damaged_stream_is_heard_up_to_the_damage_and_never_panics(
        sent in conversation(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
        at in vec(any::<Index>(), 0..4),
    ) {
        let mut bytes = sent.bytes.clone();
        for (index, byte) in damage.iter().filter(|_| !sent.bytes.is_empty()) {
            bytes[index.index(sent.bytes.len())] = *byte;
        }
        let intact = bytes.iter().zip(&sent.bytes).take_while(|(now, then)| now == then).count();

        let before = feed(LIMITS, [&bytes[..intact]]);
        let heard = feed(LIMITS, cut(&bytes, &at));

        prop_assert!(heard.events.starts_with(&before.events));
    }

    #[test]
    fn messages_over_soft_are_reported_and_the_others_untouched(
        sent in conversation(),
        soft in 0_usize..400,
        start in 0_usize..400,
        at in vec(any::<Index>(), 0..12),
    ) {
        let expected: Vec<Event> = sent.events.into_iter().map(|event| match event {
            Event::Text(text) if text.len() > soft => {
                long_text(text.len(), &text.as_bytes()[..text.len().min(start)])
            }
            Event::Binary(bytes) if bytes.len() > soft => long_bytes(bytes.len()),
            event => event,
        }).collect();

        let heard = feed(Limits { soft, start, ..ROOMY }, cut(&sent.bytes, &at));

        prop_assert_eq!(heard, Heard { events: expected, violation: None });
    }

    #[test]
    fn text_is_refused_at_the_first_byte_that_cannot_be_mended(bytes in nearly_text()) {
        // The standard library says where that is: `error_len` is none while hope remains.
        let hopeless = |end: &usize| {
            str::from_utf8(&bytes[..*end]).is_err_and(|error| error.error_len().is_some())
        };
        let expected = (0..=bytes.len()).find(hopeless);
        let arriving = frame(FIN | TEXT, &[&bytes[..], b"."].concat());
        let head = arriving.len() - bytes.len() - 1;
        let mut decoder = Decoder::new(ROOMY);
        prop_assert_eq!(decoder.decode(&mut &arriving[..head]), Ok(None));

        let refused = (0..bytes.len())
            .find(|at| decoder.decode(&mut &arriving[head + at..head + at + 1]).is_err());

        prop_assert_eq!(refused.map(|at| at + 1), expected);
    }

    #[test]
    fn text_is_text_where_the_standard_library_says_so(
        bytes in nearly_text(),
        at in vec(any::<Index>(), 0..6),
    ) {
        let heard = feed(ROOMY, cut(&frame(FIN | TEXT, &bytes), &at));

        match String::from_utf8(bytes) {
            Ok(text) => prop_assert_eq!(heard.events, [Event::Text(text)]),
            Err(_) => prop_assert_eq!(heard.code(), Some(CloseCode::INVALID_PAYLOAD)),
        }
    }

    #[test]
    fn a_frame_built_in_pieces_is_the_frame_encoded_whole(
        size in prop_oneof![0_usize..300, 65_000..70_000_usize],
        at in vec(any::<Index>(), 0..4),
        hint in 0_usize..1_000,
    ) {
        let payload: Vec<u8> = (0..=250).cycle().take(size).collect();
        let mut built = FrameBuilder::with_capacity(hint);
        for piece in cut(&payload, &at) {
            built.write_all(piece).unwrap();
        }

        prop_assert_eq!(built.finish(Opcode::Binary), encode(Opcode::Binary, &payload));
    }

    #[test]
    fn a_close_frame_says_as_much_of_its_reason_as_fits(reason in "\\PC{0,150}") {
        let frame = as_client(&CloseFrame::encode(CloseCode::POLICY, &reason), true, [9, 8, 7, 6]);

        let heard = feed(LIMITS, [frame.as_slice()]);

        let [Event::Close(Some(said))] = &heard.events[..] else { panic!("{heard:?}") };
        prop_assert_eq!(said.code, CloseCode::POLICY);
        prop_assert!(reason.starts_with(&said.reason));
        let left_out = reason[said.reason.len()..].chars().next();
        prop_assert!(left_out.is_none_or(|next| said.reason.len() + next.len_utf8() > 123));
    }
}
