//! A publication, spelled at most once per variant and shared by all who get that variant.
//!
//! A variant is named by the dialect and, for plain clients, the matched room; within it, compressed
//! forms are named by their window. Nothing in any of them depends on a single socket, so the bytes
//! are the same for a thousand of them, and compressed once.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::socketio::Namespace;
use super::variant::{Squeeze, Variant};
use super::{Dialect, Wire, plain, socketio};
use crate::events::catalog::{self, Audience};
use crate::events::payload::intraday;
use crate::events::publication::Publication;
use crate::proto::websocket::Effort;

/// Rooms by which a publication may be matched and still be compressed thoroughly.
const FEW_LABELS: usize = 8;

/// Index into [`Prepared`]'s labels.
pub type Label = u32;

/// A publication together with the frames made of it so far.
pub struct Prepared {
    publication: Publication,
    /// The number under which Socket.IO clients acknowledge it, if they are to.
    ack: Option<u32>,
    /// Rooms by which a socket may be matched; `None` where it is matched by no room.
    labels: Vec<Option<Arc<str>>>,
    /// Messages are compressed from so many bytes; `None` if never.
    compress_from: Option<usize>,
    effort: Effort,
    /// Bytes compressed since that was last asked.
    work: AtomicUsize,
    plain: Vec<Variant>,
    /// By namespace, with attachments as bytes and as base64.
    socketio: [[Variant; 2]; Namespace::ALL.len()],
    /// In guide 004's envelope; `None` once it is known to be none of its broadcasts.
    envelope: OnceLock<Option<Box<Publication>>>,
    enveloped: Variant,
    /// The same for namespaces spelled otherwise, of which there are few.
    spelled: Mutex<Vec<Spelled>>,
}

/// A variant for one form, and a namespace spelled so.
type Spelled = (Arc<str>, Form, Arc<Variant>);

/// How one and the same namespace may be told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    has_envelope: bool,
    base64: bool,
}

impl Prepared {
    /// `ack` must be below 2^31 (contract D-35).
    pub fn new(
        publication: Publication,
        labels: Vec<Option<Arc<str>>>,
        ack: Option<u32>,
        compress_from: Option<usize>,
    ) -> Prepared {
        // What is spelled for many rooms is sent to few each.
        let effort = if labels.len() > FEW_LABELS { Effort::Quick } else { Effort::Thorough };
        let plain = labels.iter().map(|_| Variant::default()).collect();
        let (work, socketio, envelope, enveloped, spelled) = Default::default();
        Prepared {
            publication,
            ack,
            labels,
            compress_from,
            effort,
            work,
            plain,
            socketio,
            envelope,
            enveloped,
            spelled,
        }
    }

    /// The number under which it is acknowledged, if it is to be.
    pub fn ack(&self) -> Option<u32> {
        self.ack
    }

    /// The same for one that goes to a single socket.
    pub fn for_one(mut self) -> Prepared {
        self.effort = Effort::Quick;
        self
    }

    /// Bytes that were compressed since this was last asked, by whoever asked for a frame first.
    pub fn take_work(&self) -> usize {
        match self.work.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.work.swap(0, Ordering::Relaxed),
        }
    }

    /// Whether any client may get it compressed.
    pub fn may_be_compressed(&self) -> bool {
        self.compress_from.is_some()
    }

    /// Bytes of its payload.
    pub fn size(&self) -> usize {
        self.publication.data.get().len()
    }

    /// The entry for a socket that speaks `dialect` over `wire` and was matched by `label`. `None` if
    /// the publication cannot be told in that dialect.
    pub fn frame(&self, dialect: &Dialect, label: Label, wire: Wire) -> Option<Cow<'_, Bytes>> {
        // Without attachments both are the same.
        let base64 = wire.base64 && !self.publication.attachments.is_empty();
        let squeeze = self.compress_from.zip(wire.deflate).map(|(from, window)| {
            let (effort, work) = (self.effort, &self.work);
            Squeeze { window, from, effort, work }
        });
        let shared = match dialect {
            Dialect::Plain => self.plain(label, squeeze),
            Dialect::SocketIo(namespace) => self.socketio(*namespace, base64, squeeze),
            Dialect::Enveloped => match self.envelope() {
                Some(envelope) => self.enveloped.get(squeeze, || {
                    socketio::publication(envelope, Namespace::Root.name(), self.ack, false)
                }),
                None => self.socketio(Namespace::Root, base64, squeeze),
            },
            Dialect::SocketIoAs(spelled) => {
                let form = Form { has_envelope: false, base64 };
                return self.spelled(spelled, form, squeeze).map(Cow::Owned);
            }
            Dialect::EnvelopedAs(spelled) => {
                let form = Form { has_envelope: true, base64 };
                return self.spelled(spelled, form, squeeze).map(Cow::Owned);
            }
        };
        shared.map(Cow::Borrowed)
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

    fn socketio(&self, namespace: Namespace, base64: bool, squeeze: Option<Squeeze<'_>>) -> Option<&Bytes> {
        let variant = &self.socketio[namespace as usize][usize::from(base64)];
        variant.get(squeeze, || self.spell(namespace.name(), base64))
    }

    fn plain(&self, label: Label, squeeze: Option<Squeeze<'_>>) -> Option<&Bytes> {
        let index = label as usize;
        self.plain[index]
            .get(squeeze, || plain::publication(&self.publication, self.labels[index].as_deref()))
    }

    fn spelled(&self, namespace: &Arc<str>, form: Form, squeeze: Option<Squeeze<'_>>) -> Option<Bytes> {
        let variant = self.spelling(namespace, form);
        let make = || match self.envelope().filter(|_| form.has_envelope) {
            Some(envelope) => socketio::publication(envelope, namespace, self.ack, false),
            None => self.spell(namespace, form.base64),
        };
        variant.get(squeeze, make).cloned()
    }

    fn spelling(&self, namespace: &Arc<str>, form: Form) -> Arc<Variant> {
        // The list is never left half changed, so a poisoned lock is as good as a sound one.
        let mut spelled = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = spelled.iter().find(|(name, own, _)| name == namespace && *own == form);
        if let Some((_, _, variant)) = known {
            return Arc::clone(variant);
        }
        let variant = Arc::<Variant>::default();
        spelled.push((Arc::clone(namespace), form, Arc::clone(&variant)));
        variant
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
    use crate::proto::websocket::WindowBits;

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

    fn wire(base64: bool) -> Wire {
        Wire { base64, deflate: None }
    }

    #[test]
    fn each_window_s_form_is_made_once_and_shared() {
        let data = format!("\"{}\"", "la ".repeat(1_000));
        let data: Arc<_> = serde_json::value::RawValue::from_string(data).unwrap().into();
        let long = Publication { data, ..sample(Vec::new()) };
        let prepared = Prepared::new(long, vec![None], None, Some(1_024));
        let spelled = Dialect::SocketIoAs("/?v=1".into());
        for dialect in [Dialect::Plain, Dialect::SocketIo(Namespace::Ws), spelled] {
            let deflated = |bits| {
                let wire = Wire { base64: false, deflate: WindowBits::new(bits) };
                prepared.frame(&dialect, 0, wire).unwrap().into_owned()
            };
            let whole = prepared.frame(&dialect, 0, wire(false)).unwrap().into_owned();
            assert!(whole.len() > 3_000 && deflated(15).len() < 200);
            assert_eq!(deflated(15).as_ptr(), deflated(15).as_ptr());
            assert_ne!(deflated(15).as_ptr(), deflated(9).as_ptr());
        }
    }

    #[test]
    fn what_is_short_or_may_not_be_compressed_is_the_same_for_all() {
        let wires = [None, WindowBits::new(9), Some(WindowBits::MAX)];
        for compress_from in [None, Some(1_024)] {
            let prepared = Prepared::new(sample(Vec::new()), vec![None], None, compress_from);
            let frames = wires.map(|deflate| {
                let wire = Wire { base64: false, deflate };
                prepared.frame(&Dialect::Plain, 0, wire).unwrap().as_ptr()
            });
            assert!(frames.iter().all(|frame| *frame == frames[0]));
            assert_eq!(prepared.may_be_compressed(), compress_from.is_some());
        }
    }

    #[test]
    fn a_variant_is_made_once() {
        let prepared = Prepared::new(sample(Vec::new()), vec![None, Some("a".into())], None, None);
        let address = |dialect: &Dialect, label, base64| {
            let frame = prepared.frame(dialect, label, wire(base64)).unwrap();
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
        let prepared = Prepared::new(sample(vec![Bytes::from_static(b"x")]), vec![None], None, None);
        let root = Dialect::SocketIo(Namespace::Root);
        assert_ne!(prepared.frame(&root, 0, wire(false)), prepared.frame(&root, 0, wire(true)));
    }

    #[test]
    fn guide_004_s_broadcasts_have_one_envelope_for_each_spelling() {
        let spelled: Arc<str> = "/?v=1".into();
        let [bare, wrapped] =
            [Dialect::SocketIoAs(Arc::clone(&spelled)), Dialect::EnvelopedAs(Arc::clone(&spelled))];
        let frames = |event: &str| {
            let prepared = Prepared::new(
                Publication { event: event.into(), ..sample(Vec::new()) },
                vec![None],
                None,
                None,
            );
            [&Dialect::Enveloped, &wrapped, &bare].map(|dialect| {
                let frame = |base64| prepared.frame(dialect, 0, wire(base64)).unwrap().into_owned();
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
        let prepared = Prepared::new(sample(Vec::new()), vec![None], None, None);
        let frame = prepared.frame(&Dialect::SocketIoAs("/ws?x=1".into()), 0, wire(false)).unwrap();
        assert!(String::from_utf8_lossy(&frame).contains("42/ws?x=1,["));
    }
}
