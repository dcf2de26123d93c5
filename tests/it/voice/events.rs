//! What the tenant's sockets are told, and in which order (checklist F-040 to F-048, scenario S-18).

use serde_json::json;

use super::{ONE, TWO};
use crate::support::TestServer;

const CREATED: [&str; 4] = [
    "voice_event:VOICE_PROCESSING_STARTED",
    "lead_event:LEAD_CREATED",
    "voice_event:VOICE_COMMAND_EXECUTED",
    "voice_event:VOICE_PROCESSING_COMPLETED",
];

#[actix_web::test]
async fn everyone_of_the_tenant_hears_what_was_done_and_nobody_else() {
    let server = TestServer::start();
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    let mut foreign = server.tenant(TWO).await;
    one.order("create_lead", json!({"name": "John Doe", "email": "john@example.com"}), json!({})).await;

    // Whoever asked has its answer behind all that it has caused.
    let (before, answer) = one.response().await;
    assert_eq!(before, CREATED);
    let started = two.next("voice_event").await;
    assert_eq!(started["room"], "tenant:demo1");
    assert_eq!(started["data"]["data"], json!({"command": "create_lead"}), "no parameters: they name people");
    let created = two.next("lead_event").await["data"].clone();
    assert_eq!(created["data"], answer["data"]["lead"]);
    assert_eq!(created["leadId"], answer["data"]["leadId"]);
    assert_eq!((&created["tenantId"], &created["source"]), (&json!("demo1"), &json!("voice")));
    for kind in ["VOICE_COMMAND_EXECUTED", "VOICE_PROCESSING_COMPLETED"] {
        let event = two.next("voice_event").await["data"].clone();
        assert_eq!((&event["type"], &event["data"]["success"]), (&json!(kind), &json!(true)));
        assert!(event["data"]["duration"].is_u64() && event["id"].is_string(), "{event}");
    }
    two.expect_nothing().await;
    foreign.expect_nothing().await;
}

#[actix_web::test]
async fn a_backup_is_told_from_beginning_to_end() {
    let server = TestServer::start();
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(ONE).await);
    for number in 0..20 {
        one.create(&format!("Lead {number}")).await;
    }
    let (mut other, mut steps) = (server.tenant(ONE).await, Vec::new());
    let answer = one.run("start_backup", json!({})).await;
    loop {
        let event = other.next_event().await["data"].clone();
        if event["type"] == "VOICE_PROCESSING_COMPLETED" {
            break;
        }
        if event["data"]["operation"] == "backup" {
            assert_eq!(event["data"]["backup_id"], answer["data"]["backup_id"]);
            steps.push((
                event["type"].as_str().unwrap().to_owned(),
                event["data"]["progress"].as_u64().unwrap(),
            ));
        }
    }
    let steps: Vec<_> = steps.iter().map(|(kind, progress)| (kind.as_str(), *progress)).collect();
    assert_eq!(
        steps,
        [
            ("SYNC_STARTED", 0),
            ("SYNC_PROGRESS", 25),
            ("SYNC_PROGRESS", 50),
            ("SYNC_PROGRESS", 75),
            ("SYNC_COMPLETED", 100)
        ]
    );
    drop(two.next("voice_event").await);
}

#[actix_web::test]
async fn a_command_that_fails_is_told_as_failed() {
    let server = TestServer::start();
    // Nothing can be written below a file.
    std::fs::write(server.data.path().join("backups"), "in the way").unwrap();
    let mut socket = server.tenant(ONE).await;
    socket.order("start_backup", json!({}), json!({})).await;
    let mut told = Vec::new();
    let answer = loop {
        let event = socket.next_event().await["data"].clone();
        if event["command"] == "start_backup" {
            break event;
        }
        told.push((event["type"].clone(), event["data"]["success"].clone(), event["data"]["error"].clone()));
    };
    let null = json!(null);
    assert_eq!(
        told,
        [
            (json!("VOICE_PROCESSING_STARTED"), null.clone(), null.clone()),
            (json!("EXTERNAL_SERVICE_ERROR"), null.clone(), json!("The backup cannot be written")),
            (json!("VOICE_COMMAND_EXECUTED"), json!(false), null.clone()),
            (json!("VOICE_PROCESSING_COMPLETED"), json!(false), null),
        ]
    );
    assert_eq!((&answer["success"], &answer["error"]), (&json!(false), &json!("Backup failed")));
    assert_eq!(socket.run("get_leads", json!({})).await["success"], true, "nothing else is lost");
}
