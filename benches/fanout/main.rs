//! CPU per delivered message, product against floor, in the same run.
//!
//! The product is the real binary and the floor a bare loop of `write(2)` (`floor.rs`), each a process of its own on
//! core 0; this process, on core 1, plays subscribers and publishers. It is a bench and not a test: whatever the
//! figures, the exit code is 0. It is 1 when a run was void (`void.rs`), because then there are no figures.
//!
//! ```text
//! cargo bench --bench fanout                    64 B, 1 KiB, 16 KiB x 1000 and 64 B x 5000; memory; some 3 minutes
//! cargo bench --bench fanout -- --quick         64 B x 1000, one in flight; memory; under a minute
//!   --rounds K        rounds per cell and side (5); the table shows their medians
//!   --broadcasts B    broadcasts per round (200)
//!   --clients N       at most N clients and connections everywhere, to be kind to neighbours
//!   --server PATH     another switchboard, such as an older build, instead of this one's release binary
//! ```

mod connections;
mod floor;
mod options;
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

use crate::connections::Kind;
use crate::options::Setup;
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
        eprintln!("measuring {} B x {} clients …", cell.payload, cell.clients);
        cells.extend(rounds::measure(setup, cell).await?);
    }
    let mut crowds = Vec::new();
    for kind in [Kind::Idle, Kind::Joined, Kind::Floor] {
        for &count in &setup.crowds {
            eprintln!("opening {count} connections …");
            crowds.push(connections::measure(setup, kind, count).await?);
        }
    }
    println!("{}{}", table::fan_out(&cells), table::connections(&crowds));
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
