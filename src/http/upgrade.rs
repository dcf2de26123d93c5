//! The hand-over: from an HTTP request that was answered 101 to a session that owns the socket.
//!
//! A request with an `Upgrade` header comes here instead of to the App. It is put through the same
//! App, so routes, guards and middleware apply; a route that accepts leaves a [`Ticket`] in its
//! answer. With one for a session, the connection's task becomes the session actor; with one for a
//! place beside polls, the socket goes to the session that has them, on whatever thread it is.
//! Without one, the answer is sent as ordinary HTTP.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_codec::{Framed, FramedParts};
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::h1::{self, Message};
use actix_http::{ConnectionType, HttpMessage, Request, Response, StatusCode};
use actix_service::{Service, ServiceFactory, always_ready};
use bytes::Bytes;
use futures_util::{FutureExt, TryFutureExt, future::LocalBoxFuture};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::codec::Encoder;

use super::gate::Gate;
use crate::dialect;
use crate::domain::farewell::Farewell;
use crate::domain::time::Clock;
use crate::session::start::Ticket;

/// An upgrade request and the connection it came on.
type Upgrade = (Request, Framed<Gate, h1::Codec>);

/// How long, and how many, bytes of a WebSocket that is turned away are read away.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);
const DISCARDED: u64 = 64 * 1024;

/// Marks a request whose connection can be handed over. A route that answers 101 to any other leaves
/// an HTTP connection that every proxy on the way takes for a tunnel.
pub struct Upgradable;

/// Makes an [`UpgradeService`] around an App of its own.
pub struct UpgradeFactory<F>(pub F);

pub struct UpgradeService<S>(Rc<S>);

/// Why a connection could not be handed over. The peer has gone; there is nobody to tell.
#[derive(Debug)]
pub struct UpgradeError(io::Error);

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "upgrade not completed: {}", self.0)
    }
}

impl From<UpgradeError> for Response<BoxBody> {
    fn from(_: UpgradeError) -> Self {
        Response::internal_server_error()
    }
}

impl<F> ServiceFactory<Upgrade> for UpgradeFactory<F>
where
    F: ServiceFactory<Request, Config = (), Response = Response<BoxBody>>,
    F::Future: 'static,
    F::Service: 'static,
    F::Error: Into<Response<BoxBody>> + 'static,
    F::InitError: 'static,
    <F::Service as Service<Request>>::Future: 'static,
{
    type Response = ();
    type Error = UpgradeError;
    type Config = ();
    type Service = UpgradeService<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let app = self.0.new_service(());
        Box::pin(async move { Ok(UpgradeService(Rc::new(app.await?))) })
    }
}

impl<S> Service<Upgrade> for UpgradeService<S>
where
    S: Service<Request, Response = Response<BoxBody>> + 'static,
    S::Error: Into<Response<BoxBody>>,
    S::Future: 'static,
{
    type Response = ();
    type Error = UpgradeError;
    type Future = LocalBoxFuture<'static, Result<(), UpgradeError>>;

    always_ready!();

    fn call(&self, (request, framed): Upgrade) -> Self::Future {
        request.extensions_mut().insert(Upgradable);
        let answer = self.0.call(request);
        // In two boxes, so that what the answer needed is freed when the session begins to live.
        let answered: LocalBoxFuture<'static, _> = Box::pin(async move {
            let mut answer = answer.await.unwrap_or_else(Into::into);
            let ticket = if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                answer.extensions_mut().remove::<Ticket>()
            } else {
                None
            };
            match ticket {
                Some(ticket) => hand_over(ticket, answer, framed),
                None => {
                    send_answer(framed, answer).await.map(|()| futures_util::future::ready(()).boxed_local())
                }
            }
        });
        Box::pin(answered.map_err(UpgradeError).and_then(|life| life.map(Ok)))
    }
}

/// Gives the socket to whom the ticket says. The future is what is left to do on this connection's
/// task: for a session of its own, the session's whole life.
fn hand_over(
    ticket: Ticket,
    answer: Response<BoxBody>,
    framed: Framed<Gate, h1::Codec>,
) -> io::Result<LocalBoxFuture<'static, ()>> {
    let FramedParts { io: gate, mut codec, read_buf, write_buf: mut head, .. } = framed.into_parts();
    codec.encode(Message::Item((answer.drop_body(), BodySize::Stream)), &mut head)?;
    let stream = gate.open()?;
    // Copied, because both are the framework's 8 KiB buffers and would be kept whole.
    let (head, unread) = (Bytes::copy_from_slice(&head), Bytes::copy_from_slice(&read_buf));
    match ticket {
        Ticket::Session(admission) => Ok(admission.begin(stream, &head, unread)),
        Ticket::Probe(ticket) => {
            let stream = stream.into_std()?;
            ticket.hand_over(stream, head, unread);
            Ok(futures_util::future::ready(()).boxed_local())
        }
        Ticket::TurnedAway(clock) => Ok(turn_away(stream, head, clock).boxed_local()),
    }
}

/// Opens a WebSocket that nobody wants, and closes it (`protocol.md`, 1.6).
async fn turn_away(mut stream: TcpStream, head: Bytes, clock: Arc<dyn Clock>) {
    let closed = async {
        stream.write_all(&head).await?;
        stream.write_all(&dialect::farewell(Farewell::ClientClosed)).await?;
        stream.shutdown().await?;
        // Closed with bytes unread, the goodbye would be lost on its way.
        let mut discarded = tokio::io::sink();
        tokio::io::copy(&mut stream.take(DISCARDED), &mut discarded).await
    };
    // The peer may be gone or mute; either way it has been turned away.
    tokio::select! {
        _ = closed => {}
        () = clock.sleep_until(clock.now() + DISCARD_TIMEOUT) => {}
    }
}

/// Answers an upgrade request with ordinary HTTP, and closes.
async fn send_answer(mut framed: Framed<Gate, h1::Codec>, mut answer: Response<BoxBody>) -> io::Result<()> {
    type Out = Message<(Response<()>, BodySize)>;

    answer.head_mut().set_connection_type(ConnectionType::Close);
    let (head, body) = answer.into_parts();
    let mut body = pin!(body);
    let mut framed = Pin::new(&mut framed);
    framed.as_mut().write::<Out>(Message::Item((head, body.size())))?;
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let chunk = chunk.map_err(|error| io::Error::other(error.to_string()))?;
        framed.as_mut().write::<Out>(Message::Chunk(Some(chunk)))?;
        poll_fn(|cx| framed.as_mut().flush::<Out>(cx)).await?;
    }
    framed.as_mut().write::<Out>(Message::Chunk(None))?;
    poll_fn(|cx| framed.as_mut().flush::<Out>(cx)).await?;
    poll_fn(|cx| framed.as_mut().close::<Out>(cx)).await
}
