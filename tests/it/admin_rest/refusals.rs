//! Bodies that do not fit: refused whole, and nothing is sent.

use super::{BROADCAST, JSON, post};
use crate::support::{TestServer, http};

/// What follows `{"type":"custom:x","data":1` in a body that is refused.
const BAD_FIELDS: &[&str] = &[
    // Said twice.
    r#""data":2"#,
    r#""type":"custom:x""#,
    r#""room":"a","room":"b""#,
    r#""target":{"room":"a","room":"b"}"#,
    r#""target":{"user_ids":["a"],"user_ids":[]}"#,
    r#""target":{},"target":{}"#,
    // Priority.
    r#""priority":"critical""#,
    r#""priority":"Urgent""#,
    r#""priority":"""#,
    r#""priority":3"#,
    r#""priority":["urgent"]"#,
    // Acknowledgement.
    r#""requires_ack":"true""#,
    r#""requires_ack":1"#,
    r#""requires_ack":{}"#,
    // Rooms.
    r#""room":"""#,
    r#""room":5"#,
    r#""room":["a"]"#,
    r#""room":"a\u0000b""#,
    r#""target":{"room":""}"#,
    r#""target":{"room":{}}"#,
    // Ids.
    r#""user_id":"""#,
    r#""user_id":"../etc""#,
    r#""user_id":"a b""#,
    r#""user_id":1.5"#,
    r#""user_id":true"#,
    r#""user_id":["u"]"#,
    r#""target":{"user_ids":"u"}"#,
    r#""target":{"user_ids":[null]}"#,
    r#""target":{"user_ids":["u",""]}"#,
    r#""target":{"user_ids":{"0":"u"}}"#,
    r#""target":{"socket_ids":"s"}"#,
    r#""target":{"socket_ids":[["s"]]}"#,
    r#""target":{"organization_id":""}"#,
    r#""target":{"organization_id":["A"]}"#,
    r#""target":{"organization_id":"*"}"#,
    r#""target":{"tenant_id":false}"#,
    // Targets.
    r#""target":"A""#,
    r#""target":[]"#,
    r#""target":5"#,
    r#""target":{"organisation_id":"A"}"#,
    r#""target":{"rooms":["a"]}"#,
    r#""target":{"user_id":"u"}"#,
    r#""target":{"department_id":"d"}"#,
    r#""target":{"queue_name":"q"}"#,
    r#""target":{"department_id":"d","queue_name":"q","room":"a"}"#,
    r#""room":"a","target":{"room":"a"}"#,
    r#""room":"a","target":{"room":"b"}"#,
    r#""user_id":"u","target":{"user_ids":["u"]}"#,
];

/// Whole bodies that are refused.
const BAD_BODIES: &[&str] = &[
    // No object.
    "",
    " ",
    "null",
    "true",
    "5",
    r#""text""#,
    "[]",
    r#"[{"type":"custom:x","data":1}]"#,
    r#"["custom:x",null,1,null,null,null,"low",false]"#,
    "\u{feff}{\"type\":\"custom:x\",\"data\":1}",
    // No JSON.
    "{",
    "}",
    "{...}",
    "hello",
    r#"{"type":"custom:x","data":1"#,
    r#"{"type":"custom:x","data":1}}"#,
    r#"{"type":"custom:x","data":1} {"type":"custom:x","data":2}"#,
    r#"{"type":"custom:x","data":1,}"#,
    r#"{'type':'custom:x','data':1}"#,
    r#"{"type":"custom:x","data":{...}}"#,
    r#"{"type":"custom:x","data":01}"#,
    r#"{"type":"custom:x","data":NaN}"#,
    r#"{"type":"custom:x","data":1.}"#,
    r#"{"type":"custom:x","data":"\x"}"#,
    "{\"type\":\"custom:x\",\"data\":\"a\nb\"}",
    "{\"type\":\"custom:x\",\"data\":\"a\u{0}b\"}",
    r#"{"type":"custom:x","data":undefined}"#,
    r#"{"type":"custom:x","data":[1,2}"#,
    // Something is missing.
    "{}",
    r#"{"type":"custom:x"}"#,
    r#"{"event":"kpi:update"}"#,
    r#"{"data":1}"#,
    r#"{"event":null,"data":1}"#,
    r#"{"type":null,"event":null,"data":1}"#,
    r#"{"Event":"kpi:update","data":1}"#,
    // Names of other types, and two of them.
    r#"{"event":1,"data":1}"#,
    r#"{"event":["kpi:update"],"data":1}"#,
    r#"{"event":{"kpi:update":null},"data":1}"#,
    r#"{"type":true,"data":1}"#,
    r#"{"type":"custom:x","event":5,"data":1}"#,
    r#"{"event":"kpi:update","event":"kpi:alert","data":1}"#,
];

#[actix_web::test]
async fn a_body_that_does_not_fit_is_refused_and_nothing_is_sent() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let long = "x".repeat(129);
    let too_long = [format!(r#""room":"{long}""#), format!(r#""user_id":"{long}""#)];
    let too_deep = format!(r#""target":{{"room":{}"#, "[".repeat(10_000));
    let fields = BAD_FIELDS.iter().copied().chain(too_long.iter().map(|field| &**field)).chain([&*too_deep]);
    let bodies = fields.map(|fields| format!(r#"{{"type":"custom:x","data":1,{fields}}}"#));
    for body in bodies.chain(BAD_BODIES.iter().map(|body| (*body).to_owned())) {
        let answer = post(server.address(), &body).await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(answer.status, 400, "{shown:?}: {}", answer.text());
        answer.assert_error(400, "INVALID_MESSAGE");
    }
    socket.expect_nothing().await;
}

/// serde reads a struct from an array, too; the contract knows no such target.
#[actix_web::test]
async fn a_target_in_array_form_is_refused() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for target in ["[null,null,null,null,null,null,null]", r#"["A",null,null,null,null,null,null]"#] {
        let body = format!(r#"{{"type":"custom:x","data":1,"target":{target}}}"#);
        let answer = post(server.address(), &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    socket.expect_nothing().await;
}

/// serde reads an enum from an object, too.
#[actix_web::test]
async fn a_priority_in_object_form_is_refused() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let answer = post(server.address(), r#"{"type":"custom:x","data":1,"priority":{"urgent":null}}"#).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn what_is_not_utf_8_is_refused() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    let bad: [&[u8]; 6] = [
        b"{\"type\":\"custom:x\",\"data\":\"\xff\"}",
        b"{\"type\":\"custom:x\",\"data\":\"\xc3\"}",
        b"{\"type\":\"custom:x\",\"data\":\"\xed\xa0\x80\"}",
        b"{\"type\":\"custom:x\",\"data\":{\"\xc0\xaf\":1}}",
        b"{\"type\":\"custom:\xff\",\"data\":1}",
        b"\xff\xfe{\0\"\0",
    ];
    for body in bad {
        let answer = http::request(server.address(), "POST", BROADCAST, &[JSON], body).await;
        answer.assert_error(400, "INVALID_MESSAGE");
    }
    socket.expect_nothing().await;
}

#[actix_web::test]
async fn what_is_nested_too_deep_is_refused_and_the_server_lives() {
    let server = TestServer::start();
    let mut socket = server.connect().await;
    for depth in [129, 10_000, 150_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let data = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            let in_notification = format!(r#"{{"message":"m","x":{data}}}"#);
            for body in [
                format!(r#"{{"type":"custom:x","data":{data}}}"#),
                format!(r#"{{"type":"notification","data":{in_notification}}}"#),
                format!(r#"{{"type":"custom:x","data":1,"target":{data}}}"#),
            ] {
                post(server.address(), &body).await.assert_error(400, "INVALID_MESSAGE");
            }
        }
    }
    socket.expect_nothing().await;
}
