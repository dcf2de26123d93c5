//! Which leads match: filters by index, words by the index of trigrams.
//!
//! Words of three characters and more go to FTS5 as quoted phrases, where nothing but a quote has a
//! meaning, and that one is doubled; each row carries the tenant's tag there, so other tenants' leads cost
//! nothing. Shorter words have no trigram: they are compared row by row, as `LIKE` with its wildcards escaped.
//! Both find parts of words in any case.

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::connection::unsigned;
use super::leads;
use crate::domain::id::Id;
use crate::store::{LeadPage, LeadQuery, MAX_LIMIT, MAX_PAGE_BYTES, SearchText, StoreError};

/// What is looked through. The same columns stand in `leads` and in `leads_text`.
const TEXTS: [&str; 5] = ["name", "email", "company", "phone", "notes"];
/// How often a search may look for the same trigram. FTS5 walks all places of a trigram in a lead each time: a
/// text of one letter, looked for in notes of that letter, would take 15 ms a lead.
const REPEATED: usize = 8;

pub fn page(from: &Connection, tenant: &Id, query: &LeadQuery) -> Result<LeadPage, StoreError> {
    let Some(matching) = Matching::new(from, tenant, query)? else {
        return Ok(LeadPage { leads: Vec::new(), total: 0 });
    };
    let limit = query.limit.min(MAX_LIMIT);
    let leads = matching.newest(from, limit)?;
    // A page that is not full holds all there are.
    let is_whole = leads.len() < limit as usize && !leads.is_cut;
    let total = if is_whole { leads.len() as u64 } else { matching.count(from)? };
    Ok(LeadPage { leads: leads.found, total })
}

/// A condition in SQL, made of fixed texts alone, and the values it binds.
struct Matching {
    from: &'static str,
    order: &'static str,
    condition: String,
    values: Vec<Value>,
}

struct Found {
    found: Vec<crate::domain::lead::Lead>,
    /// Whether there would have been more but for their size.
    is_cut: bool,
}

impl Found {
    fn len(&self) -> usize {
        self.found.len()
    }
}

impl Matching {
    /// `None` if nothing can match.
    fn new(from: &Connection, tenant: &Id, query: &LeadQuery) -> Result<Option<Matching>, StoreError> {
        let mut matching = Matching {
            from: "leads",
            order: "created_at DESC, seq DESC",
            condition: "tenant = ?".to_owned(),
            values: vec![text(tenant.as_str())],
        };
        if let Some(words) = &query.text {
            // No field holds one, and C strings end there.
            if words.words().iter().any(|word| word.contains('\0')) {
                return Ok(None);
            }
            let tag = "SELECT tag FROM tenants WHERE tenant = ?";
            let tag = from.prepare_cached(tag)?.query_row([tenant.as_str()], |row| row.get(0)).optional()?;
            let Some(tag) = tag else { return Ok(None) };
            matching.words(words, tag);
        }
        if let Some(status) = query.status {
            matching.and("status = ?", text(status.as_str()));
        }
        if let Some(source) = &query.source {
            matching.and("source = ?", text(source));
        }
        if let Some(start) = query.from {
            matching.and("created_at >= ?", Value::Integer(start.millis()));
        }
        if let Some(end) = query.to {
            matching.and("created_at < ?", Value::Integer(end.millis()));
        }
        Ok(Some(matching))
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.condition.push_str(" AND ");
        self.condition.push_str(condition);
        self.values.push(value);
    }

    fn words(&mut self, words: &SearchText, tag: String) {
        let (long, short): (Vec<_>, Vec<_>) =
            words.words().iter().partition(|word| word.chars().nth(2).is_some());
        if !long.is_empty() {
            // CROSS: the matches lead, and come in the order of storing, the newest first.
            self.from = "leads_text CROSS JOIN leads ON seq = leads_text.rowid";
            self.order = "leads_text.rowid DESC";
            self.and("leads_text MATCH ?", Value::Text(phrases(&tag, &long)));
        }
        for word in short {
            let patterns = patterns(word);
            let one = format!("({})", vec!["leads.{} LIKE ? ESCAPE '\\'"; patterns.len()].join(" OR "));
            let any: Vec<String> = TEXTS.iter().map(|column| one.replace("{}", column)).collect();
            self.condition.push_str(&format!(" AND ({})", any.join(" OR ")));
            for _ in TEXTS {
                self.values.extend(patterns.iter().cloned().map(Value::Text));
            }
        }
    }

    fn newest(&self, from: &Connection, limit: u32) -> Result<Found, StoreError> {
        let columns: Vec<String> =
            leads::COLUMNS.split(", ").map(|column| format!("leads.{column}")).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {limit}",
            columns.join(", "),
            self.from,
            self.condition,
            self.order
        );
        let mut statement = from.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let lead = leads::read(row)?;
            bytes += lead.size();
            if bytes > MAX_PAGE_BYTES {
                return Ok(Found { found, is_cut: true });
            }
            found.push(lead);
        }
        Ok(Found { found, is_cut: false })
    }

    fn count(&self, from: &Connection) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", self.from, self.condition);
        let count = from.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(unsigned(count))
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// An expression of FTS5: the tenant's tag, and each word as a phrase in any of the columns. A word that repeats
/// itself is looked for as far as that costs little.
fn phrases(tag: &str, words: &[&String]) -> String {
    let quoted = |word: &str| format!("\"{}\"", word.replace('"', "\"\""));
    let mut used = HashMap::new();
    let words = words.iter().map(|word| affordable(word, &mut used)).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(quoted).collect();
    // Said twice, it is looked for once.
    words.dedup();
    format!("tag : {} AND {{{}}} : ({})", quoted(tag), TEXTS.join(" "), words.join(" AND "))
}

/// The head of a word up to the trigram that has been `used` too often; nothing of one that begins so, as those
/// before it have asked for that already.
fn affordable<'a>(word: &'a str, used: &mut HashMap<String, usize>) -> &'a str {
    let starts: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    for (index, ends) in starts.windows(4).enumerate() {
        let count = used.entry(word[ends[0]..ends[3]].to_lowercase()).or_default();
        *count += 1;
        if *count > REPEATED {
            return if index == 0 { "" } else { &word[..starts[index + 2]] };
        }
    }
    word
}

/// Patterns that find `word`, of one or two characters, in any case: `LIKE` itself folds ASCII alone.
fn patterns(word: &str) -> Vec<String> {
    let mut forms = vec![String::new()];
    for character in word.chars() {
        let escape = if matches!(character, '%' | '_' | '\\') { "\\" } else { "" };
        let mut cases = vec![format!("{escape}{character}")];
        if !character.is_ascii() {
            cases.push(character.to_lowercase().to_string());
            cases.push(character.to_uppercase().to_string());
            cases.sort_unstable();
            cases.dedup();
        }
        forms = forms.iter().flat_map(|form| cases.iter().map(move |case| format!("{form}{case}"))).collect();
    }
    forms.into_iter().map(|form| format!("%{form}%")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_phrase_whatever_it_says() {
        let words = ["OR".to_owned() + "x", "a\"b".to_owned(), "name:x*".to_owned()];
        let expression = phrases("tag", &words.iter().collect::<Vec<_>>());
        let columns = "{name email company phone notes}";
        let quoted = format!(r#"tag : "tag" AND {columns} : ("ORx" AND "a""b" AND "name:x*")"#);
        assert_eq!(expression, quoted);
    }

    #[test]
    fn no_trigram_is_looked_for_more_than_eight_times() {
        let searched = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            let expression = phrases("tag", &words.iter().collect::<Vec<_>>());
            expression.split_once(": (").unwrap().1.trim_end_matches(')').replace('"', "")
        };
        assert_eq!(searched(&"a".repeat(200)), "a".repeat(10));
        assert_eq!(searched(&"aAa ".repeat(9)), "aAa");
        assert_eq!(searched(&format!("{} aaab", "a".repeat(10))), "aaaaaaaaaa");
        assert_eq!(searched(&format!("{} baaa", "a".repeat(10))), "aaaaaaaaaa AND baa");
        assert_eq!(searched("john.doe@example.com"), "john.doe@example.com");
        assert_eq!(searched(&"ö".repeat(200)), "ö".repeat(10));
    }

    #[test]
    fn a_short_word_is_a_pattern_in_both_cases_without_wildcards_of_its_own() {
        assert_eq!(patterns("a"), ["%a%"]);
        assert_eq!(patterns("%_"), [r"%\%\_%"]);
        assert_eq!(patterns("\\"), [r"%\\%"]);
        assert_eq!(patterns("Ø1"), ["%Ø1%", "%ø1%"]);
        assert_eq!(patterns("øæ").len(), 4);
    }
}
