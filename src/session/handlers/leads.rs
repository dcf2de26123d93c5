//! Guide 000: commands by voice.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::dialect::{Answer, Request};
use crate::domain::json;
use crate::events::payload::leads::{VoiceCommand, VoiceResponse};
use crate::hub::messages::Say;
use crate::hub::outboxes::SocketKey;
use crate::session::Session;
use crate::session::effects::Effect;
use crate::voice::executor::{Execute, Respond};
use crate::voice::order::{Order, Response};

/// Leaves a command to the executor. The session hears on meanwhile; what comes of the command is said by the hub,
/// behind what it has caused, as long as the socket is there. It is answered in guide 000's own words, whatever
/// is wrong (contract ).
pub fn voice_command(session: &Session, key: SocketKey, command: VoiceCommand, request: Request) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let clock = Arc::clone(&session.services.ambient.clock);
    let (Some(tenant), Some(voice)) = (&socket.identity.tenant, &session.services.voice) else {
        session.count_refusal();
        let mut denied = VoiceResponse::refusal("Access denied", "", clock.wall());
        denied.request_id = command.request_id.as_deref();
        return super::answer(session, &request, &response(json::raw(&denied)));
    };
    let permissions = socket.identity.permissions.as_deref();
    let order = Order::read(command, &tenant.id, &socket.id, permissions, &voice.grammar, clock.wall());
    let rooms = session.services.worker.rooms().clone();
    let respond: Respond = Box::new(move |Response { data, holds_secret }| {
        let reply = response(data).spell(&request, clock.wall());
        let reply = if holds_secret { reply.never_compressed() } else { reply };
        // Lost only if the RoomServer is gone, and the sockets with it.
        rooms.do_send(Say { key, reply });
    });
    // A mailbox without a bound, but a session's rate has one, and the executor never waits.
    voice.executor.do_send(Execute { order, respond });
    Effect::Nothing
}

fn response(data: Box<RawValue>) -> Answer {
    Answer::Both { event: "voice_command_response", ack: data.clone(), data }
}
