//! Commands as they are spoken (contract D-22).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::ONE;
use super::busy::settled;
use super::held::{Gate, Held};
use crate::support::TestServer;
use crate::support::scratch::Scratch;
use crate::support::socket::Socket;

async fn say(socket: &mut Socket, payload: Value) -> Value {
    socket.send(json!({"type": "execute_voice_command", "payload": payload})).await;
    socket.response().await.1
}

#[actix_web::test]
async fn what_is_understood_is_done_as_if_it_had_been_sent_so() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let words = "create a lead for John Doe with email john@example.com";
    let spoken = json!({"transcript": words, "confidence": 0.9, "requestId": 1, "idempotencyKey": "k"});
    let created = say(&mut socket, spoken.clone()).await;
    assert_eq!(
        (&created["success"], &created["command"]),
        (&json!(true), &json!("create_lead")),
        "{created}"
    );
    assert_eq!(created["data"]["lead"]["email"], "john@example.com");
    assert_eq!(created["understood"]["command"], "create_lead");
    assert_eq!(created["understood"]["parameters"], json!({"name": "John Doe", "email": "john@example.com"}));

    // A recogniser that hears the same again repeats it, however sure it is.
    let again =
        say(&mut socket, json!({"transcript": words, "confidence": 0.8, "idempotencyKey": "k"})).await;
    assert_eq!((&again["replayed"], &again["data"]), (&json!(true), &created["data"]));
    for less in [json!({"confidence": 0.3}), json!({"locale": "da"})] {
        let mut spoken = json!({"transcript": words, "idempotencyKey": "k"});
        spoken.as_object_mut().unwrap().extend(less.as_object().unwrap().clone());
        let again = say(&mut socket, spoken).await;
        assert_eq!((&again["replayed"], &again["data"]), (&json!(true), &created["data"]), "{less}: {again}");
    }
    let unsure = json!({"transcript": words, "confidence": 0.3, "idempotencyKey": "k2"});
    for _ in 0..2 {
        assert_eq!(say(&mut socket, unsure.clone()).await["error"], "Clarification needed");
    }
    let other = say(&mut socket, json!({"transcript": "start a backup", "idempotencyKey": "k"})).await;
    assert_eq!(other["error"], "Idempotency conflict");
    assert_eq!(socket.leads().await, 1);
}

#[actix_web::test]
async fn words_heard_less_surely_wait_for_what_they_have_begun() {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    let server = TestServer::with_store(&[], move |store| Arc::new(Held(store, own)));
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let words = |sure: f64| {
        let words = "create a lead for John Doe with email john@example.com";
        let payload = json!({"transcript": words, "confidence": sure, "idempotencyKey": "k"});
        json!({"type": "execute_voice_command", "payload": payload})
    };
    gate.shut();
    one.send(words(0.9)).await;
    gate.until_waiting(1).await;
    two.next("voice_event").await;
    two.send(words(0.3)).await;
    settled(&server, &mut two).await;
    gate.open();
    let (first, again) = (one.response().await.1, two.response().await.1);
    assert_eq!((&again["data"], &again["replayed"]), (&first["data"], &json!(true)), "{again}");
    assert_eq!(gate.effects.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn nothing_is_done_on_a_guess() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    for (payload, error) in [
        (json!({"transcript": "start a backup", "confidence": 0.4}), "Clarification needed"),
        (json!({"transcript": "do not start a backup"}), "Clarification needed"),
        (json!({"transcript": "the weather is nice"}), "Not understood"),
        (json!({"transcript": ""}), "Not understood"),
        (json!({"transcript": "'; DROP TABLE leads; --"}), "Not understood"),
        (json!({"transcript": "start a backup", "locale": "da"}), "Not understood"),
        (json!({"transcript": "x".repeat(5000)}), "Invalid parameters"),
        (json!({"transcript": 5}), "Invalid parameters"),
        (json!({"transcript": "start a backup", "command": "start_backup"}), "Invalid parameters"),
        (json!({"transcript": "start a backup", "tenantId": "demo2"}), "Access denied"),
    ] {
        let answer = say(&mut socket, payload.clone()).await;
        assert_eq!(
            (&answer["success"], &answer["error"]),
            (&json!(false), &json!(error)),
            "{payload}: {answer}"
        );
        let asks = answer["clarify"]["question"].is_string() && answer["clarify"]["options"].is_array();
        assert_eq!(asks, error == "Clarification needed", "{answer}");
        assert_eq!(answer["not_understood"] == true, error == "Not understood", "{answer}");
    }
    assert!(!server.data.path().join("backups/demo1").exists());
}

#[actix_web::test]
async fn the_phrases_can_be_others() {
    let file = Scratch::new();
    let phrases = file.path().join("phrases.toml");
    let own =
        include_str!("../../../data/phrases.toml").replace(r#""backup process""#, r#""rainy day copy""#);
    std::fs::write(&phrases, own).unwrap();
    let server = TestServer::with(&[("PHRASES_FILE", phrases.to_str().unwrap())]);
    let mut socket = server.tenant(ONE).await;
    let answer = say(&mut socket, json!({"transcript": "start a rainy day copy"})).await;
    assert_eq!((&answer["success"], &answer["command"]), (&json!(true), &json!("start_backup")), "{answer}");

    std::fs::write(&phrases, "nonsense").unwrap();
    let data = Scratch::new();
    let keys = [("PORT", "0"), ("DATA_DIR", data.text()), ("PHRASES_FILE", phrases.to_str().unwrap())];
    let settings = switchboard::Settings::from_map(&keys).unwrap();
    let Err(error) = switchboard::App::builder(settings).start() else { panic!("it starts") };
    assert!(error.to_string().contains("PHRASES_FILE"), "{error}");
}
