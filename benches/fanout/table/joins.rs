//! The table of joins: one row per way to join.

use std::fmt::Write;

use super::{median_of, thousands, verdict};
use crate::joins::{IN_FLIGHT, JOINS, Joins, POOL, ROOMS, Round, Way};

/// Joins a second, at least.
const TARGET: f64 = 10_000.0;

pub fn joins(all: &[Joins]) -> String {
    let mut text = format!(
        "\n{:<20} {:>7} {:>7} {:>9}  {:<13} {:>7} {:>11} {:>10} {:>7} {:>6}\n",
        "joins",
        "clients",
        "joins/s",
        "min-max",
        "target",
        "us/join",
        "min-max",
        "core-sec",
        "load us",
        "wait %"
    );
    for Joins { way, clients, rounds } in all {
        let (speed, cost) = (median_of(rounds, Round::joins_per_second), median_of(rounds, Round::cost));
        let (slowest, fastest) = ends(rounds, Round::joins_per_second);
        let (cheapest, dearest) = ends(rounds, Round::cost);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<20} {clients:>7} {:>7} {:>9}  {:<13} {cost:>7.1} {:>11} {:>10} {:>7.1} {:>6.0}",
            label(*way),
            thousands(speed),
            format!("{}-{}", thousands(slowest), thousands(fastest)),
            format!(">= {} {}", thousands(TARGET), verdict(speed >= TARGET)),
            format!("{cheapest:.1}-{dearest:.1}"),
            thousands(1e6 / cost),
            median_of(rounds, Round::load),
            median_of(rounds, waited_percent),
        );
    }
    text + &format!(
        "Medians of rounds of {JOINS} joins, each with its leave, which is in every figure and counted in none. A client\n\
         has {IN_FLIGHT} requests under way and is in up to {ROOMS} of {POOL} rooms. Here the server has two workers and both cores\n\
         0 and 1; the load stays on core 1, so they share it: joins/s, by the wall clock, is what the load and\n\
         neighbours leave to the server. us/join: server CPU, all threads; core-sec: joins a second that makes on one\n\
         whole core; load us: the same CPU of the load generator. wait %: of the time server threads could run, how\n\
         much others had their cores: about 50 by the load and each other alone; much above it neighbours set joins/s,\n\
         and us/join is the figure to read.\n"
    )
}

fn label(way: Way) -> &'static str {
    match way {
        Way::Plain => "plain, join",
        Way::SocketIo => "socket.io, join",
        Way::Channel => "plain, subscribe kpi",
    }
}

fn waited_percent(round: &Round) -> f64 {
    let (run, wait) = (round.cpu.run.as_secs_f64(), round.cpu.wait.as_secs_f64());
    100.0 * wait / (run + wait)
}

/// The lowest and the highest.
fn ends(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> (f64, f64) {
    let widen = |(low, high): (f64, f64), figure: f64| (low.min(figure), high.max(figure));
    rounds.iter().map(figure).fold((f64::INFINITY, 0.0), widen)
}
