//! A publication, spelled at most once per variant and shared by all who get that variant.
//!
//! A variant is named by the matched room; more dialects, and deflated frames by window size, are
//! further coordinates of the same table. Nothing in a variant depends on a single socket, so the
//! bytes are the same for a thousand of them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::plain;
use crate::events::publication::Publication;

/// Index into [`Prepared`]'s labels.
pub type Label = u32;

/// A publication together with the frames made of it so far.
pub struct Prepared {
    publication: Publication,
    /// Rooms by which a socket may be matched; `None` where it is matched by no room.
    labels: Vec<Option<Arc<str>>>,
    plain: Vec<OnceLock<Bytes>>,
}

impl Prepared {
    pub fn new(publication: Publication, labels: Vec<Option<Arc<str>>>) -> Prepared {
        let plain = labels.iter().map(|_| OnceLock::new()).collect();
        Prepared { publication, labels, plain }
    }

    /// The plain frame for a socket matched by `label`; made by whoever asks first.
    pub fn plain(&self, label: Label) -> &Bytes {
        let index = label as usize;
        self.plain[index].get_or_init(|| plain::publication(&self.publication, self.labels[index].as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::events::publication::Target;

    #[test]
    fn a_variant_is_made_once() {
        let publication = Publication {
            message_id: "m".into(),
            event: "custom:event".into(),
            data: Arc::from(serde_json::value::RawValue::from_string("1".into()).unwrap()),
            target: Target::everyone(),
            requires_ack: false,
            sent_at: Timestamp::from_millis(0),
        };
        let prepared = Prepared::new(publication, vec![None, Some("a".into())]);
        assert_eq!(prepared.plain(1).as_ptr(), prepared.plain(1).as_ptr());
        assert_ne!(prepared.plain(0), prepared.plain(1));
    }
}
