//! Guide 000's payloads.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::events::command;

/// `execute_voice_command` as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceCommand {
    pub command: String,
    /// Whose leads it is about; the socket's own tenant where it is not given.
    pub tenant_id: Option<Id>,
    /// Echoed (contract D-45).
    pub request_id: Option<Box<RawValue>>,
    parameters: Option<Box<RawValue>>,
}

/// Longest `requestId` that is echoed, in bytes of JSON text.
const MAX_REQUEST_ID: usize = 256;

impl VoiceCommand {
    /// # Errors
    /// `INVALID_MESSAGE`; the client is told in words of its own.
    pub fn read(data: &str) -> Result<VoiceCommand, ClientError> {
        let read: VoiceCommand = command::payload(data, "The payload must be {\"command\": string}")?;
        let is_object =
            read.parameters.as_ref().is_none_or(|own| matches!(own.get().as_bytes()[0], b'{' | b'n'));
        let is_short = read.request_id.as_ref().is_none_or(|own| own.get().len() <= MAX_REQUEST_ID);
        if is_object && is_short {
            Ok(read)
        } else {
            Err(ClientError::invalid("`parameters` must be an object"))
        }
    }
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

/// `voice_command_response` that says no. The texts are what guide 000's clients compare with
/// (contract X-34).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceRefusal<'a> {
    pub success: bool,
    pub error: &'static str,
    /// Whose socket it is; empty where it is no tenant's.
    pub tenant: &'a str,
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a RawValue>,
}
