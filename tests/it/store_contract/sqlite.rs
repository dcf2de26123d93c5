//! The embedded store's place, and what holds for it alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use switchboard::ambient;
use switchboard::store::sqlite::{Options, SqliteStore};
use switchboard::store::{AuditVerdict, Store, StoreError};

use super::{NOW, Place, TTL, Tamper, add, audited, lead, records, tenants};

pub struct SqlitePlace {
    root: PathBuf,
}

impl SqlitePlace {
    /// A place that another process has.
    pub fn at(root: PathBuf) -> SqlitePlace {
        SqlitePlace { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn options(&self) -> Options {
        Options {
            data_dir: self.root.join("data"),
            backup_dir: self.backup_dir(),
            idempotency_ttl: Duration::from_millis(TTL.unsigned_abs()),
            max_pages: None,
        }
    }

    pub fn try_open(&self, options: &Options) -> Result<Arc<dyn Store>, StoreError> {
        let store = SqliteStore::open(options, &*ambient::system().random, NOW)?;
        store.mirror_tenants(&records("key-a:a,key-b:b"), NOW)?;
        Ok(Arc::new(store))
    }

    pub fn raw(&self) -> Connection {
        Connection::open(self.root.join("data/switchboard.sqlite")).unwrap()
    }
}

impl Place for SqlitePlace {
    fn new() -> SqlitePlace {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("store-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        SqlitePlace { root: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name) }
    }

    fn open(&self) -> Arc<dyn Store> {
        self.try_open(&self.options()).unwrap()
    }

    fn open_small(&self) -> Arc<dyn Store> {
        self.try_open(&Options { max_pages: Some(150), ..self.options() }).unwrap()
    }

    fn backup_dir(&self) -> PathBuf {
        self.root.join("backups")
    }

    fn spoiled(&self, backup: &Path) -> Vec<PathBuf> {
        let spoils = [
            ("altered", "DELETE FROM leads WHERE id = 'lead-3'"),
            ("typed", "UPDATE leads SET status = 'x'"),
            ("twice", "UPDATE leads SET id = 'same'"),
            ("huge", "UPDATE leads SET notes = hex(zeroblob(1000000)) WHERE id = 'lead-3'"),
            ("bare", "DROP TABLE leads"),
        ];
        let spoil = |(name, sql): (&str, &str)| {
            let path = backup.with_file_name(name);
            fs::copy(backup, &path).unwrap();
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
            path
        };
        spoils.map(spoil).into()
    }

    fn tamper(&self, with: Tamper) {
        let raw = self.raw();
        // Whoever can write the file can drop its triggers.
        let mut triggers = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").unwrap();
        let triggers: Vec<String> =
            triggers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for trigger in triggers.iter().filter(|name| name.starts_with("audit")) {
            raw.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        let sql = match with {
            Tamper::Field(row, column @ ("at" | "success")) => {
                format!("UPDATE audit_log SET {column} = 1 - {column} WHERE row = {row}")
            }
            Tamper::Field(row, "hash") => {
                format!("UPDATE audit_log SET hash = zeroblob(32) WHERE row = {row}")
            }
            Tamper::Field(row, column) => {
                format!("UPDATE audit_log SET {column} = {column} || 'x' WHERE row = {row}")
            }
            Tamper::Remove(row) => format!("DELETE FROM audit_log WHERE row = {row}"),
            Tamper::Swap(one, other) => format!(
                "UPDATE audit_log SET row = -1 WHERE row = {one};
                 UPDATE audit_log SET row = {one} WHERE row = {other};
                 UPDATE audit_log SET row = {other} WHERE row = -1;"
            ),
            Tamper::Cut(row) => format!("DELETE FROM audit_log WHERE row >= {row}"),
            Tamper::CutAndMend(row) => format!(
                "DELETE FROM audit_log WHERE row >= {row};
                 UPDATE audit_head SET row = {row} - 1,
                     hash = (SELECT hash FROM audit_log WHERE row = {row} - 1);"
            ),
        };
        raw.execute_batch(&sql).unwrap();
    }
}

impl Drop for SqlitePlace {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn the_store_is_one_process_at_a_time() {
    let place = SqlitePlace::new();
    let store = place.open();
    let data_dir = place.options().data_dir;
    assert_eq!(place.try_open(&place.options()).err(), Some(StoreError::InUse(data_dir)));
    drop(store);
    place.open();
}

#[test]
fn the_file_is_written_ahead() {
    let place = SqlitePlace::new();
    let _store = place.open();
    let mode: String = place.raw().pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn the_audit_trail_takes_nothing_but_the_next_row() {
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let store = place.open();
    for _ in 0..3 {
        store.record(&a, audited("get_leads", true), NOW).unwrap();
    }
    let raw = place.raw();
    let row = |number: &str| {
        format!(
            "INTO audit_log SELECT {number}, at, tenant, kind, action, actor, success, details, hash
             FROM audit_log WHERE row = 1"
        )
    };
    let attacks = [
        "UPDATE audit_log SET details = 'x'".to_owned(),
        "UPDATE audit_log SET row = row + 10".to_owned(),
        "DELETE FROM audit_log WHERE row = 3".to_owned(),
        format!("INSERT OR REPLACE {}", row("2")),
        format!("INSERT {}", row("7")),
        format!("INSERT {}", row("NULL")),
        "UPDATE audit_head SET row = 2".to_owned(),
        "UPDATE audit_head SET row = 4".to_owned(),
        "DELETE FROM audit_head".to_owned(),
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, zeroblob(32))".to_owned(),
    ];
    for attack in attacks {
        let refused = raw.execute_batch(&attack).unwrap_err();
        assert!(refused.to_string().contains("the audit trail is append-only"), "{attack}: {refused}");
    }
    assert!(matches!(store.verify_audit(None), Ok(AuditVerdict::Sound(head)) if head.row == 3));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let place = SqlitePlace::new();
    drop(place.open());
    assert!(!place.options().data_dir.join("switchboard.sqlite-wal").exists(), "all of it is in the file");
    fs::write(place.options().data_dir.join("switchboard.sqlite"), [b'x'; 8192]).unwrap();
    let opened = place.try_open(&place.options()).err();
    assert!(matches!(opened, Some(StoreError::Corrupt(_))), "{opened:?}");
}

#[test]
fn a_damaged_row_is_named_and_no_panic() {
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let store = place.open();
    add(&*store, &a, &lead(1, "x", 0));
    place.raw().execute("UPDATE leads SET status = 'nonsense'", []).unwrap();
    assert!(matches!(store.lead(&a, &lead(1, "x", 0).id), Err(StoreError::Corrupt(_))));
    assert!(matches!(store.lead_counts(&a, NOW, NOW), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let place = SqlitePlace::new();
    drop(place.open());
    place.raw().execute("INSERT INTO migrations VALUES (99, 'later', 0)", []).unwrap();
    let opened = place.try_open(&place.options());
    assert!(matches!(opened.err(), Some(StoreError::TooNew { found: 99, .. })));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let place = SqlitePlace::new();
    fs::create_dir_all(&place.root).unwrap();
    fs::write(place.root.join("data"), "a file").unwrap();
    assert!(matches!(place.try_open(&place.options()).err(), Some(StoreError::Io(_))));
}

#[test]
fn others_cannot_read_the_directories() {
    use std::os::unix::fs::PermissionsExt;
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let backup = place.open().backup(&a, NOW, &mut |_, _| {}).unwrap();
    for dir in [place.options().data_dir, backup.path.parent().unwrap().to_owned()] {
        assert_eq!(fs::metadata(dir).unwrap().permissions().mode() & 0o077, 0);
    }
}

/// The operator may have made the directories, as a volume or a package does, and lets everybody in.
#[test]
fn others_cannot_read_the_files_whoever_made_the_directories() {
    use std::os::unix::fs::PermissionsExt;
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let (data, backups) = (place.options().data_dir, place.backup_dir().join("a"));
    for dir in [&data, &backups] {
        fs::create_dir_all(dir).unwrap();
    }
    // Of an earlier version.
    fs::write(data.join("switchboard.sqlite"), "").unwrap();
    let store = place.open();
    add(&*store, &a, &lead(1, "x", 0));
    store.backup(&a, NOW, &mut |_, _| {}).unwrap();
    let files: Vec<PathBuf> = [data, backups]
        .iter()
        .flat_map(|dir| fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

/// A file that says it is a backup and has queries, indexes or tables of another form in it: not run, not asked.
#[test]
fn a_backup_is_tables_of_its_own_form_and_nothing_else() {
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let store = place.open();
    add(&*store, &a, &lead(1, "x", 0));
    let good = store.backup(&a, NOW, &mut |_, _| {}).unwrap().path;
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)";
    for (number, sql) in [
        format!(
            "DROP TABLE leads; CREATE VIEW leads AS {endless} SELECT x AS rowid, 'l' || x AS id, 'n' AS name,
             'e' AS email, NULL AS company, NULL AS phone, NULL AS notes, 'v' AS source, 'NEW' AS status,
             1 AS created_at, 1 AS updated_at FROM n"
        ),
        "CREATE VIEW more AS SELECT 1".to_owned(),
        "CREATE TABLE more (x)".to_owned(),
        "CREATE VIRTUAL TABLE more USING fts5 (x)".to_owned(),
        "CREATE TRIGGER t AFTER INSERT ON leads BEGIN SELECT 1; END".to_owned(),
        "CREATE INDEX i ON leads (id || 'x')".to_owned(),
        "ALTER TABLE leads ADD COLUMN more TEXT".to_owned(),
        "DROP TABLE settings; CREATE TABLE settings (name, value)".to_owned(),
        "INSERT INTO backup SELECT * FROM backup".to_owned(),
        "DELETE FROM backup".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let path = good.with_file_name(number.to_string());
        fs::copy(&good, &path).unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let restored = store.restore(&a, &path);
        assert!(matches!(restored, Err(StoreError::NotABackup(_))), "{sql}: {restored:?}");
    }
    assert!(store.restore(&a, &good).is_ok());
}

#[test]
fn a_file_with_a_backups_name_is_none() {
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let store = place.open();
    let backup = store.backup(&a, NOW, &mut |_, _| {}).unwrap();
    for (name, bytes) in
        [("20991231T000000.000Z.sqlite", &b""[..]), ("20991230T000000.000Z.sqlite", &[7; 4096])]
    {
        fs::write(backup.path.with_file_name(name), bytes).unwrap();
    }
    fs::create_dir(backup.path.with_file_name("20991229T000000.000Z.sqlite")).unwrap();
    assert_eq!(store.last_backup(&a), Ok(Some(NOW)));
}

#[test]
fn what_a_killed_process_left_of_a_backup_is_swept() {
    let place = SqlitePlace::new();
    let [a, ..] = tenants();
    let backup = place.open().backup(&a, NOW, &mut |_, _| {}).unwrap();
    let left = backup.path.with_extension("partial");
    fs::write(&left, "half").unwrap();
    place.open();
    assert!(!left.exists() && backup.path.exists());
}
