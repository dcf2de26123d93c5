//! Why a file of phrases cannot be used, said to the person who edits it.

use std::ops::Range;

/// What is wrong, and where: `line 41, never.denied: ...`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {key}: {problem}")]
pub struct PhraseError {
    /// From 1.
    pub line: usize,
    /// The table and the key in it.
    pub key: String,
    pub problem: String,
}

impl PhraseError {
    pub(super) fn at(text: &str, span: Option<Range<usize>>, problem: impl Into<String>) -> PhraseError {
        let offset = span.map_or(0, |span| span.start.min(text.len()));
        let (line, key) = place(text, offset);
        PhraseError { line, key, problem: problem.into() }
    }
}

/// The line of a byte, and the key whose value it belongs to: the last one that begins a line there
/// or above.
fn place(text: &str, offset: usize) -> (usize, String) {
    let (mut table, mut key) = ("", "");
    let mut number = 0;
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        if begin > offset {
            break;
        }
        number += 1;
        begin += line.len();
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').filter(|_| is_header(line)) {
            table = header.split(']').next().unwrap_or_default();
            key = "";
        } else if let Some(named) = key_of(line) {
            key = named;
        }
    }
    let joined = match (table, key) {
        ("", "") => "the file".to_owned(),
        ("", key) => key.to_owned(),
        (table, "") => table.to_owned(),
        (table, key) => format!("{table}.{key}"),
    };
    (number.max(1), joined)
}

/// A line `[table]`; a line of a list that opens another list has a quote or a comma in it.
fn is_header(line: &str) -> bool {
    !line.contains([',', '{']) && !line.starts_with("[\"")
}

fn key_of(line: &str) -> Option<&str> {
    if let Some(quoted) = line.strip_prefix('"') {
        let (key, rest) = quoted.split_once('"')?;
        return rest.trim_start().starts_with('=').then_some(key);
    }
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!key.is_empty() && key.chars().all(is_bare)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_line_and_a_key() {
        let text =
            "locale = \"en\"\n\n[a.b]\nsaid = [\n    \"x\",\n    { do = [\"y\"] },\n]\n\"back up\" = \"z\"\n";
        for (needle, expected) in [
            ("\"en\"", (1, "locale")),
            ("\"x\"", (5, "a.b.said")),
            ("\"y\"", (6, "a.b.said")),
            ("\"z\"", (8, "a.b.back up")),
            ("[a.b]", (3, "a.b")),
        ] {
            let at = text.find(needle).unwrap();
            assert_eq!(place(text, at), (expected.0, expected.1.to_owned()), "{needle}");
        }
        assert_eq!(place("", 0), (1, "the file".to_owned()));
    }
}
