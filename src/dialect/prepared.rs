//! A publication, spelled at most once per variant and shared by all who get that variant.
//!
//! A variant is named by the dialect and, for plain clients, the matched room; deflated frames by
//! window size are one more coordinate of the same table. Nothing in a variant depends on a single
//! socket, so the bytes are the same for a thousand of them.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::socketio::Namespace;
use super::{Dialect, plain, socketio};
use crate::events::catalog::{self, Audience};
use crate::events::payload::intraday;
use crate::events::publication::Publication;

/// Index into [`Prepared`]'s labels.
pub type Label = u32;

/// A frame made by whoever asks first; `None` once it is known that there can be none.
type Variant = OnceLock<Option<Bytes>>;

/// A publication together with the frames made of it so far.
pub struct Prepared {
    publication: Publication,
    /// The number under which Socket.IO clients acknowledge it, if they are to.
    ack: Option<u32>,
    /// Rooms by which a socket may be matched; `None` where it is matched by no room.
    labels: Vec<Option<Arc<str>>>,
    plain: Vec<Variant>,
    /// By namespace, with attachments as bytes and as base64.
    socketio: [[Variant; 2]; Namespace::ALL.len()],
    /// In guide 004's envelope; `None` once it is known to be none of its broadcasts.
    envelope: OnceLock<Option<Box<Publication>>>,
    enveloped: Variant,
    /// The same for namespaces spelled otherwise, of which there are few.
    spelled: Mutex<Vec<Spelled>>,
}

/// A frame for one form, and a namespace spelled so.
type Spelled = (Arc<str>, Form, Option<Bytes>);

/// How one and the same namespace may be told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    has_envelope: bool,
    base64: bool,
}

impl Prepared {
    /// `ack` must be below 2^31 (contract D-35).
    pub fn new(publication: Publication, labels: Vec<Option<Arc<str>>>, ack: Option<u32>) -> Prepared {
        let plain = labels.iter().map(|_| OnceLock::new()).collect();
        let (socketio, envelope, enveloped, spelled) = Default::default();
        Prepared { publication, ack, labels, plain, socketio, envelope, enveloped, spelled }
    }

    /// The number under which it is acknowledged, if it is to be.
    pub fn ack(&self) -> Option<u32> {
        self.ack
    }

    /// The entry for a socket that speaks `dialect` and was matched by `label`; `base64` where its
    /// transport takes no bytes. `None` if the publication cannot be told in that dialect.
    pub fn frame(&self, dialect: &Dialect, label: Label, base64: bool) -> Option<Cow<'_, Bytes>> {
        // Without attachments both are the same.
        let base64 = base64 && !self.publication.attachments.is_empty();
        let shared = match dialect {
            Dialect::Plain => self.plain(label),
            Dialect::SocketIo(namespace) => self.socketio(*namespace, base64),
            Dialect::Enveloped => match self.envelope() {
                Some(envelope) => self
                    .enveloped
                    .get_or_init(|| socketio::publication(envelope, Namespace::Root.name(), self.ack, false)),
                None => self.socketio(Namespace::Root, base64),
            },
            Dialect::SocketIoAs(spelled) => {
                return self.spelled(spelled, Form { has_envelope: false, base64 }).map(Cow::Owned);
            }
            Dialect::EnvelopedAs(spelled) => {
                return self.spelled(spelled, Form { has_envelope: true, base64 }).map(Cow::Owned);
            }
        };
        shared.as_ref().map(Cow::Borrowed)
    }

    /// What clients of guide 004's wrapper hear instead, if it is one of the guide's broadcasts. Looked up
    /// for the first of them, not for each.
    fn envelope(&self) -> Option<&Publication> {
        let envelope = self.envelope.get_or_init(|| {
            let audience = catalog::find_event(&self.publication.event).map(|event| event.audience);
            let is_enveloped = matches!(audience, Some(Audience::Channel(_) | Audience::Notice));
            is_enveloped.then(|| Box::new(intraday::enveloped(&self.publication)))
        });
        envelope.as_deref()
    }

    fn socketio(&self, namespace: Namespace, base64: bool) -> &Option<Bytes> {
        let variant = &self.socketio[namespace as usize][usize::from(base64)];
        variant.get_or_init(|| self.spell(namespace.name(), base64))
    }

    fn plain(&self, label: Label) -> &Option<Bytes> {
        let index = label as usize;
        self.plain[index].get_or_init(|| plain::publication(&self.publication, self.labels[index].as_deref()))
    }

    fn spelled(&self, namespace: &Arc<str>, form: Form) -> Option<Bytes> {
        // The list is never left half changed, so a poisoned lock is as good as a sound one.
        let mut spelled = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = spelled.iter().find(|(name, own, _)| name == namespace && *own == form);
        if let Some((_, _, frame)) = known {
            return frame.clone();
        }
        let frame = match self.envelope().filter(|_| form.has_envelope) {
            Some(envelope) => socketio::publication(envelope, namespace, self.ack, false),
            None => self.spell(namespace, form.base64),
        };
        spelled.push((Arc::clone(namespace), form, frame.clone()));
        frame
    }

    fn spell(&self, namespace: &str, base64: bool) -> Option<Bytes> {
        socketio::publication(&self.publication, namespace, self.ack, base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::events::publication::{Priority, Target};

    fn sample(attachments: Vec<Bytes>) -> Publication {
        Publication {
            message_id: "m".into(),
            event: "custom:event".into(),
            data: Arc::from(serde_json::value::RawValue::from_string("1".into()).unwrap()),
            attachments,
            target: Target::everyone(),
            requires_ack: false,
            priority: Priority::default(),
            sent_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_variant_is_made_once() {
        let prepared = Prepared::new(sample(Vec::new()), vec![None, Some("a".into())], None);
        let address = |dialect: &Dialect, label, base64| {
            let frame = prepared.frame(dialect, label, base64).unwrap();
            (frame.as_ptr(), frame.len())
        };
        let (root, ws) = (Dialect::SocketIo(Namespace::Root), Dialect::SocketIo(Namespace::Ws));

        assert_eq!(address(&Dialect::Plain, 1, false), address(&Dialect::Plain, 1, true));
        assert_ne!(address(&Dialect::Plain, 0, false), address(&Dialect::Plain, 1, false));
        // The matched room stands in no Socket.IO packet, so it makes no variant.
        assert_eq!(address(&root, 0, false), address(&root, 1, true));
        assert_ne!(address(&root, 0, false), address(&ws, 0, false));
    }

    #[test]
    fn only_attachments_make_base64_a_variant() {
        let prepared = Prepared::new(sample(vec![Bytes::from_static(b"x")]), vec![None], None);
        let root = Dialect::SocketIo(Namespace::Root);
        assert_ne!(prepared.frame(&root, 0, false), prepared.frame(&root, 0, true));
    }

    #[test]
    fn guide_004_s_broadcasts_have_one_envelope_for_each_spelling() {
        let spelled: Arc<str> = "/?v=1".into();
        let [bare, wrapped] =
            [Dialect::SocketIoAs(Arc::clone(&spelled)), Dialect::EnvelopedAs(Arc::clone(&spelled))];
        let frames = |event: &str| {
            let prepared =
                Prepared::new(Publication { event: event.into(), ..sample(Vec::new()) }, vec![None], None);
            [&Dialect::Enveloped, &wrapped, &bare].map(|dialect| {
                let frame = |base64| prepared.frame(dialect, 0, base64).unwrap().into_owned();
                assert_eq!(frame(false).as_ptr(), frame(true).as_ptr(), "made once");
                String::from_utf8_lossy(&frame(false)).into_owned()
            })
        };
        let [root, wrapped_as, bare_as] = frames("kpi:update");
        assert!(root.contains(r#"42["message",{"message_id":"m","event":"kpi:update""#), "{root}");
        assert!(wrapped_as.contains(r#"42/?v=1,["message",{"message_id":"m","event":"kpi:update""#));
        assert!(bare_as.contains(r#"42/?v=1,["kpi:update",1]"#), "{bare_as}");
        let [root, wrapped_as, bare_as] = frames("custom:event");
        assert!(root.contains(r#"42["custom:event",1]"#), "{root}");
        assert_eq!(wrapped_as, bare_as);
    }

    #[test]
    fn a_namespace_spelled_with_a_query_is_spelled_back() {
        let prepared = Prepared::new(sample(Vec::new()), vec![None], None);
        let frame = prepared.frame(&Dialect::SocketIoAs("/ws?x=1".into()), 0, false).unwrap();
        assert!(String::from_utf8_lossy(&frame).contains("42/ws?x=1,["));
    }
}
