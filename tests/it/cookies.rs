//! Browsers that sign in by cookie: `/auth/session`, and what the cookie opens (contract section 8,
//! D-29, X-10, scenario S-08).

mod handshakes;
mod sign_in;
mod sign_out;

use serde_json::{Value, json};

use crate::support::engine::Engine;
use crate::support::http::{self, Answer};
use crate::support::socket::Socket;
use crate::support::socketio::head;
use crate::support::{TestServer, token};

const PATH: &str = "/auth/session";
const SOCKET_IO: &str = "/socket.io/";
const FOREIGN: (&str, &str) = ("origin", "https://evil.example");

async fn ask(server: &TestServer, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    http::request(server.address(), method, PATH, headers, body.as_bytes()).await
}

/// Signs in with these claims, and the cookies the browser has. Gives its new one: `ws_session=…`.
async fn sign_in_with(server: &TestServer, claims: Value, cookies: &str) -> String {
    let bearer = format!("Bearer {}", token::sign(claims));
    let answer = ask(server, "POST", &[("authorization", &bearer), ("cookie", cookies)], "").await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let set = answer.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap().to_owned()
}

async fn sign_in(server: &TestServer, user: &str) -> String {
    sign_in_with(server, json!({"sub": user}), "").await
}

async fn sign_out(server: &TestServer, cookie: &str) {
    let answer = ask(server, "DELETE", &[("cookie", cookie)], "").await;
    assert_eq!((answer.status, &*answer.text()), (204, ""));
    let cleared = "ws_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!(answer.header("set-cookie"), Some(cleared));
}

/// A plain socket opened with this cookie, and whom it speaks for. Everything is read.
async fn plain(server: &TestServer, cookie: &str) -> (Socket, Value) {
    let mut socket = Socket::open(server.address(), "/ws", &[("cookie", cookie)]).await;
    let welcome = socket.next("connection_established").await;
    socket.id = welcome["data"]["clientId"].as_str().unwrap().to_owned();
    if welcome["data"]["authenticated"] == true {
        socket.next("auth:success").await;
    }
    let user = welcome["data"]["user_id"].clone();
    (socket, user)
}

/// Sessions opened with these headers, one that polls and one on a WebSocket.
async fn engines(server: &TestServer, path: &'static str, headers: &[(&str, &str)]) -> [Engine; 2] {
    let polling = Engine::polling_with(server, path, headers).await;
    [polling, Engine::websocket_with(server, path, headers).await]
}

/// Connects without a token. Gives whom the socket speaks for, or why it was refused.
async fn connect(engine: &mut Engine, namespace: &str) -> Result<Value, Value> {
    engine.say(&head(0, namespace)).await;
    let answer = engine.hear().await;
    if let Some(refused) = answer.strip_prefix(&head(4, namespace)) {
        return Err(serde_json::from_str(refused).expect("JSON"));
    }
    assert!(answer.starts_with(&head(0, namespace)), "{answer}");
    if namespace != "/events" {
        // The welcome.
        engine.hear().await;
    }
    Ok(engine.expect_nothing(namespace).await["user_id"].clone())
}

fn refused() -> Value {
    json!({"message": "Authentication failed", "data": {"code": "AUTH_FAILED", "reason": "no token"}})
}
