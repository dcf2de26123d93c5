//! WebSocket frames: `tungstenite` as the client, and as a server beside ours.

use std::fs;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use switchboard::proto::websocket::{
    CloseCode, CloseFrame, Decoder, Event, Limits, Opcode, Violation, encode,
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{self, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};

const LIMITS: Limits = Limits { soft: 1 << 20, hard: 1 << 21, start: 0 };

/// Both directions of a connection, in memory.
struct Pipe {
    incoming: Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(into)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, incoming: Vec<u8>) -> WebSocket<Pipe> {
    WebSocket::from_raw_socket(Pipe { incoming: Cursor::new(incoming), outgoing: Vec::new() }, role, None)
}

/// What one of them does.
#[derive(Clone, Debug)]
enum Said {
    /// A message in so many frames, with a ping behind each.
    Text(String, Vec<Index>),
    Binary(Vec<u8>, Vec<Index>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    let breaks = || vec(any::<Index>(), 0..4);
    // Every form of a length, and each side of the bounds between them.
    let size = prop_oneof![8 => 0_usize..300, 1 => 65_530_usize..65_540];
    prop_oneof![
        ("\\PC{0,200}", breaks()).prop_map(|(text, breaks)| Said::Text(text, breaks)),
        (size, any::<u8>(), breaks())
            .prop_map(|(size, step, breaks)| Said::Binary(counted(size, step), breaks)),
        vec(any::<u8>(), 0..=125).prop_map(Said::Ping),
        vec(any::<u8>(), 0..=125).prop_map(Said::Pong),
    ]
}

fn counted(size: usize, step: u8) -> Vec<u8> {
    (0..size).map(|at| (at as u8).wrapping_mul(step)).collect()
}

/// The parts of a payload, and whether each is the last.
fn parts<'a>(payload: &'a [u8], breaks: &[Index]) -> Vec<(&'a [u8], bool)> {
    let mut ends: Vec<usize> = breaks.iter().map(|at| at.index(payload.len() + 1)).collect();
    ends.extend([0, payload.len()]);
    ends.sort_unstable();
    let last = ends.len() - 2;
    ends.windows(2).enumerate().map(|(at, pair)| (&payload[pair[0]..pair[1]], at == last)).collect()
}

/// Says it as a client of `tungstenite`, and takes note of what must be heard.
fn say(client: &mut WebSocket<Pipe>, said: &Said, expected: &mut Vec<Event>) {
    let (mut opcode, payload, breaks, event) = match said {
        Said::Text(text, breaks) => (Data::Text, text.as_bytes(), breaks, Event::Text(text.clone())),
        Said::Binary(bytes, breaks) => (Data::Binary, &**bytes, breaks, Event::Binary(bytes.clone())),
        Said::Ping(bytes) => {
            client.send(Message::Ping(bytes.clone().into())).unwrap();
            return expected.push(Event::Ping(bytes.clone().into()));
        }
        Said::Pong(bytes) => {
            client.send(Message::Pong(bytes.clone().into())).unwrap();
            return expected.push(Event::Pong(bytes.clone().into()));
        }
    };
    for (part, is_last) in parts(payload, breaks) {
        let frame = Frame::message(part.to_vec(), OpCode::Data(opcode), is_last);
        client.send(Message::Frame(frame)).unwrap();
        opcode = Data::Continue;
        if !is_last {
            client.send(Message::Ping("between".into())).unwrap();
            expected.push(Event::Ping("between".into()));
        }
    }
    expected.push(event);
}

/// All that our decoder hears.
fn heard(bytes: &[u8], piece: usize) -> (Vec<Event>, Option<Violation>) {
    let (mut decoder, mut events) = (Decoder::new(LIMITS), Vec::new());
    for mut input in bytes.chunks(piece) {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(violation) => return (events, Some(violation)),
            }
        }
    }
    (events, None)
}

/// All that a server of `tungstenite` hears, and its error, which is none where the bytes end.
fn heard_by_them(bytes: &[u8]) -> (Vec<Event>, Option<Error>) {
    let mut server = theirs(Role::Server, bytes.to_vec());
    let mut events = Vec::new();
    loop {
        events.push(match server.read() {
            Ok(Message::Text(text)) => Event::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Event::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Event::Ping(bytes.to_vec().into()),
            Ok(Message::Pong(bytes)) => Event::Pong(bytes.to_vec().into()),
            Ok(Message::Close(said)) => {
                let said = said.map(|said| CloseFrame {
                    code: CloseCode(said.code.into()),
                    reason: said.reason.as_str().to_owned(),
                });
                events.push(Event::Close(said));
                return (events, None);
            }
            Ok(Message::Frame(frame)) => panic!("{frame:?}"),
            Err(Error::Protocol(
                tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (events, None),
            Err(error) => return (events, Some(error)),
        });
    }
}

/// Rules of RFC 6455 that `tungstenite` does not hold its peers to, and where it says so later.
const STRICTER: [&str; 3] = [
    "frame length is not in its shortest form",
    "frame length has its top bit set",
    // It replaces the code by 1002 and goes on as if that had been said.
    "close code is not allowed",
];

/// Both hear the same up to where the first of them has enough, and whoever errs has a reason.
fn compare(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (ours, violation) = heard(bytes, usize::MAX);
    let (theirs, error) = heard_by_them(bytes);
    let common = ours.len().min(theirs.len());
    prop_assert_eq!(&ours[..common], &theirs[..common]);
    match (violation, error) {
        (None, None) => prop_assert_eq!(ours.len(), theirs.len()),
        // Bytes that we take and they do not.
        (None, Some(error)) => prop_assert!(false, "only they say: {error}"),
        (Some(_), Some(_)) => prop_assert!(ours.len() <= theirs.len()),
        (Some(violation), None) if STRICTER.contains(&violation.reason) => {}
        // They look at a frame when all of it is there.
        (Some(violation), None) => {
            let rest = is_cut_short(bytes);
            prop_assert!(rest, "only we say: {violation}");
        }
    }
    Ok(())
}

/// Whether the last frame, by its own word, has not come to its end.
fn is_cut_short(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let [_, second, rest @ ..] = bytes else { return true };
        let (length, rest) = match second & 0x7F {
            126 if rest.len() >= 2 => (u64::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            127 if rest.len() >= 8 => (u64::from_be_bytes(rest[..8].try_into().unwrap()), &rest[8..]),
            126 | 127 => return true,
            short => (u64::from(short), rest),
        };
        let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(4);
        match rest.get(end..) {
            Some(behind) => bytes = behind,
            None => return true,
        }
    }
    false
}

#[test]
fn every_file_of_the_corpus_is_heard_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/frames");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        compare(&bytes).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        files += 1;
    }
    assert!(files > 30, "{files} files");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_tungstenite_client_says_is_heard(
        script in vec(said(), 0..6),
        close in prop::option::of((prop::sample::select(vec![1000_u16, 1001, 1008, 1011, 3000, 4999]), "\\PC{0,30}")),
        piece in 1_usize..2_000,
    ) {
        let mut client = theirs(Role::Client, Vec::new());
        let mut expected = Vec::new();
        for said in &script {
            say(&mut client, said, &mut expected);
        }
        let said = close.map(|(code, reason)| (CloseCode(code), reason));
        let theirs = said.clone().map(|(code, reason)| frame::CloseFrame {
            code: code.0.into(),
            reason: Utf8Bytes::from(reason),
        });
        client.close(theirs).unwrap();
        expected.push(Event::Close(said.map(|(code, reason)| CloseFrame { code, reason })));

        let (events, violation) = heard(&client.get_ref().outgoing, piece);

        prop_assert_eq!(violation, None);
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn what_we_write_a_tungstenite_client_reads(script in vec(said(), 1..6), reason in "\\PC{0,60}") {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for said in &script {
            let (opcode, payload, message) = match said {
                Said::Text(text, _) => (Opcode::Text, text.as_bytes(), Message::text(text)),
                Said::Binary(own, _) => (Opcode::Binary, &**own, Message::binary(own.clone())),
                Said::Ping(own) => (Opcode::Ping, &**own, Message::Ping(own.clone().into())),
                Said::Pong(own) => (Opcode::Pong, &**own, Message::Pong(own.clone().into())),
            };
            bytes.extend_from_slice(&encode(opcode, payload));
            expected.push(message);
        }
        bytes.extend_from_slice(&CloseFrame::encode(CloseCode::GOING_AWAY, &reason));
        let mut client = theirs(Role::Client, bytes);

        for message in expected {
            prop_assert_eq!(client.read().unwrap(), message);
        }
        let Message::Close(Some(said)) = client.read().unwrap() else { panic!("no close frame") };
        prop_assert_eq!(u16::from(said.code), 1001);
        prop_assert!(reason.starts_with(said.reason.as_str()) && said.reason.len() + 4 > reason.len().min(123));
    }

    #[test]
    fn damaged_frames_are_heard_alike(
        script in vec(said(), 1..5),
        damage in vec((any::<Index>(), any::<u8>()), 0..4),
        end in any::<Index>(),
    ) {
        let mut client = theirs(Role::Client, Vec::new());
        for said in &script {
            say(&mut client, said, &mut Vec::new());
        }
        let mut bytes = client.get_ref().outgoing.clone();
        for (at, byte) in &damage {
            // Near the front, where the heads are.
            let at = at.index(bytes.len().min(60));
            bytes[at] = *byte;
        }
        bytes.truncate(1 + end.index(2 * bytes.len()));

        compare(&bytes)?;
    }
}
