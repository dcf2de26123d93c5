//! What may be mounted where, and what there is without the product.

use switchboard::{App, Mount, Out, SessionSettings};

use super::{Diary, everything};
use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::wire::Wire;

fn echo(message: switchboard::Message<'_>, out: &mut Out<'_>) {
    out.send(message);
}

/// Why the product does not start with this mounted on top.
fn refused(mount: impl FnOnce(SessionSettings) -> Mount) -> Option<String> {
    let settings = TestServer::settings(&[]);
    let mount = mount(SessionSettings::of_handlers(&settings));
    App::builder(settings).mount(mount).start().err().map(|error| error.to_string())
}

#[actix_web::test]
async fn a_path_that_is_taken_is_an_error_that_names_it() {
    let twice = "something of its kind is mounted there already";
    for path in ["/socket.io", "/socket.io/", "/ws"] {
        let error = refused(|own| Mount::engine(path, own, echo)).expect(path);
        let shown = path.trim_end_matches('/');
        assert_eq!(error, format!("cannot mount `{shown}`: {twice}"));
    }
    for path in ["/ws", "/events"] {
        assert_eq!(
            refused(|own| Mount::websocket(path, own, echo)).expect(path),
            format!("cannot mount `{path}`: {twice}")
        );
    }
    let own = "the path is the gateway's own";
    let product = ["/", "/health", "/api/ws/broadcast", "/api/mine", "/auth/session", "/static/console.js"];
    for path in product {
        let error = refused(|own| Mount::websocket(path, own, echo)).expect(path);
        assert_eq!(error, format!("cannot mount `{path}`: {own}"));
    }
    assert!(refused(|own| Mount::websocket("/a{b}", own, echo)).is_some());
    assert!(
        refused(|own| Mount::engine("/events", own, echo)).is_none(),
        "an engine beside a plain endpoint"
    );
}

#[actix_web::test]
async fn an_engine_and_a_plain_endpoint_share_a_path() {
    let server = TestServer::mounted(&[], |app, settings| {
        let own = SessionSettings::of_handlers(settings);
        app.mount(Mount::engine("/both", own.clone(), echo)).mount(Mount::websocket("/both", own, echo))
    });
    for path in ["/both", "/both/"] {
        let mut plain = Wire::open(server.address(), path).await;
        plain.text("4hello").await;
        assert_eq!(plain.next_text().await, "4hello");
        let mut engine = Engine::websocket(&server, path).await;
        engine.say("4hello").await;
        engine.expect("4hello").await;
        assert_eq!(server.get(path).await.status, 426);
        server.post(path, &serde_json::json!({})).await.assert_error(405, "METHOD_NOT_ALLOWED");
    }
}

#[actix_web::test]
async fn a_bare_server_has_what_is_mounted_and_nothing_else() {
    let settings = TestServer::settings(&[]);
    let server = TestServer::of(everything(App::bare(settings.clone()), &settings, &Diary::default()), None);
    for path in
        ["/", "/health", "/api/ws/health", "/api/ws/broadcast", "/socket.io/", "/ws", "/events", "/echo/"]
    {
        server.get(path).await.assert_error(404, "NOT_FOUND");
    }
    let mut echo = Wire::open(server.address(), "/echo").await;
    echo.text("hello").await;
    assert_eq!(echo.next_text().await, "hello");
    let mut engine = Engine::polling(&server, "/raw").await;
    engine.say("4hello").await;
    engine.expect("4hello").await;

    let root = TestServer::settings(&[]);
    let own = SessionSettings::of_handlers(&root);
    let server = TestServer::of(
        App::bare(root).mount(Mount::websocket("/", own, super::Echo(Diary::default()))),
        None,
    );
    let mut echo = Wire::open(server.address(), "/").await;
    echo.text("hello").await;
    assert_eq!(echo.next_text().await, "hello");
}
