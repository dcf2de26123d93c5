//! Frames of broadcasts at the client's end: counted unread in a stream of bytes, or read, deflated or not (RFC 7692).

use flate2::{Decompress, FlushDecompress, Status};

use crate::void::{During, Result, Void};
use crate::websocket::{FINAL_TEXT, RSV1, frame_lengths};

/// The most a message may inflate to.
const MESSAGE_MAX: usize = 1024 * 1024;
/// What the sender leaves out at the end of each message.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The inflating half of one connection.
pub struct Inflater {
    window: Decompress,
    /// Whether the server promised that no message refers to an earlier one.
    resets: bool,
}

impl Inflater {
    /// For what the server agreed to in `Sec-WebSocket-Extensions`.
    ///
    /// # Errors
    /// [`Void`] when that is anything but permessage-deflate.
    pub fn agreed(extensions: &str) -> Result<Self> {
        let mut words = extensions.split(';').map(str::trim);
        if words.next() != Some("permessage-deflate") {
            return Err(Void::new(format!("offered permessage-deflate, the answer was {extensions:?}")));
        }
        let resets = words.any(|word| word == "server_no_context_takeover");
        Ok(Self { window: Decompress::new(false), resets })
    }

    /// The text of one whole frame's payload.
    ///
    /// # Errors
    /// [`Void`] when it cannot be inflated, is longer than 1 MiB or no text.
    pub fn text(&mut self, payload: &[u8]) -> Result<String> {
        if self.resets {
            self.window.reset(false);
        }
        let mut text = Vec::with_capacity(16 * 1024);
        let mut input = [payload, &TAIL].concat();
        loop {
            let before = self.window.total_in();
            let status = self.window.decompress_vec(&input, &mut text, FlushDecompress::Sync);
            let status = status.during("inflating a broadcast")?;
            let used = (self.window.total_in() - before) as usize;
            input.drain(..used);
            match status {
                Status::StreamEnd => return Err(Void::new("a deflated message that ends its stream")),
                _ if input.is_empty() && text.len() < text.capacity() => break,
                _ if text.len() >= MESSAGE_MAX => {
                    return Err(Void::new("a broadcast inflates to more than 1 MiB"));
                }
                _ => text.reserve(16 * 1024),
            }
        }
        String::from_utf8(text).during("reading an inflated text")
    }
}

/// Counts whole text frames in a stream of bytes, in pieces of any size.
#[derive(Default)]
pub struct FrameCounter {
    /// Of a frame whose length is not known yet.
    head: Vec<u8>,
    /// Bytes of the payload that are still to come.
    left: usize,
    pub whole: u64,
}

impl FrameCounter {
    /// Takes more bytes of the stream.
    ///
    /// # Errors
    /// [`Void`] when a frame is none that a subscriber of a broadcast gets.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let now = self.left.min(bytes.len());
                (self.left, bytes) = (self.left - now, &bytes[now..]);
            } else {
                self.head.push(*first);
                bytes = rest;
                let Some((_, payload)) = frame_lengths(&self.head)? else { continue };
                self.head.clear();
                self.left = payload;
            }
            self.whole += u64::from(self.left == 0);
        }
        Ok(())
    }

    /// Whether no frame has begun that is not whole.
    pub fn is_between_frames(&self) -> bool {
        self.left == 0 && self.head.is_empty()
    }
}

/// The text of a frame as it was on the wire, deflated or not.
///
/// # Errors
/// [`Void`] when it is not one whole text frame, or deflated and nothing was negotiated.
pub fn text_of_frame(frame: &[u8], inflater: Option<&mut Inflater>) -> Result<String> {
    let (header, payload) = frame_lengths(frame)?.ok_or_else(|| Void::new("half a frame"))?;
    let payload = frame.get(header..header + payload).ok_or_else(|| Void::new("half a frame"))?;
    match (frame[0] == FINAL_TEXT | RSV1, inflater) {
        (true, Some(inflater)) => inflater.text(payload),
        (true, None) => Err(Void::new("a deflated frame, but nothing was negotiated")),
        (false, _) => String::from_utf8(payload.to_vec()).during("reading a frame's text"),
    }
}
