//! What sessions need of the settings, mount by mount.

use std::num::NonZeroU32;
use std::time::Duration;

use super::pulse::Rhythm;
use crate::config::Settings;
use crate::proto::engineio::Timings;
use crate::proto::socketio;

/// The timings and limits of the sessions of one mount.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    pub upgrade_timeout: Duration,
    /// How long a Socket.IO client may stay without a namespace.
    pub connect_timeout: Duration,
    /// Bytes of one message: refused above the first, the connection is closed above the second. Where
    /// a refusal cannot be told, without Socket.IO and without a profile, the second alone counts.
    pub soft_message_bytes: usize,
    pub hard_message_bytes: usize,
    pub attachments: usize,
    /// `None` sets no limit.
    pub messages_per_second: Option<NonZeroU32>,
    /// How long a client of guide 004 may stay nobody; `None` where that is allowed.
    pub auth_timeout: Option<Duration>,
    /// Whether guide 004's broadcasts come to its clients as `message` (contract X-04).
    pub has_envelopes: bool,
    pub log_connections: bool,
    pub log_subscriptions: bool,
    pub log_messages: bool,
}

impl SessionSettings {
    /// What holds for the profiles.
    pub fn of_profiles(settings: &Settings) -> SessionSettings {
        SessionSettings {
            ping_interval: settings.ping_interval,
            ping_timeout: settings.ping_timeout,
            upgrade_timeout: settings.upgrade_timeout,
            connect_timeout: settings.connect_timeout,
            soft_message_bytes: settings.max_message_size_bytes,
            hard_message_bytes: settings.hard_max_message_bytes,
            attachments: settings.max_attachments,
            messages_per_second: Some(settings.rate_limit_messages_per_second),
            auth_timeout: settings.auth_required.then_some(settings.auth_timeout),
            has_envelopes: settings.intraday_message_envelope,
            log_connections: settings.log_connection_events,
            log_subscriptions: settings.log_subscription_events,
            log_messages: settings.log_all_messages,
        }
    }

    /// What holds for the handlers of an embedding program unless it says otherwise: the same, but
    /// for the rate of messages, which it alone can know.
    pub fn of_handlers(settings: &Settings) -> SessionSettings {
        SessionSettings { messages_per_second: None, ..SessionSettings::of_profiles(settings) }
    }

    pub fn timings(&self) -> Timings {
        Timings {
            ping_interval: self.ping_interval,
            ping_timeout: self.ping_timeout,
            upgrade_timeout: self.upgrade_timeout,
        }
    }

    pub fn rhythm(&self) -> Rhythm {
        Rhythm { interval: self.ping_interval, timeout: self.ping_timeout }
    }

    pub fn packet_limits(&self) -> socketio::Limits {
        socketio::Limits {
            attachments: self.attachments,
            soft: self.soft_message_bytes,
            hard: self.hard_message_bytes,
            ..socketio::Limits::default()
        }
    }
}
