//! The vocabulary, row by row (contract sections 7.1 and 7.2), family by family.
//!
//! A table and nothing else; what a row means stands in [`super::catalog`], what a client's command
//! becomes in [`super::command`].

use super::catalog::Audience::{Channel as Subscribers, Notice, Room, Socket};
use super::catalog::Delivery::{Keyed, Ordered, Volatile};
use super::catalog::Family::{Blueprints, Intraday, Leads, Projects, Studio, System};
use super::catalog::Payload::{Anything, Fields};
use super::catalog::{Row, command, event, later};
use super::command::{self as read, Price};
use super::fields::Kind::{self, Flag, Id, List, Number, Object, OneOf, Text};
use super::fields::{Field, may, must};
use crate::domain::channel::Channel;

/// Guide 000's events.
const TENANT_EVENT: &[Field] =
    &[may("id", Text), may("type", Text), may("tenantId", Id), may("source", Text), may("data", Object)];
/// Guide 001's envelope.
const ENVELOPE: &[Field] =
    &[may("type", Text), may("timestamp", Text), may("source", Text), may("data", Object)];
/// Guide 003's notification (contract X-16).
const NOTIFICATION: &[Field] = &[
    must("message", Text),
    may("title", Text),
    may("type", OneOf(&["info", "success", "warning", "error"])),
    may("priority", OneOf(&["low", "medium", "high", "urgent"])),
];
const SIGHTED: &[Field] = &[may("userId", Id), may("userName", Text), may("roomId", Text)];
const FLEETING: &[Field] = &[must("roomId", Text)];

#[rustfmt::skip]
pub const CATALOG: &[Row] = &[
    // The connection and its rooms, whichever guide.
    command("auth", Studio, Price::Message, read::auth),
    command("authenticate", Intraday, Price::Message, read::authenticate),
    command("subscribe", Intraday, Price::Message, read::subscribe),
    command("client:subscribe", Intraday, Price::Message, read::subscribe),
    command("unsubscribe", Intraday, Price::Message, read::unsubscribe),
    command("client:unsubscribe", Intraday, Price::Message, read::unsubscribe),
    command("join", Studio, Price::Message, read::join),
    command("leave", Studio, Price::Message, read::leave),
    command("join_room", Blueprints, Price::Message, read::join_room),
    command("leave_room", Blueprints, Price::Message, read::leave_room),
    command("debug:rooms", Projects, Price::Message, read::debug_rooms),
    command("ping", Blueprints, Price::KeepAlive, read::ping),
    command("client:ping", Intraday, Price::KeepAlive, read::client_ping),
    command("heartbeat", Studio, Price::KeepAlive, read::heartbeat),
    command("ack", Intraday, Price::Free, read::ack),
    event("connected", System, Socket, Ordered, Anything),
    event("connection_established", System, Socket, Ordered, Anything),
    event("auth:success", Studio, Socket, Ordered, Anything),
    event("authenticated", Intraday, Socket, Ordered, Anything),
    event("reconnected", Studio, Socket, Ordered, Anything),
    event("room_joined", Studio, Socket, Ordered, Anything),
    event("room_left", Studio, Socket, Ordered, Anything),
    event("pong", Blueprints, Socket, Ordered, Anything),
    event("client:pong", Intraday, Socket, Ordered, Anything),
    event("client:subscribe", Intraday, Socket, Ordered, Anything),
    event("client:unsubscribe", Intraday, Socket, Ordered, Anything),
    event("heartbeat", Studio, Socket, Ordered, Anything),
    event("error", System, Socket, Ordered, Anything),
    event("notification", System, Room, Ordered, Fields(NOTIFICATION)),

    // Guide 000.
    command("execute_voice_command", Leads, Price::Message, read::voice_command).answering_in_its_own_words(read::unreadable_voice_command),
    event("voice_command_response", Leads, Socket, Ordered, Anything),
    event("lead_event", Leads, Room, Ordered, Fields(TENANT_EVENT)),
    event("voice_event", Leads, Room, Ordered, Fields(TENANT_EVENT)),
    event("integration_event", Leads, Room, Ordered, Fields(TENANT_EVENT)),

    // Guide 001.
    event("project.updated", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("project.deleted", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("workflow.progress", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("workflow.started", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("workflow.completed", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("workflow.failed", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("agent.status_changed", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("agent.connected", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("agent.disconnected", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("pr.created", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("pr.updated", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("pr.closed", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("issue.created", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("issue.updated", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("issue.closed", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("ai.suggestion", Projects, Room, Ordered, Fields(ENVELOPE)),
    event("ai.analysis_complete", Projects, Room, Ordered, Fields(ENVELOPE)),

    // Guide 002.
    later("metrics:get", Studio, Price::Message, &[may("type", Text), may("startDate", Text), may("endDate", Text), may("limit", Number)]),
    later("metrics:subscribe", Studio, Price::Message, &[must("metrics", List)]),
    later("message", Studio, Price::Message, &[may("room", Text), may("message_id", Text), may("event", Text), may("data", Kind::Anything), may("requires_ack", Flag)]),
    event("metrics:data", Studio, Socket, Ordered, Anything),
    event("metric_update", Studio, Room, Keyed, Fields(&[may("metricType", Text), may("metrics", Object), may("timestamp", Text)])),
    event("agent_status_change", Studio, Room, Ordered, Fields(&[may("agentId", Id), may("status", Text), may("timestamp", Text)])),
    event("voice_clone_progress", Studio, Room, Keyed, Fields(&[may("userId", Id), may("status", Text), may("progress", Number), may("message", Text)])),
    event("training_milestone", Studio, Room, Ordered, Fields(&[may("userId", Id)])),
    event("training:update", Studio, Room, Keyed, Fields(&[may("activeJobs", Number)])),
    event("clip_played", Studio, Room, Ordered, Fields(&[may("clipId", Id), may("metadata", Object)])),
    event("room:message", Studio, Room, Ordered, Fields(&[may("room", Text), may("senderId", Id), may("userId", Id)])),

    // Guide 003.
    later("send_message", Blueprints, Price::Message, &[must("roomId", Text), must("message", Text), may("type", OneOf(&["comment", "system", "notification"])), may("metadata", Object)]),
    later("typing", Blueprints, Price::Free, &[must("roomId", Text), must("isTyping", Flag)]),
    command("blueprint_update", Blueprints, Price::Message, read::blueprint_update).with_attachments(),
    later("cursor_move", Blueprints, Price::Free, &[must("roomId", Text), must("position", Object), may("selection", Object)]),
    later("scroll_position", Blueprints, Price::Free, FLEETING),
    later("operation", Blueprints, Price::Message, &[must("roomId", Text), must("documentId", Id), must("operation", Kind::Anything), must("version", Number)]),
    later("analytics_events", Blueprints, Price::Message, &[]).taking_a_list(),
    event("user_joined", Blueprints, Room, Ordered, Fields(SIGHTED)),
    event("user_left", Blueprints, Room, Ordered, Fields(SIGHTED)),
    event("message", Blueprints, Room, Ordered, Fields(&[may("roomId", Text), may("userId", Id), may("message", Text)])),
    event("user_typing", Blueprints, Room, Volatile, Fields(&[may("roomId", Text), may("userId", Id), may("isTyping", Flag)])),
    event("blueprint_update", Blueprints, Room, Ordered, Fields(&[may("roomId", Text), may("blueprintId", Id), may("changes", Object)])),
    event("cursor_move", Blueprints, Room, Keyed, Fields(&[may("roomId", Text), may("userId", Id), may("position", Object)])),
    event("scroll_position", Blueprints, Room, Keyed, Fields(&[may("roomId", Text), may("userId", Id)])),
    event("operation", Blueprints, Room, Ordered, Fields(&[may("roomId", Text), may("documentId", Id), may("version", Number)])),
    event("operation_ack", Blueprints, Socket, Ordered, Anything),

    // Guide 004. Whatever is posted passes, a number or `null` too (I-098).
    event("kpi:update", Intraday, Subscribers(Channel::Kpi), Ordered, Anything),
    event("kpi:computed", Intraday, Subscribers(Channel::Kpi), Ordered, Anything),
    event("kpi:alert", Intraday, Subscribers(Channel::Kpi), Ordered, Anything),
    event("backlog:update", Intraday, Subscribers(Channel::Backlog), Ordered, Anything),
    event("backlog:snapshot", Intraday, Subscribers(Channel::Backlog), Ordered, Anything),
    event("backlog:alert", Intraday, Subscribers(Channel::Backlog), Ordered, Anything),
    event("attendance:update", Intraday, Subscribers(Channel::Attendance), Ordered, Anything),
    event("attendance:checkin", Intraday, Subscribers(Channel::Attendance), Ordered, Anything),
    event("attendance:checkout", Intraday, Subscribers(Channel::Attendance), Ordered, Anything),
    event("attendance:alert", Intraday, Subscribers(Channel::Attendance), Ordered, Anything),
    event("alert:triggered", Intraday, Subscribers(Channel::Alerts), Ordered, Anything),
    event("alert:acknowledged", Intraday, Subscribers(Channel::Alerts), Ordered, Anything),
    event("alert:resolved", Intraday, Subscribers(Channel::Alerts), Ordered, Anything),
    event("alert:escalated", Intraday, Subscribers(Channel::Alerts), Ordered, Anything),
    event("system:notification", Intraday, Notice, Ordered, Anything),
    event("system:broadcast", Intraday, Notice, Ordered, Anything),
    event("system:maintenance", Intraday, Notice, Ordered, Anything),
];
