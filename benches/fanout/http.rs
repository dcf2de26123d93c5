//! One keep-alive connection of an HTTP client: a request, then its answer.
//!
//! Just enough of HTTP/1.1 for a healthy server on loopback: every answer has a `Content-Length`.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::void::{During, Result, Void};
use crate::websocket::{field, read_head, read_more};

const ANSWER_MAX: usize = 64 * 1024;

pub struct Client {
    stream: TcpStream,
    /// What was read beyond an answer.
    unread: BytesMut,
}

impl Client {
    /// # Errors
    /// [`Void`] when the connection fails.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.during("connecting an HTTP client")?;
        stream.set_nodelay(true).during("connecting an HTTP client")?;
        Ok(Self { stream, unread: BytesMut::new() })
    }

    /// Sends a whole request, as [`get`] and [`post`] write it, and leaves its answer to [`Client::answer`].
    ///
    /// # Errors
    /// [`Void`] when the connection is gone.
    pub async fn send(&mut self, request: &str) -> Result<()> {
        self.stream.write_all(request.as_bytes()).await.during("sending a request")
    }

    /// The body of the next answer.
    ///
    /// # Errors
    /// [`Void`] for any status but 200, and a body without `Content-Length`.
    pub async fn answer(&mut self) -> Result<Bytes> {
        let head = read_head(&mut self.stream, &mut self.unread).await?;
        let length = content_length(&head).filter(|length| *length <= ANSWER_MAX);
        let length = length.ok_or_else(|| Void::new(format!("an answer of unknown length: {head}")))?;
        while self.unread.len() < length {
            read_more(&mut self.stream, &mut self.unread).await?;
        }
        let body = self.unread.split_to(length).freeze();
        if !head.starts_with("HTTP/1.1 200 ") {
            let status = head.lines().next().unwrap_or_default();
            return Err(Void::new(format!(
                "a request refused: {status}: {}",
                String::from_utf8_lossy(&body)
            )));
        }
        Ok(body)
    }

    /// # Errors
    /// [`Void`] as of [`Client::send`] and [`Client::answer`].
    pub async fn ask(&mut self, request: &str) -> Result<Bytes> {
        self.send(request).await?;
        self.answer().await
    }
}

/// The text of a GET.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The text of a POST.
pub fn post(target: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
}

fn content_length(head: &str) -> Option<usize> {
    field(head, "content-length")?.parse().ok()
}
