//! The table of deliveries: one row per cell and depth, product against floor.

use std::time::Duration;

use super::{median_of, name, span, thousands, verdict};
use crate::contestant::Round;
use crate::rounds::Measured;

/// CPU per delivery, product / floor, at most.
const RATIO_TARGET: f64 = 1.4;

/// Headings and widths; a row has a cell for each.
const COLUMNS: [(&str, usize); 16] = [
    ("clients", 9),
    ("payload", 7),
    ("frame B", 7),
    ("number", 6),
    ("in flight", 9),
    ("us/dlv", 6),
    ("floor", 6),
    ("ratio", 6),
    ("min-max", 9),
    ("target", 6),
    ("wait %", 6),
    ("p50 ms", 6),
    ("p99 ms", 6),
    ("floor", 6),
    ("dlv/s", 6),
    ("floor", 6),
];

/// Each `floor` belongs to the figure on its left (the second one to p50).
pub fn fan_out(all: &[Measured]) -> String {
    let mut text = String::from("\n") + &line(COLUMNS.map(|(heading, _)| heading.to_owned()));
    for measured in all {
        text += &line(row(measured));
    }
    text + &format!(
        "us/dlv: server CPU per delivered message; ms: from publication to last subscriber; dlv/s: deliveries a second.\n\
         ratio: median product / median floor, min-max over the rounds; target <= {RATIO_TARGET}.\n\
         wait %: of the time the floor could run, how much neighbours had its core; above ten, run again.\n"
    )
}

fn line(cells: [String; COLUMNS.len()]) -> String {
    let padded = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:>width$}"));
    padded.collect::<Vec<_>>().join("  ") + "\n"
}

fn row(measured: &Measured) -> [String; COLUMNS.len()] {
    let (product, floor) = (&measured.product, &measured.floor);
    let (cost, least) = (median_of(product, Round::cost), median_of(floor, Round::cost));
    let ratio = cost / least;
    [
        name(measured.cell.dialect).to_owned(),
        size(measured.cell.payload),
        measured.frame_length.to_string(),
        measured.cell.clients.to_string(),
        measured.in_flight.to_string(),
        format!("{cost:.2}"),
        format!("{least:.2}"),
        format!("{ratio:.2}"),
        span(product.iter().zip(floor).map(|(ours, least)| ours.cost() / least.cost())),
        verdict(ratio <= RATIO_TARGET).to_owned(),
        format!("{:.0}", waited_percent(floor)),
        format!("{:.2}", percentile_ms(product, 50)),
        format!("{:.2}", percentile_ms(product, 99)),
        format!("{:.2}", percentile_ms(floor, 50)),
        thousands(median_of(product, Round::deliveries_per_second)),
        thousands(median_of(floor, Round::deliveries_per_second)),
    ]
}

fn size(bytes: usize) -> String {
    if bytes.is_multiple_of(1024) { format!("{} KiB", bytes / 1024) } else { format!("{bytes} B") }
}

/// Of the time the server was ready to run. Only told of the floor: with one thread it never waits for itself.
fn waited_percent(floor: &[Round]) -> f64 {
    let run: Duration = floor.iter().map(|round| round.cpu.run).sum();
    let wait: Duration = floor.iter().map(|round| round.cpu.wait).sum();
    100.0 * wait.as_secs_f64() / (run + wait).as_secs_f64()
}

/// Over the broadcasts of all rounds, in milliseconds.
fn percentile_ms(rounds: &[Round], percent: usize) -> f64 {
    let mut latencies: Vec<Duration> = rounds.iter().flat_map(Round::latencies).copied().collect();
    latencies.sort_unstable();
    latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
