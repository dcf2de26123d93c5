//! What each phrase means to each command.
//!
//! A command has its own lexicon, with the common phrases in it: the same word is a value to one
//! command and part of the request to another ("leads", "backup", "e-mail").

use super::file::{Command as Written, File, Phrase, Slot as WrittenSlot};
use super::{PhraseError, Reader};
use crate::voice::grammar::commands::{COMMANDS, Command, Slot};
use crate::voice::grammar::phrases::Phrases;

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    Denied,
    About,
    Reported,
    Doubted,
    /// A question; it stops only commands with an effect.
    Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Politeness {
    Request,
    /// In the form of a question, and still a request.
    Question,
}

/// The value a phrase gives to a slot; `None` is one the command does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub slot: usize,
    pub value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    pub slot: usize,
    /// A preposition, which may also be part of a text.
    pub is_weak: bool,
}

/// All that a phrase may be to one command.
#[derive(Debug, Default)]
pub struct Entry {
    pub never: Option<Why>,
    pub polite: Option<Politeness>,
    pub is_ignored: bool,
    pub is_joiner: bool,
    pub is_also: bool,
    /// Bit n: in the `do` list of the command's n-th way to be asked for.
    pub does: u32,
    /// The same for its `what` lists.
    pub whats: u32,
    pub cue: Option<Cue>,
    pub listed: Option<Listed>,
}

/// Ways to ask for one command: the bits of [`Entry::does`].
pub const MAX_WAYS: usize = 32;

/// One command's phrases.
#[derive(Debug)]
pub struct CommandRules {
    pub command: &'static Command,
    pub label: String,
    /// What the speaker is told each slot is.
    pub called: Vec<String>,
    pub lexicon: Phrases<Entry>,
    /// The ways that need no `do`, and those that need no `what`.
    pub without_do: u32,
    pub without_what: u32,
    /// The ways with the name in their middle.
    pub around_name: u32,
}

impl Reader<'_> {
    pub(super) fn commands(self, file: &File) -> Result<Vec<CommandRules>, PhraseError> {
        for name in file.command.keys() {
            if !COMMANDS.iter().any(|row| row.name == name.as_ref()) {
                return Err(self.error(name, format!("there is no command `{}`", name.as_ref())));
            }
        }
        for (slot, values) in &file.values {
            let is_listed =
                |row: &Command| row.slots.iter().any(|own| own.name == slot.as_ref() && own.kind.is_listed());
            if !COMMANDS.iter().any(is_listed) {
                let problem = format!("there is no slot `{}` with listed values", slot.as_ref());
                return Err(self.error(slot, problem));
            }
            if values.is_empty() {
                return Err(self.error(slot, "has no values"));
            }
        }
        // A command the file does not name cannot be said; that is a wish like any other.
        let named = |row: &&'static Command| {
            let written = file.command.iter().find(|(name, _)| name.as_ref() == row.name);
            written.map(|(name, written)| (name, written, *row))
        };
        COMMANDS
            .iter()
            .filter_map(|row| named(&row))
            .map(|(name, written, row)| self.command(file, name, written, row))
            .collect()
    }

    fn command(
        self,
        file: &File,
        name: &Phrase,
        written: &Written,
        command: &'static Command,
    ) -> Result<CommandRules, PhraseError> {
        let called = command.slots.iter().map(|slot| slot.name.replace('_', " ")).collect();
        let mut rules = CommandRules {
            command,
            label: written.label.clone(),
            called,
            lexicon: Phrases::default(),
            without_do: 0,
            without_what: 0,
            around_name: 0,
        };
        self.common(file, command, &mut rules.lexicon)?;
        self.ways(name, written, &mut rules)?;
        for phrase in &written.also {
            self.enter(phrase, &mut rules.lexicon, |entry| entry.is_also = true)?;
        }
        for (name, slot) in &written.slots {
            let Some(at) = command.slot(name.as_ref()) else {
                let problem = format!("`{}` has no slot `{}`", command.name, name.as_ref());
                return Err(self.error(name, problem));
            };
            rules.called[at] = slot.called.clone();
            self.cues(slot, at, &mut rules.lexicon)?;
        }
        for at in 0..command.slots.len() {
            self.values(file, command, at, &mut rules.lexicon)?;
        }
        Ok(rules)
    }

    /// The phrases that mean the same to every command.
    fn common(self, file: &File, command: &Command, lexicon: &mut Phrases<Entry>) -> Result<(), PhraseError> {
        let never = &file.never;
        for (list, why) in [
            (&never.denied, Why::Denied),
            (&never.about, Why::About),
            (&never.reported, Why::Reported),
            (&never.doubted, Why::Doubted),
            (&never.asked, Why::Asked),
        ] {
            // A question is a way to ask for something that only reads.
            for phrase in list.iter().filter(|_| command.has_effect || why != Why::Asked) {
                self.enter(phrase, lexicon, |entry| entry.never = entry.never.or(Some(why)))?;
            }
        }
        for phrase in &file.ignored.words {
            self.harmless(phrase, lexicon, |entry| entry.is_ignored = true)?;
        }
        for phrase in &file.ignored.joiners {
            self.harmless(phrase, lexicon, |entry| entry.is_joiner = true)?;
        }
        for phrase in &file.polite.requests {
            self.harmless(phrase, lexicon, |entry| entry.polite = Some(Politeness::Request))?;
        }
        for phrase in &file.polite.questions {
            self.harmless(phrase, lexicon, |entry| entry.polite = Some(Politeness::Question))?;
        }
        for phrase in file.polite.reading.iter().filter(|_| !command.has_effect) {
            self.enter(phrase, lexicon, |entry| entry.polite = Some(Politeness::Request))?;
        }
        Ok(())
    }

    fn ways(self, name: &Phrase, written: &Written, rules: &mut CommandRules) -> Result<(), PhraseError> {
        if written.said.is_empty() || written.said.len() > MAX_WAYS {
            let problem = format!("`said` must have from 1 to {MAX_WAYS} rows");
            return Err(self.error(name, problem));
        }
        for (at, way) in written.said.iter().enumerate() {
            let bit = 1 << at;
            match (way.does.is_empty(), way.what.is_empty()) {
                (true, true) => {
                    return Err(self.error(name, format!("row {} of `said` is empty", at + 1)));
                }
                (true, false) => rules.without_do |= bit,
                (false, true) => rules.without_what |= bit,
                (false, false) => {}
            }
            if way.around_name {
                rules.around_name |= bit;
            }
            for phrase in &way.does {
                self.enter(phrase, &mut rules.lexicon, |entry| entry.does |= bit)?;
            }
            for phrase in &way.what {
                self.enter(phrase, &mut rules.lexicon, |entry| entry.whats |= bit)?;
            }
        }
        Ok(())
    }

    fn cues(self, slot: &WrittenSlot, at: usize, lexicon: &mut Phrases<Entry>) -> Result<(), PhraseError> {
        let strong = slot.cues.iter().map(|phrase| (phrase, false));
        let weak = slot.weak_cues.iter().map(|phrase| (phrase, true));
        for (phrase, is_weak) in strong.chain(weak) {
            let entry = lexicon.entry(&self.phrase(phrase)?);
            if entry.cue.is_some_and(|cue| cue.slot != at) {
                return Err(self.error(phrase, "announces two slots"));
            }
            entry.cue = Some(Cue { slot: at, is_weak });
        }
        Ok(())
    }

    fn values(
        self,
        file: &File,
        command: &Command,
        at: usize,
        lexicon: &mut Phrases<Entry>,
    ) -> Result<(), PhraseError> {
        let Slot { name, kind, .. } = command.slots[at];
        if !kind.is_listed() {
            return Ok(());
        }
        let command = command.name;
        let Some((_, values)) = file.values.iter().find(|(slot, _)| slot.as_ref() == name) else {
            return Ok(());
        };
        for (value, phrases) in values {
            let value = Some(value.as_ref().clone()).filter(|value| value != "?");
            for phrase in phrases {
                let listed = Some(Listed { slot: at, value: value.clone() });
                let entry = lexicon.entry(&self.phrase(phrase)?);
                if entry.listed.is_some() && entry.listed != listed {
                    return Err(self.error(phrase, "is said for two values"));
                }
                // "Open the leads" must not mean the open ones.
                if entry.does != 0 && entry.whats == 0 {
                    return Err(self.error(phrase, format!("is a value, and a `do` of `{command}` too")));
                }
                entry.listed = listed;
            }
        }
        Ok(())
    }

    fn enter(
        self,
        phrase: &Phrase,
        lexicon: &mut Phrases<Entry>,
        change: impl FnOnce(&mut Entry),
    ) -> Result<(), PhraseError> {
        change(lexicon.entry(&self.phrase(phrase)?));
        Ok(())
    }

    /// Enters a phrase that is ignored, unless it is one that must never be.
    fn harmless(
        self,
        phrase: &Phrase,
        lexicon: &mut Phrases<Entry>,
        change: impl FnOnce(&mut Entry),
    ) -> Result<(), PhraseError> {
        let entry = lexicon.entry(&self.phrase(phrase)?);
        if entry.never.is_some() {
            return Err(self.error(phrase, "stands under [never] too, and cannot be ignored"));
        }
        change(entry);
        Ok(())
    }
}
