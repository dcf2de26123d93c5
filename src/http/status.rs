//! How the server is doing: health for anyone, figures for admins. Every number is counted.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::State;
use super::caller::{self, Admin};
use super::error::ApiError;
use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::hub::census::{Census, TakeCensus};

/// `GET /health`.
pub async fn health(state: State) -> HttpResponse {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        uptime_seconds: u64,
        connections: usize,
        version: &'static str,
        timestamp: Timestamp,
    }
    let (code, status) = verdict(&state, "ok", "stopping");
    HttpResponse::build(code).json(Health {
        status,
        uptime_seconds: state.uptime_seconds(),
        connections: state.shared.connections.current(),
        version: env!("CARGO_PKG_VERSION"),
        timestamp: state.now(),
    })
}

/// `GET /api/ws/health`.
pub async fn ws_health(state: State) -> HttpResponse {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        service: &'static str,
        initialized: bool,
        active_connections: usize,
        uptime_seconds: u64,
        timestamp: Timestamp,
    }
    let (code, status) = verdict(&state, "healthy", "unhealthy");
    HttpResponse::build(code).json(Health {
        status,
        service: "switchboard",
        initialized: true,
        // Not asked of the RoomServer: health is told however busy it is.
        active_connections: state.services.meters.connections(),
        uptime_seconds: state.uptime_seconds(),
        timestamp: state.now(),
    })
}

fn verdict(state: &State, good: &'static str, bad: &'static str) -> (StatusCode, &'static str) {
    if state.is_stopping() { (StatusCode::SERVICE_UNAVAILABLE, bad) } else { (StatusCode::OK, good) }
}

/// Members of all rooms of one name.
#[derive(Serialize, Default)]
struct RoomClients {
    #[serde(rename = "clientCount")]
    client_count: usize,
}

/// `GET /api/ws/status` (guide 002).
pub async fn ws_status(_: Admin, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Status {
        status: &'static str,
        #[serde(rename = "totalClients")]
        total_clients: usize,
        #[serde(rename = "authenticatedClients")]
        authenticated_clients: usize,
        rooms: BTreeMap<String, RoomClients>,
        uptime_seconds: u64,
    }
    let census = take_census(&state).await?;
    Ok(HttpResponse::Ok().json(Status {
        status: "running",
        total_clients: census.connections,
        authenticated_clients: census.authenticated,
        rooms: by_name(&census),
        uptime_seconds: state.uptime_seconds(),
    }))
}

/// `GET /api/ws/rooms?prefix=` (guides 002 and 004, contract X-07).
pub async fn ws_rooms(_: Admin, request: HttpRequest, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Rooms<'a> {
        success: bool,
        rooms: Vec<Room<'a>>,
        total_count: usize,
        by_name: BTreeMap<String, RoomClients>,
    }
    #[derive(Serialize)]
    struct Room<'a> {
        room_id: &'a str,
        room_type: &'static str,
        member_count: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        organization_id: Option<&'a Id>,
        created_at: Timestamp,
    }
    let prefix = caller::query_value(request.query_string(), "prefix").unwrap_or_default();
    let mut census = take_census(&state).await?;
    census.rooms.retain(|count| count.room.name().starts_with(&prefix));
    let rooms: Vec<Room<'_>> = census
        .rooms
        .iter()
        .map(|count| Room {
            room_id: count.room.name(),
            room_type: count.room.type_name(),
            member_count: count.members,
            organization_id: count.organization.as_ref(),
            created_at: count.created_at,
        })
        .collect();
    let total_count = rooms.len();
    Ok(HttpResponse::Ok().json(Rooms { success: true, rooms, total_count, by_name: by_name(&census) }))
}

pub(super) async fn take_census(state: &State) -> Result<Census, ApiError> {
    let census = state.services.worker.rooms().send(TakeCensus).await;
    census.map_err(|_| ClientError::internal().into())
}

/// Scopes of one name summed (contract D-33).
fn by_name(census: &Census) -> BTreeMap<String, RoomClients> {
    let mut rooms: BTreeMap<String, RoomClients> = BTreeMap::new();
    for count in &census.rooms {
        rooms.entry(count.room.name().to_owned()).or_default().client_count += count.members;
    }
    rooms
}
