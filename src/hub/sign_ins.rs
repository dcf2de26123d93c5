//! Which sockets came by which sign-in, so that all of them can be sent away with it.

use std::collections::{BTreeSet, HashMap};

use super::outboxes::SocketKey;
use crate::domain::identity::SignIn;

/// The sign-ins that have a socket here.
#[derive(Default)]
pub struct SignIns(HashMap<SignIn, BTreeSet<SocketKey>>);

impl SignIns {
    /// `key` speaks by `after`, no longer by `before`; most sockets speak by none.
    pub fn change(&mut self, key: SocketKey, before: Option<SignIn>, after: Option<SignIn>) {
        if before == after {
            return;
        }
        if let Some(before) = before
            && let Some(sockets) = self.0.get_mut(&before)
        {
            sockets.remove(&key);
            if sockets.is_empty() {
                self.0.remove(&before);
            }
        }
        if let Some(after) = after {
            self.0.entry(after).or_default().insert(key);
        }
    }

    /// The sockets that came by any of `sign_ins`.
    pub fn sockets(&self, sign_ins: &[SignIn]) -> Vec<SocketKey> {
        sign_ins.iter().filter_map(|sign_in| self.0.get(sign_in)).flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_found_while_they_are_there() {
        let [a, b, c] = [0, 1, 2].map(|slot| SocketKey { worker: 0, slot, generation: 0 });
        let (one, two) = (SignIn(1), SignIn(2));
        let mut sign_ins = SignIns::default();
        for (key, sign_in) in [(a, Some(one)), (b, Some(one)), (c, None)] {
            sign_ins.change(key, None, sign_in);
        }
        assert_eq!(sign_ins.sockets(&[one]), [a, b]);
        sign_ins.change(b, Some(one), Some(two));
        assert_eq!((sign_ins.sockets(&[one]), sign_ins.sockets(&[two, one])), (vec![a], vec![b, a]));
        sign_ins.change(a, Some(one), None);
        sign_ins.change(b, Some(two), None);
        assert!(sign_ins.0.is_empty());
    }
}
