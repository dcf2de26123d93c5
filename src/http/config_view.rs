//! `GET /api/ws/config`: what a client should know before it connects, for anyone.

use std::time::Duration;

use actix_web::HttpResponse;
use serde::{Serialize, Serializer};

use super::State;
use crate::config::Settings;

/// The settings that are meant for clients, under the names that guide 004 gives them.
#[derive(Clone, Debug, Serialize)]
pub struct ClientDefaults {
    pub max_message_size_bytes: usize,
    #[serde(rename = "ping_interval_ms", serialize_with = "millis")]
    pub ping_interval: Duration,
    #[serde(rename = "ping_timeout_ms", serialize_with = "millis")]
    pub ping_timeout: Duration,
    /// Whether, and how soon, a client of guide 004 must say who it is.
    pub auth_required: bool,
    #[serde(rename = "auth_timeout_ms", serialize_with = "millis")]
    pub auth_timeout: Duration,
    /// How a client should come back. The server keeps nobody from coming back otherwise.
    pub reconnection_enabled: bool,
    pub reconnection_attempts: u32,
    #[serde(rename = "reconnection_delay_ms", serialize_with = "millis")]
    pub reconnection_delay: Duration,
}

impl From<&Settings> for ClientDefaults {
    fn from(settings: &Settings) -> ClientDefaults {
        ClientDefaults {
            max_message_size_bytes: settings.max_message_size_bytes,
            ping_interval: settings.ping_interval,
            ping_timeout: settings.ping_timeout,
            auth_required: settings.auth_required,
            auth_timeout: settings.auth_timeout,
            reconnection_enabled: settings.reconnection_enabled,
            reconnection_attempts: settings.reconnection_attempts,
            reconnection_delay: settings.reconnection_delay,
        }
    }
}

pub async fn get(state: State) -> HttpResponse {
    #[derive(Serialize)]
    struct Body<'a> {
        success: bool,
        config: &'a ClientDefaults,
    }
    HttpResponse::Ok().json(Body { success: true, config: &state.shared.client_defaults })
}

fn millis<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(span.as_millis())
}
