//! `POST /api/ws/broadcast`: a backend says something once, and every client it is for has it.

use std::sync::Arc;

use actix_web::HttpResponse;
use log::info;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::body::Json;
use super::caller::Admin;
use super::error::ApiError;
use super::{State, audit};
use crate::domain::alert::Alert;
use crate::domain::channel::{Channel, Scope};
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::room::Room;
use crate::domain::time::Timestamp;
use crate::events::catalog::{self, Audience};
use crate::events::payload::{intraday, studio};
use crate::events::publication::{OrganizationTarget, Priority, Publication, Target};
use crate::hub::messages::Publish;
use crate::store::AuditKind;

/// Both guides' bodies in one: 004's `{event, data, target?, priority?, requires_ack?}` and 002's
/// `{type, data, room?, user_id?}`. Nothing else: a target misspelt or in the wrong place must not
/// become a broadcast to everyone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    event: Option<String>,
    /// `null` is data too; only a missing key is not (I-098).
    #[serde(default, deserialize_with = "present")]
    data: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "object")]
    target: Option<TargetBody>,
    #[serde(default, deserialize_with = "given")]
    room: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user_id: Option<Id>,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    requires_ack: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TargetBody {
    #[serde(default, deserialize_with = "given")]
    organization_id: Option<Id>,
    #[serde(default, deserialize_with = "given")]
    department_id: Option<Id>,
    #[serde(default, deserialize_with = "given")]
    queue_name: Option<Id>,
    #[serde(default, deserialize_with = "given")]
    tenant_id: Option<Id>,
    #[serde(default, deserialize_with = "given")]
    room: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user_ids: Option<Vec<Id>>,
    #[serde(default, deserialize_with = "given")]
    socket_ids: Option<Vec<Id>>,
}

pub async fn post(admin: Admin, state: State, Json(body): Json<Body>) -> Result<HttpResponse, ApiError> {
    let publication = publication(body, &state)?;
    let event = Arc::clone(&publication.event);
    let published = publish(publication, &state).await?;
    note(&state, &admin, "POST /api/ws/broadcast", &event, &published).await;
    Ok(HttpResponse::Ok().json(published))
}

/// Writes a broadcast into the audit trail: its name and its reach, never what it says.
pub async fn note(state: &State, admin: &Admin, action: &str, event: &str, answer: &Answer) {
    #[derive(Serialize)]
    struct Details<'a> {
        event: &'a str,
        message_id: &'a str,
        recipients: usize,
    }
    let details = Details { event, message_id: &answer.message_id, recipients: answer.recipients_count };
    audit::note(state, AuditKind::Admin, action, admin.peer, &details).await;
}

/// What a backend is told of its publication.
#[derive(Serialize)]
pub struct Answer {
    pub success: bool,
    pub message_id: String,
    pub recipients_count: usize,
    pub sent_at: Timestamp,
}

/// Publishes, and logs it if asked to.
///
/// # Errors
/// 500 if the server is going down.
pub async fn publish(publication: Publication, state: &State) -> Result<Answer, ApiError> {
    let (message_id, event) = (Arc::clone(&publication.message_id), Arc::clone(&publication.event));
    let (sent_at, bytes) = (publication.sent_at, publication.data.get().len());
    let published = state.services.worker.rooms().send(Publish(publication)).await;
    let recipients_count = published.map_err(|_| ClientError::internal())?.recipients;
    if state.shared.log_broadcasts {
        info!(event = &*event, message_id = &*message_id, bytes, recipients = recipients_count; "broadcast");
    }
    Ok(Answer { success: true, message_id: message_id.to_string(), recipients_count, sent_at })
}

fn publication(body: Body, state: &State) -> Result<Publication, ClientError> {
    let event = event_name(body.kind.as_deref(), body.event.as_deref())?.to_owned();
    let data = body.data.ok_or_else(|| ClientError::invalid("`data` is missing"))?;
    if json::is_too_deep(data.get()) {
        return Err(ClientError::invalid("`data` is nested too deeply"));
    }
    let sent_at = state.now();
    let message_id = new_message_id(state, sent_at);
    if let Some(row) = catalog::find_event(&event) {
        row.check(&data)?;
    }
    let data = match &*event {
        "notification" => studio::complete_notification(&data, &message_id, sent_at)?,
        _ => data,
    };
    let mut target = target(&event, body.target.unwrap_or_default(), body.room, body.user_id)?;
    target.alert = alert(&event, &data);
    let (requires_ack, priority) = (body.requires_ack, body.priority);
    Ok(Publication {
        message_id,
        event: event.into(),
        data: data.into(),
        attachments: Vec::new(),
        target,
        requires_ack,
        priority,
        sent_at,
    })
}

/// What subscriptions' filters are compared with, if `event` is an alert.
pub fn alert(event: &str, data: &RawValue) -> Option<Alert> {
    let audience = catalog::find_event(event).map(|row| row.audience);
    (audience == Some(Audience::Channel(Channel::Alerts))).then(|| intraday::alert(event, data))
}

/// The one name that is given, if it may be broadcast (contract X-18, D-32).
fn event_name<'a>(kind: Option<&'a str>, event: Option<&'a str>) -> Result<&'a str, ClientError> {
    let name = match (kind, event) {
        (Some(kind), Some(event)) if kind != event => {
            return Err(ClientError::invalid("`type` and `event` name different events"));
        }
        (_, Some(event)) => event,
        (Some(kind), None) => kind,
        (None, None) => return Err(ClientError::invalid("`event` or `type` is missing")),
    };
    let is_free = kind.is_some() && catalog::is_custom(name);
    if catalog::is_broadcastable(name) || is_free {
        return Ok(name);
    }
    let shown: String = name.chars().take(64).collect();
    Err(ClientError::invalid(format!("`{shown}` is no event that can be broadcast")))
}

/// Merges 002's flat fields into 004's target (contract D-33).
fn target(
    event: &str,
    body: TargetBody,
    room: Option<String>,
    user: Option<Id>,
) -> Result<Target, ClientError> {
    if body.organization_id.is_none() && (body.department_id.is_some() || body.queue_name.is_some()) {
        return Err(ClientError::invalid("`department_id` and `queue_name` need an `organization_id`"));
    }
    if room.is_some() && body.room.is_some() || user.is_some() && body.user_ids.is_some() {
        return Err(ClientError::invalid("A target is given twice"));
    }
    let room = match room.or(body.room) {
        None => None,
        Some(name) => Some(
            Room::parse(&name).ok_or_else(|| ClientError::invalid("`room` must have 1 to 128 characters"))?,
        ),
    };
    let organization = match body.organization_id {
        Some(id) => Some(organization(event, id, body.department_id, body.queue_name)?),
        None => None,
    };
    let users = body.user_ids.or_else(|| user.map(|id| vec![id]));
    let (tenant, sockets) = (body.tenant_id, body.socket_ids);
    Ok(Target { room, organization, tenant, users, sockets, alert: None })
}

/// What an organization, or a part of it, means for an event (contract D-33).
pub fn organization(
    event: &str,
    id: Id,
    department: Option<Id>,
    queue: Option<Id>,
) -> Result<OrganizationTarget, ClientError> {
    let is_narrowed = department.is_some() || queue.is_some();
    let channel = match catalog::find_event(event).map(|row| row.audience) {
        Some(Audience::Channel(channel)) => channel,
        Some(Audience::Notice) if is_narrowed => Channel::Notifications,
        _ if is_narrowed => {
            let message = format!("`{event}` is no channel's event: it has no department and no queue");
            return Err(ClientError::invalid(message));
        }
        _ => return Ok(OrganizationTarget::Members(id)),
    };
    let scope = Scope::new(id, department, queue).ok_or_else(|| {
        ClientError::invalid("An organization, department or queue must not hold `org`, `dept` or `queue`")
    })?;
    Ok(OrganizationTarget::Subscribers(channel, scope))
}

pub fn new_message_id(state: &State, now: Timestamp) -> Arc<str> {
    state.services.ambient.random.uuid(now).into()
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some).map_err(D::Error::custom)
}

/// A key that is given must say something: `null`, which is what an unset variable often becomes, must
/// not turn a message for one into a message for all.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An object. serde would read an array as the struct's fields in order.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    match raw.as_bytes().first() {
        Some(b'{') => serde_json::from_str(raw).map(Some).map_err(D::Error::custom),
        _ => Err(D::Error::custom("`target` must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_events_go_in_both_forms_and_custom_ones_by_type_only() {
        assert!(event_name(None, Some("kpi:update")).is_ok());
        assert!(event_name(Some("kpi:update"), None).is_ok());
        assert!(event_name(Some("training:started"), None).is_ok());
        assert!(event_name(None, Some("evil:event")).is_err());
        for bad in ["connected", "error", "disconnect", "join", "", "__proto__", "constructor"] {
            assert!(event_name(Some(bad), None).is_err(), "{bad}");
        }
        assert!(event_name(None, None).is_err());
        assert!(event_name(Some("kpi:update"), Some("kpi:alert")).is_err());
    }

    #[test]
    fn a_department_needs_its_organization() {
        let body = || TargetBody { department_id: Id::parse("d"), ..TargetBody::default() };
        assert!(target("kpi:update", body(), None, None).is_err());
        let with = TargetBody { organization_id: Id::parse("o"), ..body() };
        let target = target("kpi:update", with, None, None).unwrap();
        assert!(matches!(target.organization, Some(OrganizationTarget::Subscribers(Channel::Kpi, _))));
    }

    #[test]
    fn a_system_event_reaches_an_organization_s_members() {
        let body = TargetBody { organization_id: Id::parse("o"), ..TargetBody::default() };
        let target = target("system:notification", body, None, None).unwrap();
        assert!(matches!(target.organization, Some(OrganizationTarget::Members(_))));
    }
}
