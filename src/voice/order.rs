//! What a session hands over: a command that was read, and by whom it is asked.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::command::{self, Command, Invalid, Task};
use super::grammar::{Choice, Grammar, Transcript, Understanding, Understood};
use crate::domain::id::Id;
use crate::domain::json;
use crate::domain::tenant::Permissions;
use crate::domain::time::Timestamp;
use crate::events::payload::leads::{Asked, Confirm, VoiceCommand, VoiceResponse};

/// A command as it waits for its turn.
pub struct Order {
    pub tenant: Id,
    /// The socket that waits for the answer.
    pub asker: Id,
    pub(super) request_id: Option<Box<RawValue>>,
    /// As it is repeated to the client, who chose it.
    pub(super) name: Option<String>,
    pub(super) key: Option<String>,
    pub(super) confirm_token: Option<String>,
    /// What is asked, by its hash, so that equal requests have an equal one (contract D-45). The text itself may be
    /// as long as a message, and many wait.
    pub(super) body: Body,
    pub(super) asked: Asking,
    /// What a transcript was taken for.
    understood: Option<Box<RawValue>>,
}

pub(super) type Body = [u8; 32];

/// The data of a `voice_command_response`.
pub struct Response {
    pub data: Box<RawValue>,
    /// It has a `confirmToken`, beside marks of the asker's choice: compressed, its length would tell of the token.
    pub holds_secret: bool,
}

type Asking = Result<(&'static Command, Box<dyn Task>), Refused>;

/// Why a command is not run at all.
#[derive(Debug)]
pub(super) struct Refused {
    pub error: &'static str,
    pub details: Option<String>,
    /// What a transcript may have meant.
    pub clarify: Option<Box<RawValue>>,
    pub not_understood: bool,
}

/// What a command has come to, before it is told one who asked.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub success: bool,
    pub data: Option<Arc<RawValue>>,
    pub error: Option<Cow<'static, str>>,
    pub details: Option<Cow<'static, str>>,
    pub at: Timestamp,
    pub replayed: bool,
    pub confirm: Option<Confirm>,
    pub clarify: Option<Arc<RawValue>>,
    pub not_understood: bool,
}

impl Verdict {
    pub fn done(data: Arc<RawValue>, at: Timestamp) -> Verdict {
        Verdict { success: true, data: Some(data), error: None, ..Verdict::refused("", at) }
    }

    pub fn refused(error: &'static str, at: Timestamp) -> Verdict {
        let error = Some(Cow::Borrowed(error));
        Verdict {
            success: false,
            data: None,
            error,
            details: None,
            at,
            replayed: false,
            confirm: None,
            clarify: None,
            not_understood: false,
        }
    }

    /// Whether it asks back, rather than that anything failed.
    pub fn is_question(&self) -> bool {
        self.confirm.is_some() || self.clarify.is_some() || self.not_understood
    }

    pub fn because(mut self, details: impl Into<Cow<'static, str>>) -> Verdict {
        self.details = Some(details.into());
        self
    }
}

/// A name as it is repeated: the client chose it, so it is cut.
fn shown(name: &str) -> String {
    const SHOWN: usize = 64;
    name.chars().take(SHOWN).collect()
}

impl Order {
    /// Reads what a socket of `tenant` asks, whose key has these permissions.
    pub fn read(
        request: VoiceCommand,
        tenant: &Id,
        asker: &Id,
        permissions: Option<&Permissions>,
        grammar: &Grammar,
        now: Timestamp,
    ) -> Order {
        let VoiceCommand { tenant: named, request_id, idempotency_key, confirm_token, asked } = request;
        let is_foreign = named.is_some_and(|named| named != tenant.as_str());
        let (mut name, mut understood) = (None, None);
        let (body, asked) = match asked {
            Err(_) if is_foreign => (String::new(), Err(Refused::with("Access denied"))),
            Err(problem) => (String::new(), Err(Refused::invalid(problem.to_owned()))),
            Ok(Asked::Command { name: command, parameters }) => {
                name = Some(shown(&command));
                let parameters = parameters.as_deref().map_or("{}", RawValue::get);
                let task = if is_foreign {
                    Err(Refused::with("Access denied"))
                } else {
                    task(&command, parameters, permissions, now)
                };
                (canonical(&command, parameters), task)
            }
            Ok(Asked::Transcript { .. }) if is_foreign => {
                (String::new(), Err(Refused::with("Access denied")))
            }
            Ok(Asked::Transcript { text, locale, confidence }) => {
                let task = match grammar.understand(&Transcript { text: &text, locale: &locale, confidence })
                {
                    Understanding::Understood(taken) => {
                        let Understood { command, parameters, .. } = &taken;
                        name = Some((*command).to_owned());
                        understood = Some(json::raw(&taken));
                        task(command, parameters.get(), permissions, now)
                    }
                    Understanding::Clarify { question, options } => {
                        Err(Refused::question(&question, &options))
                    }
                    Understanding::NotUnderstood { details } => Err(Refused::not_understood(details)),
                };
                (format!("transcript:{text}"), task)
            }
        };
        Order {
            tenant: tenant.clone(),
            asker: asker.clone(),
            request_id,
            name,
            key: idempotency_key,
            confirm_token,
            body: Sha256::digest(body).into(),
            asked,
            understood,
        }
    }

    /// The key under which it may have been asked before.
    pub(super) fn repeatable(&self) -> Option<&String> {
        self.key.as_ref().filter(|_| self.asked.as_ref().err().is_none_or(Refused::is_of_words))
    }

    /// The `voice_command_response` that says so.
    pub fn response(&self, verdict: &Verdict) -> Response {
        let data = json::raw(&VoiceResponse {
            success: verdict.success,
            data: verdict.data.as_deref(),
            error: verdict.error.as_deref(),
            details: verdict.details.as_deref(),
            tenant: self.tenant.as_str(),
            timestamp: verdict.at,
            command: self.name.as_deref(),
            request_id: self.request_id.as_deref(),
            replayed: verdict.replayed,
            confirm: verdict.confirm.as_ref(),
            understood: self.understood.as_deref(),
            clarify: verdict.clarify.as_deref(),
            not_understood: verdict.not_understood,
        });
        Response { data, holds_secret: verdict.confirm.is_some() }
    }
}

/// The command of this name with its parameters, if the key's holder may ask for it.
fn task(name: &str, parameters: &str, permissions: Option<&Permissions>, now: Timestamp) -> Asking {
    let Some(row) = command::find(name) else { return Err(Refused::with("Unknown command")) };
    // A key without a list may do everything.
    if permissions.is_some_and(|own| !own.allows(row.permission)) {
        return Err(Refused::with("Access denied"));
    }
    let task = (row.read)(parameters, now).map_err(|Invalid(problem)| Refused::invalid(problem))?;
    Ok((row, task))
}

impl Refused {
    /// Another body under a key that is in use.
    pub(super) fn conflict() -> Refused {
        const CONFLICT: &str = "This idempotencyKey stands for another command or other parameters";
        Refused { details: Some(CONFLICT.to_owned()), ..Refused::with("Idempotency conflict") }
    }

    /// Whether only the words were not good enough: heard better, they may have been a command before.
    pub(super) fn is_of_words(&self) -> bool {
        self.clarify.is_some() || self.not_understood
    }

    pub(super) fn with(error: &'static str) -> Refused {
        Refused { error, details: None, clarify: None, not_understood: false }
    }

    fn invalid(problem: String) -> Refused {
        Refused { details: Some(problem), ..Refused::with("Invalid parameters") }
    }

    /// The speaker has to choose, or to say more.
    fn question(question: &str, options: &[Choice]) -> Refused {
        #[derive(Serialize)]
        struct Clarify<'a> {
            question: &'a str,
            options: &'a [Choice],
        }
        let clarify = Some(json::raw(&Clarify { question, options }));
        Refused { clarify, ..Refused::with("Clarification needed") }
    }

    fn not_understood(details: String) -> Refused {
        Refused { details: Some(details), not_understood: true, ..Refused::with("Not understood") }
    }
}

/// A text that two requests share if they ask the same: keys in order, no spaces. It is hashed and never passed
/// on, so that numbers may lose their spelling. What no value can hold, as `1e999`, is compared as it is written.
fn canonical(command: &str, parameters: &str) -> String {
    let length = command.len();
    match serde_json::from_str::<Value>(parameters) {
        Ok(parameters) => format!("{length}:{command}{parameters}"),
        Err(_) => format!("{length}:{command}{parameters}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(data: &str, permissions: Option<&Permissions>) -> Order {
        let [tenant, asker] = ["demo1", "s1"].map(|id| Id::parse(id).unwrap());
        let grammar = Grammar::default();
        Order::read(
            VoiceCommand::read(data),
            &tenant,
            &asker,
            permissions,
            &grammar,
            Timestamp::from_millis(0),
        )
    }

    fn refusal(data: &str, permissions: Option<&Permissions>) -> Option<&'static str> {
        order(data, permissions).asked.err().map(|refused| refused.error)
    }

    #[test]
    fn what_is_refused_is_refused_in_the_guide_s_words() {
        let listed = Permissions::only(["get_leads"]).unwrap();
        let cases = [
            (r#"{"command":"get_leads"}"#, None),
            (r#"{"command":"get_leads","tenantId":"demo1"}"#, None),
            (r#"{"command":"get_leads","tenantId":"demo2"}"#, Some("Access denied")),
            (r#"{"command":5,"tenantId":"demo2"}"#, Some("Access denied")),
            (r#"{"command":"start_backup"}"#, Some("Access denied")),
            // Who may not do it is not told what is wrong with it.
            (r#"{"command":"create_lead","parameters":{}}"#, Some("Access denied")),
            (r#"{"command":"nope"}"#, Some("Unknown command")),
            (r#"{"command":""}"#, Some("Unknown command")),
            (r#"{"command":"get_leads","parameters":{"limit":"ten"}}"#, Some("Invalid parameters")),
            ("null", Some("Invalid parameters")),
            ("{}", Some("Invalid parameters")),
        ];
        for (data, error) in cases {
            assert_eq!(refusal(data, Some(&listed)), error, "{data}");
        }
        assert_eq!(refusal(r#"{"command":"start_backup"}"#, None), None);
        assert_eq!(refusal(r#"{"command":"start_backup"}"#, Some(&Permissions::ALL)), None);
    }

    #[test]
    fn a_transcript_is_run_asked_back_or_not_understood() {
        let understood = order(r#"{"transcript":"show me the ten new leads"}"#, None);
        let verdict = Verdict::refused("x", Timestamp::from_millis(0));
        assert!(understood.asked.is_ok());
        let response: Value = serde_json::from_str(understood.response(&verdict).data.get()).unwrap();
        assert_eq!(
            (&response["command"], &response["understood"]["command"]),
            (&"get_leads".into(), &"get_leads".into())
        );
        assert_eq!(response["understood"]["parameters"].to_string(), r#"{"limit":10,"status":"NEW"}"#);

        let listed = Permissions::only(["get_leads"]).unwrap();
        let cases = [
            (r#"{"transcript":"start a backup"}"#, Some("Access denied")),
            (r#"{"transcript":"show leads","tenantId":"demo2"}"#, Some("Access denied")),
            (r#"{"transcript":"the weather is nice"}"#, Some("Not understood")),
            (r#"{"transcript":"show leads","locale":"da"}"#, Some("Not understood")),
            (r#"{"transcript":""}"#, Some("Not understood")),
        ];
        for (data, error) in cases {
            assert_eq!(refusal(data, Some(&listed)), error, "{data}");
        }
        let unsure = order(r#"{"transcript":"start a backup","confidence":0.4}"#, None);
        assert_eq!(unsure.asked.err().unwrap().error, "Clarification needed", "nothing acts on a guess");
    }

    #[test]
    fn equal_requests_have_equal_bodies_and_others_do_not() {
        let body = |data| order(data, None).body;
        let one = body(r#"{"command":"create_lead","parameters":{"name":"N","email":"n@x.dk"}}"#);
        let same = body(
            r#"{"parameters":{ "email" : "n@x.dk", "name":"\u004e"},"command":"create_lead","requestId":2}"#,
        );
        assert_eq!(one, same);
        for other in [
            r#"{"command":"create_lead","parameters":{"name":"N","email":"m@x.dk"}}"#,
            r#"{"command":"create_lead","parameters":{"name":"N","email":"n@x.dk","company":"C"}}"#,
            r#"{"command":"create_leads","parameters":{"name":"N","email":"n@x.dk"}}"#,
        ] {
            assert_ne!(body(other), one, "{other}");
        }
        assert_eq!(body(r#"{"command":"get_leads"}"#), body(r#"{"command":"get_leads","parameters":{}}"#));
        // Beside what no parser turns into a value.
        for odd in ["1e999", r#""\ud800""#] {
            let [one, other] = ["A", "B"].map(|name| {
                let parameters = format!(r#"{{"name":"{name}","email":"n@x.dk","x":{odd}}}"#);
                let order = order(&format!(r#"{{"command":"create_lead","parameters":{parameters}}}"#), None);
                assert!(order.asked.is_ok(), "{odd}");
                order.body
            });
            assert_ne!(one, other, "{odd}");
        }
    }

    #[test]
    fn a_response_has_the_guide_s_keys_and_the_asker_s_own_mark() {
        let order = order(r#"{"command":"nope","requestId":{"a":1.50}}"#, None);
        let verdict = Verdict::refused("Unknown command", Timestamp::from_millis(0));
        assert_eq!(
            order.response(&verdict).data.get(),
            r#"{"success":false,"error":"Unknown command","tenant":"demo1","timestamp":"1970-01-01T00:00:00.000Z","command":"nope","requestId":{"a":1.50}}"#
        );
    }
}
