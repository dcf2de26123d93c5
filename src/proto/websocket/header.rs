//! A client frame's header, read as it arrives, and the mask it puts over the payload.
//!
//! No memory of other frames may live here: what is judged is what one header alone can tell.
//! Fragments in the wrong order, limits and negotiated RSV bits are [`super::decoder`]'s.

use super::close::Violation;
use super::frame::{CONTROL_MAX, FIN, LENGTH_16, LENGTH_64, Opcode, RSV1};

/// The longest header: two bytes, a 64-bit length, the masking key.
const HEADER_MAX: usize = 2 + 8 + 4;

/// In the second byte: a masking key stands in front of the payload.
const MASKED: u8 = 0x80;

/// A client frame's header. Its being is the proof that the mask bit was set, the opcode is
/// known, the length is minimal, and a control frame is short and whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub fin: bool,
    pub rsv1: bool,
    pub rsv2: bool,
    pub rsv3: bool,
    pub opcode: Opcode,
    pub mask: Mask,
    /// Payload bytes to come, below 2^63.
    pub length: u64,
}

impl Header {
    /// Reads a header at the front of `bytes`; `None` if its end is not there yet. Judges the
    /// first two bytes as soon as they are.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        let (fin, short) = (first & FIN != 0, second & !MASKED);
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(Violation::protocol("reserved opcode"))?;
        if second & MASKED == 0 {
            return Err(Violation::protocol("client frame is not masked"));
        }
        if opcode.is_control() && !fin {
            return Err(Violation::protocol("control frame is fragmented"));
        }
        if opcode.is_control() && usize::from(short) > CONTROL_MAX {
            return Err(Violation::protocol("control frame is longer than 125 bytes"));
        }

        let Some((length, rest)) = Self::length(short, rest)? else {
            return Ok(None);
        };
        let Some(key) = rest.first_chunk() else {
            return Ok(None);
        };
        Ok(Some(Self {
            fin,
            rsv1: first & RSV1 != 0,
            rsv2: first & 0x20 != 0,
            rsv3: first & 0x10 != 0,
            opcode,
            mask: Mask(*key),
            length,
        }))
    }

    /// Reads the length that `short` says or points to, and gives back what stands behind it.
    fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
        let (length, minimum, rest) = match short {
            LENGTH_16 => match rest.split_first_chunk() {
                Some((bytes, rest)) => (u16::from_be_bytes(*bytes).into(), 126, rest),
                None => return Ok(None),
            },
            LENGTH_64 => match rest.split_first_chunk() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), 1 << 16, rest),
                None => return Ok(None),
            },
            short => (short.into(), 0, rest),
        };
        if length < minimum {
            return Err(Violation::protocol("frame length is not in its shortest form"));
        }
        if length >> 63 != 0 {
            return Err(Violation::protocol("frame length has its top bit set"));
        }
        Ok(Some((length, rest)))
    }
}

/// A header that arrives in pieces. Takes its own bytes off the input, never one of the payload.
#[derive(Debug, Default)]
pub(super) struct HeaderReader {
    bytes: [u8; HEADER_MAX],
    filled: u8,
}

impl HeaderReader {
    /// Takes bytes off the front of `input`; `None` if they end before the header does.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Header>, Violation> {
        while self.fill(input) {
            if let Some(header) = Header::parse(self.known())? {
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Moves what the header is known to need still; false if nothing was there to move.
    fn fill(&mut self, input: &mut &[u8]) -> bool {
        let size = match self.known().get(1).map(|second| second & !MASKED) {
            None => 2,
            Some(LENGTH_16) => 2 + 2 + 4,
            Some(LENGTH_64) => HEADER_MAX,
            Some(_) => 2 + 4,
        };
        let filled = usize::from(self.filled);
        let room = self.bytes.get_mut(filled..size).unwrap_or_default();
        let moved = room.len().min(input.len());
        let (taken, rest) = input.split_at(moved);
        room[..moved].copy_from_slice(taken);
        *input = rest;
        // At most HEADER_MAX, so it fits.
        self.filled += moved as u8;
        moved > 0
    }

    fn known(&self) -> &[u8] {
        self.bytes.get(..self.filled.into()).unwrap_or_default()
    }
}

/// The masking key, turned so that its first byte belongs to the payload byte that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    /// Changes nothing: for bytes that have been unmasked.
    pub fn none() -> Self {
        Self([0; 4])
    }

    /// Unmasks the next bytes of the payload in place.
    pub fn unmask(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (eights, rest) = bytes.as_chunks_mut();
        for eight in eights {
            *eight = (u64::from_ne_bytes(*eight) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
            *byte ^= key;
        }
        self.0.rotate_left(bytes.len() % 4);
    }

    /// Appends the next bytes of the payload to `plain`, unmasked.
    pub fn unmask_onto(&mut self, plain: &mut Vec<u8>, masked: &[u8]) {
        let start = plain.len();
        plain.extend_from_slice(masked);
        self.unmask(&mut plain[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_cut_anywhere_unmasks_the_same() {
        let masked: Vec<u8> = (0..37).collect();
        let plain: Vec<u8> = masked.iter().zip([7, 77, 177, 27].iter().cycle()).map(|(b, k)| b ^ k).collect();

        for cut in 0..=masked.len() {
            let (mut mask, mut bytes) = (Mask([7, 77, 177, 27]), masked.clone());
            let (left, right) = bytes.split_at_mut(cut);
            mask.unmask(left);
            mask.unmask(right);
            assert_eq!(bytes, plain, "cut at {cut}");
        }
    }

    #[test]
    fn a_reader_takes_no_byte_of_the_payload() {
        let mut input: &[u8] = &[0x82, 0x83, 1, 2, 3, 4, 5, 6, 7];

        let header = HeaderReader::default().read(&mut input).unwrap().unwrap();

        assert_eq!((header.length, header.mask), (3, Mask([1, 2, 3, 4])));
        assert_eq!(input, [5, 6, 7]);
    }
}
