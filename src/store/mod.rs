//! What outlives the process: tenants, leads, the journal of commands, the audit trail.
//!
//! [`Store`] is the seam; [`sqlite`] stands behind it, a file under `DATA_DIR`. Nothing here knows
//! sockets or commands' meanings. Every call takes the tenant, and no call can reach another's rows.
//!
//! **Calls block**, on the disk and on each other: make them from threads that may (a `SyncArbiter`,
//! `web::block`, a thread of one's own), never from a thread that serves sockets. The time comes in as
//! an argument; ids are the caller's.
//!
//! **What is answered is on disk**: a call that writes returns after its transaction has been synced
//! (see [`sqlite`] for what that promises), and one that fails has changed nothing.
//!
//! # A command with effect once (contract D-21)
//! [`Store::begin`] writes the journal row. What follows depends on where the effect lives:
//!
//! - *Inside* the store, the effect and the answer are committed together: [`Store::create_lead`] and
//!   [`Store::change_lead`] take a [`Record`] that settles the row in the very transaction. A row still
//!   pending after a crash proves that nothing happened, and [`Begun::Again`] says so: go on as after
//!   [`Begun::First`].
//! - *Outside*, as a backup's file is, [`Store::record`] settles the row afterwards. A row still pending
//!   after a crash leaves open whether it happened: [`Begun::Unknown`], until the row is forgotten.

mod audit;
mod audit_queue;
mod backup;
mod error;
mod journal;
mod leads;
pub mod sqlite;
mod tenants;

pub use audit::{AuditEntry, AuditHead, AuditKind, AuditVerdict, Broken, CommandCounts};
pub use audit_queue::AuditQueue;
pub use backup::{Backup, Restored};
pub use error::StoreError;
pub use journal::{Begin, Begun, Effect, Record, Settle};
pub use leads::{Changed, LeadCounts, LeadPage, LeadQuery, MAX_LIMIT, MAX_PAGE_BYTES, SearchText, Then};
pub use tenants::KeyAge;

use std::path::Path;

use crate::config::TenantRecord;
use crate::domain::id::Id;
use crate::domain::lead::{Lead, LeadChange};
use crate::domain::time::Timestamp;

/// What outlives the process. The tests in `tests/it/store_contract` hold for every implementation.
///
/// Besides the errors named at each call, all may give [`StoreError::Full`], [`StoreError::Busy`],
/// [`StoreError::Corrupt`] and [`StoreError::Io`]; those that write, [`StoreError::UnknownTenant`].
pub trait Store: Send + Sync {
    /// Takes over the tenants and keys of the settings. A key keeps the time it was first seen at; one that
    /// is no longer set, or no longer active, stays on record as inactive. No tenant's data is removed.
    fn mirror_tenants(&self, tenants: &[TenantRecord], now: Timestamp) -> Result<(), StoreError>;

    /// The tenant's keys, active or not, the oldest first.
    fn keys(&self, tenant: &Id) -> Result<Vec<KeyAge>, StoreError>;

    /// Stores a lead, and with it, in one transaction, what `record` says.
    ///
    /// # Errors
    /// [`StoreError::NotPending`] as for [`Store::record`]: then the lead is not stored.
    /// [`StoreError::Exists`] if the tenant has a lead of this id.
    fn create_lead(&self, tenant: &Id, lead: &Lead, record: Record, now: Timestamp)
    -> Result<(), StoreError>;

    /// Changes a lead. `then` is called inside the transaction with what has become of it, and what it
    /// returns is committed with the change. It must not call the store.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], for another tenant's lead as well; `then` is not called.
    /// [`StoreError::NotPending`] as for [`Store::record`]: then nothing is changed.
    fn change_lead(
        &self,
        tenant: &Id,
        id: &Id,
        change: LeadChange,
        now: Timestamp,
        then: Then,
    ) -> Result<Changed, StoreError>;

    /// # Errors
    /// [`StoreError::NotFound`], for another tenant's lead as well.
    fn lead(&self, tenant: &Id, id: &Id) -> Result<Lead, StoreError>;

    /// The tenant's leads that match, the newest first.
    fn leads(&self, tenant: &Id, query: &LeadQuery) -> Result<LeadPage, StoreError>;

    /// How many leads the tenant has, and how many of them were created from `from` until before `to`.
    fn lead_counts(&self, tenant: &Id, from: Timestamp, to: Timestamp) -> Result<LeadCounts, StoreError>;

    /// Begins a command that has a key. However many ask at once, one is answered [`Begun::First`].
    fn begin(&self, tenant: &Id, begin: &Begin, now: Timestamp) -> Result<Begun, StoreError>;

    /// How what was asked under this key stands, without beginning it: [`Begun::First`] if it never was.
    fn stands(&self, tenant: &Id, key: &str, body: &[u8; 32], now: Timestamp) -> Result<Begun, StoreError>;

    /// Settles a command that was begun, writes an entry of the audit trail, or both in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotPending`] if the key to settle is not pending in this process; then nothing is
    /// written, the audit entry neither.
    fn record(&self, tenant: &Id, record: Record, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets what all tenants' journals have kept for longer than `IDEMPOTENCY_TTL_MS`. Gives how many
    /// rows. To be called now and then; a row that is due counts as forgotten before.
    fn forget(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Writes entries that belong to no tenant, each with its time, in one transaction: what admins did, who
    /// signed in, refused credentials. Nobody waits for these; [`AuditQueue`] gathers them.
    fn audit(&self, entries: Vec<(AuditEntry, Timestamp)>) -> Result<(), StoreError>;

    /// What the audit trail has of the tenant's commands from `from` until before `to`.
    fn command_counts(
        &self,
        tenant: &Id,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<CommandCounts, StoreError>;

    /// Reads the whole audit trail, row by row, and says whether it is as it was written. `known` is a head
    /// noted earlier, which the trail must still hold.
    fn verify_audit(&self, known: Option<&AuditHead>) -> Result<AuditVerdict, StoreError>;

    /// A setting of the tenant's own.
    fn setting(&self, tenant: &Id, name: &str) -> Result<Option<String>, StoreError>;

    /// Sets it, or takes it away.
    fn set_setting(&self, tenant: &Id, name: &str, value: Option<&str>) -> Result<(), StoreError>;

    /// Copies the tenant's leads, journal and settings, as they are at one moment, into a file of their own
    /// under `BACKUP_DIR`, which is there whole or not at all. `progress` is told the backup's id and each new
    /// percent, 0 and 100 included. Others read and write meanwhile. Of one day, in UTC, the first and the newest
    /// nine are kept.
    ///
    /// # Errors
    /// [`StoreError::Target`] if the place cannot be written to; [`StoreError::Full`] if it is full.
    fn backup(
        &self,
        tenant: &Id,
        now: Timestamp,
        progress: &mut dyn FnMut(&str, u8),
    ) -> Result<Backup, StoreError>;

    /// When the tenant's newest backup was taken, as far as it is still where it was written.
    fn last_backup(&self, tenant: &Id) -> Result<Option<Timestamp>, StoreError>;

    /// Puts a backup back in one transaction: what the tenant has of leads, journal and settings is
    /// replaced by what the file has. Nobody else's rows are touched, nor the audit trail.
    ///
    /// # Errors
    /// [`StoreError::NotABackup`] says why the file cannot be taken: then nothing is changed.
    fn restore(&self, tenant: &Id, file: &Path) -> Result<Restored, StoreError>;
}
