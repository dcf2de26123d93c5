//! Raw JSON text that is passed on as received, and the bound on how deep it may nest.
//!
//! Payloads are never parsed into a tree and printed again: that would reorder keys and change
//! numbers (contract D-38). What is passed on is the text, checked for syntax and depth.

use serde_json::value::RawValue;

/// Deepest nesting of arrays and objects a payload may have (contract D-39).
pub const MAX_DEPTH: usize = 128;

/// Whether `text`, which must be syntactically valid JSON, nests deeper than [`MAX_DEPTH`].
///
/// One pass and no recursion, so that ten thousand brackets cost ten thousand steps and no stack.
pub fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// `value` as raw JSON text. The values printed here are our own and always serialisable.
pub fn raw<T: serde::Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("our own payload structs serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(&nested(MAX_DEPTH)));
        assert!(is_too_deep(&nested(MAX_DEPTH + 1)));
        assert!(!is_too_deep(&format!("\"{}\"", "[".repeat(10_000))));
        assert!(!is_too_deep(&format!("\"\\\"{}\"", "{".repeat(10_000))));
        assert!(is_too_deep(&format!("[\"\\\\\",{}]", nested(200))));
    }

    #[test]
    fn siblings_do_not_add_up() {
        assert!(!is_too_deep(&format!("[{}1]", "[],".repeat(10_000))));
    }
}
