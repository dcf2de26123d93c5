//! The audit trail as rows.

use std::path::Path;

use rusqlite::{Connection, Row as SqlRow, params};

use super::connection::{self, signed, unsigned};
use super::tenants;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::store::audit::{Row, bounded};
use crate::store::{AuditEntry, AuditHead, AuditVerdict, Broken, CommandCounts, StoreError};

/// Most commands counted apart; there are six.
const COMMANDS: u32 = 100;

pub fn append(
    to: &Connection,
    tenant: Option<&Id>,
    entry: &AuditEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(tenant) = tenant {
        tenants::must_exist(to, tenant)?;
    }
    let before = head(to)?;
    let row = Row {
        row: before.row + 1,
        at: now,
        tenant: tenant.map_or("", Id::as_str),
        kind: entry.kind.as_str(),
        action: bounded(&entry.action),
        actor: bounded(&entry.actor),
        success: entry.success,
        details: bounded(&entry.details),
    };
    let sql = "INSERT INTO audit_log (row, at, tenant, kind, action, actor, success, details, hash)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    to.prepare_cached(sql)?.execute(params![
        signed(row.row),
        row.at.millis(),
        row.tenant,
        row.kind,
        row.action,
        row.actor,
        row.success,
        row.details,
        row.hash(&before.hash),
    ])?;
    Ok(())
}

fn head(from: &Connection) -> Result<AuditHead, StoreError> {
    let head = from
        .prepare_cached("SELECT row, hash FROM audit_head")?
        .query_row([], |row| Ok(AuditHead { row: unsigned(row.get(0)?), hash: row.get(1)? }));
    match head {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            Err(StoreError::Corrupt("the head of the audit trail is gone".to_owned()))
        }
        head => Ok(head?),
    }
}

pub fn command_counts(
    reader: &Connection,
    tenant: &Id,
    from: Timestamp,
    to: Timestamp,
) -> Result<CommandCounts, StoreError> {
    let sql = "SELECT action, count(*), sum(NOT success) FROM audit_log
               WHERE tenant = ?1 AND kind = 'command' AND at >= ?2 AND at < ?3
               GROUP BY action ORDER BY action LIMIT ?4";
    let mut counting = reader.prepare_cached(sql)?;
    let mut rows = counting.query(params![tenant.as_str(), from.millis(), to.millis(), COMMANDS])?;
    let mut counts = CommandCounts::default();
    while let Some(row) = rows.next()? {
        let count = unsigned(row.get(1)?);
        counts.total += count;
        counts.failed += unsigned(row.get(2)?);
        counts.by_command.push((row.get(0)?, count));
    }
    Ok(counts)
}

/// Checks the trail of the store in this directory, of which another process may be the owner.
///
/// # Errors
/// There is no store there, or it cannot be read.
pub fn verify_audit(data_dir: &Path, known: Option<&AuditHead>) -> Result<AuditVerdict, StoreError> {
    let connection = connection::reading(data_dir)?;
    // The trail and its head as of one moment.
    let moment = connection.unchecked_transaction()?;
    let mut chain = Chain { last: AuditHead::START, known };
    let sql = "SELECT row, at, tenant, kind, action, actor, success, details, hash
               FROM audit_log NOT INDEXED ORDER BY row";
    let mut statement = moment.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(broken) = chain.next(row) {
            return Ok(AuditVerdict::Broken(broken));
        }
    }
    let head = head(&moment);
    Ok(chain.end(&head?).map_or_else(AuditVerdict::Broken, AuditVerdict::Sound))
}

/// The trail as far as it has been read.
struct Chain<'a> {
    last: AuditHead,
    known: Option<&'a AuditHead>,
}

impl Chain<'_> {
    fn next(&mut self, row: &SqlRow<'_>) -> Result<(), Broken> {
        let expected = self.last.row + 1;
        let found = unsigned(row.get(0).unwrap_or(0));
        let broken = |row, problem| Err(Broken { row, problem });
        if found < expected {
            return broken(found, "stands before the first");
        }
        if found > expected {
            return broken(expected, "is missing");
        }
        let Ok((hash, stored)) = hashes(row, expected, &self.last.hash) else {
            return broken(expected, "is not as any was written");
        };
        if hash != stored {
            return broken(expected, "is not as it was written, or does not follow the row before it");
        }
        self.last = AuditHead { row: expected, hash };
        match self.known {
            Some(known) if known.row == expected && known.hash != hash => {
                broken(expected, "is not the one that was noted")
            }
            _ => Ok(()),
        }
    }

    fn end(self, head: &AuditHead) -> Result<AuditHead, Broken> {
        let next = self.last.row + 1;
        let is_noted = self.known.is_some_and(|known| known.row > self.last.row);
        if head.row > self.last.row || is_noted {
            return Err(Broken { row: next, problem: "is missing, and all behind it" });
        }
        if *head != self.last {
            return Err(Broken { row: self.last.row, problem: "is not the one the head names" });
        }
        Ok(self.last)
    }
}

/// The hash that the row should have, and the one it has.
fn hashes(row: &SqlRow<'_>, number: u64, before: &[u8; 32]) -> rusqlite::Result<([u8; 32], [u8; 32])> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let success = row.get_ref(6)?.as_i64()?;
    let should = Row {
        row: number,
        at: Timestamp::from_millis(row.get(1)?),
        tenant: text(2)?,
        kind: text(3)?,
        action: text(4)?,
        actor: text(5)?,
        success: success == 1,
        details: text(7)?,
    };
    // Anything but 0 and 1 was never written.
    let before = if success == 0 || success == 1 { *before } else { [0xff; 32] };
    Ok((should.hash(&before), row.get(8)?))
}
