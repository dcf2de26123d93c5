//! A connection while it speaks HTTP: read in small bites, not at all while nobody takes answers, and
//! given up when it has got no answer for long.
//!
//! The framework answers every request it has read before it writes, and reads on while its answers
//! wait: a peer that pipelines requests and reads nothing would make it hold answers without end and
//! spin. Behind the gate it gets little at a time, and nothing while its last write was blocked. Nor
//! does the framework mind half a request behind a whole one; the gate does.
//!
//! The framework is through with a connection when its client has sent the last. While a poll waits
//! aside, the gate says so, and keeps the connection (see [`super::aside`]).

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;

use super::record::Record;
use crate::domain::time::{Clock, Moment, Sleep};
use crate::limits::connections::Place;

/// Bytes that are read before the framework must have answered them. A few dozen small requests.
const BITE: u64 = 4 * 1024;

/// Bytes the kernel may hold for one client. Without a bound it takes megabytes from us for a client
/// that reads nothing, and our own bound would notice too late.
const SEND_BUFFER: usize = 128 * 1024;

/// How long the peer's kernel may take nothing of an answer before the connection is given up.
const STALLED: Duration = Duration::from_secs(30);

pub struct Gate {
    /// Limited to what is left of a bite. `None` once the framework was through with it.
    stream: Option<Take<TcpStream>>,
    is_blocked: bool,
    patience: Patience,
    record: Rc<Record>,
    place: Option<Place>,
}

/// A connection that the framework has let go.
pub type Left = (TcpStream, Place);

/// How long a connection may go without an answer.
pub struct Patience {
    clock: Arc<dyn Clock>,
    span: Duration,
    since: Moment,
    alarm: Sleep,
}

impl Patience {
    pub fn of(span: Duration, clock: Arc<dyn Clock>) -> Patience {
        let since = clock.now();
        let alarm = clock.sleep_until(since + span);
        Patience { clock, span, since, alarm }
    }

    /// An answer is on its way.
    fn begin_anew(&mut self) {
        self.since = self.clock.now();
    }

    /// Ready when nothing was answered for the whole span.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.alarm.as_mut().poll(cx).is_ready() {
            let end = self.since + self.span;
            if self.clock.now() >= end {
                return Poll::Ready(());
            }
            self.alarm = self.clock.sleep_until(end);
        }
        Poll::Pending
    }
}

impl Gate {
    /// # Errors
    /// The connection has ended already.
    pub fn new(stream: TcpStream, place: Place, patience: Patience) -> io::Result<Gate> {
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
        SockRef::from(&stream).set_tcp_user_timeout(Some(STALLED))?;
        Ok(Gate::again((stream, place), patience))
    }

    /// For a connection that has been behind a gate before.
    pub fn again((stream, place): Left, patience: Patience) -> Gate {
        let (stream, place) = (Some(stream.take(BITE)), Some(place));
        Gate { stream, is_blocked: false, patience, record: Rc::default(), place }
    }

    pub fn record(&self) -> &Rc<Record> {
        &self.record
    }

    /// The socket, for a session, which has bounds of its own.
    ///
    /// # Errors
    /// The connection has ended already.
    pub fn open(self) -> io::Result<TcpStream> {
        let stream = self.stream.ok_or(io::ErrorKind::NotConnected)?.into_inner();
        SockRef::from(&stream).set_tcp_user_timeout(None)?;
        Ok(stream)
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.patience.poll_end(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.is_blocked {
            // The blocked write wakes the task.
            return Poll::Pending;
        }
        let Gate { stream, record, .. } = &mut *self;
        let Some(stream) = stream.as_mut().filter(|_| !record.has_poll_aside()) else {
            return Poll::Ready(Ok(()));
        };
        if stream.limit() == 0 {
            // A pause in which the framework answers, behind the thread's other tasks.
            stream.set_limit(BITE);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            record.asked(&buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let written = Pin::new(stream.get_mut()).poll_write(cx, bytes);
        if written.is_ready() {
            // What comes now is about to be answered again; a pause would only let others overtake it.
            stream.set_limit(BITE);
        }
        let was_blocked = std::mem::replace(&mut self.is_blocked, written.is_pending());
        if written.is_ready() {
            self.patience.begin_anew();
            self.record.answered();
            if was_blocked {
                // Whoever read meanwhile was turned away without a waker.
                cx.waker().wake_by_ref();
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().map_or(Poll::Ready(Ok(())), |stream| Pin::new(stream.get_mut()).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Gate { stream, place, record, .. } = &mut *self;
        if record.has_poll_aside()
            && let (Some(stream), Some(place)) = (stream.take(), place.take())
        {
            record.leave((stream.into_inner(), place));
        }
        stream.as_mut().map_or(Poll::Ready(Ok(())), |stream| Pin::new(stream.get_mut()).poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::ambient;
    use crate::limits::connections::Connections;

    async fn gate() -> (Gate, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let patience = Patience::of(Duration::from_secs(60), ambient::system().clock);
        let place = Connections::up_to(1).take().unwrap();
        (Gate::new(stream, place, patience).unwrap(), peer)
    }

    /// Two bites in all, of which each is answered: a request must not be heard in two turns of the
    /// thread because of those before it.
    #[actix_web::test]
    async fn what_has_been_answered_counts_no_more() {
        let (mut gate, mut peer) = gate().await;
        let request = [b'r'; 3 * 1024];
        for _ in 0..3 {
            peer.write_all(&request).await.unwrap();
            gate.stream.as_ref().unwrap().get_ref().readable().await.unwrap();
            let mut read = vec![0; 2 * request.len()];
            let mut buffer = ReadBuf::new(&mut read);
            let once = std::future::poll_fn(|cx| {
                Poll::Ready(Pin::new(&mut gate).poll_read(cx, &mut buffer).is_ready())
            });
            assert!(once.await, "no pause");
            assert_eq!(buffer.filled().len(), request.len());
            gate.write_all(b"answer").await.unwrap();
        }
    }

    #[actix_web::test]
    async fn what_has_not_been_answered_is_read_in_bites() {
        let (mut gate, mut peer) = gate().await;
        peer.write_all(&[b'r'; 3 * BITE as usize]).await.unwrap();
        let mut sizes = Vec::new();
        for _ in 0..3 {
            let mut read = vec![0; 4 * BITE as usize];
            sizes.push(gate.read(&mut read).await.unwrap());
        }
        assert!(sizes.iter().all(|size| *size <= BITE as usize), "{sizes:?}");
    }
}
