//! What each command answers (checklist F-018 to F-035).

use std::time::Duration;

use serde_json::{Value, json};

use super::{ONE, PATIENT};
use crate::support::TestServer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[actix_web::test]
async fn a_lead_is_created_and_found_again() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    let draft = json!({"name": "John Doe", "email": "john@example.com", "company": "Acme Corp",
        "phone": "+45 12 34 56 78", "notes": "Interested in our services"});
    let created = socket.run("create_lead", draft).await;
    let lead = &created["data"]["lead"];
    assert_eq!(created["success"], true);
    assert_eq!((&created["tenant"], &created["command"]), (&json!("demo1"), &json!("create_lead")));
    assert_eq!(lead["id"], created["data"]["leadId"]);
    assert_eq!((&lead["status"], &lead["source"]), (&json!("NEW"), &json!("voice")));
    assert_eq!(lead["phone"], "+45 12 34 56 78");

    // As the guide's end-to-end test sends it: nothing but the command is needed.
    let listed = socket.run("get_leads", json!({"limit": 5})).await;
    assert_eq!(listed["data"], json!({"leads": [lead], "total": 1}));
    for (query, found) in [("john", 1), ("ACME doe", 1), ("services", 1), ("12 34", 1), ("jane", 0)] {
        let answer = socket.run("search_leads", json!({"query": query, "status": "NEW"})).await;
        assert_eq!(answer["data"]["total"], found, "{query}");
    }
    for (filter, found) in [
        (json!({"status": "CONTACTED"}), 0),
        (json!({"status": "new"}), 1),
        (json!({"source": "voice"}), 1),
        (json!({"source": "api"}), 0),
    ] {
        assert_eq!(socket.run("get_leads", filter.clone()).await["data"]["total"], found, "{filter}");
    }
}

#[actix_web::test]
async fn a_limit_and_a_date_range_bound_what_is_told() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    for day in 0..3 {
        socket.create(&format!("Lead {day}")).await;
        if day < 2 {
            server.clock.advance(DAY);
        }
    }
    let limited = socket.run("get_leads", json!({"limit": 1})).await;
    assert_eq!(
        (limited["data"]["leads"].as_array().unwrap().len(), &limited["data"]["total"]),
        (1, &json!(3))
    );
    assert_eq!(limited["data"]["leads"][0]["name"], "Lead 2", "the newest first");

    let at = |lead: &Value| lead["createdAt"].as_str().unwrap().to_owned();
    let all = socket.run("get_leads", json!({})).await;
    let [newest, middle, oldest] = [0, 1, 2].map(|index| at(&all["data"]["leads"][index]));
    for (range, found) in [
        (json!({"start": oldest, "end": oldest}), 1),
        (json!({"from": middle, "to": newest}), 2),
        (json!({"start": middle[..10], "end": middle[..10]}), 1),
        (json!({"from": middle}), 2),
        (json!({"to": middle}), 2),
        (json!({"start": "2001-01-01", "end": "2001-12-31"}), 0),
        (json!("today"), 1),
        (json!("week"), 3),
        (json!("month"), 3),
    ] {
        let answer = socket.run("search_leads", json!({"query": "lead", "date_range": range})).await;
        assert_eq!(answer["data"]["total"], found, "{range}");
    }
}

#[actix_web::test]
async fn metrics_are_the_figures_of_what_was_done() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    let _other = server.tenant(ONE).await;
    let _foreign = server.tenant(super::TWO).await;
    socket.create("John").await;
    server.clock.advance(DAY * 8);
    socket.create("Jane").await;
    socket.run("nope", json!({})).await;
    socket.run("get_leads", json!({"limit": 0})).await;

    let answer = socket.run("get_metrics", json!({"period": "week"})).await;
    let metrics = &answer["data"]["metrics"];
    let by_status = json!({"NEW": 2, "CONTACTED": 0, "QUALIFIED": 0, "CONVERTED": 0, "LOST": 0});
    assert_eq!(metrics["leads"], json!({"total": 2, "created": 1, "by_status": by_status}));
    let by_command = json!({"create_lead": 1, "get_leads": 1, "unknown": 1});
    assert_eq!(metrics["commands"], json!({"total": 3, "by_command": by_command, "failed": 2}));
    assert_eq!(
        (&metrics["connections"]["current"], &metrics["connections"]["opened"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(metrics["period"], "week");

    let answer = socket.run("get_metrics", json!({"metric_type": "connections"})).await;
    let keys = answer["data"]["metrics"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys, ["connections", "from", "period", "to"]);
    assert_eq!(answer["data"]["metrics"]["connections"]["opened"], 2, "within the month");
}

#[actix_web::test]
async fn a_backup_is_there_when_it_is_said_to_be() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    socket.create("John").await;
    let answer = socket.run("start_backup", json!({"priority": "high"})).await;
    let data = &answer["data"];
    assert_eq!(
        (&data["backup_type"], &data["priority"], &data["leads"]),
        (&json!("full"), &json!("high"), &json!(1))
    );
    let file = format!("{}.sqlite", data["backup_id"].as_str().unwrap());
    let file = server.data.path().join("backups/demo1").join(file);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), data["bytes"].as_u64().unwrap());
}

#[actix_web::test]
async fn compliance_names_what_fails() {
    let server = TestServer::by_hand(&PATIENT);
    let mut socket = server.tenant(ONE).await;
    let check = async |socket: &mut crate::support::socket::Socket, parameters: Value| {
        let answer = socket.run("compliance_check", parameters).await;
        let report = &answer["data"]["compliance"];
        assert_eq!(report["passed"], report["failed"].as_array().unwrap().is_empty());
        report["failed"].clone()
    };
    assert_eq!(check(&mut socket, json!({})).await, json!(["backup-age"]));
    socket.run("start_backup", json!({})).await;
    assert_eq!(check(&mut socket, json!({"check_type": "all", "severity": "low"})).await, json!([]));

    socket.create("John").await;
    server.clock.advance(DAY * 366);
    let mut socket = server.tenant(ONE).await;
    let all = json!({"check_type": "all"});
    assert_eq!(check(&mut socket, all).await, json!(["backup-age", "key-age"]));
    assert_eq!(check(&mut socket, json!({"severity": "high"})).await, json!(["backup-age"]));
    let gdpr = json!({"check_type": "gdpr", "severity": "low"});
    assert_eq!(check(&mut socket, gdpr.clone()).await, json!(["lead-purpose"]));
    server.clock.advance(DAY * 366);
    let mut socket = server.tenant(ONE).await;
    assert_eq!(check(&mut socket, gdpr).await, json!(["lead-retention", "lead-purpose"]));
}
