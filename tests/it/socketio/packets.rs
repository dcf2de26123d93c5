//! The table of odd packets (`protocol.md`, 2.1 and 2.7), over both transports: what closes the
//! connection, and what the reference takes without a word.

use serde_json::json;

use super::SOCKET_IO;
use crate::support::TestServer;
use crate::support::engine::Engine;

/// Stands for a binary message in the tables.
const BYTES: &str = "bytes";

/// A session connected to `/`, over each transport.
async fn connected(server: &TestServer) -> [Engine; 2] {
    let mut engines = Engine::both(server, SOCKET_IO).await;
    for engine in &mut engines {
        engine.connect("/", "ann").await;
    }
    engines
}

async fn say(engine: &mut Engine, packet: &str) {
    match packet {
        BYTES => engine.say_bytes(&[1, 2, 3]).await,
        packet => engine.say(packet).await,
    }
}

/// The last packet of each row ends the connection; those before do not.
const CLOSING: &[&[&str]] = &[
    // Engine.IO.
    &[""],
    &["4"],
    &["7"],
    // The type.
    &["47"],
    &["4x"],
    &["4-1"],
    &["4\u{e9}"],
    // CONNECT.
    &["40ws,"],
    &["40"],
    &["40{}"],
    &["40/,"],
    &["40/ws,[]"],
    &["40/ws,\"x\""],
    &["40/ws,null"],
    &["40/ws,{"],
    &["40/ws,{}{}"],
    &["40/ws,{}x"],
    &["40/w\u{1}s,"],
    // DISCONNECT.
    &["41{\"a\":1}"],
    &["41[]"],
    &["41/ws,"],
    &["41/nope,"],
    &["41", "42[\"e\"]"],
    &["41", "41"],
    // EVENT.
    &["42[]"],
    &["42[{}]"],
    &["42[[\"e\"]]"],
    &["42[null]"],
    &["42[true]"],
    &["42{}"],
    &["42\"e\""],
    &["42null"],
    &["42[\"e\""],
    &["42[\"e\",]"],
    &["42[\"e\"]]"],
    &["42[\"e\"]\0"],
    &["42['e']"],
    &["42[\"\\ud800\"]"],
    &["42[\"e\",NaN]"],
    &["42-1[\"e\"]"],
    &["42 7[\"e\"]x"],
    &["42/ws,[\"e\"]"],
    &["42/nope,[\"e\"]"],
    &["42,[\"e\"]"],
    &["421-[\"e\"]"],
    // Names that belong to the libraries.
    &["42[\"connect\"]"],
    &["42[\"connect_error\"]"],
    &["42[\"disconnect\"]"],
    &["42[\"disconnecting\"]"],
    &["42[\"newListener\"]"],
    &["42[\"removeListener\"]"],
    &["42[\"\\u0063onnect\"]"],
    // ACK.
    &["43{}"],
    &["431{}"],
    &["43/ws,1[]"],
    // CONNECT_ERROR is the server's to say.
    &["44"],
    &["44{\"message\":\"x\"}"],
    &["44\"x\""],
    &["44/ws,{\"message\":\"x\"}"],
    // Binary.
    &[BYTES],
    &["bAQID"],
    &["b*"],
    &["45[\"e\"]"],
    &["45-[\"e\"]"],
    &["451[\"e\"]"],
    &["45x-[\"e\"]"],
    &["45+1-[\"e\"]"],
    &["451-{}"],
    &["451-[\"connect\"]"],
    &["451-[\"e\",{\"_placeholder\":true,\"num\":3}]"],
    &["451-[\"e\",{\"_placeholder\":true,\"num\":-1}]"],
    &["452-[\"e\",{\"_placeholder\":true,\"num\":0}]", BYTES, "42[\"e\"]"],
    &["451-[\"e\",{\"_placeholder\":true,\"num\":0}]", "41"],
    &["451-[\"ack\",{\"message_id\":\"m\",\"x\":{\"_placeholder\":true,\"num\":0}}]", BYTES, BYTES],
    &["46[1]"],
    &["461-{}"],
];

#[actix_web::test]
async fn every_packet_that_breaks_the_protocol_ends_the_connection() {
    let server = TestServer::by_hand(&[]);
    let mut witness = Engine::websocket(&server, SOCKET_IO).await;
    witness.connect("/", "witness").await;
    for row in CLOSING {
        for mut engine in connected(&server).await {
            let (last, before) = row.split_last().unwrap();
            for packet in before {
                say(&mut engine, packet).await;
            }
            match (&mut engine.wire, *last) {
                (Some(wire), BYTES) => {
                    wire.binary(&[1, 2, 3]).await;
                    engine.expect_closed().await;
                }
                (None, BYTES) => engine.say_last("bAQID").await,
                (_, packet) => engine.say_last(packet).await,
            }
        }
    }
    server.until_connections(1).await;
    witness.expect_nothing("/").await;
}

/// Nothing follows from these.
const IGNORED: &[&[&str]] = &[
    &["0"],
    &["3"],
    &["42"],
    &["427"],
    &["42/,"],
    &["43"],
    &["43[1]"],
    &["43999[1]"],
    &["4318446744073709551615[]"],
    &["460-[1]"],
    &["461-5[{\"_placeholder\":true,\"num\":0}]", BYTES],
    // A ping between a packet and its attachments is Engine.IO's affair.
    &["461-5[{\"_placeholder\":true,\"num\":0}]", "3", BYTES],
    // One attachment may be named twice, and one not at all.
    &["461-5[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":0}]", BYTES],
    &["461-5[]", BYTES],
    &["42[\"ack\",{\"message_id\":\"unknown\"}]"],
];

#[actix_web::test]
async fn what_the_reference_ignores_is_ignored() {
    let server = TestServer::by_hand(&[]);
    for mut engine in connected(&server).await {
        for row in IGNORED {
            for packet in *row {
                say(&mut engine, packet).await;
            }
            engine.expect_nothing("/").await;
        }
    }
}

/// Events of a known name, however they are spelled.
const HEARTBEATS: &[&str] = &[
    r#"42["heartbeat"]"#,
    r#"42["heartbeat",{}]"#,
    r#"42["heartbeat",null]"#,
    r#"42["heartbeat",1,"two",[3]]"#,
    r#"42[ "heartbeat" , {"deep":[[[]]]} ]"#,
    r#"42["heart\u0062eat"]"#,
    r#"42/,["heartbeat"]"#,
    r#"450-["heartbeat"]"#,
];

#[actix_web::test]
async fn an_event_is_known_by_its_name_however_it_is_written() {
    let server = TestServer::by_hand(&[]);
    for mut engine in connected(&server).await {
        for packet in HEARTBEATS {
            engine.say(packet).await;
            engine.next_event("/", "heartbeat").await;
            engine.expect_nothing("/").await;
        }
        engine.say(r#"451-["heartbeat",{"_placeholder":true,"num":0}]"#).await;
        engine.say_bytes(b"beat").await;
        engine.next_event("/", "heartbeat").await;
        engine.expect_nothing("/").await;
    }
}

#[actix_web::test]
async fn an_event_nobody_knows_is_answered_with_an_error() {
    let server = TestServer::by_hand(&[]);
    for mut engine in connected(&server).await {
        let names =
            [json!("e"), json!(5), json!(-1.5), json!(""), json!("error"), json!("message"), json!("x y")];
        for name in names {
            engine.say(&format!("42{}", json!([name, "x"]))).await;
            let error = engine.next_event("/", "error").await;
            assert_eq!(error["code"], "INVALID_MESSAGE", "{name}: {error}");
            let asked = name.as_str().map_or(name.to_string(), str::to_owned);
            assert_eq!(error["event"], asked, "{error}");
            engine.expect_nothing("/").await;
        }
    }
}

#[actix_web::test]
async fn nothing_but_a_connect_may_come_before_a_namespace_is_connected() {
    let server = TestServer::by_hand(&[]);
    for packet in [r#"42["e"]"#, "42", "41", "43", "431[]", "41/ws,", r#"42/nope,["e"]"#, "461-[]"] {
        for mut engine in Engine::both(&server, SOCKET_IO).await {
            engine.say_last(packet).await;
        }
    }
    server.until_connections(0).await;
}
