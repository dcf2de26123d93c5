//! Guide 004's four shortcuts: the body is the payload (checklist I-047 to I-049, I-099).

use serde_json::{Value, json};

use super::JSON;
use crate::support::engine::Engine;
use crate::support::http::Answer;
use crate::support::{TestServer, http};

/// The path, the event, and what is said when it is done.
const SHORTCUTS: &[(&str, &str, &str)] = &[
    ("/api/ws/broadcast/kpi", "kpi:update", "KPI update broadcasted"),
    ("/api/ws/broadcast/backlog", "backlog:update", "Backlog update broadcasted"),
    ("/api/ws/broadcast/attendance", "attendance:update", "Attendance update broadcasted"),
    ("/api/ws/broadcast/alert", "alert:triggered", "Alert broadcasted"),
];

/// Where every test's time stands still.
const TIMESTAMP: &str = "2026-01-01T00:00:00.000Z";

async fn post(server: &TestServer, path: &str, body: &str) -> Answer {
    http::request(server.address(), "POST", path, &[JSON], body.as_bytes()).await
}

/// A client of guide 004 that follows everything of the organization `o`.
async fn follower(server: &TestServer) -> Engine {
    let mut engine = Engine::websocket(server, "/ws/").await;
    engine.connect_with("/", json!({"sub": "ann", "org": "o"})).await;
    let subscribed = engine.ask("/", "subscribe", json!({"channels": ["all"]})).await;
    assert_eq!(subscribed["success"], true, "{subscribed}");
    engine
}

#[actix_web::test]
async fn each_says_its_event_with_the_payload_to_the_letter() {
    let server = TestServer::by_hand(&[]);
    let mut engine = follower(&server).await;
    // Key order and the form of a number are the caller's; a `timestamp` that is missing comes last.
    let bodies = [
        (
            r#"{"z":1.50,"organization_id":"o","utilization":1e2,"changes":[{"b":1,"a":null}]}"#,
            format!(
                r#"{{"z":1.50,"organization_id":"o","utilization":1e2,"changes":[{{"b":1,"a":null}}],"timestamp":"{TIMESTAMP}"}}"#
            ),
        ),
        (
            r#"{"timestamp":"then", "organization_id":"o"}"#,
            r#"{"timestamp":"then", "organization_id":"o"}"#.to_owned(),
        ),
        // I-048: whatever else guide 004 names is optional.
        (r#"{"organization_id":"o"}"#, format!(r#"{{"organization_id":"o","timestamp":"{TIMESTAMP}"}}"#)),
        (
            r#"{"organization_id":"o","department_id":"d","queue_name":"q"}"#,
            format!(
                r#"{{"organization_id":"o","department_id":"d","queue_name":"q","timestamp":"{TIMESTAMP}"}}"#
            ),
        ),
    ];
    for (path, event, message) in SHORTCUTS {
        for (body, heard) in &bodies {
            let answer = post(&server, path, body).await;
            assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
            let mut told = answer.json();
            let message_id = told["message_id"].take();
            assert!(message_id.as_str().is_some_and(|id| id.len() == 36), "{message_id}");
            let expected = json!({
                "success": true, "message": message, "message_id": null, "recipients_count": 1,
                "sent_at": TIMESTAMP,
            });
            assert_eq!(told, expected, "{path}");
            assert_eq!(engine.hear().await, format!(r#"42["{event}",{heard}]"#), "{path}");
        }
    }
}

#[actix_web::test]
async fn a_body_that_names_no_organization_is_refused_and_nothing_is_sent() {
    let server = TestServer::by_hand(&[]);
    let mut engine = follower(&server).await;
    let bodies = [
        // I-049, and what an unset variable becomes.
        r#"{"utilization":1}"#,
        r#"{"organization_id":null}"#,
        r#"{"organization_id":""}"#,
        r#"{"organization_id":["o"]}"#,
        r#"{"organization_id":"o o"}"#,
        r#"{"organization_id":"o","organization_id":"o"}"#,
        r#"{"organization_id":"o","department_id":"../d"}"#,
        r#"{"organization_id":"o","queue_name":7.5}"#,
        r#"{"organization_id":"org"}"#,
        // Guide 004's own sample, verbatim (I-047).
        "{...}",
        "",
        "[]",
        r#"["o",null,null]"#,
        "null",
    ];
    for (path, ..) in SHORTCUTS {
        for body in bodies {
            let answer = post(&server, path, body).await;
            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
            answer.assert_error(400, "INVALID_MESSAGE");
        }
        let missing = post(&server, path, "{}").await;
        assert_eq!(missing.json()["error"], "`organization_id` is missing");
        let deep = format!(r#"{{"organization_id":"o","x":{}0{}}}"#, "[".repeat(200), "]".repeat(200));
        post(&server, path, &deep).await.assert_error(400, "INVALID_MESSAGE");
    }
    engine.expect_nothing("/").await;
    let stats = server.get("/api/ws/stats").await.json();
    assert_eq!(stats["stats"]["total_messages"], 0);
}

/// The filters of a subscription look into what `/alert` says, too.
#[actix_web::test]
async fn an_alert_is_compared_with_filters() {
    let server = TestServer::by_hand(&[]);
    let mut engine = Engine::websocket(&server, "/ws/").await;
    engine.connect_with("/", json!({"sub": "ann", "org": "o"})).await;
    let wanted = json!({"channels": ["alerts"], "filters": {"min_severity": "critical"}});
    assert_eq!(engine.ask("/", "subscribe", wanted).await["success"], true);
    for (severity, recipients) in [("warning", 0), ("critical", 1)] {
        let body = json!({"organization_id": "o", "rule_name": "r", "severity": severity});
        let answer = server.post("/api/ws/broadcast/alert", &body).await.json();
        assert_eq!(answer["recipients_count"], recipients, "{severity}");
    }
    let heard: Value = engine.next_event("/", "alert:triggered").await;
    assert_eq!(heard["severity"], "critical");
}
