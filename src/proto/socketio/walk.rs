//! One pass over raw JSON text that finds keys, and objects small enough to be a placeholder.
//!
//! No stack and no tree: in JSON a string before a colon is a key, wherever it stands, and an
//! object of two scalars ends before another can begin. The text must be JSON, or values with
//! commas between them; anything else gives rubbish, but ends and does not panic. What a key
//! means is [`super::placeholders`]'s to know.

use std::ops::Range;

/// What the walk comes by, in the order of the text. Strings are in their quotes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole object of two entries, neither of which is an array or an object.
    Pair(Pair<'a>),
    /// A key of any other object.
    Key(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    /// Where it stands, from brace to brace.
    pub range: Range<usize>,
    pub entries: [(&'a str, &'a str); 2],
}

impl<'a> Pair<'a> {
    /// The values of the two keys, if these are the keys, in whichever order.
    pub fn values(&self, keys: [&str; 2]) -> Option<[&'a str; 2]> {
        let [(one, a), (other, b)] = self.entries;
        match keys {
            _ if keys == [one, other] => Some([a, b]),
            _ if keys == [other, one] => Some([b, a]),
            _ => None,
        }
    }
}

/// Where the walk is. A copy looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    pub fn over(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads an object of two scalars, from its brace on.
    fn pair(mut self) -> Option<Pair<'a>> {
        let start = self.at;
        self.eat(b'{')?;
        let first = self.entry()?;
        self.eat(b',')?;
        let second = self.entry()?;
        self.eat(b'}')?;
        Some(Pair { range: start..self.at, entries: [first, second] })
    }

    fn entry(&mut self) -> Option<(&'a str, &'a str)> {
        let key = self.scalar()?;
        self.eat(b':')?;
        Some((key, self.scalar()?))
    }

    /// Reads a string, a number or a literal.
    fn scalar(&mut self) -> Option<&'a str> {
        let start = self.skip_whitespace();
        self.at = match self.peek()? {
            b'"' => self.end_of_string()?,
            _ => start + self.behind().iter().take_while(|byte| is_bare(**byte)).count(),
        };
        self.text.get(start..self.at).filter(|scalar| !scalar.is_empty())
    }

    /// Where the string that begins here is over, its quotes included.
    fn end_of_string(&self) -> Option<usize> {
        let mut bytes = self.behind().iter().enumerate().skip(1);
        while let Some((index, byte)) = bytes.next() {
            match byte {
                b'"' => return Some(self.at + index + 1),
                b'\\' => bytes.next(),
                _ => None,
            };
        }
        None
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.skip_whitespace();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_whitespace(&mut self) -> usize {
        self.at += self.behind().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.behind().first().copied()
    }

    fn behind(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            match self.peek()? {
                b'{' => match self.pair() {
                    Some(pair) => {
                        self.at = pair.range.end;
                        return Some(Found::Pair(pair));
                    }
                    None => self.at += 1,
                },
                b'"' => {
                    let string = self.scalar()?;
                    if self.eat(b':').is_some() {
                        return Some(Found::Key(string));
                    }
                }
                _ => self.at += 1,
            }
        }
    }
}

/// Whether a number or a literal may hold it.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_pairs_are_found_outside_strings_only() {
        let text = r#"{"a":[{"x": 1 ,"y":"}"}],"b\"":"{\"c\":1}"},"d",{"e":{"f":1}}"#;

        let found: Vec<Found<'_>> = Walk::over(text).collect();

        let pair = Pair { range: 6..23, entries: [(r#""x""#, "1"), (r#""y""#, r#""}""#)] };
        let keys = [r#""b\"""#, r#""e""#, r#""f""#].map(Found::Key);
        assert_eq!(found[..2], [Found::Key(r#""a""#), Found::Pair(pair)]);
        assert_eq!(found[2..], keys);
    }

    #[test]
    fn what_is_no_json_ends_without_a_panic() {
        for text in ["{", "\"", "\"\\", "{\"a", "{\"a\":é,", "{\"a\":1,\"b\":2", "\"é\" :", "}{]["] {
            assert!(Walk::over(text).count() <= 2, "{text}");
        }
    }
}
