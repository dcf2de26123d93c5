//! The list: bytes, the events they make, the violation they end in.

use bytes::Bytes;
use switchboard::proto::websocket::{CloseCode, CloseFrame, Event};

use super::{BINARY, CLOSE, CONTINUATION, FIN, LIMITS, PING, PONG, TEXT};
use super::{feed, frame, header, long_bytes, long_text, ping};

struct Case {
    name: String,
    bytes: Vec<u8>,
    events: Vec<Event>,
    refused: Option<CloseCode>,
}

fn fine(name: &str, frames: &[Vec<u8>], events: impl Into<Vec<Event>>) -> Case {
    Case { name: name.to_owned(), bytes: frames.concat(), events: events.into(), refused: None }
}

fn refused(code: CloseCode, name: &str, frames: &[Vec<u8>]) -> Case {
    Case { refused: Some(code), ..fine(name, frames, []) }
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn closed(code: u16, reason: &str) -> Event {
    Event::Close(Some(CloseFrame { code: CloseCode(code), reason: reason.to_owned() }))
}

#[rustfmt::skip] // A row is a line.
fn messages() -> Vec<Case> {
    let x = "x".repeat(300);
    vec![
        fine("empty text", &[frame(FIN | TEXT, b"")], [text("")]),
        fine("empty bytes", &[frame(FIN | BINARY, b"")], [Event::Binary(vec![])]),
        fine("bytes", &[frame(FIN | BINARY, &[0, 255, 7])], [Event::Binary(vec![0, 255, 7])]),
        fine("7-bit length", &[frame(FIN | TEXT, &x.as_bytes()[..125])], [text(&x[..125])]),
        fine("16-bit length", &[frame(FIN | TEXT, &x.as_bytes()[..126])], [text(&x[..126])]),
        fine("64-bit length", &[frame(FIN | TEXT, &[b'x'; 65_536])], [long_text(65_536, b"xxxxx")]),
        fine("a key of zeros", &[vec![0x81, 0x82, 0, 0, 0, 0, b'h', b'i']], [text("hi")]),
        fine("all of soft", &[frame(FIN | TEXT, x.as_bytes())], [text(&x)]),
        fine("all of hard", &[frame(FIN | BINARY, &[0; 70_000])], [long_bytes(70_000)]),
        fine("fragments that split characters",
            &[frame(TEXT, b"\xf0\x9f"), frame(0, b"\x98"), frame(0, b""), frame(FIN, b"\x80\xc3\xa9")],
            [text("\u{1f600}é")]),
        fine("empty fragments around one byte",
            &[frame(BINARY, b""), frame(0, b"1"), frame(FIN | CONTINUATION, b"")],
            [Event::Binary(b"1".to_vec())]),
        fine("control frames between fragments",
            &[frame(TEXT, b"a"), frame(FIN | PING, b"p"), frame(0, b"b"), frame(FIN | PONG, b""), frame(FIN, b"c")],
            [ping("p"), Event::Pong(Bytes::new()), text("abc")]),
        fine("a long ping", &[frame(FIN | PING, &[b'p'; 125])], [Event::Ping(vec![b'p'; 125].into())]),
    ]
}

#[rustfmt::skip]
fn over_soft() -> Vec<Case> {
    // A text of 300 bytes and these.
    let long = |start: &[u8]| [start, &[b'x'; 300]].concat();
    vec![
        fine("bytes over by one, then a message as if nothing had been",
            &[frame(FIN | BINARY, &[0; 301]), frame(FIN | TEXT, b"next")],
            [long_bytes(301), text("next")]),
        fine("text over by one, then a message as if nothing had been",
            &[frame(FIN | TEXT, &long(b"4")), frame(FIN | TEXT, b"next")],
            [long_text(301, b"4xxxx"), text("next")]),
        fine("two texts, each with its own start",
            &[frame(FIN | TEXT, &long(b"first")), frame(FIN | TEXT, &long(b"other"))],
            [long_text(305, b"first"), long_text(305, b"other")]),
        fine("text in the first of three fragments",
            &[frame(TEXT, &long(b"abc")), frame(0, b"def"), frame(FIN | PING, b"?"), frame(FIN, b"ghi")],
            [ping("?"), long_text(309, b"abcxx")]),
        fine("text in the second fragment",
            &[frame(TEXT, &[b'x'; 299]), frame(FIN | PING, b"?"), frame(FIN, "é".as_bytes())],
            [ping("?"), long_text(301, b"xxxxx")]),
        fine("text in the third fragment, with the start in all of them",
            &[frame(TEXT, b"ab"), frame(0, b"cd"), frame(FIN, &long(b"e"))],
            [long_text(305, b"abcde")]),
        fine("text in the third fragment, with the start in the first",
            &[frame(TEXT, b"abcdefg"), frame(0, b""), frame(0, &long(b"hi")), frame(FIN, b"")],
            [long_text(309, b"abcde")]),
        fine("bytes in the third fragment",
            &[frame(BINARY, b"ab"), frame(0, b"cd"), frame(FIN, &long(b"e"))],
            [long_bytes(305)]),
        fine("inside a character",
            &[frame(TEXT, &[&[b'x'; 299], b"\xc3".as_slice()].concat()), frame(FIN, b"\xa9")],
            [long_text(301, b"xxxxx")]),
        fine("inside a character of the start",
            &[frame(TEXT, b"a\xe2\x82"), frame(FIN, &long(b"\xac"))],
            [long_text(304, "a€x".as_bytes())]),
        fine("the start ends with a character", &[frame(FIN | TEXT, &long("ab€".as_bytes()))],
            [long_text(305, "ab€".as_bytes())]),
        // A shorter character behind the one that was cut does not slip in.
        fine("the start ends inside a character", &[frame(FIN | TEXT, &long("abcd€e".as_bytes()))],
            [long_text(308, b"abcd\xe2")]),
        fine("the start ends inside a character of two fragments",
            &[frame(TEXT, b"abc\xf0\x9f\x98"), frame(FIN, &long(b"\x80"))],
            [long_text(307, b"abc\xf0\x9f")]),
    ]
}

#[rustfmt::skip]
fn closes() -> Vec<Case> {
    let mut cases = vec![
        fine("close without a word", &[frame(FIN | CLOSE, b"")], [Event::Close(None)]),
        fine("close with a reason", &[frame(FIN | CLOSE, b"\x03\xe8bye \xc3\xa9")], [closed(1000, "bye é")]),
        fine("close inside a message", &[frame(TEXT, b"a"), frame(FIN | CLOSE, b"\x03\xe9")], [closed(1001, "")]),
        refused(CloseCode::PROTOCOL_ERROR, "close of one byte", &[frame(FIN | CLOSE, b"\x03")]),
        refused(CloseCode::INVALID_PAYLOAD, "close reason in Latin-1", &[frame(FIN | CLOSE, b"\x03\xe8\xe9")]),
    ];
    for code in [1000, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999_u16] {
        let frames = [frame(FIN | CLOSE, &code.to_be_bytes())];
        cases.push(fine(&format!("close {code}"), &frames, [closed(code, "")]));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535_u16] {
        let frames = [frame(FIN | CLOSE, &code.to_be_bytes())];
        cases.push(refused(CloseCode::PROTOCOL_ERROR, &format!("close {code}"), &frames));
    }
    cases
}

#[rustfmt::skip]
fn broken_framing() -> Vec<Case> {
    let broken = |name: &str, frames: &[Vec<u8>]| refused(CloseCode::PROTOCOL_ERROR, name, frames);
    let mut cases = vec![
        broken("not masked", &[vec![0x81, 0x02, b'h', b'i']]),
        broken("RSV1 without an extension", &[frame(FIN | 0x40 | TEXT, b"x")]),
        broken("RSV2", &[frame(FIN | 0x20 | TEXT, b"x")]),
        broken("RSV3 on a ping", &[frame(FIN | 0x10 | PING, b"x")]),
        broken("ping in fragments", &[frame(PING, b"x")]),
        broken("ping of 126 bytes", &[frame(FIN | PING, &[0; 126])]),
        broken("close of 65536 bytes", &[frame(FIN | CLOSE, &[0; 65_536])]),
        broken("continuation of nothing", &[frame(FIN | CONTINUATION, b"x")]),
        broken("continuation of nothing, to be continued", &[frame(CONTINUATION, b"x")]),
        broken("text inside a message", &[frame(TEXT, b"x"), frame(FIN | TEXT, b"x")]),
        broken("bytes inside a message", &[frame(BINARY, b"x"), frame(BINARY, b"x")]),
        broken("125 in 16 bits", &[vec![0x82, 0xFE, 0, 125, 1, 2, 3, 4]]),
        broken("65535 in 64 bits", &[vec![0x82, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]]),
        broken("length with its top bit", &[header(FIN | BINARY, 1 << 63)]),
    ];
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        cases.push(broken(&format!("opcode {opcode}"), &[frame(FIN | opcode, b"x")]));
    }
    let behind = broken("continuation after the end", &[frame(FIN | TEXT, b"fine"), frame(FIN, b"x")]);
    cases.push(Case { events: vec![text("fine")], ..behind });
    cases
}

#[rustfmt::skip]
fn over_hard() -> Vec<Case> {
    let too_big = |name: &str, frames: &[Vec<u8>]| refused(CloseCode::TOO_BIG, name, frames);
    vec![
        too_big("one byte more, announced", &[header(FIN | BINARY, 70_001)]),
        too_big("the most that can be announced", &[header(BINARY, (1 << 63) - 1)]),
        too_big("one byte more, in sum", &[frame(BINARY, &[0; 69_999]), header(FIN, 2)]),
        too_big("an empty fragment more", &[frame(BINARY, &[0; 70_000]), frame(FIN, b"")]),
    ]
}

#[rustfmt::skip]
fn broken_text() -> Vec<Case> {
    let broken = |name: &str, frames: &[Vec<u8>]| refused(CloseCode::INVALID_PAYLOAD, name, frames);
    let skipped = |end: &[u8]| frame(FIN | TEXT, &[&[b'x'; 400], end].concat());
    vec![
        broken("no UTF-8 byte", &[frame(FIN | TEXT, b"a\xff")]),
        broken("overlong", &[frame(FIN | TEXT, b"\xc0\x80")]),
        broken("surrogate", &[frame(FIN | TEXT, b"\xed\xa0\x80")]),
        broken("beyond Unicode", &[frame(FIN | TEXT, b"\xf4\x90\x80\x80")]),
        broken("a continuation first", &[frame(FIN | TEXT, b"\x80")]),
        broken("cut off at the end", &[frame(FIN | TEXT, b"ab\xe2\x82")]),
        broken("cut off at the end of fragments", &[frame(TEXT, b"ab\xe2"), frame(FIN, b"\x82")]),
        broken("cut off by an empty end", &[frame(TEXT, b"\xc3"), frame(FIN, b"")]),
        broken("wrong in the second fragment", &[frame(TEXT, b"\xc3"), frame(FIN, b"\x28")]),
        broken("wrong where it is skipped", &[skipped(b"\xff")]),
        broken("cut off where it is skipped", &[skipped(b"\xc3")]),
        broken("wrong in the start of what is skipped",
            &[frame(FIN | TEXT, &[b"ab\xff".as_slice(), &[b'x'; 400]].concat())]),
        broken("wrong where the start of what is skipped ends",
            &[frame(FIN | TEXT, &[b"abcd\xc3(".as_slice(), &[b'x'; 400]].concat())]),
        broken("wrong in a fragment that is skipped",
            &[frame(TEXT, b"ab"), frame(0, &[b'x'; 400]), frame(FIN, b"\xff")]),
    ]
}

#[test]
fn every_case_reads_the_same_whole_byte_by_byte_and_with_trailing_data() {
    let lists = [messages(), over_soft(), closes(), broken_framing(), over_hard(), broken_text()];
    for case in lists.into_iter().flatten() {
        let ends = case.refused.is_some() || matches!(case.events.last(), Some(Event::Close(_)));
        let behind = if ends { vec![] } else { vec![ping("behind")] };
        let trailing = [case.bytes.clone(), frame(FIN | PING, b"behind")].concat();

        let whole = feed(LIMITS, [case.bytes.as_slice()]);
        let single = feed(LIMITS, case.bytes.chunks(1));
        let followed = feed(LIMITS, [trailing.as_slice()]);

        assert_eq!(whole.events, case.events, "{}", case.name);
        assert_eq!(whole.code(), case.refused, "{}", case.name);
        assert_eq!(single, whole, "{}, byte by byte", case.name);
        assert_eq!(followed.violation, whole.violation, "{}, trailing data", case.name);
        assert_eq!(followed.events, [case.events, behind].concat(), "{}, trailing data", case.name);
    }
}
