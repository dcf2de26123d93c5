//! Putting a tenant's rows back from a backup.
//!
//! The file comes from outside: it is opened for reading alone, is checked before anything is changed,
//! and its rows are read by name and type, one at a time.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::backup::{APPLICATION_ID, FORMAT, TABLES, Table, has_form};
use super::connection::{of_tenant, read_only, unsigned};
use super::leads;
use crate::domain::id::Id;
use crate::store::{Restored, StoreError};

/// More bytes of text than a lead can have when it is made.
const LARGEST_LEAD: usize = 64 * 1024;

fn no_backup(why: impl ToString) -> StoreError {
    StoreError::NotABackup(why.to_string())
}

/// Opens a backup and checks that it is one, whole, and this tenant's.
pub fn open(file: &Path, tenant: &Id) -> Result<Connection, StoreError> {
    let from = read_only(file).map_err(|error| no_backup(format!("{}: {error}", file.display())))?;
    let ours: i32 = from.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(no_backup)?;
    if ours != APPLICATION_ID {
        return Err(no_backup("it was not written by a backup of this program"));
    }
    if !has_form(&from).map_err(no_backup)? {
        return Err(no_backup("it has other tables than a backup of this program, or more than tables"));
    }
    let sound: String = from.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(no_backup)?;
    if sound != "ok" {
        return Err(no_backup(format!("it is damaged: {sound}")));
    }
    let about = "SELECT max(format), max(tenant), count(*) FROM backup";
    let about = from.query_row(about, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (format, owner, rows): (Option<i64>, Option<String>, i64) = about.map_err(no_backup)?;
    let (Some(format), Some(owner), 1) = (format, owner, rows) else {
        return Err(no_backup("it does not say once what it is"));
    };
    if format != FORMAT {
        return Err(no_backup(format!("it has the form {format}, this program knows {FORMAT}")));
    }
    if owner != tenant.as_str() {
        return Err(no_backup(format!("it is of the tenant `{owner}`")));
    }
    Ok(from)
}

/// Replaces what the tenant has by what the backup has, inside the transaction at hand.
pub fn put_back(from: &Connection, to: &Connection, tenant: &Id) -> Result<Restored, StoreError> {
    for table in &TABLES {
        to.execute(&format!("DELETE FROM {} WHERE tenant = ?1", table.name), [tenant.as_str()])?;
    }
    let [leads, journal, settings] = &TABLES;
    let rows = Restored {
        leads: put(from, to, tenant, leads, "")?,
        // Of no process, so that nobody waits for one that is pending.
        journal: put(from, to, tenant, journal, "run")?,
        settings: put(from, to, tenant, settings, "")?,
    };
    let sql = "SELECT leads, journal, settings FROM backup";
    let counted = from
        .query_row(sql, [], |row| {
            let (leads, journal, settings) =
                (unsigned(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?));
            Ok(Restored { leads, journal, settings })
        })
        .map_err(no_backup)?;
    if rows != counted {
        return Err(no_backup("rows are missing, or too many"));
    }
    Ok(rows)
}

/// Copies a table's rows; `blank` is a column of ours that the file has not, and that is left empty.
fn put(
    from: &Connection,
    to: &Connection,
    tenant: &Id,
    table: &Table,
    blank: &str,
) -> Result<u64, StoreError> {
    let sql = format!("SELECT {} FROM {} ORDER BY rowid", table.columns, table.name);
    let mut reading = from.prepare(&sql).map_err(no_backup)?;
    let mut rows = reading.query([]).map_err(no_backup)?;
    let (name, value) = if blank.is_empty() { (String::new(), "") } else { (format!(", {blank}"), ", ''") };
    let (columns, holes) = (table.columns, table.holes());
    let sql = format!("INSERT INTO {} (tenant, {columns}{name}) VALUES (?, {holes}{value})", table.name);
    let mut writing = to.prepare(&sql)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(no_backup)? {
        if table.name == "leads" {
            let lead = leads::read(row).map_err(no_backup)?;
            if lead.size() > LARGEST_LEAD {
                return Err(no_backup(format!("the lead `{}` is larger than any that was stored", lead.id)));
            }
        }
        let own = (0..table.width()).map(|at| row.get(at));
        let values = std::iter::once(Ok(Value::Text(tenant.to_string()))).chain(own);
        let values: Vec<Value> = values.collect::<rusqlite::Result<_>>().map_err(no_backup)?;
        let put = writing.execute(params_from_iter(&values));
        put.map_err(|error| match of_tenant(error, tenant.as_str()) {
            // A type or a key that our own table refuses.
            StoreError::Io(why) => no_backup(why),
            other => other,
        })?;
        count += 1;
    }
    Ok(count)
}
