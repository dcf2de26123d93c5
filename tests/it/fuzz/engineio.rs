//! Engine.IO: one packet, the body of a push, and our own frames on their way into a poll.

use bytes::Bytes;
use proptest::prelude::*;
use switchboard::proto::engineio::{
    Bare, POLL_PACKETS_MAX, Packet, PacketError, Payload, PollBody, SEPARATOR, poll_packets,
};

use super::driver::{Outcome, Target, Trace};
use super::mutation::{Grammar, Unit, between, joined};
use crate::support::heap::taken;

pub const PACKETS: Target = Target {
    name: "engineio-packets",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, SEPARATOR), rebuild: joined },
    check: packet,
};

pub const PAYLOADS: Target = Target {
    name: "engineio-payloads",
    grammar: Grammar { tokens: TOKENS, units: |input| between(input, SEPARATOR), rebuild: joined },
    check: payload,
};

/// What an outbox holds: server frames, back to back.
pub const POLLS: Target = Target {
    name: "engineio-polls",
    grammar: Grammar { tokens: FRAMES, units: server_frames, rebuild: server_frame },
    check: poll,
};

#[rustfmt::skip] // Read in rows.
const TOKENS: &[&[u8]] = &[
    b"\x1e", b"\x1e\x1e", b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"b", b"probe", b"2probe",
    b"3probe", b"40", b"\x1e40", b"\x1e3", b"bAQ==", b"bAQI=", b"bAQID", b"bAR==", b"=", b"==", b"===",
    b"A", b"+/+/", b"-_-_", b"\n", b" ", b"\0", b"\xc3\xa9", b"\xc3", b"\xff", b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80", b"451-[\"e\",{\"_placeholder\":true,\"num\":0}]", b"\x81\x02",
];

#[rustfmt::skip] // Read in rows.
const FRAMES: &[&[u8]] = &[
    b"\x81\x00", b"\x81\x0240", b"\x82\x01\xff", b"\x82\x00", b"\x89\x00", b"\x8a\x01?",
    b"\x88\x02\x03\xe9", b"\xc1\x01\x00", b"\x01\x01x", b"\x80\x01x", b"\x81\x81\0\0\0\0x",
    b"\x81\x7e\x00\x01x", b"\x7e", b"\x7f", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x81\x7e\xff\xff", b"\x81\x7f\0\0\0\0\0\0\0\x01x", b"\x1e",
    b"4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

fn packet(input: &[u8], trace: &mut Trace) -> Outcome {
    let Ok(text) = str::from_utf8(input) else { return Ok(()) };
    let (packet, taken) = taken(|| Packet::from_text(text));
    // Room for base64 is reckoned in whole groups.
    prop_assert!(taken.total <= text.len() + 4, "{} bytes taken for {}", taken.total, text.len());
    prop_assert_eq!(&packet, &packet_told(input));
    note(&packet, trace);
    if let Ok(packet) = &packet {
        let written = packet.to_string();
        prop_assert_eq!(Packet::from_text(&written), Ok(packet.clone()), "{}", written);
    }
    prop_assert_eq!(Packet::from_binary(input), Packet::Binary(input.into()));
    Ok(())
}

fn payload(body: &[u8], trace: &mut Trace) -> Outcome {
    let (read, taken) = taken(|| Payload::new(body).collect::<Vec<_>>());
    // The list doubles while it grows.
    let list = 3 * size_of_val(&*read) + 256;
    prop_assert!(
        taken.total <= body.len() + 4 * read.len() + 2 * list,
        "{} bytes taken for {}",
        taken.total,
        body.len()
    );

    let mut told: Vec<_> = body.split(|byte| *byte == SEPARATOR).map(packet_told).collect();
    let end = told.iter().position(Result::is_err).map_or(told.len(), |bad| bad + 1);
    told.truncate(end);
    prop_assert_eq!(&read, &told);
    trace.note_size("packets", read.len());
    read.iter().for_each(|packet| note(packet, trace));

    // Left off anywhere, and taken up again.
    let mut resumed = Vec::new();
    let mut rest = Some(body);
    while let Some(body) = rest {
        prop_assert!(resumed.len() <= body.len() + read.len(), "no end");
        let mut payload = Payload::new(body);
        resumed.extend(payload.next());
        rest = payload.rest();
    }
    prop_assert_eq!(&resumed, &read);

    let good: Vec<&Packet<'_>> = read.iter().flatten().collect();
    if !good.is_empty() {
        let written: Vec<String> = good.iter().map(ToString::to_string).collect();
        let body = written.join("\u{1e}");
        let again: Result<Vec<_>, _> = Payload::new(body.as_bytes()).collect();
        prop_assert_eq!(again.as_ref().map(|again| again.iter().collect::<Vec<_>>()), Ok(good));
    }
    Ok(())
}

fn poll(entry: &[u8], trace: &mut Trace) -> Outcome {
    let bare: Vec<Bare<'_>> = poll_packets(entry).collect();
    prop_assert_eq!(&bare, &bare_told(entry));

    let mut written: Vec<Vec<u8>> = Vec::new();
    for packet in &bare {
        let mut bytes = vec![b'?'];
        packet.append_to(&mut bytes);
        prop_assert_eq!(bytes.len(), 1 + packet.size());
        if let Bare::Binary(payload) = packet {
            let text = String::from_utf8(bytes[1..].to_vec()).unwrap();
            prop_assert_eq!(Packet::from_text(&text), Ok(Packet::Binary((*payload).into())));
        }
        trace.note_size(if matches!(packet, Bare::Text(_)) { "text" } else { "bytes" }, packet.size());
        written.push(bytes.split_off(1));
    }

    let (small, entry) = (Bytes::from_static(b"\x81\x014"), Bytes::copy_from_slice(entry));
    for max_bytes in [0, 10, 100, 100_000] {
        let mut alone = PollBody::new(max_bytes);
        let (took, taken) = taken(|| alone.try_push_entry(&entry));
        prop_assert!(took, "an empty body takes any entry");
        prop_assert!(taken.peak <= 2 * entry.len() + 64, "{} bytes held", taken.peak);
        prop_assert_eq!(alone.packets(), bare.len());
        prop_assert_eq!(alone.finish(), written.join(&SEPARATOR));

        let mut second = PollBody::new(max_bytes);
        prop_assert!(second.try_push_entry(&small));
        let size: usize = 1 + written.iter().map(|packet| 1 + packet.len()).sum::<usize>();
        let fits = bare.len() < POLL_PACKETS_MAX && size <= max_bytes;
        // Nothing to add always fits, but for a bound that is overrun already.
        prop_assert_eq!(second.try_push_entry(&entry), fits, "{} bytes of {}", size, max_bytes);
        prop_assert_eq!(second.packets(), if fits { 1 + bare.len() } else { 1 });
        trace.note(fits);
    }
    Ok(())
}

fn note(packet: &Result<Packet<'_>, PacketError>, trace: &mut Trace) {
    match packet {
        Ok(Packet::Ping(text) | Packet::Pong(text) | Packet::Message(text)) => {
            trace.note_size("text", text.len());
        }
        Ok(Packet::Binary(bytes)) => trace.note_size("bytes", bytes.len()),
        Ok(other) => trace.note(other.to_string()),
        Err(error) => trace.note(*error as u8),
    }
}

/// One packet by its first byte.
fn packet_told(bytes: &[u8]) -> Result<Packet<'_>, PacketError> {
    let text = str::from_utf8(bytes).map_err(|_| PacketError::NotUtf8)?;
    let data = || &text[1..];
    Ok(match bytes.first().ok_or(PacketError::Empty)? {
        b'0' => Packet::Open,
        b'1' => Packet::Close,
        b'2' => Packet::Ping(data()),
        b'3' => Packet::Pong(data()),
        b'4' => Packet::Message(data()),
        b'5' => Packet::Upgrade,
        b'6' => Packet::Noop,
        b'b' => Packet::Binary(base64_told(data(), true).ok_or(PacketError::NotBase64)?.into()),
        _ => return Err(PacketError::UnknownType),
    })
}

/// Base64 bit by bit. Padding may be short but not long; `loose` allows unused bits that are set.
pub fn base64_told(text: &str, loose: bool) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    if body.len() % 4 == 1 || padding > (4 - body.len() % 4) % 4 {
        return None;
    }
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in body.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (loose || bits == 0).then_some(bytes)
}

/// The texts and bytes of whole frames, up to what is no frame of ours.
fn bare_told(entry: &[u8]) -> Vec<Bare<'_>> {
    let mut told = Vec::new();
    for unit in server_frames(entry) {
        let payload = &entry[unit.body.clone()];
        match entry[unit.whole.start] {
            0x81 => told.push(Bare::Text(payload)),
            0x82 => told.push(Bare::Binary(payload)),
            0x88..=0x8A => {}
            _ => break,
        }
    }
    told
}

fn server_frames(entry: &[u8]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    loop {
        let start = units.last().map_or(0, |unit| unit.whole.end);
        let digits = match entry.get(start + 1) {
            None | Some(128..) => return units,
            Some(126) => 2,
            Some(127) => 8,
            Some(_) => 0,
        };
        let body = start + 2 + digits;
        let Some(extended) = entry.get(start + 2..body) else { return units };
        let length = match digits {
            0 => u64::from(entry[start + 1]),
            _ => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        if length > (entry.len() - body) as u64 {
            return units;
        }
        let end = body + length as usize;
        units.push(Unit { whole: start..end, body: body..end });
    }
}

fn server_frame(head: &[u8], body: &[u8]) -> Vec<u8> {
    let length = body.len() as u16;
    match length {
        0..126 => [&[head[0], length as u8], body].concat(),
        _ => [&[head[0], 126, (length >> 8) as u8, length as u8], body].concat(),
    }
}
