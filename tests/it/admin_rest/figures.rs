//! Health, status and rooms: every number is one that was driven here.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{TestServer, http, until};

#[actix_web::test]
async fn health_tells_anyone_how_long_and_how_many() {
    let server = TestServer::by_hand(&[("ADMIN_AUTH", "required")]);
    let _socket = server.connect().await;
    server.clock.advance(Duration::from_millis(12_900));
    let timestamp = "2026-01-01T00:00:12.900Z";

    let health = server.get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({
            "status": "ok", "uptime_seconds": 12, "connections": 1,
            "version": env!("CARGO_PKG_VERSION"), "timestamp": timestamp
        })
    );
    let health = server.get("/api/ws/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({
            "status": "healthy", "service": "switchboard", "initialized": true, "active_connections": 1,
            "uptime_seconds": 12, "timestamp": timestamp
        })
    );
}

#[actix_web::test]
async fn a_server_that_stops_says_so_until_it_has() {
    let server = TestServer::by_hand(&[]);
    let (address, clock) = (server.address(), Arc::clone(&server.clock));
    let mut socket = server.connect().await;
    let stopping = actix_web::rt::spawn(server.stop());
    // From here on its goodbye stays unanswered, so the server waits for a deadline.
    socket.next("system:maintenance").await;

    for (path, status) in [("/health", "stopping"), ("/api/ws/health", "unhealthy")] {
        let health = http::request(address, "GET", path, &[], b"").await;
        assert_eq!(health.status, 503, "{}", health.text());
        assert_eq!(health.json()["status"], status);
    }
    let handshake = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let refused = http::request(address, "GET", "/ws", &handshake, b"").await;
    refused.assert_error(503, "UNAVAILABLE");
    assert!(refused.header("retry-after").is_some());

    until(|| {
        clock.advance(Duration::from_secs(1));
        stopping.is_finished()
    })
    .await;
    stopping.await.unwrap();
}

async fn status(server: &TestServer) -> Value {
    let answer = server.get("/api/ws/status").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn rooms(server: &TestServer, query: &str) -> Value {
    let answer = server.get(&format!("/api/ws/rooms{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn clients(count: u64) -> Value {
    json!({ "clientCount": count })
}

#[actix_web::test]
async fn an_empty_server_has_nobody_and_no_rooms() {
    let server = TestServer::by_hand(&[]);
    let expected = json!({
        "status": "running", "totalClients": 0, "authenticatedClients": 0, "rooms": {}, "uptime_seconds": 0
    });
    assert_eq!(status(&server).await, expected);
    let expected = json!({"success": true, "rooms": [], "total_count": 0, "by_name": {}});
    assert_eq!(rooms(&server, "").await, expected);
}

#[actix_web::test]
async fn the_figures_follow_joins_leaves_and_crashes() {
    let server = TestServer::start();
    let mut stays = server.connect().await;
    let mut leaves = server.sign_in(json!({"sub": "u1"})).await;
    let mut crashes = server.sign_in(json!({"sub": "u2"})).await;
    for socket in [&mut stays, &mut leaves, &mut crashes] {
        socket.join("dashboard:overview").await;
        // A second time changes nothing.
        socket.join("dashboard:overview").await;
    }
    crashes.join("voice:training").await;

    let all = status(&server).await;
    assert_eq!((&all["totalClients"], &all["authenticatedClients"]), (&json!(3), &json!(2)));
    let expected = json!({
        "dashboard:overview": clients(3), "global": clients(2), "user:u1": clients(1),
        "user:u2": clients(1), "voice:training": clients(1)
    });
    assert_eq!(all["rooms"], expected);

    leaves.send(json!({"type": "leave", "payload": {"room": "dashboard:overview"}})).await;
    leaves.next("room_left").await;
    assert_eq!(status(&server).await["rooms"]["dashboard:overview"], clients(2));

    // No close frame and no FIN: a reset.
    let crashed = crashes.into_stream();
    socket2::SockRef::from(&crashed).set_linger(Some(Duration::ZERO)).unwrap();
    drop(crashed);
    server.until_connections(2).await;
    let left = status(&server).await;
    assert_eq!((&left["totalClients"], &left["authenticatedClients"]), (&json!(2), &json!(1)));
    let expected = json!({"dashboard:overview": clients(1), "global": clients(1), "user:u1": clients(1)});
    assert_eq!(left["rooms"], expected);
    assert_eq!(rooms(&server, "").await["by_name"], expected, "both routes count the same");
}

/// A row of `GET /api/ws/rooms`.
fn row(name: &str, kind: &str, members: u64, organization: Option<&str>, second: u8) -> Value {
    let created_at = format!("2026-01-01T00:00:0{second}.000Z");
    let mut row = json!({
        "room_id": name, "room_type": kind, "member_count": members, "created_at": created_at
    });
    if let Some(organization) = organization {
        row["organization_id"] = json!(organization);
    }
    row
}

#[actix_web::test]
async fn every_room_is_listed_with_its_type_its_members_and_its_time() {
    let server = TestServer::by_hand(&[]);
    let exp = server.clock.seconds() + 3600;
    let mut a = server.sign_in(json!({"sub": "u1", "org": "A", "exp": exp, "role": "admin"})).await;
    server.clock.advance(Duration::from_secs(1));
    let mut b = server.sign_in(json!({"sub": "u1", "org": "B", "exp": exp})).await;
    let mut nobody = server.connect().await;
    b.join("blueprint-1").await;
    server.clock.advance(Duration::from_secs(1));
    for room in ["blueprint-1", "admin:broadcast", "agent:1", "project:1", "voice:training"] {
        a.join(room).await;
    }
    for room in ["clips:analytics", "dashboard:overview", "public:lobby"] {
        nobody.join(room).await;
    }

    let listed = rooms(&server, "").await;
    let mut found = listed["rooms"].clone();
    // Whether a room that has its organization in its name tells it once more is not settled.
    for row in found.as_array_mut().unwrap().iter_mut().filter(|row| row["room_type"] == "org") {
        row.as_object_mut().unwrap().remove("organization_id");
    }
    let expected = json!([
        row("admin:broadcast", "admin", 1, Some("A"), 2),
        row("agent:1", "agent", 1, Some("A"), 2),
        row("blueprint-1", "other", 1, Some("A"), 2),
        row("blueprint-1", "other", 1, Some("B"), 1),
        row("clips:analytics", "clips", 1, None, 2),
        row("dashboard:overview", "dashboard", 1, None, 2),
        row("global", "global", 2, None, 0),
        row("org:A", "org", 1, None, 0),
        row("org:B", "org", 1, None, 1),
        row("project:1", "project", 1, Some("A"), 2),
        row("public:lobby", "public", 1, None, 2),
        row("user:u1", "user", 1, Some("A"), 0),
        row("user:u1", "user", 1, Some("B"), 1),
        row("voice:training", "voice", 1, Some("A"), 2),
    ]);
    assert_eq!(found, expected, "sorted by name, then by organization");
    assert_eq!(listed["total_count"], 14);
    for shared in ["blueprint-1", "user:u1"] {
        assert_eq!(listed["by_name"][shared], clients(2), "{shared}: summed over organizations");
    }
    assert_eq!(listed["by_name"].as_object().unwrap().len(), 12);
    assert_eq!(status(&server).await["rooms"], listed["by_name"]);
}

#[actix_web::test]
async fn a_room_that_everyone_left_begins_anew() {
    let server = TestServer::by_hand(&[]);
    let mut socket = server.connect().await;
    socket.join("public:lobby").await;
    socket.send(json!({"type": "leave", "payload": {"room": "public:lobby"}})).await;
    socket.next("room_left").await;
    assert_eq!(rooms(&server, "").await["total_count"], 0);

    server.clock.advance(Duration::from_secs(5));
    socket.join("public:lobby").await;
    assert_eq!(rooms(&server, "").await["rooms"], json!([row("public:lobby", "public", 1, None, 5)]));
}

#[actix_web::test]
async fn a_prefix_is_a_prefix_and_nothing_else() {
    const ODD: &str = "Zimmer 7 \u{e4}+%";
    let server = TestServer::start();
    let mut socket = server.sign_in(json!({"sub": "u1"})).await;
    for room in ["public:a.b", "public:ab", ODD] {
        socket.join(room).await;
    }
    let all = &[ODD, "global", "public:a.b", "public:ab", "user:u1"][..];
    let cases = [
        ("", all),
        ("?prefix", all),
        ("?prefix=", all),
        ("?other=1", all),
        ("?prefix=public:", &["public:a.b", "public:ab"]),
        ("?prefix=public%3Aa%2E", &["public:a.b"]),
        ("?other=x&prefix=user:u1", &["user:u1"]),
        ("?prefix=Zimmer+7+%C3%A4%2B%25", &[ODD]),
        ("?prefix=Zimmer%207", &[ODD]),
        ("?prefix=lic:", &[]),
        ("?prefix=*", &[]),
        ("?prefix=PUBLIC:", &[]),
        ("?prefix=public:a.b.c", &[]),
        ("?prefix=%FF%zz", &[]),
    ];
    for (query, names) in cases {
        let found = rooms(&server, query).await;
        let listed = found["rooms"].as_array().unwrap().iter().map(|row| row["room_id"].as_str().unwrap());
        assert_eq!(listed.collect::<Vec<_>>(), names, "{query}");
        assert_eq!(found["total_count"], names.len(), "{query}");
        let by_name: Vec<&String> = found["by_name"].as_object().unwrap().keys().collect();
        assert_eq!(by_name, names, "{query}");
    }
}
