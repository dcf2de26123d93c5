//! `get_leads`, `search_leads`, `create_lead`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::lead::{self, Lead, LeadDraft, NewLead};
use crate::domain::time::Timestamp;
use crate::store::{LeadQuery, SearchText};
use crate::voice::command::{Desk, Done, Failure, Invalid, Limit, Task, parameters};

/// Leads told where no limit is asked for.
const LIMIT: Limit = Limit(50);
/// Where a lead comes from that names no source.
const SOURCE: &str = "voice";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `{status?, limit?, source?}`
pub fn read_get(text: &str, _: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    #[derive(Deserialize)]
    struct Get {
        status: Option<String>,
        limit: Option<Limit>,
        source: Option<String>,
    }
    let Get { status, limit, source } = parameters(text)?;
    Ok(Box::new(Find(LeadQuery {
        status: status.as_deref().map(lead::status).transpose()?,
        source: source.as_deref().map(lead::source).transpose()?,
        ..LeadQuery::newest(limit.unwrap_or(LIMIT).0)
    })))
}

/// `{query, status?, date_range?, limit?}`
pub fn read_search(text: &str, now: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    #[derive(Deserialize)]
    struct Search {
        query: Option<String>,
        status: Option<String>,
        date_range: Option<Box<RawValue>>,
        limit: Option<Limit>,
    }
    let Search { query, status, date_range, limit } = parameters(text)?;
    let invalid = || Invalid("`query` must have 1 to 200 characters and up to 16 words".to_owned());
    let range = date_range.filter(|range| range.get() != "null");
    let (from, to) = range.map_or(Ok((None, None)), |range| date_range_of(range.get(), now))?;
    Ok(Box::new(Find(LeadQuery {
        text: Some(query.as_deref().and_then(SearchText::parse).ok_or_else(invalid)?),
        status: status.as_deref().map(lead::status).transpose()?,
        from,
        to,
        ..LeadQuery::newest(limit.unwrap_or(LIMIT).0)
    })))
}

type Range = (Option<Timestamp>, Option<Timestamp>);

/// `{start, end}`, `{from, to}`, or `"today"`, `"week"`, `"month"`, `"year"`: the time up to now (checklist F-032).
/// An end that is a date is that whole day.
fn date_range_of(text: &str, now: Timestamp) -> Result<Range, Invalid> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Word(String),
        Range {
            #[serde(alias = "from")]
            start: Option<String>,
            #[serde(alias = "to")]
            end: Option<String>,
        },
    }
    const SHAPE: &str =
        "`date_range` must be {start, end} or {from, to} in ISO 8601, or today, week, month or year";
    let invalid = || Invalid(SHAPE.to_owned());
    if text.starts_with('[') {
        return Err(invalid());
    }
    match serde_json::from_str(text).map_err(|_| invalid())? {
        Given::Word(word) => {
            let from = match word.trim().to_ascii_lowercase().as_str() {
                "today" => now.day(),
                "week" => now.before(DAY * 7),
                "month" => now.before(DAY * 30),
                "year" => now.before(DAY * 365),
                _ => return Err(invalid()),
            };
            Ok((Some(from), None))
        }
        Given::Range { start, end } => {
            let read = |text: &str| Timestamp::parse(text).ok_or_else(invalid);
            let from = start.as_deref().map(read).transpose()?;
            let is_day = end.as_deref().is_some_and(|end| !end.contains(['T', 't', ' ']));
            let to = end.as_deref().map(read).transpose()?;
            let to = to.map(|to| to + if is_day { DAY } else { Duration::from_millis(1) });
            let is_backwards = from.zip(to).is_some_and(|(from, to)| to <= from);
            if (from.is_none() && to.is_none()) || is_backwards { Err(invalid()) } else { Ok((from, to)) }
        }
    }
}

struct Find(LeadQuery);

impl Task for Find {
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure> {
        #[derive(Serialize)]
        struct Found<'a> {
            leads: &'a [Lead],
            total: u64,
        }
        let page = desk.store.leads(desk.tenant, &self.0);
        let page = page.map_err(|error| Failure::of_store(&error, "get_leads", desk))?;
        Ok(Done::of(&Found { leads: &page.leads, total: page.total }))
    }
}

/// `{name, email, company?, phone?, notes?, source?}`
pub fn read_create(text: &str, _: Timestamp) -> Result<Box<dyn Task>, Invalid> {
    let draft: LeadDraft = parameters(text)?;
    Ok(Box::new(Create(NewLead::new(draft, SOURCE)?)))
}

struct Create(NewLead);

impl Task for Create {
    fn run(self: Box<Self>, desk: &Desk<'_>) -> Result<Done, Failure> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Created<'a> {
            message: &'static str,
            lead_id: &'a Id,
            lead: &'a Lead,
        }
        let id = Id::parse(&desk.ambient.random.uuid(desk.now)).expect("a UUID is an id");
        let lead = Lead::new(id, self.0, desk.now);
        let data = json::raw(&Created { message: "Lead created", lead_id: &lead.id, lead: &lead });
        let stored = desk.store.create_lead(desk.tenant, &lead, desk.record(&data), desk.now);
        stored.map_err(|error| Failure::of_store(&error, "create_lead", desk))?;
        let publications = vec![desk.stamp().lead_created(&lead)];
        Ok(Done { data: data.into(), is_recorded: true, publications })
    }
}
