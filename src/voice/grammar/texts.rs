//! Slots of free text: where a name, a company, a query or a note begins and ends.

use super::commands::Kind;
use super::reading::Reader;
use super::rules::{Entry, Why};
use super::slots::{Value, text};
use super::tokens::{Pause, Token, written};

impl Reader<'_, '_> {
    /// A name or a query that follows the request without any cue.
    pub(super) fn take_bare_text(&mut self) -> bool {
        if let Some(slot) = self.slot_of(Kind::Query)
            && !self.reading.asks.is_empty()
            && self.reading.values[slot].is_none()
        {
            return self.take_text(slot, Kind::Query);
        }
        if self.take_name_before_what() {
            return true;
        }
        let Some(slot) = self.slot_of(Kind::Name).filter(|_| self.is_after_ask) else { return false };
        let start = self.at;
        let taken = self.take_text(slot, Kind::Name);
        // One word behind "create a lead" is as likely an adverb as a name.
        if taken && self.at - start < 2 {
            self.doubt(slot);
        }
        taken
    }

    /// "Add John Doe as a lead": a name right behind the `do`, up to the `what`.
    fn take_name_before_what(&mut self) -> bool {
        let Some(slot) = self.slot_of(Kind::Name).filter(|slot| self.reading.values[*slot].is_none()) else {
            return false;
        };
        let around = self.reading.rules.around_name;
        let Some(ways) = self.do_end.filter(|(_, end)| *end == self.at).map(|(ways, _)| ways & around) else {
            return false;
        };
        let start = self.at;
        for end in start..self.tokens.len().min(start + text::MAX_NAME + 1) {
            if end > start && self.tokens[end].pause > Pause::None && !self.is_abbreviated(end) {
                return false;
            }
            let Some((_, entry)) = self.entry(end) else { continue };
            if end == start || entry.whats & ways == 0 {
                return false;
            }
            self.reading.free += end - start;
            self.at = end;
            self.text_end = Some(end);
            self.fill_text(slot, Kind::Name, start..end);
            if end - start < 2 {
                self.doubt(slot);
            }
            return true;
        }
        false
    }

    /// "New" is the status of "search for new leads", and the begin of a query in "search for New York".
    pub(super) fn begins_query(&mut self, length: usize, entry: &Entry) -> bool {
        let is_status = entry.listed.as_ref().is_some_and(|listed| {
            self.reading.command().slots[listed.slot].kind == Kind::Choice && listed.value.is_some()
        });
        let is_open = self.slot_of(Kind::Query).is_some_and(|slot| self.reading.values[slot].is_none());
        let behind = self.at + length;
        is_status
            && is_open
            && !self.reading.asks.is_empty()
            && self.tokens.get(behind).is_some_and(|next| next.pause == Pause::None)
            && self.entry(behind).is_none()
    }

    /// Whether the full stop or comma in front of a word belongs to a title, an initial or a company's form.
    fn is_abbreviated(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| &self.tokens[before]) else { return false };
        let token = &self.tokens[at];
        match self.text[before.end.min(token.start)..token.start].trim() {
            "." => {
                let is_initial = before.is_spelled() && !before.is_digits();
                is_initial || self.rules.titles.contains(&before.word)
            }
            "," => self.rules.legal_forms.contains(&token.word),
            _ => false,
        }
    }

    /// Takes free text for a slot, if there is any here.
    pub(super) fn take_text(&mut self, slot: usize, kind: Kind) -> bool {
        let begin = self.at;
        let start = if matches!(kind, Kind::Name | Kind::Query) { self.skip_ignored(begin) } else { begin };
        let mut end = start;
        // Where the text ends if the words that say nothing are left off its tail.
        let mut kept = start;
        while end < self.tokens.len() {
            let entry = self.entry(end);
            if self.ends_text(end, start, slot, kind, entry) {
                break;
            }
            let length = entry.map_or(1, |(length, _)| length);
            if let Some((_, entry)) = entry {
                self.watch(kind, entry);
            }
            end += length;
            let is_idle = entry.is_some_and(|(_, entry)| is_idle(kind, entry));
            if !is_idle {
                kept = end;
            }
        }
        if kept == start {
            return false;
        }
        self.reading.free += kept - start;
        self.at = kept;
        self.text_end = Some(kept);
        self.is_after_ask = false;
        self.fill_text(slot, kind, start..kept);
        true
    }

    pub(super) fn skip_ignored(&mut self, mut at: usize) -> usize {
        while let Some((length, entry)) = self.entry(at)
            && entry.is_ignored
        {
            at += length;
        }
        at
    }

    /// Notes whatever in a text says that nothing is meant. A note may quote and ask; what denies
    /// counts even there, because the speaker may have changed his mind.
    fn watch(&mut self, kind: Kind, entry: &Entry) {
        if let Some(why) = entry.never
            && (kind != Kind::Notes || why == Why::Denied)
        {
            self.note(why);
        }
    }

    fn ends_text(
        &mut self,
        at: usize,
        start: usize,
        slot: usize,
        kind: Kind,
        entry: Option<(usize, &Entry)>,
    ) -> bool {
        let is_begun = at > start;
        let pause = self.tokens[at].pause;
        if kind == Kind::Notes {
            let is_new_part = is_begun && (pause > Pause::None || self.is_joiner(at - 1));
            return is_new_part && entry.is_some_and(|(_, entry)| self.announces(entry, slot, false));
        }
        let patience = if kind == Kind::Query { Pause::Comma } else { Pause::None };
        let ends = is_begun && pause > patience;
        let goes_on = match kind {
            Kind::Name | Kind::Company => ends && self.is_abbreviated(at),
            _ => false,
        };
        if ends && !goes_on || self.address_at(at).is_some() {
            return true;
        }
        let Some((length, entry)) = entry else {
            let is_phone = self.slot_of(Kind::Phone).is_some()
                && self.phone_at(at).is_some_and(|found| !found.is_doubtful);
            return is_phone;
        };
        if entry.never.is_some() {
            return false;
        }
        if self.announces(entry, slot, true) {
            return true;
        }
        if entry.is_joiner {
            return self.joiner_ends(at + length, slot);
        }
        if kind == Kind::Query {
            return self.ends_query(is_begun, at + length, slot, entry);
        }
        let is_request = kind == Kind::Name && entry.does | entry.whats != 0;
        is_request || is_begun && entry.is_also
    }

    fn ends_query(&mut self, is_begun: bool, behind: usize, slot: usize, entry: &Entry) -> bool {
        if !is_begun && (entry.is_also || entry.does | entry.whats != 0) {
            return true;
        }
        // "For john called doe" is one query; "leads for the customer named doe" begins behind it.
        if !is_begun && entry.cue.is_some_and(|cue| cue.slot == slot) {
            return true;
        }
        let Some(listed) = &entry.listed else { return false };
        let kind = self.reading.command().slots[listed.slot].kind;
        // "New" is a status in front of "leads", and a word in "New Horizons".
        let names_leads = |entry: &Entry| entry.is_also || entry.whats != 0;
        kind == Kind::Span || self.entry(behind).is_some_and(|(_, next)| names_leads(next))
    }

    /// Whether a phrase announces another slot that is still empty.
    fn announces(&self, entry: &Entry, slot: usize, counts_weak: bool) -> bool {
        entry.cue.is_some_and(|cue| {
            let is_other = cue.slot != slot && self.reading.values[cue.slot].is_none();
            // A preposition repeated for its own slot begins the text again: "for John for Jane".
            let is_again = cue.slot == slot && cue.is_weak && self.is_name(slot);
            (is_other || is_again) && (counts_weak || !cue.is_weak)
        })
    }

    fn is_name(&self, slot: usize) -> bool {
        self.reading.command().slots[slot].kind == Kind::Name
    }

    fn is_joiner(&mut self, at: usize) -> bool {
        self.entry(at).is_some_and(|(_, entry)| entry.is_joiner)
    }

    /// "Smith and Sons" goes on; "Smith and email ..." does not.
    fn joiner_ends(&mut self, behind: usize, slot: usize) -> bool {
        let behind = self.skip_ignored(behind);
        if behind >= self.tokens.len() || self.address_at(behind).is_some() {
            return true;
        }
        let Some((_, next)) = self.entry(behind) else { return false };
        next.does != 0 || next.is_also || self.announces(next, slot, true)
    }

    fn fill_text(&mut self, slot: usize, kind: Kind, words: std::ops::Range<usize>) {
        let words = &self.tokens[words];
        let said = written(self.text, words);
        let is_nobody = |token: &Token| self.rules.nobody.contains(&token.word);
        let (value, is_sure) = match kind {
            Kind::Name => {
                let joins = |token: &Token| self.rules.joiners.contains(&token.word);
                let is_name =
                    text::can_be_name(words) && !words.iter().any(|word| is_nobody(word) || joins(word));
                (text::capitalised(&said, self.is_shouted), is_name)
            }
            Kind::Company => {
                let is_company = words.len() <= text::MAX_COMPANY && !words.iter().all(is_nobody);
                (text::capitalised(&said, self.is_shouted), is_company)
            }
            _ => (said, true),
        };
        if !is_sure {
            self.doubt(slot);
        }
        self.fill(slot, Value::Text(value));
    }
}

/// Words that say nothing at the end of a text.
fn is_idle(kind: Kind, entry: &Entry) -> bool {
    let is_polite = entry.is_ignored || entry.is_joiner || entry.polite.is_some();
    match kind {
        Kind::Notes => entry.is_joiner,
        Kind::Query => is_polite || entry.is_also || entry.whats != 0,
        _ => is_polite,
    }
}
