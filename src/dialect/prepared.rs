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
    /// In guide 004's envelope, if it is one of its broadcasts.
    enveloped: Variant,
    /// The same for namespaces spelled otherwise, of which there are few.
    spelled: Mutex<Vec<Spelled>>,
}

/// A frame for a namespace spelled so, with attachments as base64 or not.
type Spelled = (Arc<str>, bool, Option<Bytes>);

impl Prepared {
    /// `ack` must be below 2^31 (contract D-35).
    pub fn new(publication: Publication, labels: Vec<Option<Arc<str>>>, ack: Option<u32>) -> Prepared {
        let plain = labels.iter().map(|_| OnceLock::new()).collect();
        let (socketio, enveloped, spelled) = Default::default();
        Prepared { publication, ack, labels, plain, socketio, enveloped, spelled }
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
            Dialect::Enveloped if self.has_envelope() => self.enveloped.get_or_init(|| {
                let enveloped = intraday::enveloped(&self.publication);
                socketio::publication(&enveloped, Namespace::Root.name(), self.ack, false)
            }),
            Dialect::Enveloped => self.socketio(Namespace::Root, base64),
            Dialect::SocketIoAs(spelled) => return self.spelled(spelled, base64).map(Cow::Owned),
        };
        shared.as_ref().map(Cow::Borrowed)
    }

    /// Whether it is one of guide 004's broadcasts.
    fn has_envelope(&self) -> bool {
        let audience = catalog::find_event(&self.publication.event).map(|event| event.audience);
        matches!(audience, Some(Audience::Channel(_) | Audience::Notice))
    }

    fn socketio(&self, namespace: Namespace, base64: bool) -> &Option<Bytes> {
        let variant = &self.socketio[namespace as usize][usize::from(base64)];
        variant.get_or_init(|| self.spell(namespace.name(), base64))
    }

    fn plain(&self, label: Label) -> &Option<Bytes> {
        let index = label as usize;
        self.plain[index].get_or_init(|| plain::publication(&self.publication, self.labels[index].as_deref()))
    }

    fn spelled(&self, namespace: &Arc<str>, base64: bool) -> Option<Bytes> {
        // The list is never left half changed, so a poisoned lock is as good as a sound one.
        let mut spelled = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = spelled.iter().find(|(name, form, _)| name == namespace && *form == base64);
        if let Some((_, _, frame)) = known {
            return frame.clone();
        }
        let frame = self.spell(namespace, base64);
        spelled.push((Arc::clone(namespace), base64, frame.clone()));
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
    fn a_namespace_spelled_with_a_query_is_spelled_back() {
        let prepared = Prepared::new(sample(Vec::new()), vec![None], None);
        let frame = prepared.frame(&Dialect::SocketIoAs("/ws?x=1".into()), 0, false).unwrap();
        assert!(String::from_utf8_lossy(&frame).contains("42/ws?x=1,["));
    }
}
