//! Our own frames, read back: an outbox keeps finished server frames, which a poll takes apart and
//! compression makes smaller.
//!
//! A client's frames may not be read here: they are masked, come in pieces, and are to be
//! distrusted, which is [`super::decoder`]'s business.
//!
//! ```
//! use switchboard::proto::websocket::{Opcode, encode, own_frames};
//!
//! let entry = [encode(Opcode::Text, b"hi"), encode(Opcode::Binary, &[1])].concat();
//! let payloads: Vec<&[u8]> = own_frames(&entry).map(|frame| frame.payload).collect();
//!
//! assert_eq!(payloads, [b"hi".as_slice(), &[1]]);
//! ```

use super::frame::{FIN, Opcode};

/// One whole server frame, borrowed from its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnFrame<'a> {
    pub opcode: Opcode,
    pub payload: &'a [u8],
    /// All of it, its head included.
    pub whole: &'a [u8],
}

/// Walks the frames of one entry, which stand back to back.
///
/// Bytes that are no whole, final, uncompressed server frame end the walk.
pub fn own_frames(entry: &[u8]) -> impl Iterator<Item = OwnFrame<'_>> + Clone {
    let mut rest = entry;
    std::iter::from_fn(move || {
        let frame = OwnFrame::split(rest);
        rest = frame.map_or(&[][..], |frame| &rest[frame.whole.len()..]);
        frame
    })
}

impl<'a> OwnFrame<'a> {
    /// The first frame of `bytes`. `None` if they end first, or if it is none of ours.
    fn split(bytes: &'a [u8]) -> Option<Self> {
        let [first, second, rest @ ..] = bytes else {
            return None;
        };
        let (length, rest) = match *second {
            short @ ..126 => (u64::from(short), rest),
            126 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u16::from_be_bytes(*length).into(), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*length), rest)
            }
            _ => return None,
        };
        let payload = rest.get(..usize::try_from(length).ok()?)?;
        let opcode = Opcode::from_bits(first ^ FIN).filter(|opcode| *opcode != Opcode::Continuation)?;
        let whole = &bytes[..bytes.len() - rest.len() + payload.len()];
        Some(Self { opcode, payload, whole })
    }
}
