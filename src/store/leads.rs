//! What can be asked of leads, and what is answered.

use super::journal::Record;
use crate::domain::lead::{Lead, LeadDifference, LeadStatus};
use crate::domain::time::Timestamp;

/// Most leads of one page (contract section 8).
pub const MAX_LIMIT: u32 = 1000;
/// Most bytes of text in one page: what is over would not fit a slow reader's queue.
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// Longest text to search for, in characters, and most words of it.
const MAX_TEXT: usize = 200;
const MAX_WORDS: usize = 16;

/// Which leads; all that is given must hold.
#[derive(Clone, Debug)]
pub struct LeadQuery {
    pub status: Option<LeadStatus>,
    pub source: Option<String>,
    pub text: Option<SearchText>,
    /// Created then or later.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    /// Most leads, [`MAX_LIMIT`] at the utmost.
    pub limit: u32,
}

impl LeadQuery {
    /// All of them, the newest `limit`.
    pub fn newest(limit: u32) -> LeadQuery {
        LeadQuery { status: None, source: None, text: None, from: None, to: None, limit }
    }
}

/// Words to look for. Each must occur, in any case, somewhere in name, e-mail, company, phone or notes:
/// `doe acme` finds John Doe of Acme. Nothing in them has a meaning of its own. Of a word that says the same three
/// characters over and over, a store may look for the head alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText(Vec<String>);

impl SearchText {
    /// `None` if there is no word, or more than 200 characters or 16 words.
    pub fn parse(text: &str) -> Option<SearchText> {
        if text.chars().nth(MAX_TEXT).is_some() {
            return None;
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (1..=MAX_WORDS).contains(&words.len()).then_some(SearchText(words))
    }

    pub fn words(&self) -> &[String] {
        &self.0
    }
}

/// The newest of the leads that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadPage {
    /// Fewer than asked for where their texts would be over [`MAX_PAGE_BYTES`].
    pub leads: Vec<Lead>,
    /// How many match.
    pub total: u64,
}

/// What has become of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub lead: Lead,
    pub difference: LeadDifference,
}

/// What is to be committed with a change, made of its outcome. Runs on the store's own thread.
pub type Then = Box<dyn FnOnce(&Changed) -> Record + Send>;

/// How many leads there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadCounts {
    pub total: u64,
    /// Created within the time that was asked for.
    pub created: u64,
    /// Of all, every status, zero included.
    pub by_status: Vec<(LeadStatus, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_words_and_bounds() {
        let words = |text: &str| SearchText::parse(text).map(|found| found.words().join("|"));
        assert_eq!(words(" John\t  doe\n").as_deref(), Some("John|doe"));
        assert_eq!(words("\" OR *").as_deref(), Some("\"|OR|*"));
        for none in ["", " \n", &"x".repeat(MAX_TEXT + 1), &"x ".repeat(MAX_WORDS + 1)] {
            assert_eq!(words(none), None);
        }
        assert!(words(&"😀".repeat(MAX_TEXT)).is_some());
    }
}
