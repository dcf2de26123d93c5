//! One POST, and every client it is for has it: whole journeys over real sockets.

use serde_json::json;

use crate::support::TestServer;
use crate::support::socket::Socket;
use crate::support::token;

#[actix_web::test]
async fn a_post_without_a_target_reaches_every_socket() {
    let server = TestServer::start();
    let mut nobody = server.connect().await;
    let mut user = server.sign_in(json!({"sub": "u1"})).await;

    let answer =
        server.broadcast(json!({"event": "system:notification", "data": {"message": "hi", "n": 1.50}})).await;

    assert_eq!(answer["recipients_count"], 2);
    for socket in [&mut nobody, &mut user] {
        let frame = socket.next("system:notification").await;
        assert_eq!(frame["data"]["message"], "hi");
        assert!(frame.get("room").is_none());
        assert_eq!(frame["timestamp"], answer["sent_at"]);
    }
}

#[actix_web::test]
async fn a_post_to_a_room_reaches_its_members_once_and_names_the_room() {
    let server = TestServer::start();
    let (mut inside, mut outside) = (server.connect().await, server.connect().await);
    inside.join("dashboard:overview").await;

    let answer = server
        .broadcast(json!({"type": "metric_update", "room": "dashboard:overview", "data": {"a": 45.50}}))
        .await;

    assert_eq!(answer["recipients_count"], 1);
    let frame = inside.next("metric_update").await;
    assert_eq!(frame["room"], "dashboard:overview");
    inside.expect_nothing().await;
    outside.expect_nothing().await;
}

#[actix_web::test]
async fn the_payload_arrives_to_the_letter() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let data =
        r#"{"z":1,"a":45.50,"e":1e2,"big":12345678901234567890123,"u":"\u00e9","nested":{"z":[1 , 2]}}"#;
    let body = format!(r#"{{"type":"custom:event","data":{data}}}"#);

    let headers = [("content-type", "application/json; charset=utf-8")];
    let answer = crate::support::http::request(
        server.address(),
        "POST",
        "/api/ws/broadcast",
        &headers,
        body.as_bytes(),
    );
    assert_eq!(answer.await.status, 200);

    let Some(frame) = socket.next_message().await else { panic!("the socket ended") };
    assert!(frame.to_text().unwrap().contains(data), "{frame}");
}

#[actix_web::test]
async fn a_user_is_reached_on_every_socket_and_nobody_else_is() {
    let server = TestServer::start();
    let mut phone = server.sign_in(json!({"sub": "user-123"})).await;
    let mut desk = server.sign_in(json!({"sub": "user-123"})).await;
    let mut other = server.sign_in(json!({"sub": "user-456"})).await;

    let answer = server
        .broadcast(json!({"type": "notification", "user_id": "user-123", "data": {"message": "ready"}}))
        .await;

    assert_eq!(answer["recipients_count"], 2);
    for socket in [&mut phone, &mut desk] {
        let frame = socket.next("notification").await;
        assert_eq!(frame["data"]["message"], "ready");
        assert_eq!(frame["data"]["priority"], "medium");
        assert_eq!(frame["data"]["read"], false);
        assert_eq!(frame["data"]["id"], answer["message_id"]);
        assert_eq!(frame["room"], "user:user-123");
    }
    other.expect_nothing().await;
}

#[actix_web::test]
async fn an_organization_is_reached_and_no_other() {
    let server = TestServer::start();
    let mut a = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let mut b = server.sign_in(json!({"sub": "u2", "org": "B"})).await;
    let mut nobody = server.connect().await;

    let answer = server
        .broadcast(json!({
            "event": "system:notification", "data": {"message": "A only"},
            "target": {"organization_id": "A"}, "priority": "urgent", "requires_ack": true
        }))
        .await;

    assert_eq!(answer["recipients_count"], 1);
    let frame = a.next("system:notification").await;
    assert_eq!(frame["requires_ack"], true);
    assert_eq!(frame["message_id"], answer["message_id"]);
    a.send(json!({"type": "ack", "payload": {"message_id": answer["message_id"]}})).await;
    a.expect_nothing().await;
    b.expect_nothing().await;
    nobody.expect_nothing().await;
}

#[actix_web::test]
async fn one_room_name_in_two_organizations_is_two_rooms() {
    let server = TestServer::start();
    let mut a = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let mut b = server.sign_in(json!({"sub": "u2", "org": "B"})).await;
    a.join("blueprint-123").await;
    b.join("blueprint-123").await;

    let to_a = json!({"room": "blueprint-123", "organization_id": "A"});
    let answer = server.broadcast(json!({"type": "custom:x", "data": 1, "target": to_a})).await;
    assert_eq!(answer["recipients_count"], 1);
    a.next("custom:x").await;
    b.expect_nothing().await;

    let both = server.broadcast(json!({"type": "custom:y", "data": 2, "room": "blueprint-123"})).await;
    assert_eq!(both["recipients_count"], 2);
    a.next("custom:y").await;
    b.next("custom:y").await;
}

#[actix_web::test]
async fn named_sockets_are_reached() {
    let server = TestServer::start();
    let (mut first, mut second) = (server.connect().await, server.connect().await);

    let target = json!({"socket_ids": [first.id, "nobody", first.id]});
    let answer = server.broadcast(json!({"event": "kpi:update", "data": {}, "target": target})).await;

    assert_eq!(answer["recipients_count"], 1);
    first.next("kpi:update").await;
    first.expect_nothing().await;
    second.expect_nothing().await;
}

#[actix_web::test]
async fn a_channel_without_subscribers_reaches_nobody() {
    let server = TestServer::start();
    let mut member = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let target = json!({"organization_id": "A", "department_id": "d"});
    let answer = server.broadcast(json!({"event": "kpi:update", "data": {}, "target": target})).await;
    assert_eq!(answer["recipients_count"], 0);
    member.expect_nothing().await;
}

#[actix_web::test]
async fn signing_in_on_the_open_socket_brings_its_rooms() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    assert!(socket.rooms().await.is_empty());

    socket.send(json!({"type": "auth", "payload": {"token": "garbage"}, "id": 7})).await;
    let error = socket.next_error("AUTH_FAILED").await;
    assert_eq!(error["id"], 7);
    assert_eq!(error["data"]["message"], "Authentication failed");

    let token = token::sign(json!({"sub": "u1", "org": "o"}));
    socket.send(json!({"type": "auth", "payload": {"token": token}})).await;
    assert_eq!(socket.next("auth:success").await["data"]["userId"], "u1");
    assert_eq!(socket.rooms().await, ["global", "org:o", "user:u1"]);
}

#[actix_web::test]
async fn a_rotated_token_must_name_the_same_bearer() {
    let server = TestServer::start();
    let mut socket = server.sign_in(json!({"sub": "u1", "org": "o"})).await;

    for other in [json!({"sub": "u2", "org": "o"}), json!({"sub": "u1", "org": "p"}), json!({"sub": "u1"})] {
        socket.send(json!({"type": "auth", "payload": {"token": token::sign(other)}})).await;
        socket.next_error("AUTH_FAILED").await;
    }
    let same = token::sign(json!({"sub": "u1", "org": "o"}));
    socket.send(json!({"event": "authenticate", "data": {"token": same}})).await;
    let answer = socket.next("authenticated").await;
    assert_eq!(answer["data"]["success"], true);
    assert_eq!(answer["data"]["socket_id"], socket.id.as_str());
    assert_eq!(socket.rooms().await, ["global", "org:o", "user:u1"]);
}

#[actix_web::test]
async fn a_rotated_token_with_fewer_rights_leaves_the_rooms_it_may_not_be_in() {
    let server = TestServer::start();
    let mut socket = server.sign_in(json!({"sub": "u", "role": "admin", "rooms": ["secret", "open"]})).await;
    for room in ["admin:broadcast", "secret", "open", "dashboard:overview"] {
        socket.join(room).await;
    }
    let lesser = token::sign(json!({"sub": "u", "rooms": ["open"]}));
    socket.send(json!({"type": "auth", "payload": {"token": lesser}})).await;
    socket.next("auth:success").await;
    assert_eq!(socket.rooms().await, ["dashboard:overview", "global", "open", "user:u"]);
    for room in ["admin:broadcast", "secret"] {
        let answer = server.broadcast(json!({"type": "custom:x", "room": room, "data": 1})).await;
        assert_eq!(answer["recipients_count"], 0);
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn a_socket_is_alone_in_the_room_of_its_own_id() {
    let server = TestServer::start();
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    let answer = server.broadcast(json!({"type": "custom:x", "room": first.id, "data": 1})).await;
    assert_eq!(answer["recipients_count"], 1);
    first.next("custom:x").await;
    second.expect_nothing().await;
}

#[actix_web::test]
async fn every_credential_of_guide_002_signs_in_and_one_bad_one_spoils_all() {
    let server = TestServer::start();
    let token = token::sign(json!({"sub": "u1"}));
    let bearer = format!("Bearer {token}");
    let by_query = format!("/ws/?token={token}");
    let cases: [(&str, Vec<(&str, &str)>); 3] = [
        (&by_query, vec![]),
        ("/ws", vec![("authorization", &bearer)]),
        ("/ws", vec![("x-auth-token", &token)]),
    ];
    for (path, headers) in &cases {
        let mut socket = Socket::open(server.address(), path, headers).await;
        let welcome = socket.next("connection_established").await;
        assert_eq!(welcome["data"]["authenticated"], true);
        assert_eq!(welcome["data"]["user_id"], "u1");
        assert_eq!(socket.next("auth:success").await["data"]["userId"], "u1");
    }
    let mixed = [("authorization", &*bearer), ("x-auth-token", "garbage")];
    let mut socket = Socket::open(server.address(), "/ws", &mixed).await;
    assert_eq!(socket.next("connection_established").await["data"]["authenticated"], false);
    socket.next_error("AUTH_FAILED").await;
    assert!(socket.rooms().await.is_empty());
}

#[actix_web::test]
async fn the_status_counts_what_is_there() {
    let server = TestServer::start();
    let mut nobody = server.connect().await;
    let user = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    nobody.join("dashboard:overview").await;

    let status = server.get("/api/ws/status").await.json();
    assert_eq!(status["status"], "running");
    assert_eq!((&status["totalClients"], &status["authenticatedClients"]), (&json!(2), &json!(1)));
    assert_eq!(status["rooms"]["dashboard:overview"]["clientCount"], 1);

    let rooms = server.get("/api/ws/rooms?prefix=user%3A").await.json();
    assert_eq!(rooms["total_count"], 1);
    assert_eq!(rooms["rooms"][0]["room_id"], "user:u1");
    assert_eq!(rooms["rooms"][0]["organization_id"], "A");
    assert_eq!(rooms["by_name"]["user:u1"]["clientCount"], 1);

    drop((nobody, user));
    server.until_connections(0).await;
    let status = server.get("/api/ws/status").await.json();
    assert_eq!((&status["totalClients"], &status["rooms"]), (&json!(0), &json!({})));
}

#[actix_web::test]
async fn a_stop_says_goodbye_to_everyone() {
    let server = TestServer::start();
    let (first, second) = (server.connect().await, server.sign_in(json!({"sub": "u1"})).await);

    let goodbye = async move {
        for mut socket in [first, second] {
            socket.next("system:maintenance").await;
            assert_eq!(socket.next_close().await, 1012);
        }
    };
    tokio::join!(server.stop(), goodbye);
}

#[actix_web::test]
async fn a_crowd_is_closed_part_by_part_and_nobody_is_forgotten() {
    let server = TestServer::start();
    let mut crowd = Vec::new();
    for _ in 0..600 {
        crowd.push(server.connect().await);
    }
    let goodbye = async move {
        for mut socket in crowd {
            socket.next("system:maintenance").await;
            assert_eq!(socket.next_close().await, 1012);
        }
    };
    tokio::join!(server.stop(), goodbye);
}

#[actix_web::test]
async fn clients_on_all_listeners_are_in_the_same_rooms() {
    let server = TestServer::with(&[("EXTRA_PORTS", "0,0")]);
    let addresses = server.running().addresses().to_vec();
    assert_eq!(addresses.len(), 3);
    let mut sockets = Vec::new();
    for address in addresses {
        let mut socket = Socket::open(address, "/ws", &[]).await;
        socket.next("connection_established").await;
        socket.join("dashboard:overview").await;
        sockets.push(socket);
    }
    let answer = server.broadcast(json!({"type": "custom:x", "room": "dashboard:overview", "data": 1})).await;
    assert_eq!(answer["recipients_count"], 3);
    for socket in &mut sockets {
        socket.next("custom:x").await;
    }
}

#[actix_web::test]
async fn the_console_is_served_and_what_is_not_there_is_said_in_json() {
    let server = TestServer::start();
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").is_some());
    server.get("/nothing").await.assert_error(404, "NOT_FOUND");
    server.get("/ws").await.assert_error(426, "UPGRADE_REQUIRED");
}
