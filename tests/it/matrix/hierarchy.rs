//! Target by subscription: the matrix of contract X-14 and S-46, over every transport.

use serde_json::{Value, json};

use super::peer::{Door, Form, Peer, Who, plain, polling, websocket};
use super::unhurried;

/// What each socket has subscribed to, by its number below.
const SUBSCRIPTIONS: [&str; 6] = [
    r#"{"channels":["kpi"]}"#,
    r#"{"channels":["kpi"],"department_id":"dept_456"}"#,
    r#"{"channels":["kpi"],"department_id":"dept_456","queue_name":"support"}"#,
    r#"{"channels":["kpi"],"queue_name":"support"}"#,
    r#"{"channels":["all","kpi"]}"#,
    r#"{"channels":["all"]}"#,
];

/// A target's department and queue, and the sockets it reaches; number 5 is of another organization.
const TARGETS: [(Option<&str>, Option<&str>, &[usize]); 8] = [
    (None, None, &[0, 4]),
    (Some("dept_456"), None, &[0, 1, 4]),
    (Some("dept_456"), Some("support"), &[0, 1, 2, 3, 4]),
    (None, Some("support"), &[0, 2, 3, 4]),
    (Some("dept_9"), None, &[0, 4]),
    (Some("dept_9"), Some("support"), &[0, 3, 4]),
    (Some("dept_456"), Some("sales"), &[0, 1, 4]),
    (None, Some("sales"), &[0, 4]),
];

async fn walk(door: Door, who: fn(&'static str) -> Who) -> usize {
    let server = unhurried();
    let mut peers = Vec::new();
    for (number, subscription) in SUBSCRIPTIONS.iter().enumerate() {
        let organization = if number == 5 { "org_999" } else { "org_123" };
        let (mut peer, _) = Peer::enter(&server, door, &who(organization)).await;
        let ask: Value = serde_json::from_str(subscription).unwrap();
        assert_eq!(peer.tell("subscribe", &ask).await.refusal(), None, "{subscription}");
        peers.push(peer);
    }
    let mut cells = 0;
    for (department, queue, reached) in TARGETS {
        let mut part = json!({"organization_id": "org_123"});
        for (key, value) in [("department_id", department), ("queue_name", queue)] {
            if let Some(value) = value {
                part[key] = json!(value);
            }
        }
        let broadcast = json!({"event": "kpi:update", "data": part, "target": part});
        for (path, body) in [("/api/ws/broadcast", &broadcast), ("/api/ws/broadcast/kpi", &part)] {
            let answer = server.post(path, body).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.json()["recipients_count"], reached.len(), "{path} {body}");
            for (number, peer) in peers.iter_mut().enumerate() {
                cells += 1;
                let heard = peer.hear().await;
                // Once, whatever else matches besides (contract X-31).
                let copies = usize::from(reached.contains(&number));
                assert_eq!(heard.names(), vec!["kpi:update"; copies], "{path} {body} {number}");
                for (_, data) in &heard.events {
                    for (key, value) in part.as_object().unwrap() {
                        assert_eq!(&data[key], value, "{path} {body}");
                    }
                }
            }
        }
        // Another organization's target is nobody's here.
        let mut foreign = part.clone();
        foreign["organization_id"] = json!("org_1");
        let answer = server.post("/api/ws/broadcast/kpi", &foreign).await;
        assert_eq!(answer.json()["recipients_count"], 0, "{foreign}");
        // Nor does a sibling channel reach those who have not asked for it.
        let answer = server.post("/api/ws/broadcast/backlog", &part).await;
        assert_eq!(answer.json()["recipients_count"], 1, "`all` alone");
        for (number, peer) in peers.iter_mut().enumerate() {
            assert_eq!(peer.hear().await.names(), vec!["backlog:update"; usize::from(number == 4)]);
        }
    }
    cells
}

#[actix_web::test]
async fn a_subscription_reaches_down_never_up_and_never_across() {
    let claims: fn(&'static str) -> Who = |organization| Who::Claims("u", organization);
    let bears: fn(&'static str) -> Who = |organization| Who::Bears(json!({"sub": "u", "org": organization}));
    let mut cells = 0;
    for (door, who) in [
        (plain("/ws", Form::Event), claims),
        (plain("/ws", Form::Type), bears),
        (websocket("/ws/", "/", Form::Acked), claims),
        (websocket("/socket.io/", "/ws", Form::Acked), bears),
        (polling("/ws/", "/", Form::Bare), claims),
    ] {
        cells += walk(door, who).await;
    }
    assert_eq!(cells, 5 * 8 * 2 * 6);
}
