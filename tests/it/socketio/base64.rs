//! Clients that want bytes as text, `b64` in the URL (`protocol.md`, 0.5 and 1.6). Each transport is asked
//! for by its own URL.

use serde_json::json;

use super::{ROOM, SOCKET_IO, update};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::frames::{BINARY, TEXT};
use crate::support::wire::Wire;

const BYTES: [u8; 4] = [0, 1, 2, 0xff];

/// Somebody else sends bytes to the room.
async fn send_bytes(bob: &mut Engine) {
    let content = json!({"_placeholder": true, "num": 0});
    bob.say(&format!("451-7{}", json!(["blueprint_update", update(ROOM, content)]))).await;
    bob.say_bytes(&BYTES).await;
    assert_eq!(bob.next_ack("/", 7).await["success"], true);
}

async fn member(mut engine: Engine) -> Engine {
    engine.connect("/", "ann").await;
    engine.join("/", ROOM).await;
    engine
}

/// The attachment as it stood in its frame: as text, or as bytes.
async fn attachment(engine: &mut Engine) -> (u8, Vec<u8>) {
    assert!(engine.hear().await.starts_with(r#"451-["blueprint_update","#));
    engine.wire.as_mut().expect("a WebSocket").next().await.expect("an attachment")
}

fn expected(is_text: bool) -> (u8, Vec<u8>) {
    if is_text { (TEXT, b"bAAEC/w==".to_vec()) } else { (BINARY, BYTES.to_vec()) }
}

/// What may stand behind the URL, and whether it asks for text. The reference asks whether the
/// value is empty, nothing else.
const QUERIES: [(&str, bool); 7] = [
    ("", false),
    ("&b64", false),
    ("&b64=", false),
    ("&b64=1", true),
    ("&b64=true", true),
    ("&b64=0", true),
    ("&B64=1", false),
];

#[actix_web::test]
async fn a_websocket_has_bytes_as_text_if_its_url_asks() {
    let server = TestServer::by_hand(&[]);
    let mut bob = member(Engine::websocket(&server, SOCKET_IO).await).await;
    for (query, is_text) in QUERIES {
        let url = format!("{SOCKET_IO}?EIO=4&transport=websocket{query}");
        let mut wire = Wire::open(server.address(), &url).await;
        assert!(wire.next_text().await.starts_with(r#"0{"sid":""#));
        let mut ann = Engine::polling(&server, SOCKET_IO).await;
        ann.wire = Some(wire);
        let mut ann = member(ann).await;

        send_bytes(&mut bob).await;

        assert_eq!(attachment(&mut ann).await, expected(is_text), "`{query}`");
        ann.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn after_an_upgrade_the_websocket_s_url_counts_and_not_the_polls() {
    let server = TestServer::by_hand(&[]);
    let mut bob = member(Engine::websocket(&server, SOCKET_IO).await).await;
    for (polls, upgrade, is_text) in [("", "&b64=1", true), ("&b64=1", "", false), ("&b64=1", "&b64=1", true)]
    {
        let mut ann = Engine::polling(&server, SOCKET_IO).await;
        let sid = ann.sid.clone();
        ann.sid = format!("{sid}{polls}");
        let mut ann = member(ann).await;
        // By poll there are no bytes, whoever asks.
        send_bytes(&mut bob).await;
        assert!(ann.hear().await.starts_with(r#"451-["blueprint_update","#));
        ann.expect("bAAEC/w==").await;
        ann.sid = format!("{sid}{upgrade}");
        ann.upgrade().await;

        send_bytes(&mut bob).await;

        assert_eq!(attachment(&mut ann).await, expected(is_text), "`{polls}`, then `{upgrade}`");
        ann.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn bytes_from_a_client_may_come_as_text_on_any_websocket() {
    let server = TestServer::by_hand(&[]);
    let mut bob = member(Engine::websocket(&server, SOCKET_IO).await).await;
    let mut ann = member(Engine::websocket(&server, SOCKET_IO).await).await;
    let content = json!({"_placeholder": true, "num": 0});
    bob.say(&format!("451-7{}", json!(["blueprint_update", update(ROOM, content)]))).await;
    bob.say("bAAEC/w==").await;
    assert_eq!(bob.next_ack("/", 7).await["success"], true);
    assert_eq!(attachment(&mut ann).await, expected(false));
}

#[actix_web::test]
async fn a_text_that_is_no_base64_ends_the_connection() {
    let server = TestServer::by_hand(&[]);
    for text in ["b!", "bA", "bAAEC/w===", "bAA=C", "b\u{e9}"] {
        let mut ann = member(Engine::websocket(&server, SOCKET_IO).await).await;
        let content = json!({"_placeholder": true, "num": 0});
        ann.say(&format!("451-7{}", json!(["blueprint_update", update(ROOM, content)]))).await;
        ann.say_last(text).await;
    }
}
