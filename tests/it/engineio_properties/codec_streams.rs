//! Texts, bodies and entries that proptest makes up.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use switchboard::proto::engineio::{
    Bare, Method, Origin, POLL_PACKETS_MAX, Packet, Payload, PollBody, Query, Request, SEPARATOR, Transport,
    judge, poll_packets,
};

fn packet() -> impl Strategy<Value = Packet<'static>> {
    let data = "[^\u{1e}]{0,40}".prop_map(|text: String| -> &'static str { text.leak() });
    prop_oneof![
        Just(Packet::Open),
        Just(Packet::Close),
        data.clone().prop_map(Packet::Ping),
        data.clone().prop_map(Packet::Pong),
        data.prop_map(Packet::Message),
        Just(Packet::Upgrade),
        Just(Packet::Noop),
        vec(any::<u8>(), 0..100).prop_map(|bytes| Packet::Binary(bytes.into())),
    ]
}

/// Bytes that frames and bodies are made of, more often than chance would have them.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let likely = select(vec![SEPARATOR, b'4', b'b', b'=', b'A', 0x81, 0x82, 0x89, 0x00, 0x02, 0x7E, 0x7F]);
    vec(prop_oneof![1 => any::<u8>(), 3 => likely], 0..300)
}

/// An entry and its packets: text or bytes.
fn entry() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    vec((any::<bool>(), vec(any::<u8>(), 1..30)), 1..6)
}

fn framed(packets: &[(bool, Vec<u8>)]) -> Bytes {
    let frame = |(text, payload): &(bool, Vec<u8>)| {
        [&[if *text { 0x81 } else { 0x82 }, payload.len() as u8], payload.as_slice()].concat()
    };
    packets.iter().flat_map(frame).collect::<Vec<u8>>().into()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_packet_written_is_the_packet_read(packets in vec(packet(), 1..20)) {
        let texts: Vec<String> = packets.iter().map(Packet::to_string).collect();
        for (text, packet) in texts.iter().zip(&packets) {
            prop_assert_eq!(&Packet::from_text(text), &Ok(packet.clone()));
        }

        let body = texts.join("\u{1e}");
        let read: Result<Vec<_>, _> = Payload::new(body.as_bytes()).collect();

        prop_assert_eq!(read, Ok(packets));
    }

    #[test]
    fn any_body_ends_in_packets_or_one_error(body in soup()) {
        let read: Vec<_> = Payload::new(&body).collect();

        let parts = body.split(|byte| *byte == SEPARATOR).count();
        let errors = read.iter().filter(|packet| packet.is_err()).count();
        prop_assert!(errors <= 1);
        prop_assert!(read.len() <= parts);
        prop_assert!(read.len() == parts || read.last().is_some_and(Result::is_err));
    }

    #[test]
    fn any_bytes_are_walked_to_an_end_and_taken_within_their_size(bytes in soup()) {
        for packet in poll_packets(&bytes) {
            let mut body = vec![b'?'];
            packet.append_to(&mut body);
            prop_assert_eq!(body.len(), 1 + packet.size());
        }
        let mut body = PollBody::new(10);
        prop_assert!(body.try_push_entry(&bytes.clone().into()));
        prop_assert!(body.finish().len() <= 2 * bytes.len());
    }

    #[test]
    fn a_queue_comes_out_of_its_polls_in_order_and_whole(
        queue in vec(entry(), 1..20),
        max_bytes in 0_usize..300,
    ) {
        let mut read = Vec::new();
        let mut waiting = queue.as_slice();
        while !waiting.is_empty() {
            let mut body = PollBody::new(max_bytes);
            let taken = waiting.iter().take_while(|entry| body.try_push_entry(&framed(entry))).count();
            prop_assert!(taken > 0, "no poll goes away with nothing");
            let packets = body.packets();
            let bytes = body.finish();
            prop_assert!(taken == 1 || (packets <= POLL_PACKETS_MAX && bytes.len() <= max_bytes));
            prop_assert_eq!(packets, waiting[..taken].iter().map(Vec::len).sum::<usize>());
            read.push(bytes);
            waiting = &waiting[taken..];
        }

        let expected: Vec<Vec<u8>> = queue.iter().flatten().map(|(text, payload)| {
            let bare = if *text { Bare::Text(payload) } else { Bare::Binary(payload) };
            let mut bytes = Vec::new();
            bare.append_to(&mut bytes);
            bytes
        }).collect();
        prop_assert_eq!(read.join(&SEPARATOR), expected.join(&SEPARATOR));
    }

    #[test]
    fn any_query_is_judged(raw in "[%&=+a-fEIO0-9]{0,60}|\\PC{0,60}", upgrade in any::<bool>()) {
        let request = Request {
            method: Method::Get,
            upgrade,
            origin: Origin::Accepted,
            session: Some(Transport::Polling),
        };
        let _ = judge(&request, &Query::parse(&raw));
        let _ = judge(&request, &Query::parse(&format!("transport=polling&sid={raw}")));
    }
}
