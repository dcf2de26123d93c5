//! A header and the attachments it announced, put together into one message.
//!
//! One per session, and kept between polls: a header and its attachments may come in different
//! requests. No bytes may be held here but those of the message in the making, and none of one
//! that is over the soft limit.
//!
//! ```
//! use bytes::Bytes;
//! use switchboard::proto::socketio::{Assembler, Incoming, Limits};
//!
//! let mut assembler = Assembler::new(Limits::default());
//! let header = assembler.text(r#"51-["photo",{"_placeholder":true,"num":0}]"#)?;
//! assert!(matches!(header, Incoming::Awaiting { left: 1 }));
//! let Incoming::Assembled(message) = assembler.binary(Bytes::from("jpeg"))? else { panic!() };
//! assert_eq!((&*message.header().event().unwrap().name, message.attachments.len()), ("photo", 1));
//! # Ok::<(), switchboard::proto::socketio::PacketError>(())
//! ```

use bytes::Bytes;
use serde_json::value::RawValue;

use super::packet::{Head, Header, Kind, Limits, PacketError, decode};

/// What one message of the transport came to.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A packet without attachments.
    Packet(Header<'a>),
    /// Attachments are still to come.
    Awaiting {
        /// How many.
        left: usize,
    },
    /// A packet whose last attachment came.
    Assembled(Assembled),
    /// A message over [`Limits::soft`], now that all of it has come. Its bytes were dropped
    /// while they arrived.
    TooLarge {
        /// As the client spelled it.
        namespace: String,
        /// Bytes of header and attachments, at most [`Limits::hard`].
        size: usize,
    },
}

/// A binary packet with all its attachments.
#[derive(Debug)]
pub struct Assembled {
    pub kind: Kind,
    /// As the client spelled it.
    pub namespace: String,
    pub id: Option<u64>,
    pub data: Box<RawValue>,
    pub attachments: Vec<Bytes>,
}

impl Assembled {
    /// The same as a packet without attachments has.
    pub fn header(&self) -> Header<'_> {
        Header {
            kind: self.kind,
            namespace: &self.namespace,
            id: self.id,
            attachments: self.attachments.len(),
            data: Some(&self.data),
        }
    }
}

/// A session's incoming messages, from wherever the last one left off.
#[derive(Debug)]
pub struct Assembler {
    limits: Limits,
    /// Boxed, since most sessions never have one.
    pending: Option<Box<Pending>>,
}

/// A packet whose header has come and whose last attachment has not.
#[derive(Debug)]
struct Pending {
    message: Message,
    /// Attachments still to come, at least one.
    left: usize,
    /// Bytes that have come.
    size: usize,
}

#[derive(Debug)]
enum Message {
    Kept(Assembled),
    /// Over the soft limit.
    Dropped {
        namespace: String,
    },
}

impl Assembler {
    /// An assembler at the beginning of a session. Holds no memory of its own on the heap, now
    /// or between messages.
    pub fn new(limits: Limits) -> Self {
        let soft = limits.soft.min(limits.hard);
        Self { limits: Limits { soft, ..limits }, pending: None }
    }

    /// Takes a text message, without Engine.IO's `4`.
    ///
    /// # Errors
    /// All that [`decode`] has; `TextInsideBinary`; `TooLarge`. They leave nothing pending.
    pub fn text<'a>(&mut self, text: &'a str) -> Result<Incoming<'a>, PacketError> {
        if text.len() > self.limits.soft {
            return self.dropped_text(text.as_bytes(), text.len());
        }
        self.begin(text.len())?;
        let header = decode(text, &self.limits)?;
        // What announces attachments has a payload, or it would not have been decoded.
        let (1.., Some(data)) = (header.attachments, header.data) else {
            return Ok(Incoming::Packet(header));
        };
        let kept = Message::Kept(Assembled {
            kind: header.kind,
            namespace: header.namespace.to_owned(),
            id: header.id,
            data: data.to_owned(),
            attachments: Vec::new(),
        });
        self.go_on(Pending { message: kept, left: header.attachments, size: text.len() })
    }

    /// Takes note of a text message of `size` bytes that was over the soft limit, so that what
    /// it announced is awaited. Of its payload nothing is read.
    ///
    /// `start` is what is left of it: at least [`Limits::namespace`] bytes and 64 more, or all.
    ///
    /// # Errors
    /// As [`Assembler::text`], for what stands before the id.
    pub fn dropped_text(&mut self, start: &[u8], size: usize) -> Result<Incoming<'static>, PacketError> {
        self.begin(size)?;
        // It may end inside a character.
        let start = start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let head = Head::read(start, &self.limits)?;
        let namespace = head.namespace.to_owned();
        if head.attachments == 0 {
            return Ok(Incoming::TooLarge { namespace, size });
        }
        self.go_on(Pending { message: Message::Dropped { namespace }, left: head.attachments, size })
    }

    /// Takes a binary message.
    ///
    /// # Errors
    /// `BinaryWithoutHeader`; `TooLarge`. They leave nothing pending.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Incoming<'static>, PacketError> {
        let size = bytes.len();
        self.attach(Some(bytes), size)
    }

    /// Takes note of a binary message of `size` bytes that was dropped for being over the soft
    /// limit, and with it the message it belongs to.
    ///
    /// # Errors
    /// As [`Assembler::binary`].
    pub fn dropped_binary(&mut self, size: usize) -> Result<Incoming<'static>, PacketError> {
        self.attach(None, size)
    }

    /// The namespace, as the client spelled it, of a packet whose attachments are awaited.
    pub fn awaiting(&self) -> Option<&str> {
        self.pending.as_deref().map(|pending| match &pending.message {
            Message::Kept(Assembled { namespace, .. }) | Message::Dropped { namespace } => &**namespace,
        })
    }

    /// Whether the next message has to be binary.
    pub fn is_awaiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Payload bytes held, header and attachments together.
    pub fn buffered(&self) -> usize {
        match self.pending.as_deref() {
            Some(Pending { message: Message::Kept(_), size, .. }) => *size,
            _ => 0,
        }
    }

    /// Judges a text message by what came before it and by its size.
    fn begin(&mut self, size: usize) -> Result<(), PacketError> {
        if self.pending.take().is_some() {
            return Err(PacketError::TextInsideBinary);
        }
        if size > self.limits.hard { Err(PacketError::TooLarge) } else { Ok(()) }
    }

    fn attach(&mut self, bytes: Option<Bytes>, size: usize) -> Result<Incoming<'static>, PacketError> {
        let mut pending = *self.pending.take().ok_or(PacketError::BinaryWithoutHeader)?;
        pending.left -= 1;
        pending.size = pending.size.saturating_add(size);
        if pending.size > self.limits.hard {
            return Err(PacketError::TooLarge);
        }
        pending.message = match (pending.message, bytes) {
            (Message::Kept(mut message), Some(bytes)) if pending.size <= self.limits.soft => {
                message.attachments.push(bytes);
                Message::Kept(message)
            }
            (Message::Kept(Assembled { namespace, .. }) | Message::Dropped { namespace }, _) => {
                Message::Dropped { namespace }
            }
        };
        self.go_on(pending)
    }

    /// Says what a message has come to, and keeps it if it has not come to its end.
    fn go_on(&mut self, pending: Pending) -> Result<Incoming<'static>, PacketError> {
        let Pending { message, left, size } = pending;
        match message {
            _ if left > 0 => {
                self.pending = Some(Box::new(Pending { message, left, size }));
                Ok(Incoming::Awaiting { left })
            }
            Message::Kept(message) => Ok(Incoming::Assembled(message)),
            Message::Dropped { namespace } => Ok(Incoming::TooLarge { namespace, size }),
        }
    }
}
