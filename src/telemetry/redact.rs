//! Text without its secrets.
//!
//! Pure, one pass, no regular expressions. The input is hostile: whatever a client sends may end
//! in a log message. Where the end of a secret is in doubt, more is hidden rather than less.
//!
//! `redact("GET /ws?token=abc&room=7")` is `GET /ws?token=***&room=7`.

use std::borrow::Cow;

const HIDDEN: &str = "***";

/// Names whose value is a secret, lower-case.
const NAMES: &[&str] = &["key", "auth", "jwt"];

/// Endings of such names, lower-case: `reconnectToken`, `x-auth-token`, `set-cookie`, and of the
/// environment `TENANT_KEYS`, `JWT_SECRET_KEY`.
const ENDINGS: &[&str] = &[
    "token",
    "secret",
    "password",
    "authorization",
    "cookie",
    "tenant_key",
    "tenant-key",
    "tenantkey",
    "tenant_keys",
    "tenant-keys",
    "tenantkeys",
    "admin_key",
    "admin-key",
    "adminkey",
    "api_key",
    "api-key",
    "apikey",
    "secret_key",
    "secret-key",
];

/// Returns whether a field or parameter of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    is_secret(name.as_bytes())
}

/// Replaces the values of secrets by `***`: query parameters, header lines, JSON members and
/// debug prints with a secret's name, what follows `Bearer`, and whatever looks like a JWT.
///
/// Text without secrets is returned as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let (mut out, mut kept) = (String::new(), 0);
    while let Some((start, end)) = scan.next_secret() {
        // Both ends stand at ASCII bytes, so the slices are whole characters.
        out.push_str(text.get(kept..start).unwrap_or_default());
        out.push_str(HIDDEN);
        kept = end;
    }
    match kept {
        0 => Cow::Borrowed(text),
        _ => Cow::Owned(out + text.get(kept..).unwrap_or_default()),
    }
}

/// A place in the text. It only moves forward, so the whole scan is linear.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A quote with the backslashes before it: `"` in JSON, `\"` in JSON printed within JSON.
#[derive(Clone, Copy)]
struct Quote {
    mark: u8,
    depth: usize,
}

impl Scan<'_> {
    /// Moves behind the next secret and returns where it stands.
    fn next_secret(&mut self) -> Option<(usize, usize)> {
        while self.at < self.bytes.len() {
            let start = self.at;
            self.skip_while(is_name_byte);
            let (bytes, end) = (self.bytes, self.at);
            let name = bytes.get(start..end).unwrap_or_default();
            let secret = match name {
                [] => {
                    self.at += 1;
                    None
                }
                [b'e', b'y', b'J', ..] if self.peek() == Some(b'.') => {
                    self.skip_while(|byte| is_name_byte(byte) || byte == b'.');
                    Some((start, self.at))
                }
                _ if name.eq_ignore_ascii_case(b"bearer") => self.after_bearer(),
                _ if is_secret(name) => self.after_name(name),
                _ => None,
            };
            if secret.is_some_and(|(start, end)| start < end) {
                return secret;
            }
        }
        None
    }

    /// Finds the value behind a secret's name: `=value`, `: value`, `": "value"`.
    fn after_name(&mut self, name: &[u8]) -> Option<(usize, usize)> {
        let is_header = name.starts_with(b"x-")
            || name.starts_with(b"X-")
            || ends_with(name, "authorization")
            || ends_with(name, "cookie");
        let back = self.at;
        let closes_name = self.quote();
        self.skip_while(is_space);
        let assigns = self.peek();
        if !matches!(assigns, Some(b'=' | b':')) {
            self.at = back;
            return None;
        }
        self.at += 1;
        self.skip_while(is_space);
        // The debug print of an `Option<String>`.
        if self.rest().starts_with(b"Some(") {
            self.at += 5;
        }
        if let Some(quote) = self.quote() {
            return Some(self.quoted(quote));
        }
        match (assigns, closes_name) {
            (Some(b'='), _) => Some(self.word(ends_parameter)),
            (_, Some(_)) => self.member(),
            (_, None) if is_header => Some(self.word(ends_line)),
            // `unknown key: PORT` is prose.
            _ => None,
        }
    }

    /// Finds the value of an unquoted JSON member. An object or a list is looked into.
    fn member(&mut self) -> Option<(usize, usize)> {
        let is_plain = |word: &&[u8]| {
            let follows = self.rest().get(word.len()).copied();
            self.rest().starts_with(word) && follows.is_none_or(ends_member)
        };
        let opens = matches!(self.peek(), Some(b'{' | b'['));
        if opens || [b"null".as_slice(), b"true", b"false"].iter().any(is_plain) {
            return None;
        }
        Some(self.word(ends_member))
    }

    fn after_bearer(&mut self) -> Option<(usize, usize)> {
        let end_of_name = self.at;
        self.skip_while(is_space);
        (self.at > end_of_name).then(|| self.word(ends_parameter))
    }

    /// Takes a word. One that announces another, such as `Bearer` or `cookie:`, takes it along.
    fn word(&mut self, ends: fn(u8) -> bool) -> (usize, usize) {
        let start = self.at;
        loop {
            let word = self.at;
            self.skip_while(|byte| !ends(byte));
            let (bytes, end) = (self.bytes, self.at);
            let announces = bytes.get(word..end).is_some_and(announces);
            self.skip_while(is_space);
            if !announces || self.peek().is_none_or(ends) {
                self.at = end;
                return (start, end);
            }
        }
    }

    /// Takes everything up to the quote that closes, or to the end of the line: JSON and debug
    /// prints write line ends as `\n`, so a quote that is still open was never one of theirs.
    fn quoted(&mut self, open: Quote) -> (usize, usize) {
        let start = self.at;
        let mut backslashes = 0;
        while let Some(byte) = self.peek().filter(|byte| !ends_line(*byte)) {
            // Within a quote of depth n, every backslash is written 2(n + 1) times.
            let closes = byte == open.mark && backslashes % (2 * (open.depth + 1)) == open.depth;
            if closes {
                let end = self.at - open.depth;
                self.at += 1;
                return (start, end);
            }
            backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
            self.at += 1;
        }
        (start, self.at)
    }

    /// Takes a quote with its backslashes, if one is next.
    fn quote(&mut self) -> Option<Quote> {
        let depth = self.rest().iter().take_while(|byte| **byte == b'\\').count();
        let mark = self.rest().get(depth).copied().filter(|byte| matches!(byte, b'"' | b'\''))?;
        self.at += depth + 1;
        Some(Quote { mark, depth })
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| belongs(**byte)).count();
    }
}

fn is_secret(name: &[u8]) -> bool {
    NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes()))
        || ENDINGS.iter().any(|ending| ends_with(name, ending))
}

fn ends_with(name: &[u8], ending: &str) -> bool {
    let tail = name.len().checked_sub(ending.len()).and_then(|start| name.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending.as_bytes()))
}

fn announces(word: &[u8]) -> bool {
    let is_scheme = word.eq_ignore_ascii_case(b"bearer") || word.eq_ignore_ascii_case(b"basic");
    is_scheme || word.ends_with(b":") || word.ends_with(b"=")
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Every other character may be part of a token that a client made up.
fn ends_parameter(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'&' | b'"' | b'#' | b'<' | b'>')
}

fn ends_member(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'}' | b']')
}
