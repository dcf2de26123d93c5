//! Slots that are announced ("email is ...") or known by their form (a number, an address).

use super::commands::{Kind, LIMIT};
use super::reading::Reader;
use super::rules::{Cue, Entry, Mark};
use super::slots::email::{self, Announced};
use super::slots::{Spoken, Value, number, phone};
use super::tokens::Pause;

impl<'r> Reader<'r, '_> {
    /// Takes what a cue of `length` words announces. Otherwise the cue is judged and left where it
    /// stands.
    pub(super) fn take_announced(&mut self, cue: Cue, length: usize, entry: &'r Entry) -> bool {
        let start = self.at;
        self.at += length;
        if !cue.is_weak {
            self.skip_linking();
        }
        let taken = match self.reading.command().slots[cue.slot].kind {
            Kind::Email => self.take_announced_address(cue.slot),
            Kind::Phone => self.take_announced_phone(cue.slot),
            Kind::Number => self.take_number(),
            Kind::Choice | Kind::Span => self.take_listed(cue.slot),
            Kind::OpenChoice if cue.is_weak => self.take_behind_preposition(cue.slot),
            Kind::OpenChoice => self.take_listed(cue.slot) || self.take_any_word(cue.slot),
            kind => self.take_text(cue.slot, kind),
        };
        if !taken {
            self.at = start;
            let is_something_else =
                cue.is_weak || entry.is_also || entry.listed.is_some() || entry.does | entry.whats != 0;
            // "With high priority": the cue may follow its value.
            if !is_something_else && self.reading.values[cue.slot].is_none() {
                self.doubt(cue.slot);
            }
        }
        taken
    }

    /// Skips "is", "address is" and the like behind a cue.
    fn skip_linking(&mut self) {
        for _ in 0..2 {
            let rest = &self.tokens[self.at..];
            let Some((length, true)) = self.rules.linking.longest(rest) else { return };
            self.at += length;
        }
    }

    fn take_listed(&mut self, slot: usize) -> bool {
        let Some((length, entry)) = self.entry(self.at) else { return false };
        let Some(listed) = entry.listed.as_ref().filter(|listed| listed.slot == slot) else {
            return false;
        };
        match &listed.value {
            Some(value) => self.fill(slot, Value::Text(value.clone())),
            None => self.doubt(slot),
        }
        self.at += length;
        true
    }

    /// "From the website". A word nobody knows in its place is a filter that must not be dropped
    /// silently.
    fn take_behind_preposition(&mut self, slot: usize) -> bool {
        self.at = self.skip_ignored(self.at);
        let is_unknown = self.at < self.tokens.len() && self.entry(self.at).is_none();
        if is_unknown && !self.rules.numbers.contains_key(&self.tokens[self.at].word) {
            self.doubt(slot);
        }
        self.take_listed(slot)
    }

    /// A value that is in no list, as the speaker said it.
    fn take_any_word(&mut self, slot: usize) -> bool {
        let at = self.at;
        if self.tokens.get(at).is_none() || self.entry(at).is_some() {
            return false;
        }
        self.fill(slot, Value::Text(self.tokens[at].word.clone()));
        self.at += 1;
        true
    }

    pub(super) fn take_number(&mut self) -> bool {
        let Some(slot) = self.slot_of(Kind::Number) else { return false };
        self.reading.steps += 1;
        let found = number::spoken(&self.tokens[self.at..], &self.rules.numbers, &self.rules.joiners);
        let Some(Spoken { value, length, .. }) = found else { return false };
        self.at += length;
        if LIMIT.contains(&value) {
            self.fill(slot, Value::Number(value));
        } else {
            self.doubt(slot);
        }
        true
    }

    /// A telephone number that nothing announced must have the length of one.
    pub(super) fn take_phone(&mut self) -> bool {
        let Some(slot) = self.slot_of(Kind::Phone) else { return false };
        let Some(found) = self.phone_at(self.at).filter(|found| !found.is_doubtful) else {
            return false;
        };
        self.at += found.length;
        self.fill(slot, Value::Text(found.value));
        true
    }

    fn take_announced_phone(&mut self, slot: usize) -> bool {
        let Some(found) = self.phone_at(self.at) else { return false };
        self.at += found.length;
        if found.is_doubtful {
            self.doubt(slot);
        }
        self.fill(slot, Value::Text(found.value));
        true
    }

    pub(super) fn phone_at(&mut self, at: usize) -> Option<Spoken<String>> {
        self.reading.steps += 1;
        phone::spoken(self.tokens.get(at..)?, &self.rules.marks, &self.rules.numbers)
    }

    /// An address that nothing announced.
    pub(super) fn take_address(&mut self) -> bool {
        let Some(slot) = self.slot_of(Kind::Email) else { return false };
        let Some(found) = self.address_here() else { return false };
        // "For John Doe at example dot com": is Doe the man or the mailbox?
        let follows_text = self.text_end == Some(self.at) && self.tokens[self.at].pause == Pause::None;
        let is_one_word = !self.tokens[self.at].word.contains(['@', '.', '_', '-'])
            && self
                .rules
                .marks
                .longest(&self.tokens[self.at + 1..])
                .is_some_and(|(_, mark)| *mark == Some(Mark::At));
        self.take_found_address(slot, found);
        if follows_text && is_one_word {
            self.doubt(slot);
        }
        true
    }

    pub(super) fn address_here(&mut self) -> Option<Spoken<String>> {
        self.address_at(self.at)
    }

    pub(super) fn address_at(&mut self, at: usize) -> Option<Spoken<String>> {
        self.slot_of(Kind::Email)?;
        self.reading.steps += 1;
        email::spoken(self.tokens.get(at..)?, &self.rules.marks, Announced::NotAtAll)
    }

    fn take_announced_address(&mut self, slot: usize) -> bool {
        self.reading.steps += 1;
        let rest = &self.tokens[self.at..];
        let Some(found) = email::spoken(rest, &self.rules.marks, Announced::ByCue) else {
            return false;
        };
        self.take_found_address(slot, found);
        true
    }

    fn take_found_address(&mut self, slot: usize, found: Spoken<String>) {
        self.at += found.length;
        if found.is_doubtful {
            self.doubt(slot);
        }
        self.fill(slot, Value::Text(found.value));
    }
}
