//! The corpus of transcripts (`tests/corpus/transcripts/`): what is said, and what comes of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use switchboard::domain::time::Timestamp;
use switchboard::voice::command;
use switchboard::voice::grammar::{Grammar, Transcript, Understanding};

/// Commands that change something.
const ACTING: &[&str] = &["create_lead", "start_backup"];

/// The held-out parts, and how many of each came out as expected when they were first run. What
/// misses is asked back or not understood; nothing of it acts. Then it was one more of each: an incremental
/// backup, which was understood and then refused, as every backup is full.
const HELD_OUT: &[(&str, usize)] = &[("held_out.toml", 71), ("held_out_strangers.toml", 38)];

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    say: String,
    #[serde(default = "once")]
    times: usize,
    #[serde(default = "sure")]
    confidence: f64,
    #[serde(default = "english")]
    locale: String,
    understood: Option<String>,
    clarify: Option<Vec<String>>,
    #[serde(default)]
    not_understood: bool,
}

fn once() -> usize {
    1
}

fn sure() -> f64 {
    1.0
}

fn english() -> String {
    "en".to_owned()
}

impl Case {
    /// The expectation as `outcome` would write it.
    fn expected(&self) -> String {
        match (&self.understood, &self.clarify, self.not_understood) {
            (Some(command), None, false) => command.clone(),
            (None, Some(options), false) => clarified(options.iter().map(String::as_str).collect()),
            (None, None, true) => "not understood".to_owned(),
            _ => panic!("`{}` needs one expectation", self.say),
        }
    }

    fn outcome(&self, grammar: &Grammar) -> String {
        let text = self.say.repeat(self.times);
        let transcript = Transcript { text: &text, locale: &self.locale, confidence: self.confidence };
        outcome(&grammar.understand(&transcript))
    }
}

fn outcome(understanding: &Understanding) -> String {
    match understanding {
        Understanding::Understood(command) => format!("{} {}", command.command, command.parameters),
        Understanding::Clarify { options, .. } => {
            clarified(options.iter().map(|option| option.command).collect())
        }
        Understanding::NotUnderstood { .. } => "not understood".to_owned(),
    }
}

fn clarified(mut commands: Vec<&str>) -> String {
    commands.sort_unstable();
    format!("clarify {}", commands.join(", "))
}

fn corpus(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/transcripts").join(name);
    let corpus: Corpus = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    corpus.cases
}

/// The cases that did not come out, one line each.
fn misses(cases: &[Case], grammar: &Grammar) -> Vec<String> {
    let line = |case: &Case| {
        let (expected, outcome) = (case.expected(), case.outcome(grammar));
        let said: String = case.say.chars().take(120).collect();
        (expected != outcome).then(|| format!("`{said}`\n    expected {expected}\n    came out {outcome}"))
    };
    cases.iter().filter_map(line).collect()
}

#[test]
fn the_development_part_comes_out_exactly() {
    let cases = corpus("development.toml");
    let misses = misses(&cases, &Grammar::default());
    assert!(misses.is_empty(), "{} of {}:\n{}", misses.len(), cases.len(), misses.join("\n"));
}

#[test]
fn the_held_out_parts_come_out_as_well_as_they_were_measured() {
    let grammar = Grammar::default();
    for (name, measured) in HELD_OUT {
        let cases = corpus(name);
        let misses = misses(&cases, &grammar);
        let hits = cases.len() - misses.len();
        let accuracy = hits as f64 / cases.len() as f64;
        println!("{name}: {hits} of {} as expected ({accuracy:.3})\n{}", cases.len(), misses.join("\n"));
        assert!(hits >= *measured, "{name}: {hits} is below the {measured} that were measured");
    }
}

/// A command that was understood and is then refused for its parameters would count as a hit here, and be none
/// to the speaker.
#[test]
fn what_is_understood_can_be_run() {
    let grammar = Grammar::default();
    let files = HELD_OUT.iter().map(|(name, _)| *name).chain(["development.toml"]);
    for case in files.flat_map(corpus) {
        let text = case.say.repeat(case.times);
        let transcript = Transcript { text: &text, locale: &case.locale, confidence: case.confidence };
        let Understanding::Understood(understood) = grammar.understand(&transcript) else { continue };
        let command = command::find(understood.command).unwrap();
        let read = (command.read)(understood.parameters.get(), Timestamp::from_millis(0));
        assert!(read.is_ok(), "`{text}`: {} {:?}", understood.parameters, read.err());
    }
}

#[test]
fn nothing_with_an_effect_is_ever_wrongly_understood() {
    let grammar = Grammar::default();
    let files = HELD_OUT.iter().map(|(name, _)| *name).chain(["development.toml"]);
    for case in files.flat_map(corpus) {
        let outcome = case.outcome(&grammar);
        let acts = ACTING.iter().any(|command| outcome.starts_with(command));
        assert!(!acts || outcome == case.expected(), "`{}` acts: {outcome}", case.say);
    }
}
