//! What of REST goes into the audit trail: what admins have done, and who has signed in or out.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::web;
use log::error;
use serde::Serialize;

use super::State;
use crate::domain::json;
use crate::store::{AuditEntry, AuditKind};

/// Writes down what was done, and waits until that is on the disk. What is done is done: where it cannot be
/// written down, the log says so.
pub async fn note<T: Serialize>(
    state: &State,
    kind: AuditKind,
    action: &str,
    peer: Option<IpAddr>,
    details: &T,
) {
    let Some(voice) = &state.services.voice else { return };
    let entry = AuditEntry {
        kind,
        action: action.to_owned(),
        actor: peer.map_or_else(String::new, |peer| peer.to_string()),
        success: true,
        details: json::raw(details).get().to_owned(),
    };
    let (store, now) = (Arc::clone(&voice.store), state.now());
    match web::block(move || store.audit(&entry, now)).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => error!("the audit trail misses an entry: {problem}"),
        Err(_) => error!("the audit trail misses an entry"),
    }
}
