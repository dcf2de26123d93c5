//! The table itself, and everything that is derived from it.

use super::{LONG_SECRET, bad_keys, load, names};
use crate::config::keys::{Key, keys};
use crate::config::{DEVELOPMENT_JWT_SECRET, Settings, env_example};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every key of `contract.md`, section 10, and the names it accepts beside them.
const CONTRACT: &str = "
    HOST PORT WS_PORT METRICS_WS_PORT EXTRA_PORTS ENVIRONMENT CORS_ORIGINS
    JWT_SECRET JWT_SECRET_KEY SUPABASE_JWT_SECRET REQUIRE_JWT TENANTS_FILE TENANT_KEYS
    ALLOW_QUERY_TENANT_KEY ADMIN_API_KEY ADMIN_AUTH ADMIN_ROOM_JOIN PUBLIC_ROOMS AUTH_REQUIRED
    AUTH_TIMEOUT_MS MAX_CONNECTIONS MAX_CONNECTIONS_TOTAL MAX_CONNECTIONS_PER_ORG
    CONNECTION_RATE_PER_IP MAX_MESSAGE_SIZE_BYTES MAX_HTTP_BUFFER_SIZE HARD_MAX_MESSAGE_BYTES
    RATE_LIMIT_MESSAGES_PER_SECOND PING_INTERVAL_MS PING_TIMEOUT_MS PING_INTERVAL PING_TIMEOUT
    ROOM_MAX_SIZE MAX_ROOMS_PER_CONNECTION ROOM_CLEANUP_INTERVAL_MS RECONNECT_GRACE_MS
    REPLAY_BUFFER_MESSAGES OFFLINE_QUEUE_MESSAGES OFFLINE_QUEUE_TTL_MS SEND_QUEUE_BYTES
    RECONNECTION_ENABLED RECONNECTION_ATTEMPTS RECONNECTION_DELAY_MS COMPRESSION_ENABLED
    COMPRESSION_THRESHOLD_BYTES INTRADAY_MESSAGE_ENVELOPE SANITIZE_MESSAGES
    MESSAGE_SIGNING_SECRET GITHUB_WEBHOOK_SECRET REDIS_URL DATA_DIR DATABASE_URL WORKERS
    SEND_QUEUE_TOTAL_BYTES UPGRADE_TIMEOUT_MS CONNECT_TIMEOUT_MS MAX_ATTACHMENTS
    COMPRESSION_EXCLUDE_ROOMS COMMANDS_IN_FLIGHT COMMAND_DEADLINE_MS CONFIRM_COMMANDS
    IDEMPOTENCY_TTL_MS BACKUP_DIR PRESENCE_GRACE_MS DOCUMENT_MAX_BYTES METRICS_RETENTION_DAYS
    RECOVERY_NAMESPACES SHUTDOWN_TIMEOUT_MS TLS_CERT_PATH TLS_KEY_PATH RUST_LOG LOG_FILE
    ENABLE_LOGGING LOG_CONNECTION_EVENTS LOG_SUBSCRIPTION_EVENTS LOG_ALL_MESSAGES
    LOG_BROADCAST_EVENTS";

/// `(key, good values, bad values)`, several values separated by `;`.
const VALUES: &[(&str, &str, &str)] = &[
    ("PORT", "0;65535; 80 ", ";65536;-1;http;8000,9000"),
    ("WS_PORT", ";8082", "70000;x"),
    ("EXTRA_PORTS", ";4000;4000, 5000;0,0", "4000,x;4000 5000"),
    ("HOST", "0.0.0.0;::1;localhost;my-host.example", ";http://x;a:80;a b"),
    ("ENVIRONMENT", "development;DEVELOPMENT", ";staging;prod"),
    (
        "CORS_ORIGINS",
        ";http://a;https://a.example:8443, http://[::1]:3000;http://[::1];tauri://localhost",
        "*;http://*.a;a.example;http://a/;http://a:0;http://a:b;http://;http://u@a;http://[x];://a",
    ),
    ("WORKERS", ";1;512", "0;513;two"),
    ("SHUTDOWN_TIMEOUT_MS", "0;8000", "-1;8s;31536000001;;99999999999999999999"),
    ("PING_INTERVAL_MS", "1;31536000000", "0;25.0;1e3"),
    ("PING_TIMEOUT", "20", "0;x;18446744073709551615"),
    ("MAX_HTTP_BUFFER_SIZE", "1000000", "1e6;0"),
    ("SEND_QUEUE_BYTES", "2097153;536870912", "0"),
    ("MAX_CONNECTIONS", "1;10000000", "0;10000001;+-1"),
    ("RATE_LIMIT_MESSAGES_PER_SECOND", "1;1000000", "0"),
    ("CONNECTION_RATE_PER_IP", "0;5;5/s;5 /s;4294967295", ";5/m;-1;5/s, burst 9;4294967296"),
    ("ENABLE_LOGGING", "true;False;1;0;yes;NO;on;off", ";2;enabled"),
    ("ADMIN_AUTH", "auto;required", ";off"),
    ("ADMIN_ROOM_JOIN", "admin;authenticated", "anyone"),
    ("PUBLIC_ROOMS", ";a1;b, c:*;users", "*;a*b;a**;user:ann;org:*;te*;a*;kpi:org:o"),
    ("COMPRESSION_EXCLUDE_ROOMS", ";user:*;a,org:b", "*;a*b;a**"),
    ("RUST_LOG", "info;OFF;info,switchboard::hub=debug;debug/text;", "info,hub=loud;in fo"),
    ("LOG_FORMAT", "text;JSON", "xml"),
    ("LOG_FILE", ";app.log;/var/log/a b.log", "a\u{0};a\nb;a\u{fffd}"),
    ("JWT_SECRET", ";short; any text, really=*", "a\nb"),
    ("AUTH_TIMEOUT_MS", "1;31536000000", "0;10s"),
    ("REQUIRE_JWT", "true;no", "maybe"),
    ("AUTH_REQUIRED", "false;on", "optional"),
    ("ALLOW_QUERY_TENANT_KEY", "true;0", "header"),
    ("TENANT_KEYS", ";k:t;a:t,b:t,c:u; a b:c:t , b:t,", ",; ;k;k:;:t;k:a b;k:t,k:t;k:t,k:u;é:t"),
    ("TENANTS_FILE", ";  ", "no/such/file.json;/;/dev/null;/dev/zero"),
    ("SANITIZE_MESSAGES", "escape", "none"),
    ("DATA_DIR", "data;/var/lib/switchboard;a b", ";  ;a\u{0}"),
    ("BACKUP_DIR", ";/mnt/backups", "a\nb"),
    ("IDEMPOTENCY_TTL_MS", "1;86400000", "0;1d;"),
];

#[test]
fn no_two_keys_share_a_name() {
    let all: Vec<&str> = keys().flat_map(Key::spellings).map(|spelling| spelling.name).collect();

    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn the_table_holds_the_keys_of_the_contract_and_two_of_our_own() {
    let all: BTreeSet<&str> = keys().flat_map(Key::spellings).map(|spelling| spelling.name).collect();

    assert_eq!(all, CONTRACT.split_whitespace().chain(["LOG_FORMAT", "PHRASES_FILE"]).collect());
}

#[test]
fn the_defaults_are_valid_in_both_environments() {
    let production = [("ENVIRONMENT", "production"), ("JWT_SECRET", LONG_SECRET)];
    let (development, production) = (Settings::default(), Settings::from_map(&production).expect("good"));

    assert_eq!((development.host.as_str(), production.host.as_str()), ("127.0.0.1", "0.0.0.0"));
    assert_eq!(development.jwt_secrets[0].expose(), DEVELOPMENT_JWT_SECRET);
    assert_eq!(development.ping_timeout, Duration::from_secs(60));
    assert_eq!(development.connection_rate_per_ip.map(|rate| rate.burst.get()), Some(1000));
    assert!(development.workers > 0);
}

#[test]
fn each_kind_takes_its_good_values_and_refuses_its_bad_ones() {
    for (key, good, bad) in VALUES {
        for value in good.split(';') {
            // Room for the largest queue tried.
            let map = [(*key, value), ("SEND_QUEUE_TOTAL_BYTES", "536870912")];
            assert!(Settings::from_map(&map).is_ok(), "{key}={value:?}: {:?}", Settings::from_map(&map));
        }
        for value in bad.split(';') {
            // A list of bad values may begin with the empty one; a list without any is not here.
            assert_eq!(names(&bad_keys(&[(key, value)])), [*key], "{key}={value:?}");
        }
    }
}

#[test]
fn help_names_every_key_with_its_default_and_exits_with_zero() {
    let error = load(&["--help"], &[]).expect_err("help");
    let help = error.to_string();

    assert!(error.is_help() && error.exit_code() == 0);
    assert!(keys().all(|key| help.contains(&format!("[{}, ", key.name))), "{help}");
    assert!(help.contains("--ping-interval-ms"), "{help}");
    assert!(help.contains("[PING_INTERVAL_MS, milliseconds, default: 25000]"), "{help}");
}

#[test]
fn the_example_file_is_the_rendering_of_the_table() {
    if std::env::var_os("WRITE_ENV_EXAMPLE").is_some() {
        std::fs::write(example_file(), env_example()).expect("the repository can be written");
    }
    let file = std::fs::read_to_string(example_file()).expect("the file in the repository");

    assert!(file == env_example(), "run: WRITE_ENV_EXAMPLE=1 cargo test --lib config");
}

#[test]
fn every_line_of_the_example_is_valid_when_uncommented() {
    let text = env_example();
    let lines = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('='));
    let set: Vec<(&str, &str)> = lines.filter(|(name, _)| keys().any(|key| key.name == *name)).collect();

    assert_eq!(set.len(), keys().count());
    assert!(Settings::from_map(&set).is_ok(), "{:?}", Settings::from_map(&set));
}

fn example_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example")
}
