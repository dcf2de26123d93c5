//! What of REST goes into the audit trail: what admins have done, who has signed in or out, and what was
//! refused.

use std::net::IpAddr;

use serde::Serialize;

use super::State;
use crate::domain::json;
use crate::store::{AuditEntry, AuditKind};

/// Writes down what was done, soon (see [`crate::store::AuditQueue`]).
pub async fn note<T: Serialize>(
    state: &State,
    kind: AuditKind,
    action: &str,
    peer: Option<IpAddr>,
    details: &T,
) {
    let Some(voice) = &state.services.voice else { return };
    let details = json::raw(details).get().to_owned();
    let entry = AuditEntry { kind, action: action.to_owned(), actor: actor(peer), success: true, details };
    voice.audit.note(entry, state.now()).await;
}

/// Writes down that a credential was refused: an admin's, a tenant's, a user's.
pub fn refused(state: &State, action: &str, peer: Option<IpAddr>) {
    if let Some(voice) = &state.services.voice {
        voice.audit.refused(action, &actor(peer), state.now());
    }
}

fn actor(peer: Option<IpAddr>) -> String {
    peer.map_or_else(String::new, |peer| peer.to_string())
}
