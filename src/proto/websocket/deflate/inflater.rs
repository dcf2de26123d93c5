//! A compressed message, made whole again as it comes, in small steps, so that whoever takes them can
//! stop.

use std::cell::Cell;
use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::close::Violation;

/// Bytes handed on at a time; nothing larger is made before it is known to be wanted.
const STEP: usize = 16 * 1024;

/// What a sender leaves out behind every message (RFC 7692, 7.2.2), and behind that an empty last
/// block: whatever was whole ends there, and nothing comes of it.
const END: [u8; 9] = [0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF];

const BROKEN: Violation = Violation::payload("compressed data is broken");

thread_local! {
    /// One that no message needs now: most come whole in one read, and then one is enough for a thread.
    static SPARE: Cell<Option<Decompress>> = const { Cell::new(None) };
    static STEPS: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// One message's, from its first byte to its last.
pub struct Inflater {
    state: Decompress,
    /// A last block has ended and nothing came behind it: the message may end here as it is (7.2.3.4).
    is_closed: bool,
}

impl Inflater {
    /// What one holds at most: the window, its tables and a little more.
    pub const BYTES: usize = 48 * 1024;

    pub fn new() -> Self {
        let state = SPARE.take().unwrap_or_else(|| Decompress::new(false));
        Self { state, is_closed: false }
    }

    /// Hands `take` what the next bytes of the message stand for, piece by piece.
    ///
    /// # Errors
    /// Whatever `take` says, at once; 1007 for what no sender has compressed.
    pub fn read(
        &mut self,
        bytes: &[u8],
        take: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        with_step(|step| self.inflate(bytes, step, take))
    }

    /// Ends the message.
    ///
    /// # Errors
    /// 1007 if it was cut off.
    pub fn end(mut self) -> Result<(), Violation> {
        if !self.is_closed {
            // Whatever comes of the end was not the message's: it wanted more bytes of a block.
            with_step(|step| self.inflate(&END, step, |_| Err(BROKEN)))?;
        }
        if !self.is_closed {
            return Err(BROKEN);
        }
        // After a violation it is not used again, whatever state it is in.
        self.state.reset(false);
        SPARE.set(Some(self.state));
        Ok(())
    }

    fn inflate(
        &mut self,
        mut bytes: &[u8],
        step: &mut [u8],
        mut take: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.is_closed) {
                // Another block may follow a last one (7.2.1).
                self.state.reset(false);
            }
            loop {
                let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
                let status = self.state.decompress(bytes, step, FlushDecompress::Sync);
                let taken = usize::try_from(self.state.total_in() - before_in).unwrap_or(bytes.len());
                let made = usize::try_from(self.state.total_out() - before_out).unwrap_or(STEP).min(STEP);
                bytes = bytes.get(taken..).unwrap_or_default();
                if made > 0 {
                    take(&step[..made])?;
                }
                match status {
                    Err(_) => return Err(BROKEN),
                    Ok(Status::StreamEnd) => {
                        self.is_closed = true;
                        break;
                    }
                    // A full step may not have been all there is.
                    Ok(Status::Ok | Status::BufError) if made == STEP => {}
                    Ok(Status::Ok | Status::BufError) if bytes.is_empty() => break,
                    Ok(Status::Ok | Status::BufError) if taken == 0 && made == 0 => return Err(BROKEN),
                    Ok(Status::Ok | Status::BufError) => {}
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("is_closed", &self.is_closed).finish_non_exhaustive()
    }
}

/// Lends the thread's step; should `work` panic, the next one gets another.
fn with_step<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut step = STEPS.take();
    step.resize(STEP, 0);
    let done = work(&mut step);
    STEPS.set(step);
    done
}
