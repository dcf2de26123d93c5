//! `get_metrics`: the tenant's figures, as they are counted (contract D-26).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::store::{CommandCounts, LeadCounts};
use crate::telemetry::Opened;
use crate::voice::command::{Desk, Done, Failure, Invalid, Task, parameters, word};

const TYPES: &[&str] = &["all", "leads", "commands", "connections"];
/// The time up to now, the default first.
const PERIODS: &[&str] = &["month", "day", "week", "year"];

struct Metrics {
    kind: &'static str,
    period: &'static str,
}

/// `{metric_type?, period?}`
pub fn read(text: &str, _: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    #[derive(Deserialize)]
    struct Asked {
        metric_type: Option<String>,
        period: Option<String>,
    }
    let Asked { metric_type, period } = parameters(text)?;
    Ok(Box::new(Metrics {
        kind: word("metric_type", metric_type.as_deref(), TYPES)?,
        period: word("period", period.as_deref(), PERIODS)?,
    }))
}

fn length(period: &str) -> Duration {
    let days = match period {
        "day" => 1,
        "week" => 7,
        "year" => 365,
        _ => 30,
    };
    Duration::from_secs(days * 24 * 60 * 60)
}

#[derive(Serialize)]
struct Answer {
    metrics: Figures,
}

#[derive(Serialize)]
struct Figures {
    #[serde(skip_serializing_if = "Option::is_none")]
    leads: Option<Leads>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Commands>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<Connections>,
    period: &'static str,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Serialize)]
struct Leads {
    total: u64,
    created: u64,
    by_status: BTreeMap<&'static str, u64>,
}

impl From<LeadCounts> for Leads {
    fn from(counts: LeadCounts) -> Leads {
        let LeadCounts { total, created, by_status } = counts;
        let by_status = by_status.into_iter().map(|(status, count)| (status.as_str(), count)).collect();
        Leads { total, created, by_status }
    }
}

#[derive(Serialize)]
struct Commands {
    total: u64,
    by_command: BTreeMap<String, u64>,
    failed: u64,
}

impl From<CommandCounts> for Commands {
    fn from(counts: CommandCounts) -> Commands {
        let CommandCounts { total, failed, by_command } = counts;
        Commands { total, by_command: by_command.into_iter().collect(), failed }
    }
}

/// Counted in this process; what it opened before `since` nobody knows.
#[derive(Serialize)]
struct Connections {
    current: usize,
    opened: u64,
    since: Timestamp,
}

impl Task for Metrics {
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure> {
        let (to, store, tenant) = (desk.now, desk.store, desk.tenant);
        let from = to.before(length(self.period));
        let wants = |kind| self.kind == "all" || self.kind == kind;
        let failed = |error| Failure::of_store(&error, "get_metrics", desk);
        // Up to now is now included.
        let end = to + Duration::from_millis(1);
        let leads = wants("leads").then(|| store.lead_counts(tenant, from, end)).transpose();
        let commands = wants("commands").then(|| store.command_counts(tenant, from, end)).transpose();
        let connections = wants("connections").then(|| {
            let Opened { current, opened, since } = desk.meters.tenant(tenant.as_str(), from.millis());
            Connections { current, opened, since: from.max(Timestamp::from_millis(since)) }
        });
        let metrics = Figures {
            leads: leads.map_err(failed)?.map(Leads::from),
            commands: commands.map_err(failed)?.map(Commands::from),
            connections,
            period: self.period,
            from,
            to,
        };
        Ok(Done::of(&Answer { metrics }))
    }
}
