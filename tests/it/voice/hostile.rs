//! Input that means harm: told in the guide's words, nothing written, the socket alive.

use serde_json::json;

use super::ONE;
use crate::support::TestServer;

#[actix_web::test]
async fn depth_and_size_end_nothing_but_the_command() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for parameters in [deep.clone(), format!(r#"{{"name":{deep}}}"#)] {
        let frame = format!(
            r#"{{"type":"execute_voice_command","payload":{{"command":"create_lead","parameters":{parameters}}}}}"#
        );
        socket.send_text(&frame).await;
        assert_eq!(socket.response().await.1["error"], "Invalid parameters");
    }
    let notes = "x".repeat(500_000);
    let lead = json!({"name": "n", "email": "n@example.com", "notes": notes});
    let answer = socket.run("create_lead", lead).await;
    assert_eq!(answer["error"], "Invalid parameters");
    assert!(answer["details"].as_str().unwrap().len() < 300, "what was sent is not sent back");
    let answer = socket.run_with("get_leads", json!({}), json!({"requestId": "r".repeat(10_000)})).await;
    assert_eq!((&answer["error"], &answer["requestId"]), (&json!("Invalid parameters"), &json!(null)));
    let answer = socket.run(&"c".repeat(100_000), json!({})).await;
    assert_eq!(
        (&answer["error"], answer["command"].as_str().unwrap().len()),
        (&json!("Unknown command"), 64)
    );
    socket
        .send_text(&format!(r#"{{"type":"execute_voice_command","payload":"{}"}}"#, "x".repeat(1_100_000)))
        .await;
    socket.next_error("MESSAGE_TOO_LARGE").await;
    assert_eq!(socket.leads().await, 0);
}

#[actix_web::test]
async fn the_syntax_of_databases_and_searches_is_text() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let texts =
        ["'; DROP TABLE leads; --", "\" OR 1=1 --", "name:* NEAR(a b)", "%_", "a\" AND \"b", "{}[]()^*+-"];
    for text in texts {
        let lead =
            json!({"name": text, "email": "n@example.com", "company": text, "notes": text, "source": text});
        assert_eq!(socket.run("create_lead", lead).await["data"]["lead"]["name"], text);
        let found = socket.run("search_leads", json!({"query": text})).await;
        assert_eq!(found["data"]["leads"][0]["name"], text, "{found}");
        let found = socket.run("get_leads", json!({"source": text})).await;
        assert_eq!((&found["data"]["total"], &found["data"]["leads"][0]["notes"]), (&json!(1), &json!(text)));
        let more = json!({"idempotencyKey": text, "requestId": text, "confirmToken": text});
        let answer = socket.run_with("get_leads", json!({}), more).await;
        assert_eq!((&answer["success"], &answer["requestId"]), (&json!(true), &json!(text)));
        for (command, field) in [
            ("get_leads", "status"),
            ("get_metrics", "period"),
            ("start_backup", "backup_type"),
            ("nope", "x"),
        ] {
            assert_eq!(socket.run(command, json!({field: text})).await["success"], false, "{command} {text}");
        }
    }
    assert_eq!(socket.leads().await, texts.len() as u64);
}
