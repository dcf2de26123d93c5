//! Too much at once, and too long (contract D-21: `Busy`, and what becomes of an effect that outlives its deadline).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::held::{Gate, Held};
use super::{ONE, TWO};
use crate::support::TestServer;
use crate::support::socket::Socket;

fn gated(settings: &[(&str, &str)]) -> (TestServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    (TestServer::with_store(settings, move |store| Arc::new(Held(store, own))), gate)
}

/// What the socket has sent has come to the executor: what another sends afterwards has been answered.
pub(super) async fn settled(server: &TestServer, socket: &mut Socket) {
    socket.send(json!({"type": "heartbeat"})).await;
    socket.next("heartbeat").await;
    server.tenant(TWO).await.run("nope", json!({})).await;
}

#[actix_web::test]
async fn what_is_over_the_limit_is_busy_in_its_turn() {
    let (server, gate) = gated(&[("COMMANDS_IN_FLIGHT", "2")]);
    let (mut socket, mut peer) = (server.tenant(ONE).await, server.tenant(ONE).await);
    gate.shut();
    for number in 0..4 {
        socket.order("get_leads", json!({}), json!({"requestId": number})).await;
    }
    gate.until_waiting(1).await;
    socket.next("voice_event").await;
    // Heard behind the four, which are all here then.
    socket.send(json!({"type": "heartbeat"})).await;
    socket.next("heartbeat").await;
    // Nothing stands before another's refusal; and another tenant has a limit of its own.
    peer.next("voice_event").await;
    let (_, busy) = {
        peer.order("get_leads", json!({}), json!({})).await;
        peer.response().await
    };
    assert_eq!((&busy["success"], &busy["error"]), (&json!(false), &json!("Busy")));
    assert_eq!(server.tenant(TWO).await.leads().await, 0);

    gate.open();
    for number in 0..4 {
        let (_, answer) = socket.response().await;
        let error = if number < 2 { json!(null) } else { json!("Busy") };
        assert_eq!((&answer["requestId"], &answer["error"]), (&json!(number), &error));
    }
    assert_eq!(socket.leads().await, 0, "there is room again");
}

#[actix_web::test]
async fn an_effect_that_outlives_its_deadline_is_unknown_until_it_is_known() {
    let (server, gate) = gated(&[("COMMAND_DEADLINE_MS", "1000")]);
    let mut socket = server.tenant(ONE).await;
    let lead = json!({"name": "n", "email": "n@example.com"});
    gate.shut();
    let asked = json!({"idempotencyKey": "k1"});
    socket.order("create_lead", lead.clone(), asked.clone()).await;
    gate.until_waiting(1).await;
    socket.next("voice_event").await;
    server.clock.advance(Duration::from_secs(1));
    let late = socket.next("voice_command_response").await["data"].clone();
    assert_eq!(late["error"], "Outcome unknown");

    // A repeat waits for the same, and hears no more.
    socket.order("create_lead", lead.clone(), asked.clone()).await;
    settled(&server, &mut socket).await;
    server.clock.advance(Duration::from_secs(1));
    let late = socket.next("voice_command_response").await["data"].clone();
    assert_eq!(late["error"], "Outcome unknown");

    gate.open();
    socket.next("lead_event").await;
    let (_, answer) = {
        socket.order("create_lead", lead, asked).await;
        socket.response().await
    };
    assert_eq!((&answer["success"], &answer["replayed"]), (&json!(true), &json!(true)));
    assert_eq!(gate.effects.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_question_that_takes_too_long_has_done_nothing() {
    let (server, gate) = gated(&[("COMMAND_DEADLINE_MS", "1000")]);
    let mut socket = server.tenant(ONE).await;
    gate.shut();
    socket.order("get_leads", json!({}), json!({"requestId": 1})).await;
    socket
        .order("create_lead", json!({"name": "n", "email": "n@example.com"}), json!({"requestId": 2}))
        .await;
    gate.until_waiting(1).await;
    socket.next("voice_event").await;
    settled(&server, &mut socket).await;
    server.clock.advance(Duration::from_secs(1));
    for number in [1, 2] {
        let late = socket.next("voice_command_response").await["data"].clone();
        assert_eq!((&late["requestId"], &late["error"]), (&json!(number), &json!("Deadline exceeded")));
    }
    gate.open();
    socket.next("voice_event").await;
    socket.next("voice_event").await;
    assert_eq!(socket.leads().await, 0, "the second was never begun");
}

#[actix_web::test]
async fn a_question_that_waits_for_its_like_has_done_nothing_either() {
    let (server, gate) = gated(&[("COMMAND_DEADLINE_MS", "1000")]);
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let asked = json!({"idempotencyKey": "k"});
    gate.shut();
    one.order("get_leads", json!({}), asked.clone()).await;
    gate.until_waiting(1).await;
    two.next("voice_event").await;
    two.order("get_leads", json!({}), asked).await;
    settled(&server, &mut two).await;
    server.clock.advance(Duration::from_secs(1));
    for socket in [&mut one, &mut two] {
        assert_eq!(socket.response().await.1["error"], "Deadline exceeded");
    }
    assert_eq!(
        server.get("/api/ws/stats").await.json()["stats"]["error_count"],
        3,
        "the other's `nope`, too"
    );
    gate.open();
}
