//! What a transcript says if it is meant for one command.
//!
//! Each command reads the whole transcript by its own lexicon, from left to right and without going
//! back: words are part of the request, fill slots, are known to change nothing, or remain. What
//! remains, what is missing and what is doubtful is counted here and judged in `understand`.

use std::ops::Range;

use super::commands::{Command, Kind};
use super::rules::{CommandRules, Entry, MAX_WAYS, Politeness, Rules, Why};
use super::slots::Value;
use super::tokens::Token;

/// The words by which a command was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub words: Range<usize>,
    /// Of them, what names the thing.
    pub what: Range<usize>,
}

/// Words nobody knows that may stand between "start" and "backup".
const GAP: usize = 3;

pub struct Reading<'r> {
    pub rules: &'r CommandRules,
    /// In the order of the command's slots.
    pub values: Vec<Option<Value>>,
    pub asks: Vec<Ask>,
    /// Whether only the thing was named.
    pub is_hint: bool,
    /// Tokens that nothing explains.
    pub left: Vec<usize>,
    /// Tokens taken as free text.
    pub free: usize,
    pub never: Option<Why>,
    /// Whether it is a request in the form of a question.
    pub asks_politely: bool,
    /// The first slot that may have been meant otherwise.
    pub doubtful: Option<usize>,
    /// Whether a word was taken for one that sounds alike.
    pub is_guess: bool,
    /// Look-ups made.
    pub steps: usize,
}

impl Reading<'_> {
    pub fn command(&self) -> &'static Command {
        self.rules.command
    }

    /// The required slots that were not filled.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        let slots = self.command().slots.iter().enumerate();
        slots.filter(|(at, slot)| slot.required && self.values[*at].is_none()).map(|(at, _)| at)
    }
}

/// Reads `tokens` of `text` as `command` would.
pub fn read<'r>(rules: &'r Rules, command: &'r CommandRules, text: &str, tokens: &[Token]) -> Reading<'r> {
    let has_lower = text.chars().any(char::is_lowercase);
    let reading = Reading {
        rules: command,
        values: vec![None; command.command.slots.len()],
        asks: Vec::new(),
        is_hint: false,
        left: Vec::new(),
        free: 0,
        never: None,
        asks_politely: false,
        doubtful: None,
        is_guess: false,
        steps: 0,
    };
    let mut reader = Reader {
        rules,
        text,
        tokens,
        is_shouted: !has_lower,
        at: 0,
        begun: [None; MAX_WAYS],
        do_end: None,
        is_after_ask: false,
        text_end: None,
        reading,
    };
    while reader.at < tokens.len() {
        reader.step();
    }
    reader.reading
}

/// The state of reading for one command; free text is in `texts`, announced slots in `cues`.
pub(super) struct Reader<'r, 't> {
    pub(super) rules: &'r Rules,
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    /// Whether the recogniser wrote everything in capitals.
    pub(super) is_shouted: bool,
    pub(super) at: usize,
    /// By way: where its `do` was last said, and how much had been left over by then.
    begun: [Option<(usize, usize)>; MAX_WAYS],
    /// The ways whose `do` was said last, and where it ended.
    pub(super) do_end: Option<(u32, usize)>,
    /// Whether the words so far end with the request.
    pub(super) is_after_ask: bool,
    /// Where the last free text ended.
    pub(super) text_end: Option<usize>,
    pub(super) reading: Reading<'r>,
}

impl<'r> Reader<'r, '_> {
    fn step(&mut self) {
        if self.take_address() {
            return;
        }
        match self.entry(self.at) {
            Some((length, entry)) => self.known(length, entry),
            None => self.unknown(),
        }
    }

    /// The longest phrase of the command at a place.
    pub(super) fn entry(&mut self, at: usize) -> Option<(usize, &'r Entry)> {
        self.reading.steps += 1;
        self.reading.rules.lexicon.longest(self.tokens.get(at..)?)
    }

    fn known(&mut self, length: usize, entry: &'r Entry) {
        let start = self.at;
        if let Some(why) = entry.never {
            self.note(why);
            self.at += length;
            return;
        }
        if entry.polite == Some(Politeness::Question) {
            self.reading.asks_politely = true;
        }
        if self.is_number_here(length) && self.take_number() {
            return;
        }
        if self.tokens[start..start + length].iter().any(|token| token.is_guess) {
            self.reading.is_guess = true;
        }
        let was_after_ask = std::mem::take(&mut self.is_after_ask);
        if entry.does | entry.whats != 0 {
            self.request(entry, start..start + length);
        } else {
            let is_quiet = entry.is_ignored || entry.is_also || entry.polite.is_some();
            self.is_after_ask = was_after_ask && is_quiet;
        }
        if let Some(cue) = entry.cue
            && self.take_announced(cue, length, entry)
        {
            return;
        }
        if self.begins_query(length, entry) && self.take_bare_text() {
            return;
        }
        if let Some(listed) = &entry.listed {
            match &listed.value {
                Some(value) => self.fill(listed.slot, Value::Text(value.clone())),
                None => self.doubt(listed.slot),
            }
        }
        self.at = start + length;
        if entry.is_joiner && !self.joins_something() {
            self.reading.left.push(start);
        }
    }

    /// Whether what is known here is also a longer number ("one hundred" where "one" is a phrase).
    fn is_number_here(&self, length: usize) -> bool {
        let words = &self.tokens[self.at..self.at + length];
        words.iter().all(|token| self.rules.numbers.contains_key(&token.word))
    }

    /// Enters words of a `do` or `what` list.
    fn request(&mut self, entry: &Entry, words: Range<usize>) {
        let left = self.reading.left.len();
        let rules = self.reading.rules;
        if entry.does != 0 {
            self.do_end = Some((entry.does, words.end));
        }
        for way in 0..self.begun.len() {
            let bit = 1 << way;
            let begun = self.begun[way].filter(|(_, before)| left - before <= GAP);
            if entry.whats & bit != 0 {
                match begun {
                    Some((from, _)) => self.asked(from..words.end, words.clone()),
                    None if rules.without_do & bit != 0 => self.hinted(),
                    // Named without being asked for.
                    None => {}
                }
            }
            if entry.does & bit != 0 {
                self.begun[way] = Some((words.start, left));
                if rules.without_what & bit != 0 {
                    self.asked(words.clone(), words.clone());
                }
            }
        }
    }

    fn asked(&mut self, words: Range<usize>, what: Range<usize>) {
        self.is_after_ask = true;
        self.reading.asks.push(Ask { words, what });
    }

    fn hinted(&mut self) {
        self.is_after_ask = true;
        self.reading.is_hint = true;
    }

    /// A joiner is explained if another slot follows; commands that only read need no grammar.
    fn joins_something(&mut self) -> bool {
        if !self.reading.command().has_effect {
            return true;
        }
        let next = self.skip_ignored(self.at);
        let entry = self.entry(next);
        entry.is_some_and(|(_, entry)| entry.cue.is_some() || entry.is_also)
            || self.address_at(next).is_some()
    }

    fn unknown(&mut self) {
        if self.take_number() || self.take_phone() || self.take_bare_text() {
            return;
        }
        self.is_after_ask = false;
        self.reading.left.push(self.at);
        self.at += 1;
    }

    pub(super) fn note(&mut self, why: Why) {
        self.reading.never = Some(self.reading.never.map_or(why, |other| other.min(why)));
    }

    pub(super) fn doubt(&mut self, slot: usize) {
        self.reading.doubtful.get_or_insert(slot);
    }

    /// Fills a slot. Said twice and differently, it is doubtful.
    pub(super) fn fill(&mut self, slot: usize, value: Value) {
        match &self.reading.values[slot] {
            Some(before) if *before != value => self.doubt(slot),
            _ => self.reading.values[slot] = Some(value),
        }
    }

    pub(super) fn slot_of(&self, kind: Kind) -> Option<usize> {
        self.reading.command().slot_of(kind)
    }
}
