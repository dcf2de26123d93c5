//! `Sec-WebSocket-Extensions`: what a client offers, one header a line.

use proptest::prelude::*;
use switchboard::proto::websocket::negotiate;

use super::driver::{Outcome, Target, Trace};
use super::mutation::{Grammar, between, joined};
use crate::support::heap::taken;

pub const TARGET: Target = Target {
    name: "extensions",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, b';'), rebuild: joined },
    check,
};

#[rustfmt::skip] // Read in rows.
const TOKENS: &[&[u8]] = &[
    b"permessage-deflate", b"; ", b";", b", ", b",", b"=", b"\"", b" ", b"\t", b"\n",
    b"server_no_context_takeover", b"client_no_context_takeover", b"server_max_window_bits",
    b"client_max_window_bits", b"; server_max_window_bits=9", b"; client_max_window_bits=\"15\"", b"=8",
    b"=9", b"=15", b"=16", b"=07", b"=+9", b"=\"10\"", b"x-webkit-deflate-frame",
    b"permessage-bzip2; a=\"b, c\"", b", permessage-deflate",
    b"\npermessage-deflate; client_max_window_bits",
];

const BOTH: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn check(input: &[u8], trace: &mut Trace) -> Outcome {
    // A header that is no text is not shown to it, and a line is where a header ends.
    let Ok(text) = str::from_utf8(input) else { return Ok(()) };
    let (agreed, taken) = taken(|| negotiate(text.split('\n')));
    prop_assert_eq!(taken.total, 0, "nothing need be kept of {} bytes", text.len());
    let answer = agreed.map(|agreed| agreed.to_string());
    trace.note(&answer);
    trace.note_size("headers", text.split('\n').count());
    if let Some(agreed) = agreed {
        prop_assert!(text.contains("permessage-deflate"), "it was not offered");
        // The same offer once more, or any other behind it, changes nothing.
        let again = negotiate(text.split('\n').chain(["permessage-deflate"]));
        prop_assert_eq!(again, Some(agreed));
    }
    if text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b' '..=b'~') && byte != b'\\') {
        prop_assert_eq!(answer, text.split('\n').flat_map(offers).find_map(|offer| answered(&offer)));
    }
    Ok(())
}

/// The offers of one header, each as its parts; what stands in quotes is one part of one offer.
fn offers(header: &str) -> Vec<Vec<String>> {
    let mut offers = vec![vec![String::new()]];
    let mut is_quoted = false;
    for char in header.chars() {
        let offer = offers.last_mut().expect("one at least");
        match char {
            ',' if !is_quoted => offers.push(vec![String::new()]),
            ';' if !is_quoted => offer.push(String::new()),
            char => {
                is_quoted ^= char == '"';
                offer.last_mut().expect("one at least").push(char);
            }
        }
    }
    offers
}

/// The answer to one offer, if it is one that can be honoured.
fn answered(offer: &[String]) -> Option<String> {
    let mut parts = offer.iter().map(|part| part.trim());
    if parts.next()? != "permessage-deflate" {
        return None;
    }
    let mut window = None;
    let mut names = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (part, None),
        };
        let bits = value.map(|value| {
            let quoted = |bits: &u8| value == format!("\"{bits}\"");
            (8..=15).find(|bits: &u8| value == bits.to_string() || quoted(bits))
        });
        match (name, bits) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            ("client_max_window_bits", None | Some(Some(_))) => {}
            ("server_max_window_bits", Some(Some(bits @ 9..))) => window = Some(bits),
            _ => return None,
        }
        names.push(name);
    }
    names.sort();
    let is_repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
    let bound = window.map_or(String::new(), |bits| format!("; server_max_window_bits={bits}"));
    (!is_repeated).then(|| format!("{BOTH}{bound}"))
}
