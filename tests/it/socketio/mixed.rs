//! Everybody in one room: plain sockets, polls and WebSockets, on all namespaces.

use serde_json::{Value, json};

use super::{ROOM, SOCKET_IO, update};
use crate::support::TestServer;
use crate::support::engine::{Engine, base64};
use crate::support::socket::Socket;

/// A member of the room on each transport, each namespace and each path, and a plain one.
struct Room {
    server: TestServer,
    plain: Socket,
    engines: Vec<(Engine, &'static str)>,
}

impl Room {
    async fn of(claims: Value) -> Room {
        let server = TestServer::by_hand(&[]);
        let mut plain = server.sign_in(claims.clone()).await;
        plain.join(ROOM).await;
        let mut engines = Vec::new();
        for path in [SOCKET_IO, "/ws/"] {
            for namespace in ["/", "/ws", "/events"] {
                for mut engine in Engine::both(&server, path).await {
                    engine.connect_with(namespace, claims.clone()).await;
                    engine.join(namespace, ROOM).await;
                    engines.push((engine, namespace));
                }
            }
        }
        Room { server, plain, engines }
    }
}

#[actix_web::test]
async fn all_see_the_same_events_in_the_same_order_each_in_its_own_words() {
    const COUNT: u64 = 500;
    let Room { server, mut plain, mut engines } = Room::of(json!({"sub": "ann"})).await;
    let publisher = async {
        for number in 0..COUNT {
            // Alternately to the room and to everyone: order holds over all rooms.
            let mut body = json!({"type": "custom:n", "data": {"n": number, "text": "\u{1d11e}\u{2028}"}});
            if number % 2 == 0 {
                body["room"] = json!(ROOM);
            }
            let told = server.broadcast(body).await;
            assert_eq!(told["recipients_count"], 13);
        }
    };
    let readers = futures_util::future::join_all(engines.iter_mut().map(|(engine, namespace)| async move {
        for number in 0..COUNT {
            assert_eq!(engine.next_event(namespace, "custom:n").await["n"], number, "{namespace}");
        }
        engine.expect_nothing(namespace).await;
    }));
    let plain_reader = async {
        for number in 0..COUNT {
            let event = plain.next("custom:n").await;
            assert_eq!(event["data"]["n"], number);
            assert!(event["timestamp"].is_string(), "{event}");
        }
        plain.expect_nothing().await;
    };
    tokio::join!(publisher, readers, plain_reader);
}

#[actix_web::test]
async fn a_payload_reaches_everybody_to_the_letter() {
    let Room { server, plain, mut engines } = Room::of(json!({"sub": "ann"})).await;
    let data = r#"{"b":1.50,"a":-0e2,"long":123456789012345678901234567890,"\u0061":"\ud83d\ude00","a":[ ]}"#;
    let body = format!(r#"{{"type":"custom:n","room":"{ROOM}","data":{data}}}"#);
    let headers = [("content-type", "application/json")];
    let path = "/api/ws/broadcast";
    crate::support::http::request(server.address(), "POST", path, &headers, body.as_bytes()).await;
    for (engine, namespace) in &mut engines {
        let head = crate::support::socketio::head(2, namespace);
        engine.expect(&format!(r#"{head}["custom:n",{data}]"#)).await;
    }
    let mut plain = crate::support::wire::Wire::over(plain.into_stream());
    let text = plain.next_text().await;
    assert!(text.contains(&format!(r#""data":{data}"#)), "{text}");
}

#[actix_web::test]
async fn an_update_reaches_the_others_with_its_attachments_each_in_its_own_way() {
    let Room { server: _server, mut plain, mut engines } =
        Room::of(json!({"sub": "ann", "name": "Ann"})).await;
    let content =
        json!({"image": {"_placeholder": true, "num": 1}, "thumb": {"_placeholder": true, "num": 0}});
    let (first, second) = (vec![0xFF_u8; 3], vec![7_u8; 100]);
    for sender in 0..engines.len() {
        let (engine, namespace) = &mut engines[sender];
        if *namespace == "/events" {
            // A tenant is in the room and may not speak in it.
            continue;
        }
        let prefix = if *namespace == "/" { String::new() } else { format!("{namespace},") };
        engine
            .say(&format!("452-{prefix}9{}", json!(["blueprint_update", update(ROOM, content.clone())])))
            .await;
        engine.say_bytes(&first).await;
        engine.say_bytes(&second).await;
        assert_eq!(engine.next_ack(namespace, 9).await["success"], true);
        for (index, (engine, namespace)) in engines.iter_mut().enumerate() {
            if index == sender {
                engine.expect_nothing(namespace).await;
                continue;
            }
            let prefix = if *namespace == "/" { String::new() } else { format!("{namespace},") };
            let packet = engine.hear().await;
            let array = packet.strip_prefix(&format!("452-{prefix}")).expect("two attachments are announced");
            let array: Value = serde_json::from_str(array).unwrap();
            assert_eq!((&array[0], &array[1]["userId"]), (&json!("blueprint_update"), &json!("ann")));
            assert_eq!(array[1]["changes"]["content"], content);
            engine.expect(&format!("b{}", base64(&first))).await;
            engine.expect(&format!("b{}", base64(&second))).await;
        }
        // Contract D-37.
        let told = plain.next("blueprint_update").await;
        let buffer = |bytes: &[u8]| json!({"type": "Buffer", "base64": base64(bytes)});
        let expected = json!({"image": buffer(&second), "thumb": buffer(&first)});
        assert_eq!(told["data"]["changes"]["content"], expected, "{told}");
    }
    plain.expect_nothing().await;
}

#[actix_web::test]
async fn a_plain_update_reaches_socket_io_with_its_buffers_as_attachments() {
    let Room { server: _server, mut plain, mut engines } = Room::of(json!({"sub": "ann"})).await;
    let buffer = json!({"type": "Buffer", "base64": base64(b"\x00\x01\x02")});
    let payload = update(ROOM, json!([buffer, 1, {"deep": buffer}]));
    plain.send(json!({"type": "blueprint_update", "payload": payload, "id": 1})).await;
    let answer = plain.next("blueprint_update:ack").await;
    assert_eq!(answer["data"]["success"], true, "{answer}");
    for (engine, namespace) in &mut engines {
        let packet = engine.hear().await;
        assert!(packet.starts_with("452-"), "{packet}");
        let content = r#""content":[{"_placeholder":true,"num":0},1,{"deep":{"_placeholder":true,"num":1}}]"#;
        assert!(packet.contains(content), "{packet}");
        for _ in 0..2 {
            engine.expect(&format!("b{}", base64(b"\x00\x01\x02"))).await;
        }
        engine.expect_nothing(namespace).await;
    }
}

#[actix_web::test]
async fn more_buffers_than_javascript_clients_take_are_refused_and_reach_nobody() {
    // They disconnect at the eleventh attachment, and for a plain client to send twelve costs nothing.
    let Room { server: _server, mut plain, mut engines } = Room::of(json!({"sub": "ann"})).await;
    let buffer = json!({"type": "Buffer", "base64": base64(b"\x00")});
    for count in [11, 12, 1000] {
        let payload = update(ROOM, json!(vec![&buffer; count]));
        plain.send(json!({"type": "blueprint_update", "payload": payload, "id": 1})).await;
        let refused = plain.next_error("INVALID_MESSAGE").await;
        let words = "The payload's buffers do not fit: too many buffers";
        assert_eq!(refused["data"]["message"], words, "{refused}");
    }
    let payload = update(ROOM, json!(vec![&buffer; 10]));
    plain.send(json!({"type": "blueprint_update", "payload": payload, "id": 1})).await;
    assert_eq!(plain.next("blueprint_update:ack").await["data"]["success"], true);
    for (engine, namespace) in &mut engines {
        let packet = engine.hear().await;
        assert!(packet.starts_with("4510-"), "{packet}");
        for _ in 0..10 {
            engine.expect(&format!("b{}", base64(b"\x00"))).await;
        }
        engine.expect_nothing(namespace).await;
    }
}

#[actix_web::test]
async fn an_update_reaches_nobody_it_is_not_meant_for() {
    let server = TestServer::by_hand(&[]);
    let mut others = Vec::new();
    // In another room, in the room of that name of another organisation, and in none.
    for (claims, room) in [
        (json!({"sub": "bob", "org": "o1"}), Some("blueprint-2")),
        (json!({"sub": "bob", "org": "o2"}), Some(ROOM)),
        (json!({"sub": "bob"}), Some(ROOM)),
        (json!({"sub": "bob", "org": "o1"}), None),
    ] {
        for mut engine in Engine::both(&server, SOCKET_IO).await {
            engine.connect_with("/", claims.clone()).await;
            if let Some(room) = room {
                engine.join("/", room).await;
            }
            others.push(engine);
        }
    }
    let mut ann = Engine::polling(&server, SOCKET_IO).await;
    ann.connect_with("/", json!({"sub": "ann", "org": "o1"})).await;
    ann.join("/", ROOM).await;
    let mut eve = Engine::polling(&server, "/ws/").await;
    eve.connect_with("/", json!({"sub": "eve", "org": "o1"})).await;
    eve.join("/", ROOM).await;
    assert_eq!(ann.ask("/", "blueprint_update", update(ROOM, json!(1))).await["success"], true);
    eve.next_event("/", "blueprint_update").await;
    ann.expect_nothing("/").await;
    for engine in &mut others {
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn who_may_not_publish_reaches_nobody() {
    let server = TestServer::by_hand(&[]);
    let mut member = Engine::websocket(&server, SOCKET_IO).await;
    member.connect("/", "ann").await;
    member.join("/", "public:1").await;
    // Somebody nobody knows, though in the room; and a member of another.
    let mut nobody = Engine::websocket(&server, "/ws/").await;
    nobody.say("40").await;
    nobody.hear().await;
    nobody.next_event("/", "connected").await;
    nobody.join("/", "public:1").await;
    let mut outsider = Engine::polling(&server, SOCKET_IO).await;
    outsider.connect("/", "bob").await;
    for engine in [&mut nobody, &mut outsider] {
        let refused = engine.ask("/", "blueprint_update", update("public:1", json!(1))).await;
        assert_eq!((&refused["success"], &refused["code"]), (&json!(false), &json!("UNAUTHORIZED")));
        engine.emit("/", "blueprint_update", update("public:1", json!(1))).await;
        assert_eq!(engine.next_event("/", "error").await["code"], "UNAUTHORIZED");
    }
    member.expect_nothing("/").await;
}

/// Contract X-04: a client of guide 004's original wrapper hears one `message`, everybody else the name.
#[actix_web::test]
async fn with_envelopes_guide_004_s_clients_hear_one_message_for_each_broadcast() {
    let server = TestServer::by_hand(&[("INTRADAY_MESSAGE_ENVELOPE", "true")]);
    let claims = json!({"sub": "ann", "org": "o"});
    let mut ws = Engine::websocket(&server, "/ws/").await;
    for namespace in ["/", "/ws"] {
        ws.connect_with(namespace, claims.clone()).await;
        ws.ask(namespace, "subscribe", json!({"channels": ["kpi"], "queue_name": "q"})).await;
    }
    let target = json!({"organization_id": "o", "department_id": "d", "queue_name": "q"});
    let told = server
        .broadcast(json!({"event": "kpi:update", "data": {"b": 1.5}, "target": target, "priority": "high"}))
        .await;
    let envelope = json!({
        "message_id": told["message_id"], "event": "kpi:update", "data": {"b": 1.5}, "timestamp": told["sent_at"],
        "organization_id": "o", "department_id": "d", "queue_name": "q", "priority": "high",
    });
    let heard = [ws.hear().await, ws.hear().await];
    let find = |head: &str| heard.iter().find_map(|packet| packet.strip_prefix(head)).expect(head).to_owned();
    let array: Value = serde_json::from_str(&format!("[{}", find("42["))).unwrap();
    assert_eq!(array, json!(["message", envelope]));
    assert_eq!(find("42/ws,"), r#"["kpi:update",{"b":1.5}]"#);
    // What is no broadcast of guide 004 keeps its name.
    server.broadcast(json!({"type": "custom:n", "data": 1, "target": {"room": "user:ann"}})).await;
    let mut heard = [ws.hear().await, ws.hear().await];
    heard.sort();
    assert_eq!(heard, [r#"42/ws,["custom:n",1]"#, r#"42["custom:n",1]"#]);
}

/// However a client spells its namespace.
#[actix_web::test]
async fn with_envelopes_a_namespace_with_a_query_has_them_too() {
    let server = TestServer::by_hand(&[("INTRADAY_MESSAGE_ENVELOPE", "true")]);
    let mut ws = Engine::websocket(&server, "/ws/").await;
    ws.connect_with("/?v=1", json!({"sub": "ann", "org": "o"})).await;
    ws.ask("/?v=1", "subscribe", json!({"channels": ["kpi"]})).await;
    let target = json!({"organization_id": "o"});
    server.broadcast(json!({"event": "kpi:update", "data": {"b": 1.5}, "target": target})).await;
    let heard = ws.next_event("/?v=1", "message").await;
    assert_eq!((&heard["event"], &heard["data"]), (&json!("kpi:update"), &json!({"b": 1.5})));
    server.broadcast(json!({"type": "custom:n", "data": 1})).await;
    assert_eq!(ws.hear().await, r#"42/?v=1,["custom:n",1]"#);
}
