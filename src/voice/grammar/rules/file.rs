//! The file of phrases as it is written: `data/phrases.toml` explains every part.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A phrase with its place in the file.
pub type Phrase = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub locale: Phrase,
    pub longest: Spanned<usize>,
    pub ignored: Ignored,
    pub polite: Polite,
    pub never: Never,
    #[serde(default)]
    pub spelled: BTreeMap<Phrase, Phrase>,
    #[serde(default)]
    pub sounds_like: BTreeMap<Phrase, Phrase>,
    #[serde(default)]
    pub numbers: BTreeMap<Phrase, u64>,
    pub dictation: Dictation,
    pub names: Names,
    pub questions: Questions,
    #[serde(default)]
    pub values: BTreeMap<Phrase, BTreeMap<Phrase, Vec<Phrase>>>,
    pub command: BTreeMap<Phrase, Command>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ignored {
    pub hesitations: Vec<Phrase>,
    pub words: Vec<Phrase>,
    pub joiners: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polite {
    pub requests: Vec<Phrase>,
    pub questions: Vec<Phrase>,
    pub reading: Vec<Phrase>,
}

/// Required, each of them: a file without its negations is a mistake, not a wish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {
    pub denied: Vec<Phrase>,
    pub doubted: Vec<Phrase>,
    pub reported: Vec<Phrase>,
    pub about: Vec<Phrase>,
    pub asked: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictation {
    pub at: Vec<Phrase>,
    pub dot: Vec<Phrase>,
    pub dash: Vec<Phrase>,
    pub underscore: Vec<Phrase>,
    pub plus: Vec<Phrase>,
    pub double: Vec<Phrase>,
    pub triple: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    pub linking: Vec<Phrase>,
    #[serde(default)]
    pub titles: Vec<Phrase>,
    #[serde(default)]
    pub legal_forms: Vec<Phrase>,
    pub nobody: Vec<Phrase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    pub unsure: String,
    pub denied: String,
    pub doubted: String,
    pub reported: String,
    pub about: String,
    pub asked: String,
    pub missing: String,
    pub which: String,
    pub leftover: String,
    pub slot: String,
    pub sound: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    pub label: String,
    pub said: Vec<Said>,
    #[serde(default)]
    pub also: Vec<Phrase>,
    #[serde(default)]
    pub slots: BTreeMap<Phrase, Slot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    #[serde(default, rename = "do")]
    pub does: Vec<Phrase>,
    #[serde(default)]
    pub what: Vec<Phrase>,
    /// Whether the name may stand between the two.
    #[serde(default)]
    pub around_name: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// What the speaker is told it is.
    pub called: String,
    #[serde(default)]
    pub cues: Vec<Phrase>,
    #[serde(default)]
    pub weak_cues: Vec<Phrase>,
}
