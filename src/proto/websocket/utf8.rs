//! The check that text arriving in arbitrary pieces is UTF-8, as early as it can be known.
//!
//! No text is kept here but the at most three bytes of a character whose end has not come: who
//! wants the text takes it from the `valid` callback, who only skips it passes one that does
//! nothing. Each byte is validated once.

use super::close::Violation;
use super::header::Mask;

/// Bytes unmasked and validated in one go, on the stack: large enough for the fast path of
/// [`str::from_utf8`], small enough that clearing it is nothing beside a short message.
const STEP: usize = 256;

/// The beginning of a character that a piece of text ended in.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    begun: [u8; 3],
    len: u8,
}

impl Utf8 {
    /// Unmasks the next piece of a text and hands on what is complete of it, in order.
    ///
    /// # Errors
    /// 1007 as soon as no continuation could make the text valid.
    pub fn read(
        &mut self,
        masked: &[u8],
        mask: &mut Mask,
        mut valid: impl FnMut(&str),
    ) -> Result<(), Violation> {
        let mut step = [0; STEP + 3];
        for piece in masked.chunks(STEP) {
            let (begun, end) = (self.held(), self.held() + piece.len());
            step[..begun].copy_from_slice(&self.begun[..begun]);
            step[begun..end].copy_from_slice(piece);
            mask.unmask(&mut step[begun..end]);
            let (whole, rest) = step[..end].split_at(last_boundary(&step[..end]));
            valid(str::from_utf8(whole).map_err(|_| NOT_UTF8)?);
            self.begin(rest)?;
        }
        Ok(())
    }

    /// Bytes of a begun character that have been read but not handed on.
    pub fn held(&self) -> usize {
        self.len.into()
    }

    /// Says whether the text may end here.
    ///
    /// # Errors
    /// 1007 if the last character is incomplete.
    pub fn end(&self) -> Result<(), Violation> {
        if self.len == 0 { Ok(()) } else { Err(NOT_UTF8) }
    }

    /// Keeps the beginning of a character if it can still become one.
    fn begin(&mut self, rest: &[u8]) -> Result<(), Violation> {
        let hopeless = str::from_utf8(rest).is_err_and(|error| error.error_len().is_some());
        match self.begun.get_mut(..rest.len()) {
            Some(begun) if !hopeless => begun.copy_from_slice(rest),
            _ => return Err(NOT_UTF8),
        }
        // At most three, so it fits.
        self.len = rest.len() as u8;
        Ok(())
    }
}

const NOT_UTF8: Violation = Violation::payload("text is not UTF-8");

/// Where a last character begins whose end is missing; the end of `bytes` if there is none.
fn last_boundary(bytes: &[u8]) -> usize {
    for (back, byte) in (1..=3).zip(bytes.iter().rev()) {
        // The bytes of the character by its first one; 1 marks a byte that continues.
        let announced = match byte.leading_ones() {
            1 => continue,
            ones => ones as usize,
        };
        return if announced > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}
