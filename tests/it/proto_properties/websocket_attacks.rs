//! The attacks that have worked elsewhere, one named test each.

use switchboard::proto::websocket::{CloseCode, Decoder, Event, Limits};

use super::{BINARY, CONTINUATION, FIN, LIMITS, PING, TEXT, feed, frame, header, long_text};

#[test]
fn a_million_fragments_of_one_byte_hold_no_more_than_the_message() {
    // CVE-2026-48779.
    let limits = Limits { soft: 1_000_000, hard: 2_000_000, start: 0 };
    let (first, next, last) = (frame(BINARY, b"f"), frame(0, b"n"), frame(FIN, b"l"));
    let middle = std::iter::repeat_n(next.as_slice(), 999_998);

    let heard = feed(limits, [first.as_slice()].into_iter().chain(middle).chain([last.as_slice()]));

    assert!(matches!(&heard.events[..], [Event::Binary(bytes)] if bytes.len() == 1_000_000));
}

#[test]
fn a_flood_of_empty_fragments_ends_in_1009() {
    let mut decoder = Decoder::new(LIMITS);
    let empty = frame(CONTINUATION, b"");
    assert_eq!(decoder.decode(&mut frame(TEXT, b"").as_slice()), Ok(None));

    let refused = (0..LIMITS.hard).find_map(|_| decoder.decode(&mut empty.as_slice()).err());

    assert_eq!(refused.map(|violation| violation.code), Some(CloseCode::TOO_BIG));
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_frame_of_eight_bytes_that_is_an_error_is_consumed() {
    // Never consumed, it once burnt a core in the framework's own example.
    let mut decoder = Decoder::new(LIMITS);
    let mut input: &[u8] = &[0xFF, 0x82, 1, 2, 3, 4, 5, 6];

    assert!(decoder.decode(&mut input).is_err());
    assert!(input.is_empty());

    let mut more: &[u8] = &[0xFF, 0x82, 1, 2, 3, 4, 5, 6];
    assert_eq!(decoder.decode(&mut more), Ok(None));
    assert!(more.is_empty());
}

#[test]
fn a_header_that_announces_the_world_allocates_nothing() {
    let kept = Limits { soft: usize::MAX, hard: usize::MAX, start: 0 };
    let skipped = Limits { soft: 0, hard: usize::MAX, start: usize::MAX };
    for (opcode, limits) in [(BINARY, kept), (TEXT, kept), (TEXT, skipped)] {
        let mut decoder = Decoder::new(limits);
        let announced = header(FIN | opcode, (1 << 63) - 1);

        assert_eq!(decoder.decode(&mut announced.as_slice()), Ok(None));
        assert_eq!(decoder.buffered(), 0);

        // All eights, so that they are ASCII under the mask too.
        assert_eq!(decoder.decode(&mut b"8888888888".as_slice()), Ok(None));
        assert!((10..100).contains(&decoder.buffered()), "{opcode} {limits:?}");
    }

    let refused = feed(LIMITS, [header(FIN | BINARY, 1 << 63).as_slice()]);
    assert_eq!(refused.code(), Some(CloseCode::PROTOCOL_ERROR));
}

#[test]
fn a_message_that_turns_out_too_large_gives_its_memory_back_at_once() {
    let mut decoder = Decoder::new(LIMITS);
    assert_eq!(decoder.decode(&mut frame(BINARY, &[0; 300]).as_slice()), Ok(None));
    assert!(decoder.buffered() >= 300);

    assert_eq!(decoder.decode(&mut header(FIN, 1).as_slice()), Ok(None));

    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_text_that_turns_out_too_large_keeps_its_start_and_no_more() {
    let limits = Limits { start: 100, ..LIMITS };
    let mut decoder = Decoder::new(limits);
    assert_eq!(decoder.decode(&mut frame(TEXT, &[b'a'; 300]).as_slice()), Ok(None));
    assert!(decoder.buffered() >= 300);

    assert_eq!(decoder.decode(&mut header(0, 1).as_slice()), Ok(None));
    assert_eq!(decoder.buffered(), 100);

    let rest = [frame(0, b"b")[6..].to_vec(), frame(FIN, &[b'c'; 60_000])].concat();
    let events: Vec<Event> = rest
        .iter()
        .filter_map(|byte| {
            let event = decoder.decode(&mut [*byte].as_slice()).unwrap();
            assert!(decoder.buffered() <= 100);
            event
        })
        .collect();
    assert_eq!(events, [long_text(60_301, &[b'a'; 100])]);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_start_that_grows_byte_by_byte_never_takes_more_than_it_may() {
    let mut decoder = Decoder::new(Limits { soft: 0, hard: 1_000, start: 100 });
    assert_eq!(decoder.decode(&mut frame(TEXT, b"").as_slice()), Ok(None));

    for _ in 0..500 {
        assert_eq!(decoder.decode(&mut frame(CONTINUATION, b"x").as_slice()), Ok(None));
        assert!(decoder.buffered() <= 100);
    }

    let end = decoder.decode(&mut frame(FIN, b"").as_slice());
    assert_eq!(end, Ok(Some(long_text(500, &[b'x'; 100]))));
}

#[test]
fn who_skips_messages_keeps_not_even_a_start() {
    let whole = frame(FIN | TEXT, &[b'x'; 400]);
    for arrived in [0, 100, 300] {
        let mut decoder = Decoder::new(Limits { start: 200, ..LIMITS });
        let (first, rest) = whole.split_at(arrived);
        assert_eq!(decoder.decode(&mut &*first), Ok(None));

        decoder.skip_messages();

        assert_eq!(decoder.buffered(), 0);
        assert_eq!(decoder.decode(&mut &rest[..rest.len() - 1]), Ok(None));
        assert_eq!(decoder.buffered(), 0);
        assert_eq!(decoder.decode(&mut &rest[rest.len() - 1..]), Ok(Some(long_text(400, b""))));
    }
}

#[test]
fn a_start_longer_than_soft_holds_a_whole_message() {
    let limits = Limits { soft: 3, hard: 1_000, start: 100 };

    let heard = feed(limits, frame(FIN | TEXT, b"4451-/voice,[]").chunks(1));

    assert_eq!(heard.events, [long_text(14, b"4451-/voice,[]")]);
}

#[test]
fn bad_text_is_refused_before_its_frame_has_arrived() {
    let mut decoder = Decoder::new(LIMITS);
    let arrived = &frame(FIN | TEXT, b"good \xf4\x90 and two hundred more bytes")[..6 + 7];
    assert_eq!(decoder.decode(&mut &arrived[..6 + 6]), Ok(None));

    let refused = decoder.decode(&mut &arrived[6 + 6..]);

    assert_eq!(refused.map_err(|violation| violation.code), Err(CloseCode::INVALID_PAYLOAD));
}

#[test]
fn a_decoder_is_small_and_empty_between_messages() {
    let mut decoder = Decoder::new(LIMITS);
    let mut input = &[frame(FIN | TEXT, b"hello"), frame(FIN | PING, b"?")].concat()[..];

    while decoder.decode(&mut input).unwrap().is_some() {
        assert_eq!(decoder.buffered(), 0);
    }
    assert!(size_of::<Decoder>() <= 136, "{} bytes per connection", size_of::<Decoder>());
}
