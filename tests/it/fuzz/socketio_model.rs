//! Socket.IO as the models tell it: by trees, without a byte kept between two questions.

use bytes::Bytes;
use switchboard::proto::socketio::{Limits, RESERVED};

use super::engineio::base64_told;
use super::json::{NoTree, Node, Tree, said, tree};

/// A packet: kind, namespace, id, attachments, payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'a> {
    pub kind: u8,
    pub namespace: &'a str,
    pub id: Option<u64>,
    pub attachments: usize,
    pub data: Option<&'a str>,
}

/// Why there is no packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    Kind,
    Count,
    TooMany,
    Namespace,
    Id,
    Json,
    Shape,
    Placeholder,
    /// Too deep for a tree: nothing is said of it.
    Unjudged,
}

/// What stands in front of the id, and what follows.
pub fn head_told<'a>(text: &'a str, limits: &Limits) -> Result<(Told<'a>, &'a str), Refused> {
    let kind = text.bytes().next().filter(|kind| (b'0'..=b'6').contains(kind)).ok_or(Refused::Kind)? - b'0';
    let mut rest = &text[1..];
    let mut attachments = 0;
    if kind >= 5 {
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        if end == 0 || rest.as_bytes().get(end) != Some(&b'-') {
            return Err(Refused::Count);
        }
        let digits = rest[..end].trim_start_matches('0');
        if digits.len() > 3 {
            return Err(Refused::TooMany);
        }
        attachments = digits.bytes().fold(0, |count, digit| count * 10 + usize::from(digit - b'0'));
        if attachments > limits.attachments {
            return Err(Refused::TooMany);
        }
        rest = &rest[end + 1..];
    }
    let mut namespace = "/";
    if rest.as_bytes().first() == Some(&b'/') {
        let end = rest.find(',').unwrap_or(rest.len());
        namespace = &rest[..end];
        rest = &rest[rest.len().min(end + 1)..];
    }
    if namespace.len() > limits.namespace || namespace.bytes().any(|byte| byte < 0x20 || byte == 0x7F) {
        return Err(Refused::Namespace);
    }
    Ok((Told { kind, namespace, id: None, attachments, data: None }, rest))
}

/// One text.
pub fn packet_told<'a>(text: &'a str, limits: &Limits) -> Result<Told<'a>, Refused> {
    let (head, rest) = head_told(text, limits)?;
    let end = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, json) = rest.split_at(end);
    let id = match digits {
        "" => None,
        digits => Some(digits.parse().map_err(|_| Refused::Id)?),
    };
    let mut told = Told { id, ..head };
    if json.is_empty() {
        return match told.kind {
            0..=3 => Ok(told),
            _ => Err(Refused::Shape),
        };
    }
    let tree = match tree(json) {
        Ok(tree) => tree,
        Err(NoTree::NotJson) => return Err(Refused::Json),
        Err(NoTree::Deep) => return Err(Refused::Unjudged),
    };
    let first = json.as_bytes()[tree.range.start];
    let fits = match told.kind {
        0 => first == b'{',
        1 => false,
        4 => first == b'{' || first == b'"',
        2 | 5 => event_told(json, &tree).is_some(),
        _ => first == b'[',
    };
    if !fits {
        return Err(Refused::Shape);
    }
    if told.kind >= 5 && placeholders_told(json, &tree, told.attachments).is_none() {
        return Err(Refused::Placeholder);
    }
    told.data = Some(&json[tree.range]);
    Ok(told)
}

/// The name of an event and its arguments; `None` where it is no event.
pub fn event_told<'a>(json: &'a str, tree: &Tree) -> Option<(String, Vec<&'a str>)> {
    let Node::Array(items) = &tree.node else { return None };
    let mut items = items.iter().map(|item| &json[item.range.clone()]);
    let first = items.next()?;
    let name = match first.as_bytes()[0] {
        b'"' => said(first)?,
        b'-' | b'0'..=b'9' => first.to_owned(),
        _ => return None,
    };
    (!RESERVED.contains(&&*name)).then(|| (name, items.collect()))
}

/// A part of the text that stands for an attachment, and which one.
type Place = (std::ops::Range<usize>, usize);

/// The placeholders in order; `None` where an object only looks like one.
pub fn placeholders_told(json: &str, tree: &Tree, attachments: usize) -> Option<Vec<Place>> {
    let mut places = Some(Vec::new());
    tree.objects(&mut |object, entries| {
        if !entries.iter().any(|(key, _)| said(&json[key.clone()]).as_deref() == Some("_placeholder")) {
            return;
        }
        let value = |name: &str| {
            let found = entries.iter().find(|(key, _)| &json[key.clone()] == name);
            found.map(|(_, value)| &json[value.range.clone()])
        };
        let number = match (value("\"_placeholder\""), value("\"num\"")) {
            (Some("true"), Some(number)) if entries.len() == 2 => number.parse().ok(),
            _ => None,
        };
        match number.filter(|number| *number < attachments) {
            Some(number) => places.as_mut().map(|places| places.push((object.range.clone(), number))),
            None => places.take().map(drop),
        };
    });
    places
}

/// A payload without its buffers, by [`switchboard::proto::socketio::from_plain`]; `None` where it
/// is refused.
pub fn unpacked_told(json: &str, tree: &Tree, limits: &Limits) -> Option<(String, Vec<Vec<u8>>)> {
    let mut places = Vec::new();
    let mut buffers = Vec::new();
    let (mut forged, mut refused) = (false, false);
    let mut left = limits.soft.min(limits.hard);
    tree.objects(&mut |object, entries| {
        forged |= entries.iter().any(|(key, _)| said(&json[key.clone()]).as_deref() == Some("_placeholder"));
        let value = |name: &str| {
            let found = entries.iter().find(|(key, _)| &json[key.clone()] == name);
            found.map(|(_, value)| &json[value.range.clone()])
        };
        let (Some("\"Buffer\""), Some(base64), 2) = (value("\"type\""), value("\"base64\""), entries.len())
        else {
            return;
        };
        if !base64.starts_with('"') {
            return;
        }
        let bytes = said(base64).and_then(|base64| base64_told(&base64, false));
        match bytes.filter(|bytes| bytes.len() <= left) {
            Some(bytes) => {
                left -= bytes.len();
                places.push((
                    object.range.clone(),
                    format!("{{\"_placeholder\":true,\"num\":{}}}", buffers.len()),
                ));
                buffers.push(bytes);
            }
            None => refused = true,
        }
    });
    let is_bad = refused || buffers.len() > limits.attachments || (forged && !buffers.is_empty());
    (!is_bad).then(|| (spliced(json, places), buffers))
}

/// The text with other text in some places, which are in order.
pub fn spliced(json: &str, places: Vec<(std::ops::Range<usize>, String)>) -> String {
    let mut text = json.to_owned();
    for (range, new) in places.into_iter().rev() {
        text.replace_range(range, &new);
    }
    text
}

/// What comes of messages one after the other.
#[derive(Debug, Default)]
pub struct Pending {
    pub left: usize,
    pub size: usize,
    pub dropped: bool,
    pub attachments: Vec<Bytes>,
}

impl Pending {
    /// A header came.
    pub fn begin(&mut self, attachments: usize, size: usize, dropped: bool) -> &'static str {
        *self = Self { left: attachments, size, dropped, attachments: Vec::new() };
        self.word()
    }

    /// An attachment came.
    pub fn attach(&mut self, bytes: &Bytes, limits: &Limits) -> &'static str {
        if self.left == 0 {
            return self.refuse("without header");
        }
        self.left -= 1;
        self.size += bytes.len();
        self.attachments.push(bytes.clone());
        if self.size > limits.hard {
            return self.refuse("too large");
        }
        self.dropped |= self.size > limits.soft;
        self.word()
    }

    pub fn refuse(&mut self, why: &'static str) -> &'static str {
        *self = Self::default();
        why
    }

    fn word(&self) -> &'static str {
        match (self.left, self.dropped) {
            (1.., _) => "awaiting",
            (0, true) => "reported",
            (0, false) => "whole",
        }
    }
}
