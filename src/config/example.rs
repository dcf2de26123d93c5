//! The text of `.env.example`.
//!
//! Rendered from the table and compared with the file in the repository, so neither can lie.
//! `WRITE_ENV_EXAMPLE=1 cargo test --lib config` writes the file anew.
//!
//! `# PORT=8000` is the line of one key.

use super::keys::{KEYS, Key, State};

const HEAD: &str = "\
# Settings of Switchboard, made from the table in src/config/keys.rs. Every line is a default.
# Copy this file to `.env` and remove the `# ` in front of what you change. The environment wins
# over `.env`, and a flag (--ping-interval-ms 500) over both. Put values with `$`, `#` or spaces
# into single quotes.
";

/// Renders `.env.example`: every key with its unit and default, commented out.
pub fn env_example() -> String {
    let group = |(title, keys): &(&str, &[Key])| {
        let keys: String = keys.iter().map(entry).collect();
        format!("\n# ---- {title} ----\n{keys}")
    };
    HEAD.to_owned() + &KEYS.iter().map(group).collect::<String>()
}

fn entry(key: &Key) -> String {
    let aliases: String =
        key.aliases.iter().map(|alias| format!("# Also {} in {}.\n", alias.name, alias.unit)).collect();
    let later = match key.state {
        State::Live => String::new(),
        State::Later(feature) => format!("# Not in this version yet: needs {feature}.\n"),
    };
    format!(
        "\n# {about}\n# Unit: {unit}. Default: {default}.\n{aliases}{later}# {name}={value}\n",
        about = key.about,
        unit = key.kind.in_words(),
        default = key.default_in_words(),
        name = key.name,
        value = key.example.unwrap_or(key.default),
    )
}
