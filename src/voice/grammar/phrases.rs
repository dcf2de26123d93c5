//! Phrases, found by their first word, the longest first.

use std::collections::HashMap;

use super::tokens::Token;

/// Longest phrase, in words.
pub const MAX_WORDS: usize = 10;

#[derive(Debug)]
pub struct Phrases<T> {
    /// By the first word; each list from the longest phrase to the shortest.
    by_first: HashMap<String, Vec<(Vec<String>, T)>>,
}

impl<T> Default for Phrases<T> {
    fn default() -> Phrases<T> {
        Phrases { by_first: HashMap::new() }
    }
}

impl<T: Default> Phrases<T> {
    /// What stands under `words`, which must not be empty; entered if it is new.
    pub fn entry(&mut self, words: &[String]) -> &mut T {
        let list = self.by_first.entry(words[0].clone()).or_default();
        let found = list.iter().position(|(own, _)| own == words);
        let at = found.unwrap_or_else(|| {
            let at = list.partition_point(|(own, _)| own.len() >= words.len());
            list.insert(at, (words.to_vec(), T::default()));
            at
        });
        &mut list[at].1
    }
}

impl<T> Phrases<T> {
    /// The longest phrase that `tokens` begin with, and its length in words.
    pub fn longest(&self, tokens: &[Token]) -> Option<(usize, &T)> {
        let list = self.by_first.get(&tokens.first()?.word)?;
        let begins = |words: &[String]| {
            words.len() <= tokens.len() && words.iter().zip(tokens).all(|(word, token)| *word == token.word)
        };
        let (words, found) = list.iter().find(|(words, _)| begins(words))?;
        Some((words.len(), found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::grammar::tokens::cut;

    #[test]
    fn the_longest_phrase_is_found() {
        let mut phrases = Phrases::<u8>::default();
        for (text, value) in [("last", 1), ("last week", 2), ("last week but one", 3), ("last year", 4)] {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            *phrases.entry(&words) = value;
        }
        let find = |text: &str| phrases.longest(&cut(text)).map(|(length, value)| (length, *value));
        assert_eq!(find("last week but two"), Some((2, 2)));
        assert_eq!(find("last week but one"), Some((4, 3)));
        assert_eq!(find("last"), Some((1, 1)));
        assert_eq!(find("next week"), None);
        assert_eq!(find(""), None);
    }
}
