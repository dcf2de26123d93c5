//! The reason a run does not count, and the one way to wait.
//!
//! No figure is ever printed for a run that met a [`Void`]: a wrong number of bytes, a refused handshake and a wait
//! without end are the same thing to a reader of the table.

use std::fmt::{self, Display};
use std::time::Duration;

pub type Result<T> = std::result::Result<T, Void>;

#[derive(Clone, Debug)]
pub struct Void(String);

impl Void {
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done when a lower error came up.
pub trait During<T> {
    /// # Errors
    /// [`Void`] with `what` and the cause, if there is one.
    fn during(self, what: &str) -> Result<T>;
}

impl<T, E: Display> During<T> for std::result::Result<T, E> {
    fn during(self, what: &str) -> Result<T> {
        self.map_err(|cause| Void(format!("{what}: {cause}")))
    }
}

/// Awaits `work`, but not longer than `limit`.
///
/// # Errors
/// [`Void`] of the work itself, or one that names `what` took too long.
pub async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(Void(format!("{what}: not done within {} s", limit.as_secs()))),
    }
}
