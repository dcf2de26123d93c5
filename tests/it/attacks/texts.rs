//! Bytes that are not UTF-8, wherever a Socket.IO client may put text.

use serde_json::json;

use super::Scene;
use super::messages::UNHURRIED;
use crate::support::engine::BAD_REQUEST;
use crate::support::frames::*;
use crate::support::http;

/// No text anywhere: a stray end, a cut-off beginning, half a surrogate pair, an overlong slash, more
/// than there is of Unicode.
const NO_TEXT: [&[u8]; 7] =
    [b"\x80", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98"];

/// Every position of a packet, marked by `@`.
const POSITIONS: [&str; 14] = [
    "@",
    "@42[\"ping\"]",
    "4@",
    "4@2[\"ping\"]",
    "42@[\"ping\"]",
    "42/@,[\"ping\"]",
    "427@[\"ping\"]",
    "42[\"@\"]",
    "42[\"ping\",\"@\"]",
    "42[\"ping\",{\"@\":1}]",
    "42[\"ping\"]@",
    "43@7[]",
    "451@-[\"ping\"]",
    "bAQ@ID",
];

fn with(position: &str, bytes: &[u8]) -> Vec<u8> {
    let (before, behind) = position.split_once('@').unwrap();
    [before.as_bytes(), bytes, behind.as_bytes()].concat()
}

#[actix_web::test]
async fn a_frame_that_is_no_text_closes_its_websocket_alone() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for position in POSITIONS {
        for bytes in NO_TEXT {
            let [polling, mut websocket] = scene.pair("mallory").await;
            let wire = websocket.wire.as_mut().unwrap();
            wire.send(&frame(FIN | TEXT, &with(position, bytes))).await;
            assert_eq!(wire.close_code().await, 1007, "{position} {bytes:?}");
            polling.goodbye().await;
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_push_that_is_no_text_ends_its_session_alone() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for position in POSITIONS {
        for bytes in NO_TEXT {
            let mut engine = scene.poller("mallory").await;
            // Behind a good one, which is heard.
            let body = [b"42[\"heartbeat\"]\x1e", &*with(position, bytes)].concat();
            let answer = engine.post(&body).await;
            assert_eq!((answer.status, &*answer.text()), (400, BAD_REQUEST), "{position} {bytes:?}");
            engine.expect_closed().await;
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn half_a_surrogate_pair_in_escapes_is_no_name_and_no_room() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    for half in [r"\ud800", r"\udfff", r"\udc00\ud800", r"\ud800x"] {
        for mut engine in scene.pair("mallory").await {
            engine.say(&format!(r#"427["join",{{"room":"{half}"}}]"#)).await;
            assert_eq!(engine.next_ack("/", 7).await["code"], "INVALID_MESSAGE", "{half}");
            engine.say(&format!(r#"40/ws,{{"token":"{half}"}}"#)).await;
            assert!(engine.hear().await.starts_with(r#"44/ws,{"message":"Authentication failed""#));
            engine.say_last(&format!(r#"42["{half}"]"#)).await;
        }
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn what_passes_through_is_text_for_whoever_reads_it() {
    let mut scene = Scene::by_hand(&UNHURRIED).await.shared().await;
    let mut reader = scene.server.sign_in(json!({"sub": "bob"})).await;
    reader.join("r").await;
    for mut engine in scene.pair("mallory").await {
        engine.join("/", "r").await;
        for content in [r#""\ud800""#, r#"{"\udfff":1}"#, r#""\u001e\u0000""#, "\"\u{2028}\u{feff}\""] {
            let changes = format!(r#"{{"action":"add","content":{content}}}"#);
            let words =
                format!(r#"["blueprint_update",{{"roomId":"r","blueprintId":"b","changes":{changes}}}]"#);
            engine.say(&format!("427{words}")).await;
            assert_eq!(engine.next_ack("/", 7).await["success"], true, "{content}");
            match reader.next_message().await {
                Some(tokio_tungstenite::tungstenite::Message::Text(text)) => {
                    assert!(text.contains(content), "to the letter: {text}");
                }
                other => panic!("{other:?}"),
            }
        }
        engine.goodbye().await;
    }
    drop(reader);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_url_or_header_that_is_no_text_is_refused() {
    let mut scene = Scene::by_hand(&[]).await.shared().await;
    for bytes in NO_TEXT {
        for position in [
            "GET /socket.io/?EIO=4&transport=@ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "GET /socket.io/?EIO=4&transport=polling&sid=@ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "GET /socket.io/?EIO=@&transport=polling HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        ] {
            let answer = http::raw(scene.server.address(), &with(position, bytes)).await;
            assert_eq!(http::parse(&answer).status, 400, "{position} {bytes:?}");
        }
        // A token of strange bytes is a bad one, told at the CONNECT.
        let request = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
                       x-auth-token: @\r\n\r\n";
        let answer = http::parse(&http::raw(scene.server.address(), &with(request, bytes)).await);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sid = answer.text().split('"').nth(3).unwrap().to_owned();
        let url = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        http::request(scene.server.address(), "POST", &url, &[], b"40").await;
        let told = http::request(scene.server.address(), "GET", &url, &[], b"").await;
        assert!(told.text().starts_with(r#"44{"message":"Authentication failed""#), "{}", told.text());
        http::request(scene.server.address(), "POST", &url, &[], b"1").await;
    }
    scene.assert_unharmed().await;
}
