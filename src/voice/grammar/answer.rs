//! What comes of a transcript, in the words of contract D-22.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::reading::Reading;
use super::slots::Value;
use crate::domain::json;

#[derive(Debug)]
pub enum Understanding {
    /// To be run as if it had been sent so.
    Understood(Understood),
    /// Nothing is done until the speaker has chosen or said more. An option may still lack what is
    /// required.
    Clarify { question: String, options: Vec<Choice> },
    NotUnderstood {
        /// Why, for people.
        details: String,
    },
}

/// A command as it was understood.
#[derive(Debug, serde::Serialize)]
pub struct Understood {
    pub command: &'static str,
    /// A JSON object with the command's slots.
    pub parameters: Box<RawValue>,
    /// From 0.5 to 1: the recogniser's, less what nobody knows of the words.
    pub confidence: f64,
}

/// One of several things that may have been meant.
#[derive(Debug, serde::Serialize)]
pub struct Choice {
    pub command: &'static str,
    pub parameters: Box<RawValue>,
    /// For people: what it would do.
    pub label: String,
}

pub(super) fn parameters(reading: &Reading<'_>) -> Box<RawValue> {
    json::raw(&Filled(reading))
}

/// "Create a lead (name: John Doe, email: john@example.com)".
pub(super) fn label(reading: &Reading<'_>) -> String {
    let slots: Vec<String> =
        filled(reading).map(|(name, value)| format!("{}: {value}", name.replace('_', " "))).collect();
    if slots.is_empty() {
        return reading.rules.label.clone();
    }
    format!("{} ({})", reading.rules.label, slots.join(", "))
}

fn filled<'a>(reading: &'a Reading<'_>) -> impl Iterator<Item = (&'static str, &'a Value)> {
    let slots = reading.command().slots.iter().zip(&reading.values);
    slots.filter_map(|(slot, value)| Some((slot.name, value.as_ref()?)))
}

/// The filled slots as an object, in the command's order.
struct Filled<'a>(&'a Reading<'a>);

impl Serialize for Filled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in filled(self.0) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
