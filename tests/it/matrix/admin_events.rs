//! Event by form, said by an admin: the rows of contract section 7.2 that are for more than one
//! socket, and custom types, reach every profile once; nothing else is taken (contract D-17, D-32,
//!

use serde_json::json;

use super::peer::{Form, Peer, Who, plain, polling, websocket};
use super::{KEY, unhurried};
use crate::support::TestServer;

/// Rows whose target is a room, a user, an organization or all, by guide.
pub(super) const BROADCAST: &[&str] = &[
    // Several, and guide 000.
    "notification",
    "lead_event",
    "voice_event",
    "integration_event",
    // Guide 001.
    "project.updated",
    "workflow.progress",
    "agent.status_changed",
    "pr.created",
    "issue.updated",
    "ai.suggestion",
    "project.deleted",
    "workflow.started",
    "workflow.completed",
    "workflow.failed",
    "pr.updated",
    "pr.closed",
    "issue.created",
    "issue.closed",
    "agent.connected",
    "agent.disconnected",
    "ai.analysis_complete",
    // Guide 002.
    "metric_update",
    "agent_status_change",
    "voice_clone_progress",
    "training_milestone",
    "training:update",
    "clip_played",
    "room:message",
    // Guide 003.
    "user_joined",
    "user_left",
    "message",
    "user_typing",
    "blueprint_update",
    "cursor_move",
    "scroll_position",
    "operation",
    // Guide 004.
    "kpi:update",
    "kpi:computed",
    "kpi:alert",
    "backlog:update",
    "backlog:snapshot",
    "backlog:alert",
    "attendance:update",
    "attendance:checkin",
    "attendance:checkout",
    "attendance:alert",
    "alert:triggered",
    "alert:acknowledged",
    "alert:resolved",
    "alert:escalated",
    "system:notification",
    "system:broadcast",
    "system:maintenance",
];

/// Rows whose target is one socket or the sender, commands of section 7.1, reserved names, and
/// nonsense.
pub(super) const REFUSED: &[&str] = &[
    "connected",
    "connection_established",
    "auth:success",
    "authenticated",
    "reconnected",
    "room_joined",
    "room_left",
    "operation_ack",
    "pong",
    "client:pong",
    "client:subscribe",
    "client:unsubscribe",
    "heartbeat",
    "error",
    "voice_command_response",
    "metrics:data",
    "auth",
    "authenticate",
    "subscribe",
    "unsubscribe",
    "join",
    "leave",
    "join_room",
    "leave_room",
    "execute_voice_command",
    "send_message",
    "typing",
    "analytics_events",
    "ping",
    "client:ping",
    "metrics:get",
    "metrics:subscribe",
    "ack",
    "debug:rooms",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
    "nonsense",
    "Custom:event",
    "custom:",
    "custom:EVENT",
    "",
];

/// Types that are free for guide 002's form, and no events of guide 004's (contract X-18).
const BY_TYPE_ALONE: &[&str] = &["custom:event", "training:started", "a:b", "evil:event"];

async fn witnesses(server: &TestServer) -> Vec<Peer> {
    let mut witnesses = Vec::new();
    for (door, who) in [
        (plain("/ws", Form::Type), Who::Nobody),
        (plain("/events", Form::Type), Who::Holds(KEY)),
        (websocket("/socket.io/", "/events", Form::Acked), Who::Holds(KEY)),
        (websocket("/socket.io/", "/ws", Form::Acked), Who::Bears(json!({"sub": "u1", "org": "o1"}))),
        (websocket("/socket.io/", "/", Form::Acked), Who::Bears(json!({"sub": "u2"}))),
        (websocket("/ws/", "/", Form::Acked), Who::Claims("u1", "o1")),
        (polling("/ws/", "/", Form::Acked), Who::Nobody),
    ] {
        witnesses.push(Peer::enter(server, door, &who).await.0);
    }
    witnesses
}

#[actix_web::test]
async fn what_is_for_many_reaches_every_profile_once_and_nothing_else_is_taken() {
    let server = unhurried();
    let mut witnesses = witnesses(&server).await;
    let mut cells = 0;
    let rows = [(BROADCAST, [true, true]), (REFUSED, [false, false]), (BY_TYPE_ALONE, [true, false])];
    for (name, taken) in rows.iter().flat_map(|(names, taken)| names.iter().map(move |name| (*name, *taken)))
    {
        for (key, is_taken) in ["type", "event"].into_iter().zip(taken) {
            cells += 1;
            let body = json!({key: name, "data": {"message": "m", "n": cells}});
            let answer = server.post("/api/ws/broadcast", &body).await;
            if is_taken {
                assert_eq!(answer.status, 200, "{body}: {}", answer.text());
                assert_eq!(answer.json()["recipients_count"], witnesses.len(), "{body}");
            } else {
                answer.assert_error(400, "INVALID_MESSAGE");
            }
            for (number, witness) in witnesses.iter_mut().enumerate() {
                let heard = witness.hear().await;
                assert_eq!(heard.names(), vec![name; usize::from(is_taken)], "{body}, witness {number}");
                assert!(heard.events.iter().all(|(_, data)| data["n"] == cells), "{body}: {heard:?}");
            }
        }
    }
    assert_eq!(cells, 2 * (53 + 45 + 4));
}
