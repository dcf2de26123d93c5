//! A store that stops where a test wants it to, and fails when a test wants it to.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use switchboard::config::TenantRecord;
use switchboard::domain::id::Id;
use switchboard::domain::lead::{Lead, LeadChange};
use switchboard::domain::time::Timestamp;
use switchboard::store::{
    AuditEntry, AuditHead, AuditVerdict, Backup, Begin, Begun, Changed, CommandCounts, KeyAge, LeadCounts,
    LeadPage, LeadQuery, Record, Restored, Store, StoreError, Then,
};

use crate::support::until;

/// What the test holds: a gate that commands of the first tenant wait at.
#[derive(Default)]
pub struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
    /// Commands that wait.
    pub waiting: AtomicUsize,
    /// Most that have waited at a time.
    pub most: AtomicUsize,
    /// Leads stored, backups written.
    pub effects: AtomicUsize,
    pub is_full: AtomicBool,
    /// Whether commands wait before they are in the journal.
    pub holds_begin: AtomicBool,
}

impl Gate {
    pub fn shut(&self) {
        *self.is_shut.lock().unwrap() = true;
    }

    pub fn open(&self) {
        *self.is_shut.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// Until so many commands wait.
    pub async fn until_waiting(&self, count: usize) {
        until(|| self.waiting.load(Ordering::SeqCst) == count).await;
    }

    fn pass(&self, tenant: &Id) {
        let is_shut = self.is_shut.lock().unwrap();
        if tenant.as_str() == "demo1" && *is_shut {
            let waiting = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(waiting, Ordering::SeqCst);
            drop(self.opened.wait_while(is_shut, |is_shut| *is_shut).unwrap());
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn write(&self) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        Ok(())
    }
}

/// The gate before the effects of commands, and what is behind it.
pub struct Held(pub Arc<dyn Store>, pub Arc<Gate>);

impl Store for Held {
    fn create_lead(
        &self,
        tenant: &Id,
        lead: &Lead,
        record: Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.1.pass(tenant);
        self.1.write()?;
        self.0.create_lead(tenant, lead, record, now)?;
        self.1.effects.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn leads(&self, tenant: &Id, query: &LeadQuery) -> Result<LeadPage, StoreError> {
        self.1.pass(tenant);
        self.0.leads(tenant, query)
    }

    fn backup(
        &self,
        tenant: &Id,
        now: Timestamp,
        progress: &mut dyn FnMut(&str, u8),
    ) -> Result<Backup, StoreError> {
        self.1.pass(tenant);
        let backup = self.0.backup(tenant, now, progress)?;
        self.1.effects.fetch_add(1, Ordering::SeqCst);
        Ok(backup)
    }

    fn begin(&self, tenant: &Id, begin: &Begin, now: Timestamp) -> Result<Begun, StoreError> {
        if self.1.holds_begin.load(Ordering::SeqCst) {
            self.1.pass(tenant);
        }
        self.1.write()?;
        self.0.begin(tenant, begin, now)
    }

    fn stands(&self, tenant: &Id, key: &str, body: &[u8; 32], now: Timestamp) -> Result<Begun, StoreError> {
        self.1.write()?;
        self.0.stands(tenant, key, body, now)
    }

    fn record(&self, tenant: &Id, record: Record, now: Timestamp) -> Result<(), StoreError> {
        self.1.write()?;
        self.0.record(tenant, record, now)
    }

    fn mirror_tenants(&self, tenants: &[TenantRecord], now: Timestamp) -> Result<(), StoreError> {
        self.0.mirror_tenants(tenants, now)
    }

    fn keys(&self, tenant: &Id) -> Result<Vec<KeyAge>, StoreError> {
        self.0.keys(tenant)
    }

    fn change_lead(
        &self,
        tenant: &Id,
        id: &Id,
        change: LeadChange,
        now: Timestamp,
        then: Then,
    ) -> Result<Changed, StoreError> {
        self.1.write()?;
        self.0.change_lead(tenant, id, change, now, then)
    }

    fn lead(&self, tenant: &Id, id: &Id) -> Result<Lead, StoreError> {
        self.0.lead(tenant, id)
    }

    fn lead_counts(&self, tenant: &Id, from: Timestamp, to: Timestamp) -> Result<LeadCounts, StoreError> {
        self.0.lead_counts(tenant, from, to)
    }

    fn forget(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.0.forget(now)
    }

    fn audit(&self, entries: Vec<(AuditEntry, Timestamp)>) -> Result<(), StoreError> {
        self.0.audit(entries)
    }

    fn command_counts(
        &self,
        tenant: &Id,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<CommandCounts, StoreError> {
        self.0.command_counts(tenant, from, to)
    }

    fn verify_audit(&self, known: Option<&AuditHead>) -> Result<AuditVerdict, StoreError> {
        self.0.verify_audit(known)
    }

    fn setting(&self, tenant: &Id, name: &str) -> Result<Option<String>, StoreError> {
        self.0.setting(tenant, name)
    }

    fn set_setting(&self, tenant: &Id, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        self.0.set_setting(tenant, name, value)
    }

    fn last_backup(&self, tenant: &Id) -> Result<Option<Timestamp>, StoreError> {
        self.0.last_backup(tenant)
    }

    fn restore(&self, tenant: &Id, file: &Path) -> Result<Restored, StoreError> {
        self.0.restore(tenant, file)
    }
}
