//! The tables of deliveries: one row per cell and depth, product against floor, and how the cost grows.

use std::time::Duration;

use super::{median_of, name, span, thousands};
use crate::cells::{Board, Cell};
use crate::contestant::{Depth, Round};
use crate::goals::{Goal, Score};
use crate::greeting::Dialect;
use crate::options::Part;
use crate::publisher::By;
use crate::rounds::Measured;

/// Headings and widths; a row has a cell for each.
const COLUMNS: [(&str, usize); 19] = [
    ("clients", 9),
    ("by", 7),
    ("payload", 7),
    ("frame B", 7),
    ("rooms", 5),
    ("number", 6),
    ("under way", 11),
    ("us/dlv", 6),
    ("floor", 6),
    ("ratio", 5),
    ("min-max", 10),
    ("target", 14),
    ("wait %", 6),
    ("p50 ms", 6),
    ("p99 ms", 6),
    ("floor", 6),
    ("floor", 6),
    ("dlv/s", 6),
    ("floor", 6),
];

pub fn fan_out(board: &Board, all: &[Measured]) -> String {
    let mut text = format!("\n{}\n", board.title) + &line(COLUMNS.map(|(heading, _)| heading.to_owned()));
    for measured in all {
        text += &line(row(board, measured));
    }
    text += &growth(all);
    for measured in all {
        let Cell { rooms, floor_rooms, .. } = measured.cell;
        if floor_rooms < rooms {
            text += &format!("NOTE: beside {rooms} rooms the floor has {floor_rooms}\n");
        }
    }
    text
}

/// What the columns mean, once for all boards.
pub fn legend() -> &'static str {
    "us/dlv: server CPU per delivered message, medians over the rounds; ratio: of the medians, min-max over the rounds.\n\
     p50, p99: from publication to the last subscriber, over all broadcasts, then the floor's; dlv/s: deliveries a\n\
     second in the closed loop; wait %: of the time the floor could run, how much neighbours had its core: above ten,\n\
     run again.\n"
}

/// What of it was promised.
pub fn scores(board: &Board, all: &[Measured]) -> Vec<Score> {
    let mut scores = Vec::new();
    for measured in all {
        if let Some(goal) = goal(board, measured) {
            scores.push(Score::new(goal, label(&measured.cell), ratio(measured)));
        }
    }
    let usual = |measured: &&Measured| measured.cell.clients == 1000 && measured.depth == Depth::ONE;
    for measured in all {
        let Some(base) = all.iter().filter(usual).find(|base| is_alike(&base.cell, &measured.cell)) else {
            continue;
        };
        if measured.cell.clients == 5000 && measured.depth == Depth::ONE {
            let grown = ratio(measured) / ratio(base);
            scores.push(Score::new(Goal::Growth, label(&measured.cell), grown));
        }
        if is_judged_at_once(measured) && measured.cell == base.cell {
            scores.push(Score::new(Goal::AtOnce, at_once_label(measured), cost(measured) / cost(base)));
        }
    }
    scores
}

/// The goal for the ratio to the floor of a row, if there is one. The board of payloads has a row of another as its
/// base, which is not judged twice.
fn goal(board: &Board, measured: &Measured) -> Option<Goal> {
    let Cell { dialect, payload: 64, rooms: 1, clients, .. } = measured.cell else { return None };
    if measured.depth != Depth::ONE || board.part == Part::Payload {
        return None;
    }
    match (dialect, clients) {
        (Dialect::Plain, 1000) => Some(Goal::Plain),
        (Dialect::SocketIo, 1000) => Some(Goal::SocketIo),
        (_, 5000) => Some(Goal::Large),
        _ => None,
    }
}

/// Whether what eight at once spare is held to the goal: of the 64 B event, as the ratios to the floor are. Of longer
/// ones it is only printed.
fn is_judged_at_once(measured: &Measured) -> bool {
    let Cell { payload, clients, .. } = measured.cell;
    measured.depth.publishers() == 8 && payload == 64 && clients == 1000
}

/// Whether two cells differ in the number of clients alone.
fn is_alike(one: &Cell, other: &Cell) -> bool {
    Cell { clients: one.clients, depths: one.depths, ..other.clone() } == *one
}

fn label(cell: &Cell) -> String {
    format!("{}, {}", name(cell.dialect), by(cell.by))
}

fn at_once_label(measured: &Measured) -> String {
    let Measured { cell, depth: many, .. } = measured;
    format!("{}, {}, {}", label(cell), size(cell.payload), depth(*many))
}

fn depth(depth: Depth) -> String {
    match depth {
        Depth::InFlight(count) => format!("{count} in flight"),
        Depth::AtOnce(count) => format!("{count} at once"),
    }
}

fn by(by: By) -> &'static str {
    match by {
        By::Post => "POST",
        By::Session => "session",
    }
}

/// From each row to the next, and what several at once spare.
fn growth(all: &[Measured]) -> String {
    let mut text = String::new();
    let single: Vec<&Measured> = all.iter().filter(|measured| measured.depth == Depth::ONE).collect();
    for pair in single.windows(2) {
        let [one, other] = pair else { continue };
        let Some(what) = step(&one.cell, &other.cell) else { continue };
        let floor = least(other) / least(one);
        let own = cost(other) / cost(one);
        text +=
            &format!("{what}: us/dlv x {own:.2}, floor x {floor:.2}, product over floor {:.2}", own / floor);
        if one.cell.clients == 1000 && other.cell.clients == 5000 {
            text += &format!("; {}", Goal::Growth.verdict(own / floor));
        }
        text.push('\n');
    }
    for many in all.iter().filter(|measured| measured.depth != Depth::ONE) {
        let Some(one) = single.iter().find(|one| one.cell == many.cell) else { continue };
        let (spared, floor) = (cost(many) / cost(one), least(many) / least(one));
        let rounds = many.product.iter().zip(&one.product);
        let over = span(rounds.map(|(many, one)| many.cost() / one.cost()));
        text += &format!(
            "{} / one at a time: {spared:.2}, {over} over the rounds, floor {floor:.2}",
            at_once_label(many)
        );
        if is_judged_at_once(many) {
            text += &format!("; {}", Goal::AtOnce.verdict(spared));
        }
        text.push('\n');
    }
    text
}

/// What differs between two cells, if it is one thing alone.
fn step(one: &Cell, other: &Cell) -> Option<String> {
    let (dialect, by) = (one.dialect, one.by);
    if dialect != other.dialect || by != other.by {
        return None;
    }
    let alike = Cell { payload: other.payload, depths: other.depths, ..one.clone() };
    if alike == *other {
        return Some(format!("{}, {} to {}", name(dialect), size(one.payload), size(other.payload)));
    }
    if one.rooms != other.rooms {
        return Some(format!("{} to {} rooms", one.rooms, other.rooms));
    }
    is_alike(one, other).then(|| format!("{}, {} to {} clients", name(dialect), one.clients, other.clients))
}

fn line(cells: [String; COLUMNS.len()]) -> String {
    let padded = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:>width$}"));
    padded.collect::<Vec<_>>().join("  ") + "\n"
}

fn cost(measured: &Measured) -> f64 {
    median_of(&measured.product, Round::cost)
}

fn least(measured: &Measured) -> f64 {
    median_of(&measured.floor, Round::cost)
}

fn ratio(measured: &Measured) -> f64 {
    cost(measured) / least(measured)
}

fn row(board: &Board, measured: &Measured) -> [String; COLUMNS.len()] {
    let (product, floor) = (&measured.product, &measured.floor);
    let cell = &measured.cell;
    let ratio = ratio(measured);
    let goal = goal(board, measured);
    [
        name(cell.dialect).to_owned(),
        by(cell.by).to_owned(),
        size(cell.payload),
        measured.frame_length.to_string(),
        cell.rooms.to_string(),
        cell.clients.to_string(),
        depth(measured.depth),
        format!("{:.2}", cost(measured)),
        format!("{:.2}", least(measured)),
        format!("{ratio:.2}"),
        span(product.iter().zip(floor).map(|(ours, least)| ours.cost() / least.cost())),
        goal.map_or_else(String::new, |goal| goal.verdict(ratio)),
        format!("{:.0}", waited_percent(floor)),
        format!("{:.2}", percentile_ms(product, 50)),
        format!("{:.2}", percentile_ms(product, 99)),
        format!("{:.2}", percentile_ms(floor, 50)),
        format!("{:.2}", percentile_ms(floor, 99)),
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
    let mut latencies: Vec<Duration> = rounds.iter().flat_map(|round| &round.latencies).copied().collect();
    latencies.sort_unstable();
    latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3
}
