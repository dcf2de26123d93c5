//! What handling a message comes to: a reply, a question to the RoomServer, or nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix::MailboxError;

use crate::dialect::{Reply, Request};
use crate::domain::error::ClientError;
use crate::domain::identity::Identity;
use crate::hub::messages::Written;
use crate::hub::outboxes::SocketKey;

/// What a handler wants done.
pub enum Effect {
    Nothing,
    Reply(Reply),
    Ask(Ask),
}

/// A question under way, and the request it will answer.
pub struct Ask {
    pub answer: Answer,
    /// Who asked.
    pub socket: SocketKey,
    pub request: Request,
}

pub type Answer = Pin<Box<dyn Future<Output = Outcome>>>;

/// What came of a question.
pub enum Outcome {
    /// Done; the hub has written the confirmation.
    Done,
    /// Done, and the socket speaks for this identity from now on.
    Became(Arc<Identity>),
    Reply(Reply),
    Refused(ClientError),
    /// The socket was not let in at all.
    NotEntered(ClientError),
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
