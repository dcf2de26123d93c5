//! Those who ask for a broadcast: backends with a keep-alive connection each, or triggers of the floor.
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
use crate::greeting::ROOM;
use crate::http::{self, Client};
use crate::void::{During, Result, Void};

pub enum Publisher {
    Backend {
        address: SocketAddr,
        /// Opened by the first publication: the server gives up on connections that ask nothing.
        client: Option<Client>,
        request: Request,
    },
    /// All triggers share one connection, so that the floor has one thread to serve them. Its answers are all alike.
    Trigger(Rc<Control>),
}

/// The whole POST of a backend.
pub enum Request {
    /// The same every time.
    Same(String),
    /// Another dashboard every time, of this number the next.
    Dashboard(u64),
}

impl Request {
    fn post(data: &str) -> String {
        let body = format!(r#"{{"type":"metric_update","room":"{ROOM}","data":{data}}}"#);
        http::post("/api/ws/broadcast", "application/json", &body)
    }

    fn next(&mut self) -> Cow<'_, str> {
        match self {
            Self::Same(request) => Cow::Borrowed(request),
            Self::Dashboard(number) => {
                *number += 1;
                Cow::Owned(Self::post(&dashboard::text(*number - 1)))
            }
        }
    }
}

impl Publisher {
    /// A backend of the product that posts `metric_update` with `data`, the JSON text of an object.
    pub fn backend(address: SocketAddr, data: &str) -> Self {
        Self::Backend { address, client: None, request: Request::Same(Request::post(data)) }
    }

    /// A backend that posts the texts of [`dashboard::text`], from number 0 on.
    pub fn dashboards(address: SocketAddr) -> Self {
        Self::Backend { address, client: None, request: Request::Dashboard(0) }
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

    /// Publishes once and awaits the answer. The caller sets the time limit.
    ///
    /// # Errors
    /// [`Void`] when the server does not say that exactly `recipients` were reached.
    pub async fn publish(&mut self, recipients: usize) -> Result<()> {
        match self {
            Self::Backend { address, client, request } => {
                let client = match client {
                    Some(client) => client,
                    None => client.insert(Client::connect(*address).await?),
                };
                let answer = client.ask(&request.next()).await?;
                let answer: Value =
                    serde_json::from_slice(&answer).during("reading the answer to a broadcast")?;
                if answer["success"] == true && answer["recipients_count"] == recipients {
                    return Ok(());
                }
                Err(Void::new(format!("published to {recipients} subscribers, but the answer was {answer}")))
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
