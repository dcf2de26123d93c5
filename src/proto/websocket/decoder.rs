//! What a client's frames add up to: whole messages, and the control frames between them.
//!
//! Pure: bytes in, [`Event`]s out. No answer may be written here: the session owes a ping its
//! pong and a close its echo. No payload is kept here but a control frame's; the rest goes into
//! the [`Message`] it belongs to as it arrives.
//!
//! ```
//! use switchboard::proto::websocket::{Decoder, Event, Limits, Skipped};
//!
//! let mut decoder = Decoder::new(Limits { soft: 4, hard: 100, start: 2 });
//! let five_bytes = [&[0x81, 0x85, 0, 0, 0, 0], b"hello".as_slice()].concat();
//! let mut input = five_bytes.as_slice();
//!
//! let skipped = Skipped::Text(b"he".to_vec());
//! assert_eq!(decoder.decode(&mut input), Ok(Some(Event::TooLarge { size: 5, skipped })));
//! ```

use std::mem;

use bytes::Bytes;

use super::close::{CloseFrame, Violation};
use super::frame::Opcode;
use super::header::{Header, HeaderReader, Mask};
use super::message::{Event, Limits, Message};

/// One connection's incoming bytes, from wherever the last read left off.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    /// Whether messages may be compressed: permessage-deflate was negotiated.
    inflates: bool,
    /// Compressed bytes that have been inflated since that was last asked.
    inflated: u32,
    state: State,
    /// The message whose first frame has begun and whose last has not ended.
    message: Option<Message>,
    /// What has come of a control frame's payload.
    control: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Header(HeaderReader),
    Payload(Frame),
    /// After a close frame or a violation: nothing means anything any more.
    Finished,
}

/// A frame whose header has been read.
#[derive(Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    mask: Mask,
    /// Payload bytes still to come.
    left: usize,
}

impl Decoder {
    /// A decoder at the beginning of a connection, right behind the handshake. Holds no memory
    /// of its own on the heap, now or between messages.
    pub fn new(limits: Limits) -> Self {
        let soft = limits.soft.min(limits.hard);
        Self {
            limits: Limits { soft, ..limits },
            inflates: false,
            inflated: 0,
            state: State::Header(HeaderReader::default()),
            message: None,
            control: Vec::new(),
        }
    }

    /// Takes compressed messages too, if `inflates`.
    pub fn inflating(mut self, inflates: bool) -> Self {
        self.inflates = inflates;
        self
    }

    /// Takes bytes off the front of `input` until they make an event. `None`: the input is used
    /// up, and more is needed.
    ///
    /// A close frame and a violation are the end: the rest of the input is dropped with them, and
    /// so is all that later calls bring.
    ///
    /// # Errors
    /// The [`Violation`] says which close frame the client gets for it.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Violation> {
        let outcome = self.advance(input);
        if matches!(outcome, Err(_) | Ok(Some(Event::Close(_)))) {
            (self.message, self.control) = (None, Vec::new());
            self.state = State::Finished;
            *input = &[];
        }
        outcome
    }

    /// How many compressed bytes have been inflated since this was last asked: each may be as much work
    /// as a hundred plain ones, whatever comes of them.
    pub fn take_inflated(&mut self) -> usize {
        mem::take(&mut self.inflated) as usize
    }

    /// Keeps nothing of the message under way nor of later ones, not even the start of a text:
    /// their bytes are read away.
    pub fn skip_messages(&mut self) {
        (self.limits.soft, self.limits.start) = (0, 0);
        if let Some(message) = &mut self.message {
            message.skip(0);
        }
    }

    /// Bytes on the heap: what has come of a message, compressed or not, and of a control frame.
    pub fn buffered(&self) -> usize {
        self.message.as_ref().map_or(0, Message::capacity) + self.control.capacity()
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Violation> {
        loop {
            match &mut self.state {
                State::Header(reader) => match reader.read(input)? {
                    Some(header) => self.begin(&header)?,
                    None => return Ok(None),
                },
                State::Payload(frame) => {
                    let (piece, rest) = input.split_at(frame.left.min(input.len()));
                    *input = rest;
                    if frame.opcode.is_control() {
                        // At most 125 bytes, so the announced length may be believed.
                        self.control.reserve_exact(frame.left);
                        frame.mask.unmask_onto(&mut self.control, piece);
                    } else if let Some(message) = &mut self.message {
                        if message.is_deflated() {
                            self.inflated = self.inflated.saturating_add(piece.len() as u32);
                        }
                        message.read(piece, &mut frame.mask)?;
                    }
                    frame.left -= piece.len();
                    if frame.left > 0 {
                        return Ok(None);
                    }
                    let (opcode, fin) = (frame.opcode, frame.fin);
                    self.state = State::Header(HeaderReader::default());
                    if let Some(event) = self.end(opcode, fin)? {
                        return Ok(Some(event));
                    }
                }
                State::Finished => {
                    *input = &[];
                    return Ok(None);
                }
            }
        }
    }

    /// Judges a header by what came before it, and opens its frame.
    fn begin(&mut self, header: &Header) -> Result<(), Violation> {
        // The one place that knows which extension was negotiated.
        let may_be_deflated = self.inflates && matches!(header.opcode, Opcode::Text | Opcode::Binary);
        if header.rsv2 || header.rsv3 || (header.rsv1 && !may_be_deflated) {
            return Err(Violation::protocol("reserved bit is set"));
        }
        // What does not fit the address space is over every limit.
        let length = usize::try_from(header.length).map_err(|_| Violation::too_big())?;
        if !header.opcode.is_control() {
            let mut message = match (header.opcode, self.message.take()) {
                (Opcode::Continuation, Some(message)) => message,
                (Opcode::Continuation, None) => {
                    return Err(Violation::protocol("continuation of no message"));
                }
                (_, Some(_)) => {
                    return Err(Violation::protocol("new message inside a fragmented one"));
                }
                (opcode, None) if header.rsv1 => Message::deflated(opcode == Opcode::Text, self.limits),
                (opcode, None) => Message::new(opcode == Opcode::Text),
            };
            message.announce(length, header.fin, self.limits)?;
            self.message = Some(message);
        }
        let Header { opcode, fin, mask, .. } = *header;
        self.state = State::Payload(Frame { opcode, fin, mask, left: length });
        Ok(())
    }

    /// What the end of a frame means. The buffer leaves with its event.
    fn end(&mut self, opcode: Opcode, fin: bool) -> Result<Option<Event>, Violation> {
        let mut control = || Bytes::from(mem::take(&mut self.control));
        match opcode {
            Opcode::Ping => Ok(Some(Event::Ping(control()))),
            Opcode::Pong => Ok(Some(Event::Pong(control()))),
            Opcode::Close => Ok(Some(Event::Close(CloseFrame::parse(&control())?))),
            _ if fin => self.message.take().map(Message::finish).transpose(),
            _ => Ok(None),
        }
    }
}
