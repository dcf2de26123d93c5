//! E-mail addresses, written or spelled: "john dot doe at example dot com".

use super::Spoken;
use crate::voice::grammar::phrases::Phrases;
use crate::voice::grammar::rules::Mark;
use crate::voice::grammar::tokens::{Pause, Token};

/// Tokens looked at for one address.
const WINDOW: usize = 24;

/// Longest address (RFC 5321, 4.5.3.1.3).
const MAX_BYTES: usize = 254;

/// How an address was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// By "e-mail": everything up to the sign is the local part.
    ByCue,
    /// Not at all: the local part begins where it cannot be anything else.
    NotAtAll,
}

/// The address at the head of `tokens`, in lower case.
///
/// Words that were joined although nothing was said between them make it doubtful: "john doe at"
/// may be `johndoe@`, `john.doe@`, or a man named John.
pub fn spoken(tokens: &[Token], marks: &Phrases<Option<Mark>>, how: Announced) -> Option<Spoken<String>> {
    let tokens = &tokens[..tokens.len().min(WINDOW)];
    let mut speller = Speller { tokens, marks, at: 0, text: String::new(), is_doubtful: false };
    if !tokens.first()?.word.contains('@') {
        speller.part(how == Announced::ByCue)?;
        if speller.mark() != Some(Mark::At) {
            return None;
        }
        speller.text.push('@');
    } else {
        speller.word()?;
    }
    let is_whole = speller.text.split_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    if speller.text.ends_with('@') {
        speller.part(false)?;
    } else if !is_whole || speller.next_is(Mark::Dot) {
        speller.more(false);
    }
    let Speller { text, at, is_doubtful, .. } = speller;
    is_address(&text).then_some(Spoken { value: text, length: at, is_doubtful })
}

struct Speller<'a> {
    tokens: &'a [Token],
    marks: &'a Phrases<Option<Mark>>,
    at: usize,
    text: String,
    is_doubtful: bool,
}

impl Speller<'_> {
    /// Words with spoken signs between them.
    fn part(&mut self, joins_words: bool) -> Option<()> {
        self.word()?;
        self.more(joins_words);
        Some(())
    }

    fn more(&mut self, joins_words: bool) {
        loop {
            let (at, length) = (self.at, self.text.len());
            match self.mark() {
                Some(Mark::Dot) => self.text.push('.'),
                Some(Mark::Dash) => self.text.push('-'),
                Some(Mark::Underscore) => self.text.push('_'),
                Some(Mark::Plus) => self.text.push('+'),
                Some(Mark::At | Mark::Times(_)) => {
                    self.at = at;
                    return;
                }
                None if self.is_spelling() => {}
                None if joins_words && self.tokens.get(at).is_some_and(|next| next.pause == Pause::None) => {
                    self.is_doubtful = true;
                }
                None => return,
            }
            if self.word().is_none() {
                self.at = at;
                self.text.truncate(length);
                return;
            }
        }
    }

    /// Whether single letters or digits stand before and behind this place.
    fn is_spelling(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let next = self.tokens.get(self.at);
        let spelled = |token: Option<&Token>| token.is_some_and(Token::is_spelled);
        spelled(before) && spelled(next) || spelled(next) && next.is_some_and(Token::is_digits)
    }

    /// One word of an address.
    fn word(&mut self) -> Option<()> {
        let token = self.tokens.get(self.at)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "@._+-'".contains(c);
        if !token.word.chars().all(fits) || self.peek().is_some() {
            return None;
        }
        self.text.push_str(&token.word);
        self.at += 1;
        Some(())
    }

    fn peek(&self) -> Option<(usize, Mark)> {
        let (length, mark) = self.marks.longest(self.tokens.get(self.at..)?)?;
        Some((length, (*mark)?))
    }

    fn mark(&mut self) -> Option<Mark> {
        let (length, mark) = self.peek()?;
        self.at += length;
        Some(mark)
    }

    fn next_is(&self, mark: Mark) -> bool {
        self.peek().is_some_and(|(_, next)| next == mark)
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = |part: &str| part.split('.').all(|label| !label.is_empty());
    let in_domain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let top = domain.rsplit('.').next().unwrap_or_default();
    text.len() <= MAX_BYTES
        && dotted(local)
        && dotted(domain)
        && domain.contains('.')
        && domain.chars().all(in_domain)
        && top.len() >= 2
        && top.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::grammar::tokens::cut;

    fn read(text: &str, how: Announced) -> Option<(String, usize, bool)> {
        let rules = crate::voice::grammar::rules::Rules::embedded();
        spoken(&cut(text), &rules.marks, how).map(|found| (found.value, found.length, found.is_doubtful))
    }

    #[test]
    fn addresses_as_they_are_said_and_written() {
        for (text, address, length) in [
            ("john.doe@example.com and", "john.doe@example.com", 1),
            ("john dot doe at example dot com", "john.doe@example.com", 7),
            ("j smith underscore two at sign example dash corp dot co dot uk", "", 0),
            (
                "anna underscore b at sign example dash corp dot co dot uk company",
                "anna_b@example-corp.co.uk",
                12,
            ),
            ("j d o e 4 2 at gmail.com", "jdoe42@gmail.com", 8),
            ("john at gmail.com", "john@gmail.com", 3),
            ("john.doe@gmail dot com", "john.doe@gmail.com", 3),
            ("sales plus eu at example dot com", "sales+eu@example.com", 7),
        ] {
            let expected = (!address.is_empty()).then(|| (address.to_owned(), length, false));
            assert_eq!(read(text, Announced::NotAtAll), expected, "{text}");
        }
    }

    #[test]
    fn words_joined_by_nothing_are_doubtful() {
        let (address, _, is_doubtful) = read("john doe at example dot com", Announced::ByCue).unwrap();
        assert_eq!((&*address, is_doubtful), ("johndoe@example.com", true));
        assert_eq!(read("john doe at example dot com", Announced::NotAtAll), None);
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "at example dot com",
            "john at",
            "john at acme",
            "a@b",
            "@@@",
            "a@b@c.de",
            "dot at dot",
            "jörg at x dot de",
            "",
        ] {
            assert_eq!(read(text, Announced::ByCue), None, "{text}");
        }
    }
}
