//! permessage-deflate end to end: what is agreed on, who gets what compressed, and who never does.

use flate2::{Decompress, FlushDecompress};
use serde_json::{Value, json};

use crate::support::engine::Engine;
use crate::support::frames::*;
use crate::support::http;
use crate::support::wire::{HANDSHAKE, Wire};
use crate::support::{TestServer, token};

const OFFER: &str = "permessage-deflate; client_max_window_bits";
const RSV1: u8 = 0x40;

fn long(letters: usize) -> String {
    "la ".repeat(letters / 3)
}

/// A plain client that offers this.
async fn offering(server: &TestServer, offer: &str) -> Wire {
    let headers = [("sec-websocket-extensions", offer)];
    let mut wire = Wire::try_open(server.address(), "/ws", &headers).await.expect("accepted");
    assert_eq!(next(&mut wire).await.2["type"], "connection_established");
    wire
}

/// The next frame: whether it is compressed, its bytes on the wire, and the event in it.
async fn next(wire: &mut Wire) -> (bool, usize, Value) {
    while split_frame(&wire.arrived).is_none() {
        assert!(wire.read().await);
    }
    let is_compressed = wire.arrived[0] & RSV1 != 0;
    let (_, _, rest) = split_frame(&wire.arrived).unwrap();
    let size = wire.arrived.len() - rest.len();
    let (_, payload) = wire.next().await.unwrap();
    let text = if is_compressed { inflated(&payload) } else { payload };
    (is_compressed, size, serde_json::from_slice(&text).expect("JSON"))
}

fn inflated(payload: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(1 << 20);
    let whole = [payload, &[0, 0, 0xFF, 0xFF]].concat();
    Decompress::new(false).decompress_vec(&whole, &mut text, FlushDecompress::Sync).expect("deflated");
    text
}

async fn join(wire: &mut Wire, room: &str) {
    wire.text(&json!({"type": "join", "payload": {"room": room}}).to_string()).await;
    assert_eq!(next(wire).await.2["type"], "room_joined");
}

fn custom(letters: usize, room: Option<&str>) -> Value {
    let mut body = json!({"type": "custom:news", "data": {"text": long(letters)}});
    if let Some(room) = room {
        body["room"] = room.into();
    }
    body
}

#[actix_web::test]
async fn what_is_agreed_on_stands_in_the_answer() {
    const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let (on, off) = (TestServer::start(), TestServer::with(&[("COMPRESSION_ENABLED", "false")]));
    let bounded = format!("{AGREED}; server_max_window_bits=9");
    for (server, path, offer, agreed) in [
        (&on, "/ws", Some(OFFER), Some(AGREED)),
        (&on, "/socket.io/?EIO=4&transport=websocket", Some(OFFER), Some(AGREED)),
        (
            &on,
            "/ws/?EIO=4&transport=websocket",
            Some("permessage-deflate; server_max_window_bits=9"),
            Some(&*bounded),
        ),
        (&on, "/ws", Some("permessage-deflate; server_max_window_bits=8"), None),
        (&on, "/ws", Some("permessage-deflate; \u{1}"), None),
        (&on, "/ws", None, None),
        (&off, "/ws", Some(OFFER), None),
    ] {
        let mut wire = Wire::over(tokio::net::TcpStream::connect(server.address()).await.unwrap());
        let offer: Vec<_> = offer.into_iter().map(|offer| ("sec-websocket-extensions", offer)).collect();
        let headers = [&HANDSHAKE[..], &offer].concat();
        wire.send(&http::head(server.address(), "GET", path, &headers, 0)).await;
        while !wire.arrived.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
            assert!(wire.read().await);
        }
        let answer = http::parse(&wire.arrived);
        if answer.status == 400 {
            // A header that is no header is the framework's to refuse.
            assert_eq!(offer[0].1, "permessage-deflate; \u{1}");
            continue;
        }
        assert_eq!(answer.status, 101, "{path} {offer:?}");
        assert_eq!(answer.header("sec-websocket-extensions"), agreed, "{path} {offer:?}");
    }
}

#[actix_web::test]
async fn long_events_are_compressed_for_whoever_agreed_to_it() {
    let server = TestServer::start();
    let (mut small, mut narrow, mut whole) = (
        offering(&server, OFFER).await,
        offering(&server, "permessage-deflate; server_max_window_bits=9").await,
        offering(&server, "x-none").await,
    );
    for (letters, is_long) in [(51_000, true), (498, false)] {
        server.broadcast(custom(letters, None)).await;
        let (neighbour, size, sent) = next(&mut whole).await;
        assert!(!neighbour && size > letters, "the neighbour gets it whole");
        assert_eq!(sent["data"]["text"], *long(letters));
        for wire in [&mut small, &mut narrow] {
            let (is_compressed, size, event) = next(wire).await;
            assert_eq!((is_compressed, &event), (is_long, &sent));
            assert!(!is_long || size < 1_000, "{size} bytes");
        }
    }
}

#[actix_web::test]
async fn an_answer_is_compressed_too_and_a_question_understood() {
    let server = TestServer::with(&[("COMPRESSION_THRESHOLD_BYTES", "150")]);
    let mut wire = offering(&server, OFFER).await;
    let id = long(120);
    let question = json!({"type": "debug:rooms", "id": id}).to_string();
    let mut deflater = flate2::Compress::new(flate2::Compression::best(), false);
    let mut small = Vec::with_capacity(2_000);
    deflater.compress_vec(question.as_bytes(), &mut small, flate2::FlushCompress::Sync).unwrap();
    let end = small.len() - 4;
    wire.send(&frame(RSV1 | TEXT, &small[..9])).await;
    wire.send(&frame(FIN | CONTINUATION, &small[9..end])).await;
    let (is_compressed, size, answer) = next(&mut wire).await;
    assert_eq!((answer["type"].as_str(), answer["id"].as_str()), (Some("debug:rooms:ack"), Some(&*id)));
    assert!(is_compressed && size < answer.to_string().len(), "{size} bytes");
}

#[actix_web::test]
async fn a_room_that_is_left_out_is_never_compressed() {
    let server = TestServer::with(&[("COMPRESSION_EXCLUDE_ROOMS", "public:secret*")]);
    let mut wire = offering(&server, OFFER).await;
    let mut poller = Engine::polling(&server, "/socket.io/").await;
    poller.connect("/ws", "ann").await;
    for room in ["public:secrets", "public:open"] {
        join(&mut wire, room).await;
        poller.join("/ws", room).await;
    }
    for (room, is_open) in [("public:secrets", false), ("public:open", true), ("public:secrets", false)] {
        server.broadcast(custom(6_000, Some(room))).await;
        let (is_compressed, _, event) = next(&mut wire).await;
        assert_eq!((event["room"].as_str(), is_compressed), (Some(room), is_open));
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", poller.sid);
        poller.gets.ask("GET", &path, &[("accept-encoding", "gzip")], b"").await;
        let answer = poller.gets.answer().await;
        assert_eq!(answer.header("content-encoding"), is_open.then_some("gzip"), "{room}");
    }
}

/// A filter's room counts like the one by which somebody is matched.
#[actix_web::test]
async fn a_room_left_out_counts_wherever_it_stands_in_a_target() {
    let server = TestServer::with(&[("COMPRESSION_EXCLUDE_ROOMS", "user:*")]);
    let token = token::sign(json!({"sub": "ann"}));
    let bearer = format!("Bearer {token}");
    let headers = [("sec-websocket-extensions", OFFER), ("authorization", &*bearer)];
    let mut wire = Wire::try_open(server.address(), "/ws", &headers).await.expect("accepted");
    for welcome in ["connection_established", "auth:success"] {
        assert_eq!(next(&mut wire).await.2["type"], welcome);
    }
    join(&mut wire, "public:n").await;
    let both = json!({"room": "public:n", "user_id": "ann"});
    for (target, is_open) in [(json!({"room": "public:n"}), true), (both, false)] {
        let mut body = custom(6_000, None);
        body.as_object_mut().unwrap().append(&mut target.as_object().unwrap().clone());
        assert_eq!(server.broadcast(body).await["recipients_count"], 1);
        assert_eq!(next(&mut wire).await.0, is_open, "{target}");
    }
}

/// What answers something of a room names who is in it; and a welcome may hold a token.
#[actix_web::test]
async fn answers_of_a_room_left_out_and_welcomes_go_out_as_they_are() {
    let settings = [("COMPRESSION_EXCLUDE_ROOMS", "public:secret"), ("COMPRESSION_THRESHOLD_BYTES", "0")];
    let server = TestServer::with(&settings);
    let headers = [("sec-websocket-extensions", OFFER)];
    let mut wire = Wire::try_open(server.address(), "/ws", &headers).await.expect("accepted");
    let (is_compressed, _, welcome) = next(&mut wire).await;
    assert_eq!((is_compressed, welcome["type"].as_str()), (false, Some("connection_established")));
    for (room, is_open) in [("public:secret", false), ("public:open", true)] {
        for ask in ["join", "leave"] {
            wire.text(&json!({"type": ask, "payload": {"room": room}}).to_string()).await;
            let (is_compressed, _, answer) = next(&mut wire).await;
            assert_eq!((answer["data"]["room"].as_str(), is_compressed), (Some(room), is_open), "{answer}");
        }
    }
}

/// A token beside words that the client chose: its compressed length would tell how alike they are.
#[actix_web::test]
async fn an_answer_with_a_confirm_token_goes_out_as_it_is() {
    let settings = [("CONFIRM_COMMANDS", "start_backup"), ("COMPRESSION_THRESHOLD_BYTES", "0")];
    let server = TestServer::with(&settings);
    let headers = [("sec-websocket-extensions", OFFER), ("x-tenant-key", "demo-tenant-key-1")];
    let mut wire = Wire::try_open(server.address(), "/events", &headers).await.expect("accepted");
    next(&mut wire).await;
    for (command, is_open) in [("get_leads", true), ("start_backup", false)] {
        let ask = json!({"event": "execute_voice_command", "data": {"command": command}});
        wire.text(&ask.to_string()).await;
        let answer = loop {
            let heard = next(&mut wire).await;
            if heard.2["event"] == "voice_command_response" {
                break heard;
            }
        };
        assert_eq!(
            (answer.0, answer.2["data"]["confirmToken"].is_string()),
            (is_open, !is_open),
            "{answer:?}"
        );
    }
}

/// For one client alone a small window would cost many times what it saves.
#[actix_web::test]
async fn answers_are_compressed_for_windows_that_cost_little() {
    let server = TestServer::with(&[("COMPRESSION_THRESHOLD_BYTES", "0")]);
    for (bits, is_worth_it) in [(9, false), (11, false), (12, true), (15, true)] {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let mut wire = offering(&server, &offer).await;
        wire.text(&json!({"type": "debug:rooms", "id": long(99)}).to_string()).await;
        assert_eq!(next(&mut wire).await.0, is_worth_it, "{bits}");
        server.broadcast(custom(6_000, None)).await;
        assert!(next(&mut wire).await.0, "a broadcast is compressed once for each window");
    }
}

/// What was agreed on for the WebSocket holds from the upgrade on; what waited for polls still goes out
/// as it was written, and polls are never handed compressed frames.
#[actix_web::test]
async fn an_upgrade_brings_compression() {
    let server = TestServer::start();
    let mut engine = Engine::polling(&server, "/ws/").await;
    engine.connect("/ws", "ann").await;
    let url = format!("/ws/?EIO=4&transport=websocket&sid={}", engine.sid);
    let headers = [("sec-websocket-extensions", OFFER)];
    let mut wire = Wire::try_open(server.address(), &url, &headers).await.expect("accepted");
    // The probe itself may come compressed.
    let mut deflater = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut probe = Vec::with_capacity(100);
    deflater.compress_vec(b"2probe", &mut probe, flate2::FlushCompress::Sync).unwrap();
    wire.send(&frame(FIN | RSV1 | TEXT, &probe[..probe.len() - 4])).await;
    assert_eq!(wire.next_text().await, "3probe");
    server.broadcast(custom(6_000, None)).await;
    wire.text("5").await;
    let waited = wire.next_text().await;
    assert!(waited.starts_with("42/ws,[\"custom:news\""), "{waited}");
    server.broadcast(custom(6_000, None)).await;
    while split_frame(&wire.arrived).is_none() {
        assert!(wire.read().await);
    }
    assert_eq!(wire.arrived[0], FIN | RSV1 | TEXT);
    let (_, payload) = wire.next().await.unwrap();
    assert_eq!(String::from_utf8(inflated(&payload)).unwrap(), waited);
}
