//! CPU per delivered message, product against floor, joins a second, and memory per connection, in one run.
//!
//! The product is the real binary and the floor a bare loop of `write(2)` (`floor.rs`), each a process of its own on
//! core 0; this process, on core 1, plays subscribers and publishers. Where joins are counted the server has both
//! cores. It is a bench and not a test: whatever the figures, the exit code is 0. It is 1 when a run was void
//! (`void.rs`), because then there are no figures.
//!
//! ```text
//! cargo bench --bench fanout                    all payloads, sizes and depths of `options.rs`; some 5 minutes
//! cargo bench --bench fanout -- --quick         64 B x 1000, one in flight, and all memory; about 2 minutes
//!   --only PARTS      some of these, with commas between; all by default
//!                       plain     fan-out to plain WebSockets against the floor
//!                       socketio  the same to Socket.IO clients on WebSockets
//!                       mixed     a room of both beside rooms of one kind
//!                       deflate   dashboards to clients with permessage-deflate, without, and of `ws` on Node.js
//!                       joins     joins a second, by plain and Socket.IO clients and of channels
//!                       idle      memory of a WebSocket
//!                       polling   memory of a polling session, with and without a GET that waits
//!   --rounds K        rounds per cell and side (5); the table shows their medians
//!   --broadcasts B    broadcasts per round (200)
//!   --clients N       at most N clients and connections everywhere, to be kind to neighbours
//!   --server PATH     another switchboard, such as an older build, instead of this one's release binary
//! ```

mod connections;
mod contestant;
mod dashboard;
mod deflate;
mod floor;
mod frames;
mod greeting;
mod http;
mod joins;
mod mixed;
mod options;
mod polling;
mod process;
mod publisher;
mod rounds;
mod subscribers;
mod table;
mod usage;
mod void;
mod websocket;

use std::env;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::options::{Part, Setup};
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
    let mut cells = Vec::new();
    for cell in &setup.cells {
        eprintln!("measuring {} B x {} {:?} clients …", cell.payload, cell.clients, cell.dialect);
        cells.extend(rounds::measure(setup, cell).await?);
    }
    if !cells.is_empty() {
        println!("{}", table::fan_out(&cells));
    }
    if setup.measures(Part::Mixed) {
        eprintln!("measuring three rooms of {} clients …", setup.mixed);
        println!("{}", table::rooms(&mixed::measure(setup).await?));
    }
    if setup.measures(Part::Deflate) {
        eprintln!("sending dashboards to rooms of {} clients …", setup.deflated);
        println!("{}", table::deflate(&deflate::measure(setup).await?));
    }
    if setup.measures(Part::Joins) {
        let mut joins = Vec::new();
        for way in joins::Way::ALL {
            eprintln!("joining, {way:?}, {} clients …", setup.joiners);
            joins.push(joins::measure(setup, way).await?);
        }
        println!("{}", table::joins(&joins));
    }
    let mut crowds = Vec::new();
    for kind in setup.kinds() {
        for &count in &setup.crowds {
            eprintln!("opening {count} connections …");
            crowds.push(connections::measure(setup, kind, count).await?);
        }
    }
    if !crowds.is_empty() {
        println!("{}", table::connections(&crowds));
    }
    Ok(())
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
