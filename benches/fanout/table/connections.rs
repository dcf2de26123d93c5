//! The table of memory: one row per kind of connection and number of them.

use std::fmt::Write;

use super::{name, thousands};
use crate::connections::{Connections, Kind};
use crate::goals::{Goal, Score};
use crate::greeting::{Dialect, Stage};
use crate::polling::Extent;

const KB: f64 = 1024.0;

pub fn connections(all: &[Connections]) -> String {
    let mut text = format!(
        "\n{:<26} {:>5} {:>9}  {:<13} {:>25}\n",
        "per connection", "count", "VmRSS KB", "target", "handshakes per CPU second"
    );
    for measured in all {
        let target = goal(measured.kind);
        let target = target.map_or_else(String::new, |goal| goal.verdict(measured.memory / KB));
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
        Kind::Socket(dialect, Stage::Joined(_)) => format!("{}, joined", name(dialect)),
        Kind::Polling(Extent::Parked) => "polling, a GET waits".into(),
        Kind::Polling(Extent::Between) => "polling, between two GETs".into(),
        Kind::Polling(Extent::SessionOnly) => "polling, session alone".into(),
        Kind::Polling(Extent::ConnectionOnly) => "HTTP connection alone".into(),
    }
}

pub fn scores(all: &[Connections]) -> Vec<Score> {
    let score = |measured: &Connections| {
        let which = format!("{} connections", measured.count);
        Some(Score::new(goal(measured.kind)?, which, measured.memory / KB))
    };
    all.iter().filter_map(score).collect()
}

fn goal(kind: Kind) -> Option<Goal> {
    match kind {
        Kind::Socket(Dialect::Plain, Stage::Connected) => Some(Goal::IdlePlain),
        Kind::Socket(Dialect::SocketIo, Stage::Connected) => Some(Goal::IdleSocketIo),
        Kind::Polling(Extent::Parked) => Some(Goal::IdlePolling),
        _ => None,
    }
}
