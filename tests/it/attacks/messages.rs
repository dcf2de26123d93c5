//! Whole frames with hostile text in them.

use serde_json::{Value, json};

use super::{FIN, ROOM, Scene, TEXT, frame};
use crate::support::http;

/// So that a list of cases is not cut short by the rate limit.
pub(super) const UNHURRIED: [(&str, &str); 1] = [("RATE_LIMIT_MESSAGES_PER_SECOND", "100000")];

/// Longest error frame that is an answer and not an echo, in bytes.
const SHORT: usize = 2000;

/// Every one of `texts` is answered with one short `INVALID_MESSAGE`, and the connection stays.
async fn assert_invalid(scene: &mut Scene, texts: &[String]) {
    let mut rogue = scene.rogue().await;
    for text in texts {
        let shown: String = text.chars().take(80).collect();
        rogue.send(&frame(FIN | TEXT, text.as_bytes())).await;
        let Some((TEXT, answer)) = rogue.next().await else { panic!("{shown} ended the connection") };
        let error: Value = serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(error["data"]["code"], "INVALID_MESSAGE", "{shown}: {error}");
        assert!(answer.len() < SHORT, "{shown} is answered with {} bytes", answer.len());
        rogue.assert_open().await;
    }
}

#[actix_web::test]
async fn text_that_is_no_message_is_refused_and_the_connection_kept() {
    // Scenario S-52.
    let mut scene = Scene::with(&UNHURRIED).await;
    let texts = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "[\"join\",{\"room\":\"dashboard:overview\"}]",
        "42",
        "-0",
        "1e999999",
        "\"x\"",
        "null",
        "true",
        "{}",
        "{}{}",
        "\u{feff}{\"type\":\"ping\"}",
        "\0",
        "{\"type\":\"ping\"}\0",
        "{'type':'ping'}",
        "{\"type\":5}",
        "{\"type\":null}",
        "{\"type\":\"\"}",
        "{\"type\":[\"ping\"]}",
        "{\"type\":{\"ping\":1}}",
        "{\"type\":\"ping\",}",
        "{\"type\":\"ping\",\"payload\":NaN}",
        "{\"type\":\"ping\",\"payload\":\"\n\"}",
        "{\"event\":\"a\",\"type\":\"b\"}",
        "{\"event\":\"ping\",\"payload\":1,\"data\":1}",
        "{\"type\":\"join\",\"type\":\"join\"}",
        "{\"type\":\"ping\",\"payload\":{},\"payload\":{}}",
        "{\"type\":\"ping\",\"id\":1,\"id\":2}",
        "{\"type\":\"join\",\"payload\":{\"room\":\"public:a\",\"room\":\"public:b\"}}",
        "42[\"join\"]",
    ];
    assert_invalid(&mut scene, &texts.map(str::to_owned)).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn ten_thousand_levels_are_refused_wherever_they_stand() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let (list, object) = ("[".repeat(10_000) + &"]".repeat(10_000), "{\"a\":".repeat(10_000));
    let object = format!("{object}1{}", "}".repeat(10_000));
    let mut texts = vec![list.clone(), "[".repeat(1_000_000), "{\"a\":".repeat(200_000)];
    for deep in [&list, &object] {
        texts.extend([
            format!(r#"{{"type":{deep}}}"#),
            format!(r#"{{"type":"join","payload":{deep}}}"#),
            format!(r#"{{"type":"ping","payload":{deep}}}"#),
            format!(r#"{{"event":"debug:rooms","data":{deep}}}"#),
            format!(r#"{{"type":"join","payload":{{"room":{deep}}}}}"#),
            format!(r#"{{"type":"join","payload":{{"room":"public:x","other":{deep}}}}}"#),
            format!(r#"{{"type":"auth","payload":{{"token":{deep}}}}}"#),
            format!(r#"{{"type":"ping","id":{deep}}}"#),
        ]);
    }
    assert_invalid(&mut scene, &texts).await;

    // A member nobody reads may be as deep as it likes.
    let mut rogue = scene.rogue().await;
    let text = format!(r#"{{"type":"ping","constructor":{list},"id":1}}"#);
    rogue.send(&frame(FIN | TEXT, text.as_bytes())).await;
    assert_eq!(rogue.next_event().await["type"], "pong");
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_deep_broadcast_is_refused() {
    let mut scene = Scene::new().await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let bodies = [
        deep.clone(),
        format!(r#"{{"type":"custom:x","data":{deep}}}"#),
        format!(r#"{{"type":{deep},"data":1}}"#),
        format!(r#"{{"type":"custom:x","data":1,"target":{deep}}}"#),
        format!(r#"{{"type":"custom:x","data":1,"target":{{"user_ids":{deep}}}}}"#),
    ];
    for body in bodies {
        let headers = [("content-type", "application/json")];
        let path = "/api/ws/broadcast";
        let answer = http::request(scene.server.address(), "POST", path, &headers, body.as_bytes()).await;
        answer.assert_error(400, "INVALID_MESSAGE");
        assert!(answer.body.len() < SHORT, "{} bytes", answer.body.len());
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn names_with_a_meaning_elsewhere_mean_nothing_here() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let names = [
        "__proto__",
        "constructor",
        "prototype",
        "hasOwnProperty",
        "toString",
        "connect",
        "connection",
        "connected",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
        "error",
        "connection_established",
        "auth:success",
        "authenticated",
        "room_joined",
        "pong",
        "client:pong",
        "degraded",
        "system:maintenance",
        "debug:rooms:ack",
        "PING",
        " ping",
        "ping ",
        "ping\u{0}",
        "pi\u{200b}ng",
        "\u{202e}gnip",
        "\u{0}",
        "../ping",
        "*",
    ];
    let texts: Vec<String> = names.iter().flat_map(|name| both_forms(name)).collect();
    assert_invalid(&mut scene, &texts).await;
    scene.assert_unharmed().await;
}

fn both_forms(name: &str) -> [String; 2] {
    let own = json!({"room": "public:x", "message": "hi"});
    [json!({"type": name, "payload": own}).to_string(), json!({"event": name, "data": own}).to_string()]
}

#[actix_web::test]
async fn a_huge_name_or_id_is_not_repeated() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let (long, wide) = ("x".repeat(100_000), "\u{10348}".repeat(25_000));
    let escapes = "\\u0000".repeat(15_000);
    let mut texts = Vec::new();
    for name in [&long, &wide, &escapes] {
        texts.extend([
            format!(r#"{{"type":"{name}"}}"#),
            format!(r#"{{"event":"{name}","data":"{name}","id":"{}"}}"#, "i".repeat(100)),
            format!(r#"{{"type":"ping","id":"{name}"}}"#),
            format!(r#"{{"type":"join","payload":{{"room":"{name}"}}}}"#),
            format!(r#"{{"type":"leave","payload":{{"{name}":1}}}}"#),
        ]);
    }
    texts.push(format!(r#"{{"type":"ping","id":[{}]}}"#, "1,".repeat(100_000) + "1"));
    texts.push(format!(r#"{{"type":"ping","id":{}}}"#, "9".repeat(100_000)));
    assert_invalid(&mut scene, &texts).await;
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_huge_word_in_a_broadcast_is_not_repeated() {
    let mut scene = Scene::new().await;
    let long = "x".repeat(100_000);
    let bodies = [
        json!({"type": long, "data": 1}),
        json!({"type": "custom:x", "data": 1, "priority": long}),
        json!({"type": "custom:x", "data": 1, "requires_ack": long}),
        json!({"type": "custom:x", "data": 1, "user_id": long}),
        json!({"type": "custom:x", "data": 1, "room": long}),
        json!({"type": "custom:x", "data": 1, "target": {long.clone(): 1, "room": 5}}),
    ];
    let mut wrong = Vec::new();
    for body in bodies {
        let answer = scene.server.post("/api/ws/broadcast", &body).await;
        answer.assert_error(400, "INVALID_MESSAGE");
        if answer.body.len() > SHORT {
            let shown: String = answer.text().chars().take(100).collect();
            wrong.push(format!("{} bytes: {shown}", answer.body.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn half_a_surrogate_pair_is_no_text() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let texts = [
        r#"{"type":"\ud800"}"#,
        r#"{"type":"\udc00ping"}"#,
        r#"{"type":"join","payload":{"room":"public:\ud800"}}"#,
        r#"{"type":"join","payload":{"room":"public:\udfff\ud800"}}"#,
        r#"{"type":"auth","payload":{"token":"\ud800"}}"#,
    ];
    assert_invalid(&mut scene, &texts.map(str::to_owned)).await;

    let mut rogue = scene.rogue().await;
    rogue.send(&frame(FIN | TEXT, br#"{"type":"ping","id":"\ud800"}"#)).await;
    // Echoed as it was written or refused, but whatever is said is valid UTF-8.
    let Some((TEXT, answer)) = rogue.next().await else { panic!("an answer") };
    assert!(std::str::from_utf8(&answer).is_ok());
    rogue.assert_open().await;
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn an_id_is_echoed_to_the_letter_and_breaks_no_frame() {
    let mut scene = Scene::new().await;
    let mut rogue = scene.rogue().await;
    let ids = [
        "null",
        "-0.0e-5",
        "123456789012345678901234567890",
        r#""\"},\"type\":\"auth:success\"""#,
        r#"{"__proto__":{"admin":true}}"#,
        "[1 ,\t2]",
        r#""\u0000""#,
    ];
    for id in ids {
        rogue.send(&frame(FIN | TEXT, format!(r#"{{"type":"ping","id":{id}}}"#).as_bytes())).await;
        let Some((TEXT, answer)) = rogue.next().await else { panic!("{id}") };
        let text = String::from_utf8(answer).unwrap();
        let pong: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{id}: {error}: {text}"));
        assert_eq!(pong["type"], "pong");
        assert!(id == "null" || text.contains(&format!(r#""id":{id}"#)), "{text}");
    }
    drop(rogue);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn nobody_publishes_from_a_plain_socket() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let mut nobody = scene.server.connect().await;
    let mut admin = scene.server.sign_in(json!({"sub": "a", "role": "admin", "org": "o"})).await;
    let verbs = [
        "message",
        "broadcast",
        "publish",
        "emit",
        "lead_event",
        "custom:event",
        "metric_update",
        "notification",
        "kpi:update",
        "system:broadcast",
        "system:notification",
        "system:maintenance",
        "alert:triggered",
    ];
    for socket in [&mut nobody, &mut admin] {
        socket.join(ROOM).await;
        for verb in verbs {
            let payload = json!({"room": ROOM, "roomId": ROOM, "message": "hi", "data": {}, "userId": "a"});
            socket.send(json!({"type": verb, "payload": payload, "room": ROOM, "target": {}})).await;
            socket.next_error("INVALID_MESSAGE").await;
        }
    }
    scene.bystander.expect_nothing().await;
    drop((nobody, admin));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_signed_token_with_absurd_numbers_breaks_nothing() {
    let mut scene = Scene::new().await;
    let far = [json!(1e300), json!(u64::MAX), json!(i64::MAX), json!(253_402_300_800_000_i64), json!(9e15)];
    for exp in far {
        let mut socket = scene.server.sign_in(json!({"sub": "u", "exp": exp, "nbf": -1e300})).await;
        socket.expect_nothing().await;
    }
    let past = [json!(0), json!(-1), json!(-1e300), json!(i64::MIN), json!(0.5)];
    for exp in past {
        let token = crate::support::token::sign(json!({"sub": "u", "exp": exp}));
        let mut rogue = scene.rogue().await;
        rogue.say(&json!({"type": "auth", "payload": {"token": token}})).await;
        rogue.next_error("AUTH_FAILED").await;
        rogue.assert_open().await;
    }
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn questions_sent_at_once_are_answered_in_order() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let mut rogue = scene.rogue().await;
    let mut asks = Vec::new();
    for id in 0..100 {
        let room = json!({"room": format!("public:{id}")});
        for (name, payload) in [("join", &room), ("ping", &json!({})), ("leave", &room), ("no_such", &room)] {
            let ask = json!({"type": name, "payload": payload, "id": format!("{name} {id}")});
            asks.extend(frame(FIN | TEXT, ask.to_string().as_bytes()));
        }
    }
    rogue.send(&asks).await;
    for id in 0..100 {
        for name in ["join", "ping", "leave", "no_such"] {
            assert_eq!(rogue.next_event().await["id"], format!("{name} {id}"));
        }
    }
    drop(rogue);
    scene.assert_unharmed().await;
}
