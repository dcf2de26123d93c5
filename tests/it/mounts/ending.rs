//! A stop reaches every mount, and every handler learns that its sessions are over.

use super::start;
use crate::support::engine::Engine;
use crate::support::wire::Wire;

#[actix_web::test]
async fn a_stop_says_goodbye_to_a_program_s_sessions_too() {
    let (server, diary) = start(&[("WORKERS", "1")]);
    let mut echo = Wire::open(server.address(), "/echo").await;
    let mut raw = Engine::websocket(&server, "/raw").await;
    let mut chat = Engine::websocket(&server, "/chat").await;
    chat.say("40").await;
    chat.hear().await;
    chat.expect(r#"42["auth",{}]"#).await;
    let mut polling = Engine::polling(&server, "/raw").await;
    polling.park().await;
    diary.until(4).await;

    let stopped = actix_web::rt::spawn(server.stop());
    assert_eq!(echo.close_code().await, 1012);
    for engine in [&mut raw, &mut chat] {
        assert_eq!(engine.wire.as_mut().unwrap().close_code().await, 1012);
    }
    assert_eq!(polling.gets.answer().await.status, 503);
    drop((echo, raw, chat));
    stopped.await.unwrap();
    let mut lines = diary.until(8).await;
    lines.sort();
    let ends = ["closed", "closed", "closed", "connected", "disconnected", "opened", "opened", "opened"];
    assert_eq!(lines, ends);
}
