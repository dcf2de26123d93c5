//! Frames that break RFC 6455 or stretch it.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, Scene, TEXT, Wire, frame, header, rest_of, split_frame,
};

/// Everything that ends a connection, and with which code.
fn violations() -> Vec<(String, Vec<u8>, u16)> {
    let mut cases = vec![
        ("no mask", vec![FIN | TEXT, 2, b'{', b'}'], 1002),
        ("ping without mask", vec![FIN | PING, 0], 1002),
        ("eight bytes of error", vec![0xFF, 0x82, 1, 2, 3, 4, 5, 6], 1002),
        ("eight bytes of ones", vec![0xFF; 8], 1002),
        ("ping of 126 bytes", frame(FIN | PING, &[0; 126]), 1002),
        ("close of 65536 bytes", frame(FIN | CLOSE, &vec![0; 65536]), 1002),
        ("fragmented ping", frame(PING, b""), 1002),
        ("fragmented close", frame(CLOSE, &[3, 232]), 1002),
        ("continuation first", frame(FIN | CONTINUATION, b"x"), 1002),
        ("unfinished continuation first", frame(CONTINUATION, b"x"), 1002),
        ("text in a text", [frame(TEXT, b"{"), frame(FIN | TEXT, b"}")].concat(), 1002),
        ("bytes in a text", [frame(TEXT, b"{"), frame(BINARY, b"}")].concat(), 1002),
        ("a length of 5 in 16 bits", vec![FIN | TEXT, 0x80 | 126, 0, 5, 1, 2, 3, 4], 1002),
        (
            "a length of 5 in 64 bits",
            [&[FIN | TEXT, 0x80 | 127][..], &5u64.to_be_bytes(), &[0; 4]].concat(),
            1002,
        ),
        ("a length with its top bit set", header(FIN | BINARY, 1 << 63), 1002),
        ("a length of all ones", header(FIN | TEXT, u64::MAX), 1002),
        ("a length of 2^40", header(FIN | BINARY, 1 << 40), 1009),
        ("a length of 2^63 - 1", header(TEXT, (1 << 63) - 1), 1009),
        ("2^63 - 1 behind a fragment", [frame(BINARY, b"x"), header(0, (1 << 63) - 1)].concat(), 1009),
        ("no UTF-8", frame(FIN | TEXT, b"\xff"), 1007),
        ("an overlong slash", frame(FIN | TEXT, b"\xc0\xaf"), 1007),
        ("a surrogate", frame(FIN | TEXT, b"\xed\xa0\x80"), 1007),
        ("beyond Unicode", frame(FIN | TEXT, b"\xf4\x90\x80\x80"), 1007),
        ("half a character", frame(FIN | TEXT, b"\xe2\x82"), 1007),
        ("bad UTF-8 across fragments", [frame(TEXT, b"\xf4"), frame(FIN, b"\x90")].concat(), 1007),
        ("half a character in the last fragment", [frame(TEXT, b"{"), frame(FIN, b"\xe2")].concat(), 1007),
        ("a bad reason", frame(FIN | CLOSE, b"\x03\xe8\xff"), 1007),
        ("a close of one byte", frame(FIN | CLOSE, &[3]), 1002),
    ]
    .into_iter()
    .map(|(name, bytes, code)| (name.to_owned(), bytes, code))
    .collect::<Vec<_>>();
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        cases.push((format!("opcode {opcode}"), frame(FIN | opcode, b""), 1002));
    }
    for (rsv, opcode) in
        [0x40, 0x20, 0x10].into_iter().flat_map(|rsv| [(rsv, TEXT), (rsv, PING), (rsv, CLOSE)])
    {
        cases.push((format!("RSV bit {rsv:#x} on {opcode}"), frame(FIN | rsv | opcode, b""), 1002));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535_u16] {
        cases.push((format!("close code {code}"), frame(FIN | CLOSE, &code.to_be_bytes()), 1002));
    }
    cases
}

#[actix_web::test]
async fn a_broken_frame_is_answered_with_its_close_code_whole_or_byte_by_byte() {
    let mut scene = Scene::new().await;
    for (name, bytes, code) in violations() {
        let pieces: &[usize] = if bytes.len() < 50 { &[bytes.len(), 1] } else { &[bytes.len()] };
        for piece in pieces {
            let mut rogue = scene.rogue().await;
            rogue.stream.set_nodelay(true).unwrap();
            for piece in bytes.chunks(*piece) {
                rogue.send(piece).await;
            }
            assert_eq!(rogue.close_code().await, code, "{name}, {piece} bytes at a time");
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn what_was_said_before_a_broken_frame_is_answered_before_the_close() {
    let mut scene = Scene::new().await;
    let mut rogue = scene.rogue().await;
    let ask = |id: u32| frame(FIN | TEXT, json!({"type": "debug:rooms", "id": id}).to_string().as_bytes());
    rogue.send(&[ask(1), ask(2), vec![0xFF; 8], ask(3)].concat()).await;
    assert_eq!(rogue.next_event().await["id"], 1);
    assert_eq!(rogue.next_event().await["id"], 2);
    assert_eq!(rogue.close_code().await, 1002);
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn who_broke_the_protocol_and_stays_is_cut_off_a_second_later() {
    let mut scene = Scene::by_hand(&[]).await;
    let mut rogue = scene.rogue().await;
    rogue.send(&[0xFF; 8]).await;
    assert_eq!(rogue.close_code().await, 1002);
    // Still sending, and never closing.
    rogue.send(&[0xFF; 100_000]).await;
    scene.bystander.expect_nothing().await;
    assert_eq!(scene.server.running().connections(), 2);

    scene.server.clock.advance(Duration::from_secs(1));

    scene.server.until_connections(1).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_close_is_answered_in_kind_and_nothing_behind_it_is_heard() {
    let mut scene = Scene::new().await;
    let join = frame(FIN | TEXT, br#"{"type":"join","payload":{"room":"dashboard:overview"}}"#);
    let cases: [(&[u8], u16); 4] =
        [(&[3, 232], 1000), (&[], 1005), (&[0x0F, 0xA0, b'b', b'y', b'e'], 4000), (&[0x0B, 0xB8], 3000)];
    for (payload, code) in cases {
        let mut rogue = scene.rogue().await;
        let bytes = [frame(FIN | CLOSE, payload), join.clone(), frame(FIN | PING, b"?"), vec![0xFF; 8]];
        rogue.send(&bytes.concat()).await;
        assert_eq!(rogue.close_code().await, code);
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_flood_of_pings_gets_as_many_pongs_as_its_bucket_holds() {
    let mut scene = Scene::by_hand(&[]).await;
    let mut rogue = scene.rogue().await;
    rogue.send(&frame(FIN | PING, b"flood").repeat(10_000)).await;
    rogue.send(&frame(FIN | PONG, b"unasked").repeat(10_000)).await;
    for _ in 0..100 {
        assert_eq!(rogue.next().await, Some((PONG, b"flood".to_vec())));
    }
    rogue.assert_open().await;
    scene.server.clock.advance(Duration::from_secs(1));
    rogue.send(&frame(FIN | PING, b"later")).await;
    assert_eq!(rogue.next().await, Some((PONG, b"later".to_vec())));
    drop(rogue);
    scene.assert_unharmed().await;
}

/// `text` in fragments of one byte each.
fn crumbs(text: &str) -> Vec<u8> {
    let last = text.len() - 1;
    let first = |index| match index {
        0 => TEXT,
        index if index == last => FIN | CONTINUATION,
        _ => CONTINUATION,
    };
    text.bytes().enumerate().flat_map(|(index, byte)| frame(first(index), &[byte])).collect()
}

#[actix_web::test]
async fn a_million_fragments_of_one_byte_are_one_message_and_judged_by_size() {
    // CVE-2026-48779.
    let mut scene = Scene::new().await;
    let mut rogue = scene.rogue().await;
    let ping = |bytes: usize| {
        let padding = "x".repeat(bytes - r#"{"type":"ping","payload":""}"#.len());
        format!(r#"{{"type":"ping","payload":"{padding}"}}"#)
    };
    rogue.send(&crumbs(&ping(1_000_000))).await;
    assert_eq!(rogue.next_event().await["type"], "pong");
    rogue.send(&crumbs(&ping(1_100_000))).await;
    rogue.next_error("MESSAGE_TOO_LARGE").await;
    rogue.assert_open().await;
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn empty_fragments_without_end_are_ended() {
    let settings = [("HARD_MAX_MESSAGE_BYTES", "200000"), ("MAX_MESSAGE_SIZE_BYTES", "100000")];
    let mut scene = Scene::with(&settings).await;
    let mut rogue = scene.rogue().await;
    let empty = frame(CONTINUATION, b"").repeat(300_000);
    rogue.send(&[frame(TEXT, b""), empty].concat()).await;
    // Nobody would read further behind the soft limit, but it may be said.
    loop {
        match rogue.next().await {
            Some((TEXT, payload)) => assert!(payload.windows(17).any(|part| part == b"MESSAGE_TOO_LARGE")),
            Some((CLOSE, payload)) => break assert_eq!(payload[..2], 1009_u16.to_be_bytes()),
            other => panic!("expected a close, got {other:?}"),
        }
    }
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_message_over_the_soft_limit_is_refused_and_the_connection_kept() {
    let mut scene = Scene::new().await;
    let mut rogue = scene.rogue().await;
    for opcode in [TEXT, BINARY] {
        rogue.send(&frame(FIN | opcode, &vec![b'x'; 1_100_000])).await;
        rogue.next_error("MESSAGE_TOO_LARGE").await;
        rogue.assert_open().await;
    }
    let part = [b'x'; 100_000];
    let middle = frame(CONTINUATION, &part).repeat(10);
    rogue.send(&[frame(TEXT, &part), middle, frame(FIN, b"")].concat()).await;
    rogue.next_error("MESSAGE_TOO_LARGE").await;
    rogue.assert_open().await;
    drop(rogue);
    scene.assert_unharmed().await;
}

/// Contract D-15.
#[actix_web::test]
async fn who_sends_too_much_and_reads_only_afterwards_finds_the_close_frame() {
    let mut scene = Scene::new().await;
    let fragments = |count| [frame(TEXT, b"{"), frame(CONTINUATION, &[b'x'; 1000]).repeat(count)].concat();
    let sent: [(&str, Vec<u8>); 4] = [
        ("2.1 MB", frame(FIN | TEXT, &vec![b'x'; 2_100_000])),
        ("6 MB", frame(FIN | BINARY, &vec![b'x'; 6_000_000])),
        ("3 MB in fragments", fragments(3000)),
        ("bad UTF-8 and 5 MB more", [frame(FIN | TEXT, b"\xff"), vec![b'x'; 5_000_000]].concat()),
    ];
    for (what, bytes) in sent {
        let Wire { mut stream, .. } = scene.rogue().await;
        stream.write_all(&bytes).await.unwrap_or_else(|error| panic!("{what}: cut off with {error}"));
        let arrived = rest_of(&mut stream).await;
        let (opcode, payload, rest) =
            split_frame(&arrived).unwrap_or_else(|| panic!("{what}: no close frame"));
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        let expected = if what.starts_with("bad") { 1007 } else { 1009 };
        assert_eq!((opcode, code, rest.len()), (CLOSE, expected, 0), "{what}");
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn bytes_are_taken_as_text_or_refused_politely() {
    // Scenario S-53.
    let mut scene = Scene::new().await;
    let mut rogue = scene.rogue().await;
    rogue.send(&frame(FIN | BINARY, br#"{"type":"ping","id":1}"#)).await;
    assert_eq!(rogue.next_event().await["id"], 1);
    for bytes in [&b"\xff\xfe\x00"[..], b"", &[0; 1000]] {
        rogue.send(&frame(FIN | BINARY, bytes)).await;
        rogue.next_error("INVALID_MESSAGE").await;
    }
    rogue.assert_open().await;
    drop(rogue);
    scene.assert_unharmed().await;
}
