//! What requests ask for, row by row, and the exact words of refusals and of the open packet.

use switchboard::proto::engineio::{
    Ask, HandshakeError, Method, OpenPacket, Origin, Query, Request, Transport, judge,
};

use super::TIMINGS;

const POLLING: Option<Transport> = Some(Transport::Polling);
const WEBSOCKET: Option<Transport> = Some(Transport::WebSocket);

const GET: Request = Request { method: Method::Get, upgrade: false, origin: Origin::Accepted, session: None };
const POST: Request = Request { method: Method::Post, ..GET };
const PUT: Request = Request { method: Method::Other, ..GET };
const UPGRADE: Request = Request { upgrade: true, ..GET };

const fn of(session: Option<Transport>, request: Request) -> Request {
    Request { session, ..request }
}

const fn from(origin: Origin, request: Request) -> Request {
    Request { origin, ..request }
}

type Row = (Request, &'static str, Result<Ask<'static>, HandshakeError>);

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    type E = HandshakeError;
    let opens = |transport| Ok(Ask::Open { transport, base64: false });
    vec![
        (GET, "EIO=4&transport=polling", opens(Transport::Polling)),
        (UPGRADE, "EIO=4&transport=websocket", opens(Transport::WebSocket)),
        (GET, "t=abc&transport=polling&user=7&EIO=4", opens(Transport::Polling)),
        (GET, "EIO=4&transport=polling&b64=1", Ok(Ask::Open { transport: Transport::Polling, base64: true })),
        (GET, "EIO=4&transport=polling&b64=", opens(Transport::Polling)),
        (GET, "EIO=4&transport=polling&sid=", opens(Transport::Polling)),
        (GET, "%45IO=%34&transport=p%6Flling", opens(Transport::Polling)),
        (GET, "EIO=4&transport=polling&EIO=3&transport=x", opens(Transport::Polling)),
        // A session that is there.
        (of(POLLING, GET), "transport=polling&sid=s", Ok(Ask::Poll { sid: "s" })),
        (of(POLLING, GET), "transport=polling&sid=a%2Db", Ok(Ask::Poll { sid: "a-b" })),
        (of(POLLING, POST), "EIO=4&transport=polling&sid=s", Ok(Ask::Push { sid: "s" })),
        (of(POLLING, UPGRADE), "EIO=4&transport=websocket&sid=s", Ok(Ask::Probe { sid: "s", base64: false })),
        (of(POLLING, UPGRADE), "transport=websocket&sid=s&b64=1", Ok(Ask::Probe { sid: "s", base64: true })),
        (of(WEBSOCKET, UPGRADE), "transport=websocket&sid=s", Ok(Ask::Probe { sid: "s", base64: false })),
        // 0: the transport comes before everything.
        (GET, "", Err(E::TRANSPORT_UNKNOWN)),
        (GET, "EIO=4", Err(E::TRANSPORT_UNKNOWN)),
        (from(Origin::Garbled, PUT), "EIO=4&transport=tobi&sid=x", Err(E::TRANSPORT_UNKNOWN)),
        (GET, "EIO=4&transport=webtransport", Err(E::TRANSPORT_UNKNOWN)),
        (GET, "EIO=4&transport=constructor", Err(E::TRANSPORT_UNKNOWN)),
        // 3 for the origin: before the session.
        (from(Origin::Garbled, GET), "EIO=4&transport=polling&sid=x", Err(E::BAD_REQUEST)),
        (from(Origin::Garbled, GET), "EIO=4&transport=polling", Err(E::BAD_REQUEST)),
        // 1
        (GET, "EIO=4&transport=polling&sid=x", Err(E::SESSION_UNKNOWN)),
        (PUT, "transport=polling&sid=x", Err(E::SESSION_UNKNOWN)),
        (UPGRADE, "EIO=4&transport=websocket&sid=x", Err(E::SESSION_UNKNOWN)),
        (from(Origin::Refused, GET), "EIO=4&transport=polling&sid=x", Err(E::SESSION_UNKNOWN)),
        // 3 for what does not fit the session.
        (of(WEBSOCKET, GET), "EIO=4&transport=polling&sid=s", Err(E::BAD_REQUEST)),
        (of(WEBSOCKET, POST), "EIO=4&transport=polling&sid=s", Err(E::BAD_REQUEST)),
        (of(WEBSOCKET, GET), "EIO=4&transport=websocket&sid=s", Err(E::BAD_REQUEST)),
        (of(POLLING, GET), "EIO=4&transport=websocket&sid=s", Err(E::BAD_REQUEST)),
        (of(POLLING, POST), "EIO=4&transport=websocket&sid=s", Err(E::BAD_REQUEST)),
        (of(POLLING, UPGRADE), "EIO=4&transport=polling&sid=s", Err(E::BAD_REQUEST)),
        (of(POLLING, PUT), "EIO=4&transport=polling&sid=s", Err(E::BAD_REQUEST)),
        // 2
        (POST, "EIO=4&transport=polling", Err(E::BAD_METHOD)),
        (PUT, "EIO=3&transport=websocket", Err(E::BAD_METHOD)),
        // 3 for a handshake on the wrong transport.
        (GET, "EIO=4&transport=websocket", Err(E::BAD_REQUEST)),
        (UPGRADE, "EIO=4&transport=polling", Err(E::BAD_REQUEST)),
        // 4: upgrades and sessions included (contract X-32).
        (from(Origin::Refused, GET), "EIO=3&transport=polling", Err(E::FORBIDDEN)),
        (from(Origin::Refused, UPGRADE), "EIO=4&transport=websocket", Err(E::FORBIDDEN)),
        (from(Origin::Refused, of(POLLING, UPGRADE)), "transport=websocket&sid=s", Err(E::FORBIDDEN)),
        (from(Origin::Refused, of(POLLING, GET)), "transport=polling&sid=s", Err(E::FORBIDDEN)),
        // 5: the last, and only where a session begins.
        (GET, "EIO=3&transport=polling", Err(E::UNSUPPORTED_VERSION)),
        (GET, "transport=polling", Err(E::UNSUPPORTED_VERSION)),
        (GET, "EIO=&transport=polling", Err(E::UNSUPPORTED_VERSION)),
        (UPGRADE, "EIO=3&transport=websocket", Err(E::UNSUPPORTED_VERSION)),
        (of(POLLING, GET), "EIO=3&transport=polling&sid=s", Ok(Ask::Poll { sid: "s" })),
    ]
}

#[test]
fn every_request_is_judged_as_the_table_says() {
    for (request, raw, expected) in rows() {
        assert_eq!(judge(&request, &Query::parse(raw)), expected, "{request:?} with `{raw}`");
    }
}

#[test]
fn every_refusal_has_its_row() {
    for error in HandshakeError::ALL {
        assert!(rows().iter().any(|(_, _, outcome)| *outcome == Err(error)), "{error}");
    }
}

#[test]
fn the_bodies_of_refusals_are_the_references() {
    let bodies = HandshakeError::ALL.map(|error| (error.status, error.body()));

    let expected = [
        (400, r#"{"code":0,"message":"Transport unknown"}"#),
        (400, r#"{"code":1,"message":"Session ID unknown"}"#),
        (400, r#"{"code":2,"message":"Bad handshake method"}"#),
        (400, r#"{"code":3,"message":"Bad request"}"#),
        (403, r#"{"code":4,"message":"Forbidden"}"#),
        (400, r#"{"code":5,"message":"Unsupported protocol version"}"#),
    ];
    assert_eq!(bodies, expected.map(|(status, body)| (status, body.to_owned())));
}

#[test]
fn a_query_is_decoded_where_that_gives_text_and_left_alone_elsewhere() {
    let sid = |raw: &str| Query::parse(&format!("sid={raw}")).sid.map(|sid| sid.into_owned());

    assert_eq!(sid("a%20b+c%C3%A9"), Some("a b cé".into()));
    assert_eq!(sid("100%"), Some("100%".into()));
    assert_eq!(sid("%4"), Some("%4".into()));
    assert_eq!(sid("%zz%+1"), Some("%zz% 1".into()));
    assert_eq!(sid("%+41"), Some("% 41".into()));
    assert_eq!(sid("%FF"), Some("%FF".into()));
    let long = "%41".repeat(1_000);
    assert_eq!(sid(&long), Some(long));
}

#[test]
fn only_a_query_that_names_a_version_speaks_engineio() {
    assert!(Query::parse("transport=websocket").eio.is_none());
    assert!(Query::parse("token=EIO").eio.is_none());
    assert!(Query::parse("x=1&EIO=").eio.is_some());
}

#[test]
fn the_open_packet_has_exactly_its_five_keys_in_order() {
    let polling = OpenPacket::new("abc_-123", Transport::Polling, &TIMINGS, 1_000_000).to_string();
    let websocket = OpenPacket::new("\"", Transport::WebSocket, &TIMINGS, 1).to_string();

    assert_eq!(
        polling,
        r#"0{"sid":"abc_-123","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1000000}"#
    );
    assert_eq!(
        websocket,
        r#"0{"sid":"\"","upgrades":[],"pingInterval":25000,"pingTimeout":60000,"maxPayload":1}"#
    );
}
