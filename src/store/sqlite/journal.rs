//! The journal as rows.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::audit;
use super::connection::of_tenant;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::store::{Begin, Begun, Effect, Record, Settle, StoreError};

/// Rows of a tenant forgotten in one transaction.
const AT_ONCE: u32 = 500;

struct Entry {
    body: Vec<u8>,
    is_outside: bool,
    run: String,
    at: Timestamp,
    answer: Option<String>,
}

impl Entry {
    fn is_due(&self, run: &str, now: Timestamp, ttl: Duration) -> bool {
        let is_running = self.answer.is_none() && self.run == run;
        !is_running && self.at + ttl <= now
    }
}

pub fn begin(
    to: &Connection,
    run: &str,
    tenant: &Id,
    begin: &Begin,
    now: Timestamp,
    ttl: Duration,
) -> Result<Begun, StoreError> {
    let begun = stands(to, run, tenant, (&begin.key, &begin.body), (now, ttl))?;
    if !matches!(begun, Begun::First | Begun::Again) {
        return Ok(begun);
    }
    let sql = "INSERT OR REPLACE INTO journal (tenant, key, body, command, outside, run, at, answer)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)";
    let is_outside = begin.effect == Effect::Outside;
    to.prepare_cached(sql)?
        .execute(params![
            tenant.as_str(),
            begin.key,
            begin.body,
            begin.command,
            is_outside,
            run,
            now.millis()
        ])
        .map_err(|error| of_tenant(error, tenant.as_str()))?;
    Ok(begun)
}

/// How what was asked under this key stands.
pub fn stands(
    from: &Connection,
    run: &str,
    tenant: &Id,
    (key, body): (&str, &[u8; 32]),
    (now, ttl): (Timestamp, Duration),
) -> Result<Begun, StoreError> {
    Ok(match find(from, tenant, key)? {
        None => Begun::First,
        Some(entry) if entry.is_due(run, now, ttl) => Begun::First,
        Some(entry) if entry.body != body => Begun::Conflict,
        Some(Entry { answer: Some(answer), .. }) => Begun::Replay(answer),
        Some(entry) if entry.run == run => Begun::Pending,
        Some(entry) if entry.is_outside => Begun::Unknown,
        // Its effect would have been committed together with an answer, and there is none.
        Some(_) => Begun::Again,
    })
}

fn find(from: &Connection, tenant: &Id, key: &str) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT body, outside, run, at, answer FROM journal WHERE tenant = ?1 AND key = ?2";
    let entry = from.prepare_cached(sql)?.query_row(params![tenant.as_str(), key], |row| {
        let at = Timestamp::from_millis(row.get(3)?);
        Ok(Entry { body: row.get(0)?, is_outside: row.get(1)?, run: row.get(2)?, at, answer: row.get(4)? })
    });
    Ok(entry.optional()?)
}

/// Settles and audits, as the record says.
pub fn record(
    to: &Connection,
    run: &str,
    tenant: &Id,
    record: &Record,
    now: Timestamp,
) -> Result<(), StoreError> {
    let pending = "tenant = ?1 AND key = ?2 AND run = ?3 AND answer IS NULL";
    let settled = match &record.settle {
        None => 1,
        Some(Settle::Done { key, answer }) => to
            .prepare_cached(&format!("UPDATE journal SET answer = ?4, at = ?5 WHERE {pending}"))?
            .execute(params![tenant.as_str(), key, run, answer, now.millis()])?,
        Some(Settle::Withdrawn { key }) => to
            .prepare_cached(&format!("DELETE FROM journal WHERE {pending}"))?
            .execute(params![tenant.as_str(), key, run])?,
    };
    if settled == 0 {
        return Err(StoreError::NotPending);
    }
    record.audit.as_ref().map_or(Ok(()), |entry| audit::append(to, Some(tenant), entry, now))
}

/// Forgets a part of what is due, tenant by tenant. Gives how many rows; zero when none is left.
pub fn forget_some(to: &Connection, run: &str, now: Timestamp, ttl: Duration) -> Result<u64, StoreError> {
    let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    let until = now.millis().saturating_sub(ttl);
    let mut tenants = to.prepare_cached("SELECT tenant FROM tenants ORDER BY tenant")?;
    let tenants: Vec<String> = tenants.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let sql = "DELETE FROM journal WHERE tenant = ?1 AND key IN (
                   SELECT key FROM journal WHERE tenant = ?1 AND at <= ?2 AND (answer IS NOT NULL OR run <> ?3)
                   LIMIT ?4)";
    let mut forget = to.prepare_cached(sql)?;
    let mut forgotten = 0;
    for tenant in tenants {
        forgotten += forget.execute(params![tenant, until, run, AT_ONCE])? as u64;
    }
    Ok(forgotten)
}
