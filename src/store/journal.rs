//! The journal of commands: what was begun, and what it came to (contract D-21, D-45).

use sha2::{Digest, Sha256};

use super::audit::AuditEntry;

/// A command that is to take effect once.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The client's `idempotencyKey`, of this tenant.
    pub key: String,
    /// What is asked, by its hash: another body under the same key is another command.
    pub body: [u8; 32],
    pub command: &'static str,
    pub effect: Effect,
}

impl Begin {
    /// Hashes `body`, the canonical text of what is asked (contract D-45).
    pub fn new(key: impl Into<String>, body: &str, command: &'static str, effect: Effect) -> Begin {
        Begin { key: key.into(), body: Sha256::digest(body).into(), command, effect }
    }
}

/// Where a command's effect takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// In the store itself, committed together with the answer.
    Inside,
    /// Elsewhere, in files or services: between effect and answer there is a gap to crash in.
    Outside,
}

/// How a command stands. After `First` and `Again` it is the caller's to run and to settle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    First,
    /// An earlier process began it and ended before the effect was committed: it had none, and is begun
    /// anew with the same body.
    Again,
    /// This process is at it.
    Pending,
    /// It was settled with this answer.
    Replay(String),
    /// The key stands for another body.
    Conflict,
    /// An earlier process began it and may have had its effect: nobody can say.
    Unknown,
}

/// What a command that was begun has come to.
#[derive(Clone, Debug)]
pub enum Settle {
    /// It has taken effect: `answer` is what a repeat gets.
    Done { key: String, answer: String },
    /// It has had no effect and may be begun again, with any body.
    Withdrawn { key: String },
}

/// What is written down together, in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub settle: Option<Settle>,
    pub audit: Option<AuditEntry>,
}
