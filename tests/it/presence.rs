//! Who is seen in a room: `join_room`, `leave_room`, `user_joined`, `user_left` (contract,
//! C-020 to C-029, C-096).

use serde_json::{Value, json};

use crate::support::engine::Engine;
use crate::support::{TestServer, http};

const ROOM: &str = "blueprint-123";
const PATH: &str = "/socket.io/";

async fn ann_and_bob(server: &TestServer) -> [Engine; 2] {
    let [mut ann, mut bob] = Engine::both(server, PATH).await;
    ann.connect_with("/", json!({"sub": "ann", "name": "Ann"})).await;
    bob.connect("/", "bob").await;
    [ann, bob]
}

/// Joins to be seen. Gives the ids of who is.
async fn enter(engine: &mut Engine, body: Value) -> Vec<String> {
    engine.emit("/", "join_room", body).await;
    let joined = engine.next_event("/", "room_joined").await;
    assert_eq!((&joined["room"], &joined["roomId"]), (&json!(ROOM), &json!(ROOM)));
    let users = joined["users"].as_array().expect("the users").iter();
    users.map(|user| user["userId"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn others_hear_of_who_comes_and_goes_and_newcomers_who_is_there() {
    let server = TestServer::by_hand(&[]);
    let [mut ann, mut bob] = ann_and_bob(&server).await;
    // Nobody speaks for another: the payload's id counts for nothing.
    assert_eq!(enter(&mut ann, json!({"roomId": ROOM, "userId": "bob", "userName": "x"})).await, ["ann"]);
    assert_eq!(enter(&mut bob, json!({"roomId": ROOM, "userName": "Bob"})).await, ["ann", "bob"]);
    let heard = ann.next_event("/", "user_joined").await;
    assert_eq!((&heard["userId"], &heard["userName"]), (&json!("bob"), &json!("Bob")));
    assert_eq!((&heard["roomId"], heard["timestamp"].is_i64()), (&json!(ROOM), true));

    // Twice is once.
    enter(&mut bob, json!({"roomId": ROOM})).await;
    ann.expect_nothing("/").await;
    bob.emit("/", "leave_room", json!({"roomId": ROOM})).await;
    assert_eq!(bob.next_event("/", "room_left").await["roomId"], ROOM);
    assert_eq!(ann.next_event("/", "user_left").await["userName"], "Bob");
    ann.expect_nothing("/").await;
}

#[actix_web::test]
async fn the_acknowledgement_names_the_users() {
    let server = TestServer::by_hand(&[]);
    let [mut ann, _bob] = ann_and_bob(&server).await;
    ann.say(&format!("425{}", json!(["join_room", {"roomId": ROOM}]))).await;
    ann.next_event("/", "room_joined").await;
    let ack = ann.next_ack("/", 5).await;
    let now = ack["users"][0]["joinedAt"].clone();
    assert!(now.is_i64());
    let users = json!([{"userId": "ann", "userName": "Ann", "joinedAt": now}]);
    assert_eq!(ack, json!({"status": "success", "success": true, "roomId": ROOM, "users": users}));
}

#[actix_web::test]
async fn a_user_is_there_until_the_last_socket_has_gone_however_it_goes() {
    let server = TestServer::by_hand(&[]);
    let mut witness = server.sign_in(json!({"sub": "w"})).await;
    witness.join(ROOM).await;
    for end in ["disconnect", "lost", "kick", "expired"] {
        let mut engines = Vec::new();
        for _ in 0..2 {
            let mut engine = Engine::websocket(&server, PATH).await;
            let exp = server.clock.seconds() + 3600;
            let id = engine.connect_with("/", json!({"sub": "ann", "exp": exp})).await;
            enter(&mut engine, json!({"roomId": ROOM})).await;
            engines.push((engine, id));
        }
        assert_eq!(witness.next("user_joined").await["data"]["userId"], "ann", "{end}");
        let (mut last, id) = engines.pop().unwrap();
        engines[0].0.say("41").await;
        // The first one's end is heard of by nobody: the marker comes next.
        server.broadcast(json!({"type": "custom:marker", "room": ROOM, "data": 1})).await;
        last.next_event("/", "custom:marker").await;
        witness.next("custom:marker").await;
        match end {
            "disconnect" => last.say("41").await,
            "lost" => drop(last),
            "kick" => {
                let path = format!("/api/ws/connections/{id}");
                let answer = http::request(server.address(), "DELETE", &path, &[], b"").await;
                assert_eq!(answer.status, 200);
            }
            _ => server.clock.advance(std::time::Duration::from_secs(3600)),
        }
        assert_eq!(witness.next("user_left").await["data"]["userId"], "ann", "{end}");
    }
}

#[actix_web::test]
async fn who_joins_silently_is_not_seen_and_who_has_proven_nothing_neither() {
    let server = TestServer::by_hand(&[("PUBLIC_ROOMS", "blueprint-123")]);
    let [mut ann, mut bob] = ann_and_bob(&server).await;
    enter(&mut ann, json!({"roomId": ROOM})).await;
    bob.join("/", ROOM).await;
    let mut nobody = server.connect().await;
    nobody.send(json!({"type": "join_room", "payload": {"roomId": ROOM, "userName": "Root"}})).await;
    let joined = nobody.next("room_joined").await;
    assert_eq!(joined["data"]["users"].as_array().map(Vec::len), Some(1));
    nobody.send(json!({"type": "leave_room", "payload": {"roomId": ROOM}})).await;
    nobody.next("room_left").await;
    ann.expect_nothing("/").await;
    bob.expect_nothing("/").await;
}
