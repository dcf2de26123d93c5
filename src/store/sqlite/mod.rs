//! The embedded store: one SQLite file, `DATA_DIR/switchboard.sqlite`, made on first run.
//!
//! **Durability.** The file is written ahead of itself (WAL) with `synchronous=FULL`: a call that writes is
//! answered after its transaction was synced to the disk, and survives a kill and a loss of power, as far
//! as the disk keeps what it says it has. One thread writes; what waits for it is committed together, so
//! that a thousand callers do not cost a thousand syncs. Each caller's part stands or falls by itself.
//!
//! **Who may open it.** One process at a time, held by a lock on `DATA_DIR/switchboard.lock`: the journal
//! tells from the process that a command was begun in whether it can still be running. Reading the audit
//! trail ([`verify_audit`]) needs no lock.

mod audit;
mod backup;
mod connection;
mod journal;
mod leads;
mod migrations;
mod readers;
mod restore;
mod search;
mod tenants;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{
    AuditEntry, AuditHead, AuditVerdict, Backup, Begin, Begun, Changed, CommandCounts, KeyAge, LeadCounts,
    LeadPage, LeadQuery, Record, Restored, Store, StoreError, Then,
};
use crate::config::{Settings, TenantRecord};
use crate::domain::id::Id;
use crate::domain::lead::{Lead, LeadChange};
use crate::domain::random::Random;
use crate::domain::time::Timestamp;

pub use audit::verify_audit;

use readers::Readers;
use writer::Writer;

/// Where the store is, and what it keeps.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    pub backup_dir: PathBuf,
    /// How long the journal remembers.
    pub idempotency_ttl: Duration,
    /// Most pages of 4 KiB the file may have; then it is [`StoreError::Full`]. `None`: what the disk holds.
    pub max_pages: Option<u32>,
}

impl Options {
    pub fn of(settings: &Settings) -> Options {
        Options {
            data_dir: settings.data_dir.clone(),
            backup_dir: settings.backup_dir.clone(),
            idempotency_ttl: settings.idempotency_ttl,
            max_pages: None,
        }
    }
}

/// Opens the store of these settings, and takes over their tenants.
///
/// # Errors
/// [`StoreError::InUse`] while another process has it; [`StoreError::TooNew`] after a later version.
pub fn open(settings: &Settings, random: &dyn Random, now: Timestamp) -> Result<Arc<dyn Store>, StoreError> {
    let store = SqliteStore::open(&Options::of(settings), random, now)?;
    store.mirror_tenants(&settings.tenants, now)?;
    Ok(Arc::new(store))
}

/// The store's only owner in this process. Dropping it waits for what is being written.
pub struct SqliteStore {
    // The order of dropping: the writer, as the last connection, brings the file up to date; the lock is held
    // until then.
    readers: Readers,
    writer: Writer,
    options: Options,
    /// This process, for the journal.
    run: Arc<str>,
    _lock: File,
}

impl SqliteStore {
    /// Opens or makes the store, without any tenant.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(options: &Options, random: &dyn Random, now: Timestamp) -> Result<SqliteStore, StoreError> {
        let lock = connection::lock(&options.data_dir)?;
        let mut writing = connection::writing(&options.data_dir, options.max_pages)?;
        migrations::apply(&mut writing, now)?;
        backup::sweep(&options.backup_dir);
        let readers = Readers::open(&options.data_dir)?;
        let run = random.token::<12>().into();
        Ok(SqliteStore {
            writer: Writer::start(writing)?,
            readers,
            options: options.clone(),
            run,
            _lock: lock,
        })
    }
}

impl Store for SqliteStore {
    fn mirror_tenants(&self, tenants: &[TenantRecord], now: Timestamp) -> Result<(), StoreError> {
        let records = tenants.to_vec();
        self.writer.write(move |to| tenants::mirror(to, &records, now))
    }

    fn keys(&self, tenant: &Id) -> Result<Vec<KeyAge>, StoreError> {
        self.readers.read(|from| tenants::keys(from, tenant))
    }

    fn create_lead(
        &self,
        tenant: &Id,
        lead: &Lead,
        record: Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (tenant, lead, run) = (tenant.clone(), lead.clone(), Arc::clone(&self.run));
        self.writer.write(move |to| {
            leads::create(to, &tenant, &lead)?;
            journal::record(to, &run, &tenant, &record, now)
        })
    }

    fn change_lead(
        &self,
        tenant: &Id,
        id: &Id,
        change: LeadChange,
        now: Timestamp,
        then: Then,
    ) -> Result<Changed, StoreError> {
        let (tenant, id, run) = (tenant.clone(), id.clone(), Arc::clone(&self.run));
        self.writer.write(move |to| {
            let changed = leads::change(to, &tenant, &id, change, now)?;
            journal::record(to, &run, &tenant, &then(&changed), now)?;
            Ok(changed)
        })
    }

    fn lead(&self, tenant: &Id, id: &Id) -> Result<Lead, StoreError> {
        self.readers.read(|from| leads::get(from, tenant, id))
    }

    fn leads(&self, tenant: &Id, query: &LeadQuery) -> Result<LeadPage, StoreError> {
        self.readers.read(|from| search::page(from, tenant, query))
    }

    fn lead_counts(&self, tenant: &Id, from: Timestamp, to: Timestamp) -> Result<LeadCounts, StoreError> {
        self.readers.read(|reader| leads::counts(reader, tenant, from, to))
    }

    fn begin(&self, tenant: &Id, begin: &Begin, now: Timestamp) -> Result<Begun, StoreError> {
        let (tenant, begin, run) = (tenant.clone(), begin.clone(), Arc::clone(&self.run));
        let ttl = self.options.idempotency_ttl;
        self.writer.write(move |to| journal::begin(to, &run, &tenant, &begin, now, ttl))
    }

    fn stands(&self, tenant: &Id, key: &str, body: &[u8; 32], now: Timestamp) -> Result<Begun, StoreError> {
        let ttl = self.options.idempotency_ttl;
        self.readers.read(|from| journal::stands(from, &self.run, tenant, (key, body), (now, ttl)))
    }

    fn record(&self, tenant: &Id, record: Record, now: Timestamp) -> Result<(), StoreError> {
        let (tenant, run) = (tenant.clone(), Arc::clone(&self.run));
        self.writer.write(move |to| journal::record(to, &run, &tenant, &record, now))
    }

    fn forget(&self, now: Timestamp) -> Result<u64, StoreError> {
        let ttl = self.options.idempotency_ttl;
        let mut forgotten = 0;
        loop {
            // A part at a time: the others write in between.
            let run = Arc::clone(&self.run);
            match self.writer.write(move |to| journal::forget_some(to, &run, now, ttl))? {
                0 => return Ok(forgotten),
                some => forgotten += some,
            }
        }
    }

    fn audit(&self, entries: Vec<(AuditEntry, Timestamp)>) -> Result<(), StoreError> {
        self.writer
            .write(move |to| entries.iter().try_for_each(|(entry, at)| audit::append(to, None, entry, *at)))
    }

    fn command_counts(
        &self,
        tenant: &Id,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<CommandCounts, StoreError> {
        self.readers.read(|reader| audit::command_counts(reader, tenant, from, to))
    }

    fn verify_audit(&self, known: Option<&AuditHead>) -> Result<AuditVerdict, StoreError> {
        verify_audit(&self.options.data_dir, known)
    }

    fn setting(&self, tenant: &Id, name: &str) -> Result<Option<String>, StoreError> {
        self.readers.read(|from| tenants::setting(from, tenant, name))
    }

    fn set_setting(&self, tenant: &Id, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        let (tenant, name, value) = (tenant.clone(), name.to_owned(), value.map(str::to_owned));
        self.writer.write(move |to| tenants::set_setting(to, &tenant, &name, value.as_deref()))
    }

    fn backup(
        &self,
        tenant: &Id,
        now: Timestamp,
        progress: &mut dyn FnMut(&str, u8),
    ) -> Result<Backup, StoreError> {
        // A connection of its own: a reader would be missing for as long as it takes.
        let mut from = connection::reading(&self.options.data_dir)?;
        backup::write(&mut from, &self.options.backup_dir, tenant, now, progress)
    }

    fn last_backup(&self, tenant: &Id) -> Result<Option<Timestamp>, StoreError> {
        backup::last(&self.options.backup_dir, tenant)
    }

    fn restore(&self, tenant: &Id, file: &Path) -> Result<Restored, StoreError> {
        let from = restore::open(file, tenant)?;
        let tenant = tenant.clone();
        self.writer.write(move |to| restore::put_back(&from, to, &tenant))
    }
}
