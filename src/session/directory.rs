//! Which session an Engine.IO sid means, on the path that issued it.
//!
//! One for all workers: a client's next request may come on any of them. A sid is a secret (who
//! has it can read and write the session), so it is never logged; sessions have another id for that.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handle::Handle;

/// Where an engine is mounted. A sid is valid only where it was issued (contract D-44).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnginePath {
    /// `/socket.io` and `/socket.io/`.
    SocketIo,
    /// `/ws` and `/ws/`.
    Ws,
}

type BySid = HashMap<Arc<str>, Handle>;

/// The sessions by path and sid.
#[derive(Default)]
pub struct Directory {
    paths: [Mutex<BySid>; 2],
}

/// A session's place in the directory, until it is dropped.
pub struct Registration {
    path: EnginePath,
    sid: Arc<str>,
    directory: Arc<Directory>,
}

impl Directory {
    pub fn find(&self, path: EnginePath, sid: &str) -> Option<Handle> {
        self.lock(path).get(sid).cloned()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.paths.iter().map(|path| locked(path).len()).sum()
    }

    fn lock(&self, path: EnginePath) -> MutexGuard<'_, BySid> {
        locked(&self.paths[path as usize])
    }
}

impl Registration {
    /// Enters a session under a sid that nobody else has.
    pub fn new(directory: &Arc<Directory>, path: EnginePath, sid: Arc<str>, session: Handle) -> Registration {
        directory.lock(path).insert(Arc::clone(&sid), session);
        Registration { path, sid, directory: Arc::clone(directory) }
    }

    pub fn path(&self) -> EnginePath {
        self.path
    }

    pub fn sid(&self) -> &str {
        &self.sid
    }
}

fn locked(sessions: &Mutex<BySid>) -> MutexGuard<'_, BySid> {
    // The map is never left half changed, so a poisoned lock is as good as a sound one.
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.directory.lock(self.path).remove(&self.sid);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.path)
    }
}
