//! Writing a tenant's rows into a file of their own.
//!
//! The rows are read as of one moment and written one by one, so it needs the memory of a row, whatever
//! there is. The file has another name until it is whole and synced.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};

use super::connection::{make_dir, private, signed, unsigned};
use super::tenants;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::store::{Backup, Restored, StoreError};

/// Marks the file as a backup of ours: "Swbb".
pub const APPLICATION_ID: i32 = 0x5377_6262;
/// The form of the file.
pub const FORMAT: i64 = 1;

const WHOLE: &str = "sqlite";
const PARTIAL: &str = "partial";
/// Backups of a tenant in one millisecond.
const AT_ONCE: u32 = 100;
/// Backups of a tenant's day, in UTC: the first and the newest. A tenant that asks for them in a loop fills no
/// disk, and can take nothing away of the days before.
const A_DAY: usize = 10;

/// What is copied: the table, its columns, and the order of its rows. Never `audit_log` (contract D-45), nor
/// what a journal's row says of this process.
pub const TABLES: [Table; 3] = [
    Table {
        name: "leads",
        columns: "id, name, email, company, phone, notes, source, status, created_at, updated_at",
        order: "seq",
    },
    Table { name: "journal", columns: "key, body, command, outside, at, answer", order: "key" },
    Table { name: "settings", columns: "name, value", order: "name" },
];

pub struct Table {
    pub name: &'static str,
    pub columns: &'static str,
    order: &'static str,
}

impl Table {
    /// How many columns.
    pub fn width(&self) -> usize {
        self.columns.split(", ").count()
    }

    /// One `?` for each column.
    pub fn holes(&self) -> String {
        vec!["?"; self.width()].join(", ")
    }
}

pub fn write(
    from: &mut Connection,
    backup_dir: &Path,
    tenant: &Id,
    now: Timestamp,
    progress: &mut dyn FnMut(&str, u8),
) -> Result<Backup, StoreError> {
    let moment = from.transaction()?;
    tenants::must_exist(&moment, tenant)?;
    let place = Place::reserve(&folder(backup_dir, tenant), now)?;
    let mut told = |percent| progress(&place.id, percent);
    let rows = copy(&moment, &place.partial, tenant, now, &mut told).map_err(Failed::named)?;
    let bytes = place.finish().map_err(target)?;
    place.thin_out();
    progress(&place.id, 100);
    Ok(Backup { id: place.id.clone(), path: place.whole.clone(), taken_at: now, bytes, rows })
}

/// The newest backup in the tenant's folder.
pub fn last(backup_dir: &Path, tenant: &Id) -> Result<Option<Timestamp>, StoreError> {
    let entries = match fs::read_dir(folder(backup_dir, tenant)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(target(error)),
    };
    let mut all: Vec<_> = whole(entries).collect();
    all.sort_unstable();
    Ok(all.into_iter().rev().find(|(_, path)| is_ours(path)).map(|(at, _)| at))
}

/// The backups among some files, with their times.
fn whole(entries: fs::ReadDir) -> impl Iterator<Item = (Timestamp, PathBuf)> {
    let paths = entries.flatten().map(|entry| entry.path()).filter(|path| has_ending(path, WHOLE));
    paths.filter_map(|path| Some((taken_at(&path)?, path)))
}

/// Whether the file begins as a backup does: a name alone proves nothing.
fn is_ours(path: &Path) -> bool {
    // A database keeps its application id there.
    let mut head = [0; 72];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head.ends_with(&APPLICATION_ID.to_be_bytes())
}

/// Removes what earlier processes have left unfinished. That it cannot is said when a backup is written.
pub fn sweep(backup_dir: &Path) {
    let Ok(folders) = fs::read_dir(backup_dir) else { return };
    let files = folders.flatten().filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten();
    for path in files.map(|file| file.path()).filter(|path| has_ending(path, PARTIAL)) {
        let _ = fs::remove_file(path);
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own == ending)
}

/// A tenant's folder. An id may begin with a dot, or be two: such a one is spelled out.
fn folder(backup_dir: &Path, tenant: &Id) -> PathBuf {
    let id = tenant.as_str();
    backup_dir.join(match id.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => id.to_owned(),
    })
}

/// `20260101T000000.000Z`: what every file system takes for a name.
fn stamp(at: Timestamp) -> String {
    at.to_string().replace(['-', ':'], "")
}

/// The time in a file's name.
fn taken_at(path: &Path) -> Option<Timestamp> {
    let name = path.file_name()?.to_str()?;
    let (date, rest) = (name.get(..8)?, name.get(8..20)?);
    let (hour, minute, second) = (rest.get(1..3)?, rest.get(3..5)?, rest.get(5..)?);
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}");
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// Where a backup is written, and where it will be. Removes what is unfinished when dropped.
struct Place {
    id: String,
    partial: PathBuf,
    whole: PathBuf,
}

impl Place {
    /// Finds a name that nobody has, and takes it.
    fn reserve(folder: &Path, now: Timestamp) -> Result<Place, StoreError> {
        make_dir(folder).map_err(target)?;
        for number in 1..=AT_ONCE {
            let id = if number == 1 { stamp(now) } else { format!("{}-{number}", stamp(now)) };
            let place = |ending: &str| folder.join(format!("{id}.{ending}"));
            let (partial, whole) = (place(PARTIAL), place(WHOLE));
            match private().create_new(true).open(&partial) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(target(error)),
                Ok(_) => {
                    let place = Place { id, partial, whole };
                    // Only now: whoever had the name before may have finished in between.
                    if !place.whole.exists() {
                        return Ok(place);
                    }
                }
            }
        }
        Err(StoreError::Busy)
    }

    /// Syncs the file, gives it its name, and syncs that. Gives its size.
    fn finish(&self) -> std::io::Result<u64> {
        let file = private().open(&self.partial)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        fs::rename(&self.partial, &self.whole)?;
        let folder = self.whole.parent().expect("it is in a folder");
        File::open(folder)?.sync_all()?;
        Ok(bytes)
    }
}

impl Place {
    /// Leaves no more than [`A_DAY`] of its day. What cannot be removed is tried again with the next.
    fn thin_out(&self) {
        let Some(day) = taken_at(&self.whole).map(Timestamp::day) else { return };
        let Some(Ok(entries)) = self.whole.parent().map(fs::read_dir) else { return };
        let mut of_day: Vec<_> = whole(entries).filter(|(at, _)| at.day() == day).collect();
        of_day.sort_unstable();
        let too_many = of_day.len().saturating_sub(A_DAY);
        let others = of_day.iter().skip(1).map(|(_, path)| path).filter(|path| **path != self.whole);
        for path in others.take(too_many) {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // After the rename there is nothing of this name.
        let _ = fs::remove_file(&self.partial);
    }
}

/// Which side a copy failed on.
enum Failed {
    Source(rusqlite::Error),
    Target(rusqlite::Error),
}

impl Failed {
    fn named(self) -> StoreError {
        match self {
            Failed::Source(error) => error.into(),
            Failed::Target(error) => match error.into() {
                StoreError::Full => StoreError::Full,
                other => StoreError::Target(other.to_string()),
            },
        }
    }
}

fn target(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull => StoreError::Full,
        _ => StoreError::Target(error.to_string()),
    }
}

fn copy(
    from: &Connection,
    path: &Path,
    tenant: &Id,
    now: Timestamp,
    progress: &mut dyn FnMut(u8),
) -> Result<Restored, Failed> {
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(&TABLES) {
        let sql = format!("SELECT count(*) FROM {} WHERE tenant = ?1", table.name);
        *count = from
            .query_row(&sql, [tenant.as_str()], |row| row.get(0))
            .map(unsigned)
            .map_err(Failed::Source)?;
    }
    let mut told = Percent { done: 0, total: counts.iter().sum(), last: None, progress };
    told.tell();

    let mut to = new_file(path).map_err(Failed::Target)?;
    let copying = to.transaction().map_err(Failed::Target)?;
    for table in &TABLES {
        let (columns, order) = (table.columns, table.order);
        let sql = format!("SELECT {columns} FROM {} WHERE tenant = ?1 ORDER BY {order}", table.name);
        let mut reading = from.prepare(&sql).map_err(Failed::Source)?;
        let mut rows = reading.query([tenant.as_str()]).map_err(Failed::Source)?;
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({})", table.name, table.holes());
        let mut writing = copying.prepare(&sql).map_err(Failed::Target)?;
        while let Some(row) = rows.next().map_err(Failed::Source)? {
            let values: rusqlite::Result<Vec<Value>> = (0..table.width()).map(|at| row.get(at)).collect();
            let values = values.map_err(Failed::Source)?;
            writing.execute(params_from_iter(&values)).map_err(Failed::Target)?;
            told.one_more();
        }
    }
    let [leads, journal, settings] = counts;
    let sql = "INSERT INTO backup (format, tenant, taken_at, leads, journal, settings)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let counted = (signed(leads), signed(journal), signed(settings));
    let about = params![FORMAT, tenant.as_str(), now.millis(), counted.0, counted.1, counted.2];
    copying.execute(sql, about).and_then(|_| copying.commit()).map_err(Failed::Target)?;
    to.close().map_err(|(_, error)| Failed::Target(error))?;
    Ok(Restored { leads, journal, settings })
}

const FORM: &str = "
    CREATE TABLE backup (format INTEGER NOT NULL, tenant TEXT NOT NULL, taken_at INTEGER NOT NULL,
        leads INTEGER NOT NULL, journal INTEGER NOT NULL, settings INTEGER NOT NULL) STRICT;
    CREATE TABLE leads (id TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL, company TEXT,
        phone TEXT, notes TEXT, source TEXT NOT NULL, status TEXT NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT;
    CREATE TABLE journal (key TEXT NOT NULL, body BLOB NOT NULL, command TEXT NOT NULL,
        outside INTEGER NOT NULL, at INTEGER NOT NULL, answer TEXT) STRICT;
    CREATE TABLE settings (name TEXT NOT NULL, value TEXT NOT NULL) STRICT;";

/// Whether a file is made of a backup's tables and nothing else. A view in their place could be a query
/// without end.
pub fn has_form(file: &Connection) -> rusqlite::Result<bool> {
    let blank = Connection::open_in_memory()?;
    blank.execute_batch(FORM)?;
    Ok(made_of(file)? == made_of(&blank)?)
}

fn made_of(file: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut all = file.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name LIMIT 10")?;
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// A file that is synced once, when it is whole: until then its loss loses nothing.
fn new_file(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let to = Connection::open_with_flags(path, flags)?;
    to.execute_batch(
        "PRAGMA journal_mode = OFF;
         PRAGMA synchronous = OFF;",
    )?;
    to.execute_batch(FORM)?;
    to.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(to)
}

/// Tells each new percent, 100 excepted: that is the name.
struct Percent<'a> {
    done: u64,
    total: u64,
    last: Option<u8>,
    progress: &'a mut dyn FnMut(u8),
}

impl Percent<'_> {
    fn one_more(&mut self) {
        self.done += 1;
        self.tell();
    }

    fn tell(&mut self) {
        let percent = u8::try_from(self.done * 100 / self.total.max(1)).unwrap_or(99).min(99);
        if self.last != Some(percent) {
            self.last = Some(percent);
            (self.progress)(percent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenants_folder_leads_elsewhere_or_to_another() {
        let names = ["..", ".", "...", ".a", "a", "a..b", "%2E"].map(Id::parse);
        let folders: Vec<_> = names.iter().flatten().map(|id| folder(Path::new("b"), id)).collect();
        let shown: Vec<_> = folders.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(shown, ["b/%2E.", "b/%2E", "b/%2E..", "b/%2Ea", "b/a", "b/a..b"]);
    }

    #[test]
    fn a_files_name_tells_its_time() {
        let at = Timestamp::from_millis(1_767_225_600_123);
        assert_eq!(stamp(at), "20260101T000000.123Z");
        for name in ["b/20260101T000000.123Z.sqlite", "b/20260101T000000.123Z-2.sqlite"] {
            assert_eq!(taken_at(Path::new(name)), Some(at), "{name}");
        }
        for name in ["x.sqlite", "20269901T000000.123Z.sqlite", "äääääääääääää.sqlite", "20260101.sqlite"]
        {
            assert_eq!(taken_at(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn progress_goes_up_to_99_and_says_nothing_twice() {
        for (total, expected) in [(0, vec![0]), (3, vec![0, 33, 66, 99]), (1000, (0..100).collect())] {
            let mut told = Vec::new();
            let mut percent = Percent { done: 0, total, last: None, progress: &mut |at| told.push(at) };
            percent.tell();
            (0..total).for_each(|_| percent.one_more());
            assert_eq!(told, expected, "{total}");
        }
    }
}
