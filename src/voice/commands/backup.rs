//! `start_backup`: a copy of the tenant's data that `switchboard restore` puts back (contract D-24).

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::events::payload::tenant::{Integration, Work};
use crate::store::Backup;
use crate::voice::command::{Desk, Done, Failure, Invalid, Task, parameters, word};

/// What its events call it.
pub const OPERATION: &str = "backup";
/// Told in between, in percent.
const STEPS: &[u8] = &[25, 50, 75];

struct Start {
    priority: &'static str,
}

/// `{backup_type?, priority?}`. Every backup is a full one; the priority is repeated, and nothing overtakes.
pub fn read(text: &str, _: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    #[derive(Deserialize)]
    struct Asked {
        backup_type: Option<String>,
        priority: Option<String>,
    }
    let Asked { backup_type, priority } = parameters(text)?;
    word("backup_type", backup_type.as_deref(), &["full"])?;
    let priority = word("priority", priority.as_deref(), &["normal", "low", "high"])?;
    Ok(Box::new(Start { priority }))
}

#[derive(Serialize)]
struct Answer<'a> {
    message: &'static str,
    backup_id: &'a str,
    backup_type: &'static str,
    priority: &'static str,
    taken_at: Timestamp,
    bytes: u64,
    leads: u64,
}

impl Task for Start {
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure> {
        let tell = |kind, backup_id: Option<&str>, progress| {
            let work = Work { operation: OPERATION, backup_id, progress, error: None };
            desk.publisher.publish(desk.stamp().integration(kind, &work));
        };
        let mut steps = STEPS.iter().copied().peekable();
        let written = desk.store.backup(desk.tenant, desk.now, &mut |id, percent| {
            if percent == 0 {
                tell(Integration::Started, Some(id), Some(0));
            }
            while let Some(step) = steps.next_if(|step| *step <= percent && percent < 100) {
                tell(Integration::Progress, Some(id), Some(step));
            }
        });
        let written = written.map_err(|error| Failure::of_store(&error, OPERATION, desk))?;
        let Backup { id, taken_at, bytes, rows, .. } = &written;
        let answer = Answer {
            message: "Backup completed",
            backup_id: id,
            backup_type: "full",
            priority: self.priority,
            taken_at: *taken_at,
            bytes: *bytes,
            leads: rows.leads,
        };
        let work = Work { operation: OPERATION, backup_id: Some(id), progress: Some(100), error: None };
        let completed = desk.stamp().integration(Integration::Completed, &work);
        Ok(Done { publications: vec![completed], ..Done::of(&answer) })
    }
}
