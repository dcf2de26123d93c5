//! What becomes of a broadcast that requires an acknowledgement (contract D-04, D-05, D-35, scenario
//! S-58).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{BROADCAST, JSON};
use crate::support::engine::Engine;
use crate::support::{PATIENCE, TestServer, http, token};

const KIB: usize = 1024;
const ROOM: &str = "dashboard:overview";

/// Broadcasts to whoever these fields target. Gives the message id.
async fn publish(server: &TestServer, fields: Value) -> String {
    let mut body = json!({"type": "custom:ack", "data": 1, "requires_ack": true});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    server.broadcast(body).await["message_id"].as_str().expect("an id").to_owned()
}

async fn publish_to(server: &TestServer, sockets: &[&str]) -> String {
    publish(server, json!({"target": {"socket_ids": sockets}})).await
}

async fn report(server: &TestServer, message_id: &str) -> Value {
    let answer = server.get(&format!("/api/ws/broadcasts/{message_id}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let report = answer.json();
    // Whatever was asked: the counts are those of the list.
    let recipients = report["recipients"].as_array().unwrap();
    for (state, count) in report["counts"].as_object().unwrap() {
        let listed = recipients.iter().filter(|own| own["state"] == state.as_str()).count();
        assert_eq!(*count, listed, "{state} of {report}");
    }
    report
}

/// The state of one recipient; null if it is none.
async fn state(server: &TestServer, message_id: &str, socket: &str) -> Value {
    let report = report(server, message_id).await;
    let mut recipients = report["recipients"].as_array().unwrap().iter();
    recipients.find(|own| own["socket_id"] == socket).map_or(Value::Null, |own| own["state"].clone())
}

/// Asks until the recipient is in this state. For what no event announces to the test.
#[track_caller]
fn until_state(
    server: &TestServer,
    message_id: &str,
    socket: &str,
    expected: &str,
) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let asking = async {
            while state(server, message_id, socket).await != expected {
                tokio::task::yield_now().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, asking).await;
        assert!(in_time.is_ok(), "at {caller}: {}", report(server, message_id).await);
    }
}

/// The number under which the packet, which must be our event, is acknowledged.
fn number(packet: &str, namespace: &str) -> u64 {
    let head = if namespace == "/" { "42".to_owned() } else { format!("42{namespace},") };
    let number = packet.strip_prefix(&head).and_then(|rest| rest.strip_suffix(r#"["custom:ack",1]"#));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no event with an id: {packet}"))
}

fn ack(message_id: &str) -> Value {
    json!({"type": "ack", "payload": {"message_id": message_id}})
}

#[actix_web::test]
async fn the_report_has_one_shape() {
    let server = TestServer::by_hand(&[]);
    let mut ann = server.sign_in(json!({"sub": "ann"})).await;
    let mut nobody = server.connect().await;
    server.clock.advance(Duration::from_secs(1));
    let message_id = publish(&server, json!({"priority": "urgent"})).await;
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(ann.next("custom:ack").await["message_id"], *message_id);
    assert_eq!(nobody.next("custom:ack").await["requires_ack"], true);
    ann.send(ack(&message_id)).await;
    ann.expect_nothing().await;

    let mut recipients = [
        json!({
            "socket_id": ann.id, "user_id": "ann", "state": "acknowledged", "at": "2026-01-01T00:00:02.000Z"
        }),
        json!({"socket_id": nobody.id, "state": "written", "at": "2026-01-01T00:00:01.000Z"}),
    ];
    recipients.sort_by_key(|own| own["socket_id"].as_str().unwrap().to_owned());
    let expected = json!({
        "success": true, "message_id": message_id, "event": "custom:ack", "priority": "urgent",
        "requires_ack": true, "sent_at": "2026-01-01T00:00:01.000Z",
        "expires_at": "2026-01-01T00:10:01.000Z",
        "counts": {"queued": 0, "written": 1, "acknowledged": 1, "gone": 0}, "recipients": recipients
    });
    assert_eq!(report(&server, &message_id).await, expected);
}

#[actix_web::test]
async fn what_was_posted_is_reported_and_nobody_may_be_reached() {
    let server = TestServer::by_hand(&[]);
    for priority in ["low", "medium", "high", "urgent"] {
        let message_id = publish(&server, json!({"priority": priority})).await;
        let report = report(&server, &message_id).await;
        assert_eq!((&report["priority"], &report["recipients"]), (&json!(priority), &json!([])));
    }
    let message_id = publish(&server, json!({})).await;
    assert_eq!(report(&server, &message_id).await["priority"], "medium");
}

#[actix_web::test]
async fn everyone_acknowledges_in_their_own_way() {
    let server = TestServer::by_hand(&[]);
    let mut plain = server.connect().await;
    let engines = Engine::both(&server, "/socket.io/").await;
    let message_id = {
        let mut sockets = Vec::new();
        for mut engine in engines {
            let (root, ws) = (engine.connect("/", "ann").await, engine.connect("/ws", "bob").await);
            sockets.push((engine, root, ws));
        }
        let message_id = publish(&server, json!({})).await;
        let counts = report(&server, &message_id).await["counts"].clone();
        // Nobody has polled yet.
        assert_eq!(counts, json!({"queued": 2, "written": 3, "acknowledged": 0, "gone": 0}));

        for (engine, root, ws) in &mut sockets {
            // Both sockets have it, in the order of their own, under one number.
            let (first, second) = (engine.hear().await, engine.hear().await);
            let is_root_first = !first.starts_with("42/");
            let (of_root, of_ws) = if is_root_first { (first, second) } else { (second, first) };
            let shared = number(&of_root, "/");
            assert_eq!(number(&of_ws, "/ws"), shared);
            assert_eq!(state(&server, &message_id, root).await, "written");

            engine.say(&format!(r#"43{shared}[{{"status":"received"}}]"#)).await;
            engine.expect_nothing("/").await;
            assert_eq!(state(&server, &message_id, root).await, "acknowledged");
            assert_eq!(state(&server, &message_id, ws).await, "written", "the other socket is another");
            let answer = engine.ask("/ws", "ack", json!({"message_id": message_id, "status": "seen"})).await;
            assert_eq!(answer, json!({"status": "success", "success": true}));
        }
        assert_eq!(plain.next("custom:ack").await["message_id"], *message_id);
        plain.send(json!({"event": "ack", "data": {"message_id": message_id, "received_at": "2026-01-01T00:00:00Z"}})).await;
        plain.expect_nothing().await;
        let report = report(&server, &message_id).await;
        assert_eq!(report["counts"], json!({"queued": 0, "written": 0, "acknowledged": 5, "gone": 0}));
        let users: Vec<_> =
            report["recipients"].as_array().unwrap().iter().map(|own| &own["user_id"]).collect();
        assert_eq!(users.iter().filter(|user| **user == "ann").count(), 2);
        assert_eq!(users.iter().filter(|user| **user == "bob").count(), 2);
        message_id
    };
    // They have all gone; what they acknowledged stays.
    drop(plain);
    server.until_connections(1).await;
    let counts = report(&server, &message_id).await["counts"].clone();
    assert_eq!((&counts["acknowledged"], &counts["gone"]), (&json!(5), &json!(0)));
}

#[actix_web::test]
async fn an_acknowledgement_with_bytes_counts_like_any_other() {
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, "/socket.io/").await {
        let socket = engine.connect("/", "ann").await;
        let message_id = publish_to(&server, &[&socket]).await;
        let number = number(&engine.hear().await, "/");
        engine.say(&format!(r#"461-{number}[{{"_placeholder":true,"num":0}}]"#)).await;
        engine.say_bytes(&[1, 2, 3]).await;
        engine.expect_nothing("/").await;
        assert_eq!(state(&server, &message_id, &socket).await, "acknowledged");
    }
}

#[actix_web::test]
async fn a_second_acknowledgement_changes_nothing_and_is_no_error() {
    let server = TestServer::by_hand(&[]);
    for mut engine in Engine::both(&server, "/ws/").await {
        engine.say("40").await;
        engine.hear().await;
        let socket = engine.next_event("/", "connected").await["socket_id"].as_str().unwrap().to_owned();
        let message_id = publish_to(&server, &[&socket]).await;
        let number = number(&engine.hear().await, "/");
        engine.say(&format!("43{number}[]")).await;
        engine.expect_nothing("/").await;
        let once = report(&server, &message_id).await;
        assert_eq!(once["counts"]["acknowledged"], 1);

        server.clock.advance(Duration::from_secs(1));
        engine.say(&format!("43{number}[]")).await;
        for _ in 0..2 {
            let answer = engine.ask("/", "ack", json!({"message_id": message_id})).await;
            assert_eq!(answer["success"], true);
        }
        assert_eq!(report(&server, &message_id).await, once);
    }
}

#[actix_web::test]
async fn who_has_not_received_it_cannot_acknowledge_it() {
    let server = TestServer::by_hand(&[]);
    let mut reader = server.connect().await;
    let mut plain = server.connect().await;
    let message_id = publish_to(&server, &[&reader.id]).await;
    reader.next("custom:ack").await;
    plain.send(ack(&message_id)).await;
    plain.send(ack("unknown")).await;
    plain.expect_nothing().await;

    for mut engine in Engine::both(&server, "/socket.io/").await {
        let root = engine.connect("/", "ann").await;
        let ws = engine.connect("/ws", "ann").await;
        for id in [&*message_id, "unknown", ""] {
            let refusal = engine.ask("/", "ack", json!({"message_id": id})).await;
            assert_eq!((&refusal["success"], &refusal["code"]), (&json!(false), &json!("INVALID_MESSAGE")));
            // Without a callback it is ignored.
            engine.emit("/", "ack", json!({"message_id": id})).await;
        }
        // Numbers of others, of nothing, and out of any range.
        for number in ["0", "1", "77", "2147483647", "2147483648", "4294967296", "18446744073709551615"] {
            engine.say(&format!("43{number}[]")).await;
            engine.say(&format!("43/ws,{number}[]")).await;
        }
        // The other namespace of the same connection is a stranger, too.
        let own = publish_to(&server, &[&root]).await;
        let number = number(&engine.hear().await, "/");
        engine.say(&format!("43/ws,{number}[]")).await;
        assert_eq!(engine.ask("/ws", "ack", json!({"message_id": own})).await["success"], false);
        engine.expect_nothing("/").await;
        assert_eq!(state(&server, &own, &root).await, "written");
        assert_eq!(state(&server, &own, &ws).await, Value::Null);
    }
    let counts = report(&server, &message_id).await["counts"].clone();
    assert_eq!(counts, json!({"queued": 0, "written": 1, "acknowledged": 0, "gone": 0}));
}

#[actix_web::test]
async fn what_still_waits_for_a_poll_is_not_received() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, "/socket.io/").await;
    let socket = engine.connect("/", "ann").await;
    let message_id = publish_to(&server, &[&socket]).await;
    // Known by hearsay.
    engine.say(&format!(r#"42["ack",{{"message_id":"{message_id}"}}]"#)).await;
    engine.say("430[]").await;
    assert_eq!(state(&server, &message_id, &socket).await, "queued");
    number(&engine.hear().await, "/");
    assert_eq!(state(&server, &message_id, &socket).await, "written");
}

#[actix_web::test]
async fn what_waits_for_a_poll_is_written_by_the_upgrade() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::polling(&server, "/socket.io/").await;
    let socket = engine.connect("/", "ann").await;
    let message_id = publish_to(&server, &[&socket]).await;
    assert_eq!(state(&server, &message_id, &socket).await, "queued");
    engine.upgrade().await;
    let number = number(&engine.hear().await, "/");
    // The client may have it before the server has noted that the socket took it.
    until_state(&server, &message_id, &socket, "written").await;
    engine.say(&format!("43{number}[]")).await;
    engine.expect_nothing("/").await;
    assert_eq!(state(&server, &message_id, &socket).await, "acknowledged");
}

#[actix_web::test]
async fn who_ends_before_acknowledging_is_gone() {
    let server = TestServer::by_hand(&[]);
    let plain = server.connect().await;
    let [mut polling, mut websocket] = Engine::both(&server, "/socket.io/").await;
    let mut sockets = vec![plain.id.clone()];
    for engine in [&mut polling, &mut websocket] {
        sockets.push(engine.connect("/", "ann").await);
        sockets.push(engine.connect("/ws", "ann").await);
    }
    let message_id = publish(&server, json!({})).await;
    let counts = report(&server, &message_id).await["counts"].clone();
    assert_eq!(counts, json!({"queued": 2, "written": 3, "acknowledged": 0, "gone": 0}));

    // A namespace is left, the connection and its other socket stay.
    for (engine, at) in [(&mut polling, 1), (&mut websocket, 3)] {
        engine.say("41/ws,").await;
        until_state(&server, &message_id, &sockets[at + 1], "gone").await;
        assert_ne!(state(&server, &message_id, &sockets[at]).await, "gone");
    }
    // Whole connections.
    server.clock.advance(Duration::from_secs(1));
    drop(plain);
    polling.goodbye().await;
    websocket.goodbye().await;
    for socket in &sockets {
        until_state(&server, &message_id, socket, "gone").await;
    }
    let report = report(&server, &message_id).await;
    assert_eq!(report["counts"], json!({"queued": 0, "written": 0, "acknowledged": 0, "gone": 5}));
    for recipient in report["recipients"].as_array().unwrap() {
        let is_first =
            [&sockets[2], &sockets[4]].contains(&&recipient["socket_id"].as_str().unwrap().to_owned());
        assert_eq!(recipient["at"], format!("2026-01-01T00:00:0{}.000Z", u8::from(!is_first)));
    }
}

#[actix_web::test]
async fn who_is_sent_away_is_gone() {
    let server = TestServer::by_hand(&[]);
    let [mut acknowledges, mut waits] = [server.connect().await, server.connect().await];
    let message_id = publish(&server, json!({})).await;
    for socket in [&mut acknowledges, &mut waits] {
        socket.next("custom:ack").await;
    }
    acknowledges.send(ack(&message_id)).await;
    acknowledges.expect_nothing().await;
    for socket in [&acknowledges.id, &waits.id] {
        let path = format!("/api/ws/connections/{socket}");
        let sent_away = http::request(server.address(), "DELETE", &path, &[], b"").await;
        assert_eq!(sent_away.status, 200, "{}", sent_away.text());
    }
    let counts = report(&server, &message_id).await["counts"].clone();
    assert_eq!(counts, json!({"queued": 0, "written": 0, "acknowledged": 1, "gone": 1}));
    assert_eq!(waits.next_close().await, 4403);
    assert_eq!(report(&server, &message_id).await["counts"], counts);
}

#[actix_web::test]
async fn what_a_client_does_not_read_is_queued_until_it_does() {
    let server = TestServer::by_hand(&[]);
    let mut slow = server.connect().await;
    slow.join(ROOM).await;
    // More than the kernel takes, less than the bound of 4 MiB.
    let fill = json!({"type": "custom:fill", "room": ROOM, "data": "x".repeat(64 * KIB)});
    for _ in 0..40 {
        server.broadcast(fill.clone()).await;
    }
    let [first, second] = [publish_to(&server, &[&slow.id]).await, publish_to(&server, &[&slow.id]).await];
    assert_eq!(state(&server, &first, &slow.id).await, "queued");
    for _ in 0..40 {
        slow.next("custom:fill").await;
    }
    assert_eq!(slow.next("custom:ack").await["message_id"], *first);
    assert_eq!(slow.next("custom:ack").await["message_id"], *second);
    slow.send(ack(&second)).await;
    slow.expect_nothing().await;
    assert_eq!(state(&server, &first, &slow.id).await, "written");
    assert_eq!(state(&server, &second, &slow.id).await, "acknowledged");
}

#[actix_web::test]
async fn what_is_dropped_for_a_client_that_does_not_read_is_gone() {
    // Time stands still, so the connection lasts although it is closed.
    let settings = [("SEND_QUEUE_BYTES", "1048576"), ("HARD_MAX_MESSAGE_BYTES", "131072")];
    let settings = [&settings[..], &[("MAX_MESSAGE_SIZE_BYTES", "65536")]].concat();
    let server = TestServer::by_hand(&settings);
    let mut slow = server.connect().await;
    slow.join(ROOM).await;
    let id = slow.id.clone();
    let read = publish_to(&server, &[&id]).await;
    slow.next("custom:ack").await;
    let stream = slow.into_stream();

    let fill = json!({"type": "custom:fill", "room": ROOM, "data": "x".repeat(16 * KIB)});
    let mut last = read.clone();
    while server.broadcast(fill.clone()).await["recipients_count"] == 1 {
        let next = publish_to(&server, &[&id]).await;
        if state(&server, &next, &id).await == "queued" {
            last = next;
        }
    }
    assert_ne!(last, read, "something waited");
    until_state(&server, &last, &id, "gone").await;
    assert_eq!(server.running().connections(), 1);
    assert_eq!(state(&server, &read, &id).await, "written", "the socket is still here");
    // Closed, it accepts nothing.
    let late = publish_to(&server, &[&id]).await;
    assert_eq!(report(&server, &late).await["recipients"], json!([]));

    drop(stream);
    server.until_connections(0).await;
    until_state(&server, &read, &id, "gone").await;
}

#[actix_web::test]
async fn broadcasts_that_are_written_together_are_told_apart() {
    let server = TestServer::by_hand(&[("WORKERS", "1")]);
    let mut plain = server.connect().await;
    let mut engine = Engine::websocket(&server, "/socket.io/").await;
    let socket = engine.connect("/", "ann").await;
    let posts = (0..40).map(|round| {
        let fields = json!({"target": {"socket_ids": [plain.id, socket]}, "requires_ack": round % 2 == 0});
        let server = &server;
        async move { (round, publish(server, fields).await) }
    });
    let published = join_all(posts).await;
    for _ in 0..40 {
        let frame = plain.next("custom:ack").await;
        if let Some(id) = frame["message_id"].as_str() {
            plain.send(ack(id)).await;
        }
        let packet = engine.hear().await;
        let number = packet.strip_prefix("42").unwrap().split('[').next().unwrap();
        if !number.is_empty() {
            engine.say(&format!("43{number}[]")).await;
        }
    }
    plain.expect_nothing().await;
    engine.expect_nothing("/").await;
    for (round, message_id) in published {
        if round % 2 == 0 {
            let counts = report(&server, &message_id).await["counts"].clone();
            assert_eq!(counts, json!({"queued": 0, "written": 0, "acknowledged": 2, "gone": 0}), "{round}");
        } else {
            let answer = server.get(&format!("/api/ws/broadcasts/{message_id}")).await;
            answer.assert_error(404, "NOT_FOUND");
        }
    }
}

/// A hub serves a few hundred at a time; the first may answer before the last are served.
#[actix_web::test]
async fn who_answers_at_once_is_counted_however_many_there_are() {
    let server = TestServer::by_hand(&[("WORKERS", "1")]);
    let mut sockets = Vec::new();
    for _ in 0..600 {
        sockets.push(server.connect().await);
    }
    let answers = join_all(sockets.iter_mut().map(|socket| async {
        let frame = socket.next("custom:ack").await;
        socket.send(ack(frame["message_id"].as_str().unwrap())).await;
        socket.expect_nothing().await;
    }));
    let (message_id, _) = tokio::join!(publish(&server, json!({})), answers);
    let counts = report(&server, &message_id).await["counts"].clone();
    assert_eq!(counts, json!({"queued": 0, "written": 0, "acknowledged": 600, "gone": 0}));
}

#[actix_web::test]
async fn acknowledgements_take_nothing_from_the_rate() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "5")]);
    let mut plain = server.connect().await;
    let message_id = publish_to(&server, &[&plain.id]).await;
    plain.next("custom:ack").await;
    for _ in 0..500 {
        plain.send(ack("unknown")).await;
    }
    plain.send(ack(&message_id)).await;
    plain.expect_nothing().await;
    assert_eq!(state(&server, &message_id, &plain.id).await, "acknowledged");

    for mut engine in Engine::both(&server, "/socket.io/").await {
        let socket = engine.connect("/", "ann").await;
        let message_id = publish_to(&server, &[&socket]).await;
        let number = number(&engine.hear().await, "/");
        for _ in 0..200 {
            engine.say("4399[]").await;
        }
        engine.say(&format!("43{number}[]")).await;
        engine.expect_nothing("/").await;
        assert_eq!(state(&server, &message_id, &socket).await, "acknowledged");
    }
}

#[actix_web::test]
async fn a_broadcast_is_forgotten_after_ten_minutes() {
    // No ping comes in between.
    let server = TestServer::by_hand(&[("PING_INTERVAL_MS", "900000"), ("PING_TIMEOUT_MS", "900000")]);
    let mut engine = Engine::websocket(&server, "/socket.io/").await;
    let socket = engine.connect("/", "ann").await;
    let message_id = publish_to(&server, &[&socket]).await;
    let first = number(&engine.hear().await, "/");
    let path = format!("/api/ws/broadcasts/{message_id}");
    server.clock.advance(Duration::from_millis(599_999));
    assert_eq!(server.get(&path).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    server.get(&path).await.assert_error(404, "NOT_FOUND");

    // Too late to acknowledge; and the next number is another.
    assert_eq!(engine.ask("/", "ack", json!({"message_id": message_id})).await["success"], false);
    engine.say(&format!("43{first}[]")).await;
    let next = publish_to(&server, &[&socket]).await;
    assert_ne!(number(&engine.hear().await, "/"), first);
    assert_eq!(report(&server, &next).await["counts"]["written"], 1);
}

#[actix_web::test]
async fn what_required_no_acknowledgement_is_not_kept() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::websocket(&server, "/socket.io/").await;
    let socket = engine.connect("/", "ann").await;
    for fields in [json!({"requires_ack": false}), json!({"requires_ack": false, "priority": "urgent"})] {
        let message_id = publish(&server, fields).await;
        assert_eq!(engine.next_event("/", "custom:ack").await, 1);
        server.get(&format!("/api/ws/broadcasts/{message_id}")).await.assert_error(404, "NOT_FOUND");
        assert_eq!(engine.ask("/", "ack", json!({"message_id": message_id})).await["success"], false);
    }
    for unknown in ["unknown", "%2e%2e", "%00", &socket, &"x".repeat(8000)] {
        server.get(&format!("/api/ws/broadcasts/{unknown}")).await.assert_error(404, "NOT_FOUND");
    }
    for path in ["/api/ws/broadcasts", "/api/ws/broadcasts/", "/api/ws/broadcasts/a/b"] {
        server.get(path).await.assert_error(404, "NOT_FOUND");
    }
}

#[actix_web::test]
async fn only_admins_may_ask() {
    let key = "an-admin-key-of-some-length";
    let server = TestServer::by_hand(&[("ADMIN_API_KEY", key)]);
    let body = br#"{"type":"custom:ack","data":1,"requires_ack":true}"#;
    let posted =
        http::request(server.address(), "POST", BROADCAST, &[JSON, ("x-admin-key", key)], body).await;
    let path = format!("/api/ws/broadcasts/{}", posted.json()["message_id"].as_str().unwrap());
    let user = format!("Bearer {}", token::sign(json!({"sub": "ann"})));
    let admin = format!("Bearer {}", token::sign(json!({"sub": "ann", "role": "admin"})));
    for path in [&*path, "/api/ws/broadcasts/unknown"] {
        server.get(path).await.assert_error(401, "UNAUTHORIZED");
        let asked = http::request(server.address(), "GET", path, &[("authorization", &user)], b"").await;
        assert_eq!(asked.status, 403, "{}", asked.text());
    }
    for shown in [("x-admin-key", key), ("authorization", &*admin)] {
        let asked = http::request(server.address(), "GET", &path, &[shown], b"").await;
        assert_eq!(asked.status, 200, "{}", asked.text());
        let head = http::request(server.address(), "HEAD", &path, &[shown], b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    let other = http::request(server.address(), "DELETE", &path, &[], b"").await;
    other.assert_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(other.header("allow"), Some("GET, HEAD"));
}

/// Contract X-29: acknowledgements take from no bucket, whoever waits to hear of them.
#[actix_web::test]
async fn an_acknowledgement_with_a_callback_takes_nothing_from_the_rate() {
    let server = TestServer::by_hand(&[("RATE_LIMIT_MESSAGES_PER_SECOND", "3")]);
    for mut engine in Engine::both(&server, "/socket.io/").await {
        let socket = engine.connect("/", "ann").await;
        for _ in 0..6 {
            let message_id = publish_to(&server, &[&socket]).await;
            engine.hear().await;
            let answer = engine.ask("/", "ack", json!({"message_id": message_id})).await;
            assert_eq!(answer["success"], true, "{answer}");
        }
        let unknown = engine.ask("/", "ack", json!({"message_id": "none"})).await;
        assert_eq!(unknown["code"], "INVALID_MESSAGE", "{unknown}");
        // But one that cannot be read is a message like any other, and CONNECT was one.
        for code in ["INVALID_MESSAGE", "INVALID_MESSAGE", "RATE_LIMIT_EXCEEDED"] {
            let answer = engine.ask("/", "ack", json!({"message_id": {}})).await;
            assert_eq!(answer["code"], code, "{answer}");
        }
    }
}
