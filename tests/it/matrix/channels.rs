//! Trust level by scope of a subscription: own and foreign organizations, forged ids, channels that
//! are none (contract; S-54, S-55).

use serde_json::{Value, json};

use super::peer::{Door, Form, Peer, Who, plain, polling, websocket};
use super::{KEY, rooms_of, unhurried};

/// A refusal's code; none where the subscription is granted.
type Cell = Option<&'static str>;

const G: Cell = None;
const U: Cell = Some("UNAUTHORIZED");
const M: Cell = Some("INVALID_MESSAGE");
const F: Cell = Some("SUBSCRIPTION_FAILED");

/// The columns: nobody, a claim of `o1`, a tenant, verified without organization, verified of `o1`.
const COLUMNS: usize = 5;
const MEMBERS: [Cell; COLUMNS] = [U, G, U, U, G];
const TOO_LONG: [Cell; COLUMNS] = [U, F, U, U, F];

type Row = (Value, [Cell; COLUMNS], Vec<String>);

/// What is asked, what each column may, and the rooms it comes to.
fn rows() -> Vec<Row> {
    let granted = |ask: Value, rooms: &[&str]| {
        (ask, MEMBERS, rooms.iter().map(|room| (*room).to_owned()).collect::<Vec<_>>())
    };
    let refused = |ask: Value, cells: [Cell; COLUMNS]| (ask, cells, Vec::new());
    let with = |key: &str, value: Value| json!({"channels": ["kpi"], key: value});
    let mut rows = vec![
        granted(json!({"channels": ["kpi"]}), &["kpi:org:o1"]),
        granted(json!({"channels": ["kpi", "kpi"]}), &["kpi:org:o1"]),
        granted(with("organization_id", json!("o1")), &["kpi:org:o1"]),
        granted(with("organization_id", json!(null)), &["kpi:org:o1"]),
        granted(with("department_id", json!("d")), &["kpi:org:o1:dept:d"]),
        granted(with("queue_name", json!("q")), &["kpi:org:o1:queue:q"]),
        granted(with("site_id", json!("s")), &["kpi:org:o1"]),
        granted(with("filters", json!({"min_severity": "high"})), &["kpi:org:o1"]),
        granted(
            json!({"channels": ["kpi", "alerts"], "department_id": "d", "queue_name": "q"}),
            &["alerts:org:o1:dept:d:queue:q", "kpi:org:o1:dept:d:queue:q"],
        ),
        granted(json!({"channels": ["all"], "department_id": 5}), &["all:org:o1:dept:5"]),
        granted(
            json!({"channels": ["kpi", "backlog", "attendance", "alerts", "notifications", "all"]}),
            &[
                "all:org:o1",
                "alerts:org:o1",
                "attendance:org:o1",
                "backlog:org:o1",
                "kpi:org:o1",
                "notifications:org:o1",
            ],
        ),
        // Contract X-03: a room and channels in one message are both, or neither.
        granted(json!({"room": "public:lobby", "channels": ["kpi"]}), &["kpi:org:o1", "public:lobby"]),
        refused(json!({"room": "public:lobby", "channels": ["kpi"], "organization_id": "o2"}), [U; COLUMNS]),
        refused(json!({"room": "user:u2", "channels": ["kpi"]}), [U; COLUMNS]),
        refused(json!({"room": "", "channels": ["kpi"]}), [M; COLUMNS]),
        refused(json!({"channels": ["foo"]}), [F; COLUMNS]),
        refused(json!({"channels": ["kpi", "foo"]}), [F; COLUMNS]),
        refused(json!({"channels": ["kpi:org:o2"]}), [F; COLUMNS]),
        refused(json!({"channels": []}), [M; COLUMNS]),
        refused(json!({"channels": null}), [M; COLUMNS]),
        refused(json!({"channels": "kpi"}), [M; COLUMNS]),
        refused(json!({"channels": [1]}), [M; COLUMNS]),
        refused(json!({"channels": {"0": "kpi"}}), [M; COLUMNS]),
        refused(json!({}), [M; COLUMNS]),
        refused(json!(["kpi"]), [M; COLUMNS]),
        refused(with("filters", json!({"min_severity": "purple"})), [M; COLUMNS]),
    ];
    for organization in ["o2", "O1", "o1:dept:d", "o1:queue:q", "a:dept:b", ":", "1"] {
        rows.push(refused(with("organization_id", json!(organization)), [U; COLUMNS]));
    }
    let no_ids = ["", "../", "o1 ", "\u{e4}", "a/b", "*", "a\nb"].map(Value::from);
    let no_ids = no_ids.into_iter().chain([json!("x".repeat(300)), json!(["o1"]), json!({}), json!(1.5)]);
    for bad in no_ids {
        for key in ["organization_id", "department_id", "queue_name", "site_id"] {
            rows.push(refused(with(key, bad.clone()), [M; COLUMNS]));
        }
    }
    for deeper in ["a:dept:b", "d:queue:q", "x:org:o2", "org", "dept", "queue"] {
        for key in ["department_id", "queue_name"] {
            rows.push(refused(with(key, json!(deeper)), [M; COLUMNS]));
        }
    }
    for key in ["department_id", "queue_name"] {
        rows.push(refused(with(key, json!("x".repeat(128))), TOO_LONG));
    }
    rows
}

const VERBS: [(&str, &str); 2] = [("subscribe", "unsubscribe"), ("client:subscribe", "client:unsubscribe")];

/// Walks a column through these doors. Gives how many cells were asked for.
async fn walk(column: usize, who: &Who, doors: &[(Door, &[&str])]) -> usize {
    let mut cells = 0;
    for (door, home) in doors {
        let server = unhurried();
        let (mut peer, heard) = Peer::enter(&server, *door, who).await;
        assert_eq!(heard.rooms(), *home);
        let all = rooms_of(&server).await;
        for (ask, row, rooms) in rows() {
            for (subscribe, unsubscribe) in VERBS {
                cells += 1;
                let cell = format!("{door:?}, {who:?}: {subscribe} {ask}");
                let heard = peer.tell(subscribe, &ask).await;
                assert_eq!(heard.refusal().as_deref(), row[column], "{cell}: {heard:?}");
                if row[column].is_some() {
                    assert_eq!(heard.rooms(), *home, "{cell}");
                } else {
                    let own = home.iter().map(|name| (*name).to_owned());
                    let mut expected: Vec<String> = own.chain(rooms.iter().cloned()).collect();
                    expected.sort();
                    assert_eq!(heard.rooms(), expected, "{cell}");
                    let confirmation =
                        if door.form == Form::Acked { vec![] } else { vec!["client:subscribe"] };
                    assert_eq!(heard.names(), confirmation, "{cell}");
                    let told = heard.ack.as_ref().or(heard.events.first().map(|(_, data)| data)).unwrap();
                    assert_eq!(told["rooms"].as_array().map(Vec::len), Some(rooms.len()), "{cell}: {told}");
                    let id = told["subscription_id"].clone();
                    assert!(id.is_string(), "{cell}: {told}");

                    // It is reached where it has subscribed, and nowhere else.
                    let mut target = json!({"organization_id": "o1"});
                    for key in ["department_id", "queue_name"] {
                        target[key] = ask[key].clone();
                    }
                    let foreign = json!({"organization_id": "o2"});
                    for (target, reached) in [(&target, 1), (&foreign, 0)] {
                        let mut target = target.clone();
                        target.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                        let body = json!({"event": "kpi:update", "data": {"n": 1}, "target": target});
                        assert_eq!(server.broadcast(body).await["recipients_count"], reached, "{cell}");
                    }
                    assert_eq!(peer.hear().await.names(), ["kpi:update"], "{cell}");

                    let mut end = json!({"subscription_id": id});
                    if rooms.iter().any(|room| room == "public:lobby") {
                        end["room"] = json!("public:lobby");
                    }
                    let heard = peer.tell(unsubscribe, &end).await;
                    assert_eq!((heard.refusal(), heard.rooms()), (None, all_names(home)), "{cell}");
                    let body = json!({"event": "kpi:update", "data": 1});
                    let mut body_to = body.clone();
                    body_to["target"] = json!({"organization_id": "o1"});
                    assert_eq!(server.broadcast(body_to).await["recipients_count"], 0, "{cell}");
                }
                // There is nothing left, or has never been anything, to end.
                let heard = peer.tell(unsubscribe, &json!({})).await;
                assert_eq!(heard.refusal().as_deref(), Some("ROOM_NOT_FOUND"), "{cell}: {heard:?}");
            }
            assert_eq!(rooms_of(&server).await, all, "{door:?}, {who:?}: {ask}");
        }
    }
    cells
}

fn all_names(home: &[&str]) -> Vec<String> {
    home.iter().map(|name| (*name).to_owned()).collect()
}

#[actix_web::test]
async fn nobody_has_channels() {
    let doors: [(Door, &[&str]); 2] =
        [(plain("/ws", Form::Event), &[]), (websocket("/ws/", "/", Form::Acked), &[])];
    assert_eq!(walk(0, &Who::Nobody, &doors).await, 2 * 2 * 91);
}

#[actix_web::test]
async fn a_claim_has_the_channels_of_the_organization_it_names() {
    let home: &[&str] = &["org:o1"];
    let doors = [
        (plain("/ws", Form::Event), home),
        (websocket("/ws/", "/", Form::Acked), home),
        (polling("/ws/", "/", Form::Bare), home),
    ];
    assert_eq!(walk(1, &Who::Claims("u1", "o1"), &doors).await, 3 * 2 * 91);
}

#[actix_web::test]
async fn a_tenant_has_no_channels() {
    let home: &[&str] = &["tenant:demo1"];
    let doors =
        [(plain("/events", Form::Event), home), (websocket("/socket.io/", "/events", Form::Acked), home)];
    assert_eq!(walk(2, &Who::Holds(KEY), &doors).await, 2 * 2 * 91);
}

#[actix_web::test]
async fn the_verified_of_no_organization_have_no_channels() {
    let home: &[&str] = &["global", "user:u1"];
    let doors = [(plain("/ws", Form::Event), home), (websocket("/socket.io/", "/", Form::Acked), home)];
    assert_eq!(walk(3, &Who::Bears(json!({"sub": "u1"})), &doors).await, 2 * 2 * 91);
}

#[actix_web::test]
async fn the_verified_have_the_channels_of_their_organization() {
    let home: &[&str] = &["global", "org:o1", "user:u1"];
    let doors = [
        (plain("/ws", Form::Type), home),
        (websocket("/ws/", "/", Form::Bare), &["org:o1", "user:u1"]),
        (websocket("/socket.io/", "/ws", Form::Acked), &["global", "user:u1"]),
    ];
    assert_eq!(walk(4, &Who::Bears(json!({"sub": "u1", "org": "o1"})), &doors).await, 3 * 2 * 91);
}

/// What has not been subscribed to cannot be ended (contract D-12).
#[actix_web::test]
async fn ending_what_is_another_s_or_nothing_is_refused() {
    let server = unhurried();
    for door in [plain("/ws", Form::Event), websocket("/ws/", "/", Form::Acked)] {
        let (mut peer, _) = Peer::enter(&server, door, &Who::Claims("u1", "o1")).await;
        let (mut other, _) = Peer::enter(&server, door, &Who::Claims("u2", "o1")).await;
        let heard = other.tell("subscribe", &json!({"channels": ["kpi", "alerts"]})).await;
        let told = heard.ack.unwrap_or_else(|| heard.events[0].1.clone());
        let own = json!({"channels": ["kpi"], "department_id": "d"});
        assert_eq!(peer.tell("subscribe", &own).await.refusal(), None);
        let rooms = ["kpi:org:o1:dept:d", "org:o1"];
        for nothing in [
            json!({"subscription_id": told["subscription_id"]}),
            json!({"subscription_id": "nope"}),
            json!({"channels": ["alerts"]}),
            json!({"channels": ["all"]}),
            json!({"organization_id": "o2"}),
            json!({"channels": ["kpi"], "department_id": "e"}),
            json!({"channels": ["kpi"], "queue_name": "q"}),
            json!({"room": "kpi:org:o1"}),
            json!({"room": "public:lobby", "channels": ["kpi"]}),
        ] {
            for verb in ["unsubscribe", "client:unsubscribe"] {
                let heard = peer.tell(verb, &nothing).await;
                assert_eq!(heard.refusal().as_deref(), Some("ROOM_NOT_FOUND"), "{verb} {nothing}: {heard:?}");
                assert_eq!(heard.rooms(), rooms, "{verb} {nothing}");
            }
        }
        assert_eq!(other.hear().await.rooms(), ["alerts:org:o1", "kpi:org:o1", "org:o1"]);
    }
}

/// S-54: another claim is another organization's from head to foot.
#[actix_web::test]
async fn another_claim_leaves_the_channels_of_the_first() {
    let server = unhurried();
    for door in [plain("/ws", Form::Event), websocket("/ws/", "/", Form::Acked)] {
        let (mut peer, _) = Peer::enter(&server, door, &Who::Claims("u1", "o1")).await;
        assert_eq!(peer.tell("subscribe", &json!({"channels": ["all"]})).await.refusal(), None);
        let (mut witness, _) = Peer::enter(&server, door, &Who::Claims("u1", "o1")).await;
        let heard = peer.tell("authenticate", &json!({"user_id": "u1", "organization_id": "o2"})).await;
        assert_eq!((heard.refusal(), heard.rooms()), (None, vec!["org:o2".to_owned()]));
        for (event, reached) in [("kpi:update", 0), ("system:notification", 1)] {
            let body = json!({"event": event, "data": {}, "target": {"organization_id": "o1"}});
            assert_eq!(server.broadcast(body).await["recipients_count"], reached, "{event}");
        }
        assert!(peer.hear().await.events.is_empty());
        assert_eq!(witness.hear().await.names(), ["system:notification"]);
        drop((peer, witness));
        server.until_connections(0).await;
    }
}
