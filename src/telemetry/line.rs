//! One log record as one line, of text or of JSON.
//!
//! Pure: the time is an argument. Message and values pass [redact] before they are put in place,
//! not after: a cut through a finished line could break its JSON or swallow the fields behind it.
//! User text cannot begin a new line, move a terminal's cursor or add a field.
//!
//! `2026-01-02T03:04:05.678Z INFO switchboard::hub: broadcast reached 3 sockets room=general`.

use std::borrow::Cow;

use jiff::Timestamp;
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};

use super::redact::{is_secret_name, redact};

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Time, level, target, message, then `name=value`.
    Text,
    /// One object: `timestamp`, `level`, `target`, `message`, and every field by its name.
    Json,
}

/// Renders one line, without its line end.
pub(super) fn render(format: LogFormat, record: &Record<'_>, at: Timestamp) -> String {
    let mut fields = Fields(Vec::new());
    // Collecting into a list cannot fail.
    let _ = record.key_values().visit(&mut fields);
    let message = record.args().to_string();
    let message = redact(&message);
    let (level, target) = (record.level(), record.target());
    match format {
        LogFormat::Text => {
            let fields: String = fields.0.iter().map(Field::as_text).collect();
            format!("{at:.3} {level} {}: {}{fields}", escape(target), escape(&message))
        }
        LogFormat::Json => {
            let fields: String = fields.0.iter().map(Field::as_json).collect();
            let (target, message) = (json_string(target), json_string(&message));
            format!(
                r#"{{"timestamp":"{at:.3}","level":"{level}","target":{target},"message":{message}{fields}}}"#
            )
        }
    }
}

/// A key-value of the record, its secret already hidden.
struct Field {
    name: String,
    value: String,
    /// Whether it was a number or a boolean, which JSON writes without quotes.
    bare: bool,
}

struct Fields(Vec<Field>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, name: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let (name, text) = (name.as_str().to_owned(), value.to_string());
        let field = if is_secret_name(&name) {
            Field { name, value: "***".to_owned(), bare: false }
        } else {
            Field { name, value: redact(&text).into_owned(), bare: is_bare(&value) }
        };
        self.0.push(field);
        Ok(())
    }
}

fn is_bare(value: &Value<'_>) -> bool {
    value.to_bool().is_some()
        || value.to_i64().is_some()
        || value.to_u64().is_some()
        || value.to_f64().is_some_and(f64::is_finite)
}

impl Field {
    /// Returns ` name=value`, in quotes where the value could be taken for more than one field.
    fn as_text(&self) -> String {
        let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '=' | '\\');
        let name = escape(&self.name);
        if !self.value.is_empty() && self.value.chars().all(is_plain) {
            return format!(" {name}={}", escape(&self.value));
        }
        let value = self.value.replace('\\', r"\\").replace('"', r#"\""#);
        format!(r#" {name}="{}""#, escape(&value))
    }

    fn as_json(&self) -> String {
        let name = json_string(&self.name);
        if self.bare {
            format!(",{name}:{}", self.value)
        } else {
            format!(",{name}:{}", json_string(&self.value))
        }
    }
}

/// Writes what would end a line, or change how a terminal shows it, as `\n` or `\u{1b}`.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let write = |mut out: String, c: char| {
        if is_unsafe(c) {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
        out
    };
    Cow::Owned(text.chars().fold(String::with_capacity(text.len()), write))
}

fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    // A `str` is always a JSON string.
    for c in serde_json::to_string(text).unwrap_or_default().chars() {
        if is_unsafe(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

/// Control characters, line separators, and the marks that reverse the reading direction. All of
/// them have four hexadecimal digits.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;
    use log::kv::ToValue;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn line(format: LogFormat, message: &str, fields: &[(&str, Value<'_>)]) -> String {
        let message = format_args!("{message}");
        render(
            format,
            &Record::builder().level(Level::Info).target("hub").args(message).key_values(&fields).build(),
            AT,
        )
    }

    #[test]
    fn text_shows_time_level_target_message_and_fields() {
        let fields = [("room", "general".to_value()), ("reached", 3.to_value())];
        let line = line(LogFormat::Text, "broadcast", &fields);

        assert_eq!(line, "1970-01-01T00:00:00.000Z INFO hub: broadcast room=general reached=3");
    }

    #[test]
    fn json_keeps_numbers_and_booleans_and_quotes_the_rest() {
        let fields = [("room", "7".to_value()), ("reached", 3.to_value()), ("late", true.to_value())];
        let line = line(LogFormat::Json, "said \"hi\"", &fields);

        let start = r#"{"timestamp":"1970-01-01T00:00:00.000Z","level":"INFO","target":"hub","#;
        let rest = r#""message":"said \"hi\"","room":"7","reached":3,"late":true}"#;
        assert_eq!(line, format!("{start}{rest}"));
    }

    #[test]
    fn a_number_that_json_does_not_know_is_quoted() {
        let line = line(LogFormat::Json, "", &[("ratio", f64::NAN.to_value())]);

        assert!(line.ends_with(r#""ratio":"NaN"}"#), "{line}");
    }

    #[test]
    fn user_text_cannot_forge_a_line_a_field_or_a_terminal_sequence() {
        let hostile = "a\r\n1970 ERROR \u{1b}[2J \u{85} \u{2028} \u{202e} admin=true";
        let fields = [("name", hostile.to_value()), ("note", "x\" admin=\"true".to_value())];
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = line(format, hostile, &fields);
            assert!(!line.contains(is_unsafe), "{line:?}");
        }
        let text = line(LogFormat::Text, "", &fields);
        assert!(text.contains(r#" name="a\r\n1970 ERROR \u{1b}[2J "#), "{text}");
        assert!(text.ends_with(r#" note="x\" admin=\"true""#), "{text}");
    }

    #[test]
    fn hostile_text_leaves_the_json_whole() {
        let hostile = "x\"}\n{\"a\u{0}\u{1b}\u{2028}\\";
        let line = line(LogFormat::Json, hostile, &[("name", hostile.to_value())]);

        let read: serde_json::Value = serde_json::from_str(&line).expect("one JSON value");
        assert_eq!((read["message"].as_str(), read["name"].as_str()), (Some(hostile), Some(hostile)));
    }

    #[test]
    fn secrets_are_hidden_in_messages_values_and_by_field_name() {
        let fields = [
            ("path", "/ws?token=hunter2".to_value()),
            ("reconnectToken", "hunter2".to_value()),
            ("auth", 12345.to_value()),
        ];
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = line(format, "authorization: Bearer hunter2", &fields);
            assert!(!line.contains("hunter2") && !line.contains("12345"), "{line}");
            assert!(line.contains("/ws?token=***"), "{line}");
            assert!(
                format == LogFormat::Text || serde_json::from_str::<serde_json::Value>(&line).is_ok(),
                "{line}"
            );
        }
    }
}
