//! What compressed messages and offers of compression may be misused for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::messages::UNHURRIED;
use super::{BINARY, CLOSE, CONTINUATION, FIN, PING, Scene, TEXT, Wire, frame, split_frame};
use crate::support::deflate::{deflated, inflated};

const RSV1: u8 = 0x40;
const OFFER: &str = "permessage-deflate; client_max_window_bits";
const MIB: usize = 1 << 20;

impl Scene {
    /// A WebSocket that agreed on compression, its welcome read, and whose frames are written by hand.
    async fn compressing_rogue(&self) -> Wire {
        let headers = [("sec-websocket-extensions", OFFER)];
        let mut wire = Wire::try_open(self.server.address(), "/ws", &headers).await.expect("accepted");
        assert_eq!(wire.next_event().await["type"], "connection_established");
        wire
    }
}

/// A compressed text in one frame.
fn small(text: &str) -> Vec<u8> {
    frame(FIN | RSV1 | TEXT, &deflated(text.as_bytes(), 9))
}

fn noise(size: usize) -> Vec<u8> {
    (0..size as u32).map(|at| (at.wrapping_mul(at ^ 2_654_435_761) >> 19) as u8).collect()
}

#[actix_web::test]
async fn a_message_that_inflates_a_thousandfold_is_refused_or_ends_the_connection() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let mut rogue = scene.compressing_rogue().await;
    for opcode in [TEXT, BINARY] {
        let bomb = frame(FIN | RSV1 | opcode, &deflated(&vec![b'4'; 2 * MIB], 9));
        assert!(bomb.len() < 2_500);
        rogue.send(&bomb.repeat(20)).await;
        for _ in 0..20 {
            rogue.next_error("MESSAGE_TOO_LARGE").await;
        }
        rogue.assert_open().await;
    }

    rogue.send(&frame(FIN | RSV1 | BINARY, &deflated(&vec![0; 64 * MIB], 9))).await;

    assert_eq!(rogue.close_code().await, 1009);
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_broken_stream_ends_its_connection_alone() {
    let mut scene = Scene::new().await;
    let whole = deflated(br#"{"type":"join","payload":{"room":"dashboard:overview"}}"#, 9);
    let cases: [(&str, Vec<u8>, u16); 9] = [
        ("truncated", frame(FIN | RSV1 | TEXT, &whole[..whole.len() / 2]), 1007),
        ("truncated by one byte", frame(FIN | RSV1 | TEXT, &whole[..whole.len() - 1]), 1007),
        ("corrupt", frame(FIN | RSV1 | TEXT, &[&whole[..20], b"\xff\xff\xff\xff"].concat()), 1007),
        ("nothing at all", frame(FIN | RSV1 | TEXT, b""), 1007),
        ("not compressed", frame(FIN | RSV1 | TEXT, br#"{"type":"ping"}"#), 1007),
        ("no UTF-8", frame(FIN | RSV1 | TEXT, &deflated(b"\xff\xff\xff\xff", 9)), 1007),
        ("bit on a ping", frame(FIN | RSV1 | PING, b""), 1002),
        ("bit on a close", frame(FIN | RSV1 | CLOSE, &[3, 232]), 1002),
        (
            "bit on a continuation",
            [frame(RSV1 | TEXT, &whole[..4]), frame(FIN | RSV1 | CONTINUATION, &whole[4..])].concat(),
            1002,
        ),
    ];
    for (name, bytes, code) in cases {
        let mut rogue = scene.compressing_rogue().await;
        rogue.send(&bytes).await;
        assert_eq!(rogue.close_code().await, code, "{name}");
    }
    // Where nothing was agreed on, the bit means nothing.
    let mut rogue = scene.rogue().await;
    rogue.send(&small("{}")).await;
    assert_eq!(rogue.close_code().await, 1002);
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn many_tiny_compressed_messages_are_held_to_the_rate_like_any_others() {
    let mut scene = Scene::by_hand(&[]).await;
    let mut rogue = scene.compressing_rogue().await;
    let question = small(r#"{"type":"debug:rooms"}"#);

    rogue.send(&question.repeat(5_000)).await;
    rogue.send(&frame(FIN | CLOSE, &[3, 232])).await;

    let (mut answers, mut refusals) = (0, 0);
    loop {
        match rogue.next().await {
            Some((TEXT, payload)) => match serde_json::from_slice::<Value>(&payload).unwrap() {
                event if event["type"] == "debug:rooms:ack" => answers += 1,
                event => {
                    assert_eq!(event["data"]["code"], "RATE_LIMIT_EXCEEDED", "{event}");
                    refusals += 1;
                }
            },
            Some((CLOSE, payload)) => break assert_eq!(payload, [3, 232]),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((answers, refusals), (100, 1), "a second's worth, and one word about the rest");
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_compressed_message_in_a_hundred_thousand_fragments_is_one_message() {
    let mut scene = Scene::new().await;
    let mut rogue = scene.compressing_rogue().await;
    let id = STANDARD.encode(noise(75_000));
    let payload = deflated(json!({"type": "debug:rooms", "payload": {"id": id}}).to_string().as_bytes(), 0);
    let mut bytes = frame(RSV1 | TEXT, &payload[..1]);
    for byte in &payload[1..] {
        bytes.extend(frame(CONTINUATION, &[*byte]));
    }
    bytes.extend(frame(FIN | CONTINUATION, b""));
    assert!(payload.len() > 100_000);

    rogue.send(&bytes).await;

    assert_eq!(rogue.next_event().await["type"], "debug:rooms:ack");
    rogue.assert_open().await;
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn offers_that_are_huge_malformed_or_repeated_are_passed_over() {
    let mut scene = Scene::new().await;
    let bad = "permessage-deflate; server_max_window_bits=8";
    let offers = [
        vec![[bad; 50].join(", ")],
        vec![format!("permessage-deflate; client_max_window_bits={}", "9".repeat(2_000))],
        vec![format!("permessage-deflate{}", "; client_no_context_takeover".repeat(60))],
        vec![";,=\"".repeat(500)],
        vec!["permessage-deflate; server_max_window_bits=\"9".to_owned()],
        vec![bad.to_owned(); 40],
    ];
    for offer in &offers {
        let headers: Vec<_> = offer.iter().map(|offer| ("sec-websocket-extensions", &**offer)).collect();
        let mut wire = Wire::try_open(scene.server.address(), "/ws", &headers).await.expect("accepted");
        assert_eq!(wire.next_event().await["type"], "connection_established");
        // Nothing was agreed on.
        wire.send(&small("{}")).await;
        assert_eq!(wire.close_code().await, 1002, "{:.80}", offer[0]);
    }
    // Larger than a head may be: the framework's to refuse.
    let huge = [bad; 5_000].join(", ");
    let refused = Wire::try_open(scene.server.address(), "/ws", &[("sec-websocket-extensions", &huge)]).await;
    assert!(refused.is_err_and(|answer| answer.status == 400 || answer.status == 431));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn broadcasts_that_cannot_be_made_smaller_end_nothing() {
    // A deflater that gave up in the middle once brought the hub down with the next message.
    let mut scene = Scene::with(&UNHURRIED).await;
    let mut reader = scene.compressing_rogue().await;
    let word = STANDARD.encode(noise(90_000));
    let text = "la ".repeat(20_000);
    for (text, is_small) in
        [(&word, None), (&word, None), (&text, Some(true)), (&word, None), (&text, Some(true))]
    {
        let news = json!({"type": "custom:news", "data": {"text": text}});
        scene.server.broadcast(news).await;
        scene.bystander.next("custom:news").await;

        while split_frame(&reader.arrived).is_none() {
            assert!(reader.read().await);
        }
        let is_deflated = reader.arrived[0] & RSV1 != 0;
        let (_, payload) = reader.next().await.expect("a frame");
        let payload = if is_deflated { inflated(&payload, usize::MAX).bytes } else { payload };
        let event: Value = serde_json::from_slice(&payload).expect("JSON");
        assert!(event["data"]["text"] == **text);
        assert!(is_small.is_none_or(|is_small| is_small == is_deflated));
    }
    drop(reader);
    scene.assert_unharmed().await;
}
