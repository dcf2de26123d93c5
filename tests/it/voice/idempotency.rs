//! A command with a key takes effect once (contract D-21, D-45).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::held::{Gate, Held};
use super::{ONE, PATIENT, TWO};
use crate::support::TestServer;

fn gated(settings: &[(&str, &str)]) -> (TestServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    (TestServer::with_store(settings, move |store| Arc::new(Held(store, own))), gate)
}

#[actix_web::test]
async fn a_repeat_gets_the_answer_of_the_first_and_its_own_mark() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    let lead = json!({"name": "John", "email": "john@example.com"});
    let asked = |mark: &str| json!({"idempotencyKey": "k1", "requestId": mark});
    let first = socket.run_with("create_lead", lead.clone(), asked("a")).await;
    server.clock.advance(Duration::from_secs(60));

    // The same by other words: another order of keys.
    let same = json!({"email": "john@example.com", "name": "John"});
    socket.order("create_lead", same, asked("b")).await;
    let (told, again) = socket.response().await;
    assert!(told.is_empty(), "nothing happens, so nobody is told: {told:?}");
    let mut expected = first.clone();
    expected["requestId"] = json!("b");
    expected["replayed"] = json!(true);
    assert_eq!(again, expected);

    let other = json!({"name": "Jane", "email": "john@example.com"});
    for (command, parameters) in
        [("create_lead", other), ("get_leads", json!({})), ("start_backup", json!({}))]
    {
        let answer = socket.run_with(command, parameters, asked("c")).await;
        assert_eq!((&answer["error"], &answer["requestId"]), (&json!("Idempotency conflict"), &json!("c")));
    }
    // Keys are per tenant.
    let mut foreign = server.tenant(TWO).await;
    assert!(foreign.run_with("create_lead", lead.clone(), asked("d")).await["replayed"].is_null());
    assert_eq!((socket.leads().await, foreign.leads().await), (1, 1));

    server.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(socket.run_with("create_lead", lead, asked("e")).await["replayed"].is_null(), "forgotten by now");
}

#[actix_web::test]
async fn what_no_value_can_hold_makes_no_two_commands_equal() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    // Neither can be held as a value; beside what a command reads it is passed over.
    for (key, odd) in [("k1", "1e999"), ("k2", r#""\ud800""#)] {
        for (name, error) in [("A", json!(null)), ("B", json!("Idempotency conflict"))] {
            let parameters = format!(r#"{{"name":"{name}","email":"n@example.com","x":{odd}}}"#);
            let payload =
                format!(r#"{{"command":"create_lead","idempotencyKey":"{key}","parameters":{parameters}}}"#);
            socket.send_text(&format!(r#"{{"type":"execute_voice_command","payload":{payload}}}"#)).await;
            assert_eq!(socket.response().await.1["error"], error, "{odd} {name}");
        }
    }
}

#[actix_web::test]
async fn two_sockets_at_once_have_one_effect() {
    let (server, gate) = gated(&[]);
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let lead = json!({"name": "John", "email": "john@example.com"});
    gate.shut();
    one.order("create_lead", lead.clone(), json!({"idempotencyKey": "k", "requestId": 1})).await;
    gate.until_waiting(1).await;
    two.next("voice_event").await;
    two.order("create_lead", lead, json!({"idempotencyKey": "k", "requestId": 2})).await;
    // While it waits it is told nothing of that, and hears everything else.
    two.send(json!({"type": "heartbeat"})).await;
    two.next("heartbeat").await;
    gate.open();
    let (first, (told, second)) = (one.response().await.1, two.response().await);
    assert_eq!(told.len(), 3, "of the one that ran: {told:?}");
    assert_eq!(first["data"], second["data"]);
    assert_eq!((&first["replayed"], &second["replayed"]), (&json!(null), &json!(true)));
    assert_eq!((&first["requestId"], &second["requestId"]), (&json!(1), &json!(2)));
    assert_eq!(gate.effects.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn another_body_is_refused_while_the_first_is_on_its_way_to_the_journal() {
    let (server, gate) = gated(&[]);
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let lead = |name: &str| json!({"name": name, "email": "n@example.com"});
    gate.holds_begin.store(true, Ordering::SeqCst);
    gate.shut();
    one.order("create_lead", lead("A"), json!({"idempotencyKey": "k"})).await;
    gate.until_waiting(1).await;
    let answer = two.run_with("create_lead", lead("B"), json!({"idempotencyKey": "k"})).await;
    assert_eq!(
        (&answer["error"], &answer["command"]),
        (&json!("Idempotency conflict"), &json!("create_lead"))
    );
    gate.open();
    assert_eq!(one.response().await.1["data"]["lead"]["name"], "A", "who came first");
    assert_eq!(gate.effects.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn what_was_refused_is_not_remembered() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let asked = json!({"idempotencyKey": "k"});
    let bad = socket.run_with("create_lead", json!({"name": "John"}), asked.clone()).await;
    assert_eq!(bad["error"], "Invalid parameters");
    let lead = json!({"name": "John", "email": "john@example.com"});
    let good = socket.run_with("create_lead", lead, asked).await;
    assert_eq!((&good["success"], &good["replayed"]), (&json!(true), &json!(null)));
    let odd = socket.run_with("get_leads", json!({}), json!({"idempotencyKey": 5})).await;
    assert_eq!(odd["error"], "Invalid parameters");
}

#[actix_web::test]
async fn a_command_that_failed_may_be_asked_again() {
    let (server, gate) = gated(&[]);
    let mut socket = server.tenant(ONE).await;
    let (lead, asked) =
        (json!({"name": "John", "email": "john@example.com"}), json!({"idempotencyKey": "k"}));
    gate.is_full.store(true, Ordering::SeqCst);
    let failed = socket.run_with("create_lead", lead.clone(), asked.clone()).await;
    assert_eq!(
        (&failed["error"], &failed["details"]),
        (&json!("Store unavailable"), &json!("The disk is full"))
    );
    gate.is_full.store(false, Ordering::SeqCst);
    let done = socket.run_with("create_lead", lead, asked).await;
    assert_eq!((&done["success"], &done["replayed"]), (&json!(true), &json!(null)));
    assert_eq!(socket.leads().await, 1);
}

#[actix_web::test]
async fn a_backup_is_repeated_by_its_answer_alone() {
    let (server, gate) = gated(&[]);
    let mut socket = server.tenant(ONE).await;
    let asked = json!({"idempotencyKey": "k"});
    let first = socket.run_with("start_backup", json!({}), asked.clone()).await;
    let again = socket.run_with("start_backup", json!({}), asked).await;
    assert_eq!((&again["data"], &again["replayed"]), (&first["data"], &json!(true)));
    assert_eq!(gate.effects.load(Ordering::SeqCst), 1);
}
