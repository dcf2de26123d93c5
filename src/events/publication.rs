//! An event on its way: what is said, to whom, and since when.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::alert::Alert;
use crate::domain::channel::{Channel, Scope};
use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::room::Room;
use crate::domain::time::Timestamp;

/// An event with its target, before the hub has found out whom that reaches.
#[derive(Debug, Clone)]
pub struct Publication {
    pub message_id: Arc<str>,
    pub event: Arc<str>,
    /// The payload as it was received (contract D-38).
    pub data: Arc<RawValue>,
    /// What the placeholders in `data` stand for, none or at most as many as a packet may have.
    pub attachments: Vec<Bytes>,
    pub target: Target,
    /// Clients are asked to acknowledge (contract D-05).
    pub requires_ack: bool,
    pub priority: Priority,
    pub sent_at: Timestamp,
}

/// How urgent a publication is (I-017). Accepted and reported; nothing overtakes anything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", rename_all = "lowercase")]
pub enum Priority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

// From a string, because a derived enum would be read from `{"urgent":null}`, too.
impl TryFrom<String> for Priority {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Priority, Self::Error> {
        match &*word {
            "low" => Ok(Priority::Low),
            "medium" => Ok(Priority::Medium),
            "high" => Ok(Priority::High),
            "urgent" => Ok(Priority::Urgent),
            _ => Err("`priority` must be one of: low, medium, high, urgent"),
        }
    }
}

impl Publication {
    /// Something the server says of its own accord; whom it is for is said elsewhere.
    pub fn of_server<T: Serialize>(event: &str, data: &T, now: Timestamp) -> Publication {
        Publication {
            // It stands in no frame: nobody is asked to acknowledge.
            message_id: "".into(),
            event: event.into(),
            data: json::raw(data).into(),
            attachments: Vec::new(),
            target: Target::everyone(),
            requires_ack: false,
            priority: Priority::default(),
            sent_at: now,
        }
    }
}

/// Whom a publication is for (contract D-06, D-33): all given fields must hold, within a list any;
/// nothing given means everyone.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Rooms of this name, in every organization.
    pub room: Option<Room>,
    pub organization: Option<OrganizationTarget>,
    pub tenant: Option<Id>,
    pub users: Option<Vec<Id>>,
    pub sockets: Option<Vec<Id>>,
    /// What the filters of subscriptions are compared with, if it is an alert (contract D-48).
    pub alert: Option<Alert>,
}

/// An organization as a target.
#[derive(Debug, Clone)]
pub enum OrganizationTarget {
    /// Every socket whose identity has this organization.
    Members(Id),
    /// Those who have subscribed to a channel so that this scope reaches them (contract X-14).
    Subscribers(Channel, Scope),
}

impl Target {
    pub fn everyone() -> Target {
        Target::default()
    }

    pub fn room(room: Room) -> Target {
        Target { room: Some(room), ..Target::default() }
    }
}
