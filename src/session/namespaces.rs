//! Socket.IO on a session: namespaces connected and left, events and acknowledgements heard.
//!
//! What a packet may look like is the codec's to say; here it is judged by what the session is
//! connected to. Whatever breaks the protocol ends the connection (`protocol.md`, 2.2 and 2.7).

use std::time::Duration;

use bytes::Bytes;
use log::info;
use serde_json::value::RawValue;

use super::directory::EnginePath;
use super::effects::Effect;
use super::handlers::{self, Charge};
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

/// The profile of a namespace on an engine path (contract 0.2).
fn profile(path: EnginePath, namespace: Namespace) -> Profile {
    match (path, namespace) {
        (_, Namespace::Events) => Profile::Flow,
        (_, Namespace::Ws) => Profile::Project,
        (EnginePath::SocketIo, Namespace::Root) => Profile::Collab,
        (EnginePath::Ws, Namespace::Root) => Profile::Intraday,
    }
}

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
                let awaited = engine.and_then(|own| own.assembler.awaiting()).and_then(Namespace::find);
                if awaited.and_then(|namespace| self.key_in(namespace)).is_none() {
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
        let namespace = Namespace::find(header.namespace);
        if header.kind == Kind::Connect {
            return match namespace {
                Some(namespace) => self.connect(namespace, header.namespace, header.data),
                None if self.may_try(header.namespace) => self.refuse_unknown(header.namespace),
                None => {}
            };
        }
        let Some(key) = namespace.and_then(|namespace| self.key_in(namespace)) else {
            return self.judge_stray(namespace);
        };
        match header.kind {
            Kind::Event | Kind::BinaryEvent => self.take_event_of(key, header, attachments),
            Kind::Disconnect => self.remove_socket(key),
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

    fn connect(&mut self, namespace: Namespace, spelled: &str, auth: Option<&RawValue>) {
        if self.key_in(namespace).is_some() {
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
        let path = self.link.engine().map_or(EnginePath::SocketIo, |engine| engine.path());
        let profile = profile(path, namespace);
        let id = new_id(&self.services);
        match self.judge(auth, profile, &id) {
            Ok(identity) => {
                let Some(dialect) = self.dialect(profile, namespace, spelled, &identity) else {
                    return self.refuse_unknown(spelled);
                };
                let key = self.services.worker.share(&self.outbox);
                self.sockets.push(Socket::new(key, id, dialect, profile));
                self.awaited = handlers::connection::welcome(self, key, identity);
            }
            Err(refusal) => {
                self.refused_tokens += 1;
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
        let is_enveloped = profile == Profile::Intraday && self.services.settings.has_envelopes;
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
        let namespace = Namespace::find(spelled);
        let key = namespace.and_then(|namespace| self.key_in(namespace));
        let Some(socket) = key.and_then(|key| self.socket(key)) else {
            return self.judge_stray(namespace);
        };
        let request = Request { dialect: socket.dialect.clone(), ..Request::default() };
        if handlers::is_within_rate(self, Price::Message, &request) {
            info!(id = self.id.as_str(), bytes = size; "message_too_large");
            let error = ClientError::too_large(self.services.settings.soft_message_bytes);
            self.reply(&handlers::failure(self, &error, &request));
        }
    }

    fn key_in(&self, namespace: Namespace) -> Option<SocketKey> {
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| socket.namespace() == Some(namespace)).map(|socket| socket.key)
    }

    fn has_just_ended(&self, namespace: Namespace) -> bool {
        let now = self.services.ambient.clock.now();
        let mut ended = self.link.engine().into_iter().flat_map(|engine| &engine.ended);
        ended.any(|(own, at)| *own == namespace && now.since(*at) < IN_FLIGHT)
    }

    /// A packet for a namespace that is not connected breaks the protocol, unless it crossed our own
    /// goodbye on its way.
    fn judge_stray(&mut self, namespace: Option<Namespace>) {
        if !namespace.is_some_and(|namespace| self.has_just_ended(namespace)) {
            self.break_off("a packet for a namespace that is not connected");
        }
    }

    /// Ends a connection whose client broke the protocol. All its namespaces end with it.
    fn break_off(&mut self, reason: &str) {
        info!(id = self.id.as_str(), reason; "socketio_protocol_error");
        self.end_engine(Farewell::ProtocolError("Socket.IO protocol error"), CloseReason::Forced);
    }
}
