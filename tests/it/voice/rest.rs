//! `GET` and `POST /leads`, `PATCH /leads/{id}` (contract section 8, checklist F-042, F-043, F-087, F-088).

use serde_json::{Value, json};

use super::{ONE, TWO};
use crate::support::http::{self, Answer};
use crate::support::{TestServer, scratch::Scratch};

async fn call(server: &TestServer, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("x-tenant-key", key), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::request(server.address(), method, path, &headers, body.as_bytes()).await
}

#[actix_web::test]
async fn a_lead_is_posted_listed_and_changed_and_everyone_of_the_tenant_hears() {
    let server = TestServer::start();
    let (mut socket, mut foreign) = (server.tenant(ONE).await, server.tenant(TWO).await);
    let draft = json!({"name": " John ", "email": "john@example.com", "source": "web"});
    let created = call(&server, ONE, "POST", "/leads", &draft).await;
    assert_eq!(created.status, 201);
    let lead = created.json()["lead"].clone();
    assert_eq!(
        (&lead["name"], &lead["status"], &lead["source"]),
        (&json!("John"), &json!("NEW"), &json!("web"))
    );
    let event = socket.next("lead_event").await["data"].clone();
    assert_eq!(
        (&event["type"], &event["data"], &event["source"]),
        (&json!("LEAD_CREATED"), &lead, &json!("api"))
    );

    let listed =
        call(&server, ONE, "GET", "/leads?status=NEW&source=web&search=john&limit=1", &Value::Null).await;
    assert_eq!(listed.json(), json!({"success": true, "tenant": "demo1", "leads": [lead], "total": 1}));
    for none in ["?status=LOST", "?source=voice", "?search=jane"] {
        let listed = call(&server, ONE, "GET", &format!("/leads{none}"), &Value::Null).await;
        assert_eq!(listed.json()["total"], 0, "{none}");
    }

    let path = format!("/leads/{}", lead["id"].as_str().unwrap());
    for (edits, kinds) in [
        (json!({"status": "CONTACTED"}), vec!["LEAD_STATUS_CHANGED"]),
        (json!({"status": "CONTACTED"}), vec![]),
        (json!({"company": "Acme"}), vec!["LEAD_UPDATED"]),
        (json!({"company": null, "status": "QUALIFIED"}), vec!["LEAD_UPDATED", "LEAD_STATUS_CHANGED"]),
    ] {
        let changed = call(&server, ONE, "PATCH", &path, &edits).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let lead = changed.json()["lead"].clone();
        for kind in kinds {
            let event = socket.next("lead_event").await["data"].clone();
            assert_eq!(
                (&event["type"], &event["data"]["status"]),
                (&json!(kind), &lead["status"]),
                "{edits}"
            );
            assert_eq!(event["leadId"], lead["id"]);
        }
        socket.expect_nothing().await;
    }
    foreign.expect_nothing().await;
}

#[actix_web::test]
async fn who_shows_no_good_key_is_refused() {
    let server = TestServer::start();
    for (method, path) in [("GET", "/leads"), ("POST", "/leads"), ("PATCH", "/leads/1")] {
        call(&server, "nope", method, path, &json!({"name": "x"})).await.assert_error(401, "AUTH_FAILED");
        let bare = http::request(server.address(), method, path, &[], b"").await;
        bare.assert_error(401, "AUTH_FAILED");
    }
    let headers = [("x-tenant-key", ONE), ("origin", "https://evil.example")];
    http::request(server.address(), "GET", "/leads", &headers, b"").await.assert_error(403, "UNAUTHORIZED");
    call(&server, ONE, "DELETE", "/leads", &Value::Null).await.assert_error(405, "METHOD_NOT_ALLOWED");
    call(&server, ONE, "GET", "/leads/1", &Value::Null).await.assert_error(405, "METHOD_NOT_ALLOWED");
}

#[actix_web::test]
async fn a_key_does_what_it_lists() {
    let file = Scratch::new();
    let path = file.path().join("tenants.json");
    let keys = r#"[{"id": "t", "name": "T", "keys": [
        {"key": "reader", "active": true, "permissions": ["get_leads"]},
        {"key": "writer", "active": true, "permissions": ["create_lead", "update_lead"]}]}]"#;
    std::fs::write(&path, keys).unwrap();
    let server = TestServer::with(&[("TENANTS_FILE", path.to_str().unwrap())]);
    let draft = json!({"name": "John", "email": "john@example.com"});
    call(&server, "reader", "POST", "/leads", &draft).await.assert_error(403, "UNAUTHORIZED");
    call(&server, "writer", "GET", "/leads", &Value::Null).await.assert_error(403, "UNAUTHORIZED");
    let created = call(&server, "writer", "POST", "/leads", &draft).await.json();
    let path = format!("/leads/{}", created["lead"]["id"].as_str().unwrap());
    let lost = json!({"status": "LOST"});
    call(&server, "reader", "PATCH", &path, &lost).await.assert_error(403, "UNAUTHORIZED");
    assert_eq!(call(&server, "writer", "PATCH", &path, &lost).await.status, 200);
    assert_eq!(call(&server, "reader", "GET", "/leads?status=LOST", &Value::Null).await.json()["total"], 1);
}

#[actix_web::test]
async fn what_cannot_be_taken_is_named_and_nothing_is_written() {
    let server = TestServer::start();
    let mut socket = server.tenant(ONE).await;
    let id = socket.create("John").await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": "x"}), "email"),
        (json!({"name": "x", "email": "x"}), "email"),
        (json!({"name": "x".repeat(201), "email": "x@example.com"}), "name"),
        (json!({"name": "x", "email": "x@example.com", "phone": "call me"}), "phone"),
        (json!({"name": 5, "email": "x@example.com"}), "fit"),
    ] {
        let refused = call(&server, ONE, "POST", "/leads", &body).await;
        refused.assert_error(400, "INVALID_MESSAGE");
        assert!(refused.json()["error"].as_str().unwrap().contains(field), "{}", refused.text());
    }
    for body in
        [json!({}), json!({"status": "OLD"}), json!({"name": ""}), json!({"email": null, "name": null})]
    {
        let refused = call(&server, ONE, "PATCH", &format!("/leads/{id}"), &body).await;
        refused.assert_error(400, "INVALID_MESSAGE");
    }
    for query in ["limit=0", "limit=1001", "limit=ten", "limit=-1", "status=OLD"] {
        let refused = call(&server, ONE, "GET", &format!("/leads?{query}"), &Value::Null).await;
        refused.assert_error(400, "INVALID_MESSAGE");
    }
    let lost = json!({"status": "LOST"});
    for unknown in ["nobody", "a%20b", "%27%20OR%201=1"] {
        let path = format!("/leads/{unknown}");
        call(&server, ONE, "PATCH", &path, &lost).await.assert_error(404, "NOT_FOUND");
    }
    assert_eq!(socket.leads().await, 1);
}
