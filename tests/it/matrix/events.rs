//! Event by sender: every name of contract section 7, said by a client of each trust level. What is
//! a command does what it is for; everything else is refused, and nobody hears of it.

use serde_json::{Value, json};
use tokio::time::timeout;

use super::peer::{Door, Form, Peer, Who, plain, polling, websocket};
use super::{KEY, rooms_of, text, unhurried};
use crate::support::{PATIENCE, TestServer};

/// Commands of section 7.1 that nothing takes yet, with sound payloads.
pub(super) const LATER: &[(&str, &str)] = &[
    ("send_message", r#"{"roomId":"ROOM","message":"m","type":"comment"}"#),
    ("typing", r#"{"roomId":"ROOM","isTyping":true}"#),
    ("cursor_move", r#"{"roomId":"ROOM","position":{"x":1,"y":2}}"#),
    ("scroll_position", r#"{"roomId":"ROOM","scrollPos":3}"#),
    ("operation", r#"{"roomId":"ROOM","documentId":"d","operation":["x"],"version":0}"#),
    ("analytics_events", r#"[{"event":"click"}]"#),
    ("metrics:get", r#"{"type":"voice_call"}"#),
    ("metrics:subscribe", r#"{"metrics":["voice_call"]}"#),
    ("message", r#"{"room":"ROOM","data":1}"#),
    ("message", r#"{"message_id":"m","event":"kpi:update","data":1,"requires_ack":true}"#),
];

/// Rows of section 7.2 that no row of 7.1 shares its name with: the server's to say, and nobody's.
pub(super) const FROM_THE_SERVER: &[&str] = &[
    "connected",
    "connection_established",
    "auth:success",
    "authenticated",
    "reconnected",
    "room_joined",
    "room_left",
    "user_joined",
    "user_left",
    "user_typing",
    "operation_ack",
    "notification",
    "pong",
    "client:pong",
    "error",
    "voice_command_response",
    "lead_event",
    "voice_event",
    "integration_event",
    "project.updated",
    "workflow.progress",
    "agent.status_changed",
    "pr.created",
    "issue.updated",
    "ai.suggestion",
    "project.deleted",
    "workflow.started",
    "workflow.completed",
    "workflow.failed",
    "pr.updated",
    "pr.closed",
    "issue.created",
    "issue.closed",
    "agent.connected",
    "agent.disconnected",
    "ai.analysis_complete",
    "metric_update",
    "metrics:data",
    "agent_status_change",
    "voice_clone_progress",
    "training_milestone",
    "training:update",
    "clip_played",
    "room:message",
    "kpi:update",
    "kpi:computed",
    "kpi:alert",
    "backlog:update",
    "backlog:snapshot",
    "backlog:alert",
    "attendance:update",
    "attendance:checkin",
    "attendance:checkout",
    "attendance:alert",
    "alert:triggered",
    "alert:acknowledged",
    "alert:resolved",
    "alert:escalated",
    "system:notification",
    "system:broadcast",
    "system:maintenance",
];

/// Names of nothing. `custom:*` has no handler, so that it is one of them.
const UNKNOWN: &[&str] = &[
    "nonsense",
    "custom:event",
    "training:started",
    "Join",
    "join ",
    "JOIN",
    "debug:room",
    "subscribe:ack",
    "client:unknown",
    "__proto__",
    "constructor",
    "toString",
    "broadcast",
    "authenticate\u{0}",
    "0",
    "\u{1f600}",
];

const ROOM: &str = "public:lobby";
/// The witnesses are in here, and no sender is.
const ELSEWHERE: &str = "public:elsewhere";

struct Scene {
    server: TestServer,
    witnesses: Vec<Peer>,
}

impl Scene {
    /// A server with those who would hear if anything were said.
    async fn new() -> Scene {
        let server = unhurried();
        let mut witnesses = Vec::new();
        let who = Who::Bears(json!({"sub": "w", "org": "o1", "role": "admin"}));
        for door in [plain("/ws", Form::Type), websocket("/ws/", "/", Form::Acked)] {
            let (mut peer, _) = Peer::enter(&server, door, &who).await;
            for room in [ROOM, ELSEWHERE, "blueprint-1", "dashboard:overview", "voice:training"] {
                assert_eq!(peer.tell("join", &json!({"room": room})).await.refusal(), None);
            }
            assert_eq!(peer.tell("subscribe", &json!({"channels": ["all"]})).await.refusal(), None);
            witnesses.push(peer);
        }
        let tenant = websocket("/socket.io/", "/events", Form::Acked);
        let (peer, _) = Peer::enter(&server, tenant, &Who::Holds(KEY)).await;
        witnesses.push(peer);
        Scene { server, witnesses }
    }

    async fn sender(&self, door: Door, who: &Who) -> Peer {
        let (mut peer, _) = Peer::enter(&self.server, door, who).await;
        assert_eq!(peer.tell("join", &json!({"room": ROOM})).await.refusal(), None);
        peer
    }

    async fn assert_silence(&mut self, cell: &str) {
        for witness in &mut self.witnesses {
            assert_eq!(witness.hear().await.names(), [""; 0], "{cell}");
        }
    }
}

/// A payload that has whatever any of them may ask for.
fn anything() -> Value {
    json!({
        "room": ROOM, "roomId": ROOM, "message": "m", "data": {}, "id": "i", "type": "info", "tenantId": "demo1",
        "organization_id": "o1", "userId": "w", "channels": ["all"], "token": "t", "message_id": "m",
    })
}

/// Says everything that is no command through each door. Gives how many cells there were.
async fn refused(who: &Who, doors: &[Door]) -> usize {
    let mut scene = Scene::new().await;
    let mut cells = 0;
    for door in doors {
        let mut sender = scene.sender(*door, who).await;
        let (before, all) = (sender.hear().await.own, rooms_of(&scene.server).await);
        let later = LATER.iter().map(|(name, data)| {
            (*name, serde_json::from_str::<Value>(&data.replace("ROOM", ROOM)).expect("JSON"))
        });
        let others = FROM_THE_SERVER.iter().chain(UNKNOWN).map(|name| (*name, anything()));
        for (name, data) in later.chain(others) {
            cells += 1;
            let cell = format!("{door:?}, {who:?}: {name} {data}");
            let heard = sender.tell(name, &data).await;
            assert_eq!(heard.refusal().as_deref(), Some("INVALID_MESSAGE"), "{cell}: {heard:?}");
            assert_eq!(heard.own, before, "{cell}");
            scene.assert_silence(&cell).await;
        }
        assert_eq!(rooms_of(&scene.server).await, all, "{door:?}");
    }
    cells
}

/// Says what commands of guides built already, and that have no tests of their own here, are for.
async fn served(who: &Who, doors: &[Door], ids: [Value; 3], may_update: bool) {
    let mut scene = Scene::new().await;
    for door in doors {
        let mut sender = scene.sender(*door, who).await;
        let own = sender.hear().await.own;
        for (key, id) in ["user_id", "organization_id", "tenant_id"].into_iter().zip(&ids) {
            assert_eq!(own[key], *id, "{door:?}: {own}");
        }
        assert!(
            own["success"] == true && own["status"] == "success" && own["socket_id"].is_string(),
            "{own}"
        );

        let is_acked = door.form == Form::Acked;
        for (name, event, is_event_besides) in
            [("ping", "pong", true), ("client:ping", "client:pong", false), ("heartbeat", "heartbeat", true)]
        {
            for data in [json!({}), json!({"timestamp": 5}), json!(null), json!([1])] {
                let heard = sender.tell(name, &data).await;
                let events = if is_event_besides || !is_acked { vec![event] } else { vec![] };
                assert_eq!(
                    (heard.names(), heard.ack.is_some()),
                    (events, is_acked),
                    "{door:?}: {name} {data}"
                );
            }
        }
        let tenant = ids[2].as_str().unwrap_or("");
        let denied = if tenant.is_empty() { "Access denied" } else { "Unknown command" };
        let unreadable = if tenant.is_empty() { "Access denied" } else { "Invalid parameters" };
        for (data, error) in [
            (json!({"command": "nope"}), denied),
            (json!({"command": "nope", "tenantId": "demo1"}), denied),
            (json!({"command": "get_leads", "tenantId": "demo2"}), "Access denied"),
            (json!({}), unreadable),
            (json!(5), unreadable),
        ] {
            // What a tenant asks is answered from a thread of its own, so the marker may come first.
            let answered = async {
                let mut heard = sender.tell("execute_voice_command", &data).await;
                while heard.events.is_empty() {
                    heard = sender.hear().await;
                }
                heard
            };
            let heard = timeout(PATIENCE, answered).await.expect("an answer in time");
            let cell = format!("{door:?}: {data}: {heard:?}");
            assert_eq!(
                (heard.names(), heard.ack.is_some()),
                (vec!["voice_command_response"], is_acked),
                "{cell}"
            );
            for answer in heard.ack.iter().chain([&heard.events[0].1]) {
                assert_eq!(
                    (&answer["success"], text(&answer["error"]).as_str()),
                    (&json!(false), error),
                    "{cell}"
                );
                assert_eq!(answer["tenant"], tenant, "{cell}");
            }
            scene.assert_silence(&cell).await;
        }
        for (room, may) in [(ROOM, may_update), (ELSEWHERE, false), ("blueprint-1", false), ("global", false)]
        {
            let data = json!({"roomId": room, "blueprintId": "b", "changes": {"action": "add"}});
            let heard = sender.tell("blueprint_update", &data).await;
            let refusal = if may { None } else { Some("UNAUTHORIZED") };
            assert_eq!(heard.refusal().as_deref(), refusal, "{door:?}: {room}: {heard:?}");
            for (number, witness) in scene.witnesses.iter_mut().enumerate() {
                let copies = usize::from(may && number < 2);
                assert_eq!(
                    witness.hear().await.names(),
                    vec!["blueprint_update"; copies],
                    "{door:?}: {room}"
                );
            }
        }
    }
}

/// Every name that is refused.
const NAMES: usize = LATER.len() + FROM_THE_SERVER.len() + UNKNOWN.len();

#[actix_web::test]
async fn nobody_may_ask_for_signs_of_life_and_little_else() {
    let doors = [
        plain("/ws", Form::Type),
        plain("/ws", Form::Event),
        websocket("/ws/", "/", Form::Acked),
        websocket("/ws/", "/", Form::Bare),
        polling("/ws/", "/", Form::Acked),
    ];
    assert_eq!(NAMES, 10 + 61 + 16);
    assert_eq!(refused(&Who::Nobody, &doors).await, 5 * 87);
    served(&Who::Nobody, &doors, [json!(null), json!(null), json!(null)], false).await;
}

#[actix_web::test]
async fn a_claim_may_say_no_more_than_nobody() {
    let doors = [
        plain("/ws", Form::Type),
        plain("/ws", Form::Event),
        websocket("/ws/", "/", Form::Acked),
        websocket("/ws/", "/", Form::Bare),
    ];
    let who = Who::Claims("u1", "o1");
    assert_eq!(refused(&who, &doors).await, 4 * 87);
    served(&who, &doors, [json!("u1"), json!("o1"), json!(null)], false).await;
}

#[actix_web::test]
async fn a_tenant_may_command_by_voice_besides() {
    let doors = [
        plain("/events", Form::Type),
        plain("/events", Form::Event),
        websocket("/socket.io/", "/events", Form::Acked),
        websocket("/ws/", "/events", Form::Bare),
    ];
    let who = Who::Holds(KEY);
    assert_eq!(refused(&who, &doors).await, 4 * 87);
    served(&who, &doors, [json!(null), json!(null), json!("demo1")], false).await;
}

#[actix_web::test]
async fn the_verified_may_edit_where_they_are() {
    let doors = [
        plain("/ws", Form::Type),
        plain("/ws", Form::Event),
        websocket("/socket.io/", "/", Form::Acked),
        websocket("/socket.io/", "/ws", Form::Bare),
    ];
    let who = Who::Bears(json!({"sub": "u1", "org": "o1"}));
    assert_eq!(refused(&who, &doors).await, 4 * 87);
    served(&who, &doors, [json!("u1"), json!("o1"), json!(null)], true).await;
}

/// Names that the client libraries keep for themselves are no messages (contract W7): a plain client is
/// told so, and on Socket.IO they break the protocol.
#[actix_web::test]
async fn reserved_names_are_nobody_s() {
    let mut scene = Scene::new().await;
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        for form in [Form::Type, Form::Event] {
            let mut sender = scene.sender(plain("/ws", form), &Who::Nobody).await;
            let heard = sender.tell(name, &anything()).await;
            assert_eq!(heard.refusal().as_deref(), Some("INVALID_MESSAGE"), "{name}: {heard:?}");
        }
        for form in [Form::Acked, Form::Bare] {
            let mut sender = scene.sender(websocket("/ws/", "/", form), &Who::Nobody).await;
            sender.say(name, Some(&anything())).await;
            sender.expect_closed().await;
        }
        scene.assert_silence(name).await;
    }
}
