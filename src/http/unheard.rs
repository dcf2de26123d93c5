//! What the framework answers by itself, past every route: a request that is no HTTP, or whose head never
//! ends. Its answers have no body and cannot be given one; here they are counted.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::error::DispatchError;
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use futures_util::FutureExt;

use super::gate::Gate;
use super::record::Record;
use crate::telemetry::Meters;

impl Record {
    /// Whether a connection that ended so was refused by the framework. Whoever said nothing was not:
    /// browsers open connections in advance.
    fn is_refused<T>(&self, ended: &Result<T, DispatchError>) -> bool {
        match ended {
            Err(DispatchError::Parse(_)) => true,
            _ => self.has_asked.get() && self.is_answered.get() && !self.is_heard.get(),
        }
    }
}

/// A connection, and whose it is.
type Connection = (Gate, Option<SocketAddr>);

/// `http`, with its own refusals counted.
pub fn counted<F>(
    http: F,
    meters: Arc<Meters>,
) -> impl ServiceFactory<
    Connection,
    Config = F::Config,
    Response = F::Response,
    Error = DispatchError,
    InitError = F::InitError,
>
where
    F: ServiceFactory<Connection, Error = DispatchError>,
{
    apply_fn_factory(http, move |(gate, peer): Connection, http: &F::Service| {
        let (record, meters) = (Rc::clone(gate.record()), Arc::clone(&meters));
        http.call((gate, peer)).map(move |ended| {
            if record.is_refused(&ended) {
                meters.refused();
            }
            ended
        })
    })
}

#[cfg(test)]
mod tests {
    use actix_http::error::ParseError;

    use super::*;

    #[test]
    fn what_the_framework_refuses_is_one_refusal_and_nothing_else_is() {
        let ends = |end: u8| match end {
            0 => Ok(()),
            1 => Err(DispatchError::Parse(ParseError::Header)),
            _ => Err(DispatchError::DisconnectTimeout),
        };
        // What the client sent, whether we heard it, whether something was written; and whether that was
        // a refusal for each of the ends.
        let table = [
            // Nothing was asked, or it was given up half way.
            ([false, false, false], [false, true, false]),
            ([true, false, false], [false, true, false]),
            // Opened in advance, and closed with a 408.
            ([false, false, true], [false, true, false]),
            // A head that never ended.
            ([true, false, true], [true, true, true]),
            // Requests, the last of which may have been none.
            ([true, true, true], [false, true, false]),
            ([true, true, false], [false, true, false]),
        ];
        for ([has_asked, is_heard, is_answered], refused) in table {
            for (end, is_refused) in (0..).zip(refused) {
                let record = Record::default();
                record.has_asked.set(has_asked);
                record.is_heard.set(is_heard);
                record.is_answered.set(is_answered);
                assert_eq!(
                    record.is_refused(&ends(end)),
                    is_refused,
                    "{has_asked} {is_heard} {is_answered}, end {end}"
                );
            }
        }
    }
}
