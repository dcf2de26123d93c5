//! What fails, fails alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use switchboard::domain::Ambient;
use switchboard::domain::time::{Clock, Moment, Sleep, Timestamp};
use switchboard::{App, Settings, ambient};

use crate::support::scratch::Scratch;
use crate::support::socket::Socket;
use crate::support::until;

/// The system's clock, but for one reading that panics once it is armed.
struct Faulty {
    clock: Arc<dyn Clock>,
    is_armed: AtomicBool,
}

impl Clock for Faulty {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn wall(&self) -> Timestamp {
        if self.is_armed.swap(false, Ordering::SeqCst) {
            panic!("a fault in the middle of a session, made by a test");
        }
        self.clock.wall()
    }

    fn sleep_until(&self, at: Moment) -> Sleep {
        self.clock.sleep_until(at)
    }
}

#[actix_web::test]
async fn a_session_that_panics_ends_alone_and_leaves_nothing_behind() {
    let system = ambient::system();
    let clock = Arc::new(Faulty { clock: system.clock.clone(), is_armed: AtomicBool::new(false) });
    let data = Scratch::new();
    let settings = Settings::from_map(&[("PORT", "0"), ("WORKERS", "1"), ("DATA_DIR", data.text())]).unwrap();
    let ambient = Ambient { clock: clock.clone(), ..system };
    let running = App::builder(settings).ambient(ambient).start().unwrap();
    let address = running.addresses()[0];
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::open(address, "/ws", &[]).await;
        socket.next("connection_established").await;
        socket.join("dashboard:overview").await;
        sockets.push(socket);
    }

    clock.is_armed.store(true, Ordering::SeqCst);
    sockets[0].send(json!({"type": "ping"})).await;

    assert_eq!(sockets[0].next_close().await, 1006, "it ends without a word");
    until(|| running.connections() == 1).await;
    // The other one, on the same thread, goes on, and is the only member left.
    sockets[1].send(json!({"type": "ping"})).await;
    sockets[1].next("pong").await;
    let body = br#"{"type":"custom:x","room":"dashboard:overview","data":1}"#;
    let headers = [("content-type", "application/json")];
    let answer = crate::support::http::request(address, "POST", "/api/ws/broadcast", &headers, body).await;
    assert_eq!(answer.json()["recipients_count"], 1);
    sockets[1].next("custom:x").await;
}
