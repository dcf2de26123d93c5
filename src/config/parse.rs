//! How the words of a value are read.
//!
//! Pure functions, one per form. The kinds that use them, and the bounds of numbers, stand in
//! `kind`.
//!
//! `origin("https://app.example:8443")` is good; with a path behind it, it is not an origin.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use super::types::Rate;

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// Says what a value is and is not. Long values are cut: the reader knows what was typed.
pub(super) fn is_not(text: &str, expected: &str) -> String {
    match text.chars().nth(60) {
        _ if text.is_empty() => format!("is empty, not {expected}"),
        None => format!("is `{}`, not {expected}", text.escape_debug()),
        Some(_) => {
            let start: String = text.chars().take(60).collect();
            format!("is `{}…`, not {expected}", start.escape_debug())
        }
    }
}

pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| is_not(text, "a port (0 to 65535)"))
}

pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(is_not(text, "true or false")),
    }
}

pub(super) fn choice(text: &str, choices: &[&str]) -> Result<String, String> {
    let word = text.to_ascii_lowercase();
    let is_known = choices.contains(&word.as_str());
    is_known.then_some(word).ok_or_else(|| is_not(text, &choices.join(" or ")))
}

pub(super) fn host(text: &str) -> Result<String, String> {
    let is_host = text.parse::<IpAddr>().is_ok() || is_host_name(text);
    is_host
        .then(|| text.to_owned())
        .ok_or_else(|| is_not(text, "an address or a host name (without scheme and port)"))
}

fn is_host_name(text: &str) -> bool {
    let belongs = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    !text.is_empty() && text.bytes().all(belongs)
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    // What follows a `/` filters by message text.
    let directives = text.split('/').next().unwrap_or_default();
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    let is_target =
        |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-'));
    let is_directive = |word: &str| match word.split_once('=') {
        Some((target, level)) => is_target(target.trim()) && is_level(level.trim()),
        None => is_target(word),
    };
    let is_filter = words(directives).all(is_directive);
    is_filter
        .then(|| text.to_owned())
        .ok_or_else(|| is_not(text, "a log filter such as `info` or `info,switchboard::hub=debug`"))
}

/// Reads `5` or `5/s`; the burst is ten times that (`contract.md`, D-11). `0` is off.
pub(super) fn rate(text: &str) -> Result<Option<Rate>, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).trim_end();
    let per_second: u32 =
        number.parse().map_err(|_| is_not(text, "a number a second such as `5` or `5/s`; 0 = off"))?;
    Ok(NonZeroU32::new(per_second).map(Rate::of))
}

/// Reads `scheme://host[:port]`, which is all a browser puts into `Origin`.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let problem = || is_not(text, "an origin (scheme://host[:port], no path, no `*`)");
    let origin = text.to_ascii_lowercase();
    let (scheme, place) = origin.split_once("://").ok_or_else(problem)?;
    let (host, port) = match place.rsplit_once(':') {
        // The last colon of a bare `[::1]` stands inside the brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let scheme_is_good = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let host_is_good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host),
    };
    let port_is_good = port.is_none_or(|port| port.parse().is_ok_and(|port: u16| port > 0));
    let is_origin = scheme_is_good && host_is_good && port_is_good;
    is_origin.then(|| origin.clone()).ok_or_else(problem)
}

/// Rooms with these names belong to a tenant, a user or an organization (`contract.md`, section 9).
const OWNED: &[&str] =
    &["tenant:", "user:", "org:", "kpi:", "backlog:", "attendance:", "alerts:", "notifications:", "all:"];

/// Reads a room name, or the start of one before a trailing `*`. A bare `*` would be every room.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('*').unwrap_or(text);
    if name.is_empty() || name.contains('*') {
        return Err(is_not(text, "a room name, or the start of one followed by `*`"));
    }
    Ok(text.to_owned())
}

/// The same, of rooms that nobody owns.
pub(super) fn room(text: &str) -> Result<String, String> {
    let text = &pattern(text)?;
    let name = text.strip_suffix('*').unwrap_or(text);
    let is_pattern = name.len() < text.len();
    let is_owned = |prefix: &&&str| name.starts_with(**prefix) || is_pattern && prefix.starts_with(name);
    match OWNED.iter().find(is_owned) {
        Some(prefix) => {
            Err(is_not(text, &format!("a room that can be public: `{prefix}` rooms have owners")))
        }
        None => Ok(text.to_owned()),
    }
}

/// Whether `text` is an id: the alphabet of `contract.md`, X-25. A test in `auth::tenants` compares it
/// with the one that clients' ids are read by.
pub(super) fn is_id(text: &str) -> bool {
    let belongs = |b: u8| b.is_ascii_alphanumeric() || b"_.:@-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(belongs)
}
