//! Leads: somebody who may become a customer of a tenant (guide 000).
//!
//! A lead's fields are checked where they come in, [`NewLead::new`] and [`LeadChange::new`], and are
//! valid ever after. Texts are trimmed, and hold no control characters (notes may have lines and tabs).
//!
//! ```
//! use switchboard::domain::lead::{LeadDraft, NewLead};
//!
//! let draft = |email: &str| LeadDraft {
//!     name: Some("John Doe".into()), email: Some(email.into()), ..LeadDraft::default()
//! };
//! assert!(NewLead::new(draft("john@example.com"), "voice").is_ok());
//! assert_eq!(NewLead::new(draft("x"), "voice").unwrap_err().field, "email");
//! ```

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Deserializer, Serialize};

use super::id::Id;
use super::time::Timestamp;

/// Longest texts, in characters.
pub const MAX_NAME: usize = 200;
pub const MAX_COMPANY: usize = 200;
pub const MAX_NOTES: usize = 10_000;
/// Longest source, in bytes.
pub const MAX_SOURCE: usize = 64;
/// Longest address a mail server has to take, in bytes (RFC 5321, 4.5.3.1.3).
pub const MAX_EMAIL: usize = 254;
/// Longest number as it is written, separators included, in bytes.
const MAX_PHONE: usize = 40;

/// How far a lead has come. Every lead begins as `NEW` (guide 000); the order is that of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeadStatus {
    New,
    Contacted,
    Qualified,
    Converted,
    Lost,
}

impl LeadStatus {
    pub const ALL: [LeadStatus; 5] = [
        LeadStatus::New,
        LeadStatus::Contacted,
        LeadStatus::Qualified,
        LeadStatus::Converted,
        LeadStatus::Lost,
    ];

    /// Reads a status, in whatever case it is spelled.
    pub fn parse(text: &str) -> Option<LeadStatus> {
        LeadStatus::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text))
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            LeadStatus::New => "NEW",
            LeadStatus::Contacted => "CONTACTED",
            LeadStatus::Qualified => "QUALIFIED",
            LeadStatus::Converted => "CONVERTED",
            LeadStatus::Lost => "LOST",
        }
    }
}

impl Serialize for LeadStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for LeadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored lead, printed as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    pub id: Id,
    pub name: String,
    pub email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// As it was written: `+45 12 34 56 78` keeps its spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What brought it in: `voice`, `api`, or the caller's own word.
    pub source: String,
    pub status: LeadStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Lead {
    pub fn new(id: Id, new: NewLead, now: Timestamp) -> Lead {
        let NewLead { name, email, company, phone, notes, source } = new;
        let status = LeadStatus::New;
        Lead { id, name, email, company, phone, notes, source, status, created_at: now, updated_at: now }
    }

    /// Makes the change. Gives what was changed; where that is nothing, the lead is as it was.
    pub fn change(&mut self, change: LeadChange, now: Timestamp) -> LeadDifference {
        let old = self.clone();
        let LeadChange { name, email, company, phone, notes, source, status } = change;
        replace(&mut self.name, name);
        replace(&mut self.email, email);
        replace(&mut self.company, company);
        replace(&mut self.phone, phone);
        replace(&mut self.notes, notes);
        replace(&mut self.source, source);
        let fields = *self != old;
        replace(&mut self.status, status);
        let difference =
            LeadDifference { fields, status_was: (self.status != old.status).then_some(old.status) };
        if difference.is_any() {
            self.updated_at = now;
        }
        difference
    }

    /// Bytes of its texts, for whoever must bound many.
    pub fn size(&self) -> usize {
        let optional = [&self.company, &self.phone, &self.notes];
        let optional: usize = optional.into_iter().flatten().map(String::len).sum();
        self.id.as_str().len() + self.name.len() + self.email.len() + self.source.len() + optional
    }
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// What a change has changed: `LEAD_STATUS_CHANGED` is told where the status alone did (checklist F-043).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadDifference {
    /// Whether anything but the status did.
    pub fields: bool,
    /// The status before, where it is another now.
    pub status_was: Option<LeadStatus>,
}

impl LeadDifference {
    pub fn is_any(self) -> bool {
        self.fields || self.status_was.is_some()
    }
}

/// What a caller says of a new lead, unchecked.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LeadDraft {
    pub name: Option<String>,
    pub email: Option<String>,
    pub company: Option<String>,
    pub phone: Option<String>,
    pub notes: Option<String>,
    pub source: Option<String>,
}

/// A lead to be, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLead {
    name: String,
    email: String,
    company: Option<String>,
    phone: Option<String>,
    notes: Option<String>,
    source: String,
}

impl NewLead {
    /// Checks a draft; `source` is what it has where it names none. An empty optional text is none.
    ///
    /// # Errors
    /// The first field that cannot be taken.
    pub fn new(draft: LeadDraft, source: &str) -> Result<NewLead, InvalidLead> {
        Ok(NewLead {
            name: name(&draft.name.unwrap_or_default())?,
            email: email(&draft.email.unwrap_or_default())?,
            company: company(&draft.company.unwrap_or_default())?,
            phone: phone(&draft.phone.unwrap_or_default())?,
            notes: notes(&draft.notes.unwrap_or_default())?,
            source: match draft.source.as_deref().map(str::trim) {
                None | Some("") => self::source(source)?,
                Some(own) => self::source(own)?,
            },
        })
    }
}

/// What a caller wants changed, unchecked. `null` and the empty text take an optional field away.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LeadEdits {
    pub name: Option<String>,
    pub email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub company: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub notes: Option<Option<String>>,
    pub source: Option<String>,
    pub status: Option<String>,
}

/// Tells `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A change of at least one field, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadChange {
    name: Option<String>,
    email: Option<String>,
    company: Option<Option<String>>,
    phone: Option<Option<String>>,
    notes: Option<Option<String>>,
    source: Option<String>,
    status: Option<LeadStatus>,
}

impl LeadChange {
    /// # Errors
    /// The first field that cannot be taken; no field at all is an error of `status`.
    pub fn new(edits: LeadEdits) -> Result<LeadChange, InvalidLead> {
        let change = LeadChange {
            name: edits.name.as_deref().map(name).transpose()?,
            email: edits.email.as_deref().map(email).transpose()?,
            company: edits.company.map(|own| company(&own.unwrap_or_default())).transpose()?,
            phone: edits.phone.map(|own| phone(&own.unwrap_or_default())).transpose()?,
            notes: edits.notes.map(|own| notes(&own.unwrap_or_default())).transpose()?,
            source: edits.source.as_deref().map(source).transpose()?,
            status: edits.status.as_deref().map(status).transpose()?,
        };
        let LeadChange { name, email, company, phone, notes, source, status } = &change;
        let is_empty = name.is_none() && email.is_none() && company.is_none() && phone.is_none();
        if is_empty && notes.is_none() && source.is_none() && status.is_none() {
            return Err(InvalidLead { field: "status", problem: "or another field must be given" });
        }
        Ok(change)
    }
}

/// The field that cannot be taken, and why: `` `email` must be an address``.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLead {
    pub field: &'static str,
    pub problem: &'static str,
}

impl fmt::Display for InvalidLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.field, self.problem)
    }
}

impl std::error::Error for InvalidLead {}

fn name(text: &str) -> Result<String, InvalidLead> {
    line("name", text, MAX_NAME, "must be 1 to 200 characters on one line")?
        .ok_or(InvalidLead { field: "name", problem: "is required" })
}

fn company(text: &str) -> Result<Option<String>, InvalidLead> {
    line("company", text, MAX_COMPANY, "may be up to 200 characters on one line")
}

/// A trimmed line of bounded length; `None` if it is empty.
fn line(
    field: &'static str,
    text: &str,
    most: usize,
    problem: &'static str,
) -> Result<Option<String>, InvalidLead> {
    let text = text.trim();
    if text.chars().nth(most).is_some() || text.contains(char::is_control) {
        return Err(InvalidLead { field, problem });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn notes(text: &str) -> Result<Option<String>, InvalidLead> {
    let text = text.trim();
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().nth(MAX_NOTES).is_some() || text.contains(is_odd) {
        let problem = "may be up to 10000 characters, no control characters but lines and tabs";
        return Err(InvalidLead { field: "notes", problem });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn email(text: &str) -> Result<String, InvalidLead> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidLead { field: "email", problem: "is required" });
    }
    // A lead is written to from elsewhere: no names in front, no bare hosts, no addresses in brackets.
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    let is_sound = text.len() <= MAX_EMAIL
        && !text.contains(char::is_control)
        && EmailAddress::parse_with_options(text, options).is_ok();
    is_sound
        .then(|| text.to_owned())
        .ok_or(InvalidLead { field: "email", problem: "must be an e-mail address" })
}

fn phone(text: &str) -> Result<Option<String>, InvalidLead> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    let is_number = number.bytes().all(|b| b.is_ascii_digit() || b" ().-/".contains(&b));
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    (is_number && (7..=15).contains(&digits) && text.len() <= MAX_PHONE)
        .then(|| Some(text.to_owned()))
        .ok_or(InvalidLead { field: "phone", problem: "must be a number of 7 to 15 digits" })
}

/// Reads a source, of a lead or of a filter.
///
/// # Errors
/// It is not 1 to 64 bytes on one line.
pub fn source(text: &str) -> Result<String, InvalidLead> {
    let text = text.trim();
    let is_sound = (1..=MAX_SOURCE).contains(&text.len()) && !text.contains(char::is_control);
    is_sound
        .then(|| text.to_owned())
        .ok_or(InvalidLead { field: "source", problem: "must be 1 to 64 bytes on one line" })
}

/// Reads a status, of a lead or of a filter.
///
/// # Errors
/// There is no such status.
pub fn status(text: &str) -> Result<LeadStatus, InvalidLead> {
    let problem = "must be NEW, CONTACTED, QUALIFIED, CONVERTED or LOST";
    LeadStatus::parse(text).ok_or(InvalidLead { field: "status", problem })
}

#[cfg(test)]
#[path = "lead_tests.rs"]
mod tests;
