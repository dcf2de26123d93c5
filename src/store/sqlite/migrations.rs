//! What the file is made of, in the order in which it came to be.
//!
//! Each step runs in one transaction together with its record, so a file is at one version or the next.
//! A step that has been released is never edited: the next one changes what it did.

use rusqlite::{Connection, TransactionBehavior};

use super::connection::APPLICATION_ID;
use crate::domain::time::Timestamp;
use crate::store::StoreError;

const MIGRATIONS: &[(&str, &str)] = &[("begin", include_str!("../migrations/0001_begin.sql"))];

const RECORDS: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";

/// Brings the file up to this program's version.
pub fn apply(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    steps(connection, MIGRATIONS, now)
}

fn steps(connection: &mut Connection, all: &[(&str, &str)], now: Timestamp) -> Result<(), StoreError> {
    let ours: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if ours != APPLICATION_ID && tables > 0 {
        return Err(StoreError::Corrupt("the file is another program's".to_owned()));
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.execute(RECORDS, [])?;
    let version = "SELECT coalesce(max(version), 0) FROM migrations";
    let found: u32 = connection.query_row(version, [], |row| row.get(0))?;
    let known = u32::try_from(all.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (number, (name, sql)) in (1_u32..).zip(all).skip(found as usize) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        let record = "INSERT INTO migrations (version, name, applied_at) VALUES (?1, ?2, ?3)";
        step.execute(record, (number, name, now.millis()))?;
        step.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(7);

    fn versions(connection: &Connection) -> Vec<(u32, String)> {
        let mut all = connection.prepare("SELECT version, name FROM migrations ORDER BY version").unwrap();
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn each_step_runs_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let all = [("one", "CREATE TABLE a (x)"), ("two", "ALTER TABLE a ADD COLUMN y")];
        steps(&mut connection, &all[..1], NOW).unwrap();
        steps(&mut connection, &all, NOW).unwrap();
        steps(&mut connection, &all, NOW).unwrap();
        assert_eq!(versions(&connection), [(1, "one".to_owned()), (2, "two".to_owned())]);
        connection.execute("INSERT INTO a (x, y) VALUES (1, 2)", []).unwrap();
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_and_is_tried_again() {
        let mut connection = Connection::open_in_memory().unwrap();
        let bad = [("one", "CREATE TABLE a (x); CREATE TABLE b (x); CREATE TABLE a (x)")];
        assert!(matches!(steps(&mut connection, &bad, NOW), Err(StoreError::Io(_))));
        assert_eq!(versions(&connection), []);
        steps(&mut connection, &[("one", "CREATE TABLE a (x)")], NOW).unwrap();
        assert_eq!(versions(&connection), [(1, "one".to_owned())]);
    }

    #[test]
    fn a_later_file_and_a_foreign_one_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        steps(&mut connection, &[("one", ""), ("two", "")], NOW).unwrap();
        let known = steps(&mut connection, &[("one", "")], NOW);
        assert_eq!(known, Err(StoreError::TooNew { found: 2, known: 1 }));

        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute("CREATE TABLE leads (x)", []).unwrap();
        assert!(matches!(apply(&mut foreign, NOW), Err(StoreError::Corrupt(_))));
    }
}
