//! Everything that is promised of a broadcast, in one run: CPU per delivered message against the floor and how it grows,
//! latencies, publications and joins a second, memory and handshakes per connection, and crowds that come and go.
//!
//! The product is the real binary and the floor a bare loop of `write(2)` (`floor.rs`), each a process of its own on
//! core 0; this process, on core 1, plays subscribers and publishers. Where joins are counted the server has both
//! cores. What is compared is open at the same time and takes turns. At the end all goals are listed with what was
//! measured (`goals.rs`), and how much of the machine others had. It is a bench and not a test: whatever the figures,
//! the exit code is 0. It is 1 when a run was void (`void.rs`), because then there are no figures.
//!
//! ```text
//! cargo bench --bench fanout                    everything; some ten minutes
//! cargo bench --bench fanout -- --quick         shorter rounds, and less of each part; some four minutes
//!   --only PARTS      some of these, with commas between; all by default
//!                       plain     fan-out to 100, 1,000 and 5,000 plain WebSockets against the floor
//!                       socketio  the same to Socket.IO clients on WebSockets
//!                       session   publications by a signed-in client in the room instead of by POST
//!                       payload   64 B, 1 KiB and 16 KiB
//!                       rooms     1, 100 and 1,000 rooms of ten, one after the other
//!                       mixed     a room of all four dialects beside rooms of one
//!                       deflate   dashboards to clients with permessage-deflate, without, and of `ws` on Node.js
//!                       posts     publications a second into a room of one, one connection
//!                       joins     joins a second, by plain and Socket.IO clients and of channels
//!                       idle      memory and handshakes of a WebSocket
//!                       polling   memory of a polling session, with and without a GET that waits
//!                       scale     broadcasts while 10,000 sockets connect, join ten rooms each, leave, and go
//!                       churn     broadcasts during 500 connections a second for a minute, and what is left of them
//!   --rounds K        rounds per cell and side (5); the tables show their medians
//!   --broadcasts B    broadcasts per round to 1,000 clients (200), to fewer clients more
//!   --clients N       at most N clients and connections everywhere, to be kind to neighbours; most goals are then
//!                     not judged
//!   --server PATH     another switchboard, such as an older build, instead of this one's release binary
//! ```

mod cells;
mod churn;
mod connections;
mod contestant;
mod counters;
mod dashboard;
mod deflate;
mod floor;
mod frames;
mod goals;
mod greeting;
mod http;
mod joins;
mod mixed;
mod noise;
mod options;
mod pace;
mod polling;
mod posts;
mod process;
mod publisher;
mod rounds;
mod scale;
mod subscribers;
mod table;
mod usage;
mod void;
mod websocket;

use std::env;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::goals::Score;
use crate::noise::Noise;
use crate::options::{Part, Setup};
use crate::process::Pinning;
use crate::void::{During, Result, Void};

fn main() -> ExitCode {
    let ended =
        if env::args().nth(1).as_deref() == Some(floor::ARGUMENT) { floor::serve() } else { generate_load() };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(void) => {
            eprintln!("VOID: {void}");
            ExitCode::FAILURE
        }
    }
}

fn generate_load() -> Result<()> {
    let setup = Setup::from_arguments(env::args().skip(1))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().during("starting tokio")?;
    // Whichever ends first drops the other, and with it the guards that kill the servers.
    LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            measured = measure_all(&setup) => measured,
            interrupted = interrupted() => interrupted,
        }
    })
}

async fn measure_all(setup: &Setup) -> Result<()> {
    print!("{}", table::heading(setup));
    let is_pinned = setup.pinning == Pinning::Pinned;
    let start = Noise::now(is_pinned)?;
    let (mut scores, mut last) = (Vec::new(), start);
    for (name, part) in Part::ALL {
        if !setup.measures(part) {
            continue;
        }
        eprintln!("measuring {name} …");
        let text = match measure(setup, part, &mut scores).await {
            Ok(text) => text,
            Err(void) => {
                // What was measured before stands; this part is not among it.
                println!("{}", goals::table(&scores));
                return Err(void);
            }
        };
        // All servers of the part have ended.
        let now = Noise::now(is_pinned)?;
        println!("{text}{}", now.since(&last));
        last = now;
    }
    println!("{}\nthe whole run: {}", goals::table(&scores), Noise::now(is_pinned)?.since(&start));
    Ok(())
}

/// Measures one part; gives its table.
async fn measure(setup: &Setup, part: Part, scores: &mut Vec<Score>) -> Result<String> {
    Ok(match part {
        Part::Plain | Part::SocketIo | Part::Session | Part::Payload | Part::Rooms => {
            let mut text = String::new();
            for board in setup.boards.iter().filter(|board| board.part == part) {
                let measured = rounds::measure(setup, &board.cells).await?;
                text += &table::fan_out(board, &measured);
                scores.extend(table::fan_out_scores(board, &measured));
            }
            text + table::legend()
        }
        Part::Mixed => {
            let rooms = mixed::measure(setup).await?;
            scores.extend((rooms.clients == 1000).then(|| table::rooms_score(&rooms)));
            table::rooms(&rooms)
        }
        Part::Deflate => table::deflate(&deflate::measure(setup).await?),
        Part::Posts => {
            let posts = posts::measure(setup).await?;
            scores.extend(table::posts_score(&posts));
            table::posts(&posts)
        }
        Part::Joins => {
            let mut joins = Vec::new();
            for way in joins::Way::ALL {
                joins.push(joins::measure(setup, way).await?);
            }
            table::joins(&joins)
        }
        Part::Idle | Part::Polling => {
            let mut crowds = Vec::new();
            for kind in setup.kinds(part) {
                for &count in &setup.crowds {
                    crowds.push(connections::measure(setup, kind, count).await?);
                }
            }
            scores.extend(table::connection_scores(&crowds));
            table::connections(&crowds)
        }
        Part::Scale => {
            let scale = scale::measure(setup).await?;
            scores.extend(table::scale_scores(&scale));
            table::scale(&scale)
        }
        Part::Churn => {
            let churn = churn::measure(setup).await?;
            scores.extend(table::churn_scores(&churn));
            table::churn(&churn)
        }
    })
}

async fn interrupted() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).during("listening for signals")?;
    let mut terminate = signal(SignalKind::terminate()).during("listening for signals")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Err(Void::new("interrupted"))
}
