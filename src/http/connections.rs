//! One connected socket, by its id, as admins reach it.

use actix_web::{HttpResponse, web};
use log::info;
use serde::Serialize;

use super::State;
use super::caller::Admin;
use super::error::ApiError;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::hub::messages::{Dismiss, Whom};

/// `DELETE /api/ws/connections/{socketId}`: sends a socket away; its client does not come back by
/// itself (contract X-30). With its last socket a connection ends (D-28).
///
/// Answered once the socket is out of the books, not when its client has the goodbye: a client that
/// reads nothing would hold up the answer, and every question asked behind it is answered without
/// the socket already.
///
/// # Errors
/// 404 for an id that no socket has, or that is none.
pub async fn dismiss(_: Admin, path: web::Path<String>, state: State) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Dismissed {
        success: bool,
    }
    let id = Id::parse(&path).ok_or_else(not_found)?;
    let dismiss = Dismiss { whom: Whom::Socket(id.clone()), farewell: Farewell::Kicked };
    match state.services.worker.rooms().send(dismiss).await {
        Ok(0) => Err(not_found().into()),
        Ok(_) => {
            info!(socket = id.as_str(); "socket_kicked");
            Ok(HttpResponse::Ok().json(Dismissed { success: true }))
        }
        Err(_) => Err(ClientError::internal().into()),
    }
}

fn not_found() -> ClientError {
    ClientError::new(ErrorCode::NotFound, "There is no socket with this id")
}
