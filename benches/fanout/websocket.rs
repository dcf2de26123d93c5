//! The client's end of one WebSocket, up to the moment its bytes are only counted.
//!
//! Just enough of RFC 6455 for a healthy server on loopback; it checks neither `Sec-WebSocket-Accept` (no SHA-1 among
//! our crates) nor UTF-8. What this code costs falls on the load generator's core and is not measured.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::frames::{Inflater, text_of_frame};
use crate::void::{During, Result, Void};

pub const FINAL_TEXT: u8 = 0x81;
/// Says that the frame's payload is deflated.
pub const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;
const CLOSE: u8 = 0x88;
/// The code of a close that nothing is wrong with.
const NORMAL: u16 = 1000;
const HEAD_MAX: usize = 8 * 1024;
const FRAME_MAX: usize = 1024 * 1024;
/// As browsers and `ws` spell it.
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// The extensions a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    Nothing,
    Deflate,
}

pub struct WebSocket {
    stream: TcpStream,
    unread: BytesMut,
    /// If permessage-deflate was negotiated.
    pub inflater: Option<Inflater>,
}

impl WebSocket {
    /// Asks for an upgrade of `target`, a path with its query, and for what is offered.
    ///
    /// # Errors
    /// [`Void`] when the server does not answer 101, quoting the status line, or does not agree to the extension.
    pub async fn connect(address: SocketAddr, target: &str, offer: Offer) -> Result<Self> {
        let stream = TcpStream::connect(address).await.during("connecting a subscriber")?;
        stream.set_nodelay(true).during("connecting a subscriber")?;
        let mut socket = Self { stream, unread: BytesMut::new(), inflater: None };
        let extensions = if offer == Offer::Deflate { OFFER } else { "" };
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{extensions}\r\n",
            random_key()
        );
        socket.stream.write_all(request.as_bytes()).await.during("asking for an upgrade")?;
        let head = read_head(&mut socket.stream, &mut socket.unread).await?;
        if !head.starts_with("HTTP/1.1 101 ") {
            return Err(Void::new(format!("upgrade refused: {}", head.lines().next().unwrap_or_default())));
        }
        if offer == Offer::Deflate {
            let agreed = field(&head, "sec-websocket-extensions").unwrap_or_default();
            socket.inflater = Some(Inflater::agreed(agreed)?);
        }
        Ok(socket)
    }

    /// Sends one masked text frame of less than 64 KiB.
    ///
    /// # Errors
    /// [`Void`] when the text is longer or the connection is gone.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        let length = u16::try_from(text.len()).during("a subscriber's message is too long")?;
        let mut frame = match u8::try_from(length) {
            Ok(short @ 0..=125) => vec![FINAL_TEXT, MASKED | short],
            _ => [[FINAL_TEXT, MASKED | 126], length.to_be_bytes()].concat(),
        };
        let mask = RandomState::new().hash_one(length).to_be_bytes();
        frame.extend_from_slice(&mask[..4]);
        frame.extend(text.bytes().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
        self.stream.write_all(&frame).await.during("sending a subscriber's message")
    }

    /// The next frame as it was on the wire, header included.
    ///
    /// # Errors
    /// [`Void`] when it is not one whole unmasked text frame of at most 1 MiB.
    pub async fn frame(&mut self) -> Result<Bytes> {
        loop {
            if let Some((header, payload)) = frame_lengths(&self.unread)?
                && self.unread.len() >= header + payload
            {
                return Ok(self.unread.split_to(header + payload).freeze());
            }
            read_more(&mut self.stream, &mut self.unread).await?;
        }
    }

    /// The next frame's text.
    ///
    /// # Errors
    /// [`Void`] as for [`WebSocket::frame`], or when it is none.
    pub async fn text(&mut self) -> Result<String> {
        let frame = self.frame().await?;
        self.read(&frame)
    }

    /// The text of a frame as [`WebSocket::frame`] gave it, each once and in their order.
    ///
    /// # Errors
    /// [`Void`] when it is none.
    pub fn read(&mut self, frame: &[u8]) -> Result<String> {
        text_of_frame(frame, self.inflater.as_mut())
    }

    /// Says goodbye and waits until the server has said it, too, and has closed the connection.
    ///
    /// # Errors
    /// [`Void`] when it says anything else.
    pub async fn close(mut self) -> Result<()> {
        let mask = RandomState::new().hash_one(NORMAL).to_be_bytes();
        let code = NORMAL.to_be_bytes();
        let frame =
            [CLOSE, MASKED | 2, mask[0], mask[1], mask[2], mask[3], code[0] ^ mask[0], code[1] ^ mask[1]];
        self.stream.write_all(&frame).await.during("saying goodbye")?;
        while self.stream.read_buf(&mut self.unread).await.during("waiting for a goodbye")? > 0 {}
        match *self.unread {
            [CLOSE, ..] => Ok(()),
            _ => Err(Void::new(format!("to a goodbye the server said {:?}", self.unread))),
        }
    }

    /// # Errors
    /// [`Void`] when bytes are left over that nobody would count.
    pub fn into_stream(self) -> Result<TcpStream> {
        match self.unread.len() {
            0 => Ok(self.stream),
            more => Err(Void::new(format!("{more} bytes more than expected before the first round"))),
        }
    }
}

/// Reads an HTTP head into a string; what follows it stays in `unread`.
///
/// # Errors
/// [`Void`] when the connection ends before it, or it is longer than 8 KiB.
pub async fn read_head(stream: &mut TcpStream, unread: &mut BytesMut) -> Result<String> {
    loop {
        if let Some(at) = unread.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = unread.split_to(at + 4);
            return Ok(String::from_utf8_lossy(&head).into_owned());
        }
        if unread.len() > HEAD_MAX {
            return Err(Void::new("an HTTP head of more than 8 KiB"));
        }
        read_more(stream, unread).await?;
    }
}

/// # Errors
/// [`Void`] when the connection has ended.
pub async fn read_more(stream: &mut TcpStream, unread: &mut BytesMut) -> Result<()> {
    match stream.read_buf(unread).await.during("reading from the server")? {
        0 => Err(Void::new("the server closed a connection")),
        _ => Ok(()),
    }
}

/// The value of a field in an HTTP head.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Lengths of header and payload, once the header is there.
///
/// # Errors
/// [`Void`] when it is not one whole unmasked text frame of at most 1 MiB.
pub fn frame_lengths(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let (header, payload) = match *bytes {
        [first, _, ..] if first & !RSV1 != FINAL_TEXT => {
            return Err(Void::new(format!("expected a whole text frame, got first byte {first:#04x}")));
        }
        [_, short @ 0..=125, ..] => (2, u64::from(short)),
        [_, 126, a, b, ..] => (4, u64::from(u16::from_be_bytes([a, b]))),
        [_, 127, a, b, c, d, e, f, g, h, ..] => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        [_, MASKED..=u8::MAX, ..] => return Err(Void::new("the server masks its frames")),
        _ => return Ok(None),
    };
    match usize::try_from(payload) {
        Ok(payload) if payload <= FRAME_MAX => Ok(Some((header, payload))),
        _ => Err(Void::new(format!("a frame of {payload} bytes"))),
    }
}

/// 16 random bytes in base64, drawn as text: 21 free characters, one whose low four bits are zero, padding.
fn random_key() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LAST: &[u8; 4] = b"AQgw";
    let seed = RandomState::new();
    let draw = |at: u8| usize::from(seed.hash_one(at).to_be_bytes()[0]);
    let free = (0..21).map(|at| char::from(ALPHABET[draw(at) % 64]));
    free.chain([char::from(LAST[draw(21) % 4]), '=', '=']).collect()
}
