//! What can go wrong with the store, by name.

use std::path::PathBuf;

/// Why a call did nothing. The texts are for the log and for whoever runs the program; a client is told
/// in words of the caller's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room left on the disk of the store, or of the backups. Nothing was written.
    #[error("the disk is full")]
    Full,
    /// Somebody else held the file for too long. May be tried again.
    #[error("the store is busy")]
    Busy,
    /// Another process has the store open for writing.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file, or a row of it, is not what was written.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The file was written by a later version of the program.
    #[error("the store has version {found}, this program knows versions up to {known}")]
    TooNew { found: u32, known: u32 },
    /// The tenant has nothing of this id.
    #[error("there is no such lead")]
    NotFound,
    #[error("there is such a lead already")]
    Exists,
    /// Neither the settings nor the store have such a tenant.
    #[error("there is no tenant `{0}`")]
    UnknownTenant(String),
    /// The key to settle is not pending in this process: it was never begun, is settled, or forgotten.
    #[error("the command is not pending")]
    NotPending,
    /// A backup's place cannot be written to.
    #[error("backups cannot be written: {0}")]
    Target(String),
    /// The file to restore cannot be taken.
    #[error("this is no backup that can be restored: {0}")]
    NotABackup(String),
    /// The disk, or the way to it, failed.
    #[error("the store cannot be reached: {0}")]
    Io(String),
}
