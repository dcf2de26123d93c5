//! The way out for whoever has something to say to rooms and knows no hub.

use super::publication::Publication;

/// Takes publications, from any thread. What one thread publishes, and what follows from it elsewhere,
/// reaches every client in that order.
pub trait Publisher: Send + Sync {
    /// Does not wait for it to be sent.
    fn publish(&self, publication: Publication);
}
