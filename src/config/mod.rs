//! The settings: one struct, filled from flags, the environment and `.env`.
//!
//! Nothing else reads the environment, and nothing here acts on a value: the caller that owns a
//! feature does. Every key stands in `keys::KEYS`; one error names all that are bad, and a key
//! whose feature is not built yet is refused rather than ignored (`contract.md`, D-43).
//!
//! ```
//! let settings = switchboard::config::Settings::from_map(&[("PORT", "0"), ("WORKERS", "2")])?;
//! assert_eq!((settings.port, settings.workers), (0, 2));
//! # Ok::<(), switchboard::config::LoadError>(())
//! ```

mod error;
mod example;
mod keys;
mod kind;
mod parse;
mod rules;
mod sources;
mod task;
mod tenants;
mod types;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use error::{BadKey, LoadError};
pub use example::env_example;
pub use task::Task;
pub use tenants::{KeyDigest, KeyForm, MAX_KEY_BYTES, TenantKeyRecord, TenantRecord};
pub use types::{AdminAuth, AdminRoomJoin, Environment, Rate, RoomPatterns, Secret};

use sources::Layer;
use values::Values;

/// The secret that verifies tokens while none is set. Production refuses it.
pub const DEVELOPMENT_JWT_SECRET: &str = "switchboard-development-secret";

/// Every setting that does something. Each field is named after its key.
#[derive(Clone, Debug)]
pub struct Settings {
    pub environment: Environment,
    /// The address all listeners bind.
    pub host: String,
    /// The main listener; 0 picks a free port, as for the other ports.
    pub port: u16,
    pub ws_port: Option<u16>,
    /// Deprecated: bound like the others, with a warning.
    pub metrics_ws_port: Option<u16>,
    pub extra_ports: Vec<u16>,
    /// `scheme://host[:port]`, lower-case.
    pub cors_origins: Vec<String>,
    pub workers: usize,
    /// How long a stop waits for connections to drain. Zero closes them at once.
    pub shutdown_timeout: Duration,

    /// From `JWT_SECRET`, `JWT_SECRET_KEY` and `SUPABASE_JWT_SECRET`; any may verify. Never empty.
    pub jwt_secrets: Vec<Secret>,
    /// Whether an `authenticate` with bare ids is refused.
    pub require_jwt: bool,
    /// When false, guides 003 and 004 are open without credentials.
    pub auth_required: bool,
    /// How long a client of guide 004 may stay unauthenticated.
    pub auth_timeout: Duration,
    /// From `TENANTS_FILE` and `TENANT_KEYS`; the demo tenants where development sets neither.
    pub tenants: Vec<TenantRecord>,
    /// Whether `?tenant_key=` counts.
    pub allow_query_tenant_key: bool,
    pub admin_api_key: Option<Secret>,
    pub admin_auth: AdminAuth,
    pub admin_room_join: AdminRoomJoin,
    pub public_rooms: RoomPatterns,

    pub max_connections: usize,
    /// Sessions that belong to an organization.
    pub max_connections_total: usize,
    pub max_connections_per_org: usize,
    /// `None` is off.
    pub connection_rate_per_ip: Option<Rate>,
    /// A larger message is answered `MESSAGE_TOO_LARGE`.
    pub max_message_size_bytes: usize,
    /// A larger message ends the connection. At least `max_message_size_bytes`.
    pub hard_max_message_bytes: usize,
    /// Binary attachments of one packet, both ways; 10 at most.
    pub max_attachments: usize,
    /// For one session; the burst is the same number.
    pub rate_limit_messages_per_second: NonZeroU32,
    pub room_max_size: usize,
    pub max_rooms_per_connection: usize,
    /// Accepted for guide 004 and unused: empty rooms are removed at once.
    pub room_cleanup_interval: Duration,
    /// Bytes waiting for one consumer. More than `hard_max_message_bytes`.
    pub send_queue_bytes: usize,
    /// Bytes waiting for all consumers. At least `send_queue_bytes`.
    pub send_queue_total_bytes: usize,

    pub ping_interval: Duration,
    pub ping_timeout: Duration,
    /// How long a WebSocket may take to replace polling.
    pub upgrade_timeout: Duration,
    /// How long a Socket.IO client may stay without a namespace at first.
    pub connect_timeout: Duration,
    /// Whether guide 004's broadcasts come to its Socket.IO clients in an envelope.
    pub intraday_message_envelope: bool,
    /// Whether WebSocket messages and answers to polls are compressed, from so many bytes.
    pub compression_enabled: bool,
    pub compression_threshold_bytes: usize,
    /// What is published to one of these never is.
    pub compression_exclude_rooms: RoomPatterns,
    /// How clients should come back: told to them, and nothing else.
    pub reconnection_enabled: bool,
    pub reconnection_attempts: u32,
    pub reconnection_delay: Duration,

    /// The embedded store; where `BACKUP_DIR` is not set, backups go into `backups` below it.
    pub data_dir: PathBuf,
    pub backup_dir: PathBuf,
    /// How long the journal remembers a command.
    pub idempotency_ttl: Duration,
    /// Voice commands of one tenant that may wait or run.
    pub commands_in_flight: usize,
    pub command_deadline: Duration,
    /// Phrases in place of those built in.
    pub phrases_file: Option<PathBuf>,
    /// Voice commands that need a `confirmToken`.
    pub confirm_commands: Vec<String>,

    pub enable_logging: bool,
    /// What `RUST_LOG` holds: a level, or levels by module.
    pub rust_log: String,
    /// Whether `LOG_FORMAT` is `json`.
    pub log_json: bool,
    /// `None` writes no file.
    pub log_file: Option<PathBuf>,
    pub log_connection_events: bool,
    pub log_subscription_events: bool,
    pub log_all_messages: bool,
    pub log_broadcast_events: bool,
}

impl Settings {
    /// Loads the settings of this process: its flags, its environment and `.env` in its directory. Also
    /// gives what its command line asks for.
    ///
    /// # Errors
    /// As [Settings::load]; a `.env` that cannot be read is a bad key of that name.
    pub fn from_process() -> Result<(Settings, Option<Task>), LoadError> {
        let env = |name: &str| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
        let flags = sources::flags(std::env::args_os())?;
        let (dotenv, unreadable) = match sources::dotenv(Path::new(".env")) {
            Ok(dotenv) => (dotenv, None),
            Err(bad) => (BTreeMap::new(), Some(bad)),
        };
        let flag = |name: &str| flags.get_one::<String>(name).cloned();
        let settings = Settings::from_layers(&[&flag, &env, &|name| dotenv.get(name).cloned()], unreadable)?;
        Ok((settings, task::asked(&flags)))
    }

    /// Loads settings from a command line, the program's name first, and an environment. Also gives what
    /// the command line asks for.
    ///
    /// # Errors
    /// [LoadError::Usage] for help, version and wrong flags; [LoadError::Invalid] names every bad
    /// key.
    pub fn load(
        args: impl IntoIterator<Item = OsString>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Settings, Option<Task>), LoadError> {
        let flags = sources::flags(args)?;
        let settings = Settings::from_layers(&[&|name| flags.get_one::<String>(name).cloned(), env], None)?;
        Ok((settings, task::asked(&flags)))
    }

    /// Makes settings from a few keys and the defaults, for tests and embedding programs.
    ///
    /// # Errors
    /// [LoadError::Invalid], which here also names keys that do not exist.
    pub fn from_map(map: &[(&str, &str)]) -> Result<Settings, LoadError> {
        let exists =
            |name: &str| keys::keys().flat_map(keys::Key::spellings).any(|spelling| spelling.name == name);
        let unknown = map.iter().find(|(name, _)| !exists(name));
        let unknown = unknown.map(|(name, _)| BadKey::new(name, "is not a setting"));
        let text = |name: &str| map.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
        Settings::from_layers(&[&text], unknown)
    }

    /// Returns every port to bind, the main one first.
    pub fn ports(&self) -> Vec<u16> {
        let named = [Some(self.port), self.ws_port, self.metrics_ws_port];
        named.into_iter().flatten().chain(self.extra_ports.iter().copied()).collect()
    }

    /// Returns whether even a direct loopback peer needs admin credentials (`contract.md`, X-06).
    pub fn admin_needs_credentials(&self) -> bool {
        self.admin_auth == AdminAuth::Required
            || self.admin_api_key.is_some()
            || self.environment == Environment::Production
    }

    fn from_layers(layers: &[Layer<'_>], already_bad: Option<BadKey>) -> Result<Settings, LoadError> {
        let mut values = Values::read(layers);
        let tenants = tenants::read(&values).unwrap_or_else(|bad| {
            values.bad.extend(bad);
            Vec::new()
        });
        let settings = Settings::from_values(&values, tenants);
        let broken = rules::broken(&settings, &values);
        let bad: Vec<BadKey> = already_bad.into_iter().chain(values.bad).chain(broken).collect();
        if bad.is_empty() { Ok(settings) } else { Err(LoadError::Invalid(bad)) }
    }

    fn from_values(values: &Values, tenants: Vec<TenantRecord>) -> Settings {
        let data_dir = values.path("DATA_DIR").unwrap_or_default();
        Settings {
            environment: values.environment,
            host: values.text("HOST").to_owned(),
            port: values.number("PORT"),
            ws_port: values.number_if_set("WS_PORT"),
            metrics_ws_port: values.number_if_set("METRICS_WS_PORT"),
            extra_ports: values.ports("EXTRA_PORTS"),
            cors_origins: values.words("CORS_ORIGINS"),
            workers: values.number_if_set("WORKERS").unwrap_or_else(cores),
            shutdown_timeout: values.millis("SHUTDOWN_TIMEOUT_MS"),

            jwt_secrets: jwt_secrets(values),
            require_jwt: values.flag("REQUIRE_JWT"),
            auth_required: values.flag("AUTH_REQUIRED"),
            auth_timeout: values.millis("AUTH_TIMEOUT_MS"),
            tenants,
            allow_query_tenant_key: values.flag("ALLOW_QUERY_TENANT_KEY"),
            admin_api_key: values.secret("ADMIN_API_KEY"),
            admin_auth: match values.text("ADMIN_AUTH") {
                "required" => AdminAuth::Required,
                _ => AdminAuth::Auto,
            },
            admin_room_join: match values.text("ADMIN_ROOM_JOIN") {
                "authenticated" => AdminRoomJoin::Authenticated,
                _ => AdminRoomJoin::Admin,
            },
            public_rooms: RoomPatterns::new(values.words("PUBLIC_ROOMS")),

            max_connections: values.number("MAX_CONNECTIONS"),
            max_connections_total: values.number("MAX_CONNECTIONS_TOTAL"),
            max_connections_per_org: values.number("MAX_CONNECTIONS_PER_ORG"),
            connection_rate_per_ip: values.rate("CONNECTION_RATE_PER_IP"),
            max_message_size_bytes: values.number("MAX_MESSAGE_SIZE_BYTES"),
            hard_max_message_bytes: values.number("HARD_MAX_MESSAGE_BYTES"),
            max_attachments: values.number("MAX_ATTACHMENTS"),
            rate_limit_messages_per_second: NonZeroU32::new(values.number("RATE_LIMIT_MESSAGES_PER_SECOND"))
                .expect("the table refuses zero"),
            room_max_size: values.number("ROOM_MAX_SIZE"),
            max_rooms_per_connection: values.number("MAX_ROOMS_PER_CONNECTION"),
            room_cleanup_interval: values.millis("ROOM_CLEANUP_INTERVAL_MS"),
            send_queue_bytes: values.number("SEND_QUEUE_BYTES"),
            send_queue_total_bytes: values.number("SEND_QUEUE_TOTAL_BYTES"),

            ping_interval: values.millis("PING_INTERVAL_MS"),
            ping_timeout: values.millis("PING_TIMEOUT_MS"),
            upgrade_timeout: values.millis("UPGRADE_TIMEOUT_MS"),
            connect_timeout: values.millis("CONNECT_TIMEOUT_MS"),
            intraday_message_envelope: values.flag("INTRADAY_MESSAGE_ENVELOPE"),
            compression_enabled: values.flag("COMPRESSION_ENABLED"),
            compression_threshold_bytes: values.number("COMPRESSION_THRESHOLD_BYTES"),
            compression_exclude_rooms: RoomPatterns::new(values.words("COMPRESSION_EXCLUDE_ROOMS")),
            reconnection_enabled: values.flag("RECONNECTION_ENABLED"),
            reconnection_attempts: values.number("RECONNECTION_ATTEMPTS"),
            reconnection_delay: values.millis("RECONNECTION_DELAY_MS"),

            backup_dir: values.path("BACKUP_DIR").unwrap_or_else(|| data_dir.join("backups")),
            data_dir,
            idempotency_ttl: values.millis("IDEMPOTENCY_TTL_MS"),
            commands_in_flight: values.number("COMMANDS_IN_FLIGHT"),
            command_deadline: values.millis("COMMAND_DEADLINE_MS"),
            confirm_commands: values.words("CONFIRM_COMMANDS"),
            phrases_file: values.path("PHRASES_FILE"),

            enable_logging: values.flag("ENABLE_LOGGING"),
            rust_log: values.text("RUST_LOG").to_owned(),
            log_json: values.text("LOG_FORMAT") == "json",
            log_file: values.path("LOG_FILE"),
            log_connection_events: values.flag("LOG_CONNECTION_EVENTS"),
            log_subscription_events: values.flag("LOG_SUBSCRIPTION_EVENTS"),
            log_all_messages: values.flag("LOG_ALL_MESSAGES"),
            log_broadcast_events: values.flag("LOG_BROADCAST_EVENTS"),
        }
    }
}

impl Default for Settings {
    /// Returns what holds when no key is set.
    fn default() -> Settings {
        Settings::from_map(&[]).expect("the defaults of the table satisfy every rule")
    }
}

fn jwt_secrets(values: &Values) -> Vec<Secret> {
    let names = ["JWT_SECRET", "JWT_SECRET_KEY", "SUPABASE_JWT_SECRET"];
    let set: Vec<Secret> = names.into_iter().filter_map(|name| values.secret(name)).collect();
    if set.is_empty() { vec![Secret::new(DEVELOPMENT_JWT_SECRET)] } else { set }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
