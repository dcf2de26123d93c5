//! One entry for all who speak alike, and its compressed forms: each made by whoever asks first.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::proto::websocket::{Effort, WindowBits, deflated};

/// `None` once it is known that there can be none.
type Form = OnceLock<Option<Bytes>>;

#[derive(Default)]
pub struct Variant {
    whole: Form,
    /// By window size; in a box, because most variants never have one.
    deflated: OnceLock<Box<[Form; WindowBits::SIZES]>>,
}

/// How a variant is to be compressed: for which window, from how many bytes of a message, and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Squeeze<'a> {
    pub window: WindowBits,
    pub from: usize,
    pub effort: Effort,
    /// Bytes compressed, added to by whoever does it.
    pub work: &'a AtomicUsize,
}

impl Variant {
    /// The entry, made by `make` if nobody has asked before; compressed, if `squeeze` says so and that
    /// makes it smaller.
    pub fn get(&self, squeeze: Option<Squeeze<'_>>, make: impl FnOnce() -> Option<Bytes>) -> Option<&Bytes> {
        let whole = self.whole.get_or_init(make).as_ref()?;
        // The heads of its frames count here; what a message has by itself is looked at below.
        let Some(Squeeze { window, from, effort, work }) =
            squeeze.filter(|squeeze| whole.len() > squeeze.from)
        else {
            return Some(whole);
        };
        let form = &self.deflated.get_or_init(Box::default)[window.index()];
        let small = form.get_or_init(|| {
            work.fetch_add(whole.len(), Ordering::Relaxed);
            deflated(whole, window, from, effort)
        });
        Some(small.as_ref().unwrap_or(whole))
    }
}
