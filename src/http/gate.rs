//! A connection while it speaks HTTP: read in small bites, and not at all while nobody takes answers.
//!
//! The framework answers every request it has read before it writes, and reads on while its answers
//! wait: a peer that pipelines requests and reads nothing would make it hold answers without end and
//! spin. Behind the gate it gets little at a time, and nothing while its last write was blocked.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::connections::Place;

/// Bytes that are read before the framework must have answered them. A few dozen small requests.
const BITE: usize = 4 * 1024;

/// How long the peer's kernel may take nothing of an answer before the connection is given up.
const STALLED: Duration = Duration::from_secs(30);

pub struct Gate {
    stream: TcpStream,
    /// Given out since the framework was last made to wait.
    bitten: usize,
    is_blocked: bool,
    _place: Place,
}

impl Gate {
    /// # Errors
    /// The connection has ended already.
    pub fn new(stream: TcpStream, place: Place) -> io::Result<Gate> {
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED))?;
        Ok(Gate { stream, bitten: 0, is_blocked: false, _place: place })
    }

    /// The socket, for a session, which has bounds of its own.
    ///
    /// # Errors
    /// The connection has ended already.
    pub fn open(self) -> io::Result<TcpStream> {
        SockRef::from(&self.stream).set_tcp_user_timeout(None)?;
        Ok(self.stream)
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_blocked {
            // The blocked write wakes the task.
            return Poll::Pending;
        }
        if self.bitten >= BITE {
            // A pause in which the framework answers, behind the thread's other tasks.
            self.bitten = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let limit = buffer.remaining().min(BITE - self.bitten);
        let mut bite = ReadBuf::new(buffer.initialize_unfilled_to(limit));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut bite))?;
        let count = bite.filled().len();
        buffer.advance(count);
        self.bitten += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.is_blocked = written.is_pending();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
