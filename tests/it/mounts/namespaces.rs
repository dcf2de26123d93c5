//! Socket.IO with namespaces of a program's own.

use serde_json::json;
use switchboard::dialect::Namespace;
use switchboard::domain::profile::Profile;
use switchboard::{Mount, SessionSettings};

use super::{Chat, Diary, start};
use crate::support::TestServer;
use crate::support::engine::Engine;

/// Reads the answer to a CONNECT, and the event that follows it.
async fn welcomed(engine: &mut Engine, namespace: &str, auth: &str) {
    let comma = if namespace == "/" { String::new() } else { format!("{namespace},") };
    let granted = engine.hear().await;
    assert!(granted.starts_with(&format!("40{comma}{{\"sid\":\"")), "{granted}");
    engine.expect(&format!(r#"42{comma}["auth",{auth}]"#)).await;
}

#[actix_web::test]
async fn a_handler_is_told_what_the_client_has_sent_along() {
    let (server, diary) = start(&[]);
    for mut engine in Engine::both(&server, "/chat").await {
        engine.say("40").await;
        welcomed(&mut engine, "/", "{}").await;
        engine.say(r#"40/custom,{"b":1.50,"a":[ 1 ]}"#).await;
        welcomed(&mut engine, "/custom", r#"{"b":1.50,"a":[ 1 ]}"#).await;
        engine.say("41/custom,").await;
        engine.say(r#"42["say"]"#).await;
        engine.expect(r#"42["said"]"#).await;
        engine.goodbye().await;
    }
    let lines = diary.until(8).await;
    assert_eq!(lines.iter().filter(|line| *line == "connected").count(), 4);
    assert_eq!(lines.iter().filter(|line| *line == "disconnected").count(), 4);
    // Each that came has gone, under the same name.
    let named = |what: &str| {
        let mut names: Vec<_> =
            diary.read().iter().filter_map(|line| line.strip_prefix(what).map(str::to_owned)).collect();
        names.sort();
        names
    };
    assert_eq!(named("connected "), named("disconnected "));
}

#[actix_web::test]
async fn events_and_acknowledgements_keep_their_text_and_their_order() {
    let (server, _) = start(&[]);
    for mut engine in Engine::both(&server, "/chat").await {
        engine.say("40").await;
        welcomed(&mut engine, "/", "{}").await;
        engine.say(r#"42["say",{"b":1.0,"a":1e2},  "x", null]"#).await;
        engine.expect(r#"42["said",{"b":1.0,"a":1e2},  "x", null]"#).await;
        engine.say(r#"427["ask",1,"2",[3.50]]"#).await;
        engine.expect(r#"437[1,"2",[3.50]]"#).await;
        engine.say(r#"42["ask",1]"#).await;
        engine.say(r#"4218446744073709551615["both",1]"#).await;
        engine.expect(r#"42["said",1]"#).await;
        engine.expect("4318446744073709551615[]").await;
        engine.say(r#"42["reserved",1]"#).await;
        engine.say(r#"42["nobody listens"]"#).await;
        engine.say(r#"42["say"]"#).await;
        engine.expect(r#"42["said"]"#).await;
    }
}

#[actix_web::test]
async fn attachments_go_both_ways() {
    let (server, _) = start(&[]);
    for mut engine in Engine::both(&server, "/chat").await {
        engine.say("40/custom,").await;
        welcomed(&mut engine, "/custom", "{}").await;
        let args = r#"{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}"#;
        for (head, answer) in [
            (format!(r#"452-/custom,["say",{args}]"#), format!(r#"452-/custom,["said",{args}]"#)),
            (format!(r#"452-/custom,9["ask",{args}]"#), format!("462-/custom,9[{args}]")),
        ] {
            engine.say(&head).await;
            engine.say_bytes(&[1, 2, 3]).await;
            engine.say_bytes(&[4]).await;
            engine.expect(&answer).await;
            engine.expect("bAQID").await;
            engine.expect("bBA==").await;
        }
    }
}

#[actix_web::test]
async fn what_was_said_before_the_upgrade_comes_after_it() {
    let (server, _) = start(&[]);
    let mut engine = Engine::polling(&server, "/chat").await;
    engine.push("40\u{1e}42[\"say\",1]").await;
    engine.upgrade().await;
    engine.say(r#"42["say",2]"#).await;
    welcomed(&mut engine, "/", "{}").await;
    engine.expect(r#"42["said",1]"#).await;
    engine.expect(r#"42["said",2]"#).await;
}

#[actix_web::test]
async fn a_name_with_a_query_is_answered_as_it_was_spelled() {
    let (server, _) = start(&[]);
    // More spellings than clients of the profiles may share: nothing is published in these.
    for number in 0..20 {
        let mut engine = Engine::websocket(&server, "/chat").await;
        let name = format!("/custom?n={number}");
        engine.say(&format!("40{name},")).await;
        welcomed(&mut engine, &name, "{}").await;
        engine.say(&format!(r#"42{name},5["ask",1]"#)).await;
        engine.expect(&format!("43{name},5[1]")).await;
    }
}

#[actix_web::test]
async fn the_protocol_is_the_same_as_everywhere() {
    let (server, _) = start(&[]);
    let mut engine = Engine::websocket(&server, "/chat").await;
    engine.say("40/random,").await;
    engine.expect(r#"44/random,{"message":"Invalid namespace"}"#).await;
    engine.say("40").await;
    welcomed(&mut engine, "/", "{}").await;
    // The client acknowledges what nobody asked it to.
    engine.say("431[1]").await;
    engine.say(r#"42["say"]"#).await;
    engine.expect(r#"42["said"]"#).await;
    for wrong in ["40", r#"42/custom,["say"]"#, "44", "4x"] {
        let mut engine = Engine::websocket(&server, "/chat").await;
        engine.say("40").await;
        welcomed(&mut engine, "/", "{}").await;
        engine.say_last(wrong).await;
    }
}

#[actix_web::test]
async fn a_program_s_sockets_are_in_no_books_of_the_product() {
    let (server, _) = start(&[]);
    let mut engine = Engine::websocket(&server, "/chat").await;
    engine.say("40").await;
    welcomed(&mut engine, "/", "{}").await;
    assert_eq!(server.running().connections(), 1);
    let receipt = server.broadcast(json!({"type": "custom:x", "data": 1})).await;
    assert_eq!(receipt["recipients_count"], 0);
    assert_eq!(server.get("/api/ws/connections").await.json()["total_count"], 0);
    // Nothing came in between.
    engine.say(r#"42["say"]"#).await;
    engine.expect(r#"42["said"]"#).await;
}

#[actix_web::test]
async fn a_guide_s_namespace_and_a_program_s_share_a_connection() {
    let diary = Diary::default();
    let server = TestServer::mounted(&[], |app, settings| {
        let mixed = Mount::socketio("/mixed", SessionSettings::of_handlers(settings));
        app.mount(mixed.profile(Namespace::Root, Profile::Collab).namespace("/own", Chat(diary.clone())))
    });
    let mut engine = Engine::websocket(&server, "/mixed").await;
    engine.connect("/", "ann").await;
    engine.say("40/own,").await;
    welcomed(&mut engine, "/own", "{}").await;
    let receipt = server.broadcast(json!({"type": "custom:x", "data": 1})).await;
    assert_eq!(receipt["recipients_count"], 1);
    assert_eq!(engine.next_event("/", "custom:x").await, 1);
    // Signed out of the one, it keeps the other.
    engine.say("41").await;
    engine.say(r#"42/own,["say",1]"#).await;
    engine.expect(r#"42/own,["said",1]"#).await;
    engine.goodbye().await;
    assert_eq!(diary.until(2).await, ["connected", "disconnected"]);
    server.until_connections(0).await;
}
