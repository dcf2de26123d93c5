//! `/leads`: a tenant's own leads, for whoever shows its key.
//!
//! Every change is told to the tenant's sockets as `lead_event`, as if it had been made by voice; another
//! tenant's lead is as unknown as one that never was (contract section 8).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::State;
use super::body::Json;
use super::caller::{self, TenantCaller};
use super::error::ApiError;
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::id::Id;
use crate::domain::lead::{self, InvalidLead, Lead, LeadChange, LeadDraft, LeadEdits, NewLead};
use crate::domain::time::Timestamp;
use crate::events::payload::tenant::{Stamp, lead_changes};
use crate::events::publication::Publication;
use crate::store::{AuditEntry, AuditKind, LeadQuery, MAX_LIMIT, Record, SearchText, Store, StoreError};

/// Leads told where no limit is asked for.
const LIMIT: u32 = 50;
/// Where a lead comes from that names no source; what has caused an event.
const SOURCE: &str = "api";

#[derive(Serialize)]
struct Answer {
    success: bool,
    lead: Lead,
}

/// `?status=&source=&search=&limit=`, the newest first.
pub async fn list(
    caller: TenantCaller,
    state: State,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    struct Page<'a> {
        success: bool,
        tenant: &'a Id,
        leads: Vec<Lead>,
        total: u64,
    }
    caller.check("get_leads")?;
    let query = query(&asked)?;
    let tenant = caller.tenant();
    // The store reads a few at a time, for everybody: a tenant that asks on many connections would be all of them.
    let turns = state.services.voice.as_ref().map(|voice| Arc::clone(&voice.turns));
    let turn = match turns {
        Some(turns) => Some(turns.take(tenant.as_str()).await),
        None => None,
    };
    let page = ask(&state, &caller, move |store, tenant| {
        // Held until it is read, even if whoever asked is gone by then.
        let _turn = turn;
        store.leads(tenant, &query)
    });
    let page = page.await?;
    Ok(HttpResponse::Ok().json(Page { success: true, tenant, leads: page.leads, total: page.total }))
}

fn query(asked: &[(String, String)]) -> Result<LeadQuery, ClientError> {
    let find = |name: &str| {
        let found = asked.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    };
    let limit = find("limit").map_or(Some(LIMIT), |text| text.parse().ok());
    let limit = limit.filter(|limit| (1..=MAX_LIMIT).contains(limit));
    let limit = limit.ok_or_else(|| ClientError::invalid("`limit` must be a whole number from 1 to 1000"))?;
    let words = "`search` must have 1 to 200 characters and up to 16 words";
    let words = |text| SearchText::parse(text).ok_or_else(|| ClientError::invalid(words));
    Ok(LeadQuery {
        status: find("status").map(lead::status).transpose().map_err(|invalid| refused(&invalid))?,
        source: find("source").map(lead::source).transpose().map_err(|invalid| refused(&invalid))?,
        text: find("search").map(words).transpose()?,
        ..LeadQuery::newest(limit)
    })
}

/// Takes a lead in, and tells the tenant's sockets of it.
pub async fn create(
    caller: TenantCaller,
    state: State,
    request: HttpRequest,
    Json(draft): Json<LeadDraft>,
) -> Result<HttpResponse, ApiError> {
    caller.check("create_lead")?;
    let new = NewLead::new(draft, SOURCE).map_err(|invalid| refused(&invalid))?;
    let now = state.now();
    let id = Id::parse(&state.services.ambient.random.uuid(now)).ok_or_else(ClientError::internal)?;
    let lead = Lead::new(id, new, now);
    let record = record("POST /leads", &request, &lead.id);
    let stored = lead.clone();
    ask(&state, &caller, move |store, tenant| store.create_lead(tenant, &stored, record, now)).await?;
    let created = stamp(&state, caller.tenant(), now).lead_created(&lead);
    publish(&state, created);
    Ok(HttpResponse::Created().json(Answer { success: true, lead }))
}

/// Changes what is given, and tells the tenant's sockets what that was.
pub async fn change(
    caller: TenantCaller,
    state: State,
    request: HttpRequest,
    id: Path<String>,
    Json(edits): Json<LeadEdits>,
) -> Result<HttpResponse, ApiError> {
    caller.check("update_lead")?;
    let id = Id::parse(&id).ok_or_else(unknown)?;
    let change = LeadChange::new(edits).map_err(|invalid| refused(&invalid))?;
    let now = state.now();
    let record = record("PATCH /leads", &request, &id);
    let then = Box::new(move |_: &_| record);
    let changed =
        ask(&state, &caller, move |store, tenant| store.change_lead(tenant, &id, change, now, then)).await?;
    let stamp = || stamp(&state, caller.tenant(), now);
    for event in lead_changes(changed.difference, stamp, &changed.lead) {
        publish(&state, event);
    }
    Ok(HttpResponse::Ok().json(Answer { success: true, lead: changed.lead }))
}

/// Asks the store, on a thread that may wait for the disk.
async fn ask<T: Send + 'static>(
    state: &State,
    caller: &TenantCaller,
    question: impl FnOnce(&dyn Store, &Id) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ApiError> {
    let voice = state.services.voice.as_ref().ok_or_else(ClientError::internal)?;
    let (store, tenant) = (Arc::clone(&voice.store), caller.tenant().clone());
    let answer = web::block(move || question(&*store, &tenant)).await;
    answer.map_err(|_| ClientError::internal())?.map_err(|error| match error {
        StoreError::NotFound => unknown(),
        error => {
            log::error!("a request for leads failed: {error}");
            let message = "The store cannot do this now; try again";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, message)
        }
    })
}

fn publish(state: &State, publication: Publication) {
    if let Some(voice) = &state.services.voice {
        voice.publisher.publish(publication);
    }
}

fn stamp<'a>(state: &State, tenant: &'a Id, at: Timestamp) -> Stamp<'a> {
    Stamp { id: state.services.ambient.random.uuid(at), tenant, source: SOURCE, at }
}

/// What the audit trail says of a change.
fn record(action: &str, request: &HttpRequest, lead: &Id) -> Record {
    let actor = caller::peer(request).map_or_else(String::new, |peer| peer.to_string());
    let details = format!("{{\"leadId\":\"{lead}\"}}");
    let action = action.to_owned();
    let audit = AuditEntry { kind: AuditKind::Admin, action, actor, success: true, details };
    Record { settle: None, audit: Some(audit) }
}

fn refused(invalid: &InvalidLead) -> ClientError {
    ClientError::invalid(invalid.to_string())
}

fn unknown() -> ApiError {
    ClientError::new(ErrorCode::NotFound, "There is no such lead").into()
}
