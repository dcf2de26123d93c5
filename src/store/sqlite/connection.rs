//! Opening: the directory, the lock, and connections that are set up alike.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::StoreError;

/// How long a connection waits for another before it is [`StoreError::Busy`].
const PATIENCE: Duration = Duration::from_secs(5);
/// Statements a connection keeps prepared; there are fewer.
const STATEMENTS: usize = 64;

/// Also marks the file as ours: "Swbd".
pub const APPLICATION_ID: i32 = 0x5377_6264;

pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("switchboard.sqlite")
}

/// Makes the directory, for its owner's eyes only, if it is not there.
pub fn make_dir(dir: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Makes a file, if it is not there, that its owner alone can read: the directory may have been made by somebody
/// who lets others in. One from before is closed to them, if it is ours to close.
fn make_private(path: &Path) -> std::io::Result<File> {
    let file = private().create(true).truncate(false).open(path)?;
    let permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 != 0 {
        let _ = file.set_permissions(Permissions::from_mode(permissions.mode() & 0o700));
    }
    Ok(file)
}

/// To write a file that, if it is made, its owner alone can read.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes the directory if need be, and keeps other processes out for as long as the file is held.
pub fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let failed = |error| StoreError::Io(format!("{}: {error}", data_dir.display()));
    make_dir(data_dir).map_err(failed)?;
    let path = data_dir.join("switchboard.lock");
    let lock = make_private(&path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(data_dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The connection that writes. The files SQLite keeps beside its own have that one's permissions.
pub fn writing(data_dir: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let path = file(data_dir);
    make_private(&path).map_err(|error| StoreError::Io(format!("{}: {error}", path.display())))?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if let Some(pages) = max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// A connection that reads what is committed, and keeps nobody from writing.
pub fn reading(data_dir: &Path) -> Result<Connection, StoreError> {
    let path = file(data_dir);
    let connection = read_only(&path)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A connection to a file that must exist, and that is not believed to be well-meant.
pub fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(connection)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt(error.to_string())
            }
            Some(_) => StoreError::Io(error.to_string()),
            None => match error {
                FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | Utf8Error(..) => StoreError::Corrupt(error.to_string()),
                other => StoreError::Io(other.to_string()),
            },
        }
    }
}

/// The error of a write of which a tenant is part: a foreign key that leads nowhere is no such tenant.
pub fn of_tenant(error: rusqlite::Error, tenant: &str) -> StoreError {
    match error.sqlite_extended_error_code() {
        Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StoreError::UnknownTenant(tenant.to_owned()),
        _ => error.into(),
    }
}

/// A number that is never negative, as SQLite keeps it.
pub fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
