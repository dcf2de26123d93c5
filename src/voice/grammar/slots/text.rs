//! Names and companies as they are stored, and what cannot be one.

use crate::voice::grammar::tokens::Token;

/// Longest name and longest company, in words. Whoever says more has said something else.
pub const MAX_NAME: usize = 5;
pub const MAX_COMPANY: usize = 8;

/// A name in its usual spelling, if the recogniser wrote it all small (or all large, where the whole
/// transcript is).
pub fn capitalised(written: &str, is_shouted: bool) -> String {
    if !is_shouted && written.chars().any(char::is_uppercase) {
        return written.to_owned();
    }
    let mut out = String::with_capacity(written.len());
    let mut begins = true;
    for c in written.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        begins = !c.is_alphanumeric();
    }
    out
}

/// Whether each of these words can be part of a person's name.
pub fn can_be_name(words: &[Token]) -> bool {
    let fits = |c: char| c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c) || ".'-".contains(c);
    // A word heard twice may be a slip of the recogniser or a name; only the speaker knows.
    let is_repeated = words.windows(2).any(|pair| pair[0].word == pair[1].word);
    words.len() <= MAX_NAME && !is_repeated && words.iter().all(|token| token.word.chars().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::grammar::tokens::cut;

    #[test]
    fn names_get_their_capitals_if_nobody_gave_them() {
        assert_eq!(capitalised("john o'neil-doe", false), "John O'Neil-Doe");
        assert_eq!(capitalised("Ludwig van Beethoven", false), "Ludwig van Beethoven");
        assert_eq!(capitalised("JOHN DOE", true), "John Doe");
        assert_eq!(capitalised("IBM", false), "IBM");
    }

    #[test]
    fn a_name_is_a_few_words_of_letters() {
        assert!(can_be_name(&cut("Jean-Luc O'Neil jr.")));
        assert!(!can_be_name(&cut("agent 47")));
        assert!(!can_be_name(&cut("john john doe")));
        assert!(!can_be_name(&cut("a b c d e f")));
    }
}
