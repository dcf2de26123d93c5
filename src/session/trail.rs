//! What of a connection's credentials goes into the audit trail.

use serde::Serialize;

use super::Session;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::json;
use crate::store::{AuditEntry, AuditKind};

impl Session {
    /// Writes down whom a socket speaks for from now on. Ids without proof prove nothing, and cost nothing to
    /// send: they are not written.
    pub(super) fn note_identity(&self, socket: &Id, who: &Identity) {
        #[derive(Serialize)]
        struct Bearer<'a> {
            user_id: Option<&'a Id>,
        }
        let Some(voice) = self.services.voice.as_ref().filter(|_| who.is_proven()) else { return };
        let entry = AuditEntry {
            kind: AuditKind::Auth,
            action: "authenticate".to_owned(),
            actor: socket.as_str().to_owned(),
            success: true,
            details: json::raw(&Bearer { user_id: who.user.as_ref() }).get().to_owned(),
        };
        voice.audit.try_note(entry, self.services.ambient.clock.wall());
    }

    /// Writes down that a credential was refused.
    pub(super) fn note_refusal(&self, action: &str) {
        if let Some(voice) = &self.services.voice {
            voice.audit.refused(action, self.id.as_str(), self.services.ambient.clock.wall());
        }
    }
}
