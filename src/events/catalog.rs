//! Every event the server may send, one row each (contract section 7.2).
//!
//! A row says whom an event is for. What an admin may broadcast follows from the table (contract D-32): everything that is not meant for a single
//! socket, and custom types.

/// Whom an event is for when nothing narrower is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The one socket that asked; never broadcast.
    Socket,
    /// A room, a user, or everyone.
    Room,
    /// Subscribers of one of guide 004's channels.
    Channel,
    /// Everyone of an organization, subscribed or not (I-066).
    Notice,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub name: &'static str,
    pub audience: Audience,
}

const fn row(name: &'static str, audience: Audience) -> Event {
    Event { name, audience }
}

use Audience::{Channel, Notice, Room, Socket};

pub const CATALOG: &[Event] = &[
    row("connected", Socket),
    row("connection_established", Socket),
    row("auth:success", Socket),
    row("authenticated", Socket),
    row("reconnected", Socket),
    row("room_joined", Socket),
    row("room_left", Socket),
    row("pong", Socket),
    row("client:pong", Socket),
    row("client:subscribe", Socket),
    row("client:unsubscribe", Socket),
    row("heartbeat", Socket),
    row("error", Socket),
    row("voice_command_response", Socket),
    row("lead_event", Room),
    row("voice_event", Room),
    row("integration_event", Room),
    row("project.updated", Room),
    row("project.deleted", Room),
    row("workflow.progress", Room),
    row("workflow.started", Room),
    row("workflow.completed", Room),
    row("workflow.failed", Room),
    row("agent.status_changed", Room),
    row("agent.connected", Room),
    row("agent.disconnected", Room),
    row("pr.created", Room),
    row("pr.updated", Room),
    row("pr.closed", Room),
    row("issue.created", Room),
    row("issue.updated", Room),
    row("issue.closed", Room),
    row("ai.suggestion", Room),
    row("ai.analysis_complete", Room),
    row("metric_update", Room),
    row("metrics:data", Socket),
    row("agent_status_change", Room),
    row("voice_clone_progress", Room),
    row("training_milestone", Room),
    row("training:update", Room),
    row("clip_played", Room),
    row("room:message", Room),
    row("notification", Room),
    row("user_joined", Room),
    row("user_left", Room),
    row("message", Room),
    row("user_typing", Room),
    row("blueprint_update", Room),
    row("cursor_move", Room),
    row("scroll_position", Room),
    row("operation", Room),
    row("operation_ack", Socket),
    row("kpi:update", Channel),
    row("kpi:computed", Channel),
    row("kpi:alert", Channel),
    row("backlog:update", Channel),
    row("backlog:snapshot", Channel),
    row("backlog:alert", Channel),
    row("attendance:update", Channel),
    row("attendance:checkin", Channel),
    row("attendance:checkout", Channel),
    row("attendance:alert", Channel),
    row("alert:triggered", Channel),
    row("alert:acknowledged", Channel),
    row("alert:resolved", Channel),
    row("alert:escalated", Channel),
    row("system:notification", Notice),
    row("system:broadcast", Notice),
    row("system:maintenance", Notice),
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
    fn guide_004_has_seventeen_events_and_all_can_be_broadcast() {
        let intraday = CATALOG.iter().filter(|event| matches!(event.audience, Channel | Notice));
        assert_eq!(intraday.clone().count(), 17);
        assert!(intraday.clone().all(|event| is_broadcastable(event.name)));
        assert!(find("system:notification").is_some_and(|event| event.audience == Notice));
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
