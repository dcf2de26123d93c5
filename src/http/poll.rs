//! A poll that waits: what is kept of it meanwhile, and how it is answered.
//!
//! Until a request is answered, the framework keeps its head, a table for thirty headers, and every
//! future on the way to its handler: 8 KiB, which nobody looks at while a poll waits. So the route of
//! a poll answers at once and leaves a [`WaitingPoll`] in its answer, and a service around the App
//! trades that for the answer proper when everything else of the request has gone. As no answer is
//! final before it has passed that service, refusals are counted there, too.

use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::header::{HeaderName, HeaderValue};
use actix_http::{ConnectionType, HttpMessage, Method, Request, Response, Version};
use actix_service::{Service, ServiceFactory, forward_ready};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::engine::{refuse, text, unavailable};
use super::record::{Heard, Record};
use super::upgrade::Upgradable;
use super::{State, gzip};
use crate::proto::engineio;
use crate::session::handle::{Handle, PendingPoll, Polled};
use crate::telemetry::Meters;

/// In an answer that tells of a refusal which is counted already.
pub struct Counted;

/// What is kept of a poll while it waits.
pub struct WaitingPoll {
    poll: PendingPoll,
    asked: engineio::Request,
    /// Its answer is compressed from this size; `None` if never.
    compress_from: Option<usize>,
    /// What the middleware has to say, the same whatever the answer will be.
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl WaitingPoll {
    /// Begins to wait for the packets of `session`.
    pub fn begin(
        request: &HttpRequest,
        state: &State,
        session: Handle,
        asked: engineio::Request,
    ) -> WaitingPoll {
        let compress_from = state.shared.compress_from.filter(|_| accepts_gzip(request));
        WaitingPoll { poll: session.poll(), asked, compress_from, headers: Vec::new() }
    }

    /// The answer of the route, for as long as there is none.
    pub fn placeholder(self) -> HttpResponse {
        let mut answer = HttpResponse::Ok().finish();
        answer.extensions_mut().insert(self);
        answer
    }

    /// The poll that `placeholder` stands in for; the rest of it goes, and with it the last of the
    /// request. An answer that stands for itself is given back.
    fn set_aside(mut placeholder: Response<BoxBody>) -> Result<WaitingPoll, Response<BoxBody>> {
        let waiting = placeholder.extensions_mut().remove::<WaitingPoll>();
        let Some(mut waiting) = waiting else { return Err(placeholder) };
        let headers = placeholder.headers().iter();
        waiting.headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(waiting)
    }

    /// To be awaited once.
    pub async fn answer(&mut self) -> Response<BoxBody> {
        let answer = match self.poll.answer().await {
            Polled::Packets { packets, may_be_compressed } => {
                packets_answer(packets, self.compress_from.filter(|_| may_be_compressed)).await
            }
            Polled::Refused(error) => refuse(&self.asked, error),
            Polled::Unavailable => unavailable(self.poll.pushes()),
        };
        self.poll.done();
        let mut answer = Response::from(answer);
        for (name, value) in self.headers.drain(..) {
            answer.headers_mut().append(name, value);
        }
        answer
    }
}

async fn packets_answer(packets: Bytes, compress_from: Option<usize>) -> HttpResponse {
    if compress_from.is_some_and(|least| packets.len() >= least)
        // In a box, so that a poll that waits holds no place for it.
        && let Some(small) = gzip::compressed(packets.clone()).boxed_local().await
    {
        return text(HttpResponse::Ok()).insert_header(ContentEncoding::Gzip).body(small);
    }
    text(HttpResponse::Ok()).body(packets)
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let accepted = AcceptEncoding::parse(request);
    let is_named = request.headers().contains_key(header::ACCEPT_ENCODING);
    let offered = [Encoding::gzip(), Encoding::identity()];
    is_named && accepted.is_ok_and(|own| own.negotiate(offered.iter()) == Some(Encoding::gzip()))
}

/// Makes a [`PollService`] around an App.
pub struct PollFactory<F> {
    pub app: F,
    pub meters: Arc<Meters>,
}

pub struct PollService<S> {
    app: S,
    meters: Arc<Meters>,
}

impl<F, B> ServiceFactory<Request> for PollFactory<F>
where
    F: ServiceFactory<Request, Config = (), Response = ServiceResponse<B>>,
    F::Future: 'static,
    F::Error: 'static,
    <F::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<BoxBody>;
    type Error = F::Error;
    type Config = ();
    type Service = PollService<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (app, meters) = (self.app.new_service(()), Arc::clone(&self.meters));
        Box::pin(async move { Ok(PollService { app: app.await?, meters }) })
    }
}

impl<S, B> Service<Request> for PollService<S>
where
    S: Service<Request, Response = ServiceResponse<B>>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<BoxBody>;
    type Error = S::Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        let heard = request.conn_data::<Rc<Record>>().map(Record::hear);
        let heard = heard.map(|heard| (heard, may_wait_aside(&request)));
        let (answer, meters) = (self.app.call(request), Arc::clone(&self.meters));
        Box::pin(async move {
            let answer = Response::from(answer.await?).map_into_boxed_body();
            let answer = match WaitingPoll::set_aside(answer) {
                Ok(mut waiting) => match heard {
                    Some((heard, true)) => aside(waiting, &heard).await,
                    _ => waiting.answer().await,
                },
                Err(answer) => answer,
            };
            count_refusal(&answer, &meters);
            Ok(answer)
        })
    }
}

/// Whether nothing of a request is left on its connection once its head has been read, and the connection is to
/// be used again.
fn may_wait_aside(request: &Request) -> bool {
    let headers = request.headers();
    *request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.head().connection_type() == ConnectionType::KeepAlive
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
        && !request.extensions().contains::<Upgradable>()
}

/// Answers what can be answered at once; else the framework lets go of the connection, and of this future.
async fn aside(mut waiting: WaitingPoll, heard: &Heard) -> Response<BoxBody> {
    // The session hears of the poll when this thread's other tasks have had a turn, and the answer of it comes
    // in the next.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    if waiting.poll.is_answered() {
        return waiting.answer().await;
    }
    match heard.put_aside(waiting) {
        Ok(()) => match let_go().await {},
        Err(mut waiting) => waiting.answer().await,
    }
}

/// Has the framework look whether the client has gone, and be told that it has. Once: while something is still
/// to be written it is told nothing, and would look without end.
async fn let_go() -> Infallible {
    tokio::task::yield_now().await;
    pending().await
}

/// Counts an answer that is a refusal, if it has not been counted yet.
pub fn count_refusal(answer: &Response<BoxBody>, meters: &Meters) {
    let is_refusal = answer.status().is_client_error() || answer.status().is_server_error();
    if is_refusal && !answer.extensions().contains::<Counted>() {
        meters.refused();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_framework_is_woken_once_for_a_poll_put_aside() {
        let woken = Arc::<Woken>::default();
        let waker = Arc::clone(&woken).into();
        let mut waiting = pin!(let_go());
        for _ in 0..3 {
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        }
    }
}
