//! An event on its way: what is said, to whom, and since when.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::domain::id::Id;
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
    pub sent_at: Timestamp,
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
}

/// An organization as a target.
#[derive(Debug, Clone)]
pub enum OrganizationTarget {
    /// Every socket whose identity has this organization.
    Members(Id),
    /// The subscribers of a channel in this organization.
    Subscribers(Id),
}

impl Target {
    pub fn everyone() -> Target {
        Target::default()
    }

    pub fn room(room: Room) -> Target {
        Target { room: Some(room), ..Target::default() }
    }
}
