//! Pages that the server itself has served, on whichever of its ports (contract X-32): who may call
//! may read the answer, and nobody else (scenario S-66).

use std::net::SocketAddr;

use super::cross_origin::{LISTED, assert_readable_by};
use super::{ADMIN_ROUTES, BROADCAST, JSON};
use crate::support::TestServer;
use crate::support::http::{self, Answer};

/// What a page of another site might be called.
const FOREIGN: &[&str] =
    &["https://evil.example", "null", "*", "http://dash.example", "https://dash.example:1"];
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// Two listeners, and one origin that is listed.
fn server() -> TestServer {
    TestServer::with(&[("WS_PORT", "0"), ("CORS_ORIGINS", LISTED)])
}

fn listeners(server: &TestServer) -> [SocketAddr; 2] {
    server.running().addresses().try_into().expect("two listeners")
}

/// Every port that a page may come from, with every port that it may call.
fn own_calls(server: &TestServer) -> Vec<(String, SocketAddr)> {
    let listeners = listeners(server);
    let from = |page: SocketAddr| listeners.map(|address| (format!("http://{page}"), address));
    listeners.into_iter().flat_map(from).collect()
}

async fn preflight(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    let asked = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type, x-tenant-key"),
    ];
    http::request(address, "OPTIONS", path, &[&asked, headers].concat(), b"").await
}

/// With credentials, `*` would mean any site.
#[track_caller]
fn assert_no_star(answer: &Answer, case: &str) {
    let starred = answer.headers.iter().find(|(name, value)| {
        name.starts_with("access-control-") && value.split(',').any(|word| word.trim() == "*")
    });
    assert_eq!(starred, None, "{case}");
}

#[actix_web::test]
async fn an_own_page_can_read_every_answer_of_each_port() {
    let server = server();
    let good = r#"{"type":"custom:x","data":1}"#;
    let cases = [
        ("GET", "/health", "", 200),
        ("GET", "/", "", 200),
        ("GET", "/api/ws/status", "", 200),
        ("POST", BROADCAST, good, 200),
        ("POST", BROADCAST, "{", 400),
        ("GET", "/no/such/path", "", 404),
        ("DELETE", "/health", "", 405),
        ("GET", "/ws", "", 426),
    ];
    for (origin, address) in own_calls(&server) {
        for (method, path, body, status) in cases {
            let headers = [JSON, ("origin", &*origin)];
            let answer = http::request(address, method, path, &headers, body.as_bytes()).await;
            let case = format!("{origin} on {address}, {method} {path}: {}", answer.text());
            assert_eq!(answer.status, status, "{case}");
            assert_readable_by(&answer, &origin, &case);
        }
    }
}

/// Scenario S-66, for the listed origin and for the server's own alike.
#[actix_web::test]
async fn a_preflight_with_a_tenant_key_is_granted_to_whoever_may_call() {
    let server = server();
    let mut calls = own_calls(&server);
    calls.extend(listeners(&server).map(|address| (LISTED.to_owned(), address)));
    for (origin, address) in calls {
        for path in [BROADCAST, "/api/ws/status", "/ws", "/", "/no/such/path"] {
            let answer = preflight(address, path, &[("origin", &origin)]).await;
            let case = format!("{origin} on {address}{path}: {:?}", answer.headers);
            assert!(matches!(answer.status, 200 | 204), "{case}");
            assert_readable_by(&answer, &origin, &case);
            assert_no_star(&answer, &case);
            let granted = answer.header("access-control-allow-headers").unwrap_or_default();
            assert!(granted.split(',').any(|name| name.trim() == "x-tenant-key"), "{case}");
        }
    }
}

/// Scenario S-66.
#[actix_web::test]
async fn a_preflight_of_any_other_origin_is_granted_nothing() {
    let server = server();
    for address in listeners(&server) {
        for origin in FOREIGN {
            for path in [BROADCAST, "/api/ws/status", "/ws", "/", "/no/such/path"] {
                let answer = preflight(address, path, &[("origin", origin)]).await;
                let case = format!("{origin} on {address}{path}: {:?}", answer.headers);
                assert_eq!(answer.header(ALLOW_ORIGIN), None, "{case}");
                assert_no_star(&answer, &case);
            }
        }
    }
}

/// Whether a call with these headers is let in, and who may read its answer and its preflight's.
async fn judged(address: SocketAddr, headers: &[(&str, &str)]) -> (bool, [Option<String>; 2]) {
    let (method, path, body, _) = ADMIN_ROUTES[0];
    let call = http::request(address, method, path, &[&[JSON], headers].concat(), body.as_bytes()).await;
    let asked = preflight(address, path, headers).await;
    assert!(matches!(call.status, 200 | 403), "{headers:?}: {}", call.text());
    assert_no_star(&call, "call");
    assert_no_star(&asked, "preflight");
    (call.status == 200, [call, asked].map(|answer| answer.header(ALLOW_ORIGIN).map(str::to_owned)))
}

#[actix_web::test]
async fn an_answer_is_readable_exactly_where_the_call_was_allowed() {
    let server = server();
    let [main, alias] = listeners(&server);
    let other_program = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (own, port) = (format!("http://{alias}"), alias.port());
    let accepted = [
        LISTED.to_owned(),
        "HTTPS://Dash.Example".to_owned(),
        own.clone(),
        format!("https://{alias}"),
        format!("http://{main}"),
    ];
    let mut refused = vec![
        format!("http://{}", other_program.local_addr().unwrap()),
        format!("http://localhost:{port}"),
        format!("http://evil.example:{port}"),
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("{own}/"),
        format!("{own} {own}"),
        format!("{own}, {own}"),
        format!("ftp://{alias}"),
        alias.to_string(),
        // No text: what a page cannot be called, an answer must not repeat.
        format!("{own}é"),
        String::new(),
    ];
    refused.extend(FOREIGN.iter().map(|&origin| origin.to_owned()));

    for origin in accepted {
        let readers = [Some(origin.clone()), Some(origin.clone())];
        assert_eq!(judged(main, &[("origin", &origin)]).await, (true, readers), "{origin}");
    }
    for origin in refused {
        assert_eq!(judged(main, &[("origin", &origin)]).await, (false, [None, None]), "{origin}");
    }
}

#[actix_web::test]
async fn an_own_page_beside_a_foreign_one_is_foreign() {
    let server = server();
    let [main, alias] = listeners(&server);
    let (own, foreign) = (format!("http://{alias}"), FOREIGN[0]);
    for pair in [[&*own, foreign], [foreign, &*own], [LISTED, foreign]] {
        let headers = pair.map(|origin| ("origin", origin));
        assert_eq!(judged(main, &headers).await, (false, [None, None]), "{pair:?}");
    }
}

#[actix_web::test]
async fn own_means_the_host_the_request_was_sent_to() {
    let server = server();
    let [main, alias] = listeners(&server);
    let page = format!("http://gate.example:{}", alias.port());
    let headers = |host| [("host", host), ("origin", &*page)];
    for (host, reader) in [("gate.example", Some(&*page)), ("other.example", None)] {
        let asked = preflight(main, BROADCAST, &headers(host)).await;
        let read = http::request(main, "GET", "/health", &headers(host), b"").await;
        assert_eq!([asked.header(ALLOW_ORIGIN), read.header(ALLOW_ORIGIN)], [reader; 2], "{host}");
    }
}
