//! One change to an input. Places are told as parts of the whole, so that any change fits any input,
//! and zero is the front: what fails shrinks towards few changes near the beginning.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::select;

/// What a target knows of its own inputs.
pub struct Grammar {
    /// What the protocol gives a meaning to.
    pub tokens: &'static [&'static [u8]],
    /// The input, unit by unit: frames, packets, items. They may leave out bytes that are no unit.
    pub units: fn(&[u8]) -> Vec<Unit>,
    /// A unit with another body, so that lengths stay true and a change reaches what is behind them.
    pub rebuild: fn(head: &[u8], body: &[u8]) -> Vec<u8>,
}

/// A part of an input that stands for itself.
#[derive(Clone, Debug)]
pub struct Unit {
    pub whole: Range<usize>,
    /// What stands behind its head, to the end of the unit.
    pub body: Range<usize>,
}

/// No input grows beyond this: what is found in it can still be read by a person.
pub const LONGEST: usize = 4_096;

/// Where a protocol's own bounds are not, those of machines: of signs, bytes and words.
#[rustfmt::skip] // Read in rows.
const NUMBERS: &[&[u8]] = &[
    b"0", b"1", b"9", b"10", b"11", b"-1", b"00000000000000000000001", b"2147483648", b"9007199254740993",
    b"18446744073709551615", b"18446744073709551616", b"1e999", b"0.5",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// One bit.
    Flip,
    /// One byte, a little up or down.
    Nudge,
    /// One byte.
    Set,
    /// A token more.
    Insert,
    /// A token in the place of what was there.
    Overwrite,
    /// Some bytes less.
    Remove,
    /// Some bytes several times.
    Repeat,
    /// Some bytes once more, elsewhere.
    Copy,
    /// Another number where one stands in digits: the next, the one before, or one of machines.
    Number,
    /// Nothing behind here.
    Truncate,
    /// A unit less.
    DropUnit,
    /// A unit several times.
    RepeatUnit,
    /// A unit elsewhere.
    MoveUnit,
    /// A unit of another input.
    Splice,
    /// A token more inside a unit, whose length stays true.
    Grow,
    /// A unit's body cut short, its length still true.
    Shorten,
    /// A unit in two, each with its head.
    Split,
}

#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    kind: Kind,
    at: u16,
    more: u16,
    third: u16,
}

/// Some changes, and of which seed.
pub fn mutations() -> impl Strategy<Value = (u16, Vec<Mutation>)> {
    use Kind::*;
    let kinds = vec![
        Flip, Nudge, Set, Insert, Insert, Overwrite, Remove, Repeat, Copy, Number, Truncate, DropUnit,
        RepeatUnit, MoveUnit, Splice, Splice, Grow, Grow, Shorten, Split,
    ];
    let mutation = (select(kinds), any::<u16>(), any::<u16>(), any::<u16>())
        .prop_map(|(kind, at, more, third)| Mutation { kind, at, more, third });
    // Mostly few: a short text that is changed in five places is refused for the first of them.
    let count = prop_oneof![4 => Just(1..2), 2 => Just(2..4), 1 => Just(4..9_usize)];
    (any::<u16>(), count.prop_flat_map(move |count| prop::collection::vec(mutation.clone(), count)))
}

/// A place from 0 to `most`.
pub fn place(part: u16, most: usize) -> usize {
    (usize::from(part) * (most + 1)) >> 16
}

/// One of `all`, which must not be empty.
fn pick<T>(part: u16, all: &[T]) -> &T {
    &all[place(part, all.len() - 1)]
}

impl Mutation {
    /// The input with this change; `other` is where splices come from.
    pub fn apply(self, input: &mut Vec<u8>, other: &[u8], grammar: &Grammar) {
        let Self { kind, at: part, more, third } = self;
        let at = place(part, input.len());
        match kind {
            Kind::Flip | Kind::Nudge | Kind::Set => {
                let Some(byte) = input.get_mut(at) else { return };
                *byte = match kind {
                    Kind::Flip => *byte ^ (1 << place(more, 7)),
                    Kind::Nudge => byte.wrapping_add_signed(place(more, 8) as i8 - 4),
                    _ => place(more, 255) as u8,
                };
            }
            Kind::Insert => _ = input.splice(at..at, token(more, grammar)),
            Kind::Overwrite => {
                let token = token(more, grammar);
                let end = input.len().min(at + token.len());
                input.splice(at..end, token);
            }
            Kind::Remove => _ = input.drain(at..at + place(more, input.len() - at)),
            Kind::Repeat => {
                let some = input[at..at + place(more, (input.len() - at).min(64))].to_vec();
                input.splice(at..at, some.repeat(1 << place(third, 6)));
            }
            Kind::Copy => {
                let some = input[at..at + place(more, input.len() - at)].to_vec();
                let to = place(third, input.len());
                input.splice(to..to, some);
            }
            Kind::Number => {
                let runs = digits(input);
                if !runs.is_empty() {
                    let run = pick(part, &runs).clone();
                    let number =
                        str::from_utf8(&input[run.clone()]).ok().and_then(|run| run.parse::<u64>().ok());
                    let number = match (number, place(third, 3)) {
                        (Some(number), 0) => number.saturating_add(1).to_string().into_bytes(),
                        (Some(number), 1) => number.saturating_sub(1).to_string().into_bytes(),
                        _ => pick(more, NUMBERS).to_vec(),
                    };
                    input.splice(run, number);
                }
            }
            Kind::Truncate => input.truncate(at),
            Kind::Splice => {
                let units = (grammar.units)(other);
                let whole = if units.is_empty() { 0..other.len() } else { pick(more, &units).whole.clone() };
                let to = boundary(part, input, grammar);
                input.splice(to..to, other[whole].iter().copied());
            }
            _ => self.change_unit(input, grammar),
        }
        input.truncate(LONGEST);
    }

    fn change_unit(self, input: &mut Vec<u8>, grammar: &Grammar) {
        let units = (grammar.units)(input);
        if units.is_empty() {
            return;
        }
        let Unit { whole, body } = pick(self.at, &units).clone();
        let head = &input[whole.start..body.start];
        let mut content = input[body.clone()].to_vec();
        let at = place(self.more, content.len());
        let changed = match self.kind {
            Kind::DropUnit => Vec::new(),
            Kind::RepeatUnit => input[whole.clone()].repeat(1 << place(self.more, 5)),
            Kind::MoveUnit => {
                let moved: Vec<u8> = input.drain(whole).collect();
                let to = boundary(self.more, input, grammar);
                input.splice(to..to, moved);
                return;
            }
            Kind::Grow => {
                content.splice(at..at, token(self.third, grammar));
                (grammar.rebuild)(head, &content)
            }
            Kind::Shorten => {
                content.truncate(at);
                (grammar.rebuild)(head, &content)
            }
            _ => {
                let (left, right) = content.split_at(at);
                [(grammar.rebuild)(head, left), (grammar.rebuild)(head, right)].concat()
            }
        };
        input.splice(whole, changed);
    }
}

fn token(part: u16, grammar: &Grammar) -> impl ExactSizeIterator<Item = u8> + use<> {
    pick(part, grammar.tokens).iter().copied()
}

/// A place between two units, or the end.
fn boundary(part: u16, input: &[u8], grammar: &Grammar) -> usize {
    let mut starts: Vec<usize> = (grammar.units)(input).iter().map(|unit| unit.whole.start).collect();
    starts.push(input.len());
    *pick(part, &starts)
}

/// Where digits stand together.
fn digits(input: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in input.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// The units of a text in which `separator` stands between two. The separator belongs to the unit
/// before it; a body is the whole unit without it.
pub fn between(input: &[u8], separator: u8) -> Vec<Unit> {
    let mut start = 0;
    input
        .split_inclusive(|byte| *byte == separator)
        .map(|part| {
            let whole = start..start + part.len();
            start = whole.end;
            Unit { body: whole.clone(), whole }
        })
        .collect()
}

/// A unit that says nothing of its length.
pub fn joined(head: &[u8], body: &[u8]) -> Vec<u8> {
    [head, body].concat()
}
