//! Why settings could not be loaded.
//!
//! Text for the person who starts the program. It names every bad key at once and never holds
//! the value of a secret.
//!
//! `PORT is `70000`, not a port (0 to 65535)` is the display of one [BadKey].

use std::fmt;

/// A key whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKey {
    /// The name that was used: the key's, an alias of it, or the file `.env`.
    pub key: String,
    /// The rest of the sentence that begins with the key.
    pub problem: String,
}

impl BadKey {
    pub(super) fn new(key: &str, problem: impl Into<String>) -> BadKey {
        BadKey { key: key.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.problem)
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not an error at all (`--help`, `--version`), or a flag that does not exist.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// Every key that is wrong, in the order of the table.
    #[error("{}", listed(.0))]
    Invalid(Vec<BadKey>),
}

/// The exit code for a configuration error (`EX_CONFIG` of sysexits).
const BAD_CONFIGURATION: i32 = 78;

impl LoadError {
    /// Returns 0 after help and version, 2 after a wrong flag, 78 for bad keys.
    pub fn exit_code(&self) -> i32 {
        match self {
            LoadError::Usage(error) => error.exit_code(),
            LoadError::Invalid(_) => BAD_CONFIGURATION,
        }
    }

    /// Returns whether the text is an answer for stdout and not a complaint for stderr.
    pub fn is_help(&self) -> bool {
        matches!(self, LoadError::Usage(error) if !error.use_stderr())
    }
}

fn listed(bad: &[BadKey]) -> String {
    let lines: String = bad.iter().map(|key| format!("\n  {key}")).collect();
    match bad.len() {
        1 => format!("1 setting cannot be used:{lines}"),
        many => format!("{many} settings cannot be used:{lines}"),
    }
}
