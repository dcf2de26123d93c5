//! Entries of the audit trail that nobody waits for, written together.
//!
//! A sync costs a hundred times what a row does: an admin who publishes ten thousand times a second, or once to
//! ten clients, must not pay one for each. What is noted is on disk a [`LINGER`] and a sync later; a clean stop
//! loses nothing, a kill at most that. What changes a tenant's data is not written here but with the change.
//!
//! Refusals come as fast as an attacker likes and stay for good, so only so many a minute are written one by
//! one; the rest are counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use log::error;
use tokio::sync::{mpsc, oneshot};

use super::{AuditEntry, AuditKind, Store};
use crate::domain::time::Timestamp;

/// How long an entry waits for others.
const LINGER: Duration = Duration::from_millis(50);
/// Entries that may wait, some 500 bytes each; who comes then waits to be let in.
const WAITING: usize = 4096;
/// Refusals written one by one in a minute.
const REFUSALS: u64 = 100;
const MINUTE_MS: i64 = 60_000;

pub struct AuditQueue {
    notes: mpsc::Sender<Note>,
    refusals: Mutex<Refusals>,
    writer: Thread,
}

enum Note {
    Entry(AuditEntry, Timestamp),
    /// Answered when all before it is written.
    Finish(oneshot::Sender<()>),
}

impl AuditQueue {
    /// Starts the thread that writes; it ends once the queue is dropped.
    ///
    /// # Errors
    /// No thread is to be had.
    pub fn start(store: Arc<dyn Store>) -> std::io::Result<AuditQueue> {
        let (notes, noted) = mpsc::channel(WAITING);
        let thread = thread::Builder::new().name("audit-queue".to_owned());
        let thread = thread.spawn(move || write_all(&*store, noted))?;
        Ok(AuditQueue { notes, refusals: Mutex::default(), writer: thread.thread().clone() })
    }

    /// Leaves an entry. Waits only while as many wait as may.
    pub async fn note(&self, entry: AuditEntry, at: Timestamp) {
        if self.notes.send(Note::Entry(entry, at)).await.is_err() {
            error!("the audit trail misses an entry: nobody writes it any more");
        }
    }

    /// The same from where nothing can be waited for: an entry too many is lost, and the log says so.
    pub fn try_note(&self, entry: AuditEntry, at: Timestamp) {
        if let Err(problem) = self.notes.try_send(Note::Entry(entry, at)) {
            error!("the audit trail misses an entry: {problem}");
        }
    }

    /// Leaves word of a refused credential.
    pub fn refused(&self, action: &str, actor: &str, at: Timestamp) {
        // Whole after every step, so a poisoned lock is as good as a sound one.
        let left_out = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).admit(at);
        if let Some(left_out) = left_out {
            self.try_note(refusal(action, actor, left_out), at);
        }
    }

    /// Ends when everything noted so far has been written.
    pub async fn finish(&self) {
        let left_out = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).close();
        if let Some((left_out, at)) = left_out {
            self.note(refusal("more of them", "", left_out), at).await;
        }
        let (finished, all_written) = oneshot::channel();
        if self.notes.send(Note::Finish(finished)).await.is_ok() {
            self.writer.unpark();
            let _ = all_written.await;
        }
    }
}

fn refusal(action: &str, actor: &str, left_out: u64) -> AuditEntry {
    let details = match left_out {
        0 => "{}".to_owned(),
        more => format!("{{\"left_out\":{more}}}"),
    };
    let (action, actor) = (action.to_owned(), actor.to_owned());
    AuditEntry { kind: AuditKind::Auth, action, actor, success: false, details }
}

fn write_all(store: &dyn Store, mut notes: mpsc::Receiver<Note>) {
    let mut gathered = Vec::new();
    let mut finished = Vec::new();
    while let Some(first) = notes.blocking_recv() {
        if matches!(first, Note::Entry(..)) {
            // To be woken by each one that comes meanwhile would cost more than writing it.
            thread::park_timeout(LINGER);
        }
        let rest = std::iter::from_fn(|| notes.try_recv().ok());
        for note in std::iter::once(first).chain(rest).take(WAITING) {
            match note {
                Note::Entry(entry, at) => gathered.push((entry, at)),
                Note::Finish(finish) => finished.push(finish),
            }
        }
        let count = gathered.len();
        // What was done is done; where it cannot be written down, the log says so.
        if count > 0
            && let Err(problem) = store.audit(std::mem::take(&mut gathered))
        {
            error!("the audit trail misses {count} entries: {problem}");
        }
        for finish in finished.drain(..) {
            let _ = finish.send(());
        }
    }
}

/// The refusals of the minute under way.
#[derive(Default)]
struct Refusals {
    /// When it began.
    since: Option<Timestamp>,
    count: u64,
}

impl Refusals {
    /// Whether this one is written, and then how many were left out before it.
    fn admit(&mut self, now: Timestamp) -> Option<u64> {
        // A clock set back begins a minute of its own.
        let is_over =
            self.since.is_none_or(|since| !(0..MINUTE_MS).contains(&(now.millis() - since.millis())));
        let before = if is_over { std::mem::take(&mut self.count) } else { self.count };
        if is_over {
            self.since = Some(now);
        }
        self.count += 1;
        match is_over {
            true => Some(before.saturating_sub(REFUSALS)),
            false => (self.count <= REFUSALS).then_some(0),
        }
    }

    /// How many were left out and are not told of yet, and since when.
    fn close(&mut self) -> Option<(u64, Timestamp)> {
        let left_out = std::mem::take(&mut self.count).saturating_sub(REFUSALS);
        self.since.take().filter(|_| left_out > 0).map(|since| (left_out, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_beyond_a_hundred_a_minute_are_counted() {
        let mut refusals = Refusals::default();
        let at = Timestamp::from_millis;
        let admitted = (0..250).filter_map(|millis| refusals.admit(at(millis))).collect::<Vec<_>>();
        assert_eq!(admitted, [0; 100]);
        assert_eq!(refusals.admit(at(59_999)), None);
        assert_eq!(refusals.admit(at(60_000)), Some(151), "told of in the next minute");
        assert_eq!(refusals.admit(at(60_001)), Some(0));
        assert_eq!(refusals.admit(at(5)), Some(0), "a clock that was set back hides nothing");
        assert_eq!(refusals.close(), None);
        assert_eq!((0..103).filter_map(|millis| refusals.admit(at(millis))).count(), 100);
        assert_eq!(refusals.close(), Some((3, at(0))));
        assert_eq!(refusals.close(), None, "told once");
    }
}
