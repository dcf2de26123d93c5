//! Guide 000: commands by voice.

use crate::dialect::{Answer, Request};
use crate::events::payload::leads::{VoiceCommand, VoiceRefusal};
use crate::hub::outboxes::SocketKey;
use crate::session::Session;
use crate::session::effects::Effect;

/// Answers in guide 000's own words, whatever is wrong (contract ). The table of commands
/// is empty, so that every command is an unknown one (contract D-47).
pub fn voice_command(
    session: &Session,
    key: SocketKey,
    command: Option<&VoiceCommand>,
    request: &Request,
) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let tenant = socket.identity.tenant.as_ref().map(|tenant| &tenant.id);
    let is_foreign =
        command.and_then(|own| own.tenant_id.as_ref()).is_some_and(|asked| Some(asked) != tenant);
    let error = if tenant.is_none() || is_foreign {
        "Access denied"
    } else if command.is_none() {
        "Invalid parameters"
    } else {
        "Unknown command"
    };
    let refusal = VoiceRefusal {
        success: false,
        error,
        tenant: tenant.map_or("", |id| id.as_str()),
        timestamp: session.services.ambient.clock.wall(),
        command: command.map(|own| own.command.as_str()),
        request_id: command.and_then(|own| own.request_id.as_deref()),
    };
    super::answer(session, request, &Answer::both("voice_command_response", &refusal, &refusal))
}
