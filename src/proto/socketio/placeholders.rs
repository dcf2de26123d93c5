//! What stands in a payload for an attachment: `{"_placeholder":true,"num":k}` in a binary
//! packet, `{"type":"Buffer","base64":"…"}` in plain JSON (contract D-37), and one made the other.
//!
//! All but these objects stays byte for byte. Nothing may be believed of a number here: one out
//! of range makes every JavaScript client that receives it disconnect, and one small attachment
//! named a thousand times would fill the memory (both are attacks that a client alone can mount).
//!
//! ```
//! use serde_json::value::RawValue;
//! use switchboard::proto::socketio::{Limits, from_plain, to_plain};
//!
//! let plain: &RawValue = serde_json::from_str(r#"{"image":{"type":"Buffer","base64":"AQID"}}"#)?;
//! let unpacked = from_plain(plain, &Limits::default()).unwrap();
//! assert_eq!(unpacked.data.get(), r#"{"image":{"_placeholder":true,"num":0}}"#);
//! assert_eq!(unpacked.attachments[0], [1, 2, 3].as_slice());
//! assert_eq!(to_plain(&unpacked.data, &unpacked.attachments, 100).unwrap().get(), plain.get());
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::event::unescape;
use super::packet::Limits;
use super::walk::{Found, Walk};

/// Padding is written, and not asked for.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In its quotes.
const PLACEHOLDER_KEY: &str = r#""_placeholder""#;
const BUFFER_START: &str = r#"{"type":"Buffer","base64":""#;
const BUFFER_END: &str = r#""}"#;

/// Why placeholders and attachments do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceholderError {
    /// An object has a key `_placeholder`, but is not `{"_placeholder":true,"num":…}`.
    Shape,
    /// `num` is not the number of an attachment.
    Number,
    /// A plain payload has buffers, and placeholders of its own that would pass for theirs.
    Forged,
    /// A buffer's text is not base64.
    Base64,
    /// More buffers than a packet may have attachments.
    TooMany,
    /// The bytes are over the bound.
    TooLarge,
}

impl fmt::Display for PlaceholderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shape => "placeholder is malformed",
            Self::Number => "placeholder names no attachment",
            Self::Forged => "placeholder stands beside buffers",
            Self::Base64 => "buffer is not base64",
            Self::TooMany => "too many buffers",
            Self::TooLarge => "attachments are too large",
        })
    }
}

impl Error for PlaceholderError {}

/// A plain payload, made ready for a binary packet.
#[derive(Debug)]
pub struct Unpacked<'a> {
    /// With a placeholder for each buffer, numbered in the order of the text. As it came where
    /// it held none.
    pub data: Cow<'a, RawValue>,
    pub attachments: Vec<Bytes>,
}

/// Checks that every placeholder of `text` stands for one of `attachments`. One of them may be
/// named twice or not at all.
///
/// # Errors
/// `Shape`, `Number`.
pub(super) fn check(text: &str, attachments: usize) -> Result<(), PlaceholderError> {
    Walk::over(text).try_for_each(|found| match placeholder(&found)? {
        Some((_, number)) if number >= attachments => Err(PlaceholderError::Number),
        _ => Ok(()),
    })
}

/// Puts the attachments in the place of their placeholders, as `{"type":"Buffer","base64":"…"}`.
/// Without attachments, placeholders are objects like any other.
///
/// # Errors
/// `Shape`, `Number`; `TooLarge` for a result of more than `most` bytes, before any is written.
pub fn to_plain<'a>(
    data: &'a RawValue,
    attachments: &[Bytes],
    most: usize,
) -> Result<Cow<'a, RawValue>, PlaceholderError> {
    if attachments.is_empty() {
        return Ok(Cow::Borrowed(data));
    }
    let size = plain_size(data, attachments)?;
    if size > most {
        return Err(PlaceholderError::TooLarge);
    }

    let mut splice = Splice::of(data, size);
    for place in places(data, attachments) {
        let (range, bytes) = place?;
        let plain = splice.replace(range);
        plain.push_str(BUFFER_START);
        BASE64.encode_string(bytes, plain);
        plain.push_str(BUFFER_END);
    }
    splice.finish()
}

/// Bytes of what [`to_plain`] would make.
///
/// # Errors
/// `Shape`, `Number`.
pub fn plain_size(data: &RawValue, attachments: &[Bytes]) -> Result<usize, PlaceholderError> {
    if attachments.is_empty() {
        return Ok(data.get().len());
    }
    places(data, attachments).try_fold(data.get().len(), |size, place| {
        let (range, bytes) = place?;
        Ok(size.saturating_sub(range.len()).saturating_add(buffer_size(bytes)))
    })
}

/// Where an attachment belongs, and which one.
type Place<'a> = (Range<usize>, &'a Bytes);

fn places<'a>(
    data: &'a RawValue,
    attachments: &'a [Bytes],
) -> impl Iterator<Item = Result<Place<'a>, PlaceholderError>> {
    Walk::over(data.get()).filter_map(|found| placeholder(&found).transpose()).map(|place| {
        let (range, number) = place?;
        Ok((range, attachments.get(number).ok_or(PlaceholderError::Number)?))
    })
}

/// Takes the buffers out of a plain payload. A buffer is an object of the two keys alone, neither
/// of them escaped, in any order; its base64 needs no padding.
///
/// # Errors
/// `TooMany` and `TooLarge` by `limits.attachments` and `limits.soft`, each before a buffer is
/// decoded; `Base64`; `Forged`.
pub fn from_plain<'a>(data: &'a RawValue, limits: &Limits) -> Result<Unpacked<'a>, PlaceholderError> {
    let mut splice = Splice::of(data, data.get().len());
    let mut attachments = Vec::new();
    let mut left = limits.soft.min(limits.hard);
    let mut forged = false;
    for found in Walk::over(data.get()) {
        forged |= names_placeholder(&found);
        let Some((range, base64)) = buffer(&found) else { continue };
        if attachments.len() >= limits.attachments {
            return Err(PlaceholderError::TooMany);
        }
        let bytes = decode_buffer(base64, left)?;
        left -= bytes.len();
        splice.replace(range).push_str(&format!(r#"{{"_placeholder":true,"num":{}}}"#, attachments.len()));
        attachments.push(bytes);
    }
    if forged && !attachments.is_empty() {
        return Err(PlaceholderError::Forged);
    }
    Ok(Unpacked { data: splice.finish()?, attachments })
}

/// The placeholder that was found, if it is one: where it stands and its number.
///
/// Stricter than the clients, which disagree on objects with more keys, with a key twice or with
/// another truth than `true`: what one takes for a placeholder must be one for all.
fn placeholder(found: &Found<'_>) -> Result<Option<(Range<usize>, usize)>, PlaceholderError> {
    match found {
        _ if !names_placeholder(found) => Ok(None),
        Found::Key(_) => Err(PlaceholderError::Shape),
        Found::Pair(pair) => match pair.values([PLACEHOLDER_KEY, r#""num""#]) {
            Some(["true", number]) => {
                // Neither sign nor fraction nor exponent: `parse` takes digits, and JSON no `+`.
                let number = number.parse().map_err(|_| PlaceholderError::Number)?;
                Ok(Some((pair.range.clone(), number)))
            }
            _ => Err(PlaceholderError::Shape),
        },
    }
}

/// Whether a key says `_placeholder`, however it is spelled.
fn names_placeholder(found: &Found<'_>) -> bool {
    let says = |key: &str| {
        let unescaped = || unescape(key).is_some_and(|key| key == "_placeholder");
        // Every character may be escaped by six.
        key == PLACEHOLDER_KEY
            || (key.len() <= 6 * PLACEHOLDER_KEY.len() && key.contains('\\') && unescaped())
    };
    match found {
        Found::Key(key) => says(key),
        Found::Pair(pair) => pair.entries.iter().any(|(key, _)| says(key)),
    }
}

/// The buffer that was found, if it is one: where it stands, and its base64 as a JSON string.
fn buffer<'a>(found: &Found<'a>) -> Option<(Range<usize>, &'a str)> {
    let Found::Pair(pair) = found else { return None };
    match pair.values([r#""type""#, r#""base64""#])? {
        [r#""Buffer""#, base64] if base64.starts_with('"') => Some((pair.range.clone(), base64)),
        _ => None,
    }
}

/// Decodes a JSON string of base64 to at most `most` bytes.
fn decode_buffer(quoted: &str, most: usize) -> Result<Bytes, PlaceholderError> {
    // Some writers of JSON escape every slash.
    let base64 = unescape(quoted).ok_or(PlaceholderError::Base64)?;
    let digits = base64.trim_end_matches('=').len();
    if digits / 4 * 3 + digits % 4 * 3 / 4 > most {
        return Err(PlaceholderError::TooLarge);
    }
    BASE64.decode(&*base64).map(Bytes::from).map_err(|_| PlaceholderError::Base64)
}

/// Bytes of an attachment in plain JSON.
fn buffer_size(bytes: &Bytes) -> usize {
    let base64 = base64::encoded_len(bytes.len(), true).unwrap_or(usize::MAX);
    base64.saturating_add(BUFFER_START.len() + BUFFER_END.len())
}

/// A payload in which objects are replaced from front to back.
struct Splice<'a> {
    data: &'a RawValue,
    /// Bytes of `data` that have been copied or replaced.
    done: usize,
    out: String,
    /// Bytes it will come to, or nearly; taken with the first replacement.
    size: usize,
}

impl<'a> Splice<'a> {
    fn of(data: &'a RawValue, size: usize) -> Self {
        Self { data, done: 0, out: String::new(), size }
    }

    /// Copies what stands before `range`, and leaves `range` to what the caller will push.
    fn replace(&mut self, range: Range<usize>) -> &mut String {
        if self.done == 0 {
            self.out.reserve_exact(self.size);
        }
        self.out.push_str(self.data.get().get(self.done..range.start).unwrap_or_default());
        self.done = range.end;
        &mut self.out
    }

    fn finish(mut self) -> Result<Cow<'a, RawValue>, PlaceholderError> {
        if self.done == 0 {
            return Ok(Cow::Borrowed(self.data));
        }
        self.out.push_str(self.data.get().get(self.done..).unwrap_or_default());
        // A value in the place of a value leaves JSON what it was, so this cannot fail; if it
        // did, in a hub, a panic would end the process.
        RawValue::from_string(self.out).map(Cow::Owned).map_err(|_| PlaceholderError::Shape)
    }
}
