//! What the project has promised, and whether this run kept it.
//!
//! A missed goal is a word in a table, never an exit code, because a noisy neighbour can miss it too.

use Sense::{AtLeast, AtMost};

/// What is promised a figure for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    Plain,
    SocketIo,
    Large,
    AtOnce,
    IdlePlain,
    IdleSocketIo,
    IdlePolling,
    Growth,
    Mixed,
    Posts,
    Scale,
    Churn,
    Memory,
    Counters,
}

#[derive(Clone, Copy)]
enum Sense {
    AtMost,
    AtLeast,
}

/// Figures of memory are in KB of 1024 B.
const GOALS: [(Goal, &str, Sense, f64, &str); 14] = [
    (Goal::Plain, "CPU per delivered 64 B event, 1,000 plain clients / floor", AtMost, 1.2, "x"),
    (Goal::SocketIo, "the same, Socket.IO clients on WebSockets", AtMost, 1.25, "x"),
    (Goal::Large, "the same, 5,000 clients", AtMost, 1.3, "x"),
    (Goal::AtOnce, "eight 64 B events at once to 1,000 clients / one at a time", AtMost, 0.25, "x"),
    (Goal::IdlePlain, "idle memory of a connection, plain", AtMost, 6.0, " KB"),
    (Goal::IdleSocketIo, "the same, Socket.IO on a WebSocket", AtMost, 8.0, " KB"),
    (Goal::IdlePolling, "the same, polling session", AtMost, 12.0, " KB"),
    (Goal::Growth, "cost from 1,000 to 5,000 clients / what the floor grows", AtMost, 1.1, "x"),
    (Goal::Mixed, "four dialects in one room / the mean of rooms of one", AtMost, 1.1, "x"),
    (Goal::Posts, "POSTs a second, one connection, room of 1", AtLeast, 10_000.0, ""),
    (Goal::Scale, "fan-out p99 while all connect, join, leave, go / before", AtMost, 2.0, "x"),
    (Goal::Churn, "fan-out p99 during 500 connections a second / before", AtMost, 2.0, "x"),
    (Goal::Memory, "resident memory after the churn / before", AtMost, 1.05, "x"),
    (Goal::Counters, "counters that are not back after the churn", AtMost, 0.0, ""),
];

/// One figure of this run.
pub struct Score {
    pub goal: Goal,
    /// Which of several figures of one goal.
    pub which: String,
    pub value: f64,
}

impl Score {
    pub fn new(goal: Goal, which: impl Into<String>, value: f64) -> Self {
        Self { goal, which: which.into(), value }
    }
}

impl Goal {
    fn row(self) -> (Sense, f64, &'static str) {
        let row = GOALS.iter().find(|(goal, ..)| *goal == self);
        row.map_or((AtMost, f64::NAN, ""), |(_, _, sense, limit, unit)| (*sense, *limit, unit))
    }

    /// `<= 1.2 met`.
    pub fn verdict(self, value: f64) -> String {
        let (sense, limit, _) = self.row();
        let (sign, is_met) = match sense {
            AtMost => ("<=", value <= limit),
            AtLeast => (">=", value >= limit),
        };
        format!("{sign} {limit} {}", if is_met { "met" } else { "MISSED" })
    }
}

/// All goals, with what was measured for each.
pub fn table(scores: &[Score]) -> String {
    let mut text = format!("\n{:<62} {:<35} {:>10}  target\n", "goal", "", "measured");
    for (goal, what, ..) in GOALS {
        let mut here = scores.iter().filter(|score| score.goal == goal).peekable();
        if here.peek().is_none() {
            text += &format!("{what:<62} {:<35} {:>10}  not measured\n", "", "-");
        }
        for (number, score) in here.enumerate() {
            let (what, unit) = (if number == 0 { what } else { "" }, goal.row().2);
            let value = match score.value {
                large if large >= 1000.0 => format!("{large:.0}{unit}"),
                small => format!("{small:.2}{unit}"),
            };
            text += &format!("{what:<62} {:<35} {value:>10}  {}\n", score.which, goal.verdict(score.value));
        }
    }
    text
}
