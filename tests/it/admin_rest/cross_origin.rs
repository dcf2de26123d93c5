//! Pages of other origins (contract X-32, D-49).

use super::{ADMIN_ROUTES, BROADCAST, JSON};
use crate::support::http::{self, Answer};
use crate::support::{TestServer, token};

pub(super) const LISTED: &str = "https://dash.example";
const FOREIGN: &str = "https://evil.example";

fn server() -> TestServer {
    TestServer::with(&[("CORS_ORIGINS", "http://localhost:3000,https://dash.example")])
}

async fn preflight(server: &TestServer, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let asked = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    http::request(server.address(), "OPTIONS", path, &asked, b"").await
}

/// A page of `origin` may read this answer, and no other.
#[track_caller]
pub(super) fn assert_readable_by(answer: &Answer, origin: &str, case: &str) {
    let named = answer.headers.iter().filter(|(name, _)| name == "access-control-allow-origin");
    assert_eq!(named.map(|(_, value)| &**value).collect::<Vec<_>>(), [origin], "{case}");
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{case}");
    let vary = answer.header("vary").unwrap_or_default().to_ascii_lowercase();
    assert!(vary.contains("origin"), "{case}: a cache must not give it to another origin: {vary}");
}

/// Whether the comma list in this header of `answer` has `word`.
fn lists(answer: &Answer, header: &str, word: &str) -> bool {
    let list = answer.header(header).unwrap_or_default();
    list.split(',').any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[actix_web::test]
async fn a_listed_origin_s_preflight_is_granted_with_credentials() {
    let server = server();
    for origin in ["http://localhost:3000", LISTED] {
        for path in [BROADCAST, "/api/ws/status", "/api/ws/rooms", "/health", "/no/such/path"] {
            for name in ["x-tenant-key", "x-auth-token", "x-admin-key", "authorization", "content-type"] {
                let answer = preflight(&server, path, origin, "POST", name).await;
                let case = format!("{origin} {path} {name}: {} {:?}", answer.status, answer.headers);
                assert!(matches!(answer.status, 200 | 204), "{case}");
                assert_readable_by(&answer, origin, &case);
                assert!(lists(&answer, "access-control-allow-headers", name), "{case}");
                assert!(lists(&answer, "access-control-allow-methods", "POST"), "{case}");
            }
        }
    }
    let all = "authorization, content-type, x-admin-key, x-auth-token, x-tenant-key";
    assert!(matches!(preflight(&server, BROADCAST, LISTED, "POST", all).await.status, 200 | 204));
}

#[actix_web::test]
async fn a_preflight_for_a_header_that_is_not_listed_is_not_granted() {
    let answer = preflight(&server(), BROADCAST, LISTED, "POST", "x-forwarded-for").await;
    for granted in ["x-forwarded-for", "*"] {
        assert!(!lists(&answer, "access-control-allow-headers", granted), "{:?}", answer.headers);
    }
}

#[actix_web::test]
async fn no_other_origin_is_granted_anything() {
    let server = server();
    let others = [
        FOREIGN,
        "null",
        "*",
        "http://dash.example",
        "https://dash.example.evil.example",
        "https://dash.example:8443",
        "https://evil-dash.example",
        "http://localhost:3001",
    ];
    for origin in others {
        let mut answers = vec![
            preflight(&server, BROADCAST, origin, "POST", "content-type").await,
            preflight(&server, "/api/ws/status", origin, "GET", "x-admin-key").await,
        ];
        for path in ["/health", "/api/ws/status", "/no/such/path"] {
            answers.push(http::request(server.address(), "GET", path, &[("origin", origin)], b"").await);
        }
        for answer in answers {
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, None, "{origin}: {}", answer.text());
        }
    }
}

#[actix_web::test]
async fn a_listed_origin_can_read_every_answer_errors_too() {
    let server = server();
    let guarded = TestServer::with(&[("CORS_ORIGINS", LISTED), ("ADMIN_AUTH", "required")]);
    let user = format!("Bearer {}", token::sign(serde_json::json!({"sub": "u1"})));
    let too_large = format!(r#"{{"type":"custom:x","data":"{}"}}"#, "x".repeat(1024 * 1024));
    let good = r#"{"type":"custom:x","data":1}"#;
    let nothing: &[(&str, &str)] = &[];
    let cases = [
        (&server, "GET", "/health", nothing, "", 200),
        (&server, "GET", "/", nothing, "", 200),
        (&server, "POST", BROADCAST, &[JSON], good, 200),
        (&server, "POST", BROADCAST, &[JSON], "{", 400),
        (&guarded, "POST", BROADCAST, &[JSON], good, 401),
        (&guarded, "GET", "/api/ws/rooms", &[("authorization", &*user)], "", 403),
        (&server, "GET", "/no/such/path", nothing, "", 404),
        (&server, "DELETE", "/health", nothing, "", 405),
        (&server, "POST", BROADCAST, &[JSON], &*too_large, 413),
        (&server, "POST", BROADCAST, &[("content-type", "text/plain")], good, 415),
        (&server, "GET", "/ws", nothing, "", 426),
    ];
    for (server, method, path, headers, body, status) in cases {
        let headers = [headers, &[("origin", LISTED)]].concat();
        let answer = http::request(server.address(), method, path, &headers, body.as_bytes()).await;
        let case = format!("{method} {path}: {}", answer.text());
        assert_eq!(answer.status, status, "{case}");
        assert_readable_by(&answer, LISTED, &case);
    }
}

/// Origins that are neither listed nor this server's own.
fn foreign(server: &TestServer) -> Vec<String> {
    let port = server.address().port();
    let mut foreign: Vec<String> = vec![
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("http://evil.example/127.0.0.1:{port}"),
        format!("ftp://127.0.0.1:{port}"),
        format!("127.0.0.1:{port}"),
    ];
    let fixed = [
        FOREIGN,
        "null",
        "",
        "file://",
        "http://127.0.0.1.evil.example",
        "https://dash.example.evil.example",
        "http://localhost:3001",
    ];
    foreign.extend(fixed.map(str::to_owned));
    foreign
}

#[actix_web::test]
async fn a_foreign_page_may_not_use_what_this_machine_s_own_user_may() {
    let server = server();
    let mut listener = server.connect().await;
    for origin in foreign(&server) {
        for (method, path, body, _) in ADMIN_ROUTES {
            let headers = [JSON, ("origin", &origin)];
            let answer = http::request(server.address(), method, path, &headers, body.as_bytes()).await;
            assert_eq!(answer.status, 403, "{origin}: {}", answer.text());
            answer.assert_error(403, "UNAUTHORIZED");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
    }
    listener.expect_nothing().await;
}

#[actix_web::test]
async fn a_foreign_page_is_refused_whatever_it_shows() {
    let server = TestServer::with(&[("ADMIN_API_KEY", "k")]);
    let headers = [JSON, ("origin", FOREIGN), ("x-admin-key", "k")];
    for (method, path, body, _) in ADMIN_ROUTES {
        let answer = http::request(server.address(), method, path, &headers, body.as_bytes()).await;
        answer.assert_error(403, "UNAUTHORIZED");
    }
}

#[actix_web::test]
async fn the_server_s_own_pages_may_call_on_each_of_its_ports() {
    let server = TestServer::with(&[("WS_PORT", "0")]);
    let [main, alias] = server.running().addresses() else { panic!("two listeners") };
    for origin in [main, alias] {
        for address in [main, alias] {
            let headers = [JSON, ("origin", &*format!("http://{origin}"))];
            let (method, path, body, _) = ADMIN_ROUTES[0];
            let answer = http::request(*address, method, path, &headers, body.as_bytes()).await;
            assert_eq!(answer.status, 200, "{origin} on {address}: {}", answer.text());
        }
    }
}

/// Contract X-32: "the request's own host on any of *our* ports". Another program of this machine
/// that serves pages is no part of this server.
#[actix_web::test]
async fn a_page_of_another_program_on_the_same_host_is_foreign() {
    let server = server();
    let other_program = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", other_program.local_addr().unwrap());
    for (method, path, body, _) in ADMIN_ROUTES {
        let headers = [JSON, ("origin", &*origin)];
        let answer = http::request(server.address(), method, path, &headers, body.as_bytes()).await;
        answer.assert_error(403, "UNAUTHORIZED");
    }
}
