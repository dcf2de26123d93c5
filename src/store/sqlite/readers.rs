//! A few connections that read, lent out one at a time.

use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection;
use crate::store::StoreError;

/// How many read at once; more than there are cores would only wait for each other.
const READERS: usize = 4;

pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    pub fn open(data_dir: &Path) -> Result<Readers, StoreError> {
        let all: Result<Vec<_>, _> = (0..READERS).map(|_| connection::reading(data_dir)).collect();
        Ok(Readers { idle: Mutex::new(all?), returned: Condvar::new() })
    }

    /// Reads what is committed, all of it as of one moment.
    pub fn read<T>(
        &self,
        reading: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lent = Lent { readers: self, connection: Some(self.take()) };
        let connection = lent.connection.as_ref().expect("it is lent until dropped");
        let moment = connection.unchecked_transaction()?;
        let read = reading(&moment)?;
        moment.commit()?;
        Ok(read)
    }

    fn take(&self) -> Connection {
        // Nothing panics while the lock is held, and a list of connections cannot be half changed.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.pop() {
                Some(connection) => return connection,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// A connection that comes back, whatever becomes of who has it.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.extend(self.connection.take());
        self.readers.returned.notify_one();
    }
}
