//! Who is connected: every socket, or one by its id, as admins see and reach it (guide 004; contract
//! I-092).

use actix_web::{HttpRequest, HttpResponse, web};
use log::info;
use serde::Serialize;

use super::caller::{self, Admin};
use super::error::ApiError;
use super::{State, audit};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::hub::census::{ListSockets, SocketView};
use crate::hub::messages::{Dismiss, Whom};
use crate::store::AuditKind;

/// One socket, with the seven keys of guide 004.
#[derive(Serialize)]
struct Connection<'a> {
    socket_id: &'a Id,
    user_id: Option<&'a Id>,
    organization_id: Option<&'a Id>,
    status: &'static str,
    subscriptions: Vec<&'a str>,
    connected_at: Timestamp,
    last_activity_at: Option<Timestamp>,
}

/// `GET /api/ws/connections?organization_id=`: the oldest first.
pub async fn list(_: Admin, request: HttpRequest, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Body<'a> {
        success: bool,
        connections: Vec<Connection<'a>>,
        total_count: usize,
    }
    let which = match caller::query_value(request.query_string(), "organization_id") {
        None => ListSockets::All,
        // An unset variable of a script must not ask for everyone.
        Some(text) => ListSockets::Of(
            Id::parse(&text).ok_or_else(|| ClientError::invalid("`organization_id` is not an id"))?,
        ),
    };
    let mut sockets = ask(&state, which).await?;
    sockets.sort_unstable_by(|a, b| (a.connected_at, &a.id).cmp(&(b.connected_at, &b.id)));
    let connections: Vec<_> = sockets.iter().map(view).collect();
    let total_count = connections.len();
    Ok(HttpResponse::Ok().json(Body { success: true, connections, total_count }))
}

/// `GET /api/ws/connections/{socketId}`.
pub async fn one(_: Admin, request: HttpRequest, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Body<'a> {
        success: bool,
        connection: Connection<'a>,
    }
    let id = request.match_info().get("id").and_then(Id::parse);
    let found = match id {
        Some(id) => ask(&state, ListSockets::Named(id)).await?,
        None => Vec::new(),
    };
    let socket = found.first().ok_or_else(not_found)?;
    Ok(HttpResponse::Ok().json(Body { success: true, connection: view(socket) }))
}

/// `DELETE /api/ws/connections/{socketId}`: sends a socket away; its client does not come back by
/// itself (contract X-30). With its last socket a connection ends (D-28).
///
/// Answered once the socket is out of the books, not when its client has the goodbye: a client that
/// reads nothing would hold up the answer, and every question asked behind it is answered without
/// the socket already.
///
/// # Errors
/// 404 for an id that no socket has, or that is none.
pub async fn dismiss(admin: Admin, path: web::Path<String>, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Dismissed {
        success: bool,
    }
    #[derive(Serialize)]
    struct Kicked<'a> {
        socket_id: &'a Id,
    }
    let id = Id::parse(&path).ok_or_else(not_found)?;
    let dismiss = Dismiss { whom: Whom::Socket(id.clone()), farewell: Farewell::Kicked };
    match state.services.worker.rooms().send(dismiss).await {
        Ok(0) => Err(not_found().into()),
        Ok(_) => {
            info!(socket = id.as_str(); "socket_kicked");
            let details = Kicked { socket_id: &id };
            audit::note(&state, AuditKind::Admin, "DELETE /api/ws/connections", admin.peer, &details).await;
            Ok(HttpResponse::Ok().json(Dismissed { success: true }))
        }
        Err(_) => Err(ClientError::internal().into()),
    }
}

async fn ask(state: &State, which: ListSockets) -> Result<Vec<SocketView>, ClientError> {
    state.services.worker.rooms().send(which).await.map_err(|_| ClientError::internal())
}

fn view(socket: &SocketView) -> Connection<'_> {
    let is_closing = socket.seen.is_none_or(|seen| seen.is_closing);
    // Those joined by request: what one is in by being who one is, the other keys tell.
    let joined = socket.rooms.iter().filter(|room| room.is_size_limited());
    let mut subscriptions: Vec<&str> = joined.map(|room| room.name()).collect();
    subscriptions.sort_unstable();
    Connection {
        socket_id: &socket.id,
        user_id: socket.identity.user.as_ref(),
        organization_id: socket.identity.organization.as_ref(),
        status: if is_closing { "disconnecting" } else { "connected" },
        subscriptions,
        connected_at: socket.connected_at,
        last_activity_at: socket.seen.map(|seen| seen.last_activity),
    }
}

fn not_found() -> ClientError {
    ClientError::new(ErrorCode::NotFound, "There is no socket with this id")
}
