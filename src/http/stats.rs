//! The figures of guides 004 and 001: two views of one set of counters (contract X-07, D-08).
//!
//! What is here now is taken from the books, what has happened from the meters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::HttpResponse;
use serde::Serialize;

use super::State;
use super::caller::Admin;
use super::error::ApiError;
use super::status::take_census;
use crate::domain::id::Id;
use crate::domain::room::{Kind, Room};
use crate::hub::census::RoomCount;
use crate::telemetry::meters::Readings;

/// `GET /api/ws/stats` (guide 004): these eleven keys and no other (contract D-35).
pub async fn ws_stats(_: Admin, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Body {
        success: bool,
        stats: Stats,
    }
    #[derive(Serialize)]
    struct Stats {
        active_connections: usize,
        connections_by_org: BTreeMap<Id, usize>,
        active_rooms: usize,
        rooms_by_type: RoomsByType,
        total_messages: u64,
        messages_per_second: f64,
        messages_by_event: BTreeMap<Box<str>, u64>,
        average_latency_ms: f64,
        max_latency_ms: f64,
        error_count: u64,
        uptime_seconds: u64,
    }
    let census = take_census(&state).await?;
    let read = read_meters(&state);
    let stats = Stats {
        active_connections: census.connections,
        active_rooms: census.rooms.len(),
        rooms_by_type: rooms_by_type(&census.rooms),
        connections_by_org: census.by_organization,
        total_messages: read.deliveries,
        messages_per_second: read.deliveries_per_second,
        messages_by_event: read.deliveries_by_event,
        average_latency_ms: read.average_latency_ms,
        max_latency_ms: read.max_latency_ms,
        error_count: read.refusals,
        uptime_seconds: state.uptime_seconds(),
    };
    Ok(HttpResponse::Ok().json(Body { success: true, stats }))
}

/// `GET /api/v1/websocket/stats` (guide 001).
pub async fn websocket_stats(_: Admin, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Stats {
        connections: usize,
        rooms: BTreeMap<Cow<'static, str>, usize>,
        events_emitted: u64,
        uptime_seconds: u64,
    }
    let census = take_census(&state).await?;
    Ok(HttpResponse::Ok().json(Stats {
        connections: census.connections,
        rooms: members_by_prefix(&census.rooms),
        events_emitted: read_meters(&state).publications,
        uptime_seconds: state.uptime_seconds(),
    }))
}

fn read_meters(state: &State) -> Readings {
    state.services.meters.read(state.services.ambient.clock.now().since_start())
}

/// Rooms by the deepest level they name (contract I-090).
#[derive(Debug, Default, PartialEq, Serialize)]
struct RoomsByType {
    org: usize,
    dept: usize,
    queue: usize,
    other: usize,
}

fn rooms_by_type(rooms: &[RoomCount]) -> RoomsByType {
    let mut by_type = RoomsByType::default();
    for count in rooms {
        match count.room.type_name() {
            "org" => by_type.org += 1,
            "dept" => by_type.dept += 1,
            "queue" => by_type.queue += 1,
            _ => by_type.other += 1,
        }
    }
    by_type
}

/// Members of all rooms of one prefix together. Guide 001's three are always there.
fn members_by_prefix(rooms: &[RoomCount]) -> BTreeMap<Cow<'static, str>, usize> {
    let always = ["global", "project:*", "user:*"];
    let mut members: BTreeMap<Cow<'static, str>, usize> =
        always.into_iter().map(|key| (Cow::Borrowed(key), 0)).collect();
    for count in rooms {
        *members.entry(prefix_key(&count.room)).or_default() += count.members;
    }
    members
}

/// What rooms of one kind are filed under: their reserved prefix. Free names have none, whatever
/// colons they hold, and are one kind.
fn prefix_key(room: &Room) -> Cow<'static, str> {
    match room.kind() {
        Kind::Global => "global".into(),
        Kind::Free | Kind::Unknown => "other".into(),
        _ => {
            let prefix = room.name().split(':').next().unwrap_or_default();
            format!("{prefix}:*").into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn rooms(names: &[(&str, usize)]) -> Vec<RoomCount> {
        let room = |(name, members): &(&str, usize)| RoomCount {
            room: Room::parse(name).unwrap(),
            organization: None,
            members: *members,
            created_at: Timestamp::from_millis(0),
        };
        names.iter().map(room).collect()
    }

    #[test]
    fn rooms_are_counted_by_their_deepest_level() {
        let rooms = rooms(&[
            ("org:a", 1),
            ("kpi:org:a", 1),
            ("kpi:org:a:dept:d", 1),
            ("kpi:org:a:dept:d:queue:q", 1),
            ("kpi:org:a:queue:q", 1),
            ("global", 9),
            ("blueprint-1", 1),
        ]);
        assert_eq!(rooms_by_type(&rooms), RoomsByType { org: 2, dept: 1, queue: 2, other: 2 });
    }

    #[test]
    fn members_are_summed_by_prefix() {
        let rooms = rooms(&[
            ("global", 3),
            ("project:1", 2),
            ("project:2", 5),
            ("kpi:org:a", 1),
            ("kpi:org:a:queue:q", 1),
            ("dashboard:overview", 4),
            ("free:name", 1),
            ("global-chat", 1),
        ]);
        let expected =
            [("dashboard:*", 4), ("global", 3), ("kpi:*", 2), ("other", 2), ("project:*", 7), ("user:*", 0)];
        assert_eq!(members_by_prefix(&rooms), expected.map(|(key, count)| (key.into(), count)).into());
    }
}
