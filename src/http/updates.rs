//! `POST /api/ws/broadcast/{kpi,backlog,attendance,alert}`: guide 004's shortcuts. The body is the
//! payload, and says itself which part of an organization it is about.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::State;
use super::body::Json;
use super::broadcast::{self, Answer, new_message_id, publish};
use super::caller::Admin;
use super::error::ApiError;
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::json;
use crate::events::payload::intraday;
use crate::events::publication::{Priority, Publication, Target};

/// The last part of the path, the event it stands for, and what is said when it is done.
const SHORTCUTS: &[(&str, &str, &str)] = &[
    ("kpi", "kpi:update", "KPI update broadcasted"),
    ("backlog", "backlog:update", "Backlog update broadcasted"),
    ("attendance", "attendance:update", "Attendance update broadcasted"),
    ("alert", "alert:triggered", "Alert broadcasted"),
];

/// Where it is about.
#[derive(Deserialize)]
struct Part {
    organization_id: Option<Id>,
    department_id: Option<Id>,
    queue_name: Option<Id>,
}

pub async fn post(
    admin: Admin,
    state: State,
    shortcut: web::Path<String>,
    Json(body): Json<Box<RawValue>>,
) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Done {
        #[serde(flatten)]
        answer: Answer,
        message: &'static str,
    }
    let known = SHORTCUTS.iter().find(|(name, _, _)| **name == **shortcut);
    let Some((_, event, message)) = known else { return super::error::not_found().await };
    let answer = publish(publication(event, &body, &state)?, &state).await?;
    let action = format!("POST /api/ws/broadcast/{shortcut}");
    broadcast::note(&state, &admin, &action, event, &answer).await;
    Ok(HttpResponse::Ok().json(Done { answer, message }))
}

fn publication(event: &str, body: &RawValue, state: &State) -> Result<Publication, ClientError> {
    if json::is_too_deep(body.get()) {
        return Err(ClientError::invalid("The body is nested too deeply"));
    }
    let part: Part = serde_json::from_str(body.get()).map_err(|_| {
        ClientError::invalid("`organization_id`, `department_id` and `queue_name` must be ids")
    })?;
    let organization = part.organization_id;
    let organization = organization.ok_or_else(|| ClientError::invalid("`organization_id` is missing"))?;
    let sent_at = state.now();
    let data = intraday::complete_update(body, sent_at)?;
    let target = Target {
        organization: Some(broadcast::organization(
            event,
            organization,
            part.department_id,
            part.queue_name,
        )?),
        alert: broadcast::alert(event, &data),
        ..Target::everyone()
    };
    Ok(Publication {
        message_id: new_message_id(state, sent_at),
        event: event.into(),
        data: data.into(),
        attachments: Vec::new(),
        target,
        requires_ack: false,
        priority: Priority::default(),
        sent_at,
    })
}
