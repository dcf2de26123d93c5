//! The attacks that have worked elsewhere, one named test each.

use switchboard::proto::websocket::{CloseCode, Decoder, Event, Limits};

use super::{BINARY, CONTINUATION, FIN, LIMITS, PING, TEXT, feed, frame, header};

#[test]
fn a_million_fragments_of_one_byte_hold_no_more_than_the_message() {
    // CVE-2026-48779.
    let limits = Limits { soft: 1_000_000, hard: 2_000_000 };
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
    let mut decoder = Decoder::new(Limits { soft: usize::MAX, hard: usize::MAX });
    let announced = header(FIN | BINARY, (1 << 63) - 1);

    assert_eq!(decoder.decode(&mut announced.as_slice()), Ok(None));
    assert_eq!(decoder.buffered(), 0);

    assert_eq!(decoder.decode(&mut b"ten bytes.".as_slice()), Ok(None));
    assert!(decoder.buffered() < 100);

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
    assert!(size_of::<Decoder>() <= 128, "{} bytes per connection", size_of::<Decoder>());
}
