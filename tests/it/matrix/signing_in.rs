//! Plain handshakes by credential, and credentials on live sockets: a first one, a rotated one, ids
//! without proof, by who one is already (contract 0.2, X-10, D-29, D-30).

use serde_json::{Value, json};

use super::credentials::{bad, good};
use super::peer::{Door, Form, Peer, Who, plain, polling, websocket};
use super::{KEY, UNHURRIED, rooms_of, unhurried};
use crate::support::socket::Socket;
use crate::support::wire::{HANDSHAKE, Wire};
use crate::support::{TestServer, http, token};

/// S-12: whatever way a token is shown on `/ws`, a bad one refuses nothing, and a good one is taken
/// later on.
#[actix_web::test]
async fn a_plain_handshake_takes_a_good_token_and_tells_of_a_bad_one() {
    let server = unhurried();
    let mut tokens = bad(&server);
    tokens.push(("good", good()));
    tokens.retain(|(_, token)| token.len() < 3000);
    let mut cells = 0;
    for (name, token) in &tokens {
        let bearer = format!("Bearer {token}");
        let query = format!("/ws?token={token}");
        let ways: [(&str, &[(&str, &str)]); 4] = [
            (&query, &[]),
            ("/ws", &[("authorization", &bearer)]),
            ("/ws/", &[("x-auth-token", token)]),
            ("/ws", &[("x-tenant-key", KEY), ("x-auth-token", token)]),
        ];
        for (path, headers) in ways {
            cells += 1;
            let cell = format!("a token {name}, {path}, {headers:?}");
            let mut peer = Peer::plain_at(&server, path, Form::Type, headers).await;
            let heard = peer.hear().await;
            let welcome = &heard.events[0].1;
            let is_good = *name == "good";
            assert_eq!(welcome["authenticated"], is_good, "{cell}");
            let second = if is_good { "auth:success" } else { "error" };
            assert_eq!(heard.names(), ["connection_established", second], "{cell}");
            if is_good {
                assert_eq!(heard.rooms(), ["global", "org:o1", "user:u1"], "{cell}");
                continue;
            }
            assert_eq!(heard.events[1].1["code"], "AUTH_FAILED", "{cell}");
            assert_eq!((heard.rooms(), rooms_of(&server).await), (vec![], vec![]), "{cell}");
            let heard = peer.tell("auth", &json!({"token": good()})).await;
            assert_eq!(heard.names(), ["auth:success"], "{cell}");
            assert_eq!(heard.rooms(), ["global", "org:o1", "user:u1"], "{cell}");
            peer.leave().await;
            server.until_connections(0).await;
        }
    }
    assert_eq!(cells, 4 * 16);
}

/// A tenant's key is no credential for guides 002 and 004, good or bad.
#[actix_web::test]
async fn a_tenant_s_key_makes_nobody_of_a_plain_client() {
    let server = unhurried();
    for key in [KEY, "nope", ""] {
        for path in ["/ws", "/ws/"] {
            let mut peer = Peer::plain_at(&server, path, Form::Type, &[("x-tenant-key", key)]).await;
            let heard = peer.hear().await;
            assert_eq!(heard.names(), ["connection_established"], "{key}");
            assert_eq!(heard.events[0].1["authenticated"], false, "{key}");
            assert_eq!((heard.rooms(), &heard.own["tenant_id"]), (vec![], &json!(null)), "{key}");
        }
    }
}

/// A path, the headers, and the status of the answer.
type Handshake<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

/// S-16: `/events` wants a tenant's key in the handshake, whatever else is shown.
#[actix_web::test]
async fn a_plain_flow_handshake_wants_a_key_and_then_a_whole_handshake() {
    let server = unhurried();
    let (good, query) = (good(), format!("/events?tenant_key={KEY}"));
    let bearer = format!("Bearer {good}");
    let token = format!("/events?token={good}");
    let table: [Handshake<'_>; 11] = [
        ("/events", &[("x-tenant-key", KEY)], 101),
        ("/events", &[("x-tenant-key", "demo-tenant-key-2")], 101),
        ("/events", &[("x-tenant-key", KEY), ("authorization", "Bearer x")], 101),
        ("/events", &[], 401),
        ("/events", &[("x-tenant-key", "nope")], 401),
        ("/events", &[("x-tenant-key", "")], 401),
        ("/events", &[("x-tenant-key", KEY), ("x-tenant-key", "demo-tenant-key-2")], 401),
        ("/events", &[("x-tenant-key", KEY), ("x-tenant-key", "nope")], 401),
        ("/events", &[("authorization", &bearer)], 401),
        (&token, &[], 401),
        // Contract X-20: only where the settings allow it.
        (&query, &[], 401),
    ];
    for (path, headers, status) in table {
        let cell = format!("{path} {headers:?}");
        let whole = [&HANDSHAKE[..], headers].concat();
        let without_key = [&HANDSHAKE[..3], headers].concat();
        if status == 101 {
            let mut peer = Peer::plain_at(&server, path, Form::Type, headers).await;
            let heard = peer.hear().await;
            assert_eq!(heard.names(), ["connected"], "{cell}");
            let tenant = heard.own["tenant_id"].as_str().expect("a tenant");
            assert_eq!(heard.rooms(), [format!("tenant:{tenant}")], "{cell}");
            let half = http::request(server.address(), "GET", path, &without_key, b"").await;
            half.assert_error(400, "INVALID_MESSAGE");
        } else {
            for headers in [&whole, &without_key] {
                let answer = http::request(server.address(), "GET", path, headers, b"").await;
                answer.assert_error(status, "AUTH_FAILED");
            }
            let upgrade = Wire::try_open(server.address(), path, headers).await;
            assert_eq!(upgrade.err().map(|answer| answer.status), Some(status), "{cell}");
        }
        server.until_connections(0).await;
        assert_eq!(rooms_of(&server).await, [], "{cell}");
    }
    let allowing = TestServer::by_hand(&[("ALLOW_QUERY_TENANT_KEY", "true")]);
    let mut peer = Peer::plain_at(&allowing, &query, Form::Type, &[]).await;
    assert_eq!(peer.hear().await.own["tenant_id"], "demo1");
    let foreign = "/events?tenant_key=nope";
    assert_eq!(Socket::try_open(allowing.address(), foreign, &[]).await.err(), Some(401));
}

/// Who one is: nobody, a claim of `u1` and `o1`, verified `u1` of `o1`, verified `u1`, a tenant.
const BEARERS: usize = 5;

/// What one is taken for then: a user, and an organization if there is one.
type Taken = Option<(&'static str, Option<&'static str>)>;

struct Ask {
    verb: &'static str,
    data: Value,
    taken: [Taken; BEARERS],
    code: &'static str,
}

fn asks(server: &TestServer) -> Vec<Ask> {
    let token = |user: &str, organization: Option<&str>| {
        token::sign(json!({"sub": user, "org": organization, "iss": "any", "aud": "any"}))
    };
    let ids = |user: &str, organization: &str| json!({"user_id": user, "organization_id": organization});
    let refused = |verb, data, code| Ask { verb, data, taken: [None; BEARERS], code };
    let mut asks = Vec::new();
    // A token, in the words of either guide: whoever has proven nothing becomes its bearer, and others
    // must be its bearer already.
    let (ann, plain) = (Some(("u1", Some("o1"))), Some(("u1", None)));
    for (user, organization, taken) in [
        ("u1", Some("o1"), [ann, ann, ann, None, None]),
        ("u1", None, [plain, plain, None, plain, None]),
        ("u2", Some("o1"), [Some(("u2", Some("o1"))), Some(("u2", Some("o1"))), None, None, None]),
        ("u1", Some("o2"), [Some(("u1", Some("o2"))), Some(("u1", Some("o2"))), None, None, None]),
    ] {
        for verb in ["auth", "authenticate"] {
            let data = json!({"token": token(user, organization)});
            asks.push(Ask { verb, data, taken, code: "AUTH_FAILED" });
        }
    }
    // Ids without proof, for those who have proven nothing.
    for (user, organization) in [("u1", "o1"), ("u2", "o2"), ("u1", "o2"), ("u2", "o1")] {
        let taken = Some((user, Some(organization)));
        let taken = [taken, taken, None, None, None];
        asks.push(Ask { verb: "authenticate", data: ids(user, organization), taken, code: "AUTH_FAILED" });
    }
    // A token and ids that agree with it, and that do not.
    let both = |more: Value| {
        let mut data = json!({"token": token("u1", Some("o1"))});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    for agreeing in [ids("u1", "o1"), json!({"user_id": "u1"}), json!({"organization_id": "o1"})] {
        let taken = [ann, ann, ann, None, None];
        asks.push(Ask { verb: "authenticate", data: both(agreeing), taken, code: "AUTH_FAILED" });
    }
    for other in
        [ids("u2", "o1"), ids("u1", "o2"), json!({"user_id": "u2"}), json!({"organization_id": "o2"})]
    {
        asks.push(refused("authenticate", both(other), "AUTH_FAILED"));
    }
    let without = json!({"token": token("u1", None), "organization_id": "o1"});
    asks.push(refused("authenticate", without, "AUTH_FAILED"));
    for (_, token) in bad(server) {
        asks.push(refused("auth", json!({"token": token}), "AUTH_FAILED"));
        asks.push(refused("authenticate", json!({"token": token}), "AUTH_FAILED"));
        let mut with_ids = ids("u1", "o1");
        with_ids["token"] = json!(token);
        asks.push(refused("authenticate", with_ids, "AUTH_FAILED"));
    }
    for half in [
        json!({}),
        json!({"user_id": "u1"}),
        json!({"organization_id": "o1"}),
        ids("", "o1"),
        ids("u1", ""),
        ids("u1", "a:dept:b"),
        ids("u1", "../"),
        ids("../", "o1"),
        ids("u1", &"x".repeat(300)),
        json!({"user_id": ["u1"], "organization_id": "o1"}),
        json!({"token": 5}),
        json!({"tenantKey": KEY}),
    ] {
        asks.push(refused("authenticate", half, "AUTH_FAILED"));
    }
    for nothing in [json!(5), json!(null), json!([]), json!("x"), json!({"token": null}), json!({})] {
        asks.push(refused("auth", nothing.clone(), "INVALID_MESSAGE"));
        // Where `null` is as good as nothing, there is nothing to take somebody for.
        if !nothing.is_object() && !nothing.is_null() {
            asks.push(refused("authenticate", nothing, "INVALID_MESSAGE"));
        }
    }
    asks
}

/// Walks a column through these doors. Gives how many cells there were.
async fn walk(server: &TestServer, column: usize, who: &Who, doors: &[Door]) -> usize {
    let mut cells = 0;
    for ask in asks(server) {
        for door in doors {
            cells += 1;
            let (mut peer, heard) = Peer::enter(server, *door, who).await;
            let cell = format!("{door:?}, {who:?}: {} {}", ask.verb, ask.data);
            let before = rooms_of(server).await;
            let now = peer.tell(ask.verb, &ask.data).await;
            match ask.taken[column] {
                None => {
                    assert_eq!(now.refusal().as_deref(), Some(ask.code), "{cell}: {now:?}");
                    assert_eq!((&now.own, rooms_of(server).await), (&heard.own, before), "{cell}");
                }
                Some((user, organization)) => {
                    assert_eq!(now.refusal(), None, "{cell}: {now:?}");
                    let own = (&now.own["user_id"], &now.own["organization_id"]);
                    assert_eq!(own, (&json!(user), &json!(organization)), "{cell}");
                    let is_proven = ask.data["token"].is_string();
                    let speaks_of_organizations =
                        matches!(door.namespace, None | Some("/")) && door.path != "/socket.io/";
                    let is_intraday = speaks_of_organizations && door.namespace.is_some();
                    let global = (is_proven && !is_intraday).then(|| "global".to_owned());
                    let org = organization.filter(|_| speaks_of_organizations).map(|id| format!("org:{id}"));
                    let user = is_proven.then(|| format!("user:{user}"));
                    let rooms: Vec<String> = [global, org, user].into_iter().flatten().collect();
                    assert_eq!(now.rooms(), rooms, "{cell}");
                }
            }
            peer.leave().await;
            server.until_connections(0).await;
        }
    }
    cells
}

/// All that is asked: tokens, ids, both, bad tokens, half of ids, and no payload to speak of.
const ASKS: usize = 8 + 4 + 3 + 5 + 3 * 16 + 12 + 9;

#[actix_web::test]
async fn nobody_becomes_whoever_is_proven_or_claimed() {
    let doors = [
        plain("/ws", Form::Type),
        plain("/ws", Form::Event),
        websocket("/ws/", "/", Form::Acked),
        polling("/ws/", "/", Form::Bare),
    ];
    assert_eq!(walk(&unhurried(), 0, &Who::Nobody, &doors).await, 4 * ASKS);
}

#[actix_web::test]
async fn a_claim_gives_way_to_another_and_to_proof() {
    let doors = [plain("/ws", Form::Event), websocket("/ws/", "/", Form::Acked)];
    assert_eq!(walk(&unhurried(), 1, &Who::Claims("u1", "o1"), &doors).await, 2 * ASKS);
}

#[actix_web::test]
async fn what_is_proven_gives_way_to_the_same_bearer_s_token_alone() {
    let doors = [
        plain("/ws", Form::Type),
        websocket("/ws/", "/", Form::Acked),
        websocket("/socket.io/", "/", Form::Bare),
        websocket("/socket.io/", "/ws", Form::Acked),
    ];
    let of_an_organization = Who::Bears(json!({"sub": "u1", "org": "o1"}));
    assert_eq!(walk(&unhurried(), 2, &of_an_organization, &doors).await, 4 * ASKS);
    let of_none = Who::Bears(json!({"sub": "u1"}));
    assert_eq!(walk(&unhurried(), 3, &of_none, &doors[..3]).await, 3 * ASKS);
}

#[actix_web::test]
async fn a_tenant_is_a_tenant() {
    let doors = [plain("/events", Form::Event), websocket("/socket.io/", "/events", Form::Acked)];
    assert_eq!(walk(&unhurried(), 4, &Who::Holds(KEY), &doors).await, 2 * ASKS);
}

/// Contract X-10: where a token is required, ids prove nothing for anyone.
#[actix_web::test]
async fn ids_are_refused_where_a_token_is_required() {
    let server = TestServer::by_hand(&[UNHURRIED, ("REQUIRE_JWT", "true")]);
    for door in
        [plain("/ws", Form::Event), websocket("/ws/", "/", Form::Acked), polling("/ws/", "/", Form::Bare)]
    {
        let (mut peer, _) = Peer::enter(&server, door, &Who::Nobody).await;
        for _ in 0..2 {
            let heard = peer.tell("authenticate", &json!({"user_id": "u1", "organization_id": "o1"})).await;
            assert_eq!(heard.refusal().as_deref(), Some("AUTH_FAILED"), "{door:?}");
            assert_eq!(heard.rooms(), [""; 0], "{door:?}");
        }
        let heard = peer.tell("authenticate", &json!({"token": good(), "user_id": "u1"})).await;
        assert_eq!((heard.refusal(), &heard.own["organization_id"]), (None, &json!("o1")), "{door:?}");
        peer.leave().await;
        server.until_connections(0).await;
    }
}
