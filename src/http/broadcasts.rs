//! `GET /api/ws/broadcasts/{message_id}`: what became of a publication that was to be acknowledged
//! (contract D-04).

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::State;
use super::caller::Admin;
use super::error::ApiError;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::events::publication::Priority;
use crate::hub::acknowledgements::FindPublication;
use crate::hub::ledger::{self, Delivery, Entry};

#[derive(Serialize)]
struct Report<'a> {
    success: bool,
    message_id: &'a str,
    event: &'a str,
    priority: Priority,
    requires_ack: bool,
    sent_at: Timestamp,
    expires_at: Timestamp,
    counts: Counts,
    recipients: Vec<Recipient<'a>>,
}

#[derive(Serialize, Default)]
struct Counts {
    queued: usize,
    written: usize,
    acknowledged: usize,
    gone: usize,
}

#[derive(Serialize)]
struct Recipient<'a> {
    socket_id: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a Id>,
    state: Delivery,
    at: Timestamp,
}

pub async fn get(_: Admin, path: web::Path<String>, state: State) -> Result<HttpResponse, ApiError> {
    let found = state.services.worker.rooms().send(FindPublication(path.into_inner())).await;
    let entry = found.map_err(|_| ClientError::internal())?.ok_or_else(unknown)?;
    Ok(HttpResponse::Ok().json(Report::of(&entry)))
}

fn unknown() -> ApiError {
    let minutes = ledger::LIFETIME.as_secs() / 60;
    let message =
        format!("No broadcast of this id required an acknowledgement in the last {minutes} minutes");
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, message)
}

impl<'a> Report<'a> {
    fn of(entry: &'a Entry) -> Report<'a> {
        let mut counts = Counts::default();
        let mut recipients: Vec<Recipient<'a>> = Vec::with_capacity(entry.recipients.len());
        for ledger::Recipient { bearer, state, at } in entry.recipients.values() {
            *match state {
                Delivery::Queued => &mut counts.queued,
                Delivery::Written => &mut counts.written,
                Delivery::Acknowledged => &mut counts.acknowledged,
                Delivery::Gone => &mut counts.gone,
            } += 1;
            let user_id = bearer.user.as_ref();
            recipients.push(Recipient { socket_id: &bearer.id, user_id, state: *state, at: *at });
        }
        // An order that asking again does not change.
        recipients.sort_unstable_by_key(|recipient| recipient.socket_id);
        Report {
            success: true,
            message_id: &entry.message_id,
            event: &entry.event,
            priority: entry.priority,
            requires_ack: true,
            sent_at: entry.sent_at,
            expires_at: entry.expires_at,
            counts,
            recipients,
        }
    }
}
