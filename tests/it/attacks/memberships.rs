//! Rooms and credentials in hostile hands: what nobody may cause, keep or take away (contract X-10,
//! sections 9 and 10).

use serde_json::json;

use crate::support::engine::Engine;
use crate::support::{TestServer, http, token};

/// Contract section 9: no client causes an event in `global`; X-17: it is of all organizations.
#[actix_web::test]
async fn nobody_is_seen_by_the_whole_server() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/socket.io/").await;
    ann.connect_with("/", json!({"sub": "ann", "org": "acme"})).await;
    let mut bob = Engine::websocket(&server, "/socket.io/").await;
    bob.connect_with("/", json!({"sub": "bob", "org": "other"})).await;
    ann.emit("/", "join_room", json!({"roomId": "global", "userName": "buy at evil.example"})).await;
    ann.hear().await;
    bob.expect_nothing("/").await;
}

/// Contract 0.2 and section 9: `global` is for project, collab and plain with a JWT.
#[actix_web::test]
async fn intraday_is_not_in_global() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/ws/").await;
    ann.connect_with("/", json!({"sub": "ann", "org": "acme"})).await;
    let own = ann.expect_nothing("/").await;
    assert_eq!(own["rooms"], json!(["org:acme", "user:ann"]));
}

/// Guide 004's documented call works in a browser that is signed in elsewhere on the site: it cannot
/// drop the cookie, and 0.2 gives intraday no cookie.
#[actix_web::test]
async fn a_cookie_does_not_stand_in_the_way_of_guide_004() {
    let server = TestServer::by_hand(&[]);
    let bearer = format!("Bearer {}", token::sign(json!({"sub": "ann"})));
    let headers = [("authorization", &*bearer)];
    let answer = http::request(server.address(), "POST", "/auth/session", &headers, b"").await;
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let mut page = Engine::websocket_with(&server, "/ws/", &[("cookie", &cookie)]).await;
    page.say("40").await;
    page.hear().await;
    page.hear().await;
    let ids = json!({"user_id": "user_1", "organization_id": "org_1"});
    let ack = page.ask("/", "authenticate", ids).await;
    assert_eq!(ack["success"], true, "{ack}");
}

/// Contract 7.1 and section 9: channels are for those who claim or prove to be of the organization.
#[actix_web::test]
async fn a_tenant_s_key_subscribes_to_no_channel() {
    let file = std::env::temp_dir().join(format!("review-tenants-{}.json", std::process::id()));
    let text = r#"[{"id":"t","name":"T","organization_id":"acme","keys":[{"key":"k","active":true}]}]"#;
    std::fs::write(&file, text).unwrap();
    let server = TestServer::by_hand(&[("TENANTS_FILE", file.to_str().unwrap())]);
    std::fs::remove_file(&file).unwrap();
    let mut flow = Engine::websocket_with(&server, "/socket.io/", &[("x-tenant-key", "k")]).await;
    flow.say("40/events,").await;
    flow.hear().await;
    flow.hear().await;
    let ack = flow.ask("/events", "subscribe", json!({"channels": ["all"]})).await;
    assert_eq!(ack["code"], "UNAUTHORIZED", "{ack}");
}

/// Contract section 10, MAX_ROOMS_PER_CONNECTION.
#[actix_web::test]
async fn a_connection_joins_so_many_rooms_over_all_its_namespaces() {
    let server = TestServer::by_hand(&[("MAX_ROOMS_PER_CONNECTION", "1")]);
    let mut ann = Engine::websocket(&server, "/socket.io/").await;
    ann.connect("/", "ann").await;
    ann.connect("/ws", "ann").await;
    ann.join("/", "a").await;
    let ack = ann.ask("/ws", "subscribe", json!({"room": "b"})).await;
    assert_eq!(ack["code"], "SUBSCRIPTION_FAILED", "{ack}");
}

/// What was left is named once.
#[actix_web::test]
async fn a_room_that_is_left_twice_over_is_named_once() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/ws/").await;
    ann.connect_with("/", json!({"sub": "ann", "org": "acme"})).await;
    ann.ask("/", "subscribe", json!({"channels": ["kpi"]})).await;
    let both = json!({"room": "kpi:org:acme", "channels": ["kpi"]});
    let ack = ann.ask("/", "unsubscribe", both).await;
    assert_eq!(ack["rooms"], json!(["kpi:org:acme"]), "{ack}");
}

/// A name that says nothing is none: the id stands in for it.
#[actix_web::test]
async fn an_empty_name_in_a_token_is_no_name() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/socket.io/").await;
    ann.connect_with("/", json!({"sub": "ann", "name": " \u{7}"})).await;
    ann.emit("/", "join_room", json!({"roomId": "r"})).await;
    let joined = ann.next_event("/", "room_joined").await;
    assert_eq!(joined["users"][0]["userName"], "ann");
}

/// Contract D-33: `user_ids` ignores what one has subscribed to.
#[actix_web::test]
async fn a_user_is_reached_whatever_rooms_were_left() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/socket.io/").await;
    ann.connect("/", "ann").await;
    let refused = ann.ask("/", "unsubscribe", json!({"room": "user:ann"})).await;
    assert_eq!(refused["code"], "UNAUTHORIZED", "{refused}");
    let answer = server.broadcast(json!({"type": "custom:x", "user_id": "ann", "data": 1})).await;
    assert_eq!(answer["recipients_count"], 1);
}

/// Contract section 9: a tenant's room is left and joined by nobody's request.
#[actix_web::test]
async fn a_tenant_s_room_is_not_left_for_good() {
    let server = TestServer::by_hand(&[]);
    let headers = [("x-tenant-key", "demo-tenant-key-1")];
    let mut flow = Engine::websocket_with(&server, "/socket.io/", &headers).await;
    flow.say("40/events,").await;
    flow.hear().await;
    flow.hear().await;
    let refused = flow.ask("/events", "unsubscribe", json!({"room": "tenant:demo1"})).await;
    assert_eq!(refused["code"], "UNAUTHORIZED", "{refused}");
    let body = json!({"type": "lead_event", "data": {}, "target": {"tenant_id": "demo1"}});
    assert_eq!(server.broadcast(body).await["recipients_count"], 1);
}

/// Contract D-08: what nobody was there to hear is no event.
#[actix_web::test]
async fn leaving_an_empty_room_is_no_event() {
    let server = TestServer::by_hand(&[]);
    let mut ann = Engine::websocket(&server, "/socket.io/").await;
    ann.connect("/", "ann").await;
    ann.emit("/", "join_room", json!({"roomId": "r"})).await;
    ann.next_event("/", "room_joined").await;
    ann.emit("/", "leave_room", json!({"roomId": "r"})).await;
    ann.next_event("/", "room_left").await;
    let stats = server.get("/api/v1/websocket/stats").await.json();
    assert_eq!(stats["events_emitted"], 0);
}
