//! What several keys must satisfy together.
//!
//! A table of rules over valid settings. A rule is skipped when one of its keys is already bad:
//! it would only repeat the first complaint in other words.
//!
//! `SEND_QUEUE_BYTES must exceed HARD_MAX_MESSAGE_BYTES` is one of them.

use super::error::BadKey;
use super::tenants::{self, KeyForm, TenantKeyRecord};
use super::types::{Environment, Secret};
use super::values::Values;
use super::{DEVELOPMENT_JWT_SECRET, Settings};

struct Rule {
    /// The keys it looks at; a problem is reported under the first one.
    keys: &'static [&'static str],
    problem: fn(&Settings) -> Option<String>,
}

const RULES: &[Rule] = &[
    Rule { keys: &["EXTRA_PORTS", "PORT", "WS_PORT", "METRICS_WS_PORT"], problem: ports_are_distinct },
    Rule {
        keys: &["JWT_SECRET", "JWT_SECRET_KEY", "SUPABASE_JWT_SECRET", "ENVIRONMENT"],
        problem: production_has_its_own_secret,
    },
    Rule { keys: &["ADMIN_API_KEY", "ENVIRONMENT"], problem: production_has_a_long_admin_key },
    Rule { keys: &["REQUIRE_JWT", "ENVIRONMENT"], problem: production_takes_no_bare_ids },
    Rule { keys: &["AUTH_REQUIRED", "ENVIRONMENT"], problem: production_lets_no_guest_in },
    Rule { keys: &["TENANTS_FILE", "ENVIRONMENT"], problem: production_has_a_file_of_hashes },
    Rule { keys: &["TENANT_KEYS", "ENVIRONMENT"], problem: production_has_long_tenant_keys },
    Rule { keys: &["MAX_MESSAGE_SIZE_BYTES", "HARD_MAX_MESSAGE_BYTES"], problem: soft_is_within_hard },
    Rule { keys: &["SEND_QUEUE_BYTES", "HARD_MAX_MESSAGE_BYTES"], problem: queue_holds_a_message },
    Rule { keys: &["SEND_QUEUE_TOTAL_BYTES", "SEND_QUEUE_BYTES"], problem: total_holds_a_queue },
    Rule { keys: &["DATA_DIR"], problem: data_has_a_place },
];

/// HS256 needs a key of at least the size of its hash (RFC 7518, section 3.2).
const SHORTEST_JWT_SECRET: usize = 32;
const SHORTEST_ADMIN_KEY: usize = 16;
/// What guide 000's own client insists on (`contract.md`, X-22).
const SHORTEST_TENANT_KEY: usize = 32;

/// Returns the problems of all rules that can be judged.
pub(super) fn broken(settings: &Settings, values: &Values) -> Vec<BadKey> {
    let problem = |rule: &Rule| Some(BadKey::new(rule.keys[0], (rule.problem)(settings)?));
    RULES.iter().filter(|rule| values.are_good(rule.keys)).filter_map(problem).collect()
}

fn ports_are_distinct(settings: &Settings) -> Option<String> {
    let mut ports = settings.ports();
    ports.retain(|port| *port != 0);
    ports.sort_unstable();
    let twice = ports.windows(2).find(|pair| pair[0] == pair[1])?[0];
    Some(format!("and PORT, WS_PORT, METRICS_WS_PORT name port {twice} twice"))
}

fn production_has_its_own_secret(settings: &Settings) -> Option<String> {
    if settings.environment == Environment::Development {
        return None;
    }
    let is_known = |secret: &Secret| secret.expose() == DEVELOPMENT_JWT_SECRET;
    let is_short = |secret: &Secret| secret.expose().len() < SHORTEST_JWT_SECRET;
    let problem = if settings.jwt_secrets.iter().any(is_known) {
        "must be set in production, and not to the development value".to_owned()
    } else if settings.jwt_secrets.iter().any(is_short) {
        format!("is shorter than {SHORTEST_JWT_SECRET} bytes, too short for production")
    } else {
        return None;
    };
    Some(format!("(or JWT_SECRET_KEY, SUPABASE_JWT_SECRET) {problem}"))
}

fn production_has_a_long_admin_key(settings: &Settings) -> Option<String> {
    let is_short = |key: &Secret| key.expose().len() < SHORTEST_ADMIN_KEY;
    let refused = settings.environment == Environment::Production
        && settings.admin_api_key.as_ref().is_some_and(is_short);
    refused.then(|| format!("is shorter than {SHORTEST_ADMIN_KEY} bytes, too short for production"))
}

fn production_takes_no_bare_ids(settings: &Settings) -> Option<String> {
    let refused = settings.environment == Environment::Production && !settings.require_jwt;
    refused.then(|| "is false, which believes any `authenticate` its ids: not in production".to_owned())
}

fn production_lets_no_guest_in(settings: &Settings) -> Option<String> {
    let refused = settings.environment == Environment::Production && !settings.auth_required;
    refused.then(|| "is false, which lets anyone in as a guest: not in production".to_owned())
}

fn production_has_a_file_of_hashes(settings: &Settings) -> Option<String> {
    let demo_keys = tenants::demo_keys();
    production_refuses_a_key(settings, |key| match key.form {
        KeyForm::Clear => Some("holds a key in clear text: in production give its `sha256`".to_owned()),
        KeyForm::Hashed if demo_keys.contains(&key.digest) => {
            Some("holds the hash of a demo key, which everyone knows: not in production".to_owned())
        }
        KeyForm::Hashed | KeyForm::Listed { .. } => None,
    })
}

fn production_has_long_tenant_keys(settings: &Settings) -> Option<String> {
    let demo_keys = tenants::demo_keys();
    production_refuses_a_key(settings, |key| match key.form {
        KeyForm::Listed { .. } if demo_keys.contains(&key.digest) => {
            Some("holds a demo key, which everyone knows: not in production".to_owned())
        }
        KeyForm::Listed { length } if length < SHORTEST_TENANT_KEY => {
            Some(format!("holds a key under {SHORTEST_TENANT_KEY} characters, too short for production"))
        }
        KeyForm::Listed { .. } | KeyForm::Clear | KeyForm::Hashed => None,
    })
}

fn production_refuses_a_key(
    settings: &Settings,
    problem: impl Fn(&TenantKeyRecord) -> Option<String>,
) -> Option<String> {
    let is_production = settings.environment == Environment::Production;
    let mut keys = settings.tenants.iter().filter(|_| is_production).flat_map(|tenant| &tenant.keys);
    keys.find_map(problem)
}

fn soft_is_within_hard(settings: &Settings) -> Option<String> {
    let (soft, hard) = (settings.max_message_size_bytes, settings.hard_max_message_bytes);
    (soft > hard).then(|| format!("is {soft}, more than HARD_MAX_MESSAGE_BYTES ({hard})"))
}

fn queue_holds_a_message(settings: &Settings) -> Option<String> {
    let (queue, hard) = (settings.send_queue_bytes, settings.hard_max_message_bytes);
    (queue <= hard).then(|| format!("is {queue}, but must exceed HARD_MAX_MESSAGE_BYTES ({hard})"))
}

fn total_holds_a_queue(settings: &Settings) -> Option<String> {
    let (total, one) = (settings.send_queue_total_bytes, settings.send_queue_bytes);
    (total < one).then(|| format!("is {total}, less than SEND_QUEUE_BYTES ({one})"))
}

fn data_has_a_place(settings: &Settings) -> Option<String> {
    settings.data_dir.as_os_str().is_empty().then(|| "is empty, not a path".to_owned())
}
