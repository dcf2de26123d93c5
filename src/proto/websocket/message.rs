//! What a client can say, and one message in the making: fragments put together, text checked,
//! limits applied.
//!
//! Nothing about the order of frames may live here: [`super::decoder`] says which belong to a
//! message. A limit is applied when a frame is announced, before its bytes, so that memory only
//! ever follows what is going to be kept. A compressed message is inflated as it comes, and what it
//! becomes is a message of its own, each step of it announced like a frame.

use std::mem;

use bytes::Bytes;

use super::close::{CloseFrame, Violation};
use super::deflate::inflater::Inflater;
use super::header::Mask;
use super::utf8::Utf8;

/// Bounds on the bytes of one message, fragments together and inflated. `soft` above `hard` means
/// `hard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Above this a message is skipped and reported. Zero skips all that are not empty.
    pub soft: usize,
    /// Above this the connection has to end, with 1009. Every frame counts for one byte at
    /// least, so that empty fragments cannot go on for ever; zero therefore allows no message.
    pub hard: usize,
    /// Bytes kept of a text that is skipped, for a caller whose answer depends on how it begins.
    /// Zero keeps none. May be above `soft`.
    pub start: usize,
}

/// What a client said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole text message.
    Text(String),
    /// A whole message of bytes.
    Binary(Vec<u8>),
    /// Wants a pong with the same payload.
    Ping(Bytes),
    /// Answers a ping of ours, or nothing at all.
    Pong(Bytes),
    /// The client has said its last; `None` if without giving a reason.
    Close(Option<CloseFrame>),
    /// A message over [`Limits::soft`]: its bytes were dropped while they arrived.
    TooLarge {
        /// The bytes it had, at most [`Limits::hard`].
        size: usize,
        /// What is known of it nevertheless.
        skipped: Skipped,
    },
}

impl Event {
    /// Bytes it stands for, inflated, kept or not.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Ping(payload) | Self::Pong(payload) => payload.len(),
            Self::Close(_) => 0,
            Self::TooLarge { size, .. } => *size,
        }
    }
}

/// What is left of a message that was dropped while it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// A text, and its first [`Limits::start`] bytes, or all if it had fewer. Bytes, because they
    /// may end inside a character; all before that is UTF-8.
    Text(Vec<u8>),
    /// Bytes, of which none are kept.
    Binary,
}

/// A message whose first frame has begun and whose last has not ended.
#[derive(Debug)]
pub(super) struct Message {
    body: Body,
    /// Bytes of the frames announced so far.
    size: usize,
    /// The same for the hard limit, where an empty frame counts as one byte.
    charged: usize,
    /// Bytes that may be kept of it, as far as is known; the bound of its capacity.
    most: usize,
}

#[derive(Debug)]
enum Body {
    Text(Utf8, String),
    Binary(Vec<u8>),
    /// Over the soft limit, but still a violation if it is not UTF-8. With the start of it.
    SkippedText(Utf8, Vec<u8>),
    SkippedBinary,
    Deflated(Box<Deflated>),
}

/// A compressed message, and what has become of it.
#[derive(Debug)]
struct Deflated {
    inflater: Inflater,
    message: Message,
    limits: Limits,
}

/// Bytes unmasked in one go, on the stack, before they are inflated.
const UNMASKED: usize = 1024;

impl Deflated {
    fn read(&mut self, masked: &[u8], mask: &mut Mask) -> Result<(), Violation> {
        let Self { inflater, message, limits } = self;
        let mut plain = [0; UNMASKED];
        for masked in masked.chunks(UNMASKED) {
            let plain = &mut plain[..masked.len()];
            plain.copy_from_slice(masked);
            mask.unmask(plain);
            inflater.read(plain, |piece| {
                message.announce(piece.len(), false, *limits)?;
                message.read(piece, &mut Mask::none())
            })?;
        }
        Ok(())
    }
}

impl Message {
    pub fn new(is_text: bool) -> Self {
        Self::of(match is_text {
            true => Body::Text(Utf8::default(), String::new()),
            false => Body::Binary(Vec::new()),
        })
    }

    /// One that comes compressed; `limits` are for what it becomes.
    pub fn deflated(is_text: bool, limits: Limits) -> Self {
        if limits.soft == 0 {
            // Nothing is to be kept of it: it is not looked into.
            return Self::of(Body::SkippedBinary);
        }
        let (inflater, message) = (Inflater::new(), Self::new(is_text));
        Self::of(Body::Deflated(Box::new(Deflated { inflater, message, limits })))
    }

    fn of(body: Body) -> Self {
        Self { body, size: 0, charged: 0, most: 0 }
    }

    pub fn is_deflated(&self) -> bool {
        matches!(self.body, Body::Deflated(_))
    }

    /// Takes note of the next frame, the last if `fin`. A message over `soft` is skipped from
    /// here on, and its memory given back but for the start of a text.
    ///
    /// # Errors
    /// 1009 for a message over `hard`.
    pub fn announce(&mut self, length: usize, fin: bool, limits: Limits) -> Result<(), Violation> {
        self.size = self.size.saturating_add(length);
        self.charged = self.charged.saturating_add(length.max(1));
        // What cannot be compressed becomes a little larger.
        let overhead = if self.is_deflated() { limits.hard / 16 + 1024 } else { 0 };
        if self.charged > limits.hard.saturating_add(overhead) {
            return Err(Violation::too_big());
        }
        match self.body {
            // What it becomes is held to the limits by itself.
            Body::Deflated(_) => return Ok(()),
            _ if self.size > limits.soft => self.skip(limits.start),
            _ => self.most = limits.soft,
        }
        if fin {
            // The last frame says how long the message will be, the others leave it open.
            self.most = self.most.min(self.size);
        }
        Ok(())
    }

    /// Keeps no more of it than the first `start` bytes of a text.
    pub fn skip(&mut self, start: usize) {
        self.body = match mem::replace(&mut self.body, Body::SkippedBinary) {
            Body::Text(utf8, text) => Body::SkippedText(utf8, cut(text.into_bytes(), start)),
            Body::SkippedText(utf8, kept) => Body::SkippedText(utf8, cut(kept, start)),
            Body::Binary(_) | Body::SkippedBinary | Body::Deflated(_) => Body::SkippedBinary,
        };
        self.most = start;
    }

    /// Takes the next bytes of the frame that was announced last.
    ///
    /// # Errors
    /// 1007 for text that cannot become UTF-8 any more, skipped or not.
    pub fn read(&mut self, masked: &[u8], mask: &mut Mask) -> Result<(), Violation> {
        match &mut self.body {
            Body::Text(utf8, text) => {
                let needed = text.len() + utf8.held() + masked.len();
                let capacity = grown(text.capacity(), needed, self.most);
                text.reserve_exact(capacity - text.len());
                utf8.read(masked, mask, |valid| text.push_str(valid))
            }
            Body::Deflated(deflated) => deflated.read(masked, mask),
            Body::Binary(bytes) => {
                let needed = bytes.len() + masked.len();
                let capacity = grown(bytes.capacity(), needed, self.most);
                bytes.reserve_exact(capacity - bytes.len());
                mask.unmask_onto(bytes, masked);
                Ok(())
            }
            Body::SkippedText(utf8, start) => utf8.read(masked, mask, |valid| {
                let piece = &valid.as_bytes()[..valid.len().min(self.most - start.len())];
                let capacity = grown(start.capacity(), start.len() + piece.len(), self.most);
                start.reserve_exact(capacity - start.len());
                start.extend_from_slice(piece);
            }),
            Body::SkippedBinary => Ok(()),
        }
    }

    /// Ends the message behind its last frame.
    ///
    /// # Errors
    /// 1007 for text that ends inside a character, and for a compressed message that was cut off.
    pub fn finish(self) -> Result<Event, Violation> {
        match self.body {
            Body::Deflated(deflated) => {
                let Deflated { inflater, message, .. } = *deflated;
                inflater.end()?;
                message.finish()
            }
            Body::Text(utf8, text) => utf8.end().map(|()| Event::Text(text)),
            Body::Binary(bytes) => Ok(Event::Binary(bytes)),
            Body::SkippedText(utf8, start) => {
                let skipped = Skipped::Text(start);
                utf8.end().map(|()| Event::TooLarge { size: self.size, skipped })
            }
            Body::SkippedBinary => Ok(Event::TooLarge { size: self.size, skipped: Skipped::Binary }),
        }
    }

    /// Bytes on the heap.
    pub fn capacity(&self) -> usize {
        match &self.body {
            Body::Text(_, text) => text.capacity(),
            Body::Binary(bytes) | Body::SkippedText(_, bytes) => bytes.capacity(),
            Body::Deflated(deflated) => Inflater::BYTES + deflated.message.capacity(),
            Body::SkippedBinary => 0,
        }
    }
}

/// The first `most` of `bytes`, in no more memory than they may take.
fn cut(mut bytes: Vec<u8>, most: usize) -> Vec<u8> {
    bytes.truncate(most);
    bytes.shrink_to(most);
    bytes
}

/// The capacity for `needed` bytes of at most `most`: doubled, so that small pieces do not each
/// copy all before them, but never beyond what may come.
fn grown(capacity: usize, needed: usize, most: usize) -> usize {
    if needed <= capacity { capacity } else { capacity.saturating_mul(2).min(most).max(needed) }
}
