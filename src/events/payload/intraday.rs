//! Guide 004's payloads.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::alert::{Alert, AlertFilter, Severity};
use crate::domain::channel::{Channel, Scope};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::time::Timestamp;
use crate::events::publication::{OrganizationTarget, Priority, Publication};
use crate::events::{command, fields};

/// `authenticate`: a token, or ids without proof.
#[derive(Debug)]
pub struct Claim {
    pub token: Option<String>,
    pub user: Option<Id>,
    pub organization: Option<Id>,
}

impl Claim {
    /// # Errors
    /// `AUTH_FAILED` where there is nothing to take somebody for (I-042).
    pub fn read(data: &str) -> Result<Claim, ClientError> {
        #[derive(Deserialize)]
        struct Body {
            token: Option<String>,
            user_id: Option<Id>,
            organization_id: Option<Id>,
        }
        let shape = "The payload must be {\"user_id\": id, \"organization_id\": id} or {\"token\": string}";
        let read: Result<Body, ClientError> = command::payload(data, shape);
        if read.is_err() && !data.trim_start().starts_with('{') {
            return Err(ClientError::invalid(shape));
        }
        let Ok(Body { token, user_id, organization_id }) = read else {
            return Err(ClientError::auth_failed(shape));
        };
        let is_sound = match (&token, &user_id, &organization_id) {
            (Some(_), _, _) => true,
            (None, Some(_), Some(organization)) => Scope::organization(organization.clone()).is_some(),
            (None, _, _) => false,
        };
        if !is_sound {
            return Err(ClientError::auth_failed(shape));
        }
        Ok(Claim { token, user: user_id, organization: organization_id })
    }
}

/// `subscribe` to channels. The organization is the socket's own where none is given.
#[derive(Debug, PartialEq)]
pub struct Subscribe {
    /// Not empty, each once.
    pub channels: Vec<Channel>,
    pub organization: Option<Id>,
    pub department: Option<Id>,
    pub queue: Option<Id>,
    pub site: Option<Id>,
    pub filter: AlertFilter,
}

/// `unsubscribe` from channels: those of one subscription, of one scope, or wherever they are.
#[derive(Debug, Default, PartialEq)]
pub struct Unsubscribe {
    pub id: Option<String>,
    /// `None` means all of them.
    pub channels: Option<Vec<Channel>>,
    pub organization: Option<Id>,
    pub department: Option<Id>,
    pub queue: Option<Id>,
}

/// Both as they are written.
#[derive(Deserialize)]
struct Body {
    channels: Option<Vec<String>>,
    subscription_id: Option<String>,
    organization_id: Option<Id>,
    department_id: Option<Id>,
    queue_name: Option<Id>,
    site_id: Option<Id>,
    filters: Option<Box<RawValue>>,
}

const SUBSCRIBE_SHAPE: &str = "The payload must be {\"channels\": [kpi, backlog, attendance, alerts, \
    notifications or all], \"organization_id\"?: id, \"department_id\"?: id, \"queue_name\"?: id}";

impl Subscribe {
    /// `None` if there are no channels in it.
    ///
    /// # Errors
    /// `INVALID_MESSAGE`; `SUBSCRIPTION_FAILED` for a channel that is none.
    pub fn read(data: &str) -> Result<Option<Subscribe>, ClientError> {
        let body: Body = command::payload(data, SUBSCRIBE_SHAPE)?;
        let Some(names) = body.channels else { return Ok(None) };
        if names.is_empty() {
            return Err(ClientError::invalid(SUBSCRIBE_SHAPE));
        }
        let filter = body.filters.map_or_else(|| Ok(AlertFilter::default()), |raw| read_filter(raw.get()))?;
        let (organization, department, queue) =
            scope(body.organization_id, body.department_id, body.queue_name)?;
        let channels = channels(&names)?;
        Ok(Some(Subscribe { channels, organization, department, queue, site: body.site_id, filter }))
    }
}

impl Unsubscribe {
    /// `None` if it names nothing of the kind.
    ///
    /// # Errors
    /// As [`Subscribe::read`].
    pub fn read(data: &str) -> Result<Option<Unsubscribe>, ClientError> {
        let shape = "The payload must be {\"channels\"?: array, \"subscription_id\"?: string} and a scope";
        let body: Body = command::payload(data, shape)?;
        let (organization, department, queue) =
            scope(body.organization_id, body.department_id, body.queue_name)?;
        let channels = match body.channels {
            // As a client that has nothing left to keep would say it.
            Some(names) if names.is_empty() => None,
            Some(names) => Some(channels(&names)?),
            None => None,
        };
        let read = Unsubscribe { id: body.subscription_id, channels, organization, department, queue };
        Ok((read != Unsubscribe::default()).then_some(read))
    }
}

type ScopeIds = (Option<Id>, Option<Id>, Option<Id>);

fn scope(
    organization: Option<Id>,
    department: Option<Id>,
    queue: Option<Id>,
) -> Result<ScopeIds, ClientError> {
    // The organization, given or not, is compared with the socket's own; here the rest counts.
    let any = Id::parse("any").ok_or_else(ClientError::internal)?;
    if Scope::new(any, department.clone(), queue.clone()).is_none() {
        return Err(ClientError::invalid(
            "`department_id` and `queue_name` must not hold `org`, `dept` or `queue`",
        ));
    }
    Ok((organization, department, queue))
}

fn channels(names: &[String]) -> Result<Vec<Channel>, ClientError> {
    let mut channels = Vec::new();
    for name in names {
        let channel = Channel::find(name).ok_or_else(|| {
            let known = Channel::ALL.map(Channel::name).join(", ");
            ClientError::new(ErrorCode::SubscriptionFailed, format!("A channel is one of: {known}"))
        })?;
        if !channels.contains(&channel) {
            channels.push(channel);
        }
    }
    Ok(channels)
}

/// Most words one condition may list.
const MOST_WORDS: usize = 32;

fn read_filter(data: &str) -> Result<AlertFilter, ClientError> {
    #[derive(Deserialize)]
    struct Filters {
        min_severity: Option<String>,
        sources: Option<Vec<String>>,
        statuses: Option<Vec<String>>,
    }
    if data == "null" {
        return Ok(AlertFilter::default());
    }
    let shape = "`filters` must be {\"min_severity\"?: info, low, medium, high or critical, \
                 \"sources\"?: strings, \"statuses\"?: strings}, at most 32 of each";
    let Filters { min_severity, sources, statuses } = command::payload(data, shape)?;
    let min_severity = match min_severity {
        Some(word) => Some(Severity::find(&word).ok_or_else(|| ClientError::invalid(shape))?),
        None => None,
    };
    let words = |words: Option<Vec<String>>| -> Result<Option<Vec<String>>, ClientError> {
        let Some(mut words) = words else { return Ok(None) };
        // Before copies are dropped: those would be places that stay empty.
        let is_bounded = words.len() <= MOST_WORDS && words.iter().all(|word| word.len() <= 128);
        if !is_bounded {
            return Err(ClientError::invalid(shape));
        }
        words.sort_unstable();
        words.dedup();
        words.shrink_to_fit();
        Ok(Some(words))
    };
    Ok(AlertFilter { min_severity, sources: words(sources)?, statuses: words(statuses)? })
}

/// What an alert says of itself. The status is the event's last word where the payload has none:
/// `alert:resolved` is resolved.
pub fn alert(event: &str, data: &RawValue) -> Alert {
    #[derive(Deserialize, Default)]
    struct Said<'a> {
        #[serde(borrow)]
        severity: Option<&'a RawValue>,
        #[serde(borrow)]
        source: Option<&'a RawValue>,
        #[serde(borrow)]
        status: Option<&'a RawValue>,
    }
    let said: Said<'_> = serde_json::from_str(data.get()).unwrap_or_default();
    let text = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let last_word = || event.split_once(':').map(|(_, word)| word.to_owned());
    Alert {
        severity: text(said.severity).as_deref().and_then(Severity::find),
        source: text(said.source),
        status: text(said.status).or_else(last_word),
    }
}

/// Completes what a backend posts about a part of an organization: it gets a time if it has none.
///
/// # Errors
/// `INVALID_MESSAGE` if `data` is no object.
pub fn complete_update(data: &RawValue, now: Timestamp) -> Result<Box<RawValue>, ClientError> {
    fields::complete(data, &[("timestamp", format!("\"{now}\""))])
}

/// The same publication in guide 004's envelope, as one event `message` (contract X-04).
pub fn enveloped(publication: &Publication) -> Publication {
    #[derive(Serialize)]
    struct Envelope<'a> {
        message_id: &'a str,
        event: &'a str,
        data: &'a RawValue,
        timestamp: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        organization_id: Option<&'a Id>,
        #[serde(skip_serializing_if = "Option::is_none")]
        department_id: Option<&'a Id>,
        #[serde(skip_serializing_if = "Option::is_none")]
        queue_name: Option<&'a Id>,
        priority: Priority,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        requires_ack: bool,
    }
    let (organization_id, scope) = match &publication.target.organization {
        Some(OrganizationTarget::Members(id)) => (Some(id), None),
        Some(OrganizationTarget::Subscribers(_, scope)) => (Some(&scope.organization), Some(scope)),
        None => (None, None),
    };
    let envelope = Envelope {
        message_id: &publication.message_id,
        event: &publication.event,
        data: &publication.data,
        timestamp: publication.sent_at,
        organization_id,
        department_id: scope.and_then(|scope| scope.department.as_ref()),
        queue_name: scope.and_then(|scope| scope.queue.as_ref()),
        priority: publication.priority,
        requires_ack: publication.requires_ack,
    };
    Publication { event: "message".into(), data: json::raw(&envelope).into(), ..publication.clone() }
}

/// `client:subscribe` and `client:unsubscribe`: the confirmation where no acknowledgement was asked
/// for (contract X-37).
#[derive(Serialize)]
pub struct Confirmation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<&'a str>,
    pub channels: Vec<&'static str>,
    pub rooms: Vec<&'a str>,
}

/// The acknowledgement of `subscribe` and `unsubscribe` in whatever shape; said within
/// [`Accepted`](super::system::Accepted).
#[derive(Serialize)]
pub struct Subscribed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<&'a str>,
    pub rooms: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribed_channels: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribed_channels: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_subscription_lists_each_channel_once_and_sorts_its_filter() {
        let read = Subscribe::read(
            r#"{"channels":["kpi","alerts","kpi"],"department_id":5,
                "filters":{"min_severity":"HIGH","sources":["b","a","b"]}}"#,
        );
        let read = read.unwrap().unwrap();
        assert_eq!(read.channels, [Channel::Kpi, Channel::Alerts]);
        assert_eq!(read.department, Id::parse("5"));
        assert_eq!(read.filter.min_severity, Some(Severity::High));
        assert_eq!(read.filter.sources, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert!(Subscribe::read(r#"{"room":"r"}"#).unwrap().is_none());
    }

    #[test]
    fn a_filter_is_bounded() {
        let with = |count: usize| {
            let words: Vec<String> = (0..count).map(|n| format!("s{n}")).collect();
            let words = serde_json::to_string(&words).unwrap();
            Subscribe::read(&format!(r#"{{"channels":["alerts"],"filters":{{"sources":{words}}}}}"#))
        };
        assert!(with(MOST_WORDS).is_ok() && with(MOST_WORDS + 1).is_err());
        // Copies are words, too: dropped, they would leave their places.
        let same = format!("[{}\"\"]", "\"\",".repeat(300_000));
        assert!(
            Subscribe::read(&format!(r#"{{"channels":["alerts"],"filters":{{"sources":{same}}}}}"#)).is_err()
        );
    }

    #[test]
    fn an_alert_says_what_it_is_or_its_event_does() {
        let said = alert("alert:resolved", &raw(r#"{"severity":"critical","source":"kpi","status":"open"}"#));
        assert_eq!(said.severity, Some(Severity::Critical));
        assert_eq!((said.source.as_deref(), said.status.as_deref()), (Some("kpi"), Some("open")));
        let said = alert("alert:resolved", &raw("{\"severity\":5}"));
        assert_eq!((said.severity, said.status.as_deref()), (None, Some("resolved")));
        assert_eq!(alert("alert:triggered", &raw("5")).status.as_deref(), Some("triggered"));
    }

    #[test]
    fn an_update_gets_a_time_if_it_has_none() {
        let now = Timestamp::from_millis(0);
        let complete = |text: &str| complete_update(&raw(text), now).map(|raw| raw.get().to_owned());
        assert_eq!(complete("{}").unwrap(), r#"{"timestamp":"1970-01-01T00:00:00.000Z"}"#);
        assert_eq!(
            complete(r#"{"a":1.50 } "#).unwrap(),
            r#"{"a":1.50,"timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
        assert_eq!(complete(r#"{"timestamp":"x"}"#).unwrap(), r#"{"timestamp":"x"}"#);
        assert!(complete("[]").is_err());
    }
}
