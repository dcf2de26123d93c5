//! What handling a message comes to: a reply, a question to the RoomServer, or nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix::MailboxError;
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::identity::Identity;
use crate::hub::messages::Written;

/// What a handler wants done.
pub enum Effect {
    Nothing,
    Reply(Bytes),
    Ask(Ask),
}

/// A question under way, and the request it will answer.
pub struct Ask {
    pub answer: Pin<Box<dyn Future<Output = Outcome>>>,
    pub request: Request,
}

/// What came of a question.
pub enum Outcome {
    /// Done; the hub has written the confirmation.
    Done,
    /// Done, and the session speaks for this identity from now on.
    Became(Arc<Identity>),
    Reply(Bytes),
    Refused(ClientError),
}

/// The part of a client's message that its answer refers to.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub name: Option<String>,
    /// The client's own mark, echoed.
    pub id: Option<Box<RawValue>>,
}

impl Outcome {
    /// The outcome of a change of membership: `done` once the RoomServer has agreed and the hub has
    /// written the confirmation.
    pub async fn of_change(
        answer: Result<Result<Written, ClientError>, MailboxError>,
        done: Outcome,
    ) -> Outcome {
        match answer {
            Ok(Ok(written)) => {
                // An error means that the hub is gone, and this session soon is too.
                let _ = written.await;
                done
            }
            Ok(Err(error)) => Outcome::Refused(error),
            Err(_) => Outcome::Refused(ClientError::internal()),
        }
    }
}
