//! Telephone numbers, in digits or said digit by digit or in pairs.

use std::collections::HashSet;

use super::Spoken;
use super::number::{self, Words};
use crate::voice::grammar::phrases::Phrases;
use crate::voice::grammar::rules::Mark;
use crate::voice::grammar::tokens::Token;

/// Digits of a number that a lead can have (E.164 has 15 at most).
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Tokens looked at: fifteen digits said one by one, and what may stand between.
const WINDOW: usize = 32;

/// The telephone number at the head of `tokens`, as `+4512345678`. A number of impossible length is
/// doubtful.
pub fn spoken(tokens: &[Token], marks: &Phrases<Option<Mark>>, words: &Words) -> Option<Spoken<String>> {
    let mut digits = String::new();
    let mut length = 0;
    while length < tokens.len().min(WINDOW) {
        let rest = &tokens[length..];
        let taken = match marks.longest(rest) {
            Some((taken, Some(Mark::Plus))) if digits.is_empty() => {
                digits.push('+');
                taken
            }
            Some((taken, Some(Mark::Dash))) if !digits.is_empty() => taken,
            Some((taken, Some(Mark::Times(times)))) => {
                let Some((digit, more)) = digit(&rest[taken..], words) else { break };
                digits.extend(std::iter::repeat_n(digit, usize::from(*times)));
                taken + more
            }
            _ => match group(rest, words) {
                Some((group, taken)) if !group.starts_with('+') || digits.is_empty() => {
                    digits.push_str(&group);
                    taken
                }
                _ => break,
            },
        };
        length += taken;
    }
    let count = digits.trim_start_matches('+').len();
    let is_doubtful = !DIGITS.contains(&count);
    (count > 0).then_some(Spoken { value: digits, length, is_doubtful })
}

fn digit(tokens: &[Token], words: &Words) -> Option<(char, usize)> {
    let (group, length) = group(tokens, words)?;
    let mut chars = group.chars();
    let digit = chars.next()?;
    (chars.next().is_none() && digit.is_ascii_digit()).then_some((digit, length))
}

/// One written group of digits, or one number below a hundred in words.
fn group(tokens: &[Token], words: &Words) -> Option<(String, usize)> {
    let word = &tokens.first()?.word;
    let written = word.trim_start_matches('+');
    let is_group = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.');
    if written.starts_with(|c: char| c.is_ascii_digit()) && written.chars().all(is_group) {
        return Some((word.replace(['-', '.'], ""), 1));
    }
    if word == "o" || word == "oh" {
        return Some(("0".to_owned(), 1));
    }
    // "thirty four" is 34 here as it is everywhere; "one hundred" is nobody's way to say a number.
    let none = HashSet::new();
    let number = number::spoken(&tokens[..tokens.len().min(2)], words, &none)?;
    let single = number::spoken(&tokens[..1], words, &none)?;
    let fitting = if number.value < 100 { number } else { single };
    (fitting.value < 100).then(|| (fitting.value.to_string(), fitting.length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::grammar::tokens::cut;

    fn read(text: &str) -> Option<(String, usize, bool)> {
        let rules = crate::voice::grammar::rules::Rules::embedded();
        spoken(&cut(text), &rules.marks, &rules.numbers)
            .map(|found| (found.value, found.length, found.is_doubtful))
    }

    #[test]
    fn numbers_as_they_are_said_and_written() {
        for (text, expected) in [
            ("+45 12 34 56 78 and", ("+4512345678", 5)),
            ("plus four five twelve thirty four fifty six seventy eight", ("+4512345678", 10)),
            ("one two three four five six seven", ("1234567", 7)),
            ("double five triple zero one two", ("5500012", 6)),
            ("oh one two three four five six", ("0123456", 7)),
            ("555-123-4567", ("5551234567", 1)),
            ("555 dash 1234", ("5551234", 3)),
        ] {
            assert_eq!(read(text), Some((expected.0.to_owned(), expected.1, false)), "{text}");
        }
    }

    #[test]
    fn too_few_or_too_many_digits_are_doubtful() {
        assert!(read("twelve").unwrap().2);
        assert!(read("one two three four five six").unwrap().2);
        assert!(read(&"nine ".repeat(500)).unwrap().2);
        assert_eq!(read("hello"), None);
        assert_eq!(read("plus"), None);
    }
}
