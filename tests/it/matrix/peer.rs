//! A client of any dialect, asked one thing at a time: what is said, and everything that comes of it.

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::engine::Engine;
use crate::support::socket::Socket;
use crate::support::socketio::head;
use crate::support::{socket, token};

/// Which form a client gives its messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// `{type, payload}`, guide 002's.
    Type,
    /// `{event, data}`, guide 004's.
    Event,
    /// A Socket.IO event that asks for an acknowledgement.
    Acked,
    /// One that does not.
    Bare,
}

/// Where a client connects, by what, and in which form it speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Door {
    pub path: &'static str,
    /// Socket.IO's; none for a plain client.
    pub namespace: Option<&'static str>,
    pub polls: bool,
    pub form: Form,
}

pub const fn plain(path: &'static str, form: Form) -> Door {
    Door { path, namespace: None, polls: false, form }
}

pub const fn websocket(path: &'static str, namespace: &'static str, form: Form) -> Door {
    Door { path, namespace: Some(namespace), polls: false, form }
}

pub const fn polling(path: &'static str, namespace: &'static str, form: Form) -> Door {
    Door { path, namespace: Some(namespace), polls: true, form }
}

/// Who a client is.
#[derive(Clone, Debug)]
pub enum Who {
    Nobody,
    /// Ids without proof, said once the connection stands.
    Claims(&'static str, &'static str),
    /// A tenant's key.
    Holds(&'static str),
    /// The bearer of a token with these claims.
    Bears(Value),
}

pub struct Peer {
    line: Line,
    form: Form,
}

enum Line {
    Plain(Box<Socket>),
    Io(Box<Engine>, &'static str),
}

/// What came until the answer to a question that was asked last of all.
#[derive(Debug, Default)]
pub struct Heard {
    /// Names and payloads.
    pub events: Vec<(String, Value)>,
    pub ack: Option<Value>,
    /// The answer to that question: who one is, and where.
    pub own: Value,
}

impl Heard {
    pub fn rooms(&self) -> Vec<String> {
        serde_json::from_value(self.own["rooms"].clone()).expect("a list of names")
    }

    /// The code of the refusal, if what was said was refused; then nothing else may have come.
    pub fn refusal(&self) -> Option<String> {
        let error = match (&self.ack, self.events.first()) {
            (Some(ack), _) if ack["success"] == false => {
                assert_eq!((&ack["status"], &self.events[..]), (&json!("error"), &[][..]), "{ack}");
                assert_eq!(ack["code"], ack["error"]["code"], "{ack}");
                ack
            }
            (None, Some((name, data))) if name == "error" => {
                assert_eq!(self.events.len(), 1, "{self:?}");
                data
            }
            _ => return None,
        };
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
        Some(error["code"].as_str().expect("a code").to_owned())
    }

    pub fn names(&self) -> Vec<&str> {
        self.events.iter().map(|(name, _)| &**name).collect()
    }
}

impl Peer {
    /// Comes in by `door` as `who`, which must be let in. Gives what it is welcomed with.
    pub async fn enter(server: &TestServer, door: Door, who: &Who) -> (Peer, Heard) {
        let bearer = |claims: &Value| format!("Bearer {}", token::sign(claims.clone()));
        let mut peer = match (door.namespace, who) {
            (None, Who::Holds(key)) => Peer::plain(server, door, &[("x-tenant-key", key)]).await,
            (None, Who::Bears(claims)) => {
                Peer::plain(server, door, &[("authorization", &bearer(claims))]).await
            }
            (None, _) => Peer::plain(server, door, &[]).await,
            (Some(_), _) => {
                let auth = match who {
                    Who::Holds(key) => json!({"tenantKey": key}),
                    Who::Bears(claims) => json!({"token": token::sign(claims.clone())}),
                    _ => json!({}),
                };
                Peer::socket_io(server, door, &[], &auth).await.expect("a welcome")
            }
        };
        let mut heard = peer.hear().await;
        if let Who::Claims(user, organization) = who {
            let ids = json!({"user_id": user, "organization_id": organization});
            heard = peer.tell("authenticate", &ids).await;
            assert_eq!(heard.refusal(), None, "{heard:?}");
        }
        (peer, heard)
    }

    pub async fn plain(server: &TestServer, door: Door, headers: &[(&str, &str)]) -> Peer {
        Peer::plain_at(server, door.path, door.form, headers).await
    }

    /// At a path that may have a query.
    pub async fn plain_at(server: &TestServer, path: &str, form: Form, headers: &[(&str, &str)]) -> Peer {
        let socket = socket::Socket::open(server.address(), path, headers).await;
        Peer { line: Line::Plain(Box::new(socket)), form }
    }

    /// Connects to the door's namespace with `auth`, after a handshake with `headers`.
    ///
    /// # Errors
    /// The refusal, as CONNECT_ERROR has it.
    pub async fn socket_io(
        server: &TestServer,
        door: Door,
        headers: &[(&str, &str)],
        auth: &Value,
    ) -> Result<Peer, Value> {
        let mut engine = match door.polls {
            true => Engine::polling_with(server, door.path, headers).await,
            false => Engine::websocket_with(server, door.path, headers).await,
        };
        let namespace = door.namespace.expect("a Socket.IO door");
        connect(&mut engine, namespace, auth).await?;
        Ok(Peer { line: Line::Io(Box::new(engine), namespace), form: door.form })
    }

    /// Says it, and gives what comes of it.
    pub async fn tell(&mut self, name: &str, data: &Value) -> Heard {
        self.say(name, Some(data)).await;
        self.hear().await
    }

    pub async fn say(&mut self, name: &str, data: Option<&Value>) {
        match &mut self.line {
            Line::Plain(socket) => {
                let keys = if self.form == Form::Type { ["type", "payload"] } else { ["event", "data"] };
                let mut message = json!({keys[0]: name});
                if let Some(data) = data {
                    message[keys[1]] = data.clone();
                }
                socket.send(message).await;
            }
            Line::Io(engine, namespace) => {
                let id = if self.form == Form::Acked { "7" } else { "" };
                let array = data.map_or_else(|| json!([name]), |data| json!([name, data]));
                engine.say(&format!("{}{id}{array}", head(2, namespace))).await;
            }
        }
    }

    /// Everything that has come until now.
    pub async fn hear(&mut self) -> Heard {
        match &mut self.line {
            Line::Plain(socket) => hear_plain(socket).await,
            Line::Io(engine, namespace) => hear_socket_io(engine, namespace).await,
        }
    }

    /// Goes, in a way that the server notices at once.
    pub async fn leave(self) {
        match self.line {
            Line::Plain(socket) => drop(socket),
            Line::Io(engine, _) => engine.goodbye().await,
        }
    }

    /// The connection must have ended.
    pub async fn expect_closed(&mut self) {
        match &mut self.line {
            Line::Plain(socket) => assert!(socket.next_close().await > 1000),
            Line::Io(engine, _) => engine.expect_closed().await,
        }
    }

    /// The next thing must be the end of the connection, after an `error` with this code.
    pub async fn expect_dismissal(&mut self, code: &str) {
        match &mut self.line {
            Line::Plain(socket) => {
                socket.next_error(code).await;
                assert_eq!(socket.next_close().await, 4401);
            }
            Line::Io(engine, namespace) => {
                let error = engine.next_event(namespace, "error").await;
                assert_eq!(error["code"], code);
                engine.expect(&head(1, namespace)).await;
                if engine.wire.is_none() {
                    engine.expect("1").await;
                }
                engine.expect_closed().await;
            }
        }
    }
}

/// # Errors
/// The refusal.
pub async fn connect(engine: &mut Engine, namespace: &str, auth: &Value) -> Result<(), Value> {
    engine.say(&format!("{}{auth}", head(0, namespace))).await;
    let answer = engine.hear().await;
    if answer.starts_with(&head(0, namespace)) {
        return Ok(());
    }
    let refusal = answer.strip_prefix(&head(4, namespace));
    let refusal = refusal.unwrap_or_else(|| panic!("neither a yes nor a no: {answer}"));
    Err(serde_json::from_str(refusal).expect("JSON"))
}

async fn hear_plain(socket: &mut Socket) -> Heard {
    socket.send(json!({"type": "debug:rooms", "id": "last"})).await;
    let mut heard = Heard::default();
    loop {
        let frame = socket.next_event().await;
        let name = frame["type"].as_str().expect("a name").to_owned();
        assert_eq!(frame["type"], frame["event"], "{frame}");
        if frame["id"] == "last" {
            heard.own = frame["data"].clone();
            return heard;
        }
        if name == "error" {
            assert_eq!(frame["error"]["code"], frame["data"]["code"], "{frame}");
        }
        heard.events.push((name, frame["data"].clone()));
    }
}

async fn hear_socket_io(engine: &mut Engine, namespace: &str) -> Heard {
    engine.say(&format!("{}9{}", head(2, namespace), json!(["debug:rooms", {}]))).await;
    let (event, ack) = (head(2, namespace), head(3, namespace));
    let mut heard = Heard::default();
    loop {
        let packet = engine.hear().await;
        let argument =
            |text: &str| -> Value { serde_json::from_str::<Value>(text).expect("JSON")[0].clone() };
        if let Some(own) = packet.strip_prefix(&format!("{ack}9")) {
            heard.own = argument(own);
            return heard;
        }
        if let Some(answer) = packet.strip_prefix(&format!("{ack}7")) {
            assert!(heard.ack.is_none(), "acknowledged twice");
            heard.ack = Some(argument(answer));
            continue;
        }
        let array = packet.strip_prefix(&event).unwrap_or_else(|| panic!("unexpected: {packet}"));
        // Broadcasts that want to be acknowledged have a number in front.
        let array = array.trim_start_matches(|c: char| c.is_ascii_digit());
        let array: Vec<Value> = serde_json::from_str(array).expect("JSON");
        let name = array[0].as_str().expect("a name").to_owned();
        heard.events.push((name, array.get(1).cloned().unwrap_or(Value::Null)));
    }
}
