//! The table of memory: one row per kind of connection and number of them.

use std::fmt::Write;

use super::{name, thousands, verdict};
use crate::connections::{Connections, Kind};
use crate::greeting::{Dialect, Stage};
use crate::polling::Extent;

const KB: f64 = 1024.0;
/// Bytes per connection, at most.
const PLAIN_TARGET: f64 = 10.0 * KB;
const SOCKET_IO_TARGET: f64 = 12.0 * KB;
const POLLING_TARGET: f64 = 16.0 * KB;

pub fn connections(all: &[Connections]) -> String {
    let mut text = format!(
        "\n{:<26} {:>5} {:>9}  {:<13} {:>25}\n",
        "per connection", "count", "VmRSS KB", "target", "handshakes per CPU second"
    );
    for measured in all {
        let target = target(measured.kind).map_or_else(String::new, |most| {
            format!("<= {} {}", most / KB, verdict(measured.memory <= most))
        });
        let (kilobytes, handshakes) = (measured.memory / KB, thousands(measured.handshakes_per_cpu_second));
        let (label, count) = (label(measured.kind), measured.count);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{label:<26} {count:>5} {kilobytes:>9.2}  {target:<13} {handshakes:>25}");
    }
    text + "VmRSS: growth of the server's resident memory per connection, 1 KB = 1024 B. A handshake is all that is\n\
            asked until then: the join of one that joined, the four requests of a polling session.\n"
}

fn label(kind: Kind) -> String {
    match kind {
        Kind::Socket(dialect, Stage::Connected) => format!("{}, idle", name(dialect)),
        Kind::Socket(dialect, Stage::Joined) => format!("{}, joined", name(dialect)),
        Kind::Polling(Extent::Parked) => "polling, a GET waits".into(),
        Kind::Polling(Extent::Between) => "polling, between two GETs".into(),
        Kind::Polling(Extent::SessionOnly) => "polling, session alone".into(),
        Kind::Polling(Extent::ConnectionOnly) => "HTTP connection alone".into(),
    }
}

fn target(kind: Kind) -> Option<f64> {
    match kind {
        Kind::Socket(Dialect::Plain, Stage::Connected) => Some(PLAIN_TARGET),
        Kind::Socket(Dialect::SocketIo, Stage::Connected) => Some(SOCKET_IO_TARGET),
        Kind::Polling(Extent::Parked) => Some(POLLING_TARGET),
        _ => None,
    }
}
