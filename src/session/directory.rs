//! Which session an Engine.IO sid means, on the path that issued it.
//!
//! Each mount has one, for all workers: a client's next request may come on any of them, and a sid is
//! valid only where it was issued (contract D-44). A sid is a secret (who has it can read and write
//! the session), so it is never logged; sessions have another id for that.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handle::Handle;
use super::mount::Mount;

/// The sessions of one path by sid.
#[derive(Default)]
pub struct Directory(Mutex<HashMap<Arc<str>, Handle>>);

/// A session's place in the directory of its mount, until it is dropped.
pub struct Registration {
    sid: Arc<str>,
    mount: Arc<Mount>,
}

impl Directory {
    pub fn find(&self, sid: &str) -> Option<Handle> {
        self.lock().get(sid).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Handle>> {
        // The map is never left half changed, so a poisoned lock is as good as a sound one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    /// Enters a session under a sid that nobody else has.
    pub fn new(mount: &Arc<Mount>, sid: Arc<str>, session: Handle) -> Registration {
        mount.directory.lock().insert(Arc::clone(&sid), session);
        Registration { sid, mount: Arc::clone(mount) }
    }

    pub fn sid(&self) -> &str {
        &self.sid
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.mount.directory.lock().remove(&self.sid);
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mount.path())
    }
}
