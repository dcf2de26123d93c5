//! Socket.IO as a client says and hears it, on [`Engine`].

use serde_json::{Value, json};

use super::engine::Engine;
use super::token;

/// The head of a packet: Engine.IO's digit, Socket.IO's, and the namespace unless it is `/`.
pub fn head(kind: u8, namespace: &str) -> String {
    match namespace {
        "/" => format!("4{kind}"),
        other => format!("4{kind}{other},"),
    }
}

/// An event with one argument.
pub fn event(namespace: &str, name: &str, data: &Value) -> String {
    format!("{}{}", head(2, namespace), json!([name, data]))
}

/// A packet that asks for `namespace` as the user of these claims; for `/events`, which knows no
/// users, as the first demo tenant.
pub fn connect_as(namespace: &str, claims: Value) -> String {
    let auth = match namespace.starts_with("/events") {
        true => json!({"tenantKey": "demo-tenant-key-1"}),
        false => json!({"token": token::sign(claims)}),
    };
    format!("{}{auth}", head(0, namespace))
}

impl Engine {
    /// Connects to `namespace` as `user`. Gives the socket's id.
    #[track_caller]
    pub fn connect(&mut self, namespace: &str, user: &str) -> impl Future<Output = String> {
        self.connect_with(namespace, json!({"sub": user}))
    }

    /// Connects with these claims, and reads the welcome.
    #[track_caller]
    pub fn connect_with(&mut self, namespace: &str, claims: Value) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            self.say(&connect_as(namespace, claims)).await;
            let answer = self.hear().await;
            let granted = answer.strip_prefix(&head(0, namespace));
            let granted = granted.unwrap_or_else(|| panic!("at {caller}: no {namespace}: {answer}"));
            let granted: Value = serde_json::from_str(granted).expect("JSON");
            let sid = granted["sid"].as_str().expect("an id").to_owned();
            assert_eq!(granted, json!({"sid": sid}), "at {caller}: exactly one key");
            let is_root = namespace.split('?').next() == Some("/");
            let is_intraday = is_root && self.path.starts_with("/ws");
            let is_flow = namespace.starts_with("/events");
            let welcome = if is_intraday || is_flow { "connected" } else { "connection_established" };
            self.next_event(namespace, welcome).await;
            sid
        }
    }

    pub async fn emit(&mut self, namespace: &str, name: &str, data: Value) {
        self.say(&event(namespace, name, &data)).await;
    }

    /// The next packet must be this event. Gives its argument.
    #[track_caller]
    pub fn next_event(&mut self, namespace: &str, name: &str) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let packet = self.hear().await;
            let array =
                packet.strip_prefix(&head(2, namespace)).and_then(|rest| serde_json::from_str(rest).ok());
            match array {
                Some(Value::Array(items)) if items.len() == 2 && items[0] == name => items[1].clone(),
                _ => panic!("at {caller}: expected {name} on {namespace}, got {packet}"),
            }
        }
    }

    /// The next packet must acknowledge `id`. Gives its argument.
    #[track_caller]
    pub fn next_ack(&mut self, namespace: &str, id: u64) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let packet = self.hear().await;
            let array = packet.strip_prefix(&format!("{}{id}[", head(3, namespace)));
            let argument = array.and_then(|rest| rest.strip_suffix(']'));
            let argument = argument.and_then(|text| serde_json::from_str(text).ok());
            argument
                .unwrap_or_else(|| panic!("at {caller}: expected the ack {id} on {namespace}, got {packet}"))
        }
    }

    /// Emits, and gives what is acknowledged next.
    #[track_caller]
    pub fn ask(&mut self, namespace: &str, name: &str, data: Value) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            self.say(&format!("{}7{}", head(2, namespace), json!([name, data]))).await;
            let packet = self.hear().await;
            let array = packet.strip_prefix(&format!("{}7", head(3, namespace)));
            let array = array.unwrap_or_else(|| panic!("at {caller}: expected an ack, got {packet}"));
            serde_json::from_str::<Value>(array).expect("JSON")[0].clone()
        }
    }

    /// Joins a room, which must be allowed.
    #[track_caller]
    pub fn join(&mut self, namespace: &str, room: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            self.emit(namespace, "join", json!({"room": room})).await;
            let joined = self.next_event(namespace, "room_joined").await;
            assert_eq!(joined["room"], room, "at {caller}");
        }
    }

    /// Nothing has been sent to us that we have not read: the answer to a question asked now is the
    /// next thing that comes. Gives it: who we are and where.
    #[track_caller]
    pub fn expect_nothing(&mut self, namespace: &str) -> impl Future<Output = Value> {
        self.ask(namespace, "debug:rooms", json!({}))
    }
}
