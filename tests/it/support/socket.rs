//! A plain WebSocket client: `tokio-tungstenite`, unmodified, with a strict way of reading.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::PATIENCE;

pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The `clientId` of the welcome, once it has been read.
    pub id: String,
}

impl Socket {
    /// Opens a socket that must be accepted. Its welcome is still unread.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Socket {
        match Socket::try_open(address, path, headers).await {
            Ok(socket) => socket,
            Err(status) => panic!("refused with {status}"),
        }
    }

    /// Opens a socket. A refusal gives its HTTP status.
    pub async fn try_open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match timeout(PATIENCE, client_async(request, stream)).await.expect("an answer in time") {
            Ok((stream, _)) => Ok(Socket { stream, id: String::new() }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        self.stream.send(message).await.expect("the connection is open");
    }

    /// The next message, which must be an event of this type.
    #[track_caller]
    pub fn next<'a>(&'a mut self, kind: &'a str) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let event = self.next_event().await;
            assert_eq!(event["type"], kind, "at {caller}: {event}");
            assert_eq!(event["event"], kind, "at {caller}: both names are the same");
            event
        }
    }

    /// The next event, whatever it is.
    pub async fn next_event(&mut self) -> Value {
        match self.next_message().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("expected an event, got {other:?}"),
        }
    }

    /// The next message but pings and pongs; `None` once the connection has ended.
    pub async fn next_message(&mut self) -> Option<Message> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a message in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame of any kind.
    pub async fn next_frame(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.stream.next()).await.expect("a frame in time")?.ok()
    }

    /// The next event must be `error` with this code.
    pub async fn next_error(&mut self, code: &str) -> Value {
        let error = self.next("error").await;
        assert_eq!(error["data"]["code"], code, "{error}");
        assert_eq!(error["error"]["code"], code, "both places: {error}");
        error
    }

    /// The next thing must be a close frame. Gives its code.
    pub async fn next_close(&mut self) -> u16 {
        match self.next_message().await {
            Some(Message::Close(Some(frame))) => frame.code.into(),
            Some(Message::Close(None)) => 1005,
            None => 1006,
            other => panic!("expected a close, got {other:?}"),
        }
    }

    /// Joins a room, which must be allowed.
    pub async fn join(&mut self, room: &str) {
        self.send(json!({"type": "join", "payload": {"room": room}})).await;
        let joined = self.next("room_joined").await;
        assert_eq!(joined["data"]["room"], room);
    }

    /// Nothing has been sent to us that we have not read: the answer to a question asked now is the
    /// next thing that comes. What others were sent before this call had its time.
    pub async fn expect_nothing(&mut self) {
        self.send(json!({"type": "debug:rooms", "id": "nothing"})).await;
        let marker = self.next("debug:rooms:ack").await;
        assert_eq!(marker["id"], "nothing");
    }

    /// The names of the rooms this socket is in.
    pub async fn rooms(&mut self) -> Vec<String> {
        self.send(json!({"type": "debug:rooms"})).await;
        let answer = self.next("debug:rooms:ack").await;
        serde_json::from_value(answer["data"]["rooms"].clone()).expect("a list of names")
    }

    /// The bare connection, to misbehave on.
    pub fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }
}
