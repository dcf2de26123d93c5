//! Leads as rows.

use rusqlite::{Connection, Row, params};

use super::connection::{of_tenant, unsigned};
use crate::domain::id::Id;
use crate::domain::lead::{Lead, LeadChange, LeadStatus};
use crate::domain::time::Timestamp;
use crate::store::{Changed, LeadCounts, StoreError};

/// What a lead is made of, in the order in which [`read`] takes it.
pub const COLUMNS: &str = "id, name, email, company, phone, notes, source, status, created_at, updated_at";

/// Reads a row of [`COLUMNS`].
pub fn read(row: &Row<'_>) -> Result<Lead, StoreError> {
    let id: String = row.get(0)?;
    let status: String = row.get(7)?;
    let damaged = |what: &str| StoreError::Corrupt(format!("a lead has the {what}"));
    Ok(Lead {
        id: Id::parse(&id).ok_or_else(|| damaged(&format!("id {id:?}")))?,
        name: row.get(1)?,
        email: row.get(2)?,
        company: row.get(3)?,
        phone: row.get(4)?,
        notes: row.get(5)?,
        source: row.get(6)?,
        status: LeadStatus::parse(&status).ok_or_else(|| damaged(&format!("status {status:?}")))?,
        created_at: Timestamp::from_millis(row.get(8)?),
        updated_at: Timestamp::from_millis(row.get(9)?),
    })
}

pub fn create(to: &Connection, tenant: &Id, lead: &Lead) -> Result<(), StoreError> {
    let sql = "INSERT INTO leads (tenant, id, name, email, company, phone, notes, source, status,
                   created_at, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let inserted = to.prepare_cached(sql)?.execute(params![
        tenant.as_str(),
        lead.id.as_str(),
        lead.name,
        lead.email,
        lead.company,
        lead.phone,
        lead.notes,
        lead.source,
        lead.status.as_str(),
        lead.created_at.millis(),
        lead.updated_at.millis(),
    ]);
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_extended_error_code() == Some(rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE) => {
            Err(StoreError::Exists)
        }
        Err(error) => Err(of_tenant(error, tenant.as_str())),
    }
}

pub fn get(from: &Connection, tenant: &Id, id: &Id) -> Result<Lead, StoreError> {
    let sql = "SELECT id, name, email, company, phone, notes, source, status, created_at, updated_at
               FROM leads WHERE tenant = ?1 AND id = ?2";
    let mut found = from.prepare_cached(sql)?;
    let mut rows = found.query(params![tenant.as_str(), id.as_str()])?;
    rows.next()?.map_or(Err(StoreError::NotFound), read)
}

pub fn change(
    to: &Connection,
    tenant: &Id,
    id: &Id,
    change: LeadChange,
    now: Timestamp,
) -> Result<Changed, StoreError> {
    let mut lead = get(to, tenant, id)?;
    let difference = lead.change(change, now);
    if difference.fields {
        let sql = "UPDATE leads SET name = ?3, email = ?4, company = ?5, phone = ?6, notes = ?7, source = ?8
                   WHERE tenant = ?1 AND id = ?2";
        to.prepare_cached(sql)?.execute(params![
            tenant.as_str(),
            id.as_str(),
            lead.name,
            lead.email,
            lead.company,
            lead.phone,
            lead.notes,
            lead.source,
        ])?;
    }
    if difference.is_any() {
        // By itself, it leaves the index of texts alone.
        let sql = "UPDATE leads SET status = ?3, updated_at = ?4 WHERE tenant = ?1 AND id = ?2";
        to.prepare_cached(sql)?.execute(params![
            tenant.as_str(),
            id.as_str(),
            lead.status.as_str(),
            lead.updated_at.millis()
        ])?;
    }
    Ok(Changed { lead, difference })
}

pub fn counts(
    reader: &Connection,
    tenant: &Id,
    from: Timestamp,
    to: Timestamp,
) -> Result<LeadCounts, StoreError> {
    let sql = "SELECT status, count(*) FROM leads WHERE tenant = ?1 GROUP BY status";
    let mut by_status: Vec<(LeadStatus, u64)> = LeadStatus::ALL.map(|status| (status, 0)).into();
    let mut counting = reader.prepare_cached(sql)?;
    let mut rows = counting.query([tenant.as_str()])?;
    while let Some(row) = rows.next()? {
        let (status, count): (String, i64) = (row.get(0)?, row.get(1)?);
        let place = by_status.iter_mut().find(|(known, _)| known.as_str() == status);
        let damaged = || StoreError::Corrupt(format!("a lead has the status {status:?}"));
        place.ok_or_else(damaged)?.1 = unsigned(count);
    }
    let sql = "SELECT count(*) FROM leads WHERE tenant = ?1 AND created_at >= ?2 AND created_at < ?3";
    let created: i64 = reader
        .prepare_cached(sql)?
        .query_row(params![tenant.as_str(), from.millis(), to.millis()], |row| row.get(0))?;
    let total = by_status.iter().map(|(_, count)| count).sum();
    Ok(LeadCounts { total, created: unsigned(created), by_status })
}
