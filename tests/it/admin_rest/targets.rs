//! Whom a broadcast is for (contract D-06, D-17, D-33, D-34).

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::socket::Socket;

/// Five clients that differ in user, organization and rooms.
struct World {
    server: TestServer,
    /// `a`: u1 of A, `b`: u1 of B, `c`: u2 of A, `d`: nobody, `e`: 7 of no organization; `a` and `b`
    /// are in `blueprint-1`, each in its organization's; `d` is in `dashboard:overview`.
    sockets: [(char, Socket); 5],
}

impl World {
    async fn new() -> World {
        let server = TestServer::start();
        let mut a = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
        let mut b = server.sign_in(json!({"sub": "u1", "org": "B"})).await;
        let c = server.sign_in(json!({"sub": "u2", "org": "A"})).await;
        let mut d = server.connect().await;
        let e = server.sign_in(json!({"sub": "7"})).await;
        a.join("blueprint-1").await;
        b.join("blueprint-1").await;
        d.join("dashboard:overview").await;
        World { server, sockets: [('a', a), ('b', b), ('c', c), ('d', d), ('e', e)] }
    }

    fn id(&self, name: char) -> String {
        self.sockets.iter().find(|(own, _)| *own == name).expect("a client of this name").1.id.clone()
    }

    /// Broadcasts with these fields added, and sees that just `reached` have it, each once.
    async fn expect(&mut self, fields: &Value, event: &str, reached: &str) {
        let mut body = json!({"type": event, "data": reached});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = self.server.broadcast(body).await;
        let shown: String = fields.to_string().chars().take(200).collect();
        assert_eq!(answer["recipients_count"], reached.len(), "{event} {shown}");
        for (name, socket) in &mut self.sockets {
            if reached.contains(*name) {
                assert_eq!(socket.next(event).await["data"], reached, "{name}: {shown}");
            }
            socket.expect_nothing().await;
        }
    }
}

#[actix_web::test]
async fn all_given_fields_must_hold_and_within_a_list_any() {
    let mut world = World::new().await;
    let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(|name| world.id(name));
    let target = |target: Value| json!({ "target": target });
    let cases = [
        (json!({}), "abcde"),
        (target(json!({})), "abcde"),
        // One field.
        (target(json!({"organization_id": "A"})), "ac"),
        (target(json!({"room": "blueprint-1"})), "ab"),
        (target(json!({"room": "global"})), "abce"),
        (target(json!({"room": "user:u1"})), "ab"),
        (target(json!({"room": "org:A"})), "ac"),
        (target(json!({"room": "dashboard:overview"})), "d"),
        (target(json!({"user_ids": ["u1"]})), "ab"),
        (target(json!({"user_ids": ["u1", "u2", "u1", "nobody"]})), "abc"),
        (target(json!({"user_ids": ["7"]})), "e"),
        (target(json!({"user_ids": [7, "u2"]})), "ce"),
        (target(json!({"socket_ids": [a, d, a]})), "ad"),
        (json!({"room": "blueprint-1"}), "ab"),
        (json!({"user_id": "u2"}), "c"),
        (json!({"user_id": 7}), "e"),
        // Several.
        (target(json!({"room": "blueprint-1", "organization_id": "A"})), "a"),
        (target(json!({"room": "global", "organization_id": "A"})), "ac"),
        (target(json!({"user_ids": ["u1", "u2"], "organization_id": "A"})), "ac"),
        (target(json!({"user_ids": ["u1"], "socket_ids": [b, c]})), "b"),
        (target(json!({"room": "blueprint-1", "socket_ids": [a, c, d]})), "a"),
        (target(json!({"room": "blueprint-1", "user_ids": ["u2"]})), ""),
        (json!({"room": "global", "user_id": "u1", "target": {"organization_id": "B"}}), "b"),
        (json!({"room": "blueprint-1", "user_id": "u1"}), "ab"),
    ];
    for (fields, reached) in &cases {
        world.expect(fields, "custom:t", reached).await;
    }
}

#[actix_web::test]
async fn what_nobody_is_or_has_reaches_nobody() {
    let mut world = World::new().await;
    let a = world.id('a');
    let nowhere = [
        json!({"organization_id": "C"}),
        json!({"organization_id": "a"}),
        json!({"tenant_id": "demo1"}),
        json!({"room": "no-such-room"}),
        json!({"room": "Blueprint-1"}),
        json!({"room": "user:nobody"}),
        json!({"room": "dashboard:nothing"}),
        json!({"user_ids": ["nobody"]}),
        json!({"user_ids": []}),
        json!({"socket_ids": []}),
        json!({"socket_ids": ["nobody"]}),
        json!({"user_ids": [], "socket_ids": [a]}),
        json!({"socket_ids": [a], "tenant_id": "demo1"}),
    ];
    for target in nowhere {
        world.expect(&json!({ "target": target }), "custom:t", "").await;
    }
}

#[actix_web::test]
async fn a_channel_event_goes_to_an_organization_s_subscribers_and_a_system_event_to_its_members() {
    let mut world = World::new().await;
    let to_a = json!({"target": {"organization_id": "A"}});
    for event in ["system:notification", "system:broadcast", "system:maintenance", "custom:t"] {
        world.expect(&to_a, event, "ac").await;
    }
    // Nobody has subscribed to anything.
    for event in ["kpi:update", "backlog:alert", "attendance:checkin", "alert:triggered"] {
        world.expect(&to_a, event, "").await;
    }
}

#[actix_web::test]
async fn ids_and_no_target_ignore_subscriptions() {
    let mut world = World::new().await;
    let d = world.id('d');
    for event in ["kpi:update", "backlog:alert", "attendance:checkin", "alert:triggered"] {
        world.expect(&json!({}), event, "abcde").await;
        world.expect(&json!({"target": {"socket_ids": [d]}}), event, "d").await;
        world.expect(&json!({"target": {"user_ids": ["u2"]}}), event, "c").await;
        world.expect(&json!({"room": "dashboard:overview"}), event, "d").await;
    }
}

#[actix_web::test]
async fn a_frame_names_the_room_its_socket_was_matched_by() {
    let server = TestServer::start();
    let mut one = server.sign_in(json!({"sub": "u1", "org": "A"})).await;
    let mut two = server.sign_in(json!({"sub": "u2", "org": "A"})).await;
    let cases = [
        (json!({"user_ids": ["u2", "u1"]}), json!("user:u1"), json!("user:u2")),
        (json!({"organization_id": "A"}), json!("org:A"), json!("org:A")),
        (json!({"room": "global", "organization_id": "A"}), json!("global"), json!("global")),
        (json!({"socket_ids": [one.id, two.id]}), Value::Null, Value::Null),
    ];
    for (target, room_of_one, room_of_two) in cases {
        server.broadcast(json!({"type": "custom:t", "data": 1, "target": target})).await;
        assert_eq!(one.next("custom:t").await["room"], room_of_one, "{target}");
        assert_eq!(two.next("custom:t").await["room"], room_of_two, "{target}");
    }
}

#[actix_web::test]
async fn ten_thousand_ids_are_a_list_like_any_other() {
    let mut world = World::new().await;
    let [a, d] = ['a', 'd'].map(|name| world.id(name));
    let strangers: Vec<String> = (0..10_000).map(|n| format!("stranger-{n}")).collect();
    let sockets = [&strangers[..], &[a.clone(), d]].concat();
    let users = [&strangers[..], &["u2".to_owned()]].concat();
    let (same_socket, same_user) = (vec![a; 10_000], vec!["u1"; 10_000]);
    let cases = [
        (json!({"socket_ids": sockets}), "ad"),
        (json!({"socket_ids": sockets, "room": "blueprint-1"}), "a"),
        (json!({"socket_ids": same_socket}), "a"),
        (json!({"user_ids": users}), "c"),
        (json!({"user_ids": same_user}), "ab"),
        (json!({"user_ids": same_user, "socket_ids": sockets}), "a"),
        (json!({"user_ids": strangers}), ""),
    ];
    for (target, reached) in cases {
        world.expect(&json!({ "target": target }), "custom:t", reached).await;
    }
}

#[actix_web::test]
async fn who_has_gone_is_not_counted() {
    let server = TestServer::start();
    let (mut stays, leaves) = (server.connect().await, server.connect().await);
    let gone = leaves.id.clone();
    drop(leaves);
    server.until_connections(1).await;

    let target = json!({"socket_ids": [gone, stays.id]});
    let answer = server.broadcast(json!({"type": "custom:t", "data": 1, "target": target})).await;
    assert_eq!(answer["recipients_count"], 1);
    stays.next("custom:t").await;
    assert_eq!(server.broadcast(json!({"type": "custom:t", "data": 1})).await["recipients_count"], 1);
}

#[actix_web::test]
async fn a_target_misspelt_misplaced_or_null_reaches_nobody_instead_of_everyone() {
    let mut world = World::new().await;
    let slips = [
        json!({"userId": "u1"}),
        json!({"user_id": null}),
        json!({"room": null}),
        json!({"targets": {"user_ids": ["u1"]}}),
        json!({"organization_id": "A"}),
        json!({"target": null}),
        json!({"target": {"user_ids": null}}),
        json!({"target": {"room": null}}),
        json!({"target": {"organisation_id": "A"}}),
    ];
    for slip in slips {
        let mut body = json!({"type": "notification", "data": {"message": "your invoice"}});
        body.as_object_mut().unwrap().extend(slip.as_object().unwrap().clone());
        let answer = world.server.post("/api/ws/broadcast", &body).await;
        answer.assert_error(400, "INVALID_MESSAGE");
    }
    for (_, socket) in &mut world.sockets {
        socket.expect_nothing().await;
    }
}
