//! Those who ask for a broadcast: backends with a keep-alive connection each, a client that is in the room itself, or
//! triggers of the floor.
//!
//! Each has one request under way; eight in flight are eight publishers.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::dashboard;
use crate::floor;
use crate::greeting::{Told, expected, plain_join, room, token};
use crate::http::{self, Client};
use crate::void::{During, Result, Void};
use crate::websocket::{Offer, WebSocket};

/// How a session's update begins at the others in the room, and the answer to one.
const UPDATE: &str = r#"{"type":"blueprint_update","#;
const ACCEPTED: &str = r#"{"type":"blueprint_update:ack","#;

/// Who publishes in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A backend, by the admin's POST: the event is `metric_update`.
    Post,
    /// A signed-in client, on a WebSocket of its own: the event is `blueprint_update`.
    Session,
}

pub enum Publisher {
    Backend {
        address: SocketAddr,
        /// Opened by the first publication: the server gives up on connections that ask nothing.
        client: Option<Client>,
        request: Request,
    },
    /// A member of all its rooms, with the message for each.
    Session { socket: WebSocket, updates: Vec<String> },
    /// All triggers share one connection, so that the floor has one thread to serve them. Its answers are all alike.
    Trigger(Rc<Control>),
}

/// The whole POST of a backend.
pub enum Request {
    /// The same every time, by room.
    Same(Vec<String>),
    /// Another dashboard every time, of this number the next.
    Dashboard(u64),
}

/// The whole POST of a `metric_update` with `data` into room so and so.
pub fn post(number: usize, data: &str) -> String {
    let body = format!(r#"{{"type":"metric_update","room":"{}","data":{data}}}"#, room(number));
    http::post("/api/ws/broadcast", "application/json", &body)
}

/// # Errors
/// [`Void`] when the answer to a POST does not say that exactly `recipients` were reached.
pub fn check_answer(answer: &[u8], recipients: usize) -> Result<()> {
    let answer: Value = serde_json::from_slice(answer).during("reading the answer to a broadcast")?;
    if answer["success"] == true && answer["recipients_count"] == recipients {
        return Ok(());
    }
    Err(Void::new(format!("published to {recipients} subscribers, but the answer was {answer}")))
}

impl Request {
    fn next(&mut self, room: usize) -> Cow<'_, str> {
        match self {
            Self::Same(requests) => Cow::Borrowed(&requests[room]),
            Self::Dashboard(number) => {
                *number += 1;
                Cow::Owned(post(room, &dashboard::text(*number - 1)))
            }
        }
    }
}

impl Publisher {
    /// A backend of the product that posts `metric_update` with `data`, the JSON text of an object, into each of
    /// `rooms` rooms.
    pub fn backend(address: SocketAddr, rooms: usize, data: &str) -> Self {
        let requests = (0..rooms).map(|room| post(room, data)).collect();
        Self::Backend { address, client: None, request: Request::Same(requests) }
    }

    /// A backend that posts the texts of [`dashboard::text`], from number 0 on.
    pub fn dashboards(address: SocketAddr) -> Self {
        Self::Backend { address, client: None, request: Request::Dashboard(0) }
    }

    /// A client that has signed in, has joined `rooms` rooms, and sends `blueprint_update` with `content`, a JSON
    /// text, into them. It gets none of what it says itself.
    ///
    /// # Errors
    /// [`Void`] when it does not get in.
    pub async fn session(address: SocketAddr, rooms: usize, content: &str) -> Result<Self> {
        let target = format!("/ws?token={}", token("publisher")?);
        let mut socket = WebSocket::connect(address, &target, Offer::Nothing).await?;
        for greeting in ["connection_established", "auth:success"] {
            expected(&socket.text().await?, &format!(r#"{{"type":"{greeting}","#))?;
        }
        let mut updates = Vec::with_capacity(rooms);
        for number in 0..rooms {
            socket.send(&plain_join(number)).await?;
            expected(&socket.text().await?, r#"{"type":"room_joined","#)?;
            let room = room(number);
            updates.push(format!(
                r#"{{"type":"blueprint_update","payload":{{"roomId":"{room}","blueprintId":"b","changes":{{"action":"update","content":{content}}}}}}}"#
            ));
        }
        Ok(Self::Session { socket, updates })
    }

    /// `count` triggers of the floor, on one control connection.
    ///
    /// # Errors
    /// [`Void`] when the connection fails.
    pub async fn triggers(address: SocketAddr, count: usize) -> Result<Vec<Self>> {
        let mut stream = TcpStream::connect(address).await.during("connecting to the floor")?;
        stream.set_nodelay(true).during("connecting to the floor")?;
        stream.write_all(floor::CONTROL).await.during("opening the control connection")?;
        let control = Rc::new(Control { stream, turn: Mutex::new(()) });
        Ok((0..count).map(|_| Self::Trigger(Rc::clone(&control))).collect())
    }

    /// Publishes once into room so and so and awaits the answer. The caller sets the time limit.
    ///
    /// # Errors
    /// [`Void`] when the server does not say that exactly `recipients` were reached; a session is only told that its
    /// update was taken.
    pub async fn publish(&mut self, room: usize, recipients: usize) -> Result<()> {
        match self {
            Self::Backend { address, client, request } => {
                let client = match client {
                    Some(client) => client,
                    None => client.insert(Client::connect(*address).await?),
                };
                let answer = client.ask(&request.next(room)).await?;
                check_answer(&answer, recipients)
            }
            Self::Session { socket, updates } => {
                socket.send(&updates[room]).await?;
                loop {
                    let text = socket.text().await?;
                    // What another publisher in the room said.
                    if !text.starts_with(UPDATE) {
                        return expected(&text, ACCEPTED);
                    }
                }
            }
            Self::Trigger(control) => match trigger(control).await.during("triggering the floor")? {
                floor::WRITTEN => Ok(()),
                _ => Err(Void::new("a socket had no room for the floor's frame")),
            },
        }
    }
}

/// The floor's control connection, shared by all triggers.
pub struct Control {
    stream: TcpStream,
    /// Whose turn it is to read. Fair: without it an answer could be taken by whoever is faster, for ever.
    turn: Mutex<()>,
}

/// Sends one trigger and takes one answer.
async fn trigger(control: &Control) -> io::Result<u8> {
    // A handful of single bytes under way always fits the socket.
    control.stream.try_write(&[floor::TRIGGER])?;
    let _turn = control.turn.lock().await;
    loop {
        control.stream.readable().await?;
        let mut answer = [0];
        match control.stream.try_read(&mut answer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(answer[0]),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
            Err(cause) => return Err(cause),
        }
    }
}

impl By {
    /// What is published with so many bytes: the data of a `metric_update`, or the content of a `blueprint_update`.
    ///
    /// # Errors
    /// [`Void`] when nothing is so short.
    pub fn text(self, size: usize) -> Result<String> {
        match self {
            Self::Post => metric_update(size),
            Self::Session => match size.checked_sub(2) {
                Some(pad) => Ok(format!("\"{}\"", "x".repeat(pad))),
                None => Err(Void::new(format!("no payload fits {size} bytes"))),
            },
        }
    }

    /// How the clients in the room are told of `text`.
    pub fn told(self, text: &str) -> Told<'_> {
        let (event, at) = match self {
            Self::Post => ("metric_update", ""),
            Self::Session => ("blueprint_update", "/changes/content"),
        };
        Told { event, at, text }
    }
}

/// The text of a JSON object of exactly `size` bytes, with the fields a `metric_update` has.
///
/// # Errors
/// [`Void`] when the fields alone are longer.
pub fn metric_update(size: usize) -> Result<String> {
    let fields = json!({ "metricType": "load", "metrics": { "pad": "" } }).to_string();
    let pad =
        size.checked_sub(fields.len()).ok_or_else(|| Void::new(format!("no payload fits {size} bytes")))?;
    Ok(json!({ "metricType": "load", "metrics": { "pad": "x".repeat(pad) } }).to_string())
}
