//! The table of commands, and what one is to whoever runs it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::commands::{backup, compliance, leads, metrics};
use super::queue::Lane;
use crate::domain::Ambient;
use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::lead::InvalidLead;
use crate::domain::time::Timestamp;
use crate::events::payload::tenant::{Integration, Stamp, Work};
use crate::events::publication::Publication;
use crate::events::publisher::Publisher;
use crate::store::{AuditEntry, AuditKind, Effect, MAX_LIMIT, Record, Settle, Store, StoreError};
use crate::telemetry::Meters;

/// What a command is called, who may ask for it, and how it is read and run.
pub struct Command {
    pub name: &'static str,
    /// What a key's list must name.
    pub permission: &'static str,
    pub lane: Lane,
    /// Whether repeating it does something.
    pub has_effect: bool,
    /// Where what it does takes place.
    pub effect: Effect,
    pub read: Reader,
}

/// Takes a command's parameters, an object; `{}` where none were given.
pub type Reader = fn(&str, Timestamp) -> Result<Box<dyn Task>, Invalid>;

const fn asks(name: &'static str, read: Reader) -> Command {
    Command { name, permission: name, lane: Lane::Quick, has_effect: false, effect: Effect::Inside, read }
}

#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    asks("get_leads", leads::read_get),
    Command { has_effect: true, ..asks("create_lead", leads::read_create) },
    asks("search_leads", leads::read_search),
    asks("get_metrics", metrics::read),
    Command { has_effect: true, effect: Effect::Outside, lane: Lane::Long, ..asks("start_backup", backup::read) },
    // It reads the whole audit trail.
    Command { lane: Lane::Long, ..asks("compliance_check", compliance::read) },
];

/// The command of this name.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// One command with its parameters, valid and ready to be run once.
pub trait Task: Send {
    /// # Errors
    /// It has had no effect, in words for the client.
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure>;
}

/// What a command that runs may use.
pub struct Desk<'a> {
    pub tenant: &'a Id,
    pub store: &'a dyn Store,
    pub publisher: &'a dyn Publisher,
    pub ambient: &'a Ambient,
    pub meters: &'a Meters,
    /// When it was begun; its answer's time.
    pub now: Timestamp,
    pub(super) trace: Trace<'a>,
}

/// What is written down of a command.
#[derive(Clone, Copy)]
pub(super) struct Trace<'a> {
    /// The client's key, once the journal has taken it.
    pub key: Option<&'a str>,
    pub command: &'a str,
    pub actor: &'a str,
}

/// What a command has come to.
pub struct Done {
    pub data: Arc<RawValue>,
    /// Whether the record was committed with the effect.
    pub is_recorded: bool,
    /// Told before the command is said to be executed.
    pub publications: Vec<Publication>,
}

impl Done {
    pub fn of<T: Serialize>(data: &T) -> Done {
        Done { data: json::raw(data).into(), is_recorded: false, publications: Vec::new() }
    }
}

/// Why a command has done nothing.
#[derive(Debug)]
pub struct Failure {
    pub error: Cow<'static, str>,
    pub details: String,
}

impl Failure {
    /// The store, or what lies behind it, has failed: all sockets of the tenant are told, and the log has the
    /// particulars.
    pub fn of_store(error: &StoreError, operation: &'static str, desk: &Desk<'_>) -> Failure {
        log::error!(tenant = desk.tenant.as_str(), operation; "{error}");
        let details = match error {
            StoreError::Full => "The disk is full",
            StoreError::Busy => "The store is busy; try again",
            StoreError::Target(_) => "The backup cannot be written",
            _ => "The store could not do this",
        };
        let work = Work { operation, error: Some(details), ..Work::default() };
        desk.publisher.publish(desk.stamp().integration(Integration::Failed, &work));
        let error = if operation == backup::OPERATION { "Backup failed" } else { "Store unavailable" };
        Failure { error: error.into(), details: details.to_owned() }
    }
}

impl Desk<'_> {
    /// What an event of this command begins with.
    pub fn stamp(&self) -> Stamp<'_> {
        let now = self.ambient.clock.wall();
        Stamp { id: self.ambient.random.uuid(now), tenant: self.tenant, source: "voice", at: now }
    }

    /// What is to be committed with the effect: the answer that repeats get, and the entry of the audit trail.
    pub fn record(&self, data: &RawValue) -> Record {
        let settle =
            self.trace.key.map(|key| Settle::Done { key: key.to_owned(), answer: self.answer(data) });
        Record { settle, audit: Some(self.trace.entry(Ok(()))) }
    }

    fn answer(&self, data: &RawValue) -> String {
        json::raw(&Kept { at: self.now.millis(), data }).get().to_owned()
    }
}

/// An answer as the journal keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept<'a> {
    pub at: i64,
    #[serde(borrow)]
    pub data: &'a RawValue,
}

impl Trace<'_> {
    /// The entry of the audit trail; parameters hold names and addresses, and do not belong into it.
    pub fn entry(&self, outcome: Result<(), &str>) -> AuditEntry {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Details<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            idempotency_key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a str>,
        }
        let details = Details { idempotency_key: self.key, error: outcome.err() };
        AuditEntry {
            kind: AuditKind::Command,
            action: self.command.to_owned(),
            actor: self.actor.to_owned(),
            success: outcome.is_ok(),
            details: json::raw(&details).get().to_owned(),
        }
    }
}

/// What is wrong with a command's parameters, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub String);

impl From<InvalidLead> for Invalid {
    fn from(invalid: InvalidLead) -> Invalid {
        Invalid(invalid.to_string())
    }
}

/// Most that is repeated of what a parser said: it may quote the client.
const SHOWN: usize = 200;

/// Reads parameters of this shape.
pub fn parameters<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid(error.to_string().chars().take(SHOWN).collect()))
}

/// How many are to be told, 1 to 1000.
#[derive(Clone, Copy)]
pub struct Limit(pub u32);

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
        match u32::deserialize(deserializer) {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(Limit(limit)),
            _ => Err(D::Error::custom("`limit` must be a whole number from 1 to 1000")),
        }
    }
}

/// One of these words, the first where none is given.
pub fn word(name: &str, given: Option<&str>, words: &[&'static str]) -> Result<&'static str, Invalid> {
    let Some(given) = given else { return Ok(words[0]) };
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(given.trim()));
    found.copied().ok_or_else(|| Invalid(format!("`{name}` must be one of: {}", words.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_705_314_600_000);

    #[test]
    fn parameters_are_taken_or_the_field_is_named() {
        let good = [
            ("get_leads", "{}"),
            ("get_leads", r#"{"status":"new","limit":1000,"source":"voice","more":[]}"#),
            ("get_leads", r#"{"status":null,"limit":null}"#),
            ("create_lead", r#"{"name":"John Doe","email":"john@example.com","phone":"+45 12 34 56 78"}"#),
            ("search_leads", r#"{"query":"john"}"#),
            ("search_leads", r#"{"query":"john","status":"NEW","date_range":"today"}"#),
            ("search_leads", r#"{"query":"j","date_range":{"start":"2024-01-01","end":"2024-01-31"}}"#),
            ("search_leads", r#"{"query":"j","date_range":{"from":"2024-01-01T00:00:00Z"}}"#),
            ("get_metrics", "{}"),
            ("get_metrics", r#"{"metric_type":"leads","period":"month"}"#),
            ("start_backup", "{}"),
            ("start_backup", r#"{"backup_type":"full","priority":"high"}"#),
            ("compliance_check", "{}"),
            ("compliance_check", r#"{"check_type":"gdpr","severity":"low"}"#),
        ];
        for (name, parameters) in good {
            let read = (find(name).unwrap().read)(parameters, NOW);
            assert!(read.is_ok(), "{name} {parameters}: {:?}", read.err());
        }
        let bad = [
            ("get_leads", r#"{"limit":"ten"}"#, "limit"),
            ("get_leads", r#"{"limit":-1}"#, ""),
            ("get_leads", r#"{"limit":0}"#, "limit"),
            ("get_leads", r#"{"limit":1001}"#, "limit"),
            ("get_leads", r#"{"limit":1.5}"#, ""),
            ("get_leads", r#"{"status":"OLD"}"#, "status"),
            ("get_leads", r#"{"status":5}"#, ""),
            ("get_leads", r#"{"source":""}"#, "source"),
            ("create_lead", "{}", "name"),
            ("create_lead", r#"{"name":"x"}"#, "email"),
            ("create_lead", r#"{"name":"x","email":"x"}"#, "email"),
            ("create_lead", r#"{"name":["x"],"email":"x@y.dk"}"#, ""),
            ("search_leads", "{}", "query"),
            ("search_leads", r#"{"query":" "}"#, "query"),
            ("search_leads", r#"{"query":"x","date_range":"soon"}"#, "date_range"),
            ("search_leads", r#"{"query":"x","date_range":{}}"#, "date_range"),
            ("search_leads", r#"{"query":"x","date_range":{"start":"x"}}"#, "date_range"),
            (
                "search_leads",
                r#"{"query":"x","date_range":{"from":"2024-02-01","to":"2024-01-01"}}"#,
                "date_range",
            ),
            ("search_leads", r#"{"query":"x","date_range":[]}"#, "date_range"),
            ("get_metrics", r#"{"metric_type":"money"}"#, "metric_type"),
            ("get_metrics", r#"{"period":7}"#, ""),
            ("start_backup", r#"{"backup_type":"partial"}"#, "backup_type"),
            ("start_backup", r#"{"priority":"max"}"#, "priority"),
            ("compliance_check", r#"{"check_type":"iso"}"#, "check_type"),
            ("compliance_check", r#"{"severity":"worst"}"#, "severity"),
        ];
        for (name, parameters, field) in bad {
            let invalid = (find(name).unwrap().read)(parameters, NOW).err();
            let invalid = invalid.unwrap_or_else(|| panic!("{name} {parameters}"));
            assert!(invalid.0.contains(field), "{name} {parameters}: {invalid:?}");
        }
    }

    #[test]
    fn what_may_act_twice_is_known() {
        let acting = COMMANDS.iter().filter(|command| command.has_effect).map(|command| command.name);
        assert_eq!(acting.collect::<Vec<_>>(), ["create_lead", "start_backup"]);
        assert!(find("GET_LEADS").is_none() && find("").is_none());
    }
}
