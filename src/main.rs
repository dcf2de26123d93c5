//! Reads the settings, starts the gateway, and serves until it is told to stop; or does the one thing it is
//! asked for instead.

mod cli;

use std::io::{self, Write};
use std::process::ExitCode;

use log::{error, warn};
use switchboard::telemetry::{self, LogFormat, LogOptions};
use switchboard::{App, Running, Settings};
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let settings = match Settings::from_process() {
        Ok((settings, None)) => settings,
        Ok((settings, Some(task))) => return cli::run(&settings, &task),
        Err(error) if error.is_help() => {
            // Whoever reads this may have read enough.
            let _ = writeln!(io::stdout(), "{error}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    let options = LogOptions {
        filter: &settings.rust_log,
        format: if settings.log_json { LogFormat::Json } else { LogFormat::Text },
        file: settings.log_file.as_deref(),
        enabled: settings.enable_logging,
    };
    if let Err(error) = telemetry::init_logging(&options) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if settings.metrics_ws_port.is_some() {
        warn!("METRICS_WS_PORT is deprecated: use PORT, WS_PORT or EXTRA_PORTS");
    }
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Settings) -> std::io::Result<()> {
    // Before anyone can reach us, so that no signal is missed.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let running = App::builder(settings).start()?;
    // Whoever reads this may have gone already, which is no reason to stop serving.
    let _ = announce(&running, &mut io::stdout().lock());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await
}

fn announce(running: &Running, out: &mut impl Write) -> io::Result<()> {
    for address in running.addresses() {
        writeln!(out, "listening on http://{address}")?;
    }
    if let Some(address) = running.addresses().first() {
        writeln!(out, "  console     http://{address}/")?;
        writeln!(out, "  dashboards  ws://{address}/ws")?;
        writeln!(
            out,
            "  broadcast   curl http://{address}/api/ws/broadcast -H 'content-type: application/json' \\"
        )?;
        writeln!(
            out,
            "                -d '{{\"type\":\"system:notification\",\"data\":{{\"message\":\"hello\"}}}}'"
        )?;
    }
    out.flush()
}
