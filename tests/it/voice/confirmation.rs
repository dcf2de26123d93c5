//! Commands that must be asked for twice (`CONFIRM_COMMANDS`, contract D-21).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::busy::settled;
use super::held::{Gate, Held};
use super::{ONE, PATIENT, TWO};
use crate::support::TestServer;

#[actix_web::test]
async fn a_command_is_run_with_the_token_its_refusal_names() {
    let settings = [PATIENT[0], PATIENT[1], ("CONFIRM_COMMANDS", "create_lead,start_backup")];
    let server = TestServer::by_hand(&settings);
    let mut socket = server.tenant(ONE).await;
    let lead = json!({"name": "John", "email": "john@example.com"});
    socket.order("create_lead", lead.clone(), json!({})).await;
    let (told, refused) = socket.response().await;
    assert!(told.is_empty(), "{told:?}");
    assert_eq!((&refused["success"], &refused["error"]), (&json!(false), &json!("Confirmation required")));
    assert_eq!(refused["expires_at"], "2026-01-01T00:05:00.000Z");
    let token = json!({"confirmToken": refused["confirmToken"]});

    // For that alone: not of another tenant, with other parameters, or for another command.
    let mut foreign = server.tenant(TWO).await;
    let other = json!({"name": "Jane", "email": "john@example.com"});
    for answer in [
        foreign.run_with("create_lead", lead.clone(), token.clone()).await,
        socket.run_with("create_lead", other, token.clone()).await,
        socket.run_with("start_backup", json!({}), token.clone()).await,
        socket.run_with("create_lead", lead.clone(), json!({"confirmToken": "x"})).await,
    ] {
        assert_eq!(answer["error"], "Confirmation required");
    }
    assert_eq!(socket.run_with("create_lead", lead.clone(), token.clone()).await["success"], true);
    // Once.
    let again = socket.run_with("create_lead", lead.clone(), token).await;
    assert_eq!(again["error"], "Confirmation required");
    server.clock.advance(Duration::from_secs(300));
    let late = json!({"confirmToken": again["confirmToken"]});
    assert_eq!(socket.run_with("create_lead", lead, late).await["error"], "Confirmation required");
    assert_eq!(socket.leads().await, 1, "which needs no token");
}

#[actix_web::test]
async fn a_repeat_of_what_was_confirmed_needs_no_other_token() {
    let server = TestServer::with(&[("CONFIRM_COMMANDS", "create_lead")]);
    let mut socket = server.tenant(ONE).await;
    let lead = json!({"name": "John", "email": "john@example.com"});
    let asked = json!({"idempotencyKey": "k"});
    let refused = socket.run_with("create_lead", lead.clone(), asked.clone()).await;
    assert_eq!(refused["error"], "Confirmation required");
    let confirmed = json!({"idempotencyKey": "k", "confirmToken": refused["confirmToken"]});
    let first = socket.run_with("create_lead", lead.clone(), confirmed).await;
    assert_eq!(first["success"], true);
    let again = socket.run_with("create_lead", lead, asked).await;
    assert_eq!((&again["data"], &again["replayed"]), (&first["data"], &json!(true)));
}

#[actix_web::test]
async fn a_token_is_heard_behind_a_repeat_without_one() {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    let settings = [("CONFIRM_COMMANDS", "create_lead")];
    let server = TestServer::with_store(&settings, move |store| Arc::new(Held(store, own)));
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let lead = json!({"name": "John", "email": "john@example.com"});
    let refused = one.run_with("create_lead", lead.clone(), json!({"idempotencyKey": "k"})).await;
    gate.holds_begin.store(true, Ordering::SeqCst);
    gate.shut();
    one.order("create_lead", lead.clone(), json!({"idempotencyKey": "k"})).await;
    gate.until_waiting(1).await;
    let confirmed = json!({"idempotencyKey": "k", "confirmToken": refused["confirmToken"]});
    two.order("create_lead", lead, confirmed).await;
    settled(&server, &mut two).await;
    gate.open();
    assert_eq!(one.response().await.1["error"], "Confirmation required");
    let (_, answer) = two.response().await;
    assert_eq!((&answer["success"], &answer["replayed"]), (&json!(true), &json!(null)), "{answer}");
}

#[actix_web::test]
async fn a_command_that_does_not_exist_cannot_be_confirmed() {
    let data = crate::support::scratch::Scratch::new();
    let keys = [("PORT", "0"), ("DATA_DIR", data.text()), ("CONFIRM_COMMANDS", "start_backup,delete_all")];
    let settings = switchboard::Settings::from_map(&keys).unwrap();
    let Err(error) = switchboard::App::builder(settings).start() else { panic!("it starts") };
    assert!(error.to_string().contains("CONFIRM_COMMANDS names `delete_all`"), "{error}");
}

#[actix_web::test]
async fn a_question_asked_back_is_no_failed_command() {
    let settings = [PATIENT[0], PATIENT[1], ("CONFIRM_COMMANDS", "create_lead")];
    let server = TestServer::by_hand(&settings);
    let mut socket = server.tenant(ONE).await;
    let lead = json!({"name": "John", "email": "john@example.com"});
    for _ in 0..30 {
        assert_eq!(socket.run("create_lead", lead.clone()).await["error"], "Confirmation required");
    }
    let transcript = json!({"transcript": "the weather is nice", "requestId": "r"});
    socket.send(json!({"event": "execute_voice_command", "data": transcript})).await;
    assert_eq!(socket.response().await.1["error"], "Not understood");
    socket.run("get_leads", json!({})).await;
    let metrics = socket.run("get_metrics", json!({"metric_type": "commands"})).await["data"].clone();
    let counted = json!({"total": 1, "by_command": {"get_leads": 1}, "failed": 0});
    assert_eq!(metrics["metrics"]["commands"], counted, "{metrics}");
}
