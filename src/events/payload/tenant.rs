//! What all sockets of a tenant are told of leads, commands and longer work (contract section 7.2).

use serde::Serialize;

use crate::domain::id::Id;
use crate::domain::lead::{Lead, LeadDifference, LeadStatus};
use crate::domain::room::Room;
use crate::domain::time::Timestamp;
use crate::events::publication::{Publication, Target};

/// What every such event begins with.
#[derive(Clone, Debug)]
pub struct Stamp<'a> {
    /// Of this event and no other.
    pub id: String,
    pub tenant: &'a Id,
    /// What caused it: `voice` or `api`.
    pub source: &'static str,
    pub at: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    tenant_id: &'a Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_id: Option<&'a Id>,
    source: &'static str,
    data: T,
    timestamp: Timestamp,
}

impl Stamp<'_> {
    fn event<T: Serialize>(
        &self,
        event: &str,
        kind: &'static str,
        lead_id: Option<&Id>,
        data: T,
    ) -> Publication {
        let Stamp { id, tenant, source, at } = self;
        let envelope = Envelope { id, kind, tenant_id: tenant, lead_id, source, data, timestamp: *at };
        let target = Target::room(Room::tenant(tenant));
        Publication { target, ..Publication::of_server(event, &envelope, *at) }
    }

    pub fn lead_created(&self, lead: &Lead) -> Publication {
        self.event("lead_event", "LEAD_CREATED", Some(&lead.id), lead)
    }

    pub fn lead_updated(&self, lead: &Lead) -> Publication {
        self.event("lead_event", "LEAD_UPDATED", Some(&lead.id), lead)
    }

    pub fn lead_status_changed(&self, lead: &Lead, previous_status: LeadStatus) -> Publication {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Changed<'a> {
            #[serde(flatten)]
            lead: &'a Lead,
            previous_status: LeadStatus,
        }
        let data = Changed { lead, previous_status };
        self.event("lead_event", "LEAD_STATUS_CHANGED", Some(&lead.id), data)
    }

    pub fn processing_started(&self, command: &str) -> Publication {
        self.event("voice_event", "VOICE_PROCESSING_STARTED", None, Processed::of(command, None))
    }

    /// What came of the command: whether it succeeded, and after how many milliseconds.
    pub fn command_executed(&self, command: &str, outcome: (bool, u64)) -> Publication {
        self.event("voice_event", "VOICE_COMMAND_EXECUTED", None, Processed::of(command, Some(outcome)))
    }

    pub fn processing_completed(&self, command: &str, outcome: (bool, u64)) -> Publication {
        self.event("voice_event", "VOICE_PROCESSING_COMPLETED", None, Processed::of(command, Some(outcome)))
    }

    pub fn integration(&self, kind: Integration, work: &Work<'_>) -> Publication {
        self.event("integration_event", kind.name(), None, work)
    }
}

/// What a change of a lead has to say: nothing, where nothing has changed. The status alone is one event of its own
/// (checklist F-043).
pub fn lead_changes<'a>(
    difference: LeadDifference,
    stamp: impl Fn() -> Stamp<'a>,
    lead: &Lead,
) -> Vec<Publication> {
    let updated = difference.fields.then(|| stamp().lead_updated(lead));
    let status = difference.status_was.map(|was| stamp().lead_status_changed(lead, was));
    updated.into_iter().chain(status).collect()
}

/// Of a command nothing but its name: parameters hold names and addresses (checklist F-044).
#[derive(Serialize)]
struct Processed<'a> {
    command: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

impl Processed<'_> {
    fn of(command: &str, outcome: Option<(bool, u64)>) -> Processed<'_> {
        let (success, duration) = outcome.unzip();
        Processed { command, success, duration }
    }
}

/// How far longer work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integration {
    Started,
    /// In between; guide 000's clients pass over it.
    Progress,
    Completed,
    Failed,
}

impl Integration {
    const fn name(self) -> &'static str {
        match self {
            Integration::Started => "SYNC_STARTED",
            Integration::Progress => "SYNC_PROGRESS",
            Integration::Completed => "SYNC_COMPLETED",
            Integration::Failed => "EXTERNAL_SERVICE_ERROR",
        }
    }
}

/// The `data` of an `integration_event` (contract D-24).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Work<'a> {
    pub operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<&'a str>,
    /// In percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lead::{LeadDraft, NewLead};

    fn lead() -> Lead {
        let draft =
            LeadDraft { name: Some("N".into()), email: Some("n@x.dk".into()), ..LeadDraft::default() };
        let id = Id::parse("l1").unwrap();
        Lead::new(id, NewLead::new(draft, "voice").unwrap(), Timestamp::from_millis(0))
    }

    #[test]
    fn each_event_has_the_shape_of_the_guide() {
        let tenant = Id::parse("demo1").unwrap();
        let stamp =
            || Stamp { id: "e1".into(), tenant: &tenant, source: "voice", at: Timestamp::from_millis(0) };
        let lead = lead();
        let lead_json = r#"{"id":"l1","name":"N","email":"n@x.dk","source":"voice","status":"NEW","createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"1970-01-01T00:00:00.000Z"}"#;
        let head = |kind: &str| format!(r#"{{"id":"e1","type":"{kind}","tenantId":"demo1","#);
        let tail = r#","timestamp":"1970-01-01T00:00:00.000Z"}"#;
        let work = Work { operation: "backup", progress: Some(0), ..Work::default() };
        let cases = [
            (
                stamp().lead_created(&lead),
                "lead_event",
                format!(r#"{}"leadId":"l1","source":"voice","data":{lead_json}{tail}"#, head("LEAD_CREATED")),
            ),
            (
                stamp().processing_started("get_leads"),
                "voice_event",
                format!(
                    r#"{}"source":"voice","data":{{"command":"get_leads"}}{tail}"#,
                    head("VOICE_PROCESSING_STARTED")
                ),
            ),
            (
                stamp().command_executed("get_leads", (true, 7)),
                "voice_event",
                format!(
                    r#"{}"source":"voice","data":{{"command":"get_leads","success":true,"duration":7}}{tail}"#,
                    head("VOICE_COMMAND_EXECUTED")
                ),
            ),
            (
                stamp().integration(Integration::Started, &work),
                "integration_event",
                format!(
                    r#"{}"source":"voice","data":{{"operation":"backup","progress":0}}{tail}"#,
                    head("SYNC_STARTED")
                ),
            ),
        ];
        for (publication, event, data) in cases {
            assert_eq!((&*publication.event, publication.data.get()), (event, &*data));
            assert_eq!(publication.target.room, Room::parse("tenant:demo1"));
        }
    }

    #[test]
    fn a_change_says_what_has_changed_and_no_more() {
        let tenant = Id::parse("t").unwrap();
        let stamp =
            || Stamp { id: "e".into(), tenant: &tenant, source: "api", at: Timestamp::from_millis(0) };
        let kinds = |fields, status_was| {
            let told = lead_changes(LeadDifference { fields, status_was }, stamp, &lead());
            told.iter()
                .map(|told| {
                    serde_json::from_str::<serde_json::Value>(told.data.get()).unwrap()["type"].clone()
                })
                .collect::<Vec<_>>()
        };
        assert!(kinds(false, None).is_empty());
        assert_eq!(kinds(true, None), ["LEAD_UPDATED"]);
        assert_eq!(kinds(false, Some(LeadStatus::New)), ["LEAD_STATUS_CHANGED"]);
        assert_eq!(kinds(true, Some(LeadStatus::Lost)), ["LEAD_UPDATED", "LEAD_STATUS_CHANGED"]);
    }
}
