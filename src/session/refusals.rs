//! What counts as refused here (contract D-08): each message and each connection, once.
//!
//! A refusal that is told is counted where its words are found ([`super::handlers::failure`],
//! [`Session::refuse_connect`]); here is what is not told, or told by the end of the connection. A
//! request that is refused is counted by who answers it.

use super::Session;
use crate::domain::farewell::Farewell;

impl Session {
    pub(super) fn count_refusal(&self) {
        self.services.meters.refused();
    }

    /// Counts an ending that is a refusal of its own. The others follow a refusal that was told and
    /// counted, or are none.
    pub(super) fn count_ending(&self, farewell: Farewell) {
        let is_limit = matches!(farewell, Farewell::Flood | Farewell::SlowConsumer | Farewell::Overload);
        if is_limit || farewell.is_violation() {
            self.count_refusal();
        }
    }

    /// Takes the price of a sign of life. What is beyond any need of them is dropped silently
    /// (contract X-29).
    pub(super) fn is_within_keep_alives(&mut self) -> bool {
        let is_within = self.rate.keep_alive();
        if !is_within {
            self.count_refusal();
        }
        is_within
    }
}
