//! From speech to command: transcripts in, one of the six commands out, or a question, or nothing.
//!
//! Local and deterministic: the same transcript under the same rules always gives the same answer,
//! and nothing is asked of any clock, network or model. The rules are data (`data/phrases.toml`);
//! what must hold whatever they say is code. Never a guess that acts (contract D-22): a command with
//! an effect is understood only if every word is accounted for.
//!
//! The way of a transcript: `tokens` cuts it into words, `reading` reads them once for each command
//! (with `cues`, `texts` and `slots` for its parts), `understand` judges the readings.
//!
//! ```
//! use switchboard::voice::grammar::{Grammar, Transcript, Understanding};
//!
//! let transcript = Transcript { text: "show me the ten new leads", locale: "en", confidence: 0.9 };
//! let Understanding::Understood(understood) = Grammar::default().understand(&transcript) else {
//!     panic!("understood")
//! };
//! assert_eq!(understood.command, "get_leads");
//! assert_eq!(understood.parameters.get(), r#"{"status":"NEW","limit":10}"#);
//! ```

mod answer;
mod commands;
mod cues;
mod phrases;
mod reading;
mod rules;
mod slots;
mod texts;
mod tokens;
mod understand;

pub use answer::{Choice, Understanding, Understood};
pub use rules::PhraseError;

use rules::Rules;

/// The phrases that are part of the program.
const PHRASES: &str = include_str!("../../../data/phrases.toml");

/// Below this confidence nothing is run (contract D-22).
const MIN_CONFIDENCE: f64 = 0.5;

/// What a recogniser heard.
#[derive(Clone, Copy, Debug)]
pub struct Transcript<'a> {
    pub text: &'a str,
    /// A language tag, such as `en` or `en-GB`.
    pub locale: &'a str,
    /// From 0 to 1; anything else counts as 0.
    pub confidence: f64,
}

/// The rules of one language, ready for use. Made once; reading it needs no lock.
#[derive(Debug)]
pub struct Grammar {
    rules: Rules,
}

impl Grammar {
    /// Reads a file of phrases.
    ///
    /// # Errors
    /// The first thing that is wrong in it, with its line and key.
    pub fn parse(text: &str) -> Result<Grammar, PhraseError> {
        Ok(Grammar { rules: Rules::parse(text)? })
    }

    /// What `transcript` asks for. The time it takes grows with its length only.
    pub fn understand(&self, transcript: &Transcript<'_>) -> Understanding {
        understand::understand(&self.rules, transcript).0
    }
}

impl Default for Grammar {
    /// The embedded phrases.
    fn default() -> Grammar {
        Grammar { rules: Rules::embedded() }
    }
}

#[cfg(test)]
mod tests;
