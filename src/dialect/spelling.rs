//! Namespaces as their clients spell them, with a query behind the name.
//!
//! A client compares names as they stand, so it must be answered in its own spelling (`protocol.md`,
//! 2.1), and what is published is spelled anew for each. Therefore there are few at one time, short
//! ones, shared by all who spell alike.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Spellings in use at one time; whoever comes with another is refused.
const MOST: usize = 8;
/// Longest one, in bytes.
const LONGEST: usize = 256;

/// The spellings that some socket uses now.
#[derive(Default)]
pub struct Spellings(Mutex<Vec<Weak<str>>>);

impl Spellings {
    /// The one value of this spelling, for as long as anybody holds it. `None` if it is too long, or
    /// one too many.
    pub fn share(&self, spelled: &str) -> Option<Arc<str>> {
        // The list is never left half changed, so a poisoned lock is as good as a sound one.
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|one| one.strong_count() > 0);
        let known = used.iter().filter_map(Weak::upgrade).find(|one| **one == *spelled);
        if known.is_some() || used.len() >= MOST || spelled.len() > LONGEST {
            return known;
        }
        let one = Arc::from(spelled);
        used.push(Arc::downgrade(&one));
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_spellings_are_one_value_and_there_are_few() {
        let spellings = Spellings::default();
        let first = spellings.share("/ws?0").unwrap();
        assert!(Arc::ptr_eq(&first, &spellings.share("/ws?0").unwrap()));
        let mut held: Vec<_> = (1..MOST).map(|n| spellings.share(&format!("/ws?{n}")).unwrap()).collect();
        assert!(spellings.share("/ws?more").is_none());
        assert!(spellings.share("/ws?0").is_some());
        held.pop();
        assert!(spellings.share("/ws?more").is_some());
        assert!(spellings.share(&format!("/ws?{}", "x".repeat(LONGEST))).is_none());
    }
}
