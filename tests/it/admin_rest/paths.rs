//! Paths and methods, those that are and those that are not; and the static pages.

use super::ADMIN_ROUTES;
use crate::support::{TestServer, http};

/// Every path with its methods, each in a row of its own, and what a bare request gets.
const ROUTES: &[(&str, &str, u16)] = &[
    ("GET", "/", 200),
    ("GET", "/static/console.js", 200),
    ("GET", "/static/console.css", 200),
    ("GET", "/health", 200),
    ("GET", "/api/ws/health", 200),
    ("GET", "/api/ws/status", 200),
    ("GET", "/api/ws/rooms", 200),
    ("DELETE", "/api/ws/connections/nobody", 404),
    ("GET", "/api/ws/broadcasts/unknown", 404),
    ("GET", "/api/ws/stats", 200),
    ("GET", "/api/ws/connections", 200),
    ("GET", "/api/ws/connections/nobody", 404),
    ("GET", "/api/ws/config", 200),
    ("GET", "/api/v1/websocket/stats", 200),
    ("POST", "/api/ws/broadcast", 415),
    ("POST", "/api/ws/broadcast/kpi", 415),
    ("POST", "/api/ws/broadcast/backlog", 415),
    ("POST", "/api/ws/broadcast/attendance", 415),
    ("POST", "/api/ws/broadcast/alert", 415),
    ("POST", "/auth/session", 401),
    ("DELETE", "/auth/session", 204),
    ("GET", "/ws", 426),
    ("GET", "/ws/", 426),
];

const METHODS: &[&str] =
    &["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW"];

/// A good handshake.
const HANDSHAKE: &[(&str, &str)] = &[
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[actix_web::test]
async fn every_path_has_its_method_and_answers_any_other_with_405() {
    let server = TestServer::start();
    for (_, path, _) in ROUTES {
        for method in METHODS {
            let answer = http::request(server.address(), method, path, &[], b"").await;
            let own = ROUTES.iter().find(|(own, other, _)| own == method && other == path);
            let expected = own.map_or(405, |(.., status)| *status);
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text());
            if own.is_none() {
                assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
                answer.assert_error(405, "METHOD_NOT_ALLOWED");
            }
        }
    }
}

/// What is not for anyone is for admins, and the tests of credentials walk their list.
#[test]
fn every_other_path_of_the_rest_is_in_the_list_of_the_admins() {
    let for_anyone = ["/api/ws/health", "/api/ws/config"];
    let rest = ROUTES.iter().filter(|(_, path, _)| path.starts_with("/api/") && !for_anyone.contains(path));
    let own: Vec<_> = rest.map(|(method, path, _)| (*method, *path)).collect();
    for (method, path) in &own {
        let is_listed = ADMIN_ROUTES.iter().any(|(other, listed, ..)| (other, listed) == (method, path));
        assert!(is_listed, "{method} {path}");
    }
    assert_eq!(own.len(), ADMIN_ROUTES.len());
}

/// RFC 9110, 15.5.6: the server MUST generate an Allow header in a 405.
#[actix_web::test]
async fn a_405_says_what_is_allowed() {
    let server = TestServer::start();
    for (own, path, _) in ROUTES {
        let answer = http::request(server.address(), "BREW", path, &[], b"").await;
        assert_eq!(answer.status, 405);
        let allow = answer.header("allow").unwrap_or_default();
        assert!(allow.split(',').any(|method| method.trim() == *own), "{path}: Allow is {allow:?}");
    }
}

/// RFC 9110, 9.1 and 9.3.2: HEAD is GET without the content. Load balancers ask this way.
#[actix_web::test]
async fn head_is_get_without_the_content() {
    let server = TestServer::start();
    for (_, path, status) in ROUTES.iter().filter(|(method, ..)| *method == "GET") {
        let get = http::request(server.address(), "GET", path, &[], b"").await;
        let head = http::request(server.address(), "HEAD", path, &[], b"").await;
        assert_eq!((get.status, head.status), (*status, *status), "{path}");
        assert!(head.body.is_empty(), "{path}: {}", head.text());
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[actix_web::test]
async fn a_head_that_is_refused_has_no_content_either() {
    let server = TestServer::start();
    for (path, status) in [("/nowhere", 404), ("/api/ws/broadcast", 405)] {
        let head = http::request(server.address(), "HEAD", path, &[], b"").await;
        assert_eq!((head.status, head.text()), (status, String::new()), "{path}");
    }
}

#[actix_web::test]
async fn what_is_nowhere_is_404_whatever_is_asked() {
    let server = TestServer::start();
    let nowhere = [
        "/health/",
        "/api/ws/status/",
        "/api/ws/rooms/",
        "/api/ws/broadcast/",
        "/api/ws/health/",
        "/ws//",
        "//ws",
        "//",
        "//health",
        "/Health",
        "/api/ws",
        "/api/ws/",
        "/api/ws/rooms/global",
        "/api/ws/connections/",
        "/api/ws/connections/a/b",
        "/api/ws/broadcast/nothing",
        "/index.html",
        "/favicon.ico",
        "/static",
        "/static/",
        "/static/none.js",
        "/static/console.js/",
        "/static/../Cargo.toml",
        "/static/..",
        "/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/%2E%2E%2FCargo.toml",
        "/static/..%2fCargo.toml",
        "/static/..%5cCargo.toml",
        "/static/....//Cargo.toml",
        "/static/%252e%252e/Cargo.toml",
        "/static/console.js%00",
        "/static/console.js%00.html",
        "/static//etc/passwd",
        "/static/./console.js",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/%ff%fe",
        "/%",
        "/~root",
        "/.env",
        "/.git/config",
        "*",
    ];
    for path in nowhere {
        for method in ["GET", "POST", "DELETE"] {
            let answer = http::request(server.address(), method, path, &[], b"").await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
            answer.assert_error(404, "NOT_FOUND");
        }
    }
    let long = format!("/{}", "a".repeat(8000));
    server.get(&long).await.assert_error(404, "NOT_FOUND");
}

#[actix_web::test]
async fn a_query_changes_no_path() {
    let server = TestServer::start();
    for path in ["/health?x=/../y", "/static/console.js?v=1", "/?", "/api/ws/status?%zz&&=&a=b=c"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn a_websocket_path_without_an_upgrade_says_what_it_wants() {
    let server = TestServer::start();
    for path in ["/ws", "/ws/", "/ws?token=x"] {
        let answer = server.get(path).await;
        answer.assert_error(426, "UPGRADE_REQUIRED");
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
}

/// RFC 9110, 7.8: who sends Upgrade MUST name it in Connection too, or proxies pass it on.
#[actix_web::test]
async fn the_upgrade_header_of_a_426_is_for_the_next_hop_only() {
    let server = TestServer::start();
    let answer = server.get("/ws").await;
    let connection = answer.headers.iter().filter(|(name, _)| name == "connection");
    let mut options = connection.flat_map(|(_, value)| value.split(',')).map(str::trim);
    assert!(options.any(|option| option.eq_ignore_ascii_case("upgrade")), "{:?}", answer.headers);
}

#[actix_web::test]
async fn an_upgrade_asked_of_any_other_path_changes_nothing() {
    let server = TestServer::start();
    for (path, status) in [("/health", 200), ("/", 200), ("/api/ws/rooms", 200), ("/nowhere", 404)] {
        let answer = http::request(server.address(), "GET", path, HANDSHAKE, b"").await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert!(length > 0 && answer.body.len() == length, "{path}: {:?}", answer.headers);
    }
}

#[actix_web::test]
async fn the_pages_come_with_their_type_and_let_nothing_foreign_in() {
    let server = TestServer::start();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static")).unwrap();
    let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let path = if name == "index.html" { "/".to_owned() } else { format!("/static/{name}") };
        let content_type = match file.extension().unwrap().to_str().unwrap() {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            other => panic!("what is a .{other}?"),
        };
        let (path, body) = (path.as_str(), std::fs::read(&file).unwrap());
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(content_type), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        for rule in ["default-src 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        assert!(answer.body == body, "{path}: another file");
    }
}

#[actix_web::test]
async fn the_console_has_nothing_inline_that_its_own_policy_would_stop() {
    let html = TestServer::start().get("/").await.text();
    for inline in ["<style", " style=", " onclick=", " onload=", " onsubmit=", "javascript:"] {
        assert!(!html.contains(inline), "{inline}");
    }
    let scripts = html.match_indices("<script").map(|(at, _)| html[at..].split('>').next().unwrap());
    for script in scripts {
        assert!(script.contains("src=\"/static/"), "{script}");
    }
}
