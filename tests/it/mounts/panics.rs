//! A handler that panics ends the session it was called for, and no other.

use switchboard::{Emit, Event, Message, MessageHandler, Mount, NamespaceHandler, Out, SessionSettings};

use super::start;
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::wire::Wire;

/// One worker, so that all sessions are on the same thread.
const ONE_WORKER: [(&str, &str); 1] = [("WORKERS", "1")];

#[actix_web::test]
async fn a_panic_ends_its_own_session() {
    let (server, diary) = start(&ONE_WORKER);
    let mut neighbour = Wire::open(server.address(), "/echo").await;
    let mut echo = Wire::open(server.address(), "/echo").await;
    let raw = Engine::both(&server, "/raw").await;
    let chat = Engine::both(&server, "/chat").await;
    server.until_connections(6).await;

    echo.text("panic").await;
    assert_eq!(echo.next().await, None, "it ends without a word");
    for mut engine in raw {
        match &mut engine.wire {
            Some(wire) => wire.text("4panic").await,
            None => assert_eq!(engine.post("4panic").await.status, 400),
        }
        expect_lost(&mut engine).await;
    }
    for mut engine in chat {
        engine.say("40").await;
        engine.hear().await;
        engine.expect(r#"42["auth",{}]"#).await;
        match &mut engine.wire {
            Some(wire) => wire.text(r#"42["panic"]"#).await,
            None => assert_eq!(engine.post(r#"42["panic"]"#).await.status, 400),
        }
        expect_lost(&mut engine).await;
    }
    server.until_connections(1).await;
    // They are told of the end of what they have ended.
    let lines = diary.until(4 + 3 + 2 + 2).await;
    assert_eq!(lines.iter().filter(|line| *line == "closed").count(), 3);
    assert_eq!(lines.iter().filter(|line| *line == "disconnected").count(), 2);
    neighbour.text("still here").await;
    assert_eq!(neighbour.next_text().await, "still here");
}

async fn expect_lost(engine: &mut Engine) {
    match &mut engine.wire {
        Some(wire) => assert_eq!(wire.next().await, None),
        None => engine.expect_closed().await,
    }
}

/// Panics wherever it can.
struct Faulty;

impl MessageHandler for Faulty {
    fn opened(&self, _: &mut Out<'_>) {
        panic!("a fault in a handler, made by a test");
    }

    fn message(&self, _: Message<'_>, _: &mut Out<'_>) {}

    fn closed(&self, _: &str) {
        panic!("another one, while the first is cleaned up");
    }
}

impl NamespaceHandler for Faulty {
    fn event(&self, _: &Event<'_>, _: &mut Emit<'_>) {
        panic!("a fault in a handler, made by a test");
    }

    fn disconnected(&self, _: &str) {
        panic!("another one, while the first is cleaned up");
    }
}

#[actix_web::test]
async fn a_panic_at_the_end_of_a_session_is_contained() {
    let server = TestServer::mounted(&ONE_WORKER, |app, settings| {
        let own = SessionSettings::of_handlers(settings);
        let chat = Mount::socketio("/chat", own.clone()).namespace("/", Faulty).namespace("/b", Faulty);
        app.mount(Mount::engine("/raw", own.clone(), Faulty)).mount(chat)
    });
    let mut neighbour = server.connect().await;
    let mut raw = Wire::open(server.address(), "/raw/?EIO=4&transport=websocket").await;
    while raw.next().await.is_some() {}

    // Both panics in one session, of which only one can be reported to it.
    let mut both = Engine::websocket(&server, "/chat").await;
    both.say("40").await;
    both.hear().await;
    both.say(r#"42["x"]"#).await;
    expect_lost(&mut both).await;

    // A namespace left, and the handler fails at that: so ends the rest of the session.
    let mut leaving = Engine::websocket(&server, "/chat").await;
    leaving.say("40").await;
    leaving.hear().await;
    leaving.say("40/b,").await;
    leaving.hear().await;
    leaving.say("41").await;
    expect_lost(&mut leaving).await;

    server.until_connections(1).await;
    neighbour.expect_nothing().await;
}
