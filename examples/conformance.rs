//! The server that the public conformance suites ask for: an embedding program with mounts and
//! handlers of its own, and nothing of the product but its library.
//!
//! ```console
//! $ PORT=3000 cargo run --example conformance
//! ```
//! - `/engine.io/`: Engine.IO that sends every message back, for the suite of
//!   `socketio/engine.io-protocol`;
//! - `/socket.io/`: the namespaces `/` and `/custom`, for the suite of `socketio/socket.io-protocol`;
//! - `/echo`: a WebSocket that sends every message back, for Autobahn.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::value::RawValue;
use switchboard::{App, Arguments, Emit, Event, Message, Mount, NamespaceHandler, Out};
use switchboard::{SessionSettings, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Autobahn's largest message.
const LARGEST: usize = 16 * 1024 * 1024;

/// Sends back what comes: text as text, bytes as bytes.
fn echo(message: Message<'_>, out: &mut Out<'_>) {
    out.send(message);
}

/// Tells whoever connects what it has sent along; nothing more is said in `/custom`.
struct Greeting;

impl NamespaceHandler for Greeting {
    fn connected(&self, auth: &RawValue, emit: &mut Emit<'_>) {
        greet(auth, emit);
    }

    fn event(&self, _: &Event<'_>, _: &mut Emit<'_>) {}
}

/// The main namespace: sends messages back, as events or as acknowledgements.
struct Main;

impl NamespaceHandler for Main {
    fn connected(&self, auth: &RawValue, emit: &mut Emit<'_>) {
        greet(auth, emit);
    }

    fn event(&self, event: &Event<'_>, emit: &mut Emit<'_>) {
        let answered = match event.name {
            "message" => emit.event("message-back", event.args, event.attachments),
            "message-with-ack" => emit.ack(event.args, event.attachments),
            _ => Ok(()),
        };
        answered.expect("what could be read can be written");
    }
}

fn greet(auth: &RawValue, emit: &mut Emit<'_>) {
    emit.event("auth", Arguments::one(auth), &[]).expect("an event without attachments");
}

/// The server, with timings that the suites count on.
fn app(port: &str) -> Result<App, Box<dyn Error>> {
    let settings = Settings::from_map(&[
        ("HOST", "localhost"),
        ("PORT", port),
        // A suite sends a GET and a POST at once on two connections, and wants them heard in that order:
        // one thread hears them as they came.
        ("WORKERS", "1"),
        ("CONNECTION_RATE_PER_IP", "0"),
        // What Autobahn has not yet read of its own.
        ("SEND_QUEUE_BYTES", "134217728"),
        ("SEND_QUEUE_TOTAL_BYTES", "1073741824"),
    ])?;
    let websocket = SessionSettings {
        soft_message_bytes: LARGEST,
        hard_message_bytes: LARGEST,
        ..SessionSettings::of_handlers(&settings)
    };
    let engine = SessionSettings {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_secs(1),
        ..SessionSettings::of_handlers(&settings)
    };
    let namespaces = Mount::socketio("/socket.io", engine.clone());
    Ok(App::bare(settings)
        .mount(Mount::engine("/engine.io", engine, echo))
        .mount(namespaces.namespace("/", Main).namespace("/custom", Greeting))
        .mount(Mount::websocket("/echo", websocket, echo)))
}

#[actix_web::main]
async fn main() -> ExitCode {
    let port = std::env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    match serve(&port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: &str) -> Result<(), Box<dyn Error>> {
    let running = app(port)?.start()?;
    for address in running.addresses() {
        writeln!(io::stdout(), "listening on http://{address}")?;
    }
    tokio::signal::ctrl_c().await?;
    Ok(running.stop().await?)
}
