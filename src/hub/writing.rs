//! What waits, written to a socket: as much as it takes now, many entries in one system call.

use std::io::{self, IoSlice};

use tokio::net::TcpStream;

use super::queue::Queue;

/// Most entries handed to the kernel in one call.
const SLICES: usize = 64;

/// What one attempt to write the queue came to.
pub enum Wrote {
    Everything,
    Blocked,
    Failed,
}

/// Writes until the queue is empty or the socket takes no more.
pub fn write_waiting(stream: &TcpStream, queue: &mut Queue) -> Wrote {
    while !queue.waiting.is_empty() {
        let written = {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = queue.waiting.len().min(SLICES);
            for (slice, entry) in slices.iter_mut().zip(&queue.waiting) {
                *slice = IoSlice::new(entry);
            }
            stream.try_write_vectored(&slices[..count])
        };
        match written {
            Ok(0) => return Wrote::Failed,
            Ok(written) => queue.advance(written),
            Err(error) if is_transient(&error) => return Wrote::Blocked,
            Err(_) => return Wrote::Failed,
        }
    }
    queue.rest();
    Wrote::Everything
}

/// Whether the socket may take more later.
pub fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
