//! Those who ask for a broadcast: backends with a keep-alive connection each, or triggers of the floor.
//!
//! Each has one request under way; eight in flight are eight publishers.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::floor;
use crate::subscribers::ROOM;
use crate::void::{During, Result, Void};
use crate::websocket::{read_head, read_more};

const ANSWER_MAX: usize = 64 * 1024;

pub enum Publisher {
    Backend {
        address: SocketAddr,
        /// Opened by the first publication: the server gives up on connections that ask nothing.
        stream: Option<TcpStream>,
        /// The whole POST, the same every time.
        request: Vec<u8>,
        /// What was read beyond an answer.
        unread: BytesMut,
    },
    /// All triggers share one connection, so that the floor has one thread to serve them. Its answers are all alike.
    Trigger(Rc<Control>),
}

impl Publisher {
    /// A backend of the product that posts `metric_update` with `data`, the JSON text of an object.
    pub fn backend(address: SocketAddr, data: &str) -> Self {
        let body = format!(r#"{{"type":"metric_update","room":"{ROOM}","data":{data}}}"#);
        let request = format!(
            "POST /api/ws/broadcast HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (request, unread) = (request.into_bytes(), BytesMut::new());
        Self::Backend { address, stream: None, request, unread }
    }

    /// `count` triggers of the floor, on one control connection.
    ///
    /// # Errors
    /// [`Void`] when the connection fails.
    pub async fn triggers(address: SocketAddr, count: usize) -> Result<Vec<Self>> {
        let mut stream = connect(address).await?;
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
            Self::Backend { address, stream, request, unread } => {
                let stream = match stream {
                    Some(stream) => stream,
                    None => stream.insert(connect(*address).await?),
                };
                stream.write_all(request).await.during("publishing")?;
                let answer = read_answer(stream, unread).await?;
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

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await.during("connecting a publisher")?;
    stream.set_nodelay(true).during("connecting a publisher")?;
    Ok(stream)
}

/// # Errors
/// [`Void`] for any status but 200, a body without `Content-Length`, or one that is no JSON.
async fn read_answer(stream: &mut TcpStream, unread: &mut BytesMut) -> Result<Value> {
    let head = read_head(stream, unread).await?;
    let length = content_length(&head).filter(|length| *length <= ANSWER_MAX);
    let length = length.ok_or_else(|| Void::new(format!("an answer of unknown length: {head}")))?;
    while unread.len() < length {
        read_more(stream, unread).await?;
    }
    let body = unread.split_to(length);
    if !head.starts_with("HTTP/1.1 200 ") {
        let status = head.lines().next().unwrap_or_default();
        return Err(Void::new(format!("broadcast refused: {status}: {}", String::from_utf8_lossy(&body))));
    }
    serde_json::from_slice(&body).during("reading the answer to a broadcast")
}

fn content_length(head: &str) -> Option<usize> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    value.trim().parse().ok()
}
