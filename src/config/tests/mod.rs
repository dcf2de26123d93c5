//! What the settings promise: the table and its kinds, and what loading them says.

mod load;
mod table;
mod tenants;

use super::{BadKey, LoadError, Settings, Task};
use std::ffi::OsString;

const LONG_SECRET: &str = "0123456789abcdef0123456789abcdef";

fn bad_keys(map: &[(&str, &str)]) -> Vec<BadKey> {
    match Settings::from_map(map) {
        Err(LoadError::Invalid(bad)) => bad,
        other => panic!("expected bad keys, got {other:?}"),
    }
}

fn names(bad: &[BadKey]) -> Vec<&str> {
    bad.iter().map(|bad| bad.key.as_str()).collect()
}

fn load(args: &[&str], env: &[(&str, &str)]) -> Result<Settings, LoadError> {
    asked(args, env).map(|(settings, _)| settings)
}

fn asked(args: &[&str], env: &[(&str, &str)]) -> Result<(Settings, Option<Task>), LoadError> {
    let args = std::iter::once("switchboard").chain(args.iter().copied()).map(OsString::from);
    Settings::load(args, &|name| env.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned()))
}
