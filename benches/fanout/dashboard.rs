//! The JSON a contact centre's dashboard is sent: queues with names, counts, times and shares.
//!
//! Every number makes another text of the same length, so nothing that one broadcast cost can be kept for the next,
//! and a broadcast that arrives twice or under another's number is found.

use std::fmt::Write;

/// Bytes of each text.
pub const SIZE: usize = 4096;
/// The fields around the queues, the tail included.
const HEAD: &str = r#"{"metricType":"queues","metrics":{"broadcast":"#;
const TAIL: &str = r#""}}"#;
const NAMES: [&str; 12] = [
    "billing",
    "sales",
    "returns",
    "support",
    "claims",
    "renewals",
    "onboarding",
    "logistics",
    "press",
    "legal",
    "payments",
    "outage",
];
const REGIONS: [&str; 5] = ["emea", "apac", "north-america", "latam", "dach"];
const STATES: [&str; 4] = ["within_target", "at_risk", "breached", "closed"];

/// The `data` of `metric_update` number `broadcast`, the text of a JSON object.
pub fn text(broadcast: u64) -> String {
    let mut draw = Draw(broadcast.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut text = format!("{HEAD}{broadcast},\"queues\":[");
    let mut separator = "";
    loop {
        let row = queue(&mut draw);
        let trace = format!("],\"trace\":\"{TAIL}");
        if text.len() + separator.len() + row.len() + trace.len() > SIZE {
            text.push_str("],\"trace\":\"");
            break;
        }
        text.push_str(separator);
        text.push_str(&row);
        separator = ",";
    }
    // What is left is shorter than a row; hexadecimal digits compress like the ids that such texts end in.
    while text.len() + TAIL.len() < SIZE {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:x}", draw.below(16));
    }
    text + TAIL
}

fn queue(draw: &mut Draw) -> String {
    let (name, region) = (draw.of(&NAMES), draw.of(&REGIONS));
    format!(
        "{{\"queueId\":\"q-{:05}\",\"name\":\"{name}-{region}\",\"state\":\"{}\",\"waiting\":{},\"longestWaitSeconds\":{},\
         \"serviceLevel\":0.{:04},\"averageHandleSeconds\":{}.{:02},\"abandoned\":{},\
         \"agents\":{{\"available\":{},\"talking\":{},\"wrapUp\":{}}},\"updatedAt\":\"2026-11-20T{:02}:{:02}:{:02}.{:03}Z\"}}",
        draw.below(100_000),
        draw.of(&STATES),
        draw.below(80),
        draw.below(900),
        draw.below(10_000),
        60 + draw.below(540),
        draw.below(100),
        draw.below(40),
        draw.below(30),
        draw.below(60),
        draw.below(15),
        draw.below(24),
        draw.below(60),
        draw.below(60),
        draw.below(1000),
    )
}

/// Numbers that differ from text to text and are the same in every run (xorshift).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len() as u64) as usize]
    }
}
