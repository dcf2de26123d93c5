//! Socket.IO on a session: namespaces connected and left, events and acknowledgements heard.
//!
//! What a packet may look like is the codec's to say; here it is judged by what the session is
//! connected to. Whatever breaks the protocol ends the connection (`protocol.md`, 2.2 and 2.7).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::info;
use serde_json::value::RawValue;

use super::effects::Effect;
use super::handlers::{self, Charge};
use super::mount::{Occupant, PlaceNumber};
use super::socket::{Socket, new_id};
use super::{Session, Standing, TOKEN_ATTEMPTS};
use crate::auth::authenticator::{ConnectAuth, Judgement, Refusal};
use crate::dialect::{Dialect, Namespace, Request, socketio};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::Identity;
use crate::domain::profile::Profile;
use crate::events::command::Price;
use crate::hub::outboxes::SocketKey;
use crate::proto::engineio::CloseReason;
use crate::proto::socketio::{Header, Incoming, Kind, PacketError};

/// How long packets for a namespace that we have ended are taken for being on their way.
const IN_FLIGHT: Duration = Duration::from_secs(5);

impl Session {
    /// Takes what the codec made of a message.
    pub(super) fn take_incoming(&mut self, incoming: Result<Incoming<'_>, PacketError>) {
        match incoming {
            Ok(Incoming::Packet(header)) => self.take_packet(&header, Vec::new()),
            Ok(Incoming::Assembled(message)) => {
                self.take_packet(&message.header(), message.attachments.clone());
            }
            // Nothing is put together for a namespace that nobody is in.
            Ok(Incoming::Awaiting { .. }) => {
                let engine = self.link.engine();
                let awaited = engine.and_then(|own| own.assembler.awaiting());
                let awaited = awaited.and_then(|spelled| self.mount.find(spelled));
                if awaited.and_then(|place| self.key_in(place)).is_none() {
                    self.judge_stray(awaited);
                }
            }
            Ok(Incoming::TooLarge { namespace, size }) => self.too_large(&namespace, size),
            Err(PacketError::TooLarge) => {
                self.end_engine(Farewell::TooBig("message too large"), CloseReason::TooLarge);
            }
            Err(error) => self.break_off(&error.to_string()),
        }
    }

    fn take_packet(&mut self, header: &Header<'_>, attachments: Vec<Bytes>) {
        let place = self.mount.find(header.namespace);
        if header.kind == Kind::Connect {
            return match place {
                Some(place) => self.connect(place, header.namespace, header.data),
                None if self.may_try(header.namespace) => self.refuse_unknown(header.namespace),
                None => {}
            };
        }
        let Some(key) = place.and_then(|place| self.key_in(place)) else {
            return self.judge_stray(place);
        };
        let is_own = self.socket(key).is_some_and(|socket| socket.profile.is_none());
        match header.kind {
            Kind::Event | Kind::BinaryEvent if is_own => self.take_own_event(key, header, &attachments),
            Kind::Event | Kind::BinaryEvent => self.take_event_of(key, header, attachments),
            Kind::Disconnect => self.remove_socket(key),
            // A program's events ask for none.
            Kind::Ack | Kind::BinaryAck if is_own => {}
            Kind::Ack | Kind::BinaryAck => {
                let effect = handlers::acknowledgements::native(self, key, header.id);
                self.take_effect(effect);
            }
            Kind::Connect | Kind::ConnectError => self.break_off("a packet only a server may send"),
        }
    }

    fn take_event_of(&mut self, key: SocketKey, header: &Header<'_>, attachments: Vec<Bytes>) {
        // An event without a payload is ignored, as the reference does.
        let (Some(event), Some(socket)) = (header.event(), self.socket(key)) else { return };
        let request = Request {
            dialect: socket.dialect.clone(),
            name: Some(handlers::shown(&event.name)),
            id: None,
            ack: header.id,
        };
        let effect = handlers::event(self, key, &event.name, event.args.first(), attachments, request);
        self.take_effect(effect);
    }

    /// Carries out what a handler wants.
    pub(super) fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Nothing => {}
            Effect::Reply(reply) => self.reply(&reply),
            Effect::Ask(ask) => self.awaited = Some(ask),
        }
    }

    fn connect(&mut self, place: PlaceNumber, spelled: &str, auth: Option<&RawValue>) {
        if self.key_in(place).is_some() {
            return self.break_off("a second CONNECT");
        }
        if let Standing::Surplus(_) = self.standing {
            let message = "The server has as many connections as it may";
            self.refuse_connect(spelled, message, &ClientError::new(ErrorCode::ConnectionLimit, message));
            return self.leave(Farewell::ConnectionLimit);
        }
        if !self.may_try(spelled) {
            return;
        }
        let mount = Arc::clone(&self.mount);
        let (namespace, profile) = match mount.place(place).map(|place| &place.occupant) {
            Some(Occupant::Profile(namespace, profile)) => (*namespace, *profile),
            Some(Occupant::Own(own)) => return self.connect_own(place, spelled, auth, &**own),
            None => return self.refuse_unknown(spelled),
        };
        let id = new_id(&self.services);
        match self.judge(auth, profile, &id) {
            Ok(identity) => {
                let Some(dialect) = self.dialect(profile, namespace, spelled, &identity) else {
                    return self.refuse_unknown(spelled);
                };
                let key = self.services.worker.share(&self.outbox);
                self.sockets.push(Socket::new(key, id, dialect, profile).at(place));
                self.awaited = handlers::connection::welcome(self, key, identity);
            }
            Err(refusal) => {
                self.refused_tokens += 1;
                self.note_refusal("CONNECT");
                self.refuse_credentials(namespace, spelled, refusal);
                if self.refused_tokens >= TOKEN_ATTEMPTS {
                    self.leave(Farewell::Unauthenticated("too many refused tokens"));
                }
            }
        }
    }

    /// Whose socket this will be.
    fn judge(&self, auth: Option<&RawValue>, profile: Profile, id: &Id) -> Judgement {
        let auth = ConnectAuth::read(auth)?;
        let now = self.services.ambient.clock.wall();
        let mut shown = self.shown.clone();
        // A cookie whose sign-in has ended counts as if none had been sent.
        shown.token = shown
            .token
            .filter(|token| token.as_ref().ok().is_none_or(|who| self.services.cookies.stands(who)));
        self.services.authenticator.connect(profile, &auth, &shown, id, now)
    }

    /// What the socket will speak. Another spelling than the name's own is among the few that all
    /// clients share, so only who has shown who they are gets one.
    fn dialect(
        &self,
        profile: Profile,
        namespace: Namespace,
        spelled: &str,
        who: &Identity,
    ) -> Option<Dialect> {
        let is_enveloped = profile == Profile::Intraday && self.mount.settings.has_envelopes;
        if spelled == namespace.name() {
            return Some(if is_enveloped { Dialect::Enveloped } else { Dialect::SocketIo(namespace) });
        }
        let shared = self.services.spellings.share(spelled).filter(|_| who.is_proven());
        shared.map(if is_enveloped { Dialect::EnvelopedAs } else { Dialect::SocketIoAs })
    }

    /// Takes the price of a CONNECT: a flood of them would be a flood of refusals.
    fn may_try(&mut self, spelled: &str) -> bool {
        match handlers::charge(self, Price::Message) {
            Charge::Paid => true,
            Charge::Refused { error, is_due } => {
                if is_due {
                    self.refuse_connect(spelled, &error.message, &error);
                } else {
                    self.count_refusal();
                }
                false
            }
            Charge::Dropped => false,
        }
    }

    /// Refuses in the words that the guides' clients look for (contract X-02).
    fn refuse_credentials(&self, namespace: Namespace, spelled: &str, refusal: Refusal) {
        let reason = refusal.to_string();
        let message = match namespace {
            Namespace::Events => format!("Tenant authentication failed: {reason}"),
            Namespace::Root | Namespace::Ws => "Authentication failed".to_owned(),
        };
        self.refuse_connect(spelled, &message, &ClientError::auth_failed(reason));
    }

    pub(super) fn refuse_connect(&self, spelled: &str, message: &str, error: &ClientError) {
        self.count_refusal();
        self.send(&socketio::refused(spelled, message, error));
    }

    fn refuse_unknown(&self, spelled: &str) {
        self.count_refusal();
        self.send(&socketio::unknown(spelled));
    }

    /// Tells of a message that was too large to be read (contract D-16).
    fn too_large(&mut self, spelled: &str, size: usize) {
        let place = self.mount.find(spelled);
        let key = place.and_then(|place| self.key_in(place));
        let Some(socket) = key.and_then(|key| self.socket(key)) else {
            return self.judge_stray(place);
        };
        let request = Request { dialect: socket.dialect.clone(), ..Request::default() };
        if handlers::is_within_rate(self, Price::Message, &request) {
            info!(id = self.id.as_str(), bytes = size; "message_too_large");
            let error = ClientError::too_large(self.mount.settings.soft_message_bytes);
            self.reply(&handlers::failure(self, &error, &request));
        }
    }

    fn key_in(&self, place: PlaceNumber) -> Option<SocketKey> {
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| socket.place == Some(place)).map(|socket| socket.key)
    }

    fn has_just_ended(&self, place: PlaceNumber) -> bool {
        let now = self.services.ambient.clock.now();
        let mut ended = self.link.engine().into_iter().flat_map(|engine| &engine.ended);
        ended.any(|(own, at)| *own == place && now.since(*at) < IN_FLIGHT)
    }

    /// A packet for a namespace that is not connected breaks the protocol, unless it crossed our own
    /// goodbye on its way.
    fn judge_stray(&mut self, place: Option<PlaceNumber>) {
        if !place.is_some_and(|place| self.has_just_ended(place)) {
            self.break_off("a packet for a namespace that is not connected");
        }
    }

    /// Ends a connection whose client broke the protocol. All its namespaces end with it.
    fn break_off(&mut self, reason: &str) {
        info!(id = self.id.as_str(), reason; "socketio_protocol_error");
        self.end_engine(Farewell::ProtocolError("Socket.IO protocol error"), CloseReason::Forced);
    }
}
