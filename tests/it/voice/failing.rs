//! A disk that is full: nothing is lost, and whoever asked is told (issue 6, bad input).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::ONE;
use super::held::{Gate, Held};
use crate::support::{TestServer, http};

#[actix_web::test]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let gate = Arc::new(Gate::default());
    let own = Arc::clone(&gate);
    let server = TestServer::with_store(&[], move |store| Arc::new(Held(store, own)));
    let mut socket = server.tenant(ONE).await;
    socket.create("John").await;
    gate.is_full.store(true, Ordering::SeqCst);
    let lead = json!({"name": "Jane", "email": "jane@example.com"});
    socket.order("create_lead", lead.clone(), json!({})).await;
    let (told, answer) = socket.response().await;
    assert!(told.contains(&"integration_event:EXTERNAL_SERVICE_ERROR".to_owned()), "{told:?}");
    assert_eq!(
        (&answer["error"], &answer["details"]),
        (&json!("Store unavailable"), &json!("The disk is full"))
    );
    let headers = [("x-tenant-key", ONE), ("content-type", "application/json")];
    let body = lead.to_string();
    let refused = http::request(server.address(), "POST", "/leads", &headers, body.as_bytes()).await;
    refused.assert_error(503, "UNAVAILABLE");
    gate.is_full.store(false, Ordering::SeqCst);
    assert_eq!(socket.leads().await, 1);
}

#[actix_web::test]
async fn a_store_that_cannot_be_opened_is_named() {
    let data = crate::support::scratch::Scratch::new();
    let place = data.path().join("data");
    std::fs::write(&place, "a file").unwrap();
    let keys = [("PORT", "0"), ("DATA_DIR", place.to_str().unwrap())];
    let settings = switchboard::Settings::from_map(&keys).unwrap();
    let Err(error) = switchboard::App::builder(settings).start() else { panic!("it starts") };
    let said = error.to_string();
    assert!(said.contains("DATA_DIR") && said.contains(place.to_str().unwrap()), "{said}");
}
