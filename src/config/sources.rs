//! Where the text of a key comes from: flags, the environment, `.env`.
//!
//! Text only: nothing here knows what a value means. The first layer that names a key in any
//! spelling decides, so `--ping-interval 20` wins over `PING_INTERVAL_MS` in `.env`.
//!
//! `switchboard --ping-interval-ms 500` and `PING_INTERVAL_MS=500 switchboard` are the same.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::LazyLock;

use clap::{Arg, ArgMatches, Command};

use super::error::BadKey;
use super::keys::{Alias, KEYS, Key, State, keys};
use super::task;

/// One place that may set keys: a name in, the text out.
pub(super) type Layer<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns every spelling of the key, with its text, in the first layer that has one.
pub(super) fn find(key: &Key, layers: &[Layer<'_>]) -> Vec<(Alias, String)> {
    let in_layer = |layer: &Layer<'_>| -> Vec<(Alias, String)> {
        key.spellings().filter_map(|spelling| Some((spelling, layer(spelling.name)?))).collect()
    };
    layers.iter().map(in_layer).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Reads the command line into a layer.
///
/// # Errors
/// clap's: help, version, an unknown flag, a flag without a value.
pub(super) fn flags(args: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, clap::Error> {
    command().try_get_matches_from(args)
}

/// Reads a `.env` file; one that is not there is empty.
///
/// # Errors
/// A [BadKey] named after the file. It does not quote the line, which may hold a secret.
pub(super) fn dotenv(path: &Path) -> Result<BTreeMap<String, String>, BadKey> {
    let bad = |problem: String| BadKey::new(".env", problem);
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(error) if error.not_found() => return Ok(BTreeMap::new()),
        Err(error) => return Err(bad(format!("cannot be opened: {error}"))),
    };
    let (mut values, mut last) = (BTreeMap::new(), "its beginning".to_owned());
    for line in lines {
        let Ok((name, value)) = line else {
            return Err(bad(format!("has a line that is not KEY=value, after {last}")));
        };
        last = name.escape_debug().to_string();
        // The first of two lines counts, as wherever dotenvy is used.
        values.entry(name).or_insert(value);
    }
    Ok(values)
}

/// Kebab-case flag names, made once: clap keeps them for the life of the program.
static FLAGS: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
    let kebab = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    keys().flat_map(Key::spellings).map(|spelling| (spelling.name, kebab(spelling.name))).collect()
});

fn command() -> Command {
    let command = Command::new("switchboard")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A real-time gateway: one POST reaches every client in a room. Without a command it serves.")
        .after_help(
            "A flag wins over the environment, the environment over `.env`. Secrets belong into \
             the environment: other users can see flags.",
        );
    let rows = KEYS.iter().flat_map(|(group, keys)| keys.iter().map(move |key| (*group, key)));
    command
        .subcommands(task::subcommands())
        .args(rows.flat_map(|(group, key)| key.spellings().map(move |spelling| flag(group, key, spelling))))
}

fn flag(group: &'static str, key: &Key, spelling: Alias) -> Arg {
    let later = match key.state {
        State::Live => "",
        State::Later(_) => " Not in this version yet.",
    };
    let help = format!(
        "{}{later} [{}, {}, default: {}]",
        key.about,
        key.name,
        key.kind.in_words(),
        key.default_in_words()
    );
    Arg::new(spelling.name)
        .long(FLAGS.get(spelling.name).map(String::as_str).expect("every spelling has its flag"))
        .value_name("VALUE")
        .help(help)
        .help_heading(group)
        // Before a subcommand or behind it.
        .global(true)
        // The last of two equal flags counts.
        .overrides_with(spelling.name)
        .hide(spelling.name != key.name)
}
