//! Which compression is agreed on: the client's offers in, the answer's header out.
//!
//! Whatever is offered, both sides begin every message anew: the server may always promise it for
//! itself (RFC 7692, 7.1.1.1) and always ask it of the client (7.1.1.2).

use std::fmt;

use super::WindowBits;

/// The extension's name, in offers and in the answer.
const NAME: &str = "permessage-deflate";

/// What is agreed on. Displays as the value of the answer's `Sec-WebSocket-Extensions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The largest window our messages may need.
    pub window: WindowBits,
    /// The client has set a bound, so the answer must repeat it (RFC 7692, 7.1.2.1).
    is_bounded: bool,
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}; server_no_context_takeover; client_no_context_takeover")?;
        if self.is_bounded {
            write!(f, "; server_max_window_bits={}", self.window.get())?;
        }
        Ok(())
    }
}

/// The first offer that can be honoured, of all that stand in `headers`, the values of the request's
/// `Sec-WebSocket-Extensions` in their order. Whatever is malformed or impossible is passed over
/// (contract D-27); so is a whole header with a backslash, which no known parameter needs and which may
/// hide where a quote ends.
pub fn negotiate<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Agreed> {
    let headers = headers.into_iter().filter(|header| !header.contains('\\'));
    headers.flat_map(|header| split(header, ',')).find_map(accept)
}

/// Judges one offer by its name and parameters (RFC 7692, 7.1).
fn accept(offer: &str) -> Option<Agreed> {
    let mut parts = split(offer, ';');
    if parts.next() != Some(NAME) {
        return None;
    }
    let mut agreed = Agreed { window: WindowBits::MAX, is_bounded: false };
    let mut seen = [false; 4];
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
            None => (part, None),
        };
        let number = match (name, value) {
            ("server_no_context_takeover", None) => 0,
            ("client_no_context_takeover", None) => 1,
            // How much the client will use at most: any of it can be inflated.
            ("client_max_window_bits", value) => {
                value.map(window_bits).is_none_or(|bits| bits.is_some()).then_some(2)?
            }
            ("server_max_window_bits", Some(value)) => {
                agreed.window = WindowBits::new(window_bits(value)?)?;
                agreed.is_bounded = true;
                3
            }
            _ => return None,
        };
        if std::mem::replace(&mut seen[number], true) {
            return None;
        }
    }
    Some(agreed)
}

/// 8 to 15, without a leading zero (RFC 7692, 7.1.2).
fn window_bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    let is_canonical = !value.starts_with(['0', '+']);
    is_canonical.then_some(bits)
}

/// What a value means that may stand in quotes. Inside them nothing needs a backslash here.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"'),
        None => Some(value),
    }
}

/// The parts of a list, trimmed. A separator in quotes separates nothing.
fn split(list: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    list.split(move |c| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
    .map(|part| part.trim_matches([' ', '\t']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn what_is_offered_and_what_is_answered() {
        let bounded = |bits: u8| Some(format!("{BOTH}; server_max_window_bits={bits}"));
        let plain = || Some(BOTH.to_owned());
        let cases: &[(&[&str], Option<String>)] = &[
            (&["permessage-deflate"], plain()),
            // Browsers, `ws`.
            (&["permessage-deflate; client_max_window_bits"], plain()),
            (&["permessage-deflate; client_max_window_bits=8"], plain()),
            (&["permessage-deflate;client_max_window_bits = \"15\" "], plain()),
            (&["permessage-deflate; server_no_context_takeover; client_no_context_takeover"], plain()),
            // Named at all, it is repeated.
            (&["permessage-deflate; server_max_window_bits=15"], bounded(15)),
            (&["permessage-deflate; server_max_window_bits=\"9\""], bounded(9)),
            // Impossible, unless there is a second offer.
            (&["permessage-deflate; server_max_window_bits=8"], None),
            (&["permessage-deflate; server_max_window_bits=8, permessage-deflate"], plain()),
            (&["permessage-deflate; server_max_window_bits=8", "permessage-deflate"], plain()),
            (&["x-other; a=\"b, permessage-deflate; c\", permessage-deflate"], plain()),
            // Malformed.
            (&[""], None),
            (&[";;,,;"], None),
            (&["permessage-deflate;"], None),
            (&[r#"x; a="\", permessage-deflate, y=""#], None),
            (&["permessage-deflat"], None),
            (&["x-webkit-deflate-frame"], None),
            (&["permessage-deflate; unknown"], None),
            (&["permessage-deflate; server_max_window_bits"], None),
            (&["permessage-deflate; server_max_window_bits=16"], None),
            (&["permessage-deflate; server_max_window_bits=7"], None),
            (&["permessage-deflate; server_max_window_bits=010"], None),
            (&["permessage-deflate; server_max_window_bits=+9"], None),
            (&["permessage-deflate; server_max_window_bits=\"9"], None),
            (&["permessage-deflate; client_max_window_bits=16"], None),
            (&["permessage-deflate; client_max_window_bits="], None),
            (&["permessage-deflate; server_no_context_takeover=1"], None),
            (&["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
            (&["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"], None),
        ];
        for (headers, answer) in cases {
            let agreed = negotiate(headers.iter().copied()).map(|agreed| agreed.to_string());
            assert_eq!(agreed, *answer, "{headers:?}");
        }
    }

    #[test]
    fn the_window_is_what_was_asked_for() {
        for bits in 9..=15 {
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            assert_eq!(negotiate([&*offer]).map(|agreed| agreed.window.get()), Some(bits));
        }
        assert_eq!(negotiate(["permessage-deflate"]).map(|agreed| agreed.window), Some(WindowBits::MAX));
    }
}
