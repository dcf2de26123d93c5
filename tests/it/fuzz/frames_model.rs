//! The same as the decoder does, told as simply as it can be: the whole input lies there, each
//! message is put together anew for every question, and nothing is saved.

use switchboard::proto::websocket::{CloseCode, CloseFrame, Event, Limits, Skipped};

use crate::support::deflate;

/// What is heard, and the code of the violation it ends in: any of those, where a message is wrong
/// in two ways and how it is cut into steps says which is found first.
#[derive(Debug, Default)]
pub struct Told {
    pub events: Vec<Event>,
    pub codes: Vec<CloseCode>,
    /// It ends within a compressed message, or because of one.
    pub is_inflating: bool,
}

/// A frame's head that is no violation by itself.
pub struct Head {
    pub fin: bool,
    pub reserved: u8,
    pub opcode: u8,
    pub length: u64,
    pub key: [u8; 4],
    /// Bytes of the head.
    pub size: usize,
}

impl Head {
    /// `None` where more is needed; an error as soon as the bytes there are cannot become a head.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, CloseCode> {
        let [first, second, ..] = *bytes else { return Ok(None) };
        let (fin, opcode, short) = (first >= 0x80, first & 0x0F, second & 0x7F);
        let known = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA].contains(&opcode);
        let control = opcode >= 8;
        if !known || second < 0x80 || (control && (!fin || short > 125)) {
            return Err(CloseCode::PROTOCOL_ERROR);
        }
        let digits = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(extended) = bytes.get(2..2 + digits) else { return Ok(None) };
        let length = match digits {
            0 => u64::from(short),
            _ => extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        let shortest = match length {
            0..126 => 0,
            126..65_536 => 2,
            _ => 8,
        };
        if digits != shortest || length > i64::MAX as u64 {
            return Err(CloseCode::PROTOCOL_ERROR);
        }
        let Some(key) = bytes.get(2 + digits..6 + digits) else { return Ok(None) };
        let key = key.try_into().expect("four bytes");
        Ok(Some(Self { fin, reserved: first >> 4 & 7, opcode, length, key, size: 6 + digits }))
    }
}

/// A message in fragments.
#[derive(Default)]
struct Open {
    is_text: bool,
    is_deflated: bool,
    bytes: Vec<u8>,
    announced: u64,
    charged: u64,
}

/// All that `input` says to who takes compressed messages, if `inflates`.
pub fn told(input: &[u8], limits: Limits, inflates: bool) -> Told {
    let mut told = Told::default();
    told.codes = tell(input, limits, inflates, &mut told).err().unwrap_or_default();
    told
}

fn tell(mut input: &[u8], limits: Limits, inflates: bool, told: &mut Told) -> Result<(), Vec<CloseCode>> {
    let mut open: Option<Open> = None;
    while let Some(head) = Head::read(input).map_err(|code| [code])? {
        let is_deflated = inflates && head.reserved == 4 && matches!(head.opcode, 1 | 2);
        if head.reserved != 0 && !is_deflated {
            return Err(vec![CloseCode::PROTOCOL_ERROR]);
        }
        let came = input.len() - head.size;
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        let payload: Vec<u8> = input[head.size..]
            .iter()
            .take(length)
            .zip(head.key.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        let is_whole = came >= length;
        input = &input[head.size + payload.len()..];

        if head.opcode >= 8 {
            if is_whole && control(head.opcode, payload, &mut told.events).map_err(|code| [code])? {
                return Ok(());
            }
            if !is_whole {
                return Ok(());
            }
            continue;
        }
        let mut message = match (head.opcode, open.take()) {
            (0, Some(message)) => message,
            (0, None) | (_, Some(_)) => return Err(vec![CloseCode::PROTOCOL_ERROR]),
            (opcode, None) => {
                told.is_inflating = is_deflated;
                Open { is_text: opcode == 1, is_deflated, ..Open::default() }
            }
        };
        message.announced += head.length;
        message.charged += head.length.max(1);
        // Where nothing is to be kept, nobody looks whether it is compressed.
        let is_looked_into = message.is_deflated && limits.soft.min(limits.hard) > 0;
        let overhead = if is_looked_into { limits.hard as u64 / 16 + 1024 } else { 0 };
        if message.charged > limits.hard as u64 + overhead {
            return Err(vec![CloseCode::TOO_BIG]);
        }
        message.bytes.extend(payload);
        let ends = head.fin && is_whole;
        if message.is_text && !message.is_deflated && !is_utf8(&message.bytes, ends) {
            return Err(vec![CloseCode::INVALID_PAYLOAD]);
        }
        match ends {
            true if message.is_deflated => {
                let event = message.inflated(limits)?;
                told.is_inflating = false;
                told.events.push(event);
            }
            true => told.events.push(message.event(limits)),
            false => open = Some(message),
        }
        if !is_whole {
            return Ok(());
        }
    }
    Ok(())
}

/// Hears a control frame; true if it was the last.
fn control(opcode: u8, payload: Vec<u8>, events: &mut Vec<Event>) -> Result<bool, CloseCode> {
    events.push(match (opcode, payload.as_slice()) {
        (9, _) => Event::Ping(payload.into()),
        (10, _) => Event::Pong(payload.into()),
        (_, []) => Event::Close(None),
        (_, [_]) => return Err(CloseCode::PROTOCOL_ERROR),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from(*high) * 256 + u16::from(*low);
            let reserved = [1004, 1005, 1006].contains(&code) || (1015..3000).contains(&code);
            if reserved || !(1000..5000).contains(&code) {
                return Err(CloseCode::PROTOCOL_ERROR);
            }
            let reason = String::from_utf8(reason.to_vec()).map_err(|_| CloseCode::INVALID_PAYLOAD)?;
            Event::Close(Some(CloseFrame { code: CloseCode(code), reason }))
        }
    });
    Ok(opcode == 8)
}

/// Whether text is right so far, or as a whole if it ends here.
fn is_utf8(bytes: &[u8], ends: bool) -> bool {
    match str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => !ends && error.error_len().is_none(),
    }
}

impl Open {
    /// What a compressed message stands for, by another inflater.
    fn inflated(mut self, limits: Limits) -> Result<Event, Vec<CloseCode>> {
        if limits.soft.min(limits.hard) == 0 {
            // Nothing is to be kept, so nothing is made.
            return Ok(Event::TooLarge { size: self.bytes.len(), skipped: Skipped::Binary });
        }
        let message = deflate::inflated(&self.bytes, limits.hard);
        let mut wrong = Vec::new();
        if !message.is_whole || (self.is_text && !is_utf8(&message.bytes, message.is_whole)) {
            wrong.push(CloseCode::INVALID_PAYLOAD);
        }
        if message.bytes.len() > limits.hard {
            wrong.push(CloseCode::TOO_BIG);
        }
        self.bytes = message.bytes;
        if wrong.is_empty() { Ok(self.event(limits)) } else { Err(wrong) }
    }

    fn event(mut self, limits: Limits) -> Event {
        let size = self.bytes.len();
        if size <= limits.soft.min(limits.hard) {
            return match self.is_text {
                true => Event::Text(String::from_utf8(self.bytes).expect("checked")),
                false => Event::Binary(self.bytes),
            };
        }
        self.bytes.truncate(limits.start);
        let skipped = if self.is_text { Skipped::Text(self.bytes) } else { Skipped::Binary };
        Event::TooLarge { size, skipped }
    }
}
