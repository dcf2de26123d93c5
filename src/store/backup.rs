//! Backups of one tenant: where they lie, and what they hold (contract D-24, D-45).

use std::path::PathBuf;

use crate::domain::time::Timestamp;

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The file's name without its ending: unique among the tenant's.
    pub id: String,
    pub path: PathBuf,
    pub taken_at: Timestamp,
    pub bytes: u64,
    pub rows: Restored,
}

/// How many rows a backup has, or a restore has put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    pub leads: u64,
    pub journal: u64,
    pub settings: u64,
}
