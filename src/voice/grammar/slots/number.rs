//! Numbers in digits and in words.

use std::collections::{HashMap, HashSet};

use super::Spoken;
use crate::voice::grammar::tokens::Token;

/// The words for numbers, by word.
pub type Words = HashMap<String, u64>;

/// The number at the head of `tokens`: `25`, `1,000`, "twenty five", "one hundred and ten".
pub fn spoken(tokens: &[Token], words: &Words, joiners: &HashSet<String>) -> Option<Spoken<u64>> {
    let first = tokens.first()?;
    if let Some(value) = digits(&first.word) {
        return Some(Spoken { value, length: 1, is_doubtful: false });
    }
    let mut total = 0_u64;
    let mut part = 0_u64;
    let mut least = u64::MAX;
    let mut length = 0;
    // Bounded: nothing that is said in more words is a number one would ask for.
    while let Some(token) = tokens.get(length).filter(|_| length < 12) {
        let after_hundred = joiners.contains(&token.word) && least >= 100 && length > 0;
        let next_is_number = tokens.get(length + 1).is_some_and(|next| words.contains_key(&next.word));
        if after_hundred && next_is_number {
            length += 1;
            continue;
        }
        let Some(value) = of_word(&token.word, words) else { break };
        match value {
            1000 if total == 0 => {
                total = part.max(1) * 1000;
                part = 0;
            }
            100 if part < 10 => part = part.max(1) * 100,
            // Every further word must be smaller than what the one before it leaves open.
            value if length == 0 || value < room(least) => part += value,
            _ => break,
        }
        least = value;
        length += 1;
    }
    (length > 0).then_some(Spoken { value: total + part, length, is_doubtful: false })
}

/// Numbers below this may follow a word of `value`.
fn room(value: u64) -> u64 {
    match value {
        20..=90 => 10,
        100 => 100,
        1000 => 1000,
        _ => 0,
    }
}

/// "twenty-five" is one word to some recognisers.
fn of_word(word: &str, words: &Words) -> Option<u64> {
    if let Some(value) = words.get(word) {
        return Some(*value);
    }
    let (tens, units) = word.split_once('-')?;
    let (tens, units) = (*words.get(tens)?, *words.get(units)?);
    (room(tens) == 10 && (1..10).contains(&units)).then_some(tens + units)
}

fn digits(word: &str) -> Option<u64> {
    let is_number = word.len() <= 12 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    if is_number { word.replace(',', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::grammar::tokens::cut;

    fn words() -> Words {
        [
            ("zero", 0),
            ("one", 1),
            ("two", 2),
            ("five", 5),
            ("ten", 10),
            ("twelve", 12),
            ("twenty", 20),
            ("fifty", 50),
            ("hundred", 100),
            ("thousand", 1000),
        ]
        .map(|(word, value)| (word.to_owned(), value))
        .into()
    }

    fn joiners() -> HashSet<String> {
        ["and".to_owned()].into()
    }

    #[test]
    fn numbers_in_words_and_digits() {
        for (text, expected) in [
            ("25 leads", Some((25, 1))),
            ("1,000", Some((1000, 1))),
            ("twenty five leads", Some((25, 2))),
            ("twenty-five leads", Some((25, 1))),
            ("hundred", Some((100, 1))),
            ("one hundred and twelve", Some((112, 4))),
            ("two hundred fifty five", Some((255, 4))),
            ("two thousand", Some((2000, 2))),
            ("one hundred and leads", Some((100, 2))),
            ("ten ten", Some((10, 1))),
            ("five twenty", Some((5, 1))),
            ("zero", Some((0, 1))),
            ("and five", None),
            ("99999999999999999999", None),
            ("leads", None),
            ("", None),
        ] {
            let number = spoken(&cut(text), &words(), &joiners()).map(|found| (found.value, found.length));
            assert_eq!(number, expected, "{text}");
        }
    }

    #[test]
    fn any_heap_of_number_words_ends() {
        let heap = "thousand hundred twenty ".repeat(100);
        assert!(spoken(&cut(&heap), &words(), &joiners()).is_some_and(|found| found.length <= 12));
    }
}
