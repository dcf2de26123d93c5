//! The figures as plain text, with the targets beside them.
//!
//! Only prints: a missed target is a word in the table, never an exit code, because a noisy neighbour can miss it too.

mod connections;
mod deflate;
mod endurance;
mod fan_out;
mod joins;
mod posts;
mod rooms;

pub use connections::{connections, scores as connection_scores};
pub use deflate::deflate;
pub use endurance::{churn, churn_scores, scale, scale_scores};
pub use fan_out::{fan_out, legend, scores as fan_out_scores};
pub use joins::joins;
pub use posts::{posts, score as posts_score};
pub use rooms::{rooms, score as rooms_score};

use crate::greeting::Dialect;
use crate::options::Setup;
use crate::process::Pinning;

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

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Floor => "floor",
        Dialect::Plain => "plain",
        Dialect::SocketIo => "socket.io",
        Dialect::SocketIoWs => "socket.io /ws",
        Dialect::SocketIoEvents => "socket.io /events",
    }
}

fn thousands(number: f64) -> String {
    format!("{:.0}k", number / 1000.0)
}

/// The lowest and the highest of some ratios.
fn span(ratios: impl Iterator<Item = f64> + Clone) -> String {
    let lowest = ratios.clone().fold(f64::INFINITY, f64::min);
    let highest = ratios.fold(0.0, f64::max);
    format!("{lowest:.2}-{highest:.2}")
}

fn median_of<R>(rounds: &[R], figure: impl Fn(&R) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 }
}
