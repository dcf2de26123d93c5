//! The table of dashboards: one row per room, deflated beside plain and beside the peer.

use std::fmt::Write;

use super::{median_of, name, verdict};
use crate::contestant::Round;
use crate::dashboard;
use crate::deflate::{Dashboards, Measured, Room};
use crate::greeting::Dialect;
use crate::websocket::Offer;

const KB: f64 = 1024.0;
/// CPU per delivery, deflated / plain, at most.
const DEFLATED_TARGET: f64 = 1.5;
/// CPU per delivery, ours / the peer's, at most.
const PEER_TARGET: f64 = 0.2;

pub fn deflate(dashboards: &Dashboards) -> String {
    let Dashboards { clients, rooms, peer } = dashboards;
    let mut text = format!(
        "\n{:<22} {:>7} {:>14} {:>9} {:>8} {:>8} {:>8} {:>7}\n",
        "dashboards", "us/dlv", "min-max", "wire B", "of text", "idle KB", "used KB", "wait %"
    );
    // Writing to a String cannot fail.
    for measured in rooms {
        let cost = median_of(&measured.rounds, Round::cost);
        let (low, high) = ends(measured.rounds.iter().map(Round::cost));
        let bytes = median_of(&measured.rounds, Round::frame_length);
        let _ = writeln!(
            text,
            "{:<22} {cost:>7.2} {:>14} {bytes:>9.0} {:>7.0}% {:>8.2} {:>8.2} {:>7.0}",
            label(measured.room),
            format!("{low:.2}-{high:.2}"),
            100.0 * bytes / dashboard::SIZE as f64,
            measured.idle / KB,
            measured.used / KB,
            waited_percent(&measured.rounds),
        );
    }
    for dialect in [Dialect::Plain, Dialect::SocketIo] {
        let of = |offer| rooms.iter().find(|measured| measured.room == Room::Product(dialect, offer));
        if let (Some(plain), Some(deflated)) = (of(Offer::Nothing), of(Offer::Deflate)) {
            let what = format!("{}, deflated / not", name(dialect));
            text += &comparison(&what, deflated, plain, DEFLATED_TARGET);
            if let Some(peer) = rooms.iter().find(|measured| measured.room == Room::Peer) {
                text += &comparison(&format!("{}, ours / ws", name(dialect)), deflated, peer, PEER_TARGET);
            }
        }
    }
    match peer {
        Ok(versions) => {
            text +=
                &format!("ws: {versions}, perMessageDeflate: {{ threshold: 1024 }}, one process on core 0.\n")
        }
        Err(missing) => text += &format!("NOTE: not compared with ws on Node.js: {missing}\n"),
    }
    text + &format!(
        "{clients} clients in a room, {} KiB of JSON, another text in every broadcast, one in flight. Checked: in each room\n\
         all got the first broadcast alike, and one client read every frame of the run, inflated those that were\n\
         deflated, and found in each the text that was sent. us/dlv: server CPU, all threads; min-max over the rounds;\n\
         wire B: bytes per delivery with the frame's head, and how much of the text that is; idle KB: VmRSS per\n\
         connection when all have joined, used KB: after all broadcasts, 1 KB = 1024 B; wait %: of the time server\n\
         threads could run, how much others, their own process among them, had the core.\n",
        dashboard::SIZE / 1024,
    )
}

/// The ratio of the medians, and of the rounds that ran one after the other.
fn comparison(what: &str, one: &Measured, other: &Measured, most: f64) -> String {
    let ratio = median_of(&one.rounds, Round::cost) / median_of(&other.rounds, Round::cost);
    let ratios = one.rounds.iter().zip(&other.rounds).map(|(one, other)| one.cost() / other.cost());
    let (low, high) = ends(ratios);
    let met = verdict(ratio <= most);
    format!("{what}: {ratio:.3}, {low:.3}-{high:.3} over the rounds; target <= {most}: {met}\n")
}

fn label(room: Room) -> String {
    match room {
        Room::Product(dialect, Offer::Nothing) => name(dialect).into(),
        Room::Product(dialect, Offer::Deflate) => format!("{}, deflated", name(dialect)),
        Room::Peer => "ws, deflated".into(),
    }
}

/// The lowest and the highest.
fn ends(figures: impl Iterator<Item = f64>) -> (f64, f64) {
    figures.fold((f64::INFINITY, 0.0), |(low, high), figure| (low.min(figure), high.max(figure)))
}

fn waited_percent(rounds: &[Round]) -> f64 {
    median_of(rounds, |round| {
        let (run, wait) = (round.cpu.run.as_secs_f64(), round.cpu.wait.as_secs_f64());
        100.0 * wait / (run + wait)
    })
}
