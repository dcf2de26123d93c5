//! Bodies as bytes: what data may be, how long, in which type and coding.

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{BROADCAST, JSON, post};
use crate::support::{TestServer, http};

const MAX_BODY: usize = 1024 * 1024;

#[actix_web::test]
async fn any_json_value_is_data_and_arrives_as_it_was_written() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let many_siblings = format!("[{}0]", "[],".repeat(50_000));
    let deepest = format!("{}{}", "[".repeat(128), "]".repeat(128));
    let texts = [
        "null",
        "0",
        "-0",
        "false",
        "true",
        "\"\"",
        "{}",
        "[]",
        "1e999",
        "0.1000",
        "123456789012345678901234567890",
        r#"{"b":1,"a":2,"b":3}"#,
        "[ 1 ,\n\t2 ]",
        r#""\u0000\ud83d\ude00\/""#,
        "\"\u{1F600}\u{7f}\u{2028}\"",
        &many_siblings,
        &deepest,
    ];
    for text in texts {
        let body = format!("{{\"event\":\"kpi:update\",\"data\": {text} }}");
        let answer = post(server.address(), &body).await;
        assert_eq!(answer.status, 200, "{text}: {}", answer.text());
        let Some(Message::Text(frame)) = socket.next_message().await else { panic!("no frame for {text}") };
        let head = r#"{"type":"kpi:update","event":"kpi:update","data":"#;
        let rest = frame.strip_prefix(head).unwrap_or_else(|| panic!("{frame}"));
        assert!(rest.starts_with(&format!("{text},\"timestamp\":\"")), "{text}: {frame}");
    }
    socket.expect_nothing().await;
}

/// A body of exactly `length` bytes, and the length of the text in it.
fn body_of(length: usize) -> (String, usize) {
    let (head, tail) = (r#"{"type":"custom:x","data":""#, r#""}"#);
    let fill = length - head.len() - tail.len();
    (format!("{head}{}{tail}", "x".repeat(fill)), fill)
}

const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

/// `body` in chunks of `size`.
fn in_chunks(body: &str, size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.as_bytes().chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

#[actix_web::test]
async fn a_body_of_one_mebibyte_is_delivered_and_one_byte_more_is_refused() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for (length, status) in [(MAX_BODY - 1, 200), (MAX_BODY, 200), (MAX_BODY + 1, 413), (8 * MAX_BODY, 413)] {
        let (body, fill) = body_of(length);
        assert_eq!(body.len(), length);
        let chunks = in_chunks(&body, 16 * 1024);
        let answers = [
            post(server.address(), &body).await,
            http::request(server.address(), "POST", BROADCAST, &[JSON, CHUNKED], &chunks).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, status, "{length}: {}", answer.text());
            if status == 413 {
                answer.assert_error(413, "MESSAGE_TOO_LARGE");
            } else {
                assert_eq!(socket.next("custom:x").await["data"].as_str().unwrap().len(), fill);
            }
        }
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn a_length_that_is_too_large_is_refused_without_waiting_for_the_body() {
    let server = TestServer::start();
    for length in ["1048577", "99999999999", "18446744073709551615"] {
        let headers = [JSON, ("content-length", length)];
        let answer = http::request(server.address(), "POST", BROADCAST, &headers, b"").await;
        answer.assert_error(413, "MESSAGE_TOO_LARGE");
    }
}

#[actix_web::test]
async fn a_body_in_chunks_of_one_byte_is_read() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let body = in_chunks(r#"{"type":"custom:x","data":{"a":[1,2]}}"#, 1);
    let answer = http::request(server.address(), "POST", BROADCAST, &[JSON, CHUNKED], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(socket.next("custom:x").await["data"], json!({"a": [1, 2]}));
}

#[actix_web::test]
async fn only_json_by_name_is_taken_for_json() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let cases = [
        (Some("application/json"), 200),
        (Some("application/json; charset=utf-8"), 200),
        (Some("application/json;charset=UTF-8"), 200),
        (Some("Application/JSON ; charset=utf-8"), 200),
        (None, 415),
        (Some(""), 415),
        (Some("text/plain"), 415),
        (Some("text/plain; application/json"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (Some("application/jsonp"), 415),
        (Some("application/json+x"), 415),
        (Some("text/json"), 415),
        (Some("application"), 415),
    ];
    for (content_type, status) in cases {
        let headers: Vec<(&str, &str)> =
            content_type.map(|value| ("content-type", value)).into_iter().collect();
        let body = br#"{"type":"custom:x","data":1}"#;
        let answer = http::request(server.address(), "POST", BROADCAST, &headers, body).await;
        assert_eq!(answer.status, status, "{content_type:?}: {}", answer.text());
        if status == 200 {
            socket.next("custom:x").await;
        } else {
            answer.assert_error(415, "UNSUPPORTED_MEDIA_TYPE");
        }
    }
    socket.expect_nothing().await;
}

/// `{"type":"custom:zip","data":1}`, compressed.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 42, 169, 44, 72, 85, 178, 82, 74, 46, 45, 46, 201, 207, 181,
    170, 202, 44, 80, 210, 81, 74, 73, 44, 73, 84, 178, 50, 172, 5, 0, 103, 115, 237, 107, 30, 0, 0, 0,
];

#[actix_web::test]
async fn a_compressed_body_is_refused_and_never_expanded() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for coding in ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip"] {
        let headers = [JSON, ("content-encoding", coding)];
        let answer = http::request(server.address(), "POST", BROADCAST, &headers, GZIPPED).await;
        assert!(matches!(answer.status, 400 | 415), "{coding}: {} {}", answer.status, answer.text());
        assert_eq!(answer.json()["success"], false, "{coding}");
    }
    socket.expect_nothing().await;
}
