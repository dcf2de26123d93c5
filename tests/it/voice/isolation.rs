//! No tenant sees or touches another's (checklist F-017).

use serde_json::json;

use super::{ONE, TWO};
use crate::support::{TestServer, http};

#[actix_web::test]
async fn no_way_leads_to_another_tenant_s_leads() {
    let server = TestServer::start();
    let (mut one, mut two) = (server.tenant(ONE).await, server.tenant(TWO).await);
    let lead = one.create("John Doe").await;
    for (command, parameters) in [
        ("get_leads", json!({})),
        ("search_leads", json!({"query": "john"})),
        ("search_leads", json!({"query": lead})),
    ] {
        assert_eq!(two.run(command, parameters).await["data"]["total"], 0, "{command}");
    }
    let metrics = two.run("get_metrics", json!({})).await;
    assert_eq!(metrics["data"]["metrics"]["leads"]["total"], 0);
    assert_eq!(metrics["data"]["metrics"]["commands"]["by_command"]["create_lead"], json!(null));
    assert_eq!(metrics["data"]["metrics"]["connections"]["current"], 1);
    assert_eq!(two.run("start_backup", json!({})).await["data"]["leads"], 0);

    let headers = [("x-tenant-key", TWO), ("content-type", "application/json")];
    let listed = http::request(server.address(), "GET", "/leads", &headers, b"").await;
    assert_eq!(listed.json()["total"], 0);
    let path = format!("/leads/{lead}");
    let changed = http::request(server.address(), "PATCH", &path, &headers, br#"{"status":"LOST"}"#).await;
    changed.assert_error(404, "NOT_FOUND");
    assert_eq!(one.run("get_leads", json!({"status": "NEW"})).await["data"]["total"], 1);

    two.send(json!({"type": "join", "payload": {"room": "tenant:demo1"}})).await;
    two.next_error("UNAUTHORIZED").await;
}
