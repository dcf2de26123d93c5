//! `compliance_check`: rules that look at what is stored, and name what fails.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::lead::LeadStatus;
use crate::domain::time::Timestamp;
use crate::events::payload::tenant::{Integration, Work};
use crate::store::{AuditVerdict, LeadQuery, StoreError};
use crate::voice::command::{Desk, Done, Failure, Invalid, Task, parameters, word};

const OPERATION: &str = "compliance_check";
/// The default first.
const CHECKS: &[&str] = &["nis2", "gdpr", "all", "retention", "keys", "backups"];
/// What a rule must weigh at least to be asked; the default first.
const SEVERITIES: &[&str] = &["medium", "low", "high", "critical"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BACKUP_AGE: u32 = 7;
const KEY_AGE: u32 = 365;
const LEAD_AGE: u32 = 730;
const LOST_AGE: u32 = 365;
const UNTOUCHED_AGE: u32 = 180;
/// Failed commands of the last day, in percent, and how many there must be to say something of.
const FAILED: u64 = 20;
const MEANINGFUL: u64 = 20;

/// One rule. It gives what is wrong, in words, or `None`.
struct Rule {
    id: &'static str,
    check: &'static str,
    /// A check of its own besides, where it can be asked for.
    topic: &'static str,
    severity: Severity,
    about: &'static str,
    judge: fn(&Desk<'_>) -> Result<Option<String>, StoreError>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { id: "audit-trail", check: "nis2", topic: "", severity: Severity::Critical, about: "The audit trail is as it was written", judge: audit_trail },
    Rule { id: "backup-age", check: "nis2", topic: "backups", severity: Severity::High, about: "There is a backup of the last 7 days", judge: backup_age },
    Rule { id: "key-age", check: "nis2", topic: "keys", severity: Severity::Medium, about: "No active key is older than 365 days", judge: key_age },
    Rule { id: "command-failures", check: "nis2", topic: "", severity: Severity::Low, about: "Of the last day's commands less than 20 % failed", judge: command_failures },
    Rule { id: "lead-retention", check: "gdpr", topic: "retention", severity: Severity::High, about: "No lead is kept longer than 730 days", judge: lead_retention },
    Rule { id: "lost-lead-retention", check: "gdpr", topic: "retention", severity: Severity::Medium, about: "No lost lead is kept longer than 365 days", judge: lost_leads },
    Rule { id: "lead-purpose", check: "gdpr", topic: "retention", severity: Severity::Low, about: "No lead has stayed new for more than 180 days", judge: untouched_leads },
];

struct Check {
    kind: &'static str,
    severity: Severity,
    severity_name: &'static str,
}

/// `{check_type?, severity?}`
pub fn read(text: &str, _: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    #[derive(Deserialize)]
    struct Asked {
        check_type: Option<String>,
        severity: Option<String>,
    }
    let Asked { check_type, severity } = parameters(text)?;
    let severity_name = word("severity", severity.as_deref(), SEVERITIES)?;
    let severity = match severity_name {
        "low" => Severity::Low,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        _ => Severity::Medium,
    };
    Ok(Box::new(Check { kind: word("check_type", check_type.as_deref(), CHECKS)?, severity, severity_name }))
}

#[derive(Serialize)]
struct Answer {
    compliance: Report,
}

#[derive(Serialize)]
struct Report {
    check_type: &'static str,
    severity: &'static str,
    passed: bool,
    failed: Vec<&'static str>,
    rules: Vec<Finding>,
    checked_at: Timestamp,
}

#[derive(Serialize)]
struct Finding {
    id: &'static str,
    check_type: &'static str,
    severity: Severity,
    about: &'static str,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
}

impl Task for Check {
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure> {
        let work = |progress| Work { operation: OPERATION, progress: Some(progress), ..Work::default() };
        desk.publisher.publish(desk.stamp().integration(Integration::Started, &work(0)));
        let asked = RULES.iter().filter(|rule| {
            ["all", rule.check, rule.topic].contains(&self.kind) && rule.severity >= self.severity
        });
        let judged = asked.map(|rule| {
            let details = (rule.judge)(desk)?;
            let Rule { id, check, severity, about, .. } = *rule;
            Ok(Finding { id, check_type: check, severity, about, passed: details.is_none(), details })
        });
        let rules: Vec<Finding> = judged
            .collect::<Result<_, StoreError>>()
            .map_err(|error| Failure::of_store(&error, OPERATION, desk))?;
        let failed: Vec<_> = rules.iter().filter(|rule| !rule.passed).map(|rule| rule.id).collect();
        let compliance = Report {
            check_type: self.kind,
            severity: self.severity_name,
            passed: failed.is_empty(),
            failed,
            rules,
            checked_at: desk.now,
        };
        let completed = desk.stamp().integration(Integration::Completed, &work(100));
        Ok(Done { publications: vec![completed], ..Done::of(&Answer { compliance }) })
    }
}

fn audit_trail(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    Ok(match desk.store.verify_audit(None)? {
        AuditVerdict::Sound(_) => None,
        // Which row, and what of it, is for whoever runs the server: it may be another tenant's.
        AuditVerdict::Broken(broken) => {
            log::error!(row = broken.row; "the audit trail is broken: {}", broken.problem);
            Some("The trail has been changed".to_owned())
        }
    })
}

fn backup_age(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    Ok(match desk.store.last_backup(desk.tenant)? {
        None => Some("There is no backup".to_owned()),
        Some(at) => (at < desk.now.before(DAY * BACKUP_AGE)).then(|| format!("The newest is of {at}")),
    })
}

fn key_age(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    let due = desk.now.before(DAY * KEY_AGE);
    let keys = desk.store.keys(desk.tenant)?;
    let old: Vec<_> = keys.iter().filter(|key| key.active && key.first_seen < due).collect();
    let names = old.iter().map(|key| key.fingerprint.as_str()).collect::<Vec<_>>().join(", ");
    Ok((!old.is_empty()).then(|| format!("Older keys: {names}")))
}

fn command_failures(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    let counts = desk.store.command_counts(desk.tenant, desk.now.before(DAY), desk.now)?;
    let is_much = counts.total >= MEANINGFUL && counts.failed * 100 >= counts.total * FAILED;
    Ok(is_much.then(|| format!("{} of {} failed", counts.failed, counts.total)))
}

fn lead_retention(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    older(desk, None, LEAD_AGE)
}

fn lost_leads(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    older(desk, Some(LeadStatus::Lost), LOST_AGE)
}

fn untouched_leads(desk: &Desk<'_>) -> Result<Option<String>, StoreError> {
    older(desk, Some(LeadStatus::New), UNTOUCHED_AGE)
}

/// How many leads of this status were created so many days ago.
fn older(desk: &Desk<'_>, status: Option<LeadStatus>, days: u32) -> Result<Option<String>, StoreError> {
    let to = Some(desk.now.before(DAY * days));
    let page = desk.store.leads(desk.tenant, &LeadQuery { status, to, ..LeadQuery::newest(1) })?;
    Ok((page.total > 0).then(|| format!("{} leads", page.total)))
}
