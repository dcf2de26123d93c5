//! The audit trail: what an entry is, how entries are chained, and what checking them tells.
//!
//! Each row holds the SHA-256 over the row before's and its own fields, every field behind its length: no
//! row can be changed, removed, added or moved without breaking the chain at that row. The last rows could be cut off
//! unseen, so a head (number and hash of the last row) is kept beside the trail, and whoever noted a head
//! elsewhere can have the trail checked against that, which no change of the file can satisfy.
//!
//! One chain for all tenants: a tenant's entries cannot be taken out as a whole.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::time::Timestamp;

/// Longest text of an entry, in bytes; the rest is cut off.
const MAX_TEXT: usize = 4096;

/// What happened, and by whom. Neither keys nor tokens belong into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub kind: AuditKind,
    /// The command's name, the route, what became of a credential.
    pub action: String,
    /// Who: a socket, a user, an address.
    pub actor: String,
    /// Whether it was done.
    pub success: bool,
    /// What else must be known, in words or JSON.
    pub details: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditKind {
    /// A command that was run or refused. These are what is counted of a tenant.
    Command,
    /// What was answered with a question: to confirm it, or what was meant. Nothing was done, and nothing failed.
    Question,
    Admin,
    Auth,
}

impl AuditKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            AuditKind::Command => "command",
            AuditKind::Question => "question",
            AuditKind::Admin => "admin",
            AuditKind::Auth => "auth",
        }
    }
}

/// The last row of the trail at some time: `12:5f3a…`. Row 0 stands before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub row: u64,
    pub hash: [u8; 32],
}

impl AuditHead {
    /// What the first row follows.
    pub const START: AuditHead = AuditHead { row: 0, hash: [0; 32] };

    /// Reads what [`fmt::Display`] prints.
    pub fn parse(text: &str) -> Option<AuditHead> {
        let (row, digits) = text.split_once(':')?;
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
        let hash: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
        Some(AuditHead { row: row.parse().ok()?, hash: hash.try_into().ok()? })
    }
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.row)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What checking the trail came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every row is as it was written. The head is worth noting elsewhere.
    Sound(AuditHead),
    Broken(Broken),
}

/// The first row that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub row: u64,
    pub problem: &'static str,
}

/// How a tenant's commands went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandCounts {
    pub total: u64,
    pub failed: u64,
    /// By the command's name, in its order.
    pub by_command: Vec<(String, u64)>,
}

/// A row of the trail, as it is hashed.
pub(super) struct Row<'a> {
    pub row: u64,
    pub at: Timestamp,
    /// Empty where it is no tenant's.
    pub tenant: &'a str,
    pub kind: &'a str,
    pub action: &'a str,
    pub actor: &'a str,
    pub success: bool,
    pub details: &'a str,
}

impl Row<'_> {
    /// The hash that chains the row to the one before.
    pub fn hash(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut sha = Sha256::new();
        sha.update(before);
        sha.update(self.row.to_be_bytes());
        sha.update(self.at.millis().to_be_bytes());
        sha.update([u8::from(self.success)]);
        for text in [self.tenant, self.kind, self.action, self.actor, self.details] {
            // A length in front: no text can lend bytes to its neighbour.
            sha.update((text.len() as u64).to_be_bytes());
            sha.update(text);
        }
        sha.finalize().into()
    }
}

/// As much of a text as an entry holds.
pub(super) fn bounded(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row<'static> {
        let at = Timestamp::from_millis(5);
        let (tenant, kind, action) = ("demo1", "command", "get_leads");
        Row { row: 1, at, tenant, kind, action, actor: "s1", success: true, details: "{}" }
    }

    #[test]
    fn every_field_and_the_row_before_are_in_the_hash() {
        let start = AuditHead::START.hash;
        let others = [
            Row { row: 2, ..row() },
            Row { at: Timestamp::from_millis(6), ..row() },
            Row { tenant: "demo2", ..row() },
            Row { kind: "admin", ..row() },
            Row { action: "x", ..row() },
            Row { actor: "s2", ..row() },
            Row { success: false, ..row() },
            Row { details: "", ..row() },
            // The same bytes, cut elsewhere.
            Row { action: "get_leadss", actor: "1", ..row() },
        ];
        for other in others {
            assert_ne!(other.hash(&start), row().hash(&start));
        }
        assert_ne!(row().hash(&[1; 32]), row().hash(&start));
        assert_eq!(row().hash(&start), row().hash(&start));
    }

    #[test]
    fn a_head_is_read_as_it_is_printed() {
        let head = AuditHead { row: 12, hash: row().hash(&AuditHead::START.hash) };
        assert_eq!(AuditHead::parse(&head.to_string()), Some(head));
        for bad in ["", "12", "12:", "12:zz", "x:00", &format!("{head}0"), &format!("{head}00"), "é:é"] {
            assert_eq!(AuditHead::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(bounded("abc"), "abc");
        assert_eq!(bounded(&format!("x{}", "ü".repeat(MAX_TEXT))).len(), MAX_TEXT - 1);
    }
}
