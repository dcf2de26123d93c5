//! A session whose messages are a program's: what it hears is handed on, what is answered is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Emit, Event, Message, NamespaceHandler, Out};
use crate::dialect::raw::Form;
use crate::dialect::{Dialect, Request, socketio};
use crate::events::command::Price;
use crate::hub::outboxes::SocketKey;
use crate::proto::socketio::Header;
use crate::session::handlers::{self, Charge};
use crate::session::mount::{Occupant, PlaceNumber};
use crate::session::socket::{Socket, new_id};
use crate::session::{Link, Session};

impl Session {
    /// Tells a program that a session has begun whose messages are its own.
    pub(in crate::session) fn open_own(&mut self) {
        let Some(own) = self.mount.messages().map(Arc::clone) else { return };
        self.is_opened = true;
        self.answer_with(|out| own.opened(out));
    }

    /// Tells it that it is over.
    pub(in crate::session) fn close_own(&mut self) {
        if std::mem::take(&mut self.is_opened)
            && let Some(own) = self.mount.messages()
        {
            contained(|| own.closed(self.id.as_str()));
        }
    }

    /// Hands a message on. One beyond the rate is dropped: there are no words to say so.
    pub(in crate::session) fn hear_own(&mut self, message: Message<'_>) {
        let Some(own) = self.mount.messages().map(Arc::clone) else { return };
        match handlers::charge(self, Price::Message) {
            Charge::Paid => self.answer_with(|out| own.message(message, out)),
            Charge::Refused { .. } => self.count_refusal(),
            Charge::Dropped => {}
        }
    }

    fn answer_with(&self, say: impl FnOnce(&mut Out<'_>)) {
        let form = match self.link {
            Link::Plain(_) => Form::Plain,
            Link::Engine(_) => Form::Engine { base64: self.outbox.wire().base64 },
        };
        let mut out = Out::new(self.id.as_str(), form);
        say(&mut out);
        out.finish().iter().for_each(|frame| self.send(frame));
    }

    /// Lets a client into a program's namespace.
    pub(in crate::session) fn connect_own(
        &mut self,
        place: PlaceNumber,
        spelled: &str,
        auth: Option<&RawValue>,
        own: &dyn NamespaceHandler,
    ) {
        let (key, id) = (self.services.worker.share(&self.outbox), new_id(&self.services));
        self.send(&socketio::connected(spelled, id.as_str()));
        let dialect = Dialect::SocketIoAs(spelled.into());
        let socket = Socket::of_program(key, id.clone(), dialect, place);
        self.sockets.push(socket);
        if let Some(engine) = self.link.engine_mut() {
            engine.connect_due = None;
        }
        let nothing: Box<RawValue>;
        let auth = match auth {
            Some(auth) => auth,
            None => {
                nothing = RawValue::from_string("{}".to_owned()).expect("an object");
                &nothing
            }
        };
        let mut emit = Emit::new(id.as_str(), spelled, self.outbox.wire().base64, None);
        own.connected(auth, &mut emit);
        emit.finish().iter().for_each(|frame| self.send(frame));
    }

    /// Hands an event on.
    pub(in crate::session) fn take_own_event(
        &mut self,
        key: SocketKey,
        header: &Header<'_>,
        attachments: &[Bytes],
    ) {
        let (Some(event), Some(socket)) = (header.event(), self.socket(key)) else { return };
        let (id, dialect) = (socket.id.clone(), socket.dialect.clone());
        let Some(own) = self.own_namespace(socket) else { return };
        let request = Request {
            dialect: dialect.clone(),
            name: Some(handlers::shown(&event.name)),
            id: None,
            ack: header.id,
        };
        if !handlers::is_within_rate(self, Price::Message, &request) {
            return;
        }
        let spelled = dialect.namespace().unwrap_or("/");
        let mut emit = Emit::new(id.as_str(), spelled, self.outbox.wire().base64, header.id);
        let said = Event { name: &event.name, args: event.args, attachments, ack: header.id };
        own.event(&said, &mut emit);
        emit.finish().iter().for_each(|frame| self.send(frame));
    }

    /// Tells a program that one of its sockets has gone. What goes wrong in it ends the session.
    pub(in crate::session) fn leave_own(&self, socket: &Socket) {
        if let Some(own) = self.own_namespace(socket)
            && !contained(|| own.disconnected(socket.id.as_str()))
        {
            self.outbox.abandon();
        }
    }

    fn own_namespace(&self, socket: &Socket) -> Option<Arc<dyn NamespaceHandler>> {
        match &self.mount.place(socket.place?)?.occupant {
            Occupant::Own(own) => Some(Arc::clone(own)),
            Occupant::Profile(..) => None,
        }
    }
}

/// Calls a program where nothing may unwind: the session may be ending by a panic already. Gives
/// whether it came to its end. The panic itself is reported by whoever reports panics.
fn contained(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_ok()
}
