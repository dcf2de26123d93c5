//! One list of cases per codec, fed whole, and what cannot be listed: bodies at their bounds.

use std::time::{Duration, Instant};

use bytes::Bytes;
use switchboard::proto::engineio::{
    Bare, POLL_PACKETS_MAX, Packet, PacketError, Payload, PollBody, poll_packets,
};

fn binary(bytes: &'static [u8]) -> Packet<'static> {
    Packet::Binary(bytes.into())
}

/// A text, the packet it is, and whether that packet is written so.
#[rustfmt::skip]
fn packets() -> Vec<(&'static str, Result<Packet<'static>, PacketError>, bool)> {
    vec![
        ("0", Ok(Packet::Open), true),
        ("0{\"sid\":1}", Ok(Packet::Open), false),
        ("1", Ok(Packet::Close), true),
        ("1é", Ok(Packet::Close), false),
        ("2", Ok(Packet::Ping("")), true),
        ("2probe", Ok(Packet::Ping("probe")), true),
        ("3", Ok(Packet::Pong("")), true),
        ("3probe", Ok(Packet::Pong("probe")), true),
        ("4", Ok(Packet::Message("")), true),
        ("42[\"é\u{1f600}\"]", Ok(Packet::Message("2[\"é\u{1f600}\"]")), true),
        ("5", Ok(Packet::Upgrade), true),
        ("5probe", Ok(Packet::Upgrade), false),
        ("6", Ok(Packet::Noop), true),
        ("b", Ok(binary(b"")), true),
        ("bAQI=", Ok(binary(&[1, 2])), true),
        ("bAQI", Ok(binary(&[1, 2])), false),
        ("bAQ", Ok(binary(&[1])), false),
        ("bAQ==", Ok(binary(&[1])), true),
        ("bAR==", Ok(binary(&[1])), false),
        ("b+/+/", Ok(binary(&[0xFB, 0xFF, 0xBF])), true),
        ("", Err(PacketError::Empty), false),
        ("7", Err(PacketError::UnknownType), false),
        ("B", Err(PacketError::UnknownType), false),
        (" 4", Err(PacketError::UnknownType), false),
        ("é", Err(PacketError::UnknownType), false),
        ("\0", Err(PacketError::UnknownType), false),
        ("b=", Err(PacketError::NotBase64), false),
        ("bA", Err(PacketError::NotBase64), false),
        ("bAQI=AQI=", Err(PacketError::NotBase64), false),
        ("b-_-_", Err(PacketError::NotBase64), false),
        ("bé", Err(PacketError::NotBase64), false),
    ]
}

#[test]
fn every_text_is_read_and_written_as_listed() {
    for (text, expected, written_so) in packets() {
        let packet = Packet::from_text(text);
        assert_eq!(packet, expected, "{text:?}");
        if let Ok(packet) = packet {
            assert_eq!(packet.to_string() == text, written_so, "{text:?}");
        }
    }
    assert_eq!(Packet::from_binary(b"4"), binary(b"4"));
}

#[rustfmt::skip]
fn pushes() -> Vec<(&'static [u8], Vec<Packet<'static>>, Option<PacketError>)> {
    use PacketError::{Empty, NotBase64, NotUtf8, UnknownType};
    let four = || Packet::Message("0");
    vec![
        (b"40", vec![four()], None),
        (b"40\x1e3", vec![four(), Packet::Pong("")], None),
        (b"451-[]\x1ebAQI=\x1e40", vec![Packet::Message("51-[]"), binary(&[1, 2]), four()], None),
        ("4é\x1e4日".as_bytes(), vec![Packet::Message("é"), Packet::Message("日")], None),
        (b"", vec![], Some(Empty)),
        (b"\x1e", vec![], Some(Empty)),
        (b"\x1e40", vec![], Some(Empty)),
        (b"40\x1e", vec![four()], Some(Empty)),
        (b"40\x1e\x1e40", vec![four()], Some(Empty)),
        (b"40\x1e9\x1e40", vec![four()], Some(UnknownType)),
        (b"40\x1eb?\x1e40", vec![four()], Some(NotBase64)),
        (b"4\xff", vec![], Some(NotUtf8)),
        (b"40\x1e4\xc3\x1e40", vec![four()], Some(NotUtf8)),
        (b"\x81\x0240", vec![], Some(NotUtf8)),
    ]
}

#[test]
fn every_push_is_read_up_to_its_first_bad_packet() {
    for (body, packets, error) in pushes() {
        let mut read: Vec<_> = Payload::new(body).collect();
        let last = read.pop_if(|packet| packet.is_err());
        assert_eq!(read, packets.into_iter().map(Ok).collect::<Vec<_>>(), "{body:?}");
        assert_eq!(last, error.map(Err), "{body:?}");
    }
}

#[test]
fn a_push_of_100_000_packets_costs_time_linear_in_its_bytes() {
    let body = b"4x\x1e".repeat(100_000);
    let started = Instant::now();

    let read = Payload::new(&body[..body.len() - 1]).filter(Result::is_ok).count();

    assert_eq!(read, 100_000);
    // Quadratic would be 10^10 steps; linear takes some tens of milliseconds in a debug build.
    assert!(started.elapsed() < Duration::from_secs(2), "took {:?}", started.elapsed());
}

/// A server's frame, written without the codec's help.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut bytes = vec![0x80 | opcode];
    match length {
        ..126 => bytes.push(length as u8),
        126..65_536 => bytes.extend([&[126], &(length as u16).to_be_bytes()[..]].concat()),
        _ => bytes.extend([&[127], &(length as u64).to_be_bytes()[..]].concat()),
    }
    [&bytes, payload].concat()
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(1, payload)
}

fn entry(frames: &[Vec<u8>]) -> Bytes {
    frames.concat().into()
}

#[test]
fn every_entry_is_walked_frame_by_frame() {
    let long = vec![b'4'; 126];
    let longer = vec![7; 65_536];
    let cases: Vec<(Bytes, Vec<Bare<'_>>)> = vec![
        (entry(&[]), vec![]),
        (entry(&[text(b"2")]), vec![Bare::Text(b"2")]),
        (
            entry(&[text(b"451-[]"), frame(2, &[1]), frame(2, b"")]),
            vec![Bare::Text(b"451-[]"), Bare::Binary(&[1]), Bare::Binary(b"")],
        ),
        (
            entry(&[text(&long), frame(2, &longer), text(b"6")]),
            vec![Bare::Text(&long), Bare::Binary(&longer), Bare::Text(b"6")],
        ),
        // For the WebSocket alone.
        (
            entry(&[frame(9, b"?"), frame(10, b""), text(b"41"), frame(8, b"\x03\xe9")]),
            vec![Bare::Text(b"41")],
        ),
        // Not ours: continuation, deflated, unfinished, masked, reserved, cut off.
        (entry(&[text(b"40"), frame(0, b"x"), text(b"41")]), vec![Bare::Text(b"40")]),
        (Bytes::from_static(b"\xc1\x0240"), vec![]),
        (Bytes::from_static(b"\x01\x0240"), vec![]),
        (Bytes::from_static(b"\x81\x82\x00\x00\x00\x0040"), vec![]),
        (Bytes::from_static(b"\x83\x00"), vec![]),
        (Bytes::from_static(b"\x81"), vec![]),
        (Bytes::from_static(b"\x81\x034x"), vec![]),
        (Bytes::from_static(b"\x81\x7e\x01"), vec![]),
        (Bytes::from_static(b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff4"), vec![]),
    ];
    for (bytes, expected) in cases {
        assert_eq!(poll_packets(&bytes).collect::<Vec<_>>(), expected, "{bytes:?}");
    }
}

/// Offers the entries in order up to the first that is not taken; gives how many were, and the body.
fn answer(max_bytes: usize, entries: &[Bytes]) -> (usize, Bytes) {
    let mut body = PollBody::new(max_bytes);
    let taken = entries.iter().take_while(|entry| body.try_push_entry(entry)).count();
    (taken, body.finish())
}

#[test]
fn a_poll_takes_sixteen_packets_and_leaves_the_rest() {
    let entries = vec![entry(&[text(b"4x")]); 40];

    let (taken, body) = answer(1_000_000, &entries);

    assert_eq!(taken, POLL_PACKETS_MAX);
    assert_eq!(Payload::new(&body).filter(Result::is_ok).count(), 16);
}

#[test]
fn a_message_and_its_attachments_are_never_torn_apart() {
    let small = entry(&[text(b"4x")]);
    let message = entry(&[text(b"451-[]"), frame(2, &[1]), frame(2, &[2])]);
    let entries = [vec![small.clone(); 14], vec![message.clone(), small]].concat();

    assert_eq!(answer(1_000_000, &entries).0, 14);
    assert_eq!(answer(1_000_000, &entries[1..]).0, 14, "13 and 3 fit exactly");
}

#[test]
fn an_entry_that_fits_no_poll_goes_alone() {
    let crowd = entry(&vec![frame(2, &[1]); 20]);
    let large = entry(&[text(&[b'4'; 500])]);
    let small = entry(&[text(b"4x")]);

    assert_eq!(answer(100, &[crowd.clone(), small.clone()]).0, 1);
    assert_eq!(answer(100, &[small.clone(), crowd]).0, 1);
    assert_eq!(answer(100, &[large.clone(), small.clone()]), (1, vec![b'4'; 500].into()));
    assert_eq!(answer(100, &[small.clone(), large]).0, 1);
    assert_eq!(answer(0, &[small.clone(), small]).0, 1);
}

#[test]
fn a_poll_is_bounded_by_the_bytes_it_is_written_in() {
    // "4x", a separator, and `b` with four characters of base64: eight bytes.
    let entries = [entry(&[text(b"4x")]), entry(&[frame(2, &[1])])];

    assert_eq!(answer(8, &entries), (2, Bytes::from_static(b"4x\x1ebAQ==")));
    assert_eq!(answer(7, &entries), (1, Bytes::from_static(b"4x")));
}

#[test]
fn an_entry_without_packets_takes_no_room_and_leaves_the_body_empty() {
    let ping = entry(&[frame(9, b"?")]);
    let entries = [ping.clone(), entry(&[text(b"2")]), ping, entry(&[text(b"40")])];

    assert_eq!(answer(1_000, &entries), (4, Bytes::from_static(b"2\x1e40")));
    assert_eq!(PollBody::new(9).packets(), 0);
}
