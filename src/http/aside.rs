//! Polls that wait beside the framework.
//!
//! For as long as it has a connection the framework keeps two buffers for it, of each of which a page is
//! resident: twice what is kept of the session that polls on it. So a poll that has to wait, and has its
//! connection to itself, is put aside in the connection's [`super::record::Record`]; the [`Gate`] says that the
//! client sends no more, the framework lets go, and the poll waits here. Its answer is written by the
//! framework's codec, and the connection is the framework's again when the client asks next.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::DispatchError;
use actix_http::h1::{self, Message};
use actix_http::{ConnectionType, Response, ServiceConfig};
use actix_server::GracefulShutdownSignal;
use actix_service::{Service, ServiceFactory, forward_ready};
use actix_web::web::BytesMut;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio_util::codec::{Decoder, Encoder};

use super::gate::{Gate, Patience};
use super::poll::{WaitingPoll, count_refusal};
use crate::domain::time::Clock;
use crate::telemetry::Meters;

/// As the poll was, for all that its answer's head depends on.
const KEPT: &str = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A connection, and whose it is.
type Connection = (Gate, Option<SocketAddr>);

/// What connections need that are not the framework's for a while.
#[derive(Clone)]
pub struct Beside {
    pub meters: Arc<Meters>,
    pub clock: Arc<dyn Clock>,
    pub stopping: GracefulShutdownSignal,
    /// How long a connection may be silent between two requests.
    pub keep_alive: std::time::Duration,
    /// How long it may go without an answer.
    pub patience: std::time::Duration,
}

/// Makes an [`AsideService`] around the framework.
pub struct AsideFactory<F> {
    pub http: F,
    pub beside: Beside,
}

pub struct AsideService<S> {
    http: Rc<S>,
    desk: Rc<Desk>,
}

struct Desk {
    beside: Beside,
    /// The framework's, which keeps the time of day for the heads of answers.
    config: ServiceConfig,
}

impl<F> ServiceFactory<Connection> for AsideFactory<F>
where
    F: ServiceFactory<Connection, Config = (), Error = DispatchError>,
    F::Future: 'static,
    F::Service: 'static,
    <F::Service as Service<Connection>>::Future: 'static,
{
    type Response = ();
    type Error = DispatchError;
    type Config = ();
    type Service = AsideService<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (http, beside) = (self.http.new_service(()), self.beside.clone());
        Box::pin(async move {
            let desk = Rc::new(Desk { beside, config: ServiceConfig::default() });
            Ok(AsideService { http: Rc::new(http.await?), desk })
        })
    }
}

impl<S> Service<Connection> for AsideService<S>
where
    S: Service<Connection, Error = DispatchError> + 'static,
    S::Future: 'static,
{
    type Response = ();
    type Error = DispatchError;
    type Future = LocalBoxFuture<'static, Result<(), DispatchError>>;

    forward_ready!(http);

    fn call(&self, (gate, peer): Connection) -> Self::Future {
        let (http, desk) = (Rc::clone(&self.http), Rc::clone(&self.desk));
        let mut record = Rc::clone(gate.record());
        let mut dispatched = Box::pin(http.call((gate, peer)));
        Box::pin(async move {
            loop {
                dispatched.as_mut().await?;
                let Some(((stream, place), poll)) = record.take_left() else { return Ok(()) };
                // What the framework held is freed while the poll waits.
                drop(dispatched);
                let Some(stream) = desk.answer(stream, poll).boxed_local().await? else { return Ok(()) };
                let Beside { patience, clock, .. } = &desk.beside;
                let gate = Gate::again((stream, place), Patience::of(*patience, Arc::clone(clock)));
                record = Rc::clone(gate.record());
                dispatched = Box::pin(http.call((gate, peer)));
            }
        })
    }
}

impl Desk {
    /// Answers, and waits for what the client asks next. Gives the connection if it does.
    async fn answer(&self, mut stream: TcpStream, mut poll: WaitingPoll) -> io::Result<Option<TcpStream>> {
        let answer = tokio::select! {
            answer = poll.answer() => answer,
            () = gone(&stream) => return Ok(None),
        };
        drop(poll);
        count_refusal(&answer, &self.beside.meters);
        let is_last = self.beside.stopping.notified().now_or_never().is_some();
        stream.write_all(&self.encode(answer, is_last)?).await?;
        if is_last {
            stream.shutdown().await?;
            return Ok(None);
        }
        let clock = &self.beside.clock;
        tokio::select! {
            is_asking = asks(&stream) => Ok(is_asking.then_some(stream)),
            () = clock.sleep_until(clock.now() + self.beside.keep_alive) => Ok(None),
            () = self.beside.stopping.notified() => Ok(None),
        }
    }

    fn encode(&self, mut answer: Response<BoxBody>, is_last: bool) -> io::Result<BytesMut> {
        type Out = Message<(Response<()>, BodySize)>;

        let connection = if is_last { ConnectionType::Close } else { ConnectionType::KeepAlive };
        answer.head_mut().set_connection_type(connection);
        let (head, body) = answer.into_parts();
        let size = body.size();
        let body = body.try_into_bytes().map_err(|_| io::Error::other("a poll is answered in one piece"))?;
        let mut codec = h1::Codec::new(self.config.clone());
        // It lets a connection be kept only when it has read a request that asks for it.
        codec.decode(&mut BytesMut::from(KEPT)).map_err(io::Error::other)?;
        let mut bytes = BytesMut::new();
        codec.encode(Out::Item((head, size)), &mut bytes)?;
        codec.encode(Out::Chunk(Some(body)), &mut bytes)?;
        codec.encode(Out::Chunk(None), &mut bytes)?;
        Ok(bytes)
    }
}

/// Ends when the client has gone, though it may have sent something before. What it sends is for later.
async fn gone(stream: &TcpStream) {
    // Whoever waits for urgent data, which is never looked for, is woken by the end alone.
    if stream.ready(Interest::PRIORITY).await.is_ok_and(|ready| !ready.is_read_closed()) {
        pending().await
    }
}

/// Waits until the client sends something, which stays where it is. Gives whether it does.
async fn asks(stream: &TcpStream) -> bool {
    stream.peek(&mut [0]).await.is_ok_and(|count| count > 0)
}
