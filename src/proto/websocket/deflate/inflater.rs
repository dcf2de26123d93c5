//! A compressed message, made whole again in small steps, so that whoever takes them can stop.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::close::Violation;

/// Bytes handed on at a time; nothing larger is made before it is known to be wanted.
const STEP: usize = 16 * 1024;

/// What a sender leaves out behind every message (RFC 7692, 7.2.2), and behind that an empty last
/// block: the stream ends there if, and only if, the message was whole.
const END: [u8; 9] = [0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF];

/// What a sender pads with that ends its messages with a last block of its own (7.2.3.4).
const PADDING: [u8; 1] = [0];

const BROKEN: Violation = Violation::payload("compressed data is broken");

/// The thread's own: no message leaves anything behind in it.
struct Inflater {
    state: Decompress,
    step: Vec<u8>,
}

thread_local! {
    static INFLATER: RefCell<Inflater> =
        RefCell::new(Inflater { state: Decompress::new(false), step: vec![0; STEP] });
}

/// Hands `take` what `message` stands for, piece by piece.
///
/// # Errors
/// Whatever `take` says, at once; 1007 for what no sender has compressed.
pub fn inflate(
    message: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<(), Violation>,
) -> Result<(), Violation> {
    INFLATER.with_borrow_mut(|Inflater { state, step }| {
        state.reset(false);
        let mut rest = message;
        let mut is_message = true;
        loop {
            let (before_in, before_out) = (state.total_in(), state.total_out());
            let status = state.decompress(rest, step, FlushDecompress::Sync);
            let taken = usize::try_from(state.total_in() - before_in).unwrap_or(rest.len());
            let made = usize::try_from(state.total_out() - before_out).unwrap_or(STEP).min(STEP);
            rest = rest.get(taken..).unwrap_or_default();
            if made > 0 {
                take(&step[..made])?;
            }
            let is_stuck = taken == 0 && made == 0;
            match status {
                Ok(Status::StreamEnd) if is_message => {
                    return if rest.is_empty() || rest == PADDING { Ok(()) } else { Err(BROKEN) };
                }
                Ok(Status::StreamEnd) => return if rest.is_empty() { Ok(()) } else { Err(BROKEN) },
                Err(_) => return Err(BROKEN),
                // A full step may not have been all there is.
                Ok(Status::Ok | Status::BufError) if rest.is_empty() && made < STEP => {
                    if !is_message {
                        return Err(BROKEN);
                    }
                    (rest, is_message) = (&END, false);
                }
                Ok(Status::Ok | Status::BufError) if is_stuck => return Err(BROKEN),
                Ok(Status::Ok | Status::BufError) => {}
            }
        }
    })
}
