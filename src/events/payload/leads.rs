//! Guide 000's payloads: what its clients ask, and what the one who asked is answered. What all sockets of
//! the tenant are told stands in [`super::tenant`].

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::events::fields;

/// `execute_voice_command` as a client sends it. Whatever is wrong is answered in guide 000's own words, with
/// the mark of the request, so reading it never fails.
#[derive(Debug)]
pub struct VoiceCommand {
    /// Whose leads it is about; the socket's own tenant where it is not given.
    pub tenant: Option<String>,
    /// Echoed (contract D-45).
    pub request_id: Option<Box<RawValue>>,
    /// Under which the command takes effect once (contract D-21).
    pub idempotency_key: Option<String>,
    pub confirm_token: Option<String>,
    /// What is to be done, or what of the request cannot be taken.
    pub asked: Result<Asked, &'static str>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Asked {
    Command {
        name: String,
        /// An object, if given.
        parameters: Option<Box<RawValue>>,
    },
    /// What a recogniser heard, and how sure it was (contract D-22).
    Transcript { text: String, locale: String, confidence: f64 },
}

/// Longest `requestId` that is echoed, in bytes of JSON text.
const MAX_REQUEST_ID: usize = 256;
/// Longest `idempotencyKey` and `confirmToken`, in bytes.
const MAX_KEY: usize = 128;

/// Longest `transcript`, in bytes.
const MAX_TRANSCRIPT: usize = 4096;

const SHAPE: &str =
    "The payload must be {\"command\": string, \"parameters\"?: object} or {\"transcript\": string}";

impl VoiceCommand {
    /// One that says nothing.
    pub fn unreadable() -> VoiceCommand {
        VoiceCommand {
            tenant: None,
            request_id: None,
            idempotency_key: None,
            confirm_token: None,
            asked: Err(SHAPE),
        }
    }

    pub fn read(data: &str) -> VoiceCommand {
        let mut read = VoiceCommand::unreadable();
        let Ok(members) = fields::members(data) else { return read };
        // Of two equal keys the last counts, as for clients.
        let find = |key: &str| {
            let found = members.iter().rfind(|(name, _)| name == key).map(|(_, value)| *value);
            found.filter(|value| value.get() != "null")
        };
        let mut problem = None;
        let mut text = |key, says| match find(key).map(|value| serde_json::from_str::<String>(value.get())) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => {
                problem.get_or_insert(says);
                None
            }
        };
        let command = text("command", "`command` must be a string");
        let transcript = text("transcript", "`transcript` must be a string");
        let locale = text("locale", "`locale` must be a string");
        read.idempotency_key = text("idempotencyKey", KEY_SHAPE);
        read.confirm_token = text("confirmToken", TOKEN_SHAPE);
        match find("tenantId").map(|value| tenant(value.get())) {
            Some(None) => problem = problem.or(Some("`tenantId` must be a string")),
            given => read.tenant = given.flatten(),
        }
        match find("requestId") {
            Some(id) if id.get().len() > MAX_REQUEST_ID => {
                problem = problem.or(Some("`requestId` may have up to 256 bytes of JSON"));
            }
            id => read.request_id = id.map(RawValue::to_owned),
        }
        let is_key = |key: &String| (1..=MAX_KEY).contains(&key.len());
        if !read.idempotency_key.as_ref().is_none_or(is_key) {
            problem = problem.or(Some(KEY_SHAPE));
        }
        if read.confirm_token.as_ref().is_some_and(|token| token.len() > MAX_KEY) {
            problem = problem.or(Some(TOKEN_SHAPE));
        }
        let parameters = find("parameters");
        if parameters.is_some_and(|own| !own.get().starts_with('{')) {
            problem = problem.or(Some("`parameters` must be an object"));
        }
        // Without it, whoever sent the words is sure of them.
        let confidence = find("confidence").map_or(Ok(1.0), |own| serde_json::from_str::<f64>(own.get()));
        let confidence = confidence.ok().filter(|sure| (0.0..=1.0).contains(sure));
        read.asked = match (problem, command, transcript) {
            (Some(problem), ..) => Err(problem),
            (None, Some(name), None) => {
                Ok(Asked::Command { name, parameters: parameters.map(RawValue::to_owned) })
            }
            (None, None, Some(text)) if text.len() > MAX_TRANSCRIPT => {
                Err("`transcript` may have up to 4096 bytes")
            }
            (None, None, Some(text)) => match confidence {
                Some(confidence) => {
                    let locale = locale.unwrap_or_else(|| "en".to_owned());
                    Ok(Asked::Transcript { text, locale, confidence })
                }
                None => Err("`confidence` must be a number from 0 to 1"),
            },
            (None, Some(_), Some(_)) => Err("`command` and `transcript` exclude each other"),
            (None, None, None) => Err(SHAPE),
        };
        read
    }
}

const TOKEN_SHAPE: &str = "`confirmToken` must be a string of up to 128 bytes";
const KEY_SHAPE: &str = "`idempotencyKey` must be a string of 1 to 128 bytes";

/// A tenant's id as it is written, or the number that stands for one (contract X-25).
fn tenant(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(u64),
    }
    serde_json::from_str(text).ok().map(|written| match written {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    })
}

/// `connected` in guide 000's words: exactly these keys (contract D-46).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected<'a> {
    pub message: &'static str,
    pub tenant_id: &'a Id,
    pub timestamp: Timestamp,
}

impl<'a> Connected<'a> {
    pub fn new(tenant_id: &'a Id, timestamp: Timestamp) -> Connected<'a> {
        Connected { message: "Connected to TekUp Events Gateway", tenant_id, timestamp }
    }
}

/// `voice_command_response`. The texts of `error` are what guide 000's clients compare with (contract X-34).
#[derive(Serialize)]
pub struct VoiceResponse<'a> {
    pub success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<&'a str>,
    /// Whose socket it is; empty where it is no tenant's.
    pub tenant: &'a str,
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a RawValue>,
    /// Whether it was told before, or to somebody else at the same time (contract D-45).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    #[serde(flatten)]
    pub confirm: Option<&'a Confirm>,
    /// What a transcript was taken for (contract D-22).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub understood: Option<&'a RawValue>,
    /// What else it may have meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clarify: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_understood: bool,
}

/// What must come with the command when it is sent again (contract D-21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirm {
    #[serde(rename = "confirmToken")]
    pub token: String,
    pub expires_at: Timestamp,
}

impl<'a> VoiceResponse<'a> {
    pub fn refusal(error: &'a str, tenant: &'a str, timestamp: Timestamp) -> VoiceResponse<'a> {
        VoiceResponse {
            success: false,
            data: None,
            error: Some(error),
            details: None,
            tenant,
            timestamp,
            command: None,
            request_id: None,
            replayed: false,
            confirm: None,
            understood: None,
            clarify: None,
            not_understood: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_and_the_mark_is_kept() {
        let cases = [
            ("5", SHAPE),
            ("[]", SHAPE),
            ("{}", SHAPE),
            (r#"{"command":null}"#, SHAPE),
            (r#"{"command":5}"#, "`command` must be a string"),
            (r#"{"command":"x","parameters":[]}"#, "`parameters` must be an object"),
            (r#"{"command":"x","parameters":"{}"}"#, "`parameters` must be an object"),
            (r#"{"command":"x","idempotencyKey":5}"#, KEY_SHAPE),
            (r#"{"command":"x","idempotencyKey":""}"#, KEY_SHAPE),
            (r#"{"command":"x","tenantId":{}}"#, "`tenantId` must be a string"),
            (r#"{"command":"x","confirmToken":[]}"#, TOKEN_SHAPE),
            (r#"{"transcript":5}"#, "`transcript` must be a string"),
            (r#"{"transcript":"x","locale":5}"#, "`locale` must be a string"),
            (r#"{"transcript":"x","confidence":"1"}"#, "`confidence` must be a number from 0 to 1"),
            (r#"{"transcript":"x","confidence":1.1}"#, "`confidence` must be a number from 0 to 1"),
            (r#"{"transcript":"x","command":"x"}"#, "`command` and `transcript` exclude each other"),
        ];
        for (data, problem) in cases {
            assert_eq!(VoiceCommand::read(data).asked.unwrap_err(), problem, "{data}");
        }
        let long = format!(r#"{{"command":"x","requestId":"{}"}}"#, "r".repeat(MAX_REQUEST_ID));
        assert!(VoiceCommand::read(&long).asked.is_err());
        let long = format!(r#"{{"command":"x","idempotencyKey":"{}"}}"#, "k".repeat(MAX_KEY + 1));
        assert!(VoiceCommand::read(&long).asked.is_err());
        let long = format!(r#"{{"command":"x","confirmToken":"{}"}}"#, "c".repeat(MAX_KEY + 1));
        assert_eq!(VoiceCommand::read(&long).asked.unwrap_err(), TOKEN_SHAPE);
        let marked = VoiceCommand::read(r#"{"command":5,"requestId":[1, 2]}"#);
        assert_eq!(marked.request_id.unwrap().get(), "[1, 2]");
    }

    #[test]
    fn everything_that_may_be_given_is_read() {
        let read = VoiceCommand::read(
            r#"{"command":"a","command":"get_leads","parameters":{"limit":5},"tenantId":7,
                "requestId":"r","idempotencyKey":"k","confirmToken":"c","more":[]}"#,
        );
        assert_eq!(read.tenant.as_deref(), Some("7"));
        assert_eq!((read.idempotency_key.as_deref(), read.confirm_token.as_deref()), (Some("k"), Some("c")));
        let Ok(Asked::Command { name, parameters: Some(parameters) }) = read.asked else {
            panic!("a command")
        };
        assert_eq!((name.as_str(), parameters.get()), ("get_leads", r#"{"limit":5}"#));
        let said = VoiceCommand::read(r#"{"transcript":"show leads","locale":"en-GB","confidence":0.5}"#);
        let Ok(Asked::Transcript { text, locale, confidence }) = said.asked else { panic!("a transcript") };
        assert_eq!((text.as_str(), locale.as_str(), confidence), ("show leads", "en-GB", 0.5));
        let bare = VoiceCommand::read(r#"{"command":"x","parameters":null,"tenantId":null}"#);
        assert!(bare.tenant.is_none() && matches!(bare.asked, Ok(Asked::Command { parameters: None, .. })));
    }
}
