//! Profile by credential by the way it is shown, at connect (contract 0.2, X-02, X-10, X-20, D-30).

use serde_json::{Value, json};

use super::credentials::{bad, good};
use super::peer::{Door, Form, Peer, connect, polling, websocket};
use super::{KEY, UNHURRIED, rooms_of, unhurried};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::socketio::head;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Profile {
    Collab,
    Project,
    Intraday,
    Flow,
}

use Profile::{Collab, Flow, Intraday, Project};

/// The profiles, and every door to each.
const DOORS: [(Profile, Door); 10] = [
    (Collab, websocket("/socket.io/", "/", Form::Acked)),
    (Collab, polling("/socket.io/", "/", Form::Acked)),
    (Project, websocket("/socket.io/", "/ws", Form::Acked)),
    (Project, polling("/ws/", "/ws", Form::Acked)),
    (Intraday, websocket("/ws/", "/", Form::Acked)),
    (Intraday, polling("/ws/", "/", Form::Acked)),
    (Flow, websocket("/socket.io/", "/events", Form::Acked)),
    (Flow, polling("/socket.io/", "/events", Form::Acked)),
    (Flow, websocket("/ws/", "/events", Form::Acked)),
    (Flow, polling("/ws/", "/events", Form::Acked)),
];

/// What one is taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Taken {
    Refused,
    Nobody,
    /// `u1` of `o1`.
    User,
    Tenant(&'static str),
}

use Taken::{Nobody, Refused, Tenant, User};

/// What is shown: the headers of the handshake, the `auth` of CONNECT, and what collab and project,
/// intraday, and flow make of it.
struct Shown {
    name: String,
    headers: Vec<(&'static str, String)>,
    auth: Value,
    taken: [Taken; 3],
}

fn shown(name: &str, headers: &[(&'static str, &str)], auth: Value, taken: [Taken; 3]) -> Shown {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Shown { name: name.to_owned(), headers, auth, taken }
}

const NONE: [Taken; 3] = [Refused; 3];

/// Everything that may be shown.
fn credentials(server: &TestServer) -> Vec<Shown> {
    let good = good();
    let bearer = format!("Bearer {good}");
    let with = |token: &str| json!({"token": token});
    let key = |key: &str| json!({"tenantKey": key});
    let x_key = "x-tenant-key";
    let mut table = vec![
        shown("nothing", &[], json!({}), [Refused, Nobody, Refused]),
        shown("null for each", &[], json!({"token": null, "tenantKey": null}), [Refused, Nobody, Refused]),
        shown("a token in CONNECT", &[], with(&good), [User, User, Refused]),
        shown("a token in Authorization", &[("authorization", &bearer)], json!({}), [User, User, Refused]),
        shown("a token in X-Auth-Token", &[("x-auth-token", &good)], json!({}), [User, User, Refused]),
        shown(
            "a token of another scheme",
            &[("authorization", "Basic eDp5")],
            json!({}),
            [Refused, Nobody, Refused],
        ),
        shown("a scheme alone", &[("authorization", "Bearer")], json!({}), [Refused, Refused, Refused]),
        shown(
            "a good header and a bad one",
            &[("authorization", &bearer), ("x-auth-token", "x")],
            json!({}),
            NONE,
        ),
        shown("a good header under a bad CONNECT", &[("authorization", &bearer)], with("x"), NONE),
        shown(
            "a bad header under a good CONNECT",
            &[("x-auth-token", "x")],
            with(&good),
            [User, User, Refused],
        ),
        // Keys, which nobody but guide 000 knows.
        shown("a key in CONNECT", &[], key(KEY), [Refused, Nobody, Tenant("demo1")]),
        shown("a key in the handshake", &[(x_key, KEY)], json!({}), [Refused, Nobody, Tenant("demo1")]),
        shown(
            "its long key",
            &[],
            key("demo-tenant-key-1-long-enough-for-secure"),
            [Refused, Nobody, Tenant("demo1")],
        ),
        shown("another tenant's key", &[], key("demo-tenant-key-2"), [Refused, Nobody, Tenant("demo2")]),
        shown("an unknown key in CONNECT", &[], key("nope"), [Refused, Nobody, Refused]),
        shown("an unknown key in the handshake", &[(x_key, "nope")], json!({}), [Refused, Nobody, Refused]),
        shown("an empty key in CONNECT", &[], key(""), [Refused, Nobody, Refused]),
        shown("an empty key in the handshake", &[(x_key, "")], json!({}), [Refused, Nobody, Refused]),
        shown("a start of a key", &[], key("demo-tenant-key-"), [Refused, Nobody, Refused]),
        shown("a key in capitals", &[], key("DEMO-TENANT-KEY-1"), [Refused, Nobody, Refused]),
        shown("a key and more", &[], key("demo-tenant-key-1 "), [Refused, Nobody, Refused]),
        shown("a key of a megabyte", &[], key(&"k".repeat(1 << 19)), [Refused, Nobody, Refused]),
        shown("a tenant's id", &[], key("demo1"), [Refused, Nobody, Refused]),
        shown("a retired key", &[], key("a-retired-key"), [Refused, Nobody, Refused]),
        shown(
            "a key in CONNECT over another's",
            &[(x_key, "demo-tenant-key-2")],
            key(KEY),
            [Refused, Nobody, Tenant("demo1")],
        ),
        shown(
            "a good key over an unknown one",
            &[(x_key, "nope")],
            key(KEY),
            [Refused, Nobody, Tenant("demo1")],
        ),
        shown("an unknown key over a good one", &[(x_key, KEY)], key("nope"), [Refused, Nobody, Refused]),
        shown(
            "two tenants' keys",
            &[(x_key, KEY), (x_key, "demo-tenant-key-2")],
            json!({}),
            [Refused, Nobody, Refused],
        ),
        shown("a key as a token", &[], with(KEY), NONE),
        shown("a token as a key", &[], key(&good), [Refused, Nobody, Refused]),
        // Both.
        shown(
            "a token and a key",
            &[],
            json!({"token": good, "tenantKey": KEY}),
            [User, User, Tenant("demo1")],
        ),
        shown("a bad token and a key", &[], json!({"token": "x", "tenantKey": KEY}), NONE),
        shown(
            "a token and a bad key",
            &[],
            json!({"token": good, "tenantKey": "nope"}),
            [User, User, Refused],
        ),
        // Ids without proof prove nothing at connect.
        shown("ids", &[], json!({"user_id": "u1", "organization_id": "o1"}), [Refused, Nobody, Refused]),
    ];
    for (name, token) in bad(server) {
        table.push(shown(&format!("a token {name} in CONNECT"), &[], with(&token), NONE));
        let bearer = format!("Bearer {token}");
        // A head has no room for more than the server's.
        if bearer.len() < 4000 {
            table.push(shown(
                &format!("a token {name} in Authorization"),
                &[("authorization", &bearer)],
                json!({}),
                NONE,
            ));
            table.push(shown(
                &format!("a token {name} in X-Auth-Token"),
                &[("x-auth-token", &token)],
                json!({}),
                NONE,
            ));
        }
    }
    // What is no object at all breaks the protocol.
    for malformed in [r#"{"token":5}"#, r#"{"token":{}}"#, r#"{"tenantKey":[1]}"#] {
        table.push(shown(&format!("auth {malformed}"), &[], serde_json::from_str(malformed).unwrap(), NONE));
    }
    table
}

/// Tenants like the demo's, and one whose key is no longer good.
fn with_tenants() -> (TestServer, std::path::PathBuf) {
    let file = std::env::temp_dir().join(format!("matrix-tenants-{}.json", std::process::id()));
    let tenants = json!([
        {"id": "demo1", "name": "One", "keys": [
            {"key": KEY, "active": true},
            {"key": "demo-tenant-key-1-long-enough-for-secure", "active": true},
            {"key": "a-retired-key", "active": false},
        ]},
        {"id": "demo2", "name": "Two", "keys": [{"key": "demo-tenant-key-2", "active": true}]},
    ]);
    std::fs::write(&file, tenants.to_string()).unwrap();
    let server = TestServer::by_hand(&[UNHURRIED, ("TENANTS_FILE", file.to_str().expect("a text"))]);
    (server, file)
}

fn expected_refusal(profile: Profile, refusal: &Value, cell: &str) {
    let message = refusal["message"].as_str().expect("a message");
    match profile {
        Flow => assert!(message.starts_with("Tenant authentication failed: "), "{cell}: {message}"),
        _ => assert_eq!(message, "Authentication failed", "{cell}"),
    }
    assert!(!message.contains("timeout"), "{cell}");
    assert_eq!(refusal["data"]["code"], "AUTH_FAILED", "{cell}: {refusal}");
    assert!(refusal["data"]["reason"].as_str().is_some_and(|own| !own.is_empty()), "{cell}: {refusal}");
}

fn expected_rooms(profile: Profile, taken: Taken) -> Vec<String> {
    let rooms: &[&str] = match (taken, profile) {
        (Refused | Nobody, _) => &[],
        (User, Intraday) => &["org:o1", "user:u1"],
        (User, _) => &["global", "user:u1"],
        (Tenant("demo1"), _) => &["tenant:demo1"],
        (Tenant(_), _) => &["tenant:demo2"],
    };
    rooms.iter().map(|room| (*room).to_owned()).collect()
}

#[actix_web::test]
async fn every_profile_takes_what_it_needs_and_refuses_everything_else() {
    let (server, file) = with_tenants();
    let mut cells = 0;
    for shown in credentials(&server) {
        for (profile, door) in DOORS {
            cells += 1;
            let cell = format!("{profile:?}, {}, polls {}: {}", door.path, door.polls, shown.name);
            let taken = match profile {
                Collab | Project => shown.taken[0],
                Intraday => shown.taken[1],
                Flow => shown.taken[2],
            };
            let headers: Vec<(&str, &str)> =
                shown.headers.iter().map(|(name, own)| (*name, &**own)).collect();
            let namespace = door.namespace.unwrap();
            if taken == Refused {
                let mut engine = match door.polls {
                    true => Engine::polling_with(&server, door.path, &headers).await,
                    false => Engine::websocket_with(&server, door.path, &headers).await,
                };
                let refusal = connect(&mut engine, namespace, &shown.auth).await.expect_err(&cell);
                expected_refusal(profile, &refusal, &cell);
                assert_eq!(rooms_of(&server).await, [], "{cell}: nothing is joined");
                assert_eq!(
                    server.broadcast(json!({"type": "custom:x", "data": 1})).await["recipients_count"],
                    0
                );
                // The same connection may try again (contract W4).
                let auth = json!({"token": good(), "tenantKey": KEY});
                connect(&mut engine, namespace, &auth).await.unwrap_or_else(|no| panic!("{cell}: {no}"));
                engine.goodbye().await;
            } else {
                let peer = Peer::socket_io(&server, door, &headers, &shown.auth).await;
                let mut peer = peer.unwrap_or_else(|no| panic!("{cell}: {no}"));
                let heard = peer.hear().await;
                let welcome = match profile {
                    Collab | Project => "connection_established",
                    Intraday | Flow => "connected",
                };
                assert_eq!(heard.names(), [welcome], "{cell}");
                assert_eq!(heard.rooms(), expected_rooms(profile, taken), "{cell}");
                let (user, tenant) = match taken {
                    User => (json!("u1"), json!(null)),
                    Tenant(id) => (json!(null), json!(id)),
                    Nobody | Refused => (json!(null), json!(null)),
                };
                assert_eq!((&heard.own["user_id"], &heard.own["tenant_id"]), (&user, &tenant), "{cell}");
                peer.leave().await;
            }
            server.until_connections(0).await;
        }
    }
    std::fs::remove_file(file).unwrap();
    assert_eq!(cells, 10 * (34 + 3 * 15 + 1 + 3));
}

/// Contract D-30 and section 10: where nothing is required, guides 003 and 004 have guests.
#[actix_web::test]
async fn guests_are_let_in_where_nothing_is_required_and_by_two_profiles_alone() {
    let server = TestServer::by_hand(&[UNHURRIED, ("AUTH_REQUIRED", "false")]);
    for (profile, door) in DOORS {
        let peer = Peer::socket_io(&server, door, &[], &json!({})).await;
        match profile {
            Collab | Intraday => {
                let own = peer.expect("a guest is let in").hear().await.own;
                let guest = format!("guest-{}", own["socket_id"].as_str().unwrap());
                assert_eq!(own["user_id"], guest, "{door:?}");
                let global = (profile == Collab).then(|| "global".to_owned());
                let rooms: Vec<String> = global.into_iter().chain([format!("user:{guest}")]).collect();
                assert_eq!(own["rooms"], json!(rooms), "{door:?}");
            }
            Project | Flow => {
                expected_refusal(profile, &peer.err().expect("a refusal"), &format!("{door:?}"))
            }
        }
        // What is shown must be good all the same.
        let refusal = Peer::socket_io(&server, door, &[], &json!({"token": "garbage"})).await.err();
        expected_refusal(profile, &refusal.expect("a refusal"), &format!("{door:?}"));
    }
}

/// A namespace that is none, whoever asks (contract X-01, W10).
#[actix_web::test]
async fn no_credential_opens_a_namespace_that_is_none() {
    let server = unhurried();
    let auth = json!({"token": good(), "tenantKey": KEY});
    for path in ["/socket.io/", "/ws/"] {
        for mut engine in Engine::both(&server, path).await {
            for namespace in ["/nope", "/admin", "/Events", "/ws/", "/events/../ws", "/socket.io"] {
                engine.say(&format!("{}{auth}", head(0, namespace))).await;
                engine
                    .expect(&format!("{}{}", head(4, namespace), r#"{"message":"Invalid namespace"}"#))
                    .await;
            }
            assert_eq!(rooms_of(&server).await, []);
        }
    }
}
