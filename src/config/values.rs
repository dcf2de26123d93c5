//! The valid value of every key, and the list of those that had none.
//!
//! Knows the table, not the [Settings](super::Settings): a key that is missing there is still
//! validated here.
//!
//! `Values::read(&[&|_| None])` holds every default.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::error::BadKey;
use super::keys::{Alias, Key, State, keys};
use super::kind::Value;
use super::parse::is_not;
use super::sources::{Layer, find};
use super::types::{Environment, Rate, Secret};

/// What was read. A bad key has its default here and its problem in `bad`.
pub(super) struct Values {
    pub environment: Environment,
    pub bad: Vec<BadKey>,
    values: BTreeMap<&'static str, Value>,
}

impl Values {
    /// Reads every key of the table from the first layer that sets it.
    pub fn read(layers: &[Layer<'_>]) -> Values {
        let environment = environment(layers);
        let (mut values, mut bad) = (BTreeMap::new(), Vec::new());
        for key in keys() {
            let default = default(key, environment);
            let value = read_key(key, &default, layers).unwrap_or_else(|problem| {
                bad.push(problem);
                default
            });
            values.insert(key.name, value);
        }
        Values { environment, bad, values }
    }

    /// Returns whether nothing is wrong with these keys, under whatever name they were set.
    pub fn are_good(&self, names: &[&str]) -> bool {
        let is_bad =
            |key: &Key| key.spellings().any(|spelling| self.bad.iter().any(|bad| bad.key == spelling.name));
        !keys().any(|key| names.contains(&key.name) && is_bad(key))
    }

    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Flag(flag) => *flag,
            _ => unreachable!("{name} is a flag in the table"),
        }
    }

    pub fn number<N: TryFrom<u64>>(&self, name: &str) -> N {
        self.number_if_set(name).unwrap_or_else(|| unreachable!("{name} has a default in the table"))
    }

    pub fn number_if_set<N: TryFrom<u64>>(&self, name: &str) -> Option<N> {
        match self.get(name) {
            Value::Unset => None,
            Value::Number(number) => N::try_from(*number).ok(),
            _ => unreachable!("{name} is a number in the table"),
        }
    }

    pub fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    pub fn ports(&self, name: &str) -> Vec<u16> {
        match self.get(name) {
            Value::Ports(ports) => ports.clone(),
            _ => unreachable!("{name} is a list of ports in the table"),
        }
    }

    pub fn rate(&self, name: &str) -> Option<Rate> {
        match self.get(name) {
            Value::Rate(rate) => *rate,
            _ => unreachable!("{name} is a rate in the table"),
        }
    }

    /// Returns text, or the empty text for an unset key.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Value::Unset => "",
            Value::Text(text) => text,
            _ => unreachable!("{name} is text in the table"),
        }
    }

    pub fn words(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Value::Words(words) => words.clone(),
            _ => unreachable!("{name} is a list in the table"),
        }
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(PathBuf::from)
    }

    pub fn secret(&self, name: &str) -> Option<Secret> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(Secret::new)
    }

    fn get(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or_else(|| unreachable!("{name} is in the table"))
    }
}

/// Reads `ENVIRONMENT` ahead of the others, whose defaults depend on it.
fn environment(layers: &[Layer<'_>]) -> Environment {
    let key = keys().find(|key| key.name == "ENVIRONMENT").expect("ENVIRONMENT is in the table");
    let value = read_key(key, &default(key, Environment::Development), layers);
    match value {
        Ok(Value::Text(word)) if word == "production" => Environment::Production,
        _ => Environment::Development,
    }
}

fn default(key: &Key, environment: Environment) -> Value {
    let text = match (environment, key.production) {
        (Environment::Production, Some(production)) => production,
        _ => key.default,
    };
    parse(key, text).expect("the defaults of the table are valid")
}

/// Reads an empty value as the default of a key whose default is empty.
fn parse(key: &Key, text: &str) -> Result<Value, String> {
    match key.kind.parse(text) {
        Err(_) if text.trim().is_empty() && key.default.is_empty() => Ok(Value::Unset),
        parsed => parsed,
    }
}

fn read_key(key: &Key, default: &Value, layers: &[Layer<'_>]) -> Result<Value, BadKey> {
    let mut value: Option<Value> = None;
    for (spelling, text) in find(key, layers) {
        let bad = |problem| BadKey::new(spelling.name, problem);
        let read = in_units_of_the_key(&spelling, text).and_then(|text| parse(key, &text)).map_err(bad)?;
        if value.as_ref().is_some_and(|first| *first != read) {
            return Err(bad(format!(
                "differs from {}, which is another name for the same setting",
                key.name
            )));
        }
        value = Some(read);
    }
    match (value, key.state) {
        (Some(value), State::Later(feature)) if value != *default => {
            Err(BadKey::new(key.name, format!("needs {feature}, which this version does not have yet")))
        }
        (Some(value), _) => Ok(value),
        (None, _) => Ok(default.clone()),
    }
}

fn in_units_of_the_key(spelling: &Alias, text: String) -> Result<String, String> {
    if spelling.times == 1 {
        return Ok(text);
    }
    let number = text.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(spelling.times));
    number
        .map(|number| number.to_string())
        .ok_or_else(|| is_not(&text, &format!("a whole number of {}", spelling.unit)))
}
