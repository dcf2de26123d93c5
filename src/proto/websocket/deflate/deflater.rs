//! Finished frames made smaller, where that is worth it.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::super::frame::{FrameBuilder, Opcode};
use super::super::own::own_frames;
use super::WindowBits;

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For a message that goes to one client.
    Quick,
    /// For one that goes to many: made once, sent often.
    Thorough,
}

impl Effort {
    const ALL: usize = 2;

    /// Measured on JSON: the sixth level takes three times as long and leaves two thirds.
    fn level(self) -> Compression {
        match self {
            Self::Quick => Compression::new(1),
            Self::Thorough => Compression::new(6),
        }
    }
}

/// One for each window and effort, made when first needed: about 300 KB each.
type Deflaters = [[Option<Compress>; WindowBits::SIZES]; Effort::ALL];

thread_local! {
    static DEFLATERS: RefCell<Deflaters> = const { RefCell::new([const { [const { None }; 7] }; 2]) };
}

/// What ends every flushed block, and is left out on the wire (RFC 7692, 7.2.1).
const FLUSHED: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// Room for that, and for the bits in front of it.
const SPARE: usize = 16;

/// The entry with those messages compressed that have `threshold` bytes or more and become smaller.
/// `None` if there is no such message.
pub fn deflated(entry: &[u8], window: WindowBits, threshold: usize, effort: Effort) -> Option<Bytes> {
    let is_worth_it = |opcode: Opcode, payload: &[u8]| {
        !opcode.is_control() && !payload.is_empty() && payload.len() >= threshold
    };
    if !own_frames(entry).any(|frame| is_worth_it(frame.opcode, frame.payload)) {
        return None;
    }
    let (mut smaller, mut is_smaller) = (Vec::new(), false);
    for frame in own_frames(entry) {
        let small = is_worth_it(frame.opcode, frame.payload)
            .then(|| deflated_frame(frame.opcode, frame.payload, window, effort))
            .flatten();
        is_smaller |= small.is_some();
        match small {
            // By far the most entries are one frame.
            Some(small) if frame.whole.len() == entry.len() => return Some(small),
            Some(small) => smaller.extend_from_slice(&small),
            None => smaller.extend_from_slice(frame.whole),
        }
    }
    is_smaller.then(|| {
        smaller.shrink_to_fit();
        smaller.into()
    })
}

fn deflated_frame(opcode: Opcode, payload: &[u8], window: WindowBits, effort: Effort) -> Option<Bytes> {
    DEFLATERS.with_borrow_mut(|deflaters| {
        let place = &mut deflaters[effort as usize][window.index()];
        // Put back behind a whole message only: whatever else happened to it, the next gets a new one.
        let mut deflater = place
            .take()
            .unwrap_or_else(|| Compress::new_with_window_bits(effort.level(), false, window.get()));
        deflater.reset();
        let mut frame = FrameBuilder::with_capacity(payload.len() / 4 + SPARE);
        // Compression may always be done without; a flaw in the library must end neither session nor hub.
        let deflated = AssertUnwindSafe(|| deflate(&mut deflater, payload, frame.payload_mut()));
        let is_smaller = catch_unwind(deflated).ok()??;
        *place = Some(deflater);
        is_smaller.then(|| frame.finish_deflated(opcode))
    })
}

/// Appends the payload, compressed, and says whether that is smaller. `None` if it came to no end.
///
/// Never given up before: a deflater that still has bytes on their way out keeps their place when it
/// is reset (zlib-rs 0.6), and panics for want of room in a later message. What does not become
/// smaller becomes an eighth larger at most.
fn deflate(deflater: &mut Compress, payload: &[u8], into: &mut Vec<u8>) -> Option<bool> {
    let start = into.len();
    loop {
        let taken = usize::try_from(deflater.total_in()).ok()?;
        let room = into.capacity() - into.len();
        let status = deflater.compress_vec(payload.get(taken..)?, into, FlushCompress::Sync);
        let is_full = into.len() == into.capacity();
        if !matches!(status, Ok(Status::Ok | Status::BufError)) || (room > 0 && !is_full) {
            break;
        }
        // So much at least that a flush finds room for all of its mark at once.
        into.reserve((into.len() - start).max(SPARE));
    }
    let is_whole = deflater.total_in() == payload.len() as u64 && into[start..].ends_with(&FLUSHED);
    into.truncate(into.len().saturating_sub(FLUSHED.len()).max(start));
    is_whole.then_some(into.len() - start < payload.len())
}
