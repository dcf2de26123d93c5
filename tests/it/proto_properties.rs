//! What the WebSocket codec promises for all input: one list of cases fed in three ways, one
//! named test per attack, and properties over streams that proptest makes up.
//!
//! Here stands what the three share: a client's frames written without the codec's help, and
//! `feed`, which checks at every step what must hold for any input at all.

mod deflate_attacks;
mod websocket_attacks;
mod websocket_cases;
mod websocket_deflate;
mod websocket_streams;

use bytes::Bytes;
use proptest::sample::Index;
use switchboard::proto::websocket::{CloseCode, Decoder, Event, Limits, Skipped, Violation};

use crate::support::frames::*;

const LIMITS: Limits = Limits { soft: 300, hard: 70_000, start: 5 };

/// A control frame may wait half-read beside a message.
pub(crate) const CONTROL_MAX: usize = 125;

fn ping(payload: &'static str) -> Event {
    Event::Ping(Bytes::from(payload))
}

fn long_text(size: usize, start: &[u8]) -> Event {
    Event::TooLarge { size, skipped: Skipped::Text(start.to_vec()) }
}

fn long_bytes(size: usize) -> Event {
    Event::TooLarge { size, skipped: Skipped::Binary }
}

/// Everything a decoder said, and how it ended.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub events: Vec<Event>,
    pub violation: Option<Violation>,
}

impl Heard {
    pub fn code(&self) -> Option<CloseCode> {
        self.violation.map(|violation| violation.code)
    }
}

/// What a decoder without compression hears of the pieces.
pub(crate) fn feed<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let most = limits.soft.min(limits.hard).max(limits.start) + CONTROL_MAX;
    feed_into(Decoder::new(limits), most, pieces)
}

/// Feeds the pieces in turn, and checks at every step what must hold for all input: each call
/// takes bytes or gives an event, "need more" leaves nothing, no more than `most` bytes are held.
pub(crate) fn feed_into<'a>(
    mut decoder: Decoder,
    most: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Heard {
    let mut heard = Heard::default();
    let mut finished = false;
    for mut input in pieces {
        loop {
            let before = input.len();
            let outcome = decoder.decode(&mut input);

            let buffered = decoder.buffered();
            assert!(buffered <= most, "holds {buffered}");
            match outcome {
                Ok(None) => {
                    assert!(input.is_empty(), "more is wanted, but {} are left", input.len());
                    break;
                }
                _ if finished => panic!("speaks after its end: {outcome:?}"),
                Ok(Some(event)) => {
                    assert!(input.len() < before, "an event out of nothing");
                    finished = matches!(event, Event::Close(_));
                    heard.events.push(event);
                }
                Err(violation) => {
                    finished = true;
                    heard.violation = Some(violation);
                }
            }
            if finished {
                assert_eq!((input.len(), buffered), (0, 0), "the end leaves nothing behind");
            }
        }
    }
    heard
}

fn cut<'a>(bytes: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = at.iter().map(|index| index.index(bytes.len() + 1)).collect();
    ends.extend([0, bytes.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}
