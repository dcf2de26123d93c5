//! Whose command runs when: order within a session, fairness between tenants (checklist F-091, F-092).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{join, join_all};
use serde_json::json;

use super::held::{Gate, Held};
use super::{ONE, TWO};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::http;

fn gated(settings: &[(&str, &str)]) -> (TestServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    (TestServer::with_store(settings, move |store| Arc::new(Held(store, own))), gate)
}

#[actix_web::test]
async fn fifty_commands_at_once_are_answered_in_their_order() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    for number in 0..50 {
        // Of every kind, so that what is refused at once, what is quick and what is long could overtake.
        let (command, parameters) = match number % 5 {
            0 => ("create_lead", json!({"name": format!("n{number}"), "email": "n@example.com"})),
            1 => ("nope", json!({})),
            2 => ("get_leads", json!({"limit": "ten"})),
            3 => ("compliance_check", json!({})),
            _ => ("get_leads", json!({})),
        };
        socket.order(command, parameters, json!({"requestId": number})).await;
    }
    for number in 0..50 {
        assert_eq!(socket.response().await.1["requestId"], number);
    }
    assert_eq!(socket.leads().await, 10);
}

#[actix_web::test]
async fn a_command_that_takes_its_time_holds_up_nobody() {
    let (server, gate) = gated(&[]);
    let (mut slow, mut peer) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let mut other = server.tenant(TWO).await;
    gate.shut();
    slow.order("start_backup", json!({}), json!({})).await;
    gate.until_waiting(1).await;
    slow.order("get_metrics", json!({}), json!({"requestId": "behind"})).await;

    // The session hears on.
    assert_eq!(slow.next("voice_event").await["data"]["data"]["command"], "start_backup");
    slow.send(json!({"type": "heartbeat"})).await;
    slow.next("heartbeat").await;
    slow.join("dashboard:overview").await;
    // Another of the tenant, and another tenant, are answered.
    assert_eq!(peer.run("get_metrics", json!({})).await["success"], true);
    assert_eq!(other.run("start_backup", json!({})).await["success"], true);
    assert_eq!(other.leads().await, 0);

    gate.open();
    assert_eq!(slow.response().await.1["command"], "start_backup");
    assert_eq!(slow.response().await.1["requestId"], "behind");
}

#[actix_web::test]
async fn a_tenant_that_takes_all_it_can_leaves_threads_to_others() {
    let (server, gate) = gated(&[]);
    let mut greedy = Vec::new();
    gate.shut();
    for _ in 0..8 {
        let mut socket = server.tenant(ONE).await;
        socket.order("get_leads", json!({}), json!({})).await;
        greedy.push(socket);
    }
    gate.until_waiting(2).await;
    let mut other = server.tenant(TWO).await;
    assert_eq!(other.leads().await, 0);
    gate.open();
    for socket in &mut greedy {
        assert_eq!(socket.response().await.1["success"], true);
    }
}

#[actix_web::test]
async fn a_tenant_reads_by_rest_one_request_at_a_time() {
    let (server, gate) = gated(&[("WORKERS", "1")]);
    let address = server.address();
    let get = |key, path| async move {
        let headers = [("x-tenant-key", key)];
        http::request(address, "GET", path, &headers, b"").await.status
    };
    gate.shut();
    let many = join_all((0..8).map(|_| get(ONE, "/leads")));
    let meanwhile = async {
        gate.until_waiting(1).await;
        for _ in 0..8 {
            assert_eq!(get(TWO, "/health").await, 200);
            assert_eq!(get(TWO, "/leads").await, 200, "it waits for nobody");
        }
        gate.open();
    };
    let (many, ()) = join(many, meanwhile).await;
    assert_eq!(many, [200; 8]);
    assert_eq!(gate.most.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_session_that_ends_takes_nothing_of_its_command_away() {
    let (server, gate) = gated(&[]);
    let (mut socket, mut peer) = (server.tenant(ONE).await, server.tenant(ONE).await);
    gate.shut();
    socket.order("create_lead", json!({"name": "n", "email": "n@example.com"}), json!({})).await;
    gate.until_waiting(1).await;
    drop(socket);
    server.until_connections(1).await;
    gate.open();
    peer.next("voice_event").await;
    peer.next("lead_event").await;
    assert_eq!(peer.leads().await, 1);
}

#[actix_web::test]
async fn a_polling_client_is_answered_too() {
    let server = TestServer::start();
    let mut engine = Engine::polling(&server, "/socket.io").await;
    engine.connect("/events", "").await;
    engine.emit("/events", "execute_voice_command", json!({"command": "get_leads"})).await;
    for _ in 0..3 {
        engine.next_event("/events", "voice_event").await;
    }
    let answer = engine.next_event("/events", "voice_command_response").await;
    assert_eq!(answer["data"], json!({"leads": [], "total": 0}));
}
