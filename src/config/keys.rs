//! Every key there is, once: name, default, kind, what it needs, what it means.
//!
//! A table and nothing else. Flags, `--help`, `.env.example` and the validation are derived from
//! it, so no other file may know a key that is not here.
//!
//! One row: `key("PORT", "8000", PORT, "The main listener. 0 picks a free port.")`.

use super::kind::Kind::{
    self, Choice, Filter, Flag, Host, Origins, Path, Patterns, Port, Ports, Rate, Rooms, Secret, Words,
};
use super::kind::{bytes, count, millis};

/// One key of the settings.
#[derive(Clone, Copy)]
pub struct Key {
    /// The name of the environment variable. The flag is the same word in kebab-case.
    pub name: &'static str,
    /// The text used when nobody sets the key; empty means unset.
    pub default: &'static str,
    /// The default in production, where it differs.
    pub production: Option<&'static str>,
    pub kind: Kind,
    pub state: State,
    pub aliases: &'static [Alias],
    /// What an unset key means, in words.
    pub unset: &'static str,
    /// What `.env.example` proposes instead of the default.
    pub example: Option<&'static str>,
    pub about: &'static str,
}

/// Whether a key already does something.
#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Live,
    /// Parsed, but refused unless it equals its default; says what is missing.
    Later(&'static str),
}

/// Another name for a key, kept because a guide uses it.
#[derive(Clone, Copy)]
pub struct Alias {
    pub name: &'static str,
    /// How many of the key's units one unit of the alias is: 1000 for seconds against milliseconds.
    pub times: u64,
    pub unit: &'static str,
}

const fn key(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Key {
    let (production, state, aliases, unset, example) = (None, State::Live, &[], "unset", None);
    Key { name, default, production, kind, state, aliases, unset, example, about }
}

impl Key {
    const fn needs(mut self, feature: &'static str) -> Key {
        self.state = State::Later(feature);
        self
    }

    const fn aliases(mut self, aliases: &'static [Alias]) -> Key {
        self.aliases = aliases;
        self
    }

    const fn in_production(mut self, default: &'static str) -> Key {
        self.production = Some(default);
        self
    }

    const fn unset_means(mut self, words: &'static str) -> Key {
        self.unset = words;
        self
    }

    const fn example(mut self, value: &'static str) -> Key {
        self.example = Some(value);
        self
    }

    /// Returns the default as a sentence part: `25000`, `127.0.0.1 (production: 0.0.0.0)`, `unset`.
    pub fn default_in_words(&self) -> String {
        match (self.default, self.production) {
            ("", _) => self.unset.to_owned(),
            (default, None) => default.to_owned(),
            (default, Some(production)) => format!("{default} (production: {production})"),
        }
    }

    /// Returns the key's own name and its aliases, each with the unit it counts in.
    pub fn spellings(&self) -> impl Iterator<Item = Alias> {
        let own = Alias { name: self.name, times: 1, unit: self.kind.unit() };
        std::iter::once(own).chain(self.aliases.iter().copied())
    }
}

/// Returns every key, in the order of the table.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().flat_map(|(_, keys)| keys.iter())
}

const PING_INTERVAL: &[Alias] = &[Alias { name: "PING_INTERVAL", times: 1000, unit: "seconds" }];
const PING_TIMEOUT: &[Alias] = &[Alias { name: "PING_TIMEOUT", times: 1000, unit: "seconds" }];
const MAX_HTTP_BUFFER: &[Alias] = &[Alias { name: "MAX_HTTP_BUFFER_SIZE", times: 1, unit: "bytes" }];
const DEMO_TENANTS: &str = "the two demo tenants, in development only";

/// The keys by group: `contract.md`, section 10, `LOG_FORMAT` and `PHRASES_FILE`.
#[rustfmt::skip]
pub const KEYS: &[(&str, &[Key])] = &[
    ("Listeners", &[
        key("ENVIRONMENT", "development", Choice(&["development", "production"]), "`production` tightens: secrets, demo keys, bare ids, admin credentials."),
        key("HOST", "127.0.0.1", Host, "The address all listeners bind.").in_production("0.0.0.0"),
        key("PORT", "8000", Port, "The main listener. 0 picks a free port."),
        key("WS_PORT", "", Port, "An additional listener (guide 002 uses 8082)."),
        key("METRICS_WS_PORT", "", Port, "A deprecated extra listener (guide 002 uses 8081); starting it logs a warning."),
        key("EXTRA_PORTS", "", Ports, "Alias listeners; these are the ports the guides document.").unset_means("none").example("4000,5000,8082"),
        key("CORS_ORIGINS", "http://localhost:3000", Origins, "Origins of browser pages that may call and connect."),
        key("WORKERS", "", count("threads", 1, 512), "Worker threads.").unset_means("the number of cores"),
        key("SHUTDOWN_TIMEOUT_MS", "8000", millis(0), "How long a stop waits for connections to drain. 0 closes them at once."),
        key("TLS_CERT_PATH", "", Path, "The certificate chain (PEM) for https and wss.").needs("TLS listeners"),
        key("TLS_KEY_PATH", "", Path, "The private key (PEM) for https and wss.").needs("TLS listeners"),
    ]),
    ("Credentials", &[
        key("JWT_SECRET", "", Secret, "An HS256 secret; a token is valid if any of the three verifies it.").unset_means("a value known to everyone; production refuses to start"),
        key("JWT_SECRET_KEY", "", Secret, "An HS256 secret under the name of guide 001."),
        key("SUPABASE_JWT_SECRET", "", Secret, "An HS256 secret under the name Supabase uses."),
        key("REQUIRE_JWT", "false", Flag, "Refuses bare `authenticate` ids. Cannot be false in production.").in_production("true"),
        key("AUTH_REQUIRED", "true", Flag, "false opens guides 003 and 004 without authentication, for tests. Not in production."),
        key("AUTH_TIMEOUT_MS", "10000", millis(1), "How long a guide 004 client may stay unauthenticated."),
        key("TENANTS_FILE", "", Path, "A JSON list of tenants with their keys and limits, up to 1 MiB.").unset_means(DEMO_TENANTS),
        key("TENANT_KEYS", "", Secret, "The short form: key:tenant,key:tenant. In production keys of 32 characters and more.").unset_means(DEMO_TENANTS),
        key("ALLOW_QUERY_TENANT_KEY", "false", Flag, "Accepts `?tenant_key=`, which proxies write into their logs."),
        key("ADMIN_API_KEY", "", Secret, "The value of `X-Admin-Key` that opens the admin routes."),
        key("ADMIN_AUTH", "auto", Choice(&["auto", "required"]), "`auto` lets direct loopback peers in while ADMIN_API_KEY is unset in development."),
        key("ADMIN_ROOM_JOIN", "admin", Choice(&["admin", "authenticated"]), "Who may join admin rooms."),
        key("PUBLIC_ROOMS", "dashboard:overview,clips:analytics,public:*", Rooms, "Rooms anyone may join, none that a tenant, user or organization owns; a trailing `*` stands for any ending. Empty: none."),
        key("MESSAGE_SIGNING_SECRET", "", Secret, "The HMAC secret that admin POSTs must be signed with.").needs("signed admin POSTs"),
        key("GITHUB_WEBHOOK_SECRET", "", Secret, "The HMAC secret of `X-Hub-Signature-256`.").needs("the GitHub webhook"),
    ]),
    ("Limits", &[
        key("MAX_CONNECTIONS", "10000", count("connections", 1, 10_000_000), "Sessions in all."),
        key("MAX_CONNECTIONS_TOTAL", "1000", count("connections", 1, 10_000_000), "Sessions that belong to an organization."),
        key("MAX_CONNECTIONS_PER_ORG", "100", count("connections", 1, 10_000_000), "Sessions of one organization."),
        key("CONNECTION_RATE_PER_IP", "100/s", Rate, "New connections a second from one address, burst ten times that. 0 = off."),
        key("MAX_MESSAGE_SIZE_BYTES", "1048576", bytes(1), "The soft limit: a larger message is answered MESSAGE_TOO_LARGE.").aliases(MAX_HTTP_BUFFER),
        key("HARD_MAX_MESSAGE_BYTES", "2097152", bytes(1), "The hard limit: a larger message ends in close 1009 or status 413."),
        key("MAX_ATTACHMENTS", "10", count("attachments", 0, 10), "Binary attachments of one packet, both ways. JavaScript clients disconnect at more than 10."),
        key("RATE_LIMIT_MESSAGES_PER_SECOND", "100", count("messages a second", 1, 1_000_000), "Messages of one session, burst the same."),
        key("ROOM_MAX_SIZE", "1000", count("members", 1, 10_000_000), "Explicit joins of one room."),
        key("MAX_ROOMS_PER_CONNECTION", "200", count("rooms", 1, 1_000_000), "Rooms of one session."),
        key("ROOM_CLEANUP_INTERVAL_MS", "300000", millis(1), "Accepted for guide 004; empty rooms are removed at once."),
        key("SEND_QUEUE_BYTES", "4194304", bytes(1), "What may wait for one slow consumer before it is closed. Above HARD_MAX_MESSAGE_BYTES."),
        key("SEND_QUEUE_TOTAL_BYTES", "536870912", bytes(1), "What may wait for all consumers; beyond it the fullest are closed first."),
    ]),
    ("Transport", &[
        key("PING_INTERVAL_MS", "25000", millis(1), "Time between two pings.").aliases(PING_INTERVAL),
        key("PING_TIMEOUT_MS", "60000", millis(1), "Time without a pong before a session is closed.").aliases(PING_TIMEOUT),
        key("UPGRADE_TIMEOUT_MS", "10000", millis(1), "How long an Engine.IO upgrade may take."),
        key("CONNECT_TIMEOUT_MS", "45000", millis(1), "How long a Socket.IO client may stay without a namespace at first."),
        key("COMPRESSION_ENABLED", "true", Flag, "permessage-deflate for WebSockets and gzip for polls, where the client accepts it."),
        key("COMPRESSION_THRESHOLD_BYTES", "1024", bytes(0), "Smaller messages are sent as they are."),
        key("COMPRESSION_EXCLUDE_ROOMS", "", Patterns, "Rooms whose events are never compressed; a trailing `*` stands for any ending.").unset_means("none"),
        key("RECONNECTION_ENABLED", "true", Flag, "Whether clients should come back by themselves; published at /api/ws/config."),
        key("RECONNECTION_ATTEMPTS", "5", count("attempts", 0, 1_000_000), "How often clients should try; published likewise."),
        key("RECONNECTION_DELAY_MS", "1000", millis(0), "How long clients should wait before the first try; published likewise."),
    ]),
    ("Delivery", &[
        key("RECONNECT_GRACE_MS", "120000", millis(0), "How long a lost session can be resumed.").needs("resumed sessions"),
        key("REPLAY_BUFFER_MESSAGES", "1000", count("messages", 0, 10_000_000), "Messages kept for one lost session.").needs("replay"),
        key("OFFLINE_QUEUE_MESSAGES", "100", count("messages", 0, 1_000_000), "Messages kept for one absent user.").needs("the offline queue"),
        key("OFFLINE_QUEUE_TTL_MS", "86400000", millis(1), "How long they are kept.").needs("the offline queue"),
        key("RECOVERY_NAMESPACES", "/,/ws", Words, "Namespaces with Socket.IO connection state recovery.").needs("connection state recovery"),
        key("PRESENCE_GRACE_MS", "0", millis(0), "A user who is back within it has not left. 0: `user_left` at once.").needs("presence with a grace period"),
        key("REDIS_URL", "", Secret, "Joins several instances. May hold a password.").needs("delivery across instances"),
        key("INTRADAY_MESSAGE_ENVELOPE", "false", Flag, "Sends guide 004's broadcasts to its Socket.IO clients as one `message` event each, in an envelope, instead of by name."),
        key("SANITIZE_MESSAGES", "escape", Choice(&["escape", "strip", "off"]), "What happens to HTML in chat text.").needs("the chat of guide 003"),
    ]),
    ("Commands and storage", &[
        key("DATA_DIR", "./data", Path, "The embedded store, and backups; made on first run."),
        key("DATABASE_URL", "", Secret, "`postgres://…` moves the store. May hold a password.").unset_means("SQLite under DATA_DIR").needs("the PostgreSQL store"),
        key("BACKUP_DIR", "", Path, "Where backups are written.").unset_means("DATA_DIR/backups"),
        key("COMMANDS_IN_FLIGHT", "64", count("commands", 1, 1_000_000), "Voice commands running or queued for one tenant; more are answered `Busy`."),
        key("COMMAND_DEADLINE_MS", "30000", millis(1), "How long one may take before it is answered; an effect begun runs on."),
        key("CONFIRM_COMMANDS", "", Words, "Commands that are run only with the `confirmToken` their first refusal names: create_lead,start_backup.").unset_means("none"),
        key("PHRASES_FILE", "", Path, "The phrases that transcripts are understood by: a file like data/phrases.toml.").unset_means("those built in"),
        key("IDEMPOTENCY_TTL_MS", "86400000", millis(1), "How long the journal remembers a command."),
        key("DOCUMENT_MAX_BYTES", "1048576", bytes(1), "One collaborative document.").needs("collaborative documents"),
        key("METRICS_RETENTION_DAYS", "30", count("days", 1, 36_500), "How long the samples of guide 002 are stored.").needs("stored metrics"),
    ]),
    ("Logging", &[
        key("ENABLE_LOGGING", "true", Flag, "false writes no log at all."),
        key("RUST_LOG", "info", Filter, "Level, or levels by module: info,switchboard::hub=debug."),
        key("LOG_FORMAT", "text", Choice(&["text", "json"]), "Lines of text or of JSON."),
        key("LOG_FILE", "logs/app.log", Path, "Gets the same lines as stderr. Empty: no file."),
        key("LOG_CONNECTION_EVENTS", "true", Flag, "Logs connects and disconnects."),
        key("LOG_SUBSCRIPTION_EVENTS", "true", Flag, "Logs joins and leaves."),
        key("LOG_ALL_MESSAGES", "false", Flag, "Logs name and size of every message, never its body."),
        key("LOG_BROADCAST_EVENTS", "false", Flag, "Logs name, size and reach of every broadcast."),
    ]),
];
