//! The table of publications into a room of one.

use std::fmt::Write;

use super::median_of;
use crate::contestant::Round;
use crate::goals::{Goal, Score};
use crate::posts::{PAYLOAD, PIPELINED, Posts, Way};

pub fn posts(posts: &Posts) -> String {
    let mut text = format!(
        "\n{:<36} {:>8} {:>15}  {:<16} {:>7} {:>7} {:>7}\n",
        "publications into a room of 1", "a second", "min-max", "target", "us each", "p50 ms", "p99 ms"
    );
    for (way, rounds) in &posts.ways {
        let speed = median_of(rounds, Round::deliveries_per_second);
        let goal = if *way == Way::Post { Goal::Posts.verdict(speed) } else { String::new() };
        let ends = rounds.iter().map(Round::deliveries_per_second);
        let (low, high) =
            ends.fold((f64::INFINITY, 0.0_f64), |(low, high), figure| (low.min(figure), high.max(figure)));
        let mut latencies: Vec<_> = rounds.iter().flat_map(|round| &round.latencies).copied().collect();
        latencies.sort_unstable();
        let percentile = |percent: usize| {
            let at = latencies.len().saturating_sub(1) * percent / 100;
            latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<36} {speed:>8.0} {:>15}  {goal:<16} {:>7.1} {:>7.3} {:>7.3}",
            label(*way),
            format!("{low:.0}-{high:.0}"),
            median_of(rounds, Round::cost),
            percentile(50),
            percentile(99),
        );
    }
    text + &format!(
        "{:<36} {:>8.0}\n\
         Closed loop on one connection, {PAYLOAD} B; us each: server CPU; ms: from the request to its answer. A POST leaves\n\
         an entry in the audit trail, a session's update does not.\n",
        "a bare 4 KiB write, synced",
        median_of(&posts.syncs, |figure| *figure),
    )
}

pub fn score(posts: &Posts) -> Option<Score> {
    let (_, rounds) = posts.ways.iter().find(|(way, _)| *way == Way::Post)?;
    Some(Score::new(Goal::Posts, "closed loop", median_of(rounds, Round::deliveries_per_second)))
}

fn label(way: Way) -> String {
    match way {
        Way::Post => "POST, one at a time".into(),
        Way::Pipelined => format!("POST, {PIPELINED} under way"),
        Way::Session => "by a session, one at a time".into(),
        Way::Floor => "floor, one trigger at a time".into(),
    }
}
