//! Rooms that are not one's own, forged names, and members that vanish.

use serde_json::{Value, json};

use super::messages::UNHURRIED;
use super::{FIN, ROOM, Scene, TEXT, frame};
use crate::support::socket::Socket;

/// Asks to join `room`, whatever it is, and gives the code of the refusal.
async fn refusal(socket: &mut Socket, room: &Value) -> String {
    socket.send(json!({"type": "join", "payload": {"room": room}})).await;
    let answer = socket.next_event().await;
    assert_eq!(answer["type"], "error", "{room} was joined");
    answer["data"]["code"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_forged_room_is_joined_by_nobody() {
    let mut scene = Scene::with(&UNHURRIED).await;
    let mut nobody = scene.server.connect().await;
    let mut user = scene.server.sign_in(json!({"sub": "u1", "org": "A", "rooms": ["only-this"]})).await;
    let mut org_in_disguise = scene.server.sign_in(json!({"sub": "u2", "org": "A:dept:B"})).await;
    let forged = [
        ("org:x", "UNAUTHORIZED"),
        ("org:A:dept:B", "UNAUTHORIZED"),
        ("tenant:x", "UNAUTHORIZED"),
        ("tenant:demo1", "UNAUTHORIZED"),
        ("kpi:org:x", "UNAUTHORIZED"),
        ("kpi:org:A", "UNAUTHORIZED"),
        ("kpi:org:A:dept:d", "UNAUTHORIZED"),
        ("all:org:A:queue:q", "UNAUTHORIZED"),
        ("user:other", "UNAUTHORIZED"),
        ("admin:broadcast", "UNAUTHORIZED"),
        ("kpi:org:", "ROOM_NOT_FOUND"),
        ("kpi:org:a:dept:b:dept:c", "ROOM_NOT_FOUND"),
        ("kpi:global", "ROOM_NOT_FOUND"),
        ("user:", "ROOM_NOT_FOUND"),
        ("user:u1 ", "ROOM_NOT_FOUND"),
        ("user:../u1", "ROOM_NOT_FOUND"),
        ("user:u1\u{200b}", "ROOM_NOT_FOUND"),
        ("admin:", "ROOM_NOT_FOUND"),
        ("admin:Broadcast", "ROOM_NOT_FOUND"),
        ("dashboard:overview ", "ROOM_NOT_FOUND"),
    ];
    for (room, code) in forged {
        for socket in [&mut nobody, &mut user, &mut org_in_disguise] {
            assert_eq!(refusal(socket, &json!(room)).await, code, "{room}");
        }
    }
    // Free names, for those whose token does not list them.
    for room in ["blueprint-123", "__proto__", "constructor", "Global", " global", "ORG:x", "org\u{ff1a}x"] {
        for socket in [&mut nobody, &mut user] {
            assert_eq!(refusal(socket, &json!(room)).await, "UNAUTHORIZED", "{room}");
        }
    }
    let unnameable = [
        json!("x".repeat(129)),
        json!("\u{10348}".repeat(129)),
        json!(""),
        json!("public:\0"),
        json!("public:a\nb"),
        json!("public:\u{1b}[2J"),
        json!("public:\u{7f}"),
        json!("public:\u{85}"),
        json!(42),
        json!(null),
        json!(true),
        json!(["public:a"]),
        json!({"toString": "public:a"}),
    ];
    for room in &unnameable {
        assert_eq!(refusal(&mut user, room).await, "INVALID_MESSAGE", "{room}");
    }
    assert!(nobody.rooms().await.is_empty());
    assert_eq!(user.rooms().await, ["global", "org:A", "user:u1"]);
    drop((nobody, user, org_in_disguise));
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn rooms_named_like_parts_of_an_object_are_rooms_like_any_other() {
    let mut scene = Scene::new().await;
    let mut user = scene.server.sign_in(json!({"sub": "__proto__", "org": "constructor"})).await;
    let names = ["__proto__", "constructor", "hasOwnProperty", "a\"b\\c", "\u{202e}x"];
    for name in names {
        user.join(name).await;
    }
    let status = scene.server.get("/api/ws/status").await.json();
    for name in names {
        assert_eq!(status["rooms"][name]["clientCount"], 1, "{status}");
        let news = json!({"type": "custom:news", "room": name, "data": {"__proto__": {"admin": true}}});
        assert_eq!(scene.server.broadcast(news).await["recipients_count"], 1);
        let frame = user.next("custom:news").await;
        assert_eq!((&frame["room"], &frame["data"]["__proto__"]["admin"]), (&json!(name), &json!(true)));
    }
    drop(user);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn one_cannot_leave_for_others_or_from_where_one_is_not() {
    let mut scene = Scene::new().await;
    let mut nobody = scene.server.connect().await;
    for room in [ROOM, "global", "user:u1", "org:A", "nowhere"] {
        nobody.send(json!({"type": "leave", "payload": {"room": room}})).await;
        nobody.next_error("ROOM_NOT_FOUND").await;
    }
    drop(nobody);
    scene.assert_unharmed().await;
}

#[actix_web::test]
async fn a_question_under_way_when_its_asker_goes_is_nobody_s() {
    let mut scene = Scene::with(&UNHURRIED).await;
    for _ in 0..20 {
        let mut rogue = scene.rogue().await;
        let asks: Vec<u8> = (0..100)
            .map(|number| json!({"type": "join", "payload": {"room": format!("public:{number}")}}))
            .flat_map(|ask| frame(FIN | TEXT, ask.to_string().as_bytes()))
            .collect();
        rogue.send(&asks).await;
    }
    scene.assert_unharmed().await;
}
