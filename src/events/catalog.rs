//! Every event the server may send, one row each (contract section 7.2).
//!
//! A row says which guide's family an event belongs to and whom it is for. What an admin may
//! broadcast follows from the table (contract D-32): everything that is not meant for a single
//! socket, and custom types.

/// Base name of the guide an event comes from; the same word on every floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Leads,
    Projects,
    Studio,
    Blueprints,
    Intraday,
    System,
}

/// Whom an event is for when nothing narrower is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The one socket that asked; never broadcast.
    Socket,
    /// A room, a user, or everyone.
    Room,
    /// Subscribers of one of guide 004's channels.
    Channel(Channel),
}

/// Guide 004's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Kpi,
    Backlog,
    Attendance,
    Alerts,
    Notifications,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub name: &'static str,
    pub family: Family,
    pub audience: Audience,
}

const fn row(name: &'static str, family: Family, audience: Audience) -> Event {
    Event { name, family, audience }
}

use Audience::{Channel as To, Room, Socket};
use Channel::{Alerts, Attendance, Backlog, Kpi, Notifications};
use Family::{Blueprints, Intraday, Leads, Projects, Studio, System};

pub const CATALOG: &[Event] = &[
    row("connected", System, Socket),
    row("connection_established", System, Socket),
    row("auth:success", System, Socket),
    row("authenticated", System, Socket),
    row("reconnected", System, Socket),
    row("room_joined", System, Socket),
    row("room_left", System, Socket),
    row("pong", System, Socket),
    row("client:pong", System, Socket),
    row("client:subscribe", System, Socket),
    row("client:unsubscribe", System, Socket),
    row("heartbeat", System, Socket),
    row("error", System, Socket),
    row("voice_command_response", Leads, Socket),
    row("lead_event", Leads, Room),
    row("voice_event", Leads, Room),
    row("integration_event", Leads, Room),
    row("project.updated", Projects, Room),
    row("project.deleted", Projects, Room),
    row("workflow.progress", Projects, Room),
    row("workflow.started", Projects, Room),
    row("workflow.completed", Projects, Room),
    row("workflow.failed", Projects, Room),
    row("agent.status_changed", Projects, Room),
    row("agent.connected", Projects, Room),
    row("agent.disconnected", Projects, Room),
    row("pr.created", Projects, Room),
    row("pr.updated", Projects, Room),
    row("pr.closed", Projects, Room),
    row("issue.created", Projects, Room),
    row("issue.updated", Projects, Room),
    row("issue.closed", Projects, Room),
    row("ai.suggestion", Projects, Room),
    row("ai.analysis_complete", Projects, Room),
    row("metric_update", Studio, Room),
    row("metrics:data", Studio, Socket),
    row("agent_status_change", Studio, Room),
    row("voice_clone_progress", Studio, Room),
    row("training_milestone", Studio, Room),
    row("training:update", Studio, Room),
    row("clip_played", Studio, Room),
    row("room:message", Studio, Room),
    row("notification", Studio, Room),
    row("user_joined", Blueprints, Room),
    row("user_left", Blueprints, Room),
    row("message", Blueprints, Room),
    row("user_typing", Blueprints, Room),
    row("blueprint_update", Blueprints, Room),
    row("cursor_move", Blueprints, Room),
    row("scroll_position", Blueprints, Room),
    row("operation", Blueprints, Room),
    row("operation_ack", Blueprints, Socket),
    row("kpi:update", Intraday, To(Kpi)),
    row("kpi:computed", Intraday, To(Kpi)),
    row("kpi:alert", Intraday, To(Kpi)),
    row("backlog:update", Intraday, To(Backlog)),
    row("backlog:snapshot", Intraday, To(Backlog)),
    row("backlog:alert", Intraday, To(Backlog)),
    row("attendance:update", Intraday, To(Attendance)),
    row("attendance:checkin", Intraday, To(Attendance)),
    row("attendance:checkout", Intraday, To(Attendance)),
    row("attendance:alert", Intraday, To(Attendance)),
    row("alert:triggered", Intraday, To(Alerts)),
    row("alert:acknowledged", Intraday, To(Alerts)),
    row("alert:resolved", Intraday, To(Alerts)),
    row("alert:escalated", Intraday, To(Alerts)),
    row("system:notification", Intraday, To(Notifications)),
    row("system:broadcast", Intraday, To(Notifications)),
    row("system:maintenance", Intraday, To(Notifications)),
];

/// Names the Socket.IO client library keeps for itself; never sent (contract W7).
const RESERVED: &[&str] =
    &["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// The row of `name`, if the catalog has one.
pub fn find(name: &str) -> Option<&'static Event> {
    CATALOG.iter().find(|event| event.name == name)
}

/// Whether an admin may broadcast `name` in guide 004's `{event}` form: a listed event that is not
/// meant for one socket.
pub fn is_broadcastable(name: &str) -> bool {
    find(name).is_some_and(|event| event.audience != Audience::Socket)
}

/// Whether `name` is a custom type (contract X-18): free for guide 002's `{type}` form, unless it is
/// reserved or already means something.
pub fn is_custom(name: &str) -> bool {
    let Some((head, tail)) = name.split_once(':') else { return false };
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    head.starts_with(|c: char| c.is_ascii_lowercase())
        && head.bytes().all(is_word)
        && (1..=60).contains(&tail.len())
        && tail.bytes().all(|b| is_word(b) || b"_:.-".contains(&b))
        && find(name).is_none()
        && !RESERVED.contains(&name)
        && super::command::find(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_events_share_a_name_and_none_is_reserved() {
        for (index, event) in CATALOG.iter().enumerate() {
            assert!(CATALOG[index + 1..].iter().all(|other| other.name != event.name), "{}", event.name);
            assert!(!RESERVED.contains(&event.name), "{}", event.name);
        }
    }

    #[test]
    fn guide_004_has_seventeen_channel_events() {
        let channels = CATALOG.iter().filter(|event| matches!(event.audience, To(_))).count();
        assert_eq!(channels, 17);
        assert!(CATALOG.iter().filter(|e| e.family == Intraday).all(|e| is_broadcastable(e.name)));
    }

    #[test]
    fn what_is_for_one_socket_is_not_broadcast() {
        for name in ["connected", "error", "pong", "room_joined", "operation_ack", "metrics:data"] {
            assert!(!is_broadcastable(name) && !is_custom(name), "{name}");
        }
    }

    #[test]
    fn custom_types_follow_the_pattern() {
        for good in ["custom:event", "a1:b", "billing:invoice.paid-v2"] {
            assert!(is_custom(good), "{good}");
        }
        for bad in ["custom", "Custom:e", ":x", "a:", "1a:b", "a:B", "client:ping", "kpi:update", "a_b:c"] {
            assert!(!is_custom(bad), "{bad}");
        }
        assert!(!is_custom(&format!("a:{}", "x".repeat(61))));
    }
}
