//! The rules: the file of phrases, checked and put in order for looking up.
//!
//! Every phrase is cut by the tokenizer that cuts transcripts, so a phrase is found however it is
//! capitalised or punctuated in the file. What is only possible by mistake is refused here, with its
//! line, so that nothing of it has to be thought of while a transcript is read.

mod error;
mod file;
mod lexicon;

use std::collections::{HashMap, HashSet};

use toml::Spanned;

pub use error::PhraseError;
pub use file::Questions;
pub use lexicon::{CommandRules, Cue, Entry, MAX_WAYS, Politeness, Why};

use super::phrases::{MAX_WORDS, Phrases};
use super::slots::number::Words;
use super::tokens::cut;
use file::{File, Never, Phrase};

/// Largest file, in bytes.
const MAX_FILE: usize = 1 << 20;

/// Longest transcript a file may allow, in characters.
const MAX_TRANSCRIPT: usize = 100_000;

/// A sign that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    At,
    Dot,
    Dash,
    Underscore,
    Plus,
    /// "double five"
    Times(u8),
}

/// A phrase that stands for other words.
#[derive(Debug, Default)]
pub struct Rewriting {
    pub words: Vec<String>,
    /// Whether it only sounds like them.
    pub is_guess: bool,
}

#[derive(Debug)]
pub struct Rules {
    /// The primary language tag, in lower case.
    pub locale: String,
    /// Longest transcript, in characters.
    pub longest: usize,
    pub hesitations: HashSet<String>,
    pub rewritings: Phrases<Option<Rewriting>>,
    pub numbers: Words,
    /// Single words that join two things.
    pub joiners: HashSet<String>,
    pub marks: Phrases<Option<Mark>>,
    /// Words between a cue and what it announces.
    pub linking: Phrases<bool>,
    pub titles: HashSet<String>,
    pub legal_forms: HashSet<String>,
    pub nobody: HashSet<String>,
    pub questions: Questions,
    /// In the order of [`super::commands::COMMANDS`].
    pub commands: Vec<CommandRules>,
}

impl Rules {
    /// Reads a file of phrases.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and key.
    pub fn parse(text: &str) -> Result<Rules, PhraseError> {
        if text.len() > MAX_FILE {
            return Err(PhraseError::at(text, None, format!("the file has more than {MAX_FILE} bytes")));
        }
        let file: File = toml::from_str(text)
            .map_err(|error| PhraseError::at(text, error.span(), error.message().to_owned()))?;
        Reader { text }.rules(file)
    }

    /// The rules that are part of the program.
    pub fn embedded() -> Rules {
        Rules::parse(super::PHRASES).expect("the embedded phrases are read by a test")
    }
}

/// Checks phrases and cuts them; errors are placed in `text`.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn rules(self, file: File) -> Result<Rules, PhraseError> {
        let longest = *file.longest.as_ref();
        if !(1..=MAX_TRANSCRIPT).contains(&longest) {
            let problem = format!("must be from 1 to {MAX_TRANSCRIPT} characters");
            return Err(self.error(&file.longest, problem));
        }
        self.hides_nothing(&file)?;
        let joiners = self.all(&file.ignored.joiners)?;
        let commands = self.commands(&file)?;
        Ok(Rules {
            locale: primary(file.locale.as_ref()).to_lowercase(),
            longest,
            hesitations: self.words(&file.ignored.hesitations)?,
            rewritings: self.rewritings(&file)?,
            numbers: self.numbers(&file)?,
            joiners: joiners.into_iter().filter_map(only).collect(),
            marks: self.marks(&file)?,
            linking: self.set(&file.names.linking)?,
            titles: self.words(&file.names.titles)?,
            legal_forms: self.words(&file.names.legal_forms)?,
            nobody: self.words(&file.names.nobody)?,
            questions: file.questions,
            commands,
        })
    }

    fn error<T>(self, place: &Spanned<T>, problem: impl Into<String>) -> PhraseError {
        PhraseError::at(self.text, Some(place.span()), problem)
    }

    /// The words of a phrase.
    fn phrase(self, phrase: &Phrase) -> Result<Vec<String>, PhraseError> {
        let words: Vec<String> = cut(phrase.as_ref()).into_iter().map(|token| token.word).collect();
        match words.len() {
            0 => Err(self.error(phrase, "a phrase has no word in it")),
            length if length > MAX_WORDS => {
                Err(self.error(phrase, format!("a phrase has more than {MAX_WORDS} words")))
            }
            _ => Ok(words),
        }
    }

    fn all(self, phrases: &[Phrase]) -> Result<Vec<Vec<String>>, PhraseError> {
        phrases.iter().map(|phrase| self.phrase(phrase)).collect()
    }

    fn set(self, phrases: &[Phrase]) -> Result<Phrases<bool>, PhraseError> {
        let mut set = Phrases::default();
        for words in self.all(phrases)? {
            *set.entry(&words) = true;
        }
        Ok(set)
    }

    fn words(self, phrases: &[Phrase]) -> Result<HashSet<String>, PhraseError> {
        phrases.iter().map(|phrase| self.word(phrase)).collect()
    }

    fn word(self, phrase: &Phrase) -> Result<String, PhraseError> {
        let mut words = self.phrase(phrase)?;
        match (words.pop(), words.is_empty()) {
            (Some(word), true) => Ok(word),
            _ => Err(self.error(phrase, "only single words can stand here")),
        }
    }

    /// What is dropped or respelled before anything is read must take no denial or doubt along.
    fn hides_nothing(self, file: &File) -> Result<(), PhraseError> {
        let Never { denied, doubted, reported, about, asked } = &file.never;
        let mut never = Vec::new();
        for list in [denied, doubted, reported, about, asked] {
            never.extend(self.all(list)?);
        }
        let has_one =
            |words: &[String]| never.iter().any(|own| words.windows(own.len()).any(|part| part == own));
        let problem = "takes away what stands under [never]";
        for phrase in &file.ignored.hesitations {
            if has_one(&self.phrase(phrase)?) {
                return Err(self.error(phrase, problem));
            }
        }
        for (from, to) in file.spelled.iter().chain(&file.sounds_like) {
            if has_one(&self.phrase(from)?) && !has_one(&self.phrase(to)?) {
                return Err(self.error(from, problem));
            }
        }
        Ok(())
    }

    fn rewritings(self, file: &File) -> Result<Phrases<Option<Rewriting>>, PhraseError> {
        let mut all: Phrases<Option<Rewriting>> = Phrases::default();
        let spelled = file.spelled.iter().map(|pair| (pair, false));
        let heard = file.sounds_like.iter().map(|pair| (pair, true));
        for ((from, to), is_guess) in spelled.chain(heard) {
            let words = self.phrase(to)?;
            let entry = all.entry(&self.phrase(from)?);
            if entry.is_some() {
                return Err(self.error(from, "stands for two things"));
            }
            *entry = Some(Rewriting { words, is_guess });
        }
        Ok(all)
    }

    fn numbers(self, file: &File) -> Result<Words, PhraseError> {
        let mut words = HashMap::new();
        for (phrase, value) in &file.numbers {
            if !matches!(value, 0..=20 | 30 | 40 | 50 | 60 | 70 | 80 | 90 | 100 | 1000) {
                return Err(self.error(phrase, "only 0 to 20, tens, 100 and 1000 are words of a number"));
            }
            words.insert(self.word(phrase)?, *value);
        }
        Ok(words)
    }

    fn marks(self, file: &File) -> Result<Phrases<Option<Mark>>, PhraseError> {
        let dictation = &file.dictation;
        let mut marks: Phrases<Option<Mark>> = Phrases::default();
        for (list, mark) in [
            (&dictation.at, Mark::At),
            (&dictation.dot, Mark::Dot),
            (&dictation.dash, Mark::Dash),
            (&dictation.underscore, Mark::Underscore),
            (&dictation.plus, Mark::Plus),
            (&dictation.double, Mark::Times(2)),
            (&dictation.triple, Mark::Times(3)),
        ] {
            for phrase in list {
                let entry = marks.entry(&self.phrase(phrase)?);
                if entry.is_some_and(|other| other != mark) {
                    return Err(self.error(phrase, "is said for two signs"));
                }
                *entry = Some(mark);
            }
        }
        Ok(marks)
    }
}

/// The language of a language tag: `en` of `en-GB`.
pub fn primary(locale: &str) -> &str {
    locale.split(['-', '_']).next().unwrap_or_default()
}

/// The word of a phrase that has but one.
fn only(mut words: Vec<String>) -> Option<String> {
    words.pop().filter(|_| words.is_empty())
}

#[cfg(test)]
mod tests;
