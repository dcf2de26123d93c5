//! The figures as plain text, with the targets beside them.
//!
//! Only prints: a missed target is a word in the table, never an exit code, because a noisy neighbour can miss it too.

use std::fmt::Write;
use std::time::Duration;

use crate::connections::{Connections, Kind};
use crate::options::Setup;
use crate::process::Pinning;
use crate::rounds::{Measured, Round};

/// CPU per delivery, product / floor, at most.
const RATIO_TARGET: f64 = 1.4;
/// Bytes per idle connection, at most.
const IDLE_TARGET: f64 = 10.0 * 1024.0;

pub fn heading(setup: &Setup) -> String {
    let cores = match setup.pinning {
        Pinning::Pinned => "servers on core 0, load on core 1",
        Pinning::Unpinned => "not pinned",
    };
    let mut text = format!(
        "fan-out of {}\nmedians of {} interleaved rounds of {} broadcasts; {cores}\n",
        setup.server.display(),
        setup.rounds,
        setup.broadcasts
    );
    for note in &setup.notes {
        text += &format!("NOTE: {note}\n");
    }
    text
}

/// Headings and widths; a row has a cell for each.
const COLUMNS: [(&str, usize); 15] = [
    ("payload", 7),
    ("frame B", 7),
    ("clients", 7),
    ("in flight", 9),
    ("us/dlv", 7),
    ("floor", 6),
    ("ratio", 6),
    ("min-max", 9),
    ("target", 6),
    ("wait %", 6),
    ("p50 ms", 8),
    ("p99 ms", 7),
    ("floor", 6),
    ("dlv/s", 7),
    ("floor", 6),
];

/// The table of deliveries; each `floor` belongs to the figure on its left (the second one to p50).
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
    let ratios = product.iter().zip(floor).map(|(ours, least)| ours.cost() / least.cost());
    let lowest = ratios.clone().fold(f64::INFINITY, f64::min);
    let highest = ratios.fold(0.0, f64::max);
    [
        size(measured.cell.payload),
        measured.frame_length.to_string(),
        measured.cell.clients.to_string(),
        measured.in_flight.to_string(),
        format!("{cost:.2}"),
        format!("{least:.2}"),
        format!("{ratio:.2}"),
        format!("{lowest:.2}-{highest:.2}"),
        verdict(ratio <= RATIO_TARGET).to_owned(),
        format!("{:.0}", waited_percent(floor)),
        format!("{:.2}", percentile_ms(product, 50)),
        format!("{:.2}", percentile_ms(product, 99)),
        format!("{:.2}", percentile_ms(floor, 50)),
        thousands(median_of(product, Round::deliveries_per_second)),
        thousands(median_of(floor, Round::deliveries_per_second)),
    ]
}

pub fn connections(all: &[Connections]) -> String {
    let mut text = String::from("\nper connection         count   VmRSS KB   handshakes per CPU second\n");
    for measured in all {
        let (name, target) = match measured.kind {
            Kind::Idle => ("product, idle", verdict(measured.memory <= IDLE_TARGET)),
            Kind::Joined => ("product, joined", ""),
            Kind::Floor => ("floor, idle", ""),
        };
        let kilobytes = measured.memory / 1024.0;
        let handshakes = thousands(measured.handshakes_per_cpu_second);
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{name:<20} {:>7} {kilobytes:>10.2} {handshakes:>27}  {target}", measured.count);
    }
    text + &format!(
        "target: idle <= {} KB (1 KB = 1024 B; the figure is the largest count). A joined handshake includes its join.\n",
        IDLE_TARGET / 1024.0
    )
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
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

fn thousands(number: f64) -> String {
    format!("{:.0}k", number / 1000.0)
}

fn median_of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 }
}

/// Over the broadcasts of all rounds, in milliseconds.
fn percentile_ms(rounds: &[Round], percent: usize) -> f64 {
    let mut latencies: Vec<Duration> = rounds.iter().flat_map(Round::latencies).copied().collect();
    latencies.sort_unstable();
    latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
